"""python-binance: sync and async REST, its sockets, its WebSocket API."""

from __future__ import annotations

import asyncio

from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException
from stage import KEY, SECRET, SYMBOL, WAIT_S, clock_behind, finish, market_to


def refusal(wrong) -> int:
    """The venue's number of a refusal, raised as the library's own error."""
    try:
        wrong()
    except BinanceAPIException as error:
        return error.code
    raise AssertionError("BinanceAPIException was not raised")


def reading(client: Client) -> None:
    assert client.futures_time()["serverTime"] > 1_700_000_000_000
    assert SYMBOL in {one["symbol"] for one in client.futures_exchange_info()["symbols"]}
    assert len(client.futures_klines(symbol=SYMBOL, interval="1m", limit=3)[0]) == 12
    book = client.futures_order_book(symbol=SYMBOL, limit=5)
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert client.futures_mark_price(symbol=SYMBOL)["symbol"] == SYMBOL
    assert float(client.futures_ticker(symbol=SYMBOL)["lastPrice"]) > 0
    assert float(client.futures_account()["availableBalance"]) > 0
    assert any(one["asset"] == "USDT" for one in client.futures_account_balance())
    assert client.futures_leverage_bracket(symbol=SYMBOL)
    assert client.futures_change_leverage(symbol=SYMBOL, leverage=9)["leverage"] == 9
    assert client.futures_get_position_mode()["dualSidePosition"] is False
    assert refusal(lambda: client.futures_change_position_mode(dualSidePosition="false")) == -4059
    assert refusal(lambda: client.futures_change_margin_type(symbol=SYMBOL, marginType="CROSSED")) == -4046


def errors(client: Client) -> None:
    order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert refusal(lambda: client.futures_create_order(**{**order, "symbol": "NOSUCHUSDT"})) == -1121
    assert refusal(lambda: client.futures_create_order(**{**order, "quantity": "0.01234"})) == -1111
    assert refusal(lambda: client.futures_create_order(**{**order, "quantity": "900"})) == -2019
    assert refusal(lambda: client.futures_create_order(**order, reduceOnly="true")) == -2022
    assert refusal(lambda: Client(KEY, "wrong").futures_account()) == -1022
    with clock_behind(600):
        assert refusal(lambda: client.futures_create_order(**order)) == -1021


async def until(socket, wanted):
    """The first message of a socket that fits."""
    async with asyncio.timeout(WAIT_S):
        while True:
            message = await socket.recv()
            if wanted(message):
                return message


def order_event(kind: str, number: int):
    return lambda event: (
        event["e"] == "ORDER_TRADE_UPDATE" and (event["o"]["x"], event["o"]["i"]) == (kind, number)
    )


def algo_event(state: str, number: int):
    return lambda event: (
        event["e"] == "ALGO_UPDATE" and (event["o"]["X"], event["o"]["aid"]) == (state, number)
    )


async def limit_order(client: AsyncClient, own) -> None:
    placed = await client.futures_create_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.02", price="58500"
    )
    await until(own, order_event("NEW", placed["orderId"]))
    asked = await client.futures_get_order(symbol=SYMBOL, origClientOrderId=placed["clientOrderId"])
    assert (asked["status"], asked["orderId"]) == ("NEW", placed["orderId"])
    assert [one["orderId"] for one in await client.futures_get_open_orders()] == [placed["orderId"]]
    moved = await client.futures_modify_order(
        symbol=SYMBOL, side="BUY", orderId=placed["orderId"], quantity="0.02", price="58400"
    )
    assert float(moved["price"]) == 58_400
    await client.futures_cancel_all_open_orders(symbol=SYMBOL)
    await until(own, order_event("CANCELED", placed["orderId"]))


async def entry_and_stop(client: AsyncClient, own, bars) -> None:
    entry = await client.futures_create_order(
        symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.05", newOrderRespType="RESULT"
    )
    assert entry["status"] == "FILLED"
    await until(own, order_event("TRADE", entry["orderId"]))
    held = await client.futures_position_information(symbol=SYMBOL)
    assert [float(one["positionAmt"]) for one in held if float(one["positionAmt"])] == [-0.05]
    stop = await client.futures_create_order(  # the library itself sends it to the algo book
        symbol=SYMBOL, side="BUY", type="STOP_MARKET", stopPrice="61000", quantity="0.05", reduceOnly="true"
    )
    await until(own, algo_event("NEW", stop["algoId"]))
    assert [one["algoId"] for one in await client.futures_get_open_algo_orders()] == [stop["algoId"]]
    await asyncio.to_thread(market_to, 61_100)
    await until(own, algo_event("TRIGGERED", stop["algoId"]))
    fill = await until(own, lambda event: event["e"] == "ORDER_TRADE_UPDATE" and event["o"]["x"] == "TRADE")
    assert (fill["o"]["S"], fill["o"]["X"]) == ("BUY", "FILLED")
    bar = await until(bars, lambda event: float(event["data"]["k"]["h"]) >= 61_100)
    assert bar["stream"] == f"{SYMBOL.lower()}@kline_1m"
    trades = await client.futures_account_trades(symbol=SYMBOL)
    assert len(trades) >= 2


async def over_the_socket(client: AsyncClient, own) -> None:
    placed = await client.ws_futures_create_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.02", price="58500"
    )
    await until(own, order_event("NEW", placed["orderId"]))
    assert (await client.ws_futures_get_order(symbol=SYMBOL, orderId=placed["orderId"]))["status"] == "NEW"
    await client.ws_futures_cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
    await until(own, order_event("CANCELED", placed["orderId"]))
    assert any(one["asset"] == "USDT" for one in await client.ws_futures_v2_account_balance())
    code = 0
    try:
        await client.ws_futures_create_order(symbol="NOSUCHUSDT", side="BUY", type="MARKET", quantity="0.01")
    except BinanceAPIException as error:
        code = error.code
    assert code == -1121


async def trading() -> str:
    client = await AsyncClient.create(KEY, SECRET)
    sockets = BinanceSocketManager(client)
    try:
        own = sockets.futures_user_socket()
        bars = sockets.futures_multiplex_socket([f"{SYMBOL.lower()}@kline_1m"])
        for socket in (own, bars):
            await (
                socket.connect()
            )  # closing one waits for its next message, up to ten seconds: the end does it
        await limit_order(client, own)
        await entry_and_stop(client, own, bars)
        await over_the_socket(client, own)
        return (await client.futures_account_balance())[0]["balance"]
    finally:
        await client.close_connection()


sync = Client(KEY, SECRET)
reading(sync)
errors(sync)
finish(balance=asyncio.run(trading()))
