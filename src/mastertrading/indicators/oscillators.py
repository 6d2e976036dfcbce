"""Oscillators: RSI (Wilder), Bollinger bands and the z-score of the newest value in its window."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mastertrading.compiled import kernel, records
from mastertrading.domain.market import F64
from mastertrading.indicators.ranges import WILDER, share, wilder_peek, wilder_step
from mastertrading.indicators.windows import MASK, RING

RSI = np.dtype([("bars", "i8"), ("close", "f8"), ("gain", WILDER), ("loss", WILDER)], align=True)


class Spread(NamedTuple):
    """Mean and population standard deviation of a window."""

    centre: float
    deviation: float


@kernel
def rsi_peek(state: Any, close: float, period: int) -> float:
    """Wilder's relative strength index if the bar closed here, in [0, 100]; NaN until ready."""
    if state.bars < period:
        return np.nan
    change = close - state.close
    gain = wilder_peek(state.gain, max(change, 0.0), period)
    return share(gain, gain + wilder_peek(state.loss, max(-change, 0.0), period))


@kernel
def rsi_step(state: Any, close: float, period: int) -> float:
    """Take a close in; return the RSI after it."""
    after = rsi_peek(state, close, period)
    if state.bars > 0:
        change = close - state.close
        wilder_step(state.gain, max(change, 0.0), period)
        wilder_step(state.loss, max(-change, 0.0), period)
    state.bars += 1
    state.close = close
    return after


@kernel(entry=True)
def rsi_fold(state: Any, close: F64, period: int, out: F64) -> None:
    """Step through the closes; ``state`` is one RSI record in an array."""
    for t in range(close.shape[0]):
        out[t] = rsi_step(state[0], close[t], period)


def rsi(close: F64, period: int = 14) -> F64:
    """RSI of closes, shape (bars,), in [0, 100]; the first ``period`` are NaN."""
    out = np.empty(len(close))
    rsi_fold(records(RSI, 1), close, period, out)
    return out


@kernel
def spread(ring: Any, index: int, count: int) -> Spread:
    """Mean and population deviation of the ``count`` ring values that end with ``index``, oldest first."""
    total = 0.0
    for k in range(index - count + 1, index + 1):
        total += ring.values[k & MASK]
    centre = total / count
    squares = 0.0
    for k in range(index - count + 1, index + 1):
        off = ring.values[k & MASK] - centre
        squares += off * off
    return Spread(centre, math.sqrt(squares / count))


@kernel
def standardised(value: float, window: Spread) -> float:
    """How many deviations the value is from the centre; 0 in a window without deviation."""
    return (value - window.centre) / window.deviation if window.deviation != 0.0 else 0.0


@kernel(entry=True)
def spread_fold(ring: Any, values: F64, count: int, centre: F64, deviation: F64) -> None:
    """Mean and deviation of every full window; ``ring`` is one RING record in an array."""
    for t in range(values.shape[0]):
        ring[0].values[t & MASK] = values[t]
        if t + 1 >= count:
            window = spread(ring[0], t, count)
            centre[t], deviation[t] = window.centre, window.deviation


def windows(values: F64, count: int) -> tuple[F64, F64]:
    """Mean and population deviation of the ``count`` (at most 60) newest values; NaN until there are so many."""
    centre, deviation = np.full(len(values), np.nan), np.full(len(values), np.nan)
    spread_fold(records(RING, 1), values, count, centre, deviation)
    return centre, deviation


def bollinger(close: F64, period: int = 20, width: float = 2.0) -> F64:
    """Bollinger bands: upper, middle and lower, shape (3, bars), population deviation."""
    centre, deviation = windows(close, period)
    return np.stack([centre + width * deviation, centre, centre - width * deviation])


def zscore(values: F64, count: int = 60) -> F64:
    """Give z of each value in the window of the ``count`` newest, itself included; 0 without deviation."""
    centre, deviation = windows(values, count)
    flat = deviation == 0.0
    return np.where(flat, 0.0, (values - centre) / np.where(flat, 1.0, deviation))
