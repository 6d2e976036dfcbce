"""``diff RUN_A RUN_B``: the first minute at which two runs part, and its cause."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import out

SUMMARY = "where two runs part first, and why; exit code 4 where they differ"
DIFFERENT = 4
WIDEST = 120


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("run_a", type=Path, metavar="RUN_A", help=tr("folder of a run"))
    parser.add_argument("run_b", type=Path, metavar="RUN_B", help=tr("folder of another"))
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Compare them: 0 where decisions and trades are the same, 4 where they are not (ADR 0015)."""
    from mastertrading.backtest.difference import compare
    from mastertrading.backtest.difference_text import render_difference, verdict
    from mastertrading.backtest.explain_run import open_run

    found = compare(open_run(args.run_a), open_run(args.run_b))
    if args.json:
        print(json.dumps({"answer": verdict(found), **found.as_dict()}, indent=2, ensure_ascii=False))
    else:
        console = out()
        console.print(render_difference(found, min(console.width, WIDEST), tr))
    return 0 if found.same else DIFFERENT
