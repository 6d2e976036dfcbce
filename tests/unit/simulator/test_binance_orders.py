"""Plain orders at the Binance façade: filters with their codes, the modes, what is found of them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from binance_client import PX, BinanceClient
from mastertrading.simulator.listing import Trading

ORDER = "/fapi/v1/order"


@pytest.fixture
def client():
    return BinanceClient()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"symbol": "NOSUCH"}, -1121),
        ({"symbol": None}, -1102),
        ({"side": "HOLD"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"quantity": None}, -1102),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "-1"}, -1100),
        ({"quantity": "NaN"}, -1100),
        ({"quantity": "1e400"}, -1100),
        ({"quantity": "1e-3"}, -1100),
        ({"quantity": "١"}, -1100),
        ({"quantity": "99999999"}, -4005),
        ({"price": "60000"}, -1106),
        ({"timeInForce": "GTC"}, -1106),
        ({"closePosition": "true"}, -4136),
        ({"reduceOnly": "perhaps"}, -1102),
        ({"reduceOnly": "true"}, -2022),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"newClientOrderId": "with space"}, -1100),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"quantity": "10", "side": "SELL"}, -2019),
        ({"priceMatch": "OPPONENT"}, -5037),
        ({"selfTradePreventionMode": "ALWAYS"}, -5039),
        ({"type": "STOP_MARKET", "stopPrice": "59000"}, -4120),
        ({"type": "TAKE_PROFIT", "stopPrice": "59000", "price": "1"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
    ],
)
def test_a_market_order_that_is_wrong_gets_the_venues_code_and_changes_nothing(client, values, code):
    assert client.order(**values) == code
    assert client.exchange.order_history(client.account) == []


@pytest.mark.parametrize(
    ("price", "values", "code"),
    [
        ("59000.05", {}, -4014),
        ("59000.001", {}, -1111),
        ("0", {}, -4001),
        ("99999999999", {}, -4002),
        ("64000", {}, -4016),
        ("56000", {"side": "SELL"}, -4024),
        ("59000", {"quantity": "0.001", "symbol": "ETHUSDT"}, -4016),
        ("2900", {"quantity": "0.001", "symbol": "ETHUSDT"}, -4164),
        ("59000", {"timeInForce": None}, -1102),
        ("59000", {"timeInForce": "GTW"}, -1115),
        ("60500", {"timeInForce": "GTX"}, -5022),
        ("59000", {"timeInForce": "GTD"}, -1102),
        ("59000", {"timeInForce": "GTD", "goodTillDate": 1}, -5040),
    ],
)
def test_a_limit_order_that_is_wrong_gets_the_venues_code(client, price, values, code):
    assert client.limit(price, **values) == code
    assert client.exchange.order_history(client.account) == []


def test_a_market_order_is_told_filled_with_its_average_price(client):
    told = client.order(newOrderRespType="RESULT", newClientOrderId="mine")
    assert (told["status"], told["executedQty"], told["clientOrderId"]) == ("FILLED", "0.010", "mine")
    assert told["avgPrice"] == "60006.00000"
    (fill,) = client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert (fill["orderId"], fill["price"], fill["qty"]) == (told["orderId"], "60006.00", "0.010")
    assert fill["commission"] == "0.30003000"
    assert fill["quoteQty"] == "600.06000"


def test_an_order_is_found_by_both_its_ids_and_not_by_anothers(client):
    placed = client.limit("59000", newClientOrderId="a.b:c/d_e-1")
    by_id = client.signed("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])
    assert by_id == client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="a.b:c/d_e-1")
    assert client.signed("GET", ORDER, symbol="ETHUSDT", orderId=placed["orderId"]) == -2013
    assert client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="other") == -2013
    assert client.signed("GET", ORDER, symbol="BTCUSDT") == -1102
    assert client.signed("GET", ORDER, symbol="BTCUSDT", orderId=1) == -2013


def test_a_client_id_is_refused_while_an_open_order_has_it_and_not_after(client):
    client.limit("59000", newClientOrderId="one")
    assert client.limit("58000", newClientOrderId="one") == -4116
    client.signed("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    assert client.limit("58000", newClientOrderId="one")["status"] == "NEW"
    client.order(newClientOrderId="two")
    assert client.order(newClientOrderId="two")["status"] == "FILLED"


def test_what_is_not_open_cannot_be_cancelled(client):
    done = client.order()
    assert client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=done["orderId"]) == -2011
    assert client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=5) == -2011
    assert client.signed("DELETE", ORDER, symbol="BTCUSDT") == -1102


def test_an_order_is_amended_in_its_place(client):
    placed = client.limit("59000")
    values = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "side": "BUY"}
    changed = client.signed("PUT", ORDER, **values, quantity="0.02", price="59001")
    assert (changed["orderId"], changed["price"], changed["origQty"]) == (
        placed["orderId"],
        "59001.00",
        "0.020",
    )
    assert client.signed("PUT", ORDER, **values, quantity="0.02", price="59001") == -5027
    assert client.signed("PUT", ORDER, **{**values, "side": "SELL"}, quantity="0.02", price="59001") == -1117
    assert client.signed("PUT", ORDER, **values, quantity="0.02") == -1102
    assert client.signed("PUT", ORDER, **{**values, "orderId": 3}, quantity="0.02", price="59001") == -2013


def test_in_hedge_mode_the_position_side_is_needed_and_reduce_only_is_not_allowed():
    client = BinanceClient(hedged=True)
    assert client.order() == -4061
    assert client.order(positionSide="LONG", reduceOnly="true") == -1106
    assert client.order(positionSide="LONG")["positionSide"] == "LONG"
    assert client.order(positionSide="SHORT", side="SELL")["status"] == "FILLED"
    rows = client.signed("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")
    assert [(r["positionSide"], r["positionAmt"]) for r in rows] == [("LONG", "0.010"), ("SHORT", "-0.010")]
    assert client.order(positionSide="LONG", side="SELL")["status"] == "FILLED"
    assert client.order(positionSide="LONG", side="SELL") == -2022


def test_each_order_of_a_batch_is_accepted_or_refused_by_itself(client):
    good = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": 0.01,
        "price": "59000",
        "timeInForce": "GTC",
    }
    batch = json.dumps([good, {**good, "quantity": "0.00001"}, {**good, "type": "STOP"}])
    placed = client.signed("POST", "/fapi/v1/batchOrders", batchOrders=batch)
    assert [one.get("code") for one in placed] == [None, -1111, -4120]
    assert client.headers["X-MBX-ORDER-COUNT-10S"] == "3"
    ended = client.signed(
        "DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=json.dumps([placed[0]["orderId"], 9])
    )
    assert [one.get("status", one.get("code")) for one in ended] == ["CANCELED", -2011]


@pytest.mark.parametrize("batch", ["", "[]", "{", "7", "[1]", json.dumps([{}] * 6), "[" * 3_000])
def test_a_batch_that_is_none_is_refused(client, batch):
    assert client.signed("POST", "/fapi/v1/batchOrders", batchOrders=batch) in (-1102, -4082, -1130)


def test_cancelling_all_leaves_the_conditional_orders(client):
    client.order()
    client.limit("59000")
    client.algo("59000", reduceOnly="true")
    assert client.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert client.signed("GET", "/fapi/v1/openOrders") == []
    assert len(client.signed("GET", "/fapi/v1/openAlgoOrders")) == 1
    assert client.signed("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert client.signed("GET", "/fapi/v1/openAlgoOrders") == []


def test_a_countdown_cancels_unless_it_is_begun_anew(client):
    client.limit("59000")
    for _ in range(2):
        client.signed("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=3_000)
        client.wait(2_000)
    assert len(client.signed("GET", "/fapi/v1/openOrders")) == 1
    client.wait(1_001)
    assert client.signed("GET", "/fapi/v1/openOrders") == []
    client.limit("59000")
    client.signed("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=3_000)
    client.signed("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=0)
    client.move(PX, ms=10_000)
    assert len(client.signed("GET", "/fapi/v1/openOrders")) == 1


@pytest.mark.parametrize(
    ("trading", "code"), [(Trading.CLOSED, -4141), (Trading.CANCEL_ONLY, -4140), (Trading.POST_ONLY, -4140)]
)
def test_an_instrument_that_does_not_trade_refuses_orders(client, trading, code):
    client.exchange.halt("BTCUSDT", trading)
    assert client.order() == code


def test_too_many_orders_of_an_instrument_are_refused(client):
    client.exchange.change_listing("BTCUSDT", max_orders=2, max_conditional=1)
    client.limit("59000")
    client.limit("58900")
    assert client.limit("58800") == -2025
    client.algo("59000", side="SELL")
    assert client.algo("58000", side="SELL") == -4045


def test_a_forgotten_order_is_not_found(client):
    placed = client.limit("59000", newClientOrderId="old")
    filled = client.order()
    client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])
    client.wait(3 * 86_400_000 + 1)
    assert client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="old") == -2013
    assert client.signed("GET", ORDER, symbol="BTCUSDT", orderId=filled["orderId"])["status"] == "FILLED"
    client.wait(90 * 86_400_000)
    assert client.signed("GET", ORDER, symbol="BTCUSDT", orderId=filled["orderId"]) == -2013


def test_history_is_paged_by_id_and_by_time(client):
    ids = [client.order()["orderId"] for _ in range(5)]
    rows = client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT", orderId=ids[2], limit=2)
    assert [row["orderId"] for row in rows] == ids[2:4]
    trades = client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=2)
    assert [row["orderId"] for row in trades] == ids[3:]
    first = trades[0]["id"]
    later = client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", fromId=first)
    assert [row["id"] for row in later] == [first, first + 1]
    assert client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", fromId=1, startTime=1) == -1128
    assert (
        client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", startTime=0, endTime=8 * 86_400_000)
        == -4165
    )
    assert client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT", limit=1001) == -1130


def test_a_test_order_is_checked_and_not_placed(client):
    values = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
    assert client.signed("POST", "/fapi/v1/order/test", **values, quantity="0.01")["status"] == "NEW"
    assert client.signed("POST", "/fapi/v1/order/test", **values, quantity="0.00001") == -1111
    assert client.exchange.order_history(client.account) == []


def test_an_order_that_is_good_till_a_time_expires_then(client):
    until = client.clock.now_ms() + 700_999
    placed = client.limit("59000", timeInForce="GTD", goodTillDate=until)
    assert placed["goodTillDate"] == until - until % 1_000
    own = client.listen_own()
    client.move(PX, ms=699_000)
    assert client.signed("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "NEW"
    client.move(PX, ms=1_000)
    assert client.signed("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "EXPIRED"
    assert [frame["o"]["x"] for frame in own.frames("ORDER_TRADE_UPDATE")] == ["EXPIRED"]


def test_each_row_says_what_the_order_is(client):
    client.order(newClientOrderId="entry")
    client.move(PX + 1_000)
    client.limit("61500", side="SELL", reduceOnly="true", quantity="0.004", newClientOrderId="target")
    client.algo("59500", clientAlgoId="stop", closePosition="true", quantity=None)
    client.move(PX + 16_000)
    entry, target = client.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    (stop,) = client.signed("GET", "/fapi/v1/openAlgoOrders")
    (row,) = client.exchange.open_orders(client.account, "BTCUSDT", conditional=True)
    common = {
        "symbol": "BTCUSDT",
        "status": "FILLED",
        "timeInForce": "GTC",
        "closePosition": False,
        "positionSide": "BOTH",
        "stopPrice": "0.00",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
    }
    begin = row.created_ms - 1_000
    assert entry == common | {
        "orderId": 10_000_000_001,
        "clientOrderId": "entry",
        "price": "0.00",
        "avgPrice": "60006.00000",
        "origQty": "0.010",
        "executedQty": "0.010",
        "cumQuote": "600.06000",
        "type": "MARKET",
        "origType": "MARKET",
        "reduceOnly": False,
        "side": "BUY",
        "time": begin,
        "updateTime": begin,
    }
    assert target == common | {
        "orderId": 10_000_000_002,
        "clientOrderId": "target",
        "price": "61500.00",
        "avgPrice": "61500.00000",
        "origQty": "0.004",
        "executedQty": "0.004",
        "cumQuote": "246.00000",
        "type": "LIMIT",
        "origType": "LIMIT",
        "reduceOnly": True,
        "side": "SELL",
        "time": begin + 1_000,
        "updateTime": begin + 2_000,
    }
    says = ("closePosition", "reduceOnly", "side", "triggerPrice", "quantity", "orderType", "createTime")
    told = (True, True, "SELL", "59500.00", "0.000", "STOP_MARKET", begin + 1_000)
    assert tuple(stop[name] for name in says) == told


def test_each_fill_and_what_it_left_is_told_to_the_last_digit(client):
    client.order()
    client.move(PX + 1_000)
    client.limit("61500", side="SELL", reduceOnly="true", quantity="0.004")
    client.limit("58000", quantity="0.100")
    client.move(PX + 16_000)
    _, fill = client.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    now = client.clock.now_ms()
    assert fill == {
        "symbol": "BTCUSDT",
        "id": 2,
        "orderId": 10_000_000_002,
        "side": "SELL",
        "price": "61500.00",
        "qty": "0.004",
        "realizedPnl": "5.97600000",
        "quoteQty": "246.00000",
        "commission": "0.04920000",
        "commissionAsset": "USDT",
        "time": now,
        "positionSide": "BOTH",
        "maker": True,
        "buyer": False,
    }
    (position,) = client.signed("GET", "/fapi/v3/positionRisk")
    assert position | {"adl": 0, "breakEvenPrice": ""} == {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "0.006",
        "entryPrice": "60006.00000",
        "breakEvenPrice": "",
        "markPrice": "61600.00000000",
        "unRealizedProfit": "9.56400000",
        "liquidationPrice": "0",
        "isolatedMargin": "0",
        "notional": "369.60000000",
        "isolatedWallet": "0",
        "updateTime": now,
        "marginAsset": "USDT",
        "initialMargin": position["initialMargin"],
        "maintMargin": "1.47840000",
        "positionInitialMargin": "18.48000000",
        "openOrderInitialMargin": position["openOrderInitialMargin"],
        "adl": 0,
        "bidNotional": position["bidNotional"],
        "askNotional": "0",
    }
    money = client.signed("GET", "/fapi/v3/account")
    wallet = Decimal(10_000) - Decimal("0.30003") + Decimal("5.976") - Decimal("0.0492")
    says = ("totalWalletBalance", "totalUnrealizedProfit", "totalMarginBalance", "totalMaintMargin")
    told = [wallet, Decimal("9.564"), wallet + Decimal("9.564"), Decimal("1.4784")]
    assert [Decimal(money[name]) for name in says] == told
    orders_margin = Decimal(money["totalOpenOrderInitialMargin"])
    assert orders_margin == 290  # 0.1 at 58 000 over 20
    assert Decimal(money["totalPositionInitialMargin"]) == Decimal("18.48")
    assert Decimal(money["availableBalance"]) == wallet + Decimal("9.564") - Decimal("18.48") - orders_margin
