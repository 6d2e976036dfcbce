"""The lake: Parquet series in one layout, read in ranges, extended without duplicates, never half-written.

::

    <root>/<venue>/1m/BTCUSDT-1m.parquet             ts open high low close volume
    <root>/<venue>/mark-1h/BTCUSDT-mark-1h.parquet   ts open high low close
    <root>/<venue>/funding/BTCUSDT-funding.parquet   ts rate [interval_ms]
    <root>/<venue>/open-interest/BTCUSDT-oi-4h.parquet  ts open_interest [open_interest_value]
    <root>/<venue>/1m/BTCUSDT-1m.quarantine.parquet  rows that can't be used, with the reason
    <root>/<venue>/manifest.json                     rows, hash, gaps, source, grade, fetched times of each series
    <root>/instruments.json                          contract facts, also per venue

``ts`` is int64 ms UTC: a bar's open time, or when a rate was charged. A folder below the venue that is not a
series of ours is left alone. One process at a time writes to a venue (`lock`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.domain.errors import DataMissing, DataUnreadable
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import I64, Bars, Bool
from mastertrading.lake.files import bars_of, numbers_of, read_parquet, times_of, write_frame, write_json
from mastertrading.lake.identity import Identity, series_hash
from mastertrading.lake.lock import Wait, at_once, writing
from mastertrading.lake.names import SeriesId, series_of, timeframe_ms
from mastertrading.lake.open_interest import (
    OpenInterest,
    check_open_interest,
    frame_of,
    hash_of,
    joined,
    no_open_interest,
    open_interest_of,
    rows_of,
    usable,
)
from mastertrading.lake.open_interest import (
    in_order as in_order_of_time,
)
from mastertrading.lake.quality import (
    Charges,
    Finding,
    Kind,
    Reason,
    check_bars,
    check_funding,
    clean,
    gaps,
    grade_of,
    no_charges,
    take,
)
from mastertrading.lake.ranges import Range, united
from mastertrading.lake.universe import DEFAULT_SYMBOLS, read_instruments

if TYPE_CHECKING:
    import polars as pl

DEFAULT_VENUE = "binance_usdm"
MANIFEST = "manifest.json"
QUARANTINE = ".quarantine.parquet"
MANIFEST_GAPS = 100


@dataclass(frozen=True, slots=True)
class Added:
    """What an append did to a series.

    Attributes
    ----------
    rows
        New rows.
    duplicates
        Rows that were there already, with the same values.
    conflicts
        Rows that were there already with other values; the stored ones stay.
    quarantined
        Rows that can't be used; kept in the quarantine file.
    """

    rows: int
    duplicates: int
    conflicts: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Venue:
    """One venue and market type of a lake: a folder of series.

    Attributes
    ----------
    wait
        How to wait for another process that writes to it (`lock.writing`); it is left out of comparisons.
    """

    folder: Path
    wait: Wait = field(default=at_once, compare=False)

    @property
    def name(self) -> str:
        """For example ``binance_usdm``."""
        return self.folder.name

    def path(self, series: SeriesId) -> Path:
        """Where a series is kept."""
        return self.folder / series.folder / f"{series.stem}.parquet"

    def has(self, series: SeriesId) -> bool:
        """Whether a series is there."""
        return self.path(series).is_file()

    def series(self) -> list[SeriesId]:
        """Every series that is there, sorted by kind and name."""
        return sorted(series for folder in subfolders(self.folder) for series in _kept_in(folder))

    def read_bars(self, series: SeriesId) -> Bars:
        """All rows of a series of bars as they stand in the file.

        Raises
        ------
        DataMissing
            If there is no such series.
        DataUnreadable
            If its file is damaged or lacks a column.
        """
        path = self._existing(series)
        return bars_of(read_parquet(path), path)

    def read_range(self, series: SeriesId, start_ms: int, end_ms: int) -> Bars:
        """Rows that open at or after ``start_ms`` and before ``end_ms``."""
        bars = self.read_bars(series)
        first, last = np.searchsorted(bars.ts_ms, [start_ms, end_ms])
        return take(bars, slice(int(first), int(last)))

    def read_funding(self, symbol: str) -> Charges:
        """All funding of an instrument; empty where none is recorded."""
        path = self.path(SeriesId("funding", symbol))
        if not path.is_file():
            return no_charges()
        frame = read_parquet(path)
        ts = times_of(frame, path)
        if len(ts) > 1 and int(np.diff(ts).min()) <= 0:
            raise DataUnreadable(
                f"{path.name} is not in order of time",
                why="settlements repeat or go back in time",
                where=str(path),
                hint="import it, which sorts it: mastertrading data import FILE --data LAKE",
            )
        stated = (
            frame["interval_ms"].to_numpy() if "interval_ms" in frame.columns else np.zeros(len(ts), np.int64)
        )
        return Charges(ts, numbers_of(frame, "rate", path), stated)

    def read_open_interest(self, series: SeriesId) -> OpenInterest:
        """All rows of a series of open interest as they stand in the file.

        Raises
        ------
        DataMissing
            If there is no such series.
        DataUnreadable
            If its file is damaged or lacks a column.
        """
        path = self._existing(series)
        return open_interest_of(read_parquet(path), path)

    def read_open_interest_range(self, series: SeriesId, start_ms: int, end_ms: int) -> OpenInterest:
        """Rows measured at or after ``start_ms`` and before ``end_ms``."""
        rows = self.read_open_interest(series)
        first, last = np.searchsorted(rows.ts_ms, [start_ms, end_ms])
        return rows_of(rows, slice(int(first), int(last)))

    def instruments(self) -> dict[str, Instrument]:
        """Contract facts stated by the lake; the venue's list before the root's."""
        return read_instruments(self.folder.parent) | read_instruments(self.folder)

    def _existing(self, series: SeriesId) -> Path:
        if not self.has(series):
            raise missing(str(series), self.folder, self.series())
        return self.path(series)

    # ------------------------------------------------------------ writing

    def append_bars(self, series: SeriesId, raw: Bars, source: str) -> Added:
        """Add bars to a series: sorted, each time once, what can't be used quarantined.

        Appending the same rows again changes nothing.

        Raises
        ------
        OutputError
            If the file can't be written, or another process is writing; the old one is then untouched.
        """
        with writing(self.folder, self.wait):
            return self._append_bars(series, raw, source)

    def _append_bars(self, series: SeriesId, raw: Bars, source: str) -> Added:
        step_ms = timeframe_ms(series.timeframe)
        cleaned = clean(raw, step_ms)
        path = self.path(series)
        stored = self.read_bars(series) if path.is_file() else take(raw, slice(0, 0))
        new = ~np.isin(cleaned.bars.ts_ms, stored.ts_ms)
        fresh, known = take(cleaned.bars, new), take(cleaned.bars, ~new)
        conflicts = _differing(stored, known)
        clashing = take(known, conflicts)
        twins = len(raw) - len(fresh) - len(clashing) - len(cleaned.quarantined)
        merged = _merged(stored, fresh)
        if len(fresh) or not path.is_file():
            write_frame(path, _bars_frame(merged, with_volume=series.kind == "bars"))
        reasons = np.concatenate((cleaned.reasons, np.full(len(clashing), Reason.CONFLICT, np.int64)))
        self._quarantine(series, _joined(cleaned.quarantined, clashing), reasons)
        findings = check_bars(merged, step_ms, still=series.kind == "bars", parts=True)
        self._note(
            series, _facts(merged.ts_ms, gaps(merged.ts_ms, step_ms), series_hash(merged), findings, source)
        )
        return Added(len(fresh), twins, len(clashing), len(cleaned.quarantined))

    def append_funding(self, symbol: str, charges: Charges, source: str) -> Added:
        """Add settlements, each time once; rates that are not finite are dropped and counted as quarantined."""
        with writing(self.folder, self.wait):
            return self._append_funding(symbol, charges, source)

    def _append_funding(self, symbol: str, charges: Charges, source: str) -> Added:
        series = SeriesId("funding", symbol)
        path = self.path(series)
        usable = np.isfinite(charges.rate)
        stored = self.read_funding(symbol)
        ts_ms, first = np.unique(charges.ts_ms[usable], return_index=True)
        rows = np.flatnonzero(usable)[first]
        given = Charges(ts_ms, charges.rate[rows], charges.stated_ms[rows])
        new = ~np.isin(ts_ms, stored.ts_ms)
        at = np.searchsorted(stored.ts_ms, ts_ms[~new])
        conflicts = int((stored.rate[at] != given.rate[~new]).sum())
        merged = _merged_charges(stored, given, new)
        if new.any() or not path.is_file():
            write_frame(path, _funding_frame(merged))
        self._note(series, _funding_facts(merged, source))
        added = int(new.sum())
        return Added(added, int(usable.sum()) - added - conflicts, conflicts, int((~usable).sum()))

    def append_open_interest(self, series: SeriesId, raw: OpenInterest, source: str) -> Added:
        """Add open interest, each time once; rows that are no amount are dropped and counted as quarantined."""
        with writing(self.folder, self.wait):
            path = self.path(series)
            stored = self.read_open_interest(series) if path.is_file() else no_open_interest()
            good = usable(raw)
            given = in_order_of_time(rows_of(raw, good))
            new = ~np.isin(given.ts_ms, stored.ts_ms)
            at = np.searchsorted(stored.ts_ms, given.ts_ms[~new])
            conflicts = int((stored.amount[at] != given.amount[~new]).sum())
            merged = in_order_of_time(joined(stored, rows_of(given, new)))
            if new.any() or not path.is_file():
                write_frame(path, frame_of(merged))
            self._note(series, _open_interest_facts(series, merged, source))
            added = int(new.sum())
            return Added(added, int(good.sum()) - added - conflicts, conflicts, int((~good).sum()))

    def put_bars(self, series: SeriesId, bars: Bars, source: str) -> None:
        """Replace a series by these rows, as they are (for made markets; recorded ones are appended)."""
        with writing(self.folder, self.wait):
            self.replace_bars(series, bars, source)

    def replace_bars(self, series: SeriesId, bars: Bars, source: str) -> None:
        """`put_bars` for a caller who holds the lock."""
        step_ms = timeframe_ms(series.timeframe)
        cleaned = clean(bars, step_ms)
        write_frame(self.path(series), _bars_frame(bars, with_volume=series.kind == "bars"))
        findings = [
            *cleaned.findings,
            *check_bars(cleaned.bars, step_ms, still=series.kind == "bars", parts=True),
        ]
        self._note(series, _facts(bars.ts_ms, gaps(bars.ts_ms, step_ms), series_hash(bars), findings, source))

    def put_funding(self, symbol: str, charges: Charges, source: str) -> None:
        """Replace the funding of an instrument."""
        with writing(self.folder, self.wait):
            self.replace_funding(symbol, charges, source)

    def replace_funding(self, symbol: str, charges: Charges, source: str) -> None:
        """`put_funding` for a caller who holds the lock."""
        series = SeriesId("funding", symbol)
        write_frame(self.path(series), _funding_frame(charges))
        self._note(series, _funding_facts(charges, source))

    def manifest(self) -> dict[str, Any]:
        """The manifest; empty where there is none.

        Raises
        ------
        DataUnreadable
            If it is damaged.
        """
        path = self.folder / MANIFEST
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise DataUnreadable(
                f"{MANIFEST} is damaged",
                why=str(error),
                where=str(path),
                hint="delete it; the next import writes it anew",
            ) from error

    def fetched(self, series: SeriesId, rows: int) -> list[Range]:
        """Times of which an exchange was asked for everything it has: a hole in them is one of the exchange's.

        Parameters
        ----------
        rows
            How many rows the series has; with another number than the manifest notes nothing is known.
        """
        noted = self.noted(series)
        return united(noted.get("fetched", [])) if noted.get("rows") == rows else []

    def noted(self, series: SeriesId) -> dict[str, Any]:
        """What the manifest notes of a series; nothing where it does not know it."""
        return dict(self.manifest().get(_entry(series), {}))

    def note_fetched(self, series: SeriesId, ranges: Iterable[Range]) -> None:
        """Remember that an exchange was asked for everything in these times."""
        with writing(self.folder, self.wait):
            before = self.manifest()
            facts = dict(before.get(_entry(series), {}))
            facts["fetched"] = [list(r) for r in united([*facts.get("fetched", []), *ranges])]
            if facts != before.get(_entry(series)):
                write_json(self.folder / MANIFEST, {**before, _entry(series): facts})

    def _note(self, series: SeriesId, facts: dict[str, Any]) -> None:
        before = self.manifest()
        name = _entry(series)
        known = before.get(name, {})
        sources = list(known.get("source", []))
        facts["source"] = sources if facts["source"] in sources else [*sources, facts["source"]]
        kept = {"fetched": known["fetched"]} if "fetched" in known else {}
        after = {**before, name: facts | kept}
        if after != before:
            write_json(self.folder / MANIFEST, after)

    def _quarantine(self, series: SeriesId, bad: Bars, reasons: I64) -> None:
        """Keep unusable rows beside the series, each once."""
        if len(bad) == 0:
            return
        import polars as pl

        path = self.path(series).with_name(series.stem + QUARANTINE)
        names = pl.Series("reason", [Reason(int(r)).name.lower() for r in reasons], dtype=pl.String)
        frame = _bars_frame(bad, with_volume=True).with_columns(names)
        if path.is_file():
            frame = pl.concat([read_parquet(path), frame])
        write_frame(path, frame.unique(maintain_order=True).sort("ts", maintain_order=True))


def _entry(series: SeriesId) -> str:
    """Name of a series in the manifest."""
    return f"{series.folder}/{series.stem if series.kind == 'open-interest' else series.symbol}"


def missing(what: str, folder: Path, there: Iterable[SeriesId]) -> DataMissing:
    """The error that says what is there instead."""
    names = ", ".join(map(str, there))
    return DataMissing(
        f"{what} is not in {folder.name}",
        why=f"there is: {names or 'nothing'}",
        where=str(folder),
        hint="mastertrading data list --data DIR, or mastertrading data import FILE --data DIR",
    )


def is_venue(folder: Path) -> bool:
    """Whether a folder holds series in the lake's layout."""
    return any(_kept_in(sub) for sub in subfolders(folder))


