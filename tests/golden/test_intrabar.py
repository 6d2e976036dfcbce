"""A bar that holds stop and limit both: which comes first is an assumption, and it is said (BT-INTRABAR)."""

from __future__ import annotations

import pytest

from hand_made import PX, QUIET, Bar, Played, level, one

STOP = (2, -25, 9_879, "stop")
PARTIAL, TARGET = (2, -12, 10_122, "partial"), (2, -13, 10_510, "target")
NEAR_STOP: Bar = (PX, 10_511, 9_880, 10_000)  # 120 ticks down, 511 up
NEAR_TARGET: Bar = (10_400, 10_511, 9_880, 10_000)  # 520 down, 111 up


def exits(bar: Bar, path: str) -> tuple[list[tuple[int, int, int, str]], bool]:
    played = one(QUIET, QUIET, bar, level(bar[3]), changes={"fills.path": path})
    return played.fills()[1:], bool(played.trade.ambiguous)


def test_nearest_first_goes_to_the_nearer_extreme() -> None:
    assert exits(NEAR_STOP, "nearest_first") == ([STOP], True)
    assert exits(NEAR_TARGET, "nearest_first") == ([PARTIAL, TARGET], True)


def test_equally_near_extremes_take_the_worse_one_first() -> None:
    even: Bar = (PX, 10_123, 9_877, PX)
    assert exits(even, "nearest_first") == ([STOP], True)
    nearer: Bar = (PX, 10_123, 9_876, PX)
    assert exits(nearer, "nearest_first") == ([PARTIAL, (2, -13, 9_879, "stop")], True)


@pytest.mark.parametrize("bar", [NEAR_STOP, NEAR_TARGET])
def test_best_path_takes_the_limits_and_worst_path_the_stop(bar: Bar) -> None:
    assert exits(bar, "best") == ([PARTIAL, TARGET], True)
    assert exits(bar, "worst") == ([STOP], True)


def test_bar_that_reaches_only_one_of_them_is_not_ambiguous() -> None:
    assert exits((PX, 10_122, 9_880, PX), "best") == ([STOP], False)
    assert exits((PX, 10_511, 9_881, 10_500), "worst") == ([PARTIAL, TARGET], False)


def test_stop_that_the_open_jumped_is_not_a_question_of_the_path() -> None:
    assert exits((9_800, 10_600, 9_700, 9_900), "best") == ([(2, -25, 9_799, "stop")], False)


def test_path_that_reaches_the_stop_first_leaves_nothing_for_the_limit_and_the_reverse() -> None:
    bar: Bar = (PX, 10_123, 9_880, PX)
    assert exits(bar, "worst") == ([STOP], True)
    assert exits(bar, "best") == ([PARTIAL, (2, -13, 9_879, "stop")], True)


@pytest.mark.parametrize(
    ("high", "through", "filled"),
    [(10_122, 1, False), (10_123, 1, True), (10_122, 0, True), (10_121, 0, False), (10_124, 3, False)],
)
def test_limit_fills_at_its_own_price_only_when_traded_through(high: int, through: int, filled: bool) -> None:
    changes = {"fills.through_ticks": through}
    played = one(QUIET, QUIET, (PX, high, PX, 10_050), level(10_050), changes=changes)
    assert (PARTIAL in played.fills()) is filled


def test_limit_that_the_open_jumped_still_fills_at_its_own_price() -> None:
    played = one(QUIET, QUIET, level(10_300, 2))
    assert PARTIAL in played.fills()


def test_range_over_the_paths_is_told_with_the_result() -> None:
    nets = {path: net_of(one(QUIET, QUIET, NEAR_STOP, changes={"fills.path": path})) for path in PATHS}
    assert nets["worst"] == nets["nearest_first"] < nets["best"]


PATHS = ("nearest_first", "best", "worst")


def net_of(played: Played) -> int:
    return int(played.trade.net_atoms)
