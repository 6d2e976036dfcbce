"""Prices and forecasts of a story: minutes wild enough that stops and targets are reached, drawn by its seed."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import numpy as np

from mastertrading.app.campaign.story import Story
from mastertrading.domain.instrument import Instrument, MarginTier
from mastertrading.domain.market import F64, HOUR_MS, MINUTE_MS, Bars, Market, Settlements

BEGIN_MS = 1_748_734_200_000
"""2025-05-31 23:30 UTC: half an hour before a settlement of every interval."""
TIERS = tuple(
    MarginTier(Decimal(floor), Decimal(rate))
    for floor, rate in (("0", "0.004"), ("50000", "0.005"), ("600000", "0.01"), ("5000000", "0.05"))
)
GRIDS = {
    "BTCUSDT": ("0.1", "0.001", 65_000.0),
    "ETHUSDT": ("0.01", "0.001", 2_500.0),
    "SOLUSDT": ("0.01", "0.01", 150.0),
    "XRPUSDT": ("0.0001", "0.1", 2.2),
    "DOGEUSDT": ("0.00001", "1", 0.19),
}
RATE = 0.0001


@cache
def instrument(symbol: str) -> Instrument:
    """Contract facts of an instrument of the campaign."""
    tick, lot, _ = GRIDS[symbol]
    return Instrument(symbol, Decimal(tick), Decimal(lot), min_notional=Decimal(5), tiers=TIERS)


def market_of(story: Story) -> Market:
    """The bars of a story, and funding at the full hour."""
    draw = np.random.default_rng([story.seed, 1])
    shape = story.bars, len(story.symbols)
    opens, highs, lows, closes = (np.empty(shape) for _ in range(4))
    for n, symbol in enumerate(story.symbols):
        step, px = float(GRIDS[symbol][0]), GRIDS[symbol][2]
        moves = draw.normal(0.0, story.wild, story.bars)
        moves[: len(story.path)] = story.path[: story.bars]
        reach = np.abs(draw.normal(0.0, story.wild / 2, (2, story.bars)))
        ends = px * np.exp(np.cumsum(moves))
        begins = np.concatenate([[px], ends[:-1]])
        closes[:, n], opens[:, n] = _on(ends, step), _on(begins, step)
        highs[:, n] = np.maximum(
            _on(np.maximum(begins, ends) * (1 + reach[0]), step), np.maximum(opens[:, n], closes[:, n])
        )
        lows[:, n] = np.minimum(
            _on(np.minimum(begins, ends) * (1 - reach[1]), step), np.minimum(opens[:, n], closes[:, n])
        )
    volume = np.full(shape, 1e6)
    volume[: len(story.volumes)] = np.array(story.volumes[: story.bars]).reshape(-1, 1)
    ts_ms = BEGIN_MS + MINUTE_MS * np.arange(story.bars, dtype=np.int64)
    return Market(
        tuple(instrument(symbol) for symbol in story.symbols),
        MINUTE_MS,
        ts_ms,
        opens,
        highs,
        lows,
        closes,
        volume,
        np.ones(shape, bool),
        tuple(_funding(ts_ms) for _ in story.symbols),
        tuple(_nothing() for _ in story.symbols),
        f"story {story.seed}",
        "A",
        source="campaign",
    )


def forecasts_of(story: Story) -> F64:
    """What is said at the close of each bar, shape (bars, instruments), in [-1, 1]."""
    draw = np.random.default_rng([story.seed, 2])
    shape = story.bars, len(story.symbols)
    values = draw.choice((-1.0, 1.0), shape) * draw.uniform(0.4, 1.0, shape)
    values[draw.random(shape) >= story.opinions] = 0.0
    if story.said:
        values[:] = 0.0
    for n, symbol in enumerate(story.symbols):
        for minute, value in story.said.get(symbol, {}).items():
            values[minute, n] = value
    return values


def _on(px: F64, step: float) -> F64:
    return np.asarray(np.round(np.round(px / step) * step, 8))


def _funding(ts_ms: np.ndarray) -> Settlements:
    due = np.array([at for at in ts_ms if at % HOUR_MS == 0 and at > ts_ms[0]], np.int64)
    return Settlements(due, np.full(len(due), RATE), np.full(len(due), HOUR_MS, np.int64))


def _nothing() -> Bars:
    empty = np.zeros(0)
    return Bars(np.zeros(0, np.int64), empty, empty, empty, empty, empty)
