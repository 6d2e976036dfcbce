"""Real processes, made quickly: one that has imported and compiled everything makes the others from itself.

A process that begins from nothing needs three seconds before its first request, a child of this one some milliseconds.
Children come into being by ``fork``: not on Windows.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Live = Callable[[Connection, Any], None]


@dataclass(frozen=True, slots=True)
class Child:
    """A process and the line to it; the line ends with the process."""

    pid: int
    line: Connection

    def kill(self) -> None:
        """SIGKILL: nothing in it runs any more."""
        os.kill(self.pid, signal.SIGKILL)


class Nursery:
    """Makes processes.

    Parameters
    ----------
    prepare
        Called once in the mother: what it loads, every child has.
    live
        What a child does, with its line and what it was told.
    """

    def __init__(self, prepare: Callable[[], None], live: Live) -> None:
        self._folder = TemporaryDirectory(prefix="campaign-nursery-")
        self._births = 0
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._mother = context.Process(target=_mother, args=(theirs, prepare, live), daemon=True)
        self._mother.start()
        theirs.close()

    @property
    def folder(self) -> Path:
        """For what its children share."""
        return Path(self._folder.name)

    def birth(self, told: Any) -> Child:
        """One more process."""
        self._births += 1
        place = str(self.folder / f"child-{self._births}")
        with Listener(place, family="AF_UNIX") as door:
            self._orders.send((place, told))
            pid = self._orders.recv()
            return Child(pid, door.accept())

    def close(self) -> None:
        """End the mother; her children are not hers to end."""
        self._orders.close()
        self._mother.join()
        self._mother.close()
        self._folder.cleanup()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _mother(orders: Connection, prepare: Callable[[], None], live: Live) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no burial
    prepare()
    while True:
        try:
            place, told = orders.recv()
        except EOFError:
            return
        pid = os.fork()
        if pid == 0:
            _be_born(orders, place, told, live)
        orders.send(pid)


def _be_born(orders: Connection, place: str, told: Any, live: Live) -> None:
    """In the child: it never comes back from here."""
    code = 1
    try:
        orders.close()
        with Client(place, family="AF_UNIX") as line:
            live(line, told)
        code = 0
    finally:
        os._exit(code)
