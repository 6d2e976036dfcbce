"""What closed trades teach does not depend on which of one bar was told first: a recorded bar does not say it."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mastertrading.compiled.interpreted import interpreted
from mastertrading.engine import accounting
from mastertrading.rules.risk import breakers

count_loss, move_streak = interpreted(breakers.count_loss), interpreted(breakers.move_streak)
note_result = interpreted(accounting.note_result)

RULES = SimpleNamespace(enabled=True, ignore_r=0.1, losses_half=3, losses_stop=5, pause_ms=720_000)
ROOM = 4
A_BAR = st.lists(st.sampled_from([-1.5, -1.0, -0.05, 0.05, 1.0, 2.5]), max_size=4)


class Results(list):  # a ring, as an array is one
    shape = (ROOM,)


def account(losses: int, seen: int) -> Any:
    return SimpleNamespace(
        losses=losses, bar_losses=0, has_won=0, learnt_ms=0, bar_results=0, pause_until_ms=0, stages=[0, 0, 0, 0],
        results=Results([0.5 + k for k in range(ROOM)]), results_seen=seen,
    )  # fmt: skip


def told(bars: list[tuple[float, ...]], losses: int, seen: int) -> dict[str, Any]:
    """The account after bars whose trades closed with these results in R, each marked at its close."""
    one = account(losses, seen)
    for n, results in enumerate(bars, 1):
        for result in results:
            if one.learnt_ms != n:
                one.learnt_ms, one.bar_results, one.bar_losses = n, 0, 0
            note_result(one, result)
            count_loss(one, round(100 * result), result, RULES)
        move_streak(one, RULES)
    return {**vars(one), "results": list(one.results)}


@given(A_BAR, A_BAR, st.integers(0, 5), st.integers(0, 9))
def test_trades_of_one_bar_teach_the_same_in_any_order(first, second, losses, seen):
    usual = told([tuple(first), tuple(second)], losses, seen)
    for other in permutations(second):
        assert told([tuple(first), other], losses, seen) == usual
    for other in permutations(first):
        assert told([other, tuple(second)], losses, seen) == usual


def test_a_bar_with_a_win_ends_the_streak_and_its_own_losses_begin_the_next():
    after = told([(-1.0, -1.0), (-1.0, 1.0, -1.0)], 0, 0)
    assert (after["losses"], after["stages"][3]) == (2, 0)


def test_a_bar_with_a_win_does_not_stop_entries_however_many_it_lost_before_it():
    assert told([(-1.0,) * 4, (-1.0, 1.0)], 0, 0)["stages"][3] == 0
    assert told([(-1.0,) * 4, (-1.0,)], 0, 0)["stages"][3] == 2


def test_results_of_earlier_bars_stay_where_they_are():
    assert told([(2.5, -1.0), (1.0, -1.5)], 0, 0)["results"] == [-1.0, 2.5, -1.5, 1.0]
