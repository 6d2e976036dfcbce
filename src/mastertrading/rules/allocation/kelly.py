"""ALLOC-KELLY: a fractional, capped Kelly as an optional ceiling on risk.

f* = p - (1 - p) / b with p the share of winning trades and b the mean win over the mean loss, both in R
(Kelly 1956). A negative edge gives zero, never a negative size.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel


@kernel
def kelly_cap(account: Any, kelly: Any) -> float:
    """Highest risk fraction that the last closed trades justify; 1 where the rule is off or has too few trades."""
    seen = min(account.results_seen, kelly.trades)
    if not kelly.enabled or seen < kelly.min_trades:
        return 1.0
    kept = account.results.shape[0]
    wins, won, lost = 0, 0.0, 0.0
    for k in range(seen):
        result = account.results[(account.results_seen - 1 - k) % kept]
        if result > 0.0:
            wins += 1
            won += result
        else:
            lost -= result
    return min(kelly.cap, max(0.0, kelly.fraction * kelly_fraction(wins, seen, won, lost)))


@kernel
def kelly_fraction(wins: int, trades: int, won: float, lost: float) -> float:
    """f* from a tally; an edge that never lost is all-in, one that never won is nothing."""
    if wins == 0:
        return 0.0
    p = wins / trades
    if wins == trades or lost <= 0.0:
        return p
    payoff = (won / wins) / (lost / (trades - wins))
    return p - (1.0 - p) / payoff
