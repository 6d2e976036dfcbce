"""Frames into features of a bar: imbalance, signed volume, spread, microprice, open interest.

The exchange's event time decides which bar a frame belongs to: a bar [t, t + length) takes frames with
t <= event time < t + length, and the state of the book at its close is what those frames have left. Between two frames
a state lasts; averages over time weigh each state by how long it lasted while the recording ran.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mastertrading.lake.micro_book import Book
from mastertrading.lake.micro_frames import Depth, Frame, Interest, Quote, Snapshot, Trade

LEVELS = (1, 5, 10)
GRACE_MS = 1_000
"""A bar is finished when frames of this much later have come; what still comes for it then is late."""
PAUSE_MS = 10_000
"""With no frame of any kind for so long the recording stood still, and nothing is known of that time."""
BPS = 10_000.0
MOST = 1 << 62
"""No bar trades more, in 1e-8 base units; a recording that says so is damaged."""

BOOK_STATES = ("imbalance_1", "imbalance_5", "imbalance_10")
QUOTE_STATES = ("spread_bps", "microprice_bps")
WHOLE = ("buy_e8", "sell_e8", "delta_e8", "trades")
"""Columns of whole numbers: volumes in 1e-8 base units."""
COLUMNS = (
    *BOOK_STATES,
    *(f"{name}_mean" for name in BOOK_STATES),
    *QUOTE_STATES,
    *(f"{name}_mean" for name in QUOTE_STATES),
    "spread_bps_max",
    *WHOLE,
    "vwap",
    "open_interest",
    "open_interest_change",
    "coverage",
    "book_coverage",
    "quote_coverage",
)
NAN = float("nan")

State = tuple[float, ...]


@dataclass(slots=True)
class Timed:
    """States over the time of one bar: weighted sums, the largest first component, the one at the close."""

    ms: int = 0
    sums: list[float] = field(default_factory=list)
    most: float = -1.0
    close: State | None = None

    def add(self, state: State, ms: int) -> None:
        """Count a state that lasted ``ms``."""
        self.ms += ms
        self.sums = [a + b * ms for a, b in zip(self.sums or [0.0] * len(state), state, strict=True)]
        self.most = max(self.most, state[0])

    def means(self, count: int) -> list[float]:
        """Averages over the time that was counted; NaN without any."""
        return [total / self.ms for total in self.sums] if self.ms else [NAN] * count

    def at_close(self, count: int) -> State:
        """The state at the bar's close; NaN where it was not known."""
        return self.close if self.close is not None else (NAN,) * count


@dataclass(slots=True)
class Bar:
    """What one bar has collected."""

    book: Timed = field(default_factory=Timed)
    best_quote: Timed = field(default_factory=Timed)
    depth_quote: Timed = field(default_factory=Timed)
    running: Timed = field(default_factory=Timed)
    buy: int = 0
    sell: int = 0
    notional: int = 0
    trades: int = 0
    interest: int | None = None


class Stream:
    """A state that lasts until it changes, spread over the bars it lasts through."""

    def __init__(self, part: str, length_ms: int, bars: dict[int, Bar]) -> None:
        self._part, self._length, self._bars = part, length_ms, bars
        self.state: State | None = None
        self.clock: int | None = None

    def advance(self, to_ms: int) -> None:
        """Let the state last until a moment, and note it at every close on the way."""
        clock = self.clock
        if clock is None:
            self.clock = to_ms
            return
        while clock < to_ms:
            open_ms = clock - clock % self._length
            close_ms = open_ms + self._length
            end = min(close_ms, to_ms)
            if self.state is not None:
                timed: Timed = getattr(self._bars.setdefault(open_ms, Bar()), self._part)
                timed.add(self.state, end - clock)
                if end == close_ms:
                    timed.close = self.state
            clock = end
        self.clock = clock

    def change(self, at_ms: int, state: State | None) -> None:
        """Another state from a moment on."""
        self.advance(at_ms)
        self.state = state


