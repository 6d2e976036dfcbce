"""What the live cycle costs: the trader in a process of its own, on sockets with TLS, its journal on disk.

The figures are printed; judged only where ``CI`` is set. More bars, more instruments: ``scenario/live_load.py``.
"""

from __future__ import annotations

import os

import pytest

from mastertrading.app.commands.warm import compile_if_needed
from scenario.live_load import Load, measure, slope

JUDGED = bool(os.environ.get("CI"))
BARS, MANY_BARS = (1000, 20) if JUDGED else (45, 5)
WITHIN_MS, CPU_MS, RESIDENT_MIB = 50.0, 40.0, 300.0
GROWTH_MIB_AN_HOUR, SLOWER_MS_AN_HOUR = 0.25, 0.25


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """The trader's process loads what is compiled; compiling would be most of what it holds."""
    compile_if_needed(quiet=True)


@pytest.fixture(scope="module")
def seven(compiled):
    return measure(Load(BARS))


def test_every_bar_is_decided_on_and_something_is_traded(seven, capsys):
    with capsys.disabled():
        print(f"\nseven instruments: {seven}")
    assert seven["bars"] == BARS
    assert (seven["missed"], seven["troubles"]) == (0, 0)
    assert seven["executions"] > 0
    assert seven["tidied"] > BARS / 2


@pytest.mark.skipif(not JUDGED, reason="CI is not set: others may be at work on the machine")
def test_a_decision_is_durable_soon_after_the_last_frame_of_its_bars(seven):
    assert seven["cpu_ms"]["p99"] < CPU_MS
    assert seven["ms"]["p99"] < WITHIN_MS


def test_the_trader_is_small(seven):
    assert seven["peak_mib"] < RESIDENT_MIB


@pytest.mark.skipif(not JUDGED, reason="CI is not set: there are too few bars to see a slope in")
def test_neither_memory_nor_the_time_of_a_decision_grows_with_the_history(seven):
    assert seven["growth_mib_an_hour"] < GROWTH_MIB_AN_HOUR
    assert seven["slower_ms_an_hour"] < SLOWER_MS_AN_HOUR


def test_a_hundred_instruments_are_traded_too(capsys):
    told = measure(Load(MANY_BARS + 6, instruments=100))
    with capsys.disabled():
        print(f"\na hundred instruments: {told}")
    assert told["bars"] == MANY_BARS + 6
    assert (told["missed"], told["troubles"]) == (0, 0)


def test_a_slope_is_not_moved_by_a_few_odd_values():
    points = [(float(n), 100.0 + 0.5 * n) for n in range(60)]
    spoilt = [(at, value + (300.0 if at % 10 == 3 else 0.0)) for at, value in points]
    assert slope(points) == slope(spoilt) == pytest.approx(0.5)
