"""Databases by their address, and their failures as sentences.

Every journal has a Django connection of its own name, so that one process can hold several (two accounts, a backup
that is checked). A connection belongs to the thread that uses it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mastertrading.domain.errors import ConfigError, InvariantBroken, JournalUnusable
from mastertrading.journal.translate import EXACT, plain
from mastertrading.settings.orm import configure

_names = count(1)

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a journal is. Its text never shows a password."""

    vendor: str
    path: Path | None
    options: dict[str, Any]

    def __str__(self) -> str:
        """For people."""
        if self.path is not None:
            return str(self.path)
        return f"postgresql://{self.options['HOST'] or 'localhost'}/{self.options['NAME']}"

    __repr__ = __str__


def parse(url: str, *, durable: bool = True, timeout_s: float = 5.0, read_only: bool = False) -> Address:
    """Read ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user:password@host:port/name``.

    Parameters
    ----------
    durable
        Every commit survives a power loss (SQLite ``synchronous=FULL``, PostgreSQL ``synchronous_commit=on``). Without
        it the last commits may be lost, but nothing is ever half-written: for replays and paper.
    timeout_s
        How long to wait for someone else's lock.
    read_only
        The database itself refuses every change.

    Raises
    ------
    ConfigError
        If the address is neither; its text is not shown, since it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and len(parts.path) > 1 and not parts.netloc:
        path = Path(unquote(parts.path[1:]))
        return Address("sqlite", path, _sqlite(path, durable, timeout_s, read_only))
    if parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1:
        return Address("postgresql", None, _postgresql(parts, durable, timeout_s, read_only))
    raise ConfigError(
        f"the journal's address is not understood ({parts.scheme or 'no'} scheme)",
        why="it begins with sqlite:/// and a file, or with postgresql:// and user, host and database",
        hint="sqlite:///journal.db",
    )


def _sqlite(path: Path, durable: bool, timeout_s: float, read_only: bool) -> dict[str, Any]:
    if read_only:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{path.absolute().as_uri()}?mode=ro",
            "OPTIONS": {"timeout": timeout_s, "uri": True, "init_command": "PRAGMA query_only=ON;"},
        }
    level = "FULL" if durable else "NORMAL"
    begin = f"PRAGMA journal_mode=WAL; PRAGMA synchronous={level}; PRAGMA foreign_keys=ON;"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"timeout": timeout_s, "transaction_mode": "IMMEDIATE", "init_command": begin},
    }


def _postgresql(parts: Any, durable: bool, timeout_s: float, read_only: bool) -> dict[str, Any]:
    level, wait = ("on" if durable else "off"), int(timeout_s * 1000)
    given = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": given.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "OPTIONS": {
            "options": f"-c synchronous_commit={level} -c lock_timeout={wait} -c timezone=UTC"
            f" -c default_transaction_read_only={'on' if read_only else 'off'}",
            "connect_timeout": max(2, int(timeout_s)),
            **given,
        },
    }


def connect(address: Address) -> str:
    """Name a new connection; it opens with its first statement."""
    configure()
    from django.db import connections
    from django.db.backends.signals import connection_created

    connection_created.connect(_teach_sums, dispatch_uid="mastertrading.journal")
    name = f"journal_{next(_names)}"
    connections.settings[name] = connections.configure_settings({"default": {}, name: dict(address.options)})[
        name
    ]
    return name


def disconnect(name: str) -> None:
    """Close a connection of this thread and forget its name. May be called twice."""
    from django.db import connections

    if name in connections.settings:
        connections[name].close()
        del connections[name]
        del connections.settings[name]


class _ExactSum:
    """SQLite's aggregate ``exact_sum``: decimals that are kept as text, summed exactly."""

    def __init__(self) -> None:
        self.total = Decimal(0)

    def step(self, value: str | None) -> None:
        with localcontext(EXACT):
            self.total += Decimal(value or 0)

    def finalize(self) -> str:
        return f"{plain(self.total):f}"


def _teach_sums(sender: Any, connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("exact_sum", 1, _ExactSum)


@contextmanager
def plainly(where: str) -> Iterator[None]:
    """Turn what a database raises into a sentence of ours."""
    from django.db import Error, IntegrityError

    try:
        yield
    except IntegrityError as error:
        raise InvariantBroken("the journal refused a row", why=_words(error), where=where) from None
    except (Error, sqlite3.Error) as error:
        raise _sentence(error.__cause__ or error, where) from None


def _sentence(error: BaseException, where: str) -> JournalUnusable:
    code = getattr(error, "sqlite_errorcode", None)
    what, hint = _of_sqlite(code & 0xFF) if code is not None else _of_postgresql(error)
    return JournalUnusable(what, why=_words(error), where=where, hint=hint)


def _of_sqlite(code: int) -> tuple[str, str]:
    if code in BUSY:
        return "the journal is locked by another process", "mastertrading status"
    if code in DAMAGED:
        return "the journal's file is damaged", "mastertrading journal restore"
    return {
        sqlite3.SQLITE_READONLY: (
            "the journal cannot be written: it is read-only",
            "check the file's rights",
        ),
        sqlite3.SQLITE_FULL: ("the journal cannot be written: the disk is full", "free some space"),
        sqlite3.SQLITE_CANTOPEN: ("the journal's file cannot be opened", "check the folder and its rights"),
        sqlite3.SQLITE_IOERR: ("the journal's disk fails", "check the disk; restore on another one"),
        sqlite3.SQLITE_CONSTRAINT: ("the journal's own guard refused a change", ""),
    }.get(code, ("the journal's database fails", "mastertrading doctor"))


def _of_postgresql(error: BaseException) -> tuple[str, str]:
    state = str(getattr(error, "sqlstate", None) or "")
    if state in ("55P03", "40P01"):
        return "the journal is locked by another process", "mastertrading status"
    if state == "25006":
        return "the journal cannot be written: it is read-only", "is this a standby?"
    if state.startswith("53"):
        return "the journal's server has no room or no connection left", "see the server's log"
    if state in ("28P01", "28000", "3D000", "42501"):
        return "the journal's server refuses us", "check user, password and database"
    return "the journal's server cannot be reached", "is it running?"


def _words(error: BaseException) -> str:
    """The first line of what a database says; never its parameters, which may be anything."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
