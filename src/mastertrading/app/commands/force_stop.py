"""``force-stop``: end a trader that does not end by itself."""

from __future__ import annotations

import argparse

from mastertrading.app.commands.stop import add_which, end
from mastertrading.app.options import add_common

SUMMARY = "end a trader at once: everything stays on the exchange as it is, also entries; try stop first"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_which(parser)
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return end(args, kindly=False)
