"""Every verdict of two days of recorded bars, against an implementation that shares no code."""

from __future__ import annotations

import numpy as np
import pytest

from mastertrading.domain.market import HOUR_MS, Market
from mastertrading.domain.reasons import CarryGate, MeanReversionGate, SmcGate, TrendGate
from mastertrading.signals.panel import evaluate
from oracles.signals_by_the_book import Candle, Instrument
from signal_markets import recorded_market, session_minutes

ENUMS = {"trend": TrendGate, "meanrev": MeanReversionGate, "carry": CarryGate, "smc": SmcGate}
PANEL_START_MS = 1_748_169_300_000
"""2025-05-25 10:35 UTC, where all seven instruments are recorded."""


def book_of(market: Market, column: int) -> Instrument:
    hours, paid = market.primer[column], market.settlements[column]
    names = (hours.ts_ms, hours.open, hours.high, hours.low, hours.close)
    candles = [Candle(*row) for row in zip(*(values.tolist() for values in names), strict=True)]
    # the recorded hours have one hole; the primer is the unbroken run after it
    start = max(
        (k + 1 for k in range(len(candles) - 1) if candles[k + 1].ts - candles[k].ts != HOUR_MS), default=0
    )
    payments = zip(paid.ts_ms.tolist(), paid.rate.tolist(), paid.interval_ms.tolist(), strict=True)
    return Instrument(candles[start:], list(payments))


def opinions_of(market: Market, column: int, minutes):
    book = book_of(market, column)
    prices = [getattr(market, name)[:, column].tolist() for name in ("open", "high", "low", "close")]
    for t, ts in enumerate(market.ts_ms.tolist()):
        candle = Candle(ts, *(values[t] for values in prices)) if market.valid[t, column] else None
        yield book.minute(ts, candle, minutes[t].session_floor / 100, minutes[t].session_risk)


@pytest.mark.usefixtures("recorded")
def test_every_verdict_of_two_recorded_days_is_as_the_definitions_say(rules):
    market = recorded_market(("BTCUSDT", "SOLUSDT"), PANEL_START_MS + 44 * HOUR_MS, 48 * 60)
    market.valid[1000:1003, 0] = False
    market.valid[1500:1507, 1] = False
    minutes = session_minutes(market)
    verdicts, _ = evaluate(market, rules, minutes)
    fired = dict.fromkeys(ENUMS, 0)
    for n in range(2):
        for t, opinions in enumerate(opinions_of(market, n, minutes)):
            for m, (name, gates) in enumerate(ENUMS.items()):
                ours, theirs = verdicts[t, n, m], opinions[name]
                assert (gates(ours.refusal).name.lower() if ours.refusal else "") == theirs.refused, (
                    t,
                    n,
                    name,
                )
                assert np.sign(ours.forecast) == theirs.direction
                assert abs(abs(ours.forecast) - theirs.score) <= 1e-12
                if name == "smc" and theirs.direction:
                    assert ours.confluence == (1 if theirs.confluence else -1)
                fired[name] += theirs.direction != 0
    assert all(count >= 40 for count in fired.values()), fired
