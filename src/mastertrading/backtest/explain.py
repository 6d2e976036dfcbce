"""Why an instrument did or did not trade in one minute: the whole chain of RISK-REASONS, from a run's folder.

::

    chain = explain(open_run(Path("runs/one")), "BTCUSDT", at_ms)
    chain.first_refusal, chain.gates, chain.modules, chain.sizing, chain.order

Everything comes from what the run recorded. Where a number was not recorded but follows from what was (the module
weights from the trades that had closed, the stage of a breaker from the events), it is derived, and a derived weight
counts only if it gives the recorded ``net`` again.
"""

from __future__ import annotations

import math
from dataclasses import replace

from mastertrading.backtest.explain_chain import (
    Asked,
    Chain,
    Closed,
    Executed,
    Held,
    Order,
    Said,
    SizeStep,
    Sizing,
)
from mastertrading.backtest.explain_gates import (
    SETTINGS,
    Fact,
    Minute,
    gate_fact,
    module_fact,
    worst_breaker,
)
from mastertrading.backtest.explain_run import Recorded, Row
from mastertrading.backtest.fire_rates import ENTRIES, MODULE_GATES
from mastertrading.domain.errors import DataMissing
from mastertrading.domain.market import DAY_MS
from mastertrading.domain.reasons import Gate, name_of

CLOSE_ENOUGH = 1e-9


def explain(run: Recorded, instrument: str, at_ms: int) -> Chain:
    """The chain of the bar that contains a moment, or closes at it.

    Parameters
    ----------
    instrument
        Canonical name.
    at_ms
        Any moment of the run, ms UTC.

    Raises
    ------
    DataMissing
        If the run did not decide this instrument in that minute.
    """
    run.check_instrument(instrument)
    ts_ms = run.minute_of(at_ms)
    ttl_ms = int((run.setting("allocation.ttl_seconds") or 0) * 1000)
    past = run.decisions([instrument], ts_ms - ttl_ms - run.base_ms, ts_ms).to_dicts()
    if not past or past[-1]["ts_ms"] != ts_ms:
        raise DataMissing(
            f"the run has no decision for {instrument} in that minute", where=str(run.files.folder)
        )
    row = past[-1]
    minute = Minute(
        run, instrument, ts_ms, row, run.equity_at(ts_ms), _open_trade(run, instrument, ts_ms, row)
    )
    modules = _modules(minute, past, ttl_ms)
    known = _weights_hold(minute, modules)
    order, position = _order(minute), _position(minute)
    trade_id = order.trade_id if order else position.trade_id if position else None
    return Chain(
        run_id=str(run.run["run_id"]),
        instrument=instrument,
        ts_ms=ts_ms,
        bar_open_ms=ts_ms - run.base_ms,
        net=float(row["net"]),
        threshold=run.setting("allocation.threshold"),
        agreeing=int(row["agreeing"]),
        needed_modules=minute.needed_modules,
        wish=_wish(minute),
        long_multiplier=float(run.setting("allocation.long_multiplier") or 1.0),
        weights_known=known,
        modules=tuple(said if known else _without_weight(said) for said in modules),
        gates=_gates(minute),
        first_refusal=row["first_refusal"],
        sizing=_sizing(minute),
        order=order,
        position=position,
        next_bar=_next_bar(minute),
        closed=_closed(run, trade_id),
        close_px=None if minute.close_ticks is None else _plain(run.price(instrument, minute.close_ticks)),
        htf_adx=minute.htf_adx,
        volatility=minute.volatility,
    )


# ---------------------------------------------------------------- modules and allocation


def _modules(minute: Minute, past: list[Row], ttl_ms: int) -> tuple[Said, ...]:
    weights = derived_weights(minute.run, minute.ts_ms)
    return tuple(_said(minute, m, past, ttl_ms, weights[m]) for m in range(len(minute.run.modules)))


def _said(minute: Minute, m: int, past: list[Row], ttl_ms: int, weight: float) -> Said:
    """One module: what it says now, and what of it still counts."""
    run, row, name = minute.run, minute.row, minute.run.modules[m]
    spoke = next((old for old in reversed(past) if old[name] != 0.0), None)
    fresh = spoke is not None and minute.ts_ms - spoke["ts_ms"] <= ttl_ms
    long, short = (bool((int(row[column]) >> m) & 1) for column in ("votes_long", "votes_short"))
    remembered = float(spoke[name]) if spoke is not None and fresh else None
    multiplier = _confluence(run, name, spoke)
    votes = "long" if long else "short" if short else ""
    return Said(
        module=name,
        now=float(row[name]),
        remembered=remembered,
        said_ms=int(spoke["ts_ms"]) if spoke is not None and fresh else None,
        expired=spoke is not None and not fresh,
        votes=votes,
        silent="" if votes or remembered is None else _silent(minute, name, remembered),
        weight=weight,
        multiplier=multiplier,
        adds=weight * multiplier * remembered if votes and remembered is not None else 0.0,
        first_refusal=row.get(f"{name}_refusal"),
        gates=_module_gates(minute, name),
    )


