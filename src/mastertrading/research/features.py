"""Forecasts by the hash of what they are made of, so that no two cases compute the same array twice."""

from __future__ import annotations

import os
import threading
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
        self._lock = threading.Lock()
        self.computed = 0

    def get(self, key: str, make: Callable[[], F64]) -> F64:
        """The array of a key; the first who asks makes it, the others wait for it.

        What is raised while it is made is raised to everyone who waits, and the next who asks tries again.
        """
        with self._lock:
            known = self._arrays.get(key)
            if known is not None:
                self._arrays.move_to_end(key)
            else:
                mine = self._arrays[key] = Future[F64]()
                while len(self._arrays) > self._kept:
                    self._arrays.popitem(last=False)
        if known is not None:
            return known.result()
        try:
            array = self._made(key, make)
        except BaseException as error:
            with self._lock:
                self._arrays.pop(key, None)
            mine.set_exception(error)
            raise
        mine.set_result(array)
        return array

    def _made(self, key: str, make: Callable[[], F64]) -> F64:
        stored = self._read(key)
        if stored is not None:
            return stored
        array = make()
        array.setflags(write=False)
        with self._lock:
            self.computed += 1
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
