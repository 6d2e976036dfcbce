"""What should rest at the venue, and what does: both in ticks and lots, so that they can be compared exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

from mastertrading.domain.intents import Purpose
from mastertrading.domain.orders import Order


@dataclass(frozen=True, slots=True)
class IdealOrders:
    """What the engine wants of one instrument from one decision to the next (DESIGN 4.2). Zero: nothing.

    Attributes
    ----------
    decided_ms
        Close of the bar it was decided at.
    exit_reason
        Why the position shall be closed at market.
    entry_lots
        Market entry, signed, with the stop and target it was sized for.
    stop_ticks
        Where the whole position is closed at market.
    partial_ticks, partial_lots, target_ticks
        Resting reduce-only limits: a part of the position, and what is left of it.
    """

    symbol: str
    decided_ms: int
    exit_reason: int = 0
    entry_lots: int = 0
    entry_stop_ticks: int = 0
    entry_target_ticks: int = 0
    stop_ticks: int = 0
    partial_ticks: int = 0
    partial_lots: int = 0
    target_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Resting:
    """An open order at the venue.

    Attributes
    ----------
    purpose
        What we sent it for; None: it is not ours.
    lots
        What may still fill; with ``closes_all`` whatever the position is.
    px_ticks
        Its trigger if it has one, else its limit.
    unread
        It was not read back now: it counts as protection, but nothing is cancelled for its sake, nor it itself.
    denied
        Our books say that it never was: it goes as soon as a written one protects.
    """

    order: Order
    purpose: Purpose | None
    order_side: int
    lots: int
    px_ticks: int
    reduces: bool
    closes_all: bool = False
    unread: bool = False
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Actual:
    """What the venue told of one instrument, in one snapshot.

    Attributes
    ----------
    lots
        The position, signed.
    frozen
        No entry: the outcome of a command is unknown, or something forbids entries.
    sent
        Purposes of market orders that are under way or that this decision has used up, and of reduce-only limits that
        were sent and are not shown.
    freeing
        Reduce-only limits are in the way of something more important: they go, and none is placed.
    dust
        The position is smaller than any order: nothing can be sent for it.
    """

    symbol: str
    lots: int
    resting: tuple[Resting, ...] = ()
    frozen: bool = False
    sent: frozenset[Purpose] = field(default_factory=frozenset)
    freeing: bool = False
    dust: bool = False
