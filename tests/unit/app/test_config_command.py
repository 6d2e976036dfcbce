"""``config show``, ``config check`` and ``config init``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mastertrading.app import cli
from mastertrading.app.commands.config import mask


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(capsys, *arguments, code=0):
    assert cli.main(["config", *arguments]) == code
    return capsys.readouterr()


def test_show_tells_every_value_with_its_origin(capsys, monkeypatch):
    monkeypatch.setenv("MASTERTRADING__COSTS__SLIPPAGE", "0.0002")
    Path("mastertrading.toml").write_text("[risk]\nper_trade = 0.002\n", encoding="utf-8")
    lines = shown(capsys, "show", "--set", "account.leverage=3").out.splitlines()

    def line(name):
        return next(text.strip().split(maxsplit=2) for text in lines if text.split()[:1] == [name])

    assert line("risk.per_trade") == ["risk.per_trade", "0.002", "mastertrading.toml:2"]
    assert line("costs.slippage") == ["costs.slippage", "0.0002", "env MASTERTRADING__COSTS__SLIPPAGE"]
    assert line("account.leverage") == ["account.leverage", "3.0", "command line"]
    assert line("costs.taker_fee") == ["costs.taker_fee", "0.0005", "default"]
    assert "hash:" in lines[-1]


def test_show_json_gives_hash_values_and_origins(capsys):
    shown_ = json.loads(shown(capsys, "show", "risk.stops", "--json").out)
    assert shown_["settings"]["risk.stops.stop_atr"] == {"value": 1.5, "origin": "default"}
    assert all(name.startswith("risk.stops.") for name in shown_["settings"])
    assert len(shown_["hash"]) == 64


def test_show_understands_any_name_of_an_instrument(capsys):
    assert "instruments.ETHUSDT.directions" in shown(capsys, "show", "instruments.ETH/USDT").out


def test_show_defaults_tells_what_is_allowed_even_if_the_file_is_wrong(capsys):
    Path("mastertrading.toml").write_text("sed = 1\n", encoding="utf-8")
    assert "a number, more than 0 and at most 0.05" in shown(capsys, "show", "--defaults", "risk").out


def test_show_of_an_unknown_key_says_what_was_meant(capsys):
    assert "did you mean risk.stops?" in shown(capsys, "show", "risk.stop", code=2).err


def test_secrets_are_masked_by_their_names():
    assert mask("api_key", "abc") == mask("bot_token", "abc") == mask("secret", "abc") == "****"
    assert mask("api_key", "") == ""
    assert mask("key_levels", 3) == 3


def test_check_tells_everything_that_is_wrong_and_fails(capsys):
    Path("my.toml").write_text("sed = 1\n[risk]\nper_trade = 9\n", encoding="utf-8")
    text = shown(capsys, "check", "my.toml", code=2).err
    assert "did you mean seed?" in text
    assert "my.toml, line 3" in text
    assert "2 to put right" in text


def test_check_speaks_spanish_around_what_is_wrong(capsys, monkeypatch):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    Path("my.toml").write_text("[risk]\nper_trade = 9\n", encoding="utf-8")
    text = shown(capsys, "check", "my.toml", code=2).err
    assert "dónde: my.toml, line 2" in text
    assert "permitido: " in text


def test_check_json_gives_the_problems(capsys):
    Path("my.toml").write_text("sed = 1\n", encoding="utf-8")
    report = json.loads(shown(capsys, "check", "my.toml", "--json", code=2).out)
    assert report["ok"] is False
    assert report["problems"][0]["key"] == "sed"


def test_check_of_a_good_file_says_so(capsys):
    Path("mastertrading.toml").write_text("seed = 4\n", encoding="utf-8")
    assert "in order: 1 settings given" in shown(capsys, "check").out


def test_init_writes_a_file_that_is_in_order_and_changes_nothing(capsys):
    shown(capsys, "init")
    assert "in order: 0 settings given" in shown(capsys, "check").out
    text = Path("mastertrading.toml").read_text(encoding="utf-8")
    assert "# per_trade = 0.003" in text


def test_init_never_overwrites(capsys):
    Path("mine.toml").write_text("seed = 4\n", encoding="utf-8")
    assert "already exists" in shown(capsys, "init", "mine.toml", code=2).err
    assert Path("mine.toml").read_text(encoding="utf-8") == "seed = 4\n"


def test_init_where_nothing_can_be_written_is_a_clear_error(capsys):
    assert "cannot be written" in shown(capsys, "init", "no/such/folder/x.toml", code=1).err
