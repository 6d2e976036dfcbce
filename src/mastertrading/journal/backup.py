"""Backups of a journal, and the way back.

SQLite: an online copy while the trader trades, checked page by page and by its ledger, with its SHA-256 beside it.
PostgreSQL: ``pg_dump`` and ``pg_restore``, where they are installed.

A restored journal may be older than the venue. It comes back with the latch ``reconcile_first``: the next start asks
the venue for every order, fill and payment since, before it trades.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mastertrading.domain.errors import JournalUnusable, OutputError
from mastertrading.domain.facts import AccountName, Incident, Latch, Severity
from mastertrading.journal.connecting import Address, parse, plainly
from mastertrading.journal.opening import open_journal
from mastertrading.journal.safety import RECONCILE_FIRST

SUFFIX = ".sha256"
PAGES = 512
"""Pages copied at a time: a writer waits for no more."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished, checked backup."""

    path: Path
    digest: str
    size_bytes: int
    transactions: int
    """Ledger transactions in it."""


def back_up(url: str, account: AccountName, target: Path) -> Backup:
    """Copy a journal while it is in use, and check the copy.

    Raises
    ------
    OutputError
        If the copy cannot be written; nothing half-written is left.
    JournalUnusable
        If the journal cannot be read, or the copy is not sound.
    """
    address = parse(url)
    part = target.with_name(target.name + ".part")
    try:
        if address.path is not None:
            _copy_sqlite(address.path, part)
        else:
            _run_postgresql(address, ["pg_dump", "--format=custom", f"--file={part}"])
        count = _check(part, account) if address.path is not None else 0
        digest = _digest(part)
        os.replace(part, target)
        target.with_name(target.name + SUFFIX).write_text(f"{digest}  {target.name}\n", encoding="ascii")
    except OSError as error:
        raise OutputError("the backup cannot be written", why=str(error), where=str(target)) from None
    finally:
        for leftover in part.parent.glob(part.name + "*"):
            leftover.unlink()
    return Backup(target, digest, target.stat().st_size, count)


def check_backup(path: Path, account: AccountName) -> int:
    """Check a backup of SQLite by its SHA-256, its pages and its ledger; returns its ledger transactions.

    Raises
    ------
    JournalUnusable
        If it is not what was written.
    """
    _check_digest(path)
    return _check(path, account)


def restore(path: Path, url: str, account: AccountName, now_ms: int) -> None:
    """Put a backup in the place of a journal that no one uses, marked so that the next start reconciles first.

    A journal that was there is kept beside it as ``NAME.before-restore``.

    Raises
    ------
    JournalUnusable
        If the backup is damaged, belongs to another account or version, or the journal is in use.
    OutputError
        If it cannot be written.
    """
    address = parse(url)
    _check_digest(path)
    if address.path is None:
        _run_postgresql(
            address, ["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(path)]
        )
    else:
        _restore_sqlite(path, address.path, account, now_ms)
    _mark(url, account, path.name, now_ms)


def _restore_sqlite(path: Path, place: Path, account: AccountName, now_ms: int) -> None:
    _check(path, account)
    _refuse_if_used(place, account, now_ms)
    part = place.with_name(place.name + ".part")
    try:
        shutil.copyfile(path, part)
        _mark(f"sqlite:///{part}", account, path.name, now_ms)
        _fold_log(part)
        if place.exists():
            _fold_log(place)
            os.replace(place, place.with_name(place.name + ".before-restore"))
        os.replace(part, place)
    except OSError as error:
        raise OutputError("the journal cannot be restored", why=str(error), where=str(place)) from None
    finally:
        for leftover in part.parent.glob(part.name + "*"):
            leftover.unlink()


def _refuse_if_used(place: Path, account: AccountName, now_ms: int) -> None:
    """A journal whose lease runs is in use. One that cannot be read is what a restore is for."""
    if not place.exists():
        return
    try:
        journal = open_journal(f"sqlite:///{place}", account=account)
    except JournalUnusable:
        return
    try:
        held = journal.lease()
    finally:
        journal.close()
    if held is not None and held.expires_ms > now_ms:
        raise JournalUnusable(
            "the journal is in use and cannot be replaced", why=f"by {held.holder}", hint="mastertrading stop"
        )


def _mark(url: str, account: AccountName, name: str, now_ms: int) -> None:
    """Put the latch, and raise the epoch, so that no writer from before can go on."""
    journal = open_journal(url, account=account)
    try:
        store = journal.store
        with store.transaction():
            held = store.lease(lock=True)
            if held is not None:
                store.save_lease(type(held)("", held.epoch + 1000, 0))
            if RECONCILE_FIRST not in store.latches():
                reason = f"restored from {name}: the venue may be ahead of it"
                store.save_latch(Latch(RECONCILE_FIRST, reason, now_ms))
                store.add_incidents([Incident("restored", reason, now_ms, Severity.CRITICAL, name)])
    finally:
        journal.close()


def _copy_sqlite(source: Path, part: Path) -> None:
    part.unlink(missing_ok=True)
    with plainly(str(source)):
        here = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=5.0)
        there = sqlite3.connect(part)
        try:
            here.backup(there, pages=PAGES)
            there.execute("PRAGMA journal_mode=DELETE")
        finally:
            there.close()
            here.close()
    os.chmod(part, 0o600)


