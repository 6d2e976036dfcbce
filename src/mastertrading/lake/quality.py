"""DATA-QUALITY: what is wrong with a series, how bad that is, and which bars must never be used.

A finding carries the best grade that a series with it may still have; a series' grade is the worst of its
findings' (none: A). The rules are written out in ``docs/data-quality.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import gcd

import numpy as np

from mastertrading.domain.market import DAY_MS, F64, HOUR_MS, I64, MINUTE_MS, Bars, Bool

FIRST_SHOWN = 5
GRADES = "ABCD"

INTERRUPTION_MS = 7 * DAY_MS
"""A longer hole divides a recording into parts; over a whole file it is told, not counted as missing bars."""
SMALL_GAP_SHARE, SMALL_GAP_BARS = 0.001, 60
LARGE_GAP_SHARE = 0.01
OUTLIER_FLOOR, OUTLIER_FACTOR = 0.05, 60.0
MANY_OUTLIERS = 1e-4
STILL_BARS, MANY_STILL = 30, 0.05
OFF_TICK_SHARE = 0.001
FUNDING_CEILING = 0.05
SHIFTS = range(-14, 15)


class Kind(StrEnum):
    """What can be wrong."""

    GAP = "gap"
    INTERRUPTION = "interruption"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    UNSORTED = "unsorted"
    OFF_GRID = "off_grid"
    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    HIGH_BELOW_LOW = "high_below_low"
    OUTSIDE_RANGE = "outside_range"
    OUTLIER = "outlier"
    ZERO_VOLUME = "zero_volume"
    TIMEZONE_SLIP = "timezone_slip"
    OFF_TICK = "off_tick"
    FUNDING_NONE = "funding_none"
    FUNDING_GAP = "funding_gap"
    FUNDING_INTERVAL = "funding_interval"
    FUNDING_RATE = "funding_rate"


class Reason(IntEnum):
    """Why a bar can't be used; 0 = it can."""

    USABLE = 0
    NOT_FINITE = 1
    NOT_POSITIVE = 2
    HIGH_BELOW_LOW = 3
    OUTSIDE_RANGE = 4
    OFF_GRID = 5
    CONFLICT = 6

    @property
    def kind(self) -> Kind:
        """The finding that reports it."""
        return Kind(self.name.lower())


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    kind
        What.
    count
        How many bars (or settlements) it concerns.
    first_ts_ms
        The first few times at which it occurs.
    caps
        Best grade that a series with this finding may have, A to D.
    detail
        A sentence with the numbers.
    """

    kind: Kind
    count: int
    first_ts_ms: tuple[int, ...]
    caps: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Bars that may be used, sorted and unique, and those that may not, with their :class:`Reason`."""

    bars: Bars
    quarantined: Bars
    reasons: I64
    findings: tuple[Finding, ...]


def worst(grades: list[str]) -> str:
    """The worst of some grades; A if there are none."""
    return max(grades, default="A")


def grade_of(findings: tuple[Finding, ...] | list[Finding]) -> str:
    """Grade of a series with these findings."""
    return worst([finding.caps for finding in findings])


def take(bars: Bars, rows: I64 | Bool | slice) -> Bars:
    """Some rows of a series."""
    return Bars(*(getattr(bars, name)[rows] for name in Bars.__dataclass_fields__))


# ---------------------------------------------------------------- what can't be used


def clean(raw: Bars, step_ms: int) -> Cleaned:
    """Separate the bars that may be used from those that may not.

    Rows are put in order, identical duplicates dropped; rows of one time that contradict each other are all
    quarantined, because nothing says which is right. Every finding caps the grade at D: a file that has passed
    the door has none of them.

    Parameters
    ----------
    raw
        Rows as they stand in the file, in any order.
    step_ms
        Length of a bar.
    """
    findings: list[Finding | None] = []
    backward = np.flatnonzero(np.diff(raw.ts_ms) < 0) + 1
    if backward.size:
        findings.append(_found(Kind.UNSORTED, raw.ts_ms[backward], "D", "rows go back in time"))
        raw = take(raw, np.argsort(raw.ts_ms, kind="stable"))
    raw, conflict = _without_twins(raw, findings)
    reasons = _reasons(raw, step_ms, conflict)
    bad = reasons > 0
    if bad.any():
        findings += [_found(r.kind, raw.ts_ms[reasons == r], "D", what) for r, what in _WHAT.items()]
    good = take(raw, ~bad) if bad.any() else raw
    return Cleaned(good, take(raw, bad), reasons[bad], tuple(_real(findings)))


