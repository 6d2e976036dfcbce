"""Bybit's façade: who may ask. Keys, clocks, signatures, rights."""

from __future__ import annotations

import json

import pytest

from bybit_world import BEGIN_MS, BTC, KEY, Bybit, signature, signed_headers

INFO = "/v5/account/info"


def code(reply) -> int:
    return json.loads(reply.body)["retCode"]


def test_a_signed_get_is_answered_and_a_signed_post_too():
    venue = Bybit()
    assert code(venue.signed("GET", INFO)) == 0
    assert venue.post("/v5/order/cancel-all", symbol=BTC)["retCode"] == 0


def test_the_signature_is_over_the_query_and_the_body_exactly_as_sent():
    venue = Bybit()
    odd = "symbol=BTCUSDT&category=linear&%6Cimit=5&cursor="
    assert code(venue.signed("GET", "/v5/order/realtime", odd)) == 0
    spaced = b'{ "category" : "linear",\n "symbol":"BTCUSDT" }'
    assert code(venue.signed("POST", "/v5/order/cancel-all", body=spaced)) == 0
    headers = signed_headers(BEGIN_MS, spaced)
    changed = venue.answer("POST", "/v5/order/cancel-all", body=spaced.replace(b" ", b""), **headers)
    assert code(changed) == 10004


@pytest.mark.parametrize("missing", ["x-bapi-api-key", "x-bapi-timestamp", "x-bapi-sign"])
def test_without_one_of_the_authentication_headers_the_venue_says_401(missing):
    headers = signed_headers(BEGIN_MS, "")
    del headers[missing]
    reply = Bybit().answer("GET", INFO, **headers)
    assert (reply.status, code(reply)) == (401, 10007)


def test_a_key_that_does_not_exist_is_10003_and_a_wrong_signature_10004():
    venue = Bybit()
    assert code(venue.signed("GET", INFO, key="nobody")) == 10003
    wrong = signed_headers(BEGIN_MS, "") | {"x-bapi-sign": signature("something else")}
    reply = venue.answer("GET", INFO, **wrong)
    assert code(reply) == 10004
    assert json.loads(reply.body)["retMsg"].startswith(f"error sign! origin_string[{BEGIN_MS}{KEY}5000")


@pytest.mark.parametrize(
    ("behind_ms", "window", "accepted"),
    [
        (0, "5000", True),
        (5_000, "5000", True),
        (5_001, "5000", False),
        (5_001, "6000", True),
        (-999, "5000", True),
        (-1_000, "5000", False),
    ],
)
def test_a_timestamp_is_good_from_the_window_back_to_a_second_ahead(behind_ms, window, accepted):
    reply = Bybit().signed("GET", INFO, stamp=BEGIN_MS - behind_ms, window=window)
    assert code(reply) == (0 if accepted else 10002)
    if not accepted:
        assert f"server_timestamp[{BEGIN_MS}],recv_window[{window}]" in json.loads(reply.body)["retMsg"]


def test_without_a_window_five_seconds_are_taken():
    venue, stamp = Bybit(), BEGIN_MS - 4_999
    assert code(venue.signed("GET", INFO, stamp=stamp, window="")) == 0
    assert code(venue.signed("GET", INFO, stamp=stamp - 2, window="")) == 10002


@pytest.mark.parametrize("stamp", ["", "now", "1e12", "NaN", "-1", "99999999999999999999"])
def test_a_timestamp_that_is_no_number_is_refused(stamp):
    assert code(Bybit().signed("GET", INFO, stamp=stamp)) in (10001, 10002, 10007)


def test_a_wrong_clock_of_the_venue_shows_in_its_times_and_in_its_judgement():
    venue = Bybit()
    venue.facade.desk.clock_error_ms = 20_000
    assert code(venue.signed("GET", INFO)) == 10002
    assert venue.get("/v5/market/time")["time"] == BEGIN_MS + 20_000


def test_a_key_that_may_only_read_reads_and_does_nothing_else():
    venue = Bybit(permissions=frozenset({"read"}))
    assert venue.get("/v5/position/list", category="linear", symbol=BTC)["retCode"] == 0
    assert venue.order()["retCode"] == 10005
    entry = venue.trading()
    assert entry.say(op="order.create", header={"X-BAPI-TIMESTAMP": BEGIN_MS}, args=[{}])["retCode"] == 10005


def test_the_key_tells_what_it_may_do_and_from_where():
    told = Bybit(permissions=frozenset({"read", "trade", "withdraw"})).get("/v5/user/query-api")["result"]
    assert (told["readOnly"], told["uta"], told["ips"]) == (0, 1, ["127.0.0.1"])
    assert "Withdraw" in told["permissions"]["Wallet"]
    assert told["permissions"]["ContractTrade"] == ["Order", "Position"]


def test_a_stream_is_opened_by_a_signature_that_has_not_expired():
    venue = Bybit()
    stream = venue.dial("/v5/private")
    assert stream.say(op="auth", args=venue.auth())["success"] is True
    late = venue.auth()
    venue.clock.advance(11)
    assert venue.dial("/v5/private").say(op="auth", args=late)["success"] is False
    assert venue.dial("/v5/private").say(op="auth", args=venue.auth("nobody"))["ret_msg"] == "Invalid apikey"
    assert venue.dial("/v5/private").say(op="auth", args=["a"])["ret_msg"] == "Params Error"
    assert venue.dial("/v5/trade").say(op="auth", args=late)["retCode"] == 10004


def test_before_auth_a_private_stream_tells_nothing():
    stream = Bybit().dial("/v5/private")
    assert stream.say(op="subscribe", args=["order"])["ret_msg"] == "Request not authorized"
    assert stream.say(op="ping", req_id="7")["op"] == "pong"