def _check(path: Path, account: AccountName) -> int:
    """Every page, then version, owner and the whole ledger. On a copy: opening a journal makes files beside it."""
    copy = path.with_name(path.name + ".check")
    try:
        shutil.copyfile(path, copy)
        with plainly(str(path)):
            connection = sqlite3.connect(copy)
            try:
                said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            finally:
                connection.close()
        if said != "ok":
            raise JournalUnusable("the backup is damaged", why=str(said)[:200], where=str(path))
        journal = open_journal(f"sqlite:///{copy}", account=account)
        try:
            journal.verify()
            return journal.store.chain_end()[0]
        finally:
            journal.close()
    finally:
        for leftover in copy.parent.glob(copy.name + "*"):
            leftover.unlink()


def _fold_log(path: Path) -> None:
    """Write SQLite's log of changes into the file itself, so that the one file is all there is."""
    try:
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
        finally:
            connection.close()
    except sqlite3.Error:  # a damaged journal is moved away as it is, its log with it
        for suffix in ("-wal", "-shm"):
            log = path.with_name(path.name + suffix)
            if log.exists():
                os.replace(log, path.with_name(path.name + ".before-restore" + suffix))


def _check_digest(path: Path) -> None:
    try:
        told = path.with_name(path.name + SUFFIX).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError):
        raise JournalUnusable("the backup has no checksum beside it", where=str(path) + SUFFIX) from None
    if _digest(path) != told:
        raise JournalUnusable("the backup is damaged", why="its SHA-256 is another one", where=str(path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run_postgresql(address: Address, command: list[str]) -> None:
    """Run a tool of PostgreSQL; the password goes by the environment of that process, never by its arguments."""
    options = address.options
    tool = shutil.which(command[0])
    if tool is None:
        raise JournalUnusable(f"{command[0]} is not installed", hint="install PostgreSQL's client tools")
    given = {
        "HOST": "PGHOST",
        "PORT": "PGPORT",
        "USER": "PGUSER",
        "NAME": "PGDATABASE",
        "PASSWORD": "PGPASSWORD",
    }
    own = {name: options[key] for key, name in given.items() if options[key]}
    database = ["--dbname", options["NAME"]] if command[0] == "pg_restore" else []
    done = subprocess.run(
        [tool, *command[1:], *database],
        env={"PATH": os.path.dirname(tool), **own},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["?"]
        raise JournalUnusable(f"{command[0]} failed", why=words[0][:200], where=str(address))
