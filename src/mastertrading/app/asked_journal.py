"""The journal that a command asks about, opened."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from mastertrading.app.messages import tr
from mastertrading.app.state_folder import journal_url
from mastertrading.domain.errors import UsageError
from mastertrading.domain.facts import AccountName
from mastertrading.journal.connecting import parse
from mastertrading.journal.opening import accounts_of, open_journal
from mastertrading.journal.stored import StoredJournal


def whose(args: argparse.Namespace) -> AccountName:
    """The account that was named, or the only one there is.

    Raises
    ------
    UsageError
        If there are several, or none.
    """
    given = getattr(args, "account", "")
    if given:
        return named(given)
    found = accounts_of(journal_url(args))
    if len(found) != 1:
        names = ", ".join(map(str, found)) or tr("none")
        raise UsageError(tr("say whose journal: --account"), why=tr("there are: {names}").format(names=names))
    return found[0]


def named(text: str) -> AccountName:
    """An account by its name. Raises ``UsageError``."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UsageError(
            tr("{text!r} names no account").format(text=text), hint="--account binance_usdm:paper"
        )
    return AccountName(*parts)


@contextmanager
def reading(args: argparse.Namespace) -> Iterator[StoredJournal]:
    """The journal that a command asks about, open for reading only: nothing is written, and no lease is taken.

    Raises
    ------
    JournalUnusable, UsageError
    """
    journal = open_journal(journal_url(args), account=whose(args), read_only=True)
    try:
        yield journal
    finally:
        journal.close()


def shown_place(args: argparse.Namespace) -> str:
    """Where that journal is, as it may be shown: never with a password."""
    return str(parse(journal_url(args)))
