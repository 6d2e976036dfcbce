"""Market data and the account's books over REST."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from binance_client import BEGIN_MS, PX, TIERS, BinanceClient
from mastertrading.domain.market import DAY_MS, MINUTE_MS
from mastertrading.simulator.binance.rendering import Scale, fixed, plain
from mastertrading.simulator.market import Row

F = "/fapi/v1"


@pytest.fixture
def client():
    client = BinanceClient()
    market = client.exchange.markets["BTCUSDT"]
    market.closed.columns[0][:] = market.closed.columns[0][:0]
    for k in range(3 * 1440, 0, -1):
        ts = BEGIN_MS - BEGIN_MS % MINUTE_MS - k * MINUTE_MS
        market.closed.append(Row(ts, PX, PX + 10, PX - 10, PX + k % 7, 1_000, 5))
    return client


@pytest.mark.parametrize(
    ("units", "places", "text"),
    [(0, 2, "0.00"), (5, 3, "0.005"), (-1050, 2, "-10.50"), (7, 0, "7"), (-3, 2, "-0.03")],
)
def test_whole_numbers_are_written_with_their_places(units, places, text):
    assert fixed(units, places) == text
    assert Decimal(text).scaleb(places) == units


def test_prices_and_quantities_have_the_places_of_their_steps(client):
    scale = Scale.of(client.exchange.listings["BTCUSDT"])
    assert (scale.px(600_001), scale.qty(12), scale.quote(600_000 * 3)) == ("60000.10", "0.012", "180.00000")
    assert (scale.precise(1), scale.average(100, 3), scale.average(0, 0)) == (
        "0.10000000",
        "3.33333",
        "0.00000",
    )
    assert plain(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize(
    ("interval", "first"),
    [
        ("1m", BEGIN_MS - BEGIN_MS % MINUTE_MS),
        ("1h", BEGIN_MS - BEGIN_MS % (60 * MINUTE_MS)),
        ("1d", BEGIN_MS - BEGIN_MS % DAY_MS),
        ("3d", BEGIN_MS - BEGIN_MS % (3 * DAY_MS)),
        ("1w", 1_789_948_800_000),
        ("1M", 1_788_220_800_000),
    ],
)
def test_bars_of_each_interval_open_where_the_venue_opens_them(client, interval, first):
    rows = client.ask("GET", f"{F}/klines", symbol="BTCUSDT", interval=interval, limit=3)
    assert rows[-1][0] == first
    assert len(rows) <= 3
    assert all(before[6] + 1 == after[0] for before, after in itertools.pairwise(rows))


def test_bars_are_paged_by_start_and_end(client):
    end = BEGIN_MS - BEGIN_MS % MINUTE_MS
    start = end - 10 * MINUTE_MS
    values = {"symbol": "BTCUSDT", "interval": "1m"}
    rows = client.ask("GET", f"{F}/klines", **values, startTime=start, endTime=end - 1, limit=4)
    assert [row[0] for row in rows] == [start + k * MINUTE_MS for k in range(4)]
    assert rows[0][1:6] == ["60000.00", "60001.00", "59999.00", f"{60000 + (10 % 7) / 10:.2f}", "1.000"]
    assert client.ask("GET", f"{F}/klines", **values, startTime=2, endTime=1) == -1023


@pytest.mark.parametrize(
    ("path", "values", "code"),
    [
        ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("klines", {"symbol": "BTCUSDT"}, -1120),
        ("klines", {"interval": "1m"}, -1102),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1501}, -1130),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "many"}, -1100),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": -1}, -1100),
        ("depth", {"symbol": "BTCUSDT", "limit": 7}, -4021),
        ("depth", {"symbol": "btcusdt"}, -1121),
        ("continuousKlines", {"pair": "BTCUSDT", "interval": "1m"}, -1130),
        ("nothing", {}, -5000),
    ],
)
def test_a_question_that_is_wrong_gets_the_venues_code(client, path, values, code):
    assert client.ask("GET", f"{F}/{path}", **values) == code


def test_an_unknown_path_is_not_found_and_a_wrong_method_not_allowed(client):
    assert client.send("GET", "/fapi/v9/time").status == 404
    assert client.send("PATCH", f"{F}/order").status == 405
    assert client.send("POST", f"{F}/time").status == 405


def test_filters_are_the_listings(client):
    info = client.ask("GET", f"{F}/exchangeInfo")
    contract = next(one for one in info["symbols"] if one["symbol"] == "BTCUSDT")
    filters = {one["filterType"]: one for one in contract["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert filters["MIN_NOTIONAL"]["notional"] == "50"
    assert filters["PERCENT_PRICE"]["multiplierUp"] == "1.0500"
    client.exchange.change_listing("BTCUSDT", min_notional=Decimal(7))
    info = client.ask("GET", f"{F}/exchangeInfo")
    filters = {one["filterType"]: one for one in info["symbols"][0]["filters"]}
    assert filters["MIN_NOTIONAL"]["notional"] == "7"


def test_brackets_are_the_ladder_and_continuous(client):
    (row,) = client.signed("GET", f"{F}/leverageBracket", symbol="BTCUSDT")
    rates = [Decimal(str(one["maintMarginRatio"])) for one in row["brackets"]]
    assert rates == [tier.maintenance_rate for tier in TIERS]
    edge = row["brackets"][1]["notionalFloor"]
    assert edge * rates[0] == edge * rates[1] - Decimal(str(row["brackets"][1]["cum"]))
    assert row["brackets"][0]["initialLeverage"] == 125


def test_funding_that_was_charged_is_told_ascending(client):
    market = client.exchange.markets["BTCUSDT"]
    for rate in (10_000, -2_500):
        client.exchange.set_funding("BTCUSDT", rate_e8=rate)
        market.next_funding_ms = client.clock.now_ms()
        client.exchange.charge_due(client.clock.now_ms() + 1)
        client.wait(8 * 3_600_000)
    rows = client.ask("GET", f"{F}/fundingRate", symbol="BTCUSDT")
    assert [row["fundingRate"] for row in rows] == ["0.00010000", "-0.00002500"]
    assert client.ask("GET", f"{F}/fundingRate", symbol="BTCUSDT", startTime=BEGIN_MS + 1)[0] == rows[1]


def test_money_positions_and_income_tell_one_story(client):
    client.order(quantity="0.100")
    client.move(PX + 10_000)
    (asset,) = client.signed("GET", "/fapi/v3/balance")
    (position,) = client.signed("GET", "/fapi/v3/positionRisk")
    account = client.signed("GET", "/fapi/v3/account")
    assert (
        position["unRealizedProfit"]
        == account["totalUnrealizedProfit"]
        == asset["crossUnPnl"]
        == "99.40000000"
    )
    assert Decimal(account["totalMarginBalance"]) == Decimal(asset["balance"]) + Decimal("99.4")
    income = client.signed("GET", f"{F}/income")
    assert sum(Decimal(row["income"]) for row in income) == Decimal(asset["balance"])
    assert [row["incomeType"] for row in income] == ["TRANSFER", "COMMISSION"]
    assert client.signed("GET", f"{F}/income", incomeType="COMMISSION") == income[1:]
    assert client.signed("GET", f"{F}/income", incomeType="LOTTERY") == -1130


def test_settings_are_told_and_setting_them_again_is_no_change(client):
    assert client.signed("POST", f"{F}/leverage", symbol="BTCUSDT", leverage=126) == -4028
    assert client.signed("POST", f"{F}/leverage", symbol="BTCUSDT", leverage=50)["leverage"] == 50
    assert client.signed("POST", f"{F}/leverage", symbol="BTCUSDT", leverage=50)["leverage"] == 50
    assert client.signed("GET", f"{F}/symbolConfig", symbol="BTCUSDT")[0]["leverage"] == 50
    assert client.signed("POST", f"{F}/marginType", symbol="BTCUSDT", marginType="CROSSED") == -4046
    assert client.signed("POST", f"{F}/marginType", symbol="BTCUSDT", marginType="ISOLATED")["code"] == 200
    assert client.signed("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")[0]["marginType"] == "isolated"
    assert client.signed("POST", f"{F}/positionSide/dual", dualSidePosition="false") == -4059
    assert client.signed("POST", f"{F}/positionSide/dual", dualSidePosition="true")["code"] == 200
    assert client.signed("GET", f"{F}/accountConfig")["dualSidePosition"] is True


def test_modes_do_not_change_while_there_are_orders_or_positions(client):
    client.limit("59000")
    assert client.signed("POST", f"{F}/marginType", symbol="BTCUSDT", marginType="ISOLATED") == -4047
    assert client.signed("POST", f"{F}/positionSide/dual", dualSidePosition="true") == -4067
    client.order()
    client.signed("DELETE", f"{F}/allOpenOrders", symbol="BTCUSDT")
    assert client.signed("POST", f"{F}/marginType", symbol="BTCUSDT", marginType="ISOLATED") == -4048
    assert client.signed("POST", f"{F}/positionSide/dual", dualSidePosition="true") == -4068


def test_isolated_money_is_no_part_of_what_positions_share(client):
    client.signed("POST", f"{F}/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    client.order(quantity="0.100")
    client.move(PX + 10_000)
    account = client.signed("GET", "/fapi/v3/account")
    wallet, shared = Decimal(account["totalWalletBalance"]), Decimal(account["totalCrossWalletBalance"])
    (position,) = account["positions"]
    assert wallet - shared == Decimal(position["isolatedWallet"]) == Decimal("300.03")
    assert Decimal(position["isolatedMargin"]) == Decimal("300.03") + Decimal("99.4")
    assert account["totalCrossUnPnl"] == "0.00000000"


def test_a_limit_behind_a_trigger_stays_near_it(client):
    stop = {"type": "STOP", "side": "BUY", "timeInForce": "GTC"}
    assert client.algo("61000", **stop, price="65000") == -4183
    assert client.algo("61000", **stop, price="61100")["algoStatus"] == "NEW"
    assert client.algo("59000", **{**stop, "side": "SELL"}, price="50000") == -4184
