"""Nothing in the indicators sees the future: every array, coarse bar and structure event, on recorded bars."""

from __future__ import annotations

import numpy as np
import pytest

from lookahead.harness import BAR_COLUMNS, HOUR_MS, MINUTE_MS, Known, sweep
from lookahead.markets import (
    another_future,
    compiled,
    cuts_of,
    market_of,
    recorded,
    recorded_market,
    world_of,
)
from mastertrading.domain.market import DAY_MS
from mastertrading.indicators.averages import ema
from mastertrading.indicators.events import EventName, structure_events
from mastertrading.indicators.oscillators import bollinger, rsi, windows, zscore
from mastertrading.indicators.ranges import directional
from mastertrading.indicators.timeframes import resample
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.panel import chunk_bars

pytestmark = [recorded, compiled]

START_MS = 20_212 * DAY_MS  # 2025-05-04
COARSE_MS = (5 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS)


@pytest.fixture(scope="module")
def market():
    return recorded_market(("SOLUSDT",), START_MS + 3 * DAY_MS)


def columns(bars):
    return [np.ascontiguousarray(bars[name]) for name in BAR_COLUMNS]


def arrays(bars):
    """Every indicator array over bars of one length, each row known at its bar's close."""
    _, high, low, close, _ = columns(bars)
    centre, deviation = windows(close, 60)
    out = {
        "ema20": ema(close, 20),
        "ema50": ema(close, 50),
        "ranges": directional(high, low, close).T,
        "rsi": rsi(close),
        "bollinger": bollinger(close).T,
        "centre": centre,
        "deviation": deviation,
        "zscore": zscore(close),
    }
    return {name: Known(bars["close_ms"].copy(), np.ascontiguousarray(rows)) for name, rows in out.items()}


def existing(bars):
    return bars[bars["bars"] > 0]


@pytest.mark.parametrize("length_ms", [MINUTE_MS, 5 * MINUTE_MS])
def test_no_indicator_array_changes_with_what_follows(market, length_ms):
    def indicators(world):
        bars = existing(chunk_bars(market_of(world, market), 0, len(world["close"].at_ms))[:, 0])
        return arrays(resample(bars, length_ms))

    assert (
        sweep(indicators, world_of(market), cuts_of(market, seed=length_ms), another_future(market)) is None
    )


def test_no_finished_coarse_bar_changes_with_what_follows(market):
    def coarse_bars(world):
        bars = chunk_bars(market_of(world, market), 0, len(world["close"].at_ms))[:, 0]
        coarse = {length: resample(bars, length) for length in COARSE_MS}
        return {str(length): Known(some["close_ms"].copy(), some) for length, some in coarse.items()}

    assert sweep(coarse_bars, world_of(market), cuts_of(market, seed=1), another_future(market)) is None


def test_no_structure_event_is_known_before_it_is_confirmed(market):
    rules = signal_rules(Settings())["structure"]

    def events(world):
        bars = chunk_bars(market_of(world, market), 0, len(world["close"].at_ms))[:, 0]
        found = structure_events(resample(bars, 5 * MINUTE_MS), rules)
        return {"events": Known(found["confirmed_ms"].copy(), found)}

    world = world_of(market)
    assert len(np.unique(events(world)["events"].rows["name"])) == len(EventName)
    assert sweep(events, world, cuts_of(market, seed=2), another_future(market)) is None


def test_an_event_is_confirmed_only_after_the_bars_it_needs(market):
    bars = resample(chunk_bars(market, 0, len(market.ts_ms))[:, 0], 5 * MINUTE_MS)
    events = structure_events(bars, signal_rules(Settings())["structure"])
    assert np.array_equal(events["confirmed_ms"], bars["close_ms"][events["confirmed"]])
    waited = events["confirmed"] - events["formed"]
    is_swing, is_block = events["name"] == EventName.SWING, events["name"] == EventName.ORDER_BLOCK
    assert set(waited[is_swing]) == {3}
    assert waited[is_block].min() >= 1
    assert set(waited[~is_swing & ~is_block]) == {0}


def test_a_level_is_broken_or_swept_only_after_its_swing_was_confirmed(market):
    """Every break and sweep is at the price of a swing that was confirmed by the bar before."""
    bars = resample(chunk_bars(market, 0, len(market.ts_ms))[:, 0], 5 * MINUTE_MS)
    events = structure_events(bars, signal_rules(Settings())["structure"])
    swings = events[events["name"] == EventName.SWING]
    checked = 0
    for event in events:
        if event.name in (EventName.BREAK_OF_STRUCTURE, EventName.CHANGE_OF_CHARACTER):
            level, side = event.lower_px, event.side
        elif event.name == EventName.SWEEP:
            level, side = (event.upper_px if event.side > 0 else event.lower_px), -event.side
        else:
            continue
        before = swings[(swings["confirmed"] < event.confirmed) & (swings["side"] == side)]
        assert level in before["lower_px"], event
        checked += 1
    assert checked > 50
