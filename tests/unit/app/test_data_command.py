"""``data import|check|list|synth`` as people and machines use it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from mastertrading.app.cli import main
from mastertrading.app.commands.data import synth
from mastertrading.lake.lock import writing


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A small made lake."""
    assert (
        main(["data", "synth", "--out", str(tmp_path / "lake"), "--days", "2", "--instruments", "BTC,DOGE"])
        == 0
    )
    return tmp_path / "lake"


def answer(capsys, *arguments: str) -> dict:
    """What a command prints for machines."""
    capsys.readouterr()
    code = main([*arguments, "--json"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return json.loads(printed.out)


def spoil(path: Path, **values: float) -> None:
    """Overwrite values of the hundredth row of a series."""
    frame = pl.read_parquet(path).with_row_index()
    hit = pl.col("index") == 100
    frame.with_columns(**{n: pl.when(hit).then(v).otherwise(n) for n, v in values.items()}).drop(
        "index"
    ).write_parquet(path)


def test_made_market_is_named_by_its_seed(capsys, tmp_path):
    told = [
        answer(
            capsys,
            "data",
            "synth",
            "--out",
            str(tmp_path / name),
            "--days",
            "1",
            "--seed",
            seed,
            "--instruments",
            "BTC",
        )
        for name, seed in (("a", "5"), ("b", "5"), ("c", "6"))
    ]
    assert told[0]["data_id"] == told[1]["data_id"] != told[2]["data_id"]
    assert (told[0]["instruments"], told[0]["bars"], told[0]["seed"]) == (["BTCUSDT"], 1440, 5)


def test_list_names_every_series_with_its_window(capsys, lake):
    listed = answer(capsys, "data", "list", "--data", str(lake), "--instruments", "BTC")
    assert listed["venue"] == "synthetic"
    assert {row["series"]: row["rows"] for row in listed["series"]} == {
        "1m": 2880,
        "1h": 1008,
        "funding": 126,
    }
    assert main(["data", "list", "--data", str(lake)]) == 0
    assert "DOGEUSDT" in capsys.readouterr().out


def test_check_of_good_data_says_a_and_zero(capsys, lake):
    assert answer(capsys, "data", "check", "--data", str(lake))["grade"] == "A"


def test_check_tells_of_funding_that_is_not_recorded_as_a_run_does(capsys, lake):
    (lake / "synthetic/funding/DOGEUSDT-funding.parquet").unlink()
    report = answer(capsys, "data", "check", "--data", str(lake))
    row = next(r for r in report["series"] if (r["symbol"], r["series"]) == ("DOGEUSDT", "funding"))
    assert (row["rows"], row["grade"], row["findings"][0]["kind"]) == (0, "C", "funding_none")


def test_check_of_a_bad_bar_names_it_and_says_no(capsys, lake):
    spoil(lake / "synthetic/1m/BTCUSDT-1m.parquet", low=-1.0)
    capsys.readouterr()
    assert main(["data", "check", "--data", str(lake), "--json"]) == 4
    report = json.loads(capsys.readouterr().out)
    row = next(r for r in report["series"] if (r["symbol"], r["series"]) == ("BTCUSDT", "1m"))
    assert (row["grade"], row["unusable"], row["findings"][0]["kind"]) == ("D", 1, "not_positive")
    assert main(["data", "check", "--data", str(lake)]) == 4
    table = capsys.readouterr().out
    assert "not_positive" in table
    assert "BTCUSDT 1m: D not_positive ×1: " in table
    assert "2024-01-01 01:40" in table


def test_import_of_bad_data_quarantines_it_and_then_the_check_passes(capsys, lake, tmp_path):
    spoil(lake / "synthetic/1m/BTCUSDT-1m.parquet", high=1.0)
    clean = tmp_path / "clean"
    rows = answer(capsys, "data", "import", str(lake), "--data", str(clean))["series"]
    btc = next(row for row in rows if (row["symbol"], row["series"]) == ("BTCUSDT", "1m"))
    assert (btc["rows_added"], btc["quarantined"]) == (2879, 1)
    assert answer(capsys, "data", "check", "--data", str(clean))["grade"] == "B"
    again = answer(capsys, "data", "import", str(lake), "--data", str(clean))["series"]
    assert sum(row["rows_added"] for row in again) == 0


def test_import_prints_a_table_and_each_file_it_reads(capsys, lake, tmp_path):
    capsys.readouterr()
    assert main(["data", "import", str(lake), "--data", str(tmp_path / "other"), "--instruments", "BTC"]) == 0
    printed = capsys.readouterr()
    assert "reading BTCUSDT-1m.parquet" in printed.err
    assert "no venue was named" not in printed.err
    assert "2,880" in printed.out


def test_import_of_loose_files_says_which_venue_is_assumed(capsys, lake, tmp_path):
    path = str(lake / "synthetic/1m/BTCUSDT-1m.parquet")
    capsys.readouterr()
    assert main(["data", "import", path, "--data", str(tmp_path / "other")]) == 0
    assert "no venue was named: binance_usdm is assumed" in capsys.readouterr().err
    assert main(["data", "import", path, "--data", str(tmp_path / "named"), "--venue", "spot"]) == 0
    assert "no venue was named" not in capsys.readouterr().err


def test_made_market_that_replaces_another_says_so(capsys, lake):
    made = capsys.readouterr().out
    assert "2,880 bars of BTCUSDT, DOGEUSDT from seed 1" in made
    assert "replaced" not in made
    again = ["data", "synth", "--out", str(lake), "--days", "1", "--instruments", "BTC"]
    assert main(again) == 0
    assert "are replaced" in capsys.readouterr().out
    assert set(json.loads((lake / "synthetic/instruments.json").read_text())) == {"BTCUSDT", "DOGEUSDT"}


def test_list_of_a_lake_with_several_venues_shows_them_all(capsys, lake):
    path = str(lake / "synthetic/1m/BTCUSDT-1m.parquet")
    assert main(["data", "import", path, "--data", str(lake), "--venue", "binance_usdm"]) == 0
    told = answer(capsys, "data", "list", "--data", str(lake))
    assert (told["venue"], told["folder"]) == (None, str(lake))
    assert {row["venue"] for row in told["series"]} == {"binance_usdm", "synthetic"}
    one = answer(capsys, "data", "list", "--data", str(lake), "--venue", "binance_usdm")
    assert [(row["grade"], row["source"], row["bytes"] > 0) for row in one["series"]] == [
        ("A", ["import"], True)
    ]
    assert main(["data", "list", "--data", str(lake)]) == 0
    printed = capsys.readouterr().out
    assert "binance_usdm (" in printed
    assert "synthetic seed 1" in printed


@pytest.mark.parametrize("action", ["list", "check"])
def test_instruments_that_are_not_there_are_told(capsys, lake, action):
    assert main(["data", action, "--data", str(lake), "--instruments", "ADA"]) == 1
    assert "there is nothing of ADAUSDT" in capsys.readouterr().err


def test_made_market_does_not_mix_with_what_another_process_writes(capsys, lake, monkeypatch):
    monkeypatch.setattr(synth, "patience", lambda: lambda: False)
    before = {path: path.read_bytes() for path in lake.rglob("*.parquet")}
    capsys.readouterr()
    with writing(lake / "synthetic"):
        assert main(["data", "synth", "--out", str(lake), "--days", "1", "--seed", "9"]) == 1
    assert "is being written by process" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in lake.rglob("*.parquet")} == before


def test_contract_facts_are_written_as_plain_decimals(lake):
    assert "E-" not in (lake / "synthetic/instruments.json").read_text()


def test_help_names_the_default_lake(capsys):
    for action in ("download", "import", "check", "list", "synth"):
        assert main(["data", action, "--help"]) == 0
        assert "default: lake" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["data", "list", "--data", "nowhere"], 1, "is not a folder"),
        (["data", "import", "nowhere.csv"], 1, "is not there"),
        (["data", "check", "--data", ".", "--venue", "nasdaq"], 1, "no venue 'nasdaq'"),
        (["data", "synth", "--days", "0"], 2, "no synthetic market"),
        (["data", "synth", "--days", "x"], 2, "is not a number"),
        (["data", "synth", "--days", "nan"], 2, "no synthetic market"),
        (["data", "synth", "--days", "1e9"], 2, "no synthetic market"),
        (["data", "synth", "--base", "0"], 2, "no synthetic market"),
        (["data", "conjure"], 2, "invalid choice"),
        (["data", "download"], 2, "--exchange"),
        (["data", "download", "--exchange", "binanceusd"], 2, "did you mean binanceusdm"),
        (["data", "download", "--exchange", "bybit", "--jobs", "0"], 2, "--jobs must be"),
        (["data", "download", "--exchange", "bybit", "--kind", "news"], 2, "'news' can't be downloaded"),
        (["data", "download", "--exchange", "bybit", "--kind", ","], 2, "an option is empty"),
        (["data", "download", "--exchange", "bybit", "--timeframe", "1w", "--dry-run"], 2, "are not kept"),
        (["data", "download", "--exchange", "bybit", "--timeframe", "x"], 2, "is not a timeframe"),
        (["data", "download", "--exchange", "bybit", "--venue", "../x"], 2, "is not the name of a venue"),
        (["data", "download", "--exchange", "bybit", "--from", "2099-01-01"], 2, "lies in the future"),
        (["data"], 2, "ACTION"),
    ],
)
def test_wrong_use_is_told_with_its_exit_code(capsys, tmp_path, monkeypatch, arguments, code, text):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    assert text in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_not_what_it_says_fails_and_writes_nothing(capsys, tmp_path):
    (tmp_path / "BTCUSDT-1m.parquet").write_text("ts,open,high,low,close\n")
    assert (
        main(["data", "import", str(tmp_path / "BTCUSDT-1m.parquet"), "--data", str(tmp_path / "lake")]) == 1
    )
    assert "its name says parquet but its content is text" in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()


def test_lake_that_cannot_be_written_fails(capsys, tmp_path):
    (tmp_path / "lake").write_text("a file")
    assert (
        main(["data", "synth", "--out", str(tmp_path / "lake"), "--days", "1", "--instruments", "BTC"]) == 1
    )
    assert "can't be written" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_ctrl_c_leaves_only_whole_files(monkeypatch, capsys, tmp_path, step):
    calls, real = iter(range(100)), getattr(os, step)

    def stopped_at_the_ninth_call(*arguments):
        if next(calls) == 8:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(os, step, stopped_at_the_ninth_call)
    assert main(["data", "synth", "--out", str(tmp_path), "--days", "1", "--instruments", "BTC,ETH"]) == 130
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left
    for path in left:
        assert json.loads(path.read_text()) if path.suffix == ".json" else len(pl.read_parquet(path)) > 0
    assert {path.suffix for path in left} == {".json", ".parquet"}
