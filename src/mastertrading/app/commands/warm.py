"""``warm``: compile every entry point once, so that the first real run does not wait for the compiler."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import progress

if TYPE_CHECKING:
    from mastertrading.domain.market import Market
    from mastertrading.settings.schema import Settings

SUMMARY = "compile everything once, so that the first run is quick"
WARM = "warm"  # a file in the folder of compiled kernels: all of them are there


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Import the kernel rooms, run a tiny backtest, and say what is compiled."""
    for name in kernel_modules():
        import_module(name)
    compile_all(quiet=args.json)
    report = compiled_entry_points()
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        sentence = tr("{compiled} entry points are ready ({from_cache} were already), kept in {folder}")
        print(sentence.format(**report))
    return 0


def kernel_modules() -> list[str]:
    """Every module that may hold kernels."""
    from mastertrading.compiled.kernel import PACKAGE, kernel_files

    parts = [path.relative_to(PACKAGE.parent).with_suffix("").parts for path in kernel_files()]
    return [".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts]


def compiled_entry_points() -> dict[str, Any]:
    """How many entry points there are, how many are compiled by now, and how many came from the disk."""
    from mastertrading.compiled.kernel import ENTRY_POINTS, cache_folder

    ready = [entry for entry in ENTRY_POINTS if getattr(entry, "signatures", None)]
    loaded = [entry for entry in ready if entry.stats.cache_hits]
    waiting = [entry.__name__ for entry in ENTRY_POINTS if entry not in ready]
    folder = cache_folder()
    return {
        "entry_points": len(ENTRY_POINTS),
        "compiled": len(ready),
        "from_cache": len(loaded),
        "compiled_when_first_used": sorted(waiting),
        "folder": str(folder) if folder else None,
    }


def compile_if_needed(quiet: bool = False) -> None:
    """Compile everything, with progress, where this text of the rules was never compiled on this machine."""
    from mastertrading.compiled.kernel import cache_folder

    folder = cache_folder()
    if folder is None or not (folder / WARM).exists():
        compile_all(quiet)


def compile_all(quiet: bool = False) -> None:
    """Go the way of every run over a tiny market, step by step: what runs use is compiled by that."""
    from mastertrading.backtest.inputs import market_minutes
    from mastertrading.backtest.run import run as backtest
    from mastertrading.compiled.kernel import cache_folder
    from mastertrading.lake.synthetic import synthesize
    from mastertrading.research.lookahead import of_arrays
    from mastertrading.settings.schema import Settings
    from mastertrading.settings.signal_rules import signal_rules
    from mastertrading.signals.panel import evaluate

    settings, market = Settings(), synthesize(days=0.25, primer_days=3)
    with progress(tr("compiling the rules (once a version, under a minute)"), 100, quiet=quiet) as advance:
        minutes = market_minutes(market, settings)
        advance(5)
        evaluate(market, signal_rules(settings), minutes)
        advance(35)
        of_arrays()(market, False)
        advance(45)
        backtest(market, settings, on_decisions=lambda *rows: None)  # with all rows, as for a run's folder
        advance(90)
        _compile_live(market, settings)
        advance(100)
    folder = cache_folder()
    if folder is not None and compiled_entry_points()["compiled"]:
        (folder / WARM).touch()


def _compile_live(market: Market, settings: Settings) -> None:
    """The verbs of the live cycle, one at a time, with nothing to book."""
    from mastertrading.app.bar_inputs import Inputs, primer_of
    from mastertrading.engine.steps import take_fills
    from mastertrading.live.ear import Ear
    from mastertrading.live.mind import Mind, fill_rows, payment_rows, transfer_rows

    mind = Mind(settings, market.instruments)
    ear = Ear(settings, market.instruments, primer_of(market), int(market.ts_ms[0]))
    for told in Inputs(market).until(2):
        heard = ear.hear(told)
        mind.listen(heard)
    mind.take_transfers(transfer_rows(0))
    mind.take_payments(payment_rows(0))
    take_fills(tuple(mind.book), tuple(mind.logs), mind.rules, mind.specs, fill_rows(0))
    mind.decide(heard, ear.hours.returns)
