"""The functions that signals are written with: against definitions by hand, over holes, and on coarse bars."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from mastertrading.domain.errors import UsageError
from mastertrading.indicators import averages, oscillators, ranges
from mastertrading.research import arrays
from mastertrading.research.bars import InstrumentBars

START_MS = 1_748_217_600_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def walk():
    """Minute bars of a random walk that begin 35 minutes past an hour, with 20 of them missing."""
    rng = np.random.default_rng(7)
    count = 600
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.003, count)))
    open_ = np.concatenate([[100.0], close[:-1]])
    there = np.ones(count, np.bool_)
    there[[30, 84, *range(200, 218)]] = False
    columns = [open_, np.maximum(open_, close) + 0.1, np.minimum(open_, close) - 0.1, close, np.ones(count)]
    ts_ms = START_MS + 35 * 60_000 + 60_000 * np.arange(count)
    return InstrumentBars(
        ts_ms[there], *(column[there] for column in columns), base_ms=60_000, symbol="BTCUSDT"
    )


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


def test_the_averages_and_oscillators_are_the_folds_that_run_live(walk):
    high, low, close = walk.high, walk.low, walk.close
    assert same(arrays.ema(close, 20), averages.ema(close.copy(), 20))
    assert same(arrays.rsi(close), oscillators.rsi(close.copy()))
    assert same(arrays.atr(high, low, close), ranges.atr(high.copy(), low.copy(), close.copy()))
    assert same(arrays.adx(high, low, close, 10), ranges.adx(high.copy(), low.copy(), close.copy(), 10))
    assert same(np.stack(arrays.bollinger(close)), oscillators.bollinger(close.copy()))
    assert same(arrays.zscore(close, 30), oscillators.zscore(close.copy(), 30))


@pytest.mark.parametrize("periods", [(20,), (20, 50), (50, 3, 1)])
def test_several_averages_at_once_are_the_same_as_one_at_a_time(walk, periods):
    panel = np.stack([walk.close, walk.high, walk.low], axis=1)
    panel[7:9, 1] = panel[0, 2] = panel[30:33, :] = np.nan
    for values in (walk.close, panel, panel.copy(order="F")):
        every = arrays.emas(values, *periods)
        assert len(every) == len(periods)
        for average, period in zip(every, periods, strict=True):
            assert same(average, arrays.ema(values, period))


@pytest.mark.parametrize("count", [1, 2, 20, 63, 64, 150])
def test_windows_are_what_their_names_say(walk, count):
    windows = sliding_window_view(walk.close, count)
    first = count - 1
    for function, by_hand in (
        (arrays.highest, windows.max(axis=1)),
        (arrays.lowest, windows.min(axis=1)),
        (arrays.sma, windows.mean(axis=1)),
        (arrays.std, windows.std(axis=1)),
    ):
        out = function(walk.close, count)
        assert np.isnan(out[:first]).all()
        np.testing.assert_allclose(out[first:], by_hand, rtol=1e-12, atol=1e-12)


def test_long_windows_add_up_as_the_kernel_does(walk, monkeypatch):
    """The numpy way for windows beyond the ring has the kernel's bits."""
    kernel = arrays._windows(walk.close, 40)
    monkeypatch.setattr(arrays, "SLOTS", 1)
    assert all(same(a, b) for a, b in zip(kernel, arrays._windows(walk.close, 40), strict=True))


def test_lag_and_change_look_back():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    assert same(arrays.lag(values, 2), np.array([np.nan, np.nan, 1.0, 2.0]))
    assert same(arrays.change(values), np.array([np.nan, 1.0, 1.0, 1.0]))


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_a_number_of_bars_that_would_look_ahead_is_refused(count):
    with pytest.raises(UsageError):
        arrays.lag(np.ones(5), count)
    with pytest.raises(UsageError):
        arrays.ema(np.ones(5), count)


def test_crossed_speaks_once_and_a_touch_is_no_crossing():
    fast = np.array([1.0, 3.0, 2.0, 3.0, 2.0, 1.0, 1.0, 4.0])
    assert arrays.crossed(fast, 2.0).tolist() == [0, 1, 0, 0, 0, -1, 0, 1]
    assert arrays.crossed(np.array([np.nan, 1.0, 3.0]), np.array([2.0, 2.0, np.nan])).tolist() == [0, 0, 0]


