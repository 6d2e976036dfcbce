"""What a decision was told, as bytes: with them it can be taken again (``parity``)."""

from __future__ import annotations

from struct import Struct

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.errors import DataUnreadable
from mastertrading.live.ear import BarInputs
from mastertrading.signals.panel import CHARGE

HEAD = Struct(">4sqIII")
"""Mark of the layout, open time, and how many instruments, charges and calendar events follow."""
LAYOUT = b"bar1"


def packed(told: BarInputs) -> bytes:
    """A bar's inputs as bytes."""
    parts = HEAD.pack(LAYOUT, told.open_ms, len(told.valid), len(told.charges), len(told.macro_ms))
    prices, spread = told.prices.astype("<f8").tobytes(), told.spread.astype("<f8").tobytes()
    macro = np.array(told.macro_ms, "<i8").tobytes()
    return parts + prices + told.valid.astype("?").tobytes() + spread + told.charges.tobytes() + macro


def unpacked(kept: bytes) -> BarInputs:
    """The inputs again.

    Raises
    ------
    DataUnreadable
        If the bytes are of another version.
    """
    if len(kept) < HEAD.size or kept[:4] != LAYOUT:
        raise DataUnreadable("what a decision was told is kept in another version's words")
    _, open_ms, count, charges, events = HEAD.unpack_from(kept)
    at = HEAD.size
    parts = []
    for kind, length in (
        ("<f8", 6 * count),
        ("?", count),
        ("<f8", count),
        (CHARGE, charges),
        ("<i8", events),
    ):
        parts.append(np.frombuffer(kept, kind, length, at))
        at += parts[-1].nbytes
    rows = records(CHARGE, charges)
    rows[:] = parts[3]
    macro = tuple(int(event) for event in parts[4])
    return BarInputs(
        open_ms, parts[0].reshape(6, count).copy(), parts[1].copy(), rows, parts[2].copy(), macro
    )
