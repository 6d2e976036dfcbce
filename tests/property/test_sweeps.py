"""A sweep's table depends on its space and on nothing that happens while it runs."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.domain.market import Market
from mastertrading.lake.synthetic import synthesize
from mastertrading.research import sweep as room
from mastertrading.research.case_store import LINES, TABLE, resume
from mastertrading.research.cases import cases_of, checked_space
from mastertrading.research.features import Features
from mastertrading.research.own_signal import OwnSignal, signal_of
from mastertrading.research.space import Space, parse_axes
from mastertrading.research.sweep import Shared, rows_of, sweep, write_results
from mastertrading.settings.schema import Settings


def turn(bars, n: int = 5, level: float = 1.0):
    """The sign of the change over n bars; n = 9 is refused."""
    if n == 9:
        raise ValueError("not nine")
    out = np.zeros(len(bars))
    out[n:] = level * np.sign(bars.close[n:] - bars.close[:-n])
    return out


@cache
def market() -> Market:
    return synthesize(("BTCUSDT", "SOLUSDT"), 0.8, 3)


@cache
def signal() -> OwnSignal:
    return signal_of(turn)


@cache
def space() -> Space:
    axes = ("n=3,9,5", "level=0.5,1", "risk.per_trade=0.001,0.004", "risk.breakers.day.half_size=0.02,0.9")
    return checked_space(parse_axes(axes), [], signal())


def sweep_into(folder: Path, workers: int, kept: int) -> bytes:
    shared = Shared(market(), Settings(), signal=signal())
    cases = cases_of(space(), space().places(), signal())
    store = resume(folder, {"space": {}})
    sweep(shared, cases, store, workers=workers, features=Features(kept))
    write_results(space(), rows_of(cases, store), store)
    return (folder / TABLE).read_bytes()


@cache
def undisturbed(folder: Path) -> bytes:
    return sweep_into(folder, workers=1, kept=9)


@settings(max_examples=15, deadline=None)
@given(
    workers=st.integers(1, 3),
    kept=st.integers(1, 4),
    stops=st.lists(st.integers(0, 12), max_size=3),
    torn=st.integers(0, 4000),
)
def test_workers_caches_interruptions_and_torn_files_change_no_byte(
    tmp_path_factory, workers, kept, stops, torn
):
    folder = tmp_path_factory.mktemp("sweep") / "s"
    for after in stops:
        with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(room, "wait", stopping(after))
            sweep_into(folder, workers, kept)
        lines = folder / LINES
        if lines.is_file():
            lines.write_bytes(lines.read_bytes()[: torn or None])
    assert sweep_into(folder, workers, kept) == undisturbed(reference(tmp_path_factory))


def test_every_case_of_the_space_is_in_the_table_once_with_figures_or_a_reason(tmp_path_factory):
    folder = reference(tmp_path_factory)
    undisturbed(folder)
    frame = pl.read_parquet(folder / TABLE)
    assert frame["case"].n_unique() == frame.height == space().product
    told = frame.select(pl.col("net_atoms").is_null() == pl.col("error").is_not_null())
    assert told.to_series().all()
    assert frame.filter(pl.col("n") == 9)["error"].null_count() == 0


REFERENCE: list[Path] = []


def reference(factory: pytest.TempPathFactory) -> Path:
    if not REFERENCE:
        REFERENCE.append(factory.mktemp("reference") / "s")
    return REFERENCE[0]


def stopping(after: int):
    usual, seen = room.wait, [0]

    def interrupted(running, **how):
        done = usual(running, **how)
        seen[0] += len(done[0])
        if seen[0] > after:
            raise KeyboardInterrupt
        return done

    return interrupted
