from __future__ import annotations

from mastertrading.compiled import records
from mastertrading.domain.market import MINUTE_MS
from mastertrading.indicators.timeframes import FORMING, forming_step, is_forming, resample

FIVE_MS = 5 * MINUTE_MS
START_MS = 1_748_217_600_000


def rising(count: int) -> list[tuple[float, float, float, float]]:
    return [(10.0 + k, 12.0 + k, 9.0 + k, 11.0 + k) for k in range(count)]


def test_a_coarse_bar_is_first_open_extremes_last_close(bars_of):
    out = resample(bars_of(rising(5)), FIVE_MS)
    assert len(out) == 1
    assert (out[0].open, out[0].high, out[0].low, out[0].close) == (10.0, 16.0, 9.0, 15.0)
    assert (out[0].open_ms, out[0].close_ms) == (START_MS, START_MS + FIVE_MS)


def test_a_coarse_bar_whose_beginning_is_not_covered_is_left_out(bars_of):
    out = resample(bars_of(rising(9), start_ms=START_MS + MINUTE_MS), FIVE_MS)
    assert [bar.open_ms for bar in out] == [START_MS + FIVE_MS]


def test_leading_missing_bars_do_not_cover_a_beginning(bars_of):
    out = resample(bars_of([None, *rising(9)]), FIVE_MS)
    assert [bar.open_ms for bar in out] == [START_MS + FIVE_MS]


def test_a_coarse_bar_finishes_on_time_when_its_last_minute_is_missing(bars_of):
    out = resample(bars_of([*rising(4), None, *rising(1)]), FIVE_MS)
    assert len(out) == 1
    assert out[0].close == 14.0
    assert out[0].bars == 4


def test_a_missing_first_minute_inside_the_series_leaves_the_others(bars_of):
    out = resample(bars_of([*rising(5), None, *rising(4)]), FIVE_MS)
    assert len(out) == 2
    assert out[1].open == 10.0
    assert out[1].bars == 4


def test_no_base_bars_make_no_coarse_bar(bars_of):
    out = resample(bars_of([*rising(5), *[None] * 5, *rising(5)]), FIVE_MS)
    assert [bar.open_ms for bar in out] == [START_MS, START_MS + 2 * FIVE_MS]


def test_in_the_minute_that_closes_it_a_bar_is_finished_not_forming(bars_of):
    forming, bars = records(FORMING, 1), bars_of(rising(6))
    seen = []
    for bar in bars:
        finished = bool(forming_step(forming[0], bar, FIVE_MS))
        seen.append((finished, bool(is_forming(forming[0], bar.close_ms))))
    assert seen == [*[(False, True)] * 4, (True, False), (False, True)]


def test_base_bars_as_long_as_the_coarse_ones_pass_through(bars_of):
    bars = bars_of(rising(3), length_ms=FIVE_MS)
    assert resample(bars, FIVE_MS).close.tolist() == bars.close.tolist()
