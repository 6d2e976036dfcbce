"""The figures of one case: few, cheap, and equal to the last digit to those of a whole run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from mastertrading.backtest.measures import (
    average,
    cagr,
    day_ends,
    drawdown,
    net_asset_value,
    ratio,
    returns_of,
    sharpe,
    sortino,
)
from mastertrading.backtest.trade_statistics import total
from mastertrading.domain.market import DAY_MS, F64, I64, Records
from mastertrading.domain.reasons import EventKind


@dataclass(frozen=True, slots=True)
class Figures:
    """What a case is judged by. Money in atoms, rates as fractions; None where a measure does not exist.

    Attributes
    ----------
    net_atoms
        Final balance − first deposit − transfers.
    return_frac
        Growth of the net asset value.
    return_over_drawdown
        ``return_frac`` / ``max_drawdown``; None without a drawdown.
    """

    net_atoms: int
    trades: int
    return_frac: float
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    return_over_drawdown: float | None
    win_rate: float | None
    profit_factor: float | None
    expectancy_r: float | None
    fees_atoms: int
    funding_atoms: int
    liquidations: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(Figures))
WHOLE = ("net_atoms", "trades", "fees_atoms", "funding_atoms", "liquidations")
"""Figures that are whole numbers."""

OBJECTIVES = {
    "net": "net_atoms",
    "return": "return_frac",
    "sharpe": "sharpe",
    "sortino": "sortino",
    "calmar": "calmar",
    "return_over_drawdown": "return_over_drawdown",
    "profit_factor": "profit_factor",
    "win_rate": "win_rate",
    "expectancy": "expectancy_r",
}
"""What may be asked for the most of, and the figure that it is."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a replay leaves behind, as far as figures need it.

    Attributes
    ----------
    t_ms, equity
        The close of every decided bar and the equity there (atoms); the last is the final balance.
    transfers
        (when it took effect, signed atoms), ascending.
    """

    t_ms: I64
    equity: I64
    trades: Records
    initial: int
    final: int
    transferred: int
    from_ms: int
    to_ms: int
    transfers: Sequence[tuple[int, int]] = ()
    liquidations: int = 0


def figures_of(account: Account) -> Figures:
    """Measure an account."""
    nav = net_asset_value(account.t_ms, account.equity, account.initial, account.transfers)
    first = min(account.from_ms, int(account.t_ms[0]) if len(account.t_ms) else account.from_ms)
    t_ms = np.concatenate((np.array([first], np.int64), account.t_ms))
    equity = np.concatenate((np.array([account.initial], np.int64), account.equity))
    nav = np.concatenate((np.ones(1), nav))
    daily = daily_returns(t_ms, nav, account.from_ms, account.to_ms)
    fall, grown = drawdown(t_ms, nav, equity).frac, float(nav[-1]) - 1.0
    yearly = cagr(float(nav[-1]), (account.to_ms - account.from_ms) / DAY_MS)
    trades = account.trades
    net = [int(value) for value in trades["net_atoms"]]
    gains, pains = sum(v for v in net if v > 0), -sum(v for v in net if v < 0)
    return Figures(
        net_atoms=account.final - account.initial - account.transferred,
        trades=len(net),
        return_frac=grown,
        sharpe=sharpe(daily),
        sortino=sortino(daily),
        calmar=None if yearly is None else ratio(yearly, fall),
        max_drawdown=fall,
        return_over_drawdown=ratio(grown, fall),
        win_rate=ratio(sum(v > 0 for v in net), len(net)),
        profit_factor=ratio(gains, pains),
        expectancy_r=_expectancy(trades),
        fees_atoms=total(trades["fees_atoms"]),
        funding_atoms=total(trades["funding_atoms"]),
        liquidations=account.liquidations,
    )


def daily_returns(t_ms: I64, nav: F64, from_ms: int, to_ms: int) -> F64:
    """Returns of the UTC days of a curve whose first row is the start."""
    _, ends = day_ends(t_ms, from_ms, to_ms)
    rows = np.concatenate((np.zeros(1, np.int64), np.maximum(ends, 0)))
    return returns_of(nav[rows])


def transfers_of(events: Records, base_ms: int) -> list[tuple[int, int]]:
    """When each transfer took effect (the first bar that opens at or after it), and its atoms."""
    booked = events[events["kind"] == EventKind.TRANSFER]
    return [(-(-int(row["ts_ms"]) // base_ms) * base_ms, round(float(row["value"]))) for row in booked]


def _expectancy(trades: Records) -> float | None:
    risks = trades["risk_atoms"]
    pairs = zip(trades["net_atoms"].tolist(), risks.tolist(), strict=True)
    return average([net / float(risk) for net, risk in pairs if risk > 0])
