"""The causality check: what is known at a moment must not depend on what comes after it.

Plain arrays go in and come out, each with the moments at which its rows are known. The function under test runs
once over everything, and once more per cut point and way:

* **cut**: only what is known up to the cut exists;
* **randomise**: everything known after the cut is replaced by something else that could have happened.

Everything that the function calls known up to the cut must be the same in all runs, to the bit. Nothing here
knows what is being tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mastertrading.domain.market import DAY_MS, F64, HOUR_MS, I64, MINUTE_MS, Bool, Records
from mastertrading.research.bars import COLUMNS as BAR_COLUMNS

COARSE_MS = (5 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS)


class Known(NamedTuple):
    """Rows of anything, shape (rows, ...), with the moment each is known, ascending, shape (rows,)."""

    at_ms: I64
    rows: Records

    def until(self, cut_ms: int) -> Known:
        """What is known at or before the cut."""
        count = int(np.searchsorted(self.at_ms, cut_ms, side="right"))
        return Known(self.at_ms[:count], self.rows[:count])


World = Mapping[str, Known]
Function = Callable[[World], World]
Future = Callable[[World, int, np.random.Generator], World]
"""Takes a world, a cut and a source of chance; returns the world with another future after the cut."""


@dataclass(frozen=True)
class Difference:
    """The first thing that is not the same: proof of a look-ahead."""

    output: str
    field: str
    row: int
    at_ms: int
    cut_ms: int
    way: str

    def __str__(self) -> str:
        at, cut = (np.datetime64(ms, "ms") for ms in (self.at_ms, self.cut_ms))
        where = f"{self.output}.{self.field}" if self.field else self.output
        return f"{where}, row {self.row}, known at {at}, changes with what follows {cut} ({self.way})"


def sweep(
    function: Function, world: World, cuts_ms: Iterable[int], future: Future, seed: int = 0
) -> Difference | None:
    """Run the function at every cut point in both ways; the first difference, or None if there is none."""
    whole = function(world)
    for cut_ms in cuts_ms:
        rng = chance(seed, int(cut_ms))
        for way, changed in (("cut", until(world, cut_ms)), ("randomise", future(world, cut_ms, rng))):
            found = first_difference(whole, function(changed), int(cut_ms), way)
            if found is not None:
                return found
    return None


def chance(*seed: int) -> np.random.Generator:
    """A source of chance that is the same for the same seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


def until(world: World, cut_ms: int) -> World:
    """The world as it is known at the cut."""
    return {name: known.until(cut_ms) for name, known in world.items()}


def first_difference(whole: World, other: World, cut_ms: int, way: str) -> Difference | None:
    """The earliest row known by the cut that differs, over all outputs."""
    found = [_differing(name, whole[name], other[name], cut_ms, way) for name in whole]
    return min((each for each in found if each is not None), key=lambda each: each.at_ms, default=None)


def same_bits(a: Records, b: Records) -> bool:
    """Whether two arrays hold the same bits in every field."""
    return len(a) == len(b) and not differing(a, b).any()


def differing(a: Records, b: Records) -> Bool:
    """Which rows of two arrays of one length differ in any bit of any field, shape (rows,)."""
    out = np.zeros(len(a), np.bool_)
    for _, x, y in _fields(a, b):
        out |= _rows_differ(x, y)
    return out


def largest_difference(a: Records, b: Records) -> float:
    """By how much two arrays differ, over all their fields; a value against NaN counts as infinite."""
    largest = 0.0
    for _, x, y in _fields(a, b):
        if x.dtype.names:  # records that are the same as a whole
            continue
        mine, theirs = np.asarray(x, np.float64), np.asarray(y, np.float64)
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        gap = np.where(same, 0.0, np.abs(mine - theirs))
        largest = max(largest, float(np.nan_to_num(gap, nan=np.inf).max(initial=0.0)))
    return largest


def _differing(name: str, whole: Known, other: Known, cut_ms: int, way: str) -> Difference | None:
    mine, theirs = whole.until(cut_ms), other.until(cut_ms)
    both = min(len(mine.at_ms), len(theirs.at_ms))
    rows = {"": _first_row(mine.at_ms[:both], theirs.at_ms[:both])}
    for field, a, b in _fields(mine.rows[:both], theirs.rows[:both]):
        rows[field] = _first_row(a, b)
    field = min(rows, key=rows.__getitem__)
    row = rows[field]
    if row == both and len(mine.at_ms) == len(theirs.at_ms):
        return None
    longer = max(mine, theirs, key=lambda known: len(known.at_ms))
    return Difference(name, field if row < both else "", row, int(longer.at_ms[row]), cut_ms, way)


def _fields(a: Records, b: Records, prefix: str = "") -> Iterator[tuple[str, Records, Records]]:
    """The plain arrays inside two arrays of records; padding between fields is nobody's business."""
    if a.dtype.names is None or a.dtype != b.dtype or _same_bytes(a, b):
        yield prefix, a, b
        return
    for name in a.dtype.names:
        yield from _fields(a[name], b[name], f"{prefix}.{name}" if prefix else name)


def _same_bytes(a: Records, b: Records) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(_bytes(a), _bytes(b))


