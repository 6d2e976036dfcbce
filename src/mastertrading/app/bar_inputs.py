"""What a live cycle is told of recorded bars, and the venue that plays them as a backtest assumes.

The demonstration, ``replay``, the campaigns and the tests of equality all live through recorded bars: they are told
the same of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from mastertrading.app.exchange import listing_of
from mastertrading.compiled import records
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import F64, Bars, Market
from mastertrading.live.ear import BarInputs
from mastertrading.settings.schema import Settings
from mastertrading.signals.panel import CHARGE, primer_bars


def listings_of(instruments: Sequence[Instrument], settings: Settings) -> list[Any]:
    """What the backtest assumes of costs, as a venue's rules; no limit of a venue's own stands in the way."""
    return [replace(listing_of(one, settings), band=Decimal(1), max_conditional=200) for one in instruments]


def primer_of(market: Market) -> list[Bars]:
    """Per instrument the hours before the first bar."""
    names = "open_ms", "open", "high", "low", "close", "volume"
    packed = [primer_bars(market, n) for n in range(len(market.instruments))]
    return [Bars(*(part[name].copy() for name in names)) for part in packed]


class Inputs:
    """What a live cycle would have been told of the bars of a market, from its first on."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._charged = [0] * len(market.instruments)

    def until(self, stop: int) -> Iterator[BarInputs]:
        """Bars [0, stop)."""
        return (self.of(t) for t in range(stop))

    def of(self, t: int) -> BarInputs:
        """Bar ``t``; each is asked for once, in order."""
        market = self.market
        mark = market.close[t] if market.mark_close is None else market.mark_close[t]
        mark = np.where(np.isnan(mark), market.close[t], mark)
        rows = [market.open[t], market.high[t], market.low[t], market.close[t], market.volume[t], mark]
        unknown: F64 = np.full(len(mark), np.nan)
        return BarInputs(int(market.ts_ms[t]), np.stack(rows), market.valid[t].copy(), self._due(t), unknown)

    def _due(self, t: int) -> Any:
        """Charges that became known with a bar."""
        close_ms, due = int(self.market.ts_ms[t]) + self.market.base_ms, []
        for n, paid in enumerate(self.market.settlements):
            while self._charged[n] < len(paid.ts_ms) and paid.ts_ms[self._charged[n]] <= close_ms:
                k = self._charged[n]
                due.append((int(paid.ts_ms[k]), n, float(paid.rate[k]), int(paid.interval_ms[k])))
                self._charged[n] += 1
        out = records(CHARGE, len(due))
        for row, (ts_ms, n, rate, interval_ms) in zip(out, sorted(due), strict=True):
            row.ts_ms, row.instrument, row.rate, row.interval_ms = ts_ms, n, rate, interval_ms
        return out
