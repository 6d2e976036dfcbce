"""Candles small enough for a page: every bar of a short run; of a long one coarse bars, and fine ones around trades.

A level is one length of bar. From the coarsest on, levels are kept whole while they fit into ``WHOLE_BARS``; of the
finer ones only the bars around trades are kept, or else only those around their entries and exits, while they fit
into ``WINDOW_BARS``. A bar takes about 8 bytes in base64: at most 9 MB a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mastertrading.domain.market import F64, I64, MINUTE_MS, Bool, Market
from mastertrading.surfaces.report.encoding import pack, pack_rising

WHOLE_BARS = 400_000
WINDOW_BARS = 600_000
LEVELS_MS = tuple(minutes * MINUTE_MS for minutes in (5, 15, 60, 240, 1440))
PAD_BARS = 40
"""Bars of a level that are kept before and after a trade."""
PAD_ENDS = 30
"""Where only its entry and its exit are kept: before and after each."""
BEFORE_MS = 12 * 60 * MINUTE_MS
"""How much is shown from before the first decision."""


@dataclass(frozen=True, slots=True)
class Trips:
    """Which instrument each trade is of (its column), and from when to when it was held."""

    instrument: I64
    opened_ms: I64
    closed_ms: I64


@dataclass(frozen=True, slots=True)
class Level:
    """Bars of one length; prices (bars, 4, instruments): open, high, low, close, NaN where there is no bar."""

    ms: int
    ts_ms: I64
    prices: F64

    @property
    def present(self) -> Bool:
        """Which bars exist, shape (bars, instruments)."""
        return ~np.isnan(self.prices[:, 3])


def levels_of(market: Market, trips: Trips, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
    """The levels of a page, coarsest first.

    Returns
    -------
    For each level ``ms``, ``whole``, and ``of``: per instrument, in the market's order, the ``segments`` (first bar
    since 1970 in bars of the level, and count, flattened) and their ``bars``, see `pack_bars`.
    """
    levels = _levels(market, from_ms, to_ms)
    ticks = np.array([float(item.tick) for item in market.instruments])
    whole_left, window_left, made = WHOLE_BARS, WINDOW_BARS, []
    for level in levels[::-1]:
        present = level.present
        kept, whole = present, True
        if int(present.sum()) > whole_left:
            whole_left, whole = 0, False
            kept = _around(level, trips, window_left)
            window_left -= int(kept.sum())
        else:
            whole_left -= int(present.sum())
        if kept.any():
            of = [_packed(level, kept[:, k], k, ticks[k]) for k in range(len(ticks))]
            made.append({"ms": level.ms, "whole": whole, "of": of})
    return made


def _levels(market: Market, from_ms: int, to_ms: int) -> list[Level]:
    """The base bars and their coarser sums, finest first."""
    first, end = np.searchsorted(market.ts_ms, [from_ms - BEFORE_MS, to_ms])
    part = slice(int(first), int(end))
    prices = np.stack(
        [column[part] for column in (market.open, market.high, market.low, market.close)], axis=1
    )
    levels = [Level(market.base_ms, market.ts_ms[part], prices)]
    for ms in LEVELS_MS:
        if ms > market.base_ms and ms % market.base_ms == 0 and len(levels[-1].ts_ms) > 1:
            levels.append(coarser(levels[-1], ms))
    return levels


def coarser(level: Level, ms: int) -> Level:
    """Sum bars up to longer ones, which begin at multiples of their length since 1970; missing bars are passed over."""
    slots = level.ts_ms // ms
    starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    rows = np.arange(len(slots))[:, None]
    there = level.present
    first = np.minimum.reduceat(np.where(there, rows, len(slots)), starts)
    last = np.maximum.reduceat(np.where(there, rows, -1), starts)
    known, columns = last >= 0, np.arange(there.shape[1])[None, :]
    prices = np.empty((len(starts), 4, there.shape[1]))
    prices[:, 0] = level.prices[np.minimum(first, len(slots) - 1), 0, columns]
    prices[:, 1] = np.fmax.reduceat(level.prices[:, 1], starts)
    prices[:, 2] = np.fmin.reduceat(level.prices[:, 2], starts)
    prices[:, 3] = level.prices[last, 3, columns]
    prices = np.where(known[:, None, :], prices, np.nan)
    return Level(ms, slots[starts] * ms, prices)


def _around(level: Level, trips: Trips, room: int) -> Bool:
    """The bars around trades; if they are too many those around entries and exits; if still too many none."""
    pad, near = PAD_BARS * level.ms, PAD_ENDS * level.ms
    held = [(trips.opened_ms - pad, trips.closed_ms + pad)]
    ends = [(at - near, at + near) for at in (trips.opened_ms, trips.closed_ms)]
    for windows in (held, ends):
        kept = _covered(level, trips.instrument, windows) & level.present
        if int(kept.sum()) <= room:
            return kept
    return np.zeros_like(level.present)


def _covered(level: Level, which: I64, windows: list[tuple[I64, I64]]) -> Bool:
    steps = np.zeros((len(level.ts_ms) + 1, level.prices.shape[2]), np.int64)
    for begin, end in windows:
        np.add.at(steps, (np.searchsorted(level.ts_ms, begin), which), 1)
        np.add.at(steps, (np.searchsorted(level.ts_ms, end), which), -1)
    return np.cumsum(steps, axis=0)[:-1] > 0


def _packed(level: Level, kept: Bool, column: int, tick: float) -> dict[str, str]:
    rows = np.flatnonzero(kept)
    ticks = np.rint(level.prices[rows, :, column] / tick).astype(np.int64)
    breaks = np.flatnonzero(np.diff(level.ts_ms[rows], prepend=-1) != level.ms)
    counts = np.diff(breaks, append=len(rows))
    firsts = level.ts_ms[rows[breaks]] // level.ms
    return {"first": pack_rising(firsts), "count": pack(counts), "bars": pack_bars(ticks)}


def pack_bars(ticks: I64) -> str:
    """Encode bars, shape (bars, 4): open, high, low, close in ticks.

    Four numbers a bar: open − last close, close − open, high − the higher end, the lower end − low.
    """
    if len(ticks) == 0:
        return ""
    opened, high, low, close = ticks.T
    before = np.concatenate((np.zeros(1, np.int64), close[:-1]))
    above, below = high - np.maximum(opened, close), np.minimum(opened, close) - low
    return pack(np.column_stack((opened - before, close - opened, above, below)))
