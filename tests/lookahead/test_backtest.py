"""A run sees nothing of the future: its decisions, fills, trades, funding and equity up to any moment."""

from __future__ import annotations

import numpy as np
import pytest

from lookahead.harness import Known, sweep
from lookahead.markets import (
    another_future,
    compiled,
    cuts_of,
    joining_late,
    market_of,
    recorded,
    recorded_market,
    world_of,
)
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.market import DAY_MS, HOUR_MS
from mastertrading.settings.schema import Settings

pytestmark = [recorded, compiled]

START_MS = 20_212 * DAY_MS  # 2025-05-04
LATE_BARS = 907
BUSY = Settings(
    data={"worst_grade": "D"},
    signals={"carry": {"multiple": 0.5}},
    allocation={"threshold": 0.05, "min_modules": 1, "dynamic": {"min_trades": 2}},
    risk={
        "gates": {"throttle": {"low": 30, "middle": 30, "high": 30}},
        "portfolio": {"max_correlated_exposure": 0.1},
    },
    position={"trail_from_r": 1.2, "stale_hours": 3.0},
)
"""Much trading in few days: weights that learn, funding paid, limits that bind."""


@pytest.fixture(scope="module")
def late():
    """ETH joins BTC and SOL later: decisions begin there."""
    market = recorded_market(("BTCUSDT", "SOLUSDT", "ETHUSDT"), START_MS + 3 * DAY_MS)
    return joining_late(market, LATE_BARS)


def backtest(like, settings):
    """From a world to everything that a run writes, each row known at the close of the bar it happened in."""

    def played(world):
        market, rows = market_of(world, like), []
        ask = Ask(all_paths=False, chunk_bars=1000)
        result = run(
            market,
            settings,
            ask,
            on_decisions=lambda t, _, decisions, told: rows.append((t, decisions.copy(), told.copy())),
        )
        t_ms, decisions, told = (np.concatenate(column) for column in zip(*rows, strict=True))
        out = {"decisions": Known(t_ms, decisions), "rows": Known(t_ms, told)}
        for name, column in (
            ("fills", "ts_ms"),
            ("trades", "closed_ms"),
            ("payments", "ts_ms"),
            ("events", "ts_ms"),
        ):
            log = getattr(result, name)
            out[name] = Known(bar_close(log[column], market.base_ms), log)
        # At the last bar of its data a run closes what is open: that bar's equity is known when the next one ends.
        out["equity"] = Known(result.equity["t_ms"] + market.base_ms, result.equity)
        return out

    return played


def bar_close(ts_ms, base_ms):
    """When the bar in which something happened has closed."""
    return ts_ms // base_ms * base_ms + base_ms


def test_no_decision_fill_or_equity_changes_with_what_follows(late):
    function, world = backtest(late, BUSY), world_of(late)
    out = function(world)
    assert len(out["trades"].rows) >= 20
    assert set(np.sign(out["fills"].rows["lots"])) == {-1, 1}
    assert len(out["payments"].rows) >= 3
    assert len(set(out["fills"].rows["reason"])) >= 5
    cuts = cuts_of(late, seed=3)
    assert len(cuts) >= 200
    assert sweep(function, world, cuts, another_future(late)) is None


def test_a_run_that_reads_one_hour_too_many_is_caught(late, monkeypatch):
    """The sweep of a run can fail: portfolio risk that knows the current hour changes decisions."""
    from mastertrading.backtest import run as module

    honest = module.hourly_returns

    def one_too_many(market):
        returns, first_ms = honest(market)
        return returns, first_ms - HOUR_MS

    monkeypatch.setattr(module, "hourly_returns", one_too_many)
    cuts = cuts_of(late, seed=3)
    assert sweep(backtest(late, BUSY), world_of(late), cuts, another_future(late)) is not None
