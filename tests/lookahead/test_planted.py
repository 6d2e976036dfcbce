"""The sweep itself: it must catch the ways in which people look ahead, and pass what is harmless."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from lookahead.harness import HOUR_MS, MINUTE_MS, Known, cut_points, on_bars, other_future, sweep

START_MS = 1_748_217_600_000
BARS = 1600
EIGHT_HOURS_MS = 8 * HOUR_MS


@pytest.fixture(scope="module")
def world():
    """A walk of minute bars with eight-hourly rates."""
    rng = np.random.default_rng(11)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, BARS)))
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(open_, close) + rng.exponential(0.05, BARS)
    low = np.minimum(open_, close) - rng.exponential(0.05, BARS)
    at_ms = START_MS + (1 + np.arange(BARS, dtype=np.int64)) * MINUTE_MS
    columns = {"open": open_, "high": high, "low": low, "close": close, "volume": rng.exponential(9.0, BARS)}
    world = {name: Known(at_ms, rows) for name, rows in columns.items()}
    due = START_MS + np.arange(-3, 4, dtype=np.int64) * EIGHT_HOURS_MS
    return world | {"rate": Known(due, rng.normal(0.0, 1e-4, len(due)))}


@pytest.fixture(scope="module")
def cuts(world):
    return cut_points(world["close"].at_ms, seed=3, moments_ms=world["rate"].at_ms)


def found(function, world, cuts):
    return sweep(function, world, cuts, other_future())


def bars_only(function):
    """A function of closes, highs and lows."""
    return on_bars(lambda high, low, close, **_: function(high, low, close))


def swing_bars(world):
    """Bars whose high is above those of the three bars to either side."""
    high = world["high"].rows
    if len(high) < 7:
        return np.zeros(0, np.int64)
    return np.flatnonzero(sliding_window_view(high, 7).max(axis=1) == high[3:-3]) + 3


# ---------------------------------------------------------------- biases


def negative_shift(_high, _low, close):
    return np.concatenate([close[1:], [np.nan]])


def forming_hour_as_if_finished(_high, _low, close):
    """The close of the hour that contains t, joined by the hour's open time."""
    hour = np.arange(len(close)) // 60
    return np.array([close[hour == k][-1] for k in range(hour[-1] + 1)])[hour]


def whole_sample_zscore(_high, _low, close):
    return (close - close.mean()) / max(close.std(), 1e-9)


def centred_mean(_high, _low, close):
    return np.convolve(close, np.ones(5) / 5.0, mode="same")


def unconfirmed_swing(high, _low, _close):
    """The newest swing high, used from the bar it formed at instead of three bars later."""
    out, newest = np.full(len(high), np.nan), np.nan
    for t in range(len(high)):
        around = high[max(0, t - 3) : t + 4]
        newest = high[t] if high[t] == around.max() else newest
        out[t] = newest
    return out


def largest_of_all(high, _low, close):
    return close / high.max()


BIASES = [
    negative_shift,
    forming_hour_as_if_finished,
    whole_sample_zscore,
    centred_mean,
    unconfirmed_swing,
    largest_of_all,
]


@pytest.mark.parametrize("biased", BIASES)
def test_a_planted_bias_is_caught(biased, world, cuts):
    difference = found(bars_only(biased), world, cuts)
    assert difference is not None
    assert difference.at_ms <= difference.cut_ms


def test_funding_known_one_settlement_early_is_caught(world, cuts):
    def early(world):
        at_ms, (due, rates) = world["close"].at_ms, world["rate"]
        place = np.searchsorted(due, at_ms, side="right")
        return {"next_rate": Known(at_ms, rates[np.minimum(place, len(rates) - 1)])}

    assert found(early, world, cuts).output == "next_rate"


def test_funding_known_a_minute_before_it_is_charged_is_caught(world, cuts):
    def early(world):
        at_ms, (due, rates) = world["close"].at_ms, world["rate"]
        return {"rate": Known(at_ms, rates[np.searchsorted(due - MINUTE_MS, at_ms, side="right") - 1])}

    assert found(early, world, cuts).output == "rate"


def test_missing_bars_filled_from_behind_are_caught(world, cuts):
    holes = np.random.default_rng(2).random(BARS) < 0.05
    holed = {**world, "close": Known(world["close"].at_ms, np.where(holes, np.nan, world["close"].rows))}

    def back_filled(close, **_):
        out = close.copy()
        for t in range(len(out) - 2, -1, -1):
            out[t] = out[t + 1] if np.isnan(out[t]) else out[t]
        return out

    assert found(on_bars(back_filled), holed, cuts) is not None


