"""What is wrong on the wire gets the venue's own error or a clean end, never a 500 of ours; the exchange lives on."""

from __future__ import annotations

import json
import ssl
import time

import pytest

from local_venues import SYMBOL, Harbour, no_bugs
from raw_requests import Binance, Bybit, Reply, dial, frame, read, read_frame, request, send, upgrade

BINANCE, BYBIT = Binance(), Bybit()
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
BYBIT_ORDER = {"category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Market", "qty": "0.01"}
HOSTS = ("fapi.binance.com", "api.bybit.com")
ALIVE = {"fapi.binance.com": "/fapi/v1/time", "api.bybit.com": "/v5/market/time"}


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    with Harbour(tmp_path_factory.mktemp("authority")) as harbour:
        yield harbour


@pytest.fixture(autouse=True)
def lives_on(harbour):
    """After each test both venues answer, nothing was an error of ours, and no order came about."""
    yield
    for host, path in ALIVE.items():
        assert send(harbour.port, harbour.context, host, request("GET", path, host)).status == 200
    no_bugs(harbour.served.local, harbour.served.server.failures)
    assert harbour.orders() == 0


def said(harbour: Harbour, host: str, sent: bytes) -> Reply:
    reply = send(harbour.port, harbour.context, host, sent)
    assert reply.status < 500, reply
    return reply


# -------------------------------------------------------------------- Binance
def binance_cases() -> dict[str, tuple[bytes, int, int]]:
    """What is sent, the HTTP status and the code that answer it."""
    order = "/fapi/v1/order"
    account = "/fapi/v3/account"
    key = {"X-MBX-APIKEY": BINANCE.key}
    signed = BINANCE.signed
    return {
        "signed by another": (Binance(secret="wrong").signed("POST", order, **ORDER), 400, -1022),
        "changed after signing": (signed("POST", order, **ORDER).replace(b"0.01", b"0.09"), 400, -1022),
        "unsigned": (request("GET", f"{account}?timestamp={BINANCE.stamp()}", BINANCE.host, key), 400, -1102),
        "a signature that is no number": (
            request("GET", f"{account}?timestamp={BINANCE.stamp()}&signature=zz", BINANCE.host, key),
            400,
            -1100,
        ),
        "no key": (request("GET", f"{account}?{BINANCE.query()}", BINANCE.host), 401, -2014),
        "an unknown key": (Binance(key="nobody").signed("GET", account), 401, -2015),
        "too old": (Binance(behind_s=60).signed("POST", order, **ORDER), 400, -1021),
        "from the future": (Binance(behind_s=-60).signed("POST", order, **ORDER), 400, -1021),
        "no timestamp": (
            request("GET", f"{account}?recvWindow=5000&signature={'0' * 64}", BINANCE.host, key),
            400,
            -1022,
        ),
        "an unknown symbol": (signed("POST", order, **{**ORDER, "symbol": "NOSUCH"}), 400, -1121),
        "an unknown symbol's book": (
            request("GET", "/fapi/v1/depth?symbol=NOSUCH", BINANCE.host),
            400,
            -1121,
        ),
        "a finer quantity than there is": (
            signed("POST", order, **{**ORDER, "quantity": "0.0101"}),
            400,
            -1111,
        ),
        "a finer price than there is": (
            signed("POST", order, **ORDER | {"type": "LIMIT", "timeInForce": "GTC", "price": "50000.123"}),
            400,
            -1111,
        ),
        "a quantity that is no number": (signed("POST", order, **{**ORDER, "quantity": "lots"}), 400, -1100),
        "a quantity in exponents": (signed("POST", order, **{**ORDER, "quantity": "1e99999999"}), 400, -1100),
        "a quantity that is not finite": (signed("POST", order, **{**ORDER, "quantity": "NaN"}), 400, -1100),
        "a quantity below zero": (signed("POST", order, **{**ORDER, "quantity": "-1"}), 400, -1100),
        "no quantity": (signed("POST", order, symbol=SYMBOL, side="BUY", type="MARKET"), 400, -1102),
        "a side that is none": (signed("POST", order, **{**ORDER, "side": "HOLD"}), 400, -1117),
        "a type that is none": (signed("POST", order, **{**ORDER, "type": "GUESS"}), 400, -1116),
        "a stop on the plain endpoint": (
            signed("POST", order, **ORDER | {"type": "STOP_MARKET", "stopPrice": "1"}),
            400,
            -4120,
        ),
        "a client id that is too long": (
            signed("POST", order, **ORDER, newClientOrderId="x" * 37),
            400,
            -4015,
        ),
        "an interval that is none": (
            request("GET", f"/fapi/v1/klines?symbol={SYMBOL}&interval=7m", BINANCE.host),
            400,
            -1120,
        ),
        "a listen key nobody has": (
            request("PUT", "/fapi/v1/listenKey", BINANCE.host, key),
            400,
            -1125,
        ),
    }


