"""The one door to a journal in a database."""

from __future__ import annotations

import os
from pathlib import Path

from mastertrading.domain.errors import JournalUnusable
from mastertrading.domain.facts import AccountName
from mastertrading.journal.connecting import Address, connect, disconnect, parse, plainly
from mastertrading.journal.stored import StoredJournal
from mastertrading.journal.versions import check_version, migrate

CHECKED_AT_START = 500
"""Ledger transactions whose chain is checked at every opening; all of them by ``verify``."""


def open_journal(
    url: str,
    *,
    account: AccountName,
    durable: bool = True,
    create: bool = False,
    read_only: bool = False,
    timeout_s: float = 5.0,
    now_ms: int = 0,
) -> StoredJournal:
    """Open the journal of an account, checked: version, owner, and the end of its ledger.

    It belongs to the thread that opens it (``journal/threads.py`` gives it one).

    Parameters
    ----------
    url
        ``sqlite:///file`` or ``postgresql://user:password@host/name``.
    durable
        Whether each commit survives a power loss; False for replays and paper, where nothing outside depends on it.
    create
        Make the tables, or bring them up to date, and the account's row, where they are missing.

    read_only
        Only for questions: the database refuses every change, and nothing is locked. Beside a trader that trades.

    Raises
    ------
    ConfigError
        If the address is not understood.
    JournalUnusable
        If the database cannot be used as it is: not there, older, newer, locked, damaged, or of another account.
    """
    address = parse(url, durable=durable, timeout_s=timeout_s, read_only=read_only)
    _check_place(address, create, writes=not read_only)
    using = connect(address)
    try:
        from mastertrading.journal.database import DatabaseStore

        if create:
            migrate(using, address)
            if address.path is not None:
                address.path.chmod(0o600)
        schema = check_version(using, address)
        with plainly(str(address)):
            account_id = _account_id(using, address, account, create, now_ms)
        journal = StoredJournal(DatabaseStore(account, address, using, account_id, schema))
        journal.verify(last=CHECKED_AT_START)
    except BaseException:
        disconnect(using)
        raise
    return journal


def _check_place(address: Address, create: bool, *, writes: bool) -> None:
    """Refuse a place where SQLite would quietly begin an empty journal, or cannot write one."""
    if address.path is None:
        return
    folder: Path = address.path.parent
    if not address.path.exists():
        if not create:
            raise JournalUnusable(
                "there is no journal here yet", where=str(address), hint="mastertrading journal migrate"
            )
        if not folder.is_dir():
            raise JournalUnusable("the journal's folder does not exist", where=str(folder))
    elif writes and not os.access(address.path, os.W_OK):
        raise JournalUnusable(
            "the journal cannot be written: it is read-only",
            where=str(address),
            hint="check the file's rights",
        )


def _account_id(using: str, address: Address, account: AccountName, create: bool, now_ms: int) -> int:
    """The row of an account. A file belongs to one account; a server may hold many."""
    from django.db import transaction

    from mastertrading.journal import models

    every = models.Account.objects.using(using)
    row = every.filter(name=str(account)).first()
    if row is not None:
        if row.currency != account.currency:
            raise _foreign(address, account, f"it is kept in {row.currency}, and not in {account.currency}")
        return int(row.pk)
    others = list(every.values_list("name", flat=True)[:3])
    if others and address.vendor == "sqlite":
        raise _foreign(address, account, f"it is the journal of {', '.join(others)}")
    if not create:
        raise _foreign(address, account, "nothing was ever written for this account")
    made = models.Account(
        name=str(account),
        venue=account.venue,
        mode=account.mode,
        currency=account.currency,
        created_ms=now_ms,
    )
    with transaction.atomic(using=using):
        made.save(using=using, force_insert=True)
        models.Lease(account=made).save(using=using, force_insert=True)  # a row to lock from the first moment
    return int(made.pk)


def _foreign(address: Address, account: AccountName, why: str) -> JournalUnusable:
    return JournalUnusable(
        f"this is not the journal of {account}",
        why=why,
        where=str(address),
        hint="name another journal in the settings, or the account it belongs to",
    )


def accounts_of(url: str) -> tuple[AccountName, ...]:
    """Whose journals a database keeps.

    Raises
    ------
    JournalUnusable
        If it cannot be read, or is of another version.
    """
    address = parse(url, read_only=True)
    _check_place(address, False, writes=False)
    using = connect(address)
    try:
        check_version(using, address)
        with plainly(str(address)):
            from mastertrading.journal import models

            rows = list(models.Account.objects.using(using).order_by("name"))
    finally:
        disconnect(using)
    return tuple(
        AccountName(row.venue, row.mode, str(row.name).split(":", 2)[2], row.currency) for row in rows
    )
