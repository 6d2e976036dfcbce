"""The folder of a sweep: what it is of, and every finished case, kept through crashes.

::

    sweep.json        what the sweep is of: data, code, settings, signal, window, axes
    results.jsonl     one finished case a line, appended and flushed to the disk in batches
    results.parquet   all cases of the space in order, written when the last one is done

A line carries its own checksum. What a crash or a full disk has torn is recognised, left where it is, and its case is
computed again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mastertrading.domain.errors import DataMissing, DataUnreadable, OutputError, UsageError
from mastertrading.lake.files import write_json

FORMAT = "mastertrading-sweep-1"
HEADER, LINES, TABLE = "sweep.json", "results.jsonl", "results.parquet"
FILES = frozenset({HEADER, LINES, TABLE, "forecasts", ".lock"})
IDENTITY = ("data", "code", "window", "market", "signal", "parameters", "settings")
"""Parts of the header that decide what a case's figures are."""
SHOWN = 6


@dataclass(slots=True)
class CaseStore:
    """An opened folder.

    Attributes
    ----------
    header
        The content of ``sweep.json``.
    rows
        Finished cases by key: ``{"key", "values", "figures" | "error"}``.
    damaged
        Lines that could not be read.
    """

    folder: Path
    header: dict[str, Any]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    damaged: int = 0

    @property
    def table_path(self) -> Path:
        """Place of the final table."""
        return self.folder / TABLE

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep finished cases; when this returns, the disk has them.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        fresh = [dict(row) for row in rows]
        if not fresh:
            return
        path = self.folder / LINES
        try:
            _append(path, b"".join(_line(row) for row in fresh))
        except OSError as error:
            raise OutputError(
                f"finished cases cannot be kept in {path.name}",
                why=error.strerror or str(error),
                where=str(path),
                hint="make room; then the same command with --resume goes on from the last case kept",
            ) from error
        for row in fresh:
            self.rows[str(row["key"])] = row


def create(folder: Path, header: Mapping[str, Any]) -> CaseStore:
    """Begin a sweep in a folder that is absent or empty.

    Raises
    ------
    UsageError
        If a sweep is there already.
    OutputError
        If something else is there, or the folder cannot be written.
    """
    refuse_taken(folder)
    _refuse_foreign(folder)
    full = {"format": FORMAT, **header}
    write_json(folder / HEADER, full)
    return CaseStore(folder, full)


def refuse_taken(folder: Path) -> None:
    """Refuse a folder that holds a sweep already.

    Raises
    ------
    UsageError
    """
    if not (folder / HEADER).is_file():
        return
    raise UsageError(
        f"{folder} holds a sweep already, with {len(read(folder).rows):,} cases done",
        why="without --resume nothing that is there is touched",
        where="--out",
        hint="add --resume to go on with it, or choose another folder with --out",
    )


def resume(folder: Path, header: Mapping[str, Any]) -> CaseStore:
    """Open a sweep to go on with it; where there is none yet, begin it.

    Another space is welcome: cases that were done count. Anything else that differs is refused.

    Raises
    ------
    UsageError
        With what differs.
    """
    if not (folder / HEADER).is_file():
        return create(folder, header)
    store = read(folder)
    told = differences(store.header, header)
    if told:
        more = f"; and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
        raise UsageError(
            f"the sweep in {folder} is of something else and cannot be gone on with",
            why="; ".join(told[:SHOWN]) + more,
            where="--resume",
            hint="choose another folder with --out for a sweep of its own",
        )
    full = {"format": FORMAT, **header}
    if full != store.header:
        write_json(folder / HEADER, full)
    store.header = full
    return store


def read(folder: Path) -> CaseStore:
    """Open a sweep to look at it.

    Raises
    ------
    DataMissing
        If there is none.
    DataUnreadable
        If ``sweep.json`` is damaged or of another version.
    """
    path = folder / HEADER
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        there = sorted(str(found.parent) for found in folder.parent.glob(f"*/{HEADER}"))
        raise DataMissing(
            f"there is no sweep in {folder}",
            why=f"it has no {HEADER}" if folder.is_dir() else "there is no such folder",
            where=str(path),
            hint=", or ".join(there[:3]) or "mastertrading sweep --out DIR makes one",
        ) from error
    except ValueError as error:
        raise DataUnreadable(f"the sweep in {folder} is damaged", why=str(error), where=str(path)) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DataUnreadable(
            f"{path} is not of a sweep that this version reads",
            why=f"its format is not {FORMAT}",
            where=str(path),
        )
    rows, damaged = _read_lines(folder / LINES)
    return CaseStore(folder, header, rows, damaged)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two sweeps, in words."""
    found = []
    for part in IDENTITY:
        one, other = _flat(before.get(part)), _flat(now.get(part))
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                label = f"{part} {name}".strip()
                found.append(f"{label}: {_told(one.get(name))} then, {_told(other.get(name))} now")
    return found


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {at: value}
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{at}.{name}" if at else str(name))
    return flat


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:16]}…"


def _refuse_foreign(folder: Path) -> None:
    what = f"{folder} cannot take a sweep"
    hint = "choose another folder with --out"
    if folder.exists() and not folder.is_dir():
        raise OutputError(what, why="it is a file", where=str(folder), hint=hint)
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in names if name not in FILES and not name.endswith(".unfinished")]
    if foreign or LINES in names:
        why = f"it holds {foreign[0] if foreign else LINES}, which belongs to something else"
        raise OutputError(what, why=why, where=str(folder), hint=hint)


def _line(row: Mapping[str, Any]) -> bytes:
    body = json.dumps(row, separators=(",", ":"), sort_keys=True, allow_nan=False, ensure_ascii=True)
    return f"{zlib.crc32(body.encode()):08x} {body}\n".encode()


def _append(path: Path, block: bytes) -> None:
    """Append whole lines; a torn last line is ended first, so that it spoils nothing behind it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        end = os.lseek(handle, 0, os.SEEK_END)
        if end:
            os.lseek(handle, end - 1, os.SEEK_SET)
            if os.read(handle, 1) != b"\n":
                block = b"\n" + block
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_lines(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    rows: dict[str, dict[str, Any]] = {}
    damaged = 0
    if not path.is_file():
        return rows, damaged
    try:
        with path.open("rb") as stream:
            for line in stream:
                row = _parsed(line)
                if row is None:
                    damaged += bool(line.strip())
                else:
                    rows[str(row["key"])] = row
    except OSError as error:
        raise DataUnreadable(
            f"{path.name} cannot be read", why=error.strerror or str(error), where=str(path)
        ) from error
    return rows, damaged


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line's row; None if it is not whole."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    body = line[9:-1]
    if line[:8] != f"{zlib.crc32(body):08x}".encode():
        return None
    try:
        row = json.loads(body)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "key" in row and "values" in row else None
