"""SIG-SMC: the fourteen gates of smart money (DEFINITIONS 3.2), and its score in whole hundredths (3.3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import SmcGate
from mastertrading.indicators.structure import bottom, rise, side_of
from mastertrading.indicators.windows import MASK
from mastertrading.signals.guards import impulse
from mastertrading.signals.verdicts import ask, clear, mark_unknown
from mastertrading.signals.view import sign, way

SMC_RULES = np.dtype(
    [
        ("choch_age", "i8"),  # ages in finished LTF bars
        ("sweep_age", "i8"),
        ("zone_atr", "f8"),  # how far beyond a zone still counts, in LTF ATR
        ("adx_min", "f8"),
        ("adx_strong", "f8"),
        ("impulse_body", "f8"),
        ("funding_max", "f8"),  # rates per 8 hours
        ("funding_half", "f8"),
        ("structure_fresh", "i8"),
        ("sweep_fresh", "i8"),
        ("choch_fresh", "i8"),
        ("ema_gate", "u1"),  # 1: gate 13 may refuse
        ("floor_gate", "u1"),  # 1: gate 14 asks for the session's floor
        ("short_penalty", "i8"),  # the rest in whole hundredths
        ("weight_htf_trend", "i8"),
        ("weight_structure", "i8"),
        ("weight_sweep", "i8"),
        ("weight_candle", "i8"),
        ("weight_fvg", "i8"),
        ("weight_order_block", "i8"),
        ("weight_funding", "i8"),
        ("weight_choch", "i8"),
        ("weight_adx", "i8"),
        ("ema_bonus", "i8"),
        ("ema_malus", "i8"),
    ],
    align=True,
)


@kernel
def age(structure: Any, at: int) -> int:
    """Finished bars since bar ``at``."""
    return structure.bars - 1 - at


@kernel
def confirms(history: Any, direction: int) -> bool:
    """Gate 10: the last finished bar goes toward d and closes in that half of its range."""
    last = (history.bars - 1) & MASK
    middle = (history.high[last] + history.low[last]) / 2.0
    beyond = direction * (history.close[last] - middle)
    return rise(history, last, direction) > 0.0 and beyond >= 0.0


@kernel
def candle(history: Any, direction: int) -> bool:
    """An engulfing bar, or a rejection wick on the far side of at least two bodies. Last finished bar."""
    last, before = history.bars - 1, history.bars - 2
    size = abs(rise(history, last, direction))
    against = rise(history, before, direction)
    beyond = direction * (history.close[last & MASK] - history.open[before & MASK])
    if against < 0.0 and size >= -against and beyond > 0.0:
        return True
    foot = direction * history.open[last & MASK]
    foot = min(foot, direction * history.close[last & MASK])
    return size > 0.0 and foot - bottom(history, last, direction) >= 2.0 * size


@kernel
def in_reach(low: float, top: float, close: float, reach: float) -> bool:
    """Whether the price (seen from the zone's side) is in the zone or a little beyond it."""
    return low <= close <= top + reach


@kernel
def near_gap(side: Any, close: float, reach: float) -> bool:
    """Whether a live fair value gap is in reach."""
    for k in range(side.gap_count):  # noqa: SIM110 - generators do not compile
        if in_reach(side.gap_bottom[k], side.gap_top[k], close, reach):
            return True
    return False


@kernel
def near_block(side: Any, close: float, reach: float) -> bool:
    """Whether the live order block is in reach."""
    return side.block_live != 0 and in_reach(side.block_bottom, side.block_top, close, reach)


@kernel
def ema_votes(view: Any) -> int:
    """+2 if LTF EMA20 over EMA50 and the close over HTF EMA20 both point up, -2 if both down."""
    return sign(view.ltf.ema20 - view.ltf.ema50) + sign(view.ltf.close - view.htf.ema20)


@kernel
def structure_points(structure: Any, direction: int, rules: Any) -> int:
    """Terms structure_break, sweep and choch_bonus."""
    points = 0
    if age(structure, side_of(structure, direction).break_at) < rules.structure_fresh:
        points += rules.weight_structure
    elif structure.state == direction:
        points += rules.weight_structure // 2
    if structure.choch_side == direction:
        swept = age(structure, structure.choch_sweep_at)
        if swept < rules.sweep_fresh:
            points += rules.weight_sweep
        elif swept < rules.sweep_age:
            points += rules.weight_sweep // 2
        if age(structure, structure.choch_at) < rules.choch_fresh:
            points += rules.weight_choch
    return points


@kernel
def funding_points(view: Any, direction: int, rules: Any) -> int:
    """Full if funding pays the trade, half if it costs little, none without data."""
    cost = direction * view.funding
    if view.funding_known == 0 or cost > rules.funding_half:
        return 0
    return rules.weight_funding if cost <= 0.0 else rules.weight_funding // 2


@kernel
def market_points(desk: Any, direction: int, rules: Any) -> int:
    """Terms htf_trend, candle, funding, adx_strong and EMA confluence."""
    view = desk.seen
    second = way(view.htf2)
    points = funding_points(view, direction, rules)
    if second == direction:
        points += rules.weight_htf_trend
    elif second == 0:
        points += rules.weight_htf_trend // 2
    if candle(desk.history, direction):
        points += rules.weight_candle
    if view.ltf.adx >= rules.adx_strong:
        points += rules.weight_adx
    votes = direction * ema_votes(view)
    if votes == 2:
        points += rules.ema_bonus
    elif votes == -2:
        points -= rules.ema_malus
    return points


@kernel
def zone_points(desk: Any, direction: int, rules: Any) -> int:
    """Terms fvg and order_block; more than 0 is a confluence."""
    view = desk.seen
    side = side_of(desk.structure, direction)
    close = direction * view.ltf.close
    reach = rules.zone_atr * view.ltf.atr
    points = 0
    if near_gap(side, close, reach):
        points += rules.weight_fvg
    if near_block(side, close, reach):
        points += rules.weight_order_block
    return points


@kernel
def smc_score(desk: Any, direction: int, zones: int, rules: Any) -> int:
    """The score in whole hundredths, [0, 100]. An odd weight's half is rounded down."""
    points = (
        structure_points(desk.structure, direction, rules) + market_points(desk, direction, rules) + zones
    )
    if direction < 0:
        points -= rules.short_penalty
    return min(max(points, 0), 100)


@kernel
def ask_structure(verdict: Any, structure: Any, direction: int, rules: Any) -> None:
    """Gates 5 to 7."""
    gate = SmcGate
    fresh = age(structure, structure.choch_at) < rules.choch_age
    newest = max(structure.up.sweep_at, structure.down.sweep_at)
    swept = age(structure, structure.choch_sweep_at) < rules.sweep_age
    ask(verdict, gate.CHOCH, fresh)
    ask(verdict, gate.SWEEP, age(structure, newest) < rules.sweep_age)
    ask(verdict, gate.CONFLUENCE, structure.choch_side == direction and fresh and swept)


@kernel
def ask_market(verdict: Any, desk: Any, direction: int, rules: Any) -> None:
    """Gates 8 to 13."""
    gate = SmcGate
    view = desk.seen
    ask(verdict, gate.EMA50, direction * (view.ltf.close - view.ltf.ema50) > 0.0)
    ask(verdict, gate.ADX, view.ltf.adx >= rules.adx_min)
    ask(verdict, gate.CANDLE, confirms(desk.history, direction))
    ask(verdict, gate.IMPULSE, impulse(desk.history, view.newest, rules.impulse_body) == 0)
    known = view.funding_known != 0
    ask(verdict, gate.FUNDING, not known or direction * view.funding <= rules.funding_max)
    if not known:
        mark_unknown(verdict, gate.FUNDING)
    ask(verdict, gate.EMA_CONFLUENCE, rules.ema_gate == 0 or direction * ema_votes(view) != -2)


@kernel
def smart_money(verdict: Any, desk: Any, minute: Any, rules: Any) -> None:
    """Ask all gates (none after a failed 1 or 3); the first no decides."""
    clear(verdict)
    gate = SmcGate
    view = desk.seen
    ready = view.valid != 0 and view.ltf.ready != 0 and view.htf.ready != 0 and view.htf2.ready != 0
    if not ask(verdict, gate.DATA, ready):
        return
    ask(verdict, gate.SESSION, minute.session_risk > 0.0)
    d = way(view.htf)
    if not ask(verdict, gate.HTF_TREND, d != 0):
        return
    ask(verdict, gate.HTF2, way(view.htf2) != -d)
    ask_structure(verdict, desk.structure, d, rules)
    ask_market(verdict, desk, d, rules)
    zones = zone_points(desk, d, rules)
    score = smc_score(desk, d, zones, rules)
    ask(verdict, gate.SCORE, rules.floor_gate == 0 or score >= minute.session_floor)
    if verdict.refusal == 0:
        verdict.forecast = d * (score / 100.0)
        verdict.confluence = 1 if zones > 0 else -1
