"""What our Bybit says in a life with everything in it: each endpoint's reply and each stream's frames, by name."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from bybit_world import BTC, ETH, PX, Bybit

READS: dict[str, dict[str, Any]] = {
    "/v3/public/time": {},
    "/v5/market/time": {},
    "/v5/market/instruments-info": {"category": "linear"},
    "/v5/market/risk-limit": {"category": "linear"},
    "/v5/market/price-limit": {"category": "linear", "symbol": BTC},
    "/v5/market/kline": {"category": "linear", "symbol": BTC, "interval": "1"},
    "/v5/market/mark-price-kline": {"category": "linear", "symbol": BTC, "interval": "1"},
    "/v5/market/index-price-kline": {"category": "linear", "symbol": BTC, "interval": "1"},
    "/v5/market/premium-index-price-kline": {"category": "linear", "symbol": BTC, "interval": "1"},
    "/v5/market/orderbook": {"category": "linear", "symbol": BTC},
    "/v5/market/tickers": {"category": "linear"},
    "/v5/market/funding/history": {"category": "linear", "symbol": BTC},
    "/v5/market/recent-trade": {"category": "linear", "symbol": BTC},
    "/v5/market/open-interest": {"category": "linear", "symbol": BTC, "intervalTime": "5min"},
    "/v5/market/insurance": {},
    "/v5/market/account-ratio": {"category": "linear", "symbol": BTC, "period": "1h"},
    "/v5/market/delivery-price": {"category": "linear"},
    "/v5/system/status": {},
    "/v5/order/realtime": {"category": "linear", "settleCoin": "USDT", "limit": 1},
    "/v5/order/history": {"category": "linear", "limit": 1},
    "/v5/execution/list": {"category": "linear", "limit": 3},
    "/v5/position/list": {"category": "linear", "symbol": ETH},
    "/v5/position/closed-pnl": {"category": "linear"},
    "/v5/account/wallet-balance": {"accountType": "UNIFIED"},
    "/v5/account/info": {},
    "/v5/account/fee-rate": {"category": "linear"},
    "/v5/account/collateral-info": {},
    "/v5/account/transaction-log": {},
    "/v5/account/smp-group": {},
    "/v5/user/query-api": {},
    "/v5/asset/coin/query-info": {},
    "/v5/asset/transfer/query-account-coins-balance": {"accountType": "UNIFIED"},
}
TOPICS = (
    f"tickers.{BTC}",
    f"orderbook.50.{BTC}",
    f"orderbook.1.{BTC}",
    f"publicTrade.{BTC}",
    f"kline.1.{BTC}",
    f"allLiquidation.{ETH}",
    f"liquidation.{ETH}",
)


@cache
def served() -> dict[str, Any]:
    """Each path's reply, and frames under ``stream`` names."""
    venue = Bybit()
    public, private = venue.public(*TOPICS), venue.private("order", "execution", "position", "wallet")
    fast = venue.private("execution.fast")
    told: dict[str, Any] = dict(_commands(venue))
    _live(venue)
    for path, asked in READS.items():
        told[path] = venue.get(path, **asked)
    told |= _of_streams(public, private, fast)
    told |= _of_order_entry(venue)
    return told


