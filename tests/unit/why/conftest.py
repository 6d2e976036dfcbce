"""One small run with many kinds of refusals, made once, and others that differ from it in one thing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from command_runs import backtest
from mastertrading.backtest.explain_run import open_run

CONFIG = """
[allocation]
min_modules = 1
[risk.gates]
htf_adx_min = 25.0
htf_adx_spares_meanrev = false
[risk.gates.throttle]
low = 1
middle = 1
high = 2
[risk.breakers.losses]
half_size = 1
no_entries = 2
[position]
stale_hours = 4
[instruments.BTCUSDT]
directions = "long_only"
tier = "half"
[instruments.ETHUSDT]
"""
MARKET = ("--synthetic", "--days", 8, "--instruments", "BTC,ETH", "--one-path")


@pytest.fixture(scope="session")
def make_run(tmp_path_factory) -> Callable[..., Path]:
    """Make a run of the same market, with further options."""

    def make(name: str, *words: Any) -> Path:
        return backtest(tmp_path_factory.mktemp(name) / name, *MARKET, *words, config=CONFIG)

    return make


@pytest.fixture(scope="session")
def folder(make_run) -> Path:
    """The run that is asked about."""
    return make_run("one")


@pytest.fixture
def run(folder):
    return open_run(folder)


@pytest.fixture(scope="session")
def decisions(folder) -> pl.DataFrame:
    return pl.read_parquet(folder / "decisions.parquet").with_columns(pl.col("instrument").cast(pl.String))


@pytest.fixture
def tampered(folder, tmp_path) -> Callable[..., Path]:
    """A copy of the run in which one cell of a table was changed."""

    def tamper(table: str, row: int, **cells: Any) -> Path:
        copy = tmp_path / "tampered"
        shutil.copytree(folder, copy)
        path = copy / f"{table}.parquet"
        frame = pl.read_parquet(path).with_row_index("row")
        for name, value in cells.items():
            changed = pl.when(pl.col("row") == row).then(pl.lit(value, frame.schema[name]))
            frame = frame.with_columns(changed.otherwise(pl.col(name)).alias(name))
        frame.drop("row").write_parquet(path)
        return copy

    return tamper


@pytest.fixture(scope="session")
def earlier(folder, tmp_path_factory) -> Path:
    """The run as a version left it that recorded nothing of what gates compared."""
    copy = tmp_path_factory.mktemp("earlier") / "run"
    shutil.copytree(folder, copy)
    path = copy / "decisions.parquet"
    pl.read_parquet(path).drop("close_ticks", "htf_adx", "volatility").write_parquet(path)
    return copy


@pytest.fixture
def printed() -> Callable[..., str]:
    """What a console of some width shows."""

    def show(renderable: Any, width: int) -> str:
        console = Console(file=StringIO(), width=width, soft_wrap=False)
        console.print(renderable)
        return console.file.getvalue()

    return show
