"""``trade``: the live cycle on the wall clock, here on a clock that goes as fast as it can."""

from __future__ import annotations

import pytest

from mastertrading.app.live_world import Act, backtested
from traded import Theatre, fills_of, lively, market_of, stop_after

HOURS = 3.0


@pytest.fixture(scope="module")
def market():
    return market_of(HOURS)


def lived(theatre, settings, folder, *bars):
    """Trade so many bars, stop, start again, and so on; fills in the engine's words, and the last process."""
    kept = []

    async def scene():
        for count in bars:
            trading = theatre.trader(theatre.wish(settings, folder), stop_after(count))
            end = trading._end

            async def read_first(outcome, trading=trading, end=end):
                units = trading.trader.units
                kept[:] = fills_of(trading.journal, theatre.market, trading.trader.recorder, units)
                await end(outcome)

            trading._end = read_first
            await trading.live()
        return trading

    trading = theatre.play(scene)
    return kept, trading


def backtest_of(theatre, settings, bars):
    """What a backtest of the same bars fills."""
    first_ms = int(theatre.market.ts_ms[theatre.first]) + theatre.market.base_ms
    to_ms = first_ms + (bars - 1) * theatre.market.base_ms
    return backtested(Act(theatre.market, settings, from_ms=first_ms, to_ms=to_ms))


def test_paper_on_live_bars_stopped_and_started_or_not_fills_what_a_backtest_of_them_fills(market, tmp_path):
    settings = lively("paper")
    theatre = Theatre(market, settings)
    fills, trading = lived(theatre, settings, tmp_path, 9, 3, 52)
    assert len(fills) >= 6
    assert fills == backtest_of(theatre, settings, 64)
    assert (trading.runner.missed, trading.runner.troubles) == (0, 0)


@pytest.mark.parametrize("venue", ["binance_usdm", "bybit_linear"])
def test_at_a_venue_it_trades_what_a_backtest_trades_stopped_and_started_or_not(venue, market, tmp_path):
    settings = lively("testnet", venue)
    theatre = Theatre(market, settings, venue)
    fills, _ = lived(theatre, settings, tmp_path, 7, 9)
    assert len(fills) >= 4
    assert fills == backtest_of(theatre, settings, 16)
