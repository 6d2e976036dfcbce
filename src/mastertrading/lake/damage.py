"""Damage for tests of the door: holes and bars that can't be used, at random places of a made market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mastertrading.domain.market import Bars, Bool
from mastertrading.lake.quality import Reason


@dataclass(frozen=True, slots=True)
class Defects:
    """What to damage, at random places of each instrument, for tests.

    Attributes
    ----------
    gaps, gap_bars
        How many holes, and how long each is.
    bad_bars
        How many single bars can't be used (NaN, negative, high below low, close outside, in turn).
    """

    gaps: int = 0
    gap_bars: int = 5
    bad_bars: int = 0


def damaged(defects: Defects | None, shape: tuple[int, ...], seed: int) -> Bool:
    """Where bars can't be used: holes and bad bars."""
    holes = bad_bars(defects, shape, seed)
    if defects is None:
        return holes
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 6))))
    for k in range(shape[1]):
        for _ in range(defects.gaps):
            first = 1 + int(random.random() * max(1, shape[0] - defects.gap_bars - 2))
            holes[first : min(first + defects.gap_bars, shape[0] - 1), k] = True
    return holes


def bad_bars(defects: Defects | None, shape: tuple[int, ...], seed: int) -> Bool:
    """Bars whose values are spoilt; never the first or the last, which mark the window."""
    bad = np.zeros(shape, np.bool_)
    if defects is None or defects.bad_bars == 0:
        return bad
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 4))))
    for k in range(shape[1]):
        rows = 1 + (random.random(defects.bad_bars) * max(1, shape[0] - 2)).astype(np.int64)
        bad[rows, k] = True
    return bad


def spoil(bars: Bars, bad: Bool) -> None:
    """Write a bad value of each kind, in turn."""
    kinds = (Reason.NOT_FINITE, Reason.NOT_POSITIVE, Reason.HIGH_BELOW_LOW, Reason.OUTSIDE_RANGE)
    for number, row in enumerate(np.flatnonzero(bad)):
        kind = kinds[number % len(kinds)]
        if kind is Reason.NOT_FINITE:
            bars.close[row] = np.nan
        elif kind is Reason.NOT_POSITIVE:
            bars.low[row] = -bars.low[row]
        elif kind is Reason.HIGH_BELOW_LOW:
            bars.high[row] = 0.5 * bars.low[row]
        else:
            bars.close[row] = 2.0 * bars.high[row]
