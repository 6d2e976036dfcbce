"""Lengths of bars by the names that venues give them."""

from __future__ import annotations

from collections.abc import Mapping

from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS

TIMEFRAMES: Mapping[str, int] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}
"""Whole parts of a day: a week of bars is nobody's business here."""
