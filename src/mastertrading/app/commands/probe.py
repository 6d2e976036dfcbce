"""``probe``: every capability of a venue with the keys that are there, by reading."""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import TYPE_CHECKING

from mastertrading.app.commands.trade import add_options, wish_from
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, natural
from mastertrading.domain.errors import SafetyBlocked, UsageError

if TYPE_CHECKING:
    from mastertrading.app.findings import Finding
    from mastertrading.app.trading.wish import Wish

SUMMARY = "try everything that a venue and the given keys can do, by reading; an order only if asked for"
READS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument(
        "--reads",
        type=natural,
        default=READS,
        metavar="N",
        help=tr("of each kind whose time is measured (default {count})").format(count=READS),
    )
    parser.add_argument(
        "--with-order",
        action="store_true",
        help=tr("place the smallest limit order far below the price, and cancel it"),
    )
    parser.add_argument(
        "--confirm", default="", metavar="NAME", help=tr("the account's name: with --with-order in live mode")
    )
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Probe."""
    from mastertrading.app.findings import show

    wish = wish_from(args)
    if args.with_order:
        check_order(wish, args.confirm)
    findings, figures = asyncio.run(_probe(wish, args))
    return show(findings, as_json=args.json, more={"venue": wish.account.venue, "figures": figures})


def check_order(wish: Wish, confirmed: str) -> None:
    """Refuse an order that nobody wants.

    Raises
    ------
    UsageError
        On paper: nothing of the venue's would be tried.
    SafetyBlocked
        In live mode, without the account's name.
    """
    mode, name = wish.mode.value, wish.account.name
    if mode == "paper":
        raise UsageError(tr("a paper account sends no order to the venue"), hint="--mode testnet")
    if mode == "live" and confirmed != name:
        raise SafetyBlocked(
            tr("an order on a live account needs its name"),
            why=name,
            where="--confirm",
            hint=f"--confirm {name}",
        )


async def _probe(wish: Wish, args: argparse.Namespace) -> tuple[list[Finding], dict[str, object]]:
    from mastertrading.app.probing import Probe
    from mastertrading.app.trading_door import door, keys_to_look

    async with door(wish, os.environ, keys_to_look(wish, os.environ)) as gateway:
        probe = Probe(gateway, wish.settings, wish.symbols, reads=max(1, args.reads))
        return await probe.run(with_order=args.with_order), probe.figures
