"""From files to a market in memory: one dense grid, nothing filled, nothing silently left out.

The panel begins with the earliest first bar of the instruments asked for, because signals fold from the first base
bar of the data (DEFINITIONS 10.1), and ends with the earliest last one. Decisions begin where all of them exist,
``common_from_ms``, or later where a run's ``--from`` says so; nothing that is asked ever cuts the start.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mastertrading.domain.errors import DataError, DataMissing
from mastertrading.domain.instrument import Instrument, canonical_symbol
from mastertrading.domain.market import F64, HOUR_MS, I64, MINUTE_MS, Bars, Market, Settlements
from mastertrading.lake.identity import market_hash
from mastertrading.lake.names import Notice, SeriesId, moment, timeframe_ms, timeframe_name
from mastertrading.lake.quality import (
    Finding,
    Kind,
    check_bars,
    check_funding,
    check_shift,
    clean,
    gap_cap,
    grade_of,
    settlement_intervals,
    take,
    worst,
)
from mastertrading.lake.source import Source, open_source, told_venue
from mastertrading.lake.store import in_order, missing
from mastertrading.lake.universe import resolve_instrument
from mastertrading.settings.schema import Settings

COLUMNS = ("open", "high", "low", "close", "volume")
PRIMER_TIMEFRAME = "1h"


@dataclass(frozen=True, slots=True)
class _Base:
    """The base bars of one instrument, before they are put on the grid."""

    symbol: str
    bars: Bars
    findings: tuple[Finding, ...]

    @property
    def first_ms(self) -> int:
        return int(self.bars.ts_ms[0])

    @property
    def last_ms(self) -> int:
        return int(self.bars.ts_ms[-1])


def load_market(
    root: Path | str,
    symbols: Sequence[str] | None = None,
    *,
    venue: str | None = None,
    base: str = "1m",
    start: int | None = None,
    end: int | None = None,
    settings: Settings | None = None,
    notice: Notice | None = None,
) -> Market:
    """Read a market.

    Parameters
    ----------
    root
        A lake, a venue's folder, or a folder of files with recognisable names.
    symbols
        Instruments in column order, by any of their names; None: all that have the base timeframe.
    base
        Timeframe of the base bars.
    start
        Where decisions will begin, ms UTC. It does not cut the data; it must lie before the end of them.
    end
        No bar that closes after this moment is used, ms UTC.
    settings
        Contract facts under ``instruments``, ``data.prime``, and ``data.worst_grade``, which refuses worse data.
        None: built-in facts, primed, any grade.
    notice
        Told in plain sentences what is wrong with the data; default: a warning in the log.

    Returns
    -------
    The market. Missing and quarantined bars are NaN with ``valid`` false.

    Raises
    ------
    DataMissing
        If an instrument or the window is not there; it says what is.
    DataUnreadable
        If a file is not what its name says.
    DataError
        If the data are graded worse than ``settings.data.worst_grade``.
    """
    tell = notice or logging.getLogger("mastertrading.lake").warning
    source = open_source(root, venue)
    if choice := told_venue(source, root, venue):
        tell(choice)
    step_ms = timeframe_ms(base)
    wanted = _wanted(source, symbols, base)
    bases = [_read_base(source, SeriesId("bars", symbol, base), step_ms) for symbol in wanted]
    ts_ms, common_from_ms = _grid(source, bases, step_ms, start, end, tell)
    end_ms = int(ts_ms[-1]) + step_ms
    columns = _columns(bases, ts_ms, step_ms)
    primed = settings is None or settings.data.prime
    coarse = [_coarse(source, symbol) if primed else None for symbol in wanted]
    primer = tuple(_primer(bars, item.first_ms) for bars, item in zip(coarse, bases, strict=True))
    settlements = tuple(_settlements(source, symbol, end_ms) for symbol in wanted)
    listed = source.instruments()
    instruments = tuple(
        resolve_instrument(
            item.symbol,
            bars=take(item.bars, item.bars.ts_ms < end_ms),
            listed=listed,
            overrides=settings.instruments.get(item.symbol) if settings else None,
            notice=tell,
        )
        for item in bases
    )
    grades = {}
    for item, instrument, hours, charged in zip(bases, instruments, coarse, settlements, strict=True):
        findings = _findings(item, instrument, hours, (item.first_ms, end_ms), step_ms)
        findings += check_funding(charged.ts_ms, charged.rate, (common_from_ms, end_ms))
        grades[item.symbol] = grade_of(findings)
        _refuse_worse(item.symbol, findings, grades[item.symbol], settings, source)
        _announce(item.symbol, findings, tell)
    valid = ~np.isnan(columns["close"])
    mark = _mark_close(source, wanted, base, ts_ms, step_ms, columns["close"])
    hashed = columns if mark is None else {**columns, "mark_close": mark}
    return Market(
        instruments=instruments,
        base_ms=step_ms,
        ts_ms=ts_ms,
        open=columns["open"],
        high=columns["high"],
        low=columns["low"],
        close=columns["close"],
        volume=columns["volume"],
        valid=valid,
        settlements=settlements,
        primer=primer,
        data_id=market_hash(instruments, step_ms, ts_ms, hashed, valid, settlements, primer),
        grade=worst(list(grades.values())),
        mark_close=mark,
        grades=grades,
        common_from_ms=common_from_ms,
        source=source.name,
    )


def _wanted(source: Source, symbols: Sequence[str] | None, base: str) -> list[str]:
    """Canonical names, each once; every one must have the base timeframe."""
    there = [series for series in source.series() if series.kind == "bars"]
    with_base = {series.symbol for series in there if series.timeframe == base}
    if not symbols:
        if not with_base:
            raise _not_there([], set(), there, source, base)
        return in_order(with_base)
    wanted = list(dict.fromkeys(canonical_symbol(symbol) for symbol in symbols))
    absent = [symbol for symbol in wanted if symbol not in with_base]
    if absent:
        raise _not_there(absent, set(wanted) & with_base or with_base, there, source, base)
    return wanted


def _not_there(
    absent: list[str], tradable: set[str], there: list[SeriesId], source: Source, base: str
) -> DataMissing:
    """Which bars are missing, and the option that would trade what is there."""
    names = ", ".join(absent) or "any instrument"
    lengths = {timeframe_ms(series.timeframe) for series in there if series.symbol in absent or not absent}
    short = {symbol.removesuffix("USDT"): None for symbol in in_order(tradable)}
    hint = f"--instruments {','.join(short)}"
    why = f"there are {base} bars of {', '.join(in_order(tradable))}"
    if not tradable:
        minutes = [length // MINUTE_MS for length in sorted(lengths) if length % MINUTE_MS == 0]
        found = ", ".join(timeframe_name(length) for length in sorted(lengths))
        why = f"there are bars of {found} only" if found else "there are no bars"
        usable = bool(minutes) and Settings().data.ltf_minutes % minutes[0] == 0
        hint = f"--set data.base_minutes={minutes[0]}" if usable else "mastertrading data list --data DIR"
    return DataMissing(
        f"no {base} bars of {names} are in {source.name}", why=why, where=str(source.folder), hint=hint
    )


def _read_base(source: Source, series: SeriesId, step_ms: int) -> _Base:
    cleaned = clean(source.read_bars(series), step_ms)
    if len(cleaned.bars) == 0:
        raise missing(f"any usable bar of {series}", source.folder, source.series())
    return _Base(series.symbol, cleaned.bars, cleaned.findings)


def _grid(
    source: Source, bases: list[_Base], step_ms: int, start: int | None, end: int | None, tell: Notice
) -> tuple[I64, int]:
    """Open times of the panel, cut at ``end``, and the first one at which all instruments exist."""
    first, last = max(item.first_ms for item in bases), min(item.last_ms for item in bases)
    spans = "; ".join(f"{b.symbol} {moment(b.first_ms)} … {moment(b.last_ms + step_ms)}" for b in bases)
    asked_last = last if end is None else min(last, end // step_ms * step_ms - step_ms)
    if asked_last < first or (start is not None and start > asked_last):
        asked = f"{moment(start) if start is not None else '…'} to {moment(end) if end is not None else '…'}"
        raise DataMissing(
            "the instruments have no bars in common" if first > last else f"there are no bars from {asked}",
            why=f"there is (UTC): {spans}",
            where=str(source.folder),
            hint="choose other --instruments"
            if first > last
            else "choose --from and --to inside that window",
        )
    if start is not None and start < first:
        tell(f"the data begin at {moment(first)} UTC, after the {moment(start)} that was asked for")
    if end is not None and end > last + step_ms:
        tell(f"the data end at {moment(last + step_ms)} UTC, before the {moment(end)} that was asked for")
    earliest = min(item.first_ms for item in bases)
    return np.arange(earliest, asked_last + step_ms, step_ms, dtype=np.int64), first


def _columns(bases: list[_Base], ts_ms: I64, step_ms: int) -> dict[str, F64]:
    """The panel's columns, shape (bars, instruments); NaN where a bar is missing."""
    columns = {name: np.full((len(ts_ms), len(bases)), np.nan) for name in COLUMNS}
    for place, item in enumerate(bases):
        first, last = np.searchsorted(item.bars.ts_ms, [ts_ms[0], ts_ms[-1] + step_ms])
        rows = (item.bars.ts_ms[first:last] - ts_ms[0]) // step_ms
        for name in COLUMNS:
            columns[name][rows, place] = getattr(item.bars, name)[first:last]
    return columns


