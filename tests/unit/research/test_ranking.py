"""The best cases, their neighbours, and what luck would have done."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mastertrading.research.figures import NAMES
from mastertrading.research.luck import expected_best_sharpe, expected_maximum
from mastertrading.research.ranking import Row, neighbours, rank
from mastertrading.research.space import Space, parse_axes

LINE = Space(parse_axes(["x=1:9:1"]))


def figures(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(NAMES) | values


def rows(scores: list[int | None], of: Space = LINE) -> list[Row]:
    return [
        Row(k, f"k{k}", of.at(k), None if score is None else figures(net_atoms=score, sharpe=score / 10), "")
        for k, score in enumerate(scores)
    ]


def test_the_largest_comes_first_and_equal_ones_by_place():
    ranking = rank(rows([3, 9, 1, 9, None, 2]), LINE, "net", 3)
    assert [ranked.row.place for ranked in ranking.best] == [1, 3, 0]
    assert (ranking.cases, ranking.failed) == (6, 1)
    assert ranking.best_sharpe == 0.9


def test_a_case_without_the_figure_is_not_among_the_best():
    given = rows([1, 2])
    given[1] = Row(1, "k1", {}, figures(net_atoms=2, sharpe=None))
    assert [ranked.row.place for ranked in rank(given, LINE, "sharpe", 5).best] == [0]


@pytest.mark.parametrize(
    ("scores", "ground"),
    [([0, 10, 1, 0], "peak"), ([9, 10, 8, 0], "plateau"), ([5, 10, 5, 0], "slope"), ([-9, -1, -9, 0], "")],
)
def test_the_ground_around_the_best_is_told(scores, ground):
    best = next(each for each in rank(rows(scores), LINE, "net", 4).best if each.row.place == 1)
    assert best.ground == ground
    assert best.neighbours_mean == (scores[0] + scores[2]) / 2


def test_a_loser_stands_on_no_plateau():
    given = [Row(k, f"k{k}", LINE.at(k), figures(net_atoms=-5, profit_factor=0.6)) for k in range(3)]
    assert {ranked.ground for ranked in rank(given, LINE, "profit_factor", 3).best} == {""}


def test_neighbours_are_one_step_away_on_one_axis_of_numbers():
    grid = Space(parse_axes(["a=1,2,3", "b=30,10,20", "c=x,y"]))
    at = grid.place((1, 2, 0))  # a = 2, b = 20, c = x
    found = [tuple(grid.at(place).values()) for place in neighbours(grid, at)]
    assert found == [(1, 20, "x"), (3, 20, "x"), (2, 10, "x"), (2, 30, "x")]


def test_an_untried_neighbour_does_not_count():
    alone = rank([rows([1, 2, 3])[2]], LINE, "net", 1).best[0]
    assert (alone.neighbours, alone.neighbours_mean, alone.ground) == (0, None, "")


@pytest.mark.parametrize("trials", [5, 10, 100, 1000])
def test_the_expected_maximum_is_that_of_drawn_normal_numbers(trials):
    draws = np.random.default_rng(1).standard_normal((20_000 if trials < 1000 else 4_000, trials)).max(axis=1)
    assert expected_maximum(trials) == pytest.approx(draws.mean(), rel=0.04)


def test_the_expected_maximum_is_zero_of_one_try_and_grows_with_more():
    values = [expected_maximum(n) for n in (1, 2, 10, 100, 10_000)]
    assert values[0] == 0.0
    assert values == sorted(values)


def test_luck_is_larger_in_a_shorter_window():
    assert expected_best_sharpe(100, 1) is None
    year = expected_best_sharpe(100, 365)
    assert year == pytest.approx(expected_maximum(100))
    assert expected_best_sharpe(100, 73) == pytest.approx(year * math.sqrt(5))


def test_the_best_sharpe_of_signals_without_skill_is_about_what_luck_predicts():
    random = np.random.default_rng(7)
    returns = random.standard_normal((200, 50, 60))
    sharpes = returns.mean(axis=2) / returns.std(axis=2, ddof=1) * math.sqrt(365)
    assert expected_best_sharpe(50, 60) == pytest.approx(sharpes.max(axis=1).mean(), rel=0.1)


def test_every_case_ever_tried_counts_as_a_try():
    few, many = (rank(rows([1, 2]), LINE, "net", 1, tried=n, days=30) for n in (2, 500))
    assert many.tried == 500
    assert few.lucky_sharpe < many.lucky_sharpe
