"""Bybit's façade: what the streams tell, and how they answer."""

from __future__ import annotations

import pytest

from bybit_world import BTC, ETH, PX, Bybit
from mastertrading.simulator.bybit.numbers import money


def rows(stream, topic: str) -> list[dict]:
    return [row for frame in stream.frames(topic) for row in frame["data"]]


# -------------------------------------------------------------------- public
def test_a_ticker_begins_whole_and_goes_on_with_what_changed():
    venue = Bybit()
    stream = venue.public(f"tickers.{BTC}")
    whole = stream.frames(f"tickers.{BTC}")[0]
    assert (whole["type"], whole["data"]["lastPrice"]) == ("snapshot", "50000.00")
    venue.move(PX + 1)
    change = stream.frames(f"tickers.{BTC}")[-1]
    assert (change["type"], change["data"]["lastPrice"]) == ("delta", "50001.00")
    assert "volume24h" not in change["data"]
    assert "fundingRate" not in change["data"]
    known = dict(whole["data"])
    for frame in stream.frames(f"tickers.{BTC}")[1:]:
        known |= frame["data"]
    later = venue.public(f"tickers.{BTC}").frames(f"tickers.{BTC}")[0]
    assert known["lastPrice"] == later["data"]["lastPrice"]
    assert known["bid1Price"] == later["data"]["bid1Price"]


def test_a_ticker_tells_of_the_next_funding():
    venue = Bybit()
    stream = venue.public(f"tickers.{BTC}")
    venue.exchange.set_funding(BTC, rate_e8=-2_500)
    assert stream.frames(f"tickers.{BTC}")[-1]["data"]["fundingRate"] == "-0.000025"


@pytest.mark.parametrize("depth", [1, 50, 200, 1000])
def test_a_book_kept_by_its_deltas_is_the_book(depth):
    venue = Bybit()
    topic = f"orderbook.{depth}.{BTC}"
    stream = venue.public(topic)
    for k in range(5):
        venue.move(PX + k * 3)
    kept: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    updates = []
    for frame in stream.frames(topic):
        updates.append(frame["data"]["u"])
        for side, levels in kept.items():
            if frame["type"] == "snapshot":
                levels.clear()
            for px, size in frame["data"][side]:
                levels.pop(px, None) if size == "0" else levels.update({px: size})
    told = venue.get("/v5/market/orderbook", category="linear", symbol=BTC, limit=depth)["result"]
    assert kept == {side: dict(told[side]) for side in "ba"}
    assert updates == sorted(set(updates))
    assert {frame["type"] for frame in stream.frames(topic)} == (
        {"snapshot"} if depth == 1 else {"snapshot", "delta"}
    )


def test_trades_and_bars_are_told_and_a_bars_last_word_is_that_it_is_confirmed():
    venue = Bybit()
    stream = venue.public(f"publicTrade.{BTC}", f"kline.1.{BTC}", f"kline.5.{BTC}")
    venue.move(PX + 5)
    trade = rows(stream, f"publicTrade.{BTC}")[-1]
    assert (trade["p"], trade["s"], trade["L"]) == ("50005.00", BTC, "ZeroPlusTick")
    bar = rows(stream, f"kline.1.{BTC}")[-1]
    assert (bar["close"], bar["confirm"], bar["interval"]) == ("50005.00", False, "1")
    venue.clock.advance(60)
    venue.move(PX + 7)
    confirmed = [row for row in rows(stream, f"kline.1.{BTC}") if row["confirm"]]
    assert [row["start"] for row in confirmed] == [bar["start"]]
    assert rows(stream, f"kline.5.{BTC}")[-1]["interval"] == "5"


def test_liquidations_are_told_with_the_side_that_was_liquidated():
    venue = Bybit()
    stream = venue.public(f"allLiquidation.{BTC}")
    venue.order()
    venue.exchange.liquidate(venue.account, BTC)
    (row,) = rows(stream, f"allLiquidation.{BTC}")
    assert (row["S"], row["v"]) == ("Buy", "0.010")


@pytest.mark.parametrize(
    "topic",
    [
        "orderbook.500.BTCUSDT",
        "orderbook.01.BTCUSDT",
        "kline.7.BTCUSDT",
        "tickers.NOPE",
        "tickers",
        "",
        "order",
        "x.y.z",
    ],
)
def test_a_topic_that_does_not_exist_is_refused_with_its_name(topic):
    answer = Bybit().public().say(op="subscribe", args=[topic], req_id="9")
    assert (answer["success"], answer["req_id"], answer["op"]) == (False, "9", "subscribe")
    assert answer["ret_msg"] == f"error:handler not found,topic:{topic}"


