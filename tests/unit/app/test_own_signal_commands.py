"""``backtest --signal`` and ``lookahead``: what they record, print and refuse, as a user calls them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import biased_signals
from mastertrading.app.cli import main
from mastertrading.lake.synthetic import synthesize

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "signals"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
SMALL = ("--synthetic", "--days", "0.5", "--instruments", "BTC,ETH,SOL", "--one-path")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with the examples, and the biased signals beside them."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(EXAMPLES, tmp_path / "signals", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(biased_signals.__file__, tmp_path / "biased.py")
    return tmp_path


def summary(out) -> dict:
    return json.loads((Path(out) / "summary.json").read_text())


def backtest(out, *words) -> dict:
    assert main(["backtest", *SMALL, "--json", "--out", str(out), *words]) == 0
    return summary(out)


def test_a_run_records_the_signal_its_file_and_its_parameters(capsys, folder):
    told = backtest("one", "--signal", "ema_cross", "--param", "fast=10")
    source = (folder / "signals" / "ema_cross.py").read_bytes()
    expected = {
        "name": "ema_cross",
        "file": "ema_cross.py",
        "sha256": hashlib.sha256(source).hexdigest(),
        "params": {"fast": 10, "slow": 50},
    }
    assert told["signal"] == expected
    assert json.loads(capsys.readouterr().out)["signal"] == expected
    assert "user" in pl.scan_parquet("one/decisions.parquet").collect_schema().names()
    assert not (folder / "signals" / "__pycache__").exists()


def test_the_run_id_follows_the_parameters_and_the_source_and_not_the_place(folder):
    first = backtest("one", "--signal", "ema_cross")["run"]["run_id"]
    assert backtest("two", "--signal", "signals/ema_cross.py:ema_cross")["run"]["run_id"] == first
    assert (folder / "one" / "summary.json").read_bytes() == (folder / "two" / "summary.json").read_bytes()
    assert backtest("three", "--signal", "ema_cross", "--param", "fast=21")["run"]["run_id"] != first
    source = folder / "signals" / "ema_cross.py"
    source.write_text(source.read_text() + "\n# the same, and yet another file\n")
    assert backtest("four", "--signal", "ema_cross")["run"]["run_id"] != first


def test_a_signal_trades_as_a_file_of_the_same_forecasts_does(folder):
    from mastertrading.research.own_signal import evaluate, load_signal

    market = synthesize(("BTC", "ETH", "SOL"), days=0.5)
    values = evaluate(load_signal("ema_cross"), market)
    rows = [
        pl.DataFrame({"ts": market.ts_ms, "instrument": symbol, "forecast": values[:, n]})
        for n, symbol in enumerate(market.symbols)
    ]
    pl.concat(rows).write_parquet("mine.parquet")
    backtest("by-file", "--signals", "mine.parquet")
    backtest("by-function", "--signal", "ema_cross")
    for table in ("trades", "fills", "decisions"):
        mine, theirs = (pl.read_parquet(f"{run}/{table}.parquet") for run in ("by-file", "by-function"))
        assert mine.equals(theirs), table
    assert len(mine)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_trades_and_passes_the_check(name, capsys):
    told = backtest("run", "--signal", name)
    assert told["signal"]["name"] == name
    assert main(["lookahead", "--signal", name, "--cuts", "8"]) == 0
    assert "No look-ahead found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--signal", "ema_crss"], "did you mean ema_cross?"),
        (["--signal", "ema_cross", "--param", "fsat=3"], "did you mean fast?"),
        (["--signal", "ema_cross", "--param", "fast"], "--param takes NAME=VALUE"),
        (["--param", "fast=3"], "--param belongs to --signal"),
        (["--signal", "ema_cross", "--signals", "mine.csv"], "choose one of --signal and --signals"),
    ],
)
def test_a_wrong_signal_is_refused_before_anything_is_read(capsys, folder, words, told):
    assert main(["backtest", *SMALL, *words]) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_a_signal_that_fails_leaves_no_folder_and_names_the_line(capsys, folder):
    (folder / "signals" / "bad.py").write_text("def bad(bars):\n    return bars.closes\n")
    assert main(["backtest", *SMALL, "--signal", "bad"]) == 2
    assert "bad.py:2: return bars.closes" in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_a_signal_without_an_opinion_is_told(capsys, folder):
    (folder / "signals" / "mute.py").write_text("def mute(bars):\n    return bars.close * 0\n")
    assert main(["backtest", *SMALL, "--signal", "mute", "--no-files"]) == 0
    assert "mute() has no opinion at any bar of BTCUSDT, ETHUSDT, SOLUSDT" in capsys.readouterr().err


# ---------------------------------------------------------------- lookahead


@pytest.mark.parametrize("name", ["negative_shift", "whole_sample", "unfinished_hour"])
def test_a_biased_signal_gives_exit_code_4_and_a_plain_sentence(capsys, name):
    assert main(["lookahead", "--signal", f"biased.py:{name}", "--cuts", "8"]) == 4
    told = capsys.readouterr().out
    assert f"{name} looks ahead: what it said of" in told
    assert "LOOKS AHEAD" in told


def test_the_check_tells_machines_everything(capsys):
    assert main(["lookahead", "--signal", "biased.py:negative_shift", "--cuts", "8", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    (row,) = told["signals"]
    assert told["biased"]
    assert row["verdict"] == "looks ahead"
    assert row["cuts"] == row["changed_at"] >= 8
    assert row["bars_before_the_cut"] == 1
    assert told["warm_up"][0]["settled_after_bars"] == {"1e-3": 0, "1e-9": 0, "bit": 0}
    assert "negative number" in told["sentences"][0]


def test_the_check_speaks_spanish(capsys, monkeypatch):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    assert main(["lookahead", "--signal", "biased.py:whole_sample", "--cuts", "8"]) == 4
    assert "mira al futuro" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--cuts", "2"], ["--synthetic", "--data", "lake"], ["--param", "a=1"]])
def test_a_wrong_question_is_refused(capsys, words):
    assert main(["lookahead", *words]) == 2


def test_without_a_signal_the_modules_and_the_indicators_are_checked(capsys):
    assert main(["lookahead", "--cuts", "4", "--instruments", "BTC", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    verdicts = {row["signal"]: row["verdict"] for row in told["signals"]}
    assert {"trend", "meanrev", "carry", "smc", "context", "ema", "coarse"} <= set(verdicts)
    assert set(verdicts.values()) <= {"clean", "silent"}
    available = {row["signal"]: row["bars_before_the_first_decision"] for row in told["warm_up"]}
    assert available["trend"] > 40 * 1400
    assert available["ema"] is None