_WHAT = {
    Reason.NOT_FINITE: "a price or volume is NaN or infinite",
    Reason.NOT_POSITIVE: "a price is zero or negative, or a volume negative",
    Reason.HIGH_BELOW_LOW: "high is below low",
    Reason.OUTSIDE_RANGE: "open or close lies outside low … high",
    Reason.OFF_GRID: "the time is not a multiple of the timeframe",
    Reason.CONFLICT: "rows of one time contradict each other",
}


def _without_twins(bars: Bars, findings: list[Finding | None]) -> tuple[Bars, Bool]:
    """Drop rows that repeat the row before them; mark rows of one time that differ."""
    conflict = np.zeros(len(bars), np.bool_)
    same_time = np.flatnonzero(np.diff(bars.ts_ms) == 0) + 1
    if not same_time.size:
        return bars, conflict
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    twin = np.logical_and.reduce([_equal(c[same_time], c[same_time - 1]) for c in columns])
    conflict |= np.isin(bars.ts_ms, bars.ts_ms[same_time[~twin]])
    if twin.any():
        times = bars.ts_ms[same_time[twin]]
        findings.append(_found(Kind.DUPLICATE, times, "D", "rows repeat the row before them"))
    keep = np.ones(len(bars), np.bool_)
    keep[same_time[twin]] = False
    return take(bars, keep), conflict[keep]


def drop_twins(bars: Bars) -> Bars:
    """Drop rows that repeat the row before them; rows in order of time."""
    return _without_twins(bars, [])[0]


def _equal(a: F64, b: F64) -> Bool:
    return (a == b) | (np.isnan(a) & np.isnan(b))


def _reasons(bars: Bars, step_ms: int, conflict: Bool) -> I64:
    """Why each bar can't be used (the gravest reason wins); 0 where it can."""
    reasons = np.zeros(len(bars), np.int64)
    reasons[conflict] = Reason.CONFLICT
    reasons[bars.ts_ms % step_ms != 0] = Reason.OFF_GRID
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    reasons[(top > bars.high) | (bottom < bars.low)] = Reason.OUTSIDE_RANGE
    reasons[bars.high < bars.low] = Reason.HIGH_BELOW_LOW
    lowest = np.minimum(bottom, np.minimum(bars.high, bars.low))
    reasons[(lowest <= 0) | (bars.volume < 0)] = Reason.NOT_POSITIVE
    total = bars.open + bars.high + bars.low + bars.close + bars.volume
    reasons[~np.isfinite(total)] = Reason.NOT_FINITE
    return reasons


# ---------------------------------------------------------------- what looks wrong but can be used


def check_bars(
    bars: Bars, step_ms: int, *, tick: float | None = None, still: bool = True, parts: bool = False
) -> list[Finding]:
    """Findings about clean bars: gaps, outliers, zero-volume runs, off-tick prices.

    Parameters
    ----------
    bars
        Clean bars (see :func:`clean`).
    step_ms
        Length of a bar.
    tick
        Price step of the instrument, if known.
    still
        Look for zero-volume runs (mark prices have no volume).
    parts
        The series is a whole file, which may consist of parts: a hole of more than 7 days caps it at B.
    """
    if len(bars) == 0:
        return []
    checks: list[Finding | None] = [*_gaps(bars.ts_ms, step_ms, parts), _outliers(bars)]
    if still:
        checks.append(_zero_volume(bars))
    if tick is not None:
        checks.append(_off_tick(bars, tick))
    return _real(checks)


