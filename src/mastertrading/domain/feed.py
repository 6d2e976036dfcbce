"""What a venue tells without being asked: bars, prices, books, and news of one's own orders."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mastertrading.domain.orders import Balance, Fill, Order, Position


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``ts_ms`` is its open time. ``closed``: the venue says that it is final."""

    symbol: str
    timeframe: str
    ts_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool
    event_ms: int
    """When the venue says this was so; freshness is judged by it, never by arrival."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask, last and mark price; None where the message did not tell."""

    symbol: str
    bid_px: Decimal | None
    ask_px: Decimal | None
    last_px: Decimal | None
    mark_px: Decimal | None
    event_ms: int


@dataclass(frozen=True, slots=True)
class Funding:
    """The rate that will be charged next, when, and how long its interval is."""

    symbol: str
    rate: Decimal
    next_ms: int
    interval_ms: int | None
    event_ms: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """Funding that was charged, at this rate."""

    symbol: str
    ts_ms: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Levels as (price, base units), best first."""

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    event_ms: int


@dataclass(frozen=True, slots=True)
class StreamGap:
    """A stream was away or jumped: whatever came between must be read by REST. ``symbol`` empty: all of them."""

    stream: str
    symbol: str
    since_ms: int
    event_ms: int


@dataclass(frozen=True, slots=True)
class BarRevised:
    """The venue tells another bar where it had told a final one. Nothing decided is decided again; it is told."""

    bar: Bar
    was: Bar
    event_ms: int


@dataclass(frozen=True, slots=True)
class AccountNews:
    """Something about the account is different; the message does not hold all of it. Look now.

    Attributes
    ----------
    topic
        ``positions``, ``balance``, ``settings``.
    symbol
        Empty: of no single instrument.
    """

    topic: str
    symbol: str
    event_ms: int


MarketEvent = Bar | BarRevised | Quote | Funding | Book | StreamGap
AccountEvent = Order | Fill | Position | Balance | AccountNews | StreamGap
"""A stream event never carries truth: it says *look now*."""
