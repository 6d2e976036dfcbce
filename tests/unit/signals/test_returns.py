from __future__ import annotations

from dataclasses import replace

import numpy as np

from mastertrading.domain.market import HOUR_MS
from signal_markets import COLUMNS, cut, returns_and_hours, walk_market, without


def test_hourly_returns_are_logs_of_closes_on_the_grid():
    market = walk_market(minutes=200, count=1, primed_hours=0)
    market = cut(market, 25, 200)  # begins at 01:00
    market = replace(
        market, valid=np.ones_like(market.valid), close=np.cumsum(np.ones((175, 1)), axis=0) + 99
    )
    returns, known = returns_and_hours(market)
    assert returns.shape == (2, 1)
    assert np.isnan(returns[0, 0])
    assert returns[1, 0] == np.log(219.0) - np.log(159.0)
    assert known[58:61].tolist() == [0, 1, 1]
    assert known[118:121].tolist() == [1, 2, 2]


def test_primed_hours_come_first_and_the_uncovered_hour_is_missing():
    market = walk_market(minutes=400, count=2)
    returns, known = returns_and_hours(market)
    assert np.isnan(returns[0]).all()
    assert np.isfinite(returns[1:300]).all()
    assert known[0] == 300
    # the base begins at 35 minutes past: hour 300 is not covered, so neither it nor the next has a return
    assert np.isnan(returns[300:302]).all()
    assert np.isfinite(returns[302:]).all()
    assert np.allclose(returns[1:300, 0], np.diff(np.log(market.primer[0].close)))


def test_an_hour_without_bars_is_missing_and_the_others_stay_in_their_rows():
    market = walk_market(minutes=600, count=1, primed_hours=0)
    hour = market.ts_ms // HOUR_MS - market.ts_ms[0] // HOUR_MS
    returns, _ = returns_and_hours(without(market, (hour == 5)[:, None]))
    assert np.flatnonzero(np.isnan(returns[:, 0])).tolist() == [0, 1, 5, 6]


def test_an_instrument_that_begins_late_has_its_own_hours_in_their_rows():
    market = walk_market(minutes=600, count=2)
    late = without(market, (np.arange(600)[:, None] < 300) & np.array([True, False]))
    whole, _ = returns_and_hours(late)
    part, part_known = returns_and_hours(cut(late, 0, 200))
    assert np.array_equal(part, whole[: part_known[-1]], equal_nan=True)
    assert np.isfinite(part[1:300, 0]).all()


def test_rows_known_at_a_minute_do_not_depend_on_what_follows():
    market = walk_market(minutes=600, count=2)
    whole, known = returns_and_hours(market)
    for stop in (61, 200, 385, 599):
        part, part_known = returns_and_hours(cut(market, 0, stop))
        assert (part_known == known[:stop]).all()
        seen = part_known[-1]
        assert np.array_equal(part[:seen], whole[:seen], equal_nan=True)
        noisy = {name: getattr(market, name).copy() for name in COLUMNS}
        noisy["close"][stop:] *= 3.0
        other, _ = returns_and_hours(replace(market, **noisy))
        assert np.array_equal(other[:seen], whole[:seen], equal_nan=True)