@pytest.mark.parametrize("what", binance_cases())
def test_binance_refuses_with_its_own_code(harbour, what):
    sent, status, code = binance_cases()[what]
    reply = said(harbour, BINANCE.host, sent)
    assert (reply.status, reply.code) == (status, code), reply.body
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.json()["msg"]


# -------------------------------------------------------------------- Bybit
def bybit_cases() -> dict[str, tuple[bytes, int, int]]:
    create, signed = "/v5/order/create", BYBIT.signed
    bare = {"Content-Type": "application/json"}
    return {
        "signed by another": (Bybit(secret="wrong").signed("POST", create, **BYBIT_ORDER), 200, 10004),
        "changed after signing": (
            signed("POST", create, **BYBIT_ORDER).replace(b"0.01", b"0.09"),
            200,
            10004,
        ),
        "no key": (request("POST", create, BYBIT.host, bare, b"{}"), 401, 10007),
        "an unknown key": (
            Bybit(key="nobody").signed("GET", "/v5/position/list", category="linear"),
            200,
            10003,
        ),
        "too old": (Bybit(behind_s=60).signed("POST", create, **BYBIT_ORDER), 200, 10002),
        "from the future": (Bybit(behind_s=-60).signed("POST", create, **BYBIT_ORDER), 200, 10002),
        "an unknown symbol": (signed("POST", create, **{**BYBIT_ORDER, "symbol": "NOSUCH"}), 200, 10001),
        "an unknown symbol's book": (
            request("GET", "/v5/market/orderbook?category=linear&symbol=NOSUCH", BYBIT.host),
            200,
            10001,
        ),
        "a finer quantity than there is": (
            signed("POST", create, **{**BYBIT_ORDER, "qty": "0.0101"}),
            200,
            10001,
        ),
        "a quantity that is no number": (
            signed("POST", create, **{**BYBIT_ORDER, "qty": "lots"}),
            200,
            10001,
        ),
        "a quantity in exponents": (
            signed("POST", create, **{**BYBIT_ORDER, "qty": "1e99999999"}),
            200,
            10001,
        ),
        "a quantity that is not finite": (
            signed("POST", create, **{**BYBIT_ORDER, "qty": "Infinity"}),
            200,
            10001,
        ),
        "a quantity that is a list": (signed("POST", create, **{**BYBIT_ORDER, "qty": ["1"]}), 200, 10001),
        "a side that is none": (signed("POST", create, **{**BYBIT_ORDER, "side": "Hold"}), 200, 10001),
        "a category that is none": (
            signed("POST", create, **{**BYBIT_ORDER, "category": "lunar"}),
            200,
            10001,
        ),
        "broken JSON": (BYBIT.body(create, '{"category": "linear", '), 200, 10001),
        "JSON that is no object": (BYBIT.body(create, "[1, 2]"), 200, 10001),
        "JSON that is very deep": (BYBIT.body(create, "[" * 50_000 + "]" * 50_000), 200, 10001),
        "numbers that are no JSON": (BYBIT.body(create, '{"category": NaN}'), 200, 10001),
        "an interval that is none": (
            request("GET", f"/v5/market/kline?category=linear&symbol={SYMBOL}&interval=7", BYBIT.host),
            200,
            10001,
        ),
        "an order nobody has": (
            signed("POST", "/v5/order/cancel", category="linear", symbol=SYMBOL, orderId="none"),
            200,
            110001,
        ),
    }


