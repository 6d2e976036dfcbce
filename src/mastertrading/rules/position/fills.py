"""The fill rule: what would have filled during a bar. Backtest, replay and paper use these functions.

A bar plays: funding at its open, market orders at its open, then the path open → extremes → close against what
rests. Each function says whether one order fills and at what price; nothing here changes a position.

Pessimistic where a bar cannot tell: a market or stop order pays slippage, rounded against us to whole ticks; a
resting limit fills at its own price, only after the price traded *through* it; a stop that was jumped fills at
the open.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import IntrabarPath
from mastertrading.rules.position.money import RATE_UNIT, sign

BEST = int(IntrabarPath.BEST)
WORST = int(IntrabarPath.WORST)


@kernel
def slipped(px_ticks: int, order_side: int, slippage_e8: int) -> int:
    """Price of a market order: worse by the slippage, a started tick counts whole. Ticks."""
    return px_ticks + order_side * ((px_ticks * slippage_e8 + RATE_UNIT - 1) // RATE_UNIT)


@kernel
def is_reached(side: int, level_ticks: int, px_ticks: int) -> bool:
    """Whether a protective level below a long (above a short) is touched by a price."""
    return side * (px_ticks - level_ticks) <= 0


@kernel
def trades_through(side: int, limit_ticks: int, best_ticks: int, through_ticks: int) -> bool:
    """Whether a resting take-profit limit of a position fills, given the bar's best price for it."""
    return limit_ticks != 0 and side * (best_ticks - limit_ticks) >= through_ticks


@kernel
def adverse_extreme(side: int, bar: Any) -> int:
    """The bar's worst price for a position. Ticks."""
    return bar.low if side > 0 else bar.high


@kernel
def favourable_extreme(side: int, bar: Any) -> int:
    """The bar's best price for a position. Ticks."""
    return bar.high if side > 0 else bar.low


@kernel
def adverse_first(side: int, bar: Any, path: int) -> bool:
    """Whether the price visits the position's worse extreme before the better one (BT-INTRABAR).

    By default the extreme nearer to the open comes first; equally near, the worse one does.
    """
    if path == BEST:
        return False
    if path == WORST:
        return True
    return abs(bar.open - adverse_extreme(side, bar)) <= abs(favourable_extreme(side, bar) - bar.open)


@kernel
def entry_px(orders: Any, bar: Any, costs: Any) -> int:
    """Fill price of a market entry at the open, or 0 if it is dropped. Ticks.

    It is dropped where the open is already beyond its stop (no R is left) or beyond its target (the move is over).
    """
    side = sign(orders.entry_lots)
    px = slipped(bar.open, side, costs.slippage_e8)
    if is_reached(side, orders.entry_stop_ticks, bar.open) or is_reached(side, orders.entry_stop_ticks, px):
        return 0
    if orders.entry_target_ticks != 0 and side * (bar.open - orders.entry_target_ticks) >= 0:
        return 0
    return px


@kernel
def protective_px(side: int, level_ticks: int, bar: Any, costs: Any) -> int:
    """Fill price of a protective stop-market order that is reached on the path. Ticks."""
    return slipped(level_ticks, -side, costs.slippage_e8)


@kernel
def is_ambiguous(side: int, orders: Any, bar: Any, costs: Any) -> bool:
    """Whether the bar reaches the stop and a limit both, so that its path decides the result."""
    if not is_reached(side, orders.stop_ticks, adverse_extreme(side, bar)):
        return False
    best, through = favourable_extreme(side, bar), costs.through_ticks
    return trades_through(side, orders.target_ticks, best, through) or (
        orders.partial_lots != 0 and trades_through(side, orders.partial_ticks, best, through)
    )
