"""``data check`` and ``data list``: what is there, and how good it is."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from mastertrading.app.commands.data.common import add_lake
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, resolved_settings

if TYPE_CHECKING:
    from mastertrading.lake.report import Report
    from mastertrading.lake.source import Source


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
    return 1 if any(report.grade > limit for report in reports) else 0


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
        window = ("" if ts is None else moment(ts) for ts in (report.first_ms, report.last_ms))
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
    """Name each series."""
    from mastertrading.app.terminal import out, table
    from mastertrading.lake.names import moment
    from mastertrading.lake.report import spans

    source = _opened(args)
    rows = spans(source, args.instruments)
    if args.json:
        listed = [
            {"symbol": s.symbol, "series": s.label, "rows": count, "first_ms": first, "last_ms": last}
            for s, count, first, last in rows
        ]
        print(json.dumps({"venue": source.name, "folder": str(source.folder), "series": listed}, indent=2))
        return 0
    shown = table(
        f"{source.name} ({source.folder})",
        *map(tr, ("instrument", "series", "rows", "from", "to")),
        numbers=(2,),
    )
    for series, count, first, last in rows:
        window = ("" if ts is None else moment(ts) for ts in (first, last))
        shown.add_row(series.symbol, series.label, f"{count:,}", *window)
    out().print(shown)
    return 0
