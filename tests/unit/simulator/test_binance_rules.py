"""Each assumed rule of Binance, played at its worst."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from binance_client import PX, BinanceClient, Listener
from mastertrading.simulator.binance import BinanceRules
from mastertrading.simulator.venue_rules import Evidence, MatchingRules, assumed
from mastertrading.simulator.wire import Response

WORST = assumed(BinanceRules)


def at_worst(name: str, **account: object) -> BinanceClient:
    """A client of a venue where one assumed rule is at its worst."""
    return BinanceClient(BinanceRules(**{name: WORST[name]}), **account)


def test_each_assumed_rule_has_a_test_at_its_worst():
    tests = {name.removeprefix("test_worst_") for name in globals() if name.startswith("test_worst_")}
    assert tests == set(WORST)


def test_every_rule_says_how_we_know_it_and_the_documented_ones_where():
    for one in fields(BinanceRules):
        assert one.metadata["says"], one.name
        assert one.metadata["evidence"] in Evidence
        assert one.metadata["source"] or one.metadata["evidence"] is Evidence.ASSUMED, one.name


def test_every_rule_of_the_engine_that_differs_between_venues_is_one_of_the_venues():
    engine = {one.name for one in fields(MatchingRules)}
    assert engine - {one.name for one in fields(BinanceRules)} == {"held_limit"}  # of lockstep, no venue's


def test_the_matching_engine_follows_the_venues_rules():
    client = BinanceClient(BinanceRules(fill_pieces=2))
    assert client.exchange.rules == BinanceRules(fill_pieces=2).matching
    assert client.exchange.rules != MatchingRules()


def test_rules_of_the_engine_that_are_no_venues_stay_as_they_are():
    others = MatchingRules(held_limit="take")
    assert BinanceRules().within(others) == replace(BinanceRules().matching, held_limit="take")


def test_worst_algo_duplicate_code():
    client = at_worst("algo_duplicate_code")
    client.algo("59500", clientAlgoId="one")
    assert client.algo("59400", clientAlgoId="one") == -2010
    assert BinanceClient().algo("59400", clientAlgoId="one")["algoStatus"] == "NEW"


def test_worst_reduce_only_excess():
    client = at_worst("reduce_only_excess")
    client.order()
    assert client.order(side="SELL", quantity="0.020", reduceOnly="true") == -2022
    assert client.order(side="SELL", quantity="0.010", reduceOnly="true")["executedQty"] == "0.010"


def test_worst_reduce_only_sum():
    client = at_worst("reduce_only_sum")
    client.order()
    sell = {"side": "SELL", "reduceOnly": "true"}
    assert client.limit("61000", **sell)["status"] == "NEW"
    assert client.limit("61100", **sell) == -4118


def test_worst_flat_ends_reduce_only():
    for rules, left in ((BinanceRules(), 0), (BinanceRules(flat_ends_reduce_only=False), 2)):
        client = BinanceClient(rules)
        client.order()
        resting = client.limit("61000", side="SELL", reduceOnly="true")
        client.algo("59500", closePosition="true", quantity=None)
        client.order(side="SELL")
        open_ = client.signed("GET", "/fapi/v1/openOrders") + client.signed("GET", "/fapi/v1/openAlgoOrders")
        assert len(open_) == left
        told = client.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=resting["orderId"])
        assert told["status"] == ("NEW" if left else "EXPIRED")


def test_worst_conditional_needs_position():
    client = at_worst("conditional_needs_position")
    assert client.algo("59500", reduceOnly="true") == -2022
    assert client.algo("59500", closePosition="true", quantity=None) == -2022
    assert BinanceClient().algo("59500", reduceOnly="true")["algoStatus"] == "NEW"


@pytest.mark.parametrize(("position", "left"), [(WORST["liquidation_by"], []), ("mark", ["0.100"])])
def test_worst_liquidation_by(position, left):
    client = BinanceClient(BinanceRules(liquidation_by=position), deposit_atoms=100 * 10**8)
    client.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=100)
    client.order(quantity="0.100")
    client.exchange.travel("BTCUSDT", 580_000)  # the mark stays
    client.exchange.travel("BTCUSDT", PX)
    assert [one["positionAmt"] for one in client.signed("GET", "/fapi/v3/positionRisk")] == left


def test_worst_fill_pieces():
    client = at_worst("fill_pieces")
    own = client.listen_own()
    assert client.order(newOrderRespType="RESULT")["executedQty"] == "0.010"
    steps = [frame["o"]["X"] for frame in own.frames("ORDER_TRADE_UPDATE")]
    assert steps == ["NEW", "PARTIALLY_FILLED", "PARTIALLY_FILLED", "FILLED"]
    assert len(client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")) == 3


def test_worst_read_lag_ms():
    client = at_worst("read_lag_ms")
    client.limit("59000", newClientOrderId="mine")
    client.algo("59500", clientAlgoId="stop")

    def found() -> list[object]:
        return [
            client.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine") != -2013,
            client.signed("GET", "/fapi/v1/algoOrder", clientAlgoId="stop") != -2013,
            client.signed("GET", "/fapi/v1/openOrders") != [],
            client.signed("GET", "/fapi/v1/openAlgoOrders") != [],
            client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT") != [],
        ]

    client.wait(299)
    assert found() == [False] * 5
    client.wait(1)
    assert found() == [True] * 5


def test_worst_fills_lag_ms():
    client = at_worst("fills_lag_ms")
    client.order()
    client.wait(2_999)
    assert client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT") == []
    client.wait(1)
    assert len(client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")) == 1


def test_worst_ban_after():
    client = BinanceClient(BinanceRules(ban_after=WORST["ban_after"], weight_a_minute=1))
    assert [client.send("GET", "/fapi/v1/time").status for _ in range(3)] == [200, 429, 418]


def test_worst_unknown_listen_key():
    silent = Listener(
        at_worst("unknown_listen_key"), "fstream.binance.com", "/private/ws", f"listenKey={'a' * 64}"
    )
    assert silent.texts == []
    refused = Listener(BinanceClient(), "fstream.binance.com", "/private/ws", f"listenKey={'a' * 64}")
    assert isinstance(refused.session, Response)
    assert b"-1125" in refused.session.body


@pytest.mark.parametrize("px", [595_000, 593_000, 590_900])
def test_worst_margin_call_percent(px):
    client = at_worst("margin_call_percent", deposit_atoms=100 * 10**8)
    client.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=100)
    client.order(quantity="0.100")
    own = client.listen_own()
    client.move(px)
    assert own.frames("MARGIN_CALL") == []


def test_documented_a_post_only_order_that_would_take_may_be_switched_to_expire():
    client = BinanceClient(BinanceRules(post_only_crossing="expire"))
    assert client.limit("60500", timeInForce="GTX", newOrderRespType="RESULT")["status"] == "EXPIRED"


def test_documented_a_stop_beyond_its_price_may_be_switched_to_trigger():
    client = BinanceClient(BinanceRules(immediate_trigger="trigger"))
    client.order()
    placed = client.algo("60500", reduceOnly="true")
    told = client.signed("GET", "/fapi/v1/algoOrder", algoId=placed["algoId"])
    assert told["algoStatus"] == "FINISHED"
    assert client.exchange.markets["BTCUSDT"].last_ticks == PX
