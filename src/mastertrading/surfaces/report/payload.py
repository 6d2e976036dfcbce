"""What the page's script reads: curves, candles, trades, fills and stops, as plain JSON with packed numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.backtest.verdict import Translate
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.market import I64, Market
from mastertrading.surfaces.report import words
from mastertrading.surfaces.report.curves import curve
from mastertrading.surfaces.report.encoding import pack, pack_rising
from mastertrading.surfaces.report.facts import Facts
from mastertrading.surfaces.report.levels import Trips, levels_of

if TYPE_CHECKING:
    import polars as pl

CENT_ATOMS = ATOMS_PER_UNIT // 100
UNKNOWN = -(1 << 31)
"""Stands for a number that is not there, in packed columns of R."""


def payload(facts: Facts, market: Market | None, translate: Translate) -> dict[str, Any]:
    """Everything the script needs."""
    run = facts.summary.run
    levels = None
    if market is not None:
        columns = ("opened_ms", "closed_ms")
        which = _codes(facts.trades["instrument"], run.instruments)
        trips = Trips(which, *(facts.trades[name].to_numpy() for name in columns))
        levels = levels_of(market, trips, run.from_ms, run.to_ms)
    return {
        "from": run.from_ms,
        "to": run.to_ms,
        "base": run.base_ms,
        "instruments": [
            _instrument(name, tick) for name, tick in zip(run.instruments, facts.ticks, strict=True)
        ],
        "curve": curve(facts.equity, market, run.from_ms),
        "candles": levels,
        "trades": _trades(facts),
        "fills": _fills(facts),
        "stops": None if facts.stops is None else _stops(facts, facts.stops),
        "unknown": UNKNOWN,
        "words": {name: translate(sentence) for name, sentence in words.SCRIPT.items()},
    }


def _instrument(name: str, tick: str) -> dict[str, Any]:
    places = max(0, -int(Decimal(tick).as_tuple().exponent))
    return {"name": name, "tick": float(tick), "places": places}


def _trades(facts: Facts) -> dict[str, Any]:
    trades, run = facts.trades, facts.summary.run
    opened = trades["opened_ms"].to_numpy()
    reasons, modules = _distinct(trades["exit_reason"]), _distinct(trades["modules"])
    costs = (trades["fees_atoms"] + trades["funding_atoms"]).to_numpy()
    return {
        "count": len(trades),
        "id": pack_rising(trades["trade_id"].to_numpy()),
        "instrument": pack(_codes(trades["instrument"], run.instruments)),
        "side": pack(1 - 2 * _codes(trades["side"], ["long", "short"])),
        "opened": pack_rising(opened),
        "held": pack(trades["closed_ms"].to_numpy() - opened),
        "entry": pack(trades["entry_ticks"].to_numpy()),
        "exit": pack((trades["exit_ticks"] - trades["entry_ticks"]).to_numpy()),
        "net": pack(_cents(trades["net_atoms"].to_numpy())),
        "costs": pack(_cents(costs)),
        "r": pack(_thousandths(trades["r"])),
        "best": pack(_thousandths(trades["best_r"])),
        "worst": pack(_thousandths(trades["worst_r"])),
        "reason": pack(_codes(trades["exit_reason"], reasons)),
        "modules": pack(_codes(trades["modules"], modules)),
        "reasons": reasons,
        "combinations": modules,
    }


def _fills(facts: Facts) -> dict[str, Any]:
    fills = facts.fills
    reasons = _distinct(fills["reason"])
    return {
        "trade": pack_rising(fills["trade_id"].to_numpy()),
        "t": pack_rising(fills["ts_ms"].to_numpy()),
        "px": pack(fills["px_ticks"].to_numpy()),
        "reason": pack(_codes(fills["reason"], reasons)),
        "reasons": reasons,
    }


def _stops(facts: Facts, stops: pl.DataFrame) -> dict[str, Any]:
    """Each change of a resting stop, in ticks of its instrument."""
    ticks = np.array([float(tick) for tick in facts.ticks])
    which = _codes(stops["instrument"], facts.summary.run.instruments)
    levels = np.rint(stops["stop_px"].to_numpy() / ticks[which]) if len(stops) else np.zeros(0)
    return {
        "trade": pack_rising(stops["trade_id"].to_numpy()),
        "t": pack_rising(stops["ts_ms"].to_numpy()),
        "px": pack(levels.astype(np.int64)),
    }


def _distinct(column: pl.Series) -> list[str]:
    import polars as pl

    return sorted(column.cast(pl.String).unique().to_list())


def _codes(column: pl.Series, names: Sequence[str]) -> I64:
    import polars as pl

    place = {name: k for k, name in enumerate(names)}
    return np.array([place[name] for name in column.cast(pl.String).to_list()], np.int64)


def _cents(atoms: I64) -> I64:
    return np.rint(atoms / CENT_ATOMS).astype(np.int64)


def _thousandths(column: pl.Series) -> I64:
    values = column.to_numpy().astype(np.float64)
    known = np.isfinite(values)
    return np.where(known, np.rint(np.where(known, values, 0.0) * 1000.0), UNKNOWN).astype(np.int64)


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: no NaN, and no character that could end the element.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
