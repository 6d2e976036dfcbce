"""``trade``: the live cycle on the wall clock, here on a clock that goes as fast as it can."""

from __future__ import annotations

import pytest

from mastertrading.app.live_world import Act, backtested
from traded import Theatre, fills_of, lively, market_of, stop_after

HOURS = 3.0
BARS = 150


@pytest.fixture(scope="module")
def market():
    return market_of(HOURS)


def decided_window(market, first, bars):
    """First and last moment of decision."""
    first_ms = int(market.ts_ms[first]) + market.base_ms
    return first_ms, first_ms + (bars - 1) * market.base_ms


def test_paper_on_live_bars_fills_what_a_backtest_of_them_fills(market, tmp_path):
    settings = lively("paper")
    theatre, kept = Theatre(market, settings), []

    async def scene():
        trading = theatre.trader(theatre.wish(settings, tmp_path), stop_after(BARS))
        end = trading._end

        async def read_first(outcome):
            kept.extend(fills_of(trading.journal, market, trading.trader.recorder, trading.trader.units))
            await end(outcome)

        trading._end = read_first
        await trading.live()
        return trading

    trading = theatre.play(scene)
    from_ms, to_ms = decided_window(market, theatre.first, trading.runner.decided)
    wanted = [one for one in backtested(Act(market, settings, from_ms=from_ms, to_ms=to_ms))]
    assert len(wanted) >= 4
    assert kept == wanted
    assert (trading.runner.missed, trading.runner.troubles) == (0, 0)
