"""Money and lots against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.compiled import records
from mastertrading.engine.book import POSITION
from mastertrading.engine.params import RULES, SPEC
from mastertrading.rules.position.exits import partial_lots
from mastertrading.rules.position.money import RATE_UNIT, rate_of, share_of
from mastertrading.rules.position.transitions import funding_payment
from mastertrading.rules.risk.sizing import risk_lots, stop_distance_ticks, whole_lots

MODEST = settings(deadline=None, max_examples=200)
AMOUNTS = st.one_of(
    st.integers(-9 * 10**16, 9 * 10**16),
    st.integers(-2 * 10**9, 2 * 10**9).map(lambda k: k * 50_000_000),  # halves are likely here
)
RATES = st.integers(-RATE_UNIT, RATE_UNIT)


@MODEST
@given(AMOUNTS, RATES)
def test_a_rate_of_an_amount_is_the_exact_fraction_rounded_half_even(amount, rate):
    assert rate_of(amount, rate) == round(Fraction(amount * rate, RATE_UNIT))


@MODEST
@given(AMOUNTS, RATES)
def test_a_rate_of_an_amount_is_the_same_for_both_signs_turned(amount, rate):
    assert rate_of(-amount, -rate) == rate_of(amount, rate) == -rate_of(amount, -rate)


@MODEST
@given(st.integers(0, 9 * 10**18), st.integers(1, 2 * 10**9), st.data())
def test_a_share_of_a_cost_basis_is_the_exact_fraction_rounded_half_even(total, whole, data):
    part = data.draw(st.integers(0, whole))
    assert share_of(total, part, whole) == round(Fraction(total * part, whole))


def test_the_last_lots_of_a_large_position_use_its_cost_basis_up():
    lots, px_ticks = 50_000_000, 10_000  # their product times the lots leaves 63 bits
    assert share_of(px_ticks * lots, lots, lots) == px_ticks * lots
    assert share_of(px_ticks * lots, lots // 2, lots) == px_ticks * lots // 2


@MODEST
@given(st.integers(1, 10**9), st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(1, 10**5))
def test_a_short_pays_for_a_rate_what_a_long_pays_for_its_negative(lots, rate, px_ticks, value):
    position, spec = records(POSITION, 2), records(SPEC, 1)[0]
    position["lots"], position["mark_ticks"], spec.atoms = (lots, -lots), px_ticks, 1 + value % 1000
    long, short = (funding_payment(position[k], spec, rate * (-1) ** k) for k in (0, 1))
    assert long == short == round(Fraction(lots * px_ticks * int(spec.atoms) * rate, RATE_UNIT))


# ------------------------------------------------------------------ lots


@MODEST
@given(
    risk=st.floats(1e-6, 0.05),
    equity=st.integers(0, 10**15),
    distance=st.integers(1, 10**6),
    value=st.integers(1, 10**6),
)
def test_rounding_to_lots_never_risks_more_and_leaves_less_than_one_lot(risk, equity, distance, value):
    spec = records(SPEC, 1)[0]
    spec.atoms = value
    lots = risk_lots(risk, equity, distance, spec)
    allowed, each = Fraction(risk) * equity, distance * value
    assert lots * each <= math.ceil(allowed)
    assert (lots + 1) * each > math.floor(allowed)


@MODEST
@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=False))
def test_whole_lots_are_never_negative_and_never_nonsense(amount, each):
    assert 0 <= whole_lots(amount, each) <= 9_000_000_000_000_000


@MODEST
@given(st.integers(10, 10**8), st.floats(0.0, 0.05), st.floats(0.0, 0.2))
def test_a_stop_is_never_farther_than_its_fraction_of_the_price(px_ticks, base, volatility):
    sizing = records(RULES, 1)[0].sizing
    sizing.stop_base, sizing.stop_floor, sizing.stop_atr = base, 0.012, 1.5
    fraction = max(base, 0.012, 1.5 * volatility)
    assert stop_distance_ticks(px_ticks, volatility, sizing) <= Fraction(px_ticks * fraction)


@MODEST
@given(st.integers(-(10**9), 10**9).filter(bool), st.floats(0.0, 1.0), st.integers(0, 1000))
def test_a_partial_close_is_a_whole_number_of_lots_and_never_more_than_its_fraction(lots, fraction, least):
    position, exits = records(POSITION, 1)[0], records(RULES, 1)[0].exits
    position.lots, exits.partial_frac = lots, fraction
    taken = partial_lots(position, exits, least)
    assert taken == 0 or max(1, least) <= taken <= math.ceil(Fraction(fraction) * abs(lots))
    if taken == 0:
        assert math.floor(abs(lots) * fraction) < max(1, least)
    position.partial_done = 1
    assert partial_lots(position, exits, least) == 0


@pytest.mark.parametrize(("lots", "half"), [(1, 0), (2, 1), (3, 1), (-7, 3)])
def test_half_of_an_odd_size_is_rounded_down(lots, half):
    position, exits = records(POSITION, 1)[0], records(RULES, 1)[0].exits
    position.lots, exits.partial_frac = lots, 0.5
    assert partial_lots(position, exits, 1) == half
