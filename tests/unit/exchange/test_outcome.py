"""ACK, REFUSED or UNKNOWN: by exact code, by a parsed reply, and by nothing softer."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from mastertrading.domain.commands import Outcome, Refusal
from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.orders import Order, OrderKind, OrderStatus
from mastertrading.exchange import binance_words, bybit_words
from mastertrading.exchange.lean import errors, streaming_class
from mastertrading.exchange.outcome import Answer, judged, retry_after_s, settled

BINANCE, BYBIT = binance_words.CODES, bybit_words.CODES
KEY = ConnectionKey("fapi.binance.com", 443, True, True, None, None, None)


def answer(told: object, status: int = 400, **more) -> Answer:
    return Answer("POST", status, more.pop("headers", {}), json.dumps(told), told, **more)


def an_order(told: object) -> Order:
    return Order("7", "a1", "BTCUSDT", 1, OrderKind.MARKET, OrderStatus.WORKING, 1, 0, 0, 0)


def unreadable(told: object) -> Order:
    raise ExchangeUnavailable("an order lacks orderId")


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """An error as ccxt raises it: with another as its cause."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(("codes", "told"), [(BINANCE, {}), (BYBIT, {"retCode": 0, "result": {}})])
def test_a_good_reply_that_names_the_order_is_an_ack(codes, told):
    reply = judged(answer(told, 200), codes, an_order)
    assert (reply.outcome, reply.order.order_id) == (Outcome.ACK, "7")


@pytest.mark.parametrize("read", [unreadable, lambda told: None])
def test_a_good_reply_that_does_not_name_the_order_is_unknown(read):
    assert judged(answer({}, 200), BINANCE, read).outcome is Outcome.UNKNOWN


def test_a_reply_without_bybits_code_is_unknown():
    assert judged(answer({}, 200), BYBIT, an_order).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("code", "word"), sorted(BINANCE.refusals.items()))
def test_a_listed_code_of_binance_is_a_refusal(code, word):
    reply = judged(answer({"code": int(code), "msg": "no"}), BINANCE, an_order)
    assert (reply.outcome, reply.refusal, reply.code) == (Outcome.REFUSED, word, code)


@pytest.mark.parametrize(("code", "word"), sorted(BYBIT.refusals.items()))
def test_a_listed_code_of_bybit_is_a_refusal(code, word):
    reply = judged(answer({"retCode": int(code), "retMsg": "no"}, 200), BYBIT, an_order)
    assert (reply.outcome, reply.refusal, reply.code) == (Outcome.REFUSED, word, code)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008, -2010, -2012, -4117, -4078, -77777])
def test_a_code_of_binance_that_may_mean_anything_is_unknown(code):
    reply = judged(answer({"code": code, "msg": "?"}), BINANCE, an_order)
    assert (reply.outcome, reply.refusal, reply.code) == (Outcome.UNKNOWN, None, str(code))


@pytest.mark.parametrize("code", [5004, 10000, 10016, 10019, 10429, 110079, 170007, 170146, 777777])
def test_a_code_of_bybit_that_may_mean_anything_is_unknown(code):
    reply = judged(answer({"retCode": code, "retMsg": "?"}, 200), BYBIT, an_order)
    assert (reply.outcome, reply.refusal) == (Outcome.UNKNOWN, None)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_listed_code_on_a_status_that_is_not_the_venues_own_word_is_unknown(status):
    assert judged(answer({"code": -2019, "msg": "no"}, status), BINANCE, an_order).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("codes", "code"), [(BINANCE, -4116), (BYBIT, 110072), (BYBIT, 110030), (BYBIT, 10014)]
)
def test_a_taken_id_is_unknown_and_says_that_the_order_exists(codes, code):
    name, status = ("code", 400) if codes is BINANCE else ("retCode", 200)
    reply = judged(answer({name: code, "msg": "taken"}, status), codes, an_order)
    assert (reply.outcome, reply.duplicate) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize("codes", [BINANCE, BYBIT])
def test_no_code_serves_for_two_things(codes):
    assert not set(codes.refusals) & codes.duplicates
    assert codes.no_change <= set(codes.refusals)
    assert codes.not_found <= set(codes.refusals)


def test_the_sentence_of_a_general_code_gives_a_better_word_but_no_other_outcome():
    told = {"retCode": 10001, "retMsg": "Qty invalid"}
    assert judged(answer(told, 200), BYBIT, an_order).refusal is Refusal.PRECISION
    told = {"retCode": 10016, "retMsg": "Qty invalid"}
    assert judged(answer(told, 200), BYBIT, an_order).outcome is Outcome.UNKNOWN


