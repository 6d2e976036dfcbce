"""``demo``: see the whole of it trade, on a local exchange, in about a minute."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.commands.warm import compile_if_needed
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, chosen_instruments, number, resolved_settings
from mastertrading.app.terminal import out, progress, table
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.app.demo import Shown
    from mastertrading.app.live_world import World

SUMMARY = "trade two simulated days on a local exchange, live to see, through the venue's own protocol"
HOURS, LONGEST = 48.0, 240.0
DEMOS = Path("demos")
FEW = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DIFFERS = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--venue",
        default="binance_usdm",
        metavar="NAME",
        help=tr("whose protocol: binance_usdm or bybit_linear"),
    )
    parser.add_argument(
        "--hours",
        type=number,
        default=HOURS,
        metavar="N",
        help=tr("how long, in simulated hours (default 48)"),
    )
    add_common(parser, "instruments", "config", "seed", "out", "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    if not 0.5 <= args.hours <= LONGEST:
        raise UsageError(tr("--hours must be between 0.5 and 240"))
    from mastertrading.app.live_world import PAPER, check_venue

    if check_venue(args.venue) == PAPER:
        raise UsageError(tr("the demonstration needs a venue's protocol"), hint="mastertrading replay")
    resolved = resolved_settings(args)
    compile_if_needed(quiet=args.json)
    from mastertrading.app.demo import act_of, demo_bars, demo_settings, demonstrate

    symbols = FEW if args.instruments is None else chosen_instruments(args, resolved)
    settings = demo_settings(resolved.settings)
    bars = demo_bars(symbols, args.hours, settings.seed)
    market = bars.market(settings)
    folder = args.out or DEMOS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    with tempfile.TemporaryDirectory(prefix="mastertrading-") as authority:
        act = act_of(market, settings, args.venue, args.hours, Path(authority))
        with _view(len(act.bars), args) as show:
            shown = demonstrate(act, bars, folder, args.hours, on_bar=show, clock=time.monotonic)
    show_lived(shown, args.json)
    return 0 if shown.is_same else DIFFERS


@contextmanager
def _view(bars: int, args: argparse.Namespace) -> Iterator[Callable[[World], None]]:
    """A screen that goes with the trading; on a pipe a few plain lines, nothing for machines."""
    if args.json or not sys.stdout.isatty():
        with progress(tr("trading"), bars, quiet=args.json) as advance:
            yield lambda world: advance(len(world.milliseconds))
        return
    from rich.live import Live

    from mastertrading.app.demo_view import Screen

    screen = Screen(bars)

    def show(world: World) -> None:
        screen.note(world)
        if len(world.milliseconds) % 5 == 0:
            live.update(screen.draw(world))

    with Live(console=out(), refresh_per_second=8, transient=True) as live:
        yield show


def show_lived(shown: Shown, as_json: bool) -> None:
    """Print what was lived."""
    if as_json:
        print(json.dumps(shown.as_dict(), indent=2))
        return
    console = out()
    trades = table(
        tr("trades"), "#", tr("instrument"), tr("side"), tr("entry"), tr("exit"), tr("net"), tr("why"),
        numbers=(0, 3, 4, 5),
    )  # fmt: skip
    for one in shown.trades:
        side = tr("long") if one["side"] > 0 else tr("short")
        left = one["exit"][:12] if one["closed_ms"] else ""
        trades.add_row(
            str(one["number"]), one["symbol"], side, one["entry"][:12], left, f"{float(one['net']):,.2f}", one["why"]
        )  # fmt: skip
    console.print(trades)
    sentence = tr("{bars} bars in {seconds:.0f} s; a bar took {p50} ms (p99 {p99} ms)")
    p50, p99 = shown.ms_a_bar
    console.print(sentence.format(bars=shown.bars, seconds=shown.seconds, p50=p50, p99=p99))
    verdict = tr("the same decisions and trades") if shown.is_same else tr("DIFFERENT decisions or trades")
    hashes = "  ".join(f"{name} {told.trades}" for name, told in shown.prints.items())
    console.print(tr("parity: {hashes}: {verdict}").format(hashes=hashes, verdict=verdict))
    console.print(tr("report:  {path}").format(path=shown.folder / "report.html"))
    console.print(tr("journal: {path}").format(path=shown.folder / "journal.db"))