def _commands(venue: Bybit) -> dict[str, Any]:
    """Every command once."""
    told: dict[str, Any] = {}

    def post(path: str, **asked: Any) -> None:
        told[path] = venue.post(path, **asked)

    post("/v5/position/set-leverage", symbol=BTC, buyLeverage="10", sellLeverage="10")
    post("/v5/account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")
    post("/v5/position/set-auto-add-margin", symbol=BTC, autoAddMargin=0)
    post("/v5/account/set-margin-mode", setMarginMode="REGULAR_MARGIN")
    post("/v5/position/switch-mode", symbol=BTC, mode=3)
    post("/v5/position/switch-mode", symbol=BTC, mode=0)
    post("/v5/position/set-risk-limit", symbol=BTC, riskId=2)
    post("/v5/account/upgrade-to-uta")
    buy = {"symbol": BTC, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49000"}
    post("/v5/order/pre-check", **buy)
    post("/v5/order/create", **buy, orderLinkId="first")
    post("/v5/order/amend", symbol=BTC, orderLinkId="first", price="49100")
    post("/v5/order/cancel", symbol=BTC, orderLinkId="first")
    batch = [{**buy, "orderLinkId": "one"}, {**buy, "qty": "9", "price": "1"}]
    post("/v5/order/create-batch", request=batch)
    post("/v5/order/amend-batch", request=[{"symbol": BTC, "orderLinkId": "one", "qty": "0.011"}])
    post("/v5/order/cancel-batch", request=[{"symbol": BTC, "orderLinkId": name} for name in ("one", "two")])
    venue.limit("49000")
    venue.order(side="Sell", triggerPrice="45000", triggerDirection=2)
    post("/v5/order/cancel-all", symbol=BTC)
    venue.order(stopLoss="49000", takeProfit="52000")
    post("/v5/position/trading-stop", symbol=BTC, stopLoss="48900", positionIdx=0, tpslMode="Full")
    return told


def _live(venue: Bybit) -> None:
    """A stop that fills, a fee for funding, a liquidation, orders that rest."""
    venue.move(PX - 1_200)
    venue.order(symbol=ETH, qty="60.00")
    venue.clock.advance(60)
    venue.move(PX - 1_100)
    market = venue.exchange.markets[ETH]
    for symbol in (BTC, ETH):
        venue.exchange.set_funding(symbol, rate_e8=10_000, interval_ms=28_800_000)
    venue.clock.set_ms(market.next_funding_ms + 1)
    venue.exchange.charge_due(venue.clock.now_ms())
    venue.move(3_000, ETH)
    venue.exchange.liquidate(venue.account, ETH)
    venue.order(symbol=ETH, qty="1.00", stopLoss="2500", takeProfit="3500")
    venue.limit("40000", stopLoss="30000", takeProfit="60000", orderLinkId="rests")


def _of_streams(public: Any, private: Any, fast: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in TOPICS:
        for frame in public.frames(name):
            told.setdefault(f"stream {name.rpartition('.')[0]} {frame['type']}", frame)
    for name in ("order", "execution", "position", "wallet"):
        frames = private.frames(name)
        told[f"stream {name}"] = _merged(frames)
    told["stream execution.fast"] = fast.frames("execution.fast")[0]
    told["stream auth"], told["stream subscribe"] = private.frames()[:2]
    told["stream public subscribe"] = public.frames()[0]
    told["stream refused topic"] = public.say(op="subscribe", args=["nothing.BTCUSDT"], req_id="x")
    told["stream unsubscribe"] = public.say(op="unsubscribe", args=[TOPICS[0]], req_id="3")
    told["stream ping"], told["stream private ping"] = (
        public.say(op="ping"),
        private.say(op="ping", req_id="2"),
    )
    told["stream nonsense"] = private.say(op="fly")
    return told


def _merged(frames: list[dict[str, Any]]) -> dict[str, Any]:
    """One frame with the rows of all: rows differ in what they leave empty."""
    return {**frames[0], "data": [row for frame in frames for row in frame["data"]]}


def _of_order_entry(venue: Bybit) -> dict[str, Any]:
    entry = venue.dial("/v5/trade")
    told = {"trade auth refused": entry.say(op="auth", args=venue.auth("nobody"))}
    told["trade auth"] = entry.say(op="auth", args=venue.auth())
    header = {"X-BAPI-TIMESTAMP": str(venue.clock.now_ms())}
    order = {
        "category": "linear",
        "symbol": BTC,
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.01",
        "price": "40000",
    }
    told["trade order.create"] = entry.say(
        op="order.create", reqId="1", header=header, args=[{**order, "orderLinkId": "ws"}]
    )
    told["trade order.amend"] = entry.say(
        op="order.amend",
        reqId="2",
        header=header,
        args=[{"category": "linear", "symbol": BTC, "orderLinkId": "ws", "qty": "0.02"}],
    )
    told["trade refused"] = entry.say(
        op="order.create", reqId="3", header=header, args=[{**order, "qty": "1000"}]
    )
    told["trade ping"] = entry.say(op="ping")
    return told


if __name__ == "__main__":
    print(json.dumps(served(), indent=1))
