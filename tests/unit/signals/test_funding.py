from __future__ import annotations

import statistics

import numpy as np
import pytest

from mastertrading.compiled import records
from mastertrading.domain.market import HOUR_MS
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.funding import FUNDING, charge, is_known

EIGHT = 8 * HOUR_MS


def charged(rates, interval_ms=EIGHT, **carry):
    rules = signal_rules(Settings.model_validate({"signals": {"carry": carry}}))[0].funding
    funding = records(FUNDING, 1)[0]
    for k, rate in enumerate(rates):
        charge(funding, rules, k * interval_ms, rate, interval_ms)
    return funding, rules


def test_the_base_is_the_upper_bound_until_thirty_settlements():
    assert charged([0.00006] * 29)[0].usual == 0.0001
    assert charged([0.00006] * 30)[0].usual == 0.00006


@pytest.mark.parametrize("count", [30, 31, 90, 91, 128, 129, 300])
def test_the_base_is_the_median_of_the_newest_ninety_sizes(count):
    rates = np.random.default_rng(count).normal(0, 0.00011, count).tolist()
    expected = statistics.median(abs(rate) for rate in rates[-90:])
    assert charged(rates)[0].usual == min(max(expected, 0.00005), 0.0001)


@pytest.mark.parametrize(("rate", "usual"), [(0.00001, 0.00005), (-0.001, 0.0001), (-0.00007, 0.00007)])
def test_the_base_stays_within_its_bounds(rate, usual):
    assert charged([rate] * 40)[0].usual == usual


def test_a_fixed_base_ignores_what_was_charged():
    assert charged([0.00006] * 40, base_mode="fixed", base_fixed=0.002)[0].usual == 0.002


@pytest.mark.parametrize(("hours", "factor"), [(8, 1.0), (4, 2.0), (1, 8.0)])
def test_rates_are_per_eight_hours(hours, factor):
    funding, _ = charged([0.0001], interval_ms=hours * HOUR_MS)
    assert funding.rate == 0.0001 * factor


def test_a_rate_is_stale_after_one_and_a_half_of_its_own_intervals():
    funding, rules = charged([0.0001], interval_ms=4 * HOUR_MS)
    assert is_known(funding, rules, 6 * HOUR_MS)
    assert not is_known(funding, rules, 6 * HOUR_MS + 1)


def test_nothing_is_known_before_the_first_settlement():
    funding, rules = charged([])
    assert not is_known(funding, rules, 0)


def test_a_rate_that_is_no_number_never_happened():
    funding, _ = charged([0.0001, np.nan])
    assert (funding.count, funding.rate, funding.ts_ms) == (1, 0.0001, 0)
