"""What the exchange plays: bars as points of a path, or the frames of a recorded book.

A bar is played as four points, all instruments together: open, first extreme, second extreme, close. Bars do not say
when their extremes were, so that is a convention: a third and two thirds into the bar.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.market import F64, HOUR_MS, I64, Market, Settlements
from mastertrading.domain.reasons import IntrabarPath
from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.rules.position.fills import adverse_first
from mastertrading.settings.records import rate_e8
from mastertrading.simulator.events import FundingChanged
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.market import MarketState, Row

_adverse_first = interpreted(adverse_first)

OPEN, FIRST, SECOND, CLOSE, FRAME = "open", "first", "second", "close", "frame"


def offsets_ms(base_ms: int) -> dict[str, int]:
    """When the points of a bar are, from its open: 0, 20, 40 and 59.999 s of a minute."""
    return {OPEN: 0, FIRST: base_ms // 3, SECOND: 2 * base_ms // 3, CLOSE: base_ms - 1}


class Point(NamedTuple):
    """One moment of a tape. ``bar``: its place in the tape, counted from the first that is played."""

    ts_ms: int
    name: str
    bar: int
    play: Callable[[Exchange], None]


class Tape(Protocol):
    """Something to play: bars, or frames of a book."""

    def load(self, exchange: Exchange) -> None:
        """Tell the exchange what was before the first point."""

    def points(self, exchange: Exchange) -> Iterator[Point]:
        """The points, ascending in time. The next is asked for when the last was played."""


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar in ticks, named as the fill rule reads it."""

    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True, slots=True)
class _Column:
    """One instrument's bars, in ticks and lots, as Python lists."""

    symbol: str
    valid: list[bool]
    bars: list[tuple[int, int, int, int]]
    volume: list[int]
    mark: list[int]


def in_ticks(px: F64, tick: Decimal) -> I64:
    """Prices in whole ticks, exactly as the engine counts them (``engine/rows``)."""
    clean: I64 = np.nan_to_num(px * (1.0 / float(tick)) + 0.5).astype(np.int64)
    return clean


