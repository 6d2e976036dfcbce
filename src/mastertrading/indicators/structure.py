"""Market structure on finished bars: breaks (BOS, CHoCH), sweeps, fair value gaps, order blocks, swings.

Rules: DEFINITIONS 3.1 and 10.5-10.7, 10.22-10.27. Only finished bars come in, so an event never un-happens.
Every event keeps the bar it formed at and the bar at whose close it was confirmed, and acts from the latter on.

Each direction keeps its own half of the picture, *seen from its side*: prices times the direction, so that up
is always profit, a top is a high for longs and a negated low for shorts, and every rule is written once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.indicators.windows import MASK

POOLS = 6
GAPS = 3
NEVER = -(1 << 40)
"""The index of a bar that never was: everything is ages ago."""

NO_BREAK, BREAK_OF_STRUCTURE, CHANGE_OF_CHARACTER = 0, 1, 2

STRUCTURE_RULES = np.dtype(
    [
        ("swing_bars", "i8"),  # bars on either side of a swing
        ("sweep_atr", "f8"),  # how far beyond a pool a sweep must reach, in ATR
        ("fvg_atr", "f8"),  # smallest gap, in ATR
        ("fvg_age", "i8"),  # bars that a gap lives
        ("block_lookback", "i8"),  # bars before the break in which the block is sought
        ("block_atr", "f8"),  # smallest move from block to break, in ATR
        ("block_age", "i8"),  # bars that an order block lives
    ],
    align=True,
)

SIDE = np.dtype(
    [
        ("swing_px", "f8"),  # newest confirmed swing top
        ("swing_formed", "i8"),
        ("swing_confirmed", "i8"),
        ("swing_open", "u1"),  # not yet broken
        ("pool_count", "i8"),  # untaken swing bottoms, oldest first
        ("pool_px", "f8", (POOLS,)),
        ("pool_formed", "i8", (POOLS,)),
        ("break_kind", "i8"),  # newest break in this direction
        ("break_at", "i8"),
        ("break_px", "f8"),
        ("sweep_at", "i8"),  # newest sweep that favours this direction
        ("sweep_px", "f8"),  # the pool it took
        ("sweep_formed", "i8"),  # when that pool formed
        ("sweep_extreme", "f8"),  # how far it reached
        ("gap_count", "i8"),  # live fair value gaps, oldest first
        ("gap_bottom", "f8", (GAPS,)),
        ("gap_top", "f8", (GAPS,)),
        ("gap_at", "i8", (GAPS,)),
        ("block_live", "u1"),  # the order block
        ("block_bottom", "f8"),
        ("block_top", "f8"),
        ("block_formed", "i8"),
        ("block_at", "i8"),  # when it was confirmed
    ],
    align=True,
)

STRUCTURE = np.dtype(
    [
        ("bars", "i8"),  # finished bars so far: the newest has index bars - 1
        ("state", "i8"),  # direction of the newest break
        ("choch_side", "i8"),
        ("choch_at", "i8"),
        ("choch_sweep_at", "i8"),  # newest sweep of its direction when it came; then fixed
        ("atr_before", "f8"),  # ATR of the bar before
        ("up", SIDE),
        ("down", SIDE),
    ],
    align=True,
)


@kernel
def side_init(side: Any) -> None:
    """Nothing has happened yet."""
    side.swing_formed = NEVER
    side.swing_confirmed = NEVER
    side.break_at = NEVER
    side.sweep_at = NEVER
    side.sweep_formed = NEVER
    side.block_formed = NEVER
    side.block_at = NEVER


@kernel
def structure_init(structure: Any) -> None:
    """Begin a zeroed record."""
    side_init(structure.up)
    side_init(structure.down)
    structure.choch_at = NEVER
    structure.choch_sweep_at = NEVER
    structure.atr_before = np.nan


@kernel
def side_of(structure: Any, direction: int) -> Any:
    """The half of the picture that belongs to a direction."""
    return structure.up if direction > 0 else structure.down


@kernel
def top(history: Any, index: int, direction: int) -> float:
    """The extreme toward the direction, seen from its side."""
    return history.high[index & MASK] if direction > 0 else -history.low[index & MASK]


@kernel
def bottom(history: Any, index: int, direction: int) -> float:
    """The extreme against the direction, seen from its side."""
    return history.low[index & MASK] if direction > 0 else -history.high[index & MASK]


@kernel
def rise(history: Any, index: int, direction: int) -> float:
    """Close minus open, seen from the direction's side."""
    return direction * (history.close[index & MASK] - history.open[index & MASK])


@kernel
def breaks_swing(side: Any, close: float) -> bool:
    """Whether the bar closes beyond the newest unbroken swing top; that spends it."""
    broken = side.swing_open != 0 and close > side.swing_px
    if broken:
        side.swing_open = 0
    return broken


@kernel
def record_break(structure: Any, direction: int, index: int) -> None:
    """A break against the state changes the character; any other continues the structure."""
    side = side_of(structure, direction)
    side.break_at = index
    side.break_px = side.swing_px
    side.break_kind = BREAK_OF_STRUCTURE
    if structure.state == -direction:
        side.break_kind = CHANGE_OF_CHARACTER
        structure.choch_side = direction
        structure.choch_at = index
    structure.state = direction


@kernel
def find_break(structure: Any, close: float, index: int) -> int:
    """Event 1. The direction in which structure broke, or 0; both at once is no event but spends both."""
    up = breaks_swing(structure.up, close)
    down = breaks_swing(structure.down, -close)
    if up == down:
        return 0
    direction = 1 if up else -1
    record_break(structure, direction, index)
    return direction


