"""Hourly returns for portfolio risk."""

from __future__ import annotations

import numpy as np

from mastertrading.domain.market import F64, HOUR_MS, Market
from mastertrading.indicators.timeframes import resample
from mastertrading.signals.panel import chunk_bars, primer_bars


def hourly_returns(market: Market) -> tuple[F64, int]:
    """Log returns from one hourly close to the next.

    Parameters
    ----------
    market
        Hours before the base come from its primer.

    Returns
    -------
    returns
        Shape (hours, instruments): row k is the k-th hour of the UTC grid from the oldest primed hour on (or
        the one in which the base begins); NaN where it or the hour before is missing or not wholly covered.
    first_ms
        When the first of them begins; at a minute, nothing may read hours that had not ended (MINUTE ``hours``).
    """
    first = min([int(market.ts_ms[0]), *(int(p.ts_ms[0]) for p in market.primer if len(p))])
    first -= first % HOUR_MS
    hours = max(0, (int(market.ts_ms[-1]) + market.base_ms - first) // HOUR_MS)
    logs = np.full((hours, len(market.instruments)), np.nan)
    for n in (n for n, older in enumerate(market.primer) if len(older)):
        primed = primer_bars(market, n)
        if primed["close_ms"][0] - primed["open_ms"][0] == HOUR_MS:
            logs[(primed["open_ms"] - first) // HOUR_MS, n] = np.log(primed["close"])
    _write_own_hours(market, first, logs)
    returns = np.full_like(logs, np.nan)
    returns[1:] = logs[1:] - logs[:-1]
    return returns, first


def _write_own_hours(market: Market, first_ms: int, logs: F64) -> None:
    """Log closes of the hours that the base bars finish, into ``logs``, whose first row begins at ``first_ms``."""
    if (
        HOUR_MS % market.base_ms == 0 and market.valid.all()
    ):  # without a hole, a close is that of the hour's last bar
        begins = -(-int(market.ts_ms[0]) // HOUR_MS) * HOUR_MS
        ends = np.arange(begins + HOUR_MS, int(market.ts_ms[-1]) + market.base_ms + 1, HOUR_MS)
        closes = market.close[(ends - market.ts_ms[0]) // market.base_ms - 1]
        logs[ends // HOUR_MS - 1 - first_ms // HOUR_MS] = np.log(closes)
        return
    for n in range(logs.shape[1]):
        own = resample(chunk_bars(market, 0, len(market.ts_ms), n)[:, 0], HOUR_MS)
        logs[(own["open_ms"] - first_ms) // HOUR_MS, n] = np.log(own["close"])
