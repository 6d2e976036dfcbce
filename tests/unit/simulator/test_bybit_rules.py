"""Bybit's façade: each rule that is only assumed is tried at its worst."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from bybit_world import BTC, Bybit
from mastertrading.simulator.bybit import BybitRules
from mastertrading.simulator.venue_rules import Evidence, MatchingRules, assumed

WORST = assumed(BybitRules())


def at_worst(name: str) -> Bybit:
    """A venue with one rule at the worst of its positions."""
    return Bybit(rules=replace(BybitRules(), **{name: WORST[name]}))


def test_every_assumed_rule_has_a_test_of_its_own():
    own = {name.removeprefix("test_worst_") for name in globals() if name.startswith("test_worst_")}
    assert own == set(WORST)


def test_every_rule_says_how_we_know_it_and_the_documented_ones_where():
    for one in fields(BybitRules):
        assert one.metadata["says"], one.name
        assert one.metadata["evidence"] in Evidence
        assert one.metadata["source"] or one.metadata["evidence"] is Evidence.ASSUMED, one.name


def test_every_rule_of_the_engine_that_differs_between_venues_is_one_of_the_venues():
    engine = {one.name for one in fields(MatchingRules)}
    assert engine - {one.name for one in fields(BybitRules)} == {"held_limit"}  # of lockstep, no venue's


def test_the_matching_engine_gets_the_venues_rules():
    venue = at_worst("fill_pieces")
    assert venue.exchange.rules == venue.rules.matching
    assert venue.exchange.rules.fill_pieces == 3
    assert venue.exchange.rules.post_only_crossing == "expire"
    others = replace(venue.exchange.rules, held_limit="take")
    assert venue.rules.within(others).held_limit == "take"


def test_worst_duplicate_id():
    venue = at_worst("duplicate_id")
    given = [venue.limit("49000", orderLinkId="a")["result"]["orderId"] for _ in range(2)]
    assert len(set(given)) == 2
    assert venue.open_rows(orderLinkId="a")[0]["orderId"] == given[1]


def test_worst_reduce_only_sum():
    venue = at_worst("reduce_only_sum")
    venue.order(qty="0.010")
    assert venue.limit("51000", side="Sell", qty="0.010", reduceOnly=True)["retCode"] == 0
    assert venue.limit("51500", side="Sell", qty="0.001", reduceOnly=True)["retCode"] == 110017


def test_worst_flat_ends_reduce_only():
    venue = at_worst("flat_ends_reduce_only")
    venue.order()
    venue.limit("51000", side="Sell", reduceOnly=True, orderLinkId="rests")
    venue.order(side="Sell", reduceOnly=True)
    assert [row["orderLinkId"] for row in venue.open_rows()] == ["rests"]
    venue.move(52_000)
    assert venue.position()["size"] == "0"


def test_worst_fill_pieces():
    venue = at_worst("fill_pieces")
    stream = venue.private("order", "execution")
    venue.order(qty="0.010")
    fills = [row for frame in stream.frames("execution") for row in frame["data"]]
    assert [row["leavesQty"] for row in fills][-1] == "0.000"
    assert len({row["execId"] for row in fills}) == 3
    states = [row["orderStatus"] for frame in stream.frames("order") for row in frame["data"]]
    assert states == ["New", "PartiallyFilled", "PartiallyFilled", "Filled"]


@pytest.mark.parametrize(("position", "left"), [(WORST["liquidation_by"], "0"), ("mark", "3.900")])
def test_worst_liquidation_by(position, left):
    venue = Bybit(rules=BybitRules(liquidation_by=position))
    venue.order(qty="3.9")
    at = venue.exchange.markets[BTC].last_ticks
    venue.exchange.travel(BTC, at * 9 // 10)  # the mark stays
    venue.exchange.travel(BTC, at)
    assert venue.position()["size"] == left
    kinds = {row["execType"] for row in venue.rows("/v5/execution/list")}
    assert ("BustTrade" in kinds) is (left == "0")


def test_worst_conditional_needs_position():
    venue = at_worst("conditional_needs_position")
    stop = {"side": "Sell", "triggerPrice": "49000", "triggerDirection": 2, "reduceOnly": True}
    assert venue.order(**stop)["retCode"] == 110017
    assert Bybit().order(**stop)["retCode"] == 0


@pytest.mark.parametrize("by", ["orderId", "orderLinkId", "symbol"])
def test_worst_realtime_lag_ms(by):
    venue = at_worst("realtime_lag_ms")
    given = venue.limit("49000", orderLinkId="a")["result"]["orderId"]
    asked = {"orderId": given, "orderLinkId": "a", "symbol": BTC}[by]
    assert venue.rows("/v5/order/realtime", **{by: asked}) == []
    venue.clock.advance(0.3)
    assert len(venue.rows("/v5/order/realtime", **{by: asked})) == 1


def test_worst_history_lag_ms():
    venue = at_worst("history_lag_ms")
    given = venue.order()["result"]["orderId"]
    assert venue.rows("/v5/order/history", orderId=given) == []
    assert len(venue.open_rows(orderId=given)) == 1
    venue.clock.advance(3)
    assert len(venue.rows("/v5/order/history", orderId=given)) == 1


def test_worst_execution_lag_ms():
    venue = at_worst("execution_lag_ms")
    venue.order()
    assert venue.rows("/v5/execution/list") == []
    assert venue.position()["size"] == "0.010"
    venue.clock.advance(3)
    assert len(venue.rows("/v5/execution/list")) == 1


def test_worst_wrong_key_status():
    reply = at_worst("wrong_key_status").signed("GET", "/v5/account/info", key="nobody")
    assert (reply.status, json.loads(reply.body)["retCode"]) == (401, 10003)


def test_worst_unknown_path_body():
    reply = at_worst("unknown_path_body").answer("GET", "/v5/nothing")
    assert (reply.status, reply.body) == (404, b"")


def test_worst_triggered_state():
    venue = at_worst("triggered_state")
    stream = venue.private("order")
    venue.order(side="Sell", triggerPrice="49000", triggerDirection=2)
    venue.order(
        side="Sell",
        triggerPrice="49000",
        triggerDirection=2,
        orderType="Limit",
        price="49500",
        orderLinkId="limit",
    )
    venue.move(48_900)
    told = [(row["orderLinkId"], row["orderStatus"]) for f in stream.frames("order") for row in f["data"]]
    assert "Triggered" not in {state for _, state in told}
    assert [state for name, state in told if name == "limit"] == ["Untriggered", "New"]
    assert [state for name, state in told if not name] == ["Untriggered", "Filled"]


def test_worst_news_order():
    venue = at_worst("news_order")
    stream = venue.private("order", "execution")
    venue.order()
    topics = [frame["topic"] for frame in stream.frames() if "topic" in frame]
    assert topics == ["order", "order", "execution"]
