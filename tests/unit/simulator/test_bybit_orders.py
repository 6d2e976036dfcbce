"""Bybit's façade: what becomes of an order, and with which number one is refused."""

from __future__ import annotations

import pytest

from bybit_world import BTC, ETH, PX, Bybit


def test_a_market_order_is_accepted_with_ids_and_fills_as_ioc():
    venue = Bybit()
    reply = venue.order(orderLinkId="mine")
    assert (reply["retCode"], reply["result"]["orderLinkId"]) == (0, "mine")
    row = venue.open_rows(orderLinkId="mine")[0]
    assert (row["orderStatus"], row["timeInForce"], row["orderType"]) == ("Filled", "IOC", "Market")
    assert (row["cumExecQty"], row["leavesQty"], row["avgPrice"]) == ("0.010", "0.000", "50005")
    assert row["orderId"] == reply["result"]["orderId"]
    assert float(row["price"]) > PX  # the venue's own protection, not the price of the fill


def test_a_limit_order_rests_is_amended_and_cancelled_under_one_id():
    venue = Bybit()
    given = venue.limit("49000", orderLinkId="a")["result"]["orderId"]
    assert (
        venue.post("/v5/order/amend", symbol=BTC, orderId=given, price="49100", qty="0.020")["retCode"] == 0
    )
    row = venue.open_rows()[0]
    assert (row["orderId"], row["price"], row["qty"], row["orderStatus"]) == (
        given,
        "49100.00",
        "0.020",
        "New",
    )
    assert venue.post("/v5/order/cancel", symbol=BTC, orderLinkId="a")["result"]["orderId"] == given
    assert venue.open_rows() == []
    row = venue.open_rows(orderId=given)[0]
    assert (row["orderStatus"], row["cancelType"]) == ("Cancelled", "CancelByUser")
    again = venue.post("/v5/order/cancel", symbol=BTC, orderLinkId="a")
    assert (again["retCode"], again["retMsg"]) == (110001, "order not exists or too late to cancel")
    late = venue.post("/v5/order/amend", symbol=BTC, orderId=given, price="48000")
    assert (late["retCode"], late["retMsg"]) == (110001, "order not exists or too late to replace")


def test_an_amendment_that_changes_nothing_is_refused():
    venue = Bybit()
    venue.limit("49000", orderLinkId="a")
    reply = venue.post("/v5/order/amend", symbol=BTC, orderLinkId="a", price="49000")
    assert (reply["retCode"], "remains unchanged" in reply["retMsg"]) == (10001, True)


def test_the_orders_own_id_outweighs_the_clients():
    venue = Bybit()
    first = venue.limit("49000", orderLinkId="a")["result"]["orderId"]
    venue.limit("48000", orderLinkId="b")
    venue.post("/v5/order/cancel", symbol=BTC, orderId=first, orderLinkId="b")
    assert [row["orderLinkId"] for row in venue.open_rows()] == ["b"]


