"""``data import``: files of any known layout into a lake."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.commands.data.common import add_lake
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common

if TYPE_CHECKING:
    from mastertrading.lake.importers import Imported

PAUSE_S, PATIENCE_S = 0.05, 60.0
"""How often, and how long, to look whether another import into the same venue is done."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="FILE", help=tr("files or folders to import")
    )
    parser.add_argument("--symbol", metavar="BTCUSDT", help=tr("instrument of files that don't say"))
    parser.add_argument("--timeframe", metavar="1m", help=tr("timeframe of files that don't say"))
    add_lake(parser, "--data", tr("the lake to import into (default: lake)"))
    add_common(parser, "venue", "instruments", "json")


def run(args: argparse.Namespace) -> int:
    """Import, and tell what came of it."""
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
