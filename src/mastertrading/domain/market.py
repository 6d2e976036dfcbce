"""Market data in memory: bars of several instruments on one grid, with what was charged for holding them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mastertrading.domain.instrument import Instrument

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Records = npt.NDArray[Any]

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class Settlements:
    """Funding that was charged, ascending in time.

    Attributes
    ----------
    ts_ms
        When each rate was charged.
    rate
        Fraction of the notional that longs paid to shorts; negative: shorts paid longs.
    interval_ms
        Length of the interval that each rate paid for (DEFINITIONS 10.13).
    """

    ts_ms: I64
    rate: F64
    interval_ms: I64


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one instrument and timeframe, ascending; ``ts_ms`` is the open time."""

    ts_ms: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64

    def __len__(self) -> int:
        """Count the bars."""
        return int(self.ts_ms.shape[0])


@dataclass(frozen=True, slots=True)
class Market:
    """A dense panel of base bars, with funding, older coarse bars and grades.

    Attributes
    ----------
    ts_ms
        Open times, shape (bars,), evenly spaced by ``base_ms``.
    open, high, low, close, volume
        Shape (bars, instruments), C order. NaN where ``valid`` is false.
    valid
        Shape (bars, instruments): false where the bar is missing or quarantined. Such a bar is never traded on
        and never enters an indicator.
    settlements
        Per instrument, from long before the first bar where recorded.
    primer
        Per instrument, unbroken 1 h bars that end where the base begins (may be empty).
    mark_close
        Shape (bars, instruments): mark price at each bar's close where recorded, else None (the close is used).
    data_id
        Hash of everything above.
    grade
        Quality grade of the worst instrument, A to D.
    common_from_ms
        Open of the first bar from which on every instrument exists; None: the first bar. Signals fold from each
        instrument's own first bar, decisions begin here.
    source
        Where the bars come from, for people: the venue, or ``synthetic``.
    """

    instruments: tuple[Instrument, ...]
    base_ms: int
    ts_ms: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    valid: Bool
    settlements: tuple[Settlements, ...]
    primer: tuple[Bars, ...]
    data_id: str
    grade: str
    mark_close: F64 | None = None
    grades: Mapping[str, str] = field(default_factory=dict)
    common_from_ms: int | None = None
    source: str = ""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Canonical names, in column order."""
        return tuple(instrument.symbol for instrument in self.instruments)