def test_no_code_that_ccxt_calls_a_failed_operation_is_on_the_list_of_refusals_but_for_clock_and_rate():
    """Ccxt's own tables, read from the class: where it would try again, we have to have a reason to call it final."""
    failed = errors().OperationFailed
    known = {Refusal.CLOCK, Refusal.RATE_LIMIT, Refusal.NOT_TRADING}
    for codes, exchange_id in ((BINANCE, "binanceusdm"), (BYBIT, "bybit")):
        tables = streaming_class(exchange_id)().exceptions
        table = tables["exact"] | (tables.get("linear", {}).get("exact", {}) if codes is BINANCE else {})
        doubtful = {code for code, kind in table.items() if issubclass(kind, failed)}
        assert {codes.refusals[code] for code in doubtful & set(codes.refusals)} <= known


# -------------------------------------------------------------------- what was never sent
@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ClientConnectorError(KEY, OSError(111, "refused")),
        aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no name")),
        aiohttp.ClientConnectorCertificateError(KEY, Exception("expired")),
        aiohttp.ConnectionTimeoutError("Connection timeout"),
    ],
)
def test_an_error_before_there_was_a_connection_means_not_sent(cause):
    error = raised(errors().ExchangeNotAvailable("binanceusdm POST https://…"), raised(cause, OSError(111)))
    reply = judged(Answer("POST", error=error), BINANCE, an_order)
    assert (reply.outcome, reply.refusal) == (Outcome.REFUSED, Refusal.NOT_SENT)


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset"),
        aiohttp.ClientPayloadError("cut"),
        aiohttp.SocketTimeoutError("read"),
        TimeoutError(),
        ValueError("anything"),
    ],
)
def test_any_other_error_leaves_a_command_unknown(cause):
    error = raised(errors().ExchangeError("binanceusdm POST https://…"), cause)
    assert judged(Answer("POST", error=error), BINANCE, an_order).outcome is Outcome.UNKNOWN


def test_a_cancel_by_delete_that_could_not_connect_is_unknown_since_it_may_be_the_second_try():
    error = raised(
        errors().ExchangeNotAvailable("x"), aiohttp.ClientConnectorError(KEY, OSError(111, "refused"))
    )
    assert judged(Answer("DELETE", error=error), BINANCE, an_order).outcome is Outcome.UNKNOWN


def test_what_never_reached_the_session_was_not_sent():
    reply = judged(Answer("DELETE", begun=False), BINANCE, an_order)
    assert (reply.outcome, reply.refusal) == (Outcome.REFUSED, Refusal.NOT_SENT)


def test_a_detail_never_quotes_an_exception():
    secret = "signature=cafebabe"
    error = raised(errors().RequestTimeout(f"binanceusdm GET https://x/?{secret}"), TimeoutError(secret))
    reply = judged(Answer("POST", error=error), BINANCE, an_order)
    assert secret not in repr(reply)
    assert secret not in repr(Answer("POST", body=secret, error=error))
    assert reply.detail == "no answer (TimeoutError)"


# -------------------------------------------------------------------- settings, waiting
def test_no_change_is_an_ack():
    assert (
        settled(answer({"code": -4046, "msg": "No need"}), BINANCE, lambda told: False).outcome is Outcome.ACK
    )
    assert settled(answer({"retCode": 110043}, 200), BYBIT, lambda told: False).outcome is Outcome.ACK


def test_a_setting_that_is_not_confirmed_is_unknown():
    assert settled(answer({"leverage": 3}, 200), BINANCE, lambda told: False).outcome is Outcome.UNKNOWN
    assert settled(answer([], 200), BINANCE, lambda told: True).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("headers", "told", "expected"),
    [
        ({"retry-after": "12"}, {}, 12.0),
        ({"retry-after": "Wed, 21 Oct"}, {}, None),
        ({"x-bapi-limit-reset-timestamp": "5000"}, {"retCode": 10006}, 4.0),
        ({"x-bapi-limit-reset-timestamp": "5000"}, {"retCode": 0}, None),
        ({}, {}, None),
    ],
)
def test_how_long_the_venue_wants_us_to_wait(headers, told, expected):
    assert retry_after_s(Answer("GET", 429, headers, "", told, received_ms=1_000)) == expected
