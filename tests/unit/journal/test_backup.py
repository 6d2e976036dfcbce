"""Backups while trading, damaged ones, and restores after which nothing is traded before a reconciliation."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from journal_made import ACCOUNT, Template, begun, books, cycle, fill, sqlite_url
from journal_servers import postgresql, tools
from mastertrading.domain.errors import JournalUnusable, LeaseLost, OutputError
from mastertrading.journal.backup import back_up, check_backup, restore
from mastertrading.journal.opening import open_journal
from mastertrading.journal.safety import RECONCILE_FIRST


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template(tmp_path_factory.mktemp("journals"))


@pytest.fixture
def journal(template):
    journal = begun(open_journal(sqlite_url(template.copy()), account=ACCOUNT))
    journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=1)
    journal.commit_cycle(cycle(60_000), 60_100)
    yield journal
    journal.close()


def url_of(journal):
    return sqlite_url(journal.store.address.path)


def test_a_backup_is_taken_while_the_trader_trades(journal, tmp_path):
    made = back_up(url_of(journal), ACCOUNT, tmp_path / "b.db")
    journal.book_fill(fill(2, -1, "0.003", "50100"), at_ms=2)
    assert made.transactions == check_backup(made.path, ACCOUNT) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"b.db", "b.db.sha256"}
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_a_restored_older_journal_has_its_old_books_and_asks_to_reconcile_first(journal, tmp_path):
    url, before = url_of(journal), books(journal)
    made = back_up(url, ACCOUNT, tmp_path / "b.db")
    journal.book_fill(fill(2, -1, "0.003", "50100"), at_ms=2)
    after = books(journal)
    journal.release()
    journal.close()
    restore(made.path, url, ACCOUNT, now_ms=99)
    again = open_journal(url, account=ACCOUNT)
    again.verify()
    assert books(again) == before
    assert "restored from b.db" in again.latches()[RECONCILE_FIRST].reason
    assert again.incidents()[-1].kind == "restored"
    assert again.latest_state().state == b"engine"
    begun(again, now_ms=100)
    again.book_fill(fill(1, 1, "0.003", "50000"), fill(2, -1, "0.003", "50100"), at_ms=101)
    assert books(again) == after  # the venue tells again what the backup had missed
    again.unlatch(RECONCILE_FIRST, "op-1", 102)
    again.close()
    kept = open_journal(sqlite_url(str(journal.store.address.path) + ".before-restore"), account=ACCOUNT)
    assert books(kept) == after
    kept.close()


def test_a_writer_from_before_the_restore_writes_no_more(journal, tmp_path):
    url = url_of(journal)
    made = back_up(url, ACCOUNT, tmp_path / "b.db")
    epoch = journal.lease().epoch
    journal.release()
    journal.close()
    restore(made.path, url, ACCOUNT, now_ms=99)
    zombie = open_journal(url, account=ACCOUNT)
    zombie._epoch = epoch
    with pytest.raises(LeaseLost):
        zombie.book_fill(fill(2, -1, "0.003", "50100"), at_ms=2)
    zombie.close()


def test_a_journal_in_use_is_not_replaced(journal, tmp_path):
    made = back_up(url_of(journal), ACCOUNT, tmp_path / "b.db")
    with pytest.raises(JournalUnusable, match="in use"):
        restore(made.path, url_of(journal), ACCOUNT, now_ms=99)
    assert journal.latches() == {}


def test_a_damaged_journal_is_replaced_and_kept_beside(journal, tmp_path):
    url, place = url_of(journal), journal.store.address.path
    made = back_up(url, ACCOUNT, tmp_path / "b.db")
    journal.close()
    place.write_bytes(b"damaged" * 1000)
    restore(made.path, url, ACCOUNT, now_ms=99)
    again = open_journal(url, account=ACCOUNT)
    assert RECONCILE_FIRST in again.latches()
    again.close()
    assert place.with_name(place.name + ".before-restore").read_bytes().startswith(b"damaged")


@pytest.mark.parametrize("spoil", ["bit", "cut", "sum"])
def test_a_damaged_backup_is_refused_and_the_journal_stays(journal, tmp_path, spoil):
    url = url_of(journal)
    made = back_up(url, ACCOUNT, tmp_path / "b.db")
    whole = bytearray(made.path.read_bytes())
    if spoil == "bit":
        whole[len(whole) // 2] ^= 1
    made.path.write_bytes(whole[: len(whole) // 2] if spoil == "cut" else whole)
    if spoil == "sum":
        (tmp_path / "b.db.sha256").unlink()
    journal.release()
    before = journal.store.address.path.read_bytes()
    with pytest.raises(JournalUnusable):
        restore(made.path, url, ACCOUNT, now_ms=99)
    assert journal.store.address.path.read_bytes() == before


def test_a_backup_of_another_account_is_refused(journal, tmp_path):
    made = back_up(url_of(journal), ACCOUNT, tmp_path / "b.db")
    with pytest.raises(JournalUnusable, match="not the journal of"):
        check_backup(made.path, replace(ACCOUNT, mode="live"))


def test_a_backup_that_cannot_be_written_leaves_nothing(journal, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="cannot be written"):
        back_up(url_of(journal), ACCOUNT, tmp_path / "b.db")
    assert list(tmp_path.iterdir()) == []


def test_a_postgresql_journal_goes_through_pg_dump_and_comes_back(tmp_path, monkeypatch):
    with postgresql() as url:
        monkeypatch.setenv("PATH", f"{tools()}{os.pathsep}{os.environ['PATH']}")
        journal = begun(open_journal(url, account=ACCOUNT, create=True))
        journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=1)
        before = books(journal)
        made = back_up(url, ACCOUNT, tmp_path / "b.dump")
        journal.book_fill(fill(2, -1, "0.003", "50100"), at_ms=2)
        journal.release()
        journal.close()
        restore(made.path, url, ACCOUNT, now_ms=99)
        again = open_journal(url, account=ACCOUNT)
        assert books(again) == before
        assert RECONCILE_FIRST in again.latches()
        again.verify()
        again.close()
