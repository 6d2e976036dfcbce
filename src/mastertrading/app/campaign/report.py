"""A campaign in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mastertrading.app.campaign.coverage import added, coverage
from mastertrading.app.campaign.invariants import CHECKERS
from mastertrading.app.campaign.trial import Verdict

SHOWN_SEEDS = 10
"""Failing seeds told of each invariant."""


def share(values: Sequence[int], part: float) -> int:
    """The value that so large a part of the others does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0


class Figures:
    """Takes verdicts one by one, and keeps none of them."""

    def __init__(self) -> None:
        self.seeds = self.good = self.fired = self.held_in_fault = self.never = 0
        self.sums: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.commands: Counter[str] = Counter()
        self.violations: dict[str, list[int]] = {}
        self.bare: list[int] = []
        self.reachable: list[int] = []
        self.back: list[int] = []
        self.held = self.cpu_s = 0.0

    def take(self, one: Verdict) -> None:
        """One more."""
        self.seeds += 1
        self.good += one.is_good
        self.fired += sum(map(bool, one.hits.values()))
        self.held_in_fault += one.held_in_fault
        self.held += one.held_share
        self.cpu_s += one.cpu_s
        added(self.hits, one.hits)
        added(self.states, one.states)
        added(self.commands, one.commands)
        for name in ("requests", "fills", "trades", "deaths", "failures"):
            self.sums[name] += getattr(one, name)
        for name in {violation.invariant for violation in one.violations}:
            self.violations.setdefault(name, []).append(one.seed)
        self.bare += one.bare_ms
        self.reachable += one.bare_reachable_ms
        if one.reconverged_ms >= 0:
            self.back.append(one.reconverged_ms)
        else:
            self.never += 1

    def told(self, among: Iterable[str]) -> dict[str, Any]:
        """Everything that is reported, as plain values."""
        count = max(self.seeds, 1)
        cover = coverage(self.seeds, self.fired, self.held_in_fault, self.hits, self.states, tuple(among))
        cover["hits_a_seed"], cover["held"] = sum(self.hits.values()) / count, self.held / count
        return {
            "seeds": self.seeds,
            "good": self.good,
            "violations": {one.id: len(self.violations.get(one.id, ())) for one in CHECKERS},
            "failing_seeds": {
                name: sorted(seeds)[:SHOWN_SEEDS] for name, seeds in sorted(self.violations.items())
            },
            **{name: self.sums[name] for name in ("requests", "fills", "trades", "deaths", "failures")},
            "commands": dict(self.commands),
            "bare_ms": {
                "p99": share(self.bare, 0.99),
                "max": max(self.bare, default=0),
                "times": len(self.bare),
            },
            "bare_reachable_ms": {
                "p99": share(self.reachable, 0.99),
                "max": max(self.reachable, default=0),
            },
            "reconverged_ms": {
                "p50": share(self.back, 0.5),
                "p99": share(self.back, 0.99),
                "max": max(self.back, default=0),
                "never": self.never,
            },
            "coverage": cover,
            "cpu_s": self.cpu_s,
        }


def figures(verdicts: Iterable[Verdict], among: Iterable[str] = ()) -> dict[str, Any]:
    """The figures of verdicts, read once.

    Parameters
    ----------
    among
        Faults that were drawn from.
    """
    made = Figures()
    for one in verdicts:
        made.take(one)
    return made.told(among)
