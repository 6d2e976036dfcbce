"""Files that a user gives beside market data: forecasts of their own, and a calendar of events.

Both are read strictly: a file that could be misread is refused, with the row and the reason. A time between two bars
belongs to the bar that contains it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mastertrading.domain.errors import DataMissing, DataUnreadable
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import F64, I64, Bool
from mastertrading.lake.layouts import check_ending, form_of

FORECAST_COLUMNS = ("ts", "instrument", "forecast")
CALENDAR_COLUMNS = ("ts_ms", "name", "impact", "currency")
HINTS = {
    FORECAST_COLUMNS: "forecasts have the columns ts,instrument,forecast",
    CALENDAR_COLUMNS: "a calendar has the columns ts_ms,name,impact,currency",
}
FORMS = {"parquet": "Parquet", "feather": "Feather"}
EARLIEST_MS = 946_684_800_000  # 2000-01-01: a smaller number is not in milliseconds
UNITS = {"seconds": 1000.0, "microseconds": 1e-3, "nanoseconds": 1e-6}
LATEST_MS = 4_102_444_800_000  # 2100-01-01: a larger one neither


def read_forecasts(path: Path, symbols: tuple[str, ...]) -> dict[str, tuple[I64, F64]]:
    """Read a user's forecasts.

    Parameters
    ----------
    path
        CSV, Parquet or Feather with ``ts`` (open time of the bar it was computed from, ms UTC, as in every file
        of bars; the forecast is known at that bar's close; a time inside a bar means that bar), ``instrument``
        (any of its names) and ``forecast`` in [-1, 1].
    symbols
        Canonical names of the instruments that are traded; a forecast for another one is refused.

    Returns
    -------
    By canonical symbol: times ascending, and forecasts.
    """
    frame = _read(path, FORECAST_COLUMNS)
    values = _numbers(frame, "forecast", path)
    wrong = np.flatnonzero(~(np.abs(values) <= 1.0))
    if wrong.size:
        raise _unreadable(path, f"row {wrong[0] + 1}: forecast {values[wrong[0]]} is not within [-1, 1]")
    ts_ms = _times(frame, FORECAST_COLUMNS, path)
    named = frame["instrument"].cast(pl.String).str.strip_chars().fill_null("").to_list()
    if "" in named:
        raise _unreadable(path, f"row {named.index('') + 1}: there is no instrument")
    names = {str(name): canonical_symbol(str(name)) for name in set(named)}
    foreign = sorted(set(names.values()) - set(symbols))
    if foreign:
        raise DataMissing(
            f"{path.name} has forecasts for {', '.join(foreign)}, which this run does not trade",
            why=f"it trades {', '.join(symbols)}",
            where=str(path),
            hint="name them with --instruments, or leave their rows out",
        )
    columns = np.array([names[str(name)] for name in named])
    return {symbol: _of_symbol(path, symbol, ts_ms, values, columns) for symbol in set(names.values())}


def _of_symbol(path: Path, symbol: str, ts_ms: I64, values: F64, columns: np.ndarray) -> tuple[I64, F64]:
    rows = np.flatnonzero(columns == symbol)
    rows = rows[np.argsort(ts_ms[rows], kind="stable")]
    again = np.flatnonzero(np.diff(ts_ms[rows]) == 0)
    if again.size:
        row = rows[again[0] + 1]
        raise _unreadable(path, f"row {row + 1}: a second forecast for {symbol} at ts {ts_ms[row]}")
    return ts_ms[rows], values[rows]


def read_calendar(path: Path) -> I64:
    """Times of the important events of a calendar: impact ``high``, currency USD or ALL. Ascending, ms UTC.

    Parameters
    ----------
    path
        CSV ``ts_ms,name,impact,currency``.
    """
    frame = _read(path, CALENDAR_COLUMNS)
    ts_ms = _times(frame, CALENDAR_COLUMNS, path)
    impact = frame["impact"].cast(pl.String).str.strip_chars().str.to_lowercase()
    currency = frame["currency"].cast(pl.String).str.strip_chars().str.to_uppercase()
    counts = ((impact == "high") & currency.is_in(["USD", "ALL"])).fill_null(value=False).to_numpy()
    return np.sort(ts_ms[counts])


def _read(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    if not path.is_file():
        why = "it is a folder" if path.is_dir() else "there is nothing of that name"
        raise DataMissing(
            f"there is no file {path}", why=why, where=str(path), hint="give the path of an existing file"
        )
    readers = {"parquet": pl.read_parquet, "feather": pl.read_ipc}
    try:
        content = path.read_bytes()
        form = form_of(content) if content else "empty"
        if form == "empty":
            raise _unreadable(path, "it is empty", columns)
        check_ending(path, form)
        frame = readers.get(form, pl.read_csv)(content)
    except pl.exceptions.PolarsError:
        raise _unreadable(path, f"it cannot be read as {FORMS.get(form, 'CSV')}", columns) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, " ".join(str(error).split())[:200], columns) from None
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        found = ", ".join(name[:20] for name in frame.columns[:8])
        raise _unreadable(path, f"it has no column {', '.join(absent)}; it has {found}", columns)
    if len(frame) == 0:
        raise _unreadable(path, "it has no rows", columns)
    return frame.select(columns)


def _times(frame: pl.DataFrame, columns: tuple[str, ...], path: Path) -> I64:
    name = columns[0]
    column = frame[name]
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Int64, strict=False)
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise _unreadable(
            path, f"row {row + 1}: {name} {frame[name][row]} is not a time in milliseconds", columns
        )
    if not column.dtype.is_integer():
        why = f"{name} must be whole milliseconds since 1970 (UTC), it is {column.dtype}"
        raise _unreadable(path, why, columns)
    ts_ms = column.to_numpy().astype(np.int64)
    odd = np.flatnonzero(~in_milliseconds(ts_ms))
    if odd.size:
        why = f"row {odd[0] + 1}: {name} {strange_time(int(ts_ms[odd[0]]))}"
        raise _unreadable(path, why, columns)
    return ts_ms


def in_milliseconds(ts_ms: I64) -> Bool:
    """Which times can be milliseconds since 1970: those of the years 2000 to 2100."""
    return (ts_ms >= EARLIEST_MS) & (ts_ms <= LATEST_MS)


def strange_time(value: int) -> str:
    """What is wrong with a time that can't be in milliseconds."""
    meant = next((unit for unit, ms in UNITS.items() if EARLIEST_MS <= value * ms <= LATEST_MS), "")
    return f"{value} is not a time in milliseconds" + (f"; it looks like {meant}" if meant else "")


def _numbers(frame: pl.DataFrame, name: str, path: Path) -> F64:
    values = frame[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    wrong = np.flatnonzero(np.isnan(values))
    if wrong.size:
        written = frame[name].cast(pl.String)[int(wrong[0])]
        raise _unreadable(path, f"row {wrong[0] + 1}: {name} {written or 'without a value'} is not a number")
    return values


def _unreadable(path: Path, why: str, columns: tuple[str, ...] = FORECAST_COLUMNS) -> DataUnreadable:
    return DataUnreadable(
        f"{path.name} cannot be used",
        why=why,
        where=str(path),
        hint=f"{HINTS[columns]} (CSV, Parquet or Feather; times in ms since 1970, UTC)",
    )