# ---------------------------------------------------------------- beside the base bars


def _coarse(source: Source, symbol: str) -> Bars | None:
    series = SeriesId("bars", symbol, PRIMER_TIMEFRAME)
    if not source.has(series):
        return None
    return clean(source.read_bars(series), HOUR_MS).bars


def _primer(bars: Bars | None, base_start_ms: int) -> Bars:
    """The unbroken run of 1 h bars that ends where the base begins (DEFINITIONS 10.2 and 10.3).

    The last primed bar is the last whole hour that closed at or before the first base open. If the base begins
    inside an hour, that hour belongs to neither: its beginning is not covered by the base.
    """
    none = np.zeros(0)
    if bars is None:
        return Bars(np.zeros(0, np.int64), none, none, none, none, none)
    last_open = base_start_ms // HOUR_MS * HOUR_MS - HOUR_MS
    stop = int(np.searchsorted(bars.ts_ms, last_open, side="right"))
    if stop == 0 or bars.ts_ms[stop - 1] != last_open:
        return take(bars, slice(0, 0))
    breaks = np.flatnonzero(np.diff(bars.ts_ms[:stop]) != HOUR_MS)
    return take(bars, slice(int(breaks[-1]) + 1 if breaks.size else 0, stop))


def _settlements(source: Source, symbol: str, end_ms: int) -> Settlements:
    """Everything charged up to the close of the last bar, all history before the panel included."""
    charges = source.read_funding(symbol)
    usable = np.isfinite(charges.rate) & (charges.ts_ms <= end_ms)
    ts, stated = charges.ts_ms[usable], charges.stated_ms[usable]
    return Settlements(ts, charges.rate[usable], settlement_intervals(ts, stated))


