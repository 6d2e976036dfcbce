"""How fast an exchange may be asked: one pace for all threads that ask it.

Every request weighs something (ccxt knows how much), and a unit of weight takes ``unit_ms``. When the exchange says
"slower", everybody waits. Time comes in from outside, so that tests need none.
"""

from __future__ import annotations

import threading
import zlib
from typing import Protocol

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Stopping(Exception):
    """Somebody asked to stop while we were waiting."""


class Clock(Protocol):
    """Time, as a pace needs it."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises
        ------
        Stopping
            If asked to stop meanwhile.
        """


class Pace:
    """Slots of time for requests, handed out in turn.

    Parameters
    ----------
    unit_ms
        Time that one unit of weight takes, ms.
    """

    def __init__(self, clock: Clock, unit_ms: float) -> None:
        self.clock = clock
        self.unit_s = unit_ms / 1000
        self.requests = 0
        self._free_at = clock.monotonic()
        self._held_until = 0.0
        self._lock = threading.Lock()

    def wait(self, weight: float = 1.0) -> None:
        """Wait for a slot of this weight."""
        with self._lock:
            now = self.clock.monotonic()
            slot = max(now, self._free_at)
            self._free_at = slot + weight * self.unit_s
            self.requests += 1
        while (left := slot - self.clock.monotonic()) > 0:
            self.clock.sleep(left)
            with self._lock:
                slot = max(slot, self._held_until)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for a while."""
        with self._lock:
            until = self.clock.monotonic() + seconds
            self._held_until = max(self._held_until, until)
            self._free_at = max(self._free_at, until)


def pause_s(attempt: int, seed: str) -> float:
    """How long to wait after the ``attempt``-th failure (0, 1, …): doubling, at most a minute, jittered by half."""
    longest = min(FIRST_PAUSE_S * 2.0**attempt, LONGEST_PAUSE_S)
    return longest * (0.5 + 0.5 * share(f"{seed} {attempt}"))


def share(seed: str) -> float:
    """A number from 0 to below 1 that looks like chance and is the same for a seed."""
    return zlib.crc32(seed.encode()) / 2**32
