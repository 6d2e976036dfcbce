"""``warm``: compile every entry point once, so that the first real run does not wait for the compiler."""

from __future__ import annotations

import argparse
import json
import pkgutil
from importlib import import_module
from typing import Any

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import progress

SUMMARY = "compile everything once, so that the first run is quick"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Import the kernel rooms, run a tiny backtest, and say what is compiled."""
    with progress(tr("compiling (half a minute the first time)"), 0, quiet=args.json):
        for name in kernel_modules():
            import_module(name)
        exercise()
    report = compiled_entry_points()
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        sentence = tr("{compiled} entry points are ready ({from_cache} were already), kept in {folder}")
        print(sentence.format(**report))
    return 0


def kernel_modules() -> list[str]:
    """Every module of the rooms that hold kernels."""
    import mastertrading
    from mastertrading.compiled.kernel import KERNEL_ROOMS

    found = pkgutil.walk_packages(mastertrading.__path__, "mastertrading.")
    return [module.name for module in found if module.name.split(".")[1] in KERNEL_ROOMS]


def exercise() -> None:
    """Go the way of every run, on a few hours of a synthetic market: what it uses is compiled by that."""
    from mastertrading.backtest.run import run as backtest
    from mastertrading.lake.synthetic import synthesize
    from mastertrading.settings.schema import Settings

    backtest(synthesize(days=0.25, primer_days=3), Settings())


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
