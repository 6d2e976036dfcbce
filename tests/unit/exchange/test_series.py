"""Closed bars: each once, in order, whatever a stream does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mastertrading.domain.feed import Bar, BarRevised
from mastertrading.exchange.series import Series

STEP = 60_000


def bar(k: int, closed: bool = True, close: int = 10) -> Bar:
    px = Decimal(close)
    return Bar("BTCUSDT", "1m", k * STEP, px, px, px, px, Decimal(1), closed, (k + 1) * STEP)


def series() -> Series:
    return Series("BTCUSDT", STEP, 0)


def test_closed_bars_go_through_in_order():
    one = series()
    assert [one.take(bar(k)).ts_ms for k in range(3)] == [0, STEP, 2 * STEP]


def test_a_forming_bar_goes_through_and_changes_nothing():
    one = series()
    assert one.take(bar(0, closed=False)) == bar(0, closed=False)
    assert one.next_ms == 0


def test_a_repeated_bar_is_dropped():
    one = series()
    one.take(bar(0))
    assert one.take(bar(0)) is None
    assert one.take(bar(0, closed=False, close=9)) is None
    assert one.repeated == 2


def test_a_revised_closed_bar_is_told_once():
    one = series()
    one.take(bar(0))
    assert one.take(bar(0, close=11)) == BarRevised(bar(0, close=11), bar(0), STEP)
    assert one.take(bar(0, close=11)) is None


def test_a_jump_is_a_gap_that_rest_fills_and_the_jumped_bar_is_read_too():
    one = series()
    assert one.take(bar(3)) is None
    assert (one.has_gap, one.wanted_ms) == (True, 4 * STEP)
    assert [one.fill(bar(k)) is not None for k in (1, 0, 1, 2, 3)] == [False, True, True, True, True]
    assert not one.has_gap


def test_a_forming_bar_beyond_the_next_tells_that_a_close_was_missed():
    one = series()
    assert one.take(bar(1, closed=False)) is None
    assert one.wanted_ms == STEP


def test_a_bar_off_the_grid_is_no_bar():
    assert series().take(replace(bar(0), ts_ms=17)) is None


def test_a_bar_that_is_late_is_wanted_by_rest():
    one = series()
    assert not one.overdue(STEP + 1_999, 2_000)
    assert one.overdue(STEP + 2_000, 2_000)
    assert one.wanted_ms == STEP


def test_a_hole_is_given_up_with_its_beginning():
    one = series()
    one.take(bar(3))
    assert one.skip_to(2 * STEP) == 0
    assert one.fill(bar(2)) is not None


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=60))
def test_whatever_comes_closed_bars_ascend_without_repetition_or_hole(frames):
    one, out = series(), []
    for k, closed in frames:
        told = one.take(bar(k, closed))
        if isinstance(told, Bar) and told.closed:
            out.append(told.ts_ms)
        while one.has_gap:
            out.append(one.fill(bar(one.next_ms // STEP)).ts_ms)
    assert out == [k * STEP for k in range(len(out))]
