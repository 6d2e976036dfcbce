"""Tables, migrations and settings agree, and what needs no database does without Django."""

from __future__ import annotations

import subprocess
import sys

import pytest

from journal_made import ACCOUNT, Template, sqlite_url
from mastertrading.domain.errors import InvariantBroken
from mastertrading.journal.connecting import connect, disconnect, parse
from mastertrading.journal.opening import open_journal
from mastertrading.journal.versions import check_version, known_versions, migrate
from mastertrading.settings.orm import configure


def test_the_models_and_the_migrations_say_the_same(tmp_path):
    from django.core.management import call_command

    open_journal(sqlite_url(tmp_path / "j.db"), account=ACCOUNT, create=True).close()
    call_command("makemigrations", "journal", check=True, dry_run=True, verbosity=0)


def test_migrating_twice_changes_nothing(tmp_path):
    address = parse(sqlite_url(tmp_path / "j.db"))
    using = connect(address)
    assert migrate(using, address) == known_versions()
    assert migrate(using, address) == ()
    assert check_version(using, address) == known_versions()[-1]
    disconnect(using)
    disconnect(using)


def test_two_journals_are_open_at_once_and_know_nothing_of_each_other(tmp_path):
    template = Template(tmp_path)
    first, second = (open_journal(sqlite_url(template.copy()), account=ACCOUNT) for _ in range(2))
    first.acquire("me", 0, 1000)
    assert second.lease() is None
    first.close()
    second.close()


def test_the_web_needs_a_secret_and_names():
    for options in ({}, {"secret_key": "x", "hosts": ("*",)}):
        code = f"from mastertrading.settings.orm import configure; configure(web=True, **{options!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "needs a secret key" in done.stderr


def test_django_is_not_set_up_twice(tmp_path):
    Template(tmp_path)
    configure()
    with pytest.raises(InvariantBroken, match="cannot be set up twice"):
        configure(web=True, secret_key="x")


@pytest.mark.parametrize("module", ["memory", "books", "stored", "vault", "threads", "opening", "backup"])
def test_what_needs_no_database_loads_no_django(module):
    code = (
        f"import sys, mastertrading.journal.{module}; print('django' in sys.modules, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
