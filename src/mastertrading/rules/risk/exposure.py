"""RISK-PORTFOLIO: correlation-aware exposure and value at risk of the whole account.

Exposures are signed multiples of equity. Returns are hourly log returns, one row an hour, NaN where an
instrument had no bar.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.market import F64

HOURS_A_DAY = 24.0


@kernel
def correlation(returns: Any, known: int, i: int, j: int, portfolio: Any) -> float:
    """Pearson correlation of two instruments over their common hours of the window, shrunk toward 1.

    NaN with fewer common hours than ``min_hours``.
    """
    first = max(0, known - portfolio.hours)
    n, mean_i, mean_j = 0, 0.0, 0.0
    for h in range(first, known):
        a, b = returns[h, i], returns[h, j]
        if not (math.isnan(a) or math.isnan(b)):
            n += 1
            mean_i += a
            mean_j += b
    if n < portfolio.min_hours:
        return np.nan
    mean_i, mean_j = mean_i / n, mean_j / n
    ii, jj, ij = 0.0, 0.0, 0.0
    for h in range(first, known):
        a, b = returns[h, i], returns[h, j]
        if not (math.isnan(a) or math.isnan(b)):
            ii += (a - mean_i) * (a - mean_i)
            jj += (b - mean_j) * (b - mean_j)
            ij += (a - mean_i) * (b - mean_j)
    if not (ii > 0.0 and jj > 0.0):
        return np.nan
    return (1.0 - portfolio.shrink) * ij / math.sqrt(ii * jj) + portfolio.shrink


@kernel
def shared_risk(returns: Any, known: int, exposures: Any, i: int, j: int, portfolio: Any) -> float:
    """One term w_i C_ij w_j; two without enough history count as fully correlated, on whatever sides."""
    product = exposures[i] * exposures[j]
    if i == j or product == 0.0:
        return product
    c = correlation(returns, known, i, j, portfolio)
    return abs(product) if math.isnan(c) else c * product


@kernel
def correlated_room(returns: Any, known: int, exposures: Any, entry: Any, portfolio: Any) -> float:
    """Exposure that an entry may add until sqrt(wᵀCw) reaches its limit; 0 if the account is beyond it.

    Parameters
    ----------
    exposures
        Of the account without the entry, whose own place is used for the search and left at 0.
    entry
        (instrument, side).

    Notes
    -----
    Solves (wᵀCw) + 2 x b + x² = limit² for x, with b the side times row i of C times w.
    """
    i, side = entry
    n, held, cross = exposures.shape[0], 0.0, 0.0
    for a in range(n):
        held += exposures[a] * exposures[a]
        for b in range(a):
            held += 2.0 * shared_risk(returns, known, exposures, a, b, portfolio)
    exposures[i] = float(side)
    for a in range(n):
        if a != i:
            cross += shared_risk(returns, known, exposures, i, a, portfolio)
    exposures[i] = 0.0
    spare = portfolio.max_correlated * portfolio.max_correlated - held
    if spare <= 0.0:
        return 0.0
    return math.sqrt(cross * cross + spare) - cross


@kernel
def portfolio_return(returns: Any, hour: int, exposures: Any) -> float:
    """Return of the account in one hour; NaN where no instrument had a bar.

    What had none is taken to have moved against us, by as much as the largest mover of the hour: too little history
    never makes a holding look safe.
    """
    total, missing, largest, known = 0.0, 0.0, 0.0, False
    for i in range(returns.shape[1]):
        r = returns[hour, i]
        if math.isnan(r):
            missing += abs(exposures[i])
        else:
            known = True
            largest = max(largest, abs(r))
            total += exposures[i] * r
    return total - missing * largest if known else np.nan


@kernel
def value_at_risk(returns: Any, known: int, exposures: Any, worst: Any, portfolio: Any) -> float:
    """One-day value at risk as a fraction of equity: the larger of normal and historical; NaN if unknown.

    Hourly figures are scaled by √24. The historical quantile is the k-th worst hour, k = ⌊(1 - confidence) n⌋.
    ``worst`` is scratch room for the worst hours, ascending.
    """
    first = max(0, known - portfolio.hours)
    keep = min(worst.shape[0] - 1, int((known - first) * portfolio.tail))
    n, kept, mean = 0, 0, 0.0
    for h in range(first, known):
        r = portfolio_return(returns, h, exposures)
        if math.isnan(r):
            continue
        n += 1
        mean += r
        if kept <= keep or r < worst[kept - 1]:
            place = kept if kept <= keep else kept - 1
            while place > 0 and worst[place - 1] > r:
                worst[place] = worst[place - 1]
                place -= 1
            worst[place] = r
            kept = min(kept + 1, keep + 1)
    if n < portfolio.min_hours:
        return np.nan
    mean = mean / n
    squares = 0.0
    for h in range(first, known):
        r = portfolio_return(returns, h, exposures)
        if not math.isnan(r):
            squares += (r - mean) * (r - mean)
    normal = portfolio.z * math.sqrt(squares / n)
    historical = -worst[min(kept - 1, int(n * portfolio.tail))]
    return max(0.0, normal, historical) * math.sqrt(HOURS_A_DAY)


@kernel
def is_history_enough(bounds: Any, known: int, portfolio: Any) -> bool:
    """Whether ``value_at_risk`` has enough hours. ``bounds``: see ``bounds_of``."""
    return bounds[known, 1] - bounds[max(0, known - portfolio.hours), 1] >= portfolio.min_hours


@kernel
def value_at_risk_bound(bounds: Any, known: int, gross: float, portfolio: Any) -> float:
    """What ``value_at_risk`` cannot exceed for a gross exposure, from the largest move of any hour so far.

    No hour's return is beyond gross x that move, so neither is the historical quantile nor the deviation.
    """
    return max(1.0, portfolio.z) * gross * bounds[known, 0] * math.sqrt(HOURS_A_DAY)


def bounds_of(returns: F64) -> F64:
    """For each number of known hours: the largest absolute return in them, and how many had any instrument.

    Parameters
    ----------
    returns
        Hourly log returns, shape (hours, instruments), NaN where there was no bar.

    Returns
    -------
    Shape (hours + 1, 2); row k speaks of the first k hours only.
    """
    bounds = np.zeros((len(returns) + 1, 2))
    known = ~np.isnan(returns)
    moves = np.where(known, np.abs(returns), 0.0)
    bounds[1:, 0] = np.maximum.accumulate(moves.max(axis=1, initial=0.0))
    bounds[1:, 1] = np.cumsum(known.any(axis=1))
    return bounds


@kernel
def lots_within_risk(
    returns: Any, known: int, exposures: Any, worst: Any, i: int, wanted: Any, portfolio: Any
) -> int:
    """Most of the wanted lots with which value at risk stays within its limit; 0 if it is beyond it without them.

    Parameters
    ----------
    exposures
        Of the account without the entry; changed in place at ``i`` while searching.
    wanted
        (lots, signed exposure of one lot).

    Notes
    -----
    The historical part has no closed form, so the limit is found by halving, from a size that holds it. An account
    beyond its limit gets no entry, not even one that would bring it back: a larger one would be cut to nothing.
    """
    broken, unit = wanted
    held = 0
    exposures[i] = 0.0
    if value_at_risk(returns, known, exposures, worst, portfolio) > portfolio.max_var:
        return 0
    exposures[i] = broken * unit
    if value_at_risk(returns, known, exposures, worst, portfolio) <= portfolio.max_var:
        return broken
    while broken - held > 1:
        middle = (held + broken) // 2
        exposures[i] = middle * unit
        if value_at_risk(returns, known, exposures, worst, portfolio) > portfolio.max_var:
            broken = middle
        else:
            held = middle
    return held
