"""Cross margin in tiers: what an account must keep, and where a venue would liquidate it."""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel
from mastertrading.rules.position.money import RATE_UNIT, rate_of, sign


@kernel
def tier_of(notional_atoms: int, spec: Any) -> int:
    """Index of the maintenance tier that an absolute notional falls into."""
    tier = 0
    while tier + 1 < spec.tiers and notional_atoms >= spec.tier_floor[tier + 1]:
        tier += 1
    return tier


@kernel
def maintenance(notional_atoms: int, spec: Any) -> int:
    """Maintenance margin of an absolute notional: rate x notional - deduction, by tier. Atoms."""
    tier = tier_of(notional_atoms, spec)
    return rate_of(notional_atoms, spec.tier_rate_e8[tier]) - spec.tier_deduction[tier]


@kernel
def maintenance_bound(notional_atoms: int, spec: Any) -> int:
    """An upper bound of the maintenance margin: the rate of the tier without its deduction. Atoms."""
    return int(float(notional_atoms) * spec.tier_rate_e8[tier_of(notional_atoms, spec)] / RATE_UNIT) + 1


@kernel
def liquidation_ticks(position: Any, spec: Any, spare_atoms: int) -> int:
    """Price at which the account's equity meets its maintenance margin, all other marks unchanged. Ticks.

    Parameters
    ----------
    spare_atoms
        Equity minus the maintenance margin of the whole account, at the present marks.

    Returns
    -------
    The first whole tick at or beyond that price, towards loss; 0 where no positive price reaches it.
    A price move of ``x`` ticks against the position costs ``x * value`` and changes the margin by
    ``x * value * rate``; solved within the tier at the mark, which is exact while the tier does not change.
    """
    side = sign(position.lots)
    value = abs(position.lots) * spec.atoms
    notional = position.mark_ticks * value
    rate = spec.tier_rate_e8[tier_of(notional, spec)] / RATE_UNIT
    distance = spare_atoms / (value * (1.0 - side * rate))
    level = position.mark_ticks - side * math.ceil(distance)
    return int(level) if level > 0 else 0
