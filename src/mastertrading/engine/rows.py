"""Bars as the engine reads them: whole ticks, with what the signals know of the market beside them."""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.market import F64, I64, Bool, Records


@kernel
def ticks(px: float, tick: float) -> int:
    """A price in whole ticks, nearest; recorded prices lie on the grid."""
    return int(math.floor(px / tick + 0.5))


@kernel
def fill_row(row: Any, ohlc: Any, mark_px: float, tick: float) -> None:
    """Write the prices of a valid bar. ``ohlc``: (open, high, low, close) in quote units."""
    row.open = ticks(ohlc[0], tick)
    row.high = ticks(ohlc[1], tick)
    row.low = ticks(ohlc[2], tick)
    row.close = ticks(ohlc[3], tick)
    row.mark = ticks(mark_px, tick)


@kernel(entry=True)
def fill_rows(
    rows: Records,
    prices: Any,
    valid: Bool,
    mark: F64,
    contexts: Records,
    tick: F64,
    base_ms: int,
    ages: I64,
    start: int,
) -> None:
    """Write the rows of one chunk of bars.

    Parameters
    ----------
    rows
        ROW records to fill, shape (bars, instruments).
    prices
        (open, high, low, close) of the whole panel, each of shape (all bars, instruments).
    valid, mark
        Validity and mark price of the whole panel, same shape.
    contexts
        CONTEXT records of this chunk, shape (bars, instruments).
    tick
        Tick of each instrument, quote units.
    ages
        Bars since each instrument's newest valid bar; carried from chunk to chunk.
    start
        First bar of the chunk in the panel.
    """
    opens, highs, lows, closes = prices
    for k in range(rows.shape[0]):
        t = start + k
        for i in range(rows.shape[1]):
            row, context = rows[k, i], contexts[k, i]
            good = valid[t, i] and mark[t, i] > 0.0
            ages[i] = 0 if good else ages[i] + 1
            row.valid = 1 if good else 0
            row.age_ms = ages[i] * base_ms
            row.htf_adx = context.htf_adx
            row.volatility = context.atr_frac
            row.regime = 1.0
            row.spread = math.nan
            if good:
                fill_row(row, (opens[t, i], highs[t, i], lows[t, i], closes[t, i]), mark[t, i], tick[i])
