"""``stop``: let a trader end in order, and say what stays on the exchange."""

from __future__ import annotations

import argparse
import json

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, number
from mastertrading.app.terminal import out

SUMMARY = "end a trader in order: positions and their stops stay on the exchange, entries are cancelled"
NOT_ENDED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_which(parser)
    add_wait(parser, tr("how long to wait for its end (default 60 s)"))
    add_common(parser, "json")


def add_wait(parser: argparse.ArgumentParser, text: str) -> None:
    """Add how long to wait for what was asked."""
    parser.add_argument("--wait", type=number, default=60.0, metavar="S", help=text)


def add_which(parser: argparse.ArgumentParser) -> None:
    """Add what says which trader."""
    from mastertrading.app.commands.trade import add_state

    parser.add_argument(
        "--of",
        default="",
        metavar="NAME",
        help=tr("which trader, as in binance_usdm-paper (default: the only one)"),
    )
    add_state(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return end(args, kindly=True)


def end(args: argparse.Namespace, *, kindly: bool) -> int:
    """End a trader, and say what stays."""
    from mastertrading.app.trading.control import force_stop, running, stop
    from mastertrading.app.trading.folder import the_folder
    from mastertrading.app.trading.looking import holdings, look_at

    folder = the_folder(args.state, args.of)
    claim = running(folder)
    console = out()
    if not args.json:
        leaves = tr(LEAVES if kindly else LEFT)
        console.print(
            tr("ending process {pid}: {leaves}").format(pid=claim.who.pid, leaves=leaves), markup=False
        )
    ended = stop(folder, claim, args.wait) if kindly else force_stop(folder, claim)
    look = look_at(folder)
    if args.json:
        held = [{"symbol": one.symbol, "qty": one.qty, "stop_px": one.stop_px} for one in look.held]
        print(json.dumps({"ended": ended, "pid": claim.who.pid, "stays": held, "entries": look.entries}))
        return 0 if ended else NOT_ENDED
    if not ended:
        sentence = tr(
            "it has not ended within {seconds:g} s; it still tries: mastertrading force-stop ends it at once"
        )
        console.print(sentence.format(seconds=args.wait))
        return NOT_ENDED
    console.print(tr("it has ended; on the exchange stays:"))
    for line in holdings(look.held):
        console.print(f"  {line}", markup=False)
    if look.entries:
        console.print("  " + tr("{count} entry orders that were not cancelled").format(count=look.entries))
    if look.trouble:
        console.print(tr("the journal could not be asked: {why}").format(why=look.trouble), markup=False)
    return 0


LEAVES = "positions stay with their stops and take-profits, which nobody moves; entries are cancelled"
LEFT = "everything stays on the exchange as it is now, entries too, and nobody moves it until the next start"
