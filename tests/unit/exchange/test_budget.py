"""The budget: nobody takes the reserve but protection, the venue's count stands, and a ban is waited for."""

from __future__ import annotations

import asyncio

import pytest

from mastertrading.exchange.budget import EDGE_S, Budget, Limit, Priority

LIMIT = Limit("weight", 100, 60.0, "x-used")
USUAL, PROTECTION = Priority.USUAL, Priority.PROTECTION


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def budget(clock):
    return Budget((LIMIT,), clock)


def take(budget, weight, priority=USUAL, patience=0.0):
    return asyncio.run(budget.take({"weight": weight}, priority, patience))


def test_a_fifth_is_left_for_protection(budget):
    assert [take(budget, 10) for _ in range(9)] == [True] * 8 + [False]
    assert [take(budget, 10, PROTECTION) for _ in range(3)] == [True, True, False]


def test_a_window_slides(budget, clock):
    take(budget, 50)
    clock.seconds += 30
    take(budget, 30)
    assert take(budget, 20, patience=10) is False
    began = clock.seconds
    assert take(budget, 20, patience=40) is True
    assert clock.seconds - began == pytest.approx(30 + EDGE_S)


def test_what_was_not_granted_is_not_spent(budget):
    take(budget, 80)
    for _ in range(10):
        take(budget, 80)
    assert budget.used("weight") == 80


def test_a_request_heavier_than_its_share_waits_for_an_empty_window_and_goes(budget, clock):
    take(budget, 10)
    assert take(budget, 500, patience=120) is True
    assert budget.used("weight") == 500


def test_the_venues_count_stands_where_it_is_higher(budget):
    take(budget, 10)
    budget.heard({"x-used": "75"})
    assert budget.used("weight") == 75
    budget.heard({"x-used": "20"})
    assert budget.used("weight") == 75
    budget.heard({"x-used": "many"})
    assert take(budget, 10) is False


def test_a_header_may_tell_what_is_left(clock):
    budget = Budget((Limit("reads", 50, 1.0, "x-left", left=True),), clock)
    budget.heard({"x-left": "5"})
    assert budget.used("reads") == 45


def test_a_ban_holds_protection_too(budget, clock):
    budget.hold(30)
    budget.hold(10)
    assert take(budget, 1, PROTECTION, 20) is False
    began = clock.seconds
    assert take(budget, 1, PROTECTION, 40) is True
    assert clock.seconds - began == pytest.approx(30)


def test_the_tightest_of_several_limits_decides(clock):
    budget = Budget((LIMIT, Limit("orders", 2, 10.0)), clock)

    async def orders():
        return [await budget.take({"weight": 1, "orders": 1}, PROTECTION, 0.0) for _ in range(3)]

    assert asyncio.run(orders()) == [True, True, False]


@pytest.mark.parametrize("reserve", [0.0, 0.19, 1.0])
def test_a_smaller_reserve_than_a_fifth_is_refused(clock, reserve):
    with pytest.raises(ValueError, match="fifth"):
        Budget((LIMIT,), clock, reserve=reserve)
