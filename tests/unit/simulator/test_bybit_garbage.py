"""Bybit's façade: whatever is sent, it answers in the venue's own form and changes nothing that it should not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bybit_world import BTC, Bybit
from mastertrading.simulator.bybit.facade import BATCHES, COMMANDS, PUBLIC, READS
from mastertrading.simulator.wire import Request

PATHS = sorted({*PUBLIC, *READS, *COMMANDS, *BATCHES})
NAMES = sorted(
    [
        "category",
        "symbol",
        "side",
        "orderType",
        "qty",
        "price",
        "triggerPrice",
        "triggerDirection",
        "triggerBy",
        "timeInForce",
        "positionIdx",
        "reduceOnly",
        "closeOnTrigger",
        "orderLinkId",
        "orderId",
        "takeProfit",
        "stopLoss",
        "tpslMode",
        "slSize",
        "request",
        "limit",
        "cursor",
        "startTime",
        "endTime",
        "start",
        "end",
        "interval",
        "openOnly",
        "orderFilter",
        "settleCoin",
        "baseCoin",
        "coin",
        "mode",
        "buyLeverage",
        "sellLeverage",
        "riskId",
        "setMarginMode",
        "accountType",
        "execType",
        "status",
        "type",
        "intervalTime",
        "currency",
        "autoAddMargin",
        "margin",
    ]
)
TEXTS = st.sampled_from(
    [
        "linear",
        BTC,
        "Buy",
        "Limit",
        "Market",
        "0.01",
        "49000",
        "",
        "None",
        "null",
        "NaN",
        "Infinity",
        "-0",
        "-1",
        "1e400",
        "1e-400",
        "0x10",
        "1_000",
        "٣",
        "9" * 400,
        "0." + "0" * 400 + "1",
        "\x00",
        "\ud800",
        "💥",
        "%",
        "%zz",
        "a" * 5_000,
        "true",
        "1:1",
        "last%3DBTCUSDT",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=10)
USUAL = {"category": "linear", "symbol": BTC, "side": "Buy", "orderType": "Market", "qty": "0.01"}


def check(reply) -> None:
    assert reply.status in (200, 400, 401, 403, 404)
    told = json.loads(reply.body)
    assert set(told) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
    assert isinstance(told["retMsg"], str)
    if told["retCode"]:
        assert told["result"] == {}
    reply.body.decode("ascii")


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), asked=OBJECTS, usual=st.booleans())
def test_any_parameters_get_an_answer_of_the_venue(path, asked, usual):
    venue = Bybit()
    values = {**USUAL, **asked} if usual else asked
    if path in PUBLIC or path in READS:
        query = "&".join(f"{name}={value}" for name, value in values.items())
        query = query.encode(errors="replace").decode()
        check(venue.signed("GET", path, query))
    else:
        check(venue.signed("POST", path, body=json.dumps(values).encode()))


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(PATHS) | st.text(max_size=20),
    body=st.binary(max_size=60),
    query=st.text(max_size=40),
)
def test_any_bytes_and_any_path_get_an_answer_of_the_venue(path, body, query):
    venue = Bybit()
    sent = query.encode(errors="replace").decode()
    for method in ("GET", "POST", "DELETE", ""):
        check(venue.signed(method, path, sent, body))


@settings(max_examples=100, deadline=None)
@given(headers=st.dictionaries(st.sampled_from(["x-bapi-api-key", "x-bapi-timestamp", "x-bapi-sign"]), TEXTS))
def test_any_headers_get_an_answer_of_the_venue(headers):
    check(Bybit().answer("GET", "/v5/account/info", **headers))


FRAMES = st.one_of(
    st.text(max_size=60),
    st.dictionaries(st.sampled_from(["op", "args", "req_id", "reqId", "header"]), VALUES, max_size=5).map(
        json.dumps
    ),
    st.builds(
        lambda op, args, header: json.dumps({"op": op, "args": args, "header": header, "reqId": "r"}),
        st.sampled_from(["auth", "subscribe", "unsubscribe", "ping", "order.create", "order.cancel-batch"]),
        st.lists(OBJECTS | TEXTS, max_size=3),
        st.just({"X-BAPI-TIMESTAMP": "1700000000000"}) | VALUES,
    ),
)


@settings(max_examples=200, deadline=None)
@given(text=FRAMES, where=st.sampled_from(["public", "private", "trading"]))
def test_any_frame_is_answered_or_left_alone(text, where):
    venue = Bybit()
    stream = getattr(venue, where)()
    stream.say_text(text)
    for told in stream.texts:
        assert isinstance(json.loads(told), dict)
    venue.order()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"a":1}{"b":2}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"qty":NaN}',
        b'{"qty":' + b"9" * 10_000 + b"}",
        b'{"category":"linear","symbol":"' + b"A" * 2_000_000 + b'"}',
    ],
    ids=["empty", "null", "list", "cut", "two", "bytes", "deep", "nan", "digits", "long"],
)
def test_a_body_that_is_no_object_is_a_parameter_error(body):
    reply = Bybit().signed("POST", "/v5/order/create", body=body)
    assert (reply.status, json.loads(reply.body)["retCode"]) == (200, 10001)


@pytest.mark.parametrize("path", ["/v5/public/linear", "/v5/private", "/v5/trade"])
@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"ping"', "x" * 2_000_000, "[" * 50_000, '{"op":1}'])
def test_a_frame_that_is_no_object_is_answered_with_an_error(path, text):
    stream = Bybit().dial(path)
    answer = stream.say_text(text)
    assert answer.get("success") is False or answer.get("retCode") == 10404


def test_a_wrong_order_changes_nothing():
    venue = Bybit()
    before = venue.account.wallet_atoms, venue.exchange.floor.order_count
    for asked in ({"qty": "1e5"}, {"side": ""}, {"symbol": None}, {"price": "NaN", "orderType": "Limit"}):
        assert venue.order(**asked)["retCode"] == 10001
    assert (venue.account.wallet_atoms, venue.exchange.floor.order_count) == before


def test_a_request_for_a_stream_by_plain_http_is_not_found():
    venue = Bybit()
    assert venue.facade.answer(Request("GET", "stream.bybit.com", "/v5/private")).status == 404
