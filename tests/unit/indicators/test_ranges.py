from __future__ import annotations

import numpy as np
import talib

from mastertrading.compiled import records
from mastertrading.indicators.ranges import (
    DIRECTIONAL,
    adx,
    atr,
    directional,
    directional_peek,
    directional_step,
)

SETTLED = 800
"""Bars after which TA-Lib's other seed of DI and ADX is forgotten to 1e-9."""


def hlc(walk):
    return walk["high"], walk["low"], walk["close"]


def test_atr_equals_talib_from_its_first_value_on(walk):
    ours, theirs = atr(*hlc(walk)), talib.ATR(*hlc(walk), 14)
    assert ours[14] == theirs[14]
    np.testing.assert_allclose(ours[14:], theirs[14:], rtol=1e-14, atol=0)


def test_directional_indicators_equal_talib_after_warm_up(walk):
    _, plus, minus, index = directional(*hlc(walk))
    pairs = (
        (plus, talib.PLUS_DI(*hlc(walk), 14)),
        (minus, talib.MINUS_DI(*hlc(walk), 14)),
        (index, talib.ADX(*hlc(walk), 14)),
    )
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours[SETTLED:], theirs[SETTLED:], rtol=1e-9, atol=0)


def test_first_values_appear_where_wilder_has_them(walk):
    ranges, plus, _, index = directional(*hlc(walk))
    assert np.isnan(ranges[:14]).all()
    assert np.isfinite(ranges[14])
    assert np.isnan(plus[:14]).all()
    assert np.isfinite(plus[14])
    assert np.isnan(index[:27]).all()
    assert np.isfinite(index[27])


def test_seeds_are_the_mean_of_the_first_values_from_the_second_bar_on():
    high = np.array([10.0, 13.0, 12.0, 15.0])
    low = np.array([8.0, 9.0, 7.0, 11.0])
    close = np.array([9.0, 12.0, 8.0, 14.0])
    ranges, plus, minus, index = directional(high, low, close, 2)
    # true ranges 4, 5, 7; +DM 3, 0, 3; -DM 0, 2, 0
    assert ranges[2] == 4.5
    assert ranges[3] == (4.5 + 7) / 2
    assert plus[2] == 100 * 1.5 / 4.5
    assert minus[2] == 100 * 1.0 / 4.5
    assert plus[3] == 100 * 2.25 / 5.75
    dx = [100 * abs(plus[k] - minus[k]) / (plus[k] + minus[k]) for k in (2, 3)]
    assert index[3] == (dx[0] + dx[1]) / 2


def test_a_market_that_never_moves_has_direction_zero_not_nan():
    flat = np.full(40, 5.0)
    ranges, plus, minus, index = directional(flat, flat, flat)
    assert (ranges[14:] == 0).all()
    assert (plus[14:] == 0).all()
    assert (minus[14:] == 0).all()
    assert (index[27:] == 0).all()


def test_adx_is_the_same_for_a_market_and_its_mirror(walk):
    high, low, close = hlc(walk)
    assert np.array_equal(adx(high, low, close), adx(-low, -high, -close), equal_nan=True)


def test_peek_gives_what_step_would_and_keeps_nothing(walk):
    state = records(DIRECTIONAL, 1)
    for bar in zip(*(column[:40].tolist() for column in hlc(walk)), strict=True):
        before = state.copy()
        peeked = directional_peek(state[0], *bar, 14)
        assert state == before
        assert np.array_equal(directional_step(state[0], *bar, 14), peeked, equal_nan=True)
