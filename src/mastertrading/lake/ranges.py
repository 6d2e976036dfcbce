"""Ranges of time, half open: ``[start, end)`` in milliseconds, kept sorted and apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mastertrading.domain.market import I64

Range = tuple[int, int]


def united(ranges: Iterable[Iterable[int]]) -> list[Range]:
    """The same times as few ranges as possible; empty ones vanish."""
    found: list[Range] = []
    for start, end in sorted((int(a), int(b)) for a, b in ranges):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    """What of some ranges is in none of others."""
    left = united(ranges)
    for start, end in united(taken):
        left = [part for a, b in left for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
    return left


def common(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """What of some ranges is in others too."""
    whole = united(ranges)
    return without(whole, without(whole, others))


def length_ms(ranges: Iterable[Range]) -> int:
    """Milliseconds in some ranges that are apart."""
    return sum(end - start for start, end in ranges)


def runs(ts_ms: I64, step_ms: int) -> list[Range]:
    """Unbroken runs of rows on a grid, each from its first row to the end of its last one."""
    if len(ts_ms) == 0:
        return []
    breaks = np.flatnonzero(np.diff(ts_ms) != step_ms)
    firsts, lasts = ts_ms[np.r_[0, breaks + 1]], ts_ms[np.r_[breaks, len(ts_ms) - 1]]
    return [(int(a), int(b) + step_ms) for a, b in zip(firsts, lasts, strict=True)]
