"""Counting what modules and gates said, minute by minute."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.market import Records

GATES = 32
MODULE_GATES = 16


@kernel
def count_bits(asked: Any, passed: Any, i: int, evaluated: int, yes: int) -> None:
    """Add one minute's gate bits; gate k is bit k-1 and column k."""
    for k in range(1, asked.shape[1]):
        bit = 1 << (k - 1)
        if evaluated & bit:
            asked[i, k] += 1
            if yes & bit:
                passed[i, k] += 1


@kernel(entry=True)
def count(funnel: Any, verdicts: Records, decisions: Records) -> None:
    """Add a chunk of minutes. ``funnel``: the arrays of a ``Funnel``, in its order.

    verdicts: VERDICT (bars, instruments, modules); decisions: DECISION (bars, instruments).
    """
    minutes, fires, refusals, module_asked, module_passed, asked, passed, first = funnel
    for i in range(decisions.shape[1]):
        for t in range(decisions.shape[0]):
            minutes[i] += 1
            decision = decisions[t, i]
            count_bits(asked, passed, i, int(decision.evaluated), int(decision.passed))
            first[i, decision.refusal] += 1
            for m in range(verdicts.shape[2]):
                verdict = verdicts[t, i, m]
                if verdict.forecast > 0.0:
                    fires[i, m, 0] += 1
                elif verdict.forecast < 0.0:
                    fires[i, m, 1] += 1
                else:
                    refusals[i, m, min(verdict.refusal, MODULE_GATES - 1)] += 1
                for k in range(1, MODULE_GATES):
                    bit = 1 << (k - 1)
                    if int(verdict.evaluated) & bit:
                        module_asked[i, m, k] += 1
                        if int(verdict.passed) & bit:
                            module_passed[i, m, k] += 1
