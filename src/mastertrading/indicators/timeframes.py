"""Base bars → coarser bars, causally.

A coarse bar lies on the UTC grid of its own length. It is finished when the grid says so, even if the minute
that closes it is missing; it is made of the base bars that exist, and does not exist if none do; and a coarse
bar whose beginning the base does not cover is left out (DEFINITIONS 10.2, 10.17).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel, records
from mastertrading.domain.market import F64, I64, Bool, Records

BAR = np.dtype(
    [
        ("open_ms", "i8"),
        ("close_ms", "i8"),  # when the bar is known
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "f8"),
        ("bars", "i8"),  # base bars in it; 0 = missing or quarantined, and then no price of it is read
    ],
    align=True,
)
"""A bar of any timeframe. A base bar holds one base bar."""

FORMING = np.dtype(
    [
        ("bar", BAR),  # the coarse bar that the newest base bar belongs to
        ("begun", "u1"),  # a valid base bar has been seen
        ("covered", "u1"),  # the base covers the beginning of ``bar``
    ],
    align=True,
)


@kernel
def merge(coarse: Any, bar: Any) -> None:
    """Add a finer bar to a coarse one."""
    if coarse.bars == 0:
        coarse.open = bar.open
        coarse.high = bar.high
        coarse.low = bar.low
        coarse.volume = 0.0
    coarse.high = max(coarse.high, bar.high)
    coarse.low = min(coarse.low, bar.low)
    coarse.close = bar.close
    coarse.volume += bar.volume
    coarse.bars += bar.bars


@kernel
def start(coarse: Any, open_ms: int, length_ms: int) -> None:
    """Begin an empty coarse bar."""
    coarse.open_ms = open_ms
    coarse.close_ms = open_ms + length_ms
    coarse.bars = 0


@kernel
def forming_step(forming: Any, bar: Any, length_ms: int) -> bool:
    """Take one base bar in; True if a coarse bar (``forming.bar``) finished with it.

    Every minute of the grid must pass through here, invalid ones too (with ``bars = 0``).
    """
    if forming.begun == 0 and bar.bars == 0:
        return False
    open_ms = bar.open_ms - bar.open_ms % length_ms
    if forming.begun == 0 or forming.bar.open_ms != open_ms:
        forming.covered = forming.begun != 0 or bar.open_ms == open_ms
        forming.begun = 1
        start(forming.bar, open_ms, length_ms)
    if bar.bars > 0 and forming.covered != 0:
        merge(forming.bar, bar)
    return bar.close_ms >= forming.bar.close_ms and forming.bar.bars > 0


@kernel
def is_forming(forming: Any, now_ms: int) -> bool:
    """Whether the coarse bar has base bars in it and has not ended yet."""
    return forming.bar.bars > 0 and now_ms < forming.bar.close_ms


@kernel(entry=True)
def pack_bars(
    ts_ms: I64,
    open_: F64,
    high: F64,
    low: F64,
    close: F64,
    volume: F64,
    valid: Bool,
    base_ms: int,
    out: Records,
) -> None:
    """Write a panel (bars, instruments) as BAR records; a bar that is not valid gets ``bars = 0``."""
    for t in range(ts_ms.shape[0]):
        for n in range(valid.shape[1]):
            bar = out[t, n]
            bar.open_ms = ts_ms[t]
            bar.close_ms = ts_ms[t] + base_ms
            bar.open = open_[t, n]
            bar.high = high[t, n]
            bar.low = low[t, n]
            bar.close = close[t, n]
            bar.volume = volume[t, n]
            bar.bars = 1 if valid[t, n] else 0


@kernel(entry=True)
def resample_fold(forming: Any, bars: Records, length_ms: int, out: Records) -> int:
    """Write the coarse bars that finish to ``out``; return their number."""
    count = 0
    for t in range(bars.shape[0]):
        if forming_step(forming[0], bars[t], length_ms):
            out[count] = forming[0].bar
            count += 1
    return count


def resample(bars: Records, length_ms: int) -> Records:
    """Fold base bars into the finished coarse bars.

    Parameters
    ----------
    bars
        BAR records, shape (bars,), every minute of the grid, oldest first.
    length_ms
        Length of a coarse bar: a multiple of the base's.

    Returns
    -------
    BAR records of the coarse bars that finished, in order.
    """
    out = records(BAR, len(bars))
    return out[: resample_fold(records(FORMING, 1), bars, length_ms, out)]
