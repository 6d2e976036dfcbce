"""How orders meet the price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mastertrading.domain.orders import BUY, SELL, OrderKind, OrderStatus, TimeInForce, TriggerBy
from mastertrading.simulator.events import OrderNews
from mastertrading.simulator.listing import Trading
from mastertrading.simulator.orders import Ended, Leg, Liquidity, NewOrder, No, Refused, Watch
from mastertrading.simulator.venue_rules import MatchingRules
from unit.simulator.trading import SYMBOL, Desk


def refused(act, *words, **more):
    with pytest.raises(Refused) as caught:
        act(*words, **more)
    return caught.value.reason


# ---------------------------------------------------------------- market
def test_a_market_order_fills_at_once_a_started_tick_of_slippage_worse():
    desk = Desk(px=100_001)
    desk.market_order(BUY, 10)
    desk.market_order(SELL, 10)
    assert desk.fills == [(10, 100_012), (-10, 99_990)]  # 1e-4 of 100 001 is 10.0001 ticks: 11


def test_a_market_order_between_close_and_open_waits_and_fills_at_the_open_in_order_of_arrival():
    desk = Desk(slippage_e8=0)
    desk.hold()
    first, second = desk.market_order(BUY, 10), desk.market_order(SELL, 4)
    assert desk.fills == []
    assert first.status is OrderStatus.WORKING
    desk.open(101_000)
    assert desk.fills == [(10, 101_000), (-4, 101_000)]
    assert second.status is OrderStatus.FILLED


def test_a_market_order_that_still_waits_for_the_open_can_be_cancelled():
    desk = Desk()
    desk.hold()
    order = desk.market_order(BUY, 10)
    desk.exchange.cancel(desk.me, SYMBOL, number=order.number)
    desk.open(100_500)
    assert desk.fills == []
    assert order.ended is Ended.BY_CLIENT


def test_a_market_order_fills_no_more_than_its_share_of_the_bar_and_the_rest_ends():
    desk = Desk(volume_share=Decimal("0.1"))
    desk.hold()
    order = desk.market_order(BUY, 500)
    desk.open(100_000, volume=4_000)
    assert (order.filled, order.status, order.ended) == (400, OrderStatus.EXPIRED, Ended.NO_LIQUIDITY)
    assert desk.news(order) == [OrderNews.ACCEPTED, OrderNews.FILLED, OrderNews.EXPIRED]


# ---------------------------------------------------------------- limits
def test_a_limit_fills_at_its_own_price_only_when_the_price_trades_through_it():
    desk = Desk()
    order = desk.limit(BUY, 10, 99_000)
    desk.move(99_000)
    assert order.status is OrderStatus.WORKING
    desk.move(98_999)
    assert desk.fills == [(10, 99_000)]
    assert desk.me.executions[0].liquidity is Liquidity.MAKER


def test_a_limit_beyond_the_best_price_takes_at_the_best_price():
    desk = Desk()
    desk.limit(BUY, 10, 100_500)
    assert desk.fills == [(10, 100_010)]
    assert desk.me.executions[0].liquidity is Liquidity.TAKER


def test_limits_on_a_leg_fill_in_order_of_price_and_of_equals_the_older_first():
    desk = Desk(rules=MatchingRules())
    near, far, equal = desk.limit(BUY, 1, 99_000), desk.limit(BUY, 2, 98_000), desk.limit(BUY, 3, 99_000)
    desk.move(97_000)
    assert [e.order for e in desk.me.executions] == [near.number, equal.number, far.number]


def test_a_limit_with_a_share_of_the_volume_fills_partly_and_goes_on_resting():
    desk = Desk(volume_share=Decimal("0.1"))
    order = desk.limit(BUY, 500, 99_000)
    desk.bar(100_000, 100_000, 98_000, 98_500, volume=1_000)
    assert (order.filled, order.status) == (100, OrderStatus.PARTIAL)
    desk.bar(98_500, 99_500, 98_000, 98_500, volume=9_000)
    assert (order.filled, order.status) == (500, OrderStatus.FILLED)
    assert {px for _, px in desk.fills} == {99_000}


@pytest.mark.parametrize(("px", "filled"), [(100_500, 10), (99_000, 0)])
def test_an_ioc_limit_takes_what_there_is_and_never_rests(px, filled):
    desk = Desk()
    order = desk.limit(BUY, 10, px, TimeInForce.IOC)
    assert order.filled == filled
    assert not order.status.is_open


def test_a_fok_limit_fills_wholly_or_not_at_all():
    desk = Desk(volume_share=Decimal("0.1"))
    desk.open(100_000, volume=1_000)
    order = desk.limit(BUY, 101, 100_500, TimeInForce.FOK)
    assert (order.filled, order.ended) == (0, Ended.NO_LIQUIDITY)
    assert desk.limit(BUY, 100, 100_500, TimeInForce.FOK).status is OrderStatus.FILLED


# ---------------------------------------------------------------- stops and targets
def test_a_stop_fills_at_its_level_slipped_when_the_path_touches_it():
    desk = Desk()
    desk.market_order(BUY, 10)
    order = desk.stop(SELL, 99_000)
    desk.move(99_001)
    assert order.status is OrderStatus.UNTRIGGERED
    desk.move(98_000)
    assert desk.fills[-1] == (-10, 98_990)
    assert desk.news(order) == [OrderNews.ACCEPTED, OrderNews.TRIGGERED, OrderNews.FILLED]


def test_a_stop_that_the_open_jumped_over_fills_at_the_open_slipped():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.stop(SELL, 99_000)
    desk.hold()
    desk.open(98_000)
    assert desk.fills[-1] == (-10, 97_990)


def test_a_target_at_market_fills_at_its_level_slipped():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.target(SELL, 101_000, 10)
    desk.move(102_000)
    assert desk.fills[-1] == (-10, 100_989)


def test_a_stop_limit_becomes_a_limit_when_it_is_touched():
    desk = Desk(slippage_e8=0)
    desk.market_order(BUY, 10)
    watch = Watch(99_000, above=False)
    order = desk.place(
        SELL, 10, OrderKind.LIMIT, limit_ticks=99_500, watch=watch, reduce_only=True, conditional=True
    )
    desk.move(98_500)
    assert (order.status, order.triggered_ms > 0) == (OrderStatus.WORKING, True)
    desk.move(99_501)
    assert desk.fills[-1] == (-10, 99_500)


def test_a_stop_on_the_mark_ignores_the_last_price():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.stop(SELL, 99_000, by=TriggerBy.MARK)
    desk.move(98_000, mark_ticks=99_500)
    assert desk.lots == 10
    desk.move(98_100, mark_ticks=99_000)
    assert desk.lots == 0


def test_attached_protection_comes_to_life_with_the_first_fill_and_closes_the_position():
    desk = Desk(volume_share=Decimal("0.1"))
    entry = desk.limit(BUY, 500, 99_000, stop_ticks=98_000, target_ticks=110_000)
    assert desk.exchange.open_orders(desk.me, conditional=True) == []
    desk.bar(100_000, 100_000, 98_900, 99_000, volume=1_000)
    stop, target = desk.exchange.open_orders(desk.me, conditional=True)
    assert (stop.parent, stop.watch.ticks, target.watch.ticks) == (entry.number, 98_000, 110_000)
    desk.bar(99_000, 99_000, 98_500, 98_500, volume=1_000)
    desk.bar(98_500, 98_500, 97_000, 97_000, volume=100_000)
    assert desk.lots == 0
    assert target.ended is Ended.REDUCE_ONLY


def test_attached_protection_acts_on_the_same_leg_that_filled_its_entry():
    desk = Desk()
    desk.limit(BUY, 10, 99_000, stop_ticks=98_000)
    desk.move(97_000)
    assert desk.fills == [(10, 99_000), (-10, 97_990)]


def test_a_triggered_order_without_the_margin_for_it_ends():
    desk = Desk(units=100)
    watch = Watch(101_000, above=True)
    order = desk.place(BUY, 1_000, watch=watch, conditional=True)
    desk.move(101_000)
    assert order.ended is Ended.INSUFFICIENT_MARGIN


def test_a_stop_that_the_mark_triggers_between_close_and_open_fills_at_the_open():
    desk = Desk(slippage_e8=0)
    desk.market_order(BUY, 10)
    desk.stop(SELL, 99_000, by=TriggerBy.MARK)
    desk.hold()
    desk.exchange.set_marks({SYMBOL: (98_900, 98_900)})
    assert desk.lots == 10
    desk.open(99_500)
    assert desk.fills[-1] == (-10, 99_500)


def test_before_the_first_price_nothing_is_traded():
    assert refused(Desk(px=0).market_order, BUY, 10) is No.NOT_TRADING


# ---------------------------------------------------------------- reductions
def test_a_reduce_only_order_fills_what_there_is_and_never_turns_the_position():
    desk = Desk()
    desk.market_order(BUY, 10)
    order = desk.market_order(SELL, 25, reduce_only=True)
    assert (order.filled, order.ended, desk.lots) == (10, Ended.REDUCE_ONLY, 0)


def test_reduce_only_orders_end_with_their_position():
    desk = Desk()
    desk.market_order(BUY, 10)
    stop, target = desk.stop(SELL, 99_000), desk.limit(SELL, 10, 101_000, reduce_only=True)
    desk.move(98_000)
    assert (stop.status, target.ended) == (OrderStatus.FILLED, Ended.REDUCE_ONLY)


def test_a_close_position_stop_closes_all_that_was_added_since():
    desk = Desk()
    desk.market_order(BUY, 10)
    desk.stop(SELL, 99_000)
    desk.market_order(BUY, 7)
    desk.move(98_000)
    assert desk.lots == 0
    assert desk.fills[-1][0] == -17


# ---------------------------------------------------------------- cancel and amend
def test_a_cancel_after_the_fill_finds_no_order():
    desk = Desk()
    order = desk.limit(BUY, 10, 99_000)
    desk.move(98_000)
    assert refused(desk.exchange.cancel, desk.me, SYMBOL, number=order.number) is No.ORDER_NOT_FOUND
    assert order.status is OrderStatus.FILLED


def test_cancelling_all_takes_the_book_that_was_asked_for():
    desk = Desk()
    desk.market_order(BUY, 10)
    plain, stop = desk.limit(BUY, 10, 99_000), desk.stop(SELL, 98_000)
    assert desk.exchange.cancel_all(desk.me, SYMBOL, conditional=False) == [plain]
    assert desk.exchange.cancel_all(desk.me, None) == [stop]


def test_an_amended_limit_keeps_its_number_and_takes_if_it_crosses_now():
    desk = Desk()
    order = desk.limit(BUY, 10, 99_000)
    desk.exchange.amend(desk.me, SYMBOL, number=order.number, lots=6)
    assert (order.lots, order.status) == (6, OrderStatus.WORKING)
    desk.exchange.amend(desk.me, SYMBOL, number=order.number, limit_ticks=100_500)
    assert desk.fills == [(6, 100_010)]
    assert OrderNews.AMENDED in desk.news(order)


def test_an_amended_limit_keeps_its_place_among_equals():
    desk = Desk()
    older, newer = desk.limit(BUY, 5, 99_000), desk.limit(BUY, 5, 99_000)
    desk.exchange.amend(desk.me, SYMBOL, number=older.number, lots=6)
    desk.move(98_000)
    assert [e.order for e in desk.me.executions] == [older.number, newer.number]


def test_an_amended_stop_triggers_at_its_new_level():
    desk = Desk()
    desk.market_order(BUY, 10)
    order = desk.stop(SELL, 98_000)
    desk.exchange.amend(desk.me, SYMBOL, number=order.number, trigger_ticks=99_500)
    desk.move(99_400)
    assert desk.fills[-1] == (-10, 99_490)


def test_an_amendment_that_is_refused_changes_nothing():
    desk = Desk(units=1_000)
    order = desk.limit(BUY, 100, 99_000)
    for words, reason in (
        ({"lots": 10_000}, No.MARGIN),
        ({"limit_ticks": 200_000}, No.PRICE_BAND),
        ({"lots": 100}, No.NO_CHANGE),
    ):
        assert refused(desk.exchange.amend, desk.me, SYMBOL, number=order.number, **words) is reason
    assert (order.lots, order.limit_ticks) == (100, 99_000)


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"symbol": "NONEUSDT"}, No.INSTRUMENT),
        ({"lots": 0}, No.LOT),
        ({"lots": 3}, No.LOT),
        ({"lots": 2_000_000_000}, No.MAX_QTY),
        ({"lots": 2, "kind": OrderKind.LIMIT, "limit_ticks": 20_000}, No.MIN_NOTIONAL),
        ({"kind": OrderKind.LIMIT}, No.TICK),
        ({"kind": OrderKind.LIMIT, "limit_ticks": 99_001}, No.TICK),
        ({"kind": OrderKind.LIMIT, "limit_ticks": 105_010}, No.PRICE_BAND),
        ({"lots": 100_000}, No.MARGIN),
        ({"reduce_only": True}, No.REDUCE_ONLY),
        ({"leg": "long"}, No.POSITION_MODE),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_for_it(words, reason):
    desk = Desk(tick_step=10, lot_step=2)
    base = {"symbol": SYMBOL, "order_side": BUY, "kind": OrderKind.MARKET, "lots": 10} | words
    base |= {"leg": Leg(base["leg"])} if "leg" in base else {}
    assert refused(desk.exchange.place, desk.me, NewOrder(**base)) is reason
    assert desk.me.orders == {}


def test_too_many_orders_are_refused_plain_and_conditional_apart():
    desk = Desk(max_orders=2, max_conditional=1)
    for px in (98_000, 99_000):
        desk.limit(BUY, 1, px)
    assert refused(desk.limit, BUY, 1, 99_500) is No.TOO_MANY
    watch = Watch(99_000, above=False)
    desk.place(BUY, 1, watch=watch, conditional=True)
    assert refused(desk.place, BUY, 1, watch=watch, conditional=True) is No.TOO_MANY_CONDITIONAL


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Trading.CLOSED, No.NOT_TRADING),
        (Trading.CANCEL_ONLY, No.CANCEL_ONLY),
        (Trading.POST_ONLY, No.POST_ONLY_PHASE),
    ],
)
def test_a_phase_of_the_venue_refuses_what_it_does_not_allow_and_lets_cancel(phase, reason):
    desk = Desk()
    order = desk.limit(BUY, 1, 99_000)
    desk.exchange.halt(SYMBOL, phase)
    assert refused(desk.market_order, BUY, 1) is reason
    if phase is not Trading.POST_ONLY:
        desk.move(98_000)
        assert order.status is OrderStatus.WORKING  # nothing fills meanwhile
    assert desk.exchange.cancel(desk.me, SYMBOL, number=order.number) is order


def test_an_order_that_waited_through_a_halt_fills_when_trading_opens_again():
    desk = Desk(slippage_e8=0)
    desk.market_order(BUY, 10)
    stop = desk.stop(SELL, 99_000)
    desk.exchange.halt(SYMBOL, Trading.CANCEL_ONLY)
    desk.move(97_000)
    assert stop.status is OrderStatus.UNTRIGGERED
    desk.exchange.halt(SYMBOL, Trading.OPEN)
    assert desk.fills[-1] == (-10, 97_000)


# ---------------------------------------------------------------- a recorded book
def test_with_a_recorded_book_a_market_order_sweeps_its_levels():
    desk = Desk(px=0)
    desk.exchange.set_book(SYMBOL, [(99_990, 5), (99_980, 5)], [(100_000, 3), (100_010, 4)], snapshot=True)
    order = desk.market_order(BUY, 10)
    assert desk.fills == [(3, 100_000), (4, 100_010)]
    assert order.ended is Ended.NO_LIQUIDITY
    assert desk.market.book(5) == ([(99_990, 5), (99_980, 5)], [])


def test_with_a_recorded_book_a_limit_fills_when_the_other_side_crosses_it():
    desk = Desk(px=0)
    desk.exchange.set_book(SYMBOL, [(99_990, 5)], [(100_000, 3)], snapshot=True)
    order = desk.limit(BUY, 4, 99_995)
    desk.exchange.set_book(SYMBOL, [], [(100_000, 0), (99_995, 3)])
    assert (order.filled, order.status) == (3, OrderStatus.PARTIAL)
    desk.exchange.set_book(SYMBOL, [], [(99_994, 50)])
    assert desk.fills == [(3, 99_995), (1, 99_995)]
