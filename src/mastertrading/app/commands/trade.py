"""``trade``: trade an account, on paper, at a test site, or live, until somebody stops it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, chosen_instruments, resolved_settings
from mastertrading.app.state_folder import VARIABLE, url_of

if TYPE_CHECKING:
    from mastertrading.app.trading.wish import Wish

SUMMARY = "trade an account on the wall clock: on paper, at a test site, or live"
MODES = ("paper", "testnet", "live")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help=tr("end with exit code 3 where another process trades this account, instead of standing by"),
    )
    parser.add_argument("--quiet", action="store_true", help=tr("write the log to its file only"))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says what is traded."""
    parser.add_argument(
        "--mode",
        choices=MODES,
        help=tr(
            "who fills: we do on live prices (paper), the venue's test site, or the venue (default: the setting)"
        ),
    )
    parser.add_argument(
        "--venue", metavar="NAME", help=tr("binance_usdm or bybit_linear (default: the setting)")
    )
    add_common(parser, "instruments", "config")
    parser.add_argument(
        "--live",
        default="",
        metavar="NAME",
        help=tr("the account's name once more: the second switch of live trading"),
    )
    parser.add_argument(
        "--local",
        type=Path,
        metavar="DIR",
        help=tr("let the local exchange that serves with this folder stand in for the venue"),
    )
    parser.add_argument(
        "--journal",
        default="",
        metavar="PLACE",
        help=tr("its folder, file or address; one with a password belongs into {variable}").format(
            variable=VARIABLE
        ),
    )
    add_state(parser)


def add_state(parser: argparse.ArgumentParser) -> None:
    """Add where traders keep their files."""
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help=tr("where traders keep their files (default: ./trading)")
    )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    wish = wish_from(args, waits=not args.no_wait)
    warm_elsewhere()
    from mastertrading.app.trading.running import trade

    trade(wish, os.environ, shows=not args.quiet)
    return 0


def wish_from(args: argparse.Namespace, *, waits: bool = True) -> Wish:
    """What the options ask for."""
    if args.mode in ("paper", "testnet"):
        args.overrides.append(f"exchange.mode={args.mode}")
    if args.venue:
        args.overrides.append(f"exchange.venue={args.venue}")
    resolved = resolved_settings(args)
    from mastertrading.app.local_place import read_local
    from mastertrading.app.trading.wish import check_mode, wish_of

    check_mode(args.mode, resolved)
    place = args.journal or os.environ.get(VARIABLE, "")
    return wish_of(
        resolved,
        chosen_instruments(args, resolved),
        base=args.state,
        url=url_of(place) if place else "",
        switch=args.live,
        local=read_local(args.local) if args.local else None,
        waits=waits,
    )


def warm_elsewhere() -> None:
    """Compile in another process, where that was never done: what compiling takes, a trader would keep for ever."""
    from mastertrading.app.commands.warm import WARM
    from mastertrading.compiled.kernel import cache_folder

    folder = cache_folder()
    if folder is not None and not (folder / WARM).exists():
        print(tr("compiling the rules (once a version, under a minute)"), file=sys.stderr, flush=True)
        subprocess.run(
            [sys.executable, "-m", "mastertrading", "warm", "--json"], stdout=subprocess.DEVNULL, check=False
        )
