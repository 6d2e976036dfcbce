"""The space of a sweep: lists, exact ranges, samples, conditions, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.domain.errors import UsageError
from mastertrading.research.conditions import parse
from mastertrading.research.space import Axis, Space, parse_axes, parse_axis


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5:25:5", (5, 10, 15, 20, 25)),
        ("fast=5:24:5", (5, 10, 15, 20)),
        ("fast=25:5:-10", (25, 15, 5)),
        ("fast=7:7:1", (7,)),
        ("x=0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("x=0:1:0.5", (0.0, 0.5, 1.0)),
        ("x=1,5:15:5,100", (1, 5, 10, 15, 100)),
        ("x=3,1,3,2", (3, 1, 2)),
        ("x=1,2.5", (1.0, 2.5)),
        ("x=true,false", (True, False)),
        ("x=calm, wild", ("calm", "wild")),
        ("x=1:100:log:3", (1, 10, 100)),
        ("x=0.001:1:log:4", (0.001, 0.01, 0.1, 1.0)),
        ("risk.per_trade=0.002", (0.002,)),
        ("x=1e-3,2e-3", (0.001, 0.002)),
        (" fast = 5 ", (5,)),
    ],
)
def test_an_axis_takes_exactly_the_values_that_are_written(text, values):
    axis = parse_axis(text)
    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@settings(deadline=None)
@given(st.integers(-1000, 1000), st.integers(0, 300), st.integers(1, 1000), st.integers(0, 4))
def test_a_range_is_the_list_of_its_exact_decimals(first, count, step, places):
    scale = Decimal(10) ** -places
    begin, by = first * scale, step * scale
    wanted = [float(begin + k * by) for k in range(count + 1)]
    axis = parse_axis(f"x={begin}:{begin + count * by}:{by}")
    assert [float(value) for value in axis.values] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "", "=", "fast", "fast=", "=5", "5=5", "fast=1,,2", "fast=5:50", "fast=5:50:0", "fast=5:50:-5",
        "fast=1:2:3:4:5", "fast=a:b:c", "x=0:10:log:3", "x=1:10:log:1", "x=1:10:log:x", "x=nan:1:1",
        "x=1:inf:1", "x=1:1e9:1", "x=1,calm", "x=true,1", "a b=1", "x..y=1", "x=1e999:2:1", "x=0:1:1e-300",
    ],
)  # fmt: skip
def test_what_is_no_axis_is_refused(text):
    with pytest.raises(UsageError) as refused:
        parse_axis(text)
    assert refused.value.hint


def test_a_name_may_stand_only_once():
    with pytest.raises(UsageError, match="varied twice"):
        parse_axes(["fast=1", "slow=2", "fast=3"])


GRID = Space(parse_axes(["a=1:5:1", "b=1:7:2", "c=true,false"]))


def test_a_place_names_a_combination_and_back():
    seen = [tuple(GRID.at(place).values()) for place in range(GRID.product)]
    assert len(set(seen)) == 5 * 4 * 2
    assert seen[:3] == [(1, 1, True), (1, 1, False), (1, 3, True)]
    assert all(GRID.place(GRID.digits(place)) == place for place in range(GRID.product))


def test_conditions_leave_only_what_fulfils_all_of_them():
    space = Space(GRID.axes, (parse("a < b"), parse("c == true")))
    left = [space.at(place) for place in space.places()]
    assert left
    assert all(values["a"] < values["b"] and values["c"] for values in left)
    assert len(left) == sum(a < b for a in range(1, 6) for b in (1, 3, 5, 7))


@pytest.mark.parametrize("count", [1, 7, 39, 40, 1000])
def test_a_sample_has_no_repetition_and_the_seed_decides_it(count):
    sample = GRID.places(count, seed=3)
    assert len(sample) == len(set(sample)) == min(count, GRID.product)
    assert sample == GRID.places(count, seed=3)
    if count == 7:
        assert sample != GRID.places(count, seed=4)


def test_a_larger_sample_holds_the_smaller_one():
    assert set(GRID.places(8, seed=9)) < set(GRID.places(20, seed=9))


def test_a_sample_of_a_huge_space_is_quick_and_within_the_conditions():
    huge = Space(tuple(Axis(name, tuple(range(10_000))) for name in "abcd"), (parse("a < b"),))
    sample = huge.places(50, seed=1)
    assert len(set(sample)) == 50
    assert all(huge.at(place)["a"] < huge.at(place)["b"] for place in sample)


def test_a_space_too_large_to_walk_through_says_random():
    huge = Space(tuple(Axis(name, tuple(range(1000))) for name in "abc"))
    with pytest.raises(UsageError) as refused:
        huge.places()
    assert "--random" in refused.value.hint


def test_a_space_without_a_combination_says_which_condition_left_none():
    with pytest.raises(UsageError) as refused:
        Space(GRID.axes, (parse("a > 100"),)).places()
    assert "a > 100" in refused.value.why


def test_a_sample_covers_the_space_evenly():
    counts = [0] * GRID.product
    for seed in range(400):
        for place in GRID.places(4, seed):
            counts[place] += 1
    assert min(counts) > 15
    assert max(counts) < 80
