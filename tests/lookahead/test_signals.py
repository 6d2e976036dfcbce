"""Nothing in the signals sees the future: every module, context and view, and the hourly returns."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from lookahead.harness import HOUR_MS, Known, sweep
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
from mastertrading.backtest.inputs import market_minutes
from mastertrading.compiled import kernel, records
from mastertrading.domain.market import DAY_MS
from mastertrading.domain.reasons import Module
from mastertrading.indicators.structure import STRUCTURE
from mastertrading.indicators.timeframes import FORMING
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.desk import DESK, VERDICTS, init, prime, step
from mastertrading.signals.panel import chunk_bars, evaluate, primer_bars
from mastertrading.signals.rows import CONTEXT
from mastertrading.signals.view import VIEW
from signal_markets import returns_and_hours

pytestmark = [recorded, compiled]

START_MS = 20_212 * DAY_MS  # 2025-05-04
LATE_BARS = 907
READY_TO_CARRY = {"carry": {"multiple": 0.5}}
"""In these days no rate is extreme by the default threshold."""
VIEWS = list(itertools.product(("forming", "closed"), repeat=3))

SEEN = np.dtype(
    [("view", VIEW), ("ltf", FORMING), ("htf", FORMING), ("htf2", FORMING), ("structure", STRUCTURE)],
    align=True,
)
"""What a desk sees and keeps after a minute."""


@pytest.fixture(scope="module")
def market():
    return recorded_market(("SOLUSDT",), START_MS + 4 * DAY_MS)


@pytest.fixture(scope="module")
def two():
    return recorded_market(("BTCUSDT", "SOLUSDT"), START_MS + 4 * DAY_MS)


@pytest.fixture(scope="module")
def late(two):
    """SOL begins about 15 hours after BTC and inside an hour, primed up to there; BTC begins with a hole."""
    return joining_late(two, LATE_BARS)


def settings_of(views, **rest) -> Settings:
    return Settings(data={"views": dict(zip(("ltf", "htf", "htf2"), views, strict=True))}, **rest)


def signals(like, settings):
    """From a world to every verdict and context, both known at the close of their bar."""
    rules = signal_rules(settings)

    def evaluated(world):
        market = market_of(world, like)
        verdicts, contexts = evaluate(market, rules, market_minutes(market, settings))
        at_ms = world["close"].at_ms
        modules = {module.name.lower(): Known(at_ms, verdicts[:, :, module]) for module in Module}
        return modules | {"context": Known(at_ms, contexts)}

    return evaluated


def test_no_verdict_or_context_changes_with_what_follows(two):
    function, world, cuts = signals(two, Settings()), world_of(two), cuts_of(two, seed=1)
    assert len(cuts) >= 200
    assert sweep(function, world, cuts, another_future(two)) is None


@pytest.mark.parametrize("views", VIEWS, ids="-".join)
def test_no_verdict_changes_with_what_follows_in_any_view(market, views):
    function, world = signals(market, settings_of(views, signals=READY_TO_CARRY)), world_of(market)
    cuts = cuts_of(market, seed=VIEWS.index(views))
    assert len(cuts) >= 200
    assert sweep(function, world, cuts, another_future(market)) is None


def test_the_sweep_of_the_signals_covers_every_module_and_every_gate(market):
    """Otherwise it would prove nothing: every module fires, every gate is asked, and gates say yes and no."""
    out = signals(market, Settings(signals=READY_TO_CARRY))(world_of(market))
    both = {-1.0, 0.0, 1.0}
    fired = {
        module.name: set(np.sign(out[module.name.lower()].rows["forecast"]).ravel()) for module in Module
    }
    assert fired == dict.fromkeys(fired, both)
    smc = out["smc"].rows
    assert np.bitwise_or.reduce(smc["evaluated"].ravel()) == (1 << 14) - 1
    assert np.bitwise_or.reduce((smc["evaluated"] & ~smc["passed"]).ravel()).bit_count() >= 10
    assert np.isfinite(out["context"].rows["htf_adx"]).any()
    assert np.isfinite(out["context"].rows["atr_frac"]).any()


def test_an_instrument_that_joins_later_changes_nothing_before(late):
    function, world = signals(late, Settings()), world_of(late)
    adx = function(world)["context"].rows["htf_adx"]
    assert np.isnan(adx[:LATE_BARS, 1]).all()
    assert not np.isnan(adx[LATE_BARS:, 1]).any()
    cuts = cuts_of(replace(late, common_from_ms=None), seed=9)
    assert sweep(function, world, cuts, another_future(late)) is None


# ---------------------------------------------------------------- views


@kernel
def watch(desks, rules, bars, minutes, verdicts, contexts, seen):
    """Step every desk through every minute and note what it sees."""
    for t in range(bars.shape[0]):
        for n in range(bars.shape[1]):
            desk, row = desks[n], seen[t, n]
            step(desk, rules[0], bars[t, n], minutes[t], verdicts[t, n], contexts[t, n])
            row.view = desk.seen
            row.ltf = desk.ltf.forming
            row.htf = desk.htf.forming
            row.htf2 = desk.htf2.forming
            row.structure = desk.structure


def seen_by(like, settings):
    """From a world to what the desks saw at the close of each bar: rows, forming bars, structure."""
    rules = signal_rules(settings)

    def seen(world):
        market = market_of(world, like)
        shape = market.valid.shape
        desks, out = records(DESK, shape[1]), records(SEEN, shape)
        for n, desk in enumerate(desks):
            init(desk)
            prime(desk, rules[0], primer_bars(market, n))
        bars, minutes = chunk_bars(market, 0, shape[0]), market_minutes(market, settings)
        watch(desks, rules, bars, minutes, records(VERDICTS, shape), records(CONTEXT, shape), out)
        return {"seen": Known(world["close"].at_ms, out)}

    return seen


@pytest.mark.parametrize("views", [("forming",) * 3, ("closed",) * 3], ids="-".join)
def test_no_view_changes_with_what_follows(market, views):
    function, world = seen_by(market, settings_of(views)), world_of(market)
    assert sweep(function, world, cuts_of(market, seed=5), another_future(market)) is None


def test_structure_holds_nothing_that_is_not_confirmed(market):
    """Whatever a module can read at t was confirmed by a bar that had finished at t."""
    rows = seen_by(market, Settings())(world_of(market))["seen"].rows["structure"]
    newest = rows["bars"] - 1
    assert (rows["choch_at"] <= newest).all()
    for side in (rows["up"], rows["down"]):
        for name in ("swing_confirmed", "break_at", "sweep_at", "block_at"):
            assert (side[name] <= newest).all(), name
            assert (side[name] >= 0).any(), name
        known = side["swing_confirmed"] >= 0
        assert (side["swing_confirmed"] - side["swing_formed"])[known].min() == 3
        assert (side["block_formed"] < side["block_at"])[side["block_at"] >= 0].all()
        for k in range(3):
            live = side["gap_count"] > k
            assert (side["gap_at"][..., k] <= newest)[live].all()
        for k in range(6):
            untaken = side["pool_count"] > k
            assert (side["pool_formed"][..., k] + 3 <= newest)[untaken].all()


def test_a_finished_timeframe_is_newer_than_no_bar_that_closed(market):
    """The forming bar contains t, or has just ended at t: nothing is finished before its time."""
    rows = seen_by(market, Settings())(world_of(market))["seen"].rows
    t_ms = (market.ts_ms + market.base_ms)[:, None]
    for name in ("ltf", "htf", "htf2"):
        bar, begun = rows[name]["bar"], rows[name]["begun"] != 0
        assert ((bar["open_ms"] < t_ms) & (t_ms <= bar["close_ms"]))[begun].all()


# ---------------------------------------------------------------- returns


def returns_known(like):
    """Hourly returns by the bar at whose close they are first said to be known, and that count."""

    def known(world):
        at_ms = world["close"].at_ms
        returns, counts = returns_and_hours(market_of(world, like))
        first_bar = np.searchsorted(counts, np.arange(1, len(returns) + 1))
        readable = first_bar < len(at_ms)
        return {
            "returns": Known(at_ms[first_bar[readable]], returns[readable]),
            "hours_known": Known(at_ms, counts),
        }

    return known


def test_no_hourly_return_that_is_known_changes_with_what_follows(two):
    function, world = returns_known(two), world_of(two)
    assert len(function(world)["returns"].rows) > 24 * 60
    assert sweep(function, world, cuts_of(two, seed=6), another_future(two)) is None


def test_no_hourly_return_changes_with_what_follows_once_the_last_instrument_has_joined(late):
    assert sweep(returns_known(late), world_of(late), cuts_of(late, seed=7), another_future(late)) is None


def test_an_hourly_return_is_known_at_the_end_of_its_hour_and_not_before(two):
    _, counts = returns_and_hours(two)
    at_ms = two.ts_ms + two.base_ms
    assert np.array_equal(at_ms[1:][np.diff(counts) > 0], at_ms[at_ms % HOUR_MS == 0])
    assert set(np.diff(counts)) == {0, 1}
