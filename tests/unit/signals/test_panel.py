"""The fold: chunks, single steps, missing bars, views, priming and the order of time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mastertrading.compiled import records
from mastertrading.domain.errors import DataError
from mastertrading.domain.market import HOUR_MS, Settlements
from mastertrading.domain.reasons import CarryGate, MeanReversionGate, Module, SmcGate, TrendGate
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.desk import DESK, VERDICTS, init, prime, settle, step
from mastertrading.signals.panel import Panel, chunk_bars, evaluate, primer_bars
from mastertrading.signals.rows import CONTEXT
from signal_markets import (
    COLUMNS,
    EIGHT_HOURS_MS,
    cut,
    recorded_market,
    session_minutes,
    walk_market,
    without,
)

ROOT = Path(__file__).resolve().parents[3]
EVERY_VIEW = {name: {"views": {"ltf": name, "htf": name, "htf2": name}} for name in ("forming", "closed")}


def rules_with(**data):
    return signal_rules(Settings.model_validate({"data": data}))


def fingerprint(rows) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()


# ------------------------------------------------------------------ one function, three ways to call it


def test_every_module_fires_on_the_made_market(walk, rules):
    market, minutes = walk
    forecast = evaluate(market, rules, minutes)[0].forecast
    assert (np.count_nonzero(forecast > 0, axis=(0, 1)) > 0).all()
    assert (np.count_nonzero(forecast < 0, axis=(0, 1)) > 0).all()


@pytest.mark.parametrize("sizes", [(1, 2, 3, 997), (60,), (2499, 1)])
def test_chunks_give_the_same_bytes_as_the_whole(walk, rules, sizes):
    market, minutes = walk
    verdicts, contexts = evaluate(market, rules, minutes)
    panel, parts, done = Panel(market, rules, minutes), [], 0
    while done < len(market.ts_ms):
        stop = min(len(market.ts_ms), done + sizes[len(parts) % len(sizes)])
        parts.append(panel.evaluate_chunk(done, stop))
        done = stop
    assert fingerprint(np.concatenate([v for v, _ in parts])) == fingerprint(verdicts)
    assert fingerprint(np.concatenate([c for _, c in parts])) == fingerprint(contexts)


def test_stepping_bar_by_bar_gives_the_same_bytes_as_the_fold(walk, rules):
    market, minutes = walk
    verdicts, contexts = evaluate(market, rules, minutes)
    for n in range(len(market.instruments)):
        desk, bars, paid = (
            records(DESK, 1)[0],
            chunk_bars(market, 0, len(minutes))[:, n],
            market.settlements[n],
        )
        row, context, used = records(VERDICTS, 1), records(CONTEXT, 1), 0
        init(desk)
        prime(desk, rules[0], primer_bars(market, n))
        for t, minute in enumerate(minutes):
            while used < len(paid.ts_ms) and paid.ts_ms[used] <= minute.t_ms:
                settle(desk, rules[0], paid.ts_ms[used], paid.rate[used], paid.interval_ms[used])
                used += 1
            step(desk, rules[0], bars[t], minute, row[0], context[0])
            assert row.tobytes() == np.ascontiguousarray(verdicts[t, n]).tobytes()
            assert context.tobytes() == np.ascontiguousarray(contexts[t, n]).tobytes()


def test_the_interpreted_fold_gives_the_same_bytes_as_the_compiled_one(rules):
    script = (
        "import sys, hashlib\n"
        "from signal_markets import walk_market, session_minutes\n"
        "from mastertrading.settings.schema import Settings\n"
        "from mastertrading.settings.signal_rules import signal_rules\n"
        "from mastertrading.signals.panel import evaluate\n"
        "market = walk_market(minutes=1100, count=1)\n"
        "found = evaluate(market, signal_rules(Settings()), session_minutes(market))\n"
        "print(*(hashlib.sha256(rows.tobytes()).hexdigest() for rows in found))\n"
    )
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    market = walk_market(minutes=1100, count=1)
    verdicts, contexts = evaluate(market, rules, session_minutes(market))
    assert np.count_nonzero(verdicts.forecast) > 0
    assert run.stdout.split() == [fingerprint(verdicts), fingerprint(contexts)]


def test_chunks_out_of_order_are_refused(walk, rules):
    market, minutes = walk
    panel = Panel(market, rules, minutes)
    panel.evaluate_chunk(0, 10)
    with pytest.raises(DataError, match="cannot be evaluated now"):
        panel.evaluate_chunk(11, 20)


def test_minutes_of_another_market_are_refused(walk, rules):
    market, minutes = walk
    with pytest.raises(DataError, match="minutes are not those"):
        Panel(cut(market, 1, 100), rules, minutes[:99])


def test_base_bars_longer_than_signal_bars_are_refused(walk, rules):
    market, _ = walk
    coarse = replace(market, base_ms=2 * 60_000)
    with pytest.raises(DataError, match="do not fit"):
        Panel(coarse, rules, session_minutes(coarse))


# ------------------------------------------------------------------ nothing sees the future


@pytest.mark.parametrize("views", EVERY_VIEW)
def test_what_comes_after_a_minute_changes_nothing_at_it(walk, views):
    market, minutes = walk
    rules = rules_with(**EVERY_VIEW[views])
    verdicts, contexts = evaluate(market, rules, minutes)
    rng = np.random.default_rng(11)
    for stop in rng.integers(650, 2490, 12).tolist():
        noise = {name: getattr(market, name).copy() for name in COLUMNS}
        for values in noise.values():
            values[stop:] *= np.exp(rng.normal(0.0, 0.2, values[stop:].shape))
        other, seen = evaluate(replace(market, **noise), rules, minutes)
        assert fingerprint(other[:stop]) == fingerprint(verdicts[:stop])
        assert fingerprint(seen[:stop]) == fingerprint(contexts[:stop])
        assert fingerprint(other[stop:]) != fingerprint(verdicts[stop:])


def test_a_settlement_is_known_to_the_minute_that_closes_with_it_and_not_before(walk, rules):
    market, minutes = walk
    at = 1500
    extreme = Settlements(np.array([minutes[at].t_ms]), np.array([0.01]), np.array([EIGHT_HOURS_MS]))
    none = Settlements(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
    market = replace(market, valid=np.ones_like(market.valid), settlements=(extreme, none))
    market = replace(market, **{name: np.nan_to_num(getattr(market, name), nan=100.0) for name in COLUMNS})
    verdicts, _ = evaluate(market, rules, minutes)
    carry = verdicts[:, 0, Module.CARRY]
    assert carry.refusal[at - 1] == CarryGate.FUNDING_KNOWN
    assert carry.refusal[at] != CarryGate.FUNDING_KNOWN


# ------------------------------------------------------------------ missing bars


def test_a_missing_bar_gives_no_signal_and_says_so(walk, rules):
    market, minutes = walk
    verdicts, _ = evaluate(market, rules, minutes)
    missing = verdicts[~market.valid]
    assert len(missing) > 20
    assert (missing.forecast == 0).all()
    named = (TrendGate.VALID_BAR, MeanReversionGate.VALID_BAR, CarryGate.VALID_BAR, SmcGate.DATA)
    assert (missing.refusal == np.array(named)).all()
    assert (missing.evaluated == 1).all()


def test_prices_of_a_bar_that_is_not_valid_are_never_read(walk, rules):
    market, minutes = walk
    poisoned = replace(market, **{n: np.where(market.valid, getattr(market, n), 1e9) for n in COLUMNS})
    assert fingerprint(evaluate(poisoned, rules, minutes)[0]) == fingerprint(
        evaluate(market, rules, minutes)[0]
    )


def test_an_instrument_that_begins_late_is_as_one_that_begins_then(rules):
    market = walk_market(minutes=1500, count=1, primed_hours=0)
    late = without(market, np.arange(1500)[:, None] < 300)
    alone = cut(market, 300, 1500)
    ours, _ = evaluate(late, rules, session_minutes(late))
    theirs, _ = evaluate(alone, rules, session_minutes(alone))
    assert fingerprint(ours[300:]) == fingerprint(theirs)


# ------------------------------------------------------------------ priming and views


def first_minute(verdicts, module) -> int:
    gate = SmcGate.DATA if module == Module.SMC else TrendGate.WARM_UP
    ready = verdicts[:, 0, module].passed & (1 << (gate - 1)) != 0
    return int(np.argmax(ready)) if ready.any() else -1


def test_modules_wait_for_the_timeframes_they_read(walk, rules):
    market, minutes = walk
    verdicts, _ = evaluate(market, rules, minutes)
    # 120 finished LTF bars from the first minute (10:35 is on their grid): the 600th minute closes the last
    assert {first_minute(verdicts, module) for module in Module} == {599}
    unprimed, contexts = evaluate(market, rules_with(prime=False), minutes)
    assert first_minute(unprimed, Module.TREND) == -1
    assert np.isnan(contexts.htf_adx).all()


def test_primed_hours_that_do_not_reach_the_base_are_forgotten(walk, rules):
    market, minutes = walk
    primer = market.primer[0]
    short = tuple(
        replace(p, **{name: getattr(p, name)[:-1] for name in ("ts_ms", *COLUMNS)}) for p in market.primer
    )
    verdicts, contexts = evaluate(replace(market, primer=short), rules, minutes)
    unprimed, _ = evaluate(market, rules_with(prime=False), minutes)
    assert len(primer) == 300
    assert fingerprint(verdicts) == fingerprint(unprimed)
    assert np.isnan(contexts.atr_frac).all()


def test_only_the_unbroken_run_of_hours_primes(walk):
    market, _ = walk
    whole = market.primer[0]
    broken = replace(whole, **{name: np.delete(getattr(whole, name), 100) for name in ("ts_ms", *COLUMNS)})
    bars = primer_bars(replace(market, primer=(broken, market.primer[1])), 0)
    assert len(bars) == 199
    assert bars.open_ms[0] == whole.ts_ms[101]


def test_hours_that_close_after_the_base_begins_do_not_prime(walk):
    market, _ = walk
    last = market.primer[0].ts_ms[-1]
    assert primer_bars(market, 0).open_ms[-1] == last
    early = replace(market, ts_ms=market.ts_ms - 40 * 60_000)
    assert primer_bars(early, 0).close_ms[-1] == last


def test_a_four_hour_bar_is_primed_from_all_four_hours_only(walk, rules):
    market, _ = walk
    bars = primer_bars(market, 0)
    for skip in range(4):
        desk = records(DESK, 1)[0]
        init(desk)
        prime(desk, rules[0], bars[skip:])
        assert desk.htf.bars == 300 - skip
        assert desk.htf2.bars == (300 - skip) // 4 if skip == 0 else (300 - 4) // 4
        finished = bars[:300].reshape(-1, 4)[:, 3].close[-1]
        assert desk.htf2.finished.close == finished


def test_the_closed_view_moves_only_where_a_bar_finishes(walk):
    market, minutes = walk
    verdicts, contexts = evaluate(market, rules_with(**EVERY_VIEW["closed"]), minutes)
    changed = np.flatnonzero(np.diff(contexts.htf_adx[700:, 0]) != 0) + 701
    assert len(changed) > 5
    assert (minutes.t_ms[changed] % HOUR_MS == 0).all()
    trend = verdicts[700:, 0, Module.TREND].forecast
    moved = (np.flatnonzero(np.diff(trend) != 0) + 701).tolist()
    steady = market.valid[:, 0]
    assert len(moved) > 5
    assert all(minutes.t_ms[t] % 300_000 == 0 for t in moved if steady[t] and steady[t - 1])


def test_forming_and_closed_views_agree_in_the_minute_that_closes_every_bar(walk):
    market, minutes = walk
    forming, _ = evaluate(market, rules_with(**EVERY_VIEW["forming"]), minutes)
    closed, _ = evaluate(market, rules_with(**EVERY_VIEW["closed"]), minutes)
    closing = minutes.t_ms % (4 * HOUR_MS) == 0
    assert closing.sum() >= 10
    assert fingerprint(forming[closing]) == fingerprint(closed[closing])
    assert fingerprint(forming) != fingerprint(closed)


def test_atr_frac_is_of_the_last_closed_hour_whatever_the_view(walk):
    market, minutes = walk
    _, forming = evaluate(market, rules_with(**EVERY_VIEW["forming"]), minutes)
    _, closed = evaluate(market, rules_with(**EVERY_VIEW["closed"]), minutes)
    assert np.array_equal(forming.atr_frac, closed.atr_frac, equal_nan=True)
    assert not np.array_equal(forming.htf_adx, closed.htf_adx, equal_nan=True)


# ------------------------------------------------------------------ mirror


def test_the_mirrored_market_gets_the_mirrored_forecasts(walk):
    """Prices and funding negated; what measures a fraction of the price (and so has no mirror) is switched off."""
    settings = {
        "trend": {"bounce": 1e9, "gap_factor": 0.0},
        "meanrev": {"bounce": 1e9},
        "carry": {"vol_penalty": 0.0},
    }
    rules = signal_rules(Settings.model_validate({"signals": settings}))
    market, minutes = walk
    ours, _ = evaluate(market, rules, minutes)
    theirs, _ = evaluate(_negated(market), rules, minutes)
    assert (np.count_nonzero(ours.forecast > 0, axis=(0, 1)) > 0).all()
    assert (np.count_nonzero(ours.forecast < 0, axis=(0, 1)) > 0).all()
    assert np.array_equal(ours.forecast, -theirs.forecast)
    for name in ("evaluated", "passed", "refusal", "confluence", "unknown"):
        assert np.array_equal(ours[name], theirs[name]), name


def _negated(market):
    turned = {"open": -market.open, "high": -market.low, "low": -market.high, "close": -market.close}
    primer = tuple(replace(p, open=-p.open, high=-p.low, low=-p.high, close=-p.close) for p in market.primer)
    settlements = tuple(replace(s, rate=-s.rate) for s in market.settlements)
    return replace(market, **turned, primer=primer, settlements=settlements)


# ------------------------------------------------------------------ fire rates


@pytest.mark.usefixtures("recorded")
def test_modules_fire_on_recorded_bars_at_the_usual_rates(rules):
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "LINKUSDT")
    start, lead, count = 1_746_815_700_000, 22_560, 13_259
    market = recorded_market(symbols, start, lead + count)
    verdicts, _ = evaluate(market, rules, session_minutes(market))
    rates = 100 * np.count_nonzero(verdicts.forecast[lead:], axis=(0, 1)) / (count * len(symbols))
    for rate, (low, high) in zip(rates, ((14, 20), (4, 8), (1, 4), (2, 4)), strict=True):
        assert low < rate < high, rates
