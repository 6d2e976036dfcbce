"""Every trade, fee, funding payment and minute of equity, against books kept by hand: the difference is zero."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from command_runs import VENUE, backtest, command, needs_data, recorded_backtest
from mastertrading.lake.damage import Defects
from mastertrading.lake.synthetic import VENUE as SYNTHETIC
from mastertrading.lake.synthetic import write_synthetic
from oracles.books_by_hand import Books

BUSY = """
[allocation]
min_modules = 1
threshold = 0.10
[account]
initial_equity = 12345.67890123
transfers = [
    { at = "2024-01-02T03:04:05", amount = 2500.5 },
    { at = "2024-01-03T12:00", amount = -1999.99999999 },
    { at = "2024-01-05T00:00:00.001+02:00", amount = 0.00000001 },
]
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return Books(recorded_backtest(tmp_path_factory.mktemp("real") / "run"), VENUE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Books:
    place = tmp_path_factory.mktemp("made")
    lake, which = place / "lake", ("--instruments", "BTC,ETH,XRP")
    command("data", "synth", *which, "--days", 6, "--seed", 7, "--out", lake)
    return Books(backtest(place / "run", *which, "--data", lake, config=BUSY), lake / SYNTHETIC)


@needs_data
def test_books_of_recorded_bars_agree_to_the_atom(real: Books) -> None:
    assert len(real.trades()) > 50
    assert {payment["atoms"] > 0 for payment in real.payments()} == {True, False}
    assert real.differences() == []


def test_books_of_a_made_market_with_transfers_agree_to_the_atom(made: Books) -> None:
    assert len(made.trades()) > 40
    assert len(made.transfers()) == 3
    assert made.differences() == []


def test_funding_interval_that_changes_is_charged_every_4_h_from_then_on(made: Books) -> None:
    hours = {p["ts_ms"] // 3_600_000 % 24 for p in made.payments() if p["instrument"] == "XRPUSDT"}
    assert hours - {0, 8, 16}, "some payment of the 4 h schedule"
    others = {p["ts_ms"] // 3_600_000 % 24 for p in made.payments() if p["instrument"] != "XRPUSDT"}
    assert others <= {0, 8, 16}


def test_books_with_missing_bars_agree_to_the_atom(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write_synthetic(lake, ("BTC", "ETH"), 3, 5, defects=Defects(gaps=20))
    config = '[data]\nworst_grade = "D"\n[allocation]\nmin_modules = 1\nthreshold = 0.10\n'
    run = backtest(tmp_path / "run", "--instruments", "BTC,ETH", "--data", lake, config=config)
    books = Books(run, lake / SYNTHETIC)
    bars = (books.end_ms - books.first_ms) // 60_000
    assert any(len(closes) < bars for closes in books.closes.values()), "some bar is missing"
    assert len(books.trades()) > 10
    assert books.differences() == []


def test_books_by_hand_notice_one_atom_in_any_table(made: Books, tmp_path: Path) -> None:
    for table, column in (
        ("fills", "fee_atoms"),
        ("trades", "gross_atoms"),
        ("funding", "atoms"),
        ("equity", "equity_atoms"),
    ):
        copy = tmp_path / table
        copy.mkdir()
        for file in made.run.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        frame = pl.read_parquet(copy / f"{table}.parquet").with_row_index("row")
        bent = pl.when(pl.col("row") == 3).then(pl.col(column) + 1).otherwise(pl.col(column)).alias(column)
        frame.with_columns(bent).drop("row").write_parquet(copy / f"{table}.parquet")
        assert Books(copy, made.venue).differences(), f"{table}.{column}"


def test_books_by_hand_notice_one_atom_in_the_summary(made: Books, tmp_path: Path) -> None:
    for file in made.run.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    summary = json.loads((tmp_path / "summary.json").read_text())
    summary["money"]["final_atoms"] += 1
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert Books(tmp_path, made.venue).differences()
