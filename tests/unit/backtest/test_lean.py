"""Lean runs: from several threads at a time, and of numbers that must not be traded."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mastertrading.backtest.lean import lean, prepare, run_lean
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.errors import DataError, DataMissing
from mastertrading.lake.synthetic import synthesize
from mastertrading.settings.schema import Settings

THREADS = 4
SETTINGS = Settings()


@pytest.fixture(scope="module")
def market():
    return synthesize(("BTCUSDT", "ETHUSDT"), 1.5, 3)


@pytest.fixture(scope="module")
def said(market):
    """A forecast now and then, often enough to trade."""
    draw = np.random.default_rng(1)
    shape = market.close.shape
    return np.where(draw.random(shape) < 0.02, draw.uniform(-1.0, 1.0, shape), 0.0)


def prepared_and_lean(market, settings, ask):
    return lean(prepare(market, settings, ask), ask.forecasts)


def whole(market, settings, ask):
    return run(market, settings, ask._replace(all_paths=False))


EVERY_DOOR = pytest.mark.parametrize("play", [whole, run_lean, prepared_and_lean])


def prints(result):
    parts = result.trades.tobytes(), result.events.tobytes(), result.equity.tobytes()
    return (*parts, result.final_atoms)


def test_runs_of_four_threads_on_one_preparation_equal_those_of_one_to_the_bit(market, said):
    prepared = prepare(market, SETTINGS, Ask(forecasts=said))
    every = [np.roll(said, n, axis=0) for n in range(3 * THREADS)]
    alone = [prints(lean(prepare(market, SETTINGS, Ask(forecasts=said)), one)) for one in every]
    assert len(set(alone)) == len(every)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change places as often as they can
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            beside = [prints(result) for result in pool.map(lambda one: lean(prepared, one), every)]
    finally:
        sys.setswitchinterval(usual)
    assert beside == alone
    assert len(prepared.rooms) <= THREADS


def test_an_account_in_used_rooms_is_as_one_that_was_just_opened(market, said):
    """Whatever the settings of the run before: also where they need more room than there is."""
    busy = {"low": 300, "middle": 300, "high": 300}
    every = [
        SETTINGS,
        Settings.model_validate({"risk": {"gates": {"throttle": busy}, "per_trade": 0.02}}),
        Settings.model_validate({"position": {"flip_min_minutes": 0.0}}),
    ]
    prepared = prepare(market, SETTINGS, Ask(forecasts=said))
    for settings in (*every, *reversed(every)):
        alone = prepare(market, SETTINGS, Ask(forecasts=said))
        assert prints(lean(prepared, said, settings)) == prints(lean(alone, said, settings))
    assert len(prepared.rooms) == 1


@EVERY_DOOR
@pytest.mark.parametrize("value", [1.0000001, -2.0, np.inf, -np.inf])
def test_a_forecast_beyond_one_is_refused_and_its_bar_is_named(market, said, play, value):
    wrong = said.copy()
    wrong[7, 1], wrong[9, 0] = value, np.nan
    with pytest.raises(DataError, match=r"of ETHUSDT is .* not within \[-1, 1\]") as raised:
        play(market, SETTINGS, Ask(forecasts=wrong))
    assert raised.value.where == f"the bar that opens at {np.datetime64(int(market.ts_ms[7]), 'ms')}Z"


@pytest.mark.parametrize("play", [whole, run_lean])
def test_a_forecast_beyond_one_by_symbol_is_refused_too(market, play):
    given = {"BTCUSDT": (market.ts_ms[5:6], np.array([1.5]))}
    with pytest.raises(DataError, match=r"of BTCUSDT is 1\.5"):
        play(market, SETTINGS, Ask(forecasts=given))


@EVERY_DOOR
def test_nan_is_no_opinion(market, said, play):
    unknown = np.where(said == 0.0, np.nan, said)
    one, other = (play(market, SETTINGS, Ask(forecasts=values)) for values in (said, unknown))
    assert len(one.trades)
    assert one.trades.tobytes() == other.trades.tobytes()


def test_nan_by_symbol_is_no_opinion(market, said):
    unknown = np.where(said == 0.0, np.nan, said)
    given = {symbol: (market.ts_ms, unknown[:, i]) for i, symbol in enumerate(market.symbols)}
    one, other = (run_lean(market, SETTINGS, Ask(forecasts=values)) for values in (said, given))
    assert prints(one) == prints(other)


@EVERY_DOOR
def test_forecasts_of_another_shape_are_refused(market, said, play):
    with pytest.raises(DataError, match="do not fit a market"):
        play(market, SETTINGS, Ask(forecasts=said[:, :1]))


@EVERY_DOOR
def test_a_market_of_a_worse_grade_than_allowed_is_refused(market, said, play):
    with pytest.raises(DataError, match="graded D"):
        play(replace(market, grade="D"), SETTINGS, Ask(forecasts=said))


@EVERY_DOOR
def test_a_window_without_a_bar_is_refused(market, said, play):
    with pytest.raises(DataMissing, match="no bar in the window"):
        play(market, SETTINGS, Ask(from_ms=int(market.ts_ms[-1]) + 10 * market.base_ms, forecasts=said))
