"""Measures of an equity curve and of a list of numbers, each by its formula. Pure NumPy, no state.

A measure that does not exist (a ratio over zero, a deviation of one number) is ``None``, never inf or NaN.
Sums run through ``math.fsum``, so that the last digit does not depend on the machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mastertrading.domain.market import DAY_MS, F64, I64

YEAR_DAYS = 365.0
MIN_ANNUAL_DAYS = 7.0
"""A shorter run is not annualised: its CAGR and Calmar are None."""


def ratio(above: float, below: float) -> float | None:
    """Quotient above / below, or None where that is not a finite number."""
    if below == 0.0:
        return None
    value = float(above) / float(below)
    return value if math.isfinite(value) else None


def average(values: Sequence[float] | F64) -> float | None:
    """Mean, or None of nothing."""
    numbers = [float(value) for value in values]
    return math.fsum(numbers) / len(numbers) if numbers else None


def deviation(values: Sequence[float] | F64) -> float | None:
    """Sample standard deviation (ddof 1), or None of fewer than two numbers."""
    numbers = [float(value) for value in values]
    if len(numbers) < 2:
        return None
    middle = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in numbers) / (len(numbers) - 1))


def t_statistic(values: Sequence[float] | F64) -> float | None:
    """Mean / (standard deviation / sqrt(n)): how many standard errors the mean is away from zero."""
    middle, spread = average(values), deviation(values)
    if middle is None or spread is None:
        return None
    return ratio(middle * math.sqrt(len(values)), spread)


def longest_run(flags: Sequence[bool]) -> int:
    """Length of the longest unbroken run of true."""
    longest = current = 0
    for flag in flags:
        current = current + 1 if flag else 0
        longest = max(longest, current)
    return longest


# ---------------------------------------------------------------- the curve


def net_asset_value(t_ms: I64, equity: I64, initial: int, transfers: Sequence[tuple[int, int]]) -> F64:
    """Value of one unit of the account at each row, 1.0 at the start.

    A transfer buys (or sells) units at the value of the last row at or before it, so it changes the number of
    units and not their value.

    Parameters
    ----------
    t_ms, equity
        Rows of the curve, ascending; equity in atoms.
    initial
        First deposit, atoms.
    transfers
        (moment, signed atoms), ascending; a row later than the moment holds the money already.
    """
    nav = np.empty(len(t_ms), np.float64)
    units, begin, last = float(initial), 0, 1.0
    for moment, atoms in transfers:
        end = int(np.searchsorted(t_ms, moment, side="right"))
        nav[begin:end] = equity[begin:end] / units
        last = float(nav[end - 1]) if end else last
        units, begin = units + (atoms / last if last > 0.0 else 0.0), end
        if units <= 0.0:
            nav[begin:] = last
            return nav
    nav[begin:] = equity[begin:] / units
    return nav


def day_ends(t_ms: I64, from_ms: int, to_ms: int) -> tuple[I64, I64]:
    """UTC days of a run, and the last row of each (-1: none yet). A row at midnight ends the day before."""
    days = np.arange(from_ms // DAY_MS, max(from_ms // DAY_MS, (to_ms - 1) // DAY_MS) + 1, dtype=np.int64)
    return days, np.searchsorted(t_ms, (days + 1) * DAY_MS, side="right").astype(np.int64) - 1


def returns_of(nav: F64) -> F64:
    """Simple returns between neighbours: nav[k] / nav[k - 1] - 1."""
    return nav[1:] / nav[:-1] - 1.0


def sharpe(daily: F64) -> float | None:
    """Mean / standard deviation (ddof 1) of daily returns, × sqrt(365); the risk-free rate is zero.

    Crypto trades every day of the year (SPEC BT-STATS).
    """
    middle, spread = average(daily), deviation(daily)
    if middle is None or spread is None or len(daily) < 2:
        return None
    return ratio(middle * math.sqrt(YEAR_DAYS), spread)


def sortino(daily: F64) -> float | None:
    """Mean / downside deviation of daily returns, × sqrt(365).

    The downside deviation is sqrt(mean(min(r, 0)²)) over all days (Sortino and Price, 1994), target zero.
    """
    if len(daily) < 2:
        return None
    middle = math.fsum(daily.tolist()) / len(daily)
    downside = math.sqrt(math.fsum(min(value, 0.0) ** 2 for value in daily.tolist()) / len(daily))
    return ratio(middle * math.sqrt(YEAR_DAYS), downside)


def cagr(nav: float, days: float) -> float | None:
    """Compound annual growth: nav ** (365 / days) − 1, where the run lasted at least a week."""
    if days < MIN_ANNUAL_DAYS:
        return None
    if nav <= 0.0:
        return -1.0
    exponent = math.log(nav) * YEAR_DAYS / days
    return math.expm1(exponent) if exponent < 700.0 else None


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of the curve below its own peak.

    Attributes
    ----------
    frac
        1 − nav / running peak, ≥ 0.
    atoms
        The same fall in money, transfers aside: ``frac`` of the equity that the peak's units are worth.
    started_ms, trough_ms, recovered_ms
        The peak, the bottom, and the first moment back at the peak; None where it never was.
    length_ms
        From the peak to the recovery, or to the end.
    longest_ms
        Longest time under water of the whole curve, this drawdown's or another's.
    under_water_frac
        Share of the rows that lie below their running peak.
    """

    frac: float
    atoms: int
    started_ms: int | None
    trough_ms: int | None
    recovered_ms: int | None
    length_ms: int
    longest_ms: int
    under_water_frac: float


def drawdown(t_ms: I64, nav: F64, equity: I64) -> Drawdown:
    """Measure the falls of a curve whose first row is the start."""
    peak = np.maximum.accumulate(nav)
    depth = 1.0 - nav / peak
    trough = int(np.argmax(depth))
    if depth[trough] <= 0.0:
        return Drawdown(0.0, 0, None, None, None, 0, 0, 0.0)
    start = int(np.flatnonzero(nav[: trough + 1] == peak[trough])[-1])
    back = np.flatnonzero(nav[trough:] >= peak[trough])
    recovered = int(t_ms[trough + int(back[0])]) if len(back) else None
    end = recovered if recovered is not None else int(t_ms[-1])
    deep = float(depth[trough])
    return Drawdown(
        frac=deep,
        atoms=round(int(equity[trough]) * deep / (1.0 - deep)) if deep < 1.0 else int(equity[start]),
        started_ms=int(t_ms[start]),
        trough_ms=int(t_ms[trough]),
        recovered_ms=recovered,
        length_ms=end - int(t_ms[start]),
        longest_ms=_longest_under_water(t_ms, nav, peak),
        under_water_frac=int(np.count_nonzero(depth > 0.0)) / len(nav),
    )


def _longest_under_water(t_ms: I64, nav: F64, peak: F64) -> int:
    """The longest time from a peak to the next row at or above it, or to the end."""
    tops = np.flatnonzero(nav >= peak)
    moments = np.append(t_ms[tops], t_ms[-1])
    under = np.append(np.diff(tops) > 1, tops[-1] < len(nav) - 1)
    spans = np.diff(moments)[under]
    return int(spans.max()) if len(spans) else 0


def covered_ms(opened_ms: I64, closed_ms: I64) -> int:
    """Length of the union of intervals: the time in which at least one was open."""
    total, reach = 0, -(2**62)
    for opened, closed in sorted(zip(opened_ms.tolist(), closed_ms.tolist(), strict=True)):
        total += max(0, closed - max(opened, reach))
        reach = max(reach, closed)
    return total
