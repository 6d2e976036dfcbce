"""A few threads that work through questions, and stop together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

from mastertrading.exchange.pacing import Stopping

Tool = TypeVar("Tool")
Job = TypeVar("Job")

LOOK_S = 0.1
"""How often the main thread looks up, so that Ctrl-C reaches it on every system."""
LEAVE_S = 2.0
"""How long threads that are waiting for an answer may take to notice that it is over; then they are left alone."""


class Crew(Generic[Tool, Job]):
    """Threads, one a tool, that each do one job after the other.

    Parameters
    ----------
    do
        Does one job; what it raises ends the whole crew.
    stop
        Set when everything is over; waits of a clock end with it.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        jobs: Sequence[Job],
        do: Callable[[Tool, Job], None],
        stop: threading.Event,
    ) -> None:
        self._do, self._stop = do, stop
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            self._jobs.put(job)
        self._count = len(jobs)
        self._done: queue.SimpleQueue[Job | BaseException] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, args=(tool,), daemon=True) for tool in tools]

    def run(self) -> Generator[Job, None, None]:
        """Yield each job when it is done, in the caller's thread.

        Raises
        ------
        Exception
            What a job raised; no further job is begun.
        """
        for thread in self._threads:
            thread.start()
        try:
            for _ in range(self._count):
                yield self._next()
        finally:
            self._stop.set()
            until = time.monotonic() + LEAVE_S
            for thread in self._threads:
                thread.join(max(until - time.monotonic(), 0.0))

    def _next(self) -> Job:
        while True:
            try:
                done = self._done.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if isinstance(done, BaseException):
                raise done
            return done

    def _work(self, tool: Tool) -> None:
        while not self._stop.is_set():
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            try:
                self._do(tool, job)
            except Stopping:
                return
            except BaseException as error:
                self._done.put(error)
                return
            self._done.put(job)
