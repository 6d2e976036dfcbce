"""Signals that must not pass: each looks ahead, or does not repeat itself, in a way in which people really do it."""

from __future__ import annotations

import numpy as np

HOUR_MS = 3_600_000


def negative_shift(bars):
    """The next bar's return, by a shift in the wrong direction."""
    return np.sign(np.append(bars.close[1:], np.nan) - bars.close)


def whole_sample(bars):
    """A z-score with the mean and deviation of the whole sample."""
    return np.clip((bars.close.mean() - bars.close) / (5.0 * bars.close.std()), -1.0, 1.0)


def unfinished_hour(bars):
    """The close of the hour that contains the bar, joined by the hour's open time."""
    hour = bars.ts_ms // HOUR_MS
    last = np.append(np.flatnonzero(np.diff(hour)), len(hour) - 1)
    return np.sign(bars.close[last[np.searchsorted(hour[last], hour)]] - bars.close)


def centred_mean(bars, width: int = 21):
    """A moving average whose window is centred."""
    padded = np.pad(bars.close, width // 2, mode="edge")
    mean = np.convolve(padded, np.full(width, 1.0 / width), mode="valid")
    return np.sign(bars.close - mean)


def best_of_panel(panel):
    """Long the instrument that will have risen most by the end."""
    final = np.nan_to_num(panel.close[-1] / panel.close[0])
    return np.where(final == final.max(), 1.0, 0.0) * np.ones(panel.close.shape)


def noise(bars):
    """Random numbers without a seed."""
    return np.random.default_rng().uniform(-1.0, 1.0, len(bars))


CALLS: list[int] = []


def remembering(bars):
    """Something that depends on how often it was called."""
    CALLS.append(len(bars))
    return np.full(len(bars), (len(CALLS) % 7) / 7.0)


LOOK_AHEAD = {
    negative_shift: "shift",
    whole_sample: "sample",
    unfinished_hour: "bar",
    centred_mean: "bar",
    best_of_panel: "sample",
}
UNSTEADY = (noise, remembering)
