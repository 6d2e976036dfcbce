"""``mastertrading keys``: sealed from the environment, rotated, listed, and never shown."""

from __future__ import annotations

import pytest

from journal_made import ACCOUNT, sqlite_url
from mastertrading.app.cli import main
from mastertrading.app.commands.keys import keyring_of
from mastertrading.journal.credentials import Credentials
from mastertrading.journal.opening import open_journal

CANARY = {"API_KEY": "canary-public-key-abcd", "SECRET": "canary-secret"}


@pytest.fixture
def url(tmp_path, monkeypatch):
    address = sqlite_url(tmp_path / "j.db")
    open_journal(address, account=ACCOUNT, create=True).close()
    monkeypatch.setenv("MASTERTRADING_JOURNAL", address)
    for name, value in CANARY.items():
        monkeypatch.setenv(f"MASTERTRADING_KEYS_MAIN_{name}", value)
    return address


def said(capsys, *words):
    capsys.readouterr()
    status = main(["keys", *words])
    shown = capsys.readouterr()
    assert "canary" not in shown.out + shown.err
    return status, shown.out if status == 0 else shown.err


def test_keys_are_sealed_listed_and_rotated(url, tmp_path, capsys, monkeypatch):
    old, new = (said(capsys, "new-kek", name)[1].strip() for name in ("k1", "k2"))
    monkeypatch.setenv("MASTERTRADING_KEK", old)
    assert said(capsys, "add")[0] == 0
    assert said(capsys, "list")[1] == "binance_usdm:paper:main: …abcd (k1)\n"
    path = tmp_path / "kek"
    path.write_text(f"{new}\n{old}\n", encoding="ascii")
    path.chmod(0o600)
    monkeypatch.setenv("MASTERTRADING_KEK_FILE", str(path))
    assert said(capsys, "rotate")[1] == "sealed_anew: 1\nunder: k2\n"
    journal = open_journal(url, account=ACCOUNT)
    keys = Credentials(journal.store, keyring_of({"MASTERTRADING_KEK": new})).keys(ACCOUNT)
    assert (keys.api_key, keys.secret) == tuple(CANARY.values())
    journal.close()


def test_without_a_key_encryption_key_nothing_is_kept(url, capsys):
    status, told = said(capsys, "add")
    assert status == 2
    assert "MASTERTRADING_KEK_FILE" in told


def test_a_key_file_that_others_can_read_is_blocked_by_safety(url, tmp_path, capsys, monkeypatch):
    path = tmp_path / "kek"
    path.write_text("k1:x")
    path.chmod(0o644)
    monkeypatch.setenv("MASTERTRADING_KEK_FILE", str(path))
    assert said(capsys, "list")[0] == 3


def test_a_passphrase_will_do(url, capsys, monkeypatch):
    monkeypatch.setenv("MASTERTRADING_KEK_PASSPHRASE", "correct horse battery")
    assert said(capsys, "add")[0] == 0
    assert "(passphrase)" in said(capsys, "list")[1]
