"""Pages of rows from answers of every kind."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mastertrading.exchange.pages import Rows, in_order, whole_page, windows

STEP = 10


def rows_at(times) -> Rows:
    ts_ms = np.array(list(times), np.int64)
    return Rows(ts_ms, np.column_stack((ts_ms * 0.5, ts_ms * 0.25)) if len(ts_ms) else np.zeros((0, 2)))


class Exchange:
    """Has rows, gives at most so many of the newest or of the oldest, and counts questions."""

    def __init__(self, times, most=1000, newest=False):
        self.times, self.most, self.newest, self.asked = sorted(times), most, newest, []

    def __call__(self, a, b):
        self.asked.append((a, b))
        inside = [t for t in self.times if a <= t < b]
        return rows_at(inside[-self.most :] if self.newest else inside[: self.most])


@given(
    times=st.sets(st.integers(0, 60).map(lambda k: k * STEP)),
    most=st.integers(1, 70),
    newest=st.booleans(),
    sparse=st.booleans(),
    start=st.integers(0, 300),
    length=st.integers(1, 400),
)
def test_a_page_is_whole_however_little_an_answer_holds(times, most, newest, sparse, start, length):
    exchange = Exchange(times, most, newest)
    got = whole_page(exchange, start, start + length, step_ms=STEP, limit=50, sparse=sparse)
    assert got.ts_ms.tolist() == [t for t in sorted(times) if start <= t < start + length]
    assert len(exchange.asked) <= 4 * (length // STEP + 2)


@given(times=st.sets(st.integers(0, 5000), max_size=60), limit=st.integers(1, 9))
def test_rows_without_a_grid_are_halved_until_no_answer_is_full(times, limit):
    exchange = Exchange(times, most=limit, newest=True)
    got = whole_page(exchange, 0, 5001, step_ms=0, limit=limit)
    assert got.ts_ms.tolist() == sorted(times)


def test_an_emptiness_is_believed_when_it_is_said_twice():
    full = Exchange(range(0, 100, STEP))
    answers = iter([rows_at([]), full(0, 100)])
    assert len(whole_page(lambda a, b: next(answers), 0, 100, step_ms=STEP, limit=50)) == 10
    empty = Exchange([])
    assert len(whole_page(empty, 0, 100, step_ms=STEP, limit=50)) == 0
    assert len(empty.asked) == 2


def test_a_hole_inside_an_answer_is_asked_for_once_more():
    whole = list(range(0, 100, STEP))
    answers = iter([rows_at(whole[:4] + whole[6:]), rows_at(whole)])
    got = whole_page(lambda a, b: next(answers), 0, 100, step_ms=STEP, limit=50)
    assert got.ts_ms.tolist() == whole


def test_rows_that_repeat_are_kept_once_and_rows_that_contradict_each_other_all():
    twice = in_order([rows_at([20, 10]), rows_at([10])])
    assert twice.ts_ms.tolist() == [10, 20]
    other = Rows(np.array([10]), np.array([[9.0, 9.0]]))
    assert in_order([rows_at([10]), other]).ts_ms.tolist() == [10, 10]
    nothing = Rows(np.array([10, 10]), np.full((2, 2), np.nan))
    assert len(in_order([nothing])) == 1


@given(start=st.integers(0, 10_000), length=st.integers(1, 5000), page=st.integers(1, 700))
def test_windows_cover_a_range_once_and_are_the_same_for_every_start(start, length, page):
    made = list(windows(start, start + length, page))
    assert made[0][0] == start
    assert made[-1][1] == start + length
    assert all(a[1] == b[0] for a, b in itertools.pairwise(made))
    assert all(b % page == 0 and b - a <= page for a, b in made[:-1])
