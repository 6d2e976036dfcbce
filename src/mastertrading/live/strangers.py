"""Positions and orders at the venue that no command of ours explains: adopted, closed or left alone, by policy.

Foreign fills are booked as what they are. What is decided here is what happens to a position that the engine has no
stop for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from mastertrading.domain.facts import Incident, Severity
from mastertrading.domain.intents import Purpose
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.live.guard import Guard
from mastertrading.live.ideal import Actual, Resting
from mastertrading.live.permission import HALT
from mastertrading.settings.schema import Settings

NEAREST, FARTHEST = Fraction(8, 10), Fraction(2)
"""A stop that rests already is accepted between these shares of the distance that we would choose."""
PATIENCE_MS = 2_000
"""A position may show before its fills do: so long it is only watched, and the guard's timer runs."""


@dataclass
class Strangers:
    """The policy of one account.

    Attributes
    ----------
    accepted
        Venue ids of foreign stops that protect what we adopted.
    seen_ms
        Since when a position without a stop of its own is there.
    """

    settings: Settings
    journal: Journal
    guard: Guard
    accepted: set[str] = field(default_factory=set)
    seen_ms: dict[str, int] = field(default_factory=dict)

    def stop_for(self, actual: Actual, entry_ticks: int, mark_ticks: int, now_ms: int) -> int:
        """What to do with a position that has no stop in the engine: the stop to adopt it with, 0 for none."""
        first_ms = self.seen_ms.setdefault(actual.symbol, now_ms)
        if now_ms - first_ms < PATIENCE_MS:
            return 0
        policy = self.settings.live.unknown_positions
        if policy == "flatten":
            self.guard.close(
                actual.symbol, FillReason.MANUAL, "nothing explains it, and so says the policy", now_ms
            )
        elif policy == "halt":
            name, why = f"{HALT}:{actual.symbol}", f"nothing explains {actual.lots} lots of {actual.symbol}"
            self.journal.latch(HALT, why, now_ms)
            self.journal.latch(name, why, now_ms)
        else:
            return self._adopted(actual, entry_ticks, mark_ticks, now_ms)
        return 0

    def known(self, symbol: str) -> None:
        """It is explained, or gone."""
        self.seen_ms.pop(symbol, None)

    def is_left_alone(self, symbol: str) -> bool:
        """Whether a person has to decide about an instrument first."""
        return f"{HALT}:{symbol}" in self.journal.latches()

    def _adopted(self, actual: Actual, entry_ticks: int, mark_ticks: int, now_ms: int) -> int:
        stops = self.settings.risk.stops
        distance = int(entry_ticks * max(stops.stop_base, stops.stop_floor))
        side = 1 if actual.lots > 0 else -1
        found = [
            one
            for one in actual.resting
            if _is_acceptable(one, actual.lots, entry_ticks, mark_ticks, distance)
        ]
        if found:
            best = min(found, key=lambda one: abs(abs(one.px_ticks - entry_ticks) - distance))
            self.accepted.add(best.order.order_id)
            stop_ticks = best.px_ticks
        else:
            stop_ticks = entry_ticks - side * distance
        detail = f"{actual.symbol}: {actual.lots} lots adopted with a stop at {stop_ticks} ticks"
        self.journal.report(Incident("adopted", detail, now_ms, Severity.CRITICAL, actual.symbol))
        return stop_ticks

    def purpose_of(self, resting: Resting, stop_ticks: int, lots: int) -> Purpose | None:
        """A foreign stop that we adopted the position with (or would again, after a restart) counts as ours."""
        if resting.purpose is not None:
            return resting.purpose
        if resting.order.order_id in self.accepted:
            return Purpose.STOP
        adopts = self.settings.live.unknown_positions == "adopt"
        if adopts and stop_ticks and _protects(resting, lots) and resting.px_ticks == stop_ticks:
            return Purpose.STOP
        return None

    def unwanted(self, actual: Actual) -> tuple[Resting, ...]:
        """Foreign orders that go, if the policy says so."""
        if self.settings.live.unknown_orders == "leave":
            return ()
        return tuple(one for one in actual.resting if one.purpose is None)


def _protects(one: Resting, lots: int) -> bool:
    right_side = one.order_side == (-1 if lots > 0 else 1)
    whole = one.closes_all or one.lots >= abs(lots)
    return lots != 0 and right_side and one.order.trigger is not None and one.reduces and whole


def _is_acceptable(one: Resting, lots: int, entry_ticks: int, mark_ticks: int, distance: int) -> bool:
    side = 1 if lots > 0 else -1
    away = side * (entry_ticks - one.px_ticks)
    on_the_loss_side = mark_ticks == 0 or side * (mark_ticks - one.px_ticks) > 0
    return _protects(one, lots) and on_the_loss_side and NEAREST * distance <= away <= FARTHEST * distance
