"""Open interest: how many contracts are open, and what they are worth, at moments of time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mastertrading.domain.market import F64, I64, Bool
from mastertrading.lake.files import numbers_of, times_of
from mastertrading.lake.identity import Identity
from mastertrading.lake.quality import FIRST_SHOWN, Finding, Kind, gap_cap, gaps

if TYPE_CHECKING:
    import polars as pl

AMOUNT, VALUE = "open_interest", "open_interest_value"


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Rows of one series.

    Attributes
    ----------
    ts_ms
        When it was measured, ms UTC.
    amount
        In the instrument's base units.
    value
        In the quote currency; NaN in every row where it is not recorded.
    """

    ts_ms: I64
    amount: F64
    value: F64

    def __len__(self) -> int:
        """How many rows."""
        return len(self.ts_ms)


def no_open_interest() -> OpenInterest:
    """No rows."""
    return OpenInterest(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def rows_of(series: OpenInterest, rows: I64 | Bool | slice) -> OpenInterest:
    """Some rows of a series."""
    return OpenInterest(series.ts_ms[rows], series.amount[rows], series.value[rows])


def joined(*parts: OpenInterest) -> OpenInterest:
    """Several parts, one after the other."""
    names = OpenInterest.__dataclass_fields__
    return OpenInterest(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def in_order(raw: OpenInterest) -> OpenInterest:
    """Rows sorted by time, those that repeat another one dropped; the first of two that differ stays."""
    _, first = np.unique(raw.ts_ms, return_index=True)
    return rows_of(raw, first)


def usable(series: OpenInterest) -> Bool:
    """Which rows are finite and not negative."""
    valued = bool(np.isfinite(series.value).any())
    good = np.isfinite(series.amount) & (series.amount >= 0)
    if valued:
        good &= np.isfinite(series.value) & (series.value >= 0)
    return good


def check_open_interest(raw: OpenInterest, step_ms: int) -> list[Finding]:
    """Findings about rows as they stand in a file: order, repeats, what is no amount, and holes."""
    if len(raw) == 0:
        return []
    steps, bad = np.diff(raw.ts_ms), ~usable(raw)
    negative = (raw.amount < 0) | (raw.value < 0)
    found = [
        _found(Kind.UNSORTED, raw.ts_ms[1:][steps < 0], "rows go back in time"),
        _found(Kind.DUPLICATE, raw.ts_ms[1:][steps == 0], "rows repeat a time"),
        _found(Kind.NOT_FINITE, raw.ts_ms[bad & ~negative], "open interest is NaN or infinite"),
        _found(Kind.NOT_POSITIVE, raw.ts_ms[negative], "open interest is negative"),
    ]
    clean = in_order(rows_of(raw, ~bad))
    holes = gaps(clean.ts_ms, step_ms)
    if holes:
        missing, longest = sum(hole[2] for hole in holes), max(hole[2] for hole in holes)
        caps = gap_cap(missing, longest, len(clean) + missing)
        first = tuple(hole[0] for hole in holes[:FIRST_SHOWN])
        found.append(Finding(Kind.GAP, missing, first, caps, f"{missing} rows are missing"))
    return [finding for finding in found if finding is not None]


def _found(kind: Kind, times: I64, detail: str) -> Finding | None:
    first = tuple(int(ts) for ts in times[:FIRST_SHOWN])
    return Finding(kind, len(times), first, "D", detail) if len(times) else None


# ---------------------------------------------------------------- at rest


def open_interest_of(frame: pl.DataFrame, where: Path) -> OpenInterest:
    """The columns ``ts open_interest [open_interest_value]`` of a table.

    Raises
    ------
    DataUnreadable
        If a column is missing or is not numbers.
    """
    ts, amount = times_of(frame, where), numbers_of(frame, AMOUNT, where)
    value = numbers_of(frame, VALUE, where) if VALUE in frame.columns else np.full(len(ts), np.nan)
    return OpenInterest(ts, amount, value)


def frame_of(series: OpenInterest) -> pl.DataFrame:
    """The table of a series, without the value where none is recorded."""
    import polars as pl

    valued = {VALUE: series.value} if np.isfinite(series.value).any() else {}
    return pl.DataFrame({"ts": series.ts_ms, AMOUNT: series.amount} | valued)


def hash_of(series: OpenInterest) -> str:
    """Hash of the values of a series."""
    identity = Identity()
    identity.integers("ts", series.ts_ms)
    identity.floats(AMOUNT, series.amount)
    identity.floats(VALUE, series.value)
    return identity.hexdigest()
