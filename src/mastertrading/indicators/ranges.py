"""Wilder's range and direction: true range, ATR, +DI, -DI, ADX.

Source: J. Welles Wilder, *New Concepts in Technical Trading Systems* (1978). Seeds are his: the mean of the
first p values, counted from the second bar (true range and directional movement need the bar before), and the
mean of the first p DX for ADX (DEFINITIONS 10.12).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mastertrading.compiled import kernel, records
from mastertrading.domain.market import F64

WILDER = np.dtype(
    [
        ("values", "i8"),  # values so far
        ("value", "f8"),  # the smoothed value; a running total until it is seeded
    ],
    align=True,
)

DIRECTIONAL = np.dtype(
    [
        ("bars", "i8"),
        ("high", "f8"),  # of the last finished bar
        ("low", "f8"),
        ("close", "f8"),
        ("true_range", WILDER),
        ("plus", WILDER),
        ("minus", WILDER),
        ("dx", WILDER),
    ],
    align=True,
)
"""State of ATR, DI and ADX together: they share the smoothed true range."""


class Direction(NamedTuple):
    """What the directional indicator says after a bar; NaN where it is not ready."""

    atr: float
    plus_di: float
    minus_di: float
    adx: float


class Movement(NamedTuple):
    """One bar against the bar before it, in price units."""

    true_range: float
    plus: float
    minus: float


@kernel
def wilder_peek(state: Any, value: float, period: int) -> float:
    """Wilder's average if ``value`` came next; NaN before ``period`` values are there."""
    if state.values >= period:
        return (state.value * (period - 1) + value) / period
    if state.values == period - 1:
        return (state.value + value) / period
    return np.nan


@kernel
def wilder_step(state: Any, value: float, period: int) -> float:
    """Take ``value`` in; return Wilder's average after it."""
    after = wilder_peek(state, value, period)
    state.value = state.value + value if state.values < period - 1 else after
    state.values += 1
    return after


@kernel
def true_range(high: float, low: float, close_before: float) -> float:
    """The range a bar covered, the gap from the close before it included. Price units."""
    return max(high - low, abs(high - close_before), abs(low - close_before))


@kernel
def movement(state: Any, high: float, low: float) -> Movement:
    """True range and directional movement against the last finished bar; only the larger excess counts."""
    up = high - state.high
    down = state.low - low
    plus = up if up > down and up > 0.0 else 0.0
    minus = down if down > up and down > 0.0 else 0.0
    return Movement(true_range(high, low, state.close), plus, minus)


@kernel
def share(part: float, whole: float) -> float:
    """100 part/whole; over zero it is 0 (DEFINITIONS 10.12)."""
    return 100.0 * part / whole if whole != 0.0 else 0.0


@kernel
def directional_peek(state: Any, high: float, low: float, close: float, period: int) -> Direction:
    """ATR, +DI, -DI and ADX if this bar ended now. ``close`` is unused: it matters to the next bar only."""
    if state.bars == 0:
        return Direction(np.nan, np.nan, np.nan, np.nan)
    moved = movement(state, high, low)
    atr = wilder_peek(state.true_range, moved.true_range, period)
    plus = share(wilder_peek(state.plus, moved.plus, period), atr)
    minus = share(wilder_peek(state.minus, moved.minus, period), atr)
    if state.bars < period:
        return Direction(atr, plus, minus, np.nan)
    adx = wilder_peek(state.dx, share(abs(plus - minus), plus + minus), period)
    return Direction(atr, plus, minus, adx)


@kernel
def directional_step(state: Any, high: float, low: float, close: float, period: int) -> Direction:
    """Take a finished bar in; return ATR, +DI, -DI and ADX after it."""
    after = directional_peek(state, high, low, close, period)
    if state.bars > 0:
        moved = movement(state, high, low)
        wilder_step(state.true_range, moved.true_range, period)
        wilder_step(state.plus, moved.plus, period)
        wilder_step(state.minus, moved.minus, period)
    if state.bars >= period:
        dx = share(abs(after.plus_di - after.minus_di), after.plus_di + after.minus_di)
        wilder_step(state.dx, dx, period)
    state.bars += 1
    state.high, state.low, state.close = high, low, close
    return after


@kernel(entry=True)
def directional_fold(state: Any, high: F64, low: F64, close: F64, period: int, out: F64) -> None:
    """Step through the bars; ``state`` is one DIRECTIONAL record in an array, ``out`` has shape (4, bars)."""
    for t in range(high.shape[0]):
        now = directional_step(state[0], high[t], low[t], close[t], period)
        out[0, t], out[1, t], out[2, t], out[3, t] = now.atr, now.plus_di, now.minus_di, now.adx


def directional(high: F64, low: F64, close: F64, period: int = 14) -> F64:
    """ATR, +DI, -DI and ADX.

    Parameters
    ----------
    high, low, close
        Shape (bars,), oldest first, no NaN.
    period
        Bars, at least 1.

    Returns
    -------
    Shape (4, bars): ATR in price units, then +DI, -DI and ADX in [0, 100]. NaN until ready: ATR and DI from
    bar ``period``, ADX from bar ``2 period - 1`` (counted from 0).
    """
    out = np.empty((4, len(high)))
    directional_fold(records(DIRECTIONAL, 1), high, low, close, period, out)
    return out


def atr(high: F64, low: F64, close: F64, period: int = 14) -> F64:
    """Wilder's average true range, shape (bars,), price units."""
    out: F64 = directional(high, low, close, period)[0]
    return out


def adx(high: F64, low: F64, close: F64, period: int = 14) -> F64:
    """Wilder's average directional index, shape (bars,), in [0, 100]."""
    out: F64 = directional(high, low, close, period)[3]
    return out
