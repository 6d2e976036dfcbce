"""``inject``: given signals through risk, orders and a local exchange, and what became of each."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, resolved_settings
from mastertrading.app.terminal import out, table

if TYPE_CHECKING:
    from mastertrading.app.injecting import Injected

SUMMARY = "put given signals into a trader on a local exchange, and say what became of each"
VENUES = ("binance_usdm", "bybit_linear")
FAILED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--venue", choices=VENUES, default=VENUES[0], help=tr("whose protocol the local exchange speaks")
    )
    parser.add_argument(
        "--signal",
        action="append",
        default=[],
        metavar='"BUY ETH 0.26"',
        help=tr("instead of the reference run's six; may be repeated"),
    )
    add_common(parser, "config", "seed", "out", "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from mastertrading.app.commands.warm import compile_if_needed

    compile_if_needed(quiet=args.json)
    from mastertrading.app.injecting import REFERENCE, Rig, signal_from

    settings = resolved_settings(args).settings
    signals = [signal_from(text) for text in args.signal or REFERENCE]
    told = Rig(args.venue, settings, signals, settings.seed, args.out).run()
    if args.json:
        print(json.dumps(told.as_dict(), indent=2, ensure_ascii=False))
    else:
        _show(told)
    return 0 if told.is_good else FAILED


def _show(told: Injected) -> None:
    console = out()
    rows = table(
        tr("signals on {venue}").format(venue=told.venue), "#", "s", tr("signal"), tr("outcome"), tr("what")
    )
    for one in told.ended:
        good = one.outcome == "filled"
        rows.add_row(
            str(one.number),
            str(one.after_s),
            one.signal,
            one.outcome,
            one.detail,
            style="" if good else "yellow" if one.outcome == "refused" else "bold red",
        )
    console.print(rows)
    counts = {name: sum(one.outcome == name for one in told.ended) for name in ("filled", "refused")}
    rest = len(told.ended) - sum(counts.values())
    sentence = tr("{filled} filled, {refused} refused, {rest} crashed or without an end; net {net} USDT")
    console.print(sentence.format(**counts, rest=rest, net=told.net), markup=False)
    learned = (
        tr("what the modules have earned is untouched")
        if told.statistics_untouched
        else tr("the modules' statistics changed")
    )
    console.print(learned, markup=False)
    if told.folder:
        console.print(tr("journal: {folder}").format(folder=told.folder), style="dim", markup=False)
