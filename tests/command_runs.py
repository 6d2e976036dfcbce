"""Runs through the public command line, in this process, on recorded and on made markets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mastertrading.app.cli import main

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARED = Path(os.environ.get("MASTERTRADING_SHARED_DATA", _DEFAULT))
VENUE = SHARED / "binance_usdm"
needs_data = pytest.mark.skipif(not VENUE.is_dir(), reason=f"no recorded data in {SHARED}")
SEVEN = ("--from", "2025-05-25T10:35", "--to", "2025-06-03T15:33")
"""The window in which all seven recorded instruments exist."""


def command(*words: object) -> None:
    """Run a command that has to succeed."""
    code = main([str(word) for word in words])
    assert code == 0, f"exit code {code}: {words}"


def backtest(out: Path, *words: object, config: str = "") -> Path:
    """Run ``backtest`` with a configuration of its own; returns the run's folder."""
    settings = out.with_name(out.name + ".toml")
    settings.write_text(config)
    command("backtest", "--config", settings, "--out", out, "--json", *words)
    return out


def recorded_backtest(out: Path, *words: object, config: str = "") -> Path:
    return backtest(out, "--data", SHARED, "--venue", VENUE.name, *SEVEN, *words, config=config)
