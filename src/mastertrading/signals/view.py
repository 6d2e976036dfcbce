"""One timeframe's indicators, and the view of all of them at t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.indicators.averages import EMA, ema_peek, ema_step
from mastertrading.indicators.ranges import DIRECTIONAL, directional_peek, directional_step
from mastertrading.indicators.timeframes import FORMING, is_forming

FAST, SLOW, WILDER_BARS = 20, 50, 14
STRETCH_BARS = 60

TIMEFRAME = np.dtype(
    [
        ("length_ms", "i8"),
        ("forming", "u1"),  # 1: the view includes the bar that is forming
        ("warm_up", "i8"),  # finished bars before it may be read, primed ones included
    ],
    align=True,
)
"""The rules of one timeframe."""

READING = np.dtype(
    [
        ("ready", "u1"),
        ("close", "f8"),  # of the newest row
        ("ema20", "f8"),
        ("ema50", "f8"),
        ("atr", "f8"),
        ("adx", "f8"),
    ],
    align=True,
)
"""A timeframe's newest row."""

FRAME = np.dtype(
    [
        ("forming", FORMING),
        ("bars", "i8"),  # finished bars, primed ones included
        ("ema20", EMA),
        ("ema50", EMA),
        ("ranges", DIRECTIONAL),
        ("finished", READING),  # the newest finished row
    ],
    align=True,
)
"""A timeframe's state."""

VIEW = np.dtype(
    [
        ("valid", "u1"),  # the base bar of this minute exists
        ("newest", "i8"),  # index of the newest LTF row in the history
        ("ltf", READING),
        ("htf", READING),
        ("htf2", READING),
        ("z", "f8"),  # stretch of the newest LTF close from EMA20, in deviations of the 60 newest
        ("z_deviation", "f8"),  # that deviation, in price units
        ("atr_frac", "f8"),  # ATR% of the last finished HTF bar
        ("funding", "f8"),  # last charged rate per 8 hours
        ("funding_known", "u1"),
        ("funding_usual", "f8"),
    ],
    align=True,
)
"""What is seen of one instrument at t. Everything the modules read, besides bars, structure and rules."""


@kernel
def frame_close(frame: Any, bar: Any, warm_up: int) -> None:
    """Take a finished bar of this timeframe in."""
    now = frame.finished
    now.close = bar.close
    now.ema20 = ema_step(frame.ema20, bar.close, FAST)
    now.ema50 = ema_step(frame.ema50, bar.close, SLOW)
    direction = directional_step(frame.ranges, bar.high, bar.low, bar.close, WILDER_BARS)
    now.atr = direction.atr
    now.adx = direction.adx
    frame.bars += 1
    now.ready = frame.bars >= warm_up and not (math.isnan(now.ema50) or math.isnan(now.adx))


@kernel
def frame_read(frame: Any, timeframe: Any, now_ms: int, reading: Any) -> bool:
    """Write the newest row to ``reading``; True if it is a forming one."""
    done = frame.finished
    bar = frame.forming.bar
    reading.ready = done.ready
    if timeframe.forming != 0 and is_forming(frame.forming, now_ms):
        reading.close = bar.close
        reading.ema20 = ema_peek(frame.ema20, bar.close, FAST)
        reading.ema50 = ema_peek(frame.ema50, bar.close, SLOW)
        direction = directional_peek(frame.ranges, bar.high, bar.low, bar.close, WILDER_BARS)
        reading.atr = direction.atr
        reading.adx = direction.adx
        return True
    reading.close = done.close
    reading.ema20 = done.ema20
    reading.ema50 = done.ema50
    reading.atr = done.atr
    reading.adx = done.adx
    return False


@kernel
def sign(value: float) -> int:
    """-1, 0 or +1."""
    return 1 if value > 0.0 else -1 if value < 0.0 else 0


@kernel
def way(reading: Any) -> int:
    """Direction of a timeframe: +1 if close > EMA50 and EMA20 > EMA50, -1 mirrored, else 0."""
    direction = sign(reading.close - reading.ema50)
    return direction if sign(reading.ema20 - reading.ema50) == direction else 0
