"""What the replay reads of consecutive bars: arrays of the market and of what was said, as they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from mastertrading.domain.market import F64, Bool, Records


class Quotes(NamedTuple):
    """Prices as the market has them, shape (bars, instruments).

    Attributes
    ----------
    good
        Where the bar can be traded on: it is valid and has a mark. Without rows: everywhere.
    per_tick
        Ticks in one unit of the quote currency, shape (instruments,).
    """

    open: F64
    high: F64
    low: F64
    close: F64
    mark: F64
    good: Bool
    per_tick: F64

    def cut(self, start: int, stop: int) -> Quotes:
        """The bars [start, stop)."""
        opens, highs, lows, closes, marks, good, per_tick = self
        if (start, stop) == (0, len(closes)):
            return self
        now = slice(start, stop)
        return Quotes(opens[now], highs[now], lows[now], closes[now], marks[now], good[now], per_tick)


class Said(NamedTuple):
    """What the modules say.

    Attributes
    ----------
    loudest
        0 where no module speaks, shape (bars, instruments); where there is but one, its forecast.
    verdicts
        VERDICT (bars, instruments, modules). Without rows: one module that says what is loudest and nothing else.
    """

    loudest: F64
    verdicts: Records

    def cut(self, start: int, stop: int) -> Said:
        """The bars [start, stop)."""
        return Said(*(each[start:stop] for each in self))


class Models(NamedTuple):
    """What is known of the market beside prices, shape (bars, instruments); without rows where nothing is.

    Attributes
    ----------
    contexts
        CONTEXT records, of the signals.
    regime, volatility
        Causal arrays of models.
    """

    contexts: Records
    regime: F64
    volatility: F64

    def cut(self, start: int, stop: int) -> Models:
        """The bars [start, stop)."""
        return Models(*(each[start:stop] for each in self))


class Clock(NamedTuple):
    """When bars are, and what is true of a minute for every instrument.

    Attributes
    ----------
    opened_ms, length_ms
        Open of the first bar, and the length of each: they follow on one another without a gap.
    sessions
        One SESSIONS record in an array.
    hours
        When the first hour of the hourly returns begins, and how many hours there are.
    blackout
        1 near an important event, shape (bars,); without rows: nowhere.
    """

    opened_ms: int
    length_ms: int
    sessions: Records
    hours: tuple[int, int]
    blackout: Records


class Chunk(NamedTuple):
    """Inputs of consecutive bars. The engine makes a row of them where it looks at one."""

    quotes: Quotes
    said: Said
    models: Models
    clock: Clock

    @property
    def bars(self) -> int:
        """How many bars there are."""
        return len(self.quotes.close)

    def plain(self) -> tuple[Any, ...]:
        """The same as bare tuples, for kernels."""
        return tuple(self.quotes), tuple(self.said), tuple(self.models), tuple(self.clock)
