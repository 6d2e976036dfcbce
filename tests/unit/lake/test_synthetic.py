"""Made markets: the same bytes from a seed, on the grid, lively enough, and read back equal."""

from __future__ import annotations

import numpy as np
import pytest

from mastertrading.domain.errors import UsageError
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, Market
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import START_MS, Defects, random_walk, synthesize, write_synthetic
from mastertrading.lake.universe import DEFAULT_SYMBOLS

COLUMNS = ("open", "high", "low", "close", "volume")
SEED_7 = "da09ee64a80cf6032e8fd5a1a4f85658db746fc9346eeb4562f670b40fe73c0b"
WALK_7 = "21bc1420da31fb1ecad59c0a8ad83d189bf9f86760967ca084ac1a88d2e5acf1"


@pytest.fixture(scope="module")
def month() -> Market:
    return synthesize(days=30, seed=3)


def assert_equal(a: Market, b: Market) -> None:
    assert np.array_equal(a.ts_ms, b.ts_ms)
    assert np.array_equal(a.valid, b.valid)
    for name in COLUMNS:
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True), name
    for mine, theirs in zip(a.primer, b.primer, strict=True):
        for name in ("ts_ms", *COLUMNS):
            assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
    for mine, theirs in zip(a.settlements, b.settlements, strict=True):
        assert np.array_equal(mine.ts_ms, theirs.ts_ms)
        assert np.array_equal(mine.rate, theirs.rate)
        assert np.array_equal(mine.interval_ms, theirs.interval_ms)
    assert a.instruments == b.instruments
    assert a.data_id == b.data_id


def test_seed_gives_the_same_bytes_on_every_machine():
    assert synthesize(days=2, seed=7, primer_days=3).data_id == SEED_7
    assert random_walk(bars=500, seed=7).data_id == WALK_7


def test_another_seed_gives_another_market():
    assert (
        synthesize(("BTC",), 1, seed=8, primer_days=0).data_id
        != synthesize(("BTC",), 1, seed=9, primer_days=0).data_id
    )


def test_more_days_begin_with_the_same_bars():
    short, long = (synthesize(("BTC", "ETH"), days, seed=4, primer_days=2) for days in (1, 3))
    for name in COLUMNS:
        assert np.array_equal(getattr(short, name), getattr(long, name)[:1440])


def test_made_market_has_the_shape_it_was_asked_for(month):
    assert month.symbols == DEFAULT_SYMBOLS
    assert month.close.shape == (30 * 1440, 7)
    assert month.ts_ms[0] == START_MS
    assert np.array_equal(np.diff(month.ts_ms), np.full(30 * 1440 - 1, MINUTE_MS))
    assert month.valid.all()
    for primer in month.primer:
        assert len(primer) == 40 * 24
        assert primer.ts_ms[-1] == START_MS - HOUR_MS
        assert (np.diff(primer.ts_ms) == HOUR_MS).all()


def test_every_bar_is_consistent_and_on_the_tick_and_lot_grid(month):
    assert (month.low <= np.minimum(month.open, month.close)).all()
    assert (month.high >= np.maximum(month.open, month.close)).all()
    for k, instrument in enumerate(month.instruments):
        for name in COLUMNS:
            step = instrument.lot if name == "volume" else instrument.tick
            values = getattr(month, name)[::97, k]
            numerator, denominator = step.as_integer_ratio()
            counts = np.rint(values * denominator / numerator)
            assert (counts >= 1).all()
            assert np.array_equal(counts * numerator / denominator, values)


def test_instruments_move_together_with_clusters_and_fat_tails(month):
    returns = np.diff(np.log(month.close), axis=0)
    together = np.corrcoef(returns.T)[np.triu_indices(7, 1)]
    assert (together > 0.3).all()
    assert (together < 0.9).all()
    assert (np.mean((returns / returns.std(axis=0)) ** 4, axis=0) > 5).all()
    size = np.abs(returns[:, 0]).reshape(-1, 1)[: 29 * 1440].reshape(-1, 60).sum(axis=1)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.3
    hourly_range = returns[: 29 * 1440, 0].std() * 60**0.5
    assert 0.002 < hourly_range < 0.012


def test_funding_is_calm_mostly_and_extreme_on_both_sides(month):
    per_8h = [settled.rate * 8 * HOUR_MS / settled.interval_ms for settled in month.settlements]
    rates = np.concatenate(per_8h)
    assert 0.4 < np.mean(rates == 1e-4) < 0.9
    assert 0.1 < np.mean(np.abs(rates) >= 1.8e-4) < 0.35
    assert (rates >= 5e-4).any()
    assert (rates <= -5e-4).any()
    for settled in month.settlements:
        assert np.array_equal(np.rint(settled.rate * 1e8) / 1e8, settled.rate)


