"""Conditional orders at the Binance façade: endpoints, ids and a life of their own."""

from __future__ import annotations

import pytest

from binance_client import BinanceClient

ALGO = "/fapi/v1/algoOrder"


@pytest.fixture
def client():
    client = BinanceClient()
    client.order()
    return client


def test_a_triggered_stop_becomes_an_order_with_an_id_of_its_own(client):
    placed = client.algo("59500", reduceOnly="true", clientAlgoId="stop")
    assert (placed["algoStatus"], placed["orderType"], placed["triggerPrice"]) == (
        "NEW",
        "STOP_MARKET",
        "59500.00",
    )
    client.move(594_000)
    told = client.signed("GET", ALGO, clientAlgoId="stop")
    assert (told["algoStatus"], told["actualQty"], told["actualType"]) == ("FINISHED", "0.010", "MARKET")
    child = client.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=told["actualOrderId"])
    assert (child["status"], child["type"], child["avgPrice"]) == ("FILLED", "MARKET", told["actualPrice"])
    fills = client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [fill["orderId"] for fill in fills][-1] == int(told["actualOrderId"])
    assert told["algoId"] not in [fill["orderId"] for fill in fills]
    assert client.signed("GET", "/fapi/v3/positionRisk") == []


def test_the_two_books_do_not_know_each_others_ids(client):
    placed = client.algo("59500", clientAlgoId="stop")
    assert client.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["algoId"]) == -2013
    assert client.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="stop") == -2013
    assert client.signed("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="stop") == -2011
    plain = client.limit("59000", newClientOrderId="plain")
    assert client.signed("GET", ALGO, clientAlgoId="plain") == -2013
    assert client.signed("DELETE", ALGO, algoId=plain["orderId"]) == -2011


def test_cancelling_is_confirmed_and_not_possible_twice(client):
    placed = client.algo("59500")
    gone = client.signed("DELETE", ALGO, algoId=placed["algoId"])
    assert gone == {
        "algoId": placed["algoId"],
        "clientAlgoId": placed["clientAlgoId"],
        "code": "200",
        "msg": "success",
    }
    assert client.signed("DELETE", ALGO, algoId=placed["algoId"]) == -2011
    assert client.signed("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "CANCELED"
    assert client.signed("GET", ALGO) == -1102


@pytest.mark.parametrize(
    ("trigger", "values", "code"),
    [
        ("59500", {"algoType": "VP"}, -1130),
        ("59500", {"algoType": None}, -1102),
        ("59500", {"type": "MARKET"}, -1116),
        ("59500", {"type": "TRAILING_STOP_MARKET"}, -1116),
        ("60500", {}, -2021),
        ("59500", {"type": "TAKE_PROFIT_MARKET"}, -2021),
        ("59500", {"side": "BUY"}, -2021),
        ("0", {}, -4006),
        ("59500.05", {}, -4014),
        ("59500.001", {}, -1111),
        (None, {}, -1102),
        ("59500", {"quantity": None}, -1102),
        ("59500", {"closePosition": "true"}, -4137),
        ("59500", {"closePosition": "true", "quantity": None, "reduceOnly": "true"}, -1106),
        ("59500", {"closePosition": "true", "quantity": None, "type": "STOP", "price": "59000"}, -4136),
        ("59500", {"type": "STOP"}, -1102),
        ("59500", {"price": "59000"}, -1106),
        ("59500", {"workingType": "INDEX"}, -4031),
        ("59500", {"clientAlgoId": "ä"}, -1100),
        ("59500", {"positionSide": "SHORT"}, -4061),
        ("59500", {"newOrderRespType": "FULL"}, -1136),
    ],
)
def test_a_conditional_order_that_is_wrong_gets_the_venues_code(client, trigger, values, code):
    assert client.algo(trigger, **values) == code
    assert client.signed("GET", "/fapi/v1/openAlgoOrders") == []


def test_close_position_closes_what_there_is_when_it_triggers(client):
    placed = client.algo("59500", closePosition="true", quantity=None)
    assert (placed["closePosition"], placed["quantity"]) == (True, "0.000")
    client.order(quantity="0.030")
    client.move(594_000)
    assert client.signed("GET", ALGO, algoId=placed["algoId"])["actualQty"] == "0.040"


def test_a_second_close_position_order_of_its_type_and_direction_is_refused(client):
    client.algo("59500", closePosition="true", quantity=None)
    assert client.algo("59400", closePosition="true", quantity=None) == -4130
    target = client.algo("61000", closePosition="true", quantity=None, type="TAKE_PROFIT_MARKET")
    assert target["algoStatus"] == "NEW"
    assert client.algo("59400", reduceOnly="true")["algoStatus"] == "NEW"


def test_a_stop_limit_rests_once_it_has_triggered(client):
    placed = client.algo("59500", type="STOP", price="60500", timeInForce="GTC")
    client.move(594_000)
    told = client.signed("GET", ALGO, algoId=placed["algoId"])
    assert (told["algoStatus"], told["actualType"]) == ("TRIGGERED", "LIMIT")
    (open_,) = client.signed("GET", "/fapi/v1/openOrders")
    assert (open_["orderId"], open_["price"]) == (int(told["actualOrderId"]), "60500.00")


def test_a_stop_on_the_mark_does_not_look_at_the_last_price(client):
    placed = client.algo("59500", workingType="MARK_PRICE")
    client.wait(1_000)
    client.exchange.move("BTCUSDT", 594_000, mark_ticks=600_000)
    assert client.signed("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "NEW"
    client.exchange.set_marks({"BTCUSDT": (594_000, 594_000)})
    assert client.signed("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "FINISHED"


def test_a_trigger_without_the_money_for_it_ends_rejected(client):
    placed = client.algo("59000", quantity="1.000", side="SELL")
    client.exchange.transfer(client.account, -9_000 * 10**8)
    client.move(589_000)
    assert client.signed("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "REJECTED"


def test_all_conditional_orders_are_listed_from_an_id_on(client):
    ids = [client.algo(f"59{k}00")["algoId"] for k in (3, 2, 1)]
    rows = client.signed("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT", algoId=ids[1])
    assert [row["algoId"] for row in rows] == ids[1:]
    (one,) = client.signed("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT", algoId=ids[0])
    assert one["algoId"] == ids[0]
