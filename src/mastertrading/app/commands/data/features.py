"""``data features``: recorded order-book and trade frames into features of bars, beside the candles of a lake."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.commands.data.common import add_lake
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common

if TYPE_CHECKING:
    from mastertrading.lake.micro import MicroSeries, Stored

HARMLESS = ("lines", "depth", "quote", "trade", "snapshot", "interest")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "raw", nargs="+", type=Path, metavar="RAW", help=tr("recordings of one instrument (gzip or plain)")
    )
    parser.add_argument(
        "--symbol", metavar="BTCUSDT", help=tr("the instrument (default: of the first frame)")
    )
    parser.add_argument("--timeframe", default="1m", metavar="1m", help=tr("length of a bar (default 1m)"))
    add_lake(parser, "--out", tr("the lake to write into (default: lake)"))
    add_common(parser, "venue", "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from mastertrading.app.commands.data.importing import patience
    from mastertrading.app.terminal import err
    from mastertrading.lake.micro import build, recordings, store
    from mastertrading.lake.store import DEFAULT_VENUE

    console = err(quiet=args.json)
    series = build(
        args.raw,
        timeframe=args.timeframe,
        symbol=args.symbol,
        progress=lambda name: console.print(tr("reading {name}").format(name=name), markup=False),
    )
    venue = args.venue or DEFAULT_VENUE
    stored = store(args.out, venue, series, [path.name for path in recordings(args.raw)], patience())
    if args.json:
        print(json.dumps(_facts(series, stored, venue), indent=2))
    else:
        _print(series, stored)
    return 0


def _facts(series: MicroSeries, stored: Stored, venue: str) -> dict[str, Any]:
    return {
        "file": str(stored.path),
        "venue": venue,
        "symbol": series.symbol,
        "timeframe": series.timeframe,
        "bars": len(series.ts_ms),
        "added": stored.added,
        "replaced": stored.replaced,
        "rows": stored.rows,
        "sha256": stored.sha256,
        "counts": dict(sorted(series.counts.items())),
        "unknown": dict(sorted(series.unknown.items())),
    }


def _print(series: MicroSeries, stored: Stored) -> None:
    from mastertrading.app.terminal import out, table
    from mastertrading.lake.micro import WHOLE_BAR
    from mastertrading.lake.names import moment

    whole = int((series.columns["coverage"] >= WHOLE_BAR).sum())
    facts = {
        "bars": f"{len(series.ts_ms):,}",
        "whole": f"{whole:,}",
        "symbol": series.symbol,
        "timeframe": series.timeframe,
        "first": moment(int(series.ts_ms[0])),
        "last": moment(int(series.ts_ms[-1])),
    }
    sentence = tr(
        "{bars} bars of {symbol} {timeframe} from {first} to {last} UTC; {whole} were recorded whole"
    )
    console = out()
    console.print(sentence.format(**facts), markup=False)
    sentence = tr("{added} rows are new, {replaced} saw more than the stored ones; {rows} rows are in {path}")
    numbers = {"added": stored.added, "replaced": stored.replaced, "rows": stored.rows}
    console.print(sentence.format(**numbers, path=stored.path), markup=False)
    counted = {**series.counts, **{f"{tr('unknown type')} {name}": n for name, n in series.unknown.items()}}
    shown = table("", tr("what was read"), tr("count"), numbers=(1,))
    for name in HARMLESS:
        if counted.get(name):
            shown.add_row(name.replace("_", " "), f"{counted.pop(name):,}")
    for name, count in sorted(counted.items()):
        if count:
            shown.add_row(name.replace("_", " "), f"{count:,}")
    console.print(shown)
