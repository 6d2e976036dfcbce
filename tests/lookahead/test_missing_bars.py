"""Bars that are missing or were put aside: the same at every moment, whatever comes after, whatever they hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lookahead.harness import BAR_COLUMNS, HOUR_MS, Known, other_future, same_bits, sweep
from lookahead.markets import compiled, market_of, without, world_of
from mastertrading.backtest.inputs import market_minutes
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import DAY_MS, MINUTE_MS, Bars, Market, Settlements
from mastertrading.domain.reasons import Module
from mastertrading.lake.quality import settlement_intervals
from mastertrading.lake.universe import CATALOGUE
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals import panel
from mastertrading.signals.panel import evaluate
from signal_markets import returns_and_hours

pytestmark = compiled

BARS, HOURS = 1500, 300
START_MS = 20_212 * DAY_MS + 11 * HOUR_MS + 20 * MINUTE_MS
LOUD = Settings(
    data={"worst_grade": "D"},
    signals={"carry": {"multiple": 0.2, "atr_max": 0.5}},
    allocation={"threshold": 0.02, "min_modules": 1},
    risk={"gates": {"htf_adx_min": 0.0, "throttle": {"low": 900, "middle": 900, "high": 900}}},
)
JOINS = 200
"""The second instrument's first bar; its primed hours end before it."""


def walk(rng, count, step):
    """Rows of a walk around 100: open, high, low, close, volume."""
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, step, count))), 3)
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.round(np.maximum(open_, close) + rng.exponential(0.05, count), 3)
    low = np.round(np.minimum(open_, close) - rng.exponential(0.05, count), 3)
    return open_, high, low, close, np.round(rng.exponential(50.0, count))


@pytest.fixture(scope="module")
def market():
    """Two instruments, hours before them, funding half a minute past the hour; the second joins later."""
    rng = np.random.default_rng(12)
    base = [walk(rng, BARS, 0.001) for _ in range(2)]
    first_hour = START_MS // HOUR_MS * HOUR_MS - HOURS * HOUR_MS
    hours = [
        Bars(first_hour + np.arange(count) * HOUR_MS, *walk(rng, count, 0.006))
        for count in (HOURS, HOURS + 3)
    ]
    due = START_MS // HOUR_MS * HOUR_MS + 30_000 + np.arange(-40, 5) * 8 * HOUR_MS
    paid = [
        Settlements(due, rng.normal(0.0, 3e-4, len(due)), np.full(len(due), 8 * HOUR_MS)) for _ in range(2)
    ]
    columns = {name: np.column_stack([rows[k] for rows in base]) for k, name in enumerate(BAR_COLUMNS)}
    valid = np.ones((BARS, 2), np.bool_)
    valid[:JOINS, 1] = False
    columns = {name: np.where(valid, rows, np.nan) for name, rows in columns.items()}
    names = [CATALOGUE["SOLUSDT"], CATALOGUE["LINKUSDT"]]
    return Market(
        instruments=tuple(Instrument(one.symbol, one.tick, one.lot, one.min_notional) for one in names),
        base_ms=MINUTE_MS,
        ts_ms=START_MS + np.arange(BARS) * MINUTE_MS,
        **columns,
        valid=valid,
        settlements=tuple(paid),
        primer=tuple(hours),
        data_id="made",
        grade="A",
        common_from_ms=START_MS + JOINS * MINUTE_MS,
    )


@pytest.fixture(scope="module")
def holed(market):
    """Some bars missing: by chance, the last of an hour, the first of an hour, a whole 5-minute bar."""
    gone = np.random.default_rng(3).random((BARS, 2)) < 0.02
    for minute in (39, 339, 400, 640, *range(700, 705)):  # bar 40 opens at noon
        gone[minute] = True
    gone[[0, JOINS, -1]] = False
    return without(market, gone)


def signals(like):
    rules = signal_rules(LOUD)

    def evaluated(world):
        market, at_ms = market_of(world, like), world["close"].at_ms
        verdicts, contexts = evaluate(market, rules, market_minutes(market, LOUD))
        modules = {module.name: Known(at_ms, verdicts[:, :, module]) for module in Module}
        return modules | {"context": Known(at_ms, contexts)}

    return evaluated


def test_signals_at_a_missing_bar_do_not_change_with_what_follows(holed):
    world = world_of(holed)
    closes = holed.ts_ms + MINUTE_MS
    missing = closes[(~holed.valid[:, 0]) & (closes < closes[-2])]
    cuts = sorted({int(ms) + step for ms in missing for step in (-MINUTE_MS, 0, MINUTE_MS)})
    assert len(cuts) >= 60
    assert sweep(signals(holed), world, cuts, other_future(0.001, missing=0.1)) is None


def test_signals_around_an_instruments_first_bar_do_not_change_with_what_follows(market):
    function, world = signals(market), world_of(market)
    out = function(world)
    assert not out["CARRY"].rows["forecast"][:JOINS, 1].any()
    assert out["CARRY"].rows["evaluated"][JOINS + 700, 1].bit_count() > 2
    closes = market.ts_ms + MINUTE_MS
    cuts = [*closes[: JOINS - 1 : 20], *closes[JOINS - 3 : JOINS + 3], *closes[JOINS + 57 : -1 : 60]]
    assert sweep(function, world, cuts, other_future(0.001, missing=0.1)) is None


