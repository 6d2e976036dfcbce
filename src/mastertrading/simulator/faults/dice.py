"""Dice of a fault or a plan: the same seed, the same throws, whatever else is drawn elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """Throws that follow from a text."""

    def __init__(self, seed: str) -> None:
        words = np.frombuffer(hashlib.sha256(seed.encode()).digest(), dtype=np.uint32)
        self._draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words.tolist())))

    def share(self) -> float:
        """A number in [0, 1)."""
        return float(self._draw.random())

    def between(self, least: float, most: float) -> float:
        """A number between two."""
        return least + (most - least) * self.share()

    def whole(self, least: int, most: int) -> int:
        """A whole number in [least, most]."""
        return int(self._draw.integers(least, most, endpoint=True))

    def one_of(self, options: Sequence[T]) -> T:
        """One of several."""
        return options[self.whole(0, len(options) - 1)]

    def some_of(self, options: Sequence[T], count: int) -> list[T]:
        """So many of them, each at most once, in random order."""
        order = self._draw.permutation(len(options))
        return [options[at] for at in order[:count]]
