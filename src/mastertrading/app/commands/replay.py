"""``replay``: the live cycle over recorded bars, as fast as it goes, against the paper venue."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.commands.demo import DIFFERS, show_lived
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
from mastertrading.app.terminal import err, progress

if TYPE_CHECKING:
    from mastertrading.app.live_world import Act
    from mastertrading.app.parity.bars import NamedBars

SUMMARY = "run the live cycle over recorded bars, with a journal, and compare it with the backtest"
REPLAYS = Path("replays")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "data", "venue", "instruments", "window", "config", "seed", "out", "json", "synthetic")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_window(args)
    check_source(args, "mastertrading replay --synthetic --days 2")
    act, bars = asked_act(args)
    compile_if_needed(quiet=args.json)
    from mastertrading.app.demo import demonstrate

    folder = args.out or REPLAYS / source_name(args)
    hours = len(act.bars) * act.market.base_ms / 3_600_000
    with progress(tr("trading"), len(act.bars), quiet=args.json) as advance:
        shown = demonstrate(
            act,
            bars,
            folder,
            hours,
            on_bar=lambda world: advance(len(world.milliseconds)),
            clock=time.monotonic,
        )
    show_lived(shown, args.json)
    return 0 if shown.is_same else DIFFERS


def asked_act(args: argparse.Namespace) -> tuple[Act, NamedBars]:
    """What shall be lived, by the options, and which bars that is."""
    resolved = resolved_settings(args)
    from mastertrading.app.backtest import Wanted, check_made_window
    from mastertrading.app.live_world import Act
    from mastertrading.app.parity.bars import NamedBars

    remarks = err(quiet=args.json)

    def notice(sentence: str) -> None:
        remarks.print(tr(sentence), style="dim", markup=False)

    window = {"from_ms": args.from_ms, "to_ms": args.to_ms}
    symbols, settings = chosen_instruments(args, resolved), resolved.settings
    if args.data is None:
        bars = NamedBars(symbols, days=args.days or SYNTHETIC_DAYS, seed=settings.seed)
    else:
        bars = NamedBars(symbols, str(args.data), args.venue or "", **window)
    market = bars.market(settings, notice)
    if args.data is None:
        check_made_window(market, Wanted(symbols, days=bars.days, **window), notice)
    return Act(market, settings, **window), bars
