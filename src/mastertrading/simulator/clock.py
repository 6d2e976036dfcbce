"""The exchange's time: virtual (set, and jumping from timer to timer) or the wall's, at any speed."""

from __future__ import annotations

import asyncio
import heapq
import time
from itertools import count

from mastertrading.domain.errors import UsageError

US = 1_000_000


class VirtualClock:
    """A clock that goes only where it is told to, and never back.

    On a ``VirtualLoop`` the loop tells it (its sleepers are timers of the loop). On a real loop, as in lockstep on
    the wire, the conductor does; then sleepers wake when the time they wait for has been set.
    """

    def __init__(self, now_ms: int = 0) -> None:
        self._us = now_ms * 1000
        self._origin_us = self._us
        self._order = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def now_us(self) -> int:
        """Microseconds since 1970, UTC."""
        return self._us

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self._us // 1000

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self._us - self._origin_us) / US

    def set_ms(self, now_ms: int) -> None:
        """Go to a moment. Raises ``UsageError`` if it is past."""
        self.set_us(now_ms * 1000)

    def set_us(self, now_us: int) -> None:
        """Go to a moment, to the microsecond, and wake who waited for it."""
        if now_us < self._us:
            raise UsageError(f"the clock is at {self._us // 1000} ms already; it can't go back")
        self._us = now_us
        while self._sleepers and self._sleepers[0][0] <= now_us:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)

    def advance(self, seconds: float) -> None:
        """Go on by so many seconds."""
        self.set_us(self._us + round(seconds * US))

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds of this clock have passed."""
        loop = asyncio.get_running_loop()
        if loop is self._loop or seconds <= 0:
            await asyncio.sleep(max(seconds, 0.0))
            return
        sleeper: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._us + round(seconds * US), next(self._order), sleeper))
        await sleeper

    async def until(self, moment_ms: int) -> None:
        """Wait until the clock shows a moment."""
        await self.sleep((moment_ms * 1000 - self._us) / US)

    @property
    def is_bound(self) -> bool:
        """Whether a loop moves it."""
        return self._loop is not None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """From here on this loop moves the clock, and its timers are the clock's."""
        self._loop = loop


class WallClock:
    """The wall's time, or a multiple of it from a moment on.

    Parameters
    ----------
    speed
        Seconds of this clock in one of the wall's.
    start_ms
        What it shows now; without it, the wall's time.
    """

    def __init__(self, speed: float = 1.0, start_ms: int | None = None) -> None:
        if not speed > 0:
            raise UsageError("a clock's speed must be above 0")
        self.speed = speed
        self._began = time.monotonic()
        self._start_ms = time.time_ns() / 1e6 if start_ms is None else float(start_ms)

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return int(self._start_ms + self.monotonic() * 1000)

    def monotonic(self) -> float:
        """Seconds of this clock since it was made."""
        return (time.monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        await asyncio.sleep(max(seconds, 0.0) / self.speed)

    async def until(self, moment_ms: int) -> None:
        """Wait until the clock shows a moment."""
        await self.sleep((moment_ms - self.now_ms()) / 1000)
