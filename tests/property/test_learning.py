"""Weights, Kelly and sessions against their definitions, computed again from the trades themselves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.compiled import records
from mastertrading.domain.market import DAY_MS, HOUR_MS
from mastertrading.engine.accounting import learn
from mastertrading.engine.book import TRADE, open_book
from mastertrading.rules.allocation.kelly import kelly_cap
from mastertrading.rules.allocation.sessions import fill_minutes
from mastertrading.settings.records import rules_record, session_records
from mastertrading.settings.schema import Settings
from mastertrading.signals.rows import MINUTE

MODEST = settings(deadline=None, max_examples=60)
WEIGHTS = (Fraction(30, 100), Fraction(20, 100), Fraction(15, 100), Fraction(35, 100))


@st.composite
def _closes(draw):
    """Closed trades over a few weeks: milliseconds since the one before, modules that voted, net atoms."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 90))
    gaps = chance.integers(0, 12 * HOUR_MS, count) * chance.integers(0, 2, count)  # many at the same moment
    return list(
        zip(
            gaps.tolist(),
            chance.integers(1, 16, count).tolist(),
            chance.integers(-3, 4, count).tolist(),
            strict=True,
        )
    )


CLOSES = _closes()


def _closed(closes, **groups):
    """An account after some closed trades; (account, trades as (closed_ms, modules, net))."""
    rules = rules_record(Settings.model_validate({"allocation": groups} if groups else {}))
    book, trade, now, seen = open_book(rules, 1, 10**12), records(TRADE, 1)[0], 20_000 * DAY_MS, []
    for gap, modules, net in closes:
        now += gap
        trade.closed_ms, trade.modules, trade.net_atoms = now, modules, net
        learn(book.account[0], book.outcomes, rules[0], trade, float(net))
        seen.append((now, modules, net))
    return book.account[0], seen


def _by_the_book(seen, m):
    """Posterior factor of a module from the trades that closed in the 7 days before the newest close."""
    recent = [net > 0 for t, modules, net in seen if t >= seen[-1][0] - 7 * DAY_MS and modules >> m & 1]
    if len(recent) < 10:
        return Fraction(1)
    return min(Fraction(2), max(Fraction(1, 2), Fraction(2 + sum(recent), 4 + len(recent)) * 2))


@MODEST
@given(CLOSES)
def test_weights_are_those_of_the_trades_closed_in_the_last_week(closes):
    account, seen = _closed(closes)
    raw = [weight * _by_the_book(seen, m) for m, weight in enumerate(WEIGHTS)]
    for m in range(4):
        assert account.weights[m] == pytest.approx(float(raw[m] / sum(raw)), abs=1e-12)


@MODEST
@given(CLOSES)
def test_weights_keep_their_sum(closes):
    account, _ = _closed(closes)
    assert sum(account.weights) == pytest.approx(1.0, abs=1e-12)


@MODEST
@given(CLOSES)
def test_weights_that_are_not_dynamic_stay_what_they_were(closes):
    account, _ = _closed(closes, dynamic={"enabled": False})
    assert list(account.weights[:4]) == pytest.approx([0.30, 0.20, 0.15, 0.35], abs=1e-15)


# ------------------------------------------------------------------ Kelly


@MODEST
@given(
    st.lists(st.integers(-64, 64), min_size=1, max_size=150),
    st.floats(0.0, 1.0),
    st.integers(2, 60),
)
def test_the_kelly_cap_is_the_fraction_of_the_last_hundred_results(results, fraction, least):
    group = {"risk": {"kelly": {"enabled": True, "fraction": fraction, "min_trades": least}}}
    rules = rules_record(Settings.model_validate(group))
    account = open_book(rules, 1, 10**12).account[0]
    for k, quarter in enumerate(results):
        account.results[k % 100] = quarter / 4.0
    account.results_seen = len(results)
    last = [Fraction(quarter, 4) for quarter in results[-100:]]
    cap = kelly_cap(account, rules[0].kelly)
    assert cap == pytest.approx(_kelly(last, fraction, least), abs=1e-12)
    assert 0.0 <= cap <= (1.0 if len(last) < least else 0.01)


def _kelly(results, fraction, least):
    if len(results) < least:
        return 1.0
    wins, losses = [r for r in results if r > 0], [r for r in results if r <= 0]
    if not wins:
        return 0.0
    p = Fraction(len(wins), len(results))
    best = p
    if losses and sum(losses) < 0:
        best = p - (1 - p) / ((sum(wins) / len(wins)) / (-sum(losses) / len(losses)))
    return min(0.01, max(0.0, float(Fraction(fraction) * best)))


# ------------------------------------------------------------------ sessions


def _session_at(hour):
    """(risk, floor in hundredths) of a UTC hour, as the specification says it."""
    if 12 <= hour < 14:
        return 1.00, 55
    if 6 <= hour < 14:
        return 1.00, 56
    if 14 <= hour < 20:
        return 0.90, 58
    if 20 <= hour < 23:
        return 0.00, 80
    return 0.70, 62


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_has_the_session_of_its_first_and_its_last_millisecond(hour):
    minutes = records(MINUTE, 2)
    open_ms = minutes["open_ms"].copy()
    open_ms[:] = 20_234 * DAY_MS + hour * HOUR_MS - 60_000, 20_234 * DAY_MS + (hour + 1) * HOUR_MS - 60_001
    fill_minutes(minutes, session_records(Settings()), (0, 0), open_ms, 60_000)
    for minute in minutes:
        assert (minute.session_risk, minute.session_floor) == _session_at(hour)
