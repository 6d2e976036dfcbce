"""Ideal against resting: what is sent, in which order, and what is never sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mastertrading.domain.intents import Purpose
from mastertrading.domain.orders import Order, OrderKind, OrderStatus
from mastertrading.live.ideal import Actual, IdealOrders, Resting
from mastertrading.live.reconcile import Cancel, Place, coverage, reconcile, reconcile_emergency

BTC = "BTCUSDT"
WANTED = IdealOrders(BTC, 60_000, stop_ticks=9_000, partial_ticks=11_000, partial_lots=4, target_ticks=12_000)


def resting(purpose, side, lots, px_ticks, number=1, *, reduces=True, closes_all=False):
    order = Order(
        str(number), f"id{number}", BTC, side, OrderKind.MARKET, OrderStatus.WORKING, 1, 0, number, number
    )
    return Resting(order, purpose, side, lots, px_ticks, reduces, closes_all)


def stop(lots, px_ticks, number=1, side=-1):
    return resting(Purpose.STOP, side, lots, px_ticks, number)


def whole(lots=10):
    """A long that is protected and has its limits resting."""
    return Actual(
        BTC,
        lots,
        (
            stop(lots, 9_000),
            resting(Purpose.PARTIAL, -1, 4, 11_000, 2),
            resting(Purpose.TARGET, -1, lots - 4, 12_000, 3),
        ),
    )


def test_what_rests_as_wanted_needs_no_command():
    assert reconcile(WANTED, whole()) == ()


def test_a_naked_position_gets_its_stop_before_anything_else():
    first, *rest = reconcile(WANTED, Actual(BTC, 10))
    assert first == Place(BTC, Purpose.STOP, -1, 10, 9_000)
    assert [step.purpose for step in rest] == [Purpose.PARTIAL, Purpose.TARGET]


def test_a_stop_that_moved_is_placed_and_the_old_one_stays_until_the_new_one_is_read_back():
    steps = reconcile(replace(WANTED, stop_ticks=9_500), whole())
    assert steps == (Place(BTC, Purpose.STOP, -1, 10, 9_500),)


def test_the_old_stop_goes_once_the_new_one_was_read_back():
    actual = whole()
    both = replace(actual, resting=(*actual.resting, stop(10, 9_500, 9)))
    (step,) = reconcile(replace(WANTED, stop_ticks=9_500), both)
    assert isinstance(step, Cancel)
    assert step.resting.px_ticks == 9_000


def test_a_stop_that_hardly_moved_is_left_alone():
    assert reconcile(replace(WANTED, stop_ticks=9_001), whole()) == ()
    assert reconcile(replace(WANTED, stop_ticks=9_003), whole()) != ()


@pytest.mark.parametrize(
    "wrong",
    [
        stop(10, 9_000, side=1),
        stop(9, 9_000),
        resting(Purpose.STOP, -1, 10, 9_000, reduces=False),
        resting(None, -1, 10, 9_000),
    ],
    ids=["on the wrong side", "too small", "able to open", "not ours"],
)
def test_an_order_that_does_not_protect_is_not_taken_for_a_stop(wrong):
    steps = reconcile(WANTED, Actual(BTC, 10, (wrong,)))
    assert steps[0] == Place(BTC, Purpose.STOP, -1, 10, 9_000)


def test_a_stop_outlives_no_position_and_neither_does_a_limit():
    steps = reconcile(IdealOrders(BTC, 60_000), replace(whole(), lots=0))
    assert [(type(step), step.resting.purpose) for step in steps] == [
        (Cancel, Purpose.STOP),
        (Cancel, Purpose.PARTIAL),
        (Cancel, Purpose.TARGET),
    ]


def test_an_exit_is_sent_once_with_the_stop_still_resting():
    wanted = replace(WANTED, exit_reason=6)
    steps = reconcile(wanted, whole())
    assert steps[0] == Place(BTC, Purpose.EXIT, -1, 10)
    assert all(step.resting.purpose is not Purpose.STOP for step in steps if isinstance(step, Cancel))
    again = reconcile(wanted, replace(whole(), sent=frozenset({Purpose.EXIT})))
    assert not any(isinstance(step, Place) for step in again)


def test_a_naked_position_that_is_being_closed_gets_its_stop_first():
    steps = reconcile(replace(WANTED, exit_reason=6), Actual(BTC, 10))
    assert [step.purpose for step in steps] == [Purpose.STOP, Purpose.EXIT]


def test_an_entry_carries_its_stop():
    ideal = IdealOrders(BTC, 60_000, entry_lots=-7, entry_stop_ticks=11_000, entry_target_ticks=8_000)
    assert reconcile(ideal, Actual(BTC, 0)) == (Place(BTC, Purpose.ENTRY, -1, 7, 0, 11_000),)


@pytest.mark.parametrize(
    "actual",
    [Actual(BTC, 0, frozen=True), Actual(BTC, 0, sent=frozenset({Purpose.ENTRY})), Actual(BTC, 3)],
    ids=["an outcome is unknown", "it was sent already", "there is a position"],
)
def test_no_entry_is_sent_while(actual):
    ideal = IdealOrders(BTC, 60_000, entry_lots=7, entry_stop_ticks=9_000, stop_ticks=9_000)
    assert not any(isinstance(s, Place) and s.purpose is Purpose.ENTRY for s in reconcile(ideal, actual))


def test_an_unknown_outcome_never_blocks_protection():
    steps = reconcile(WANTED, Actual(BTC, 10, frozen=True))
    assert steps[0].purpose is Purpose.STOP


def test_a_limit_that_changes_is_cancelled_first_and_placed_when_it_is_gone():
    steps = reconcile(replace(WANTED, target_ticks=13_000), whole())
    assert [type(step) for step in steps] == [Cancel]


def test_a_position_that_the_engine_does_not_know_is_left_to_the_policy():
    assert reconcile(IdealOrders(BTC, 60_000), Actual(BTC, 10)) == ()


levels = some.integers(8_000, 9_999)
orders = some.builds(
    resting,
    some.sampled_from([Purpose.STOP, Purpose.PARTIAL, Purpose.TARGET, None]),
    some.sampled_from([-1, 1]),
    some.integers(1, 20),
    some.integers(8_000, 13_000),
    some.integers(1, 10**6),
)
ideals = some.builds(
    lambda stop, lots, partial, target, leaves: IdealOrders(
        BTC, 60_000, leaves, 0, 0, 0, stop, partial, lots, target
    ),
    levels,
    some.integers(0, 10),
    some.integers(10_001, 12_000),
    some.sampled_from([0, 12_500]),
    some.sampled_from([0, 6]),
)
actuals = some.builds(
    lambda lots, there: Actual(BTC, lots, tuple(there)), some.integers(1, 15), some.lists(orders, max_size=6)
)


def settle(actual, steps, count):
    """What the venue has after it did everything it was told."""
    there = list(actual.resting)
    for step in steps:
        if isinstance(step, Cancel):
            there.remove(step.resting)
        elif step.purpose is not Purpose.EXIT:
            count[0] += 1
            there.append(resting(step.purpose, step.order_side, step.lots, step.px_ticks, 10**7 + count[0]))
    sent = actual.sent | {step.purpose for step in steps if isinstance(step, Place)}
    return replace(actual, resting=tuple(there), sent=sent)


@settings(max_examples=400, deadline=None)
@given(ideal=ideals, actual=actuals)
def test_three_cycles_bring_the_venue_to_rest_and_coverage_is_never_lowered_below_the_position(ideal, actual):
    count = [0]
    for _ in range(3):
        covered = min(coverage(actual, 1), actual.lots)
        steps = reconcile(ideal, actual)
        seen = actual
        for step in steps:
            seen = settle(seen, (step,), count)
            assert min(coverage(seen, 1), seen.lots) >= covered
        actual = seen
    assert reconcile(ideal, actual) == ()
    assert coverage(actual, 1) == actual.lots or (ideal.exit_reason and coverage(actual, 1) > actual.lots)
    limits = [o.lots for o in actual.resting if o.purpose in (Purpose.PARTIAL, Purpose.TARGET)]
    assert sum(limits) <= actual.lots


@settings(max_examples=400, deadline=None)
@given(ideal=ideals, actual=actuals)
def test_no_order_of_a_position_could_open_one(ideal, actual):
    for step in reconcile(ideal, actual):
        if isinstance(step, Place):
            assert step.order_side == -1
            assert step.lots <= actual.lots


def test_an_emergency_cancels_what_is_in_the_way_then_closes_and_keeps_the_stop():
    cancels, close = (
        reconcile_emergency(whole(), is_flat=False)[:-1],
        reconcile_emergency(whole(), is_flat=False)[-1],
    )
    assert [step.resting.purpose for step in cancels] == [Purpose.PARTIAL, Purpose.TARGET]
    assert all(step.first for step in cancels)
    assert close == Place(BTC, Purpose.EMERGENCY, -1, 10)


def test_an_emergency_cancels_stops_only_when_flat_was_read_twice():
    gone = replace(whole(), lots=0)
    assert Purpose.STOP not in [s.resting.purpose for s in reconcile_emergency(gone, is_flat=False)]
    assert Purpose.STOP in [s.resting.purpose for s in reconcile_emergency(gone, is_flat=True)]


def test_an_emergency_sends_no_second_order_while_one_is_under_way():
    waiting = replace(whole(), sent=frozenset({Purpose.EMERGENCY}))
    assert all(isinstance(step, Cancel) for step in reconcile_emergency(waiting, is_flat=False))


def test_nothing_is_sent_for_dust():
    assert reconcile(WANTED, replace(whole(), dust=True, resting=())) == ()


def test_take_profits_in_the_way_go_first_and_none_is_placed():
    steps = reconcile(replace(WANTED, stop_ticks=9_500), replace(whole(), freeing=True))
    assert [(type(step), getattr(step, "first", None)) for step in steps[1:]] == [
        (Cancel, True),
        (Cancel, True),
    ]


def test_no_limit_is_placed_while_one_that_was_sent_is_not_shown():
    unseen = replace(whole(), resting=(stop(10, 9_000),), sent=frozenset({Purpose.TARGET}))
    assert reconcile(WANTED, unseen) == ()
    assert len(reconcile(WANTED, replace(unseen, sent=frozenset()))) == 2
