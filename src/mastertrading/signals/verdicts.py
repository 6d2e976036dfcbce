"""How a gate's answer is kept: asked, said yes, said yes for want of data, and who said no first."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel


@kernel
def clear(verdict: Any) -> None:
    """Nothing was asked yet; no forecast."""
    verdict.forecast = 0.0
    verdict.evaluated = 0
    verdict.passed = 0
    verdict.refusal = 0
    verdict.confluence = 0
    verdict.unknown = 0


@kernel
def ask(verdict: Any, gate: int, passes: bool) -> bool:
    """Keep a gate's answer and hand it back. The first no is the refusal."""
    bit = 1 << (gate - 1)
    verdict.evaluated |= bit
    if passes:
        verdict.passed |= bit
    elif verdict.refusal == 0:
        verdict.refusal = gate
    return passes


@kernel
def mark_unknown(verdict: Any, gate: int) -> None:
    """The gate passed because its input does not exist."""
    verdict.unknown |= 1 << (gate - 1)
