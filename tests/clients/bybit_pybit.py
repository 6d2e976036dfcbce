"""pybit, Bybit's own client: REST, public, private and trading sockets."""

from __future__ import annotations

import os

from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading
from stage import KEY, SECRET, SYMBOL, Inbox, clock_behind, finish, market_to, only_lots

WHAT = {"category": "linear", "symbol": SYMBOL}


def http(key: str = KEY, secret: str = SECRET, **options) -> HTTP:
    """A client. It prepares its requests by itself, and so its session must be told whom to trust."""
    made = HTTP(api_key=key, api_secret=secret, **options)
    made.client.verify = os.environ["REQUESTS_CA_BUNDLE"]
    return made


client = http()


def refusal(wrong) -> int:
    """The venue's number of a refusal, raised as the client's own error."""
    try:
        wrong()
    except InvalidRequestError as error:
        return error.status_code
    raise AssertionError("InvalidRequestError was not raised")


def reading() -> None:
    assert int(client.get_server_time()["result"]["timeSecond"]) > 1_700_000_000
    listed = client.get_instruments_info(category="linear")["result"]["list"]
    assert SYMBOL in {one["symbol"] for one in listed}
    assert len(client.get_kline(**WHAT, interval=1, limit=3)["result"]["list"][0]) == 7
    book = client.get_orderbook(**WHAT, limit=5)["result"]
    assert float(book["b"][0][0]) < float(book["a"][0][0])
    assert float(client.get_tickers(**WHAT)["result"]["list"][0]["lastPrice"]) > 0
    assert client.get_public_trade_history(**WHAT)["result"]["list"]
    client.get_funding_rate_history(**WHAT)
    wallet = client.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]
    assert float(wallet["totalEquity"]) > 0
    assert client.get_account_info()["retCode"] == 0
    assert client.get_fee_rates(**WHAT)["result"]["list"]
    client.set_leverage(**WHAT, buyLeverage="7", sellLeverage="7")
    assert refusal(lambda: client.set_leverage(**WHAT, buyLeverage="7", sellLeverage="7")) == 110043
    position = client.get_positions(**WHAT)["result"]["list"][0]
    assert (position["leverage"], float(position["size"])) == ("7", 0)


def errors() -> None:
    order = {**WHAT, "side": "Buy", "orderType": "Market", "qty": "0.01"}
    assert refusal(lambda: client.place_order(**{**order, "symbol": "NOSUCHUSDT"})) == 10001
    assert refusal(lambda: client.place_order(**{**order, "qty": "0.01234"})) == 10001
    assert refusal(lambda: client.place_order(**{**order, "qty": "100"})) in (110007, 110012)
    assert refusal(lambda: client.cancel_order(**WHAT, orderId="no-such-order")) == 110001
    assert refusal(lambda: http(secret="wrong").get_positions(**WHAT)) == 10004
    assert refusal(lambda: http(key="unknown").get_positions(**WHAT)) == 10003
    with clock_behind(600):
        late = http(retry_codes={10006})
        assert refusal(lambda: late.place_order(**order)) == 10002


def of_order(topic: str, number: str, **expected: str):
    """A private event that tells of an order what is expected."""

    def wanted(message) -> bool:
        return message["topic"] == topic and any(
            one["orderId"] == number and all(one[name] == value for name, value in expected.items())
            for one in message["data"]
        )

    return wanted


def limit_order(own: Inbox) -> None:
    placed = client.place_order(
        **WHAT, side="Buy", orderType="Limit", qty="0.02", price="58500", orderLinkId="pybit-limit-1"
    )["result"]
    assert placed["orderLinkId"] == "pybit-limit-1"
    own.wait(of_order("order", placed["orderId"], orderStatus="New"), "the order's birth")
    resting = client.get_open_orders(**WHAT)["result"]["list"]
    assert [one["orderId"] for one in resting] == [placed["orderId"]]
    client.amend_order(**WHAT, orderId=placed["orderId"], price="58400")
    own.wait(lambda m: m["topic"] == "order" and float(m["data"][0]["price"]) == 58_400, "its new price")
    client.cancel_order(**WHAT, orderLinkId="pybit-limit-1")
    own.wait(of_order("order", placed["orderId"], orderStatus="Cancelled"), "its end")
    assert refusal(lambda: client.cancel_order(**WHAT, orderLinkId="pybit-limit-1")) == 110001
    assert client.get_order_history(**WHAT, orderLinkId="pybit-limit-1")["result"]["list"]


