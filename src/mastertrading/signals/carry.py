"""SIG-CARRY: against extreme funding in a calm market (DEFINITIONS 2)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import CarryGate
from mastertrading.signals.verdicts import ask, clear
from mastertrading.signals.view import sign

CARRY_RULES = np.dtype(
    [
        ("multiple", "f8"),  # of the usual rate
        ("atr_max", "f8"),  # ATR%
        ("vol_penalty", "f8"),
        ("hint", "f8"),
        ("hint_z", "f8"),
        ("floor", "f8"),
    ],
    align=True,
)


@kernel
def hint(z: float, direction: int, rules: Any) -> float:
    """A bonus if the trade fades a stretched price, a malus if it chases one."""
    stretch = direction * z
    return rules.hint if stretch <= -rules.hint_z else -rules.hint if stretch >= rules.hint_z else 0.0


@kernel
def carry_score(view: Any, direction: int, threshold: float, rules: Any) -> float:
    """How extreme the rate is, less a penalty for volatility, with the hint; between the floor and 1."""
    penalty = rules.vol_penalty * min(max(view.atr_frac / rules.atr_max, 0.0), 1.0)
    score = abs(view.funding) / threshold - penalty + hint(view.z, direction, rules)
    return min(max(score, rules.floor), 1.0)


@kernel
def carry(verdict: Any, desk: Any, rules: Any) -> None:
    """Ask the gates in order; the first no ends it."""
    clear(verdict)
    view = desk.seen
    gate = CarryGate
    if not ask(verdict, gate.VALID_BAR, view.valid != 0):
        return
    if not ask(verdict, gate.WARM_UP, view.ltf.ready != 0 and view.htf.ready != 0 and not math.isnan(view.z)):
        return
    threshold = rules.multiple * view.funding_usual
    if (
        ask(verdict, gate.FUNDING_KNOWN, view.funding_known != 0)
        and ask(verdict, gate.EXTREME, abs(view.funding) >= threshold)
        and ask(verdict, gate.VOLATILITY, view.atr_frac < rules.atr_max)
        and ask(verdict, gate.STD_ZERO, view.z_deviation != 0.0)
    ):
        d = -sign(view.funding)
        verdict.forecast = d * carry_score(view, d, threshold, rules)
