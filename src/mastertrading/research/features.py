"""What cases share, by the hash of what it is made of, so that no two cases compute the same thing twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from mastertrading.domain.errors import OutputError
from mastertrading.domain.market import F64
from mastertrading.lake.files import write_whole

T = TypeVar("T")


class Kept(Generic[T]):
    """The most recently used values by key, made once each however many threads ask for them.

    Parameters
    ----------
    kept
        Values to keep.
    """

    def __init__(self, kept: int) -> None:
        self._kept = max(1, kept)
        self._values: OrderedDict[str, Future[T]] = OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The value of a key; the first who asks makes it, the others wait for it.

        What is raised while it is made is raised to everyone who waits, and the next who asks tries again.
        """
        mine = Future[T]()
        held = self._values.setdefault(key, mine)  # one step: of several threads one puts its own there
        self._forget_oldest(key)
        if held is not mine:
            return held.result()
        try:
            value = make()
        except BaseException as error:
            self._values.pop(key, None)
            mine.set_exception(error)
            raise
        mine.set_result(value)
        return value

    def _forget_oldest(self, used: str) -> None:
        with suppress(KeyError):  # another thread was quicker
            self._values.move_to_end(used)
        with suppress(KeyError):
            while len(self._values) > self._kept:
                self._values.popitem(last=False)


class Features:
    """Forecasts: the most recently used in memory, and all of them on disk where a folder is given.

    Parameters
    ----------
    kept
        Arrays to keep in memory.
    folder
        Keep them on disk as well, for later sweeps; None: do not.
    """

    def __init__(self, kept: int, folder: Path | None = None) -> None:
        self._arrays, self._folder = Kept[F64](kept), folder
        self._made: list[str] = []

    @property
    def computed(self) -> int:
        """How many arrays were made, not found."""
        return len(self._made)

    def get(self, key: str, make: Callable[[], F64]) -> F64:
        """The array of a key, read-only, see `Kept.get`."""
        return self._arrays.get(key, lambda: self._found(key, make))

    def _found(self, key: str, make: Callable[[], F64]) -> F64:
        stored = self._read(key)
        if stored is not None:
            return stored
        array = make()
        array.setflags(write=False)
        self._made.append(key)
        self._write(key, array)
        return array

    def _read(self, key: str) -> F64 | None:
        """An array kept on disk; None where there is none that can be read."""
        if self._folder is None:
            return None
        try:
            array: F64 = np.load(self._folder / f"{key}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        array.setflags(write=False)
        return array

    def _write(self, key: str, array: F64) -> None:
        """Keep an array on disk, whole or not at all; a full disk only means that it is computed again."""
        if self._folder is None:
            return
        with suppress(OutputError):
            write_whole(self._folder / f"{key}.npy", lambda unfinished: _save(unfinished, array))


def _save(path: Path, array: F64) -> None:
    with path.open("wb") as stream:  # given a path, NumPy would add an ending to it
        np.save(stream, array, allow_pickle=False)
