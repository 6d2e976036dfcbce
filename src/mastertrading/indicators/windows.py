"""The newest bars and values, in rings that hold a little more than the longest window (64).

The forming bar is written into the slot after the last finished one without being counted, so that "the n
newest, the forming one included" and "the n newest finished" are the same loop with another end. Windows are
recomputed from oldest to newest every time: never by adding and subtracting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel

SLOTS = 64
MASK = SLOTS - 1

HISTORY = np.dtype(
    [
        ("bars", "i8"),  # finished bars so far; bar i sits in slot i & MASK
        ("open", "f8", (SLOTS,)),
        ("high", "f8", (SLOTS,)),
        ("low", "f8", (SLOTS,)),
        ("close", "f8", (SLOTS,)),
    ],
    align=True,
)
"""The newest bars of one timeframe."""

RING = np.dtype([("values", "f8", (SLOTS,))], align=True)
"""The newest values of one series; slots are counted by the owner."""


@kernel
def history_peek(history: Any, bar: Any) -> int:
    """Write the forming bar behind the finished ones, uncounted; return its index."""
    slot = history.bars & MASK
    history.open[slot] = bar.open
    history.high[slot] = bar.high
    history.low[slot] = bar.low
    history.close[slot] = bar.close
    return history.bars


@kernel
def history_step(history: Any, bar: Any) -> int:
    """Take a finished bar in; return its index."""
    index = history_peek(history, bar)
    history.bars += 1
    return index


@kernel
def body(history: Any, index: int) -> float:
    """Close minus open of bar ``index``."""
    return history.close[index & MASK] - history.open[index & MASK]


@kernel
def body_before(history: Any, index: int, count: int) -> float:
    """Mean absolute body of the ``count`` bars before ``index``."""
    total = 0.0
    for k in range(index - count, index):
        total += abs(body(history, k))
    return total / count


@kernel
def highest(history: Any, index: int, count: int) -> float:
    """Highest high of the ``count`` bars that end with ``index``."""
    top = history.high[index & MASK]
    for k in range(index - count + 1, index):
        top = max(top, history.high[k & MASK])
    return top


@kernel
def lowest(history: Any, index: int, count: int) -> float:
    """Lowest low of the ``count`` bars that end with ``index``."""
    bottom = history.low[index & MASK]
    for k in range(index - count + 1, index):
        bottom = min(bottom, history.low[k & MASK])
    return bottom
