"""The allocator and its limits: no size above any of them, and a narrower setting only tightens (audit 2, 8, 14)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mastertrading.compiled import records
from mastertrading.domain.market import DAY_MS, HOUR_MS
from mastertrading.domain.reasons import Gate
from mastertrading.engine.book import DECISION, ROW, STOP_MOVE, open_book
from mastertrading.engine.cycle import decide
from mastertrading.engine.deciding import fit
from mastertrading.lake.universe import CATALOGUE
from mastertrading.rules.risk.exposure import bounds_of
from mastertrading.rules.risk.sizing import whole_lots
from mastertrading.settings.records import rules_record, spec_records
from mastertrading.settings.schema import MODULES, Settings
from mastertrading.signals.rows import MINUTE, VERDICT

MODEST = settings(deadline=None, max_examples=100)
SYMBOLS = ("ETHUSDT", "BTCUSDT", "SOLUSDT")
PX = (250_000, 1_000_000, 150_000)
NOON = 20_234 * DAY_MS + 12 * HOUR_MS
SEEDS = st.integers(0, 2**32 - 1)


class Case(NamedTuple):
    """Everything that one decision depends on; instrument 0 is flat and wants to enter."""

    rules: np.ndarray
    specs: np.ndarray
    equity: int
    held: tuple[int, ...]
    forecasts: tuple[float, ...]
    returns: np.ndarray
    session_risk: float
    regime: float
    volatility: float


def _case(seed, **changes):
    draw = np.random.default_rng(seed)
    rules = rules_record(Settings(), MODULES)
    specs = spec_records(Settings(), [CATALOGUE[symbol] for symbol in SYMBOLS])
    limits = rules[0].portfolio
    limits.max_instrument, limits.max_leverage = draw.uniform(0.05, 1.5), draw.uniform(0.2, 4.0)
    limits.max_correlated, limits.account_leverage = draw.uniform(0.2, 3.0), draw.uniform(1.0, 10.0)
    limits.max_var = draw.choice((0.02, 0.06, 1.0))
    rules[0].sizing.per_trade, specs[0].risk_cap = (
        draw.uniform(0.0005, 0.05),
        draw.choice((0.0015, 0.01, 1.0)),
    )
    equity = int(10 ** draw.uniform(11, 15))
    held = [0]
    for i in (1, 2):
        room = equity * draw.uniform(-1.0, 1.0) * draw.integers(0, 2)
        held.append(int(room / (PX[i] * int(specs[i].atoms))))
    side = draw.choice((-1.0, 1.0))
    said = side * draw.uniform(0.3, 1.0, 4) * (draw.random(4) < 0.8)
    returns = draw.normal(0, 0.004, (100, 1)) + draw.normal(0, 0.003, (100, 3))
    free = {
        "session_risk": draw.choice((0.7, 1.0)),
        "regime": draw.choice((0.7, 1.0)),
        "volatility": draw.uniform(0.002, 0.02),
    }
    return Case(rules, specs, equity, tuple(held), tuple(said), returns, **free)._replace(**changes)


def _decide(case):
    """Ask the engine once; returns (decision of instrument 0, its order, the book)."""
    book = open_book(case.rules, len(SYMBOLS), case.equity)
    account, rows = book.account[0], records(ROW, (1, len(SYMBOLS)))
    for i, lots in enumerate(case.held):
        book.positions[i].lots, book.positions[i].mark_ticks = lots, PX[i]
        book.positions[i].entry_ticks, book.positions[i].r_ticks = PX[i], PX[i] // 100
        book.positions[i].opened_ms = NOON  # too young to be closed in this bar
        account.exposure += abs(lots) * PX[i] * int(case.specs[i].atoms)
        rows[0, i].close = rows[0, i].mark = PX[i]
    rows["valid"], rows["htf_adx"], rows["volatility"] = 1, 22.0, case.volatility
    rows["regime"], rows["spread"] = case.regime, math.nan
    minutes, verdicts = records(MINUTE, 1), records(VERDICT, (1, len(SYMBOLS), len(case.forecasts)))
    minutes["hours"] = len(case.returns)
    minutes["t_ms"], minutes["session_risk"], minutes["session_floor"] = NOON, case.session_risk, 55
    verdicts["forecast"][0, 0] = case.forecasts
    room = book.urgency, book.exposures, book.worst
    thinking = account, book.positions, book.orders, book.memory, book.latest, book.watches, room
    market, stops = (case.returns, bounds_of(case.returns)), records(STOP_MOVE, 64)
    decide(thinking, market, case.rules[0], case.specs, (rows, minutes, verdicts), (0, NOON), stops)
    return book.latest[0], book.orders[0], book


def _size(case):
    return abs(int(_decide(case)[1].entry_lots))


# ------------------------------------------------------------------ no size above any limit


@MODEST
@given(SEEDS)
def test_no_entry_is_larger_than_any_of_its_limits(seed):
    case = _case(seed)
    decision, order, book = _decide(case)
    lots, equity, spec = abs(int(order.entry_lots)), case.equity, case.specs[0]
    if lots == 0:
        assert decision.refusal != 0
        return
    limits, value = case.rules[0].portfolio, lots * int(spec.atoms)
    at_risk, notional = abs(PX[0] - int(order.entry_stop_ticks)) * value, PX[0] * value
    assert at_risk <= math.ceil(Fraction(float(case.rules[0].sizing.per_trade)) * equity)
    assert at_risk <= math.ceil(Fraction(float(spec.risk_cap)) * equity)
    others = int(book.account[0].exposure)
    for used, limit in (
        (notional, limits.max_instrument),
        (notional + others, limits.max_leverage),
        (notional + others, limits.account_leverage),
        (equity * _correlated(case, order, notional), limits.max_correlated),
    ):
        assert used <= Fraction(float(limit)) * equity * (1 + Fraction(1, 10**12))
    assert lots >= int(spec.min_lots)
    assert notional >= int(spec.min_notional_atoms)


def _correlated(case, order, notional):
    """√(wᵀCw) with the new entry, by NumPy."""
    w = [lots * PX[i] * int(case.specs[i].atoms) / case.equity for i, lots in enumerate(case.held)]
    w[0] = math.copysign(notional / case.equity, int(order.entry_lots))
    matrix = 0.8 * np.corrcoef(case.returns.T) + 0.2
    return Fraction(math.sqrt(np.array(w) @ matrix @ np.array(w)))


@MODEST
@given(SEEDS)
def test_a_size_only_shrinks_from_limit_to_limit(seed):
    decision = _decide(_case(seed))[0]
    steps = [float(decision[f"{name}_lots"]) for name in ("risk", "instrument", "leverage", "correlated")]
    asked = [step for step in steps if step > 0.0]
    assert asked == sorted(asked, reverse=True)
    assert decision.risk_frac <= decision.budget_frac or decision.risk_frac == 0.0


# ------------------------------------------------------------------ a narrower setting only tightens


def _scaled(group, name, factor):
    def narrow(case, amount):
        rules = case.rules.copy().view(np.recarray)
        record = rules[0][group] if group else rules[0]
        record[name] = record[name] * (factor(amount))
        return case._replace(rules=rules)

    return narrow


def _less(amount):
    return amount


def _more(amount):
    return 1.0 + amount


def _cap(case, amount):
    specs = case.specs.copy().view(np.recarray)
    specs[0].risk_cap = specs[0].risk_cap * amount
    return case._replace(specs=specs)


def _larger_minimum(case, amount):
    specs = case.specs.copy().view(np.recarray)
    specs[0].min_lots, specs[0].min_notional_atoms = 1 + int(1000 * amount), int(1e12 * amount)
    return case._replace(specs=specs)


NARROWER = {
    "risk per trade": _scaled("sizing", "per_trade", _less),
    "instrument cap": _cap,
    "instrument exposure": _scaled("portfolio", "max_instrument", _less),
    "leverage": _scaled("portfolio", "max_leverage", _less),
    "correlated exposure": _scaled("portfolio", "max_correlated", _less),
    "value at risk": _scaled("portfolio", "max_var", _less),
    "margin": _scaled("portfolio", "account_leverage", _less),
    "net threshold": _scaled("allocation", "threshold", _more),
    "share at threshold": _scaled("sizing", "at_threshold", _less),
    "wild scale": _scaled("sizing", "wild_scale", _less),
    "long multiplier": _scaled("allocation", "long_multiplier", _less),
    "smallest equity": _scaled("gates", "min_equity_atoms", lambda amount: int(1000 * amount) + 1),
    "venue minimum": _larger_minimum,
    "session": lambda case, amount: case._replace(session_risk=case.session_risk * amount),
    "regime": lambda case, amount: case._replace(regime=case.regime * amount),
}


@pytest.mark.parametrize("what", sorted(NARROWER))
@settings(deadline=None, max_examples=40)
@given(SEEDS, st.floats(0.0, 1.0))
def test_a_narrower_setting_never_gives_a_larger_size(what, seed, amount):
    case = _case(seed)
    assert _size(NARROWER[what](case, amount)) <= _size(case)


@MODEST
@given(SEEDS, st.floats(0.0, 0.05))
@example(
    110, 1 / 128
)  # held beyond its value at risk: a small hedge was allowed where a larger one was refused
def test_an_instrument_cap_never_raises_a_size(seed, cap):
    case = _case(seed)
    free, capped = case.specs.copy().view(np.recarray), case.specs.copy().view(np.recarray)
    free[0].risk_cap, capped[0].risk_cap = 1.0, cap
    assert _size(case._replace(specs=capped)) <= _size(case._replace(specs=free))


# ------------------------------------------------------------------ how many modules, and which


@MODEST
@given(SEEDS, st.integers(0, 3), st.floats(-1.0, 1.0))
def test_one_module_alone_never_enters(seed, m, forecast):
    said = [0.0] * 4
    said[m] = forecast
    case = _case(seed, forecasts=tuple(said))
    case.rules[0].allocation.threshold = 0.0
    decision, order, _ = _decide(case)
    assert order.entry_lots == 0
    assert decision.refusal in (Gate.FLAT, Gate.MIN_MODULES)


@MODEST
@given(SEEDS, st.integers(1, 4))
def test_an_entry_has_as_many_modules_on_its_side_as_the_settings_ask(seed, least):
    draw = np.random.default_rng(seed)
    case = _case(seed, forecasts=tuple(draw.uniform(-1.0, 1.0, 4) * (draw.random(4) < 0.9)))
    case.rules[0].allocation.min_modules, case.rules[0].allocation.threshold = least, 0.01
    decision, order, _ = _decide(case)
    if order.entry_lots != 0:
        side = 1.0 if order.entry_lots > 0 else -1.0
        assert sum(side * said > 0.0 for said in case.forecasts) >= least
        assert math.copysign(1.0, decision.net) == side


@settings(deadline=None, max_examples=60)
@given(st.permutations((0.4, 0.3, 0.2, 0.1)), st.integers(1, 4))
def test_the_gradual_mode_takes_the_first_modules_by_weight(weights, k):
    chosen = Settings.model_validate(
        {"allocation": {"weights": dict(zip(MODULES, weights, strict=True)), "gradual_modules": k}}
    )
    mask = int(spec_records(chosen, [CATALOGUE["ETHUSDT"]])[0].modules)
    assert {weights[m] for m in range(4) if mask >> m & 1} == set(sorted(weights, reverse=True)[:k])


@MODEST
@given(SEEDS, st.integers(0, 15))
def test_a_module_that_may_not_vote_here_changes_nothing(seed, mask):
    case = _case(seed)
    case.specs[0].modules = mask
    silenced = tuple(said if mask >> m & 1 else 0.0 for m, said in enumerate(case.forecasts))
    assert _decide(case)[0].tobytes() == _decide(case._replace(forecasts=silenced))[0].tobytes()


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.one_of(st.floats(-2.0, 3.0), st.floats(-4e-9, 4e-9).map(lambda off: 1.0 + off)),
)
def test_a_size_is_cut_to_its_limit_as_if_it_were_always_divided(lots, lot_atoms, share):
    decision, room = records(DECISION, 1)[0], share * lots * lot_atoms
    cut = fit(decision, int(Gate.LEVERAGE), lots, room, float(lot_atoms))
    assert cut == min(lots, whole_lots(room, float(lot_atoms)))
    assert (decision.refusal == 0) == (cut > 0)
