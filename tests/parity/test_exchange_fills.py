"""The local exchange fills what the backtest's fill rule fills: same orders, same bars, same fills, to the last digit.

The orders are sent as a client would send them, at each close and in lockstep. Not sent: entries that the backtest
drops, because the next open is already beyond their stop or target (a client can't know that).
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from mastertrading.domain.reasons import FillReason
from mastertrading.simulator.orders import IncomeKind
from mastertrading.simulator.venue_rules import MatchingRules
from parity.echo import echoed, told
from parity.scenes import made, needs_data, recorded, stormy

THREE = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
REFUSES_REACHED_STOPS = MatchingRules(immediate_trigger="refuse")
TRIGGERS_THEM = MatchingRules(immediate_trigger="trigger", trigger_makes_new_order=True)
RULES = {"one order": (True, REFUSES_REACHED_STOPS), "stop of its own": (False, TRIGGERS_THEM)}


@cache
def _book(make, *words):
    scene = make(*words)
    return scene, told(scene)


def _same(scene, book, how):
    attaches, rules = RULES[how]
    trader = echoed(scene, book, attaches=attaches, rules=rules)
    assert sorted(trader.fills()) == sorted(book.fills)
    assert trader.payments() == book.payments
    insured = sum(i.atoms for i in trader.account.incomes if i.kind is IncomeKind.INSURANCE)
    assert trader.account.wallet_atoms - insured == book.balance
    assert trader.exchange.books().total == 0
    return Counter(fill.reason for fill in book.fills)


@pytest.mark.parametrize("how", RULES)
def test_three_recorded_instruments_over_four_days_fill_as_in_the_backtest(how):
    needs_data()
    scene, book = _book(recorded, THREE, 120)
    reasons = _same(scene, book, how)
    assert scene.stop - scene.start >= 4 * 1440
    assert {FillReason.ENTRY, FillReason.PARTIAL, FillReason.STOP} <= set(reasons)
    assert len(book.payments) > 0


@pytest.mark.parametrize("how", RULES)
def test_a_made_market_with_holes_fills_as_in_the_backtest(how):
    scene, book = _book(made, 3.0)
    assert sum(_same(scene, book, how).values()) >= 10


@pytest.mark.parametrize("how", RULES)
def test_flips_and_transfers_at_high_leverage_fill_as_in_the_backtest(how):
    scene, book = _book(stormy, 3.0, THREE, 2)
    reasons = _same(scene, book, how)
    assert {FillReason.FLIP, FillReason.SIGNAL, FillReason.TARGET, FillReason.STOP} <= set(reasons)
    assert sum(reasons.values()) > 700


@pytest.mark.parametrize("how", RULES)
def test_where_one_bar_liquidates_a_whole_account_everything_before_it_is_equal_and_the_same_is_liquidated(
    how,
):
    # At which price depends on the order inside that bar, which the exchange knows and a bar does not (ADR 0017).
    scene, book = _book(stormy)
    attaches, rules = RULES[how]
    made = sorted(echoed(scene, book, attaches=attaches, rules=rules).fills())
    last = max(fill.bar for fill in book.fills if fill.reason is FillReason.LIQUIDATION)
    assert [f for f in made if f.bar < last] == [f for f in sorted(book.fills) if f.bar < last]
    gone, expected = ([f for f in fills if f.bar >= last] for fills in (made, sorted(book.fills)))
    assert len(expected) == len(scene.market.symbols)
    assert [(f.bar, f.instrument, f.lots, f.reason) for f in gone] == [
        (f.bar, f.instrument, f.lots, f.reason) for f in expected
    ]
