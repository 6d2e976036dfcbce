"""The check that users run on their own signals: it catches what looks ahead, and passes what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import biased_signals
from biased_signals import LOOK_AHEAD, UNSTEADY
from lookahead.markets import compiled
from mastertrading import ema, rsi, zscore
from mastertrading.domain.errors import DataError, SignalError
from mastertrading.lake.damage import Defects
from mastertrading.lake.synthetic import synthesize
from mastertrading.research.examine import examine, first_decision, primed_bars
from mastertrading.research.lookahead import INDICATORS, of_arrays, of_modules, of_signal, try_cuts
from mastertrading.research.own_signal import load_signal, signal_of
from mastertrading.research.warm_up import warm_up
from mastertrading.settings.schema import MODULES, Settings

pytestmark = compiled

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "signals"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.fixture(scope="module")
def market():
    """Two days of three instruments with some holes."""
    return synthesize(
        ("BTC", "ETH", "SOL"), days=2, seed=3, primer_days=2, defects=Defects(gaps=4, bad_bars=6)
    )


@pytest.fixture(scope="module")
def unbroken():
    """A day of one instrument without a hole."""
    return synthesize(("BTC",), days=1, seed=3, primer_days=0)


def tried(function, market, cuts=24):
    (trial,) = try_cuts(of_signal(signal_of(function)), market, cuts)
    return trial


# ---------------------------------------------------------------- look-ahead


@pytest.mark.parametrize("biased", LOOK_AHEAD, ids=lambda one: one.__name__)
def test_a_signal_that_looks_ahead_is_caught_and_told_what_it_looks_like(biased, market):
    trial = tried(biased, market)
    assert trial.verdict == "looks ahead"
    assert trial.biased
    assert trial.guess == LOOK_AHEAD[biased]
    assert trial.by > 0.01
    assert trial.first_ms <= trial.cut_ms


def test_a_look_ahead_by_one_bar_is_found_at_the_bar_before_the_cut(unbroken):
    trial = tried(biased_signals.negative_shift, unbroken)
    assert trial.reach == 1
    assert trial.first_ms == trial.cut_ms


@pytest.mark.parametrize("unsteady", UNSTEADY, ids=lambda one: one.__name__)
def test_a_signal_that_does_not_repeat_itself_is_caught(unsteady, market):
    trial = tried(unsteady, market, cuts=4)
    assert trial.verdict == "unsteady"
    assert trial.biased


def test_a_signal_that_treats_instruments_by_their_order_is_unsteady(market):
    seen = []

    def first_is_best(bars):
        seen.append(bars.symbol)
        return np.full(len(bars), 1.0 if len(seen) % 3 == 1 else 0.0)

    assert tried(first_is_best, market, cuts=4).verdict == "unsteady"


def test_a_signal_that_changes_its_bars_is_refused_with_the_line(market):
    def changing(bars):
        bars.close[0] = 1.0
        return bars.close

    with pytest.raises(SignalError) as caught:
        tried(changing, market)
    assert "bars.close[0] = 1.0" in caught.value.where
    assert "copy" in caught.value.hint


def test_sums_that_depend_on_the_length_in_the_last_digits_are_no_bias(market):
    def rounding(bars):
        return np.full(len(bars), 0.5) + len(bars) * 1e-16

    trial = tried(rounding, market)
    assert trial.verdict == "rounding"
    assert not trial.biased


def test_a_signal_whose_last_digits_waver_is_steady_enough(market):
    wavering = np.random.default_rng(1)

    def threads(bars):
        return np.full(len(bars), 0.5) + 1e-13 * wavering.uniform(-1.0, 1.0, len(bars))

    trial = tried(threads, market, cuts=4)
    assert trial.steady
    assert not trial.biased


def test_a_signal_that_says_nothing_proves_nothing(market):
    assert tried(lambda bars: np.zeros(len(bars)), market).verdict == "silent"


def test_a_signal_that_fails_on_short_histories_is_compared_on_the_others(market):
    def needs_a_day(bars):
        if len(bars) < 1440:
            raise ValueError("too short")
        return np.sign(bars.close - bars.open)

    trial = tried(needs_a_day, market)
    assert trial.verdict == "clean"
    assert trial.failed
    assert "too short" in trial.failure


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_not_look_ahead(name, market):
    (trial,) = try_cuts(of_signal(load_signal(str(EXAMPLES / f"{name}.py"))), market, 24)
    assert trial.verdict == "clean"
    assert len(trial.tried) >= 24


def test_the_modules_and_the_indicators_do_not_look_ahead():
    market = synthesize(("BTC", "SOL"), days=5, seed=2, primer_days=20, defects=Defects(gaps=4))
    trials = try_cuts(of_modules(Settings()), market, 16) + try_cuts(of_arrays(), market, 16)
    assert {trial.signal for trial in trials} == {*MODULES, "context", *INDICATORS}
    assert [trial.signal for trial in trials if trial.changed or not trial.steady] == []
    spoken = {trial.signal for trial in trials if trial.says}
    assert {"trend", "meanrev", "context", *INDICATORS} <= spoken


# ---------------------------------------------------------------- warm-up


def settles(function, market, available=0):
    (each,) = warm_up(of_signal(signal_of(function)), market, available)
    return each


def test_a_window_of_n_bars_settles_after_n_minus_1_bars_to_the_bit(unbroken):
    def deviation(bars):
        return np.clip(zscore(bars.close, 40) / 10.0, -1.0, 1.0)

    each = settles(deviation, unbroken)
    assert each.settled == {"1e-3": 39, "1e-9": 39, "bit": 39}
    assert each.speaks == 39
    assert each.verdict == "settled"


def test_an_average_without_end_settles_later_to_the_bit_than_to_a_thousandth(unbroken):
    def stretched(bars):
        return np.clip(bars.close / ema(bars.close, 20) - 1.0, -1.0, 1.0)

    each = settles(stretched, unbroken)
    assert 19 <= each.settled["1e-3"] < each.settled["1e-9"] < each.settled["bit"]


def test_a_signal_that_speaks_before_it_has_settled_is_early_unless_enough_bars_lie_before(unbroken):
    def index(bars):
        return (50.0 - rsi(bars.close)) / 50.0

    early = settles(index, unbroken)
    assert early.verdict == "early"
    assert settles(index, unbroken, available=early.settled["1e-3"]).verdict == "settled"


def test_a_signal_that_counts_from_its_first_bar_never_settles(unbroken):
    each = settles(lambda bars: np.linspace(0.0, 1.0, len(bars)), unbroken)
    assert each.settled == {"1e-3": None, "1e-9": None, "bit": None}
    assert each.verdict == "never"


# ---------------------------------------------------------------- the report


def test_the_report_counts_the_bars_before_the_first_decision(market):
    begin_ms = int(market.ts_ms[600])
    later = replace(market, common_from_ms=begin_ms)
    assert first_decision(later, None) == 600
    assert first_decision(later, int(market.ts_ms[900])) == 899
    signal = of_signal(load_signal(str(EXAMPLES / "ema_cross.py")))
    report = examine([(signal, 0)], later, cuts=4)
    assert report.warm_ups[0].available == 600
    assert not report.biased


def test_the_modules_have_their_primed_hours_before_the_first_decision(market):
    assert primed_bars(market) == 47 * 60
    assert primed_bars(replace(market, primer=())) == 0


def test_an_error_of_another_kind_is_not_swallowed(market):
    def refused(market, backwards):
        raise DataError("no")

    with pytest.raises(DataError):
        try_cuts(refused, market, 4)
