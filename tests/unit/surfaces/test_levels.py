"""Which candles a page holds, and how bars are summed up."""

from __future__ import annotations

import numpy as np
import pytest

from factories import MONDAY_MS, make_instrument
from mastertrading.domain.market import MINUTE_MS
from mastertrading.surfaces.report import levels as module
from mastertrading.surfaces.report.encoding import unpack, unpack_rising
from mastertrading.surfaces.report.levels import Level, Trips, coarser, levels_of
from surfaces_made import walking_market

ONE = (make_instrument("BTCUSDT", "0.5"),)
NONE = Trips(*(np.zeros(0, np.int64),) * 3)
TWO_DAYS = 2 * 1440


def counts(level):
    return [int(unpack(item["count"]).sum()) for item in level["of"]]


def trip(opened_min, closed_min):
    return Trips(
        np.array([0]),
        np.array([MONDAY_MS + opened_min * MINUTE_MS]),
        np.array([MONDAY_MS + closed_min * MINUTE_MS]),
    )


def test_a_short_run_keeps_every_bar_of_every_length():
    market = walking_market(ONE, TWO_DAYS)
    levels = levels_of(market, NONE, MONDAY_MS, MONDAY_MS + TWO_DAYS * MINUTE_MS)
    assert [level["ms"] // MINUTE_MS for level in levels] == [1440, 240, 60, 15, 5, 1]
    assert all(level["whole"] for level in levels)
    assert [counts(level)[0] for level in levels] == [2, 12, 48, 192, 576, 2880]


def test_a_long_run_keeps_fine_bars_around_trades_only(monkeypatch):
    monkeypatch.setattr(module, "WHOLE_BARS", 300)
    market = walking_market(ONE, TWO_DAYS)
    levels = levels_of(market, trip(1000, 1100), MONDAY_MS, MONDAY_MS + TWO_DAYS * MINUTE_MS)
    whole = {level["ms"] // MINUTE_MS: level["whole"] for level in levels}
    assert whole == {1440: True, 240: True, 60: True, 15: True, 5: False, 1: False}
    fine = levels[-1]["of"][0]
    assert unpack_rising(fine["first"]).tolist() == [(MONDAY_MS // MINUTE_MS) + 1000 - 40]
    assert unpack(fine["count"]).tolist() == [100 + 2 * 40]


def test_where_that_is_too_much_only_entry_and_exit_are_kept(monkeypatch):
    monkeypatch.setattr(module, "WHOLE_BARS", 300)
    monkeypatch.setattr(module, "WINDOW_BARS", 450)
    market = walking_market(ONE, TWO_DAYS)
    levels = levels_of(market, trip(1000, 1800), MONDAY_MS, MONDAY_MS + TWO_DAYS * MINUTE_MS)
    assert counts(levels[-2]) == [160 + 80]
    assert unpack(levels[-1]["of"][0]["count"]).tolist() == [60, 60]


def test_and_nothing_where_that_is_still_too_much(monkeypatch):
    monkeypatch.setattr(module, "WHOLE_BARS", 300)
    monkeypatch.setattr(module, "WINDOW_BARS", 10)
    market = walking_market(ONE, TWO_DAYS)
    levels = levels_of(market, trip(1000, 1800), MONDAY_MS, MONDAY_MS + TWO_DAYS * MINUTE_MS)
    assert [level["ms"] // MINUTE_MS for level in levels] == [1440, 240, 60, 15]


def test_a_longer_bar_is_the_first_open_the_extremes_and_the_last_close_of_those_that_exist():
    nan = np.nan
    prices = np.array([[1, 3, 0.5, 2], [nan] * 4, [2.5, 9, 2, 4], [nan] * 4, [5, 6, 4, 5.5], [7, 8, 1, 7.5]])
    ts = MONDAY_MS + np.arange(6) * MINUTE_MS
    made = coarser(Level(MINUTE_MS, ts, prices[:, :, None]), 5 * MINUTE_MS)
    assert made.ts_ms.tolist() == [MONDAY_MS, MONDAY_MS + 5 * MINUTE_MS]
    assert made.prices[:, :, 0].tolist() == [[1, 9, 0.5, 5.5], [7, 8, 1, 7.5]]


def test_a_longer_bar_of_nothing_but_missing_bars_is_missing():
    ts = MONDAY_MS + np.arange(6) * MINUTE_MS
    prices = np.full((6, 4, 1), np.nan)
    prices[5] = 3.0
    made = coarser(Level(MINUTE_MS, ts, prices), 5 * MINUTE_MS)
    assert made.present[:, 0].tolist() == [False, True]


def test_missing_bars_split_a_series_and_no_price_is_invented():
    market = walking_market(ONE, 100)
    market.valid[40:45] = False
    for column in (market.open, market.high, market.low, market.close):
        column[40:45] = np.nan
    fine = levels_of(market, NONE, MONDAY_MS, MONDAY_MS + 100 * MINUTE_MS)[-1]["of"][0]
    assert unpack(fine["count"]).tolist() == [40, 55]
    assert np.diff(unpack_rising(fine["first"])).tolist() == [45]


@pytest.mark.parametrize("minutes", [7, 60, 1440])
def test_other_base_bars_make_only_levels_that_they_divide(minutes):
    market = walking_market(ONE, 50, base_ms=minutes * MINUTE_MS)
    levels = levels_of(market, NONE, MONDAY_MS, MONDAY_MS + 50 * minutes * MINUTE_MS)
    made = [level["ms"] // MINUTE_MS for level in levels]
    assert made == {7: [7], 60: [1440, 240, 60], 1440: [1440]}[minutes]
