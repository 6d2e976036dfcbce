"""``sweep``: many parameter sets over one market, ranked; ``sweep show DIR`` looks at one again."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from datetime import UTC, datetime
from difflib import get_close_matches
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
    natural,
    resolved_settings,
    source_name,
)
from mastertrading.app.own_signal import add_signal, signal_asked
from mastertrading.app.terminal import err, out, progress
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.app.sweep import Finished, SweepWanted

SUMMARY = "try many parameter sets over one market and rank them"
SWEEPS = Path("sweeps")
MOST_WORKERS = 256


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("words", nargs="*", metavar="show DIR", help=tr("look at a sweep made before"))
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help=tr("a parameter of the signal or a setting: 5:50:5, 20,50,100 or 0.001:0.1:log:5 (repeat it)"),
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help=tr('only combinations that fulfil it, as in "fast < slow" (may be repeated)'),
    )
    parser.add_argument(
        "--random", type=natural, metavar="N", help=tr("try N of the combinations, drawn by the seed")
    )
    parser.add_argument(
        "--objective",
        metavar="NAME",
        help=tr("rank by net (default), return, sharpe, return_over_drawdown, …"),
    )
    parser.add_argument(
        "--top", type=natural, default=10, metavar="N", help=tr("show the best N (default 10)")
    )
    parser.add_argument(
        "--workers", type=natural, metavar="N", help=tr("cases at a time (default: one a core)")
    )
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help=tr("refuse to need more than this, as in 800M (default: half of what is free)"),
    )
    parser.add_argument("--resume", action="store_true", help=tr("go on with the sweep in --out"))
    parser.add_argument("--cache", type=Path, metavar="DIR", help=tr("keep forecasts there for later sweeps"))
    add_signal(parser)
    add_common(parser, "data", "venue", "instruments", "window", "config", "seed", "out", "json", "synthetic")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    if args.words:
        return _show_earlier(args)
    _check(args)
    resolved = resolved_settings(args)
    wanted = _wanted(args, resolved_instruments=chosen_instruments(args, resolved))
    remarks = err(quiet=args.json)
    from mastertrading.research.keeping import keep_memory

    keep_memory()
    compile_if_needed(quiet=args.json)
    from mastertrading.app.sweep import run_sweep
    from mastertrading.app.sweep_tables import plan_sentence
    from mastertrading.research.memory import Plan, mib

    def tell(plan: Plan, cases: int, done: int) -> None:
        for sentence in plan_sentence(mib(plan.needed), mib(plan.limit), cases, done, wanted.workers):
            remarks.print(sentence, style="dim", markup=False)

    try:
        with progress(tr("sweeping"), 1_000_000, quiet=args.json, console=remarks, eta=True) as advance:
            finished = run_sweep(
                wanted,
                resolved.settings,
                notice=lambda sentence: remarks.print(tr(sentence), style="dim", markup=False),
                on_plan=tell,
                on_progress=lambda done, total: advance(1_000_000 * done // max(total, 1)),
                on_leaving=lambda running: remarks.print(
                    tr("waiting for the cases that run ({running}); stop once more not to wait").format(
                        running=running
                    ),
                    markup=False,
                ),
            )
    except KeyboardInterrupt as wish:
        if (wanted.folder / "results.jsonl").is_file():
            sentence = tr("what is done is kept; the same command with --out {folder} --resume goes on")
            remarks.print(sentence.format(folder=wanted.folder), markup=False)
        _leave_threads(wish)
        raise
    return _tell(finished, args.json)


def _leave_threads(wish: KeyboardInterrupt) -> None:
    """End the process where a signal still runs after a second wish to stop: a thread cannot be ended alone."""
    if any(thread.name.startswith("sweep") for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(getattr(wish, "exit_code", 130))


def _show_earlier(args: argparse.Namespace) -> int:
    if len(args.words) != 2 or args.words[0] != "show":
        near = get_close_matches(args.words[0], ["show"], n=1)
        raise UsageError(
            tr("{words!r} is not understood").format(words=" ".join(args.words)),
            why=tr("the only word that may stand there is show, with the folder of a sweep")
            if not near
            else "",
            hint="mastertrading sweep show DIR",
        )
    if args.vary or args.data or args.synthetic:
        raise UsageError(
            tr("sweep show looks at a sweep that was made before"), hint=tr("leave the other options out")
        )
    from mastertrading.app.sweep import show_sweep

    _check_objective(args)
    return _tell(show_sweep(Path(args.words[1]), args.objective, args.top), args.json)


def _tell(finished: Finished, as_json_text: bool) -> int:
    """Print the ranking; 1 if not one case could be run."""
    from mastertrading.app.sweep_tables import as_json, ranking_table, remarks, winner_line
    from mastertrading.backtest.terminal import render_table

    hopeless = finished.ranking.cases > 0 and finished.ranking.failed == finished.ranking.cases
    if as_json_text:
        print(json.dumps(as_json(finished), indent=2))
        return int(hopeless)
    console = out()
    if finished.ranking.best:
        console.print(render_table(ranking_table(finished), min(console.width, 160)))
    for sentence in remarks(finished):
        console.print(sentence, markup=False)
    if line := winner_line(finished):
        console.print(line, markup=False, soft_wrap=True)  # unbroken, to be copied
    console.print(tr("all cases are in {folder}").format(folder=finished.folder), markup=False)
    return int(hopeless)


def _check(args: argparse.Namespace) -> None:
    check_window(args)
    check_source(args, "mastertrading sweep --synthetic --vary risk.per_trade=0.001,0.002,0.004")
    if not args.vary:
        raise UsageError(
            tr("say what to vary: --vary NAME=VALUES"), hint="--vary risk.per_trade=0.001,0.002,0.004"
        )
    if args.workers is not None and not 1 <= args.workers <= MOST_WORKERS:
        raise UsageError(tr("--workers must be between 1 and {most}").format(most=MOST_WORKERS))
    if args.random == 0 or args.top == 0:
        raise UsageError(
            tr("{option} must be at least 1").format(option="--top" if args.top == 0 else "--random")
        )
    if args.resume and args.out is None:
        raise UsageError(tr("--resume needs the folder of the sweep: --out DIR"))
    _check_objective(args)


def _check_objective(args: argparse.Namespace) -> None:
    from mastertrading.research.figures import OBJECTIVES

    if args.objective is None or args.objective in OBJECTIVES:
        return
    near = get_close_matches(args.objective, OBJECTIVES, n=1)
    raise UsageError(
        tr("there is no objective {name!r}").format(name=args.objective),
        why=tr("did you mean {meant}?").format(meant=near[0]) if near else ", ".join(OBJECTIVES),
        where="--objective",
    )


def _wanted(args: argparse.Namespace, resolved_instruments: tuple[str, ...]) -> SweepWanted:
    from mastertrading.app.backtest import Wanted
    from mastertrading.app.sweep import SweepWanted, usable_cores
    from mastertrading.research.memory import parse_memory
    from mastertrading.research.parameters import read_options

    base = Wanted(
        instruments=resolved_instruments,
        data=args.data,
        venue=args.venue,
        days=args.days or SYNTHETIC_DAYS,
        from_ms=args.from_ms,
        to_ms=args.to_ms,
        signal=signal_asked(args),
        all_paths=False,
    )
    return SweepWanted(
        base=base,
        vary=args.vary,
        where=args.where,
        given=tuple(read_options(args.params)),
        sample=args.random,
        workers=args.workers or usable_cores(),
        memory=None if args.memory is None else parse_memory(args.memory),
        resume=args.resume,
        cache=args.cache,
        folder=args.out or SWEEPS / source_name(args),
        objective=args.objective or "net",
        top=args.top,
        command=_backtest_words(args),
    )


def _backtest_words(args: argparse.Namespace) -> list[str]:
    """The words of the backtest that all cases vary."""
    words = ["mastertrading", "backtest"]
    words += ["--synthetic"] if args.synthetic else ["--data", str(args.data)]
    if args.synthetic and args.days:
        words += ["--days", f"{args.days:g}"]
    for option in ("venue", "config", "seed", "signal"):
        if getattr(args, option) is not None:
            words += [f"--{option}", str(getattr(args, option))]
    if args.instruments is not None:
        words += ["--instruments", ",".join(args.instruments)]
    for option, ms in (("--from", args.from_ms), ("--to", args.to_ms)):
        if ms is not None:
            words += [option, datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")]
    for text in args.params:
        words += ["--param", text]
    for text in args.overrides:
        words += ["--set", text]
    return words
