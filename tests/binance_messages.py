"""A message of ours for everything that the Binance façade serves, made by a little trading."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from binance_client import PX, BinanceClient, Listener
from mastertrading.domain.orders import OrderKind
from mastertrading.simulator.binance.routes import ROUTES, SOCKET
from mastertrading.simulator.orders import NewOrder

F = "/fapi/v1"


@cache
def ours() -> dict[str, Any]:
    """A message of ours for everything that is served, by ``METHOD path``, stream name or event."""
    client = BinanceClient()
    found: dict[str, Any] = {}
    _play(client, found)
    _ask(client, found)
    assert client.facade.bugs == []
    return found


def user_name(frame: dict[str, Any]) -> str:
    """A frame of the user stream by its event, and by what happened to the order."""
    kind = frame["e"]
    if kind == "ORDER_TRADE_UPDATE":
        return f"USER {kind} {frame['o']['x']}"
    return f"USER {kind} {frame['o']['X']}" if kind == "ALGO_UPDATE" else f"USER {kind}"


STREAMS = (
    "btcusdt@aggTrade", "btcusdt@trade", "btcusdt@kline_1m", "btcusdt_perpetual@continuousKline_1m",
    "btcusdt@miniTicker", "btcusdt@ticker", "!ticker@arr", "!miniTicker@arr", "btcusdt@bookTicker", "!bookTicker",
    "btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth5@100ms", "btcusdt@markPrice", "btcusdt@markPrice@1s",
    "!markPrice@arr", "!markPrice@arr@1s", "btcusdt@forceOrder", "!forceOrder@arr",
)  # fmt: skip


def _play(client: BinanceClient, found: dict[str, Any]) -> None:
    """A little trading, with all streams open."""
    public, own = client.listen(*STREAMS), client.listen_own()
    found[f"POST {F}/order"] = client.order(newOrderRespType="RESULT")
    resting = client.limit("59000", newClientOrderId="mine")
    batch = json.dumps([_limit("58900"), {**_limit("58000"), "type": "STOP"}])
    found[f"POST {F}/batchOrders"] = client.signed("POST", f"{F}/batchOrders", batchOrders=batch)
    found[f"PUT {F}/order"] = client.signed(
        "PUT",
        f"{F}/order",
        symbol="BTCUSDT",
        orderId=resting["orderId"],
        side="BUY",
        quantity="0.02",
        price="59010",
    )
    other = found[f"POST {F}/batchOrders"][0]["orderId"]
    amends = json.dumps([{**_limit("58910"), "orderId": other}, {**_limit("58910"), "orderId": 7}])
    found[f"PUT {F}/batchOrders"] = client.signed("PUT", f"{F}/batchOrders", batchOrders=amends)
    found[f"POST {F}/algoOrder"] = client.algo("59500", reduceOnly="true", clientAlgoId="stop")
    client.algo("59300", reduceOnly="true", clientAlgoId="second")
    client.algo("59200", reduceOnly="true", clientAlgoId="third")
    client.signed("DELETE", f"{F}/algoOrder", clientAlgoId="third")
    client.move(PX + 2_000)
    client.move(594_000)
    client.wait(2_000)
    client.order()
    _settings(client, found)
    client.exchange.set_funding("BTCUSDT", rate_e8=10_000)
    client.exchange.markets["BTCUSDT"].next_funding_ms = client.clock.now_ms()
    client.exchange.charge_due(client.clock.now_ms() + 1)
    found[f"GET {F}/order"] = client.signed("GET", f"{F}/order", symbol="BTCUSDT", origClientOrderId="mine")
    found[f"GET {F}/openOrder"] = client.signed(
        "GET", f"{F}/openOrder", symbol="BTCUSDT", origClientOrderId="mine"
    )
    lists = json.dumps([other, 7])
    found[f"DELETE {F}/batchOrders"] = client.signed(
        "DELETE", f"{F}/batchOrders", symbol="BTCUSDT", orderIdList=lists
    )
    _squeeze(client)
    for name, texts in _by_stream(public).items():
        found[f"STREAM {name}"] = texts
    for frame in own.frames():
        found.setdefault(user_name(frame), []).append(frame)


def _limit(price: str) -> dict[str, str]:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "timeInForce": "GTC"}
    return {**order, "price": price}


def _settings(client: BinanceClient, found: dict[str, Any]) -> None:
    for path, values in (
        ("leverage", {"symbol": "ETHUSDT", "leverage": 30}),
        ("marginType", {"symbol": "ETHUSDT", "marginType": "ISOLATED"}),
        ("countdownCancelAll", {"symbol": "ETHUSDT", "countdownTime": 100_000}),
        ("order/test", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}),
    ):
        found[f"POST {F}/{path}"] = client.signed("POST", f"{F}/{path}", **values)
    found[f"POST {F}/listenKey"] = client.ask("POST", f"{F}/listenKey")
    found[f"PUT {F}/listenKey"] = client.ask("PUT", f"{F}/listenKey")


def _squeeze(client: BinanceClient) -> None:
    """Both accounts come near their end, and then to it: a margin call, forced orders."""
    other = client.exchange.open_account("other", api_key="other", deposit_atoms=100 * 10**8)
    client.account.leverage["BTCUSDT"] = other.leverage["BTCUSDT"] = 100
    client.exchange.transfer(client.account, -9_900 * 10**8)
    client.wait(1_000)
    client.order(quantity="0.100")
    client.algo("59200", quantity="0.500", side="BUY", type="TAKE_PROFIT_MARKET", clientAlgoId="too-much")
    order = client.exchange.accounts["other"]
    client.exchange.place(order, NewOrder("BTCUSDT", 1, OrderKind.MARKET, 100))
    client.move(589_000)
    client.move(575_000)


def _by_stream(listener: Listener) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {}
    for text in listener.texts:
        frame = json.loads(text)
        told.setdefault(frame["stream"], []).append(frame["data"])
    return told


def _ask(client: BinanceClient, found: dict[str, Any]) -> None:
    """Everything that only asks, and what ends."""
    _lists(found)
    values = {
        "symbol": "BTCUSDT",
        "pair": "BTCUSDT",
        "interval": "1m",
        "period": "5m",
        "contractType": "PERPETUAL",
    }
    for path, methods in ROUTES.items():
        if "GET" in methods and f"GET {path}" not in found:
            identity = {"clientAlgoId": "stop"} if path.endswith("/algoOrder") else {}
            whole = path.startswith("/fapi/v2/ticker")
            found[f"GET {path}"] = client.signed("GET", path, **({} if whole else values), **identity)
    for method, path in (
        ("DELETE", "algoOrder"),
        ("DELETE", "order"),
        ("DELETE", "allOpenOrders"),
        ("DELETE", "algoOpenOrders"),
        ("POST", "positionSide/dual"),
        ("POST", "multiAssetsMargin"),
        ("POST", "positionMargin"),
    ):
        found[f"{method} {F}/{path}"] = _command(client, method, path)
    found[f"DELETE {F}/listenKey"] = client.ask("DELETE", f"{F}/listenKey")
    _call(client, found)


def _lists(found: dict[str, Any]) -> None:
    """What is full only while something is open, or after a liquidation."""
    client = BinanceClient()
    client.order()
    client.limit("59000")
    client.algo("59500")
    for path in (f"{F}/openOrders", f"{F}/openAlgoOrders", "/fapi/v3/positionRisk", f"{F}/adlQuantile"):
        found[f"GET {path}"] = client.signed("GET", path)
    client.exchange.liquidate(client.account, "BTCUSDT")
    found[f"GET {F}/forceOrders"] = client.signed("GET", f"{F}/forceOrders")


def _command(client: BinanceClient, method: str, path: str) -> Any:
    if path == "algoOrder":
        fresh = BinanceClient()
        fresh.algo("59000", clientAlgoId="last")
        return fresh.signed(method, f"{F}/{path}", clientAlgoId="last")
    if path == "order":
        fresh = BinanceClient()
        fresh.limit("59000", newClientOrderId="last")
        return fresh.signed(method, f"{F}/{path}", symbol="BTCUSDT", origClientOrderId="last")
    if path == "positionSide/dual":
        flat = BinanceClient()
        return flat.signed(method, f"{F}/{path}", dualSidePosition="true")
    return client.signed(
        method, f"{F}/{path}", symbol="BTCUSDT", multiAssetsMargin="false", amount="10", type="1"
    )


def _call(client: BinanceClient, found: dict[str, Any]) -> None:
    fresh = BinanceClient()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "timeInForce": "GTC"}
    stop = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "quantity": "0.01",
        "triggerPrice": "59000",
    }
    for method, values in {
        "order.place": {**order, "price": "59000", "newClientOrderId": "one"},
        "order.test": {**order, "price": "59000"},
        "order.modify": {**order, "price": "59001", "origClientOrderId": "one"},
        "order.status": {"symbol": "BTCUSDT", "origClientOrderId": "one"},
        "order.cancel": {"symbol": "BTCUSDT", "origClientOrderId": "one"},
        "algoOrder.place": {**stop, "algoType": "CONDITIONAL", "clientAlgoId": "two"},
        "algoOrder.cancel": {"clientAlgoId": "two"},
        "depth": {"symbol": "BTCUSDT"},
        "ticker.book": {"symbol": "BTCUSDT"},
    }.items():
        found[f"SOCKET {method}"] = fresh.call(method, **values)
    fresh.call("order.place", **{**order, "type": "MARKET"} | {"timeInForce": ""})
    fresh.order()
    for method in SOCKET:
        found.setdefault(f"SOCKET {method}", fresh.call(method))
