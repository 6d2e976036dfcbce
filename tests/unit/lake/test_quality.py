"""Each kind of finding, and what it does to the grade."""

from __future__ import annotations

import numpy as np
import pytest

from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, Bars
from mastertrading.lake.quality import (
    Kind,
    Reason,
    check_bars,
    check_funding,
    check_shift,
    clean,
    gap_cap,
    grade_of,
    settlement_intervals,
    take,
)

START = 1_700_006_400_000


def kinds(findings):
    return {finding.kind: finding for finding in findings}


def test_clean_bars_have_no_finding_and_grade_a(make_bars):
    bars = make_bars()
    cleaned = clean(bars, MINUTE_MS)
    assert cleaned.findings == ()
    assert len(cleaned.quarantined) == 0
    assert check_bars(cleaned.bars, MINUTE_MS, tick=0.1) == []
    assert grade_of(cleaned.findings) == "A"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("close", np.nan, Reason.NOT_FINITE),
        ("high", np.inf, Reason.NOT_FINITE),
        ("volume", np.nan, Reason.NOT_FINITE),
        ("low", 0.0, Reason.NOT_POSITIVE),
        ("open", -5.0, Reason.NOT_POSITIVE),
        ("volume", -1.0, Reason.NOT_POSITIVE),
        ("high", 40_000.0, Reason.HIGH_BELOW_LOW),
        ("close", 60_000.0, Reason.OUTSIDE_RANGE),
        ("open", 40_000.0, Reason.OUTSIDE_RANGE),
    ],
)
def test_bad_value_is_quarantined_for_its_reason_and_grades_d(make_bars, column, value, reason):
    bars = make_bars()
    getattr(bars, column)[17] = value
    cleaned = clean(bars, MINUTE_MS)
    assert len(cleaned.bars) == len(bars) - 1
    assert bars.ts_ms[17] not in cleaned.bars.ts_ms
    assert cleaned.reasons.tolist() == [reason]
    found = kinds(cleaned.findings)[reason.kind]
    assert (found.count, found.first_ts_ms, found.caps) == (1, (int(bars.ts_ms[17]),), "D")


def test_time_off_the_grid_is_quarantined(make_bars):
    bars = make_bars()
    bars.ts_ms[30] += 1_000
    assert clean(bars, MINUTE_MS).reasons.tolist() == [Reason.OFF_GRID]


def test_unsorted_rows_are_sorted_and_reported(make_bars):
    bars = make_bars()
    order = np.arange(len(bars))
    order[[50, 51]] = [51, 50]
    cleaned = clean(take(bars, order), MINUTE_MS)
    assert np.array_equal(cleaned.bars.ts_ms, bars.ts_ms)
    assert np.array_equal(cleaned.bars.close, bars.close)
    assert set(kinds(cleaned.findings)) == {Kind.UNSORTED}


def test_repeated_row_is_dropped_and_reported(make_bars):
    bars = make_bars()
    cleaned = clean(take(bars, np.sort(np.append(np.arange(len(bars)), 9))), MINUTE_MS)
    assert len(cleaned.bars) == len(bars)
    assert kinds(cleaned.findings)[Kind.DUPLICATE].count == 1


def test_rows_of_one_time_that_contradict_each_other_are_all_quarantined(make_bars):
    bars = make_bars()
    twice = take(bars, np.sort(np.append(np.arange(len(bars)), 9)))
    twice.close[10] += 0.1
    cleaned = clean(twice, MINUTE_MS)
    assert bars.ts_ms[9] not in cleaned.bars.ts_ms
    assert cleaned.reasons.tolist() == [Reason.CONFLICT, Reason.CONFLICT]


def test_gap_is_counted_in_bars_with_its_first_missing_time(make_bars):
    bars = make_bars()
    holed = take(bars, np.r_[0:40, 43:200])
    found = kinds(check_bars(holed, MINUTE_MS))[Kind.GAP]
    assert found.count == 3
    assert found.first_ts_ms == (int(bars.ts_ms[40]),)


@pytest.mark.parametrize(
    ("missing", "longest", "expected", "grade"),
    [
        (0, 0, 100, "A"),
        (60, 60, 60_000, "B"),
        (61, 61, 100_000, "C"),
        (600, 10, 60_000, "C"),
        (601, 10, 60_000, "D"),
    ],
)
def test_gaps_cap_the_grade_by_share_and_length(missing, longest, expected, grade):
    assert gap_cap(missing, longest, expected) == grade


def test_hole_of_weeks_divides_a_file_but_counts_as_missing_inside_a_window(make_bars):
    first, second = make_bars(200, step_ms=HOUR_MS), make_bars(200, START + 60 * DAY_MS, HOUR_MS)
    both = Bars(*(np.concatenate((getattr(first, n), getattr(second, n))) for n in Bars.__dataclass_fields__))
    assert set(kinds(check_bars(both, HOUR_MS, parts=True))) == {Kind.INTERRUPTION}
    assert kinds(check_bars(both, HOUR_MS))[Kind.GAP].caps == "D"


