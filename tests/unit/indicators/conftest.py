"""Made-up bars."""

from __future__ import annotations

import numpy as np
import pytest

from mastertrading.compiled import records
from mastertrading.domain.market import MINUTE_MS, Records
from mastertrading.indicators.timeframes import BAR

START_MS = 1_748_217_600_000
"""2025-05-26 00:00 UTC, a Monday."""


@pytest.fixture(scope="session")
def walk() -> dict[str, np.ndarray]:
    """3000 bars of a random walk: open, high, low, close."""
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.003, 3000)))
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + rng.exponential(0.001, 3000))
    low = np.minimum(open_, close) * (1 - rng.exponential(0.001, 3000))
    return {"open": open_, "high": high, "low": low, "close": close}


@pytest.fixture
def bars_of():
    """Make BAR records from rows (open, high, low, close), None where a bar is missing."""

    def make(rows: list, length_ms: int = MINUTE_MS, start_ms: int = START_MS) -> Records:
        out = records(BAR, len(rows))
        for k, row in enumerate(rows):
            out[k].open_ms = start_ms + k * length_ms
            out[k].close_ms = out[k].open_ms + length_ms
            if row is None:
                out[k].open = out[k].high = out[k].low = out[k].close = np.nan
            else:
                out[k].open, out[k].high, out[k].low, out[k].close = row
                out[k].bars = 1
        return out

    return make
