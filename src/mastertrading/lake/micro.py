"""Microstructure at rest: recorded order-book and trade frames as features of bars, beside the candles of a lake.

::

    <root>/<venue>/micro-1m/BTCUSDT-micro-1m.parquet   ts and the columns of `micro_bars.COLUMNS`
    <root>/<venue>/manifest.json                       "micro-1m/BTCUSDT": rows, sha256, source, counts

The series has a hash of its own, so that adding it to a lake changes no ``data_id``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.domain.errors import DataMissing, UsageError
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import F64, I64, Market
from mastertrading.lake.files import numbers_of, read_parquet, times_of, write_frame, write_json
from mastertrading.lake.identity import Identity
from mastertrading.lake.lock import Wait, at_once, writing
from mastertrading.lake.micro_bars import COLUMNS, WHOLE, MicroBars
from mastertrading.lake.micro_frames import E8, FrameReader
from mastertrading.lake.names import check_venue_name, timeframe_ms, timeframe_name
from mastertrading.lake.source import open_source
from mastertrading.lake.store import MANIFEST, Venue

if TYPE_CHECKING:
    import polars as pl

FORMAT = "mastertrading-micro-1"
WHOLE_BAR = 0.99
"""Share of a bar that the recording must have seen for its features to be believed."""
STALE_INTERVALS = 2
BPS = 10_000.0


@dataclass(frozen=True, slots=True)
class MicroSeries:
    """Features of one instrument.

    Attributes
    ----------
    ts_ms
        Open times of the bars, ascending.
    columns
        By the names of `micro_bars.COLUMNS`, shape (bars,); int64 for volumes in 1e-8 and counts.
    counts
        What became of the lines and frames, by reason; only what occurred.
    unknown
        Event types that are none of ours.
    """

    symbol: str
    timeframe: str
    ts_ms: I64
    columns: Mapping[str, np.ndarray]
    counts: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hash of the values and of the definition of the features."""
        identity = Identity()
        identity.text("features", f"{FORMAT} {self.timeframe}")
        identity.integers("ts", self.ts_ms)
        for name in COLUMNS:
            add = identity.integers if name in WHOLE else identity.floats
            add(name, self.columns[name])
        return identity.hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing did: rows that are new, rows that saw more of their bar than the stored ones, rows in all."""

    path: Path
    added: int
    replaced: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MicroPanel:
    """Features on the bars of a market; NaN where there is none.

    Attributes
    ----------
    columns
        Shape (bars, instruments), float64: the columns of `micro_bars.COLUMNS` (volumes as ``buy, sell, delta`` in
        base units), and ``cvd``, the running sum of ``delta`` from the market's first bar on.
    sha256
        Hash of the stored series by symbol; only of those that exist.
    """

    columns: Mapping[str, F64]
    sha256: Mapping[str, str]

    @property
    def spread(self) -> F64:
        """(ask − bid) / mid at each bar's close."""
        return self.columns["spread_bps"] / BPS


