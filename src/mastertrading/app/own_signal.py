"""The options ``--signal`` and ``--param`` of every command that takes a user's own signal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.research.own_signal import OwnSignal


def add_signal(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--signal",
        metavar="NAME",
        help="your own function in place of the four modules: NAME (signals/NAME.py), or FILE[:FUNCTION]",
    )
    parser.add_argument(
        "--param",
        dest="params",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of it, as in --param fast=20 (may be repeated)",
    )


def signal_asked(args: argparse.Namespace) -> OwnSignal | None:
    """The signal that was asked for; None if none was.

    Raises
    ------
    UsageError
        If there are parameters without a signal.
    SignalError
        If it cannot be used.
    """
    if args.signal is None:
        if args.params:
            raise UsageError(tr("--param belongs to --signal"), hint="--signal NAME --param fast=20")
        return None
    from mastertrading.research.own_signal import load_signal
    from mastertrading.research.parameters import read_options

    return load_signal(args.signal, read_options(args.params))