def test_a_post_only_order_that_would_take_is_accepted_and_cancelled():
    venue = Bybit()
    given = venue.limit("51000", timeInForce="PostOnly")["result"]["orderId"]
    row = venue.open_rows(orderId=given)[0]
    assert (row["orderStatus"], row["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    assert venue.position()["size"] == "0"


def test_an_order_that_must_fill_whole_or_at_once_is_accepted_and_cancelled_if_it_cannot():
    venue = Bybit()
    reasons = []
    for terms in ("IOC", "FOK"):
        given = venue.limit("49000", timeInForce=terms)["result"]["orderId"]
        row = venue.open_rows(orderId=given)[0]
        reasons.append((row["orderStatus"], row["rejectReason"]))
    assert reasons == [("Cancelled", "EC_NoImmediateQtyToFill"), ("Cancelled", "EC_CancelForNoFullFill")]


def test_a_conditional_order_keeps_its_id_through_trigger_and_fill():
    venue = Bybit()
    stream = venue.private("order")
    given = venue.order(side="Sell", triggerPrice="49000", triggerDirection=2, orderLinkId="s")["result"][
        "orderId"
    ]
    row = venue.open_rows(orderFilter="StopOrder")[0]
    assert (row["orderStatus"], row["stopOrderType"], row["triggerDirection"]) == ("Untriggered", "Stop", 2)
    venue.move(48_900)
    told = [(row["orderId"], row["orderStatus"]) for f in stream.frames("order") for row in f["data"]]
    assert told == [(given, "Untriggered"), (given, "Triggered"), (given, "Filled")]


def test_a_conditional_order_that_is_cancelled_is_deactivated():
    venue = Bybit()
    given = venue.order(side="Sell", triggerPrice="49000", triggerDirection=2)["result"]["orderId"]
    venue.post("/v5/order/cancel", symbol=BTC, orderId=given)
    assert venue.open_rows(orderId=given)[0]["orderStatus"] == "Deactivated"


@pytest.mark.parametrize(("trigger", "direction", "code"), [("49000", 1, 110092), ("51000", 2, 110093)])
def test_a_trigger_on_the_wrong_side_of_the_market_is_refused(trigger, direction, code):
    reply = Bybit().order(triggerPrice=trigger, triggerDirection=direction)
    assert reply["retCode"] == code
    assert f"trigger_price[{int(trigger) * 10_000}]" in reply["retMsg"]


def test_attached_protection_appears_with_the_fill_and_goes_with_the_position():
    venue = Bybit()
    venue.order(stopLoss="49000", takeProfit="52000", orderLinkId="entry")
    entry = venue.open_rows(orderLinkId="entry")[0]
    assert (entry["stopLoss"], entry["takeProfit"], entry["tpslMode"]) == ("49000.00", "52000.00", "Full")
    assert (entry["slTriggerBy"], entry["tpTriggerBy"]) == ("LastPrice", "LastPrice")
    kinds = {row["stopOrderType"]: row for row in venue.open_rows()}
    assert set(kinds) == {"StopLoss", "TakeProfit"}
    assert (kinds["StopLoss"]["triggerPrice"], kinds["StopLoss"]["triggerDirection"]) == ("49000.00", 2)
    assert kinds["StopLoss"]["createType"] == "CreateByStopLoss"
    assert kinds["StopLoss"]["parentOrderLinkId"] == "entry"
    assert (venue.position()["stopLoss"], venue.position()["takeProfit"]) == ("49000.00", "52000.00")
    venue.move(48_990)
    assert venue.position()["size"] == "0"
    assert venue.open_rows() == []
    target = venue.open_rows(orderId=kinds["TakeProfit"]["orderId"])[0]
    assert (target["orderStatus"], target["cancelType"]) == ("Deactivated", "CancelByTpSlTsClear")


@pytest.mark.parametrize(
    ("protection", "words"),
    [({"stopLoss": "51000"}, "should be lower than"), ({"takeProfit": "49000"}, "should be higher than")],
)
def test_protection_on_the_wrong_side_of_the_entry_is_refused(protection, words):
    reply = Bybit().order(**protection)
    assert (reply["retCode"], words in reply["retMsg"]) == (10001, True)


def test_a_reduce_only_order_is_cut_to_the_position_and_refused_without_one():
    venue = Bybit()
    refused = venue.order(side="Sell", reduceOnly=True)
    assert (refused["retCode"], "reduce-only" in refused["retMsg"]) == (110017, True)
    venue.order()
    assert venue.order(side="Sell", qty="5", reduceOnly=True)["retCode"] == 0
    assert venue.position()["size"] == "0"


def test_no_size_closes_the_position_if_it_is_asked_for_so():
    venue = Bybit()
    venue.order(qty="0.033")
    assert venue.order(side="Sell", qty="0")["retCode"] == 10001
    assert venue.order(side="Sell", qty="0", reduceOnly=True, closeOnTrigger=True)["retCode"] == 0
    assert venue.position()["size"] == "0"


def test_a_clients_id_is_taken_once_for_the_whole_account():
    venue = Bybit()
    venue.limit("49000", orderLinkId="a")
    assert venue.limit("49000", orderLinkId="a")["retCode"] == 110072
    assert venue.order(symbol=ETH, qty="1", orderLinkId="a")["retCode"] == 110072
    venue.post("/v5/order/cancel", symbol=BTC, orderLinkId="a")
    assert venue.limit("49000", orderLinkId="a")["retCode"] == 110072
    assert venue.order(triggerPrice="52000", triggerDirection=1, orderLinkId="a")["retCode"] == 110072


@pytest.mark.parametrize("link_id", ["x" * 37, "a b", "é", "a.b", "a/b"])
def test_a_clients_id_of_other_letters_or_too_long_is_refused(link_id):
    assert Bybit().limit("49000", orderLinkId=link_id)["retCode"] == 10001


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({"category": "spot"}, 10001, "category"),
        ({"symbol": "NOPEUSDT"}, 10001, "symbol invalid"),
        ({"symbol": "btcusdt"}, 10001, "symbol invalid"),
        ({"side": "Hold"}, 10001, "side"),
        ({"orderType": "Stop"}, 10001, "orderType"),
        ({"qty": "0.0001"}, 10001, "Qty invalid"),
        ({"qty": "0.0015"}, 10001, "Qty invalid"),
        ({"qty": "0"}, 10001, "exceeds minimum limit"),
        ({"qty": "-1"}, 10001, "qty invalid"),
        ({"qty": "NaN"}, 10001, "qty invalid"),
        ({"qty": "1e400"}, 10001, "qty invalid"),
        ({"qty": 0.01}, 10001, "qty invalid"),
        ({"qty": "51"}, 10001, "order_qty:5100000000 > max_qty:5000000000"),
        ({"orderType": "Limit"}, 10001, "Price invalid"),
        ({"orderType": "Limit", "price": "49000.05"}, 10001, "Price invalid"),
        ({"orderType": "Limit", "price": "49000", "timeInForce": "GTX"}, 10001, "timeInForce"),
        ({"orderType": "Limit", "price": "60000"}, 110003, "allowable range"),
        ({"orderType": "Limit", "price": "100", "qty": "0.001"}, 110094, "minimum order value 5USDT"),
        ({"qty": "10"}, 110007, "ab not enough for new order"),
        ({"positionIdx": 1}, 10001, "position idx not match position mode"),
        ({"positionIdx": 3}, 10001, "positionIdx"),
        ({"triggerPrice": "51000"}, 10001, "TriggerDirection"),
        ({"reduceOnly": "perhaps"}, 10001, "reduceOnly"),
        ({"reduceOnly": True, "stopLoss": "49000"}, 10001, "reduceOnly"),
        ({"tpslMode": "Half"}, 10001, "tpslMode"),
    ],
)
def test_a_wrong_order_is_refused_with_the_venues_number_and_words(asked, code, words):
    reply = Bybit().order(**asked)
    assert (reply["retCode"], words in reply["retMsg"], reply["result"]) == (code, True, {}), reply["retMsg"]


