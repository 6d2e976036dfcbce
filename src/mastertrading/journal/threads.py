"""How an event loop writes to a journal without waiting in line for a disk: one thread, one connection.

Work is a function of the journal, so that several calls share one trip. ``Inline`` does the same in place: for
virtual time, where a thread would break the order of things, and for the journal in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from mastertrading.domain.ports import Journal

T = TypeVar("T")


class Desk(Protocol):
    """Where a driver hands in work for the journal. Work is done in the order in which it was handed in."""

    async def run(self, work: Callable[[Journal], T]) -> T:
        """Do some work; what it raises is raised here."""

    async def close(self) -> None:
        """Finish what was handed in, and close the journal. May be called twice."""


class Inline:
    """Does the work at once, in the caller's thread."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    async def run(self, work: Callable[[Journal], T]) -> T:
        """Do some work."""
        return work(self.journal)

    async def close(self) -> None:
        """Close the journal."""
        self.journal.close()


class Threaded:
    """Does the work in one thread of its own, which opens the journal and is the only one to use it."""

    def __init__(self, opener: Callable[[], Journal]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._opener = opener
        self._journal: Journal | None = None
        self._closed = False

    async def run(self, work: Callable[[Journal], T]) -> T:
        """Do some work. A caller that is cancelled meanwhile leaves it to be finished: a commit is never cut."""
        return await asyncio.shield(asyncio.wrap_future(self._pool.submit(self._do, work)))

    def _do(self, work: Callable[[Journal], T]) -> T:
        if self._journal is None:
            self._journal = self._opener()
        return work(self._journal)

    async def close(self) -> None:
        """Finish and close."""
        if not self._closed:
            self._closed = True
            await asyncio.wrap_future(self._pool.submit(self._shut))
            self._pool.shutdown()

    def _shut(self) -> None:
        if self._journal is not None:
            self._journal.close()
