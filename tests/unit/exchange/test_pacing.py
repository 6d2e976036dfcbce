"""The pace of requests, without any time passing."""

from __future__ import annotations

import threading

import pytest

from exchange_peer import FakeClock
from mastertrading.app.download.clock import WallClock
from mastertrading.exchange.pacing import LONGEST_PAUSE_S, Pace, Stopping, pause_s


def test_each_weight_takes_its_time():
    clock = FakeClock(0)
    pace = Pace(clock, 50)
    at = []
    for weight in (2, 5, 1, 1):
        pace.wait(weight)
        at.append(round(clock.monotonic(), 6))
    assert at == [0.0, 0.1, 0.35, 0.4]
    assert pace.requests == 4


def test_a_hold_keeps_everybody_back():
    clock = FakeClock(0)
    pace = Pace(clock, 50)
    pace.hold(7)
    pace.hold(3)
    pace.wait()
    assert clock.monotonic() == pytest.approx(7)


def test_a_hold_reaches_who_is_waiting_already():
    class Held(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            if self.passed < 1:
                pace.hold(30)

    clock = Held(0)
    pace = Pace(clock, 100)
    pace.wait()
    pace.wait()
    assert clock.monotonic() >= 30


def test_pauses_double_up_to_a_minute_and_are_the_same_for_a_seed():
    pauses = [pause_s(attempt, "seed 3") for attempt in range(12)]
    assert pauses == [pause_s(attempt, "seed 3") for attempt in range(12)]
    assert all(
        min(2.0**k, LONGEST_PAUSE_S) / 2 <= s <= min(2.0**k, LONGEST_PAUSE_S) for k, s in enumerate(pauses)
    )


def test_a_wait_ends_when_everybody_is_to_stop():
    clock = WallClock()
    threading.Timer(0.01, clock.stop.set).start()
    with pytest.raises(Stopping):
        clock.sleep(60)
