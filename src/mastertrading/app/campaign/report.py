"""A campaign in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mastertrading.app.campaign.invariants import CHECKERS
from mastertrading.app.campaign.trial import Verdict

FEWEST_HITS = 30
"""Of each fault, before a campaign may say that it has tried it."""


def share(values: Sequence[int], part: float) -> int:
    """The value that so large a part of the others does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0


def figures(verdicts: Sequence[Verdict], among: Iterable[str] = ()) -> dict[str, Any]:
    """Everything that is reported, as plain values."""
    hits, states, commands = Counter[str](), Counter[str](), Counter[str]()
    violations: dict[str, list[int]] = {}
    for one in verdicts:
        hits.update(one.hits)
        states.update(one.states)
        commands.update(one.commands)
        for name in {violation.invariant for violation in one.violations}:
            violations.setdefault(name, []).append(one.seed)
    bare = [span for one in verdicts for span in one.bare_ms]
    reachable = [span for one in verdicts for span in one.bare_reachable_ms]
    back = [one.reconverged_ms for one in verdicts if one.reconverged_ms >= 0]
    count = max(len(verdicts), 1)
    return {
        "seeds": len(verdicts),
        "good": sum(one.is_good for one in verdicts),
        "violations": {checker.id: len(violations.get(checker.id, ())) for checker in CHECKERS},
        "failing_seeds": {name: seeds[:10] for name, seeds in sorted(violations.items())},
        "requests": sum(one.requests for one in verdicts),
        "commands": dict(commands),
        "fills": sum(one.fills for one in verdicts),
        "trades": sum(one.trades for one in verdicts),
        "deaths": sum(one.deaths for one in verdicts),
        "failures": sum(one.failures for one in verdicts),
        "bare_ms": {"p99": share(bare, 0.99), "max": max(bare, default=0), "times": len(bare)},
        "bare_reachable_ms": {"p99": share(reachable, 0.99), "max": max(reachable, default=0)},
        "reconverged_ms": {
            "p50": share(back, 0.5),
            "p99": share(back, 0.99),
            "max": max(back, default=0),
            "never": len(verdicts) - len(back),
        },
        "coverage": {
            "faults_a_seed": sum(len([k for k, n in one.hits.items() if n]) for one in verdicts) / count,
            "hits_a_seed": sum(hits.values()) / count,
            "held_in_fault": sum(one.held_in_fault for one in verdicts) / count,
            "held": sum(one.held_share for one in verdicts) / count,
            "hits": {key: hits.get(key, 0) for key in sorted({*among, *hits})},
            "rare": sorted(key for key in among if hits.get(key, 0) < FEWEST_HITS),
            "states": dict(sorted(states.items())),
        },
        "cpu_s": sum(one.cpu_s for one in verdicts),
    }
