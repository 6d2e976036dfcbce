"""Bybit's façade: positions, their protection, settings, money and bookings."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bybit_world import BTC, ETH, PX, Bybit
from mastertrading.domain.instrument import ATOMS_PER_UNIT


def stop(venue: Bybit, **asked):
    return venue.post(
        "/v5/position/trading-stop", **{"symbol": BTC, "positionIdx": 0, "tpslMode": "Full", **asked}
    )


def test_a_symbol_is_told_of_flat_or_not_and_a_coin_only_what_is_held():
    venue = Bybit()
    flat = venue.position()
    assert (flat["side"], flat["size"], flat["seq"]) == ("", "0", -1)
    assert venue.rows("/v5/position/list", settleCoin="USDT") == []
    venue.order(symbol=ETH, side="Sell", qty="1.00")
    rows = venue.rows("/v5/position/list", settleCoin="USDT")
    assert [(row["symbol"], row["side"], row["size"]) for row in rows] == [(ETH, "Sell", "1.00")]
    assert venue.get("/v5/position/list", category="linear")["retCode"] == 10001


def test_a_position_tells_entry_margin_and_profit():
    venue = Bybit()
    venue.order(qty="0.100")
    venue.move(PX + 500)
    row = venue.position()
    assert (row["avgPrice"], row["markPrice"], row["leverage"]) == ("50005", "50500.00", "20")
    assert float(row["unrealisedPnl"]) == pytest.approx(49.5)
    assert float(row["positionIM"]) == pytest.approx(50_500 * 0.1 / 20)
    assert float(row["positionMM"]) == pytest.approx(50_500 * 0.1 * 0.005)
    assert float(row["breakEvenPrice"]) == pytest.approx(5_000.5 / (0.1 * (1 - 0.00055)))


def test_leverage_is_set_once_and_within_bounds():
    venue = Bybit()

    def to(buy, sell):
        return venue.post("/v5/position/set-leverage", symbol=BTC, buyLeverage=buy, sellLeverage=sell)[
            "retCode"
        ]

    assert to("7", "7") == 0
    assert venue.position()["leverage"] == "7"
    assert to("7", "7") == 110043
    assert to("1000", "1000") == 110013
    assert [to("7", "8"), to("0", "0"), to("2.5", "2.5"), to("x", "x"), to(None, None)] == [10001] * 5


def test_modes_change_once_and_not_with_a_position():
    venue = Bybit()
    mode = "/v5/account/set-margin-mode"
    assert venue.post(mode, setMarginMode="REGULAR_MARGIN")["retCode"] == 110026
    assert venue.post(mode, setMarginMode="ISOLATED_MARGIN")["retCode"] == 0
    assert venue.get("/v5/account/info")["result"]["marginMode"] == "ISOLATED_MARGIN"
    venue.order()
    assert venue.post(mode, setMarginMode="REGULAR_MARGIN")["retCode"] == 110073
    switch = "/v5/position/switch-mode"
    assert venue.post(switch, coin="USDT", mode=0)["retCode"] == 110025
    assert venue.post(switch, symbol=BTC, mode=3)["retCode"] == 110024
    venue.order(side="Sell", reduceOnly=True)
    venue.limit("49000")
    assert venue.post(switch, symbol=BTC, mode=3)["retCode"] == 110028
    assert venue.post(switch, symbol=BTC, mode=1)["retCode"] == 10001
    assert venue.post("/v5/position/switch-isolated", symbol=BTC, tradeMode=1)["retCode"] == 100028


def test_the_stop_of_a_position_is_set_moved_and_removed_under_one_id():
    venue = Bybit()
    assert stop(venue, stopLoss="49000")["retCode"] == 10001
    venue.order()
    assert stop(venue, stopLoss="49000")["retCode"] == 0
    given = venue.open_rows()[0]["orderId"]
    assert stop(venue, stopLoss="49100")["retCode"] == 0
    assert [(row["orderId"], row["triggerPrice"]) for row in venue.open_rows()] == [(given, "49100.00")]
    assert stop(venue, stopLoss="49100")["retCode"] == 34040
    assert stop(venue, stopLoss="0", takeProfit="52000")["retCode"] == 0
    assert [row["stopOrderType"] for row in venue.open_rows()] == ["TakeProfit"]
    assert stop(venue, stopLoss="51000")["retCode"] == 10001


def test_the_stop_of_a_position_takes_its_whole_size_whatever_that_is_by_then():
    venue = Bybit()
    venue.order()
    stop(venue, stopLoss="49000", slTriggerBy="MarkPrice")
    venue.order(qty="0.030")
    venue.move(48_990)
    assert venue.position()["size"] == "0"


def test_partial_stops_are_added_with_their_own_sizes():
    venue = Bybit()
    venue.order()
    for px, size in (("49000", "0.004"), ("48000", "0.006")):
        assert stop(venue, tpslMode="Partial", stopLoss=px, slSize=size)["retCode"] == 0
    rows = venue.open_rows()
    assert {(row["stopOrderType"], row["qty"]) for row in rows} == {
        ("PartialStopLoss", "0.004"),
        ("PartialStopLoss", "0.006"),
    }
    venue.move(48_900)
    assert venue.position()["size"] == "0.006"


def test_closed_profit_is_told_by_order():
    venue = Bybit()
    venue.order(qty="0.010")
    venue.move(PX + 1_000)
    venue.order(side="Sell", qty="0.010", reduceOnly=True)
    (row,) = venue.rows("/v5/position/closed-pnl")
    assert (row["side"], row["closedSize"], row["avgEntryPrice"]) == ("Sell", "0.010", "50005")
    gain = float(row["cumExitValue"]) - float(row["cumEntryValue"])
    fee = 0.0005 * float(row["cumExitValue"])
    assert float(row["closedPnl"]) == pytest.approx(gain - fee)


def test_a_short_positions_closed_profit_has_its_entry_above_its_exit():
    venue = Bybit()
    venue.order(side="Sell", qty="0.010")
    venue.move(PX - 1_000)
    venue.order(qty="0.010", reduceOnly=True)
    (row,) = venue.rows("/v5/position/closed-pnl")
    assert float(row["avgEntryPrice"]) == pytest.approx(49_995)
    assert float(row["avgEntryPrice"]) > float(row["avgExitPrice"])
    assert float(row["closedPnl"]) > 0


def test_the_wallet_tells_money_with_and_without_open_profit():
    venue = Bybit()
    venue.order(qty="0.100")
    venue.move(PX + 500)
    row = venue.get("/v5/account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]
    coin = row["coin"][0]
    assert float(row["totalEquity"]) == pytest.approx(10_000 - 2.50025 + 49.5)
    assert float(coin["walletBalance"]) == pytest.approx(10_000 - 2.50025)
    assert float(coin["unrealisedPnl"]) == pytest.approx(49.5)
    assert float(row["totalAvailableBalance"]) == pytest.approx(
        venue.exchange.available_atoms(venue.account) / ATOMS_PER_UNIT
    )
    assert (
        venue.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="BTC")["result"]["list"][0][
            "coin"
        ]
        == []
    )
    assert venue.get("/v5/account/wallet-balance")["retCode"] == 10001


def test_bookings_are_one_row_for_an_execution_and_add_up_to_the_wallet():
    venue = Bybit()
    venue.order(qty="0.100")
    venue.move(PX + 500)
    venue.order(side="Sell", qty="0.050", reduceOnly=True)
    venue.exchange.set_funding(BTC, rate_e8=10_000, interval_ms=3_600_000)
    venue.clock.set_ms(venue.exchange.markets[BTC].next_funding_ms + 1)
    venue.exchange.charge_due(venue.clock.now_ms())
    rows = venue.get("/v5/account/transaction-log")["result"]["list"]
    assert [row["type"] for row in rows] == ["SETTLEMENT", "TRADE", "TRADE", "TRANSFER_IN"]
    assert sum(float(row["change"]) for row in rows) == pytest.approx(
        venue.account.wallet_atoms / ATOMS_PER_UNIT
    )
    assert float(rows[1]["cashFlow"]) == pytest.approx(24.4975, abs=0.01)
    for row, older in pairwise(rows):
        assert float(row["cashBalance"]) == pytest.approx(float(older["cashBalance"]) + float(row["change"]))
    only = venue.get("/v5/account/transaction-log", type="SETTLEMENT")["result"]["list"]
    assert [row["funding"] for row in only] == [rows[0]["funding"]]


def test_funding_is_an_execution_with_its_payment_as_the_fee():
    venue = Bybit()
    venue.order(side="Sell", qty="0.100")
    venue.exchange.set_funding(BTC, rate_e8=10_000, interval_ms=3_600_000)
    venue.clock.set_ms(venue.exchange.markets[BTC].next_funding_ms + 1)
    venue.exchange.charge_due(venue.clock.now_ms())
    (row,) = venue.rows("/v5/execution/list", execType="Funding")
    assert (row["side"], row["execFee"], row["feeRate"]) == ("Sell", "-0.5", "-0.0001")  # a short receives it
    assert (row["execQty"], row["orderType"]) == ("0.100", "UNKNOWN")


def test_fees_are_those_of_the_listing():
    venue = Bybit()
    venue.exchange.listings[BTC].maker_e8 = -1_000
    (row,) = venue.rows("/v5/account/fee-rate", symbol=BTC)
    assert (row["takerFeeRate"], row["makerFeeRate"]) == ("0.0005", "-0.00001")
