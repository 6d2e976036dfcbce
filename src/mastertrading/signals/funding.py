"""Funding as signals see it: the last rate charged, per 8 hours, and what is usual for the instrument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.market import HOUR_MS

RATES = 128
EIGHT_HOURS_MS = 8 * HOUR_MS

FUNDING = np.dtype(
    [
        ("count", "i8"),  # settlements so far
        ("ts_ms", "i8"),  # the last one
        ("interval_ms", "i8"),
        ("rate", "f8"),  # its rate, per 8 hours
        ("usual", "f8"),  # the carry base after it
        ("sizes", "f8", (RATES,)),  # absolute rates per 8 hours; number k sits in slot k % RATES
    ],
    align=True,
)

FUNDING_RULES = np.dtype(
    [
        ("count", "i8"),  # settlements in the median
        ("min_count", "i8"),  # fewer: the upper bound stands in
        ("low", "f8"),  # bounds of the base, per 8 hours
        ("high", "f8"),
        ("fixed", "f8"),  # a constant base; 0 = use the median
        ("stale_intervals", "f8"),  # age at which a rate counts as no data
    ],
    align=True,
)


@kernel
def middle(funding: Any, count: int) -> float:
    """Median of the ``count`` newest absolute rates."""
    ordered = np.empty(RATES)
    for k in range(count):
        size = funding.sizes[(funding.count - count + k) % RATES]
        slot = k
        while slot > 0 and ordered[slot - 1] > size:
            ordered[slot] = ordered[slot - 1]
            slot -= 1
        ordered[slot] = size
    half = count // 2
    return ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2.0


@kernel
def usual_rate(funding: Any, rules: Any) -> float:
    """The carry base: the median absolute rate of the newest settlements, within bounds."""
    if rules.fixed > 0.0:
        return rules.fixed
    count = min(funding.count, rules.count)
    if count < rules.min_count:
        return rules.high
    return min(max(middle(funding, count), rules.low), rules.high)


@kernel
def charge(funding: Any, rules: Any, ts_ms: int, rate: float, interval_ms: int) -> None:
    """Take in a settlement. A rate that is no number never happened."""
    if math.isnan(rate):
        return
    funding.rate = rate * (EIGHT_HOURS_MS / interval_ms)
    funding.ts_ms = ts_ms
    funding.interval_ms = interval_ms
    funding.sizes[funding.count % RATES] = abs(funding.rate)
    funding.count += 1
    funding.usual = usual_rate(funding, rules)


@kernel
def is_known(funding: Any, rules: Any, t_ms: int) -> bool:
    """Whether a rate was charged at or before t and is not stale."""
    return funding.count > 0 and t_ms - funding.ts_ms <= rules.stale_intervals * funding.interval_ms
