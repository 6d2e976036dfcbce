"""X07 ... X11, X33, C05: what the venue itself does not see, and a clock of its own that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mastertrading.domain.errors import ConfigError
from mastertrading.simulator.faults.editing import edited, rows_of
from mastertrading.simulator.faults.fault import Call, Fault
from mastertrading.simulator.faults.view import Sight
from mastertrading.simulator.line import Frame, Link
from mastertrading.simulator.wire import ON_TIME, Delivery, Response

READ = frozenset({"read"})


@dataclass
class ReadLag(Fault):
    """X07: orders, fills and positions are told as they were, each by its own age.

    An age of -1 is drawn anew for each request, up to ``largest_ms``.
    """

    id = "X07"
    kinds = READ
    orders_ms: int = -1
    fills_ms: int = -1
    positions_ms: int = -1
    largest_ms: int = 15_000

    def looks(self, call: Call) -> Sight | None:
        """Look back."""
        if not self.due_for(call):
            return None
        ages = [
            self.dice.whole(1_000, max(self.largest_ms, 1_000)) if age < 0 else age
            for age in (self.orders_ms, self.fills_ms, self.positions_ms)
        ]
        return Sight(orders_ms=ages[0], fills_ms=ages[1], positions_ms=ages[2])


@dataclass
class NoPositions(Fault):
    """X08: the list of positions is empty while some are open."""

    id = "X08"
    kinds = frozenset({"positions", "balance"})

    def looks(self, call: Call) -> Sight | None:
        """See none."""
        return Sight(no_positions=True) if self.due_for(call) else None


@dataclass
class PageMissing(Fault):
    """X09: rows are missing from the middle of a list, as if a page had been lost."""

    id = "X09"
    kinds = frozenset({"fills", "order_history", "income", "open_orders", "positions"})
    count: int = 1

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Leave them out."""
        if "order" in call.tags or not self.due_for(call):
            return None

        def edit(told: Any) -> Any:
            rows = rows_of(call.venue, told)
            middle = max((len(rows) - self.count) // 2, 0)
            del rows[middle : middle + self.count]
            return told

        return edited(response, edit), ON_TIME


@dataclass
class Inconsistent(Fault):
    """X10: an order is in the history but not among the open ones (``hides = open``), or the reverse."""

    id = "X10"
    kinds = frozenset({"open_orders", "order_history", "order"})
    hides: str = "open"

    def looks(self, call: Call) -> Sight | None:
        """Hide one surface."""
        surface = {"open": "open_orders", "history": "order_history"}.get(self.hides)
        if surface is None:
            raise ConfigError(f"hides must be open or history, not {self.hides!r}")
        if surface not in call.tags or not self.due_for(call):
            return None
        return Sight(no_open=True) if self.hides == "open" else Sight(no_history=True)


@dataclass
class StopsElsewhere(Fault):
    """X11: whoever asks for conditional orders is told that there are none."""

    id = "X11"
    kinds = frozenset({"open_orders", "order_history", "order"})

    def looks(self, call: Call) -> Sight | None:
        """Hide them."""
        return Sight(no_conditional=True) if self.due_for(call) else None


@dataclass
class WrongOrderOfNews(Fault):
    """X33: the stream knows before REST does (``first = stream``), or REST long before the stream."""

    id = "X33"
    kinds = frozenset({"read", "order_news", "account_news"})
    first: str = "stream"
    lag_ms: int = 3_000

    def looks(self, call: Call) -> Sight | None:
        """REST is behind."""
        if self.first != "stream" or not self.due_for(call):
            return None
        return Sight(self.lag_ms, self.lag_ms, self.lag_ms, self.lag_ms)

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """The stream is behind."""
        if self.first == "stream" or not self.due(link.venue, tags, now_ms):
            return None
        return (replace(frame, delay_ms=frame.delay_ms + self.lag_ms),)


@dataclass
class ServerClock(Fault):
    """C05: the venue's clock is wrong, in its answers and in what it takes for stale."""

    id = "C05"
    kinds = frozenset({"time", "private", "public"})
    error_ms: int = 8_000

    def looks(self, call: Call) -> Sight | None:
        """Another time."""
        return Sight(clock_error_ms=self.error_ms) if self.due_for(call) else None
