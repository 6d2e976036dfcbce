"""Strict reading: a missing field, another unit or a float's noise is told, and nothing is made up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.orders import OrderStatus
from mastertrading.exchange import binance_words, bybit_words
from mastertrading.exchange.decode import Row, listed, moment_ms, rows_of

BINANCE_ORDER = {
    "orderId": 1917641,
    "clientOrderId": "abc",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "origType": "LIMIT",
    "status": "NEW",
    "origQty": "0.40",
    "executedQty": "0.00",
    "price": "9300.10",
    "avgPrice": "0.00000",
    "timeInForce": "GTC",
    "reduceOnly": False,
    "closePosition": False,
    "time": 1579276756075,
    "updateTime": 1579276756075,
}
BYBIT_ORDER = {
    "orderId": "fd43",
    "orderLinkId": "abc",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "orderStatus": "New",
    "qty": "0.40",
    "cumExecQty": "0.00",
    "price": "9300.10",
    "avgPrice": "",
    "timeInForce": "GTC",
    "reduceOnly": False,
    "closeOnTrigger": False,
    "createdTime": "1684738540559",
    "updatedTime": "1684738540561",
}


def same(name: str) -> str:
    return name


def orders():
    return [
        (BINANCE_ORDER, lambda told: binance_words.order_of(Row(told, "an order"), same)),
        (BYBIT_ORDER, lambda told: bybit_words.order_of(Row(told, "an order"), same)),
    ]


@pytest.mark.parametrize(("told", "read"), orders())
def test_an_order_keeps_its_decimals(told, read):
    order = read(told)
    assert (str(order.qty), str(order.limit_px), order.avg_px) == ("0.40", "9300.10", None)
    assert order.status is OrderStatus.WORKING


@pytest.mark.parametrize(("told", "read"), orders())
def test_an_order_without_a_required_field_is_no_answer_and_the_field_is_named(told, read):
    optional = {"origType", "avgPrice", "closePosition", "price", "time", "orderLinkId", "closeOnTrigger"}
    optional |= {"timeInForce"} if "orderLinkId" in told else {"type"}
    for name in set(told) - optional:
        with pytest.raises(ExchangeUnavailable, match=name):
            read({key: value for key, value in told.items() if key != name})


@pytest.mark.parametrize(("told", "read"), orders())
def test_a_status_of_tomorrow_is_unknown_and_may_still_fill(told, read):
    name = "status" if "status" in told else "orderStatus"
    order = read({**told, name: "Pondering"})
    assert order.status is OrderStatus.UNKNOWN
    assert order.status.is_open


@pytest.mark.parametrize(("told", "read"), orders())
@pytest.mark.parametrize("moment", [1579276756, 1579276756075000])
def test_a_time_in_another_unit_is_refused(told, read, moment):
    name = "updateTime" if "updateTime" in told else "updatedTime"
    with pytest.raises(ExchangeUnavailable, match="seconds"):
        read({**told, name: moment})


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-inf", "1,5", "0x10", "", None, True, {}, []])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ExchangeUnavailable, match="px"):
        Row({"px": value}, "a row").number("px")


def test_a_float_is_read_as_it_was_written():
    assert Row({"rate": 0.0065}, "a row").number("rate") == Decimal("0.0065")


def test_a_page_of_html_is_no_row():
    for told in ("<html>", None, [], 3):
        with pytest.raises(ExchangeUnavailable):
            Row(told, "a row")
    with pytest.raises(ExchangeUnavailable):
        rows_of({}, "rows")
    with pytest.raises(ExchangeUnavailable):
        listed(["1"], ("a", "b"), "a bar")


@pytest.mark.parametrize(
    "bar",
    [
        ["1579276740000", "10", "9", "8", "9.5", "1"],
        ["1579276740000", "10", "11", "10.5", "10.7", "1"],
        ["1579276740000", "0", "11", "0", "10.7", "1"],
        ["1579276740000", "10", "11", "-9", "10.7", "1"],
        ["1579276740000", "10", "11", "9", "10.7", "-1"],
        ["1579276740", "10", "11", "9", "10.7", "1"],
        ["1579276740000", "10", "NaN", "9", "10.7", "1"],
    ],
)
def test_a_bar_that_is_none_is_refused(bar):
    with pytest.raises(ExchangeUnavailable):
        bybit_words.bar_of(bar, "BTCUSDT", "1m", 60_000)


def test_flags_in_words_are_flags_and_anything_else_is_missing():
    assert Row({"a": "true", "b": "FALSE"}, "a row").flag("a")
    assert not Row({"a": "true", "b": "FALSE"}, "a row").flag("b")
    with pytest.raises(ExchangeUnavailable, match="lacks a"):
        Row({"a": "perhaps"}, "a row").flag("a")


def test_a_moment_in_milliseconds_is_itself():
    assert moment_ms(1_579_276_740_000, "it") == 1_579_276_740_000


def test_an_execution_of_another_kind_has_an_unknown_cause_and_funding_is_none():
    told = {
        "execId": "1",
        "orderId": "2",
        "symbol": "BTCUSDT",
        "side": "Sell",
        "execQty": "1",
        "execPrice": "2",
        "execFee": "-0.1",
        "isMaker": True,
        "execTime": "1672282722429",
        "execType": "BustTrade",
    }
    assert bybit_words.fill_of(Row(told, "a fill"), same).cause == "liquidation"
    assert bybit_words.fill_of(Row({**told, "execType": "Settle"}, "a fill"), same).cause == "unknown"
    assert bybit_words.fill_of(Row({**told, "execType": "Funding"}, "a fill"), same) is None


@pytest.mark.parametrize(
    ("told", "qty", "expected"),
    [
        ("NEW", "0", OrderStatus.UNTRIGGERED),
        ("TRIGGERING", "0", OrderStatus.UNTRIGGERED),
        ("TRIGGERED", "0", OrderStatus.WORKING),
        ("TRIGGERED", "0.001", OrderStatus.PARTIAL),
        ("FINISHED", "0.002", OrderStatus.FILLED),
        ("FINISHED", "0.001", OrderStatus.CANCELLED),
        ("CANCELED", "0", OrderStatus.CANCELLED),
        ("PONDERING", "0", OrderStatus.UNKNOWN),
    ],
)
def test_the_life_of_a_conditional_order_of_binance(told, qty, expected):
    row = {
        "algoId": 1,
        "clientAlgoId": "a",
        "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.002",
        "algoStatus": told,
        "actualOrderId": "77",
        "actualQty": qty,
        "actualPrice": "69067.60",
        "triggerPrice": "69080.20",
        "price": "0.00",
        "workingType": "MARK_PRICE",
        "timeInForce": "GTC",
        "reduceOnly": True,
        "closePosition": False,
        "createTime": 1775461924247,
        "updateTime": 1775461936135,
    }
    order = binance_words.algo_order_of(Row(row, "a stop"), same)
    assert (order.status, order.triggered_id, order.trigger.above) == (expected, "77", False)
