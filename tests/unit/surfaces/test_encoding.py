"""Numbers as text, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mastertrading.surfaces.report.encoding import LIMIT, pack, pack_rising, unpack, unpack_rising
from mastertrading.surfaces.report.levels import pack_bars

numbers = st.lists(st.integers(-(LIMIT - 1), LIMIT - 1), max_size=50)
times = st.lists(st.integers(-(2**40), 2**41), max_size=50)
bar = st.tuples(*[st.integers(0, 2**30)] * 4)


@given(numbers)
def test_numbers_come_back_as_they_were(values):
    assert unpack(pack(np.array(values, np.int64))).tolist() == values


@given(times)
def test_numbers_told_by_their_differences_come_back_as_they_were(values):
    assert unpack_rising(pack_rising(np.array(values, np.int64))).tolist() == values


@given(st.lists(bar, max_size=20))
def test_bars_come_back_as_they_were(rows):
    ticks = np.array([(o, max(o, c, h), min(o, c, low), c) for o, h, low, c in rows], np.int64).reshape(-1, 4)
    text = pack_bars(ticks)
    parts, close, read = (unpack(text) if text else np.zeros(0, np.int64)).reshape(-1, 4).tolist(), 0, []
    for gap, body, above, below in parts:
        opened = close + gap
        close = opened + body
        read.append([opened, max(opened, close) + above, min(opened, close) - below, close])
    assert read == ticks.tolist()
    assert all(above >= 0 and below >= 0 for _, _, above, below in parts)


def test_a_small_difference_takes_one_byte_and_a_price_of_a_million_ticks_three():
    assert len(pack(np.arange(-30, 30))) == 80
    assert len(pack(np.array([1_000_000]))) == 4


def test_a_number_that_a_page_could_not_hold_is_refused():
    with pytest.raises(ValueError, match="too large"):
        pack(np.array([LIMIT]))