def test_spike_that_returns_is_an_outlier_and_a_jump_that_stays_is_not(make_bars):
    spike, jump = make_bars(), make_bars()
    spike.high[100] *= 1.5
    for name in ("open", "high", "low", "close"):
        getattr(jump, name)[100:] *= 1.5
    assert kinds(check_bars(spike, MINUTE_MS))[Kind.OUTLIER].first_ts_ms == (int(spike.ts_ms[100]),)
    assert Kind.OUTLIER not in kinds(check_bars(jump, MINUTE_MS))


def test_zero_volume_counts_only_in_runs_of_thirty_bars(make_bars):
    bars = make_bars()
    bars.volume[10:39] = 0.0
    assert Kind.ZERO_VOLUME not in kinds(check_bars(bars, MINUTE_MS))
    bars.volume[39] = 0.0
    assert kinds(check_bars(bars, MINUTE_MS))[Kind.ZERO_VOLUME].count == 30
    assert Kind.ZERO_VOLUME not in kinds(check_bars(bars, MINUTE_MS, still=False))


def test_price_between_two_ticks_is_found(make_bars):
    bars = make_bars()
    bars.close[5] += 0.05
    assert kinds(check_bars(bars, MINUTE_MS, tick=0.1))[Kind.OFF_TICK].count == 1


@pytest.mark.parametrize("hours", [-5, 1, 9])
def test_series_moved_by_hours_against_another_is_a_timezone_slip(make_bars, hours):
    minutes = make_bars(60 * 72)
    coarse = take(minutes, np.arange(59, 60 * 72, 60))
    hourly = Bars(
        coarse.ts_ms - 59 * MINUTE_MS, coarse.open, coarse.high, coarse.low, coarse.close, coarse.volume
    )
    assert check_shift(minutes, MINUTE_MS, hourly, HOUR_MS) is None
    moved = Bars(
        minutes.ts_ms - hours * HOUR_MS,
        *(getattr(minutes, n) for n in ("open", "high", "low", "close", "volume")),
    )
    slip = check_shift(moved, MINUTE_MS, hourly, HOUR_MS)
    assert slip is not None
    assert slip.kind is Kind.TIMEZONE_SLIP
    assert f"{hours:+d} h" in slip.detail


# ---------------------------------------------------------------- funding


def eight_hourly(count: int) -> np.ndarray:
    return START + 8 * HOUR_MS * np.arange(count, dtype=np.int64)


def test_interval_is_the_difference_to_the_settlement_before_or_else_the_last_known():
    hours = np.array([0, 8, 12, 16, 40, 44, 45, 46], np.int64)
    lengths = settlement_intervals(START + hours * HOUR_MS) // HOUR_MS
    assert lengths.tolist() == [8, 8, 4, 4, 4, 4, 1, 1]


def test_interval_ignores_milliseconds_of_lateness_and_yields_to_the_venue():
    ts = eight_hourly(3) + np.array([0, 7, 2])
    assert settlement_intervals(ts).tolist() == [8 * HOUR_MS] * 3
    assert settlement_intervals(ts, np.array([0, 4 * HOUR_MS, 0])).tolist() == [
        8 * HOUR_MS,
        4 * HOUR_MS,
        8 * HOUR_MS,
    ]


def test_interval_after_a_hole_before_any_known_one_is_eight_hours():
    assert settlement_intervals(np.array([START, START + 20 * HOUR_MS])).tolist() == [8 * HOUR_MS] * 2


def test_missing_settlement_inside_the_window_grades_d_and_before_it_a():
    ts = np.delete(eight_hourly(30), 10)
    rate = np.full(29, 1e-4)
    hole = int(ts[9])
    inside = kinds(check_funding(ts, rate, (START, int(ts[-1]))))[Kind.FUNDING_GAP]
    assert (inside.caps, inside.count, inside.first_ts_ms) == ("D", 1, (hole,))
    before = check_funding(ts, rate, (int(ts[12]), int(ts[-1])))
    assert grade_of(before) == "A"


def test_funding_that_stops_before_the_window_ends_grades_d():
    ts = eight_hourly(10)
    findings = check_funding(ts, np.full(10, 1e-4), (START, int(ts[-1]) + 9 * HOUR_MS))
    assert kinds(findings)[Kind.FUNDING_GAP].caps == "D"


def test_window_that_begins_between_settlements_has_no_gap():
    ts = eight_hourly(10)
    assert check_funding(ts, np.full(10, 1e-4), (int(ts[3]) + HOUR_MS, int(ts[-1]))) == []


def test_no_funding_at_all_is_told():
    assert kinds(check_funding(np.zeros(0, np.int64), np.zeros(0), (0, 1)))[Kind.FUNDING_NONE].caps == "C"


def test_lone_interval_is_odd_and_a_lasting_change_is_not():
    lone = START + HOUR_MS * np.array([0, 8, 16, 20, 28, 36], np.int64)
    lasting = START + HOUR_MS * np.array([0, 8, 16, 20, 24, 28], np.int64)
    assert Kind.FUNDING_INTERVAL in kinds(check_funding(lone, np.full(6, 1e-4)))
    assert check_funding(lasting, np.full(6, 1e-4)) == []


def test_rate_out_of_reach_is_found():
    rate = np.array([1e-4, 0.2, np.nan])
    assert kinds(check_funding(eight_hourly(3), rate))[Kind.FUNDING_RATE].count == 2
