"""Funding: when, on what, at which mark, and intervals that change."""

from __future__ import annotations

import pytest

from mastertrading.domain.market import HOUR_MS, MINUTE_MS
from mastertrading.domain.orders import BUY, SELL
from mastertrading.simulator.events import FundingChanged
from mastertrading.simulator.orders import IncomeKind
from unit.simulator.trading import ATOMS, FREE, START_MS, SYMBOL, Desk


def paid(desk):
    return [(i.ts_ms, -i.atoms) for i in desk.me.incomes if i.kind is IncomeKind.FUNDING]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_longs_pay_a_positive_rate_of_the_notional_at_the_mark_and_shorts_receive_it(side):
    desk = Desk(**FREE)
    desk.market_order(side, 10)
    desk.move(100_500, mark_ticks=100_333)
    desk.exchange.plan_funding(SYMBOL, [(START_MS + 5, 10_000, 8 * HOUR_MS)])
    desk.exchange.charge_due(START_MS + 6)
    assert paid(desk) == [(START_MS + 5, side * 100_333 * 10 * ATOMS // 10_000)]
    assert desk.balanced().funding == -desk.me.incomes[-1].atoms


def test_a_charge_is_made_at_the_opens_last_mark_before_any_fill_of_the_bar():
    desk = Desk(**FREE)
    desk.hold()
    desk.market_order(BUY, 10)  # fills at the open, after the charge
    desk.exchange.plan_funding(SYMBOL, [(START_MS + MINUTE_MS, 10_000, 8 * HOUR_MS)])
    desk.exchange.charge_due(START_MS + 2 * MINUTE_MS)
    desk.open(101_000)
    assert desk.lots == 10
    assert paid(desk) == []


def test_after_the_last_recorded_charge_nothing_is_charged():
    desk = Desk(**FREE)
    desk.market_order(BUY, 10)
    plan = [(START_MS + k * HOUR_MS, 10_000, HOUR_MS) for k in (1, 2)]
    desk.exchange.plan_funding(SYMBOL, plan)
    desk.exchange.charge_due(START_MS + 100 * HOUR_MS)
    assert [when for when, _ in paid(desk)] == [when for when, _, _ in plan]
    assert [e.settled for e in desk.market.settlements][:2] == [True, True]


def test_a_new_interval_moves_the_next_charge_to_its_next_whole_multiple():
    desk = Desk(**FREE)
    desk.market_order(BUY, 10)
    desk.exchange.plan_funding(SYMBOL, [(START_MS + 8 * HOUR_MS, 10_000, 8 * HOUR_MS)])
    desk.exchange.set_funding(SYMBOL, rate_e8=-20_000, interval_ms=HOUR_MS)
    first = (START_MS // HOUR_MS + 1) * HOUR_MS
    assert (desk.market.next_funding_ms, desk.market.funding_interval_ms) == (first, HOUR_MS)
    desk.exchange.charge_due(first + HOUR_MS + 1)
    assert [when for when, _ in paid(desk)] == [first, first + HOUR_MS]
    assert all(atoms < 0 for _, atoms in paid(desk))


def test_a_change_of_the_rate_is_announced_and_so_is_its_charge():
    desk = Desk()
    desk.exchange.set_funding(SYMBOL, rate_e8=75_000)
    desk.exchange.charge_due(desk.market.next_funding_ms + 1)
    told = [e for e in desk.events if isinstance(e, FundingChanged)]
    assert [(e.rate_e8, e.settled) for e in told[:2]] == [(75_000, False), (75_000, True)]