def _without_weight(said: Said) -> Said:
    return replace(said, weight=None, adds=None)


def _confluence(run: Recorded, module: str, spoke: Row | None) -> float:
    """Weight multiplier of SMC in the minute in which it spoke."""
    found = spoke.get(f"{module}_confluence", 0) if spoke is not None else 0
    if not found:
        return 1.0
    key = "confluence_multiplier" if found > 0 else "alone_multiplier"
    return float(run.setting(f"allocation.{key}") or 1.0)


def _silent(minute: Minute, module: str, forecast: float) -> str:
    """Why a fresh forecast does not vote."""
    floors = minute.run.setting("allocation.sessions.floor_applies_to") or ()
    session = minute.run.session(minute.ts_ms)
    floor = minute.run.setting(f"allocation.sessions.{session}.score_floor")
    if module in floors and module != "smc" and floor is not None and abs(forecast) + CLOSE_ENOUGH < floor:
        return "below_floor"
    return "not_allowed"


def _module_gates(minute: Minute, module: str) -> tuple[Asked, ...]:
    rows = []
    for gate in MODULE_GATES.get(module, ()):
        name, columns = name_of(gate), [f"{module}_{kind}" for kind in ("evaluated", "passed", "unknown")]
        fact = module_fact(minute.run, module, name, minute.ts_ms)
        if name == "htf_adx":  # of what the modules' gates compare, this is on record
            fact = replace(fact, value=minute.htf_adx)
        rows.append(_asked(module, name, _verdict(minute, columns, int(gate)), fact))
    return tuple(rows)


def _asked(stage: str, gate: str, verdict: str, fact: Fact) -> Asked:
    trial = fact.trial if verdict == "refused" else ""
    return Asked(stage, gate, verdict, fact.value, fact.limit, fact.unit, fact.setting, trial)


def _verdict(minute: Minute, columns: list[str], gate: int) -> str:
    evaluated, passed, unknown = (minute.bit(column, gate) for column in columns)
    if not evaluated:
        return "not_asked"
    if not passed:
        return "refused"
    return "unknown" if unknown else "passed"


def derived_weights(run: Recorded, ts_ms: int) -> list[float]:
    """Module weights in force at a close, from the trades that had closed before it (ALLOC-BAYES)."""
    base = [float(run.setting(f"allocation.weights.{name}") or 0.0) for name in run.modules]
    base = [
        1.0 if name not in MODULE_GATES else weight for name, weight in zip(run.modules, base, strict=True)
    ]
    dynamic = run.setting("allocation.dynamic") or {}
    closed = [trade for trade in run.rows("trades") if trade["closed_ms"] < ts_ms]
    if not dynamic.get("enabled") or not closed:
        return base
    since = closed[-1]["closed_ms"] - dynamic["window_days"] * DAY_MS
    counted = [
        (trade["modules"].split("+"), trade["net_atoms"]) for trade in closed if trade["closed_ms"] >= since
    ]
    after = []
    for name, weight in zip(run.modules, base, strict=True):
        results = [net for names, net in counted if name in names]
        after.append(weight * _factor(sum(net > 0 for net in results), len(results), dynamic))
    before, total = sum(base), sum(after)
    return [weight * before / total for weight in after] if total > 0.0 else after


def _factor(wins: int, trials: int, dynamic: Row) -> float:
    if trials < dynamic["min_trades"]:
        return 1.0
    rate = (dynamic["prior_wins"] + wins) / (dynamic["prior_wins"] + dynamic["prior_losses"] + trials)
    return float(min(dynamic["high"], max(dynamic["low"], rate / 0.5)))


def _weights_hold(minute: Minute, modules: tuple[Said, ...]) -> bool:
    """Whether the derived weights give the recorded net again."""
    if any(said.votes and said.remembered is None for said in modules):
        return False
    net = sum(said.adds or 0.0 for said in modules)
    if net > 0.0:
        net *= float(minute.run.setting("allocation.long_multiplier") or 1.0)
    return math.isclose(net, minute.row["net"], rel_tol=CLOSE_ENOUGH, abs_tol=CLOSE_ENOUGH)


