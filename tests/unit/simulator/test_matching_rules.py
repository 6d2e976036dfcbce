"""The switches of the matching engine: what each position does, the worst of each assumed one among them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from mastertrading.domain.orders import BUY, SELL, OrderStatus, TimeInForce
from mastertrading.simulator.orders import Cause, Ended, No, Refused, Watch
from mastertrading.simulator.venue_rules import Evidence, MatchingRules, assumed
from unit.simulator.trading import FREE, SYMBOL, Desk

WORST = assumed(MatchingRules)


def desk_of(name, position, **words):
    """A desk where one rule is in some position."""
    return Desk(rules=MatchingRules(**{name: position}), **words)


def at_worst(name, **words):
    """A desk where one rule is at its worst."""
    return desk_of(name, WORST[name], **words)


def refused(doing, *words, **named):
    with pytest.raises(Refused) as caught:
        doing(*words, **named)
    return caught.value.reason


def test_each_rule_says_what_it_is_and_how_it_is_known():
    for one in fields(MatchingRules):
        assert one.metadata["says"], one.name
        assert one.metadata["evidence"] in Evidence


def test_each_assumed_rule_has_a_test_at_its_worst():
    tests = {name.removeprefix("test_worst_") for name in globals() if name.startswith("test_worst_")}
    assert tests == set(WORST)


@pytest.mark.parametrize("policy", ["open", "always", WORST["duplicate_id"]])
def test_worst_duplicate_id(policy):
    while_open, later = {"open": (False, True), "always": (False, False), "never": (True, True)}[policy]
    desk = desk_of("duplicate_id", policy)

    def is_free():
        try:
            desk.limit(BUY, 1, 99_000, client_id="x")
        except Refused as refusal:
            return refusal.reason is not No.DUPLICATE_ID
        return True

    assert is_free()
    assert is_free() is while_open
    desk.exchange.cancel_all(desk.me, SYMBOL)
    assert is_free() is later


def test_worst_reduce_only_excess():
    desk = at_worst("reduce_only_excess")
    desk.market_order(BUY, 10)
    assert refused(desk.market_order, SELL, 11, reduce_only=True) is No.REDUCE_ONLY
    assert desk.market_order(SELL, 10, reduce_only=True).status is OrderStatus.FILLED


def test_worst_reduce_only_sum():
    desk = at_worst("reduce_only_sum")
    desk.market_order(BUY, 10)
    desk.limit(SELL, 6, 101_000, reduce_only=True)
    assert refused(desk.limit, SELL, 5, 102_000, reduce_only=True) is No.REDUCE_ONLY_SUM
    assert desk.limit(SELL, 4, 102_000, reduce_only=True).status is OrderStatus.WORKING


def test_worst_flat_ends_reduce_only():
    desk = at_worst("flat_ends_reduce_only")
    desk.market_order(BUY, 10)
    target = desk.limit(SELL, 10, 101_000, reduce_only=True)
    desk.market_order(SELL, 10)
    assert target.status is OrderStatus.WORKING
    desk.move(102_000)
    assert (target.ended, desk.lots) == (Ended.REDUCE_ONLY, 0)


def test_worst_trigger_makes_new_order():
    desk = at_worst("trigger_makes_new_order")
    desk.market_order(BUY, 10)
    order = desk.stop(SELL, 99_000, client_id="mine")
    desk.move(98_000)
    child = desk.exchange.find(desk.me, SYMBOL, number=order.child)
    assert (order.status, order.ended) == (OrderStatus.EXPIRED, Ended.REPLACED)
    assert (child.parent, child.client_id, child.filled) == (order.number, "mine", 10)
    assert desk.exchange.find(desk.me, SYMBOL, client_id="mine", conditional=False) is child
    assert desk.exchange.find(desk.me, SYMBOL, client_id="mine", conditional=True) is order


def test_worst_post_only_crossing():
    desk = at_worst("post_only_crossing")
    order = desk.limit(BUY, 10, 100_500, TimeInForce.POST_ONLY)
    assert (order.status, order.ended) == (OrderStatus.EXPIRED, Ended.POST_ONLY)
    desk.exchange.rules = MatchingRules(post_only_crossing="refuse")
    assert refused(desk.limit, BUY, 10, 100_500, TimeInForce.POST_ONLY) is No.POST_ONLY_CROSSES
    assert desk.limit(BUY, 10, 99_000, TimeInForce.POST_ONLY).status is OrderStatus.WORKING


def test_worst_immediate_trigger():
    desk = at_worst("immediate_trigger")
    desk.market_order(BUY, 10)
    assert refused(desk.stop, SELL, 100_000) is No.WOULD_TRIGGER
    assert desk.lots == 10
    desk.exchange.rules = MatchingRules(immediate_trigger="trigger")
    assert desk.stop(SELL, 100_500).status is OrderStatus.FILLED


def test_worst_fill_pieces():
    desk = at_worst("fill_pieces")
    desk.market_order(BUY, 10)
    assert [lots for lots, _ in desk.fills] == [3, 3, 4]
    assert [e.position_lots for e in desk.me.executions] == [3, 6, 10]


@pytest.mark.parametrize(("position", "left"), [(WORST["liquidation_by"], 0), ("mark", 1_000)])
def test_worst_liquidation_by(position, left):
    desk = desk_of("liquidation_by", position, units=1_000, **FREE)
    desk.market_order(BUY, 1_000)
    desk.exchange.travel(SYMBOL, 80_000)  # the mark stays
    desk.exchange.travel(SYMBOL, 100_000)
    assert desk.lots == left
    assert (desk.me.executions[-1].cause is Cause.LIQUIDATION) is (left == 0)


@pytest.mark.parametrize("position", [WORST["reduce_only_needs_position"], False])
def test_worst_reduce_only_needs_position(position):
    desk = desk_of("reduce_only_needs_position", position)
    if position:
        assert refused(desk.limit, SELL, 10, 101_000, reduce_only=True) is No.REDUCE_ONLY
        return
    order = desk.limit(SELL, 10, 101_000, reduce_only=True)
    desk.move(102_000)
    assert (order.ended, desk.lots) == (Ended.REDUCE_ONLY, 0)


def test_worst_conditional_needs_position():
    desk = at_worst("conditional_needs_position")
    assert refused(desk.stop, SELL, 99_000) is No.REDUCE_ONLY
    desk.market_order(BUY, 10)
    assert desk.stop(SELL, 99_000).status is OrderStatus.UNTRIGGERED
    assert Desk().stop(SELL, 99_000).status is OrderStatus.UNTRIGGERED


def test_worst_amends_conditional():
    desk = at_worst("amends_conditional")
    desk.market_order(BUY, 10)
    order = desk.stop(SELL, 99_000)
    change = {"number": order.number, "trigger_ticks": 98_000}
    assert refused(desk.exchange.amend, desk.me, SYMBOL, **change) is No.NOT_AMENDABLE
    assert order.watch == Watch(99_000, above=False)
    desk.exchange.rules = MatchingRules()
    assert desk.exchange.amend(desk.me, SYMBOL, **change).watch == Watch(98_000, above=False)


@pytest.mark.parametrize(
    ("position", "at_open", "later"),
    [(WORST["held_limit"], [], [(10, 100_500)]), ("take", [(10, 100_010)], [(10, 100_010)])],
)
def test_worst_held_limit(position, at_open, later):
    desk = desk_of("held_limit", position)
    desk.hold()
    desk.limit(BUY, 10, 100_500)
    desk.open(100_000)
    assert desk.fills == at_open
    desk.exchange.travel(SYMBOL, 99_900)
    assert desk.fills == later