def test_the_tenth_conditional_order_of_an_instrument_is_the_last():
    venue = Bybit()
    stop = {"side": "Sell", "triggerPrice": "40000", "triggerDirection": 2}
    assert {venue.order(**stop)["retCode"] for _ in range(10)} == {0}
    assert venue.order(**stop)["retCode"] == 110009


def test_cancel_all_ends_what_was_asked_for():
    venue = Bybit()
    venue.order()
    venue.limit("49000", orderLinkId="limit")
    venue.order(side="Sell", triggerPrice="45000", triggerDirection=2, orderLinkId="stop")
    venue.post("/v5/position/trading-stop", symbol=BTC, stopLoss="46000", positionIdx=0, tpslMode="Full")
    cancelled = venue.post("/v5/order/cancel-all", symbol=BTC, orderFilter="StopOrder", stopOrderType="Stop")
    assert [one["orderLinkId"] for one in cancelled["result"]["list"]] == ["stop"]
    venue.post("/v5/order/cancel-all", symbol=BTC, orderFilter="Order")
    assert [row["stopOrderType"] for row in venue.open_rows()] == ["StopLoss"]
    assert venue.post("/v5/order/cancel-all")["retCode"] == 10001
    venue.post("/v5/order/cancel-all", settleCoin="USDT")
    assert venue.open_rows() == []


def test_each_order_of_a_batch_has_its_own_outcome():
    venue = Bybit()
    good = {"symbol": BTC, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49000"}
    reply = venue.post("/v5/order/create-batch", request=[{**good, "orderLinkId": "a"}, {**good, "qty": "x"}])
    assert [one["code"] for one in reply["retExtInfo"]["list"]] == [0, 10001]
    assert [bool(one["orderId"]) for one in reply["result"]["list"]] == [True, False]
    names = [{"symbol": BTC, "orderLinkId": name} for name in ("a", "b")]
    cancelled = venue.post("/v5/order/cancel-batch", request=names)
    assert [one["code"] for one in cancelled["retExtInfo"]["list"]] == [0, 110001]
    assert venue.post("/v5/order/create-batch", request=[good] * 21)["retCode"] == 10001


def test_a_pre_check_tells_margin_rates_and_places_nothing():
    venue = Bybit()
    told = venue.post(
        "/v5/order/pre-check", symbol=BTC, side="Buy", orderType="Limit", qty="0.1", price="50000"
    )["result"]
    assert told["preImrE4"] == 0 < told["postImrE4"]
    assert venue.open_rows() == []


def test_in_hedge_mode_an_order_names_its_leg():
    venue = Bybit()
    assert venue.post("/v5/position/switch-mode", symbol=BTC, mode=3)["retCode"] == 0
    assert venue.order()["retMsg"] == "position idx not match position mode"
    venue.order(positionIdx=1)
    venue.order(side="Sell", qty="0.004", positionIdx=2)
    rows = venue.rows("/v5/position/list", symbol=BTC)
    assert [(row["positionIdx"], row["side"], row["size"]) for row in rows] == [
        (1, "Buy", "0.010"),
        (2, "Sell", "0.004"),
    ]
    venue.order(side="Sell", qty="0.010", positionIdx=1, reduceOnly=True)
    assert [row["size"] for row in venue.rows("/v5/position/list", symbol=BTC)] == ["0", "0.004"]
