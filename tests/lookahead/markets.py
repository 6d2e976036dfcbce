"""Recorded markets for the sweep: holed, joining late; the project makes worlds of them, and markets again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest

from lookahead.harness import BAR_COLUMNS, HOUR_MS, cut_points
from mastertrading.domain.market import Bars, Market
from mastertrading.lake.names import SeriesId
from mastertrading.lake.panel import load_market
from mastertrading.lake.source import open_source
from mastertrading.research.worlds import another_future, market_of, world_of

__all__ = ["another_future", "cuts_of", "joining_late", "market_of", "recorded_market", "without", "world_of"]

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DATA = Path(os.environ.get("MASTERTRADING_SHARED_DATA", DEFAULT_DATA))

recorded = pytest.mark.skipif(not (DATA / "binance_usdm").is_dir(), reason="the recorded bars are not here")
compiled = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="interpreted, hundreds of runs take an hour"
)


def recorded_market(symbols: tuple[str, ...], end_ms: int) -> Market:
    """Recorded perpetuals from their first bar to ``end_ms``, primed, with about 1 % of the bars quarantined."""
    market = load_market(DATA, symbols, venue="binance_usdm", end=end_ms, notice=lambda _: None)
    rng = np.random.default_rng(4)
    gone = rng.random(market.valid.shape) < 0.01
    gone[1000:1012] = True
    gone[0] = False
    return without(market, gone)


def without(market: Market, gone: np.ndarray) -> Market:
    """The same market with some bars missing."""
    prices = {name: np.where(gone, np.nan, getattr(market, name)) for name in BAR_COLUMNS}
    return replace(market, **prices, valid=market.valid & ~gone)


def joining_late(market: Market, bars: int) -> Market:
    """The market with its last instrument beginning after ``bars`` bars, primed by its recorded hours until then.

    The first instrument has a hole at the beginning.
    """
    gone = np.zeros(market.valid.shape, np.bool_)
    gone[:bars, -1] = True
    gone[1:9, 0] = True
    begin_ms = int(market.ts_ms[bars])
    hours = open_source(DATA, "binance_usdm").read_bars(SeriesId("bars", market.symbols[-1], "1h"))
    before = slice(0, int(np.searchsorted(hours.ts_ms + HOUR_MS, begin_ms, side="right")))
    primer = Bars(hours.ts_ms[before], *(getattr(hours, name)[before] for name in BAR_COLUMNS))
    begun = without(market, gone)
    assert begun.valid[bars, -1], "begin with a bar that exists"
    return replace(begun, primer=(*market.primer[:-1], primer), common_from_ms=begin_ms)


def cuts_of(market: Market, seed: int, count: int = 200) -> list[int]:
    """Cut points of a market: bars, coarse bars, days and settlements."""
    due = np.unique(np.concatenate([paid.ts_ms for paid in market.settlements]))
    begin = market.ts_ms[0] if market.common_from_ms is None else market.common_from_ms
    closes = market.ts_ms[market.ts_ms >= begin] + market.base_ms
    inside = due[(due > closes[0]) & (due < closes[-1])]
    return cut_points(closes, seed, count, inside)
