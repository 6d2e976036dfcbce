"""Small makers of plain objects, with defaults that say nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from mastertrading.backtest.result import Funnel, Result
from mastertrading.compiled import records
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import DAY_MS, MINUTE_MS
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import ACCOUNT, EQUITY, EVENT, FILL, PAYMENT, STOP_MOVE, TRADE
from mastertrading.settings.schema import Settings

MONDAY_MS = 20_234 * DAY_MS
"""2025-05-26 00:00 UTC."""
UNIT = 100_000_000
INITIAL = 10_000 * UNIT
MODULES = ("trend", "meanrev", "carry", "smc")


def make_instrument(
    symbol: str = "BTCUSDT", tick: str = "0.1", lot: str = "0.001", **rest: Any
) -> Instrument:
    rest.setdefault("min_notional", Decimal(5))
    return Instrument(symbol=symbol, tick=Decimal(tick), lot=Decimal(lot), **rest)


@dataclass
class Deal:
    """A trade of one instrument, in whole units of quote: what `make_result` makes its rows from."""

    gross: float
    fees: float = 0.0
    funding: float = 0.0
    opened_min: int = 10
    minutes: int = 30
    instrument: int = 0
    side: int = 1
    reason: FillReason = FillReason.TARGET
    modules: int = 0b0001
    session: int = 1
    risk: float = 10.0
    entry_ticks: int = 1_000_000
    lots: int = 10
    partial: int = 0
    ambiguous: int = 0


@dataclass
class Scene:
    """What a made result is made of. ``equity``: (minute, equity in quote) rows; ``transfers`` likewise."""

    deals: list[Deal] = field(default_factory=list)
    equity: list[tuple[int, float]] | None = None
    transfers: list[tuple[int, float]] = field(default_factory=list)
    minutes: int = 3 * 1440
    instruments: tuple[Instrument, ...] = field(
        default_factory=lambda: (make_instrument(), make_instrument("ETHUSDT", "0.01", "0.001"))
    )


def atoms(quote: float) -> int:
    return round(quote * UNIT)


def make_result(
    *deals: Deal, scene: Scene | None = None, paths: dict[str, int] | None = None, **changes: Any
) -> Result:
    """A result whose books balance, from a few deals. ``paths``: net under the other paths inside a bar."""
    scene = scene or Scene(list(deals))
    count = len(scene.instruments)
    trades = make_trades(scene.deals)
    account = records(ACCOUNT, 1)
    account["transferred"] = sum(atoms(amount) for _, amount in scene.transfers)
    account["balance"] = INITIAL + account["transferred"] + sum(int(v) for v in trades["net_atoms"])
    values: dict[str, Any] = {
        "instruments": scene.instruments,
        "modules": MODULES,
        "settings": Settings(),
        "identify": lambda: "run",
        "data_id": "d" * 64,
        "code_id": "k" * 16,
        "grade": "A",
        "base_ms": MINUTE_MS,
        "from_ms": MONDAY_MS,
        "to_ms": MONDAY_MS + scene.minutes * MINUTE_MS,
        "initial_atoms": INITIAL,
        "trades": trades,
        "fills": make_fills(scene.deals, trades),
        "payments": make_payments(trades),
        "events": make_transfer_events(scene.transfers),
        "stops": records(STOP_MOVE, 0),
        "equity": make_equity(scene, trades),
        "account": account,
        "funnel": Funnel.empty(count, len(MODULES)),
        "first_close": np.full(count, 100.0),
        "last_close": np.full(count, 110.0),
    }
    if paths is not None:
        values["path_range"] = {"nearest_first": int(trades["net_atoms"].sum()), **paths}
    return Result(**(values | changes))


def make_trades(deals: list[Deal]) -> np.ndarray:
    rows = records(TRADE, len(deals))
    for k, deal in enumerate(deals):
        row = rows[k]
        row.trade_id, row.instrument, row.side = k + 1, deal.instrument, deal.side
        row.opened_ms = MONDAY_MS + deal.opened_min * MINUTE_MS
        row.closed_ms = row.opened_ms + deal.minutes * MINUTE_MS
        row.entry_ticks, row.exit_ticks, row.lots = deal.entry_ticks, deal.entry_ticks + deal.side, deal.lots
        row.gross_atoms, row.fees_atoms = atoms(deal.gross), atoms(deal.fees)
        row.funding_atoms = atoms(deal.funding)
        row.net_atoms = row.gross_atoms - row.fees_atoms - row.funding_atoms
        row.exit_reason, row.modules, row.session = deal.reason, deal.modules, deal.session
        row.risk_atoms, row.partial, row.ambiguous = atoms(deal.risk), deal.partial, deal.ambiguous
        row.entry_net, row.best_r, row.worst_r = 0.3 * deal.side, 1.5, -0.5
    return rows


def make_fills(deals: list[Deal], trades: np.ndarray) -> np.ndarray:
    rows = records(FILL, 2 * len(deals))
    for k, deal in enumerate(deals):
        for leg, sign in ((0, deal.side), (1, -deal.side)):
            row = rows[2 * k + leg]
            row.trade_id, row.instrument, row.lots = k + 1, deal.instrument, sign * deal.lots
            row.ts_ms = trades[k].closed_ms if leg else trades[k].opened_ms
            row.px_ticks = trades[k].exit_ticks if leg else trades[k].entry_ticks
            row.fee_atoms = trades[k].fees_atoms if leg else 0
            row.reason = deal.reason if leg else FillReason.ENTRY
    return rows


def make_payments(trades: np.ndarray) -> np.ndarray:
    paid = trades[trades["funding_atoms"] != 0]
    rows = records(PAYMENT, len(paid))
    rows["trade_id"], rows["instrument"] = paid["trade_id"], paid["instrument"]
    rows["ts_ms"], rows["atoms"] = paid["closed_ms"], paid["funding_atoms"]
    return rows


def make_transfer_events(transfers: list[tuple[int, float]]) -> np.ndarray:
    rows = records(EVENT, len(transfers))
    for k, (minute, amount) in enumerate(transfers):
        rows[k].ts_ms, rows[k].kind = MONDAY_MS + minute * MINUTE_MS, 2
        rows[k].value = float(atoms(amount))
    return rows


def make_equity(scene: Scene, trades: np.ndarray) -> np.ndarray:
    """The given rows, or one row an hour that follows the closed trades."""
    if scene.equity is not None:
        points = [(MONDAY_MS + minute * MINUTE_MS, atoms(value)) for minute, value in scene.equity]
    else:
        hours = MONDAY_MS + np.arange(60, scene.minutes + 1, 60) * MINUTE_MS
        gained = [int(trades["net_atoms"][trades["closed_ms"] < t].sum()) for t in hours]
        moved = [sum(atoms(a) for m, a in scene.transfers if MONDAY_MS + m * MINUTE_MS < t) for t in hours]
        points = [(int(t), INITIAL + g + m) for t, g, m in zip(hours, gained, moved, strict=True)]
    rows = records(EQUITY, len(points))
    for k, (t_ms, equity) in enumerate(points):
        rows[k].t_ms, rows[k].equity, rows[k].balance, rows[k].exposure = t_ms, equity, equity, equity // 2
    return rows
