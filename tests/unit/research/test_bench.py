"""The flat loop makes the engine's very trades, and nothing is compared with it where it does not."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from mastertrading.backtest.lean import run_lean
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.errors import DataMissing, InvariantBroken
from mastertrading.domain.reasons import FillReason
from mastertrading.research.bench import crossing, floor, measure
from mastertrading.research.bench.crossing import (
    check_same,
    crossing_settings,
    crossings,
    flat_rules,
    market_of,
    walk,
)
from mastertrading.research.bench.stages import REST, STAGES, Stopwatch, holders_of, watched, where_time_goes
from mastertrading.research.bench.worker import ask_worker
from mastertrading.research.bench.workloads import WORKLOADS, floor_sets, play_sets

SETTINGS = crossing_settings()


def engine(market):
    return run(market, SETTINGS, Ask(all_paths=False, forecasts=crossings(market.close)))


def jumpy(bars, instruments, seed, sigma=0.007):
    """A walk whose opens are torn from the closes before them, so that every branch of a bar is taken."""
    calm = walk(bars, instruments, seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    ticks = np.array([float(one.tick) for one in calm.instruments])
    moves = np.cumsum(rng.normal(0.0, sigma, (bars, instruments)), axis=0)
    close = np.round(calm.close[0] * np.exp(moves) / ticks) * ticks
    before = np.vstack([close[:1], close[:-1]])
    opens = np.round(before * np.exp(rng.normal(0.0, sigma, close.shape)) / ticks) * ticks
    reach = np.exp(np.abs(rng.normal(0.0, sigma, (2, *close.shape))))
    high = np.round(np.maximum(opens, close) * reach[0] / ticks) * ticks
    low = np.round(np.minimum(opens, close) / reach[1] / ticks) * ticks
    return market_of(calm.symbols, [opens, high, low, close], f"jumpy {seed}")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [(6_000, 1), (2_000, 7)])
@pytest.mark.parametrize("make", [walk, jumpy])
def test_the_flat_loop_makes_the_same_trades_and_equity_to_the_bit(make, size, seed):
    market = make(*size, seed)
    flat = floor.floor(market, flat_rules())
    check_same(engine(market), flat)
    check_same(run_lean(market, SETTINGS, Ask(forecasts=crossings(market.close))), flat)
    assert len(flat.trades) > 50


def test_the_markets_that_are_compared_take_every_branch_of_a_bar():
    market = jumpy(6_000, 1, 0)
    result = engine(market)
    reasons = set(result.trades["exit_reason"].tolist())
    assert reasons >= {FillReason.STOP, FillReason.TARGET, FillReason.FLIP}
    assert len(result.events) > 0, "an entry is dropped where the open is beyond its stop or target"
    assert set(result.trades["side"].tolist()) == {-1, 1}
    same_bar = result.trades["opened_ms"] == result.trades["closed_ms"]
    assert same_bar.any()


@pytest.mark.parametrize("instruments", [1, 3])
def test_the_flat_loop_is_the_same_interpreted(instruments, monkeypatch):
    market = jumpy(400, instruments, 5)
    compiled = floor.floor(market, flat_rules())
    for name in ("flat_one", "flat_many"):
        monkeypatch.setattr(floor, name, getattr(floor, name).py_func)
    interpreted = floor.floor(market, flat_rules())
    assert compiled.trades.tolist() == interpreted.trades.tolist()
    assert compiled.equity.tolist() == interpreted.equity.tolist()


def spoilt(flat, what):
    trades, equity = flat.trades.copy(), flat.equity.copy()
    if what == "a trade less":
        trades = trades[:-1]
    elif what == "one atom of a trade":
        trades[3, floor.FIELDS.index("net_atoms")] += 1
    else:
        equity[1_000] += 1
    return floor.Floored(trades, equity)


@pytest.mark.parametrize("what", ["a trade less", "one atom of a trade", "one atom of equity"])
def test_one_difference_between_engine_and_flat_loop_is_refused(what):
    market = walk(3_000, 1, 1)
    flat = floor.floor(market, flat_rules())
    with pytest.raises(InvariantBroken, match="must not be compared"):
        check_same(engine(market), spoilt(flat, what))


def test_no_ratio_is_told_where_the_flat_loop_differs():
    honest = replace(WORKLOADS["W1_lean"], bars=3_000)
    wrong = replace(honest, floor=lambda market: spoilt(honest.floor(market), "one atom of equity"))
    with pytest.raises(InvariantBroken):
        measure.measure(wrong, 1, 1)


def test_a_measured_workload_tells_its_figures_and_its_floor():
    told = measure.measure(replace(WORKLOADS["W2"], bars=2_000, files=False), 3, 7)
    assert told["fastest"] <= told["seconds"] <= told["slowest"]
    assert told["bars_per_second"] == pytest.approx(2_000 * 7 / told["seconds"])
    assert told["ratio_to_floor"] == pytest.approx(told["seconds"] / told["floor_seconds"])
    assert told["rss_mib"] > 20.0
    assert (told["runs"], told["first_seed"]) == (3, 9)


def test_every_parameter_set_of_w3_equals_its_flat_loop():
    small = replace(WORKLOADS["W3"], bars=1_500)
    market = small.make(small.bars, 3, None)
    told, flat = play_sets(market), floor_sets(market)
    assert len(told) == 100
    assert len(set(told)) > 50
    small.check(market, told, flat)
    with pytest.raises(InvariantBroken):
        small.check(market, told, [*flat[:-1], (0, 0)])


def test_a_run_with_its_files_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(measure.tempfile, "tempdir", str(tmp_path))
    measure.write_run(WORKLOADS["W2"], walk(2_000, 7, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_walk_lies_on_the_tick_grid_and_its_bars_hold_together():
    market = walk(3_000, 7, 11)
    for i, instrument in enumerate(market.instruments):
        ticks = market.close[:, i] / float(instrument.tick)
        assert np.abs(ticks - np.round(ticks)).max() < 1e-6
    assert (market.high >= np.maximum(market.open, market.close)).all()
    assert (market.low <= np.minimum(market.open, market.close)).all()
    assert (market.open[1:] == market.close[:-1]).all()


def test_a_walk_depends_on_its_seed_and_not_on_the_pieces_it_is_made_in(monkeypatch):
    whole, other = walk(700, 2, 1), walk(700, 2, 2)
    monkeypatch.setattr(crossing, "PIECE", 128)
    pieces = walk(700, 2, 1)
    assert np.allclose(pieces.close, whole.close, rtol=1e-6)
    assert not np.allclose(other.close, whole.close, rtol=1e-6)


def test_a_signal_speaks_at_the_bar_of_a_crossing_only():
    close = np.concatenate([np.linspace(100, 90, 80), np.linspace(90, 110, 80), np.linspace(110, 80, 80)])
    said = crossings(close[:, None])[:, 0]
    assert said[said != 0.0].tolist() == [1.0, -1.0]


def test_stages_add_up_to_the_time_of_a_run():
    told = where_time_goes(replace(WORKLOADS["W4"], bars=2_880), 1, 1)
    assert {"modules", "prices", "replay", "counting the funnel", REST} <= set(told)
    assert min(told.values()) >= 0.0
    assert told[REST] < 0.5 * sum(told.values())


@pytest.mark.parametrize("place", [place for place in STAGES if place])
def test_a_stage_is_a_function_that_there_is_and_is_left_as_it_was(place):
    holders, name, function = holders_of(place)
    assert holders
    with watched(Stopwatch()):
        assert all(getattr(holder, name) is not function for holder in holders)
    assert all(getattr(holder, name) is function for holder in holders)


def test_a_stage_within_a_stage_is_told_once():
    watch = Stopwatch()
    inner = watch.around(lambda: sum(range(1000)), "inner")
    watch.around(inner, "outer")()
    inner()
    assert set(watch.times) == {"outer", "inner"}


def test_a_process_that_measures_hands_its_error_back(tmp_path):
    with pytest.raises(DataMissing) as told:
        ask_worker("W4", 1, 1, tmp_path, os.environ)
    assert str(tmp_path) in str(told.value)
