"""Each event of DEFINITIONS 3.1 by hand. ATR is 1 unless said otherwise; bars are (open, high, low, close)."""

from __future__ import annotations

import numpy as np
import pytest

from mastertrading.compiled import records
from mastertrading.indicators.events import EVENT, EventName, structure_events, structure_fold
from mastertrading.indicators.structure import NEVER, STRUCTURE, find_break
from mastertrading.indicators.timeframes import resample
from mastertrading.indicators.windows import HISTORY
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules

FLAT = (100.0, 101.0, 99.0, 100.0)
PEAK = (100.0, 105.0, 99.0, 100.0)
TROUGH = (100.0, 101.0, 95.0, 100.0)
BOS, CHOCH = EventName.BREAK_OF_STRUCTURE, EventName.CHANGE_OF_CHARACTER
SWEEP, FVG, BLOCK, SWING = EventName.SWEEP, EventName.FAIR_VALUE_GAP, EventName.ORDER_BLOCK, EventName.SWING
SWING_HIGH = [FLAT] * 3 + [PEAK] + [FLAT] * 3
SWING_LOW = [FLAT] * 3 + [TROUGH] + [FLAT] * 3


def mirrored(rows):
    return [(-o, -low, -high, -c) for o, high, low, c in rows]


@pytest.fixture
def rules():
    return signal_rules(Settings()).structure.view(np.recarray)


@pytest.fixture
def fold(bars_of, rules):
    """Rows → (final state, events as tuples name, side, formed, confirmed, lower, upper)."""

    def run(rows, atr=1.0):
        state, out = records(STRUCTURE, 1), records(EVENT, 8 * len(rows))
        bars = bars_of(rows)
        count = structure_fold(state, records(HISTORY, 1), bars, np.full(len(rows), atr), rules, out)
        names = ("name", "side", "formed", "confirmed", "lower_px", "upper_px")
        return state[0], [tuple(event[n].item() for n in names) for event in out[:count]]

    return run


def of(events, *names):
    return [event for event in events if event[0] in names]


# ------------------------------------------------------------------ swings


def test_a_swing_high_is_known_three_bars_after_it_formed(fold):
    _, events = fold(SWING_HIGH)
    assert events == [(SWING, 1, 3, 6, 105.0, 105.0)]
    assert fold(SWING_HIGH[:-1])[1] == []


def test_of_two_equal_highs_the_first_is_the_swing(fold):
    _, events = fold([FLAT] * 3 + [PEAK, PEAK] + [FLAT] * 4)
    assert events == [(SWING, 1, 3, 6, 105.0, 105.0)]


def test_a_high_equal_to_one_three_bars_before_is_no_swing(fold):
    _, events = fold([FLAT] * 3 + [PEAK, FLAT, FLAT, PEAK, *[FLAT] * 3])
    assert [event[2] for event in events] == [3]


# ------------------------------------------------------------------ breaks


def test_a_close_above_the_swing_high_breaks_structure_once(fold):
    up = (100.0, 107.0, 100.0, 106.0)
    _, events = fold([*SWING_HIGH, up, up])
    assert of(events, BOS, CHOCH) == [(BOS, 1, 7, 7, 105.0, 105.0)]


def test_a_close_at_the_swing_high_or_a_mere_wick_above_breaks_nothing(fold):
    _, events = fold([*SWING_HIGH, (100.0, 107.0, 100.0, 105.0), (100.0, 107.0, 100.0, 104.0)])
    assert of(events, BOS, CHOCH) == []


def test_a_break_against_the_state_is_a_change_of_character(fold):
    rows = [*SWING_HIGH, (100.0, 106.0, 99.0, 106.0), *SWING_LOW, (100.0, 100.0, 94.0, 94.0)]
    state, events = fold(rows)
    assert [event[:2] for event in of(events, BOS, CHOCH)] == [(BOS, 1), (CHOCH, -1)]
    assert (state.state, state.choch_side, state.choch_at) == (-1, -1, len(rows) - 1)


def test_after_a_break_there_is_no_level_until_a_newer_swing_confirms(fold):
    older = (100.0, 110.0, 99.0, 100.0)
    rows = [FLAT] * 3 + [older] + [FLAT] * 3 + [PEAK] + [FLAT] * 3
    _, events = fold([*rows, (100.0, 106.0, 100.0, 106.0), (106.0, 112.0, 106.0, 111.0)])
    assert [event[4] for event in of(events, BOS)] == [105.0]


def test_both_levels_broken_at_once_are_spent_without_an_event():
    state = records(STRUCTURE, 1)[0]
    state.up.swing_open, state.up.swing_px = 1, 100.0
    state.down.swing_open, state.down.swing_px = 1, -110.0
    assert find_break(state, 105.0, 9) == 0
    assert (state.up.swing_open, state.down.swing_open, state.state) == (0, 0, 0)


# ------------------------------------------------------------------ sweeps


