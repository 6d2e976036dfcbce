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
def session_at(t_ms: int, sessions: Any) -> int:
    """Index of the session that a moment falls into. Intervals are [start, end)."""
    return sessions.by_hour[(t_ms // HOUR_MS) % 24]


@kernel(entry=True)
def fill_minutes(minutes: Any, sessions: Any, open_ms: Any, step_ms: int) -> None:
    """Write one MINUTE record for each open time. ``sessions``: one SESSIONS record in an array."""
    session, until_ms = 0, -HOUR_MS
    risk, floor = 0.0, 0
    for k in range(minutes.shape[0]):
        t_ms = open_ms[k] + step_ms
        if not until_ms - HOUR_MS <= t_ms < until_ms:  # sessions change on the hour
            until_ms = (t_ms // HOUR_MS + 1) * HOUR_MS
            session = session_at(t_ms, sessions[0])
            risk, floor = sessions[0].risk[session], sessions[0].floor_hundredths[session]
        minute = minutes[k]
        minute.open_ms, minute.t_ms = open_ms[k], t_ms
        minute.session, minute.session_risk, minute.session_floor = session, risk, floor
        minute.blackout = 0
