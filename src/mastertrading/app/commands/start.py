"""``start``: trade in the background."""

from __future__ import annotations

import argparse
import json
import sys

from mastertrading.app.commands.trade import add_options, warm_elsewhere, wish_from
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, number
from mastertrading.app.terminal import out

SUMMARY = "trade in the background: the options are those of trade"
OWN = ("--json", "--wait", "--debug")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument(
        "--wait",
        type=number,
        default=180.0,
        metavar="S",
        help=tr("how long to wait until it trades (default 180 s); it goes on beginning after that"),
    )
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    overrides = list(args.overrides)
    wish = wish_from(args)
    args.overrides = overrides
    warm_elsewhere()
    from mastertrading.app.trading.control import start

    words = words_of(args)
    quiet = args.json
    tell = (
        (lambda phase: None)
        if quiet
        else (lambda phase: print(f"{tr(phase)} …", file=sys.stderr, flush=True))
    )
    started = start(wish.folder, words, args.wait, tell)
    if quiet:
        print(json.dumps({"pid": started.pid, "phase": started.phase, "folder": str(wish.folder.path)}))
        return 0
    sentence = tr("{account} is traded by process {pid} ({phase}); its log is {log}")
    out().print(
        sentence.format(account=wish.account, pid=started.pid, phase=tr(started.phase), log=wish.folder.log),
        markup=False,
    )
    return 0


def words_of(args: argparse.Namespace) -> list[str]:
    """The same options, as ``trade`` is told them."""
    told = {
        "--mode": args.mode,
        "--venue": args.venue,
        "--instruments": ",".join(args.instruments) if args.instruments else None,
        "--config": args.config,
        "--live": args.live or None,
        "--local": args.local,
        "--journal": args.journal or None,
        "--state": args.state,
    }
    words = [part for name, value in told.items() if value is not None for part in (name, str(value))]
    return words + [part for one in args.overrides for part in ("--set", one)]