def test_a_dip_below_a_pool_that_closes_above_it_is_a_sweep_and_spends_the_pool(fold):
    dip = (100.0, 101.0, 94.0, 100.0)
    state, events = fold([*SWING_LOW, dip, dip])
    assert of(events, SWEEP) == [(SWEEP, 1, 7, 7, 94.0, 95.0)]
    assert state.up.pool_count == 0


def test_a_dip_of_less_than_the_reach_leaves_the_pool_for_a_later_sweep(fold):
    shallow, deep = (100.0, 101.0, 94.95, 100.0), (100.0, 101.0, 94.9, 100.0)
    assert [e[3] for e in of(fold([*SWING_LOW, shallow, deep])[1], SWEEP)] == [8]


def test_a_close_below_the_pool_spends_it_without_a_sweep(fold):
    rows = [*SWING_LOW, (100.0, 101.0, 94.0, 94.5), (100.0, 101.0, 93.0, 100.0)]
    assert of(fold(rows)[1], SWEEP) == []


def test_a_close_at_the_pool_changes_nothing(fold):
    rows = [*SWING_LOW, (100.0, 101.0, 94.0, 95.0), (100.0, 101.0, 93.0, 100.0)]
    assert [e[3] for e in of(fold(rows)[1], SWEEP)] == [8]


def test_several_pools_in_one_bar_are_one_sweep(fold):
    higher = (100.0, 101.0, 96.0, 100.0)
    rows = [*SWING_LOW, higher, *[FLAT] * 3, (100.0, 101.0, 90.0, 100.0)]
    state, events = fold(rows)
    assert len(of(events, SWEEP)) == 1
    assert state.up.pool_count == 0


def test_without_an_atr_nothing_is_swept(fold):
    rows = [*SWING_LOW, (100.0, 101.0, 94.0, 100.0)]
    assert of(fold(rows, atr=np.nan)[1], SWEEP) == []


def test_a_seventh_pool_pushes_the_oldest_out_for_good(fold):
    troughs = [(100.0, 101.0, 90.0 + k, 100.0) for k in range(7)]
    rows = [FLAT] * 3
    for trough in troughs:
        rows += [trough, *[FLAT] * 3]
    state, _ = fold(rows)
    assert state.up.pool_px.tolist() == [91.0, 92.0, 93.0, 94.0, 95.0, 96.0]
    below_91_only = (100.0, 101.0, 89.0, 100.0)
    state, events = fold([*rows, below_91_only])
    assert of(events, SWEEP)[0][5] == 96.0
    assert state.up.pool_count == 0


def test_both_sides_swept_in_one_bar_are_two_events(fold):
    both = (100.0, 105.0, 95.0, 100.0)
    rows = [FLAT] * 3 + [both] + [FLAT] * 3 + [(100.0, 106.0, 94.0, 100.0)]
    assert [e[:2] for e in of(fold(rows)[1], SWEEP)] == [(SWEEP, 1), (SWEEP, -1)]


def test_a_change_of_character_keeps_the_sweep_it_came_with(fold):
    down = [*SWING_LOW, (100.0, 101.0, 94.0, 94.0)]
    up = [*[FLAT] * 3, (100.0, 105.0, 97.0, 100.0), *[FLAT] * 3, (100.0, 106.0, 96.0, 106.0)]
    sweep_later = (106.0, 106.0, 90.0, 106.0)
    rows = down + up
    state, events = fold(rows)
    assert of(events, SWEEP) == [(SWEEP, 1, 15, 15, 96.0, 97.0)]
    assert state.choch_at == state.choch_sweep_at == 15
    assert fold([*rows, *SWING_LOW, sweep_later])[0].choch_sweep_at == 15


def test_a_change_of_character_without_a_sweep_has_none(fold):
    rows = [*SWING_HIGH, (100.0, 106.0, 100.0, 106.0), *SWING_LOW, (100.0, 100.0, 94.0, 94.0)]
    assert fold(rows)[0].choch_sweep_at == NEVER


# ------------------------------------------------------------------ fair value gaps


GAP = [(100.0, 101.0, 99.0, 100.0), (100.0, 104.0, 100.0, 104.0), (104.0, 105.0, 102.0, 104.0)]


def test_a_gap_lies_between_the_first_high_and_the_third_low(fold):
    _, events = fold([FLAT, *GAP])
    assert of(events, FVG) == [(FVG, 1, 3, 3, 101.0, 102.0)]


def test_a_gap_smaller_than_a_tenth_of_the_atr_before_is_none(fold):
    assert of(fold([FLAT, *GAP], atr=10.0)[1], FVG) != []
    assert of(fold([FLAT, *GAP], atr=10.01)[1], FVG) == []


def test_a_gap_needs_a_middle_bar_in_its_direction(fold):
    middle = (104.0, 104.0, 100.0, 100.0)
    assert of(fold([FLAT, GAP[0], middle, GAP[2]])[1], FVG) == []


def test_a_gap_ends_when_a_later_low_touches_its_bottom(fold):
    above, touch = (104.0, 105.0, 101.5, 104.0), (104.0, 105.0, 101.0, 104.0)
    assert fold([FLAT, *GAP, above])[0].up.gap_count == 1
    assert fold([FLAT, *GAP, touch])[0].up.gap_count == 0