def test_funding_interval_changes_for_the_last_instrument_only(month):
    hours = [set((settled.interval_ms // HOUR_MS).tolist()) for settled in month.settlements]
    assert hours == [{8}] * 6 + [{8, 4}]
    last = month.settlements[-1]
    changed = last.ts_ms[np.argmax(last.interval_ms == 4 * HOUR_MS)]
    assert START_MS + 15 * DAY_MS < changed <= START_MS + 15 * DAY_MS + 8 * HOUR_MS


@pytest.mark.parametrize(
    "options",
    [
        {"days": 2.0},
        {"days": 1.3, "start_ms": START_MS + 35 * MINUTE_MS},
        {"days": 2.0, "base_minutes": 5},
        {"days": 1.0, "primer_days": 0},
        {"days": 1.5, "defects": Defects(gaps=2, gap_bars=7, bad_bars=5)},
        {"days": 1.0, "symbols": ("NEW", "BTC")},
    ],
    ids=str,
)
def test_written_market_is_read_back_equal(tmp_path, quiet, options):
    options = {"symbols": ("BTC", "DOGE"), "primer_days": 4, "seed": 5, **options}
    made = write_synthetic(tmp_path, **options)
    base = f"{made.base_ms // MINUTE_MS}m"
    assert_equal(load_market(tmp_path, made.symbols, base=base, notice=quiet.append), made)


def test_planted_holes_and_bad_bars_are_nan_and_invalid():
    whole = synthesize(("BTC",), 1, seed=2, primer_days=0)
    hurt = synthesize(("BTC",), 1, seed=2, primer_days=0, defects=Defects(gaps=3, gap_bars=4, bad_bars=2))
    lost = ~hurt.valid[:, 0]
    assert 8 <= lost.sum() <= 14
    assert np.isnan(hurt.close[lost, 0]).all()
    assert np.array_equal(hurt.close[~lost], whole.close[~lost])


def test_coarser_base_is_the_aggregate_of_the_minutes():
    fine, coarse = (synthesize(("ETH",), 1, seed=2, primer_days=0, base_minutes=m) for m in (1, 15))
    assert np.array_equal(coarse.high[:, 0], fine.high[:, 0].reshape(-1, 15).max(axis=1))
    assert np.array_equal(coarse.close[:, 0], fine.close[14::15, 0])
    assert coarse.volume.sum() == pytest.approx(fine.volume.sum())


@pytest.mark.parametrize(
    "options", [{"days": 0}, {"symbols": ()}, {"start_ms": START_MS + 1}, {"base_minutes": 7}]
)
def test_market_that_cannot_be_made_is_refused(options):
    with pytest.raises(UsageError):
        synthesize(**options)


# ---------------------------------------------------------------- random walks


def test_walk_steps_by_one_tick_and_passes_every_price():
    walk = random_walk(bars=2000, seed=1, steps=16)
    ticks = {name: np.rint(getattr(walk, name)[:, 0] * 100).astype(int) for name in COLUMNS}
    assert (np.abs(ticks["open"][1:] - ticks["close"][:-1]) == 1).all()
    assert (ticks["high"] - ticks["low"] <= 15).all()
    assert np.array_equal(ticks["close"] / 100, walk.close[:, 0])


def test_walk_has_no_drift_unless_it_is_planted():
    ends = []
    for drift in (0.0, 0.02):
        moved = [random_walk(bars=1000, seed=s, drift=drift).close[-1, 0] * 100 - 10_000 for s in range(40)]
        ends.append((np.mean(moved), np.std(moved) / 40**0.5))
    assert abs(ends[0][0]) < 3 * ends[0][1]
    assert abs(ends[1][0] - 0.02 * 16_000) < 3 * ends[1][1]


def test_walk_has_a_primer_of_the_same_walk_and_no_funding():
    walk = random_walk(("BTC", "ETH"), bars=100, seed=1, primer_days=2)
    assert [len(primer) for primer in walk.primer] == [48, 48]
    assert abs(walk.open[0, 0] - walk.primer[0].close[-1]) == pytest.approx(0.01)
    assert all(len(settled.ts_ms) == 0 for settled in walk.settlements)


def test_walk_that_reaches_zero_is_refused():
    with pytest.raises(UsageError, match="no random walk"):
        random_walk(bars=5000, seed=1, start_ticks=50)


def test_made_market_says_that_it_is_made():
    assert synthesize(("BTC",), 1, primer_days=0).source == "synthetic"
    assert random_walk(bars=60).source == "synthetic"
