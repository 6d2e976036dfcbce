"""DATA-SOURCES: files of any known layout into a lake.

Importing twice changes nothing: each time is stored once, the stored row stays, and what can't be used goes to the
quarantine file beside the series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mastertrading.domain.errors import DataMissing
from mastertrading.lake.files import write_json
from mastertrading.lake.layouts import Found, is_candidate, joined_bars, joined_charges, read_file
from mastertrading.lake.lock import Wait, at_once
from mastertrading.lake.names import SeriesId, check_venue_name
from mastertrading.lake.open_interest import joined
from mastertrading.lake.store import DEFAULT_VENUE, Added, Venue, is_venue, subfolders
from mastertrading.lake.universe import INSTRUMENTS_FILE, describe, read_instruments


@dataclass(frozen=True, slots=True)
class Imported:
    """What one series gained."""

    venue: str
    series: SeriesId
    files: int
    added: Added


def import_files(
    sources: Sequence[Path],
    lake: Path,
    *,
    venue: str | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    only: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
    wait: Wait = at_once,
) -> list[Imported]:
    """Import files, or all market data in folders.

    Parameters
    ----------
    sources
        Files and folders. A folder in the lake's layout keeps its venue names.
    lake
        Root of the lake to import into; made if need be.
    venue
        Venue folder for files that don't lie in one (default ``binance_usdm``).
    symbol, timeframe
        For files that don't say.
    only
        Canonical symbols to import; None: all.
    progress
        Told each file's name before it is read.
    wait
        How to wait for another process that writes to the same venue, see `lock.writing`.

    Raises
    ------
    DataMissing
        If there is nothing to import.
    DataUnreadable
        If a file isn't what its name says. Series imported before it stay, whole.
    OutputError
        If the lake can't be written.
    UsageError
        If ``venue`` is no plain name.
    """
    if venue is not None:
        check_venue_name(venue)
    read: dict[tuple[str, SeriesId], list[Found]] = {}
    for path, owner in [pair for source in sources for pair in _files(source, venue, only)]:
        if progress is not None:
            progress(path.name)
        for found in read_file(path, symbol, timeframe):
            if only is None or found.series.symbol in only:
                read.setdefault((owner, found.series), []).append(found)
    if not read:
        raise DataMissing(
            "there is nothing to import",
            why=f"no file of market data{' of ' + ', '.join(only) if only else ''} was found",
            where=", ".join(map(str, sources)),
            hint="known endings: .parquet .feather .csv .csv.gz .zip .json .json.gz",
        )
    imported = [
        Imported(owner, series, len(parts), _append(Venue(lake / owner, wait), series, parts))
        for (owner, series), parts in sorted(read.items())
    ]
    for folder in [folder for source in sources for folder in _venues(source, venue)]:
        _carry_facts(Venue(folder), lake / folder.name)
    return imported


def assumes_venue(sources: Sequence[Path]) -> bool:
    """Whether some source lies in no venue's folder, so that ``import_files`` takes `DEFAULT_VENUE` unless told."""
    return any(not _venues(source, None) for source in sources)


def _append(venue: Venue, series: SeriesId, parts: list[Found]) -> Added:
    if series.kind == "funding":
        return venue.append_funding(series.symbol, joined_charges(parts), "import")
    if series.kind == "open-interest":
        rows = joined(*(part.interest for part in parts if part.interest is not None))
        return venue.append_open_interest(series, rows, "import")
    return venue.append_bars(series, joined_bars(parts), "import")


def _files(source: Path, venue: str | None, only: Sequence[str] | None) -> list[tuple[Path, str]]:
    """Files below a source, each with the venue it belongs to."""
    if source.is_file():
        return [(source, venue or DEFAULT_VENUE)]
    if not source.is_dir():
        raise DataMissing(f"{source} is not there", where=str(source), hint="check the path")
    if _venues(source, None):
        return [
            (Venue(folder).path(series), folder.name)
            for folder in _venues(source, venue)
            for series in Venue(folder).series()
            if only is None or series.symbol in only
        ]
    return [(path, venue or DEFAULT_VENUE) for path in sorted(source.rglob("*")) if is_candidate(path)]


def _venues(source: Path, venue: str | None) -> list[Path]:
    """Folders in the lake's layout: the source itself, or those in it; only the one asked for."""
    if not source.is_dir():
        return []
    found = [source] if is_venue(source) else [sub for sub in subfolders(source) if is_venue(sub)]
    return [folder for folder in found if venue in (None, folder.name)]


def _carry_facts(source: Venue, target: Path) -> None:
    """Take over the contract facts that a lake states, where the target states none."""
    before = read_instruments(target)
    after = {**source.instruments(), **before}
    if after != before:
        write_json(target / INSTRUMENTS_FILE, {symbol: describe(facts) for symbol, facts in after.items()})