def _wish(minute: Minute) -> str:
    """Side that had enough weight and enough modules."""
    net, threshold = float(minute.row["net"]), float(minute.run.setting("allocation.threshold") or 0.0)
    enough = gate_fact(minute, "min_modules").value
    if abs(net) < threshold or not isinstance(enough, int) or enough < minute.needed_modules:
        return ""
    return "long" if net > 0.0 else "short"


# ---------------------------------------------------------------- gates and sizes


def _gates(minute: Minute) -> tuple[Asked, ...]:
    rows = []
    for gate in Gate:
        verdict = _verdict(minute, ["evaluated", "passed", "unknown"], int(gate))
        fact = Fact(setting=SETTINGS.get(name_of(gate), ""))
        if verdict != "not_asked":
            fact = gate_fact(minute, name_of(gate))
        rows.append(_asked(ENTRIES, name_of(gate), verdict, fact))
    return tuple(rows)


SIZE_STEPS = (
    ("risk_budget", "risk_lots", Gate.RISK_BUDGET, "risk.per_trade"),
    (
        "instrument_exposure",
        "instrument_lots",
        Gate.INSTRUMENT_EXPOSURE,
        "risk.portfolio.max_instrument_exposure",
    ),
    ("leverage", "leverage_lots", Gate.MARGIN, "risk.gates.max_leverage"),
    (
        "correlated_exposure",
        "correlated_lots",
        Gate.CORRELATED_EXPOSURE,
        "risk.portfolio.max_correlated_exposure",
    ),
    ("value_at_risk", "value_at_risk_lots", Gate.VALUE_AT_RISK, "risk.portfolio.max_value_at_risk"),
)


def _sizing(minute: Minute) -> Sizing | None:
    row = minute.row
    if not row["budget_frac"] > 0.0:
        return None
    steps: list[SizeStep] = []
    for name, column, gate, setting in SIZE_STEPS:
        if not minute.bit("evaluated", int(gate)):
            break
        lots = round(row[column])
        steps.append(SizeStep(name, lots, bool(steps) and lots < steps[-1].lots, setting))
    if minute.bit("evaluated", int(Gate.MIN_SIZE)):
        lots = abs(int(row["lots"]))
        steps.append(SizeStep("minimum", lots, lots < steps[-1].lots, ""))
    cutters = [step.limit for step in steps if step.cut]
    cap = _cap(minute)
    return Sizing(
        parts=_budget_parts(minute),
        session=minute.run.session(minute.ts_ms),
        budget_frac=float(row["budget_frac"]),
        risk_frac=float(row["risk_frac"]),
        cap=cap,
        steps=tuple(steps),
        deciding=cutters[-1] if cutters else cap or "risk_budget",
    )


def _cap(minute: Minute) -> str:
    """What cut the risk budget: the instrument's own cap, its tier or Kelly."""
    if not minute.row["risk_frac"] < minute.row["budget_frac"]:
        return ""
    own, tier = minute.run.own(minute.instrument, "risk_cap"), minute.run.own(minute.instrument, "tier")
    caps = {"risk_cap": own, "tier": minute.run.setting(f"risk.tiers.{tier}") if tier else None}
    risk = float(minute.row["risk_frac"])
    return next(
        (name for name, cap in caps.items() if cap is not None and math.isclose(cap, risk, rel_tol=1e-5)),
        "kelly",
    )


def _budget_parts(minute: Minute) -> dict[str, float]:
    """Factors of the budget. That of volatility is what is left of the recorded product."""
    run, row = minute.run, minute.row
    beyond = (abs(row["net"]) - run.setting("allocation.threshold")) / run.setting(
        "allocation.budget.full_after"
    )
    at = run.setting("allocation.budget.at_threshold")
    stage = worst_breaker(run, minute.ts_ms)[1]
    parts = {
        "per_trade": float(run.setting("risk.per_trade")),
        "confidence": at + (1.0 - at) * min(1.0, max(0.0, beyond)),
        "session": float(run.setting(f"allocation.sessions.{run.session(minute.ts_ms)}.risk")),
        "breaker": 0.5 if stage == "half_size" else 1.0,
    }
    known = math.prod(parts.values())
    return parts | ({"volatility": round(float(row["budget_frac"]) / known, 6)} if known > 0.0 else {})


# ---------------------------------------------------------------- orders, positions, fills


