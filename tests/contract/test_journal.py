"""The journal in memory, in SQLite and in a real PostgreSQL: one contract."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from contract.journal_contract import JournalContract
from journal_made import ACCOUNT, Template, begun, sqlite_url
from journal_servers import postgresql
from mastertrading.domain.errors import JournalUnusable
from mastertrading.journal.memory import MemoryStore
from mastertrading.journal.opening import open_journal
from mastertrading.journal.stored import StoredJournal

numbers = count(1)


class TestMemory(JournalContract):
    @pytest.fixture
    def opener(self):
        store = MemoryStore(ACCOUNT)
        return lambda: StoredJournal(store)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template(tmp_path_factory.mktemp("journals"))


class TestSqlite(JournalContract):
    @pytest.fixture
    def opener(self, template):
        path = template.copy()
        return lambda: open_journal(sqlite_url(path), account=ACCOUNT)


@pytest.fixture(scope="module")
def server():
    with postgresql() as url:
        yield url


class TestPostgresql(JournalContract):
    """One database for all; each test has an account of its own."""

    @pytest.fixture
    def opener(self, server):
        account = replace(ACCOUNT, name=f"main{next(numbers)}")
        return lambda: open_journal(server, account=account, create=True)

    def test_a_journal_for_questions_changes_nothing(self, server):
        account = replace(ACCOUNT, name=f"main{next(numbers)}")
        begun(open_journal(server, account=account, create=True)).close()
        reader = open_journal(server, account=account, read_only=True)
        assert reader.runs()[0].code_id == "code"
        with pytest.raises(JournalUnusable, match="read-only"):
            reader.latch("pause", "no", 5)
        reader.close()
