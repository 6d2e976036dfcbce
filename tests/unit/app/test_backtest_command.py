"""``backtest``: what it refuses before anything is read, and what it says of markets and forecasts."""

from __future__ import annotations

import pytest

from mastertrading.app.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *arguments: str, code: int) -> str:
    """What a refused command says; it must leave nothing behind."""
    assert main(["backtest", *arguments]) == code
    return capsys.readouterr().err


def test_two_markets_at_once_are_refused(capsys):
    told = refused(capsys, "--data", "lake", "--synthetic", code=2)
    assert "choose one of --data and --synthetic" in told


def test_no_market_at_all_is_refused(capsys):
    assert "say where the market comes from" in refused(capsys, code=2)


def test_window_beside_a_synthetic_market_says_how_many_days_reach_it(capsys):
    told = refused(
        capsys, "--synthetic", "--instruments", "BTC", "--days", "2", "--from", "2024-02-01", code=1
    )
    assert "runs from 2024-01-01 00:00 to 2024-01-03 00:00 UTC" in told
    assert "try: --days 32" in told


def test_missing_file_of_forecasts_is_told_before_the_market_is_read(capsys):
    told = refused(capsys, "--data", "nowhere", "--signals", "mine.csv", code=1)
    assert "there is no file mine.csv" in told


def test_file_that_is_no_table_is_told_in_our_words(capsys, folder):
    (folder / "mine.py").write_text("import polars as pl\n\nx = [1, 2, 3]\nprint(x, 4, 5)\n")
    told = refused(capsys, "--synthetic", "--signals", "mine.py", code=1)
    assert "it cannot be read as CSV" in told
    assert "forecasts have the columns ts,instrument,forecast" in told
    assert "calendar" not in told


def test_forecasts_that_are_missing_or_not_used_are_told_and_a_second_run_says_that_it_replaces(
    capsys, folder
):
    start = 1_704_067_200_000
    rows = "".join(f"{ts},BTC,0.5\n" for ts in (start - 60_000, start + 600_000))
    (folder / "mine.csv").write_text("ts,instrument,forecast\n" + rows)
    words = ["backtest", "--synthetic", "--days", "0.5", "--instruments", "BTC,ETH", "--signals", "mine.csv"]
    assert main([*words, "--one-path", "--out", "run"]) == 0
    first = capsys.readouterr()
    assert "1 of 2 forecasts lie outside the bars of this run" in first.err
    assert "no forecasts for 1 of 2 instruments: ETHUSDT" in first.err
    assert "is replaced" not in first.out
    assert main([*words, "--one-path", "--out", "run"]) == 0
    assert "the run that was there is replaced" in capsys.readouterr().out
