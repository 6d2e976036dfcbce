"""The thinned curve, and what holding would have been."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factories import MONDAY_MS, make_instrument
from mastertrading.domain.market import MINUTE_MS
from mastertrading.surfaces.report.curves import extremes, held
from surfaces_made import walking_market

TWO = (make_instrument(), make_instrument("ETHUSDT", "0.01"))


@given(st.integers(1, 400), st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_thinned_curve_keeps_both_ends_every_extreme_and_its_deepest_fall(count, buckets, chance):
    values = np.cumsum(np.array([chance.uniform(-1, 1) for _ in range(count)])) + 100.0
    rows = extremes(values, buckets)
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0
    assert rows[-1] == count - 1
    assert len(rows) <= max(3 * buckets + 1, 1) or count <= 3 * buckets
    thin = values[rows]
    assert thin.max() == values.max()
    assert thin.min() == values.min()


def test_holding_is_the_mean_growth_since_the_first_decision_and_the_last_known_close_where_one_is_missing():
    market = walking_market(TWO, 10)
    market.close[:, 0] = [100, 100, 110, 120, 130, 140, 150, 160, 170, 180]
    market.close[:, 1] = 50.0
    market.close[5, 0] = np.nan
    market.valid[5, 0] = False
    closes = MONDAY_MS + np.array([2, 5, 6, 10]) * MINUTE_MS
    assert held(market, closes, MONDAY_MS + 2 * MINUTE_MS).tolist() == [1.0, 1.15, 1.15, 1.4]


def test_there_is_no_holding_where_an_instrument_has_no_bar():
    market = walking_market(TWO, 10)
    market.valid[:, 1] = False
    assert held(market, MONDAY_MS + np.array([5]) * MINUTE_MS, MONDAY_MS) is None
