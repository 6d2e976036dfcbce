"""Pages on their way into a series, and ranges of time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mastertrading.domain.errors import OutputError
from mastertrading.lake.names import SeriesId
from mastertrading.lake.ranges import common, length_ms, runs, united, without
from mastertrading.lake.staging import Staging

SERIES = SeriesId("bars", "BTCUSDT", "1m")
RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8)


def page(start, count=3):
    ts_ms = np.arange(start, start + count, dtype=np.int64)
    return start, start + 10, ts_ms, np.column_stack((ts_ms / 3, -ts_ms / 7))


def staged(folder):
    return Staging(folder, SERIES, 2)


def test_pages_come_back_to_the_bit(tmp_path):
    first = staged(tmp_path)
    for start in (10, 30, 20):
        first.add(*page(start))
    again = staged(tmp_path)
    assert again.ranges == [(10, 40)]
    for got, put in zip(again.pages(), map(page, (10, 30, 20)), strict=True):
        assert got[:2] == put[:2]
        assert np.array_equal(got[2], put[2])
        assert np.array_equal(got[3].view(np.int64), put[3].view(np.int64))
    again.remove()
    assert list(staged(tmp_path).pages()) == []


def test_a_page_without_rows_counts_as_asked_for(tmp_path):
    staged(tmp_path).add(0, 60, np.zeros(0, np.int64), np.zeros((0, 2)))
    assert staged(tmp_path).ranges == [(0, 60)]


@given(cut=st.integers(1, 200), noise=st.binary(max_size=40))
def test_whatever_is_half_written_costs_only_its_own_page(tmp_path_factory, cut, noise):
    folder = tmp_path_factory.mktemp("staging")
    one = staged(folder)
    one.add(*page(10))
    whole = one.path.stat().st_size
    one.add(*page(20))
    content = one.path.read_bytes()
    one.path.write_bytes(content[: max(len(content) - cut, whole)] + noise[: 0 if cut % 2 else 40])
    again = staged(folder)
    assert (10, 20) in [r[:2] for r in again.pages()]
    again.add(*page(40))
    assert [r[0] for r in staged(folder).pages()][-1] == 40


def test_a_page_that_was_changed_on_the_disk_is_not_believed(tmp_path):
    one = staged(tmp_path)
    one.add(*page(10))
    spoilt = bytearray(one.path.read_bytes())
    spoilt[-1] ^= 1
    one.path.write_bytes(bytes(spoilt))
    assert staged(tmp_path).ranges == []
    one.path.write_bytes(b"not a page at all, but long enough to hold a head of one page")
    assert staged(tmp_path).ranges == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="same command again"):
        staged(tmp_path / "file").add(*page(10))


# ---------------------------------------------------------------- ranges


def moments(ranges):
    return {t for a, b in ranges for t in range(a, b)}


@given(a=RANGES, b=RANGES)
def test_ranges_are_sets_of_moments(a, b):
    assert moments(united(a)) == moments(a)
    assert moments(without(a, b)) == moments(a) - moments(b)
    assert moments(common(a, b)) == moments(a) & moments(b)
    assert length_ms(united(a)) == len(moments(a))
    apart = united([*a, *b])
    assert all(one[1] < after[0] for one, after in itertools.pairwise(apart))


def test_runs_end_where_a_row_is_missing():
    assert runs(np.array([0, 10, 20, 50, 60, 90]), 10) == [(0, 30), (50, 70), (90, 100)]
    assert runs(np.zeros(0, np.int64), 10) == []
