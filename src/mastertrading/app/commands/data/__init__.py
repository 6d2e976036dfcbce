"""``data download|import|check|list|features|synth``: market data into a lake, and made markets."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mastertrading.app.commands.data import download, features, importing, looking, synth
from mastertrading.app.messages import tr

SUMMARY = "download, import, check, list or synthesise market data"

Configure = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], int]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (text, adding, _) in _actions().items():
        adding(actions.add_parser(name, help=text, description=text))


def run(args: argparse.Namespace) -> int:
    """Do the action."""
    return _actions()[args.action][2](args)


def _actions() -> dict[str, tuple[str, Configure, Run]]:
    return {
        "download": (tr("what an exchange publishes into a lake"), download.configure, download.run),
        "import": (tr("files of any known layout into a lake"), importing.configure, importing.run),
        "check": (
            tr("grade every series and tell what is wrong with it"),
            looking.configure_check,
            looking.check,
        ),
        "list": (tr("what is there"), looking.configure_list, looking.listing),
        "features": (
            tr("recorded order books and trades into features of bars"),
            features.configure,
            features.run,
        ),
        "synth": (tr("make a market from a seed and write it as a lake"), synth.configure, synth.run),
    }
