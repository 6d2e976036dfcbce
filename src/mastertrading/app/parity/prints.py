"""Short prints of what an account wanted and of what it got: equal prints are equal orders, lots, ticks and atoms.

=============  =======================================================================================
trades         every fill: instrument, bar, lots, price in ticks, fee in atoms, reason
decisions      every minute of every instrument: forecast, votes, gates, sizes, the order that came of it
=============  =======================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mastertrading.domain.facts import DecisionFacts
from mastertrading.domain.market import I64, Records
from mastertrading.engine.book import DECISION

Filled = tuple[int, int, int, int, int, int]
"""Column, open of the bar, lots (signed), price in ticks, fee in atoms, reason."""
LENGTH = 16
_FIELDS: Any = DECISION.fields
FORMS = {name: _FIELDS[name][0] for name in DECISION.names or () if name != "unknown"}
"""What a decision is. ``unknown`` says which inputs there were (a venue tells a spread, bars do not), and decides
nothing: a gate without its input passes or refuses, and that is in the others."""
DECIDED = tuple(FORMS)
_ROW = np.dtype([("ts_ms", "<i8"), *((name, form) for name, form in FORMS.items())])


class Prints(NamedTuple):
    """The prints of one account over a window."""

    trades: str
    decisions: str
    fills: int
    bars: int


def trade_hash(fills: Iterable[Filled]) -> str:
    """The print of fills."""
    return hashlib.sha256(repr([tuple(fill) for fill in fills]).encode()).hexdigest()[:LENGTH]


class DecisionPrint:
    """The print of decisions, bar after bar: however many are told at once, it is the same."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.bars = 0

    def add(self, closes: I64 | Sequence[int], decisions: Records) -> None:
        """Tell DECISION records of some bars, (bars, instruments)."""
        rows = np.zeros(decisions.shape, _ROW)
        rows["ts_ms"] = np.asarray(closes, np.int64)[:, None]
        for name in DECIDED:
            rows[name] = decisions[name]
        self._digest.update(rows.tobytes())
        self.bars += len(rows)

    def add_facts(self, facts: Sequence[DecisionFacts]) -> None:
        """Tell what a journal has of one bar, in the order of the columns."""
        rows = np.zeros((1, len(facts)), _ROW)
        for n, fact in enumerate(facts):
            rows[0, n] = (fact.ts_ms, *(getattr(fact, name) for name in DECIDED))
        self._digest.update(rows.tobytes())
        self.bars += 1

    @property
    def text(self) -> str:
        """The print."""
        return self._digest.hexdigest()[:LENGTH]
