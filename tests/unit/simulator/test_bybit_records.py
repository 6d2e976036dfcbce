"""Bybit's façade: lists in pages, windows of time, where an order is told of and for how long."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import unquote

import pytest

from bybit_world import BEGIN_MS, BTC, ETH, PX, Bybit

DAY_MS = 86_400_000


def all_pages(venue: Bybit, path: str, decoded: bool, **asked) -> list[dict]:
    rows, cursor = [], ""
    while True:
        more = {"cursor": unquote(cursor) if decoded else cursor} if cursor else {}
        told = venue.get(path, category="linear", **asked, **more)["result"]
        rows += told["list"]
        cursor = told["nextPageCursor"]
        if not cursor:
            return rows


@pytest.mark.parametrize("decoded", [False, True])
def test_open_orders_come_in_pages_newest_first_each_once(decoded):
    venue = Bybit()
    names = [f"o{k}" for k in range(7)]
    for name in names:
        venue.limit("49000", orderLinkId=name)
    rows = all_pages(venue, "/v5/order/realtime", decoded, symbol=BTC, limit=3)
    assert [row["orderLinkId"] for row in rows] == names[::-1]


@pytest.mark.parametrize("decoded", [False, True])
def test_executions_of_one_millisecond_come_in_pages_each_once(decoded):
    venue = Bybit()
    for _ in range(7):
        venue.order(qty="0.001")
    rows = all_pages(venue, "/v5/execution/list", decoded, limit=2)
    assert [row["seq"] for row in rows] == [7, 6, 5, 4, 3, 2, 1]


def test_instruments_come_in_pages_and_other_products_and_states_are_empty():
    venue = Bybit()
    rows = all_pages(venue, "/v5/market/instruments-info", False, limit=1)
    assert [row["symbol"] for row in rows] == [BTC, ETH]
    info = "/v5/market/instruments-info"
    assert venue.get(info, category="linear", status="PreLaunch")["result"]["list"] == []
    for category in ("spot", "inverse", "option"):
        assert venue.get(info, category=category)["result"] == {
            "category": category,
            "list": [],
            "nextPageCursor": "",
        }
    assert venue.get(info, category="futures")["retMsg"] == "Illegal category"


@pytest.mark.parametrize("cursor", ["x", "12", "%00", "1:1,1:1", "%25"])
def test_a_cursor_that_the_venue_did_not_give_is_refused(cursor):
    venue = Bybit()
    for path in ("/v5/order/realtime", "/v5/order/history", "/v5/execution/list"):
        assert venue.get(path, category="linear", symbol=BTC, cursor=cursor)["retCode"] == 10001


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "1.5", "NaN"])
def test_a_limit_out_of_bounds_is_refused(limit):
    assert Bybit().get("/v5/order/realtime", category="linear", symbol=BTC, limit=limit)["retCode"] == 10001


def test_realtime_tells_open_orders_and_the_latest_closed_ones_apart():
    venue = Bybit()
    venue.limit("49000", orderLinkId="open")
    venue.order(orderLinkId="closed")
    assert [row["orderLinkId"] for row in venue.open_rows()] == ["open"]
    assert [row["orderLinkId"] for row in venue.open_rows(openOnly=1)] == ["closed"]
    assert [row["orderLinkId"] for row in venue.open_rows(orderLinkId="closed")] == ["closed"]
    assert venue.open_rows(orderLinkId="nobody") == []
    assert venue.open_rows(orderId="None") == []
    assert venue.get("/v5/order/realtime", category="linear")["retCode"] == 10001


def test_realtime_keeps_five_hundred_closed_orders():
    venue = Bybit()
    first = venue.order(qty="0.001", orderLinkId="first")["result"]["orderId"]
    for _ in range(500):
        venue.order(qty="0.001")
    assert venue.open_rows(orderId=first) == []
    assert venue.rows("/v5/order/history", orderId=first)[0]["orderLinkId"] == "first"


def test_after_a_restart_of_the_venue_closed_orders_are_in_the_history_only():
    venue = Bybit()
    given = venue.order()["result"]["orderId"]
    venue.limit("49000", orderLinkId="open")
    venue.facade.forget_closed()
    assert venue.open_rows(orderId=given) == []
    assert [row["orderLinkId"] for row in venue.open_rows()] == ["open"]
    assert venue.rows("/v5/order/history", orderId=given)[0]["orderStatus"] == "Filled"


def test_history_forgets_an_order_without_a_fill_after_a_day_and_keeps_one_with():
    venue = Bybit()
    venue.order(orderLinkId="filled")
    venue.limit("49000", orderLinkId="cancelled")
    venue.post("/v5/order/cancel", symbol=BTC, orderLinkId="cancelled")
    history = "/v5/order/history"
    assert [row["orderLinkId"] for row in venue.rows(history)] == ["cancelled", "filled"]
    assert [row["orderLinkId"] for row in venue.rows(history, orderStatus="Filled")] == ["filled"]
    venue.clock.advance(86_401)
    assert [row["orderLinkId"] for row in venue.rows(history)] == ["filled"]


def test_history_has_windows_of_seven_days():
    venue = Bybit()
    venue.order(orderLinkId="old")
    venue.clock.advance(8 * 86_400)
    venue.order(orderLinkId="new")
    history, end = "/v5/order/history", BEGIN_MS + 8 * DAY_MS
    assert [row["orderLinkId"] for row in venue.rows(history)] == ["new"]
    assert [row["orderLinkId"] for row in venue.rows(history, startTime=BEGIN_MS)] == ["old"]
    assert [row["orderLinkId"] for row in venue.rows(history, endTime=end)] == ["new"]
    assert venue.get(history, category="linear", startTime=BEGIN_MS, endTime=end)["retCode"] == 10001
    assert venue.get(history, category="linear", startTime=end, endTime=BEGIN_MS)["retCode"] == 10001


def test_executions_are_found_by_order_kind_and_symbol():
    venue = Bybit()
    given = venue.order(orderLinkId="btc")["result"]["orderId"]
    venue.order(symbol=ETH, qty="1.00")
    paths = "/v5/execution/list"
    assert [row["symbol"] for row in venue.rows(paths)] == [ETH, BTC]
    assert [row["symbol"] for row in venue.rows(paths, symbol=BTC)] == [BTC]
    assert [row["symbol"] for row in venue.rows(paths, baseCoin="ETH")] == [ETH]
    assert [row["orderLinkId"] for row in venue.rows(paths, orderId=given)] == ["btc"]
    assert [row["orderLinkId"] for row in venue.rows(paths, orderLinkId="btc", symbol=ETH)] == ["btc"]
    assert venue.rows(paths, execType="Funding") == []
    assert venue.rows(paths, execType="AdlTrade") == []


def test_an_execution_tells_what_was_left_and_what_it_closed():
    venue = Bybit()
    venue.order(qty="0.010")
    venue.order(side="Sell", qty="0.004", reduceOnly=True)
    row = venue.rows("/v5/execution/list")[0]
    assert (row["execQty"], row["closedSize"], row["leavesQty"]) == ("0.004", "0.004", "0.000")
    assert (row["isMaker"], row["feeRate"], row["execType"]) == (False, "0.0005", "Trade")
    assert float(row["execValue"]) == pytest.approx(float(row["execPrice"]) * 0.004)


def test_liquidation_and_deleveraging_are_told_by_their_own_kind():
    venue = Bybit()
    venue.order()
    venue.exchange.deleverage(venue.account, BTC, lots=4)
    venue.exchange.liquidate(venue.account, BTC)
    told = [(row["execType"], row["createType"]) for row in venue.rows("/v5/execution/list")]
    assert told == [
        ("BustTrade", "CreateByLiq"),
        ("AdlTrade", "CreateByAdl_PassThrough"),
        ("Trade", "CreateByUser"),
    ]


def test_bars_come_newest_first_within_what_was_asked():
    venue = Bybit()
    for k in range(5):
        venue.clock.set_ms(BEGIN_MS - BEGIN_MS % 60_000 + (k + 1) * 60_000)
        venue.exchange.move(BTC, 500_000 + k)
    bars = venue.rows("/v5/market/kline", symbol=BTC, interval="1")
    assert [bar[0] for bar in bars] == sorted((bar[0] for bar in bars), reverse=True)
    assert len(bars) == 6
    first = int(bars[-1][0])
    some = venue.rows("/v5/market/kline", symbol=BTC, interval="1", start=first + 60_000, limit=2)
    assert [int(bar[0]) - first for bar in some] == [120_000, 60_000]
    last = venue.rows("/v5/market/kline", symbol=BTC, interval="1", end=first + 60_000, limit=1)
    assert [int(bar[0]) - first for bar in last] == [60_000]
    assert len(venue.rows("/v5/market/kline", symbol=BTC, interval="W")) == 1
    assert venue.get("/v5/market/kline", symbol=BTC, interval="7")["retMsg"] == "Invalid period!"
    assert venue.get("/v5/market/kline", symbol="NOPE", interval="1")["retMsg"] == "Not supported symbols"


def test_funding_rates_of_the_past_need_an_end_with_a_start():
    venue = Bybit()
    asked = {"category": "linear", "symbol": BTC, "startTime": 1}
    assert venue.get("/v5/market/funding/history", **asked)["retCode"] == 10001
    assert venue.get("/v5/market/funding/history", **asked, endTime=2)["result"]["list"] == []


def test_each_row_says_what_the_order_is():
    venue = Bybit()
    venue.order(orderLinkId="entry")
    venue.move(PX + 1_000)
    venue.limit("51500", side="Sell", reduceOnly=True, qty="0.004", orderLinkId="target")
    stop = {"triggerPrice": "49000", "triggerDirection": 2, "triggerBy": "MarkPrice"}
    venue.order(side="Sell", reduceOnly=True, qty="0.005", orderLinkId="stop", **stop)
    venue.move(PX + 1_600)
    rows = {name: venue.open_rows(orderLinkId=name)[0] for name in ("entry", "target", "stop")}
    says = {
        "symbol": (BTC, BTC, BTC),
        "side": ("Buy", "Sell", "Sell"),
        "orderType": ("Market", "Limit", "Market"),
        "orderStatus": ("Filled", "Filled", "Untriggered"),
        "price": ("50500.00", "51500.00", "0"),
        "qty": ("0.010", "0.004", "0.005"),
        "leavesQty": ("0.000", "0.000", "0.005"),
        "leavesValue": ("0", "0", "245"),
        "avgPrice": ("50005", "51500", ""),
        "cumExecQty": ("0.010", "0.004", "0.000"),
        "cumExecValue": ("500.05", "206", "0"),
        "cumExecFee": ("0.250025", "0.0412", "0"),
        "cumFeeDetail": ({"USDT": "0.250025"}, {"USDT": "0.0412"}, {}),
        "timeInForce": ("IOC", "GTC", "IOC"),
        "reduceOnly": (False, True, True),
        "closeOnTrigger": (False, False, False),
        "positionIdx": (0, 0, 0),
        "stopOrderType": ("", "", "Stop"),
        "triggerPrice": ("", "", "49000.00"),
        "triggerDirection": (0, 0, 2),
        "triggerBy": ("", "", "MarkPrice"),
        "createType": ("CreateByUser", "CreateByUser", "CreateByStopOrder"),
        "cancelType": ("UNKNOWN",) * 3,
        "rejectReason": ("EC_NoError",) * 3,
        "lastPriceOnCreated": ("50000.00", "51000.00", "51000.00"),
    }
    assert {name: tuple(row[name] for row in rows.values()) for name in says} == says
    made = [int(row["createdTime"]) for row in rows.values()]
    changed = [int(row["updatedTime"]) for row in rows.values()]
    assert (made, changed[1]) == ([BEGIN_MS, BEGIN_MS + 1_000, BEGIN_MS + 1_000], BEGIN_MS + 2_000)


def test_each_fill_and_what_it_left_is_told_to_the_last_digit():
    venue = Bybit()
    venue.order()
    venue.move(PX + 1_000)
    stream = venue.private("execution.fast")
    venue.limit("51500", side="Sell", reduceOnly=True, qty="0.004", orderLinkId="target")
    venue.move(PX + 1_600)
    fill, position = venue.rows("/v5/execution/list")[0], venue.position()
    (fast,) = stream.frames("execution.fast")[-1]["data"]
    (wallet,) = venue.rows("/v5/account/wallet-balance", accountType="UNIFIED")
    says = {
        "symbol": BTC,
        "side": "Sell",
        "orderType": "Limit",
        "orderLinkId": "target",
        "leavesQty": "0.000",
        "isMaker": True,
        "execFee": "0.0412",
        "feeRate": "0.0002",
        "execPrice": "51500.00",
        "markPrice": "51000.00",
        "execQty": "0.004",
        "execValue": "206",
        "closedSize": "0.004",
        "orderQty": "0.004",
        "orderPrice": "51500.00",
        "execType": "Trade",
        "execTime": str(BEGIN_MS + 2_000),
        "seq": 2,
    }
    assert {name: fill[name] for name in says} == says
    assert {name: value for name, value in fast.items() if fill.get(name) != value} == {"category": "linear"}
    says = {
        "side": "Buy",
        "size": "0.006",
        "avgPrice": "50005",
        "positionValue": "300.03",
        "leverage": "20",
        "markPrice": "51600.00",
        "unrealisedPnl": "9.57",
        "positionIM": "15.48",
        "positionIdx": 0,
        "tradeMode": 0,
        "positionStatus": "Normal",
        "updatedTime": str(BEGIN_MS + 2_000),
    }
    assert {name: position[name] for name in says} == says
    money = 10_000 - Decimal("0.250025") + Decimal("5.98") - Decimal("0.0412")
    (coin,) = wallet["coin"]
    assert Decimal(coin["walletBalance"]) == Decimal(wallet["totalWalletBalance"]) == money
    assert Decimal(coin["equity"]) == Decimal(wallet["totalEquity"]) == money + Decimal("9.57")
    assert (coin["unrealisedPnl"], coin["totalPositionIM"]) == ("9.57", "15.48")
    assert Decimal(wallet["totalAvailableBalance"]) == money + Decimal("9.57") - Decimal("15.48")
