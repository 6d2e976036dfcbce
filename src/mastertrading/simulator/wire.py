"""Requests, replies and frames between a façade and a transport, and how a reply is delivered.

A façade is synchronous: it answers a request at once, at the exchange's present time. What the network does to the
request and the reply (late, lost, cut, garbled) is the transport's work, told by a ``Delivery``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl


def fields_of(text: str, most: int | None = None) -> list[tuple[str, str]]:
    """Names and values of a query, decoded.

    Raises
    ------
    ValueError
        If there are more than ``most``.
    """
    if "%" in text or "+" in text or (most is not None and text.count("&") >= most):
        return parse_qsl(text, keep_blank_values=True, max_num_fields=most)
    parts = (one.partition("=") for one in text.split("&") if one)
    return [(name, value) for name, _, value in parts]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it arrived.

    Attributes
    ----------
    query, body
        Raw, as they were signed.
    headers
        Names in small letters.
    client
        Address of the peer, for limits by address.
    """

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = "127.0.0.1"

    def parameters(self) -> dict[str, str]:
        """The query's parameters, decoded; of a repeated name the last one."""
        return dict(fields_of(self.query))


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP reply."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the network does with a request or a reply. All off: it arrives.

    Attributes
    ----------
    refuse
        ``connect``, ``dns`` or ``tls``: no connection is made.
    lose_request
        The exchange never sees it; the client waits until its own time limit.
    request_delay_ms, reply_delay_ms
        How late the exchange sees the request, and the client the reply.
    lose_reply
        ``hang``: the client waits; ``reset``: the connection is cut without a byte.
    cut_at
        Only so many bytes of the body arrive, then the connection is cut.
    drip_bytes_per_s
        The body arrives at this rate.
    replace
        The client gets this instead of the façade's reply.
    """

    refuse: str = ""
    lose_request: bool = False
    request_delay_ms: int = 0
    reply_delay_ms: int = 0
    lose_reply: str = ""
    cut_at: int | None = None
    drip_bytes_per_s: int = 0
    replace: Response | None = None


ON_TIME = Delivery()


class Session(Protocol):
    """One WebSocket connection as a façade sees it."""

    def receive(self, text: str) -> None:
        """A text frame of the client."""

    def close(self) -> None:
        """The connection is gone."""


Send = Callable[[str], None]
"""Hands a text frame to the transport; never blocks."""
Hang = Callable[[int, str], None]
"""Closes the connection with a code and a reason."""


class Facade(Protocol):
    """One venue's protocol on the exchange."""

    @property
    def name(self) -> str:
        """Our name of the venue, for example ``binance_usdm``."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The production hosts whose requests are answered here."""

    def answer(self, request: Request) -> Response:
        """Answer a request. Never raises: whatever is wrong with a request gets the venue's own error."""

    def connect(self, request: Request, send: Send, hang: Hang) -> Session | Response:
        """Begin a WebSocket session, or refuse it with an HTTP reply."""
