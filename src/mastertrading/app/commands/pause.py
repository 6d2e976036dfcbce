"""``pause``: enter nothing more."""

from __future__ import annotations

import argparse

from mastertrading.app.commands.asked import configure_asking, run_asking

SUMMARY = (
    "enter nothing more: positions stay and are managed as ever, with stops and take-profits; until resume"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    configure_asking(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return run_asking(args, "pause")