def _order(minute: Minute) -> Order | None:
    run, lots = minute.run, int(minute.row["lots"])
    if lots == 0:
        return None
    entry = next((fill for fill in _fills_at(minute) if fill["reason"] == "entry"), None)
    side, qty = ("long" if lots > 0 else "short"), _plain(run.quantity(minute.instrument, lots))
    if entry is not None:
        px, trade_id = _plain(run.price(minute.instrument, entry["px_ticks"])), int(entry["trade_id"])
        return Order(side, qty, "filled", px, initial_stop(run, trade_id), trade_id)
    dropped = any(
        event["kind"] == "entry_dropped"
        and event["subject"] == minute.instrument
        and event["ts_ms"] == minute.ts_ms
        for event in run.rows("events")
    )
    outcome = "dropped" if dropped else "last" if minute.ts_ms >= run.last_ms else "lapsed"
    return Order(side, qty, outcome, None, None, None)


def _open_trade(run: Recorded, instrument: str, ts_ms: int, row: Row) -> Row | None:
    """The trade that was open when a minute was decided. What fills next carries the minute's own time."""
    if not row["side"]:
        return None
    found = [
        trade
        for trade in run.rows("trades")
        if trade["instrument"] == instrument and trade["opened_ms"] < ts_ms <= trade["closed_ms"]
    ]
    return found[-1] if found else None


def _position(minute: Minute) -> Held | None:
    run, trade = minute.run, minute.trade
    if trade is None:
        return None
    trade_id = int(trade["trade_id"])
    taken = sum(
        fill["lots"]
        for fill in run.rows("fills")
        if fill["trade_id"] == trade_id and fill["reason"] == "partial" and fill["ts_ms"] < minute.ts_ms
    )
    resting = stop_at(run, trade_id, minute.ts_ms)
    return Held(
        trade_id=trade_id,
        side=str(trade["side"]),
        qty=_plain(run.quantity(minute.instrument, trade["lots"] - taken)),
        opened_ms=int(trade["opened_ms"]),
        entry_px=_plain(run.price(minute.instrument, trade["entry_ticks"])),
        modules=str(trade["modules"]),
        stop_px=resting or initial_stop(run, trade_id),
        stop_is_initial=resting is None,
        exit_ordered=minute.row["exit_reason"],
    )


def stop_at(run: Recorded, trade_id: int, ts_ms: int) -> str | None:
    """The stop that rests from a moment on; None where the run has no `stops.parquet`."""
    moved = [stop for stop in run.rows("stops") if stop["trade_id"] == trade_id and stop["ts_ms"] <= ts_ms]
    return f"{moved[-1]['stop_px']:.10g}" if moved else None


def initial_stop(run: Recorded, trade_id: int) -> str | None:
    """Initial stop of a trade, from its entry and what its risk was in money."""
    trade = trade_of(run, trade_id)
    if trade is None:
        return None
    value = trade["lots"] * run.files.instruments[trade["instrument"]]["atoms_per_tick_lot"]
    distance = round(trade["risk_atoms"] / value)
    side = 1 if trade["side"] == "long" else -1
    return _plain(run.price(trade["instrument"], trade["entry_ticks"] - side * distance))


def trade_of(run: Recorded, trade_id: int) -> Row | None:
    """The row of a trade."""
    return next((trade for trade in run.rows("trades") if trade["trade_id"] == trade_id), None)


def _closed(run: Recorded, trade_id: int | None) -> Closed | None:
    trade = trade_of(run, trade_id) if trade_id is not None else None
    if trade is None or trade["exit_reason"] is None:
        return None
    px = _plain(run.price(trade["instrument"], trade["exit_ticks"]))
    return Closed(
        int(trade["trade_id"]),
        int(trade["closed_ms"]),
        px,
        str(trade["exit_reason"]),
        int(trade["net_atoms"]),
        trade["r"],
    )


def _fills_at(minute: Minute) -> list[Row]:
    """Fills of the bar that opens when this one closes."""
    return [
        fill
        for fill in minute.run.rows("fills")
        if fill["ts_ms"] == minute.ts_ms and fill["instrument"] == minute.instrument
    ]


def _next_bar(minute: Minute) -> tuple[Executed, ...]:
    return tuple(executed(minute.run, fill) for fill in _fills_at(minute))


def executed(run: Recorded, fill: Row) -> Executed:
    """A fill in prices and quantities."""
    name = str(fill["instrument"])
    qty, px = _plain(run.quantity(name, fill["lots"])), _plain(run.price(name, fill["px_ticks"]))
    return Executed(
        int(fill["ts_ms"]),
        str(fill["order_side"]),
        qty,
        px,
        int(fill["fee_atoms"]),
        str(fill["reason"]),
        int(fill["trade_id"]),
    )


def _plain(value: object) -> str:
    """A decimal without an exponent and without trailing zeros of its step."""
    return f"{value:f}"
