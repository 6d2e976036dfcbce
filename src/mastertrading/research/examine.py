"""The look-ahead check and the warm-up check of some signals, over one market, as one report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mastertrading.domain.errors import DataMissing
from mastertrading.domain.market import Market
from mastertrading.research.lookahead import Advance, Evaluated, Trial, try_cuts
from mastertrading.research.warm_up import WarmUp, warm_up
from mastertrading.research.worlds import between

FEWEST_BARS = 100
CUT_BARS = 7_200
"""Bars of the market that is cut: five days of minutes."""
WARM_BARS = 30_240
"""Bars over which a signal may settle: three weeks of minutes."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out.

    Attributes
    ----------
    from_ms, to_ms
        The bars that were cut: open of the first, close of the last.
    """

    trials: tuple[Trial, ...]
    warm_ups: tuple[WarmUp, ...]
    symbols: tuple[str, ...]
    from_ms: int
    to_ms: int
    base_ms: int
    data_id: str

    @property
    def biased(self) -> bool:
        """Whether any signal looks ahead or does not repeat itself."""
        return any(trial.biased for trial in self.trials)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "biased": self.biased,
            "instruments": list(self.symbols),
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "data_id": self.data_id,
            "signals": [trial.as_dict() for trial in self.trials],
            "warm_up": [each.as_dict() for each in self.warm_ups],
        }


def examine(
    every: Sequence[tuple[Evaluated, int | None]],
    market: Market,
    *,
    cuts: int = 40,
    seed: int = 1,
    from_ms: int | None = None,
    on_progress: Advance | None = None,
) -> Examined:
    """Check signals over a market.

    Parameters
    ----------
    every
        What is checked, and how many bars each has seen before the market's first (primed ones); None: it decides
        nothing by itself.
    cuts
        About how many cut points.
    from_ms
        Where decisions would begin; None: where every instrument exists.

    Raises
    ------
    DataMissing
        If there are too few bars.
    """
    if len(market.ts_ms) < FEWEST_BARS:
        raise DataMissing(
            f"{len(market.ts_ms)} bars are too few to cut",
            why=f"it takes {FEWEST_BARS}",
            hint="give it more of them",
        )
    begin = first_decision(market, from_ms)
    start = max(0, begin - CUT_BARS // 2) if begin > CUT_BARS // 2 else 0
    few = between(market, start, min(start + CUT_BARS, len(market.ts_ms)))
    long = between(market, start, min(start + WARM_BARS, len(market.ts_ms)))
    trials: list[Trial] = []
    warm_ups: list[WarmUp] = []

    for k, (evaluated, primed) in enumerate(every):
        told = _part_of(on_progress, k, len(every))
        trials += try_cuts(evaluated, few, cuts, seed, told)
        warm_ups += warm_up(evaluated, long, None if primed is None else begin + primed)
    end_ms = int(few.ts_ms[-1]) + few.base_ms
    return Examined(
        tuple(trials),
        tuple(warm_ups),
        market.symbols,
        int(few.ts_ms[0]),
        end_ms,
        market.base_ms,
        market.data_id,
    )


def first_decision(market: Market, from_ms: int | None) -> int:
    """How many bars have closed before the first decision."""
    common = int(market.ts_ms[0]) if market.common_from_ms is None else market.common_from_ms
    first_ms = max(common + market.base_ms, from_ms or 0)
    return min(int(np.searchsorted(market.ts_ms + market.base_ms, first_ms)), len(market.ts_ms) - 2)


def primed_bars(market: Market) -> int:
    """Base bars' worth of the shortest past that stored coarser bars give the modules."""
    spans = [int(p.ts_ms[-1] - p.ts_ms[0]) if len(p) > 1 else 0 for p in market.primer]
    return min(spans, default=0) // market.base_ms


def _part_of(on_progress: Advance | None, part: int, parts: int) -> Advance | None:
    """Progress of one part as progress of the whole."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(part * total + done, parts * total)
