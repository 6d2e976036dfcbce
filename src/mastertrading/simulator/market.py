"""One instrument's public side: prices, bars in all timeframes, day statistics, trades, funding and the book."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from typing import NamedTuple

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.market import DAY_MS, HOUR_MS, I64, MINUTE_MS
from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.rules.position.fills import slipped
from mastertrading.simulator.depth import Depth, Levels, best_levels, synthetic_levels
from mastertrading.simulator.events import BarChanged, FundingChanged, PriceMoved, TradePrinted
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Order

_slipped = interpreted(slipped)

TRADES_KEPT = 1000


class Row(NamedTuple):
    """One bar: open time, prices in ticks, volume in lots, trades."""

    ts_ms: int
    open: int
    high: int
    low: int
    close: int
    volume_lots: int
    trades: int


class Day(NamedTuple):
    """The last 24 hours; ``quote_volume`` in atoms."""

    open: int
    high: int
    low: int
    last: int
    volume_lots: int
    quote_volume: int
    trades: int
    open_ms: int
    close_ms: int


class Columns:
    """Bars in seven columns of machine integers: small, and quick to fill from a panel."""

    def __init__(self) -> None:
        self.columns = tuple(array("q") for _ in Row._fields)

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.columns[0])

    def append(self, row: Row) -> None:
        """Add the next bar."""
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)

    def extend(self, *columns: I64) -> None:
        """Add bars, column by column as in ``Row``."""
        for column, values in zip(self.columns, columns, strict=True):
            column.frombytes(values.astype("int64").tobytes())

    def row(self, at: int) -> Row:
        """One bar."""
        return Row(*(column[at] for column in self.columns))

    def first_at(self, ts_ms: int) -> int:
        """Place of the first bar that opens at or after a moment."""
        return bisect_left(self.columns[0], ts_ms)


class MarketState:
    """Prices and history of one instrument.

    Attributes
    ----------
    last_ticks, mark_ticks, index_ticks
        0 until the first price.
    mark_version
        Counts the marks that were published.
    held
        Between a bar's close and the next open: market orders wait.
    budget_lots
        What may still fill in this bar, all accounts together; None: no bound.
    resting, arrivals
        Open orders by number; those among them that wait for the open, in order of arrival.
    watched
        Timeframes whose forming bars are announced with every point of the path.
    watches_book
        Whether changes of the book are announced.
    depth
        A recorded book, where there is one; otherwise levels are made around the price.
    """

    def __init__(self, listing: Listing, seed: int) -> None:
        self.listing, self.seed = listing, seed
        self.symbol = listing.symbol
        self.last_ticks = self.mark_ticks = self.index_ticks = 0
        self.mark_version = 0
        self.held = False
        self.budget_lots: int | None = None
        self.resting: dict[int, Order] = {}
        self.arrivals: dict[int, Order] = {}
        self.funding_rate_e8 = 0
        self.funding_interval_ms = listing.funding_interval_ms
        self.next_funding_ms = 0
        self.planned: deque[tuple[int, int, int]] = deque()
        """Settlements to come, as recorded: (when, rate in 1e-8, interval)."""
        self.is_planned = False
        self.settlements: list[FundingChanged] = []
        self.recent_trades: deque[TradePrinted] = deque(maxlen=TRADES_KEPT)
        self.trade_count = 0
        self.base_ms = MINUTE_MS
        self.closed = Columns()
        self.forming: Row | None = None
        self.mark_closed = Columns()
        self.older = Columns()
        """Whole hours from before the first base bar: what clients can ask for goes further back in them."""
        self.watched: set[str] = {"1m"}
        self.watches_book = False
        self.book_update_id = 1
        self.depth: Depth | None = None
        self._folds: dict[tuple[str, bool], _Fold] = {}
        self._day: tuple[tuple[int, int], Day] | None = None

    # ---------------------------------------------------------------- prices
    @property
    def bid_ticks(self) -> int:
        """What a seller at market gets."""
        return self.taker_ticks(-1)

    @property
    def ask_ticks(self) -> int:
        """What a buyer at market pays."""
        return self.taker_ticks(1)

    def taker_ticks(self, order_side: int) -> int:
        """Price of a market order now: the best level of a recorded book, else the last price, slipped."""
        if self.depth is not None:
            best = self.depth.best(order_side)
            if best:
                return best
        return _slipped(self.last_ticks, order_side, self.listing.slippage_e8)

    def slipped(self, px_ticks: int, order_side: int) -> int:
        """Price of a market order that meets a price."""
        return _slipped(px_ticks, order_side, self.listing.slippage_e8)

    def point(self, ts_ms: int) -> PriceMoved:
        """The prices, as they are announced."""
        (bid, bid_lots), (ask, ask_lots) = self.top()
        return PriceMoved(
            ts_ms,
            self.symbol,
            self.last_ticks,
            self.mark_ticks,
            self.index_ticks,
            bid,
            ask,
            bid_lots,
            ask_lots,
        )

    # ---------------------------------------------------------------- the book
    def book(self, levels: int = 20) -> tuple[Levels, Levels]:
        """(bids, asks), best first, as (ticks, lots). They never cross."""
        if self.depth is not None:
            return self.depth.levels(levels)
        bid, ask = self.bid_ticks, self.ask_ticks
        return synthetic_levels(bid, max(ask, bid + 1), levels, self._book_seed(), self._typical_lots())

    def top(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The best bid and the best ask."""
        if self.depth is not None:
            bids, asks = self.depth.levels(1)
            return (bids[0] if bids else (0, 0)), (asks[0] if asks else (0, 0))
        bid, ask = self.bid_ticks, self.ask_ticks
        return best_levels(bid, max(ask, bid + 1), self._book_seed(), self._typical_lots())

    def _book_seed(self) -> int:
        return self.seed * 1_000_003 + self.book_update_id

    def _typical_lots(self) -> int:
        forming = self.forming
        return max(10, forming.volume_lots // 50 if forming else 0)

    # ---------------------------------------------------------------- bars
    def begin_bar(self, ts_ms: int, px_ticks: int) -> None:
        """Open the next base bar."""
        self.forming = Row(ts_ms, px_ticks, px_ticks, px_ticks, px_ticks, 0, 0)

    def extend_bar(self, px_ticks: int, volume_lots: int) -> None:
        """The price was here; so much was traded."""
        bar = self.forming
        if bar is not None:
            self.forming = Row(
                bar.ts_ms,
                bar.open,
                max(bar.high, px_ticks),
                min(bar.low, px_ticks),
                px_ticks,
                bar.volume_lots + volume_lots,
                bar.trades + 1,
            )

    def finish_bar(self) -> Row | None:
        """Close the base bar."""
        bar, self.forming = self.forming, None
        if bar is not None:
            self.closed.append(bar)
            mark = self.mark_ticks
            self.mark_closed.append(Row(bar.ts_ms, mark, mark, mark, mark, 0, 0))
        return bar

    def bars(
        self, timeframe: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
    ) -> list[BarChanged]:
        """Bars that open in [start, end], ascending; the last may still be forming.

        With a start the first ``limit`` of them, without one the last. Bars finer than the base there are none.
        """
        return self._bars(timeframe, start_ms, end_ms, limit, marks=False)

    def mark_bars(
        self, timeframe: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
    ) -> list[BarChanged]:
        """The same of the mark price, which is known at the closes of base bars."""
        return self._bars(timeframe, start_ms, end_ms, limit, marks=True)

    def newest(self, timeframe: str, event_ms: int, *, closing: bool = False) -> BarChanged | None:
        """The forming bar of a timeframe; or (``closing``) what a base bar that closed just now made of it."""
        row, is_closed = self._newest(TIMEFRAMES[timeframe], timeframe, closing)
        return None if row is None else BarChanged(event_ms, self.symbol, timeframe, *row, is_closed)

    def _newest(self, length_ms: int, timeframe: str, closing: bool) -> tuple[Row | None, bool]:
        if length_ms < self.base_ms:
            return None, False
        if length_ms == self.base_ms:
            last = self.closed.row(-1) if closing and len(self.closed) else None
            return (last, True) if closing else (self.forming, False)
        fold = self._fold(timeframe, marks=False)
        rows = fold.seen(self.closed)
        half = fold.with_forming(self.forming)
        if closing and half is None and len(rows):
            return rows.row(-1), True
        return half, False

    def _fold(self, timeframe: str, *, marks: bool) -> _Fold:
        fold = self._folds.get((timeframe, marks))
        if fold is None:
            fold = self._folds[(timeframe, marks)] = _Fold(TIMEFRAMES[timeframe], self.base_ms)
            if not marks and fold.length_ms >= HOUR_MS:
                fold.begin(self.older)
        return fold

    def _bars(
        self, timeframe: str, start_ms: int | None, end_ms: int | None, limit: int, *, marks: bool
    ) -> list[BarChanged]:
        if TIMEFRAMES[timeframe] < self.base_ms:
            return []
        columns, forming = (self.mark_closed, self._forming_mark()) if marks else (self.closed, self.forming)
        fold = self._fold(timeframe, marks=marks)
        rows, half = fold.seen(columns), fold.with_forming(forming)
        first = 0 if start_ms is None else rows.first_at(start_ms)
        stop = len(rows) if end_ms is None else rows.first_at(end_ms + 1)
        late = half is not None and (start_ms or 0) <= half.ts_ms <= (
            half.ts_ms if end_ms is None else end_ms
        )
        if start_ms is None:
            first = max(first, stop + late - limit)
        found = [self._told(timeframe, rows.row(k), True) for k in range(first, min(stop, first + limit))]
        if late and half is not None and len(found) < limit:
            found.append(self._told(timeframe, half, False))
        return found

    def _forming_mark(self) -> Row | None:
        if self.forming is None:
            return None
        mark = self.mark_ticks
        return Row(self.forming.ts_ms, mark, mark, mark, mark, 0, 0)

    def _told(self, timeframe: str, row: Row, closed: bool) -> BarChanged:
        return BarChanged(row.ts_ms, self.symbol, timeframe, *row, closed)

    # ---------------------------------------------------------------- statistics and trades
    @property
    def day(self) -> Day:
        """The last 24 hours of base bars, the forming one included."""
        forming, columns = self.forming, self.closed.columns
        newest = forming.ts_ms if forming else (columns[0][-1] if len(self.closed) else 0)
        if self._day is None or self._day[0] != (newest, len(self.closed)):
            self._day = ((newest, len(self.closed)), self._sum_closed(newest))
        day = self._day[1]
        if forming is None:
            return day
        first = day if day.trades else day._replace(open=forming.open, low=forming.low, open_ms=forming.ts_ms)
        return first._replace(
            high=max(first.high, forming.high),
            low=min(first.low, forming.low),
            last=forming.close,
            volume_lots=first.volume_lots + forming.volume_lots,
            quote_volume=first.quote_volume + forming.close * forming.volume_lots * self.listing.atoms,
            trades=first.trades + forming.trades,
        )

    def _sum_closed(self, newest_ms: int) -> Day:
        """What the closed bars of the day that ends with a bar come to; that bar itself may still be forming."""
        close_ms = newest_ms + self.base_ms - 1
        first = self.closed.first_at(newest_ms - DAY_MS + self.base_ms)
        times, opens, highs, lows, closes, volumes, trades = (c[first:] for c in self.closed.columns)
        if not opens:
            return Day(0, 0, 0, 0, 0, 0, 0, newest_ms, close_ms)
        ticklots = sum(px * lots for px, lots in zip(closes, volumes, strict=True))
        return Day(
            opens[0],
            max(highs),
            min(lows),
            closes[-1],
            sum(volumes),
            ticklots * self.listing.atoms,
            sum(trades),
            times[0],
            close_ms,
        )

    def print_trade(self, ts_ms: int, px_ticks: int, lots: int, taker_side: int) -> TradePrinted:
        """Write a public trade."""
        self.trade_count += 1
        trade = TradePrinted(ts_ms, self.symbol, self.trade_count, px_ticks, lots, taker_side)
        self.recent_trades.append(trade)
        return trade

    def funding(self, ts_ms: int) -> FundingChanged:
        """The next charge, as it is announced."""
        return FundingChanged(
            ts_ms, self.symbol, self.funding_rate_e8, self.next_funding_ms, self.funding_interval_ms
        )


class _Fold:
    """Base bars folded into coarser ones, as far as they have closed; goes on from where it was."""

    def __init__(self, length_ms: int, base_ms: int) -> None:
        self.length_ms, self.base_ms = length_ms, base_ms
        self.rows = Columns()
        self._used = 0
        self._half: Row | None = None

    def seen(self, base: Columns) -> Columns:
        """Every coarse bar that has closed."""
        if self.length_ms <= self.base_ms:
            return base
        while self._used < len(base):
            self._take(base.row(self._used))
            self._used += 1
        return self.rows

    def begin(self, hours: Columns) -> None:
        """Hours that were before the base bars."""
        for k in range(len(hours)):
            self._take(hours.row(k))

    def with_forming(self, forming: Row | None) -> Row | None:
        """The coarse bar that is forming."""
        if self.length_ms <= self.base_ms or forming is None:
            return forming if self._half is None else self._half
        half = self._half
        if half is None or half.ts_ms != self._begin(forming):
            return forming._replace(ts_ms=self._begin(forming))
        return _joined(half, forming)

    def _begin(self, row: Row) -> int:
        return row.ts_ms - row.ts_ms % self.length_ms

    def _take(self, row: Row) -> None:
        half = self._half
        if half is not None and half.ts_ms != self._begin(row):
            self.rows.append(half)
            half = None
        half = row._replace(ts_ms=self._begin(row)) if half is None else _joined(half, row)
        if row.ts_ms + self.base_ms >= half.ts_ms + self.length_ms:
            self.rows.append(half)
            half = None
        self._half = half


def _joined(half: Row, row: Row) -> Row:
    return Row(
        half.ts_ms,
        half.open,
        max(half.high, row.high),
        min(half.low, row.low),
        row.close,
        half.volume_lots + row.volume_lots,
        half.trades + row.trades,
    )