def build(
    paths: Iterable[Path],
    *,
    timeframe: str = "1m",
    symbol: str | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> MicroSeries:
    """Read recordings of one instrument, in order of their time, into features of bars.

    Parameters
    ----------
    symbol
        The instrument; None: of the first frame that has a name.

    Raises
    ------
    DataMissing
        If no file has a usable frame.
    DataUnreadable
        If a file cannot be opened.
    """
    files = sorted(recordings(paths), key=lambda path: (_begins(path), path.name))
    bars = MicroBars(timeframe_ms(timeframe))
    counts: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    name = None if symbol is None else canonical_symbol(symbol)
    for path in files:
        progress(path.name)
        reader = FrameReader(path, name)
        for frame in reader:
            bars.add(frame)
        name = reader.symbol
        counts += reader.counts
        unknown += reader.unknown
    bars.finish()
    counts += bars.counts + Counter({f"book_{reason}": n for reason, n in bars.book.counts.items()})
    if not bars.times or name is None:
        told = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
        raise DataMissing(
            f"no usable frame in {', '.join(path.name for path in files[:3])}",
            why=told or "there is no line",
            where=str(files[0]),
            hint="a line is <receive time in ns> <json> of Binance USDⓈ-M: depth, bookTicker, trade, or a snapshot",
        )
    columns = {c: np.array(v, np.int64 if c in WHOLE else np.float64) for c, v in bars.columns.items()}
    return MicroSeries(name, timeframe, np.array(bars.times, np.int64), columns, dict(counts), dict(unknown))


def store(root: Path, venue: str, series: MicroSeries, source: Sequence[str], wait: Wait = at_once) -> Stored:
    """Add features to a lake. A bar that is there already keeps the row that saw more of it.

    Raises
    ------
    OutputError
        If the lake cannot be written; what was there is then untouched.
    DataUnreadable
        If what is there is damaged.
    """
    check_venue_name(venue)
    at = Venue(root / venue)
    path = path_of(at.folder, series.symbol, series.timeframe)
    with writing(at.folder, wait):
        before = read(path, series.symbol, series.timeframe) if path.is_file() else None
        merged, added, replaced = _merged(before, series)
        if added or replaced or before is None:
            write_frame(path, _frame(merged))
        name = f"micro-{series.timeframe}/{series.symbol}"
        manifest = at.manifest()
        facts = _facts(merged, series, source, manifest.get(name, {}))
        if manifest.get(name) != facts:
            write_json(at.folder / MANIFEST, {**manifest, name: facts})
    return Stored(path, added, replaced, len(merged.ts_ms), merged.sha256)


def path_of(folder: Path, symbol: str, timeframe: str) -> Path:
    """Where a series is kept, below a venue's folder."""
    return folder / f"micro-{timeframe}" / f"{symbol}-micro-{timeframe}.parquet"


def read(path: Path, symbol: str, timeframe: str) -> MicroSeries:
    """A stored series.

    Raises
    ------
    DataUnreadable
        If it is damaged, or lacks a column.
    """
    frame = read_parquet(path)
    columns: dict[str, np.ndarray] = {}
    for name in COLUMNS:
        values = numbers_of(frame, name, path)
        columns[name] = frame[name].to_numpy() if name in WHOLE else values
    return MicroSeries(symbol, timeframe, times_of(frame, path), columns)


def load(
    root: Path, market: Market, venue: str | None = None, *, least_coverage: float = WHOLE_BAR
) -> MicroPanel:
    """The features of a market's instruments, on its bars.

    Parameters
    ----------
    least_coverage
        A bar that the recording saw less of counts as absent.

    Raises
    ------
    DataMissing
        If there is no such venue, or it has no features of this timeframe for any of the instruments.
    """
    source = open_source(root, venue)
    timeframe = timeframe_name(market.base_ms)
    shape = (len(market.ts_ms), len(market.symbols))
    panel = {_plain(name): np.full(shape, np.nan) for name in COLUMNS} | {"cvd": np.full(shape, np.nan)}
    hashes: dict[str, str] = {}
    for k, symbol in enumerate(market.symbols):
        path = path_of(source.folder, symbol, timeframe)
        if path.is_file():
            series = read(path, symbol, timeframe)
            hashes[symbol] = series.sha256
            _align(panel, k, market, series, least_coverage)
        changes = interest_changes(source, symbol, market)
        if changes is not None:
            column = panel["open_interest_change"][:, k]
            column[:] = np.where(np.isnan(column), changes, column)
    if not hashes:
        raise _no_features(source.folder, timeframe)
    return MicroPanel(panel, hashes)


def interest_changes(source: Any, symbol: str, market: Market) -> F64 | None:
    """Change over each bar of the last open interest that was known; NaN where none is, or it is stale.

    None where the venue has no series of open interest.
    """
    held = [each for each in source.series() if each.kind == "open-interest" and each.symbol == symbol]
    if not held:
        return None
    finest = min(held, key=lambda each: timeframe_ms(each.timeframe))
    rows = source.read_open_interest(finest)
    stale_ms = STALE_INTERVALS * timeframe_ms(finest.timeframe)
    closes = np.concatenate((market.ts_ms[:1], market.ts_ms + market.base_ms))
    at = np.searchsorted(rows.ts_ms, closes, side="left") - 1
    safe = np.maximum(at, 0)
    known = (at >= 0) & (len(rows) > 0)
    if not len(rows):
        return np.full(len(market.ts_ms), np.nan)
    fresh = known & (closes - rows.ts_ms[safe] <= stale_ms)
    amount = np.where(fresh, rows.amount[safe], np.nan)
    return np.diff(amount)


def _align(panel: dict[str, F64], k: int, market: Market, series: MicroSeries, least: float) -> None:
    seen = (series.columns["coverage"] >= least) & np.isin(series.ts_ms, market.ts_ms)
    at = np.searchsorted(market.ts_ms, series.ts_ms[seen])
    for name in COLUMNS:
        values = series.columns[name][seen]
        scaled = name in WHOLE and name.endswith("_e8")
        panel[_plain(name)][at, k] = values / E8 if scaled else values
    panel["cvd"][at, k] = np.cumsum(series.columns["delta_e8"][seen], dtype=np.int64) / E8


def _plain(name: str) -> str:
    return name.removesuffix("_e8")


def _no_features(folder: Path, timeframe: str) -> DataMissing:
    there = sorted(path.stem for path in folder.glob("micro-*/[!.]*.parquet"))
    return DataMissing(
        f"there are no features of {timeframe} bars in {folder.name} for these instruments",
        why=f"there is: {', '.join(there) or 'nothing'}",
        where=str(folder),
        hint=f"mastertrading data features RAW --out LAKE --timeframe {timeframe}",
    )


def recordings(paths: Iterable[Path]) -> list[Path]:
    """Files as named, and everything directly in folders."""
    found: list[Path] = []
    for path in paths:
        inside = (
            sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".") if path.is_dir() else []
        )
        found += inside or [path]
    missing = next((path for path in found if not path.is_file()), None)
    if missing is not None or not found:
        what = f"there is no file {missing}" if missing is not None else "no file was named"
        raise UsageError(what, where="RAW", hint="mastertrading data features recording.gz --out LAKE")
    return list(dict.fromkeys(found))


