"""A run's records as tables for any notebook, with the column names of DESIGN section 10 first.

Prices and quantities are decimals made exactly from ticks and lots; money stays in atoms. Polars is imported
where it is used, so that the command line starts without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.backtest.fire_rates import MODULE_GATES, gate_counts_by_instrument
from mastertrading.backtest.result import Result
from mastertrading.backtest.statistics import curve_of, event_subject
from mastertrading.backtest.trade_statistics import combination, session_name
from mastertrading.domain.market import I64, Records
from mastertrading.domain.reasons import EventKind, FillReason, Gate, Stage, name_of

if TYPE_CHECKING:
    import polars as pl

SIZE_COLUMNS = (
    "lots",
    "budget_frac",
    "risk_frac",
    "risk_lots",
    "instrument_lots",
    "leverage_lots",
    "correlated_lots",
    "value_at_risk_lots",
)


def trades_frame(result: Result, open_until_ms: int | None = None) -> pl.DataFrame:
    """One row a trade.

    Parameters
    ----------
    open_until_ms
        Put the trades that are still open behind the others, as if closed then, without a reason.
    """
    import polars as pl

    closed, still = result.trades, result.still_open
    rows = closed
    if open_until_ms is not None and still is not None:
        rows = np.concatenate((closed, still))
        rows["closed_ms"][len(closed) :] = open_until_ms
    which = rows["instrument"].tolist()
    ticks = [item.tick for item in result.instruments]
    units = [item.lot * item.multiplier for item in result.instruments]
    risk = rows["risk_atoms"]
    columns = {
        "trade_id": _whole(rows["trade_id"]),
        "instrument": _named(rows["instrument"], [item.symbol for item in result.instruments]),
        "side": _named((rows["side"] < 0).astype(np.int64), ["long", "short"]),
        "opened_ms": _whole(rows["opened_ms"]),
        "closed_ms": _whole(rows["closed_ms"]),
        "entry_px": _decimals(rows["entry_ticks"], which, ticks),
        "exit_px": _decimals(rows["exit_ticks"], which, ticks),
        "qty": _decimals(rows["lots"], which, units),
        **{name: _whole(rows[name]) for name in ("gross_atoms", "fees_atoms", "funding_atoms", "net_atoms")},
        "exit_reason": _reasons(rows["exit_reason"], len(closed)),
        "modules": pl.Series(
            [combination(int(bits), result.modules) for bits in rows["modules"]], dtype=pl.String
        ),
        "session": pl.Series([session_name(int(code)) for code in rows["session"]], dtype=pl.String),
        "r": _quotient(rows["net_atoms"], risk),
        **{name: _known(rows[name]) for name in ("best_r", "worst_r")},
        "risk_atoms": _whole(risk),
        "entry_net": _real(rows["entry_net"]),
        "partial": pl.Series(rows["partial"] != 0),
        "ambiguous": pl.Series(rows["ambiguous"] != 0),
        "lots": _whole(rows["lots"]),
        "entry_ticks": _whole(rows["entry_ticks"]),
        "exit_ticks": _whole(rows["exit_ticks"]),
    }
    return pl.DataFrame(columns)


def fills_frame(result: Result) -> pl.DataFrame:
    """One row a fill; ``lots`` is absolute, ``order_side`` its sign."""
    import polars as pl

    rows = result.fills
    return pl.DataFrame(
        {
            "trade_id": _whole(rows["trade_id"]),
            "instrument": _named(rows["instrument"], [item.symbol for item in result.instruments]),
            "ts_ms": _whole(rows["ts_ms"]),
            "order_side": _named((rows["lots"] < 0).astype(np.int64), ["buy", "sell"]),
            "lots": _whole(np.abs(rows["lots"])),
            "px_ticks": _whole(rows["px_ticks"]),
            "fee_atoms": _whole(rows["fee_atoms"]),
            "reason": _named(rows["reason"], _names(FillReason)),
        }
    )


def funding_frame(result: Result) -> pl.DataFrame:
    """One row a funding payment; positive: paid by us."""
    import polars as pl

    rows = result.payments
    return pl.DataFrame(
        {
            "trade_id": _whole(rows["trade_id"]),
            "instrument": _named(rows["instrument"], [item.symbol for item in result.instruments]),
            "ts_ms": _whole(rows["ts_ms"]),
            "atoms": _whole(rows["atoms"]),
        }
    )


def stops_frame(result: Result) -> pl.DataFrame:
    """One row a stop that was placed or moved; it rests from ``ts_ms`` on."""
    import polars as pl

    rows = result.stops
    ticks = [item.tick for item in result.instruments]
    return pl.DataFrame(
        {
            "trade_id": _whole(rows["trade_id"]),
            "instrument": _named(rows["instrument"], [item.symbol for item in result.instruments]),
            "ts_ms": _whole(rows["ts_ms"]),
            "stop_px": _decimals(rows["stop_ticks"], rows["instrument"].tolist(), ticks),
            "reason": _named(rows["reason"], _names(FillReason)),
        }
    )


def equity_frame(result: Result) -> pl.DataFrame:
    """One row a bar's close: money in atoms, net asset value of a unit, drawdown from its peak."""
    import polars as pl

    rows, nav = result.equity, curve_of(result).nav
    depth = 1.0 - nav / np.maximum.accumulate(nav)
    return pl.DataFrame(
        {
            "ts_ms": _whole(rows["t_ms"]),
            "equity_atoms": _whole(rows["equity"]),
            "balance_atoms": _whole(rows["balance"]),
            "exposure_atoms": _whole(rows["exposure"]),
            "nav": _real(nav[1:]),
            "drawdown": _real(depth[1:]),
        }
    )


