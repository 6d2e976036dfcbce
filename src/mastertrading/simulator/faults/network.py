"""N: what networks do. Each is a ``Delivery``, or something done to frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from mastertrading.simulator.faults.fault import Call, Fault, Venue
from mastertrading.simulator.line import Frame, Link
from mastertrading.simulator.wire import ON_TIME, Delivery, Response

PRIVATE_COMMANDS = frozenset({"command"})


@dataclass
class _Refused(Fault):
    how: ClassVar[str] = ""

    def connects(self, venue: str, now_ms: int) -> str:
        """Refuse the connection, where the fault is not aimed at kinds of requests."""
        aimed = self.when.kinds or self.when.nth or self.when.chance < 1.0
        return "" if aimed or not self.due(venue, frozenset(), now_ms) else self.how

    def departs(self, call: Call) -> Delivery | None:
        """Refuse it."""
        return Delivery(refuse=self.how) if self.due_for(call) else None

    def dials(self, call: Call) -> Delivery | None:
        """Refuse it."""
        return self.departs(call)


@dataclass
class ConnectRefused(_Refused):
    """N01: nobody listens."""

    id = "N01"
    how = "connect"


@dataclass
class NoName(_Refused):
    """N02: the name does not resolve."""

    id = "N02"
    how = "dns"


@dataclass
class BadCertificate(_Refused):
    """N03: the server's certificate has expired."""

    id = "N03"
    how = "tls"


@dataclass
class HangsBeforeSending(Fault):
    """N04: the request never gets out of the client's machine, and the client waits."""

    id = "N04"
    kinds = PRIVATE_COMMANDS

    def departs(self, call: Call) -> Delivery | None:
        """Lose it."""
        return Delivery(lose_request=True) if self.due_for(call) else None


@dataclass
class RequestLost(HangsBeforeSending):
    """N05: the request is lost on its way; for the client the same as N04."""

    id = "N05"


@dataclass
class ReplyLost(Fault):
    """N06: the request was accepted; the reply never comes."""

    id = "N06"
    kinds = PRIVATE_COMMANDS
    how: ClassVar[str] = "hang"

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Lose the reply."""
        return (response, Delivery(lose_reply=self.how)) if self.due_for(call) else None


@dataclass
class LateArrival(Fault):
    """N07: the request arrives late; perhaps when its client has long gone."""

    id = "N07"
    kinds = PRIVATE_COMMANDS
    least_ms: int = 500
    largest_ms: int = 20_000

    def departs(self, call: Call) -> Delivery | None:
        """Delay it."""
        if not self.due_for(call):
            return None
        return Delivery(request_delay_ms=self.dice.whole(self.least_ms, self.largest_ms))


@dataclass
class CutAfterAccept(ReplyLost):
    """N08: accepted, then the connection is reset."""

    id = "N08"
    how = "reset"


@dataclass
class Truncated(Fault):
    """N09: accepted; only the beginning of the reply's body arrives."""

    id = "N09"
    kinds = PRIVATE_COMMANDS
    share: float = 0.5

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Cut the body."""
        if not self.due_for(call):
            return None
        return response, Delivery(cut_at=int(self.share * len(response.body)))


@dataclass
class _OnLinks(Fault):
    """What befalls whole connections: chosen once for each, by the first frame or ping in the time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._chosen: dict[int, bool] = {}

    def befalls(self, link: Link, now_ms: int) -> bool:
        """Whether this connection is one of those."""
        if not self.when.in_time(now_ms):
            return False
        if link.number not in self._chosen:
            self._chosen[link.number] = self.due(link.venue, link_tags(link), now_ms)
        return self._chosen[link.number]


def link_tags(link: Link) -> frozenset[str]:
    """``stream``, and whether it is the private one."""
    private = "/private" in link.request.path or "listenKey" in link.request.query
    return frozenset({"stream", "private" if private else "public"})


@dataclass
class HalfOpen(_OnLinks):
    """N10: the connection seems to stand, and nothing goes through: no frames, no pongs, no end."""

    id = "N10"

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """None comes."""
        return () if self.befalls(link, now_ms) else None

    def hears(self, link: Link, now_ms: int) -> bool:
        """Nothing is heard."""
        return not self.befalls(link, now_ms)

    def pongs(self, link: Link, now_ms: int) -> bool:
        """No pong."""
        return not self.befalls(link, now_ms)


