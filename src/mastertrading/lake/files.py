"""Files: written whole or not at all, read with an error that a person can act on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.domain.errors import DataUnreadable, OutputError
from mastertrading.domain.market import F64, I64, Bars

if TYPE_CHECKING:
    import polars as pl

PRICES = ("open", "high", "low", "close")


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place in one step.

    Whatever interrupts it (Ctrl-C, a full disk, a crash), ``path`` holds either its old content or all of the
    new one.

    Raises
    ------
    OutputError
        If the folder or the file can't be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(unfinished)
        _to_disk(unfinished)
        os.replace(unfinished, path)
        _to_disk(path.parent)
    except OSError as error:
        raise OutputError(
            f"{path.name} can't be written",
            why=str(error),
            where=str(path),
            hint="check the folder's permissions and the free space, or choose another folder",
        ) from error
    finally:
        _forget(unfinished)


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a table as Parquet (zstd), whole or not at all."""
    write_whole(path, lambda unfinished: _write_parquet(frame, unfinished))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, keys sorted, whole or not at all."""
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    write_whole(path, lambda unfinished: _write_text(unfinished, text))


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file.

    Raises
    ------
    DataUnreadable
        If it is not a Parquet file, or a damaged one.
    """
    import polars as pl

    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise DataUnreadable(
            f"{path.name} can't be read as Parquet",
            why=str(error).splitlines()[0] if str(error) else type(error).__name__,
            where=str(path),
            hint="if it is another format, import it: mastertrading data import FILE --data LAKE",
        ) from error


def bars_of(frame: pl.DataFrame, where: Path) -> Bars:
    """The columns ``ts open high low close volume`` of a table; without ``volume`` (mark prices) it is 0.

    Raises
    ------
    DataUnreadable
        If a column is missing or is not numbers.
    """
    ts = times_of(frame, where)
    open_, high, low, close = (numbers_of(frame, name, where) for name in PRICES)
    volume = numbers_of(frame, "volume", where) if "volume" in frame.columns else np.zeros(len(ts))
    return Bars(ts, open_, high, low, close, volume)


def times_of(frame: pl.DataFrame, where: Path) -> I64:
    """Column ``ts``: int64 milliseconds UTC."""
    import polars as pl

    if "ts" not in frame.columns or frame.schema["ts"] != pl.Int64 or frame["ts"].null_count():
        raise _lacks(frame, "ts", "int64 milliseconds without nulls", where)
    return frame["ts"].to_numpy()


def numbers_of(frame: pl.DataFrame, name: str, where: Path) -> F64:
    """A column of floats; null becomes NaN."""
    if name not in frame.columns or not frame.schema[name].is_numeric():
        raise _lacks(frame, name, "numbers", where)
    column: F64 = frame[name].to_numpy().astype(np.float64, copy=False)
    return column


def _lacks(frame: pl.DataFrame, name: str, wanted: str, where: Path) -> DataUnreadable:
    return DataUnreadable(
        f"{where.name} has no usable column {name!r}",
        why=f"expected {wanted}; the file has {dict(frame.schema)}",
        where=str(where),
        hint="if it is another layout, import it: mastertrading data import FILE --data LAKE",
    )


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    import polars as pl

    try:
        frame.write_parquet(path, compression="zstd")
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from error


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _to_disk(path: Path) -> None:
    """Flush a file or, where the system allows it, a folder."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
