"""Ideal against resting: the fewest commands that bring the venue to what the engine wants.

A pure function of one decision and one snapshot. Run again on the same two it gives the same commands; run on what
they led to it gives none. Order of the answer: protection, reductions, cancellations, entries.

What it never does, whatever it is given: lower the coverage of a position (a new stop comes before the old one
goes, and the old one goes only when the new one was *read back*), order more than the position in the other
direction, or add exposure while an outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mastertrading.domain.intents import Purpose
from mastertrading.live.ideal import Actual, IdealOrders, Resting

STOP_TOLERANCE = Fraction(2, 10_000)
"""A resting stop is replaced only if it moves by more than this share of its price (EXEC-CYCLE)."""
LIMITS = (Purpose.PARTIAL, Purpose.TARGET)


@dataclass(frozen=True, slots=True)
class Place:
    """Send a new order. ``px_ticks``: trigger of a stop, limit of a limit, 0 of a market order."""

    symbol: str
    purpose: Purpose
    order_side: int
    lots: int
    px_ticks: int = 0
    attached_stop_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a resting order."""

    symbol: str
    resting: Resting
    why: str
    first: bool = False
    """Before anything else: it is in the way of what closes the position."""


Step = Place | Cancel


def reconcile(ideal: IdealOrders, actual: Actual) -> tuple[Step, ...]:
    """The commands for one instrument, in the order in which they are to be sent."""
    mine = [order for order in actual.resting if order.purpose is not None]
    if actual.dust:
        return ()
    if actual.lots == 0:
        return (*_sweep(actual, mine), *_entry(ideal, actual))
    side = 1 if actual.lots > 0 else -1
    protection, replaced = _stop(ideal, actual, side, mine)
    if ideal.exit_reason:
        freed = _freed(actual, mine, "the position is being closed")
        if coverage(actual, side) >= abs(actual.lots):
            protection = ()  # it is protected, if not as well as it could be
        return (*protection, *_exit(actual, side), *freed, *replaced)
    if actual.freeing:
        return (*protection, *_freed(actual, mine, "it is in the way of protection"), *replaced)
    placed, removed = _limits(ideal, actual, side, mine)
    return (*protection, *placed, *replaced, *removed)


def reconcile_emergency(actual: Actual, *, is_flat: bool) -> tuple[Step, ...]:
    """The commands for one instrument that is being closed in an emergency, in the order in which they are to be sent.

    Entries and take-profits go first (a venue counts them against the closing order), then the position at market,
    and the stops only once two reads of different kinds agree that nothing is held.
    """
    mine = [order for order in actual.resting if order.purpose is not None]
    if actual.lots == 0 and is_flat:
        return tuple(Cancel(actual.symbol, order, "emergency: flat") for order in mine)
    away = [o for o in mine if o.purpose in (*LIMITS, Purpose.ENTRY)]
    cancels = tuple(Cancel(actual.symbol, order, "emergency", first=True) for order in away)
    if actual.lots == 0 or actual.dust or Purpose.EMERGENCY in actual.sent:
        return cancels
    side = 1 if actual.lots > 0 else -1
    return (*cancels, Place(actual.symbol, Purpose.EMERGENCY, -side, abs(actual.lots)))


def _freed(actual: Actual, mine: Sequence[Resting], why: str) -> tuple[Step, ...]:
    limits = [order for order in mine if order.purpose in LIMITS]
    return tuple(Cancel(actual.symbol, order, why, first=actual.freeing) for order in limits)


def coverage(actual: Actual, side: int) -> int:
    """Lots of the position that resting stops would close; a close-position stop covers all of it."""
    stops = [order for order in actual.resting if is_stop(order, side)]
    if any(order.closes_all for order in stops):
        return abs(actual.lots)
    return sum(order.lots for order in stops)


def is_stop(order: Resting, side: int) -> bool:
    """Whether an order is protection of a position: ours, on the other side, and unable to open anything."""
    return order.purpose is Purpose.STOP and order.order_side == -side and (order.reduces or order.closes_all)


def is_same_level(wanted_ticks: int, resting_ticks: int) -> bool:
    """Whether two stops are so near that replacing one by the other is not worth a command."""
    return abs(wanted_ticks - resting_ticks) <= STOP_TOLERANCE * resting_ticks