def _begins(path: Path) -> int:
    """Receive time of the first line of a recording that has one, in ns."""
    return FrameReader(path).begins()


def _frame(series: MicroSeries) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame({"ts": series.ts_ms, **series.columns})


def _merged(before: MicroSeries | None, fresh: MicroSeries) -> tuple[MicroSeries, int, int]:
    """Both series as one, each bar once; how many rows are new, and how many replaced a stored one."""
    if before is None:
        return fresh, len(fresh.ts_ms), 0
    seen = dict(zip(before.ts_ms.tolist(), before.columns["coverage"].tolist(), strict=True))
    share = fresh.columns["coverage"].tolist()
    better = np.array([share[i] > seen.get(ts, -1.0) for i, ts in enumerate(fresh.ts_ms.tolist())], bool)
    kept = ~np.isin(before.ts_ms, fresh.ts_ms[better])
    ts_ms = np.concatenate((before.ts_ms[kept], fresh.ts_ms[better]))
    order = np.argsort(ts_ms, kind="stable")
    columns = {
        name: np.concatenate((before.columns[name][kept], fresh.columns[name][better]))[order]
        for name in COLUMNS
    }
    replaced = len(before.ts_ms) - int(kept.sum())
    merged = MicroSeries(fresh.symbol, fresh.timeframe, ts_ms[order], columns)
    return merged, int(better.sum()) - replaced, replaced


def _facts(
    merged: MicroSeries, fresh: MicroSeries, source: Sequence[str], before: Mapping[str, Any]
) -> dict[str, Any]:
    sources = list(before.get("source", []))
    counts = dict(before.get("counts", {}))
    known = all(name in sources for name in source)
    if not known:  # reading the same recording again counts nothing twice
        for name, count in {**fresh.counts, **{f"unknown {n}": c for n, c in fresh.unknown.items()}}.items():
            counts[name] = counts.get(name, 0) + count
    return {
        "format": FORMAT,
        "rows": len(merged.ts_ms),
        "first_ms": int(merged.ts_ms[0]),
        "last_ms": int(merged.ts_ms[-1]),
        "sha256": merged.sha256,
        "source": [*sources, *(name for name in source if name not in sources)],
        "counts": counts,
    }
