"""Keys: from the environment or a file of one's own, and in no text that anybody sees."""

from __future__ import annotations

import os
import pickle

import pytest

from mastertrading.domain.errors import SafetyBlocked
from mastertrading.exchange.keys import Keys, keys_of

CANARY = "canary-5ecret"


def test_keys_come_from_the_environment():
    environ = {
        "MASTERTRADING_KEYS_MY_MAIN_API_KEY": "k",
        "MASTERTRADING_KEYS_MY_MAIN_SECRET": CANARY,
        "MASTERTRADING_KEYS_MY_MAIN_PASSPHRASE": "p",
    }
    keys = keys_of("my-main", environ)
    assert (keys.api_key, keys.secret, keys.passphrase) == ("k", CANARY, "p")


def written(tmp_path, text: str, mode: int) -> dict[str, str]:
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"MASTERTRADING_KEYS_MAIN_FILE": str(path)}


def test_keys_come_from_a_file_that_only_its_owner_reads(tmp_path):
    keys = keys_of("main", written(tmp_path, f'api_key = "k"\nsecret = "{CANARY}"\n', 0o600))
    assert (keys.api_key, keys.secret, keys.passphrase) == ("k", CANARY, "")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_touch_is_refused(tmp_path, mode):
    with pytest.raises(SafetyBlocked) as caught:
        keys_of("main", written(tmp_path, f'api_key = "k"\nsecret = "{CANARY}"\n', mode))
    assert "chmod 600" in caught.value.hint
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", 'api_key = "k"', f"secret = {CANARY}", f'api_key = 3\nsecret = "{CANARY}"']
)
def test_a_file_without_both_parts_is_refused_and_not_quoted(tmp_path, text):
    with pytest.raises(SafetyBlocked) as caught:
        keys_of("main", written(tmp_path, text, 0o600))
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SafetyBlocked):
        keys_of("main", {"MASTERTRADING_KEYS_MAIN_FILE": os.fspath(tmp_path / "none")})
    with pytest.raises(SafetyBlocked, match="no keys"):
        keys_of("main", {})


def test_no_text_of_keys_tells_them():
    keys = Keys("canary-key", CANARY, "canary-pass")
    for text in (repr(keys), str(keys), f"{keys}", repr([keys])):
        assert "canary" not in text
    with pytest.raises(TypeError):
        pickle.dumps(keys)