@pytest.mark.parametrize("what", bybit_cases())
def test_bybit_refuses_with_its_own_code(harbour, what):
    sent, status, code = bybit_cases()[what]
    reply = said(harbour, BYBIT.host, sent)
    assert (reply.status, reply.code) == (status, code), reply.body
    assert reply.headers["content-type"].startswith("application/json")


# -------------------------------------------------------------------- HTTP itself
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "target",
    ["/", "/fapi/v9/nothing", "/v5/nothing", "//", "/%00", "/fapi/v1/../../etc/passwd", "/?" + "a=1&" * 300],
)
def test_a_path_that_does_not_exist_is_not_found(harbour, host, target):
    assert 400 <= said(harbour, host, request("GET", target, host)).status < 500


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "POST", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_method_is_refused(harbour, host, method):
    assert 400 <= said(harbour, host, request(method, ALIVE[host], host)).status < 500


@pytest.mark.parametrize("host", ["example.com", "", "fapi.binance.com.example.com", "xn--bnance-p8a.com"])
def test_a_host_nobody_answers_is_misdirected(harbour, host):
    reply = send(harbour.port, harbour.context, "fapi.binance.com", request("GET", "/fapi/v1/time", host))
    assert 400 <= reply.status < 500


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 300,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost fapi\r\n\r\n",
        "GET /ä HTTP/1.1\r\n\r\n".encode(),
        b"POST /fapi/v1/order HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
        b"POST /fapi/v1/order HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_bytes_that_are_no_request_are_refused_or_hung_up_on(harbour, host, sent):
    assert send(harbour.port, harbour.context, host, sent).status < 500


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "sent",
    [
        request("GET", "/" + "a" * 100_000, "h"),
        request("GET", "/", "h", {"X-Long": "b" * 100_000}),
        request("GET", "/", "h", {f"X-{k}": "c" for k in range(20_000)}),
        request("POST", "/v5/order/create", "api.bybit.com", body=b"d" * 1_000_000),
        request("POST", "/fapi/v1/order", "fapi.binance.com", body=b"e=1&" * 250_000),
    ],
    ids=["a long target", "a long header", "many headers", "a large body", "a large form"],
)
def test_what_is_too_large_is_refused_or_hung_up_on(harbour, host, sent):
    began = time.monotonic()
    assert send(harbour.port, harbour.context, host, sent).status < 500
    assert time.monotonic() - began < 3


def test_a_promise_of_a_body_that_is_too_large_is_refused_before_it_comes(harbour):
    head = request("POST", "/fapi/v1/order", BINANCE.host, {"Content-Length": "1000000000000"})
    assert send(harbour.port, harbour.context, BINANCE.host, head).status in (0, 413)


def test_plain_bytes_instead_of_tls_are_hung_up_on(harbour):
    with pytest.raises(ssl.SSLError):
        dial(harbour.port, ssl.create_default_context(), BINANCE.host)  # a client that trusts only the world


def test_half_requests_and_slow_ones_hold_up_nobody(harbour):
    slow = [dial(harbour.port, harbour.context, BINANCE.host) for _ in range(20)]
    try:
        for k, line in enumerate(slow):
            line.sendall(
                b"POST /fapi/v1/order HTTP/1.1\r\nHost: fapi.binance.com\r\nContent-Length: 50\r\n"[: 20 + k]
            )
        began = time.monotonic()
        for _ in range(20):
            assert (
                said(harbour, BINANCE.host, request("GET", ALIVE[BINANCE.host], BINANCE.host)).status == 200
            )
        assert time.monotonic() - began < 3
    finally:
        for line in slow:
            line.close()


