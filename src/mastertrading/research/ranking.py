"""Which cases were best, how steady the ground around them is, and what luck would have done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mastertrading.backtest.measures import average
from mastertrading.research.conditions import Value
from mastertrading.research.figures import OBJECTIVES
from mastertrading.research.luck import expected_best_sharpe
from mastertrading.research.space import Space

PLATEAU = 0.7
"""Neighbours that keep this share of the best on average make a plateau."""
PEAK = 0.3
"""Neighbours that keep less than this make a lonely peak."""


@dataclass(frozen=True, slots=True)
class Row:
    """One finished case: its place, key, values, and figures or an error."""

    place: int
    key: str
    values: Mapping[str, Value]
    figures: Mapping[str, Any] | None
    error: str = ""

    def score(self, objective: str) -> float | None:
        """The figure of an objective; None where it does not exist."""
        value = self.figures[OBJECTIVES[objective]] if self.figures is not None else None
        return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A case among the best.

    Attributes
    ----------
    neighbours
        Tried cases that are one step away on one axis.
    neighbours_mean
        Their mean objective; None where no neighbour has one.
    ground
        ``plateau``, ``slope``, ``peak``, or empty where it cannot be said or the case loses.
    """

    row: Row
    neighbours: int
    neighbours_mean: float | None
    ground: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best cases, and how much to believe.

    Attributes
    ----------
    tried
        Distinct cases that were ever run in this sweep's folder: each is a try that luck had.
    failed
        Cases with an error.
    days
        UTC days of returns that a Sharpe ratio is made of.
    best_sharpe
        The largest Sharpe ratio of all cases.
    lucky_sharpe
        The largest that is expected of as many independent tries without skill.
    """

    objective: str
    best: tuple[Ranked, ...]
    cases: int
    tried: int
    failed: int
    days: int
    best_sharpe: float | None
    lucky_sharpe: float | None


def rank(
    rows: Sequence[Row], space: Space, objective: str, top: int, *, tried: int | None = None, days: int = 0
) -> Ranking:
    """Order the cases by an objective, the largest first; equal ones by their place."""
    scored = [(score, row) for row in rows if (score := row.score(objective)) is not None]
    scored.sort(key=lambda pair: (-pair[0], pair[1].place))
    by_place = {row.place: score for score, row in scored}
    sharpes = [value for row in rows if (value := row.score("sharpe")) is not None]
    count = len(rows) if tried is None else tried
    return Ranking(
        objective=objective,
        best=tuple(_ranked(row, score, space, by_place) for score, row in scored[:top]),
        cases=len(rows),
        tried=count,
        failed=sum(row.figures is None for row in rows),
        days=days,
        best_sharpe=max(sharpes, default=None),
        lucky_sharpe=expected_best_sharpe(count, days),
    )


def _ranked(row: Row, score: float, space: Space, by_place: Mapping[int, float]) -> Ranked:
    around = [by_place[place] for place in neighbours(space, row.place) if place in by_place]
    middle = average(around)
    earns = row.figures is not None and row.figures["net_atoms"] > 0
    return Ranked(row, len(around), middle, _ground(score, middle) if middle is not None and earns else "")


def neighbours(space: Space, place: int) -> list[int]:
    """Places one step away on one axis of numbers."""
    digits, found = space.digits(place), []
    for k, axis in enumerate(space.axes):
        if isinstance(axis.values[0], (str, bool)):
            continue
        order = sorted(range(len(axis.values)), key=lambda i: float(axis.values[i]))
        rank_of = order.index(digits[k])
        for step in (-1, 1):
            if 0 <= rank_of + step < len(order):
                moved = (*digits[:k], order[rank_of + step], *digits[k + 1 :])
                found.append(space.place(moved))
    return found


def _ground(score: float, middle: float) -> str:
    if score <= 0.0:
        return ""
    share = middle / score
    return "plateau" if share >= PLATEAU else "peak" if share < PEAK else "slope"
