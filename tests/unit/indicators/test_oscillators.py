from __future__ import annotations

import math

import numpy as np
import talib

from mastertrading.compiled import records
from mastertrading.indicators.oscillators import RSI, bollinger, rsi, rsi_peek, rsi_step, zscore


def test_rsi_equals_talib(walk):
    ours, theirs = rsi(walk["close"], 14), talib.RSI(walk["close"], 14)
    assert np.isnan(ours[:14]).all()
    np.testing.assert_allclose(ours[14:], theirs[14:], rtol=1e-9, atol=0)


def test_rsi_of_only_gains_is_100_and_of_no_movement_0():
    assert rsi(np.arange(1.0, 30.0))[-1] == 100.0
    assert rsi(np.full(30, 7.0))[-1] == 0.0


def test_rsi_peek_gives_what_step_would_and_keeps_nothing(walk):
    state = records(RSI, 1)
    for value in walk["close"][:30].tolist():
        before = state.copy()
        peeked = rsi_peek(state[0], value, 14)
        assert state == before
        assert np.array_equal(rsi_step(state[0], value, 14), peeked, equal_nan=True)


def test_bollinger_bands_equal_talib(walk):
    for ours, theirs in zip(bollinger(walk["close"]), talib.BBANDS(walk["close"], 20, 2.0, 2.0), strict=True):
        assert np.isnan(ours[:19]).all()
        np.testing.assert_allclose(ours[19:], theirs[19:], rtol=1e-9, atol=0)


def test_z_by_hand():
    z = zscore(np.array([1.0, 2.0, 6.0]), 3)
    assert np.isnan(z[:2]).all()
    assert z[2] == (6.0 - 3.0) / math.sqrt((4.0 + 1.0 + 9.0) / 3)


def test_z_of_a_window_without_deviation_is_zero():
    assert (zscore(np.full(70, 3.0), 60)[59:] == 0).all()


def test_a_window_holds_no_memory_of_what_left_it(walk):
    values = walk["close"][:300].copy()
    z = zscore(values, 60)
    values[:100] *= 1e9
    assert np.array_equal(zscore(values, 60)[160:], z[160:])
