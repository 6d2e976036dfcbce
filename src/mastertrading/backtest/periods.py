"""A run by the day and by the month."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from mastertrading.backtest.measures import day_ends, returns_of
from mastertrading.backtest.result import Result
from mastertrading.backtest.trade_statistics import Ledger, total
from mastertrading.domain.market import DAY_MS, F64, I64


@dataclass(frozen=True, slots=True)
class Curve:
    """The equity curve with the start in front: its net asset value, and the rows it is of.

    ``transfers``: (when it took effect, signed atoms), ascending.
    """

    t_ms: I64
    equity: I64
    nav: F64
    transfers: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Period:
    """One UTC day (``2025-05-26``) or month (``2025-05``).

    ``return_frac`` is the net asset value's, ``equity_atoms`` the change of the equity without transfers: both see
    open positions at their mark. ``trades`` and ``net_atoms`` are of the trades closed in it.
    """

    name: str
    return_frac: float
    equity_atoms: int
    trades: int
    net_atoms: int


def utc(ms: int) -> str:
    """A moment as ISO 8601, whole seconds: ``2025-05-26T00:00:00Z``."""
    return datetime.fromtimestamp(int(ms) // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_of(curve: Curve, result: Result, ledger: Ledger) -> tuple[Period, ...]:
    """Every UTC day of the run; the first and the last may be parts of a day."""
    days, ends = day_ends(curve.t_ms, int(result.from_ms), int(result.to_ms))
    rows = np.concatenate((np.zeros(1, np.int64), np.maximum(ends, 0)))
    returns, changes = returns_of(curve.nav[rows]), np.diff(_earned(curve)[rows])
    closed = np.minimum(ledger.rows["closed_ms"], int(result.to_ms) - 1) // DAY_MS
    periods = []
    for k, day in enumerate(days.tolist()):
        ended = ledger.rows[closed == day]
        periods.append(
            Period(
                utc(day * DAY_MS)[:10],
                float(returns[k]),
                int(changes[k]),
                len(ended),
                total(ended["net_atoms"]),
            )
        )
    return tuple(periods)


def _earned(curve: Curve) -> I64:
    """Equity without what was transferred, at each row of the curve; a row holds the transfers before it."""
    moments = np.array([moment for moment, _ in curve.transfers], np.int64)
    sums = np.concatenate(
        (np.zeros(1, np.int64), np.cumsum([atoms for _, atoms in curve.transfers], dtype=np.int64))
    )
    return curve.equity - sums[np.searchsorted(moments, curve.t_ms, side="left")]


def months_of(days: tuple[Period, ...]) -> tuple[Period, ...]:
    """Every month of the run, from its days."""
    names = sorted({day.name[:7] for day in days})
    return tuple(_month(name, [day for day in days if day.name[:7] == name]) for name in names)


def _month(name: str, days: list[Period]) -> Period:
    growth = math.prod(1.0 + day.return_frac for day in days) - 1.0
    return Period(
        name,
        growth,
        sum(day.equity_atoms for day in days),
        sum(day.trades for day in days),
        sum(day.net_atoms for day in days),
    )
