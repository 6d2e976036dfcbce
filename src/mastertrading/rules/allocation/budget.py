"""ALLOC-BUDGET and RISK-VOL: how much of the base risk one entry may use. Every multiplier is at most 1."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel


@kernel
def confidence_scale(net: float, threshold: float, sizing: Any) -> float:
    """Share of the base risk for a net forecast: ``at_threshold`` there, all of it ``full_after`` beyond."""
    beyond = (abs(net) - threshold) / sizing.full_after
    return sizing.at_threshold + (1.0 - sizing.at_threshold) * min(1.0, max(0.0, beyond))


@kernel
def volatility_scale(volatility: float, sizing: Any) -> float:
    """RISK-VOL: 1 up to calm, a straight line down to ``wild_scale`` at wild, constant above."""
    if volatility <= sizing.calm:
        return 1.0
    if volatility >= sizing.wild:
        return sizing.wild_scale
    way = (volatility - sizing.calm) / (sizing.wild - sizing.calm)
    return 1.0 - way * (1.0 - sizing.wild_scale)
