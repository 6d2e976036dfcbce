"""How long a signal needs before it says what it would say with a longer past.

The signal runs over the whole market and over markets that begin later. Where the two agree for good, the later one
has settled: to the bit, to 1e-9, to 1e-3 of the signal's own size. What counts is whether it speaks before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mastertrading.domain.errors import MastertradingError
from mastertrading.domain.market import F64, Market, Records
from mastertrading.research.lookahead import Evaluated, says
from mastertrading.research.worlds import between

TOLERANCES: Mapping[str, float] = {"1e-3": 1e-3, "1e-9": 1e-9, "bit": 0.0}
STARTS = (0.15, 0.3, 0.45)
"""Where later markets begin, as shares of the whole."""
QUIET_TAIL = 0.1
"""A signal that still differs in this last share of the bars has not settled within them."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How long one signal needs.

    Attributes
    ----------
    speaks
        Bars until it says something for the first time, after a later start (the fewest of all); None: it is silent.
    settled
        By tolerance: bars until it agrees with a longer past for good (the most of all); None: not in this window.
    available
        Bars before the first decision; None: it decides nothing by itself.
    bars
        How long it was watched, at least.
    """

    signal: str
    speaks: int | None
    settled: Mapping[str, int | None]
    available: int | None
    bars: int

    @property
    def verdict(self) -> str:
        """``silent``, ``settled`` (before it speaks, or before the first decision), ``early`` or ``never``.

        Empty for what decides nothing by itself.
        """
        needed = self.settled["1e-3"]
        if self.available is None:
            return ""
        if self.speaks is None:
            return "silent"
        if needed is None:
            return "never"
        return "settled" if needed <= max(self.available, self.speaks) else "early"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "signal": self.signal,
            "verdict": self.verdict,
            "speaks_after_bars": self.speaks,
            "settled_after_bars": dict(self.settled),
            "bars_before_the_first_decision": self.available,
            "watched_bars": self.bars,
        }


def warm_up(evaluated: Evaluated, market: Market, available: int | None = 0) -> list[WarmUp]:
    """Let each signal begin later, and see when it agrees with itself.

    Parameters
    ----------
    available
        Bars that it has seen before the first decision; None: it is an indicator, and decides nothing.
    """
    whole = {name: numbers(rows) for name, rows in evaluated(market, False).items()}
    bars = len(market.ts_ms)
    starts = sorted({int(share * bars) for share in STARTS} - {0})
    later: dict[int, Mapping[str, F64]] = {}
    for start in starts:
        try:
            said = evaluated(between(market, start, bars), False)
        except MastertradingError:  # too short for it: another start may do
            continue
        later[start] = {name: numbers(rows) for name, rows in said.items()}
    return [_of_signal(name, values, later, available) for name, values in whole.items()]


def numbers(rows: Records) -> F64:
    """What is compared: of records their first field, shape (bars, instruments); NaN is 0."""
    values = rows[rows.dtype.names[0]] if rows.dtype.names else rows
    return np.nan_to_num(np.asarray(values, np.float64)) + 0.0


def _of_signal(
    name: str, whole: F64, later: Mapping[int, Mapping[str, F64]], available: int | None
) -> WarmUp:
    size = float(np.abs(whole).max(initial=0.0))
    gaps = {start: np.abs(whole[start:] - said[name]).max(axis=1) for start, said in later.items()}
    spoken = [says(said[name]).any(axis=1) for said in later.values()]
    first = [int(np.argmax(each)) for each in spoken if each.any()]
    settled = {label: _settles(list(gaps.values()), size * share) for label, share in TOLERANCES.items()}
    watched = min((len(gap) for gap in gaps.values()), default=0)
    return WarmUp(name, min(first, default=None), settled, available, watched)


def _settles(gaps: list[F64], tolerance: float) -> int | None:
    """Bars until no start differs any more."""
    needed = 0
    for gap in gaps:
        wrong = np.flatnonzero(gap > tolerance)
        if len(wrong):
            if wrong[-1] >= (1.0 - QUIET_TAIL) * len(gap):
                return None
            needed = max(needed, int(wrong[-1]) + 1)
    return needed if gaps else None
