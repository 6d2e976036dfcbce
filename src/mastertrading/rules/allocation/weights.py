"""ALLOC-BAYES: module weights from the trades that closed in the last week. Backtest and live call this alike.

A module's win rate is the mean of its Beta posterior, (prior_wins + wins) / (priors + trades); its weight is
scaled by that rate over one half, clipped, and all weights are rescaled to their original sum.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel


@kernel
def count_outcome(account: Any, outcome: Any, step: int, modules: int) -> None:
    """Add (step = 1) or forget (step = -1) a closed trade in the tally of each module that voted for it."""
    for m in range(modules):
        if (outcome.modules >> m) & 1:
            account.trials[m] += step
            account.wins[m] += step * int(outcome.win)


@kernel
def posterior_factor(wins: int, trials: int, dynamic: Any) -> float:
    """Weight factor of a module from its tally; 1 until there are enough trades."""
    if trials < dynamic.min_trades:
        return 1.0
    rate = (dynamic.prior_wins + wins) / (dynamic.prior_wins + dynamic.prior_losses + trials)
    return min(dynamic.high, max(dynamic.low, rate / 0.5))


@kernel
def reweigh(account: Any, allocation: Any, dynamic: Any) -> None:
    """Set the account's weights from its tallies."""
    before, after = 0.0, 0.0
    for m in range(allocation.modules):
        factor = posterior_factor(account.wins[m], account.trials[m], dynamic) if dynamic.enabled else 1.0
        account.weights[m] = allocation.weights[m] * factor
        before += allocation.weights[m]
        after += account.weights[m]
    if after > 0.0:
        for m in range(allocation.modules):
            account.weights[m] = account.weights[m] * before / after
