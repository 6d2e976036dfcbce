"""Whatever rows come in whatever parts and order, the store gives each time once, in order, and never a bad bar."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.domain.market import MINUTE_MS, Bars
from mastertrading.lake.names import SeriesId
from mastertrading.lake.quality import clean, settlement_intervals, take
from mastertrading.lake.store import Venue

SERIES = SeriesId("bars", "BTCUSDT", "1m")
COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume")
price = st.floats(1e-6, 1e6)


@st.composite
def clean_bars(draw) -> Bars:
    """Clean bars with gaps, ascending."""
    times = sorted(draw(st.sets(st.integers(28_000_000, 28_000_200), min_size=1, max_size=40)))
    rows = [sorted(draw(st.lists(price, min_size=4, max_size=4))) for _ in times]
    low, open_, close, high = (np.array(column) for column in zip(*rows, strict=True))
    volume = np.array([draw(st.floats(0, 1e9)) for _ in times])
    return Bars(np.array(times, np.int64) * MINUTE_MS, open_, high, low, close, volume)


def same(a: Bars, b: Bars) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in COLUMNS)


@settings(max_examples=25, deadline=None)
@given(bars=clean_bars(), data=st.data())
def test_any_overlapping_parts_in_any_order_make_the_one_series(bars, data):
    rows = st.lists(st.integers(0, len(bars) - 1), min_size=1, max_size=60)
    parts = [*data.draw(st.lists(rows, max_size=4)), data.draw(st.permutations(range(len(bars))))]
    with tempfile.TemporaryDirectory() as folder:
        venue = Venue(Path(folder) / "venue")
        added = [venue.append_bars(SERIES, take(bars, np.array(part, np.int64)), "test") for part in parts]
        assert same(venue.read_bars(SERIES), bars)
    assert sum(one.rows for one in added) == len(bars)
    assert all(one.rows + one.duplicates == len(part) for one, part in zip(added, parts, strict=True))
    assert all(one.conflicts == one.quarantined == 0 for one in added)


@settings(max_examples=60, deadline=None)
@given(bars=clean_bars(), data=st.data())
def test_cleaning_keeps_good_rows_loses_none_and_is_idempotent(bars, data):
    at = data.draw(st.integers(0, len(bars) - 1))
    name = data.draw(st.sampled_from(COLUMNS[1:]))
    getattr(bars, name)[at] = data.draw(st.sampled_from([np.nan, np.inf, -1.0]))
    order = np.array(data.draw(st.permutations(range(len(bars)))))
    cleaned = clean(take(bars, order), MINUTE_MS)
    assert same(cleaned.bars, take(bars, np.arange(len(bars)) != at))
    assert cleaned.quarantined.ts_ms.tolist() == [int(bars.ts_ms[at])]
    again = clean(cleaned.bars, MINUTE_MS)
    assert same(again.bars, cleaned.bars)
    assert again.findings == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=50))
def test_interval_of_a_settlement_is_one_to_eight_hours_and_needs_no_later_one(hours):
    ts = np.cumsum(np.array(hours, np.int64)) * 3_600_000
    lengths = settlement_intervals(ts)
    assert ((lengths >= 3_600_000) & (lengths <= 8 * 3_600_000)).all()
    for cut in range(1, len(ts) + 1):
        assert np.array_equal(settlement_intervals(ts[:cut]), lengths[:cut])
