"""Pages of a download on their way into a series: one file that only grows, page by page.

Rewriting a whole series for each page would cost the square of its length. A page is a record of its own here, with
a checksum, and on the disk before the next one begins; whatever kills the process, at most the page that was being
written is lost. What was written is taken into the series at the end, or by the next download.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mastertrading.domain.errors import OutputError
from mastertrading.domain.market import F64, I64
from mastertrading.lake.names import SeriesId
from mastertrading.lake.ranges import Range, united

FOLDER = ".download"
HEAD = struct.Struct("<4sqqIII")
"""Mark, start and end of the page (ms), rows, columns, checksum of the rows."""
MARK = b"page"

Page = tuple[int, int, I64, F64]
"""Start and end (ms), times, and values of shape (rows, columns)."""


class Staging:
    """The pages of one series that are not yet in it. Threads may share it.

    Parameters
    ----------
    venue
        Folder of the venue in the lake.
    columns
        How many values a row has.
    """

    def __init__(self, venue: Path, series: SeriesId, columns: int) -> None:
        self.path = venue / FOLDER / f"{series.folder}.{series.stem}.pages"
        self.columns = columns
        self._lock = threading.Lock()
        self._whole = 0
        self.ranges: list[Range] = []
        for start, end, _, _ in self.pages():
            self.ranges = united([*self.ranges, (start, end)])

    def pages(self) -> Iterator[Page]:
        """Every whole page; what a killed process left half-written behind them is passed over."""
        if not self.path.is_file():
            return
        content = self.path.read_bytes()
        at = 0
        while (page := self._read(content, at)) is not None:
            at, found = page
            self._whole = at
            yield found

    def add(self, start_ms: int, end_ms: int, ts_ms: I64, values: F64) -> None:
        """Keep a page, on the disk when this returns.

        Raises
        ------
        OutputError
            If it can't be written.
        """
        rows = ts_ms.astype("<i8").tobytes() + np.ascontiguousarray(values).astype("<f8").tobytes()
        head = HEAD.pack(MARK, start_ms, end_ms, len(ts_ms), self.columns, zlib.crc32(rows))
        with self._lock:
            try:
                self._append(head + rows)
            except OSError as error:
                raise OutputError(
                    f"a page of {self.path.stem} can't be written",
                    why=error.strerror or str(error),
                    where=str(self.path),
                    hint="make room, then give the same command again: it goes on where it stopped",
                ) from error
            self.ranges = united([*self.ranges, (start_ms, end_ms)])

    def remove(self) -> None:
        """Forget everything: it is in the series now."""
        with self._lock:
            self.path.unlink(missing_ok=True)
            self.ranges, self._whole = [], 0

    def _append(self, record: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("r+b" if self.path.is_file() else "w+b") as stream:
            stream.truncate(self._whole)
            stream.seek(self._whole)
            stream.write(record)
            stream.flush()
            os.fsync(stream.fileno())
        self._whole += len(record)

    def _read(self, content: bytes, at: int) -> tuple[int, Page] | None:
        """The page that begins at a byte, and where the next one begins; None if it is not whole."""
        if at + HEAD.size > len(content):
            return None
        mark, start, end, count, columns, checksum = HEAD.unpack_from(content, at)
        first, size = at + HEAD.size, 8 * count * (1 + columns)
        rows = content[first : first + size]
        if mark != MARK or columns != self.columns or len(rows) < size or zlib.crc32(rows) != checksum:
            return None
        ts_ms = np.frombuffer(rows[: 8 * count], "<i8").astype(np.int64)
        values = np.frombuffer(rows[8 * count :], "<f8").astype(np.float64).reshape(count, columns)
        return first + size, (start, end, ts_ms, values)