def test_a_topic_is_subscribed_once_and_can_be_given_up():
    venue = Bybit()
    stream = venue.public(f"tickers.{BTC}")
    again = stream.say(op="subscribe", args=[f"tickers.{BTC}"])
    assert again["ret_msg"] == f"error:already subscribed,topic:tickers.{BTC}"
    assert stream.say(op="unsubscribe", args=[f"tickers.{BTC}"], req_id=3)["req_id"] == "3"
    count = len(stream.texts)
    venue.move(PX + 1)
    assert len(stream.texts) == count
    assert stream.say(op="subscribe", args=[f"tickers.{BTC}"])["success"] is True


def test_more_topics_than_a_connection_may_have_are_refused():
    stream = Bybit().public()
    many = [f"tickers.{BTC}{'X' * 200}" for _ in range(120)]
    assert stream.say(op="subscribe", args=many)["ret_msg"] == "error:args size is over the limit"


def test_a_closed_connection_hears_nothing_more():
    venue = Bybit()
    public, private = venue.public(f"tickers.{BTC}"), venue.private("order")
    for stream in (public, private):
        stream.session.close()
    counts = len(public.texts), len(private.texts)
    venue.order()
    venue.move(PX + 9)
    assert (len(public.texts), len(private.texts)) == counts


def test_other_products_have_streams_without_topics():
    venue = Bybit()
    stream = venue.dial("/v5/public/spot")
    assert stream.say(op="subscribe", args=[f"tickers.{BTC}"])["success"] is False
    assert venue.dial("/v5/nothing").session.status == 404


def test_pings_are_answered_in_each_streams_own_way():
    venue = Bybit()
    assert venue.public().say(op="ping") | {"conn_id": ""} == {
        "success": True,
        "ret_msg": "pong",
        "conn_id": "",
        "req_id": "",
        "op": "ping",
    }
    private = venue.private().say(op="ping", req_id="a")
    assert (private["op"], private["req_id"], private["args"]) == ("pong", "a", [str(venue.clock.now_ms())])
    trade = venue.trading().say(op="ping")
    assert (trade["op"], trade["retCode"], trade["data"]) == ("pong", 0, [str(venue.clock.now_ms())])


# -------------------------------------------------------------------- private
def test_a_fill_is_told_by_every_private_topic():
    venue = Bybit()
    stream = venue.private("order", "execution", "execution.fast", "position", "wallet")
    given = venue.order(orderLinkId="mine")["result"]["orderId"]
    topics = [frame["topic"] for frame in stream.frames() if "topic" in frame]
    assert topics == ["order", "execution.fast", "execution", "order", "position", "wallet"]
    assert [row["orderStatus"] for row in rows(stream, "order")] == ["New", "Filled"]
    (fill,) = rows(stream, "execution")
    assert (fill["orderId"], fill["orderLinkId"], fill["category"]) == (given, "mine", "linear")
    assert rows(stream, "execution.fast")[0]["execId"] == fill["execId"]
    (position,) = rows(stream, "position")
    assert (position["size"], position["entryPrice"], position["seq"]) == ("0.010", "50005", fill["seq"])
    assert "avgPrice" not in position
    assert rows(stream, "wallet")[0]["coin"][0]["coin"] == "USDT"


def test_topics_of_one_product_are_told_of_that_product():
    venue = Bybit()
    stream = venue.private("order.linear", "execution.spot")
    venue.order()
    assert len(stream.frames("order.linear")) == 2
    assert stream.frames("execution.spot") == []


def test_a_stranger_hears_nothing_of_another_account():
    venue = Bybit()
    venue.exchange.open_account("other", api_key="other", secret="other")
    stream = venue.dial("/v5/private")
    expires = venue.clock.now_ms() + 1000
    from bybit_world import signature

    stream.say(op="auth", args=["other", expires, signature(f"GET/realtime{expires}", "other")])
    stream.say(op="subscribe", args=["order", "position", "wallet"])
    venue.order()
    assert [frame for frame in stream.frames() if "topic" in frame] == []


def test_funding_and_transfers_are_told_of_the_wallet():
    venue = Bybit()
    venue.order()
    stream = venue.private("wallet", "execution")
    venue.exchange.transfer(venue.account, 10**8)
    venue.exchange.set_funding(BTC, rate_e8=10_000, interval_ms=3_600_000)
    venue.clock.set_ms(venue.exchange.markets[BTC].next_funding_ms + 1)
    venue.exchange.charge_due(venue.clock.now_ms())
    assert [row["execType"] for row in rows(stream, "execution")] == ["Funding"]
    assert len(stream.frames("wallet")) == 2


