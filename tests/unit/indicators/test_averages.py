from __future__ import annotations

import numpy as np
import talib

from mastertrading.compiled import records
from mastertrading.indicators.averages import EMA, ema, ema_peek, ema_step


def test_ema_of_a_walk_equals_talib_after_warm_up(walk):
    for period in (2, 20, 50):
        ours, theirs = ema(walk["close"], period), talib.EMA(walk["close"], period)
        assert np.isnan(ours[: period - 1]).all()
        np.testing.assert_allclose(ours[period - 1 :], theirs[period - 1 :], rtol=1e-9, atol=0)


def test_ema_is_seeded_by_the_mean_of_the_first_values():
    out = ema(np.array([1.0, 2.0, 6.0, 11.0]), 3)
    assert np.isnan(out[:2]).all()
    assert out[2] == 3.0
    assert out[3] == 3.0 + 0.5 * (11.0 - 3.0)


def test_ema_of_period_one_is_the_series():
    values = np.array([3.0, 1.0, 4.0])
    assert (ema(values, 1) == values).all()


def test_ema_peek_gives_what_step_would_and_keeps_nothing():
    state, values = records(EMA, 1), [5.0, 7.0, 4.0, 8.0, 6.0]
    for value in values:
        before = state.copy()
        peeked = ema_peek(state[0], value, 3)
        ema_peek(state[0], 1e6, 3)
        assert state == before
        assert np.array_equal(ema_step(state[0], value, 3), peeked, equal_nan=True)
