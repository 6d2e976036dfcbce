"""The Binance façade's messages, field by field against examples of the venue's.

``DIFFERENCES`` lists what differs, with the reason; a difference that is not in it fails, and so does one in it that
no longer occurs. ``+ place``: we have it and the example does not; ``- place``: the other way round.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from binance_messages import ours, user_name
from mastertrading.simulator.binance import BinanceRules
from mastertrading.simulator.binance.routes import ROUTES, SOCKET
from venue_documents import rules_table, text
from wire_examples import (
    DATA,
    WIRE,
    Example,
    differences,
    json_files,
    of_comment,
    request_files,
    strange_words,
)

pytestmark = pytest.mark.skipif(not WIRE.exists(), reason="the shared data is not here")

NET = "binance_usdm/Binance.Net.UnitTests"
RUST = "nautilus/crates/adapters/binance/test_data/futures"
PYTHON = "nautilus/tests/integration_tests/adapters/binance/resources"
BOOK = DATA / "l2" / "binance_usdm-BTCUSDT-20240808.gz"
F = "/fapi/v1"

# -------------------------------------------------------------------- words
SIDES = {"BUY", "SELL"}
WORDS = {
    "side": SIDES,
    "S": SIDES,
    "status": {"TRADING", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"},
    "X": {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "MARKET"}
    | {"TRIGGERING", "TRIGGERED", "FINISHED", "REJECTED"},
    "x": {"NEW", "TRADE", "CANCELED", "EXPIRED", "CALCULATED", "AMENDMENT"},
    "algoStatus": {"NEW", "TRIGGERING", "TRIGGERED", "FINISHED", "CANCELED", "EXPIRED", "REJECTED"},
    "positionSide": {"BOTH", "LONG", "SHORT"},
    "ps": {"BOTH", "LONG", "SHORT", "BTCUSDT", "ETHUSDT"},
    "timeInForce": {"GTC", "IOC", "FOK", "GTX", "GTD"},
    "f": {"GTC", "IOC", "FOK", "GTX", "GTD"},
    "type": {"LIMIT", "MARKET"},
    "orderType": {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"},
    "workingType": {"CONTRACT_PRICE", "MARK_PRICE"},
    "wt": {"CONTRACT_PRICE", "MARK_PRICE"},
    "marginType": {"cross", "isolated", "CROSSED", "ISOLATED"},
    "m": {"ORDER", "FUNDING_FEE", "DEPOSIT", "WITHDRAW", "ADJUSTMENT", "MARGIN_TYPE_CHANGE"},
    "incomeType": {"REALIZED_PNL", "COMMISSION", "FUNDING_FEE", "TRANSFER", "INSURANCE_CLEAR"},
    "selfTradePreventionMode": {"EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "NONE"},
    "mt": {"cross", "isolated", "CROSSED", "ISOLATED"},
}


_TRAILING, _LATER = (
    "only trailing stops have it, which are refused here",
    "the venue has added it since the example",
)
_NEW_FIELDS = ("goodTillDate", "priceMatch", "selfTradePreventionMode")
_USER_ORDERS = ("CALCULATED", "NEW", "TRADE")
_V2 = "the comment marks it as a field of v2"
_ALL_ALGO = (
    "actualOrderId", "actualPrice", "actualQty", "actualType", "closePosition", "goodTillDate", "icebergQuantity",
    "price", "priceMatch", "priceProtect", "selfTradePreventionMode", "slPrice", "slTriggerPrice", "tpOrderType",
    "tpPrice", "tpTriggerPrice", "triggerTime",
)  # fmt: skip
DIFFERENCES: dict[str, dict[str, tuple[str, ...]]] = {
    _TRAILING: {
        f"GET {F}/order": ("- activatePrice", "- priceRate"),
        f"GET {F}/openOrder": ("- activatePrice", "- priceRate"),
        f"GET {F}/allOrders": ("- [].activatePrice", "- [].priceRate"),
        f"POST {F}/batchOrders": ("- [].activatePrice", "- [].priceRate"),
        f"DELETE {F}/batchOrders": ("- [].activatePrice", "- [].priceRate"),
        "SOCKET order.cancel": ("- result.activatePrice", "- result.priceRate"),
        "SOCKET order.status": ("- result.activatePrice", "- result.priceRate"),
        f"GET {F}/exchangeInfo": ("- symbols[].orderTypes[6]",),
        **{f"USER ORDER_TRADE_UPDATE {x}": ("- [].o.AP", "- [].o.cr") for x in _USER_ORDERS},
    },
    _LATER: {
        f"GET {F}/allOrders": tuple(f"+ [].{one}" for one in _NEW_FIELDS),
        f"GET {F}/forceOrders": (*(f"+ [].{one}" for one in _NEW_FIELDS), "+ [].priceProtect"),
        f"PUT {F}/order": (*(f"+ {one}" for one in _NEW_FIELDS), "+ cumBase", "+ pair"),
        f"PUT {F}/batchOrders": ("+ [].cumBase", "+ [].pair", "+ [].cumQuote"),
        f"PUT {F}/listenKey": ("+ listenKey",),
        f"POST {F}/batchOrders": ("+ [].closePosition",),
        f"GET {F}/exchangeInfo": ("+ symbols[].maxMoveOrderLimit", "+ symbols[].timeInForce[4]"),
        f"GET {F}/fundingRate": ("+ [].markPrice",),
        f"GET {F}/ticker/bookTicker": ("+ lastUpdateId",),
        "GET /fapi/v2/account": tuple(
            f"+ positions[].{one}" for one in ("breakEvenPrice", "isolatedMargin", "isolatedWallet", "notional")
        ),
        "GET /fapi/v2/positionRisk": ("+ [].breakEvenPrice", "+ [].isolatedWallet", "+ [].notional"),
        "SOCKET order.status": (*(f"+ result.{one}" for one in _NEW_FIELDS), "+ rateLimits"),
        "STREAM btcusdt@bookTicker": ("+ [].ps", "+ [].st"),
        "STREAM btcusdt@depth": ("+ [].ps", "+ [].st"),
        "STREAM btcusdt@depth@100ms": ("+ [].ps", "+ [].st"),
        "STREAM btcusdt@markPrice": ("+ [].ap",),
        "STREAM btcusdt@ticker": ("+ [].st",),
        **{f"USER ORDER_TRADE_UPDATE {x}": ("+ [].o.gtd", "+ [].o.pm") for x in _USER_ORDERS},
    },
    "a shortened example that calls orderType type; the venue's own reply to one order has them all": {
        f"GET {F}/openAlgoOrders": ("- [].type", "+ [].orderType", *(f"+ [].{one}" for one in _ALL_ALGO))
    },
    _V2: {
        "GET /fapi/v3/account": (
            "- assets[].marginAvailable", "- feeBurn", "- feeTier", "- canDeposit", "- canTrade", "- canWithdraw",
            "- multiAssetsMargin", "- tradeGroupId", "- updateTime",
        ),
    },
    "a library's comment writes numbers as text; the venue's own schema has numbers": {
        "GET /fapi/v3/account": ("assets[].updateTime: decimal, number",),
        "GET /fapi/v3/positionRisk": ("[].adl: decimal, number", "[].updateTime: decimal, number"),
        f"GET {F}/symbolConfig": ("[].isAutoAddMargin: text, flag",),
        "GET /futures/data/openInterestHist": ("[].timestamp: decimal, number",),
    },
    "the venue has dropped it": {f"GET {F}/userTrades": ("- [].marginAsset",)},
    "recorded frames have it, the documented example does not": {"STREAM btcusdt@trade": ("+ [].X",)},
    "not documented, and no client that we know reads it": {
        f"USER ORDER_TRADE_UPDATE {x}": ("- [].o.W",) for x in _USER_ORDERS
    },
    "the example has the words of a rejection on an order that was not rejected": {
        "USER ALGO_UPDATE CANCELED": ("- [].o.rm",),
        "USER ALGO_UPDATE NEW": ("- [].o.rm",),
    },
}  # fmt: skip

_SAME = "the same message as of its REST request"
_NO_BODY = "nothing is in it"
WITHOUT_EXAMPLE: dict[str, str] = {
    f"GET {F}/ping": _NO_BODY,
    "GET /api/v3/ping": _NO_BODY,
    f"GET {F}/time": "one number",
    "GET /api/v3/time": "one number",
    f"POST {F}/order": f"as in POST {F}/batchOrders",
    f"POST {F}/order/test": f"as in POST {F}/batchOrders",
    f"DELETE {F}/order": f"as in DELETE {F}/batchOrders",
    f"GET {F}/openOrders": f"as in GET {F}/openOrder",
    f"POST {F}/algoOrder": "as in SOCKET algoOrder.place",
    f"DELETE {F}/algoOrder": "the schema of the venue's SDK",
    f"GET {F}/allAlgoOrders": f"as in GET {F}/algoOrder",
    f"POST {F}/leverage": "the schema of the venue's SDK",
    f"POST {F}/listenKey": f"as in PUT {F}/listenKey",
    f"POST {F}/multiAssetsMargin": "always refused",
    f"GET {F}/multiAssetsMargin": "one flag",
    f"POST {F}/positionMargin": "always refused",
    f"GET {F}/accountConfig": "the schema of the venue's SDK",
    f"GET {F}/rpiDepth": f"as in GET {F}/depth",
    "GET /sapi/v1/account/apiRestrictions": "the venue's documentation",
    "GET /sapi/v1/margin/allPairs": _NO_BODY,
    "GET /sapi/v1/margin/isolated/allPairs": _NO_BODY,
    **{
        f"SOCKET {one}": _SAME
        for one in (
            "account.balance", "account.position", "account.status", "algoOrder.cancel", "order.modify",
            "order.place", "order.test", "userDataStream.ping", "userDataStream.start", "userDataStream.stop",
            "v2/account.balance", "v2/account.position",
        )
    },
    **{
        f"STREAM {one}": "as of one instrument"
        for one in (
            "!bookTicker", "!forceOrder@arr", "!markPrice@arr", "!markPrice@arr@1s", "!miniTicker@arr",
            "!ticker@arr", "btcusdt@markPrice@1s",
        )
    },
    "STREAM btcusdt_perpetual@continuousKline_1m": "as kline, by pair and contract type",
    "USER ALGO_UPDATE EXPIRED": "as CANCELED, with the reason",
    "USER ALGO_UPDATE REJECTED": "as CANCELED, with the reason",
    "USER ORDER_TRADE_UPDATE AMENDMENT": "as NEW",
    "USER ORDER_TRADE_UPDATE CANCELED": "as NEW",
}  # fmt: skip
"""What is served and has no example, and what it follows."""

REFUSED_ALWAYS = {f"POST {F}/multiAssetsMargin": -4171, f"POST {F}/positionMargin": -4049}

# -------------------------------------------------------------------- theirs
FILES = {
    "agg_trade_stream": "STREAM btcusdt@aggTrade",
    "book_ticker_stream": "STREAM btcusdt@bookTicker",
    "depth_update_stream": "STREAM btcusdt@depth",
    "kline_stream_closed": "STREAM btcusdt@kline_1m",
    "kline_stream_open": "STREAM btcusdt@kline_1m",
    "liquidation_stream": "STREAM btcusdt@forceOrder",
    "mark_price_stream": "STREAM btcusdt@markPrice",
    "ticker_stream": "STREAM btcusdt@ticker",
    "trade_stream": "STREAM btcusdt@trade",
    "account_info_v2": "GET /fapi/v2/account",
    "balance": "GET /fapi/v2/balance",
    "open_algo_orders": f"GET {F}/openAlgoOrders",
    "order_response": f"GET {F}/order",
    "position_risk": "GET /fapi/v2/positionRisk",
    "http_futures_account_orders": f"GET {F}/allOrders",
    "http_futures_account_position_side_dual": f"GET {F}/positionSide/dual",
    "http_futures_account_positions_one_way": "GET /fapi/v2/positionRisk",
    "http_futures_account_positions_hedge": "GET /fapi/v2/positionRisk",
    "http_futures_account_symbol_config": f"GET {F}/symbolConfig",
    "http_futures_account_trades": f"GET {F}/userTrades",
    "http_futures_market_agg_trades": f"GET {F}/aggTrades",
    "http_futures_market_book_ticker": f"GET {F}/ticker/bookTicker",
    "http_futures_market_continuous_klines": f"GET {F}/continuousKlines",
    "http_futures_market_depth": f"GET {F}/depth",
    "http_futures_market_exchange_info": f"GET {F}/exchangeInfo",
    "http_futures_market_funding_rate": f"GET {F}/fundingRate",
    "http_futures_market_historical_trades": f"GET {F}/historicalTrades",
    "http_futures_market_index_price_klines": f"GET {F}/indexPriceKlines",
    "http_futures_market_klines": f"GET {F}/klines",
    "http_futures_market_mark_price_klines": f"GET {F}/markPriceKlines",
    "http_futures_market_open_interest": f"GET {F}/openInterest",
    "http_futures_market_open_interest_historical": "GET /futures/data/openInterestHist",
    "http_futures_market_premium_index": f"GET {F}/premiumIndex",
    "http_futures_market_ticker_24hr": f"GET {F}/ticker/24hr",
    "http_futures_market_ticker_price": f"GET {F}/ticker/price",
    "http_futures_market_trades": f"GET {F}/trades",
    "http_futures_wallet_commission_rate_btcusdt": f"GET {F}/commissionRate",
    "http_futures_wallet_commission_rate_ethusdt": f"GET {F}/commissionRate",
    "ws_futures_book_ticker": "STREAM btcusdt@bookTicker",
    "ws_futures_depth_update": "STREAM btcusdt@depth5@100ms",
    "ws_futures_depth_diff_update": "STREAM btcusdt@depth",
    "ws_futures_ticker_24hr": "STREAM btcusdt@ticker",
}
"""JSON files by name, and what of ours each is an example of."""

NOT_COMPARED = {
    "account_update_bnfcr": "another currency, without positions",
    "order_update_calculated_pending": "an order of the venue's before it fills: here it fills at once",
    "order_update_delivery": "a quarterly contract's delivery",
    "order_update_insurance": "the insurance fund's takeover, which here is no order",
    "order_update_settlement": "the settlement of a delisted contract has the frame of any fill",
    "ws_futures_order_update_liquidation_zero_qty": "a liquidation of nothing",
    "ws_futures_order_update_new_limit_if_touched_price_match": "conditional orders are on the algo endpoints now",
    "ws_futures_order_update_new_stop_limit_price_match": "conditional orders are on the algo endpoints now",
    "ws_futures_order_update_new_price_match": "priceMatch is refused",
    "ws_futures_order_update_settlement": "the settlement of a delisted contract has the frame of any fill",
    "http_futures_market_asset_index": "not served: several currencies as margin",
    "http_futures_market_blvt_nav_kline": "not served: leveraged tokens",
    "http_futures_market_global_long_short_account_ratio": "not served: statistics of other people",
    "http_futures_market_index_info": "not served: composite indices",
    "http_futures_market_taker_long_short_ratio": "not served: statistics of other people",
    "http_futures_market_top_long_short_account_ratio": "not served: statistics of other people",
    "http_futures_market_top_long_short_position_ratio": "not served: statistics of other people",
    "http_futures_wallet_commission_rate_btcusdt_quarterly": "a quarterly contract",
    "GET /fapi/v1/trade/asyn": "not served: downloads of history",
    "GET /fapi/v1/order/asyn/id": "not served: downloads of history",
    "GET /fapi/v1/income/asyn/id": "not served: downloads of history",
    "GET /fapi/v1/positionMargin/history": "not served: margin is not moved by hand",
    "GET /fapi/v1/apiTradingStatus": "not served: quantitative rules",
    "GET /fapi/v1/assetIndex": "not served: several currencies as margin",
    "GET /futures/data/globalLongShortAccountRatio": "not served: statistics of other people",
    "GET /futures/data/takerlongshortRatio": "not served: statistics of other people",
    "GET /futures/data/topLongShortAccountRatio": "not served: statistics of other people",
    "POST /fapi/v1/convert/acceptQuote": "not served: conversion of currencies",
    "GET /fapi/v1/convert/orderStatus": "not served: conversion of currencies",
    "GET /sapi/v1/algo/futures/subOrders": "not served: the venue's TWAP and VP orders",
    "GET /sapi/v1/algo/futures/openOrders": "not served: the venue's TWAP and VP orders",
    "POST /sapi/v1/algo/futures/newOrderTwap": "not served: the venue's TWAP and VP orders",
    "POST /fapi/v1/multiAssetsMargin": "one currency only: it is refused with the venue's error",
    "STREAM btcusdt@compositeIndex": "not served: composite indices",
    "USER GRID_UPDATE": "not served: the venue's own strategies",
    "USER STRATEGY_UPDATE": "not served: the venue's own strategies",
}
"""Examples of this market that are compared with nothing, and why."""

COMMENTS: dict[str, tuple[Any, ...]] = {
    "GET /fapi/v3/positionRisk": ("fetch_positions_risk", "fapiPrivateV3GetPositionRisk"),
    "GET /fapi/v3/account": ("fetch_account_positions", "fapiPrivateV3GetAccount"),
    "GET /fapi/v2/ticker/price": ("fetch_last_prices", "fapiPublicV2GetTickerPrice"),
    f"GET {F}/symbolAdlRisk": ("fetch_adl_rank", "fapiPublicGetSymbolAdlRisk"),
    f"GET {F}/adlQuantile": ("fetch_positions_adl_rank", "dapiPrivateGetAdlQuantile"),
    f"GET {F}/income": ("fetch_ledger", "dapiPrivateGetIncome", 0, "futures"),
    f"GET {F}/forceOrders": ("parse_liquidation", None, 0, "\nlinear"),
    f"GET {F}/symbolConfig": ("fetch_margin_mode", "fapiPrivateGetSymbolConfig"),
    f"GET {F}/positionSide/dual": ("fetch_position_mode", "fapiPrivateGetPositionSideDual"),
    f"PUT {F}/order": ("parse_order", None, 0, "swap and future: editOrder"),
    f"PUT {F}/batchOrders": ("edit_orders", "fapiPrivatePutBatchOrders"),
    f"DELETE {F}/allOpenOrders": ("cancel_all_orders", "fapiPrivateDeleteAllOpenOrders"),
    "GET /sapi/v1/system/status": ("fetch_status", "sapiGetSystemStatus"),
    "GET /sapi/v1/capital/config/getall": ("fetch_transaction_fees", "sapiGetCapitalConfigGetall"),
}
"""Examples in comments: by what of ours, the method, its call, and where in it."""


def examples() -> dict[str, tuple[str, Any]]:
    """Every example of this market: (what of ours it is an example of, its message) by its source."""
    found: dict[str, tuple[str, Any]] = {}
    for folder in ("Endpoints/UsdFutures", "Subscriptions/UsdFutures", "Socket/UsdFutures"):
        for one in request_files(f"{NET}/{folder}"):
            message = one.message["data"] if one.method == "STREAM" else one.message
            owned = one.method == "STREAM" and "@" not in one.path
            found[one.source.removeprefix(f"{NET}/")] = (
                user_name(message) if owned else f"{one.method} {one.path}",
                message,
            )
    for folder, pattern in ((RUST, "*.json"), (PYTHON, "*_futures_*.json")):
        for one in json_files(folder, pattern):
            found[f"nautilus: {one.path}"] = _of_file(one)
    for name, place in COMMENTS.items():
        found[f"comment: {place[0]} {place[1]}"] = name, of_comment("binance", *place).message
    return found | dict(recorded())


def _of_file(one: Example) -> tuple[str, Any]:
    message = one.message
    if isinstance(message, dict) and "stream" in message:
        message = message["data"]
    event = message.get("e", "") if isinstance(message, dict) else ""
    if one.path in FILES or one.path in NOT_COMPARED or not event.isupper():
        return FILES.get(one.path, one.path), message
    return user_name(message), message


def recorded() -> Iterator[tuple[str, tuple[str, Any]]]:
    """Frames that the venue really sent: the first of each stream, and the snapshot of the book."""
    with gzip.open(BOOK, "rt") as lines:
        wanted = {
            "STREAM btcusdt@depth",
            "STREAM btcusdt@bookTicker",
            "STREAM btcusdt@trade",
            f"GET {F}/depth",
        }
        for line in lines:
            message = json.loads(line.split(" ", 1)[1])
            name = (
                f"STREAM {message['stream'].removesuffix('@0ms')}"
                if "stream" in message
                else f"GET {F}/depth"
            )
            if name in wanted:
                wanted.remove(name)
                yield f"recorded: {name}", (name, message.get("data", message))
            if not wanted:
                return


def found_differences() -> dict[str, dict[str, list[str]]]:
    """What of ours differs from which examples: by name, then by source."""
    found: dict[str, dict[str, list[str]]] = {}
    for source, (name, message) in examples().items():
        if name not in NOT_COMPARED:
            framed = name.startswith(("STREAM", "USER"))
            mine = ours()[name]
            theirs = (
                [message] if framed or (isinstance(mine, list) and isinstance(message, dict)) else message
            )
            found.setdefault(name, {})[source] = differences(theirs, mine)
    return found


def listed() -> dict[str, dict[str, str]]:
    """The reason of each difference, by name."""
    found: dict[str, dict[str, str]] = {}
    for reason, places in DIFFERENCES.items():
        for name, ones in places.items():
            for one in ones:
                assert one not in found.setdefault(name, {}), (name, one)
                found[name][one] = reason
    return found


# -------------------------------------------------------------------- tests
def test_every_example_is_of_something_that_is_served_or_is_listed_as_not_compared():
    named = {name for name, _ in examples().values()}
    assert named - set(ours()) - set(NOT_COMPARED) == set()
    assert set(NOT_COMPARED) - named == set()
    assert set(FILES) <= {source.removeprefix("nautilus: ") for source in examples()}


def test_what_differs_from_the_examples_is_listed_with_its_reason_and_nothing_else():
    seen = {
        name: sorted({one for ones in by_source.values() for one in ones})
        for name, by_source in found_differences().items()
    }
    differs = {name: ones for name, ones in seen.items() if ones}
    assert differs == {name: sorted(ones) for name, ones in listed().items()}


def test_words_of_enumerations_are_the_venues():
    strange = {name: strange_words(message, WORDS) for name, message in ours().items()}
    assert {name: words for name, words in strange.items() if words} == {}


def test_what_has_no_example_is_listed():
    served = {f"{method} {path}" for path, methods in ROUTES.items() for method in methods}
    served |= {f"SOCKET {method}" for method in SOCKET} | {
        name for name in ours() if name[:4] in ("STRE", "USER")
    }
    assert served - set(found_differences()) == set(WITHOUT_EXAMPLE)


def test_every_request_was_answered_but_those_that_are_always_refused():
    refused = {name: message for name, message in ours().items() if isinstance(message, int)}
    assert refused == REFUSED_ALWAYS


# -------------------------------------------------------------------- the document
def outcome() -> str:
    """The table of ``docs/venues.md``."""
    rows = ["| of ours | examples | differences |", "|---|---:|---|"]
    known = listed()
    for name, by_source in sorted(found_differences().items()):
        told = "; ".join(f"`{one}`" for one in sorted(known.get(name, {}))) or "none"
        rows.append(f"| `{name}` | {len(by_source)} | {told} |")
    return "\n".join(rows)


def test_the_document_has_the_outcome_of_the_comparison():
    assert outcome() in text()


def test_the_document_has_the_rules():
    assert rules_table(BinanceRules) in text()
