"""Common options and how they become settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastertrading.app.cli import Parser
from mastertrading.app.options import (
    COMMON,
    add_common,
    check_window,
    chosen_instruments,
    config_file,
    resolved_settings,
)
from mastertrading.domain.errors import UsageError


def parse(*arguments, names=tuple(COMMON)):
    parser = Parser(prog="x")
    add_common(parser, *names)
    return parser.parse_args(arguments)


def test_all_common_options_together_are_understood():
    args = parse(
        "--data=d", "--venue=binance_usdm", "--instruments=BTC,ETH/USDT:USDT,btcusdt", "--from=2025-05-25T10:35",
        "--to=2025-06-03T15:33:00Z", "--config=c.toml", "--set=seed=2", "--set=risk.per_trade=0.002", "--seed=4",
        "--out=o", "--json",
    )  # fmt: skip
    assert args.data == Path("d")
    assert args.venue == "binance_usdm"
    assert args.instruments == ("BTCUSDT", "ETHUSDT")
    assert args.config == Path("c.toml")
    assert args.overrides == ["seed=2", "risk.per_trade=0.002"]
    assert (args.seed, args.out, args.json) == (4, Path("o"), True)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01", 0),
        ("2025-05-25T10:35", 1_748_169_300_000),
        ("2025-05-25 10:35", 1_748_169_300_000),
        ("2025-05-25T10:35:00Z", 1_748_169_300_000),
        ("2025-05-25T12:35:00+02:00", 1_748_169_300_000),
        ("20250525T103500", 1_748_169_300_000),
        ("1969-12-31T23:59:59.500", -500),
    ],
)
def test_a_time_without_an_offset_is_utc_and_one_with_an_offset_is_converted(text, milliseconds):
    assert parse(f"--from={text}").from_ms == milliseconds


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01", "25/05/2025", ""])
def test_a_text_that_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="is not a date; write 2025-05-25"):
        parse(f"--to={text}")


@pytest.mark.parametrize("text", ["B$C", ",", ""])
def test_a_text_that_names_no_instrument_is_refused(text):
    with pytest.raises(UsageError, match="instrument"):
        parse(f"--instruments={text}")


@pytest.mark.parametrize("text", ["-1", "1.5", "x"])
def test_a_seed_is_a_whole_number_from_zero(text):
    with pytest.raises(UsageError, match="whole number"):
        parse(f"--seed={text}")


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(UsageError, match="window is empty"):
        check_window(parse("--from=2025-05-26", "--to=2025-05-25"))
    check_window(parse("--from=2025-05-25"))


def test_the_usual_file_is_read_if_it_is_there_and_no_other_was_named(tmp_path):
    assert config_file(parse(), tmp_path) is None
    usual = tmp_path / "mastertrading.toml"
    usual.write_text("seed = 3\n", encoding="utf-8")
    assert config_file(parse(), tmp_path) == usual
    assert config_file(parse("--config=other.toml"), tmp_path) == Path("other.toml")


def test_the_usual_file_of_the_current_folder_and_the_environment_reach_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASTERTRADING__RISK__PER_TRADE", "0.001")
    Path("mastertrading.toml").write_text("seed = 3\n", encoding="utf-8")
    resolved = resolved_settings(parse())
    assert (resolved.settings.seed, resolved.settings.risk.per_trade) == (3, 0.001)
    assert resolved.origins["seed"] == "mastertrading.toml:1"


def test_the_seed_option_beats_every_other_place():
    resolved = resolved_settings(parse("--set=seed=2", "--seed=9"), environ={"MASTERTRADING__SEED": "5"})
    assert resolved.settings.seed == 9
    assert resolved.origins["seed"] == "command line"


def test_instruments_are_those_named_else_those_of_the_settings():
    resolved = resolved_settings(parse(), environ={})
    assert len(chosen_instruments(parse(), resolved)) == 7
    assert chosen_instruments(parse("--instruments=SOL"), resolved) == ("SOLUSDT",)


def test_a_command_gets_only_the_options_it_asks_for():
    with pytest.raises(UsageError, match="--venue"):
        parse("--venue=x", names=("data",))
