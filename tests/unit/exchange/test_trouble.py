"""What a failure means."""

from __future__ import annotations

import pytest

from mastertrading.exchange.lean import errors, exchange_class, exchange_ids
from mastertrading.exchange.trouble import BadAnswer, Heard, judged

NOW = 1_000_000


@pytest.mark.parametrize(
    ("name", "status", "headers", "final", "everybody", "wait_s"),
    [
        ("NetworkError", 0, {}, False, False, None),
        ("RequestTimeout", 504, {}, False, False, None),
        ("ExchangeNotAvailable", 503, {}, False, False, None),
        ("ExchangeError", 200, {}, False, False, None),
        ("DDoSProtection", 429, {"retry-after": "17"}, False, True, 17.0),
        ("DDoSProtection", 418, {"retry-after": "-3"}, False, True, 0.0),
        ("ExchangeNotAvailable", 429, {"retry-after": "soon"}, False, True, None),
        ("RateLimitExceeded", 200, {"x-bapi-limit-reset-timestamp": str(NOW + 4500)}, False, True, 4.5),
        ("RateLimitExceeded", 403, {}, False, True, 30.0),
        ("ExchangeNotAvailable", 451, {}, True, False, None),
        ("BadSymbol", 400, {}, True, False, None),
        ("NotSupported", 0, {}, True, False, None),
        ("AuthenticationError", 401, {}, True, False, None),
    ],
)
def test_an_error_says_whether_and_when_to_ask_again(name, status, headers, final, everybody, wait_s):
    trouble = judged(getattr(errors(), name)("bybit GET https://a/b?c"), Heard(status, headers), NOW)
    assert (trouble.final, trouble.everybody, trouble.wait_s) == (final, everybody, wait_s)


def test_an_answer_that_parsers_stumble_over_is_asked_for_again():
    assert not judged(KeyError("data"), Heard(200), NOW).final
    assert judged(BadAnswer("no JSON"), Heard(200), NOW).text == "no JSON"


def test_a_text_holds_the_cause_and_no_address():
    error = errors().NetworkError("bybit GET https://api.bybit.com/v5/x?secret=1")
    error.__cause__ = TimeoutError()
    assert judged(error, Heard(), NOW).text == "no answer (TimeoutError)"
    long = errors().ExchangeError("bybit " + "x" * 1000)
    assert len(judged(long, Heard(500), NOW).text) < 200
    assert judged(long, Heard(500), NOW).text.startswith("HTTP 500: ")


def test_one_exchange_is_imported_without_the_others(python_of_its_own):
    told = python_of_its_own(
        "import sys; from mastertrading.exchange.lean import exchange_class as c; c('bybit');"
        "print(len([m for m in sys.modules if m.startswith('ccxt')]), 'ccxt' in sys.modules);"
        "import ccxt; print(issubclass(c('bybit'), ccxt.Exchange), ccxt.bybit is c('bybit'))"
    )
    few, there, same_base, same = told.split()
    assert int(few) < 20
    assert (there, same_base, same) == ("False", "True", "True")


def test_every_exchange_of_ccxt_has_an_id():
    assert {"binanceusdm", "bybit", "kucoinfutures", "bingx", "okx"} <= set(exchange_ids())
    assert not {"base", "abstract", "pro", "test"} & set(exchange_ids())
    assert exchange_class("bingx").__name__ == "bingx"
