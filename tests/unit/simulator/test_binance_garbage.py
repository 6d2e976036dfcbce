"""Whatever is sent, the Binance façade answers with the venue's words and lives on."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from binance_client import KEY, BinanceClient, Listener, signature
from mastertrading.simulator.binance import BinanceRules
from mastertrading.simulator.binance.routes import ROUTES, SOCKET
from mastertrading.simulator.wire import Request

NAMES = (
    "symbol", "pair", "side", "type", "quantity", "price", "timeInForce", "reduceOnly", "closePosition", "limit",
    "positionSide", "newClientOrderId", "origClientOrderId", "orderId", "algoId", "clientAlgoId", "algoType",
    "triggerPrice", "stopPrice", "interval", "startTime", "endTime", "fromId", "leverage", "marginType", "amount",
    "dualSidePosition", "multiAssetsMargin", "batchOrders", "orderIdList", "countdownTime", "goodTillDate",
    "recvWindow", "contractType", "period", "page", "incomeType", "newOrderRespType", "workingType", "signature",
)  # fmt: skip
WORDS = (
    "BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "STOP_MARKET", "GTC", "GTX", "GTD", "1m", "1M", "true", "CONDITIONAL",
    "0.01", "60000", "59000", "-1", "0", "NaN", "inf", "1e400", "9" * 40, "0." + "0" * 30 + "1", "٣", "١.٥", "", " ",
    "[]", "{}", "[[1]]", '[{"symbol":"BTCUSDT"}]', "[" * 500, "\x00", "%", "&", "=", "null", "1_000", "+1", "1.",
)  # fmt: skip
VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=40))
PATHS = st.one_of(st.sampled_from(sorted(ROUTES)), st.text(max_size=30).map(lambda text: f"/{text}"))
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "", "get", "X" * 50])
GENEROUS = BinanceRules(
    weight_a_minute=10**9, orders_a_minute=10**9, orders_in_ten_seconds=10**9, messages_a_second=10**9
)
CLIENT = BinanceClient(GENEROUS)


def check(response):
    assert response.status < 500
    assert CLIENT.facade.bugs == []
    assert response.status == 200 or b"code" in response.body or b"<html>" in response.body
    assert CLIENT.exchange.books().total == 0


@settings(max_examples=400, deadline=None)
@given(
    METHODS, PATHS, st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=12), st.booleans(), st.booleans()
)
def test_any_parameters_are_answered(method, path, values, rightly, in_body):
    query = urlencode({"timestamp": CLIENT.clock.now_ms(), **values}, errors="surrogatepass")
    text = f"{query}&signature={signature(query)}" if rightly else query
    body = text.encode() if in_body else b""
    headers = {"x-mbx-apikey": KEY}
    check(
        CLIENT.facade.answer(
            Request(method, "fapi.binance.com", path, "" if in_body else text, headers, body)
        )
    )


@settings(max_examples=200, deadline=None)
@given(METHODS, PATHS, st.text(max_size=200), st.binary(max_size=200), st.text(max_size=80))
def test_any_bytes_are_answered(method, path, query, body, key):
    check(CLIENT.facade.answer(Request(method, "fapi.binance.com", path, query, {"x-mbx-apikey": key}, body)))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
SAID = st.one_of(
    st.text(max_size=60),
    JSON.map(json.dumps),
    st.fixed_dictionaries(
        {
            "id": JSON,
            "method": st.one_of(st.sampled_from([*SOCKET, "SUBSCRIBE", "UNSUBSCRIBE", "SET_PROPERTY"]), JSON),
            "params": JSON,
        }
    ).map(json.dumps),
)


@settings(max_examples=200, deadline=None)
@given(SAID, st.sampled_from([("fstream.binance.com", "/ws"), ("ws-fapi.binance.com", "/ws-fapi/v1")]))
def test_any_frame_is_answered(said, where):
    listener = Listener(CLIENT, *where, "")
    listener.say(said)
    assert len(listener.texts) == 1
    json.loads(listener.texts[0])
    listener.session.close()
    assert CLIENT.facade.bugs == []


def test_what_is_too_long_is_refused_as_too_long():
    client = BinanceClient()
    assert client.send("POST", "/fapi/v1/order", "", b"x" * ((1 << 20) + 1)).status == 413
    assert client.send("GET", "/fapi/v1/order", "x" * 20_000).status == 414
    assert client.send("GET", "/fapi/v1/order", "&".join(f"a{k}=1" for k in range(500))).status == 400


def test_a_name_that_comes_twice_is_refused_and_the_query_goes_before_the_form():
    client = BinanceClient()
    assert client.ask("GET", "/fapi/v1/time") != -1101
    response = client.send("GET", "/fapi/v1/depth", "symbol=BTCUSDT&symbol=ETHUSDT")
    assert json.loads(response.body)["code"] == -1101
    query = f"symbol=BTCUSDT&timestamp={client.clock.now_ms()}"
    body = "symbol=ETHUSDT&leverage=9"
    signed = f"{body}&signature={signature(query + body)}".encode()
    assert json.loads(client.send("POST", "/fapi/v1/leverage", query, signed).body)["symbol"] == "BTCUSDT"
