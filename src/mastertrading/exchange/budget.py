"""What may be asked of a venue in a while: weights, windows, and a reserve that only protection may touch.

The venue counts too and says so in its headers; where its count is higher than ours (another program on the same
address), its count stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from mastertrading.domain.ports import Clock

RESERVE = 0.2
"""Share of each window that is kept for protection and cancels."""
EDGE_S = 0.05
"""The venue's windows and ours do not begin at the same moment."""


class Priority(IntEnum):
    """Who may use how much."""

    PROTECTION = 0
    """Stops, reductions, cancels, and looking up what became of a command: the whole window."""
    USUAL = 1
    """Everything else: what is left of it without the reserve."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a venue.

    Attributes
    ----------
    most
        Weight that a window may hold.
    window_s
        Its length.
    header
        Where the venue tells what was used of it (name in small letters); empty if it does not.
    left
        The header tells what is left, not what is used.
    """

    name: str
    most: float
    window_s: float
    header: str = ""
    left: bool = False


class Budget:
    """The limits of one venue, shared by everything that asks it from here."""

    def __init__(self, limits: tuple[Limit, ...], clock: Clock, *, reserve: float = RESERVE) -> None:
        if not 0.2 <= reserve < 1.0:
            raise ValueError("at least a fifth is kept for protection")
        self.limits = {limit.name: limit for limit in limits}
        self.clock = clock
        self.reserve = reserve
        self.waited_s = 0.0
        self._spent: dict[str, deque[tuple[float, float]]] = {limit.name: deque() for limit in limits}
        self._sums = dict.fromkeys(self._spent, 0.0)
        self._held_until = float("-inf")

    def used(self, name: str) -> float:
        """Weight in the present window."""
        self._forget_old(name)
        return self._sums[name]

    def hold(self, seconds: float) -> None:
        """Nobody asks for a while: the venue said so (429, 418, Retry-After)."""
        self._held_until = max(self._held_until, self.clock.monotonic() + seconds)

    @property
    def held_s(self) -> float:
        """How long nobody may ask yet."""
        return max(self._held_until - self.clock.monotonic(), 0.0)

    def wait_s(self, weights: Mapping[str, float], priority: Priority) -> float:
        """How long such a request has to wait."""
        return max(
            [self.held_s, *(self._until_room(name, weight, priority) for name, weight in weights.items())]
        )

    async def take(self, weights: Mapping[str, float], priority: Priority, patience_s: float) -> bool:
        """Wait for room and take it; False (and nothing taken) if that lasts longer than the patience."""
        waited = 0.0
        while (wait := self.wait_s(weights, priority)) > 0:
            if waited + wait > patience_s:
                return False
            await self.clock.sleep(wait)
            waited += wait
            self.waited_s += wait
        now = self.clock.monotonic()
        for name, weight in weights.items():
            self._spend(name, now, weight)
        return True

    def heard(self, headers: Mapping[str, str]) -> None:
        """Believe the venue where it counted more than we did."""
        for name, limit in self.limits.items():
            told = headers.get(limit.header, "") if limit.header else ""
            if not told.isdecimal():
                continue
            used = limit.most - int(told) if limit.left else float(told)
            missing = used - self.used(name)
            if missing > 0:
                self._spend(name, self.clock.monotonic(), missing)

    def _until_room(self, name: str, weight: float, priority: Priority) -> float:
        limit = self.limits[name]
        room = limit.most * (1.0 if priority is Priority.PROTECTION else 1.0 - self.reserve)
        over = self.used(name) + min(weight, room) - room
        if over <= 1e-9:
            return 0.0
        now = self.clock.monotonic()
        for moment, spent in self._spent[name]:
            over -= spent
            if over <= 1e-9:
                return max(moment + limit.window_s - now, 0.0) + EDGE_S
        return limit.window_s

    def _forget_old(self, name: str) -> None:
        spent, since = self._spent[name], self.clock.monotonic() - self.limits[name].window_s
        while spent and spent[0][0] <= since:
            self._sums[name] -= spent.popleft()[1]
        if not spent:
            self._sums[name] = 0.0  # weights need not be whole: what rounding left ends with the window

    def _spend(self, name: str, now: float, weight: float) -> None:
        self._spent[name].append((now, weight))
        self._sums[name] += weight
