"""Markets and settings that the equalities are shown on: recorded, made, and made with everything going wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mastertrading.domain.market import DAY_MS, HOUR_MS
from mastertrading.lake.damage import Defects
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import START_MS, synthesize
from mastertrading.settings.schema import Settings
from parity.whole import Scene

_DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data"
DATA = Path(os.environ.get("MASTERTRADING_SHARED_DATA", _DEFAULT)) / "binance_usdm"
SEVEN = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")

STORM = {
    "account": {
        "leverage": 100.0,
        "transfers": [
            {"at": "2024-01-01T09:00Z", "amount": 5_000.0},
            {"at": "2024-01-01T16:10Z", "amount": -7_000.0},
            {"at": "2024-01-01T17:00Z", "amount": 7_000.0},
        ],
    },
    "allocation": {
        "long_multiplier": 1.0,
        "ttl_seconds": 2400,
        "sessions": {"dead": {"start": 20, "end": 23, "score_floor": 0.8, "risk": 1.0}},
    },
    "position": {"trail_from_r": 1.5, "stale_hours": 2.0, "exit_when_flat": True, "target_after_partial": "keep"},
    "risk": {
        "per_trade": 0.05,
        "tiers": {"half": 1.0, "reduced": 1.0},
        "volatility": {"wild_scale": 1.0},
        "stops": {"stop_base": 0.004, "stop_floor": 0.004, "stop_atr": 0.0, "target_base": 0.006, "target_atr": 0.0},
        "portfolio": {"max_instrument_exposure": 60.0, "max_correlated_exposure": 90.0, "min_hours": 9999},
        "gates": {"htf_adx_min": 0.0, "max_leverage": 90.0, "throttle": {"low": 200, "middle": 200, "high": 200}},
        "breakers": {
            "day": {"half_size": 0.3, "no_entries": 0.9, "flatten": 1.0},
            "week": {"half_size": 0.5, "no_entries": 0.9, "flatten": 1.0},
            "peak": {"half_size": 0.5, "no_entries": 0.9, "flatten": 1.0},
            "losses": {"no_entries": 90},
        },
    },
}  # fmt: skip

DAMAGE = Defects(gaps=3, bad_bars=5)


def needs_data():
    """Skip where the recorded data is not."""
    if not DATA.is_dir():
        pytest.skip("the recorded data is not here")


def recorded(symbols, hours=None):
    """Recorded perpetuals from the data's first bar on. ``hours``: how many; None: all that the symbols share."""
    settings = Settings()
    first_ms = 1_746_372_780_000  # 2025-05-04 15:33, where most of the files begin
    end = None if hours is None else first_ms + hours * HOUR_MS
    return Scene(load_market(DATA, symbols, end=end, settings=settings, notice=lambda text: None), settings)


def made(days=4.0, symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"), seed=3):
    """The four modules on a synthetic market with holes and bad bars."""
    return Scene(synthesize(symbols, days, seed, defects=DAMAGE), Settings())


def stormy(days=3.0, symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"), seed=4):
    """Given forecasts by chance at far too much leverage, with deposits, withdrawals and liquidations."""
    market = synthesize(symbols, days, seed, defects=DAMAGE)
    draw = np.random.default_rng(seed)
    halves = np.arange(START_MS, START_MS + int(days * DAY_MS), HOUR_MS // 2, dtype=np.int64)
    given = {}
    for symbol in symbols:
        ts_ms = halves[draw.random(len(halves)) < 0.7]
        given[symbol] = ts_ms, draw.choice((-1.0, 1.0), len(ts_ms)) * draw.uniform(0.1, 1.0, len(ts_ms))
    return Scene(market, Settings.model_validate(STORM), given)
