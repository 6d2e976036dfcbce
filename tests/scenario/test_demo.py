"""The live cycle on streams: in process, on sockets, dying, and as the command that people see first."""

from __future__ import annotations

import json

import pytest

from mastertrading.app.cli import main
from mastertrading.app.demo import act_of, demo_bars, demo_settings
from mastertrading.app.live_world import PAPER, World, backtested, booked
from mastertrading.backtest.folder import read_run
from mastertrading.settings.schema import Settings

HOURS = 3.0


@pytest.fixture(scope="module")
def scene():
    settings = demo_settings(Settings())
    market = demo_bars(("BTCUSDT", "ETHUSDT", "SOLUSDT"), HOURS, 1).market(settings)
    wanted = backtested(act_of(market, settings, PAPER, HOURS, None))
    assert len(wanted) >= 4
    return market, settings, wanted


@pytest.mark.parametrize("venue", [PAPER, "binance_usdm", "bybit_linear"])
def test_what_is_lived_on_streams_is_what_the_backtest_trades(scene, venue):
    market, settings, wanted = scene
    world = World(act_of(market, settings, venue, HOURS, None)).run()
    assert booked(world) == wanted
    assert (world.deaf, world.runner.missed, world.runner.troubles) == (0, 0, 0)


def test_dying_and_starting_again_changes_nothing(scene):
    market, settings, wanted = scene
    world = World(act_of(market, settings, PAPER, HOURS, None), deaths=(40, 201, 402, 555)).run()
    assert world.restarts == 4
    assert booked(world) == wanted


@pytest.mark.parametrize("venue", ["binance_usdm", "bybit_linear"])
def test_the_demonstration_leaves_a_journal_and_a_report_and_trades_as_the_backtest(venue, tmp_path, capsys):
    code = main(["demo", "--hours", "1", "--venue", venue, "--out", str(tmp_path / "demo"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["parity"]["same"]
    assert told["bars"] == 60
    assert (tmp_path / "demo" / "journal.db").is_file()
    folder = tmp_path / "demo"
    assert json.loads((folder / "lived.json").read_text())["parity"] == told["parity"]
    page = (folder / "report.html").read_text()
    assert "<!doctype html>" in page[:40].lower()
    assert read_run(folder / "run").summary["trades"]["trades"] == len(told["trades"])


def test_a_replay_keeps_the_same_journal(tmp_path, capsys):
    words = [
        "replay",
        "--synthetic",
        "--days",
        "0.2",
        "--instruments",
        "BTC",
        "--out",
        str(tmp_path / "run"),
        "--json",
    ]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["parity"]["same"]
    assert main(words) != 0
    assert "holds a journal already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["demo", "--hours", "0"], "--hours must be between"),
        (["demo", "--hours", "nan"], "--hours must be between"),
        (["demo", "--venue", "paper"], "needs a venue's protocol"),
        (["demo", "--venue", "nowhere"], "there is no venue"),
        (["replay"], "--data DIR or --synthetic"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(words, sentence, capsys):
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
