"""Sleeping through quiet bars changes nothing: the loop equals the verbs called bar by bar, which never sleep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.backtest.lean import lean, prepare, run_lean
from mastertrading.backtest.run import Ask, run
from mastertrading.compiled import records
from mastertrading.domain.market import HOUR_MS, MINUTE_MS, Bars, Market, Settlements
from mastertrading.engine.book import ACCOUNT, OUTCOME, WATCH
from mastertrading.engine.rows import ticks
from mastertrading.engine.sleep import ALWAYS, first_stir
from mastertrading.lake.universe import CATALOGUE
from mastertrading.rules.allocation.weights import count_outcome
from mastertrading.settings.schema import Settings
from parity.scenes import made, stormy
from parity.whole import Scene, driven, prints, replayed

SYMBOLS = ("BTCUSDT", "SOLUSDT", "DOGEUSDT")
PRICES = (60_000.0, 145.0, 0.18)
BARS = 900
START_MS = 1_704_067_200_000 + 13 * HOUR_MS  # midnight lies inside


def walk(draw: np.random.Generator) -> Market:
    """A jumpy walk with holes, marks that are not the closes, and funding of both signs."""
    chosen = tuple(CATALOGUE[symbol] for symbol in SYMBOLS)
    ticks = np.array([float(instrument.tick) for instrument in chosen])
    steps = draw.normal(0.0, 0.0008, (BARS, 4, 3)) * draw.choice((1.0, 6.0), (BARS, 1, 3), p=(0.98, 0.02))
    way = np.exp(np.cumsum(steps.reshape(-1, 3), axis=0)).reshape(BARS, 4, 3) * PRICES
    px = np.round(way / ticks) * ticks
    opens = np.vstack([px[:1, 0], px[:-1, -1]])
    highs, lows = np.maximum(px.max(1), opens), np.minimum(px.min(1), opens)
    valid = draw.random((BARS, 3)) > 0.01
    closes = px[:, -1].copy()
    marks = np.round(closes * (1.0 + draw.normal(0.0, 0.0004, closes.shape)) / ticks) * ticks
    for panel in (opens, highs, lows, closes):
        panel[~valid] = np.nan
    hours = START_MS + HOUR_MS * np.arange(1, BARS // 60)
    paid = tuple(
        Settlements(hours, draw.normal(0.0, 0.0005, len(hours)), np.full(len(hours), HOUR_MS)) for _ in chosen
    )
    nothing, never = np.empty(0), np.empty(0, np.int64)
    return Market(
        instruments=chosen,
        base_ms=MINUTE_MS,
        ts_ms=START_MS + MINUTE_MS * np.arange(BARS),
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=np.ones(closes.shape),
        valid=valid,
        settlements=paid,
        primer=tuple(Bars(never, *[nothing] * 5) for _ in chosen),
        data_id="walk",
        grade="A",
        mark_close=marks,
    )  # fmt: skip


def alone(market: Market, torn: bool) -> Market:
    """The first instrument by itself; not ``torn``: without holes, and marked at its closes."""
    panels = {name: getattr(market, name)[:, :1].copy() for name in ("open", "high", "low", "close")}
    if not torn:
        rows = np.maximum.accumulate(np.where(market.valid[:, 0], np.arange(BARS), 0))
        rows = np.maximum(rows, np.argmax(market.valid[:, 0]))
        panels = {name: panel[rows] for name, panel in panels.items()}
    return replace(
        market,
        instruments=market.instruments[:1],
        volume=market.volume[:, :1].copy(),
        valid=market.valid[:, :1] if torn else np.ones((BARS, 1), np.bool_),
        settlements=market.settlements[:1],
        primer=market.primer[:1],
        mark_close=market.mark_close[:, :1].copy() if torn else None,
        **panels,
    )


def any_settings(draw: np.random.Generator) -> Settings:
    """Settings in which stops, trails, targets, partials, staleness, breakers and margin all happen often."""
    stop = draw.uniform(0.002, 0.01)
    steps = {"half_size": 0.002, "no_entries": 0.01, "flatten": draw.uniform(0.02, 0.2)}
    return Settings.model_validate(
        {
            "allocation": {
                "threshold": draw.choice((0.0, 0.2)),
                "min_modules": 1,
                "ttl_seconds": int(draw.choice((0, 60, 300, 1800))),
                "sessions": {"dead": {"start": 20, "end": 23, "score_floor": 0.8, "risk": 1.0}},
            },
            "risk": {
                "per_trade": draw.choice((0.003, 0.02, 0.05)),
                "volatility": {"wild_scale": 1.0},
                "stops": {"stop_base": stop, "stop_floor": stop, "stop_atr": 0.0,
                          "target_base": draw.uniform(0.5, 4.0) * stop, "target_atr": 0.0},
                "portfolio": {"max_instrument_exposure": draw.choice((1.0, 20.0)), "max_correlated_exposure": 40.0},
                "gates": {"htf_adx_min": 0.0, "max_leverage": draw.choice((3.0, 40.0)),
                          "throttle": {"low": 90, "middle": 90, "high": 90}},
                "breakers": {"enabled": bool(draw.random() < 0.7), "day": steps, "week": steps, "peak": steps,
                             "losses": {"half_size": 2, "no_entries": 4, "pause_hours": 1.5}},
            },
            "position": {
                "breakeven_r": draw.uniform(0.4, 1.5),
                "partial_r": draw.uniform(0.4, 1.5),
                "partial_fraction": draw.choice((0.0, 0.5)),
                "target_after_partial": str(draw.choice(("keep", "remove"))),
                "trail_from_r": draw.uniform(0.6, 2.5),
                "flip_min_minutes": draw.choice((0.0, 5.0)),
                "stale_hours": draw.uniform(0.3, 3.0),
                "exit_when_flat": bool(draw.random() < 0.2),
            },
            "account": {"leverage": 50.0, "transfers": [{"at": "2024-01-01T20:31Z", "amount": -2_000.0},
                                                        {"at": "2024-01-02T00:10Z", "amount": 4_000.0}]},
            "fills": {"through_ticks": int(draw.integers(0, 3))},
        }
    )  # fmt: skip


def sparse(draw: np.random.Generator, market: Market) -> dict:
    """A forecast now and then, so that there is much to sleep through."""
    said = {}
    for symbol in market.symbols:
        times = np.flatnonzero(draw.random(BARS) < draw.choice((0.005, 0.03)))
        said[symbol] = (
            market.ts_ms[times],
            draw.choice((-1.0, 1.0), len(times)) * draw.uniform(0.3, 1.0, len(times)),
        )
    return said


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.integers(0, 10_000))
def test_a_loop_that_sleeps_equals_verbs_that_never_do(seed):
    draw = np.random.default_rng(seed)
    market = walk(draw)
    scene = Scene(market, any_settings(draw), sparse(draw, market))
    assert prints(driven(scene)) == prints(replayed(scene))


@settings(deadline=None, max_examples=8, derandomize=True)
@given(st.integers(0, 10_000), st.booleans())
def test_so_does_one_of_a_lone_instrument_whose_bars_follow_on_one_another(seed, torn):
    draw = np.random.default_rng(seed)
    market = alone(walk(draw), torn)
    scene = Scene(market, any_settings(draw), sparse(draw, market))
    assert prints(driven(scene)) == prints(replayed(scene)) == prints(replayed(scene, chunk_bars=70))


def test_chunks_end_a_sleep_without_a_trace():
    draw = np.random.default_rng(11)
    market = walk(draw)
    scene = Scene(market, any_settings(draw), sparse(draw, market))
    whole = prints(replayed(scene))
    for length in (1, 7, 60, 250):
        assert prints(replayed(scene, chunk_bars=length)) == whole


@pytest.mark.parametrize("make", [made, stormy])
def test_a_lean_run_makes_the_trades_and_the_equity_of_a_whole_one(make):
    scene = make()
    ask = Ask(forecasts=scene.forecasts, all_paths=False)
    whole = run(scene.market, scene.settings, ask)
    streamed = run_lean(scene.market, scene.settings, ask)
    for one in (streamed, _prepared(scene, ask)):
        assert prints({"trades": one.trades}) == prints({"trades": whole.trades})
        assert prints({"events": one.events}) == prints({"events": whole.events})
        assert np.array_equal(one.equity, whole.equity["equity"])
        assert np.array_equal(one.t_ms, whole.equity["t_ms"])
        assert one.final_atoms == int(whole.account["balance"][0])


def _prepared(scene, ask):
    prepared = prepare(scene.market, scene.settings, ask)
    if scene.forecasts is None:
        return lean(prepared)
    dense = np.zeros(scene.market.close.shape)
    for i, symbol in enumerate(scene.market.symbols):
        times, said = scene.forecasts.get(symbol, (np.zeros(0, np.int64), np.zeros(0)))
        dense[np.searchsorted(scene.market.ts_ms, times), i] = said
    lean(prepared, dense)  # what one run leaves in the shared rooms is nothing to the next
    return lean(prepared, dense)


TICK = 0.01
FIELDS = ("open", "high", "low", "close", "mark")


def woken_at(sentry, good=(), loudest=None, **prices):
    """The bar of three in which ``first_stir`` wakes; all prices are 105 ticks, but for those of the second."""
    panels = {name: np.full((3, 1), 105 * TICK) for name in FIELDS}
    for name, px in prices.items():
        panels[name][1] = px * TICK
    quotes = *panels.values(), np.array(good, np.bool_).reshape(-1, 1), np.array([1.0 / TICK])
    said = np.zeros((3, 1)) if loudest is None else loudest
    return first_stir(sentry, quotes, said, 0, 0, 3)


def watching(low, high):
    sentry = records(WATCH, 1)[0]
    sentry.low_ticks, sentry.high_ticks = low, high
    return sentry


@pytest.mark.parametrize("field", ["low", "high", "mark"])
@pytest.mark.parametrize(("px", "wakes"), [(99, True), (100, True), (101, False), (109, False), (110, True)])
def test_a_price_that_leaves_what_is_watched_wakes_and_so_does_a_mark(field, px, wakes):
    leaves = {"low": px <= 100, "high": px >= 110, "mark": wakes}[field]
    assert woken_at(watching(100, 110), **{field: px}) == (1 if leaves else 3)


@pytest.mark.parametrize("sentry", [watching(100, 110), watching(-ALWAYS, ALWAYS)])
def test_a_missing_bar_and_a_verdict_wake_whatever_is_watched(sentry):
    assert woken_at(sentry) == 3
    assert woken_at(sentry, good=(True, True, False)) == 2
    assert woken_at(sentry, loudest=np.array([[0.0], [-0.1], [0.0]])) == 1


@pytest.mark.parametrize("left", [3, 60])
def test_the_extremes_of_the_bars_that_are_left_behind_are_known_without_another_look(left):
    draw = np.random.default_rng(5)
    highs, lows = (np.round(draw.uniform(101, 109, (80, 1))) * TICK for _ in range(2))
    said, flat = np.zeros((80, 1)), np.full((80, 1), 105 * TICK)
    said[left] = 1.0
    sentry, no_holes = watching(100, 110), np.zeros((0, 1), np.bool_)
    assert (
        first_stir(sentry, (flat, highs, lows, flat, flat, no_holes, np.array([1.0 / TICK])), said, 0, 2, 80)
        == left
    )
    assert (sentry.scanned_from, sentry.highest, sentry.lowest) == (
        2,
        highs[2:left].max(),
        lows[2:left].min(),
    )


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.floats(0.0, 1e6), st.sampled_from((0.1, 0.01, 0.0001, 0.00001)), st.integers(-2, 2))
def test_a_price_leaves_exactly_where_its_ticks_do(px, tick, beyond):
    per_tick = 1.0 / tick
    whole = int(ticks(px, per_tick))
    low, high = whole + beyond, whole + beyond
    quotes = *(np.full((1, 1), px) for _ in FIELDS), np.zeros((0, 1), np.bool_), np.array([per_tick])
    left = whole <= low or whole >= high
    assert left == (first_stir(watching(low, high), quotes, np.zeros((1, 1)), 0, 0, 1) == 0)
    for sentry, left in (
        (watching(low, ALWAYS - 1), whole <= low),
        (watching(1 - ALWAYS, high), whole >= high),
    ):
        assert left == (first_stir(sentry, quotes, np.zeros((1, 1)), 0, 0, 1) == 0)


def test_an_outcome_is_forgotten_as_written_and_not_only_as_compiled():
    account, outcome = records(ACCOUNT, 1)[0], records(OUTCOME, 1)[0]
    account.wins[0], account.trials[0], outcome.modules, outcome.win = 3, 5, 1, 1
    getattr(count_outcome, "py_func", count_outcome)(account, outcome, -1, 1)
    assert (int(account.wins[0]), int(account.trials[0])) == (2, 4)
