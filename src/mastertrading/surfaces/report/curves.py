"""The account's curve and the market's beside it, thinned to what a screen can show without losing an extreme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.market import F64, I64, Market
from mastertrading.surfaces.report.encoding import pack_rising

if TYPE_CHECKING:
    import polars as pl

BUCKETS = 2_500
MILLION = 1_000_000
CENT_ATOMS = ATOMS_PER_UNIT // 100


def curve(equity: pl.DataFrame, market: Market | None, from_ms: int) -> dict[str, Any]:
    """Rows of the curve: moment, net asset value and holding in millionths, equity in cents.

    ``held`` is the value of one unit spread evenly over the instruments at the first decision and left alone
    (`Statistics.buy_and_hold` at its end); None without a market.
    """
    nav = equity["nav"].to_numpy()
    rows = extremes(nav, BUCKETS)
    t_ms = equity["ts_ms"].to_numpy()[rows]
    cents = np.rint(equity["equity_atoms"].to_numpy()[rows] / CENT_ATOMS).astype(np.int64)
    values = None if market is None else held(market, t_ms, from_ms)
    return {
        "t": pack_rising(t_ms),
        "nav": pack_rising(_millionths(nav[rows])),
        "equity": pack_rising(cents),
        "held": None if values is None else pack_rising(_millionths(values)),
    }


def _millionths(values: F64) -> I64:
    return np.rint(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0) * MILLION).astype(np.int64)


def extremes(values: F64, buckets: int) -> I64:
    """Rows to keep of a long curve: of each of ``buckets`` stretches the lowest, the highest and the last."""
    count = len(values)
    if count <= 3 * buckets:
        return np.arange(count)
    starts = np.arange(buckets) * count // buckets
    ends = np.append(starts[1:], count)
    kept = [ends - 1]
    for pick in (np.argmin, np.argmax):
        kept.append(np.array([a + int(pick(values[a:b])) for a, b in zip(starts, ends, strict=True)]))
    return np.unique(np.concatenate((np.zeros(1, np.int64), *kept)))


def held(market: Market, closes_ms: I64, from_ms: int) -> F64 | None:
    """Mean growth of all instruments since their first close at or after ``from_ms``; None where one has none."""
    closes = market.ts_ms + market.base_ms
    first = int(np.searchsorted(closes, from_ms))
    rows = np.clip(np.searchsorted(closes, closes_ms, side="right") - 1, first, len(closes) - 1)
    growth = np.zeros(len(rows))
    for k in range(len(market.instruments)):
        known = np.flatnonzero(market.valid[:, k])
        known = known[known >= first]
        if len(known) == 0:
            return None
        newest = known[np.maximum(np.searchsorted(known, rows, side="right") - 1, 0)]
        growth += market.close[newest, k] / market.close[known[0], k]
    return growth / len(market.instruments)
