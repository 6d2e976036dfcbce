"""What luck alone would make of so many tries."""

from __future__ import annotations

import math
from statistics import NormalDist

from mastertrading.backtest.measures import YEAR_DAYS

EULER_MASCHERONI = 0.5772156649015329


def expected_maximum(trials: int) -> float:
    """Expected largest of N independent standard normal numbers.

    (1 − γ) Z⁻¹[1 − 1/N] + γ Z⁻¹[1 − 1/(N e)], with Z⁻¹ the normal quantile and γ the Euler-Mascheroni constant:
    Bailey, Borwein, López de Prado and Zhu, "Pseudo-Mathematics and Financial Charlatanism", Notices of the AMS
    61(5), 2014, proposition 1; Bailey and López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
    Management 40(5), 2014, equation 1. It is an approximation for large N; for one trial it is 0.
    """
    if trials < 2:
        return 0.0
    quantile = NormalDist().inv_cdf
    high, far = quantile(1.0 - 1.0 / trials), quantile(1.0 - 1.0 / (trials * math.e))
    return (1.0 - EULER_MASCHERONI) * high + EULER_MASCHERONI * far


def expected_best_sharpe(trials: int, days: int) -> float | None:
    """Best annualised Sharpe ratio to expect of so many independent tries without any skill.

    An annualised Sharpe ratio that is truly zero, measured over ``days`` daily returns, scatters by about
    sqrt(365 / days) (Lo, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58(4), 2002); times
    `expected_maximum`. Neighbouring parameters are not independent tries, so it is an upper figure for a grid.

    Returns
    -------
    float | None
        None where there are fewer than two days.
    """
    return math.sqrt(YEAR_DAYS / days) * expected_maximum(trials) if days >= 2 else None
