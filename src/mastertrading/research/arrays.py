"""Indicators for writers of signals: plain functions over arrays, each a fold of the very step that runs live.

Every function takes shape (bars,) or (bars, instruments), oldest first, and gives the same shape. NaN is skipped as
if that bar did not exist, so results can be fed into each other; the bars before a window is full are NaN. Nothing
here looks ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mastertrading.compiled import records
from mastertrading.domain.errors import UsageError
from mastertrading.domain.market import DAY_MS, F64, HOUR_MS, I64, MINUTE_MS
from mastertrading.indicators import averages, oscillators, ranges
from mastertrading.indicators.timeframes import BAR, pack_bars, resample
from mastertrading.indicators.windows import SLOTS
from mastertrading.research.bars import COLUMNS, InstrumentBars

UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
Fold = Callable[..., F64]
"""Takes columns without NaN, shape (bars,), and gives arrays of shape (..., bars)."""


def ema(values: F64, period: int) -> F64:
    """Exponential moving average, alpha = 2/(period + 1), seeded by the mean of the first ``period``."""
    return _fold(lambda column: averages.ema(column, whole(period)), values)


def emas(values: F64, *periods: int) -> list[F64]:
    """The averages that ``ema`` gives for each of some periods: two take as long as one."""
    column = _floats(values)
    panel = _own(column[:, None] if column.ndim == 1 else column)
    wanted = [whole(period) for period in periods]
    made: list[F64] = []
    for fast, slow in zip(wanted[::2], [*wanted[1::2], wanted[-1]], strict=False):
        made += (np.empty(panel.shape), np.empty(panel.shape))
        averages.two_emas(panel, fast, slow, made[-2], made[-1])
    return [each.reshape(column.shape) for each in made[: len(wanted)]]


def sma(values: F64, period: int) -> F64:
    """Simple moving average of the newest ``period``."""
    return _fold(lambda column: _windows(column, whole(period))[0], values)


def std(values: F64, period: int) -> F64:
    """Population standard deviation of the newest ``period``."""
    return _fold(lambda column: _windows(column, whole(period))[1], values)


def zscore(values: F64, period: int) -> F64:
    """How many deviations the newest value is from the mean of the newest ``period``; 0 without deviation."""

    def z(column: F64) -> F64:
        centre, deviation = _windows(column, whole(period))
        flat = deviation == 0.0
        return np.where(flat, 0.0, (column - centre) / np.where(flat, 1.0, deviation))

    return _fold(z, values)


def bollinger(close: F64, period: int = 20, width: float = 2.0) -> tuple[F64, F64, F64]:
    """Bollinger bands: upper, middle, lower; population deviation."""
    middle, deviation = sma(close, period), std(close, period)
    return middle + width * deviation, middle, middle - width * deviation


def rsi(close: F64, period: int = 14) -> F64:
    """Wilder's relative strength index, [0, 100]."""
    return _fold(lambda column: oscillators.rsi(column, whole(period)), close)


def atr(high: F64, low: F64, close: F64, period: int = 14) -> F64:
    """Wilder's average true range, in price units."""
    return _fold(lambda top, bottom, end: ranges.atr(top, bottom, end, whole(period)), high, low, close)


def adx(high: F64, low: F64, close: F64, period: int = 14) -> F64:
    """Wilder's average directional index, [0, 100]."""
    return _fold(lambda top, bottom, end: ranges.adx(top, bottom, end, whole(period)), high, low, close)


def highest(values: F64, period: int) -> F64:
    """Highest of the newest ``period``, this bar's included."""
    return _fold(lambda column: _extreme(column, whole(period), np.maximum), values)


def lowest(values: F64, period: int) -> F64:
    """Lowest of the newest ``period``, this bar's included."""
    return _fold(lambda column: _extreme(column, whole(period), np.minimum), values)


def lag(values: F64, bars: int = 1) -> F64:
    """The value ``bars`` bars ago. There is no way to ask for one that is still to come."""
    return _fold(lambda column: _shifted(column, whole(bars)), values)


