"""``doctor``: whether everything is as it should be here, and what to do where it is not."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.state_folder import folder_of, journal_url

if TYPE_CHECKING:
    from mastertrading.app.findings import Finding

SUMMARY = "look at machine, installation, settings, journal and clock: what is wrong, and what to do"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "journal", "config")
    parser.add_argument("--offline", action="store_true", help=tr("do not ask a venue for its time"))
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Look."""
    from mastertrading.app.findings import show

    return show(list(_findings(args)), as_json=args.json)


def _findings(args: argparse.Namespace) -> Iterator[Finding]:
    from mastertrading.app.doctor.account import (
        look_at_clock,
        look_at_journal,
        look_at_settings,
    )
    from mastertrading.app.doctor.machine import look_at_machine

    folder = folder_of(journal_url(args))
    yield from look_at_machine(folder, os.environ)
    found, resolved = look_at_settings(args)
    yield found
    yield from look_at_journal(args)
    if resolved is not None and not args.offline:
        yield look_at_clock(resolved)
