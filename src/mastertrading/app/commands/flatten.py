"""``flatten``: close everything."""

from __future__ import annotations

import argparse

from mastertrading.app.commands.asked import configure_asking, run_asking

SUMMARY = "close every position at market, then cancel its stops; nothing is entered until resume"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    configure_asking(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return run_asking(args, "flatten")
