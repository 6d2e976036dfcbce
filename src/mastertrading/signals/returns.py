"""Hourly returns for portfolio risk, and how many of them were known at each minute."""

from __future__ import annotations

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.market import F64, HOUR_MS, I64, Market, Records
from mastertrading.indicators.timeframes import BAR, resample
from mastertrading.signals.panel import chunk_bars, primer_bars


def hourly_returns(market: Market) -> tuple[F64, I64]:
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
    hours_known
        Shape (bars,): how many rows had ended by the close of each bar. Nothing may read further.
    """
    columns = [_hours(market, n) for n in range(len(market.instruments))]
    first = min([int(market.ts_ms[0]), *(int(p.ts_ms[0]) for p in market.primer if len(p))])
    first -= first % HOUR_MS
    hours = max(0, (int(market.ts_ms[-1]) + market.base_ms - first) // HOUR_MS)
    logs = np.full((hours, len(columns)), np.nan)
    for n, column in enumerate(columns):
        logs[(column["open_ms"] - first) // HOUR_MS, n] = np.log(column["close"])
    returns = np.full_like(logs, np.nan)
    returns[1:] = logs[1:] - logs[:-1]
    return returns, _hours_known(market, first, hours)


def _hours_known(market: Market, first_ms: int, hours: int) -> I64:
    """Whole hours from ``first_ms`` (on the hour) to the close of each bar."""
    if HOUR_MS % market.base_ms or int(market.ts_ms[0]) % market.base_ms:
        return np.clip((market.ts_ms + market.base_ms - first_ms) // HOUR_MS, 0, hours)
    bars_an_hour = HOUR_MS // market.base_ms
    closed = (int(market.ts_ms[0]) + market.base_ms - first_ms) // market.base_ms
    counts = np.repeat(np.arange(hours + 1), bars_an_hour)
    return counts[closed : closed + len(market.ts_ms)]


def _hours(market: Market, instrument: int) -> Records:
    """The instrument's finished hours, primed ones first; only their times and closes are filled in."""
    primed, own = primer_bars(market, instrument), _own_hours(market, instrument)
    if len(primed) == 0 or primed["close_ms"][0] - primed["open_ms"][0] != HOUR_MS:
        return own
    return np.concatenate([primed, own]).view(np.recarray)


def _own_hours(market: Market, instrument: int) -> Records:
    """The finished hours of the base bars. Without a hole, an hour's close is that of its last bar."""
    valid = market.valid[:, instrument]
    first = int(np.argmax(valid))
    if HOUR_MS % market.base_ms or not valid[first:].all():
        return resample(chunk_bars(market, 0, len(valid), instrument)[:, 0], HOUR_MS)
    begins = -(-int(market.ts_ms[first]) // HOUR_MS) * HOUR_MS
    ends = np.arange(begins + HOUR_MS, int(market.ts_ms[-1]) + market.base_ms + 1, HOUR_MS)
    hours = records(BAR, len(ends))
    hours["open_ms"], hours["close_ms"] = ends - HOUR_MS, ends
    hours["close"] = market.close[(ends - market.ts_ms[0]) // market.base_ms - 1, instrument]
    return hours
