"""``reconcile --dry-run``: what rests at the venue, what should, and what would be sent; exit code 4 if they differ."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from typing import TYPE_CHECKING

from mastertrading.app.commands.trade import add_options, wish_from
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import out, table
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.app.rehearsal import Rehearsed
    from mastertrading.app.trading.wish import Wish

SUMMARY = (
    "what rests at the venue, what should, and what would be sent: nothing is; exit code 4 if they differ"
)
DIFFERS = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help=tr("only look and tell (required: a trader reconciles by itself)"),
    )
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Look."""
    if not args.dry_run:
        raise UsageError(
            tr("only --dry-run: a trader reconciles by itself, every cycle"),
            hint="mastertrading reconcile --dry-run",
        )
    wish = wish_from(args)
    if wish.mode.value == "paper":
        raise UsageError(
            tr("the venue of a paper account lives in its trader: nothing else can look at it"),
            hint="mastertrading status",
        )
    from mastertrading.app.commands.warm import compile_if_needed

    compile_if_needed(quiet=args.json)
    told = asyncio.run(_look(wish))
    if args.json:
        print(json.dumps(told.as_dict(), indent=2, ensure_ascii=False))
    else:
        show(told)
    return DIFFERS if told.differs else 0


async def _look(wish: Wish) -> Rehearsed:
    from mastertrading.app.lived.account import Account
    from mastertrading.app.rehearsal import rehearse
    from mastertrading.app.trading_door import door, journal_of, keys_to_look

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the journal belongs to this thread: nothing waits for it
    with journal_of(wish) as journal:
        traded = Account(journal, wish.url)
        settings = traded.settings.model_copy(update={"exchange": wish.settings.exchange})
        async with door(wish, os.environ, keys_to_look(wish, os.environ)) as gateway:
            return await rehearse(settings, traded.instruments, journal, gateway)


def show(told: Rehearsed) -> None:
    """Positions, orders, and what would be sent."""
    console = out()
    held = table(
        tr("Positions"), tr("Instrument"), tr("At the venue"), tr("In the books"), "", numbers=(1, 2)
    )
    for one in told.held:
        verdict = tr("agrees") if one.agrees else tr("DIFFERS")
        held.add_row(
            one.instrument, one.venue_qty or "?", one.books_qty, verdict, style="" if one.agrees else "red"
        )
    console.print(held)
    if told.rests:
        heads = ("Instrument", "For", "Side", "Qty", "Rests at", "Should be at")
        rests = table(tr("Orders that rest"), *(tr(name) for name in heads), numbers=(3, 4, 5))
        for order in told.rests:
            whole = tr("all")
            rests.add_row(
                order.instrument,
                order.purpose,
                order.side,
                order.qty or whole,
                order.px or "–",
                order.wanted_px or "–",
            )
        console.print(rests)
    if told.would_send:
        names = ("Instrument", "What", "For", "Side", "Qty", "At", "Why")
        sends = table(tr("Would be sent"), *(tr(name) for name in names), numbers=(4, 5))
        for step in told.would_send:
            sends.add_row(
                step.instrument,
                step.what,
                step.purpose,
                step.side,
                step.qty or tr("all"),
                step.px or "–",
                step.why,
            )
        console.print(sends)
    if told.unresolved:
        sentence = tr("Not known what became of: {names}")
        console.print(sentence.format(names=", ".join(told.unresolved)), style="red", markup=False)
    if told.unseen:
        sentence = tr("Taken by the venue and not shown: {names}")
        console.print(sentence.format(names=", ".join(told.unseen)), style="red", markup=False)
    if told.wallet_difference not in (None, "0"):
        sentence = tr("The venue's wallet differs from the books by {amount}.")
        console.print(sentence.format(amount=told.wallet_difference), style="red", markup=False)
    verdict = (
        tr("They differ; nothing was sent.")
        if told.differs
        else tr("All is as it should be; nothing was sent.")
    )
    console.print(verdict, style="bold")