# -------------------------------------------------------------------- order entry
ORDER = {
    "category": "linear",
    "symbol": BTC,
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "49000",
}


def test_orders_are_created_amended_and_cancelled_over_the_stream():
    venue = Bybit()
    stream = venue.trading()
    header = {"X-BAPI-TIMESTAMP": str(venue.clock.now_ms()), "X-BAPI-RECV-WINDOW": "5000"}
    made = stream.say(op="order.create", reqId="1", header=header, args=[{**ORDER, "orderLinkId": "a"}])
    assert (made["retCode"], made["reqId"], made["data"]["orderLinkId"]) == (0, "1", "a")
    name = {"category": "linear", "symbol": BTC, "orderLinkId": "a"}
    changed = stream.say(op="order.amend", reqId="2", header=header, args=[{**name, "price": "48000"}])
    assert changed["data"]["orderId"] == made["data"]["orderId"]
    assert venue.open_rows()[0]["price"] == "48000.00"
    assert stream.say(op="order.cancel", reqId="3", header=header, args=[name])["retCode"] == 0
    assert stream.say(op="order.cancel", reqId="4", header=header, args=[name])["retCode"] == 110001
    batch = {"category": "linear", "request": [{**ORDER, "orderLinkId": "b"}]}
    assert stream.say(op="order.create-batch", header=header, args=[batch])["retExtInfo"]["list"] == [
        {"code": 0, "msg": "OK"}
    ]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"reqId": "0"}, 20006),
        ({"reqId": "x" * 37}, 10001),
        ({"reqId": 5}, 10001),
        ({"header": {}}, 10001),
        ({"header": None}, 10001),
        ({"header": {"X-BAPI-TIMESTAMP": "1"}}, 10002),
        ({"op": "order.fly"}, 10404),
        ({"op": None}, 10404),
        ({"args": [{**ORDER, "category": "spot"}]}, 10404),
        ({"args": []}, 10001),
        ({"args": [ORDER, ORDER]}, 10001),
        ({"args": "order"}, 10001),
        ({"args": [{**ORDER, "qty": "none"}]}, 10001),
    ],
)
def test_a_wrong_frame_of_order_entry_gets_the_venues_number(frame, code):
    venue = Bybit()
    stream = venue.trading()
    header = {"X-BAPI-TIMESTAMP": venue.clock.now_ms()}
    right = {"op": "order.create", "reqId": "0", "header": header, "args": [ORDER]}
    assert stream.say(**right)["retCode"] == 0
    assert stream.say(**{**right, "reqId": "1", **frame})["retCode"] == code


def test_order_entry_needs_auth_and_only_once():
    venue = Bybit()
    stream = venue.dial("/v5/trade")
    assert stream.say(op="order.create", args=[ORDER])["retMsg"] == "Request not authorized"
    assert stream.say(op="auth", args=venue.auth())["retCode"] == 0
    assert stream.say(op="auth", args=venue.auth())["retCode"] == 20001


def test_an_order_of_another_instrument_moves_only_its_own_topics():
    venue = Bybit()
    stream = venue.public(f"publicTrade.{BTC}")
    count = len(stream.texts)
    venue.order(symbol=ETH, qty="1.00")
    assert len(stream.texts) == count


def test_a_part_that_is_closed_is_told_with_its_profit_its_fee_and_what_is_left():
    venue = Bybit()
    venue.order(qty="0.010")
    venue.move(PX + 900)
    stream = venue.private("order", "execution", "position", "wallet")
    venue.order(side="Sell", qty="0.004")
    done = venue.account.executions[-1]
    order, fill = rows(stream, "order")[-1], rows(stream, "execution")[-1]
    position, wallet = rows(stream, "position")[-1], rows(stream, "wallet")[-1]
    assert (order["cumExecFee"], order["cumExecValue"]) == (money(done.fee_atoms), fill["execValue"])
    assert order["cumFeeDetail"] == {"USDT": money(done.fee_atoms)}
    assert (fill["execFee"], fill["execPnl"]) == (money(done.fee_atoms), money(done.realised_atoms))
    assert (fill["closedSize"], fill["execQty"], fill["isMaker"]) == ("0.004", "0.004", False)
    assert done.realised_atoms > 0
    assert (position["size"], position["side"]) == ("0.006", "Buy")
    open_profit = venue.exchange.unrealised_atoms(venue.account, BTC, done.leg)
    assert position["unrealisedPnl"] == money(open_profit) != "0"
    (coin,) = wallet["coin"]
    assert (coin["walletBalance"], coin["unrealisedPnl"]) == (
        money(venue.account.wallet_atoms),
        money(open_profit),
    )
    assert coin["equity"] == money(venue.exchange.equity_atoms(venue.account))
