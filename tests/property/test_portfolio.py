"""Portfolio risk and margin against NumPy and exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mastertrading.compiled import records
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.engine.book import POSITION
from mastertrading.lake.universe import CATALOGUE
from mastertrading.rules.position.margin import liquidation_ticks, maintenance
from mastertrading.rules.risk.exposure import correlated_room, correlation, value_at_risk
from mastertrading.settings.records import rules_record, spec_records
from mastertrading.settings.schema import Settings

MODEST = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32 - 1)


def _returns(draw, hours, count, missing=0.02):
    """Correlated hourly returns, some of them missing."""
    market = draw.normal(0.0, 0.005, (hours, 1))
    values = market + draw.normal(0.0, 0.004, (hours, count))
    values[draw.random(values.shape) < missing] = np.nan
    return values


def _portfolio(**values):
    portfolio = rules_record(Settings())[0].portfolio
    for name, value in values.items():
        portfolio[name] = value
    return portfolio


def _matrix(returns):
    """Correlations by NumPy, shrunk by a fifth toward 1."""
    return 0.8 * np.corrcoef(returns.T).reshape(returns.shape[1], -1) + 0.2


# ------------------------------------------------------------------ correlation


@MODEST
@given(SEEDS, st.integers(60, 900))
def test_a_correlation_is_that_of_numpy_over_common_hours_shrunk_toward_one(seed, hours):
    returns, portfolio = _returns(np.random.default_rng(seed), hours, 2), _portfolio()
    window = returns[max(0, hours - portfolio.hours) :]
    both = ~np.isnan(window).any(axis=1)
    found = correlation(returns, hours, 0, 1, portfolio)
    if both.sum() < portfolio.min_hours:
        assert math.isnan(found)
        return
    plain = np.corrcoef(window[both, 0], window[both, 1])[0, 1]
    assert (
        found == correlation(returns, hours, 1, 0, portfolio) == pytest.approx(0.8 * plain + 0.2, abs=1e-12)
    )


def test_a_correlation_over_too_few_common_hours_is_unknown_however_long_the_window():
    returns = np.random.default_rng(1).normal(0.0, 0.005, (720, 2))
    returns[:-47, 1] = np.nan
    assert math.isnan(correlation(returns, 720, 0, 1, _portfolio()))
    assert not math.isnan(correlation(returns, 720, 0, 1, _portfolio(min_hours=47)))


@MODEST
@given(SEEDS, st.integers(1, 7), st.sampled_from((-1, 1)), st.floats(0.05, 3.0))
def test_the_room_for_correlated_exposure_ends_exactly_at_the_limit(seed, count, side, limit):
    draw = np.random.default_rng(seed)
    exposures, returns = draw.uniform(-1.0, 1.0, count), _returns(draw, 100, count, missing=0.0)
    matrix, i = _matrix(returns), int(draw.integers(count))
    exposures[i] = 0.0
    room = correlated_room(returns, 100, exposures, (i, side), _portfolio(max_correlated=limit))
    assert exposures[i] == 0.0
    held = math.sqrt(max(0.0, exposures @ matrix @ exposures))
    if held >= limit:
        assert room == 0.0
        return
    exposures[i] = side * room
    assert room >= 0.0
    assert math.sqrt(exposures @ matrix @ exposures) == pytest.approx(limit, rel=1e-9)


@MODEST
@given(SEEDS, st.integers(2, 7), st.floats(0.1, 3.0))
def test_instruments_without_history_count_as_fully_correlated(seed, count, limit):
    draw = np.random.default_rng(seed)
    exposures = draw.uniform(-0.3, 0.3, count)
    exposures[0] = 0.0
    none = np.full((100, count), np.nan)
    room = correlated_room(none, 100, exposures, (0, 1), _portfolio(max_correlated=limit))
    assert room == pytest.approx(max(0.0, limit - np.abs(exposures).sum()), abs=1e-9)


# ------------------------------------------------------------------ value at risk


@MODEST
@given(SEEDS, st.integers(1, 7), st.integers(50, 900), st.sampled_from((0.9, 0.95, 0.99, 0.995)))
def test_value_at_risk_is_the_larger_of_numpys_normal_and_historical(seed, count, hours, confidence):
    draw = np.random.default_rng(seed)
    returns, exposures = _returns(draw, hours, count), draw.uniform(-1.5, 1.5, count)
    group = {"risk": {"portfolio": {"confidence": confidence}}}
    portfolio = rules_record(Settings.model_validate(group))[0].portfolio
    known = hours - int(draw.integers(0, 2))
    worst = np.zeros(1024)
    got = value_at_risk(returns, known, exposures, worst, portfolio)
    hourly = returns[max(0, known - int(portfolio.hours)) : known]
    hourly = hourly[~np.isnan(hourly).all(axis=1)]
    against = -np.sign(exposures) * np.nanmax(np.abs(hourly), axis=1, initial=0.0)[:, None]
    window = np.sort(np.where(np.isnan(hourly), against, hourly) @ exposures)
    if len(window) < portfolio.min_hours:
        assert math.isnan(got)
        return
    normal = float(portfolio.z) * float(np.std(window))
    historical = -window[int(len(window) * float(portfolio.tail))]
    assert got == pytest.approx(max(0.0, normal, historical) * math.sqrt(24.0), rel=1e-9)


def test_a_young_instrument_does_not_make_the_account_look_safe():
    returns = np.random.default_rng(2).normal(0.0, 0.015, (720, 2))
    alone, worst = np.array([3.0, 0.0]), np.zeros(1024)
    before = value_at_risk(returns, 720, alone, worst, _portfolio())
    returns[:-3, 1] = np.nan
    assert value_at_risk(returns, 720, np.array([3.0, 0.01]), worst, _portfolio()) >= before


# ------------------------------------------------------------------ margin


def _spec(symbol):
    return spec_records(Settings(), (CATALOGUE[symbol],))[0]


@MODEST
@given(st.sampled_from(sorted(CATALOGUE)), st.integers(1, 10**17))
def test_maintenance_margin_is_the_sum_over_the_tiers_that_a_notional_fills(symbol, notional):
    tiers, spec = CATALOGUE[symbol].tiers, _spec(symbol)
    exact = Fraction(0)
    for k, tier in enumerate(tiers):
        floor = int(tier.floor * ATOMS_PER_UNIT)
        end = int(tiers[k + 1].floor * ATOMS_PER_UNIT) if k + 1 < len(tiers) else notional
        exact += max(0, min(notional, end) - floor) * Fraction(tier.maintenance_rate)
    assert abs(maintenance(notional, spec) - exact) <= 1


@MODEST
@given(
    symbol=st.sampled_from(sorted(CATALOGUE)),
    side=st.sampled_from((-1, 1)),
    lots=st.integers(1, 10**6),
    px_ticks=st.integers(10_000, 10**6),
    spare=st.floats(0.0001, 0.5),
)
def test_the_liquidation_level_is_the_first_tick_where_equity_meets_maintenance(
    symbol, side, lots, px_ticks, spare
):
    spec, position = _spec(symbol), records(POSITION, 1)[0]
    position.lots, position.mark_ticks = side * lots, px_ticks
    value = lots * int(spec.atoms)
    assume(px_ticks * value < 10**17)
    equity = maintenance(px_ticks * value, spec) + int(spare * px_ticks * value)
    level = liquidation_ticks(position, spec, equity - maintenance(px_ticks * value, spec))
    if level == 0:
        assert side > 0
        return
    assume(
        _tier(level * value, spec) == _tier(px_ticks * value, spec)
    )  # exact while the tier does not change

    def left(at):
        """Equity minus maintenance with the mark at a tick."""
        return equity + side * (at - px_ticks) * value - maintenance(at * value, spec)

    assert left(level) <= 1  # maintenance is rounded to whole atoms
    assert left(level + side) > -1


def _tier(notional, spec):
    return sum(notional >= int(floor) for floor in spec.tier_floor[: spec.tiers])
