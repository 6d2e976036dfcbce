"""``data import|check|list|synth``: market data into a lake, its quality, what is there, and made markets."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, natural, resolved_settings

if TYPE_CHECKING:
    from mastertrading.lake.importers import Imported
    from mastertrading.lake.report import Report
    from mastertrading.lake.source import Source

SUMMARY = "import, check, list or synthesise market data"
LAKE = Path("lake")
PAUSE_S, PATIENCE_S = 0.05, 60.0
"""How often, and how long, to look whether another import into the same venue is done."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the four actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    importing = actions.add_parser("import", help=tr("files of any known layout into a lake"))
    importing.add_argument(
        "sources", nargs="+", type=Path, metavar="FILE", help=tr("files or folders to import")
    )
    importing.add_argument("--symbol", metavar="BTCUSDT", help=tr("instrument of files that don't say"))
    importing.add_argument("--timeframe", metavar="1m", help=tr("timeframe of files that don't say"))
    _add_lake(importing, "--data", tr("the lake to import into (default: lake)"))
    add_common(importing, "venue", "instruments", "json")
    check = actions.add_parser("check", help=tr("grade every series and tell what is wrong with it"))
    _add_lake(check, "--data", tr("a lake, or a folder of recorded files (default: lake)"))
    add_common(check, "venue", "instruments", "config", "json")
    listing = actions.add_parser("list", help=tr("what is there"))
    _add_lake(listing, "--data", tr("a lake, or a folder of recorded files (default: lake)"))
    add_common(listing, "venue", "instruments", "json")
    synth = actions.add_parser("synth", help=tr("make a market from a seed and write it as a lake"))
    synth.add_argument("--days", type=float, default=30.0, metavar="N", help=tr("length (default 30)"))
    synth.add_argument(
        "--base",
        dest="base_minutes",
        type=natural,
        default=1,
        metavar="MINUTES",
        help=tr("length of a bar (default 1)"),
    )
    _add_lake(synth, "--out", tr("the lake to write (default: lake); series that are there are replaced"))
    add_common(synth, "instruments", "config", "seed", "json")


def _add_lake(parser: argparse.ArgumentParser, option: str, text: str) -> None:
    parser.add_argument(option, type=Path, default=LAKE, metavar="DIR", help=text)


def run(args: argparse.Namespace) -> int:
    """Do the action."""
    return {"import": _import, "check": _check, "list": _list, "synth": _synth}[args.action](args)


# ---------------------------------------------------------------- import


def _import(args: argparse.Namespace) -> int:
    from mastertrading.app.terminal import err
    from mastertrading.lake.importers import assumes_venue, import_files
    from mastertrading.lake.store import DEFAULT_VENUE

    lake = args.data
    console = err(quiet=args.json)
    imported = import_files(
        args.sources,
        lake,
        venue=args.venue,
        symbol=args.symbol,
        timeframe=args.timeframe,
        only=args.instruments,
        progress=lambda name: console.print(tr("reading {name}").format(name=name), markup=False),
        wait=patience(),
    )
    if args.venue is None and assumes_venue(args.sources):
        sentence = tr("no venue was named: {venue} is assumed (--venue NAME says another)")
        console.print(sentence.format(venue=DEFAULT_VENUE), markup=False)
    if args.json:
        print(json.dumps({"lake": str(lake), "series": [_imported_row(item) for item in imported]}, indent=2))
    else:
        _print_imported(imported, lake)
    return 0


def patience() -> Callable[[], bool]:
    """A pause that says for a minute that it is worth trying again."""
    until = time.monotonic() + PATIENCE_S

    def wait() -> bool:
        time.sleep(PAUSE_S)
        return time.monotonic() < until

    return wait


def _imported_row(item: Imported) -> dict[str, Any]:
    added = item.added
    return {
        "venue": item.venue,
        "symbol": item.series.symbol,
        "series": item.series.label,
        "files": item.files,
        "rows_added": added.rows,
        "duplicates": added.duplicates,
        "conflicts": added.conflicts,
        "quarantined": added.quarantined,
    }


def _print_imported(imported: list[Imported], lake: Path) -> None:
    from mastertrading.app.terminal import out, table

    names = ("venue", "instrument", "series", "files", "added", "duplicates", "conflicts", "quarantined")
    shown = table(f"{tr('imported into')} {lake}", *map(tr, names), numbers=(3, 4, 5, 6, 7))
    for item in imported:
        values = _imported_row(item).values()
        shown.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in values))
    out().print(shown)


# ---------------------------------------------------------------- check and list


def _opened(args: argparse.Namespace) -> Source:
    """The data to look at; says which venue it is where there are several."""
    from mastertrading.app.terminal import err
    from mastertrading.lake.source import open_source, told_venue

    source = open_source(args.data, args.venue)
    if choice := told_venue(source, args.data, args.venue):
        err(quiet=args.json).print(choice, markup=False)
    return source


def _check(args: argparse.Namespace) -> int:
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


def _list(args: argparse.Namespace) -> int:
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


# ---------------------------------------------------------------- synth


def _synth(args: argparse.Namespace) -> int:
    from mastertrading.lake.source import venues_of
    from mastertrading.lake.synthetic import VENUE, write_synthetic
    from mastertrading.lake.universe import DEFAULT_SYMBOLS

    seed = resolved_settings(args).settings.seed
    folder = args.out
    replaced = folder.is_dir() and VENUE in venues_of(folder)
    market = write_synthetic(
        folder, args.instruments or DEFAULT_SYMBOLS, args.days, seed, base_minutes=args.base_minutes
    )
    facts = {
        "lake": str(folder),
        "venue": VENUE,
        "seed": seed,
        "instruments": list(market.symbols),
        "bars": len(market.ts_ms),
        "first_ms": int(market.ts_ms[0]),
        "last_ms": int(market.ts_ms[-1]),
        "data_id": market.data_id,
        "replaced": replaced,
    }
    if args.json:
        print(json.dumps(facts, indent=2))
    else:
        sentence = tr("{bars:,} bars of {count} instruments from seed {seed} are in {lake}/{venue}")
        print(sentence.format(count=len(market.symbols), **facts))
        if replaced:
            print(tr("series of these instruments that were there are replaced"))
    return 0
