"""From a venue's streams to one decision a bar: what is there at its close, and nothing that came later.

Every minute of the grid passes, in order, none twice. An instrument whose bar is late is not valid in it; its bar is
then too late for good, since a decision is never taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.feed import Bar, Funding, MarketEvent, Quote, StreamGap
from mastertrading.domain.market import HOUR_MS, Records
from mastertrading.live.ear import BarInputs
from mastertrading.signals.panel import CHARGE

PATIENCE_MS = 3_000
"""How long a bar of one instrument is waited for when another's is there (DESIGN section 6)."""
DARK_MS = 5 * 60_000
"""How long a minute is waited for of which nothing came: the feed is away, and reads it when it is back."""
OLD_MARK_MS = 5 * 60_000
USUAL_INTERVAL_MS = 8 * HOUR_MS
Macro = Callable[[int], tuple[int, ...]]
"""Times of important calendar events near a moment."""


@dataclass
class _Column:
    """What is known of one instrument."""

    bars: dict[int, Bar] = field(default_factory=dict)
    absent_ms: int = 0
    """The venue has no bar that opens before this, other than those it told."""
    opens: dict[int, Decimal] = field(default_factory=dict)
    bid: Decimal | None = None
    ask: Decimal | None = None
    mark: tuple[int, Decimal] | None = None
    interval_ms: int = USUAL_INTERVAL_MS
    due: dict[int, Decimal] = field(default_factory=dict)
    """Charges to come: moment to the rate that was told last for it."""

    def has(self, open_ms: int) -> bool:
        return open_ms in self.bars or open_ms < self.absent_ms

    def forget(self, before_ms: int) -> None:
        for told in (self.bars, self.opens):
            for open_ms in [at for at in told if at < before_ms]:
                del told[open_ms]