# -------------------------------------------------------------------- WebSocket frames
SOCKETS = {
    "fstream.binance.com": "/ws",
    "ws-fapi.binance.com": "/ws-fapi/v1",
    "stream.bybit.com": "/v5/public/linear",
}
PRIVATE = {**SOCKETS, "stream.bybit.com/private": "/v5/private", "stream.bybit.com/trade": "/v5/trade"}
GARBAGE = [
    "",
    "{",
    "null",
    "[]",
    "12",
    '"text"',
    "{}",
    '{"op": 5}',
    '{"op": "dance"}',
    '{"op": "subscribe", "args": "x"}',
    '{"op": "subscribe", "args": [5, null, {}]}',
    '{"op": "auth", "args": []}',
    '{"op": "auth", "args": ["client-key", 1, "zz"]}',
    '{"op": "order.create", "args": [7], "header": 5, "reqId": {}}',
    '{"method": "SUBSCRIBE", "params": 7, "id": 1}',
    '{"method": "SUBSCRIBE", "params": [null, 5], "id": 1}',
    '{"method": "SUBSCRIBE", "params": ["nothing@all"], "id": {}}',
    '{"method": "order.place", "params": [], "id": 1}',
    '{"method": "order.place", "params": {"symbol": {"a": 1}}, "id": "x"}',
    '{"method": null}',
    "[" * 30_000,
    '{"id": NaN}',
]


def talk(harbour: Harbour, where: str) -> ssl.SSLSocket:
    host = where.partition("/")[0]
    line = dial(harbour.port, harbour.context, host)
    line.sendall(upgrade(PRIVATE[where], host))
    assert read(line).status == 101
    return line


@pytest.mark.parametrize("where", PRIVATE)
def test_frames_of_nonsense_are_answered_by_the_venue_or_ended(harbour, where):
    for text in GARBAGE:
        with talk(harbour, where) as line:
            line.sendall(frame(text.encode()) + frame(b"still there?", opcode=9))
            while True:
                opcode, payload = read_frame(line)
                if opcode == 1:
                    assert isinstance(json.loads(payload), dict)
                    continue
                assert (opcode, payload) == (10, b"still there?") or opcode == 8, text
                break


@pytest.mark.parametrize("where", SOCKETS)
@pytest.mark.parametrize(
    "sent",
    [
        frame(b"\x00\x01\x02", opcode=2),
        frame(b"\xff\xfe not text"),
        frame(b"x", opcode=11),
        frame(b"begins", final=False) + frame(b"begins again"),
        frame(b"", said=1 << 62),
        frame(b"z" * 2_000_000),
        frame(b"p" * 200, opcode=9),
    ],
    ids=[
        "binary",
        "no text",
        "no opcode",
        "two beginnings",
        "a huge promise",
        "huge",
        "a long ping",
    ],
)
def test_frames_that_break_the_protocol_end_the_connection(harbour, where, sent):
    with talk(harbour, where) as line:
        try:
            line.sendall(sent)
            opcode, payload = read_frame(line)
            while opcode == 1:
                opcode, payload = read_frame(line)
        except (ConnectionError, ssl.SSLError):
            return
        assert opcode == 8, (opcode, payload)


@pytest.mark.parametrize("where", SOCKETS)
def test_a_handshake_that_is_none_is_refused(harbour, where):
    hello = upgrade(SOCKETS[where], where)
    for damaged in (
        hello.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 1"),
        hello.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
        hello.replace(b"Connection: Upgrade", b"Connection: close"),
        hello.replace(SOCKETS[where].encode(), b"/nowhere"),
    ):
        assert 400 <= said(harbour, where, damaged).status < 500
