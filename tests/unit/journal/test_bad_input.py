"""Journals that cannot be used: each refused with a plain sentence and exit code 3, with nothing half-written."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace

import pytest

from journal_made import ACCOUNT, Template, begun, cycle, fill, intent, sqlite_url
from journal_servers import postgresql
from mastertrading.domain.errors import ConfigError, DataError, JournalUnusable
from mastertrading.domain.intents import Purpose
from mastertrading.journal.connecting import parse
from mastertrading.journal.opening import open_journal


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template(tmp_path_factory.mktemp("journals"))


@pytest.fixture
def path(template):
    return template.copy()


def opened(path, **options):
    return open_journal(sqlite_url(path), account=ACCOUNT, **options)


def refusal(action):
    with pytest.raises(JournalUnusable) as caught:
        action()
    assert caught.value.exit_code == 3
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_journal_locked_by_another_process_is_said_to_be(path):
    journal = begun(opened(path, timeout_s=0.05))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "locked by another process" in refusal(lambda: journal.prepare(intent(), at_ms=1))
    other.execute("ROLLBACK")
    other.close()
    assert journal.prepare(intent(), at_ms=1)
    journal.close()


def test_a_read_only_journal_is_refused_at_the_door(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
    assert "read-only" in refusal(lambda: opened(path))


def test_a_journal_opened_for_questions_answers_beside_its_writer_and_changes_nothing(path):
    writer = begun(opened(path))
    writer.prepare(intent(), at_ms=1)
    reader = opened(path, read_only=True)
    assert [one.intent for one in reader.open_commands()] == [intent()]
    assert "read-only" in refusal(lambda: reader.latch("pause", "no", 5))
    writer.prepare(intent(Purpose.STOP), at_ms=2)
    assert len(reader.open_commands()) == 2
    reader.close()
    writer.close()


def test_a_journal_that_nobody_has_open_can_be_read(path):
    begun(opened(path)).close()
    before = path.read_bytes()
    reader = opened(path, read_only=True)
    assert reader.runs()[0].code_id == "code"
    reader.close()
    assert path.read_bytes() == before


def test_a_journal_that_becomes_read_only_is_said_to_be(path):
    journal = begun(opened(path))
    journal.store.rows._execute("PRAGMA query_only=ON", ()).close()
    assert "read-only" in refusal(lambda: journal.prepare(intent(), at_ms=1))
    journal.store.rows._execute("PRAGMA query_only=OFF", ()).close()
    assert journal.open_commands() == ()
    journal.close()


def test_a_full_disk_stops_the_write_and_leaves_nothing_half_written(path):
    journal = begun(opened(path))
    journal.commit_cycle(cycle(60_000), 60_100)
    with journal.store.rows._execute("PRAGMA page_count", ()) as cursor:
        pages = cursor.fetchone()[0]
    journal.store.rows._execute(f"PRAGMA max_page_count={pages}", ()).close()
    facts = cycle(120_000, os.urandom(50_000), fills=(fill(1, 1, "0.003", "50000"),))
    said = refusal(lambda: journal.commit_cycle(facts, 120_100))
    assert "the disk is full" in said
    journal.store.rows._execute("PRAGMA max_page_count=1000000", ()).close()
    assert journal.latest_state().state == b"engine"
    assert journal.fills() == ()
    journal.verify()
    journal.commit_cycle(facts, 120_200)
    journal.close()


def test_a_file_that_is_no_database_is_said_to_be_damaged(path):
    path.write_bytes(b"not a database at all" * 100)
    assert "file is damaged" in refusal(lambda: opened(path))


def test_a_file_cut_in_half_is_said_to_be_damaged(path):
    journal = begun(opened(path))
    journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=1)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal(lambda: opened(path))


def test_an_older_journal_names_the_command_that_brings_it_up(path):
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM django_migrations WHERE app = 'journal' AND name = '0002_guards'")
    connection.commit()
    connection.close()
    said = refusal(lambda: opened(path))
    assert "older than this mastertrading" in said
    assert "mastertrading journal migrate" in said


def test_a_newer_journal_is_refused_also_when_it_may_be_created(path):
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('journal', '0099_future', 'x')"
    )
    connection.commit()
    connection.close()
    for create in (False, True):
        said = refusal(lambda create=create: opened(path, create=create))
        assert "written by a newer mastertrading" in said
        assert "0099_future" in said


@pytest.mark.parametrize(
    "other", [{"mode": "live"}, {"venue": "bybit"}, {"name": "second"}, {"currency": "USDC"}]
)
def test_a_file_of_another_account_is_refused(path, other):
    foreign = replace(ACCOUNT, **other)
    for create in (False, True):
        said = refusal(lambda create=create: open_journal(sqlite_url(path), account=foreign, create=create))
        assert f"not the journal of {foreign}" in said


def test_a_journal_that_is_not_there_is_not_quietly_begun(tmp_path):
    assert "no journal here yet" in refusal(lambda: opened(tmp_path / "none.db"))
    assert "folder does not exist" in refusal(lambda: opened(tmp_path / "no" / "where.db", create=True))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_said_to_be_out_of_reach():
    url = "postgresql://user:topsecret@127.0.0.1:1/journal"
    said = refusal(lambda: open_journal(url, account=ACCOUNT, timeout_s=1))
    assert "cannot be reached" in said
    assert "topsecret" not in said


@pytest.mark.parametrize(
    "url", ["mysql://u:topsecret@h/d", "journal.db", "sqlite://", "sqlite:///", "postgresql://h"]
)
def test_an_address_that_is_not_understood_is_not_repeated(url):
    with pytest.raises(ConfigError) as caught:
        parse(url)
    assert "topsecret" not in str(caught.value)


def test_an_address_shows_no_password():
    address = parse("postgresql://user:topsecret@host:5433/journal")
    assert str(address) == repr(address) == "postgresql://host/journal"


def test_a_journal_that_is_made_is_for_its_owner_only(tmp_path):
    opened(tmp_path / "new.db", create=True).close()
    assert (tmp_path / "new.db").stat().st_mode & 0o077 == 0


def test_a_lost_connection_is_said_once_and_made_again():
    with postgresql() as url:
        journal = begun(open_journal(url, account=ACCOUNT, create=True))
        other = open_journal(url, account=ACCOUNT)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        for call in (
            lambda: journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=1),
            journal.open_commands,
        ):
            assert journal.trades() == ()
            other.store.rows._execute(end, ()).close()
            assert "cannot be reached" in refusal(call)
        assert journal.fills() == ()
        assert journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=1) == 1
        journal.close()
        other.close()


def test_each_commit_is_synced_to_the_disk_unless_it_need_not_be(path):
    for durable, level in ((True, 2), (False, 1)):
        journal = opened(path, durable=durable)
        for pragma, value in (("synchronous", level), ("journal_mode", "wal"), ("foreign_keys", 1)):
            with journal.store.rows._execute(f"PRAGMA {pragma}", ()) as cursor:
                assert cursor.fetchone()[0] == value
        journal.close()
    assert "synchronous_commit=on" in parse("postgresql://h/d").options["OPTIONS"]["options"]
    assert "synchronous_commit=off" in parse("postgresql://h/d", durable=False).options["OPTIONS"]["options"]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e20", "1e-19"])
def test_an_amount_that_cannot_be_kept_is_refused_and_not_rounded(path, amount):
    journal = begun(opened(path))
    with pytest.raises(DataError, match="cannot be kept"):
        journal.book_fill(fill(1, 1, "0.003", amount), at_ms=1)
    assert journal.fills() == ()
    journal.close()


def test_a_fill_of_an_unknown_contract_is_refused(path):
    journal = begun(opened(path))
    with pytest.raises(DataError, match="nothing is known of the contract"):
        journal.book_fill(fill(1, 1, "1", "2", symbol="XRPUSDT"), at_ms=1)
    journal.close()


def test_a_canary_in_an_order_is_in_no_error_of_the_database(path):
    journal = begun(opened(path, timeout_s=0.05))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = refusal(lambda: journal.prepare(intent(Purpose.STOP, params="canary-4711"), at_ms=1))
    assert "canary-4711" not in said
    other.close()
    journal.close()
