"""Liquidation, the insurance fund, deleveraging and delivery."""

from __future__ import annotations

import pytest

from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.orders import BUY, SELL, MarginMode, OrderStatus
from mastertrading.simulator.listing import Trading
from mastertrading.simulator.orders import Cause, Ended, IncomeKind, Liquidity
from mastertrading.simulator.venue_rules import MatchingRules
from unit.simulator.trading import ATOMS, FREE, SYMBOL, Desk


def level_by_hand(side, lots, px, equity_atoms, rate):
    """Where equity meets maintenance, moved tick by tick."""
    mark = px
    while mark > 0:
        worth = equity_atoms + side * (mark - px) * lots * ATOMS
        if worth - mark * lots * ATOMS * rate <= 0:
            return mark
        mark -= side
    return 0


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_position_is_liquidated_where_equity_meets_maintenance_margin(side):
    desk = Desk(units=1_000, **FREE)
    desk.market_order(side, 1_000)
    level = desk.exchange.liquidation_ticks(desk.me, SYMBOL)
    assert level == level_by_hand(side, 1_000, 100_000, 1_000 * ATOMS_PER_UNIT, 0.01)
    desk.open(100_000)
    desk.exchange.travel(SYMBOL, level + side)
    assert desk.lots == side * 1_000
    desk.exchange.travel(SYMBOL, level - side * 500)
    assert desk.lots == 0
    last = desk.me.executions[-1]
    assert (last.px_ticks, last.cause, last.liquidity) == (level, Cause.LIQUIDATION, Liquidity.TAKER)
    desk.balanced()