def _bytes(array: Records) -> Records:
    plain = np.ascontiguousarray(array.view(np.ndarray))
    return plain.reshape(len(plain), -1).view(np.uint8) if plain.size else np.zeros((len(plain), 0), np.uint8)


def _first_row(a: Records, b: Records) -> int:
    """The first row whose bits differ; the number of rows if none does."""
    differs = _rows_differ(a, b)
    return int(np.argmax(differs)) if differs.any() else len(a)


def _rows_differ(a: Records, b: Records) -> Bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return np.ones(len(a), np.bool_)
    differs: Bool = (_bytes(a) != _bytes(b)).any(axis=1)
    return differs


# ---------------------------------------------------------------- where to cut


def cut_points(closes_ms: I64, seed: int, count: int = 200, moments_ms: Iterable[int] = ()) -> list[int]:
    """At least ``count`` cut points, ascending, from when some bars are known.

    Parameters
    ----------
    closes_ms
        When each base bar is known, evenly spaced.
    moments_ms
        Other moments that matter (settlements): each is cut at, 1 ms before and 1 ms after.

    A half is for the ends of coarse bars and days and one bar to either side, and for ``moments_ms``; the rest is
    spread by chance.
    """
    rng = chance(seed)
    base_ms = int(closes_ms[1] - closes_ms[0])
    first, last = int(closes_ms[0]), int(closes_ms[-1])
    wanted = {first, last - base_ms}
    wanted |= {int(m) + step for m in moments_ms for step in (-1, 0, 1) if first <= m - 1 and m + 1 <= last}
    for length in COARSE_MS:
        ends = closes_ms[(closes_ms % length == 0) & (closes_ms > first) & (closes_ms < last)]
        some = rng.permutation(ends)[: max(1, count // 24)]
        wanted |= {int(end) + step for end in some for step in (-base_ms, 0, base_ms)}
    rest = [int(ms) for ms in rng.permutation(closes_ms[:-1]) if int(ms) not in wanted]
    return sorted([*wanted, *rest[: max(0, count - len(wanted))]])


# ---------------------------------------------------------------- what else could have happened


def other_future(tick: float | F64 = 0.0, missing: float = 0.0) -> Future:
    """Another future for bars (``open`` … ``volume``) and for rates (any other series of numbers).

    Parameters
    ----------
    tick
        Price step of each instrument; 0: none.
    missing
        Share of the bars after the cut that are NaN.
    """

    def future(world: World, cut_ms: int, rng: np.random.Generator) -> World:
        out = {name: _other_rates(known, cut_ms, rng) for name, known in world.items()}
        return {**out, **_other_bars(world, cut_ms, rng, tick, missing)}

    return future


def _other_rates(known: Known, cut_ms: int, rng: np.random.Generator) -> Known:
    """Rates that are larger and of any sign; whole numbers are shuffled."""
    count = len(known.until(cut_ms).at_ms)
    if count == len(known.at_ms):
        return known
    rows = known.rows.copy()
    if rows.dtype.kind == "f":
        rows[count:] = rng.normal(0.0, 3.0 * (np.nanstd(rows) + 1e-9), rows[count:].shape)
    else:
        rows[count:] = rng.choice(rows, len(rows) - count)
    return Known(known.at_ms, rows)


def _other_bars(
    world: World, cut_ms: int, rng: np.random.Generator, tick: float | F64, missing: float
) -> World:
    """A random walk on from the last known close, twice as wild as what was recorded."""
    if "close" not in world:
        return {}
    at_ms, close = world["close"]
    count = len(world["close"].until(cut_ms).at_ms)
    shape = close[count:].shape
    moves = np.diff(np.log(close), axis=0)
    walk = np.cumsum(rng.normal(0.0, 2.0 * np.nanstd(moves, axis=0), shape), axis=0)
    after = _last_close(close, count) * np.exp(walk)
    before = np.concatenate([_last_close(close, count)[None], after[:-1]])[: len(after)]
    reach = after * np.nanstd(moves, axis=0)
    columns = {
        "open": before,
        "high": np.maximum(before, after) + reach * rng.exponential(1.0, shape),
        "low": np.minimum(before, after) - reach * rng.exponential(1.0, shape),
        "close": after,
        "volume": np.round(rng.exponential(100.0, shape)),
    }
    gone = rng.random(shape) < missing
    out = {}
    for name in BAR_COLUMNS:
        rows = world[name].rows.copy()
        values = columns[name] if name == "volume" else on_grid(columns[name], tick)
        rows[count:] = np.where(gone, np.nan, values)
        out[name] = Known(at_ms, rows)
    return out


def on_grid(prices: F64, tick: float | F64) -> F64:
    """Prices rounded to whole ticks, at least one."""
    step = np.asarray(tick, np.float64)
    if not step.any():
        return prices
    return np.maximum(np.rint(prices / step), 1.0) / np.rint(1.0 / step)


def _last_close(close: F64, count: int) -> F64:
    """The newest close before row ``count`` in each column; the first of all where none is known yet."""
    known = close[:count] if count else close[:1]
    columns = known.reshape(len(known), -1)
    first = np.nanmedian(close.reshape(len(close), -1), axis=0)
    newest = [c[np.isfinite(c)][-1] if np.isfinite(c).any() else first[k] for k, c in enumerate(columns.T)]
    return np.array(newest).reshape(close.shape[1:])