def _kept_in(folder: Path) -> list[SeriesId]:
    """The series of one folder below a venue."""
    found = (series_of(folder.name, path.stem) for path in folder.glob("[!.]*.parquet"))
    return [series for series in found if series is not None]


def in_order(symbols: Iterable[str]) -> list[str]:
    """The default instruments in their usual order, then the others by name."""
    rank = {symbol: place for place, symbol in enumerate(DEFAULT_SYMBOLS)}
    return sorted(symbols, key=lambda symbol: (rank.get(symbol, len(rank)), symbol))


def subfolders(folder: Path) -> list[Path]:
    """Folders directly below, hidden ones left out."""
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _differing(stored: Bars, known: Bars) -> Bool:
    """Which known rows (their times are all stored) have other values than the stored ones."""
    at = np.searchsorted(stored.ts_ms, known.ts_ms)
    differs = np.zeros(len(known), np.bool_)
    for name in ("open", "high", "low", "close", "volume"):
        differs |= getattr(stored, name)[at] != getattr(known, name)
    return differs


def _joined(a: Bars, b: Bars) -> Bars:
    return Bars(*(np.concatenate((getattr(a, n), getattr(b, n))) for n in Bars.__dataclass_fields__))


def _merged(stored: Bars, fresh: Bars) -> Bars:
    both = _joined(stored, fresh)
    return take(both, np.argsort(both.ts_ms, kind="stable"))


