"""RISK-GATES: small questions with a yes or a no. An unknown input is said, never guessed."""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel


@kernel
def trend_is_strong(htf_adx: float, spared: bool, gates: Any) -> bool:
    """HTF ADX is high enough, or mean reversion is active on the net's side and the rule spares it."""
    if gates.htf_adx_min <= 0.0 or (spared and gates.spares_meanrev):
        return True
    return not math.isnan(htf_adx) and htf_adx >= gates.htf_adx_min


@kernel
def daily_limit(htf_adx: float, gates: Any) -> int:
    """Filled entries allowed per instrument and UTC day; an unknown ADX allows the fewest."""
    if math.isnan(htf_adx):
        return min(gates.low_entries, gates.middle_entries, gates.high_entries)
    if htf_adx < gates.low_adx:
        return gates.low_entries
    return gates.middle_entries if htf_adx <= gates.high_adx else gates.high_entries


@kernel
def spread_is_narrow(spread: float, gates: Any) -> bool:
    """The spread is known and narrow, or unknown and that is allowed here."""
    if math.isnan(spread):
        return not gates.refuse_unknown_spread
    return spread <= gates.max_spread
