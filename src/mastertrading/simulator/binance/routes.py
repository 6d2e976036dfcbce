"""Every path that is served: who may ask, what it weighs, and who answers. Weights are the documented ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from mastertrading.simulator.binance import account, account_settings, algo, bars, market, trade, wallet
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.parameters import Parameters


class Access(Enum):
    """What a request must show."""

    OPEN = "open"
    KEY = "key"
    READ = "read"
    TRADE = "trade"

    @property
    def is_signed(self) -> bool:
        """Whether it must be signed."""
        return self in (Access.READ, Access.TRADE)


Count = int | Callable[[Parameters], int]


@dataclass(frozen=True, slots=True)
class Route:
    """A path and a method. ``orders``: how many new orders it counts for."""

    answer: Callable[[Call], Any]
    access: Access = Access.OPEN
    weight: Count = 1
    orders: Count = 0


def _by_symbol(one: int, all_: int) -> Count:
    return lambda given: one if given.has("symbol") else all_


def _by_limit(default: int, steps: tuple[tuple[int, int], ...]) -> Count:
    def weigh(given: Parameters) -> int:
        text = given.text("limit")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default
        return next((weight for most, weight in steps if limit <= most), steps[-1][1])

    return weigh


_BARS = _by_limit(500, ((99, 1), (499, 2), (1000, 5), (1500, 10)))
_DEPTH = _by_limit(500, ((50, 2), (100, 5), (500, 10), (1000, 20)))
_TRADE, _READ, _KEY = Access.TRADE, Access.READ, Access.KEY
_FAPI = "/fapi/v1"

ROUTES: Final[dict[str, dict[str, Route]]] = {
    f"{_FAPI}/ping": {"GET": Route(market.ping)},
    f"{_FAPI}/time": {"GET": Route(market.time)},
    f"{_FAPI}/exchangeInfo": {"GET": Route(market.exchange_info)},
    f"{_FAPI}/depth": {"GET": Route(market.depth, weight=_DEPTH)},
    f"{_FAPI}/rpiDepth": {"GET": Route(market.depth, weight=20)},
    f"{_FAPI}/trades": {"GET": Route(market.trades, weight=5)},
    f"{_FAPI}/historicalTrades": {"GET": Route(market.trades, _KEY, 20)},
    f"{_FAPI}/aggTrades": {"GET": Route(market.aggregate_trades, weight=20)},
    f"{_FAPI}/klines": {"GET": Route(bars.last_bars, weight=_BARS)},
    f"{_FAPI}/continuousKlines": {"GET": Route(bars.contract_bars, weight=_BARS)},
    f"{_FAPI}/markPriceKlines": {"GET": Route(bars.mark_bars, weight=_BARS)},
    f"{_FAPI}/indexPriceKlines": {"GET": Route(bars.index_bars, weight=_BARS)},
    f"{_FAPI}/premiumIndexKlines": {"GET": Route(bars.premium_bars, weight=_BARS)},
    f"{_FAPI}/premiumIndex": {"GET": Route(market.premium_index, weight=_by_symbol(1, 10))},
    f"{_FAPI}/fundingRate": {"GET": Route(market.funding_rates)},
    f"{_FAPI}/fundingInfo": {"GET": Route(market.funding_info)},
    f"{_FAPI}/ticker/24hr": {"GET": Route(market.last_day, weight=_by_symbol(1, 40))},
    f"{_FAPI}/ticker/price": {"GET": Route(market.last_prices, weight=_by_symbol(1, 2))},
    "/fapi/v2/ticker/price": {"GET": Route(market.last_prices, weight=_by_symbol(1, 2))},
    f"{_FAPI}/ticker/bookTicker": {"GET": Route(market.best_levels, weight=_by_symbol(2, 5))},
    f"{_FAPI}/openInterest": {"GET": Route(market.open_interest)},
    f"{_FAPI}/symbolAdlRisk": {"GET": Route(market.adl_risk)},
    "/futures/data/openInterestHist": {"GET": Route(market.open_interest_history)},
    f"{_FAPI}/order": {
        "POST": Route(trade.place, _TRADE, 0, 1),
        "PUT": Route(trade.amend, _TRADE, 1, 1),
        "GET": Route(trade.query, _READ),
        "DELETE": Route(trade.cancel, _TRADE),
    },
    f"{_FAPI}/order/test": {"POST": Route(trade.test, _TRADE)},
    f"{_FAPI}/batchOrders": {
        "POST": Route(trade.place_batch, _TRADE, 5, trade.batch_size),
        "PUT": Route(trade.amend_batch, _TRADE, 5, trade.batch_size),
        "DELETE": Route(trade.cancel_batch, _TRADE),
    },
    f"{_FAPI}/openOrder": {"GET": Route(trade.query_open, _READ)},
    f"{_FAPI}/openOrders": {"GET": Route(trade.open_orders, _READ, _by_symbol(1, 40))},
    f"{_FAPI}/allOrders": {"GET": Route(trade.all_orders, _READ, 5)},
    f"{_FAPI}/allOpenOrders": {"DELETE": Route(trade.cancel_all, _TRADE)},
    f"{_FAPI}/countdownCancelAll": {"POST": Route(trade.count_down, _TRADE, 10)},
    f"{_FAPI}/userTrades": {"GET": Route(trade.user_trades, _READ, 5)},
    f"{_FAPI}/forceOrders": {"GET": Route(trade.force_orders, _READ, _by_symbol(20, 50))},
    f"{_FAPI}/algoOrder": {
        "POST": Route(algo.place, _TRADE, 0, 1),
        "GET": Route(algo.query, _READ),
        "DELETE": Route(algo.cancel, _TRADE),
    },
    f"{_FAPI}/openAlgoOrders": {"GET": Route(algo.open_orders, _READ, _by_symbol(1, 40))},
    f"{_FAPI}/allAlgoOrders": {"GET": Route(algo.all_orders, _READ, 5)},
    f"{_FAPI}/algoOpenOrders": {"DELETE": Route(algo.cancel_all, _TRADE)},
    "/fapi/v2/account": {"GET": Route(account.account_v2, _READ, 5)},
    "/fapi/v3/account": {"GET": Route(account.account_v3, _READ, 5)},
    "/fapi/v2/balance": {"GET": Route(account.balance, _READ, 5)},
    "/fapi/v3/balance": {"GET": Route(account.balance, _READ, 5)},
    "/fapi/v2/positionRisk": {"GET": Route(account.position_risk_v2, _READ, 5)},
    "/fapi/v3/positionRisk": {"GET": Route(account.position_risk_v3, _READ, 5)},
    f"{_FAPI}/income": {"GET": Route(account.income, _READ, 30)},
    f"{_FAPI}/commissionRate": {"GET": Route(account.commission_rate, _READ, 20)},
    f"{_FAPI}/adlQuantile": {"GET": Route(account.adl_quantile, _READ, 5)},
    f"{_FAPI}/leverage": {"POST": Route(account_settings.set_leverage, _TRADE)},
    f"{_FAPI}/marginType": {"POST": Route(account_settings.set_margin_type, _TRADE)},
    f"{_FAPI}/positionMargin": {"POST": Route(account_settings.position_margin, _TRADE)},
    f"{_FAPI}/positionSide/dual": {
        "GET": Route(account_settings.position_mode, _READ, 30),
        "POST": Route(account_settings.set_position_mode, _TRADE),
    },
    f"{_FAPI}/multiAssetsMargin": {
        "GET": Route(account_settings.multi_assets, _READ, 30),
        "POST": Route(account_settings.set_multi_assets, _TRADE),
    },
    f"{_FAPI}/leverageBracket": {"GET": Route(account_settings.leverage_bracket, _READ)},
    f"{_FAPI}/accountConfig": {"GET": Route(account_settings.account_config, _READ, 5)},
    f"{_FAPI}/symbolConfig": {"GET": Route(account_settings.symbol_config, _READ, 5)},
    f"{_FAPI}/rateLimit/order": {"GET": Route(market.order_limits, _READ)},
    f"{_FAPI}/listenKey": {
        "POST": Route(account_settings.start_listen_key, _KEY),
        "PUT": Route(account_settings.keep_listen_key, _KEY),
        "DELETE": Route(account_settings.end_listen_key, _KEY),
    },
    "/sapi/v1/capital/config/getall": {"GET": Route(wallet.currencies, _READ, 10)},
    "/sapi/v1/margin/allPairs": {"GET": Route(wallet.margin_instruments)},
    "/sapi/v1/margin/isolated/allPairs": {"GET": Route(wallet.margin_instruments, _READ, 10)},
    "/sapi/v1/account/apiRestrictions": {"GET": Route(wallet.restrictions, _READ)},
    "/sapi/v1/system/status": {"GET": Route(wallet.system_status)},
    "/api/v3/time": {"GET": Route(market.time)},
    "/api/v3/ping": {"GET": Route(market.ping)},
}

SOCKET: Final[dict[str, tuple[str, str]]] = {
    "order.place": ("POST", f"{_FAPI}/order"),
    "order.test": ("POST", f"{_FAPI}/order/test"),
    "order.modify": ("PUT", f"{_FAPI}/order"),
    "order.cancel": ("DELETE", f"{_FAPI}/order"),
    "order.status": ("GET", f"{_FAPI}/order"),
    "algoOrder.place": ("POST", f"{_FAPI}/algoOrder"),
    "algoOrder.cancel": ("DELETE", f"{_FAPI}/algoOrder"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "depth": ("GET", f"{_FAPI}/depth"),
    "ticker.price": ("GET", "/fapi/v2/ticker/price"),
    "ticker.book": ("GET", f"{_FAPI}/ticker/bookTicker"),
    "userDataStream.start": ("POST", f"{_FAPI}/listenKey"),
    "userDataStream.ping": ("PUT", f"{_FAPI}/listenKey"),
    "userDataStream.stop": ("DELETE", f"{_FAPI}/listenKey"),
}
"""Methods of the WebSocket API, each a request by another name."""


def amount(count: Count, given: Parameters) -> int:
    """A weight or a number of orders, of a request."""
    return count if isinstance(count, int) else count(given)