def _mark_close(
    source: Source, symbols: list[str], base: str, ts_ms: I64, step_ms: int, close: F64
) -> F64 | None:
    """Mark price at each bar's close where recorded (elsewhere the close itself); None if nowhere."""
    mark = close.copy()
    found = False
    for place, symbol in enumerate(symbols):
        series = SeriesId("mark", symbol, base)
        if source.has(series):
            bars = clean(source.read_bars(series), step_ms).bars
            first, last = np.searchsorted(bars.ts_ms, [ts_ms[0], ts_ms[-1] + step_ms])
            mark[(bars.ts_ms[first:last] - ts_ms[0]) // step_ms, place] = bars.close[first:last]
            found = True
    return mark if found else None


# ---------------------------------------------------------------- quality


def _findings(
    item: _Base,
    instrument: Instrument,
    hours: Bars | None,
    window: tuple[int, int],
    step_ms: int,
) -> list[Finding]:
    """What is wrong with an instrument's bars inside its window; what is wrong with the file counts too."""
    first, last = np.searchsorted(item.bars.ts_ms, window)
    inside = take(item.bars, slice(int(first), int(last)))
    found = [*item.findings, *check_bars(inside, step_ms, tick=float(instrument.tick))]
    found += _edge_gaps(inside, window, step_ms)
    if hours is not None and step_ms < HOUR_MS:
        slip = check_shift(inside, step_ms, hours, HOUR_MS)
        found += [slip] if slip is not None else []
    return found


def _edge_gaps(inside: Bars, window: tuple[int, int], step_ms: int) -> list[Finding]:
    """Bars missing at the ends of the window, which no difference between neighbours shows."""
    expected = (window[1] - window[0]) // step_ms
    spanned = (int(inside.ts_ms[-1] - inside.ts_ms[0]) // step_ms + 1) if len(inside) else 0
    missing = expected - spanned
    if missing == 0:
        return []
    caps = gap_cap(missing, missing, expected)
    return [Finding(Kind.GAP, missing, window[:1], caps, f"{missing} bars are missing at the window's ends")]


def _announce(symbol: str, findings: list[Finding], tell: Notice) -> None:
    for finding in findings:
        if finding.caps > "A":
            tell(
                f"{symbol}: {finding.detail} ({', '.join([finding.kind, *_found(finding)])}; grade {finding.caps})"
            )


def _found(finding: Finding) -> list[str]:
    """Number (unless its sentence has it already) and first time of a finding."""
    count = [] if finding.detail.startswith(f"{finding.count} ") else [str(finding.count)]
    return [*count, *(f"first at {moment(ts_ms)} UTC" for ts_ms in finding.first_ts_ms[:1])]


def _refuse_worse(
    symbol: str, findings: list[Finding], grade: str, settings: Settings | None, source: Source
) -> None:
    if settings is None or grade <= settings.data.worst_grade:
        return
    worst_found = max(findings, key=lambda finding: finding.caps)
    absent = worst_found.kind in (Kind.GAP, Kind.FUNDING_GAP, Kind.FUNDING_NONE)
    raise DataError(
        f"{symbol} is graded {grade}, worse than data.worst_grade = {settings.data.worst_grade}",
        why=f"{worst_found.kind}: {worst_found.detail} ({', '.join(_found(worst_found))})",
        where=str(source.folder),
        hint=f"choose --from and --to beside it, leave {symbol} out with --instruments, "
        f"or trade it as it is: --set data.worst_grade={grade}"
        if absent
        else "mastertrading data check --data DIR, or import it, which quarantines bad bars: "
        "mastertrading data import DIR --data LAKE",
    )
