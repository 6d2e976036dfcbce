"""``resume``: let a trader enter again."""

from __future__ import annotations

import argparse

from mastertrading.app.commands.asked import configure_asking, run_asking
from mastertrading.app.messages import tr

SUMMARY = "open the switches of pause, flatten and emergency: what there is stays, entries are allowed again"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--release-breakers",
        action="store_true",
        help=tr("release the breakers, too: they measure from the equity of that moment"),
    )
    configure_asking(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return run_asking(args, "resume", {"breakers": "release"} if args.release_breakers else {})