def change(values: F64, bars: int = 1) -> F64:
    """Relative change over ``bars`` bars: 0.01 is 1 %."""
    return _fold(lambda column: column / _shifted(column, whole(bars)) - 1.0, values)


def crossed(fast: F64, slow: F64 | float) -> F64:
    """1 at the bar where ``fast`` comes to stand above ``slow``, -1 where below, else 0."""
    fast = _floats(fast)
    above = np.sign(fast - slow)
    return _fold(_turns, above, missing=0.0)


def held(events: F64) -> F64:
    """The newest value that is not 0 (NaN counts as 0), from its bar on; 0 before the first."""
    values = np.nan_to_num(_floats(events))
    newest = np.where(values != 0.0, np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1)), 0)
    return np.take_along_axis(values, np.maximum.accumulate(newest, axis=0), axis=0)


def ranked(values: F64) -> F64:
    """Rank among the instruments of the same bar: from -1, the lowest, to 1, the highest; ties share theirs.

    Takes shape (bars, instruments). NaN stays NaN; alone, an instrument gets 0.
    """
    values = _floats(values)
    if values.ndim != 2:
        raise UsageError("ranked needs all instruments", hint="call the signal's first parameter panel")
    out = np.zeros(values.shape)
    others = np.isfinite(values).sum(axis=1) - 1
    for n in range(values.shape[1]):
        mine = values[:, n, None]
        out[:, n] = (values < mine).sum(axis=1) - (values > mine).sum(axis=1)
    out /= np.maximum(others, 1)[:, None]
    return np.where(np.isnan(values), np.nan, out)


# ---------------------------------------------------------------- longer bars


@dataclass(frozen=True, slots=True)
class CoarseBars:
    """Longer bars made of an instrument's own, and the way back to them.

    Attributes
    ----------
    ts_ms
        Open times on the UTC grid of their length, shape (coarse bars,).
    open, high, low, close, volume
        Shape (coarse bars,).
    newest
        For each base bar the index of the newest coarse bar that was finished at its close; -1: none yet.
    """

    ts_ms: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    newest: I64

    def __len__(self) -> int:
        """Count the coarse bars."""
        return int(self.ts_ms.shape[0])

    def to_base(self, values: F64) -> F64:
        """Values of coarse bars, shape (coarse bars,), as they were known at each base bar's close: NaN before.

        Raises
        ------
        UsageError
            If there is not one value a coarse bar.
        """
        values = _floats(values)
        if values.shape != self.ts_ms.shape:
            why = f"they have shape {values.shape}, and there are {len(self)} coarse bars"
            raise UsageError("these are no values of coarse bars", why=why, hint="hours.to_base(hours.close)")
        return np.concatenate([[np.nan], values])[self.newest + 1]


def coarse(bars: InstrumentBars, timeframe: str) -> CoarseBars:
    """The finished longer bars of an instrument, as in ``coarse(bars, "1h")``.

    A coarse bar is finished when its time is over, made of the base bars that exist, and left out where the data
    begin inside it. ``to_base`` brings what is computed from them back to the base bars without looking ahead.

    Raises
    ------
    UsageError
        If the timeframe is not a whole number of base bars.
    """
    length_ms = _length_ms(timeframe, bars.base_ms)
    made = resample(_on_grid(bars), length_ms)
    columns: dict[str, Any] = {name: np.ascontiguousarray(made[name]) for name in COLUMNS}
    opened = np.ascontiguousarray(made["open_ms"])
    newest = np.searchsorted(opened + length_ms, bars.close_ms, side="right") - 1
    return CoarseBars(ts_ms=opened, **columns, newest=newest)


def _on_grid(bars: InstrumentBars) -> npt.NDArray[np.void]:
    """BAR records of every bar of the grid; those that are missing hold no base bar."""
    first = int(bars.ts_ms[0]) if len(bars) else 0
    rows = (bars.ts_ms - first) // bars.base_ms
    count = int(rows[-1]) + 1 if len(bars) else 0
    valid = np.zeros((count, 1), np.bool_)
    valid[rows, 0] = True

    def column(values: F64) -> F64:
        dense = np.full((count, 1), np.nan)
        dense[rows, 0] = values
        return dense

    prices = column(bars.open), column(bars.high), column(bars.low), column(bars.close), column(bars.volume)
    out = records(BAR, (count, 1))
    pack_bars(first + np.arange(count, dtype=np.int64) * bars.base_ms, *prices, valid, bars.base_ms, out)
    return out[:, 0]