def test_held_keeps_the_newest_event():
    assert arrays.held(np.array([0.0, np.nan, 1.0, 0.0, -1.0, 0.0])).tolist() == [0, 0, 1, 1, -1, -1]
    two = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    assert arrays.held(two).tolist() == [[0, 1], [2, 1], [2, 1]]


def test_ranked_spreads_the_instruments_that_are_there():
    values = np.array([[1.0, 2.0, 3.0], [5.0, np.nan, 4.0], [1.0, 1.0, 9.0], [np.nan, 7.0, np.nan]])
    expected = np.array([[-1.0, 0.0, 1.0], [1.0, np.nan, -1.0], [-0.5, -0.5, 1.0], [np.nan, 0.0, np.nan]])
    assert same(arrays.ranked(values), expected)
    with pytest.raises(UsageError):
        arrays.ranked(values[0])


def test_a_bar_that_is_missing_is_skipped_and_columns_do_not_mix(walk):
    holed = np.full(700, np.nan)
    at = np.sort(np.random.default_rng(1).permutation(700)[: len(walk)])
    holed[at] = walk.close
    panel = np.column_stack([holed, np.full(700, np.nan), holed * 2.0])
    out = arrays.ema(panel, 12)
    assert same(out[at, 0], arrays.ema(walk.close, 12))
    assert np.isnan(out[:, 1]).all()
    assert np.isnan(out[np.isnan(holed), 0]).all()
    assert same(out[:, 2], arrays.ema(holed * 2.0, 12))


def test_results_can_be_fed_into_each_other(walk):
    twice = arrays.ema(arrays.rsi(walk.close), 5)
    assert np.isnan(twice[:18]).all()
    assert np.isfinite(twice[18:]).all()


def test_arrays_that_cannot_be_written_to_will_do(walk):
    sealed = walk.close.copy()
    sealed.flags.writeable = False
    assert same(arrays.ema(sealed, 9), arrays.ema(walk.close, 9))


# ---------------------------------------------------------------- coarse bars


def test_coarse_bars_are_those_of_the_grid_that_have_ended(walk):
    hours = arrays.coarse(walk, "1h")
    assert hours.ts_ms[0] == START_MS + HOUR_MS, "the hour in which the data begin is not whole"
    assert (hours.ts_ms % HOUR_MS == 0).all()
    for k, opened in enumerate(hours.ts_ms):
        inside = (walk.ts_ms >= opened) & (walk.ts_ms < opened + HOUR_MS)
        assert hours.open[k] == walk.open[inside][0]
        assert hours.close[k] == walk.close[inside][-1]
        assert hours.high[k] == walk.high[inside].max()
        assert hours.low[k] == walk.low[inside].min()
        assert hours.volume[k] == inside.sum()


def test_a_coarse_value_is_known_from_the_bar_at_whose_close_it_has_ended(walk):
    hours = arrays.coarse(walk, "1h")
    known = hours.to_base(hours.ts_ms.astype(float))
    for t, close_ms in enumerate(walk.close_ms):
        ended = hours.ts_ms[hours.ts_ms + HOUR_MS <= close_ms]
        assert same(known[t], float(ended[-1]) if len(ended) else np.nan)


def test_an_hour_whose_last_minute_is_missing_is_known_with_the_next_bar(walk):
    """Bar 84 would have closed the hour."""
    ended_ms = START_MS + 2 * HOUR_MS
    assert ended_ms not in walk.close_ms
    hours = arrays.coarse(walk, "1h")
    next_bar = int(np.searchsorted(walk.close_ms, ended_ms))
    assert hours.newest[next_bar - 1] == -1
    assert hours.newest[next_bar] == 0


@pytest.mark.parametrize("timeframe", ["", "h", "0h", "1x", "90s", "1.5h", "-1h"])
def test_what_is_no_timeframe_is_refused(walk, timeframe):
    with pytest.raises(UsageError):
        arrays.coarse(walk, timeframe)


def test_values_of_another_length_do_not_go_back_to_the_base(walk):
    with pytest.raises(UsageError):
        arrays.coarse(walk, "1h").to_base(walk.close)