class MicroBars:
    """Makes the rows of a feature series from frames, in bounded memory: only open bars are kept in full.

    Parameters
    ----------
    length_ms
        Length of a bar.

    Attributes
    ----------
    counts
        ``late``, ``duplicate_trades``, ``missing_trades``, ``second_trade_stream``, ``too_large``, ``pauses``.
    """

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self.book = Book()
        self.counts: Counter[str] = Counter()
        self.times = array("q")
        self.columns = {name: array("q" if name in WHOLE else "d") for name in COLUMNS}
        self._bars: dict[int, Bar] = {}
        parts = ("book", "best_quote", "depth_quote", "running")
        self._streams = {part: Stream(part, length_ms, self._bars) for part in parts}
        self._streams["running"].state = (1.0,)
        self._newest: int | None = None
        self._sealed_ms = 0
        self._last_trade: int | None = None
        self._aggregated: bool | None = None
        self._interest: int | None = None

    def add(self, frame: Frame) -> None:
        """Take a frame in."""
        self._move_on(frame.event_ms)
        late = frame.event_ms < self._sealed_ms
        self.counts["late"] += late
        if isinstance(frame, Trade):
            self._trade(frame, late)
        elif isinstance(frame, Quote):
            self._streams["best_quote"].change(
                frame.event_ms, _quote_state(frame.bid, frame.bid_qty, frame.ask, frame.ask_qty)
            )
        elif isinstance(frame, Interest):
            if not late:
                self._bar(frame.event_ms).interest = frame.amount
        else:
            self._depth(frame)

    def finish(self) -> None:
        """No more frames: what is open ends where the recording ends."""
        if self._newest is not None:
            self._let_pass(self._newest + 1)
            self._seal(self._newest + self.length_ms + 1)

    # ------------------------------------------------------------ time

    def _move_on(self, event_ms: int) -> None:
        """Let the recording reach a frame's time, and finish the bars that are over."""
        newest = self._newest
        if newest is None or event_ms > newest + PAUSE_MS:
            if newest is not None:
                self.counts["pauses"] += 1
                self._let_pass(newest + 1)
                self._seal(newest + self.length_ms + 1)
            for stream in self._streams.values():
                stream.clock = event_ms
            self._streams["best_quote"].state = None
            self._newest = event_ms
            return
        if event_ms <= newest:
            return
        self._newest = event_ms
        self._streams["running"].advance(event_ms)
        over = (event_ms - GRACE_MS) // self.length_ms * self.length_ms
        if over > self._sealed_ms:
            self._let_pass(over)
            self._seal(over)

    def _let_pass(self, to_ms: int) -> None:
        for stream in self._streams.values():
            if stream.clock is not None and stream.clock < to_ms:
                stream.advance(to_ms)

    def _bar(self, event_ms: int) -> Bar:
        return self._bars.setdefault(event_ms - event_ms % self.length_ms, Bar())

    def _seal(self, before_ms: int) -> None:
        """Write the rows of all bars that close at or before a moment, and forget them."""
        ended = sorted(open_ms for open_ms in self._bars if open_ms + self.length_ms <= before_ms)
        for open_ms in ended:
            self._write(open_ms, self._bars.pop(open_ms))
        if ended or before_ms > self._sealed_ms:
            last = ended[-1] + self.length_ms if ended else 0
            self._sealed_ms = max(self._sealed_ms, last, before_ms // self.length_ms * self.length_ms)

    # ------------------------------------------------------------ frames

    def _trade(self, frame: Trade, late: bool) -> None:
        if self._aggregated is None:
            self._aggregated = frame.aggregated
        if frame.aggregated != self._aggregated:  # the same executions told twice
            self.counts["second_trade_stream"] += 1
            return
        last = self._last_trade
        if last is not None and frame.number <= last:
            self.counts["duplicate_trades"] += 1
            return
        if last is not None:
            self.counts["missing_trades"] += frame.number - last - 1
        self._last_trade = frame.number
        if late:
            return
        bar = self._bar(frame.event_ms)
        if bar.buy + bar.sell + frame.qty > MOST:
            self.counts["too_large"] += 1
            return
        bar.trades += 1
        bar.notional += frame.price * frame.qty
        if frame.side > 0:
            bar.buy += frame.qty
        else:
            bar.sell += frame.qty

    def _depth(self, frame: Depth | Snapshot) -> None:
        """Change the book. Before that, what it was lasts until now."""
        at_ms = frame.event_ms
        for part in ("book", "depth_quote"):
            self._streams[part].advance(at_ms)
        if isinstance(frame, Snapshot):
            self.book.snapshot(frame)
        else:
            self.book.change(frame)
        book, quote = _book_state(self.book), _top_state(self.book)
        self._streams["book"].state, self._streams["depth_quote"].state = book, quote

    # ------------------------------------------------------------ rows

    def _write(self, open_ms: int, bar: Bar) -> None:
        quote = bar.best_quote if bar.best_quote.ms >= bar.depth_quote.ms else bar.depth_quote
        volume, before = bar.buy + bar.sell, self._interest
        self._interest = bar.interest if bar.interest is not None else before
        known = before is not None and self._interest is not None
        row: tuple[Any, ...] = (
            *bar.book.at_close(3),
            *bar.book.means(3),
            *quote.at_close(2),
            *quote.means(2),
            quote.most if quote.ms else NAN,
            bar.buy,
            bar.sell,
            bar.buy - bar.sell,
            bar.trades,
            bar.notional / volume / 1e8 if volume else NAN,
            NAN if self._interest is None else self._interest / 1e8,
            ((self._interest or 0) - (before or 0)) / 1e8 if known else NAN,
            *(part.ms / self.length_ms for part in (bar.running, bar.book, quote)),
        )
        self.times.append(open_ms)
        for name, value in zip(COLUMNS, row, strict=True):
            self.columns[name].append(value)


def _quote_state(bid: int, bid_qty: int, ask: int, ask_qty: int) -> State | None:
    """Spread and microprice offset in bps of the mid; None where nothing stands.

    Microprice = (bid × ask quantity + ask × bid quantity) / (bid quantity + ask quantity): the mid, leaning to the
    side with less on it (Gatheral and Oomen, "Zero-intelligence realized variance estimation", 2010).
    """
    volume = bid_qty + ask_qty
    if volume == 0:
        return None
    spread, total = ask - bid, ask + bid
    lean = spread * (bid_qty - ask_qty) / (volume * total)
    return 2.0 * BPS * spread / total, BPS * lean


def _top_state(book: Book) -> State | None:
    if not book.valid:
        return None
    bid, ask = book.bids.prices[-1], book.asks.prices[0]
    return _quote_state(bid, book.bids.qty[bid], ask, book.asks.qty[ask])


def _book_state(book: Book) -> State | None:
    """Imbalance (bids − asks) / (bids + asks) of the best 1, 5 and 10 levels; None while the book is not known."""
    if not book.valid:
        return None
    sums = (book.top(levels) for levels in LEVELS)
    return tuple((bids - asks) / (bids + asks) for bids, asks in sums)