@kernel
def find_sweep(side: Any, history: Any, index: int, direction: int, reach: float) -> None:
    """Event 2. A bar dips more than ``reach`` below a pool and closes above it; a close below spends it."""
    close = direction * history.close[index & MASK]
    low = bottom(history, index, direction)
    kept = 0
    for k in range(side.pool_count):
        px = side.pool_px[k]
        if low < px - reach and close > px:
            side.sweep_at = index
            side.sweep_px = px
            side.sweep_formed = side.pool_formed[k]
            side.sweep_extreme = low
        elif close >= px:
            side.pool_px[kept] = px
            side.pool_formed[kept] = side.pool_formed[k]
            kept += 1
    side.pool_count = kept


@kernel
def end_gaps(side: Any, low: float, index: int, rules: Any) -> None:
    """A gap ends when it is filled to its bottom, or of age."""
    kept = 0
    for k in range(side.gap_count):
        if low > side.gap_bottom[k] and index - side.gap_at[k] < rules.fvg_age:
            move_gap(side, k, kept)
            kept += 1
    side.gap_count = kept


@kernel
def move_gap(side: Any, source: int, target: int) -> None:
    """Shift a gap to another slot."""
    side.gap_bottom[target] = side.gap_bottom[source]
    side.gap_top[target] = side.gap_top[source]
    side.gap_at[target] = side.gap_at[source]


@kernel
def find_gap(side: Any, history: Any, index: int, direction: int, smallest: float) -> None:
    """Event 3. Three bars that leave a gap behind a bar toward the direction; the newest three live."""
    if index < 2:
        return
    floor = top(history, index - 2, direction)
    ceiling = bottom(history, index, direction)
    if ceiling > floor and ceiling - floor >= smallest and rise(history, index - 1, direction) > 0.0:
        if side.gap_count == GAPS:
            for k in range(1, GAPS):
                move_gap(side, k, k - 1)
            side.gap_count -= 1
        side.gap_bottom[side.gap_count] = floor
        side.gap_top[side.gap_count] = ceiling
        side.gap_at[side.gap_count] = index
        side.gap_count += 1


@kernel
def end_block(side: Any, close: float, index: int, rules: Any) -> None:
    """An order block ends at a close beyond it, or of age."""
    if side.block_live != 0 and (close < side.block_bottom or index - side.block_at >= rules.block_age):
        side.block_live = 0


@kernel
def find_block(side: Any, history: Any, index: int, direction: int, smallest: float, lookback: int) -> None:
    """Event 4. The last bar against the break, if the move from it was long enough; else the old one stays."""
    oldest = max(0, index - lookback)
    j = index - 1
    while j >= oldest and rise(history, j, direction) >= 0.0:
        j -= 1
    if j < oldest:
        return
    low = bottom(history, j, direction)
    if direction * history.close[index & MASK] - low >= smallest:
        side.block_live = 1
        side.block_bottom = low
        side.block_top = top(history, j, direction)
        side.block_formed = j
        side.block_at = index


@kernel
def is_swing(history: Any, pivot: int, direction: int, bars: int) -> bool:
    """A top above those of the bars before it, not below those of the bars after it (first of equals wins)."""
    height = top(history, pivot, direction)
    for k in range(1, bars + 1):
        if height <= top(history, pivot - k, direction) or height < top(history, pivot + k, direction):
            return False
    return True


@kernel
def find_swing(side: Any, other: Any, history: Any, index: int, direction: int, bars: int) -> None:
    """Event 5. A confirmed top: a level to break for this side, a pool of liquidity for the other."""
    pivot = index - bars
    if pivot < bars or not is_swing(history, pivot, direction, bars):
        return
    side.swing_px = top(history, pivot, direction)
    side.swing_formed = pivot
    side.swing_confirmed = index
    side.swing_open = 1
    if other.pool_count == POOLS:
        for k in range(1, POOLS):
            other.pool_px[k - 1] = other.pool_px[k]
            other.pool_formed[k - 1] = other.pool_formed[k]
        other.pool_count -= 1
    other.pool_px[other.pool_count] = -side.swing_px
    other.pool_formed[other.pool_count] = pivot
    other.pool_count += 1


@kernel
def side_step(
    side: Any, history: Any, index: int, direction: int, atr: float, atr_before: float, rules: Any
) -> None:
    """Sweeps and zones of one direction at the close of bar ``index``."""
    find_sweep(side, history, index, direction, rules.sweep_atr * atr)
    end_gaps(side, bottom(history, index, direction), index, rules)
    find_gap(side, history, index, direction, rules.fvg_atr * atr_before)
    end_block(side, direction * history.close[index & MASK], index, rules)


@kernel
def structure_step(structure: Any, history: Any, atr: float, rules: Any) -> None:
    """Take in the finished bar that ``history`` ends with; ``atr`` is its own ATR (NaN while warming up)."""
    index = history.bars - 1
    broke = find_break(structure, history.close[index & MASK], index)
    side_step(structure.up, history, index, 1, atr, structure.atr_before, rules)
    side_step(structure.down, history, index, -1, atr, structure.atr_before, rules)
    if broke != 0:
        side = side_of(structure, broke)
        if structure.choch_at == index:
            structure.choch_sweep_at = side.sweep_at
        find_block(side, history, index, broke, rules.block_atr * atr, rules.block_lookback)
    find_swing(structure.up, structure.down, history, index, 1, rules.swing_bars)
    find_swing(structure.down, structure.up, history, index, -1, rules.swing_bars)
    structure.bars = history.bars
    structure.atr_before = atr
