"""Chunks of bars and room in the logs are a matter of memory: they change not one bit of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mastertrading.domain.market import MINUTE_MS, Settlements
from mastertrading.lake.synthetic import random_walk
from mastertrading.settings.schema import Settings
from parity.scenes import SEVEN, made, needs_data, recorded, stormy
from parity.whole import Scene, closes, prints, replayed

SCENES = {"recorded": lambda: recorded(SEVEN), "made": made, "stormy": stormy}
CHUNKS = (1000, 4096, 777)


@pytest.fixture(scope="module", params=sorted(SCENES))
def scene(request):
    if request.param == "recorded":
        needs_data()
    return SCENES[request.param]()


@pytest.fixture(scope="module")
def whole(scene):
    return prints(replayed(scene, chunk_bars=1 << 20))


def test_running_twice_gives_the_same_bytes(scene, whole):
    assert prints(replayed(scene, chunk_bars=1 << 20)) == whole


@pytest.mark.parametrize("chunk_bars", CHUNKS)
def test_chunks_give_the_bytes_of_the_whole(scene, whole, chunk_bars):
    assert prints(replayed(scene, chunk_bars)) == whole


def test_logs_that_are_nearly_always_full_change_nothing(scene, whole):
    room = 8 * len(scene.specs) + 17  # one row more than a bar may need
    assert prints(replayed(scene, log_room=room)) == whole


def test_one_bar_a_chunk_changes_nothing():
    scene = stormy(days=1.0)
    assert prints(replayed(scene, chunk_bars=1)) == prints(replayed(scene))


# ------------------------------------------------------------------ a chunk that ends between a fill and its doom


def _doomed():
    """A long of 12.5 times the equity: funding takes most of it, then a dip reaches the liquidation and recovers."""
    market = random_walk(bars=12)
    prices = {name: np.full((12, 1), 100.0) for name in ("open", "high", "low", "close")}
    prices["low"][6] = 99.7
    due = market.ts_ms[6:7] + MINUTE_MS // 2
    market = replace(
        market, **prices, settlements=(Settlements(due, np.array([0.068]), np.array([8 * 3_600_000])),)
    )
    settings = Settings.model_validate(
        {
            "account": {"leverage": 100.0},
            "costs": {"taker_fee": 0.0, "slippage": 0.0},
            "risk": {
                "per_trade": 0.05,
                "tiers": {"half": 1.0, "reduced": 1.0},
                "volatility": {"wild_scale": 1.0},
                "stops": {"stop_base": 0.004, "stop_floor": 0.004, "stop_atr": 0.0, "target_atr": 0.0},
                "portfolio": {"max_instrument_exposure": 50.0, "max_correlated_exposure": 50.0},
                "gates": {"htf_adx_min": 0.0, "max_leverage": 50.0},
                "breakers": {"enabled": False},
            },
            "allocation": {
                "long_multiplier": 1.0,
                "ttl_seconds": 0,
                "sessions": {"asia": {"start": 23, "end": 6, "score_floor": 0.0, "risk": 1.0}},
            },
        }
    )  # fmt: skip
    return Scene(market, settings, {"BTCUSDT": (market.ts_ms[4:5], np.ones(1))})


def test_a_liquidation_right_after_a_chunk_that_ended_with_a_fill_is_not_missed():
    whole = replayed(_doomed())
    assert closes(whole) == {"LIQUIDATION"}
    assert prints(replayed(_doomed(), chunk_bars=6)) == prints(whole)
