"""``mastertrading journal``: what the hints of the journal's refusals name."""

from __future__ import annotations

import json

import pytest

from journal_made import ACCOUNT, begun, books, cycle, fill, sqlite_url
from mastertrading.app.cli import main
from mastertrading.journal.opening import open_journal


@pytest.fixture
def url(tmp_path):
    address = sqlite_url(tmp_path / "j.db")
    assert main(["journal", "migrate", "--journal", address, "--account", str(ACCOUNT)]) == 0
    return address


def said(capsys, *words):
    capsys.readouterr()
    status = main(["journal", *words, "--json"])
    shown = capsys.readouterr()
    return status, json.loads(shown.out) if status == 0 else shown.err


def test_a_journal_is_made_checked_backed_up_and_restored(url, tmp_path, capsys):
    journal = begun(open_journal(url, account=ACCOUNT))
    journal.book_fill(fill(1, 1, "0.003", "50000"), at_ms=1)
    journal.commit_cycle(cycle(60_000), 60_000)
    before = books(journal)
    journal.release()
    journal.close()
    status, told = said(capsys, "check", "--journal", url)
    assert (status, told["fills"], told["ledger_transactions"], told["latches"]) == (0, 1, 1, "-")
    status, told = said(capsys, "backup", str(tmp_path / "b.db"), "--journal", url)
    assert (status, told["transactions"]) == (0, 1)
    status, told = said(capsys, "thin", "--journal", url)
    assert status == 0
    assert told["removed_rows"] > 0
    assert said(capsys, "restore", str(tmp_path / "b.db"), "--journal", url)[0] == 0
    assert said(capsys, "check", "--journal", url)[1]["latches"] == "reconcile_first"
    again = open_journal(url, account=ACCOUNT)
    assert books(again) == before
    again.close()


def test_a_lost_journal_is_restored_for_the_account_that_is_named(url, tmp_path, capsys):
    assert said(capsys, "backup", str(tmp_path / "b.db"), "--journal", url)[0] == 0
    (tmp_path / "j.db").unlink()
    restore = ("restore", str(tmp_path / "b.db"), "--journal", url)
    assert said(capsys, *restore)[0] == 2
    assert said(capsys, *restore, "--account", str(ACCOUNT))[0] == 0
    assert said(capsys, "check", "--journal", url)[1]["latches"] == "reconcile_first"


def test_a_journal_that_is_not_there_is_refused_by_safety(tmp_path, capsys):
    status, told = said(capsys, "check", "--journal", sqlite_url(tmp_path / "none.db"))
    assert status == 3
    assert "no journal here yet" in told


@pytest.mark.parametrize("name", ["binance", "a:b:c:d", ":paper"])
def test_an_account_that_is_no_name_is_a_usage_error(url, capsys, name):
    status, told = said(capsys, "check", "--journal", url, "--account", name)
    assert status == 2
    assert "names no account" in told


def test_an_address_may_come_from_the_environment(url, capsys, monkeypatch):
    monkeypatch.setenv("MASTERTRADING_JOURNAL", url)
    assert said(capsys, "check")[1]["account"] == str(ACCOUNT)
