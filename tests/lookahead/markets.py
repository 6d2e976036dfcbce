"""Markets as worlds for the sweep, and worlds as markets again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest

from lookahead.harness import BAR_COLUMNS, HOUR_MS, Known, World, cut_points, other_future
from mastertrading.domain.market import Bars, Market, Settlements
from mastertrading.lake.names import SeriesId
from mastertrading.lake.panel import load_market
from mastertrading.lake.source import open_source

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


def world_of(market: Market) -> dict[str, Known]:
    """Everything a market holds, each with the moment it is known."""
    closes = market.ts_ms + market.base_ms
    world = {name: Known(closes, getattr(market, name)) for name in BAR_COLUMNS}
    for n, (paid, hours) in enumerate(zip(market.settlements, market.primer, strict=True)):
        world[f"rate {n}"] = Known(paid.ts_ms, paid.rate)
        world[f"interval {n}"] = Known(paid.ts_ms, paid.interval_ms)
        prices = np.column_stack([getattr(hours, name) for name in BAR_COLUMNS])
        world[f"primer {n}"] = Known(hours.ts_ms + HOUR_MS, prices)
    return world


def market_of(world: World, like: Market) -> Market:
    """The market of a world; what is not in a world (names, contract facts) is taken from ``like``."""
    columns = {name: np.ascontiguousarray(world[name].rows) for name in BAR_COLUMNS}
    count = range(len(like.instruments))
    return replace(
        like,
        ts_ms=world["close"].at_ms - like.base_ms,
        **columns,
        valid=~np.isnan(columns["close"]),
        settlements=tuple(_settlements(world, n) for n in count),
        primer=tuple(_primer(world[f"primer {n}"]) for n in count),
    )


def _settlements(world: World, n: int) -> Settlements:
    at_ms, rates = world[f"rate {n}"]
    return Settlements(at_ms, rates, world[f"interval {n}"].rows)


def _primer(hours: Known) -> Bars:
    return Bars(hours.at_ms - HOUR_MS, *(np.ascontiguousarray(column) for column in hours.rows.T))


def another_future(market: Market):
    """Bars on the tick grid, some missing; wild rates; primed hours after the cut are other hours."""
    future = other_future(np.array([float(one.tick) for one in market.instruments]), missing=0.03)

    def another(world: World, cut_ms: int, rng: np.random.Generator) -> World:
        out = dict(future(world, cut_ms, rng))
        for name in (name for name in world if name.startswith("primer")):
            known = world[name]
            rows = known.rows.copy()
            rows[len(known.until(cut_ms).at_ms) :] *= np.exp(rng.normal(0.0, 0.02))
            out[name] = Known(known.at_ms, rows)
        return out

    return another


def cuts_of(market: Market, seed: int, count: int = 200) -> list[int]:
    """Cut points of a market: bars, coarse bars, days and settlements."""
    due = np.unique(np.concatenate([paid.ts_ms for paid in market.settlements]))
    begin = market.ts_ms[0] if market.common_from_ms is None else market.common_from_ms
    closes = market.ts_ms[market.ts_ms >= begin] + market.base_ms
    inside = due[(due > closes[0]) & (due < closes[-1])]
    return cut_points(closes, seed, count, inside)