def events_frame(result: Result) -> pl.DataFrame:
    """One row an event of the account."""
    import polars as pl

    rows = result.events
    subjects = [event_subject(int(row["kind"]), int(row["subject"]), result) for row in rows]
    return pl.DataFrame(
        {
            "ts_ms": _whole(rows["ts_ms"]),
            "kind": _named(rows["kind"], _names(EventKind)),
            "subject": pl.Series(subjects, dtype=pl.String),
            "stage": _named(rows["stage"], _names(Stage)),
            "value": _real(rows["value"]),
        }
    )


def funnel_frame(result: Result) -> pl.DataFrame:
    """One row an instrument and gate: asked, passed, first to refuse."""
    import polars as pl

    rows = gate_counts_by_instrument(result)
    texts, counts = ("stage", "instrument", "gate"), ("asked", "passed", "refused_first")
    return pl.DataFrame(
        {name: pl.Series([getattr(row, name) for row in rows], dtype=pl.String) for name in texts}
        | {name: pl.Series([getattr(row, name) for row in rows], dtype=pl.Int64) for name in counts}
    )


def decisions_frame(
    t_ms: I64,
    verdicts: Records,
    decisions: Records,
    rows: Records,
    instruments: Sequence[str],
    modules: Sequence[str],
) -> pl.DataFrame:
    """One row an instrument and minute: why it did or did not trade (RISK-REASONS).

    Parameters
    ----------
    t_ms
        Closes of the minutes, shape (minutes,).
    verdicts, decisions, rows
        Records of VERDICT, shape (minutes, instruments, modules), of DECISION and of ROW, shape (minutes, instruments).
    instruments, modules
        Their names, in the order of the records.

    Returns
    -------
    Rows ordered by minute, then instrument. ``first_refusal`` and ``<module>_refusal`` are null where nothing
    refused; bit k − 1 of a bit column is gate number k of ``domain.reasons``.
    """
    import polars as pl

    count, flat = len(instruments), decisions.reshape(-1)
    votes = verdicts.reshape(-1, len(modules))
    columns: dict[str, Any] = {
        "ts_ms": _whole(np.repeat(t_ms, count)),
        "instrument": _named(np.tile(np.arange(count), len(t_ms)), instruments),
    }
    columns |= {name: _real(votes["forecast"][:, m]) for m, name in enumerate(modules)}
    columns["net"] = _real(flat["net"])
    columns |= {name: _plain(flat[name]) for name in ("evaluated", "passed")}
    columns["first_refusal"] = _nullable(flat["refusal"], _names(Gate))
    if "smc" in modules:
        smc = votes[:, list(modules).index("smc")]
        columns |= {f"smc_{name}": _plain(smc[name]) for name in ("evaluated", "passed")}
    columns |= {name: _plain(flat[name]) for name in SIZE_COLUMNS}
    columns["side"] = _plain(flat["side"])
    columns["exit_reason"] = _nullable(flat["exit_reason"], _names(FillReason)[1:])
    columns |= {name: _plain(flat[name]) for name in ("agreeing", "votes_long", "votes_short", "unknown")}
    columns |= _input_columns(rows.reshape(-1))
    for m, name in enumerate(modules):
        columns |= _verdict_columns(name, votes[:, m])
    return pl.DataFrame(columns)


