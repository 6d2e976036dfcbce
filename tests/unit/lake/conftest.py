"""Small series for the lake's tests, and the recorded data where they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mastertrading.domain.market import MINUTE_MS, Bars

START_MS = 1_700_006_400_000  # 2023-11-15 00:00 UTC
_USUAL = Path(__file__).resolve().parents[4] / "shared" / "data"
SHARED = Path(os.environ.get("MASTERTRADING_SHARED_DATA", _USUAL))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the recorded data are not here")
    return SHARED


@pytest.fixture
def quiet() -> list[str]:
    """Where notices go."""
    return []


@pytest.fixture
def make_bars():
    """A maker of clean bars: a slow wave on the tick grid of BTCUSDT."""

    def make(
        count: int = 200, start_ms: int = START_MS, step_ms: int = MINUTE_MS, price: float = 50_000.0
    ) -> Bars:
        wave = price + np.rint(100 * np.sin(np.arange(count + 1) / 7.0) * 10) / 10
        open_, close = wave[:-1].copy(), wave[1:].copy()
        ts = start_ms + step_ms * np.arange(count, dtype=np.int64)
        high, low = np.maximum(open_, close) + 5.0, np.minimum(open_, close) - 5.0
        return Bars(ts, open_, high, low, close, 1.0 + np.arange(count) % 5)

    return make