def gaps(ts_ms: I64, step_ms: int) -> list[tuple[int, int, int]]:
    """Holes of an ascending series, as (first missing open time, last missing, bars missing)."""
    after = np.flatnonzero(np.diff(ts_ms) > step_ms)
    starts, ends = ts_ms[after] + step_ms, ts_ms[after + 1] - step_ms
    return [(int(s), int(e), int((e - s) // step_ms + 1)) for s, e in zip(starts, ends, strict=True)]


def gap_cap(missing: int, longest: int, expected: int) -> str:
    """Best grade that a series of ``expected`` bars may have with so many missing."""
    if missing == 0:
        return "A"
    if missing <= SMALL_GAP_SHARE * expected and longest <= SMALL_GAP_BARS:
        return "B"
    return "C" if missing <= LARGE_GAP_SHARE * expected else "D"


def _gaps(ts_ms: I64, step_ms: int, parts: bool) -> list[Finding | None]:
    longest_counted = (INTERRUPTION_MS if parts else int(ts_ms[-1] - ts_ms[0])) // step_ms
    holes = gaps(ts_ms, step_ms)
    counted = [hole for hole in holes if hole[2] <= longest_counted]
    between = np.array([hole[0] for hole in holes if hole[2] > longest_counted], np.int64)
    found = [
        _found(Kind.INTERRUPTION, between, "B", "holes of more than 7 days divide the series into parts")
    ]
    if not counted:
        return found
    missing, longest = sum(hole[2] for hole in counted), max(hole[2] for hole in counted)
    expected = len(ts_ms) + missing
    detail = f"{missing} of {expected} bars are missing in {_gap_count(len(counted))} {longest} bars"
    times = np.array([hole[0] for hole in counted], np.int64)
    return [*found, _found(Kind.GAP, times, gap_cap(missing, longest, expected), detail, missing)]


def _gap_count(number: int) -> str:
    return "1 gap of" if number == 1 else f"{number} gaps, the longest of"


def _outliers(bars: Bars) -> Finding | None:
    """Prices that leave the neighbourhood of both neighbours and come back at once.

    A bar's extreme is compared with the highest (lowest) of its own open and close and of the bars beside it;
    the limit is 60 times the median bar-to-bar move, at least 5 %. A jump that stays is a move, not an outlier.
    """
    if len(bars) < 3:
        return None
    close = bars.close
    typical = float(np.median(np.abs(close[1:] / close[:-1] - 1.0)))
    limit = max(OUTLIER_FLOOR, OUTLIER_FACTOR * typical)
    around_top = np.maximum(close[:-2], bars.open[2:])
    around_bottom = np.minimum(close[:-2], bars.open[2:])
    up = bars.high[1:-1] / around_top - 1.0
    down = around_bottom / bars.low[1:-1] - 1.0
    times = bars.ts_ms[1:-1][np.maximum(up, down) > limit]
    caps = "C" if times.size > MANY_OUTLIERS * len(bars) and times.size > 1 else "B"
    return _found(
        Kind.OUTLIER, times, caps, f"prices leave their neighbours by more than {limit:.1%} and return"
    )


def _zero_volume(bars: Bars) -> Finding | None:
    """Runs of at least 30 bars without a trade."""
    still = np.concatenate(([False], bars.volume == 0, [False]))
    edges = np.flatnonzero(np.diff(still.astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    long = lengths >= STILL_BARS
    count = int(lengths[long].sum())
    caps = "C" if count > MANY_STILL * len(bars) else "B"
    detail = f"{count} bars in {int(long.sum())} runs of {STILL_BARS} or more without a trade"
    return _found(Kind.ZERO_VOLUME, bars.ts_ms[starts[long]], caps, detail, count)


def _off_tick(bars: Bars, tick: float) -> Finding | None:
    off = np.zeros(len(bars), np.bool_)
    for column in (bars.open, bars.high, bars.low, bars.close):
        ticks = column / tick
        off |= np.abs(ticks - np.rint(ticks)) > 1e-6 + 1e-9 * ticks
    caps = "C" if off.sum() > OFF_TICK_SHARE * len(bars) else "B"
    return _found(Kind.OFF_TICK, bars.ts_ms[off], caps, f"prices are not multiples of the tick {tick:g}")


def check_shift(bars: Bars, step_ms: int, other: Bars, other_step_ms: int) -> Finding | None:
    """A timezone slip: the series fits another of the same instrument only if moved by whole hours.

    Closes that end at the same moment are compared for each shift of −14 … 14 h; a slip is reported if the best
    shift is not 0 and its median difference is under a quarter of the unshifted one.
    """
    ends, other_ends = bars.ts_ms + step_ms, other.ts_ms + other_step_ms
    comparable = ends % gcd(HOUR_MS, other_step_ms) == 0
    ends, close = ends[comparable], bars.close[comparable]
    misfit: dict[int, float] = {}
    for hours in SHIFTS:
        _, mine, theirs = np.intersect1d(
            ends + hours * HOUR_MS, other_ends, assume_unique=True, return_indices=True
        )
        if mine.size >= 24:
            misfit[hours] = float(np.median(np.abs(close[mine] / other.close[theirs] - 1.0)))
    if 0 not in misfit:
        return None
    best = min(misfit, key=lambda hours: (misfit[hours], abs(hours)))
    if best == 0 or misfit[best] >= 0.25 * misfit[0]:
        return None
    detail = f"the bars fit the other series only when moved by {best:+d} h (as if in another timezone)"
    return _found(Kind.TIMEZONE_SLIP, bars.ts_ms[:1], "D", detail, len(bars))


# ---------------------------------------------------------------- funding


@dataclass(frozen=True, slots=True)
class Charges:
    """Funding as recorded: when, how much, and the interval where the venue states it (else 0)."""

    ts_ms: I64
    rate: F64
    stated_ms: I64


def no_charges() -> Charges:
    """Funding of an instrument for which none is recorded."""
    return Charges(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))


def settlement_intervals(ts_ms: I64, stated_ms: I64 | None = None) -> I64:
    """Length of the interval that each rate paid for (DEFINITIONS 10.13).

    The difference to the settlement before if that is 1–8 h, else the last known (8 h at first), unless the
    venue states it (``stated_ms`` > 0). Differences are taken to the whole minute: venues stamp a settlement
    some milliseconds late.
    """
    count = len(ts_ms)
    if count == 0:
        return np.zeros(0, np.int64)
    length = np.zeros(count, np.int64)
    length[1:] = (np.diff(ts_ms) + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
    length[(length < HOUR_MS) | (length > 8 * HOUR_MS)] = 0
    if stated_ms is not None:
        length = np.where(stated_ms > 0, stated_ms, length)
    known = np.maximum.accumulate(np.where(length > 0, np.arange(count), -1))
    return np.where(known >= 0, length[known], 8 * HOUR_MS).astype(np.int64)


def check_funding(ts_ms: I64, rate: F64, window: tuple[int, int] | None = None) -> list[Finding]:
    """Findings about settlements: holes, odd intervals, rates out of reach.

    Parameters
    ----------
    window
        Open time of the first bar and close time of the last; a hole that lies in it makes the funding paid
        there wrong and caps the grade at D. Holes elsewhere are only told. None: a whole file, where every hole
        counts but those of more than 7 days.
    """
    if len(ts_ms) == 0:
        return [Finding(Kind.FUNDING_NONE, 1, (), "C", "no funding is recorded: none is charged")]
    odd = ~(np.abs(rate) <= FUNDING_CEILING)
    found = _found(Kind.FUNDING_RATE, ts_ms[odd], "D", f"rates are not finite or above {FUNDING_CEILING:.0%}")
    return _real([*_funding_gaps(ts_ms, window), _odd_intervals(ts_ms), found])


def _funding_gaps(ts_ms: I64, window: tuple[int, int] | None) -> list[Finding | None]:
    """Where more than 8 h pass between settlements, or between one and the window's ends."""
    if window is None:
        holes, long = _after_holes(ts_ms), _after_holes(ts_ms, INTERRUPTION_MS)
        short = holes[~np.isin(holes, long)]
        return [
            _found(Kind.FUNDING_GAP, short, "D", "settlements are missing after these times"),
            _found(Kind.INTERRUPTION, long, "B", "holes of more than 7 days follow these times"),
        ]
    first, last = window
    before = _after_holes(ts_ms[ts_ms <= first])
    inside = _after_holes(np.concatenate(([first], ts_ms[(ts_ms > first) & (ts_ms < last)], [last])))
    return [
        _found(Kind.FUNDING_GAP, before, "A", "settlements are missing before the window"),
        _found(Kind.FUNDING_GAP, inside, "D", "settlements are missing inside the window"),
    ]


def _after_holes(times: I64, longest_ms: int = 8 * HOUR_MS) -> I64:
    return times[:-1][np.diff(times) > longest_ms + MINUTE_MS // 2]


def _odd_intervals(ts_ms: I64) -> Finding | None:
    """An interval unlike both neighbours, or not a whole number of hours: a settlement lost or added."""
    length = (np.diff(ts_ms) + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
    near = (length >= 0) & (length <= 8 * HOUR_MS)
    odd = near & (length % HOUR_MS != 0)
    alone = np.zeros(len(length), np.bool_)
    if len(length) >= 3:
        alone[1:-1] = (
            (length[1:-1] != length[:-2]) & (length[1:-1] != length[2:]) & (length[:-2] == length[2:])
        )
    times = ts_ms[1:][odd | (alone & near)]
    return _found(Kind.FUNDING_INTERVAL, times, "B", "intervals differ from both neighbours")


def _found(kind: Kind, times: I64, caps: str, detail: str, count: int | None = None) -> Finding | None:
    """A finding, or None if it concerns nothing."""
    number = len(times) if count is None else count
    if number == 0:
        return None
    return Finding(kind, number, tuple(int(t) for t in times[:FIRST_SHOWN]), caps, detail)


def _real(findings: list[Finding | None]) -> list[Finding]:
    return [finding for finding in findings if finding is not None]
