"""The schema's version: a journal of another version is never written to."""

from __future__ import annotations

from pathlib import Path

from mastertrading.domain.errors import JournalUnusable
from mastertrading.journal.connecting import Address, plainly

MIGRATE = "mastertrading journal migrate"


def known_versions() -> tuple[str, ...]:
    """Names of the migrations that this code has, in order."""
    folder = Path(__file__).with_name("migrations")
    return tuple(sorted(path.stem for path in folder.glob("[0-9]*.py")))


def applied_versions(using: str, address: Address) -> tuple[str, ...]:
    """Names of the migrations that a database has had; none for an empty one."""
    from django.db import connections

    with plainly(str(address)):
        connection = connections[using]
        if "django_migrations" not in connection.introspection.table_names():
            return ()
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM django_migrations WHERE app = %s ORDER BY name", ["journal"])
            return tuple(name for (name,) in cursor.fetchall())


def check_version(using: str, address: Address) -> str:
    """The newest version, if the database has exactly this code's.

    Raises
    ------
    JournalUnusable
        If it is older (``mastertrading journal migrate`` brings it up), newer, or empty.
    """
    known, applied = known_versions(), applied_versions(using, address)
    newer = [name for name in applied if name not in known]
    if newer:
        raise JournalUnusable(
            "the journal was written by a newer mastertrading",
            why=f"it has {newer[-1]}, and this version knows up to {known[-1]}",
            where=str(address),
            hint="install the newer version, or restore the backup made before it",
        )
    if applied != known:
        missing = [name for name in known if name not in applied]
        what = "the journal is older than this mastertrading" if applied else "there is no journal here yet"
        raise JournalUnusable(what, why=f"it lacks {', '.join(missing)}", where=str(address), hint=MIGRATE)
    return known[-1]


def migrate(using: str, address: Address, *, web: bool = False) -> tuple[str, ...]:
    """Bring a database up to this code's version, each step whole or not at all; returns what was new.

    Raises
    ------
    JournalUnusable
        If it is newer than this code.
    """
    from django.core.management import call_command

    known, before = known_versions(), applied_versions(using, address)
    if set(before) - set(known):
        check_version(using, address)
    which = () if web else ("journal",)
    if web or before != known:
        with plainly(str(address)):
            call_command("migrate", *which, database=using, verbosity=0, interactive=False)
    return tuple(name for name in known if name not in before)
