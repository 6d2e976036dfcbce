"""An asyncio loop whose time jumps: when nothing is ready it goes to the next timer, and never waits.

::

    clock = VirtualClock(1_700_000_000_000)
    answer = run_virtual(campaign(), clock)      # an hour of sleeping takes no time, and always the same turns

No sockets are in it. Threads may be used (``run_in_executor``, ``to_thread``): time stands still while one works.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mastertrading.simulator.clock import US, VirtualClock

T = TypeVar("T")
LONG_WAIT_S = 60.0
"""A thread that works longer than this is taken for lost."""


class NothingWillHappen(RuntimeError):
    """Everybody waits, and there is no timer: on a real loop the program would hang for ever."""


class _Jump:
    """In the place of a selector: instead of waiting for sockets it sets the clock forward."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Pass the time until the next timer (seconds; None: there is no timer and nothing to do)."""
        if timeout is not None and timeout <= 0:
            return []
        if self._loop.threads_at_work:
            self._loop.wait_for_a_thread()
        elif timeout is None:
            raise NothingWillHappen(
                "every task waits for something that nobody will bring, and no timer runs"
            )
        else:
            self._loop.clock.set_us(self._loop.clock.now_us + round(timeout * US))
        return []


class _Timer(asyncio.TimerHandle):
    """A timer that stands behind the older ones of its moment.

    asyncio leaves open which of them comes first. On the wall no two moments are the same; here most are.
    """

    __slots__ = ("number",)

    def __init__(self, number: int, *told: Any, **context: Any) -> None:
        super().__init__(*told, **context)
        self.number = number

    def __lt__(self, other: Any) -> bool:
        return (self.when(), self.number) < (other.when(), other.number)


class VirtualLoop(BaseEventLoop):
    """An event loop on a ``VirtualClock``. Its ``time()`` is the clock's ``monotonic()``."""

    _scheduled: list[_Timer]

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.threads_at_work = 0
        self._timers = 0
        self._default_executor: Any = None
        self._woken: SimpleQueue[None] = SimpleQueue()
        self._selector = _Jump(self)
        self._clock_resolution = 1.0 / US
        clock.bind(self)

    def time(self) -> float:
        """Seconds of the clock."""
        return self.clock.monotonic()

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call at a moment; what was asked for first comes first."""
        self._check_closed()  # type: ignore[attr-defined]
        self._timers += 1
        timer = _Timer(self._timers, when, callback, args, self, context=context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def wait_for_a_thread(self) -> None:
        """Wait, really, until a thread has something to say."""
        try:
            self._woken.get(timeout=LONG_WAIT_S)
        except Empty:
            raise NothingWillHappen(f"a thread has worked for more than {LONG_WAIT_S:g} s") from None

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Run in a thread; the clock stands still until it is done."""
        self.threads_at_work += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: Any) -> None:
        self.threads_at_work -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait, really, for the threads to end."""
        executor, self._default_executor = self._default_executor, None
        self._executor_shutdown_called = True
        if executor is not None:
            executor.shutdown(wait=True)

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        self._woken.put(None)


def run_virtual(main: Coroutine[Any, Any, T], clock: VirtualClock) -> T:
    """Run a program on a virtual clock until it is done, as ``asyncio.run`` does on the wall's.

    Raises
    ------
    NothingWillHappen
        If it waits for what can never come.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main)


@contextmanager
def wall_shows(clock: VirtualClock) -> Iterator[None]:
    """Let ``time.time`` and ``time.time_ns`` show the clock meanwhile.

    A client library may ask the wall for the time in places that can't be set: ccxt does in its WebSocket client,
    which misses a venue's pongs by it.
    """
    wall = time.time, time.time_ns
    time.time, time.time_ns = (lambda: clock.now_us / US), (lambda: clock.now_us * 1000)
    try:
        yield
    finally:
        time.time, time.time_ns = wall
