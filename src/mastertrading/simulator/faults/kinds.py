"""What a request asks for, in one vocabulary for all venues: faults are aimed by it.

A request has several tags, from special to general: a stop of Binance is ``place``, ``conditional``, ``command`` and
``private``, and ``reduce`` if it only reduces; a look at one's fills is ``fills``, ``read`` and ``private``; bars are
``bars`` and ``public``. What looks one order up has ``order``.
"""

from __future__ import annotations

import re

from mastertrading.simulator.wire import Request

COMMANDS = frozenset({"place", "amend", "cancel", "cancel_all"})
READS = frozenset({"order", "open_orders", "order_history", "fills", "positions", "balance", "income"})
SETTINGS = frozenset({"settings", "account", "listen_key"})
PUBLIC = frozenset(
    {"time", "markets", "bars", "mark_bars", "book", "ticker", "trades", "funding", "funding_history"}
)

REDUCES = re.compile(rb"(reduceOnly|closePosition|closeOnTrigger)[\"=: ]+true", re.IGNORECASE)

FRAMES = frozenset({"order_news", "account_news", "data", "answer"})
"""What frames have besides the names of the public reads (``editing.frame_tags``)."""
KINDS = frozenset(
    {*COMMANDS, *READS, *SETTINGS, *PUBLIC, *FRAMES}
    | {"command", "conditional", "reduce", "read", "private", "public", "other", "dial", "stream"}
)
"""Every word that a fault can be aimed with."""

KEYS = frozenset({"x-mbx-apikey", "x-bapi-api-key"})

Tags = frozenset[str]
Table = dict[tuple[str, str], str]

BINANCE: Table = {
    ("POST", "/fapi/v1/order"): "place",
    ("POST", "/fapi/v1/batchOrders"): "place",
    ("PUT", "/fapi/v1/order"): "amend",
    ("PUT", "/fapi/v1/batchOrders"): "amend",
    ("DELETE", "/fapi/v1/order"): "cancel",
    ("DELETE", "/fapi/v1/batchOrders"): "cancel",
    ("POST", "/fapi/v1/countdownCancelAll"): "cancel_all",
    ("DELETE", "/fapi/v1/allOpenOrders"): "cancel_all",
    ("GET", "/fapi/v1/order"): "order",
    ("GET", "/fapi/v1/openOrder"): "order",
    ("GET", "/fapi/v1/openOrders"): "open_orders",
    ("GET", "/fapi/v1/allOrders"): "order_history",
    ("POST", "/fapi/v1/algoOrder"): "place conditional",
    ("DELETE", "/fapi/v1/algoOrder"): "cancel conditional",
    ("DELETE", "/fapi/v1/algoOpenOrders"): "cancel_all conditional",
    ("GET", "/fapi/v1/algoOrder"): "order conditional",
    ("GET", "/fapi/v1/openAlgoOrders"): "open_orders conditional",
    ("GET", "/fapi/v1/allAlgoOrders"): "order_history conditional",
    ("GET", "/fapi/v1/userTrades"): "fills",
    ("GET", "/fapi/v1/income"): "income",
    ("GET", "/fapi/v2/positionRisk"): "positions",
    ("GET", "/fapi/v3/positionRisk"): "positions",
    ("GET", "/fapi/v2/balance"): "balance",
    ("GET", "/fapi/v3/balance"): "balance",
    ("GET", "/fapi/v2/account"): "balance",
    ("GET", "/fapi/v3/account"): "balance",
    ("POST", "/fapi/v1/leverage"): "settings",
    ("POST", "/fapi/v1/marginType"): "settings",
    ("POST", "/fapi/v1/positionSide/dual"): "settings",
    ("POST", "/fapi/v1/multiAssetsMargin"): "settings",
    ("POST", "/fapi/v1/positionMargin"): "settings",
    ("GET", "/fapi/v1/positionSide/dual"): "account",
    ("GET", "/fapi/v1/multiAssetsMargin"): "account",
    ("GET", "/fapi/v1/leverageBracket"): "account",
    ("GET", "/fapi/v1/commissionRate"): "account",
    ("GET", "/fapi/v1/accountConfig"): "account",
    ("GET", "/fapi/v1/symbolConfig"): "account",
    ("GET", "/fapi/v1/apiTradingStatus"): "account",
    ("GET", "/sapi/v1/account/apiRestrictions"): "account",
    ("POST", "/fapi/v1/listenKey"): "listen_key",
    ("PUT", "/fapi/v1/listenKey"): "listen_key",
    ("DELETE", "/fapi/v1/listenKey"): "listen_key",
    ("GET", "/fapi/v1/time"): "time",
    ("GET", "/fapi/v1/ping"): "time",
    ("GET", "/fapi/v1/exchangeInfo"): "markets",
    ("GET", "/fapi/v1/klines"): "bars",
    ("GET", "/fapi/v1/continuousKlines"): "bars",
    ("GET", "/fapi/v1/markPriceKlines"): "mark_bars",
    ("GET", "/fapi/v1/depth"): "book",
    ("GET", "/fapi/v1/ticker/bookTicker"): "ticker",
    ("GET", "/fapi/v1/ticker/24hr"): "ticker",
    ("GET", "/fapi/v1/ticker/price"): "ticker",
    ("GET", "/fapi/v2/ticker/price"): "ticker",
    ("GET", "/fapi/v1/trades"): "trades",
    ("GET", "/fapi/v1/historicalTrades"): "trades",
    ("GET", "/fapi/v1/aggTrades"): "trades",
    ("GET", "/fapi/v1/premiumIndex"): "funding",
    ("GET", "/fapi/v1/fundingInfo"): "funding",
    ("GET", "/fapi/v1/fundingRate"): "funding_history",
}