def _input_columns(rows: Records) -> dict[str, Any]:
    """What the gates compared: the close, null where there is no usable bar, and what may be unknown."""
    import polars as pl

    close = pl.DataFrame({"close": _whole(rows["close"]), "valid": _plain(rows["valid"] != 0)})
    return {
        "close_ticks": close.select(pl.when("valid").then("close")).to_series(),
        **{
            name: pl.Series(np.ascontiguousarray(rows[name]), nan_to_null=True)
            for name in ("htf_adx", "volatility")
        },
    }


def _verdict_columns(module: str, rows: Records) -> dict[str, Any]:
    """A module's own gates."""
    gates = _names(MODULE_GATES[module]) if module in MODULE_GATES else [f"gate_{k}" for k in range(1, 17)]
    columns = {f"{module}_refusal": _nullable(rows["refusal"], gates)}
    if module == "smc":
        columns["smc_confluence"] = _plain(rows["confluence"])
    else:
        columns |= {f"{module}_{name}": _plain(rows[name]) for name in ("evaluated", "passed")}
    return columns | {f"{module}_unknown": _plain(rows["unknown"])}


# ---------------------------------------------------------------- columns


def _plain(values: Records) -> pl.Series:
    import polars as pl

    return pl.Series(np.ascontiguousarray(values))


def _whole(values: Records) -> pl.Series:
    import polars as pl

    return pl.Series(np.ascontiguousarray(values), dtype=pl.Int64)


def _real(values: Records) -> pl.Series:
    import polars as pl

    return pl.Series(np.ascontiguousarray(values, np.float64), dtype=pl.Float64)


def _known(values: Records) -> pl.Series:
    """Numbers, null where one is not known."""
    import polars as pl

    return pl.Series(np.ascontiguousarray(values, np.float64), dtype=pl.Float64, nan_to_null=True)


def _reasons(codes: Records, closed: int) -> pl.Series:
    """Why trades ended; null of those behind the first ``closed``."""
    import polars as pl

    named = _named(codes, _names(FillReason))
    if closed == len(codes):
        return named
    known = pl.Series(np.arange(len(codes)) < closed)
    return pl.DataFrame({"named": named, "known": known}).select(pl.when("known").then("named")).to_series()


def _names(reasons: type[IntEnum]) -> list[str]:
    return [name_of(reason) for reason in reasons]


def _named(codes: Records, names: Sequence[str]) -> pl.Series:
    """Codes 0 … as their names, stored as small integers with a dictionary."""
    import polars as pl

    width = np.uint8 if len(names) < 256 else np.uint16
    return pl.Series(np.ascontiguousarray(codes, width)).cat.to(pl.Enum(list(names)))


def _nullable(codes: Records, names: Sequence[str]) -> pl.Series:
    """Codes 1 … as their names, 0 as null."""
    import polars as pl

    named = _named(np.maximum(codes, 1) - 1, names)
    frame = pl.DataFrame({"named": named, "known": codes > 0})
    return frame.select(pl.when("known").then("named")).to_series()


def _decimals(counts: Records, which: Iterable[int], steps: Sequence[Decimal]) -> pl.Series:
    """Counts × the step of each row's instrument, exact before the one rounding to a float."""
    import polars as pl

    values = [float(count * steps[i]) for count, i in zip(counts.tolist(), which, strict=True)]
    return pl.Series(values, dtype=pl.Float64)


def _quotient(above: Records, below: Records) -> pl.Series:
    """Quotients, null where the divisor is not positive."""
    import polars as pl

    values = [a / b if b > 0 else None for a, b in zip(above.tolist(), below.tolist(), strict=True)]
    return pl.Series(values, dtype=pl.Float64)