class Collector:
    """Closed bars of all instruments, minute by minute.

    Parameters
    ----------
    symbols
        In the order of the columns.
    next_ms
        Open of the first bar that is wanted.
    macro
        Calendar events, where there is a calendar.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        base_ms: int,
        next_ms: int,
        *,
        patience_ms: int = PATIENCE_MS,
        macro: Macro = lambda close_ms: (),
    ) -> None:
        self.symbols, self.base_ms, self.next_ms = tuple(symbols), base_ms, next_ms
        self.patience_ms, self._macro = patience_ms, macro
        self._columns = {symbol: _Column() for symbol in symbols}
        self.newest_ms = 0
        """When the newest event was, by the venue."""
        self.too_late = 0
        """Closed bars that came when their minute had passed."""

    # ------------------------------------------------------------ in
    def take(self, event: MarketEvent) -> None:
        """Hear one event; those of other instruments and of other kinds say nothing here."""
        column = self._columns.get(getattr(event, "symbol", ""))
        if column is None:
            return
        self.newest_ms = max(self.newest_ms, getattr(event, "event_ms", 0))
        if isinstance(event, Bar):
            self._take_bar(column, event)
        elif isinstance(event, Quote):
            self._take_quote(column, event)
        elif isinstance(event, Funding):
            column.interval_ms = event.interval_ms or column.interval_ms
            column.due[event.next_ms] = event.rate
        elif isinstance(event, StreamGap) and event.stream == "bars":
            # the feed has asked three times and gives up; how much, its next bar shows
            column.absent_ms = max(column.absent_ms, event.since_ms + self.base_ms)

    def _take_bar(self, column: _Column, bar: Bar) -> None:
        if bar.ts_ms < self.next_ms:
            self.too_late += bar.closed
            return
        column.opens.setdefault(bar.ts_ms, bar.open)
        if bar.closed:
            column.bars.setdefault(bar.ts_ms, bar)
            column.absent_ms = max(column.absent_ms, bar.ts_ms)  # they come in order: none before it will

    def _take_quote(self, column: _Column, quote: Quote) -> None:
        column.bid = quote.bid_px if quote.bid_px is not None else column.bid
        column.ask = quote.ask_px if quote.ask_px is not None else column.ask
        if quote.mark_px is not None and (column.mark is None or quote.event_ms >= column.mark[0]):
            column.mark = quote.event_ms, quote.mark_px

    # ------------------------------------------------------------ out
    @property
    def close_ms(self) -> int:
        """When the wanted bar closes."""
        return self.next_ms + self.base_ms

    def is_complete(self) -> bool:
        """Whether every instrument has told its bar, or that it has none."""
        return all(column.has(self.next_ms) for column in self._columns.values())

    def knows(self, symbols: Iterable[str], at_ms: int, *, marks: bool) -> bool:
        """Whether the wanted bars of some instruments are there, and their marks of a moment or later."""
        columns = [self._columns[symbol] for symbol in symbols]
        return all(
            self.next_ms in one.bars and (not marks or (one.mark is not None and one.mark[0] >= at_ms))
            for one in columns
        )

    def is_due(self, now_ms: int) -> bool:
        """Whether the next minute passes now."""
        if self.is_complete():
            return True
        if any(column.has(self.next_ms) for column in self._columns.values()):
            return now_ms >= self.close_ms + self.patience_ms
        return now_ms >= self.close_ms + DARK_MS

    def due_in_ms(self, now_ms: int) -> int:
        """How long until time alone makes the next minute pass."""
        some = any(column.has(self.next_ms) for column in self._columns.values())
        return max(0, self.close_ms + (self.patience_ms if some else DARK_MS) - now_ms)

    def pass_minute(self) -> BarInputs:
        """The next minute, as it is known now; it does not come again."""
        open_ms, columns = self.next_ms, list(self._columns.values())
        bars = [column.bars.get(open_ms) for column in columns]
        prices = np.full((6, len(columns)), np.nan)
        for n, bar in enumerate(bars):
            if bar is not None:
                told = bar.open, bar.high, bar.low, bar.close, bar.volume, self._mark(columns[n], bar)
                prices[:, n] = [float(value) for value in told]
        spread = np.array([_spread(column) for column in columns])
        charges = self._charges()
        self.next_ms += self.base_ms
        for column in columns:
            column.forget(self.next_ms)
        there = np.array([bar is not None for bar in bars])
        return BarInputs(open_ms, prices, there, charges, spread, self._macro(self.next_ms))

    def _mark(self, column: _Column, bar: Bar) -> Decimal:
        """The mark that was told last (a venue may tell changes only); its close where that was long ago."""
        if column.mark is None or column.mark[0] < bar.ts_ms - OLD_MARK_MS:
            return bar.close
        return column.mark[1]

    def _charges(self) -> Records:
        """Settlements that became known by the close, in the order of time, then of columns."""
        found = []
        for n, column in enumerate(self._columns.values()):
            for at_ms in sorted(at for at in column.due if at <= self.close_ms):
                found.append((at_ms, n, float(column.due.pop(at_ms)), column.interval_ms))
        out = records(CHARGE, len(found))
        for row, (at_ms, n, rate, interval_ms) in zip(out, sorted(found), strict=True):
            row.ts_ms, row.instrument, row.rate, row.interval_ms = at_ms, n, rate, interval_ms
        return out

    def closed(self) -> Mapping[str, Bar]:
        """The wanted bars that are there."""
        told = {symbol: column.bars.get(self.next_ms) for symbol, column in self._columns.items()}
        return {symbol: bar for symbol, bar in told.items() if bar is not None}

    def marks(self) -> Mapping[str, Decimal]:
        """Marks at the close of the wanted bars that are there."""
        return {symbol: self._mark(self._columns[symbol], bar) for symbol, bar in self.closed().items()}

    def first_prices(self) -> Mapping[str, Decimal]:
        """First prices of the bar that is forming, of the instruments that have one by now."""
        told = {symbol: column.opens.get(self.next_ms) for symbol, column in self._columns.items()}
        return {symbol: px for symbol, px in told.items() if px is not None}


def _spread(column: _Column) -> float:
    if column.bid is None or column.ask is None or column.bid + column.ask <= 0:
        return float("nan")
    return float((column.ask - column.bid) / ((column.ask + column.bid) / 2))