def _length_ms(timeframe: str, base_ms: int) -> int:
    count, unit = timeframe[:-1], timeframe[-1:]
    length_ms = int(count) * UNITS[unit] if count.isdecimal() and unit in UNITS else 0
    if length_ms < 1 or length_ms % base_ms:
        why = f"the base bars have {base_ms // 1000} s" if length_ms else "it is a number and m, h or d"
        raise UsageError(f"there are no coarse bars of {timeframe!r}", why=why, hint='coarse(bars, "1h")')
    return length_ms


# ---------------------------------------------------------------- parts


def whole(count: int) -> int:
    """A number of bars, at least 1.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    if int(count) != count or count < 1:
        raise UsageError(f"{count!r} is not a number of bars", why="it must be whole and at least 1")
    return int(count)


def _floats(values: npt.ArrayLike) -> F64:
    return np.asarray(values, np.float64)


def _fold(fold: Fold, *columns: F64, missing: float = np.nan) -> F64:
    """Fold every column without its NaN; where any of them is NaN, the result is ``missing``."""
    given = [_floats(column) for column in columns]
    if len(given) > 1:
        given = list(np.broadcast_arrays(*given))
    if given[0].ndim == 2:
        turned = [np.ascontiguousarray(each.T) for each in given]
        out = np.empty(turned[0].shape)
        for n in range(len(out)):
            out[n] = _fold(fold, *(each[n] for each in turned), missing=missing)
        return np.ascontiguousarray(out.T)
    absent = np.isnan(given[0])
    for other in given[1:]:
        absent |= np.isnan(other)
    first = int(np.argmin(absent)) if len(absent) else 0
    there = slice(first, None) if not absent[first:].any() else ~absent
    folded = fold(*(_own(each[there]) for each in given))
    if len(folded) == len(absent):
        return folded
    out = np.full(given[0].shape, missing)
    out[there] = folded
    return out


def _own(column: F64) -> F64:
    """What a kernel can read: contiguous, and not sealed, which would be another type to compile for."""
    plain = column.flags.c_contiguous and column.flags.writeable
    return column if plain else np.array(column)


def _windows(values: F64, count: int) -> tuple[F64, F64]:
    """Mean and population deviation of every full window, added oldest first: the same bits as the kernel's."""
    if count < SLOTS:
        return oscillators.windows(values, count)
    centre, deviation = np.full(len(values), np.nan), np.full(len(values), np.nan)
    full = len(values) - count + 1
    if full > 0:
        total, squares = np.zeros(full), np.zeros(full)
        for k in range(count):
            total += values[k : k + full]
        centre[count - 1 :] = total / count
        for k in range(count):
            off = values[k : k + full] - centre[count - 1 :]
            squares += off * off
        deviation[count - 1 :] = np.sqrt(squares / count)
    return centre, deviation


def _extreme(values: F64, count: int, better: np.ufunc) -> F64:
    """Best of every full window, by windows that double in length."""
    best, length = values.copy(), 1
    while length < count:
        step = min(length, count - length)
        best[step:] = better(best[step:], best[:-step])
        length += step
    best[: count - 1] = np.nan
    return best


def _shifted(values: F64, bars: int) -> F64:
    out = np.full(len(values), np.nan)
    out[bars:] = values[:-bars]
    return out


def _turns(side: F64) -> F64:
    """Where a side of 1 or -1 follows another; while the two are equal, the side stays what it was."""
    stays = side if side.all() else held(side)
    out = np.zeros(side.shape)
    changed = (stays[1:] != stays[:-1]) & (stays[:-1] != 0.0)
    out[1:][changed] = stays[1:][changed]
    return out
