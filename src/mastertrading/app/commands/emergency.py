"""``emergency``: get out, whatever happens."""

from __future__ import annotations

import argparse

from mastertrading.app.commands.asked import configure_asking, run_asking
from mastertrading.app.messages import tr
from mastertrading.app.options import symbols

SUMMARY = (
    "get out of everything at market, and keep trying until all is flat; nothing is entered until resume"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--instrument", type=symbols, metavar="BTC", help=tr("only this one (default: all of them)")
    )
    configure_asking(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return run_asking(args, "emergency", {"symbol": args.instrument[0]} if args.instrument else {})
