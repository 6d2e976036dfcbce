"""Bars as the engine reads them: whole ticks, with what the signals know of the market beside them."""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.market import I64


@kernel
def ticks(px: float, per_tick: float) -> int:
    """A positive price in whole ticks, nearest; recorded prices lie on the grid. ``per_tick``: ticks in one unit."""
    return int(px * per_tick + 0.5)


@kernel(inline=True)
def write_prices(row: Any, prices: Any, valid: bool, t: int, i: int, per_tick: float) -> None:
    """Write bar ``t`` of instrument ``i`` in ticks. ``prices``: (open, high, low, close, mark), (bars, instruments)."""
    opens, highs, lows, closes, marks = prices
    row.valid = 1 if valid else 0
    if valid:
        row.open, row.high = ticks(opens[t, i], per_tick), ticks(highs[t, i], per_tick)
        row.low, row.close = ticks(lows[t, i], per_tick), ticks(closes[t, i], per_tick)
        row.mark = ticks(marks[t, i], per_tick)
    else:
        row.open, row.high, row.low, row.close, row.mark = 0, 0, 0, 0, 0


@kernel(inline=True)
def write_row(row: Any, quotes: Any, models: Any, ages: Any, t: int, i: int, length_ms: int) -> None:
    """Write everything that the engine is told of instrument ``i`` in bar ``t``.

    Parameters
    ----------
    quotes, models
        As in ``backtest.replay``.
    ages
        Bars since each instrument's newest good bar. Every bad bar must be asked for, good ones need not be.
    """
    opens, highs, lows, closes, marks, good, per_tick = quotes
    contexts, regime, volatility = models
    valid = good.shape[0] == 0 or good[t, i]
    write_prices(row, (opens, highs, lows, closes, marks), valid, t, i, per_tick[i])
    ages[i] = 0 if valid else ages[i] + 1
    row.age_ms = ages[i] * length_ms
    row.htf_adx, row.volatility, row.regime, row.spread = math.nan, math.nan, 1.0, math.nan
    if contexts.shape[0] > 0:
        row.htf_adx, row.volatility = contexts[t, i].htf_adx, contexts[t, i].atr_frac
    if regime.shape[0] > 0 and not regime[t, i] > 1.0:  # it only ever tightens; NaN is unknown
        row.regime = regime[t, i]
    if volatility.shape[0] > 0 and not math.isnan(volatility[t, i]):
        row.volatility = volatility[t, i]


@kernel(entry=True)
def fill_rows(rows: Any, quotes: Any, models: Any, ages: I64, length_ms: int) -> None:
    """Write the rows of a chunk of bars, shape (bars, instruments), for those who want to see them all.

    The engine itself asks for the rows that it looks at (``write_row``); these are the same.
    """
    for t in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            write_row(rows[t, i], quotes, models, ages, t, i, length_ms)
