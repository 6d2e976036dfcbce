"""binance-futures-connector, Binance's older client: REST and both kinds of its one legacy socket."""

from __future__ import annotations

import json

from binance.error import ClientError
from binance.um_futures import UMFutures
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient
from stage import KEY, SECRET, SYMBOL, Inbox, clock_behind, finish, market_to

client = UMFutures(key=KEY, secret=SECRET)


def refusal(wrong) -> int:
    """The venue's number of a refusal, raised as the client's own error."""
    try:
        wrong()
    except ClientError as error:
        return error.error_code
    raise AssertionError("ClientError was not raised")


def reading() -> None:
    assert client.time()["serverTime"] > 1_700_000_000_000
    assert SYMBOL in {one["symbol"] for one in client.exchange_info()["symbols"]}
    assert len(client.klines(SYMBOL, "1m", limit=3)[0]) == 12
    assert client.depth(SYMBOL, limit=5)["bids"]
    assert client.mark_price(SYMBOL)["symbol"] == SYMBOL
    assert isinstance(client.ticker_price(), list)
    assert float(client.account(recvWindow=6000)["availableBalance"]) > 0
    assert any(one["asset"] == "USDT" for one in client.balance())
    assert client.change_leverage(SYMBOL, 5)["leverage"] == 5
    assert client.get_position_mode()["dualSidePosition"] is False
    assert float(client.commission_rate(SYMBOL)["takerCommissionRate"]) > 0


def errors() -> None:
    order = {"side": "BUY", "type": "MARKET", "quantity": 0.01}
    assert refusal(lambda: client.new_order("NOSUCHUSDT", **order)) == -1121
    assert refusal(lambda: client.new_order(SYMBOL, **{**order, "quantity": 0.01234})) == -1111
    assert (
        refusal(
            lambda: client.new_order(
                SYMBOL, side="SELL", type="STOP_MARKET", stopPrice=1, closePosition="true"
            )
        )
        == -4120
    )
    assert refusal(lambda: UMFutures(key=KEY, secret="wrong").balance()) == -1022
    with clock_behind(600):
        assert refusal(lambda: client.new_order(SYMBOL, **order)) == -1021


def order_event(kind: str, number: int):
    def wanted(event) -> bool:
        return event.get("e") == "ORDER_TRADE_UPDATE" and (event["o"]["x"], event["o"]["i"]) == (kind, number)

    return wanted


def trading(own: Inbox, public: Inbox) -> None:
    placed = client.new_order(
        SYMBOL,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity=0.02,
        price=58_500,
        newClientOrderId="old:1",
    )
    own.wait(order_event("NEW", placed["orderId"]), "the order's birth")
    assert client.get_open_orders(SYMBOL, origClientOrderId="old:1")["orderId"] == placed["orderId"]
    assert client.cancel_order(SYMBOL, origClientOrderId="old:1")["status"] == "CANCELED"
    own.wait(order_event("CANCELED", placed["orderId"]), "its end")
    assert refusal(lambda: client.cancel_order(SYMBOL, orderId=placed["orderId"])) == -2011
    resting = client.new_order(
        SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity=0.02, price=59_500
    )
    own.wait(order_event("NEW", resting["orderId"]), "the second order")
    market_to(59_000)
    fill = own.wait(order_event("TRADE", resting["orderId"]), "its fill")
    assert (fill["o"]["X"], float(fill["o"]["L"]), fill["o"]["m"]) == ("FILLED", 59_500.0, True)
    own.wait(lambda event: event.get("e") == "ACCOUNT_UPDATE", "the account's change")
    held = [one for one in client.get_position_risk(symbol=SYMBOL) if float(one["positionAmt"])]
    assert [float(one["positionAmt"]) for one in held] == [0.02]
    out = client.new_order(SYMBOL, side="SELL", type="MARKET", quantity=0.02, reduceOnly="true")
    own.wait(order_event("TRADE", out["orderId"]), "the exit's fill")
    assert {one["orderId"] for one in client.get_account_trades(SYMBOL)} >= {
        resting["orderId"],
        out["orderId"],
    }
    public.wait(lambda event: event.get("stream", "").endswith("@kline_1m"), "a bar")
    public.wait(lambda event: event.get("stream", "").endswith("@bookTicker"), "a best price")


def listen(inbox: Inbox, combined: bool) -> UMFuturesWebsocketClient:
    return UMFuturesWebsocketClient(
        on_message=lambda _, text: inbox.put(json.loads(text)), is_combined=combined
    )


reading()
errors()
mine, everyone = Inbox(), Inbox()
sockets = [listen(mine, False), listen(everyone, True)]
key = client.new_listen_key()["listenKey"]
sockets[0].user_data(key, id=1)
mine.wait(lambda event: event == {"result": None, "id": 1}, "the subscription")
sockets[1].kline(SYMBOL, "1m", id=2)
sockets[1].book_ticker(SYMBOL, id=3)
everyone.wait(lambda event: event == {"result": None, "id": 3}, "the other subscription")
trading(mine, everyone)
client.renew_listen_key(key)
client.close_listen_key(key)
for socket in sockets:
    socket.stop()
finish(balance=client.balance()[0]["balance"])
