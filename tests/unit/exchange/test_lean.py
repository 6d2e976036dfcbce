"""Ccxt.pro without the hundred exchanges that were not asked for: smaller, and whole for whoever imports it later."""

from __future__ import annotations


def test_two_streaming_classes_need_a_tenth_of_the_modules(python_of_its_own):
    text = """
from mastertrading.exchange.lean import streaming_class
for name in ("binanceusdm", "bybit"):
    assert streaming_class(name).__module__ == "ccxt.pro." + name
import sys
print(len([name for name in sys.modules if name.startswith("ccxt")]))
"""
    assert int(python_of_its_own(text)) < 40


def test_whoever_imports_the_whole_of_it_later_gets_it(python_of_its_own):
    text = """
from mastertrading.exchange.lean import errors, streaming_class
lean = streaming_class("binanceusdm")
import ccxt, ccxt.pro, ccxt.async_support
print(ccxt.pro.kraken.__name__, ccxt.kraken.__name__, issubclass(lean, ccxt.async_support.Exchange))
print(errors().InvalidOrder is ccxt.InvalidOrder, streaming_class("bybit") is ccxt.pro.bybit)
"""
    assert python_of_its_own(text).split() == ["kraken", "kraken", "True", "True", "True"]


def test_the_whole_of_it_imported_before_serves_too(python_of_its_own):
    text = """
import ccxt.pro
from mastertrading.exchange.lean import streaming_class
print(streaming_class("bybit") is ccxt.pro.bybit)
"""
    assert python_of_its_own(text).strip() == "True"


def test_downloads_and_gateways_share_one_process(python_of_its_own):
    text = """
from mastertrading.exchange.lean import exchange_class, streaming_class
rest, stream = exchange_class("bybit"), streaming_class("bybit")
print(rest.__module__, stream.__module__)
"""
    assert python_of_its_own(text).split() == ["ccxt.bybit", "ccxt.pro.bybit"]


def test_an_exchange_that_cannot_stream_is_refused(python_of_its_own):
    text = """
from mastertrading.domain.errors import UsageError
from mastertrading.exchange.lean import streaming_class
for name in ("bynance", "btcbox"):
    try:
        streaming_class(name)
    except UsageError as error:
        print("refused")
"""
    assert python_of_its_own(text).split() == ["refused", "refused"]
