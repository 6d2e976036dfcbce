"""``decide``: what should rest now, and why. The one place that says the order of the gates and of the limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import Gate, Stage
from mastertrading.rules.allocation.budget import confidence_scale, volatility_scale
from mastertrading.rules.allocation.combine import (
    confluence_multiplier,
    is_fresh,
    reaches_floor,
    remember,
    scaled_net,
    wish_of,
)
from mastertrading.rules.allocation.kelly import kelly_cap
from mastertrading.rules.position.exits import exit_reason, may_flip, partial_lots, partial_ticks, trail
from mastertrading.rules.position.money import sign
from mastertrading.rules.position.transitions import DAY_MS, notional
from mastertrading.rules.risk.breakers import breaker_scale
from mastertrading.rules.risk.exposure import (
    correlated_room,
    is_history_enough,
    lots_within_risk,
    value_at_risk_bound,
)
from mastertrading.rules.risk.gates import daily_limit, spread_is_narrow, trend_is_strong
from mastertrading.rules.risk.sizing import (
    risk_lots,
    stop_distance_ticks,
    target_distance_ticks,
    whole_lots,
)

HOLDING, VALID_BAR, FLAT = int(Gate.HOLDING), int(Gate.VALID_BAR), int(Gate.FLAT)
MIN_MODULES, DIRECTION, FLIP_AGE = int(Gate.MIN_MODULES), int(Gate.DIRECTION), int(Gate.FLIP_AGE)
STALE_DATA, SPREAD, SESSION, MACRO = (
    int(Gate.STALE_DATA),
    int(Gate.SPREAD),
    int(Gate.SESSION),
    int(Gate.MACRO),
)
HTF_ADX, DAILY_ENTRIES, MIN_EQUITY = int(Gate.HTF_ADX), int(Gate.DAILY_ENTRIES), int(Gate.MIN_EQUITY)
BREAKER, VOLATILITY, REGIME, KELLY = (
    int(Gate.BREAKER),
    int(Gate.VOLATILITY),
    int(Gate.REGIME),
    int(Gate.KELLY),
)
STOP_DISTANCE, RISK_BUDGET = int(Gate.STOP_DISTANCE), int(Gate.RISK_BUDGET)
INSTRUMENT_EXPOSURE, LEVERAGE = int(Gate.INSTRUMENT_EXPOSURE), int(Gate.LEVERAGE)
CORRELATED_EXPOSURE, VALUE_AT_RISK = int(Gate.CORRELATED_EXPOSURE), int(Gate.VALUE_AT_RISK)
MARGIN, MIN_SIZE, MIN_NOTIONAL = int(Gate.MARGIN), int(Gate.MIN_SIZE), int(Gate.MIN_NOTIONAL)
NO_ENTRIES = int(Stage.NO_ENTRIES)
CERTAINLY = 1.0 - 1e-9  # a bound this far below a limit holds it, whatever the last bits of the exact figure


@kernel
def ask(decision: Any, gate: int, passed: bool) -> bool:
    """Write a gate's verdict; the first refusal is the reason."""
    bit = np.uint32(1 << (gate - 1))
    decision.evaluated |= bit
    if passed:
        decision.passed |= bit
    elif decision.refusal == 0:
        decision.refusal = gate
    return passed


@kernel
def ask_unknown(decision: Any, gate: int) -> None:
    """Write that a gate let pass because what it asks about does not exist."""
    ask(decision, gate, True)
    decision.unknown |= np.uint32(1 << (gate - 1))


@kernel(inline=True)
def combine(memory: Any, i: int, account: Any, rules: Any, spec: Any, now: Any, decision: Any) -> int:
    """ALLOC-NET and ALLOC-MIN: write net and votes into the decision; returns the wished side.

    ``memory``: the modules' newest verdicts, shape (instruments, modules); ``now``: (MINUTE row, its close).
    """
    minute, t_ms = now
    allocation, weights = rules.allocation, account.weights
    net, longs, shorts, votes_long, votes_short = 0.0, 0, 0, 0, 0
    for m in range(allocation.modules):
        said = memory[i, m]
        if not is_fresh(said, t_ms, allocation.ttl_ms) or not (spec.modules >> m) & 1:
            continue
        if (allocation.floor_mask >> m) & 1 and not reaches_floor(said.forecast, minute.session_floor):
            continue
        net += weights[m] * confluence_multiplier(said.confluence, allocation) * said.forecast
        if said.forecast > 0.0:
            longs += 1
            votes_long |= 1 << m
        else:
            shorts += 1
            votes_short |= 1 << m
    net = scaled_net(net, allocation)
    decision.net = net
    decision.agreeing = longs if net > 0.0 else shorts if net < 0.0 else 0
    decision.votes_long = votes_long
    decision.votes_short = votes_short
    return wish_of(net, longs, shorts, allocation)


