"""One fault: where it may act, when it does, and how often it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from mastertrading.domain.errors import ConfigError
from mastertrading.simulator.faults.dice import Dice
from mastertrading.simulator.line import Frame, Line, Link
from mastertrading.simulator.wire import Delivery, Request, Response

if TYPE_CHECKING:
    from mastertrading.simulator.exchange import Exchange
    from mastertrading.simulator.faults.view import Sight


@dataclass(frozen=True, slots=True)
class When:
    """When a fault acts. All of it must hold.

    Attributes
    ----------
    kinds
        Tags of requests (``kinds.tags_of``) or of frames (``frames.tags_of``); empty: the fault's own.
    venue
        Only this one's; empty: any.
    from_ms, until_ms
        In the exchange's time, ``until`` excluded; 0: unbounded.
    nth
        Only the n-th matching occasion, from 1; empty: each.
    chance
        Probability of each.
    most
        Not after so many hits; 0: unbounded.
    """

    kinds: frozenset[str] = frozenset()
    venue: str = ""
    from_ms: int = 0
    until_ms: int = 0
    nth: frozenset[int] = frozenset()
    chance: float = 1.0
    most: int = 0

    def in_time(self, now_ms: int) -> bool:
        """Whether the window is open."""
        return now_ms >= self.from_ms and (not self.until_ms or now_ms < self.until_ms)


ALWAYS = When()


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and what faults want to know of it."""

    venue: str
    request: Request
    tags: frozenset[str]
    now_ms: int


@dataclass(slots=True)
class Venue:
    """What acts reach: one venue's exchange, as it really is."""

    name: str
    exchange: Exchange
    line: Line


Answer = Callable[[], Response]


@dataclass
class Fault:
    """Base of all faults. A kind of fault overrides the places where it acts; all others let pass.

    Attributes
    ----------
    when
        When it acts.
    seed
        Of its own dice: what other faults do never changes them.
    hits
        How often it acted.
    """

    id: ClassVar[str] = ""
    kinds: ClassVar[frozenset[str]] = frozenset()
    """What it is aimed at unless ``when`` says."""

    when: When = ALWAYS
    seed: int = 0
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self.key = self.id
        self.dice = Dice(f"{self.seed}/{self.id}")
        self._occasions = 0

    # ---------------------------------------------------------------- when
    def due(self, venue: str, tags: frozenset[str], now_ms: int) -> bool:
        """Whether it acts on an occasion; counts the occasion, and the hit."""
        if not self.aims_at(venue, tags, now_ms):
            return False
        self._occasions += 1
        if self.when.nth and self._occasions not in self.when.nth:
            return False
        if self.when.chance < 1.0 and self.dice.share() >= self.when.chance:
            return False
        self.hits += 1
        return True

    def aims_at(self, venue: str, tags: frozenset[str], now_ms: int) -> bool:
        """Whether an occasion is of its kind, at its time; counts nothing."""
        when = self.when
        if (when.venue and when.venue != venue) or not when.in_time(now_ms):
            return False
        if when.most and self.hits >= when.most:
            return False
        aim = when.kinds or self.kinds
        return not aim or bool(aim & tags)

    def due_for(self, call: Call) -> bool:
        """Whether it acts on a request."""
        return self.due(call.venue, call.tags, call.now_ms)

    def fits(self, venue: Venue) -> None:
        """Raise ``ConfigError`` if it is aimed at what a venue does not have."""

    # ---------------------------------------------------------------- where
    def connects(self, venue: str, now_ms: int) -> str:
        """A connection begins (on sockets): empty, or as ``Delivery.refuse``."""
        return ""

    def departs(self, call: Call) -> Delivery | None:
        """A request leaves the client."""
        return None

    def looks(self, call: Call) -> Sight | None:
        """How the venue sees its own exchange while it answers."""
        return None

    def before(self, call: Call, venue: Venue) -> None:
        """A request has reached the venue and is about to be answered."""

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """The reply leaves the venue."""
        return None

    def dials(self, call: Call) -> Delivery | None:
        """A WebSocket is dialled."""
        return None

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """A frame leaves the venue; None: it passes."""
        return None

    def hears(self, link: Link, now_ms: int) -> bool:
        """Whether a frame of the client arrives."""
        return True

    def pongs(self, link: Link, now_ms: int) -> bool:
        """Whether a ping of the client is answered."""
        return True

    def passes(self, venue: Venue, now_ms: int) -> None:
        """Time has passed: what is due by the clock."""

    def lifted(self, venue: Venue) -> None:
        """It is taken out of the plan; what it holds is let go."""


def parameter(given: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    """One parameter of a fault, checked.

    Raises
    ------
    ConfigError
        If it has another type.
    """
    value = given.get(name, default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ConfigError(f"a fault's {name} must be {kind.__name__}, not {value!r}")
    return value