def test_an_event_that_is_announced_later_for_an_earlier_bar_is_caught(world, cuts):
    """Rows said to be known at the bar where a swing formed, though three later bars decide."""

    def swings(world):
        (at_ms, high), formed = world["high"], swing_bars(world)
        return {"swings": Known(at_ms[formed], high[formed])}

    assert found(swings, world, cuts).output == "swings"


# ---------------------------------------------------------------- harmless


def causal_ema(_high, _low, close):
    out = close.copy()
    for t in range(1, len(out)):
        out[t] = out[t - 1] + 0.1 * (close[t] - out[t - 1])
    return out


def expanding_mean(_high, _low, close):
    return np.cumsum(close) / np.arange(1, len(close) + 1)


def last_finished_hour(_high, _low, close):
    out = np.full(len(close), np.nan)
    for t in range(59, len(close)):
        out[t] = close[(t + 1) // 60 * 60 - 1]
    return out


@pytest.mark.parametrize("harmless", [causal_ema, expanding_mean, last_finished_hour])
def test_a_causal_function_passes(harmless, world, cuts):
    assert found(bars_only(harmless), world, cuts) is None


def test_swings_known_when_they_are_confirmed_pass(world, cuts):
    def swings(world):
        (at_ms, high), formed = world["high"], swing_bars(world)
        return {"swings": Known(at_ms[formed + 3], high[formed])}

    assert found(swings, world, cuts) is None


# ---------------------------------------------------------------- the tools


def test_the_report_names_the_output_the_first_bar_and_the_cut(world):
    cut_ms = int(world["close"].at_ms[99])

    def shifted(close, **_):
        return {"good": close, "bad": np.concatenate([close[2:], [0.0, 0.0]])}

    difference = sweep(on_bars(shifted), world, [cut_ms], other_future())
    assert (difference.output, difference.row, difference.way) == ("bad", 98, "cut")
    assert str(difference) == (
        "bad, row 98, known at 2025-05-26T01:39:00.000, changes with what follows 2025-05-26T01:40:00.000 (cut)"
    )


def test_a_bias_that_a_shorter_history_hides_is_caught_by_another_future(world):
    """It looks ahead only where there is something ahead, and then says what it would say without."""
    cut_ms, last = int(world["close"].at_ms[99]), world["close"].rows[-1]

    def sly(close, **_):
        return np.full(len(close), close[-1] - last if len(close) == BARS else 0.0)

    assert sweep(on_bars(sly), world, [cut_ms], other_future()).way == "randomise"


@pytest.mark.parametrize(("whole", "shorter"), [(1.0, np.nextafter(1.0, 2.0)), (0.0, -0.0)])
def test_a_difference_in_one_bit_is_a_difference(world, whole, shorter):
    cut_ms = int(world["close"].at_ms[99])

    def wavering(close, **_):
        return np.full(len(close), whole if len(close) == BARS else shorter)

    assert sweep(on_bars(wavering), world, [cut_ms], other_future()).row == 0


def test_the_same_nan_on_both_sides_is_no_difference(world, cuts):
    assert found(on_bars(lambda close, **_: np.full(len(close), np.nan)), world, cuts) is None


def test_cut_points_hold_every_kind_of_boundary(world, cuts):
    closes = world["close"].at_ms
    assert len(cuts) >= 200
    assert len(set(cuts)) == len(cuts)
    for length in (5 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS):
        for step in (-MINUTE_MS, 0, MINUTE_MS):
            assert any((cut - step) % length == 0 for cut in cuts)
    due = [ms for ms in world["rate"].at_ms if closes[0] < ms < closes[-1]]
    assert due
    assert {ms + step for ms in due for step in (-1, 0, 1)} <= set(cuts)


def test_the_other_future_is_plausible_and_leaves_the_past_alone(world):
    cut_ms = int(world["close"].at_ms[799])
    other = other_future(tick=0.01)(world, cut_ms, np.random.default_rng(1))
    for name, known in world.items():
        assert np.array_equal(other[name].until(cut_ms).rows, known.until(cut_ms).rows)
        assert not np.array_equal(other[name].rows, known.rows)
    open_, high, low, close = (other[name].rows[800:] for name in ("open", "high", "low", "close"))
    assert (np.maximum(open_, close) <= high).all()
    assert (np.minimum(open_, close) >= low).all()
    assert (low > 0.0).all()
    assert np.allclose(close * 100.0, np.rint(close * 100.0))
