"""``doctor`` says what is wrong and what to do about it."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from pathlib import Path

import pytest

from journal_made import ACCOUNT, begun, intent, sqlite_url
from mastertrading.app.cli import main
from mastertrading.app.doctor import machine
from mastertrading.app.doctor.account import clock_finding
from mastertrading.app.findings import State
from mastertrading.domain.intents import CommandState, Transition
from mastertrading.journal.opening import open_journal


@pytest.fixture
def path(tmp_path):
    """A journal of somebody who died with an answer outstanding, and a switch that was put."""
    path = tmp_path / "journal.db"
    journal = begun(open_journal(sqlite_url(path), account=ACCOUNT, create=True))
    one = intent()
    journal.prepare(one, at_ms=5)
    journal.mark(Transition(one.client_id, CommandState.SENT, 6))
    journal.latch("pause", "anna: news", 7)
    journal.close()
    return path


def told(capsys, *words, code=0):
    assert main(["doctor", "--offline", *map(str, words), "--json"]) == code
    found = json.loads(capsys.readouterr().out)["findings"]
    return {one["name"]: one for one in found}


def test_a_machine_without_an_account_is_looked_at(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = told(capsys)
    assert found["python"]["state"] == "ok"
    assert found["dependencies"]["state"] == "ok"
    assert "ccxt" in found["dependencies"]["found"]
    assert found["configuration"]["state"] == "ok"
    assert "there is none" in found["journal"]["found"]


def test_a_journal_is_looked_at_from_its_file_to_its_last_command(capsys, path):
    found = told(capsys, "--journal", path)
    assert found["journal pages"]["found"] == "sound"
    assert found["ledger"]["state"] == "ok"
    assert found["lease"]["state"] == "warn"
    assert "did not give it back" in found["lease"]["found"]
    assert found["switches"]["todo"] == "mastertrading resume"
    assert "anna: news" in found["switches"]["found"]
    assert intent().client_id in found["commands"]["found"]


def test_looking_changes_nothing(capsys, path):
    before = path.read_bytes()
    told(capsys, "--journal", path)
    assert path.read_bytes() == before


def test_a_damaged_journal_fails_with_the_way_back(capsys, path):
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 20] = b"x" * 4096 * 17
    path.write_bytes(content)
    found = told(capsys, "--journal", path, code=1)
    assert "fail" in {found["journal pages"]["state"], found["journal"]["state"]}


def test_a_ledger_that_was_changed_from_outside_fails(capsys, path):
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER journal_guard_ledgertransaction_update")
        connection.execute(
            "INSERT INTO journal_ledgerbalance (account_id, name, currency, amount)"
            " VALUES (1, 'wallet', 'USDT', '5')"
        )
    connection.close()
    found = told(capsys, "--journal", path, code=1)["journal"]
    assert found["state"] == "fail"
    assert "the balance of wallet" in found["found"]


def test_a_journal_that_is_named_and_not_there_fails(capsys, tmp_path):
    assert told(capsys, "--journal", tmp_path / "no.db", code=1)["journal"]["state"] == "fail"


def test_settings_with_a_mistake_fail_with_the_place(capsys, tmp_path):
    (tmp_path / "bad.toml").write_text("[risk]\nper_trad = 0.1\n")
    found = told(capsys, "--config", tmp_path / "bad.toml", "--journal", tmp_path / "x.db", code=1)
    assert found["configuration"]["state"] == "fail"
    assert "per_trad" in found["configuration"]["found"]


def test_a_file_with_keys_that_others_can_read_fails(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = tmp_path / "keys.toml"
    keys.write_text('api_key = "canary-a"\nsecret = "canary-b"\n')
    keys.chmod(0o644)
    monkeypatch.setenv("MASTERTRADING_KEYS_MAIN_FILE", str(keys))
    found = told(capsys, code=1)["MASTERTRADING_KEYS_MAIN_FILE"]
    assert found["todo"] == f"chmod 600 {keys}"
    assert "canary" not in json.dumps(found)
    keys.chmod(0o600)
    assert told(capsys)["MASTERTRADING_KEYS_MAIN_FILE"]["state"] == "ok"


def test_a_journal_that_others_can_read_is_to_be_looked_at(capsys, path):
    path.chmod(0o644)
    assert told(capsys, "--journal", path)["journal file"]["todo"] == f"chmod 600 {path}"


@pytest.mark.parametrize(
    ("offset", "error", "state"),
    [(3.0, 40.0, State.OK), (5000.0, 40.0, State.WARN), (0.0, 900.0, State.FAIL)],
)
def test_a_clock_that_is_off_is_reckoned_with_and_one_that_is_not_known_is_not(offset, error, state):
    assert clock_finding(offset, error, 500.0, "binance_usdm").state is state


def test_little_room_is_told_before_there_is_none(tmp_path, monkeypatch):
    for left, state in ((1 << 20, State.FAIL), (1 << 29, State.WARN), (1 << 40, State.OK)):
        monkeypatch.setattr(
            machine.shutil, "disk_usage", lambda place, left=left: type("U", (), {"free": left})
        )
        assert machine.disk(tmp_path).state is state


def test_the_versions_that_do_are_those_of_the_project():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    least = {line.split(">=")[0]: line.split(">=")[1].split(",")[0] for line in project["dependencies"]}
    assert {name: ".".join(map(str, version)) for name, version in machine.NEEDED.items()} == least
    low, high = project["requires-python"].removeprefix(">=").split(",<")
    assert (".".join(map(str, machine.OLDEST)), ".".join(map(str, machine.TOO_NEW))) == (low, high)


def test_people_read_lines_with_what_to_do(capsys, path):
    assert main(["doctor", "--offline", "--journal", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "→ mastertrading resume" in shown
    assert "0 failed" in shown