@kernel(inline=True)
def hear(memory: Any, verdicts: Any, t: int, i: int, t_ms: int) -> None:
    """Remember this minute's verdicts of all modules."""
    for m in range(memory.shape[1]):
        remember(memory[i, m], verdicts[t, i, m], t_ms)


@kernel
def manage(account: Any, position: Any, orders: Any, rules: Any, spec: Any, row: Any, wish: Any) -> None:
    """Protect and perhaps end a position: move its stop, place partial and target, order an exit.

    ``wish``: (side the allocator wants, whether any module has a view, time).
    """
    side, has_view, t_ms = wish
    if row.valid:
        trail(position, rules.exits, rules.costs.taker_e8)
    orders.stop_ticks, orders.stop_reason = position.stop_ticks, position.stop_reason
    orders.partial_lots = partial_lots(position, rules.exits, spec.min_lots)
    orders.partial_ticks = partial_ticks(position, rules.exits)
    removed = position.partial_done and not rules.exits.keep_target
    orders.target_ticks = 0 if removed else position.target_ticks
    orders.exit_reason = exit_reason(position, side, has_view, t_ms, account.stage, rules.exits)


@kernel
def stand_aside(orders: Any) -> None:
    """A flat instrument rests nothing."""
    orders.exit_reason = 0
    orders.stop_ticks = 0
    orders.partial_lots = 0
    orders.target_ticks = 0


@kernel
def ask_entry(
    account: Any, position: Any, rules: Any, spec: Any, row: Any, minute: Any, decision: Any
) -> bool:
    """All gates between a wish and its size; every one is asked, so that the whole chain is on record."""
    gates, side = rules.gates, 1 if decision.net > 0.0 else -1
    votes = decision.votes_long if side > 0 else decision.votes_short
    ask(decision, DIRECTION, spec.longs != 0 if side > 0 else spec.shorts != 0)
    if position.lots != 0:
        ask(decision, FLIP_AGE, may_flip(position, minute.t_ms, rules.exits))
    ask(decision, STALE_DATA, row.age_ms <= gates.max_data_age_ms)
    if math.isnan(row.spread) and not gates.refuse_unknown_spread:
        ask_unknown(decision, SPREAD)
    else:
        ask(decision, SPREAD, spread_is_narrow(row.spread, gates))
    ask(decision, SESSION, minute.session_risk > 0.0)
    ask(decision, MACRO, minute.blackout == 0)
    column = rules.allocation.meanrev_column
    spared = column >= 0 and ((votes >> max(0, column)) & 1) != 0
    ask(decision, HTF_ADX, trend_is_strong(row.htf_adx, spared, gates))
    today = position.entries_today if position.day == minute.t_ms // DAY_MS else 0
    ask(decision, DAILY_ENTRIES, today < daily_limit(row.htf_adx, gates))
    ask(decision, MIN_EQUITY, account.equity >= gates.min_equity_atoms)
    ask(decision, BREAKER, account.stage < NO_ENTRIES)
    return decision.refusal == 0


@kernel
def budget(account: Any, rules: Any, spec: Any, row: Any, minute: Any, decision: Any) -> float:
    """ALLOC-BUDGET: base risk times every multiplier, then the smallest cap. Fraction of equity; 0 = refused."""
    sizing = rules.sizing
    known = not math.isnan(row.volatility) or not sizing.reads_volatility
    scale = volatility_scale(row.volatility, sizing) if known and sizing.reads_volatility else 1.0
    cap = kelly_cap(account, rules.kelly)
    ask(decision, VOLATILITY, known and scale > 0.0)
    ask(decision, REGIME, row.regime > 0.0)
    ask(decision, KELLY, cap > 0.0)
    if decision.refusal != 0:
        return 0.0
    share = confidence_scale(decision.net, rules.allocation.threshold, sizing)
    risk = sizing.per_trade * share * minute.session_risk * row.regime * scale * breaker_scale(account.stage)
    decision.budget_frac = risk
    capped = min(risk, spec.risk_cap, cap)
    decision.risk_frac = capped
    if capped <= 0.0:
        ask(decision, RISK_BUDGET, False)
    return capped


