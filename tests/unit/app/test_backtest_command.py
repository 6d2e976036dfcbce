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
