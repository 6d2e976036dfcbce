"""The two guards that trend, mean reversion and smart money share (DEFINITIONS 1)."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.indicators.windows import body, body_before, highest, lowest

IMPULSE_BARS = 20
BOUNCE_BARS = 12
AGAINST, LATE = 0, 1


@kernel
def impulse(history: Any, newest: int, multiple: float) -> int:
    """Sign of the newest body if it is larger than ``multiple`` mean bodies of the 20 bars before; else 0."""
    size = body(history, newest)
    if abs(size) > multiple * body_before(history, newest, IMPULSE_BARS):
        return 1 if size > 0.0 else -1
    return 0


@kernel
def bounced(history: Any, newest: int, close: float, direction: int, reading: int, limit: float) -> bool:
    """Whether the price has already moved too far inside the 12 newest bars.

    ``AGAINST``: a long after a fall from the high of more than ``limit`` (a fraction of it). ``LATE``: a long
    after a rise from the low of more than ``limit``. Shorts mirror.
    """
    if (direction > 0) == (reading == AGAINST):
        top = highest(history, newest, BOUNCE_BARS)
        return (top - close) / top > limit
    bottom = lowest(history, newest, BOUNCE_BARS)
    return (close - bottom) / bottom > limit


@kernel
def bounce_refuses(desk: Any, direction: int, rules: Any) -> bool:
    """The bounce guard with the reading and limit of a module's rules."""
    seen = desk.seen
    return bounced(desk.history, seen.newest, seen.ltf.close, direction, rules.bounce_reading, rules.bounce)
