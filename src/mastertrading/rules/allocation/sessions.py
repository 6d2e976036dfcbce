"""ALLOC-SESSION: which UTC session a minute falls into, and what it allows."""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel

HOUR_MS = 3_600_000

SESSIONS = np.dtype(
    [("by_hour", "i8", (24,)), ("risk", "f8", (8,)), ("floor_hundredths", "i8", (8,))], align=True
)
"""Session of each UTC hour, and the two numbers of each session. Overlap is already decided in ``by_hour``."""


@kernel
def fill_minute(minute: Any, t_ms: int, sessions: Any) -> None:
    """Write what is true of the minute that ends at ``t_ms``. Intervals are [start, end)."""
    session = sessions.by_hour[(t_ms // HOUR_MS) % 24]
    minute.t_ms = t_ms
    minute.session = session
    minute.session_risk = sessions.risk[session]
    minute.session_floor = sessions.floor_hundredths[session]


@kernel(entry=True)
def fill_minutes(minutes: Any, sessions: Any, open_ms: Any, step_ms: int) -> None:
    """Write one MINUTE record for each open time. ``sessions``: one SESSIONS record in an array."""
    for k in range(minutes.shape[0]):
        minutes[k].open_ms = open_ms[k]
        fill_minute(minutes[k], open_ms[k] + step_ms, sessions[0])
