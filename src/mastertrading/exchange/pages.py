"""One page of rows, believed with care: in order, each time once, whole, and only what was asked for.

Exchanges give fewer rows than asked for (a smaller limit, of the newest or of the oldest), rows twice, in any order,
rows outside the window, and now and then an empty page where there are rows. What is missing at either end is asked
for again; an emptiness is believed when it is said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mastertrading.domain.market import F64, I64, Bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one series.

    Attributes
    ----------
    ts_ms
        Open time of a bar, or when a rate was charged or open interest measured; shape (rows,).
    values
        The columns of `venues.COLUMNS`; shape (rows, columns).
    """

    ts_ms: I64
    values: F64

    def __len__(self) -> int:
        """How many."""
        return len(self.ts_ms)


Ask = Callable[[int, int], Rows]
"""One request: rows from a moment, before another; the answer may hold anything."""


def windows(start_ms: int, end_ms: int, length_ms: int) -> Iterator[tuple[int, int]]:
    """Cut a range into pages that begin on multiples of their length, so that every download has the same ones."""
    at = start_ms
    while at < end_ms:
        until = min((at // length_ms + 1) * length_ms, end_ms)
        yield at, until
        at = until


def whole_page(
    ask: Ask, start_ms: int, end_ms: int, *, step_ms: int, limit: int, sparse: bool = False
) -> Rows:
    """All rows of a window, however the exchange cuts its answers.

    Parameters
    ----------
    step_ms
        Distance of the rows; 0 if they have no grid (funding).
    limit
        Rows that were asked for at once; an answer of as many may have lost some.
    sparse
        Holes between rows are usual and not worth a second question.
    """
    rows = _believed(ask, start_ms, end_ms, step_ms, sparse)
    if len(rows) == 0:
        return rows
    if step_ms == 0:
        return rows if len(rows) < limit else _halves(ask, rows, start_ms, end_ms, limit)
    parts, cut = [rows], _cut_off(rows, start_ms, end_ms, step_ms)
    while cut:
        a, b = cut.pop()
        more = _believed(ask, a, b, step_ms, sparse)
        if len(more):
            parts.append(more)
            cut += _cut_off(more, a, b, step_ms)
    return in_order(parts)


def _cut_off(rows: Rows, start_ms: int, end_ms: int, step_ms: int) -> list[tuple[int, int]]:
    """What an answer left out at its two ends."""
    ends = ((start_ms, int(rows.ts_ms[0])), (int(rows.ts_ms[-1]) + step_ms, end_ms))
    return [(a, b) for a, b in ends if -(-a // step_ms) * step_ms < b]


def _halves(ask: Ask, rows: Rows, start_ms: int, end_ms: int, limit: int) -> Rows:
    middle = (start_ms + end_ms) // 2
    if middle <= start_ms:
        return rows
    pairs = ((start_ms, middle), (middle, end_ms))
    return in_order([rows, *(whole_page(ask, a, b, step_ms=0, limit=limit) for a, b in pairs)])


def _believed(ask: Ask, start_ms: int, end_ms: int, step_ms: int, sparse: bool) -> Rows:
    """An answer; one that is empty or has holes is asked for twice."""
    rows = inside(ask(start_ms, end_ms), start_ms, end_ms)
    holes = step_ms > 0 and not sparse and bool((np.diff(rows.ts_ms) > step_ms).any())
    if len(rows) and not holes:
        return rows
    return in_order([rows, inside(ask(start_ms, end_ms), start_ms, end_ms)])


def inside(rows: Rows, start_ms: int, end_ms: int) -> Rows:
    """Rows of a window, in order, those that repeat another to the bit once."""
    kept: Bool = (rows.ts_ms >= start_ms) & (rows.ts_ms < end_ms)
    return in_order([Rows(rows.ts_ms[kept], rows.values[kept])])


def in_order(parts: list[Rows]) -> Rows:
    """Several parts as one; rows that contradict each other all stay, for the lake to put aside."""
    ts_ms = np.concatenate([part.ts_ms for part in parts])
    values = np.concatenate([part.values for part in parts])
    if len(ts_ms) < 2:
        return Rows(ts_ms, values)
    bits = values.view(np.int64) if values.flags.c_contiguous else np.ascontiguousarray(values).view(np.int64)
    order = np.lexsort((*bits.T, ts_ms))
    ts_ms, values, bits = ts_ms[order], values[order], bits[order]
    new = np.ones(len(ts_ms), np.bool_)
    new[1:] = (np.diff(ts_ms) != 0) | (np.diff(bits, axis=0) != 0).any(axis=1)
    return Rows(ts_ms[new], values[new])