def test_a_gap_lives_47_bars(fold):
    after = (104.0, 105.0, 103.0, 104.0)
    assert fold([FLAT, *GAP, *[after] * 47])[0].up.gap_count == 1
    assert fold([FLAT, *GAP, *[after] * 48])[0].up.gap_count == 0


def test_a_fourth_live_gap_replaces_the_oldest(fold):
    rows = [FLAT]
    for k in range(4):
        rows += [tuple(px + 10.0 * k for px in row) for row in GAP]
    state, _ = fold(rows, atr=10.0)
    assert state.up.gap_count == 3
    assert state.up.gap_at.tolist() == sorted(state.up.gap_at.tolist())
    assert state.up.gap_at[2] == len(rows) - 1


# ------------------------------------------------------------------ order blocks

RED = (100.0, 101.0, 99.0, 99.5)
BREAK = (100.0, 106.0, 100.0, 106.0)


def test_the_last_opposite_bar_before_a_break_is_its_order_block(fold):
    _, events = fold([*SWING_HIGH, RED, FLAT, BREAK])
    assert of(events, BLOCK) == [(BLOCK, 1, 7, 9, 99.0, 101.0)]


def test_an_order_block_needs_a_move_of_one_and_a_half_atr(fold):
    assert of(fold([*SWING_HIGH, RED, BREAK], atr=7.0 / 1.5)[1], BLOCK) != []
    assert of(fold([*SWING_HIGH, RED, BREAK], atr=4.7)[1], BLOCK) == []


def test_only_the_last_opposite_bar_is_tried(fold):
    near = (104.0, 105.0, 103.0, 103.5)
    assert of(fold([*SWING_HIGH, RED, near, BREAK], atr=3.0)[1], BLOCK) == []


def test_the_opposite_bar_is_sought_in_ten_bars(fold):
    assert of(fold([*SWING_HIGH, RED, *[FLAT] * 9, BREAK])[1], BLOCK) != []
    assert of(fold([*SWING_HIGH, RED, *[FLAT] * 10, BREAK])[1], BLOCK) == []


def test_an_order_block_ends_at_a_close_beyond_it_not_at_a_wick(fold):
    rows = [*SWING_HIGH, RED, BREAK]
    assert fold([*rows, (106.0, 106.0, 98.0, 99.0)])[0].up.block_live == 1
    assert fold([*rows, (106.0, 106.0, 98.0, 98.9)])[0].up.block_live == 0


def test_an_order_block_lives_95_bars(fold):
    rows, after = [*SWING_HIGH, RED, BREAK], (106.0, 107.0, 105.0, 106.0)
    assert fold([*rows, *[after] * 95])[0].up.block_live == 1
    assert fold([*rows, *[after] * 96])[0].up.block_live == 0


# ------------------------------------------------------------------ all of it


@pytest.fixture
def walk_bars(bars_of):
    """1500 bars on a coarse price grid, so that equal prices happen."""
    rng = np.random.default_rng(3)
    close = 500.0 + np.cumsum(rng.integers(-6, 7, 1500)) / 2
    rows, last = [], 500.0
    for px in close.tolist():
        up, down = (rng.integers(0, 6, 2) / 2).tolist()
        rows.append((last, max(last, px) + up, min(last, px) - down, px))
        last = px
    return rows


def test_every_kind_of_event_happens_in_a_walk_on_both_sides(bars_of, rules, walk_bars):
    events = structure_events(bars_of(walk_bars), rules)
    seen = {(int(e.name), int(e.side)) for e in events}
    assert seen == {(name, side) for name in EventName for side in (1, -1)}
    assert (events.formed <= events.confirmed).all()
    assert (np.diff(events.confirmed) >= 0).all()


def test_the_mirrored_market_has_the_mirrored_events(bars_of, rules, walk_bars):
    ours = structure_events(bars_of(walk_bars), rules)
    theirs = structure_events(bars_of(mirrored(walk_bars)), rules)
    key = [(e.confirmed, e.name, e.side, e.formed, e.lower_px, e.upper_px) for e in ours]
    other = [(e.confirmed, e.name, -e.side, e.formed, -e.upper_px, -e.lower_px) for e in theirs]
    assert sorted(key) == sorted(other)


def test_events_known_at_a_bar_do_not_depend_on_later_bars(bars_of, rules, walk_bars):
    whole = structure_events(bars_of(walk_bars), rules)
    for cut in range(40, 1500, 97):
        part = structure_events(bars_of(walk_bars[:cut]), rules)
        assert part.tolist() == whole[whole.confirmed < cut].tolist()


def test_confirmation_time_is_the_close_of_the_confirming_bar(bars_of, rules, walk_bars):
    bars = resample(bars_of(walk_bars), 300_000)
    events = structure_events(bars, rules)
    assert (events.confirmed_ms == bars.close_ms[events.confirmed]).all()