def _stop(
    ideal: IdealOrders, actual: Actual, side: int, mine: Sequence[Resting]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The stop to place now, and those to cancel because a good one was read back."""
    held = abs(actual.lots)
    stops = [order for order in mine if order.purpose is Purpose.STOP]
    good = [order for order in stops if _is_good(order, ideal, side, held)]
    if not good:
        if ideal.stop_ticks == 0:
            return (), ()  # the engine knows no position here: what to do with it is the policy's, not ours
        return (Place(actual.symbol, Purpose.STOP, -side, held, ideal.stop_ticks),), ()
    read = [order for order in good if not order.unread]
    if not read:
        return (), ()
    kept = min(read, key=lambda order: (abs(order.px_ticks - ideal.stop_ticks), order.order.created_ms))
    return (), tuple(
        Cancel(actual.symbol, order, "another stop protects") for order in stops if order is not kept
    )


def _is_good(order: Resting, ideal: IdealOrders, side: int, held: int) -> bool:
    covers = order.closes_all or order.lots == held
    return (
        is_stop(order, side)
        and not order.denied
        and covers
        and is_same_level(ideal.stop_ticks, order.px_ticks)
    )


def _exit(actual: Actual, side: int) -> tuple[Step, ...]:
    if Purpose.EXIT in actual.sent:
        return ()
    return (Place(actual.symbol, Purpose.EXIT, -side, abs(actual.lots)),)


def _limits(
    ideal: IdealOrders, actual: Actual, side: int, mine: Sequence[Resting]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The reduce-only limits, together never more than the position.

    One that has to change is cancelled now and placed anew when it is gone: a moment without a target costs
    nothing, two of them could close too much. While one that was sent is not shown, none is placed.
    """
    is_target_nearer = ideal.target_ticks and side * (ideal.target_ticks - ideal.partial_ticks) < 0
    partial = 0 if is_target_nearer else min(ideal.partial_lots, abs(actual.lots))
    wanted = {
        Purpose.PARTIAL: (partial, ideal.partial_ticks),
        Purpose.TARGET: (abs(actual.lots) - partial if ideal.target_ticks else 0, ideal.target_ticks),
    }
    placed: list[Step] = []
    removed: list[Step] = []
    for purpose, (lots, px_ticks) in wanted.items():
        there = [order for order in mine if order.purpose is purpose]
        right = [
            o for o in there if (o.order_side, o.lots, o.px_ticks) == (-side, lots, px_ticks) and o.reduces
        ]
        wrong = [order for order in there if order not in right[:1]]
        removed += [Cancel(actual.symbol, order, f"not the {purpose} that is wanted") for order in wrong]
        if lots and not right and not wrong:
            placed.append(Place(actual.symbol, purpose, -side, lots, px_ticks))
    if any(purpose in actual.sent for purpose in LIMITS):
        return (), tuple(removed)
    busy = sum(order.lots for order in mine if order.purpose in LIMITS)
    return tuple(_within(placed, abs(actual.lots) - busy)), tuple(removed)


def _within(placed: Iterable[Step], room: int) -> Iterable[Step]:
    """Those that fit beside what rests; the others wait until it is gone."""
    for step in placed:
        if isinstance(step, Place) and step.lots <= room:
            room -= step.lots
            yield step


def _sweep(actual: Actual, mine: Sequence[Resting]) -> tuple[Step, ...]:
    """No order that was sent for a position outlives it."""
    return tuple(
        Cancel(actual.symbol, order, "its position is gone")
        for order in mine
        if order.purpose is not Purpose.ENTRY
    )


def _entry(ideal: IdealOrders, actual: Actual) -> tuple[Step, ...]:
    if ideal.entry_lots == 0 or actual.frozen or Purpose.ENTRY in actual.sent:
        return ()
    side = 1 if ideal.entry_lots > 0 else -1
    return (
        Place(
            actual.symbol,
            Purpose.ENTRY,
            side,
            abs(ideal.entry_lots),
            attached_stop_ticks=ideal.entry_stop_ticks,
        ),
    )
