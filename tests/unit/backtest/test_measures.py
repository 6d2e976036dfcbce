"""Measures of a curve, each against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mastertrading.backtest import measures
from mastertrading.domain.market import DAY_MS, HOUR_MS

HOURS = np.arange(0, 8, dtype=np.int64) * HOUR_MS


def test_sharpe_of_three_days_is_mean_over_deviation_times_root_365():
    daily = np.array([0.01, 0.02, 0.03])
    assert measures.sharpe(daily) == pytest.approx(0.02 / 0.01 * math.sqrt(365))


def test_sortino_counts_only_falls_but_divides_by_all_days():
    daily = np.array([0.02, -0.01, 0.03, -0.02])
    downside = math.sqrt((0.01**2 + 0.02**2) / 4)
    assert measures.sortino(daily) == pytest.approx(0.005 / downside * math.sqrt(365))


@pytest.mark.parametrize("daily", [[], [0.01], [0.0, 0.0, 0.0], [0.25, 0.25]])
def test_sharpe_without_deviation_does_not_exist(daily):
    assert measures.sharpe(np.array(daily)) is None


def test_sortino_without_a_losing_day_does_not_exist():
    assert measures.sortino(np.array([0.01, 0.02, 0.0])) is None


def test_cagr_of_a_year_is_the_total_return_and_of_two_its_root():
    assert measures.cagr(1.21, 365.0) == pytest.approx(0.21)
    assert measures.cagr(1.21, 730.0) == pytest.approx(0.10)


def test_cagr_of_a_few_days_does_not_exist_and_of_ruin_is_minus_one():
    assert measures.cagr(1.5, 6.9) is None
    assert measures.cagr(0.0, 30.0) == -1.0
    assert measures.cagr(1e9, 7.0) is None


def test_net_asset_value_is_not_moved_by_a_deposit():
    equity = np.array([100, 110, 165, 330], np.int64)
    nav = measures.net_asset_value(HOURS[:4], equity, 100, [(int(HOURS[1]), 55)])
    assert nav.tolist() == pytest.approx([1.0, 1.1, 1.1, 2.2])


def test_net_asset_value_is_not_moved_by_a_withdrawal_before_the_first_row():
    nav = measures.net_asset_value(HOURS[1:3], np.array([50, 60], np.int64), 100, [(0, -50)])
    assert nav.tolist() == pytest.approx([1.0, 1.2])


def test_net_asset_value_stays_where_everything_was_withdrawn():
    nav = measures.net_asset_value(HOURS[:3], np.array([100, 0, 0], np.int64), 100, [(0, -100)])
    assert nav.tolist() == [1.0, 1.0, 1.0]


def test_drawdown_is_measured_from_the_last_peak_to_trough_and_recovery():
    nav = np.array([1.0, 1.2, 1.2, 0.9, 1.0, 1.2, 1.1, 1.3])
    fall = measures.drawdown(HOURS, nav, (nav * 1000).astype(np.int64))
    assert fall.frac == pytest.approx(0.25)
    assert fall.atoms == 300
    assert [fall.started_ms, fall.trough_ms, fall.recovered_ms] == HOURS[[2, 3, 5]].tolist()
    assert fall.length_ms == 3 * HOUR_MS
    assert fall.longest_ms == 3 * HOUR_MS
    assert fall.under_water_frac == 3 / 8


def test_longest_time_under_water_may_belong_to_a_shallower_fall():
    nav = np.array([1.0, 0.5, 1.0, 0.9, 0.9, 0.9, 0.95, 0.99])
    fall = measures.drawdown(HOURS, nav, (nav * 1000).astype(np.int64))
    assert fall.trough_ms == HOUR_MS
    assert fall.recovered_ms == 2 * HOUR_MS
    assert fall.longest_ms == 5 * HOUR_MS


def test_drawdown_of_a_rising_curve_is_zero_and_has_no_moments():
    nav = np.linspace(1.0, 2.0, 8)
    fall = measures.drawdown(HOURS, nav, (nav * 1000).astype(np.int64))
    assert (fall.frac, fall.started_ms, fall.recovered_ms, fall.longest_ms) == (0.0, None, None, 0)


def test_drawdown_that_never_recovers_ends_with_the_curve():
    nav = np.array([1.0, 0.8, 0.9, 0.7])
    fall = measures.drawdown(HOURS[:4], nav, (nav * 1000).astype(np.int64))
    assert fall.recovered_ms is None
    assert fall.length_ms == fall.longest_ms == 3 * HOUR_MS


def test_a_row_at_midnight_belongs_to_the_day_that_ends():
    t_ms = np.array([DAY_MS, DAY_MS + 1, 2 * DAY_MS], np.int64)
    days, ends = measures.day_ends(t_ms, 5, 2 * DAY_MS)
    assert days.tolist() == [0, 1]
    assert ends.tolist() == [0, 2]


def test_overlapping_intervals_are_covered_once():
    opened, closed = np.array([0, 5, 20, 21]), np.array([10, 12, 30, 22])
    assert measures.covered_ms(opened, closed) == 12 + 10


def test_t_statistic_is_the_mean_in_standard_errors():
    assert measures.t_statistic([1.0, 2.0, 3.0]) == pytest.approx(2.0 / (1.0 / math.sqrt(3)))
    assert measures.t_statistic([1.0]) is None
    assert measures.t_statistic([2.0, 2.0]) is None


def test_longest_run_counts_unbroken_flags():
    assert measures.longest_run([True, True, False, True, True, True, False]) == 3
    assert measures.longest_run([]) == 0
