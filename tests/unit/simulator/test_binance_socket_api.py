"""Requests over the WebSocket API."""

from __future__ import annotations

import pytest

from binance_client import KEY, BinanceClient, Listener, signature

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "timeInForce": "GTC"}


@pytest.fixture
def client():
    return BinanceClient()


def test_an_order_is_placed_asked_for_amended_and_cancelled(client):
    mine = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}
    placed = client.call("order.place", **ORDER, price="59000", newClientOrderId="mine")
    assert (placed["status"], placed["id"], placed["result"]["status"]) == (200, "1", "NEW")
    assert placed["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
    asked = client.signed("GET", "/fapi/v1/order", **mine)
    assert client.call("order.status", **mine)["result"] == asked
    changed = client.call("order.modify", **mine, side="BUY", quantity="0.02", price="59000")
    assert changed["result"]["origQty"] == "0.020"
    assert client.call("order.cancel", **mine)["result"]["status"] == "CANCELED"


def test_numbers_and_flags_of_json_are_signed_as_they_are_written(client):
    socket = Listener(client, "ws-fapi.binance.com", "/ws-fapi/v1", "")
    now = client.clock.now_ms()
    covered = f"apiKey={KEY}&price=59000.1&quantity=0.010&reduceOnly=false&side=BUY&symbol=BTCUSDT"
    covered += f"&timeInForce=GTC&timestamp={now}&type=LIMIT"
    params = f'"apiKey":"{KEY}","price":59000.1,"quantity":0.010,"reduceOnly":false,"side":"BUY",'
    params += f'"symbol":"BTCUSDT","timeInForce":"GTC","timestamp":{now},"type":"LIMIT"'
    socket.say(f'{{"id":7,"method":"order.place","params":{{{params},"signature":"{signature(covered)}"}}}}')
    (reply,) = socket.frames()
    assert (reply["id"], reply["status"], reply["result"]["price"]) == (7, 200, "59000.10")


def test_an_order_that_is_refused_has_the_same_code_as_over_rest(client):
    reply = client.call("order.place", **ORDER, price="59000.05")
    assert (reply["status"], reply["error"]["code"]) == (400, -4014)
    assert client.call("order.place", **{**ORDER, "type": "STOP"})["error"]["code"] == -4120


def test_a_signature_that_is_wrong_is_refused(client):
    socket = Listener(client, "ws-fapi.binance.com", "/ws-fapi/v1", "")
    params = {"apiKey": KEY, "timestamp": client.clock.now_ms(), "signature": "0" * 64}
    socket.say({"id": "1", "method": "account.status", "params": params})
    assert socket.frames()[0]["error"]["code"] == -1022


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", -1135),
        ("[]", -1135),
        ("[" * 5_000, -1135),
        ("x" * 2_000_000, -1135),
        ({"id": [], "method": "depth"}, -1135),
        ({"id": 1}, -1135),
        ({"id": 1, "method": "depth", "params": []}, -1135),
        ({"id": 1, "method": "depth", "params": {}}, -1102),
        ({"id": 1, "method": "nothing", "params": {}}, -1000),
        ({"id": 1, "method": "session.logon", "params": {}}, -4056),
        ({"id": 1, "method": "order.place", "params": {}}, -2014),
        ({"id": 1, "method": "order.place", "params": {"apiKey": {"a": 1}}}, -2015),
        ({"id": 1, "method": "depth", "params": {"symbol": ["BTCUSDT"]}}, -1121),
    ],
)
def test_what_a_client_says_wrongly_is_answered_with_the_venues_code(client, said, code):
    socket = Listener(client, "ws-fapi.binance.com", "/ws-fapi/v1", "")
    socket.say(said)
    assert socket.frames()[0]["error"]["code"] == code


def test_user_streams_begin_here_too(client):
    key = client.call("userDataStream.start")["result"]["listenKey"]
    assert client.call("userDataStream.ping")["result"]["listenKey"] == key
    assert client.call("userDataStream.stop")["result"] == {}
    assert client.call("userDataStream.ping")["error"]["code"] == -1125
