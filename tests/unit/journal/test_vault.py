"""Exchange keys at rest: sealed, bound to their row, rotated, and nowhere in plain text."""

from __future__ import annotations

import base64
import copy
import json
import traceback
from dataclasses import replace

import pytest

from journal_made import ACCOUNT, Template, begun, sqlite_url
from mastertrading.domain.errors import ConfigError, SafetyBlocked
from mastertrading.journal.credentials import Credentials
from mastertrading.journal.opening import open_journal
from mastertrading.journal.vault import (
    ApiKeys,
    Kek,
    Keyring,
    keyring_from_file,
    keyring_from_passphrase,
    keyring_from_text,
    new_kek,
    rewrap,
    seal,
    unseal,
)

CANARY = ApiKeys("canary-public-key-abcd", "canary-secret-1234", "canary-phrase")
ROW = "binance_usdm:live:main/1"


def ring(*names):
    return Keyring(*(Kek(name, bytes([len(name)]) * 31 + name[-1:].encode()) for name in names))


@pytest.mark.parametrize("keyring", [ring("k1"), keyring_from_passphrase("correct horse battery")])
def test_keys_come_back_and_their_seal_shows_nothing(keyring):
    sealed = seal(keyring, CANARY, ROW)
    assert unseal(keyring, sealed, ROW) == CANARY
    assert "canary" not in sealed + repr(CANARY) + str(CANARY) + repr(keyring) + repr(keyring.current)
    assert seal(keyring, CANARY, ROW) != sealed


def test_keys_are_never_pickled():
    with pytest.raises(TypeError, match="not written anywhere"):
        copy.copy(CANARY)


def test_a_seal_moved_to_another_row_does_not_open():
    sealed = seal(ring("k1"), CANARY, ROW)
    with pytest.raises(SafetyBlocked, match="cannot be opened"):
        unseal(ring("k1"), sealed, "binance_usdm:live:main/2")


@pytest.mark.parametrize("part", ["salt", "wrapped", "body"])
def test_one_changed_bit_is_noticed(part):
    keyring = keyring_from_passphrase("correct horse battery") if part == "salt" else ring("k1")
    envelope = json.loads(seal(keyring, CANARY, ROW))
    spoilt = bytearray(base64.b64decode(envelope[part]))
    spoilt[-1] ^= 1
    envelope[part] = base64.b64encode(spoilt).decode()
    with pytest.raises(SafetyBlocked, match="cannot be opened"):
        unseal(keyring, json.dumps(envelope), ROW)


@pytest.mark.parametrize(
    "wrong", [Keyring(Kek("k1", b"x" * 32)), ring("k2"), keyring_from_passphrase("another passphrase")]
)
def test_a_wrong_key_gives_an_error_and_never_the_sealed_text(wrong):
    sealed = seal(ring("k1"), CANARY, ROW)
    with pytest.raises(SafetyBlocked) as caught:
        unseal(wrong, sealed, ROW)
    text = "".join(traceback.format_exception(caught.value))
    assert "canary" not in text
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("text", ["", "{}", "null", '{"kek": "k1", "salt": "?"}', "garbage"])
def test_a_damaged_seal_is_said_to_be(text):
    with pytest.raises(SafetyBlocked):
        unseal(ring("k1"), text, ROW)


def test_a_new_key_encryption_key_opens_after_rewrapping_and_the_old_one_no_more():
    sealed = rewrap(ring("k2", "k1"), seal(ring("k1"), CANARY, ROW), ROW)
    assert unseal(ring("k2"), sealed, ROW) == CANARY
    with pytest.raises(SafetyBlocked):
        unseal(ring("k1"), sealed, ROW)


def test_a_key_file_of_others_is_refused(tmp_path):
    path = tmp_path / "kek"
    path.write_text(new_kek("k2") + "\n" + new_kek("k1") + "\n")
    path.chmod(0o640)
    with pytest.raises(SafetyBlocked, match="can be read by others"):
        keyring_from_file(path)
    path.chmod(0o600)
    assert repr(keyring_from_file(path)) == "Keyring(k2, k1)"
    with pytest.raises(ConfigError):
        keyring_from_file(tmp_path / "none")


@pytest.mark.parametrize("text", ["", "k1", "k1:AAAA", "k1:not base64 canary", ":" + "A" * 44])
def test_a_keyring_that_cannot_be_read_is_not_repeated(text):
    with pytest.raises(ConfigError) as caught:
        keyring_from_text(text)
    assert "canary" not in str(caught.value)


def test_a_short_passphrase_is_refused():
    with pytest.raises(ConfigError, match="shorter"):
        keyring_from_passphrase("hunter2")


@pytest.fixture
def journal(tmp_path):
    journal = begun(open_journal(sqlite_url(Template(tmp_path).copy()), account=ACCOUNT))
    yield journal
    journal.close()


def test_kept_keys_are_replaced_and_the_old_seal_is_gone(journal):
    credentials = Credentials(journal.store, ring("k1"))
    with pytest.raises(SafetyBlocked, match="no exchange keys are kept"):
        credentials.keys(ACCOUNT)
    credentials.keep(ACCOUNT, CANARY, 5)
    credentials.keep(ACCOUNT, replace(CANARY, secret="canary-new"), 6)
    assert credentials.keys(ACCOUNT).secret == "canary-new"
    seals = journal.store.rows._execute("SELECT sealed FROM journal_exchangecredential ORDER BY id", ())
    with seals:
        assert [bool(text) for (text,) in seals.fetchall()] == [False, True]


def test_rotation_seals_every_row_anew_or_none(journal):
    live = replace(ACCOUNT, mode="live")
    old = Credentials(journal.store, ring("k1"))
    old.keep(ACCOUNT, CANARY, 5)
    old.keep(live, CANARY, 5)
    with pytest.raises(SafetyBlocked):
        Credentials(journal.store, ring("k2")).rotate()
    assert old.keys(live) == CANARY
    new = Credentials(journal.store, ring("k2", "k1"))
    assert (new.rotate(), new.rotate()) == (2, 0)
    assert Credentials(journal.store, ring("k2")).keys(live) == CANARY


def test_no_plain_text_is_in_the_file_or_in_a_row(journal):
    from mastertrading.journal.models import ExchangeCredential

    Credentials(journal.store, ring("k1")).keep(ACCOUNT, CANARY, 5)
    row = ExchangeCredential.objects.using(journal.store.using).get()
    assert "canary" not in str(row) + repr(row) + repr(vars(row))
    folder = journal.store.address.path.parent
    journal.close()
    for path in folder.iterdir():
        assert b"canary" not in path.read_bytes()


def test_fresh_keys_differ_and_have_their_length():
    lines = {new_kek("k1") for _ in range(3)}
    assert len(lines) == 3
    assert all(len(base64.b64decode(line.split(":")[1])) == 32 for line in lines)
