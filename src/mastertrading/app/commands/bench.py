"""``bench``: how fast it is on this machine, beside a flat loop that makes the very same trades."""

from __future__ import annotations

import argparse
import json
import os
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mastertrading.app.commands.warm import WARM, compile_if_needed
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, natural
from mastertrading.app.terminal import err, progress
from mastertrading.domain.errors import DataMissing, UsageError

SUMMARY = "measure how fast it is, beside a flat loop that makes the very same trades"
RUNS, FEWEST, SEED = 15, 15, 1
NAMES = ("W1", "W2", "W1_lean", "W2_lean", "W3", "W4", "W5")
EXPLAINED = ("W1", "W4")
FIGURES = ("seconds", "bars_per_second", "ratio_to_floor", "rss_mib")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "workloads",
        nargs="*",
        metavar="W",
        help="W1, W2, W1_lean, W2_lean, W3, W4 or W5 (default: all of them)",
    )
    parser.add_argument(
        "--runs",
        type=natural,
        default=RUNS,
        metavar="N",
        help="timed runs of each (default 15; W5: at most 5)",
    )
    parser.add_argument(
        "--seed", type=natural, default=SEED, metavar="N", help="first seed of the data (default 1)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="recorded bars of all seven instruments for W4"
    )
    add_common(parser, "json")
    parser.add_argument("--where", action="store_true", help="also tell where the time of W1 and W4 goes")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    names = _chosen(args)
    from mastertrading.app.bench import Bench, cold_start, starts
    from mastertrading.research.bench.machine import machine_facts
    from mastertrading.research.bench.worker import ask_worker

    facts = machine_facts()
    facts["compile_seconds"] = _compiled(quiet=args.json)
    explained = [name for name in EXPLAINED if args.where and name in names]
    whole = not args.workloads
    details, where = {}, {}
    steps = len(names) + len(explained) + whole + ("W4" in names)
    with progress(tr("measuring"), steps, quiet=args.json, console=err(quiet=args.json)) as advance:
        done = 0
        for name in names:
            details[name] = ask_worker(name, args.runs, args.seed, args.data, os.environ)
            advance(done := done + 1)
        for name in explained:
            where[name] = ask_worker(name, args.runs, args.seed, args.data, os.environ, where=True)
            advance(done := done + 1)
        cold = cold_start(args.data, args.seed) if "W4" in names else {}
        start = starts(args.runs) if whole else {}
    bench = Bench(facts, details, where, cold, start)
    if args.json:
        print(json.dumps(_as_json(bench), indent=2))
    else:
        bench.show(FEWEST)
    return 0


def _compiled(quiet: bool) -> float | None:
    """Seconds that compiling took, None where everything was compiled before."""
    from mastertrading.compiled.kernel import cache_folder

    folder = cache_folder()
    warm = folder is not None and (folder / WARM).exists()
    started = time.perf_counter()
    compile_if_needed(quiet=quiet)
    return None if warm else time.perf_counter() - started


def _chosen(args: argparse.Namespace) -> list[str]:
    for name in args.workloads:
        if name not in NAMES:
            meant = get_close_matches(name.upper(), NAMES, n=1, cutoff=0.5)
            raise UsageError(
                tr("there is no workload {name!r}").format(name=name),
                why=tr("there are {names}").format(names=", ".join(NAMES)),
                hint=f"mastertrading bench {meant[0]}" if meant else "mastertrading bench",
            )
    if args.runs < 1:
        raise UsageError(tr("--runs must be at least 1"), hint="mastertrading bench --runs 15")
    if args.data is not None and not args.data.is_dir():
        raise DataMissing(
            tr("there is no folder {folder}").format(folder=args.data),
            where="--data",
            hint="mastertrading data list --data DIR",
        )
    return [name for name in NAMES if name in args.workloads or not args.workloads]


def _as_json(bench: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: {figure: detail[figure] for figure in FIGURES} for name, detail in bench.details.items()
    }
    beside = {"machine": bench.facts, "details": bench.details, "cold_seconds": bench.cold}
    return {**told, **beside, "start_seconds": bench.start, "where_ms": bench.where}
