"""The log of structure events, for people, plots and tests."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from mastertrading.compiled import kernel, records
from mastertrading.domain.market import F64, Records
from mastertrading.indicators.ranges import directional
from mastertrading.indicators.structure import STRUCTURE, structure_init, structure_step
from mastertrading.indicators.windows import HISTORY, history_step

ATR_PERIOD = 14
EVENTS_PER_BAR = 8


class EventName(IntEnum):
    """What can happen to structure at the close of a bar."""

    BREAK_OF_STRUCTURE = 1
    CHANGE_OF_CHARACTER = 2
    SWEEP = 3
    FAIR_VALUE_GAP = 4
    ORDER_BLOCK = 5
    SWING = 6


EVENT = np.dtype(
    [
        ("name", "i8"),  # EventName
        ("side", "i8"),  # the direction it favours; a swing high is +1 (a level to break upward)
        ("formed", "i8"),  # index of the bar it formed at
        ("confirmed", "i8"),  # index of the bar at whose close it was known
        ("confirmed_ms", "i8"),  # that close: nothing may use the event before
        ("lower_px", "f8"),  # the level, or the zone's bottom; of a sweep: the lower of pool and extreme
        ("upper_px", "f8"),
    ],
    align=True,
)


@kernel
def write(
    out: Records, count: int, name: int, side: int, formed: int, confirmed: int, near: float, far: float
) -> int:
    """Append an event whose prices are seen from its side; return the new count."""
    event = out[count]
    event.name = name
    event.side = side
    event.formed = formed
    event.confirmed = confirmed
    event.lower_px = min(side * near, side * far)
    event.upper_px = max(side * near, side * far)
    return count + 1


@kernel
def write_side(side: Any, d: int, index: int, out: Records, count: int) -> int:
    """Append what happened to one direction at the close of bar ``index``, in the order of the rules."""
    if side.break_at == index:
        count = write(out, count, side.break_kind, d, index, index, side.break_px, side.break_px)
    if side.sweep_at == index:
        count = write(out, count, EventName.SWEEP, d, index, index, side.sweep_px, side.sweep_extreme)
    newest = side.gap_count - 1
    if newest >= 0 and side.gap_at[newest] == index:
        bottom, top = side.gap_bottom[newest], side.gap_top[newest]
        count = write(out, count, EventName.FAIR_VALUE_GAP, d, index, index, bottom, top)
    if side.block_at == index:
        formed, bottom, top = side.block_formed, side.block_bottom, side.block_top
        count = write(out, count, EventName.ORDER_BLOCK, d, formed, index, bottom, top)
    if side.swing_confirmed == index:
        count = write(out, count, EventName.SWING, d, side.swing_formed, index, side.swing_px, side.swing_px)
    return count


@kernel(entry=True)
def structure_fold(structure: Any, history: Any, bars: Records, atr: F64, rules: Any, out: Records) -> int:
    """Step through finished bars and log every event; return their number. States are one-record arrays."""
    structure_init(structure[0])
    count = 0
    for t in range(bars.shape[0]):
        index = history_step(history[0], bars[t])
        structure_step(structure[0], history[0], atr[t], rules[0])
        first = count
        count = write_side(structure[0].up, 1, index, out, count)
        count = write_side(structure[0].down, -1, index, out, count)
        for k in range(first, count):
            out[k].confirmed_ms = bars[t].close_ms
    return count


def structure_events(bars: Records, rules: Records, atr: F64 | None = None) -> Records:
    """Every structure event of a series of finished bars.

    Parameters
    ----------
    bars
        BAR records, shape (bars,), for example from ``resample``.
    rules
        One STRUCTURE_RULES record, shape (1,).
    atr
        Shape (bars,), price units; Wilder's ATR(14) of the bars unless given.

    Returns
    -------
    EVENT records in the order of confirmation.
    """
    if atr is None:
        high, low, close = (np.ascontiguousarray(bars[name]) for name in ("high", "low", "close"))
        atr = directional(high, low, close, ATR_PERIOD)[0]
    out = records(EVENT, EVENTS_PER_BAR * len(bars))
    count = structure_fold(
        records(STRUCTURE, 1), records(HISTORY, 1), bars, np.ascontiguousarray(atr), rules, out
    )
    return out[:count]
