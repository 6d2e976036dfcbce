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


@kernel
def write_minute(minute: Any, sessions: Any, hours: Any, open_ms: int, t_ms: int) -> None:
    """Write what the clock says of one minute; that no event is near, until somebody knows better.

    ``hours``: (when the first hour of the hourly returns begins, how many hours there are); portfolio risk may read
    those that have ended.
    """
    session = session_at(t_ms, sessions)
    minute.open_ms, minute.t_ms = open_ms, t_ms
    minute.session, minute.blackout = session, 0
    minute.hours = min(max(0, (t_ms - hours[0]) // HOUR_MS), hours[1])
    minute.session_risk, minute.session_floor = sessions.risk[session], sessions.floor_hundredths[session]


@kernel(entry=True)
def fill_minutes(minutes: Any, sessions: Any, hours: Any, open_ms: Any, step_ms: int) -> None:
    """Write one MINUTE record for each open time. ``sessions``: one SESSIONS record in an array."""
    for k in range(minutes.shape[0]):
        write_minute(minutes[k], sessions[0], hours, open_ms[k], open_ms[k] + step_ms)
