"""Positions, margin, leverage and modes of accounts."""

from __future__ import annotations

import pytest

from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.orders import BUY, SELL, MarginMode
from mastertrading.simulator.orders import IncomeKind, Leg, No, Refused
from unit.simulator.trading import ATOMS, FREE, SYMBOL, Desk


def refused(act, *words, **more):
    with pytest.raises(Refused) as caught:
        act(*words, **more)
    return caught.value.reason


def test_a_partial_close_releases_the_basis_in_proportion_rounded_half_even():
    desk = Desk(**FREE)
    desk.market_order(BUY, 2)
    desk.move(100_001)
    desk.market_order(BUY, 1)  # basis 300 001 tick-lots for three
    desk.market_order(SELL, 1)
    position = desk.exchange.position(desk.me, SYMBOL)
    assert (position.lots, position.cost) == (2, 300_001 - 100_000)
    desk.market_order(SELL, 2)
    assert (position.lots, position.cost) == (0, 0)
    realised = sum(i.atoms for i in desk.me.incomes if i.kind is IncomeKind.REALISED)
    assert realised == (3 * 100_001 - 300_001) * ATOMS


def test_an_order_through_flat_turns_the_position_and_realises_only_what_it_closed():
    desk = Desk(**FREE)
    desk.market_order(BUY, 10)
    desk.move(101_000)
    desk.market_order(SELL, 15)
    position = desk.exchange.position(desk.me, SYMBOL)
    assert (position.lots, position.cost) == (-5, 5 * 101_000)
    assert desk.me.executions[-1].realised_atoms == 10 * 1_000 * ATOMS


def test_in_hedge_mode_the_legs_are_apart_and_each_only_closes_what_it_has():
    desk = Desk(hedged=True, **FREE)
    desk.market_order(BUY, 10, leg=Leg.LONG)
    desk.market_order(SELL, 4, leg=Leg.SHORT)
    assert refused(desk.market_order, SELL, 11, leg=Leg.LONG) is No.REDUCE_ONLY
    assert refused(desk.market_order, BUY, 1) is No.POSITION_MODE
    desk.market_order(SELL, 10, leg=Leg.LONG)
    legs = {p.leg: p.lots for p in desk.exchange.positions(desk.me)}
    assert legs == {Leg.LONG: 0, Leg.SHORT: -4}


def test_initial_margin_is_the_notional_at_the_mark_over_the_leverage():
    desk = Desk(**FREE)
    desk.exchange.set_leverage(desk.me, SYMBOL, 10)
    desk.market_order(BUY, 10)
    assert desk.exchange.initial_margin_atoms(desk.me) == 100_000 * 10 * ATOMS // 10
    desk.move(110_000)
    assert desk.exchange.initial_margin_atoms(desk.me, SYMBOL) == 110_000 * 10 * ATOMS // 10


def test_open_orders_need_margin_for_their_dearer_side_only():
    desk = Desk(**FREE)
    desk.limit(BUY, 10, 99_000)
    one_side = desk.exchange.order_margin_atoms(desk.me)
    desk.limit(SELL, 5, 101_000)
    assert desk.exchange.order_margin_atoms(desk.me) == one_side == 99_000 * 10 * ATOMS // 20
    desk.limit(SELL, 10, 101_000)
    assert desk.exchange.order_margin_atoms(desk.me) > one_side


def test_an_order_that_reduces_needs_no_margin_and_one_that_turns_needs_the_difference():
    desk = Desk(units=520, **FREE)
    desk.market_order(BUY, 1_000)  # 10 000 of notional at 20: all but 20
    assert desk.exchange.available_atoms(desk.me) == 20 * ATOMS_PER_UNIT
    desk.limit(SELL, 1_000, 100_500)
    assert desk.exchange.order_margin_atoms(desk.me) == 0
    assert refused(desk.market_order, BUY, 100) is No.MARGIN
    assert refused(desk.limit, SELL, 1_200, 100_500) is No.MARGIN


