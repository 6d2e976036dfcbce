"""Market and user streams of the Binance façade."""

from __future__ import annotations

import json

import pytest

from binance_client import PX, BinanceClient, Listener
from mastertrading.domain.orders import OrderKind
from mastertrading.simulator.binance import BinanceRules
from mastertrading.simulator.binance.rendering import money
from mastertrading.simulator.orders import NewOrder
from mastertrading.simulator.wire import Request, Response


@pytest.fixture
def client():
    return BinanceClient()


def test_a_combined_connection_names_the_stream_and_a_raw_one_does_not(client):
    combined = client.listen("btcusdt@trade")
    raw = Listener(client, "fstream.binance.com", "/ws/btcusdt@trade", "")
    client.move(PX + 10)
    assert json.loads(combined.texts[0])["stream"] == "btcusdt@trade"
    assert json.loads(raw.texts[0])["e"] == "trade"


def test_a_client_subscribes_lists_and_unsubscribes(client):
    listener = client.listen(path="/public/ws/0")
    listener.say({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "btcusdt@kline_1m"], "id": 1})
    listener.say({"method": "LIST_SUBSCRIPTIONS", "id": "two"})
    assert listener.frames() == [
        {"result": None, "id": 1},
        {"result": ["btcusdt@bookTicker", "btcusdt@kline_1m"], "id": "two"},
    ]
    client.move(PX + 10)
    assert set(listener.kinds()) == {"bookTicker", "kline"}
    listener.say({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker", "btcusdt@kline_1m"], "id": 3})
    listener.texts.clear()
    client.move(PX)
    assert listener.texts == []


def test_a_property_switches_between_raw_and_combined(client):
    listener = client.listen("btcusdt@trade", path="/ws")
    listener.say({"method": "GET_PROPERTY", "params": ["combined"], "id": 1})
    listener.say({"method": "SET_PROPERTY", "params": ["combined", True], "id": 2})
    assert [frame["result"] for frame in listener.frames()] == [False, None]
    client.move(PX + 10)
    assert "stream" in json.loads(listener.texts[-1])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", 3),
        ("[" * 5_000, 3),
        ("[]", 2),
        ("7", 2),
        ({"method": "SUBSCRIBE", "params": ["nonsense"], "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": [7], "id": 1}, 2),
        ({"method": "SUBSCRIBE", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": ["btcusdt@kline_7m"], "id": 1}, 2),
        ({"method": "HELLO", "id": 1}, 2),
        ({"method": ["SUBSCRIBE"], "id": 1}, 2),
        ({"id": True}, 2),
        ({"method": "SET_PROPERTY", "params": ["colour", True], "id": 1}, 0),
        ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1),
    ],
)
def test_what_a_client_says_wrongly_is_answered_with_the_venues_code(client, said, code):
    listener = client.listen()
    listener.say(said)
    assert listener.frames()[0]["error"]["code"] == code
    assert listener.hung is None


def test_who_says_too_much_in_a_second_is_cut(client):
    listener = client.listen()
    for k in range(11):
        listener.say({"method": "LIST_SUBSCRIPTIONS", "id": k})
    assert len(listener.texts) == 10
    assert listener.hung == (1008, "Too many requests")
    assert client.facade.streams.sessions == {}


def test_a_connection_is_cut_after_a_day(client):
    listener = client.listen("btcusdt@trade")
    client.move(PX + 10, ms=24 * 3_600_000)
    assert listener.hung is not None
    assert listener.hung[0] == 1001


def test_differences_of_the_book_keep_a_snapshot_in_step(client):
    listener = client.listen("btcusdt@depth@100ms")
    snapshot = client.ask("GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
    book = {side: {px: qty for px, qty in snapshot[side]} for side in ("bids", "asks")}
    last = snapshot["lastUpdateId"]
    for px in (PX + 5, PX + 7, PX - 40, PX - 40, PX):
        client.move(px)
    for frame in listener.frames("depthUpdate"):
        assert (frame["pu"], frame["U"]) == (last, last + 1)
        last = frame["u"]
        for side, rows in (("bids", frame["b"]), ("asks", frame["a"])):
            for level, qty in rows:
                book[side].pop(level, None)
                if float(qty):
                    book[side][level] = qty
    told = client.ask("GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
    assert last == told["lastUpdateId"]
    assert {side: dict(map(tuple, told[side])) for side in book} == book


def test_forming_and_final_bars_are_told_of_each_timeframe_that_is_listened_to(client):
    listener = client.listen("btcusdt@kline_1m", "btcusdt@kline_5m", "btcusdt_perpetual@continuousKline_1m")
    client.move(PX + 100)
    client.move(PX + 50, ms=60_000)
    bars = [frame["k"] for frame in listener.frames("kline")]
    assert {bar["i"] for bar in bars} == {"1m", "5m"}
    final = [bar for bar in bars if bar["x"]]
    assert [(bar["i"], bar["o"], bar["h"], bar["c"]) for bar in final if bar["i"] == "1m"] == [
        ("1m", "60000.00", "60010.00", "60010.00")
    ]
    assert all(bar["T"] == bar["t"] + {"1m": 60_000, "5m": 300_000}[bar["i"]] - 1 for bar in bars)
    assert listener.frames("continuous_kline")[0]["ct"] == "PERPETUAL"


def test_streams_of_all_instruments_tell_of_the_one_that_moved(client):
    listener = client.listen("!ticker@arr", "!miniTicker@arr", "!markPrice@arr@1s", "!bookTicker")
    client.move(300_100, symbol="ETHUSDT")
    lists = [frame for frame in listener.frames() if isinstance(frame, list)]
    assert [[one["s"] for one in frame] for frame in lists] == [["ETHUSDT"]] * 3
    assert listener.frames("bookTicker")[0]["s"] == "ETHUSDT"


# -------------------------------------------------------------------- the account's own
def test_an_order_and_its_fill_are_told_with_the_money_they_moved(client):
    own = client.listen_own()
    client.order(newClientOrderId="mine")
    assert own.kinds() == ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE"]
    new, trade = (frame["o"] for frame in own.frames("ORDER_TRADE_UPDATE"))
    assert (new["x"], new["X"], new["c"]) == ("NEW", "NEW", "mine")
    assert (trade["x"], trade["X"], trade["l"], trade["n"]) == ("TRADE", "FILLED", "0.010", "0.30003000")
    (account,) = own.frames("ACCOUNT_UPDATE")
    assert account["a"]["m"] == "ORDER"
    assert (account["a"]["B"][0]["wb"], account["a"]["B"][0]["bc"]) == ("9999.69997000", "0")
    assert (account["a"]["P"][0]["pa"], account["a"]["P"][0]["ep"]) == ("0.010", "60006.00000")


def test_a_stop_is_told_from_its_placing_to_its_fill(client):
    client.order()
    own = client.listen_own()
    client.algo("59500", reduceOnly="true", clientAlgoId="stop")
    client.move(594_000)
    steps = [frame["o"]["X"] for frame in own.frames("ALGO_UPDATE")]
    assert steps == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    finished = own.frames("ALGO_UPDATE")[-1]["o"]
    traded = [frame["o"] for frame in own.frames("ORDER_TRADE_UPDATE") if frame["o"]["x"] == "TRADE"]
    assert (finished["ai"], finished["aq"]) == (str(traded[0]["i"]), "0.010")
    assert finished["aid"] != traded[0]["i"]


def test_cancelling_amending_and_settings_are_told(client):
    own = client.listen_own()
    placed = client.limit("59000")
    values = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    client.signed("PUT", "/fapi/v1/order", **values, side="BUY", quantity="0.02", price="59000")
    client.signed("DELETE", "/fapi/v1/order", **values)
    assert [f["o"]["x"] for f in own.frames("ORDER_TRADE_UPDATE")] == ["NEW", "AMENDMENT", "CANCELED"]
    client.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)
    assert own.frames("ACCOUNT_CONFIG_UPDATE")[0]["ac"] == {"s": "BTCUSDT", "l": 7}


def test_funding_and_transfers_are_told_as_such(client):
    client.order()
    own = client.listen_own()
    client.exchange.set_funding("BTCUSDT", rate_e8=10_000)
    client.exchange.markets["BTCUSDT"].next_funding_ms = client.clock.now_ms()
    client.exchange.charge_due(client.clock.now_ms() + 1)
    client.exchange.transfer(client.account, -(10**8))
    funding, transfer = (frame["a"] for frame in own.frames("ACCOUNT_UPDATE"))
    assert (funding["m"], funding["B"][0]["bc"], funding["P"]) == ("FUNDING_FEE", "-0.06000000", [])
    assert (transfer["m"], transfer["B"][0]["bc"]) == ("WITHDRAW", "-1.00000000")


def test_a_liquidation_is_told_to_its_owner_and_to_everybody(client):
    own, public = client.listen_own(), client.listen("btcusdt@forceOrder", "!forceOrder@arr")
    client.order()
    client.exchange.liquidate(client.account, "BTCUSDT")
    forced = own.frames("ORDER_TRADE_UPDATE")[-1]["o"]
    assert (forced["x"], forced["X"], forced["c"][:9]) == ("CALCULATED", "FILLED", "autoclose")
    assert [f["o"]["S"] for f in public.frames("forceOrder")] == ["SELL", "SELL"]
    (row,) = client.signed("GET", "/fapi/v1/forceOrders", autoCloseType="LIQUIDATION")
    assert (row["clientOrderId"], row["timeInForce"]) == (forced["c"], "IOC")


def test_only_the_owner_hears(client):
    other = client.exchange.open_account("other", api_key="other", deposit_atoms=10**12)
    own = client.listen_own()
    client.exchange.place(other, NewOrder("BTCUSDT", 1, OrderKind.MARKET, 10))
    assert own.texts == []


def test_only_the_events_asked_for_are_told(client):
    key = client.ask("POST", "/fapi/v1/listenKey")["listenKey"]
    query = f"listenKey={key}&events=ACCOUNT_UPDATE/ALGO_UPDATE"
    own = Listener(client, "fstream.binance.com", "/private/ws", query)
    client.order()
    assert own.kinds() == ["ACCOUNT_UPDATE"]


@pytest.mark.parametrize("way", ["path", "subscribe"])
def test_a_listen_key_is_good_in_the_path_and_as_a_stream(client, way):
    key = client.ask("POST", "/fapi/v1/listenKey")["listenKey"]
    own = Listener(client, "fstream.binance.com", f"/ws/{key}" if way == "path" else "/private/stream", "")
    if way == "subscribe":
        own.say({"method": "SUBSCRIBE", "params": [key], "id": 1})
    client.order()
    assert "ORDER_TRADE_UPDATE" in own.kinds()


def test_a_listen_key_lives_an_hour_after_it_was_last_kept(client):
    own = client.listen_own()
    client.wait(3_599_000)
    assert client.ask("PUT", "/fapi/v1/listenKey")["listenKey"]
    client.wait(3_599_000)
    client.ask("GET", "/fapi/v1/time")
    assert own.kinds() == []
    client.move(PX)
    assert own.kinds() == ["listenKeyExpired"]
    assert client.ask("PUT", "/fapi/v1/listenKey") == -1125
    client.order()
    assert own.kinds() == ["listenKeyExpired"]


def test_a_listen_key_that_is_asked_for_again_is_the_same_until_it_is_ended(client):
    key = client.ask("POST", "/fapi/v1/listenKey")["listenKey"]
    assert client.ask("POST", "/fapi/v1/listenKey")["listenKey"] == key
    client.ask("DELETE", "/fapi/v1/listenKey")
    assert client.ask("POST", "/fapi/v1/listenKey")["listenKey"] != key


def test_an_account_near_its_end_is_called_once():
    client = BinanceClient(deposit_atoms=100 * 10**8)
    client.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=100)
    client.order(quantity="0.100")
    own = client.listen_own()
    for px in (595_000, 593_000, 592_950):
        client.move(px)
    (call,) = own.frames("MARGIN_CALL")
    assert (call["p"][0]["s"], call["p"][0]["pa"]) == ("BTCUSDT", "0.100")


def test_a_path_that_is_no_stream_is_not_found(client):
    refused = client.facade.connect(Request("GET", "fstream.binance.com", "/nothing"), print, print)
    assert isinstance(refused, Response)
    assert refused.status == 404


def test_a_connection_that_is_gone_leaves_nothing_behind(client):
    listener = client.listen("btcusdt@trade", "btcusdt@depth")
    own = client.listen_own()
    listener.session.close()
    own.session.close()
    streams = client.facade.streams
    assert (streams.sessions, streams.readers) == ({}, {})
    assert all(not readers for readers in streams.owners.values())
    assert client.facade.rules == BinanceRules()


def test_a_part_that_is_closed_is_told_with_its_profit_and_what_is_left(client):
    client.signed("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    client.order(quantity="0.010")
    client.move(610_000)
    own = client.listen_own()
    client.order(side="SELL", quantity="0.004")
    done = client.account.executions[-1]
    trade = own.frames("ORDER_TRADE_UPDATE")[-1]["o"]
    assert (trade["rp"], trade["n"]) == (money(done.realised_atoms), money(done.fee_atoms))
    assert (trade["t"], trade["L"], trade["m"]) == (done.number, "60993.90", False)
    assert done.realised_atoms > 0
    told = own.frames("ACCOUNT_UPDATE")[-1]["a"]
    (aside,) = client.account.isolated.values()
    balance, position = told["B"][0], told["P"][0]
    assert balance["wb"] == money(client.account.wallet_atoms)
    assert balance["cw"] == money(client.account.wallet_atoms - aside)
    assert (position["pa"], position["iw"], position["mt"]) == ("0.006", money(aside), "isolated")
    assert position["cr"] == money(done.realised_atoms)
    open_profit = client.exchange.unrealised_atoms(client.account, "BTCUSDT", done.leg)
    assert position["up"] == money(open_profit) != "0.00000000"


def test_each_frame_of_an_order_says_what_it_is(client):
    client.order()
    client.move(PX + 1_000)
    own = client.listen_own()
    client.limit("61500", side="SELL", reduceOnly="true", quantity="0.004", newClientOrderId="target")
    client.algo("59500", clientAlgoId="stop", quantity="0.003", reduceOnly="true")
    begin = client.clock.now_ms()
    client.move(PX + 16_000)
    filled = client.clock.now_ms()
    client.move(594_000)
    ended = client.clock.now_ms()
    accepted, fill, _, _ = own.frames("ORDER_TRADE_UPDATE")
    assert (accepted["E"], accepted["T"], fill["E"], fill["T"]) == (begin, begin, filled, filled)
    common = {"s": "BTCUSDT", "S": "SELL", "ps": "BOTH", "f": "GTC", "R": True, "cp": False, "gtd": 0}
    common |= {"V": "EXPIRE_MAKER", "pm": "NONE", "pP": False, "wt": "CONTRACT_PRICE"}
    of_order = common | {"c": "target", "o": "LIMIT", "ot": "LIMIT", "q": "0.004", "p": "61500.00"}
    of_order |= {"i": 10_000_000_002, "N": "USDT", "sp": "0.00", "b": "0", "a": "0", "si": 0, "ss": 0}
    nothing = {"x": "NEW", "X": "NEW", "ap": "0.00000", "l": "0.000", "z": "0.000", "L": "0.00", "n": "0"}
    assert accepted["o"] == of_order | nothing | {"T": begin, "t": 0, "m": False, "rp": "0"}
    done = {"x": "TRADE", "X": "FILLED", "ap": "61500.00000", "l": "0.004", "z": "0.004", "L": "61500.00"}
    money_of_it = {"n": "0.04920000", "rp": "5.97600000"}
    assert fill["o"] == of_order | done | money_of_it | {"T": filled, "t": 2, "m": True}
    light = {"e": "TRADE_LITE", "E": filled, "T": filled, "s": "BTCUSDT", "q": "0.004", "p": "61500.00"}
    light |= {"m": True, "c": "target", "S": "SELL", "L": "61500.00", "l": "0.004", "t": 2}
    assert own.frames("TRADE_LITE")[0] == light | {"i": 10_000_000_002}
    waits, *_, finished = own.frames("ALGO_UPDATE")
    of_stop = common | {"caid": "stop", "aid": 1_000_000_000_000_003, "at": "CONDITIONAL", "q": "0.003"}
    of_stop |= {"o": "STOP_MARKET", "tp": "59500.00", "p": "0.00"}
    nothing = {"X": "NEW", "ai": "", "ap": "0.00000", "aq": "0.000", "act": "0", "tt": 0}
    assert waits == {"e": "ALGO_UPDATE", "T": begin, "E": begin, "o": of_stop | nothing}
    done = {"X": "FINISHED", "ai": "10000000004", "ap": "59494.00000", "aq": "0.003", "act": "MARKET"}
    assert finished == {"e": "ALGO_UPDATE", "T": ended, "E": ended, "o": of_stop | done | {"tt": ended}}