class BarTape:
    """Recorded or synthetic bars of a market panel.

    Parameters
    ----------
    market
        The panel. Bars before ``first`` are history, which clients can ask for.
    first, stop
        Bars [first, stop) are played.
    path
        Which extreme comes first: the nearer to the open (``NEAREST_FIRST``), or the worse or better one for whoever
        holds a position. Where two are equally near, and for the last two, the side is that of all positions
        together; nobody holding anything counts as long.
    history
        How many bars before ``first`` are loaded; None: all.
    """

    def __init__(
        self,
        market: Market,
        first: int = 0,
        stop: int | None = None,
        *,
        path: IntrabarPath = IntrabarPath.NEAREST_FIRST,
        history: int | None = None,
    ) -> None:
        self.market, self.first, self.path = market, first, path
        self.stop = len(market.ts_ms) if stop is None else stop
        self.history = first if history is None else min(first, history)
        self._columns = [self._column(n) for n in range(len(market.instruments))]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is played."""
        return self.market.symbols

    def _column(self, n: int) -> _Column:
        market, rows = self.market, slice(self.first - self.history, self.stop)
        instrument = market.instruments[n]
        prices = [
            in_ticks(a[rows, n], instrument.tick)
            for a in (market.open, market.high, market.low, market.close)
        ]
        mark = prices[3]
        valid = market.valid[rows, n]
        if market.mark_close is not None:
            own = market.mark_close[rows, n]
            mark = np.where(np.isnan(own), mark, in_ticks(own, instrument.tick))
        size = float(instrument.lot * instrument.multiplier)
        volume = np.nan_to_num(np.rint(market.volume[rows, n] / size)).astype(np.int64)
        return _Column(
            instrument.symbol,
            (valid & (mark > 0)).tolist(),
            list(zip(*(p.tolist() for p in prices), strict=True)),
            volume.tolist(),
            mark.tolist(),
        )

    def load(self, exchange: Exchange) -> None:
        """History, the price just before the first bar, and the settlements to come."""
        begin_ms = int(self.market.ts_ms[self.first]) if self.first < len(self.market.ts_ms) else 0
        for n, column in enumerate(self._columns):
            state = exchange.markets[column.symbol]
            state.base_ms = self.market.base_ms
            state.watched |= {name for name, length in TIMEFRAMES.items() if length == state.base_ms}
            self._load_history(state, column)
            self._load_hours(state, n)
            every = planned(self.market.settlements[n], 0)
            state.settlements.extend(
                FundingChanged(when, column.symbol, rate, when, interval, settled=True)
                for when, rate, interval in every
                if when < begin_ms
            )
            due = [row for row in every if row[0] >= begin_ms]
            exchange.plan_funding(column.symbol, due, from_ms=begin_ms)

    def _load_history(self, state: MarketState, column: _Column) -> None:
        there = np.flatnonzero(np.array(column.valid[: self.history], dtype=bool))
        if len(there) == 0:
            return
        ts_ms = self.market.ts_ms[self.first - self.history + there]
        prices = np.array(column.bars[: self.history], dtype=np.int64)[there]
        volume, mark = np.array(column.volume)[there], np.array(column.mark)[there]
        zeros, fours = np.zeros_like(ts_ms), np.full_like(ts_ms, len(offsets_ms(1)))
        state.closed.extend(ts_ms, *prices.T, volume, fours)
        state.mark_closed.extend(ts_ms, mark, mark, mark, mark, zeros, zeros)
        state.last_ticks = int(prices[-1, 3])
        state.mark_ticks = state.index_ticks = int(mark[-1])
        state.held = True

    def _load_hours(self, state: MarketState, n: int) -> None:
        if not self.market.primer:  # a market in memory may have no past at all
            return
        hours, instrument = self.market.primer[n], self.market.instruments[n]
        there = hours.ts_ms + HOUR_MS <= self.market.ts_ms[self.first - self.history]
        prices = [
            in_ticks(one[there], instrument.tick) for one in (hours.open, hours.high, hours.low, hours.close)
        ]
        lots = np.rint(hours.volume[there] / float(instrument.lot * instrument.multiplier)).astype(np.int64)
        state.older.extend(hours.ts_ms[there], *prices, lots, np.full_like(lots, len(offsets_ms(1))))

    def points(self, exchange: Exchange) -> Iterator[Point]:
        """Four points a bar; an instrument without a bar has none, and its orders wait."""
        times, offsets = self.market.ts_ms, offsets_ms(self.market.base_ms)
        for bar in range(self.stop - self.first):
            k, ts_ms = bar + self.history, int(times[self.first + bar])
            there = [column for column in self._columns if column.valid[k]]
            acts = _acts(there, k, ts_ms + self.market.base_ms, self.path)
            for name, act in acts.items():
                yield Point(ts_ms + offsets[name], name, bar, act)


def _acts(
    there: Sequence[_Column], k: int, close_ms: int, path: IntrabarPath
) -> dict[str, Callable[[Exchange], None]]:
    """The four points of one bar."""
    order: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
    return {
        OPEN: _Open(there, k, close_ms),
        FIRST: _Extreme(there, k, 0, order, path),
        SECOND: _Extreme(there, k, 1, order, path),
        CLOSE: _Close(there, k),
    }


def play_bars(
    exchange: Exchange,
    bars: Mapping[str, Row],
    base_ms: int,
    path: IntrabarPath = IntrabarPath.NEAREST_FIRST,
    *,
    set_clock: Callable[[int], None] = lambda ts_ms: None,
) -> None:
    """Play one bar of some instruments at once, exactly as a tape does; the mark is the close.

    Parameters
    ----------
    bars
        By instrument, all of one open time.
    set_clock
        Told the time of each of the four points before it is played.
    """
    for point in points_of(bars, base_ms, path):
        set_clock(point.ts_ms)
        point.play(exchange)


def points_of(
    bars: Mapping[str, Row],
    base_ms: int,
    path: IntrabarPath = IntrabarPath.NEAREST_FIRST,
    marks: Mapping[str, int] | None = None,
) -> list[Point]:
    """The four points of one bar of some instruments; their marks at its close (ticks), where not the close itself."""
    told = marks or {}
    columns = [
        _Column(
            symbol,
            [True],
            [(row.open, row.high, row.low, row.close)],
            [row.volume_lots],
            [told.get(symbol, row.close)],
        )
        for symbol, row in bars.items()
    ]
    open_ms, offsets = max(row.ts_ms for row in bars.values()), offsets_ms(base_ms)
    acts = _acts(columns, 0, open_ms + base_ms, path)
    return [Point(open_ms + offsets[name], name, 0, act) for name, act in acts.items()]


def planned(settlements: Settlements, from_ms: int) -> list[tuple[int, int, int]]:
    """Settlements from a moment on as (when, rate in 1e-8, interval)."""
    rows = zip(settlements.ts_ms, settlements.rate, settlements.interval_ms, strict=True)
    return [
        (int(when), rate_e8(float(rate)), int(interval)) for when, rate, interval in rows if when >= from_ms
    ]


@dataclass(frozen=True, slots=True)
class _Open:
    """Funding of the whole bar on what was held before it, then every instrument's open."""

    columns: Sequence[_Column]
    k: int
    close_ms: int

    def __call__(self, exchange: Exchange) -> None:
        exchange.charge_due(self.close_ms)
        for column in self.columns:
            exchange.open_bar(column.symbol, column.bars[self.k][0], volume_lots=column.volume[self.k])