BYBIT: Table = {
    ("POST", "/v5/order/create"): "place",
    ("POST", "/v5/order/create-batch"): "place",
    ("POST", "/v5/order/amend"): "amend",
    ("POST", "/v5/order/cancel"): "cancel",
    ("POST", "/v5/order/cancel-all"): "cancel_all",
    ("GET", "/v5/order/realtime"): "open_orders",
    ("GET", "/v5/order/history"): "order_history",
    ("GET", "/v5/execution/list"): "fills",
    ("GET", "/v5/account/transaction-log"): "income",
    ("GET", "/v5/position/list"): "positions",
    ("GET", "/v5/account/wallet-balance"): "balance",
    ("POST", "/v5/position/set-leverage"): "settings",
    ("POST", "/v5/position/switch-mode"): "settings",
    ("POST", "/v5/position/switch-isolated"): "settings",
    ("POST", "/v5/account/set-margin-mode"): "settings",
    ("POST", "/v5/position/trading-stop"): "place conditional",
    ("POST", "/v5/position/set-risk-limit"): "settings",
    ("POST", "/v5/position/add-margin"): "settings",
    ("POST", "/v5/position/set-auto-add-margin"): "settings",
    ("GET", "/v5/account/info"): "account",
    ("GET", "/v5/account/fee-rate"): "account",
    ("GET", "/v5/user/query-api"): "account",
    ("GET", "/v5/market/time"): "time",
    ("GET", "/v3/public/time"): "time",
    ("GET", "/v5/market/price-limit"): "markets",
    ("GET", "/v5/market/instruments-info"): "markets",
    ("GET", "/v5/market/risk-limit"): "markets",
    ("GET", "/v5/market/kline"): "bars",
    ("GET", "/v5/market/mark-price-kline"): "mark_bars",
    ("GET", "/v5/market/orderbook"): "book",
    ("GET", "/v5/market/tickers"): "ticker",
    ("GET", "/v5/market/recent-trade"): "trades",
    ("GET", "/v5/market/funding/history"): "funding_history",
}

TABLES: dict[str, Table] = {"binance_usdm": BINANCE, "bybit_linear": BYBIT}


def tags_of(venue: str, request: Request) -> Tags:
    """Tags of a request; one that is not in the venue's table is ``other``, and ``private`` where it has a key."""
    found = TABLES.get(venue, {}).get((request.method, request.path), "other")
    tags = {*found.split(), *_conditional(venue, request)}
    if tags & {"open_orders", "order_history"}:
        tags |= _asked_by_id(request)
    if tags & COMMANDS:
        tags |= {"command", "private"}
        if REDUCES.search(request.body) or REDUCES.search(request.query.encode()):
            tags.add("reduce")
    elif tags & READS:
        tags |= {"read", "private"}
    elif tags & SETTINGS:
        tags.add("private")
    elif tags & PUBLIC:
        tags.add("public")
    elif KEYS & request.headers.keys():
        tags.add("private")
    return frozenset(tags)


def _conditional(venue: str, request: Request) -> Tags:
    """Bybit has one endpoint for all orders."""
    if venue != "bybit_linear":
        return frozenset()
    stop = b'"triggerPrice"' in request.body or b"StopOrder" in request.body or "StopOrder" in request.query
    return frozenset({"conditional"}) if stop else frozenset()


def _asked_by_id(request: Request) -> set[str]:
    """Bybit looks one order up in its lists."""
    asked = request.parameters()
    return {"order"} if asked.get("orderId") or asked.get("orderLinkId") else set()