def _merged_charges(stored: Charges, given: Charges, new: Bool) -> Charges:
    order = np.argsort(np.concatenate((stored.ts_ms, given.ts_ms[new])), kind="stable")
    names = Charges.__dataclass_fields__
    return Charges(*(np.concatenate((getattr(stored, n), getattr(given, n)[new]))[order] for n in names))


def _bars_frame(bars: Bars, *, with_volume: bool) -> pl.DataFrame:
    import polars as pl

    columns = {"ts": bars.ts_ms, "open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close}
    return pl.DataFrame(columns | ({"volume": bars.volume} if with_volume else {}))


def _funding_frame(charges: Charges) -> pl.DataFrame:
    import polars as pl

    stated = {"interval_ms": charges.stated_ms} if charges.stated_ms.any() else {}
    return pl.DataFrame({"ts": charges.ts_ms, "rate": charges.rate} | stated)


def _funding_hash(charges: Charges) -> str:
    identity = Identity()
    identity.integers("ts", charges.ts_ms)
    identity.floats("rate", charges.rate)
    identity.integers("interval_ms", charges.stated_ms)
    return identity.hexdigest()


def _funding_facts(charges: Charges, source: str) -> dict[str, Any]:
    findings = check_funding(charges.ts_ms, charges.rate)
    holes = [(t, t, 1) for f in findings if f.kind is Kind.FUNDING_GAP for t in f.first_ts_ms]
    return _facts(charges.ts_ms, holes, _funding_hash(charges), findings, source)


def _open_interest_facts(series: SeriesId, rows: OpenInterest, source: str) -> dict[str, Any]:
    step_ms = timeframe_ms(series.timeframe)
    findings = check_open_interest(rows, step_ms)
    return _facts(rows.ts_ms, gaps(rows.ts_ms, step_ms), hash_of(rows), findings, source)


def _facts(
    ts_ms: I64, holes: list[tuple[int, int, int]], sha256: str, findings: list[Finding], source: str
) -> dict[str, Any]:
    return {
        "rows": len(ts_ms),
        "first_ms": int(ts_ms[0]) if len(ts_ms) else None,
        "last_ms": int(ts_ms[-1]) if len(ts_ms) else None,
        "sha256": sha256,
        "gaps": [list(hole) for hole in holes[:MANIFEST_GAPS]],
        "grade": grade_of(findings),
        "source": source,
    }
