"""The venue's clock: bounded by the round trip, moved by nobody who sets the wall clock."""

from __future__ import annotations

import math

import pytest

from mastertrading.exchange.clocks import VenueClock


class Clock:
    def __init__(self) -> None:
        self.wall_ms, self.mono = 1_700_000_000_000.0, 50.0

    def now_ms(self) -> int:
        return int(self.wall_ms)

    def monotonic(self) -> float:
        return self.mono

    def go(self, seconds: float, wall: float | None = None) -> None:
        self.mono += seconds
        self.wall_ms += (seconds if wall is None else wall) * 1000


@pytest.fixture
def clock():
    return Clock()


def ask(venue: VenueClock, clock: Clock, ahead_ms: float, there: float = 0.05, back: float = 0.05) -> None:
    asked = clock.mono
    clock.go(there)
    told = int(clock.wall_ms + ahead_ms)
    clock.go(back)
    venue.heard(told, asked)


def test_before_the_first_answer_nothing_is_known(clock):
    venue = VenueClock(clock)
    assert (venue.known, venue.error_ms, venue.now_ms()) == (False, math.inf, clock.now_ms())


@pytest.mark.parametrize(("there", "back"), [(0.05, 0.05), (0.0, 0.4), (0.4, 0.0)])
def test_the_truth_lies_within_the_bound(clock, there, back):
    venue = VenueClock(clock)
    ask(venue, clock, 7_000, there, back)
    truth = clock.wall_ms + 7_000
    assert abs(venue.now_ms() - truth) <= venue.error_ms + 1
    assert venue.error_ms == pytest.approx((there + back) * 500, abs=1)


def test_the_sharpest_answer_is_believed(clock):
    venue = VenueClock(clock)
    ask(venue, clock, 100, 0.01, 0.01)
    ask(venue, clock, 100, 0.5, 0.0)
    assert venue.error_ms < 11
    assert abs(venue.now_ms() - (clock.wall_ms + 100)) <= 11


def test_somebody_who_sets_the_wall_clock_moves_nothing_and_is_noticed(clock):
    venue = VenueClock(clock)
    ask(venue, clock, 0)
    before = venue.now_ms()
    clock.go(10, wall=10 - 3_600)
    assert venue.now_ms() == before + 10_000
    assert venue.error_ms > 3_599_000


def test_the_bound_grows_with_age(clock):
    venue = VenueClock(clock)
    ask(venue, clock, 0)
    young = venue.error_ms
    clock.go(600)
    assert venue.error_ms == pytest.approx(young + 60, abs=1)
    assert venue.age_s == pytest.approx(600)


def test_a_venue_whose_clock_jumps_is_believed_anew(clock):
    venue = VenueClock(clock)
    for _ in range(5):
        ask(venue, clock, 0)
    ask(venue, clock, 60_000)
    assert venue.jumped_ms == pytest.approx(60_000, abs=200)
    assert abs(venue.now_ms() - (clock.wall_ms + 60_000)) < 200


def test_a_refused_time_is_forgotten(clock):
    venue = VenueClock(clock)
    ask(venue, clock, 0)
    venue.forget()
    assert not venue.known
