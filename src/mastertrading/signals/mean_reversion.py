"""SIG-MEANREV: against a stretched price while the hour has no trend (DEFINITIONS 2)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import MeanReversionGate
from mastertrading.signals.guards import bounce_refuses, impulse
from mastertrading.signals.verdicts import ask, clear
from mastertrading.signals.view import sign

MEANREV_RULES = np.dtype(
    [
        ("z_entry", "f8"),
        ("htf_adx_max", "f8"),
        ("impulse_body", "f8"),  # multiple of the mean body
        ("bounce", "f8"),  # fraction
        ("bounce_reading", "i8"),  # guards.AGAINST or LATE
        ("full_score_z", "f8"),
        ("full_score_margin", "f8"),
    ],
    align=True,
)


@kernel
def mean_reversion(verdict: Any, desk: Any, rules: Any) -> None:
    """Ask the gates in order; the first no ends it. Score = abs(z) over the z of a full score."""
    clear(verdict)
    view = desk.seen
    gate = MeanReversionGate
    if not ask(verdict, gate.VALID_BAR, view.valid != 0):
        return
    if not ask(verdict, gate.WARM_UP, view.ltf.ready != 0 and view.htf.ready != 0 and not math.isnan(view.z)):
        return
    d = -sign(view.z)
    if (
        ask(verdict, gate.STRETCH, d != 0 and abs(view.z) >= rules.z_entry)
        and ask(verdict, gate.HTF_ADX, view.htf.adx <= rules.htf_adx_max)
        and ask(verdict, gate.IMPULSE, impulse(desk.history, view.newest, rules.impulse_body) != -d)
        and ask(verdict, gate.BOUNCE, not bounce_refuses(desk, d, rules))
    ):
        full = max(rules.full_score_z, rules.z_entry + rules.full_score_margin)
        verdict.forecast = d * min(1.0, abs(view.z) / full)
