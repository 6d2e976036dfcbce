"""Counting what modules and gates said, minute by minute; what stays the same is counted once, with its length."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import borrow, kernel
from mastertrading.domain.market import Records

GATES = 32
MODULE_GATES = 16


@kernel(entry=True)
def count(funnel: Any, verdicts: Records, decisions: Records) -> None:
    """Add a chunk of minutes. ``funnel``: the arrays of a ``Funnel``, in its order.

    verdicts: VERDICT (bars, instruments, modules); decisions: DECISION (bars, instruments).
    """
    minutes, fires, refusals, module_asked, module_passed, asked, passed, first = funnel
    bars = decisions.shape[0]
    for i in range(decisions.shape[1]):
        minutes[i] += bars
        begin = 0
        for t in range(1, bars + 1):
            if t == bars or not is_same_decision(decisions[t, i], decisions[begin, i]):
                count_decision(
                    borrow(asked), borrow(passed), borrow(first), i, decisions[begin, i], t - begin
                )
                begin = t
        for m in range(verdicts.shape[2]):
            said, begin = verdicts[:, i, m], 0
            for t in range(1, bars + 1):
                if t == bars or not is_same_verdict(said[t], said[begin]):
                    count_verdict(borrow(fires), borrow(refusals), i, m, said[begin], t - begin)
                    count_gates(borrow(module_asked), borrow(module_passed), i, m, said[begin], t - begin)
                    begin = t


@kernel
def is_same_decision(one: Any, other: Any) -> bool:
    """Whether two minutes count alike at the allocator's and risk's gates."""
    return one.evaluated == other.evaluated and one.passed == other.passed and one.refusal == other.refusal


@kernel
def is_same_verdict(one: Any, other: Any) -> bool:
    """Whether two minutes count alike for a module."""
    alike = one.evaluated == other.evaluated and one.passed == other.passed and one.refusal == other.refusal
    return (
        alike
        and (one.forecast > 0.0) == (other.forecast > 0.0)
        and (one.forecast < 0.0) == (other.forecast < 0.0)
    )


@kernel
def count_decision(asked: Any, passed: Any, first: Any, i: int, decision: Any, minutes: int) -> None:
    """Add minutes in which gates were asked, passed, and the first refused; gate k is bit k-1 and column k."""
    evaluated, yes = int(decision.evaluated), int(decision.passed)
    first[i, decision.refusal] += minutes
    for k in range(1, GATES):
        if (evaluated >> (k - 1)) & 1:
            asked[i, k] += minutes
            passed[i, k] += minutes * ((yes >> (k - 1)) & 1)


@kernel
def count_verdict(fires: Any, refusals: Any, i: int, m: int, verdict: Any, minutes: int) -> None:
    """Add minutes of a direction, or of the gate that refused it."""
    if verdict.forecast > 0.0:
        fires[i, m, 0] += minutes
    elif verdict.forecast < 0.0:
        fires[i, m, 1] += minutes
    else:
        refusals[i, m, min(verdict.refusal, MODULE_GATES - 1)] += minutes


@kernel
def count_gates(asked: Any, passed: Any, i: int, m: int, verdict: Any, minutes: int) -> None:
    """Add minutes in which a module's own gates were asked, and passed."""
    evaluated, yes = int(verdict.evaluated), int(verdict.passed)
    for k in range(1, MODULE_GATES):
        if (evaluated >> (k - 1)) & 1:
            asked[i, m, k] += minutes
            passed[i, m, k] += minutes * ((yes >> (k - 1)) & 1)
