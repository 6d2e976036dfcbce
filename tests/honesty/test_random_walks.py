"""Nothing can be earned on a random walk, so nothing is; a drift that is there is found."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from honesty.walks import (
    coin_tosses,
    in_r,
    interval_95,
    settings_with,
    t_statistic,
    trades_of,
    trend_forecasts,
)
from mastertrading.lake.synthetic import random_walk
from mastertrading.settings.schema import Settings

TIGHT = {
    "position": {"trail_from_r": 0.3, "trail_lock": 0.95, "breakeven_r": 5.0},
    "risk": {"stops": {"stop_base": 0.001, "stop_floor": 0.001, "target_base": 0.0008}},
}
"""A stop 10 ticks away that follows within a tick of the best price, and limits as near: the classic illusion."""

USUAL = {"risk": {"stops": {"stop_base": 0.002, "stop_floor": 0.002, "target_base": 0.003}}}
SEEDS = range(1, 121)
DRIFT = 0.03
"""Half a tick a minute, where a minute's moves have a standard deviation of 4."""


def _tight_trades(path, steps, seeds=40):
    """Trades of the tight strategy. A minute moves about √steps ticks."""
    trades = []
    for seed in range(1, seeds + 1):
        market = random_walk(bars=2000, seed=seed, steps=steps)
        trades.append(
            trades_of(market, settings_with(fills={"path": path}, **TIGHT), coin_tosses(market, 3, seed))
        )
    return np.concatenate(trades)


# ------------------------------------------------------------------ a strategy that lives inside the bar


def test_a_tight_trailing_strategy_on_a_driftless_walk_loses_its_costs_and_no_more():
    trades = _tight_trades("nearest_first", steps=64)
    gross, net, fees = in_r(trades), in_r(trades, "net_atoms"), in_r(trades, "fees_atoms")
    assert len(trades) > 20_000
    assert abs(t_statistic(gross)) < 3.0
    assert abs(t_statistic(net + fees)) < 3.0  # the mean net is minus the mean fee
    assert t_statistic(net) < -20.0


def test_a_stop_far_inside_the_bar_earns_nothing_on_the_default_path():
    # 10 ticks in bars of 16 and more: the default errs a little against us here, never for us.
    assert t_statistic(in_r(_tight_trades("nearest_first", steps=256))) < 3.0


def test_the_best_path_would_have_shown_a_fantasy_profit():
    best = _tight_trades("best", steps=256)
    assert t_statistic(in_r(best)) > 10.0
    assert best["ambiguous"].any()


def test_paths_are_ordered_from_worst_to_best():
    means = [in_r(_tight_trades(path, steps=256)).mean() for path in ("worst", "nearest_first", "best")]
    assert all(worse < better for worse, better in pairwise(means))


# ------------------------------------------------------------------ pure noise


def test_forecasts_by_chance_earn_nothing_over_120_seeds():
    trades = []
    for seed in SEEDS:
        market = random_walk(bars=1500, seed=seed, steps=64)
        trades.append(in_r(trades_of(market, settings_with(**USUAL), coin_tosses(market, 5, seed))))
    low, high = interval_95(np.concatenate(trades))
    assert low <= 0.0 <= high
    assert _covering(trades) >= 106  # of 120; a fair 95 % interval covers fewer once in a thousand times


def test_the_four_modules_earn_nothing_on_pure_noise_over_120_seeds():
    open_settings = {
        "costs": {"slippage": 0.0},
        "fills": {"through_ticks": 0},
        "risk": {"breakers": {"enabled": False}},
    }
    trades = []
    for seed in SEEDS:
        market = random_walk(("BTCUSDT", "ETHUSDT"), bars=14_400, seed=seed, primer_days=12)
        trades.append(in_r(trades_of(market, Settings.model_validate(open_settings))))
    low, high = interval_95(np.concatenate(trades))
    assert sum(map(len, trades)) > 1000
    assert low <= 0.0 <= high


def _covering(samples):
    """How many samples' own 95 % intervals contain 0."""
    return sum(low <= 0.0 <= high for low, high in map(interval_95, samples))


# ------------------------------------------------------------------ a drift that is there


@pytest.mark.parametrize("drift", [DRIFT, -DRIFT])
def test_a_planted_drift_is_found_in_nine_seeds_of_ten(drift):
    assert _found(drift) >= 0.9


def test_a_drift_that_is_not_there_is_found_no_more_often_than_chance_allows():
    assert _found(0.0) <= 0.10


def _found(drift):
    """Share of 100 seeds in which the trades of a trend follower earn significantly (t > 1.96)."""
    settings, hits = settings_with(position={"partial_fraction": 0.0}, **_near()), 0
    for seed in range(1, 101):
        market = random_walk(bars=3000, seed=seed, steps=16, drift=drift)
        hits += t_statistic(in_r(trades_of(market, settings, trend_forecasts(market, 5, 120)))) > 1.96
    return hits / 100


def _near():
    return {"risk": {"stops": {"stop_base": 0.003, "stop_floor": 0.003, "target_base": 0.003}}}
