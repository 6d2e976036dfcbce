"""Where a market is read from: a venue of a lake, or a folder of loose files."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from mastertrading.domain.errors import DataMissing
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import Bars
from mastertrading.lake.layouts import Found, is_candidate, joined_bars, joined_charges, read_file
from mastertrading.lake.names import SeriesId
from mastertrading.lake.open_interest import OpenInterest, in_order, joined
from mastertrading.lake.quality import Charges, drop_twins, no_charges, take
from mastertrading.lake.store import DEFAULT_VENUE, Venue, is_venue, missing, subfolders
from mastertrading.lake.universe import read_instruments


class Source(Protocol):
    """What the panel and the quality report read from: :class:`Venue` or :class:`LooseFiles`."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def name(self) -> str:
        """Name of the venue."""

    def series(self) -> list[SeriesId]:
        """Every series that is there."""

    def has(self, series: SeriesId) -> bool:
        """Whether a series is there."""

    def read_bars(self, series: SeriesId) -> Bars:
        """All rows of a series of bars."""

    def read_funding(self, symbol: str) -> Charges:
        """All funding of an instrument; empty where none is recorded."""

    def read_open_interest(self, series: SeriesId) -> OpenInterest:
        """All rows of a series of open interest."""

    def instruments(self) -> dict[str, Instrument]:
        """Contract facts that the data state."""


def open_source(root: Path | str, venue: str | None = None) -> Source:
    """Open a lake, one venue's folder, or a folder of loose files.

    Parameters
    ----------
    root
        The folder.
    venue
        Which venue, if the lake has several; default: the only one, else ``binance_usdm``.

    Raises
    ------
    DataMissing
        If the folder, or a venue in it, is not there; the error says which are.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise DataMissing(
            f"{folder} is not a folder",
            why="there is no such folder" if not folder.exists() else "it is a file",
            where="--data",
            hint="make a market: mastertrading data synth --out lake",
        )
    if is_venue(folder):
        if venue not in (None, folder.name):
            raise _no_venue(folder, venue, [folder.name])
        return Venue(folder)
    names = venues_of(folder)
    if not names and venue is None and any(map(is_candidate, folder.iterdir())):
        return LooseFiles(folder)
    chosen = venue or (names[0] if len(names) == 1 else DEFAULT_VENUE)
    if chosen not in names:
        raise _no_venue(folder, venue, names)
    return Venue(folder / chosen)


def venues_of(root: Path | str) -> list[str]:
    """Names of the venues of a lake; none for a venue's own folder or for loose files."""
    folder = Path(root)
    return [] if is_venue(folder) else sorted(sub.name for sub in subfolders(folder) if is_venue(sub))


def told_venue(source: Source, root: Path | str, venue: str | None) -> str:
    """Which venue of several is read where none was named, in a sentence; empty where there was no choice."""
    others = [name for name in venues_of(root) if name != source.name] if venue is None else []
    return f"{source.name} is read; not {' and '.join(others)} (choose with --venue)" if others else ""


def _no_venue(folder: Path, venue: str | None, names: list[str]) -> DataMissing:
    return DataMissing(
        f"no venue {venue!r} in {folder}"
        if venue
        else f"{folder} holds no market data that can be told apart",
        why=f"there is: {', '.join(names) or 'nothing in the layout VENUE/1m/BTCUSDT-1m.parquet'}",
        where=str(folder),
        hint=f"--venue {names[0]}" if names else "mastertrading data import FILE --data DIR",
    )


class LooseFiles:
    """A folder of files with recognisable names, read as a venue without importing them first.

    Rows are put in order and repeated rows dropped, which is normal in dumps; bad rows stay, for the caller's
    quality check to find.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @cached_property
    def _read(self) -> dict[SeriesId, list[Found]]:
        read: dict[SeriesId, list[Found]] = {}
        for path in sorted(filter(is_candidate, self.folder.iterdir())):
            for found in read_file(path):
                read.setdefault(found.series, []).append(found)
        return read

    def series(self) -> list[SeriesId]:
        """Every series that is there."""
        return sorted(self._read)

    def has(self, series: SeriesId) -> bool:
        """Whether a series is there."""
        return series in self._read

    def read_bars(self, series: SeriesId) -> Bars:
        """All rows of a series, in order, repeated ones once."""
        if series not in self._read:
            raise missing(str(series), self.folder, self.series())
        bars = joined_bars(self._read[series])
        return drop_twins(take(bars, np.argsort(bars.ts_ms, kind="stable")))

    def read_funding(self, symbol: str) -> Charges:
        """All funding of an instrument; empty where none is recorded."""
        parts = self._read.get(SeriesId("funding", symbol))
        if parts is None:
            return no_charges()
        charges = joined_charges(parts)
        _, first = np.unique(charges.ts_ms, return_index=True)
        return Charges(charges.ts_ms[first], charges.rate[first], charges.stated_ms[first])

    def read_open_interest(self, series: SeriesId) -> OpenInterest:
        """All rows of a series of open interest, in order, each time once."""
        if series not in self._read:
            raise missing(str(series), self.folder, self.series())
        return in_order(joined(*(part.interest for part in self._read[series] if part.interest is not None)))

    def instruments(self) -> dict[str, Instrument]:
        """Contract facts stated in ``instruments.json`` of the folder."""
        return read_instruments(self.folder)
