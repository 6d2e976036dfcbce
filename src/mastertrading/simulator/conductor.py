"""Who plays the tape: one point at a time, on the wall's time, as fast as it goes, or in lockstep with the clients.

Lockstep: after each bar's close, and after any other point in which an order filled or ended, time stands still until
every client has said that it is idle *for that point*. What is ordered after a close waits for the next open, so the
client's decision at close[t] fills at open[t+1], as in a backtest.

The core of it is ``step``, which waits for nobody; ``run`` is the same for an asyncio loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from mastertrading.domain.ports import Clock
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.script import Script
from mastertrading.simulator.tape import CLOSE, FRAME, Point, Tape

ANYBODY = ""


class Pace(StrEnum):
    """How time goes on."""

    CLOCK = "clock"
    """By the clock: the wall's, or a multiple of it, or a virtual loop's timers."""
    FAST = "fast"
    """From point to point, without a pause."""
    LOCKSTEP = "lockstep"


class Progress(NamedTuple):
    """Where the tape is. ``number`` counts the points played; ``waits_for``: who has not reported idle for it."""

    number: int
    ts_ms: int
    name: str
    bar: int
    waits_for: tuple[str, ...]
    is_over: bool


class Conductor:
    """Plays a tape on an exchange.

    Parameters
    ----------
    exchange, tape
        What plays, and what is played. The tape's past is loaded at once.
    pace
        See ``Pace``.
    script
        What else happens, and when.
    holds_everywhere
        In lockstep, wait after every point instead of only where something may follow from it.
    """

    def __init__(
        self,
        exchange: Exchange,
        tape: Tape,
        *,
        pace: Pace = Pace.FAST,
        script: Script | None = None,
        holds_everywhere: bool = False,
    ) -> None:
        self.exchange, self.tape, self.pace = exchange, tape, pace
        self.script = script or Script()
        self.holds_everywhere = holds_everywhere
        tape.load(exchange)
        self._points: Iterator[Point] = tape.points(exchange)
        self._next: Point | None = next(self._points, None)
        self._number = 0
        self._now: Point | None = None
        self._clients: set[str] = {ANYBODY}
        self._busy: set[str] = set()
        self._released: asyncio.Event | None = None
        self.on_hold: list[Callable[[Progress], None]] = []
        """Told whenever time begins to stand still."""

    # ---------------------------------------------------------------- one point
    @property
    def progress(self) -> Progress:
        """Where the tape is."""
        now = self._now
        at = (now.ts_ms, now.name, now.bar) if now else (self.exchange.clock.now_ms(), "", -1)
        return Progress(self._number, *at, tuple(sorted(self._busy)), self._next is None)

    @property
    def is_over(self) -> bool:
        """Whether every point has been played."""
        return self._next is None

    @property
    def next_ms(self) -> int | None:
        """When the next point is due."""
        return self._next.ts_ms if self._next else None

    def step(self) -> Progress | None:
        """Play the next point now, whoever is busy; None: the tape is over."""
        point = self._next
        if point is None:
            return None
        self._set_clock(point.ts_ms)
        before = self.exchange.floor.news_count
        self.script.run(self.exchange)
        point.play(self.exchange)
        self.script.run(self.exchange)
        self._number += 1
        self._now, self._next = point, next(self._points, None)
        moved = self.exchange.floor.news_count != before
        self._busy = set(self._clients) if self._holds(point, moved) else set()
        if self._busy:
            for listener in self.on_hold:
                listener(self.progress)
        return self.progress

    def play(self, until_ms: int | None = None) -> int:
        """Step until a moment, or to the end; returns how many points."""
        count = 0
        while self._next is not None and (until_ms is None or self._next.ts_ms < until_ms):
            self.step()
            count += 1
        return count

    def _set_clock(self, ts_ms: int) -> None:
        clock = self.exchange.clock
        if isinstance(clock, VirtualClock) and clock.now_ms() < ts_ms:
            clock.set_ms(ts_ms)

    def _holds(self, point: Point, moved: bool) -> bool:
        if self.pace is not Pace.LOCKSTEP:
            return False
        return self.holds_everywhere or moved or point.name in (CLOSE, FRAME)

    # ---------------------------------------------------------------- lockstep
    def join(self, client: str) -> None:
        """From here on time waits for this client too, also while it is away."""
        self._clients.discard(ANYBODY)
        self._clients.add(client)

    def leave(self, client: str) -> None:
        """Time waits for it no more."""
        self._clients.discard(client)
        self._busy.discard(client)
        self._release()

    def idle(self, client: str = ANYBODY, number: int | None = None) -> bool:
        """A client has done all that it wants after point ``number`` (None: the newest); whether that counts.

        A report for an older point is late, and counts nothing.
        """
        if number is not None and number < self._number:
            return False
        if client in self._busy:
            self._busy.discard(client)
        elif ANYBODY in self._busy:
            self._busy.discard(ANYBODY)
        else:
            return False
        self._release()
        return True

    @property
    def is_held(self) -> bool:
        """Whether time stands still."""
        return bool(self._busy)

    def _release(self) -> None:
        if not self._busy and self._released is not None:
            self._released.set()

    # ---------------------------------------------------------------- on a loop
    async def run(self, until_ms: int | None = None) -> int:
        """Play until a moment, or to the end, and let the loop's other tasks have their turns; returns the points."""
        count = 0
        while self._next is not None and (until_ms is None or self._next.ts_ms < until_ms):
            await self._reach(self._next.ts_ms)
            self.step()
            count += 1
            if self._busy:
                await self._until_released()
            elif self.pace is not Pace.LOCKSTEP:
                await asyncio.sleep(0)
        return count

    async def _reach(self, ts_ms: int) -> None:
        clock = self.exchange.clock
        sets_itself = clock.is_bound if isinstance(clock, VirtualClock) else self.pace is Pace.CLOCK
        if sets_itself:
            await until(clock, ts_ms)

    async def _until_released(self) -> None:
        self._released = asyncio.Event()
        try:
            while self._busy:
                self._released.clear()
                await self._released.wait()
        finally:
            self._released = None


async def until(clock: Clock, ts_ms: int) -> None:
    """Wait until a clock shows a moment."""
    while (left := ts_ms - clock.now_ms()) > 0:
        await clock.sleep(left / 1000)
