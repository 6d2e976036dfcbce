"""``backtest``: trade recorded or synthetic bars, print the tables, write the run's folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.commands.warm import compile_if_needed
from mastertrading.app.messages import tr
from mastertrading.app.options import (
    SYNTHETIC_DAYS,
    add_common,
    check_source,
    check_window,
    chosen_instruments,
    resolved_settings,
    source_name,
)
from mastertrading.app.own_signal import add_signal, signal_asked
from mastertrading.app.terminal import err, out, progress
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.app.backtest import Wanted
    from mastertrading.backtest.statistics import Statistics

SUMMARY = "trade recorded or synthetic bars and report the result"
RUNS = Path("runs")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "data", "venue", "instruments", "window", "config", "seed", "out", "json", "synthetic")
    parser.add_argument(
        "--signals",
        type=Path,
        metavar="FILE",
        help="your own forecasts (ts, instrument, forecast) in place of the four modules",
    )
    add_signal(parser)
    parser.add_argument(
        "--one-path", action="store_true", help="skip the best and worst path inside a bar (faster)"
    )
    parser.add_argument("--no-files", action="store_true", help="print only, write no folder")
    parser.add_argument("--no-report", action="store_true", help="write no report.html into the folder")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    _check(args)
    resolved = resolved_settings(args)
    signal = signal_asked(args)
    remarks = err(quiet=args.json)
    from mastertrading.research.keeping import keep_memory

    keep_memory()
    compile_if_needed(quiet=args.json)
    from mastertrading.app.backtest import Wanted, backtest

    wanted = Wanted(
        instruments=chosen_instruments(args, resolved),
        data=args.data,
        venue=args.venue,
        days=args.days or SYNTHETIC_DAYS,
        from_ms=args.from_ms,
        to_ms=args.to_ms,
        signals=args.signals,
        signal=signal,
        out=None if args.no_files else args.out or RUNS / source_name(args),
        all_paths=not args.one_path,
        report=not args.no_report,
    )
    replaced = wanted.out is not None and (wanted.out / "summary.json").is_file()
    with progress(tr("replaying"), 1000, quiet=args.json, console=remarks) as advance:
        _, measured = backtest(
            wanted,
            resolved.settings,
            notice=lambda sentence: remarks.print(tr(sentence), style="dim", markup=False),
            on_progress=lambda done, total: advance(1000 * done // total),
        )
    _show(args, wanted, measured)
    if replaced and not args.json:
        out().print(tr("the run that was there is replaced"))
    return 0


def _check(args: argparse.Namespace) -> None:
    check_window(args)
    check_source(args, "mastertrading backtest --synthetic")
    if args.signal is not None and args.signals is not None:
        why = tr("--signal is a function that makes forecasts, --signals a file that holds them")
        raise UsageError(
            tr("choose one of --signal and --signals"), why=why, hint=tr("leave one of them out")
        )


def _show(args: argparse.Namespace, wanted: Wanted, measured: Statistics) -> None:
    if args.json:
        signal = {} if wanted.signal is None else {"signal": wanted.signal.as_dict()}
        answer = {"folder": str(wanted.out) if wanted.out else None, **signal, **measured.as_dict()}
        print(json.dumps(answer, indent=2))
        return
    from mastertrading.backtest.terminal import render_report

    console = out()
    if wanted.signal is not None:
        console.print(tr("forecasts of {signal}").format(signal=wanted.signal), markup=False)
    console.print(render_report(measured, min(console.width, 160), tr))
    if wanted.out:
        console.print(tr("results are in {folder}").format(folder=wanted.out))