@dataclass
class Silent(_OnLinks):
    """N11: pings are answered, but no data comes any more."""

    id = "N11"

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Only what answers pings passes."""
        return () if "data" in tags and self.befalls(link, now_ms) else None


@dataclass
class Disordered(Fault):
    """N12: frames come twice, late, and so out of their order."""

    id = "N12"
    kinds = frozenset({"data"})
    mode: str = "duplicate"
    delay_ms: int = 1_500

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Repeat or delay it; ``reorder`` delays every second one."""
        if not self.due(link.venue, tags, now_ms):
            return None
        late = replace(frame, delay_ms=frame.delay_ms + self.delay_ms)
        if self.mode == "duplicate":
            return (frame, replace(frame, delay_ms=frame.delay_ms + 1))
        return (late,) if self.mode == "late" or self.hits % 2 else (frame,)


@dataclass
class Gap(Fault):
    """N13: frames are missing for a while (``when``), then the stream goes on as if nothing had been."""

    id = "N13"
    kinds = frozenset({"data"})

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Lose it."""
        return () if self.due(link.venue, tags, now_ms) else None


@dataclass
class ReconnectStorm(Fault):
    """N14: every connection is cut again and again, and a share of the dials fails."""

    id = "N14"
    every_ms: int = 10_000
    dials_fail: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._next_ms: dict[str, int] = {}

    def passes(self, venue: Venue, now_ms: int) -> None:
        """Cut all."""
        if not self.when.in_time(now_ms) or now_ms < self._next_ms.get(venue.name, 0):
            return
        self._next_ms[venue.name] = now_ms + self.every_ms
        for link in tuple(venue.line.links):
            if link.venue == venue.name and self.due(venue.name, link_tags(link), now_ms):
                link.cut()

    def dials(self, call: Call) -> Delivery | None:
        """Some fail."""
        if not self.when.in_time(call.now_ms) or self.dice.share() >= self.dials_fail:
            return None
        return Delivery(lose_reply="reset") if self.due_for(call) else None


@dataclass
class SlowDrip(Fault):
    """N15: the reply's body arrives drop by drop."""

    id = "N15"
    bytes_per_s: int = 10

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Slow it."""
        return (response, Delivery(drip_bytes_per_s=self.bytes_per_s)) if self.due_for(call) else None


PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>"


@dataclass
class ProxyAnswers(Fault):
    """N16: something on the way answers with a page of HTML; ``accepted``: after the venue got the request."""

    id = "N16"
    kinds = frozenset({"private"})
    status: int = 502
    accepted: bool = False

    def departs(self, call: Call) -> Delivery | None:
        """Answer in the venue's place."""
        if self.accepted or not self.due_for(call):
            return None
        return Delivery(lose_request=True, replace=self._page())

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Put the page in the reply's place."""
        return (self._page(), ON_TIME) if self.accepted and self.due_for(call) else None

    def _page(self) -> Response:
        return Response(self.status, PAGE % (self.status, self.status), {"Content-Type": "text/html"})


@dataclass
class RouteChanged(Fault):
    """N17: the way changes: all connections are cut, and the client comes from another address."""

    id = "N17"
    address: str = "203.0.113.7"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._done: set[str] = set()

    def passes(self, venue: Venue, now_ms: int) -> None:
        """Cut, once."""
        if venue.name in self._done or not self.when.in_time(now_ms):
            return
        self._done.add(venue.name)
        self.hits += 1
        for link in tuple(venue.line.links):
            link.cut()

    def address_of(self, call: Call) -> str:
        """Where the venue sees the client."""
        return self.address if call.venue in self._done else ""


@dataclass
class Swizzle(Fault):
    """N18: endpoints stop one by one and return in another order, by the seed."""

    id = "N18"
    step_ms: int = 5_000
    parts: tuple[str, ...] = field(
        default=("place", "cancel", "order", "open_orders", "positions", "fills", "balance", "bars")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        count = len(self.parts)
        back = self.dice.some_of(range(count), count)
        order = self.dice.some_of(range(count), count)
        self.down = {
            self.parts[part]: (self.step_ms * at, self.step_ms * (count + back[at]))
            for at, part in enumerate(order)
        }
        self._began_ms: int | None = None

    def departs(self, call: Call) -> Delivery | None:
        """Lose what asks a part that is down."""
        if self._began_ms is None and self.when.in_time(call.now_ms):
            self._began_ms = max(self.when.from_ms, 0) or call.now_ms
        if self._began_ms is None:
            return None
        passed = call.now_ms - self._began_ms
        down = [part for part, (since, until) in self.down.items() if since <= passed < until]
        if not call.tags & frozenset(down) or not self.due_for(call):
            return None
        return Delivery(lose_request=True)