def test_what_a_bar_that_was_put_aside_holds_does_not_matter(holed):
    """Neither to signals nor to returns nor to a run: its prices are never read."""
    garbage = {
        name: np.where(holed.valid, getattr(holed, name), value)
        for name, value in zip(BAR_COLUMNS, (1e9, 2e9, 1e-3, 5e8, 1e12), strict=True)
    }
    dirty, rules, minutes = replace(holed, **garbage), signal_rules(LOUD), market_minutes(holed, LOUD)
    for clean_rows, dirty_rows in (
        *zip(evaluate(holed, rules, minutes), evaluate(dirty, rules, minutes), strict=True),
        *zip(returns_and_hours(holed), returns_and_hours(dirty), strict=True),
        *zip(played(holed), played(dirty), strict=True),
    ):
        assert same_bits(clean_rows, dirty_rows)


def played(market, **asked):
    """Decisions, fills and equity of a run."""
    rows = []
    ask = Ask(all_paths=False, **asked)
    result = run(
        market, LOUD, ask, on_decisions=lambda t, verdicts, decisions, _: rows.append((t, decisions.copy()))
    )
    assert len(result.fills) > 4
    return np.concatenate([each[1] for each in rows]), result.fills, result.equity


# ---------------------------------------------------------------- funding


def test_a_rate_is_known_from_its_settlement_on_and_not_before(market):
    """A settlement half a minute into a bar changes verdicts from that bar's close on."""
    whole = signals(market)(world_of(market))["CARRY"].rows[:, 0]
    paid = market.settlements[0]
    place = int(np.flatnonzero(paid.ts_ms > START_MS + 13 * HOUR_MS)[0])
    rate = paid.rate.copy()
    rate[place] = -40.0 * rate[place]
    other = replace(market, settlements=(replace(paid, rate=rate), market.settlements[1]))
    changed = signals(other)(world_of(other))["CARRY"].rows[:, 0]
    differs = np.flatnonzero(whole["forecast"] != changed["forecast"])
    closes = market.ts_ms + MINUTE_MS
    assert differs[0] == np.searchsorted(closes, paid.ts_ms[place])
    assert closes[differs[0]] == paid.ts_ms[place] + 30_000


def test_no_verdict_around_a_settlement_changes_with_what_follows(market):
    world = world_of(market)
    inside = [int(ms) for ms in world["rate 0"].at_ms if market.ts_ms[1] < ms < market.ts_ms[-2]]
    cuts = sorted({ms + step for ms in inside for step in (-30_000, -1, 0, 1, 30_000, 90_000)})
    assert len(inside) >= 3
    assert sweep(signals(market), world, cuts, other_future(0.001)) is None


def test_a_settlement_that_signals_hear_of_a_minute_early_is_caught(market, monkeypatch):
    honest = panel._charges

    def early(market):
        charges = honest(market)
        charges["ts_ms"] -= MINUTE_MS
        return charges

    monkeypatch.setattr(panel, "_charges", early)
    inside = [int(ms) for ms in market.settlements[0].ts_ms if market.ts_ms[700] < ms < market.ts_ms[-2]]
    difference = sweep(signals(market), world_of(market), [ms - 1 for ms in inside], other_future(0.001))
    assert difference.output in ("CARRY", "SMC")


def test_no_funding_interval_changes_with_what_follows():
    """Also where the interval changes, and where settlements are missing."""
    lengths = np.tile(np.repeat([8, 4, 1, 8, 30, 2], 7), 3) * HOUR_MS
    at_ms = START_MS + np.cumsum(lengths)

    def intervals(world):
        due = world["rate"].at_ms
        return {"interval": Known(due, settlement_intervals(due))}

    def other(world, cut_ms, rng):
        past = world["rate"].until(cut_ms).at_ms
        later = past[-1] + np.cumsum(rng.choice([1, 2, 4, 8, 20], 20)) * HOUR_MS
        due = np.concatenate([past, later[later > cut_ms]])
        return {"rate": Known(due, np.zeros(len(due)))}

    world = {"rate": Known(at_ms, np.zeros(len(at_ms)))}
    cuts = [int(ms) + step for ms in at_ms[1:-1] for step in (-1, 0, 1)]
    assert sweep(intervals, world, cuts, other) is None


# ---------------------------------------------------------------- what is given to a run


def test_what_a_user_gives_a_run_acts_from_its_own_bar_on(holed):
    """Forecasts, regime and volatility of bar t change no decision before the close of bar t."""
    rng = np.random.default_rng(5)
    values = np.round(rng.normal(0.0, 0.5, (BARS, 2)).clip(-1.0, 1.0), 3)
    given = {
        "regime": np.ones((BARS, 2)),
        "volatility": np.full((BARS, 2), 0.009),
    }
    before = played(holed, forecasts=by_symbol(holed, values), **given)[0]
    moved = {"forecasts": by_symbol(holed, changed_from(values, 1000, -0.9)), **given}
    calmer = {**given, "regime": changed_from(given["regime"], 1000, 0.5)}
    wilder = {**given, "volatility": changed_from(given["volatility"], 1000, 0.02)}
    for asked in (moved, *({"forecasts": by_symbol(holed, values), **one} for one in (calmer, wilder))):
        after = played(holed, **asked)[0]
        place = 1000 - JOINS
        assert same_bits(before[:place], after[:place])
        assert not same_bits(before[place:], after[place:])


def by_symbol(market, values):
    return {symbol: (market.ts_ms, values[:, n]) for n, symbol in enumerate(market.symbols)}


def changed_from(values, bar, value):
    out = values.copy()
    out[bar:] = value
    return out
