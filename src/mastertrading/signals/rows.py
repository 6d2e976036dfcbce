"""The rows that the signal fold writes and the engine reads."""

from __future__ import annotations

import numpy as np

VERDICT = np.dtype(
    [
        ("forecast", "f8"),  # direction x score, in [-1, 1]; 0 = flat
        ("evaluated", "u2"),  # bit k-1 set: gate k of the module was asked
        ("passed", "u2"),  # bit k-1 set: and it said yes
        ("refusal", "u1"),  # the first gate that said no; 0 = fires
        ("confluence", "i1"),  # SMC: +1 with an active zone on the trade's side, -1 alone; others 0
        ("unknown", "u2"),  # bit k-1 set: gate k passed because its input does not exist
    ],
    align=True,
)
"""One module's verdict for one instrument and minute; shape (bars, instruments, modules)."""

CONTEXT = np.dtype(
    [
        ("htf_adx", "f8"),  # ADX(14) of the HTF view; NaN while warming up
        ("atr_frac", "f8"),  # ATR% = Wilder ATR(14) / close of the last closed HTF bar; NaN while warming up
    ],
    align=True,
)
"""What allocation and risk need to know of the market; shape (bars, instruments)."""

MINUTE = np.dtype(
    [
        ("open_ms", "i8"),  # open time of the base bar: when what fills in it fills
        ("t_ms", "i8"),  # close time of the base bar: the moment of the decision
        ("session_risk", "f8"),  # risk multiplier of the UTC session, [0, 1]
        ("session_floor", "i8"),  # score floor of the session, in whole hundredths
        ("session", "i1"),  # index of the session
        ("blackout", "u1"),  # 1 within the window of an important calendar event
        ("hours", "i4"),  # rows of the hourly returns that had ended; for portfolio risk
    ],
    align=True,
)
"""What is true of a minute for every instrument; shape (bars,)."""
