"""SIG-TREND: with the hourly trend, while both timeframes move (DEFINITIONS 2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import TrendGate
from mastertrading.signals.guards import bounce_refuses, impulse
from mastertrading.signals.verdicts import ask, clear
from mastertrading.signals.view import sign

TREND_RULES = np.dtype(
    [
        ("ltf_adx_min", "f8"),
        ("htf_adx_min", "f8"),
        ("impulse_body", "f8"),  # multiple of the mean body
        ("bounce", "f8"),  # fraction
        ("bounce_reading", "i8"),  # guards.AGAINST or LATE
        ("base_score", "f8"),
        ("gap_factor", "f8"),
        ("gap_max", "f8"),
        ("adx_max", "f8"),
    ],
    align=True,
)


@kernel
def trend_direction(view: Any) -> int:
    """+1 if LTF close > HTF EMA20 > HTF EMA50, -1 mirrored, else 0."""
    direction = sign(view.ltf.close - view.htf.ema20)
    return direction if sign(view.htf.ema20 - view.htf.ema50) == direction else 0


@kernel
def trend_score(view: Any, rules: Any) -> float:
    """Base + the gap between the averages (a fraction of the price) + the strength of the move; [0.5, 1]."""
    gap = abs(view.htf.ema20 - view.htf.ema50) / view.ltf.close
    strength = (view.ltf.adx - rules.ltf_adx_min) / 100.0
    score = rules.base_score + min(rules.gap_max, gap * rules.gap_factor) + min(rules.adx_max, strength)
    return min(score, 1.0)


@kernel
def trend(verdict: Any, desk: Any, rules: Any) -> None:
    """Ask the gates in order; the first no ends it."""
    clear(verdict)
    view = desk.seen
    gate = TrendGate
    if not ask(verdict, gate.VALID_BAR, view.valid != 0):
        return
    if not ask(verdict, gate.WARM_UP, view.ltf.ready != 0 and view.htf.ready != 0):
        return
    d = trend_direction(view)
    if (
        ask(verdict, gate.DIRECTION, d != 0)
        and ask(verdict, gate.LTF_ADX, view.ltf.adx >= rules.ltf_adx_min)
        and ask(verdict, gate.HTF_ADX, view.htf.adx >= rules.htf_adx_min)
        and ask(verdict, gate.IMPULSE, impulse(desk.history, view.newest, rules.impulse_body) == 0)
        and ask(verdict, gate.BOUNCE, not bounce_refuses(desk, d, rules))
    ):
        verdict.forecast = d * trend_score(view, rules)
