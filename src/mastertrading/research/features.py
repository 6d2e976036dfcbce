"""Forecasts by the hash of what they are made of, so that no two cases compute the same array twice."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import numpy as np

from mastertrading.domain.market import F64


class Features:
    """The most recently used arrays, computed once each however many threads ask for them.

    Parameters
    ----------
    kept
        Arrays to keep in memory.
    folder
        Keep them on disk as well, for later sweeps; None: do not.
    """

    def __init__(self, kept: int, folder: Path | None = None) -> None:
        self._kept, self._folder = max(1, kept), folder
        self._arrays: OrderedDict[str, Future[F64]] = OrderedDict()
        self._made: list[str] = []

    @property
    def computed(self) -> int:
        """How many arrays were made, not found."""
        return len(self._made)

    def get(self, key: str, make: Callable[[], F64]) -> F64:
        """The array of a key; the first who asks makes it, the others wait for it.

        What is raised while it is made is raised to everyone who waits, and the next who asks tries again.
        """
        mine = Future[F64]()
        held = self._arrays.setdefault(key, mine)  # one step: of several threads one puts its own there
        self._forget_oldest(key)
        if held is not mine:
            return held.result()
        try:
            array = self._found(key, make)
        except BaseException as error:
            self._arrays.pop(key, None)
            mine.set_exception(error)
            raise
        mine.set_result(array)
        return array

    def _forget_oldest(self, used: str) -> None:
        with suppress(KeyError):  # another thread was quicker
            self._arrays.move_to_end(used)
        with suppress(KeyError):
            while len(self._arrays) > self._kept:
                self._arrays.popitem(last=False)

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
        unfinished = self._folder / f".{key}.{os.getpid()}.unfinished"
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as stream:
                np.save(stream, array, allow_pickle=False)
            os.replace(unfinished, self._folder / f"{key}.npy")
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
