"""The quality report: every series of a source, graded, with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import HOUR_MS, I64, Bars
from mastertrading.lake.names import SeriesId, timeframe_ms
from mastertrading.lake.open_interest import check_open_interest, usable
from mastertrading.lake.quality import (
    Cleaned,
    Finding,
    check_bars,
    check_funding,
    check_shift,
    clean,
    grade_of,
    no_charges,
)
from mastertrading.lake.source import Source
from mastertrading.lake.universe import resolve_instrument

COARSE = "1h"


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of one series.

    Attributes
    ----------
    rows
        Usable rows.
    quarantined
        Rows that can't be used.
    first_ms, last_ms
        First and last time; None if there is no usable row.
    grade
        A to D, the worst cap of the findings.
    """

    series: SeriesId
    rows: int
    quarantined: int
    first_ms: int | None
    last_ms: int | None
    grade: str
    findings: tuple[Finding, ...]


def examine(source: Source, symbols: Sequence[str] | None = None) -> list[Report]:
    """Grade each series over its whole length, by instrument.

    Series of bars are also compared with the 1 h bars of the same instrument, which shows a timezone slip.

    Raises
    ------
    DataUnreadable
        If a file is damaged.
    """
    listed = source.instruments()
    chosen = [series for series in source.series() if symbols is None or series.symbol in symbols]
    hours: dict[str, Bars] = {}
    reports = []
    for series in sorted(chosen, key=lambda s: (s.symbol, s.kind != "bars", -_length(s))):
        if series.kind == "funding":
            reports.append(_funding_report(source, series))
            continue
        if series.kind == "open-interest":
            reports.append(_open_interest_report(source, series))
            continue
        cleaned = clean(source.read_bars(series), _length(series))
        if series.kind == "bars" and series.timeframe == COARSE:
            hours[series.symbol] = cleaned.bars
        reports.append(_bars_report(series, cleaned, listed, hours.get(series.symbol)))
    return _with_absent_funding(reports)


def _with_absent_funding(reports: list[Report]) -> list[Report]:
    """Tell of instruments whose funding is not recorded, as a run would, below their other series."""
    funded = {report.series.symbol for report in reports if report.series.kind == "funding"}
    barred = {report.series.symbol for report in reports if report.series.kind == "bars"}
    none = no_charges()
    findings = check_funding(none.ts_ms, none.rate)
    absent = [_report(SeriesId("funding", s), none.ts_ms, 0, findings) for s in sorted(barred - funded)]
    return sorted([*reports, *absent], key=lambda report: report.series.symbol)


def _length(series: SeriesId) -> int:
    return timeframe_ms(series.timeframe) if series.timeframe else 0


def _bars_report(
    series: SeriesId, cleaned: Cleaned, listed: Mapping[str, Instrument], hours: Bars | None
) -> Report:
    bars, step_ms = cleaned.bars, _length(series)
    traded = series.kind == "bars"
    tick = float(resolve_instrument(series.symbol, bars=bars, listed=listed).tick) if traded else None
    findings = [*cleaned.findings, *check_bars(bars, step_ms, tick=tick, still=traded, parts=True)]
    if hours is not None and step_ms != HOUR_MS and traded:
        slip = check_shift(bars, step_ms, hours, HOUR_MS)
        findings += [slip] if slip is not None else []
    return _report(series, bars.ts_ms, len(cleaned.quarantined), findings)


def _funding_report(source: Source, series: SeriesId) -> Report:
    charges = source.read_funding(series.symbol)
    findings = check_funding(charges.ts_ms, charges.rate)
    return _report(series, charges.ts_ms, 0, findings)


def _open_interest_report(source: Source, series: SeriesId) -> Report:
    rows = source.read_open_interest(series)
    unusable = int((~usable(rows)).sum())
    findings = check_open_interest(rows, _length(series))
    return replace(_report(series, rows.ts_ms, unusable, findings), rows=len(rows) - unusable)


def _report(series: SeriesId, ts_ms: I64, quarantined: int, findings: list[Finding]) -> Report:
    first, last = (int(ts_ms[0]), int(ts_ms[-1])) if len(ts_ms) else (None, None)
    return Report(series, len(ts_ms), quarantined, first, last, grade_of(findings), tuple(findings))


def spans(
    source: Source, symbols: Sequence[str] | None = None
) -> list[tuple[SeriesId, int, int | None, int | None]]:
    """Rows, first and last time of each series."""
    chosen = [series for series in source.series() if symbols is None or series.symbol in symbols]
    return [(series, *_span(source, series)) for series in sorted(chosen, key=lambda s: (s.symbol, s.folder))]


def _span(source: Source, series: SeriesId) -> tuple[int, int | None, int | None]:
    if series.kind == "funding":
        ts_ms = source.read_funding(series.symbol).ts_ms
    elif series.kind == "open-interest":
        ts_ms = source.read_open_interest(series).ts_ms
    else:
        ts_ms = source.read_bars(series).ts_ms
    return (len(ts_ms), int(ts_ms.min()), int(ts_ms.max())) if len(ts_ms) else (0, None, None)
