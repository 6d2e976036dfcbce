"""``report``: make the HTML report of a run anew."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, number
from mastertrading.app.terminal import err, out
from mastertrading.domain.errors import UsageError

SUMMARY = "make the HTML report of a run anew"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run")
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where the run's bars are, for candles and the market's curve (may be given several times)",
    )
    parser.add_argument(
        "--days", type=number, metavar="N", help="length of the synthetic market, where --to cut the run"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write here (default RUN/report.html)")
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    if args.days is not None and args.data:
        raise UsageError(tr("--days is the length of a synthetic market"), hint=tr("leave one of them out"))
    if args.days is not None and not 0.1 <= args.days <= 3660:
        raise UsageError(tr("--days must be between 0.1 and 3660"))
    from mastertrading.app.report import report

    remarks = err(quiet=args.json)
    made = report(
        args.run,
        data=args.data,
        days=args.days,
        out=args.out,
        notice=lambda sentence: remarks.print(tr(sentence), style="dim", markup=False),
    )
    size = made.path.stat().st_size
    if args.json:
        print(json.dumps({"report": str(made.path), "bytes": size, "with_bars": made.with_bars}))
    else:
        told = tr("the report is in {file} ({size} kB)").format(file=made.path, size=f"{size / 1000:,.0f}")
        out().print(told, markup=False)
    if args.open:
        import webbrowser

        if not webbrowser.open(made.path.resolve().as_uri()):
            remarks.print(tr("no browser could be opened here; open the file yourself"), markup=False)
    return 0
