"""Bars as the engine reads them: whole ticks, with what the signals know of the market beside them."""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.market import F64, I64, Bool, Records


@kernel
def ticks(px: float, per_tick: float) -> int:
    """A positive price in whole ticks, nearest; recorded prices lie on the grid. ``per_tick``: ticks in one unit."""
    return int(px * per_tick + 0.5)


@kernel(entry=True)
def fill_prices(
    rows: Records,
    prices: Any,
    valid: Bool,
    mark: F64,
    per_tick: F64,
    base_ms: int,
    ages: I64,
    start: int,
) -> None:
    """Write the prices of one chunk of bars.

    Parameters
    ----------
    rows
        ROW records to fill, shape (bars, instruments).
    prices
        (open, high, low, close) of the whole panel, each of shape (all bars, instruments).
    valid, mark
        Validity and mark price of the whole panel, same shape.
    per_tick
        Ticks in one unit of the quote currency, per instrument.
    ages
        Bars since each instrument's newest valid bar; carried from chunk to chunk.
    start
        First bar of the chunk in the panel.
    """
    stop = start + rows.shape[0]
    opens, highs, lows, closes = prices
    opens, highs, lows, closes = opens[start:stop], highs[start:stop], lows[start:stop], closes[start:stop]
    good, marks = valid[start:stop], mark[start:stop]
    for k in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            row, scale = rows[k, i], per_tick[i]
            if good[k, i] and marks[k, i] > 0.0:
                ages[i], row.valid, row.age_ms = 0, 1, 0
                row.open, row.high = ticks(opens[k, i], scale), ticks(highs[k, i], scale)
                row.low, row.close = ticks(lows[k, i], scale), ticks(closes[k, i], scale)
                row.mark = ticks(marks[k, i], scale)
            else:
                ages[i] += 1
                row.valid, row.age_ms = 0, ages[i] * base_ms
                row.open, row.high, row.low, row.close, row.mark = 0, 0, 0, 0, 0


@kernel(entry=True)
def fill_contexts(rows: Records, contexts: Records) -> None:
    """Write what the signals know of the market beside the prices. CONTEXT and ROW, shape (bars, instruments)."""
    for k in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            row, context = rows[k, i], contexts[k, i]
            row.htf_adx = context.htf_adx
            row.volatility = context.atr_frac
            row.regime = 1.0
            row.spread = math.nan
