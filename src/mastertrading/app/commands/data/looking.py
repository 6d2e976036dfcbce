"""``data check`` and ``data list``: what is there, and how good it is."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from mastertrading.app.commands.data.common import add_lake
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, resolved_settings
from mastertrading.domain.errors import DataMissing, ValidationFailed

if TYPE_CHECKING:
    from mastertrading.lake.report import Report
    from mastertrading.lake.source import Source


REFUSED = ValidationFailed.exit_code
MINUTE_MS = 60_000


def configure_check(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``data check``."""
    add_lake(parser, "--data", tr("a lake, or a folder of recorded files (default: lake)"))
    add_common(parser, "venue", "instruments", "config", "json")


def configure_list(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``data list``."""
    add_lake(parser, "--data", tr("a lake, or a folder of recorded files (default: lake)"))
    add_common(parser, "venue", "instruments", "json")


def _opened(args: argparse.Namespace) -> Source:
    """The data to look at; says which venue it is where there are several."""
    from mastertrading.app.terminal import err
    from mastertrading.lake.source import open_source, told_venue

    source = open_source(args.data, args.venue)
    if choice := told_venue(source, args.data, args.venue):
        err(quiet=args.json).print(choice, markup=False)
    return source


def check(args: argparse.Namespace) -> int:
    """Grade each series; exit code 4 if one is worse than ``data.worst_grade``."""
    from mastertrading.lake.report import examine

    limit = resolved_settings(args).settings.data.worst_grade
    source = _opened(args)
    reports = examine(source, args.instruments)
    if not reports:
        raise _nothing(args)
    if args.json:
        content = {
            "venue": source.name,
            "worst_grade": limit,
            "grade": max((report.grade for report in reports), default="A"),
            "series": [_report_row(report) for report in reports],
        }
        print(json.dumps(content, indent=2))
    else:
        _print_reports(reports, source.name)
    return REFUSED if any(report.grade > limit for report in reports) else 0


def _report_row(report: Report) -> dict[str, Any]:
    return {
        "symbol": report.series.symbol,
        "series": report.series.label,
        "rows": report.rows,
        "unusable": report.quarantined,
        "first_ms": report.first_ms,
        "last_ms": report.last_ms,
        "grade": report.grade,
        "findings": [
            {
                "kind": str(finding.kind),
                "count": finding.count,
                "caps_grade_at": finding.caps,
                "first_ms": list(finding.first_ts_ms),
                "detail": finding.detail,
            }
            for finding in report.findings
        ],
    }


def _print_reports(reports: list[Report], venue: str) -> None:
    from mastertrading.app.terminal import out, table
    from mastertrading.lake.names import moment

    names = ("instrument", "series", "rows", "unusable", "from", "to", "grade")
    shown = table(f"{tr('market data of')} {venue}", *map(tr, names), numbers=(2, 3))
    for report in reports:
        window = (
            "" if ts is None else moment(ts // MINUTE_MS * MINUTE_MS)
            for ts in (report.first_ms, report.last_ms)
        )
        counts = (f"{report.rows:,}", f"{report.quarantined:,}")
        shown.add_row(report.series.symbol, report.series.label, *counts, *window, report.grade)
    console = out()
    console.print(shown)
    for report in reports:
        for finding in report.findings:
            first = f" ({moment(finding.first_ts_ms[0])})" if finding.first_ts_ms else ""
            told = f"{finding.caps} {finding.kind} ×{finding.count:,}: {finding.detail}{first}"
            console.print(f"{report.series}: {told}", markup=False)


def listing(args: argparse.Namespace) -> int:
    """Name each series of each venue."""
    from mastertrading.lake.source import open_source, venues_of

    names = [args.venue] if args.venue else venues_of(args.data) if args.data.is_dir() else []
    sources = [open_source(args.data, name) for name in names] or [open_source(args.data, args.venue)]
    rows = [row for source in sources for row in _listed(source, args.instruments)]
    if not rows:
        raise _nothing(args)
    if args.json:
        venue = sources[0].name if len(sources) == 1 else None
        folder = str(sources[0].folder if len(sources) == 1 else args.data)
        print(json.dumps({"venue": venue, "folder": folder, "series": rows}, indent=2))
    else:
        for source in sources:
            _print_listed(source, [row for row in rows if row["venue"] == source.name])
    return 0


def _listed(source: Source, instruments: tuple[str, ...] | None) -> list[dict[str, Any]]:
    """Rows and window of each series, with the grade, the size and the source where the lake notes them."""
    from mastertrading.lake.report import spans
    from mastertrading.lake.store import Venue

    listed = []
    for series, count, first, last in spans(source, instruments):
        noted = source.noted(series) if isinstance(source, Venue) else {}
        size = source.path(series).stat().st_size if isinstance(source, Venue) else None
        row = {"venue": source.name, "symbol": series.symbol, "series": series.label, "rows": count}
        row |= {"first_ms": first, "last_ms": last, "bytes": size}
        listed.append(row | {"grade": noted.get("grade"), "source": noted.get("source", [])})
    return listed


def _print_listed(source: Source, rows: list[dict[str, Any]]) -> None:
    from mastertrading.app.terminal import out, table
    from mastertrading.lake.names import moment

    if not rows:
        return
    names = ("instrument", "series", "rows", "from", "to", "grade", "kB", "source")
    shown = table(f"{source.name} ({source.folder})", *map(tr, names), numbers=(2, 6))
    for row in rows:
        window = (
            "" if ts is None else moment(ts // MINUTE_MS * MINUTE_MS)
            for ts in (row["first_ms"], row["last_ms"])
        )
        size = "" if row["bytes"] is None else f"{row['bytes'] / 1000:,.0f}"
        facts = (row["grade"] or "", size, ", ".join(row["source"]))
        shown.add_row(row["symbol"], row["series"], f"{row['rows']:,}", *window, *facts)
    out().print(shown)


def _nothing(args: argparse.Namespace) -> DataMissing:
    return DataMissing(
        tr("there is nothing of {names}").format(names=", ".join(args.instruments or ())),
        where=str(args.data),
        hint=f"mastertrading data list --data {args.data}",
    )