@dataclass(frozen=True, slots=True)
class _Extreme:
    """The legs to one extreme. Which it is, is settled at the first one, by who holds what then."""

    columns: Sequence[_Column]
    k: int
    turn: int
    order: dict[str, tuple[tuple[int, int], tuple[int, int]]] = field(repr=False)
    path: IntrabarPath

    def __call__(self, exchange: Exchange) -> None:
        for column in self.columns:
            bar = _Bar(*column.bars[self.k])
            if self.turn == 0:
                self.order[column.symbol] = self._order(exchange, column.symbol, bar)
            px, direction = self.order[column.symbol][self.turn]
            exchange.travel(column.symbol, px, direction, volume_lots=column.volume[self.k] // 4)

    def _order(self, exchange: Exchange, symbol: str, bar: _Bar) -> tuple[tuple[int, int], tuple[int, int]]:
        held = sum(p.lots for account in exchange.accounts.values() for p in account.held(symbol))
        side = -1 if held < 0 else 1
        low_first = _adverse_first(side, bar, int(self.path)) == (side > 0)
        low, high = (bar.low, -1), (bar.high, 1)
        return (low, high) if low_first else (high, low)


@dataclass(frozen=True, slots=True)
class _Close:
    """The legs to the close, the marks of all instruments at once, and the end of the bar."""

    columns: Sequence[_Column]
    k: int

    def __call__(self, exchange: Exchange) -> None:
        for column in self.columns:
            last = column.volume[self.k] - 3 * (column.volume[self.k] // 4)
            px = column.bars[self.k][3]
            exchange.travel(column.symbol, px, volume_lots=last, liquidates=False)
        marks = {c.symbol: (c.mark[self.k], c.mark[self.k]) for c in self.columns}
        exchange.set_marks(marks)
        for column in self.columns:
            exchange.close_bar(column.symbol)


# ---------------------------------------------------------------- frames
class FrameTape:
    """Raw frames of a book: lines ``<ns receive time> <json>`` of Binance's depth, best-price and trade streams.

    The levels of the book are the recorded ones: market orders sweep them, limits fill when the other side crosses
    them. Depth updates count from the snapshot on.
    """

    def __init__(self, path: Path, symbol: str, *, limit: int | None = None) -> None:
        self.path, self.symbol, self.limit = path, symbol, limit

    def load(self, exchange: Exchange) -> None:
        """Nothing was before the first frame."""

    def points(self, exchange: Exchange) -> Iterator[Point]:
        """One point a frame, from the snapshot on."""
        snapshot_id = self._snapshot_id()
        known = False
        last_ms = 0
        for count, frame in enumerate(self._frames()):
            if self.limit is not None and count >= self.limit:
                return
            data = frame.get("data", frame)
            if "lastUpdateId" in data:
                known = True
            elif not known or int(data.get("u", snapshot_id + 1)) <= snapshot_id:
                continue
            last_ms = max(last_ms, int(data["E"]))
            yield Point(last_ms, FRAME, count, _Frame(self.symbol, data))

    def _frames(self) -> Iterator[dict[str, Any]]:
        opener = gzip.open if self.path.suffix == ".gz" else open
        with opener(self.path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    frame = json.loads(line.partition(" ")[2])
                except ValueError as error:
                    raise DataUnreadable(
                        "a frame is not JSON", why=str(error), where=f"{self.path}:{number}"
                    ) from error
                yield frame

    def _snapshot_id(self) -> int:
        for frame in self._frames():
            if "lastUpdateId" in frame:
                return int(frame["lastUpdateId"])
        raise DataUnreadable("no snapshot among the frames", where=str(self.path))


@dataclass(frozen=True, slots=True)
class _Frame:
    symbol: str
    data: Mapping[str, Any]

    def __call__(self, exchange: Exchange) -> None:
        exchange.charge_due(exchange.clock.now_ms() + 1)
        data, listing = self.data, exchange.listings[self.symbol]

        def levels(rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
            ticks, lots = listing.instrument.tick, listing.instrument.lot
            return [(int(Decimal(px) / ticks), int(Decimal(qty) / lots)) for px, qty in rows]

        if "lastUpdateId" in data:
            exchange.set_book(self.symbol, levels(data["bids"]), levels(data["asks"]), snapshot=True)
        elif data.get("e") == "depthUpdate":
            exchange.set_book(self.symbol, levels(data["b"]), levels(data["a"]))
        elif data.get("e") == "trade" and data.get("X", "MARKET") == "MARKET":
            (px, lots) = levels([(data["p"], data["q"])])[0]
            exchange.print_trade(self.symbol, px, lots, -1 if data["m"] else 1)
