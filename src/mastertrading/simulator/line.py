"""The line between clients and façades: who answers a host, and the weather on the way.

Both transports (sockets, and the same process) send every request, reply and frame through one ``Line``, so that the
same weather (``faults``) does the same on either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mastertrading.simulator.wire import ON_TIME, Delivery, Facade, Request, Response, Session

PING_EVERY_S = {"binance_usdm": 180.0}
"""Venues that ping their clients (documented: every 3 minutes); Bybit waits for the client's own pings."""
PONG_WITHIN_S = 600.0
"""Without a pong for so long a connection is cut (documented for Binance)."""
MOST_UNREAD = 20_000
"""Frames a venue keeps for a slow reader before it cuts the connection."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A text frame on its way to a client, and how late it comes."""

    text: str
    delay_ms: int = 0


class Weather(Protocol):
    """What happens on the line. Faults are one; ``Calm`` is none."""

    def connects(self, host: str) -> str:
        """A client begins a connection: empty, or as ``Delivery.refuse``. Asked only where there are sockets."""

    def departs(self, venue: str, request: Request) -> Delivery:
        """A request leaves its client."""

    def answer(self, facade: Facade, request: Request) -> Response:
        """A request reaches the venue: let the façade answer it."""

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        """The venue's reply leaves."""

    def dials(self, venue: str, request: Request) -> Delivery:
        """A client begins a WebSocket connection."""

    def opened(self, link: Link) -> None:
        """It stands."""

    def closed(self, link: Link) -> None:
        """It is gone."""

    def frames(self, link: Link, text: str) -> Sequence[Frame]:
        """A frame leaves the venue: what the client gets for it."""

    def hears(self, link: Link, text: str) -> bool:
        """A frame of the client arrives; False: it is lost."""

    def pongs(self, link: Link) -> bool:
        """The client pings; False: nobody answers."""


class Calm:
    """Everything arrives, at once and as it was sent."""

    def connects(self, host: str) -> str:
        """It succeeds."""
        return ""

    def departs(self, venue: str, request: Request) -> Delivery:
        """On time."""
        return ON_TIME

    def answer(self, facade: Facade, request: Request) -> Response:
        """As the façade says."""
        return facade.answer(request)

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        """Unspoilt, on time."""
        return response, ON_TIME

    def dials(self, venue: str, request: Request) -> Delivery:
        """On time."""
        return ON_TIME

    def opened(self, link: Link) -> None:
        """Nothing."""

    def closed(self, link: Link) -> None:
        """Nothing."""

    def frames(self, link: Link, text: str) -> Sequence[Frame]:
        """The frame itself."""
        return (Frame(text),)

    def hears(self, link: Link, text: str) -> bool:
        """Yes."""
        return True

    def pongs(self, link: Link) -> bool:
        """Yes."""
        return True


@dataclass(slots=True)
class Line:
    """Façades by host, and the weather.

    Attributes
    ----------
    facades
        Each answers its own hosts.
    links
        The WebSocket connections that stand.
    """

    facades: Sequence[Facade]
    weather: Weather = field(default_factory=Calm)
    links: list[Link] = field(default_factory=list)
    dialled: int = 0

    def facade_of(self, host: str) -> Facade | None:
        """Who answers a host (a port is ignored); None: nobody."""
        name = host.partition(":")[0].lower()
        return next((facade for facade in self.facades if name in facade.hosts), None)

    def send(self, facade: Facade, request: Request, delivery: Delivery) -> asyncio.Future[Response] | None:
        """Let a request travel to the façade; it arrives whether or not the client still waits then.

        None: it never arrives.
        """
        if delivery.lose_request:
            return None
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Response] = loop.create_future()

        def arrive() -> None:
            if answered.done():  # the client went away; the venue doesn't know
                self.weather.answer(facade, request)
            else:
                answered.set_result(self.weather.answer(facade, request))

        if delivery.request_delay_ms > 0:
            loop.call_later(delivery.request_delay_ms / 1000, arrive)
        else:
            arrive()
        return answered


class Link:
    """One WebSocket connection, seen from the venue.

    A transport makes it with what it does to its own end: ``deliver`` a text, ``end`` with a code and a reason,
    ``drop`` without a word.
    """

    def __init__(self, line: Line, venue: str, request: Request) -> None:
        line.dialled += 1
        self.line, self.venue, self.request, self.number = line, venue, request, line.dialled
        self.session: Session | None = None
        self.alive = True
        self._later: set[asyncio.TimerHandle] = set()

    # ---------------------------------------------------------------- the transport's own end
    def deliver(self, text: str) -> None:
        """Hand a frame to the client."""
        raise NotImplementedError

    def end(self, code: int, reason: str) -> None:
        """Close with a closing frame."""
        raise NotImplementedError

    def drop(self) -> None:
        """Cut without one."""
        raise NotImplementedError

    # ---------------------------------------------------------------- for the façade and the weather
    def open(self, facade: Facade) -> Response | None:
        """Begin the façade's session; a reply, if it refuses."""
        session = facade.connect(self.request, self.send, self.hang)
        if isinstance(session, Response):
            self.alive = False
            return session
        self.session = session
        if self.alive:
            self.line.links.append(self)
            self.line.weather.opened(self)
        return None

    def send(self, text: str) -> None:
        """A frame of the façade, through the weather."""
        if not self.alive:
            return
        for frame in self.line.weather.frames(self, text):
            if frame.delay_ms > 0:
                self._after(frame.delay_ms / 1000, frame.text)
            elif self.alive:
                self.deliver(frame.text)

    def hang(self, code: int, reason: str) -> None:
        """The façade closes."""
        if self.alive:
            self.over()
            self.end(code, reason)

    def cut(self) -> None:
        """The network closes: no closing frame, as after a reset."""
        if self.alive:
            self.over()
            self.drop()

    def heard(self, text: str) -> None:
        """A frame of the client arrived."""
        if self.alive and self.session is not None and self.line.weather.hears(self, text):
            self.session.receive(text)

    def over(self) -> None:
        """The connection is gone, whoever ended it."""
        if not self.alive:
            return
        self.alive = False
        for handle in self._later:
            handle.cancel()
        self._later.clear()
        if self in self.line.links:
            self.line.links.remove(self)
            self.line.weather.closed(self)
        if self.session is not None:
            self.session.close()

    def _after(self, seconds: float, text: str) -> None:
        def arrive() -> None:
            self._later.discard(handle)
            if self.alive:
                self.deliver(text)

        handle = asyncio.get_running_loop().call_later(seconds, arrive)
        self._later.add(handle)
