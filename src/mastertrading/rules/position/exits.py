"""What protects and ends a position: breakeven, partial close, trailing stop, flip, stale, breaker.

All of it changes at a bar's close only and acts from the next bar (DESIGN 4.2).
"""

from __future__ import annotations

import math
from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import FillReason, Stage
from mastertrading.rules.position.money import RATE_UNIT, sign

NONE = 0
FOREVER_MS = 1 << 62
STOP, BREAKEVEN, TRAILING = int(FillReason.STOP), int(FillReason.BREAKEVEN), int(FillReason.TRAILING)
FLIP, STALE, SIGNAL = int(FillReason.FLIP), int(FillReason.STALE), int(FillReason.SIGNAL)
BREAKER = int(FillReason.BREAKER)
FLATTEN = int(Stage.FLATTEN)


@kernel
def round_trip_ticks(px_ticks: int, taker_e8: int) -> int:
    """What entering and leaving by market orders costs in fees, as a distance; a started tick counts. Ticks."""
    return (2 * px_ticks * taker_e8 + RATE_UNIT - 1) // RATE_UNIT


@kernel
def gain_ticks(position: Any) -> int:
    """Best open gain since entry (HWM - entry), never negative. Ticks."""
    return max(0, sign(position.lots) * (position.extreme_ticks - position.entry_ticks))


@kernel
def note_price(position: Any, side: int, px_ticks: int) -> None:
    """Remember a price if it is the best or the worst of a position on that side."""
    if side * (px_ticks - position.extreme_ticks) > 0:
        position.extreme_ticks = px_ticks
    if side * (px_ticks - position.adverse_ticks) < 0:
        position.adverse_ticks = px_ticks


@kernel
def note_extremes(position: Any, bar: Any) -> None:
    """Remember the best and worst price since entry."""
    side = sign(position.lots)
    note_price(position, side, bar.high)
    note_price(position, side, bar.low)


@kernel
def tighten(position: Any, stop_ticks: int, reason: int) -> None:
    """Move the stop toward profit; never back."""
    if sign(position.lots) * (stop_ticks - position.stop_ticks) > 0:
        position.stop_ticks = stop_ticks
        position.stop_reason = reason


@kernel
def trail(position: Any, exits: Any, taker_e8: int) -> None:
    """RISK-TRAIL: breakeven at 1 R (entry plus round-trip fees), then lock a share of the HWM from 2.5 R."""
    side, gain = sign(position.lots), gain_ticks(position)
    if gain >= position.r_ticks:
        position.reached_1r = 1
    if gain >= exits.breakeven_r * position.r_ticks:
        fees = round_trip_ticks(position.entry_ticks, taker_e8)
        tighten(position, position.entry_ticks + side * fees, BREAKEVEN)
    if gain >= exits.trail_from_r * position.r_ticks:
        locked = math.ceil(exits.trail_lock * gain)
        tighten(position, position.entry_ticks + side * int(locked), TRAILING)


@kernel
def quiet_gain(position: Any, exits: Any) -> int:
    """The gain up to which, exclusively, ``trail`` changes nothing: its counterpart. Ticks."""
    gain, r = gain_ticks(position), position.r_ticks
    if gain >= exits.trail_from_r * r:
        return gain + 1
    quiet = exits.trail_from_r * r
    if gain < exits.breakeven_r * r:
        quiet = min(quiet, exits.breakeven_r * r)
    if not position.reached_1r:
        quiet = min(quiet, float(r))
    return int(math.ceil(min(quiet, 9.0e15)))


@kernel
def quiet_until_ms(position: Any, exits: Any) -> int:
    """The moment before which ``is_stale`` stays false whatever the price: its counterpart."""
    return FOREVER_MS if position.reached_1r else position.opened_ms + exits.stale_ms + 1


@kernel
def partial_lots(position: Any, exits: Any, min_lots: int) -> int:
    """Whole lots to close at 1 R: half rounded down, 0 once done or where half is below the venue's minimum."""
    if position.partial_done:
        return 0
    lots = int(math.floor(abs(position.lots) * exits.partial_frac))
    return lots if lots >= max(1, min_lots) else 0


@kernel
def partial_ticks(position: Any, exits: Any) -> int:
    """Price of the partial close: entry plus 1 R. Ticks."""
    return position.entry_ticks + sign(position.lots) * int(math.ceil(exits.partial_r * position.r_ticks))


@kernel
def is_stale(position: Any, t_ms: int, exits: Any) -> bool:
    """RISK-STALE: old, near breakeven, and never past 1 R."""
    if position.reached_1r or t_ms - position.opened_ms <= exits.stale_ms:
        return False
    return abs(position.mark_ticks / position.entry_ticks - 1.0) <= exits.stale_band


@kernel
def may_flip(position: Any, t_ms: int, exits: Any) -> bool:
    """RISK-FLIP: old enough to be closed by an opposite wish."""
    return exits.flip != 0 and t_ms - position.opened_ms >= exits.flip_min_ms


@kernel
def exit_reason(position: Any, wish: int, has_view: bool, t_ms: int, stage: int, exits: Any) -> int:
    """Why the position is closed at the next open (FillReason), or 0.

    Parameters
    ----------
    wish
        Side that the allocator wants with enough weight and modules, or 0.
    has_view
        Whether any module within its TTL has a direction.
    stage
        Worst stage of the breakers.
    """
    if stage >= FLATTEN:
        return BREAKER
    if wish == -sign(position.lots) and may_flip(position, t_ms, exits):
        return FLIP
    if is_stale(position, t_ms, exits):
        return STALE
    if exits.exit_when_flat and not has_view:
        return SIGNAL
    return NONE
