"""Moving averages.

Every indicator of this room has the same three parts: a state record, ``peek`` (the value if the forming bar
ended now; nothing is kept) and ``step`` (the same value, kept). The array functions are folds of ``step``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel, records
from mastertrading.domain.market import F64

EMA = np.dtype(
    [
        ("bars", "i8"),  # finished bars so far
        ("value", "f8"),  # the average after the last of them; a running total until it is seeded
    ],
    align=True,
)


@kernel
def ema_next(average: float, value: float, period: int) -> float:
    """The recurrence: alpha = 2/(p+1)."""
    return average + 2.0 / (period + 1.0) * (value - average)


@kernel
def ema_peek(state: Any, value: float, period: int) -> float:
    """The exponential average if ``value`` came next: alpha = 2/(p+1), seeded by the mean of the first p.

    NaN before ``period`` values are there.
    """
    if state.bars >= period:
        return ema_next(state.value, value, period)
    if state.bars == period - 1:
        return (state.value + value) / period
    return np.nan


@kernel
def ema_step(state: Any, value: float, period: int) -> float:
    """Take ``value`` in; return the average after it."""
    after = ema_peek(state, value, period)
    state.value = state.value + value if state.bars < period - 1 else after
    state.bars += 1
    return after


@kernel(entry=True)
def ema_fold(state: Any, values: F64, period: int, out: F64) -> None:
    """Step through ``values``; ``state`` is one EMA record in an array.

    Once seeded, a step is the recurrence alone, and the average need not pass through memory from bar to bar.
    """
    average = state[0]
    seeding = min(values.shape[0], max(0, period - average.bars))
    for t in range(seeding):
        out[t] = ema_step(average, values[t], period)
    value = average.value
    for t in range(seeding, values.shape[0]):
        value = ema_next(value, values[t], period)
        out[t] = value
    if seeding < values.shape[0]:
        average.value = value
        average.bars += values.shape[0] - seeding


@kernel
def ema_after(average: float, seen: int, value: float, period: int) -> float:
    """What ``ema_step`` leaves in its state, from what stood there after ``seen`` bars."""
    if seen >= period:
        return ema_next(average, value, period)
    return (average + value) / period if seen == period - 1 else average + value


@kernel(entry=True)
def two_emas(values: F64, fast: int, slow: int, quick: F64, lazy: F64) -> None:
    """Two averages of every column, shape (bars, columns), as ``ema_fold`` makes each; NaN is no bar, and stays NaN.

    A step waits for the one before it, so that a second average beside the first costs no time, and nor does a second
    column: where all are seeded and none is NaN, a row is one step.
    """
    bars, columns = values.shape
    if columns == 1:
        two_of_column(values, fast, slow, quick, lazy)
        return
    seen, one, other, least = np.zeros(columns, np.int64), np.zeros(columns), np.zeros(columns), 0
    for t in range(bars):
        if least >= max(fast, slow) and is_whole(values, t):
            for i in range(columns):
                one[i], other[i] = (
                    ema_next(one[i], values[t, i], fast),
                    ema_next(other[i], values[t, i], slow),
                )
                quick[t, i], lazy[t, i] = one[i], other[i]
            continue
        least = bars
        for i in range(columns):
            value, quick[t, i], lazy[t, i] = values[t, i], math.nan, math.nan
            if not math.isnan(value):
                one[i], other[i] = (
                    ema_after(one[i], seen[i], value, fast),
                    ema_after(other[i], seen[i], value, slow),
                )
                seen[i] += 1
                quick[t, i] = one[i] if seen[i] >= fast else math.nan
                lazy[t, i] = other[i] if seen[i] >= slow else math.nan
            least = min(least, seen[i])


@kernel(inline=True)
def is_whole(values: F64, t: int) -> bool:
    """Whether no value of a row is NaN."""
    missing = 0
    for i in range(values.shape[1]):
        missing += 1 if math.isnan(values[t, i]) else 0
    return missing == 0


@kernel(inline=True)
def two_of_column(values: F64, fast: int, slow: int, quick: F64, lazy: F64) -> None:
    """The same of one column, shape (bars, 1), whose averages need not pass through memory."""
    seen, one, other = 0, 0.0, 0.0
    for t in range(values.shape[0]):
        value = values[t, 0]
        if math.isnan(value):
            quick[t, 0], lazy[t, 0] = math.nan, math.nan
            continue
        one, other = ema_after(one, seen, value, fast), ema_after(other, seen, value, slow)
        seen += 1
        quick[t, 0] = one if seen >= fast else math.nan
        lazy[t, 0] = other if seen >= slow else math.nan


def ema(values: F64, period: int) -> F64:
    """Exponential moving average.

    Parameters
    ----------
    values
        Shape (bars,), oldest first, no NaN.
    period
        Bars, at least 1.

    Returns
    -------
    Shape (bars,); the first ``period - 1`` are NaN.
    """
    out = np.empty(len(values))
    ema_fold(records(EMA, 1), values, period, out)
    return out