def test_available_money_never_shows_below_zero():
    desk = Desk(units=520, **FREE)
    desk.market_order(BUY, 1_000)
    desk.move(99_000)
    assert desk.exchange.available_atoms(desk.me) == 0
    assert refused(desk.exchange.transfer, desk.me, -ATOMS_PER_UNIT) is No.BALANCE


def test_leverage_stays_within_the_listing_and_what_is_held():
    desk = Desk(units=520, max_leverage=50, **FREE)
    desk.market_order(BUY, 1_000)
    assert refused(desk.exchange.set_leverage, desk.me, SYMBOL, 51) is No.LEVERAGE
    assert refused(desk.exchange.set_leverage, desk.me, SYMBOL, 20) is No.NO_CHANGE
    assert refused(desk.exchange.set_leverage, desk.me, SYMBOL, 10) is No.MARGIN
    desk.exchange.set_leverage(desk.me, SYMBOL, 50)
    assert desk.me.leverage[SYMBOL] == 50


def test_modes_change_only_on_a_flat_account_without_orders():
    desk = Desk()
    order = desk.limit(BUY, 10, 99_000)
    exchange = desk.exchange
    assert refused(exchange.set_position_mode, desk.me, True) is No.HAS_ORDERS_OR_POSITION
    isolated = (desk.me, SYMBOL, MarginMode.ISOLATED)
    assert refused(exchange.set_margin_mode, *isolated) is No.HAS_ORDERS_OR_POSITION
    exchange.cancel(desk.me, SYMBOL, number=order.number)
    exchange.set_position_mode(desk.me, True)
    exchange.set_margin_mode(*isolated)
    assert refused(exchange.set_margin_mode, *isolated) is No.NO_CHANGE
    assert refused(exchange.set_position_mode, desk.me, True) is No.NO_CHANGE


def test_a_re_used_client_id_finds_the_open_order_first_then_the_newest():
    desk = Desk()
    old = desk.limit(BUY, 1, 99_000, client_id="x")
    desk.exchange.cancel_all(desk.me, SYMBOL)
    new = desk.limit(BUY, 2, 99_000, client_id="x")
    assert desk.exchange.find(desk.me, SYMBOL, client_id="x") is new
    desk.exchange.cancel_all(desk.me, SYMBOL)
    assert desk.exchange.find(desk.me, SYMBOL, client_id="x") is new
    assert desk.exchange.find(desk.me, SYMBOL, number=old.number) is old
    assert desk.exchange.find(desk.me, SYMBOL, client_id="y") is None


def test_questions_cut_by_time_number_and_kind():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.clock.advance(60)
    desk.market_order(SELL, 10)
    first, second = desk.me.executions
    ask = desk.exchange
    assert ask.executions(desk.me, SYMBOL, since_ms=second.ts_ms) == [second]
    assert ask.executions(desk.me, after=first.number) == [second]
    assert ask.executions(desk.me, until_ms=first.ts_ms) == [first]
    assert len(ask.order_history(desk.me, SYMBOL, since_ms=second.ts_ms)) == 1
    assert {i.kind for i in ask.income(desk.me, kind=IncomeKind.FEE)} == {IncomeKind.FEE}


def test_accounts_are_found_by_their_key_and_an_empty_key_is_nobodys():
    desk = Desk()
    other = desk.exchange.open_account("other", api_key="k")
    assert desk.exchange.account_of_key("k") is other
    assert desk.exchange.account_of_key("") is None


def test_two_accounts_at_one_price_do_not_trade_with_each_other_but_with_the_market():
    desk = Desk(**FREE)
    other = desk.exchange.open_account("other", deposit_atoms=10**12)
    desk.limit(BUY, 10, 99_000)
    desk.limit(SELL, 10, 99_000, account=other)  # takes at the bid, not from our limit
    assert [e.px_ticks for e in other.executions] == [100_000]
    assert desk.fills == []
    desk.balanced()
