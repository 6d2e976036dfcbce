"""RISK-SIZE and RISK-STOPS: distances and whole lots, always rounded so that less is at stake."""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel
from mastertrading.rules.position.money import RATE_UNIT


@kernel
def whole_lots(atoms: float, lot_atoms: float) -> int:
    """How many whole lots fit into an amount; never negative."""
    if not atoms > 0.0 or not lot_atoms > 0.0:
        return 0
    return int(math.floor(min(9.0e15, atoms / lot_atoms)))  # capped first: a compiled floor is an int64


@kernel
def stop_distance_ticks(px_ticks: int, volatility: float, sizing: Any) -> int:
    """max(base, atr x volatility, floor) of the price, rounded towards the entry. Ticks."""
    fraction = max(sizing.stop_base, sizing.stop_floor)
    if sizing.stop_atr > 0.0:
        fraction = max(fraction, sizing.stop_atr * volatility)
    return int(math.floor(px_ticks * fraction))


@kernel
def target_distance_ticks(px_ticks: int, volatility: float, sizing: Any, taker_e8: int) -> int:
    """max(base, atr x volatility) x multiplier plus round-trip fees, rounded away from the entry. Ticks."""
    fraction = sizing.target_base
    if sizing.target_atr > 0.0:
        fraction = max(fraction, sizing.target_atr * volatility)
    fees = 2.0 * taker_e8 / RATE_UNIT
    return int(math.ceil(px_ticks * (fraction * sizing.target_multiplier + fees)))


@kernel
def risk_lots(risk_frac: float, equity_atoms: int, distance_ticks: int, spec: Any) -> int:
    """Risk x equity / (stop distance x value of a tick of a lot), in whole lots, rounded down."""
    return whole_lots(risk_frac * equity_atoms, float(distance_ticks * spec.atoms))