@kernel(inline=True)
def exposures_into(exposures: Any, account: Any, positions: Any, orders: Any, specs: Any, skip: int) -> float:
    """Signed exposure of every instrument after this bar's orders, ``skip`` left out; returns the gross exposure.

    A position that is ordered to close counts no more, neither as a risk nor as a hedge; an ordered entry does.
    """
    gross = 0.0
    for j in range(positions.shape[0]):
        held = sign(positions[j].lots) * notional(positions[j], specs[j]) if orders[j].exit_reason == 0 else 0
        ordered = orders[j].entry_lots * positions[j].mark_ticks * specs[j].atoms
        exposures[j] = float(held + ordered) / account.equity if j != skip else 0.0
        gross += abs(exposures[j])
    return gross


@kernel
def fit(decision: Any, gate: int, lots: int, room_atoms: float, lot_atoms: float) -> int:
    """Cut a size to fit a limit; refuse where not one lot fits."""
    if 0.0 < lots * lot_atoms < room_atoms * CERTAINLY:
        ask(decision, gate, True)  # no need to divide
        return lots
    cut = min(lots, whole_lots(room_atoms, lot_atoms))
    ask(decision, gate, cut > 0)
    return cut


@kernel(inline=True)
def size_entry(state: Any, market: Any, rules: Any, i: int, row: Any, risk_frac: float, decision: Any) -> int:
    """RISK-SIZE and RISK-PORTFOLIO: from the risk budget through every limit to whole lots; 0 = refused.

    Parameters
    ----------
    state
        (account, positions, orders, specs, room to work in).
    market
        (hourly returns, their bounds, hours known).

    Notes
    -----
    The size before and after each limit is written into the decision. A limit only ever makes it smaller.
    """
    account, positions, orders, specs, room = state
    returns, bounds, known = market
    spec, exposures, worst = specs[i], room[1], room[2]
    portfolio, side = rules.portfolio, 1 if decision.net > 0.0 else -1
    distance = stop_distance_ticks(row.close, row.volatility, rules.sizing)
    if not ask(decision, STOP_DISTANCE, 0 < distance < row.close):
        return 0
    equity, lot_atoms = float(account.equity), float(row.close * spec.atoms)
    lots = risk_lots(risk_frac, account.equity, distance, spec)
    decision.risk_lots = lots
    if not ask(decision, RISK_BUDGET, lots > 0):
        return 0
    lots = fit(decision, INSTRUMENT_EXPOSURE, lots, portfolio.max_instrument * equity, lot_atoms)
    decision.instrument_lots = lots
    gross = exposures_into(exposures, account, positions, orders, specs, i)
    others = gross * equity
    lots = fit(decision, LEVERAGE, lots, portfolio.max_leverage * equity - others, lot_atoms)
    lots = fit(decision, MARGIN, lots, portfolio.account_leverage * equity - others, lot_atoms)
    decision.leverage_lots = lots
    if decision.refusal != 0:
        return 0
    unit = side * lot_atoms / equity
    if gross + lots * abs(unit) > portfolio.max_correlated * CERTAINLY:
        spare = correlated_room(returns, known, exposures, (i, side), portfolio) * equity
        lots = fit(decision, CORRELATED_EXPOSURE, lots, spare, lot_atoms)
    else:
        ask(decision, CORRELATED_EXPOSURE, True)  # not even if all moved as one
    decision.correlated_lots = lots
    if decision.refusal != 0:
        return 0
    exposures[i] = lots * unit
    if not is_history_enough(bounds, known, portfolio):
        ask_unknown(decision, VALUE_AT_RISK)
    else:
        most = value_at_risk_bound(bounds, known, gross + abs(exposures[i]), portfolio)
        if most > portfolio.max_var * CERTAINLY:
            lots = lots_within_risk(returns, known, exposures, worst, i, (lots, unit), portfolio)
        ask(decision, VALUE_AT_RISK, lots > 0)
    decision.value_at_risk_lots = lots
    if decision.refusal != 0:
        return 0
    ask(decision, MIN_SIZE, lots >= max(1, spec.min_lots))
    ask(decision, MIN_NOTIONAL, lots * row.close * spec.atoms >= spec.min_notional_atoms)
    return lots if decision.refusal == 0 else 0


@kernel
def place_entry(orders: Any, rules: Any, row: Any, minute: Any, decision: Any) -> None:
    """Write the market entry with its attached stop and target, fixed now and never recomputed (DESIGN 4.2)."""
    side = sign(decision.lots)
    stop = stop_distance_ticks(row.close, row.volatility, rules.sizing)
    target = target_distance_ticks(row.close, row.volatility, rules.sizing, rules.costs.taker_e8)
    orders.entry_lots = decision.lots
    orders.entry_stop_ticks = row.close - side * stop
    orders.entry_target_ticks = max(1, row.close + side * target)
    orders.entry_modules = decision.votes_long if side > 0 else decision.votes_short
    orders.entry_net = decision.net
    orders.entry_session = minute.session