def partly(own: Inbox) -> None:
    """An order that finds less than it wants, and is cancelled."""
    only_lots(30)
    placed = client.place_order(**WHAT, side="Buy", orderType="Limit", qty="0.05", price="60500")["result"]
    own.wait(of_order("order", placed["orderId"], orderStatus="PartiallyFilled"), "a part")
    client.cancel_order(**WHAT, orderId=placed["orderId"])
    ended = own.wait(of_order("order", placed["orderId"], orderStatus="Cancelled"), "the end of the rest")
    assert float(ended["data"][0]["cumExecQty"]) == 0.03
    only_lots(None)
    out = client.place_order(**WHAT, side="Sell", orderType="Market", qty="0.03", reduceOnly=True)["result"]
    own.wait(of_order("execution", out["orderId"], execType="Trade"), "the exit")
    own.wait(lambda m: m["topic"] == "position" and float(m["data"][0]["size"]) == 0, "no position")


def entry_and_stops(own: Inbox, public: Inbox) -> None:
    entry = client.place_order(**WHAT, side="Buy", orderType="Market", qty="0.05", stopLoss="59000")["result"]
    own.wait(of_order("execution", entry["orderId"], execType="Trade"), "the entry's fill")
    position = client.get_positions(**WHAT)["result"]["list"][0]
    assert (position["side"], float(position["size"]), float(position["stopLoss"])) == ("Buy", 0.05, 59_000)
    target = client.place_order(
        **WHAT,
        side="Sell",
        orderType="Market",
        qty="0.05",
        triggerPrice="65000",
        triggerDirection=1,
        reduceOnly=True,
    )["result"]
    own.wait(of_order("order", target["orderId"], orderStatus="Untriggered"), "the target")
    market_to(58_900)
    stopped = own.wait(
        lambda m: m["topic"] == "execution" and any(one["side"] == "Sell" for one in m["data"]),
        "the stop's fill",
    )
    assert sum(float(one["execQty"]) for one in stopped["data"]) == 0.05
    own.wait(
        lambda m: m["topic"] == "position" and float(m["data"][0]["size"]) == 0, "the end of the position"
    )
    own.wait(lambda m: m["topic"] == "wallet", "the wallet")
    client.cancel_all_orders(**WHAT)
    assert client.get_open_orders(**WHAT)["result"]["list"] == []
    assert len(client.get_executions(**WHAT)["result"]["list"]) >= 2
    assert client.get_closed_pnl(**WHAT)["result"]["list"]
    public.wait(
        lambda m: m["topic"] == f"kline.1.{SYMBOL}" and float(m["data"][0]["low"]) <= 58_900, "a new low"
    )
    public.wait(
        lambda m: m["topic"] == f"tickers.{SYMBOL}" and float(m["data"]["lastPrice"]) <= 58_900, "a ticker"
    )
    public.wait(
        lambda m: m["topic"].startswith("orderbook") and float(m["data"]["b"][0][0]) < 59_000, "a book"
    )


def over_the_socket(own: Inbox) -> WebSocketTrading:
    socket = WebSocketTrading(testnet=False, api_key=KEY, api_secret=SECRET)
    said = Inbox()
    socket.place_order(said.put, said.put, **WHAT, side="Buy", orderType="Limit", qty="0.02", price="57000")
    placed = said.wait(lambda answer: answer["op"] == "order.create", "the socket's answer")
    assert placed["retCode"] == 0
    number = placed["data"]["orderId"]
    own.wait(of_order("order", number, orderStatus="New"), "the order of the socket")
    socket.cancel_order(said.put, said.put, **WHAT, orderId=number)
    assert said.wait(lambda answer: answer["op"] == "order.cancel", "its cancel")["retCode"] == 0
    own.wait(of_order("order", number, orderStatus="Cancelled"), "its end")
    socket.place_order(
        said.put, said.put, **{**WHAT, "symbol": "NOSUCH"}, side="Buy", orderType="Market", qty="1"
    )
    assert said.wait(lambda answer: answer["op"] == "order.create", "a refusal")["retCode"] == 10001
    return socket


reading()
errors()
mine, everyone = Inbox(), Inbox()
private = WebSocket(testnet=False, channel_type="private", api_key=KEY, api_secret=SECRET)
private.order_stream(mine.put)
private.execution_stream(mine.put)
private.position_stream(mine.put)
private.wallet_stream(mine.put)
public = WebSocket(testnet=False, channel_type="linear")
public.kline_stream(1, SYMBOL, everyone.put)
public.ticker_stream(SYMBOL, everyone.put)
public.orderbook_stream(50, SYMBOL, everyone.put)
limit_order(mine)
partly(mine)
entry_and_stops(mine, everyone)
trading = over_the_socket(mine)
for socket in (private, public, trading):
    socket.exit()
finish(balance=client.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["totalWalletBalance"])