def test_slippage_and_the_liquidation_fee_are_on_the_account():
    desk = Desk(units=1_000, taker_e8=50_000, liquidation_e8=1_000_000, slippage_e8=100_000)
    desk.market_order(BUY, 900)
    level = desk.exchange.liquidation_ticks(desk.me, SYMBOL)
    desk.open(100_000)
    desk.exchange.travel(SYMBOL, level)
    last = desk.me.executions[-1]
    assert last.px_ticks == level - -(-level // 1_000)
    assert last.fee_atoms == last.px_ticks * 900 * ATOMS * 105 // 10_000
    assert desk.balanced().insurance > 10**15  # its part of the fee


def test_a_stop_nearer_than_the_level_comes_first_and_one_beyond_it_too_late():
    for away, cause in ((1, Cause.CLIENT), (-1, Cause.LIQUIDATION)):
        desk = Desk(units=1_000, **FREE)
        desk.market_order(BUY, 1_000)
        level = desk.exchange.liquidation_ticks(desk.me, SYMBOL)
        stop = desk.stop(SELL, level + away)
        desk.open(100_000)
        desk.exchange.travel(SYMBOL, level - 5_000)
        assert desk.me.executions[-1].cause is cause
        assert stop.status is (OrderStatus.FILLED if away > 0 else OrderStatus.CANCELLED)


@pytest.mark.parametrize(("away", "cause"), [(1, Cause.CLIENT), (0, Cause.CLIENT), (-1, Cause.LIQUIDATION)])
def test_a_jump_beyond_stop_and_level_fills_the_one_that_came_first_at_the_open(away, cause):
    desk = Desk(units=1_000, **FREE)
    desk.market_order(BUY, 1_000)
    stop = desk.stop(SELL, desk.exchange.liquidation_ticks(desk.me, SYMBOL) + away)
    desk.hold()
    desk.open(80_000)
    assert (desk.me.executions[-1].cause, desk.fills[-1]) == (cause, (-1_000, 80_000))
    assert stop.ended is (Ended.LIQUIDATED if cause is Cause.LIQUIDATION else None)


def test_until_the_next_mark_a_new_position_is_valued_at_its_fill():
    desk = Desk(units=1_000, **FREE)
    desk.exchange.travel(SYMBOL, 98_000)  # the mark stays at 100 000
    desk.market_order(BUY, 1_000)
    level = level_by_hand(BUY, 1_000, 98_000, 1_000 * ATOMS_PER_UNIT, 0.01)
    assert desk.exchange.liquidation_ticks(desk.me, SYMBOL) == level
    desk.exchange.set_marks({SYMBOL: (100_000, 100_000)})
    assert abs(desk.exchange.liquidation_ticks(desk.me, SYMBOL) - level) <= 1


def test_a_loss_beyond_the_wallet_is_paid_by_the_insurance_fund():
    desk = Desk(units=1_000, insurance=10**12, **FREE)
    desk.market_order(BUY, 1_000)
    desk.hold()
    desk.open(85_000)
    desk.exchange.travel(SYMBOL, 84_000)
    assert desk.me.wallet_atoms == 0
    paid = [i.atoms for i in desk.me.incomes if i.kind is IncomeKind.INSURANCE]
    assert paid == [500 * ATOMS_PER_UNIT]  # 1 500 were lost
    assert desk.balanced().insurance == 10**12 - paid[0]


def test_an_empty_fund_deleverages_who_won():
    desk = Desk(units=1_000, insurance=100 * ATOMS_PER_UNIT, **FREE)
    winner = desk.exchange.open_account("winner", deposit_atoms=10**13)
    desk.market_order(BUY, 1_000)
    desk.market_order(SELL, 1_500, account=winner)
    desk.hold()
    desk.open(85_000)
    desk.exchange.travel(SYMBOL, 84_000)
    desk.exchange.set_marks({SYMBOL: (84_000, 84_000)})
    assert desk.me.wallet_atoms == 0
    assert winner.executions[-1].cause is Cause.ADL
    assert desk.exchange.position(winner, SYMBOL).lots == -500
    assert desk.balanced().insurance == 0


def test_who_won_most_by_the_least_margin_is_deleveraged_first():
    desk = Desk(units=1_000, insurance=100 * ATOMS_PER_UNIT, **FREE)
    late, early = (desk.exchange.open_account(name, deposit_atoms=10**13) for name in ("late", "early"))
    desk.market_order(SELL, 1_000, account=early)
    desk.market_order(BUY, 1_000)
    desk.move(99_000)
    desk.market_order(SELL, 1_000, account=late)
    desk.hold()
    desk.open(85_000)
    desk.exchange.travel(SYMBOL, 84_000)
    held = [desk.exchange.position(one, SYMBOL).lots for one in (early, late)]
    assert held == [0, -1_000]
    desk.balanced()


@pytest.mark.parametrize("mode", MarginMode)
def test_a_part_may_be_liquidated_and_what_is_left_stands_for_the_rest(mode):
    desk = Desk(units=1_000, insurance=10**12, slippage_e8=0, taker_e8=0)
    if mode is MarginMode.ISOLATED:
        desk.exchange.set_margin_mode(desk.me, SYMBOL, mode)
    desk.market_order(BUY, 900)
    own = sum(desk.me.isolated.values())
    resting = desk.limit(SELL, 100, 101_000)
    desk.exchange.liquidate(desk.me, SYMBOL, lots=400)
    last = desk.me.executions[-1]
    assert (desk.lots, last.lots, last.cause) == (500, -400, Cause.LIQUIDATION)
    assert last.fee_atoms == 100_000 * 400 * ATOMS * 125 // 10_000
    assert resting.ended is Ended.LIQUIDATED
    assert sum(desk.me.isolated.values()) == own * 5 // 9
    assert desk.balanced().insurance == 10**12 + last.fee_atoms


def test_a_mark_alone_liquidates_at_the_mark():
    desk = Desk(units=1_000, **FREE)
    desk.market_order(BUY, 1_000)
    desk.exchange.set_marks({SYMBOL: (90_000, 90_000)})
    assert desk.lots == 0
    assert desk.me.executions[-1].px_ticks == 90_000


def test_a_wick_of_the_last_price_liquidates_nobody_where_only_the_mark_counts():
    desk = Desk(units=1_000, rules=MatchingRules(liquidation_by="mark"), **FREE)
    desk.market_order(BUY, 1_000)
    desk.exchange.travel(SYMBOL, 80_000)
    desk.exchange.travel(SYMBOL, 100_000)
    assert desk.lots == 1_000


def test_a_profit_elsewhere_moves_the_level_of_a_cross_position_and_not_of_an_isolated_one():
    for mode, moved in ((MarginMode.CROSS, True), (MarginMode.ISOLATED, False)):
        desk = Desk(units=2_000, **FREE)
        if mode is MarginMode.ISOLATED:
            desk.exchange.set_margin_mode(desk.me, SYMBOL, mode)
        desk.market_order(BUY, 1_000)
        before = desk.exchange.liquidation_ticks(desk.me, SYMBOL)
        desk.exchange.transfer(desk.me, 1_000 * ATOMS_PER_UNIT)
        assert (desk.exchange.liquidation_ticks(desk.me, SYMBOL) != before) is moved


def test_an_isolated_position_loses_no_more_than_its_own_margin():
    desk = Desk(units=2_000, **FREE)
    desk.exchange.set_margin_mode(desk.me, SYMBOL, MarginMode.ISOLATED)
    desk.market_order(BUY, 1_000)  # 500 of margin
    desk.hold()
    desk.open(90_000)
    desk.exchange.travel(SYMBOL, 89_000)
    assert desk.lots == 0
    assert desk.me.wallet_atoms == 1_500 * ATOMS_PER_UNIT
    desk.balanced()


def test_the_margin_of_an_isolated_position_goes_back_in_proportion_as_it_is_closed():
    desk = Desk(units=2_000, **FREE)
    desk.exchange.set_margin_mode(desk.me, SYMBOL, MarginMode.ISOLATED)
    desk.market_order(BUY, 1_000)
    (aside,) = desk.me.isolated.values()
    assert aside == 500 * ATOMS_PER_UNIT
    desk.market_order(SELL, 250)
    assert list(desk.me.isolated.values()) == [aside * 3 // 4]
    desk.market_order(SELL, 750)
    assert desk.me.isolated == {}


def test_nobody_is_liquidated_while_trading_is_halted():
    desk = Desk(units=1_000, **FREE)
    desk.market_order(BUY, 1_000)
    desk.exchange.halt(SYMBOL, Trading.CANCEL_ONLY)
    desk.move(80_000)
    assert desk.lots == 1_000


def test_a_larger_position_keeps_more_by_the_ladder():
    desk = Desk(units=100_000, **FREE)
    desk.market_order(BUY, 10_000)  # 100 000 of notional, over the step at 50 000
    assert desk.exchange.maintenance_atoms(desk.me) == (2_000 - 500) * ATOMS_PER_UNIT


def test_deleveraging_closes_at_the_mark_without_a_fee_and_tells_its_cause():
    desk = Desk()
    desk.market_order(BUY, 10)
    order = desk.exchange.deleverage(desk.me, SYMBOL, lots=4)
    last = desk.me.executions[-1]
    assert (order.cause, last.lots, last.px_ticks, last.fee_atoms) == (Cause.ADL, -4, 100_000, 0)
    assert desk.lots == 6


def test_the_better_placed_stand_nearer_to_deleveraging():
    desk = Desk(**FREE)
    other = desk.exchange.open_account("other", deposit_atoms=10**12)
    desk.market_order(BUY, 10)
    desk.move(104_000)
    desk.market_order(BUY, 10, account=other)
    desk.move(105_000)
    assert desk.exchange.adl_quantile(desk.me, SYMBOL) == 4
    assert desk.exchange.adl_quantile(other, SYMBOL) == 2
    assert desk.exchange.adl_quantile(desk.me, "BTCUSDT") > 0


def test_a_delisting_settles_positions_and_ends_orders():
    desk = Desk(**FREE)
    desk.market_order(BUY, 10)
    order = desk.limit(BUY, 10, 99_000)
    desk.exchange.delist(SYMBOL, 50_000)
    assert (desk.lots, order.ended) == (0, Ended.BY_VENUE)
    assert desk.me.executions[-1].cause is Cause.DELIVERY
    assert desk.me.executions[-1].px_ticks == 50_000
    desk.balanced()
