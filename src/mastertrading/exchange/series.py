"""Closed bars of one instrument, each once and in order, whatever a stream repeats, reorders, skips or takes back."""

from __future__ import annotations

from collections import deque

from mastertrading.domain.errors import UsageError
from mastertrading.domain.feed import Bar, BarRevised
from mastertrading.domain.timeframes import TIMEFRAMES

REMEMBERED = 64
"""Closed bars by which a repetition is told from a revision."""


class Series:
    """One instrument's bars.

    Parameters
    ----------
    next_ms
        Open time of the first bar that is wanted.
    """

    def __init__(self, symbol: str, step_ms: int, next_ms: int) -> None:
        self.symbol, self.step_ms = symbol, step_ms
        self.next_ms = next_ms
        self.wanted_ms = next_ms
        """Bars that open before this are missing and have to be read by REST."""
        self.repeated = 0
        self._closed: deque[Bar] = deque(maxlen=REMEMBERED)

    @property
    def has_gap(self) -> bool:
        """Whether bars are missing that the stream will not bring any more."""
        return self.wanted_ms > self.next_ms

    def take(self, bar: Bar) -> Bar | BarRevised | None:
        """A bar of the stream: what to hand on, if anything."""
        if bar.ts_ms % self.step_ms:
            return None
        if bar.ts_ms < self.next_ms:
            return self._again(bar)
        if bar.ts_ms > self.next_ms:
            self.want(bar.ts_ms + (self.step_ms if bar.closed else 0))
            return None
        if not bar.closed:
            return bar
        if self.has_gap:  # REST is reading this very bar
            return None
        return self._close(bar)

    def fill(self, bar: Bar) -> Bar | None:
        """A closed bar of REST: the one that is next, or None."""
        if bar.ts_ms != self.next_ms or not bar.closed:
            return None
        return self._close(bar)

    def skip_to(self, ts_ms: int) -> int:
        """Give up the bars before this one; hands back where the hole began."""
        since, self.next_ms = self.next_ms, max(ts_ms, self.next_ms)
        self.want(self.next_ms)
        return since

    def want(self, ts_ms: int) -> None:
        """Every bar that opens before this has to come."""
        self.wanted_ms = max(self.wanted_ms, ts_ms)

    def overdue(self, now_ms: int, grace_ms: int) -> bool:
        """Whether the next bar should have come by now; it is then wanted by REST."""
        late = now_ms >= self.next_ms + self.step_ms + grace_ms
        if late:
            self.want(now_ms // self.step_ms * self.step_ms)
        return late

    def _close(self, bar: Bar) -> Bar:
        self._closed.append(bar)
        self.next_ms = bar.ts_ms + self.step_ms
        self.want(self.next_ms)
        return bar

    def _again(self, bar: Bar) -> BarRevised | None:
        """A bar that was closed before: a repetition is dropped, a revision told."""
        known = next((one for one in self._closed if one.ts_ms == bar.ts_ms), None)
        self.repeated += 1
        if known is None or not bar.closed or _same(known, bar):
            return None
        self._closed[self._closed.index(known)] = bar
        return BarRevised(bar, known, bar.event_ms)


def _same(one: Bar, other: Bar) -> bool:
    return (one.open, one.high, one.low, one.close, one.volume) == (
        other.open,
        other.high,
        other.low,
        other.close,
        other.volume,
    )


def length_ms(timeframe: str) -> int:
    """Length of a bar.

    Raises
    ------
    UsageError
    """
    if timeframe not in TIMEFRAMES:
        raise UsageError(f"there are no bars of {timeframe!r}", why=f"there are {', '.join(TIMEFRAMES)}")
    return TIMEFRAMES[timeframe]
