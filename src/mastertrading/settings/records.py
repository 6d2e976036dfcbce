"""The settings as the records that kernels read. Every unit conversion of a setting stands here, once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.errors import ConfigError
from mastertrading.domain.instrument import ATOMS_PER_UNIT, RATE_UNIT, Instrument, MarginTier
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, Records
from mastertrading.domain.reasons import IntrabarPath, Module
from mastertrading.engine.params import MAX_MODULES, MAX_TIERS, RULES, SPEC
from mastertrading.rules.allocation.sessions import SESSIONS
from mastertrading.settings.schema import MODULES, Risk, Settings, Steps

SESSION_NAMES = ("overlap", "london", "ny", "dead", "asia")
"""Sessions by index; of two that apply in an hour, the earlier here wins."""

UNCAPPED = 1.0


def rate_e8(fraction: float) -> int:
    """A fraction of money in whole 1e-8."""
    return round(fraction * RATE_UNIT)


def atoms(amount: float) -> int:
    """An amount of quote currency in atoms."""
    return round(Decimal(repr(float(amount))) * ATOMS_PER_UNIT)


def rules_record(settings: Settings, modules: Sequence[str] = MODULES) -> Records:
    """One RULES record, in an array.

    Parameters
    ----------
    modules
        Names of the forecast columns. A name that the settings do not weigh has weight 1 (a user's own forecasts).
    """
    rules = records(RULES, 1)
    rule = np.asarray(rules).view(RULES)[0]  # fields of plain arrays are found faster than those of records
    _costs(rule["costs"], settings)
    _allocation(rule["allocation"], settings, modules)
    _set(
        rule["dynamic"],
        window_ms=settings.allocation.dynamic.window_days * DAY_MS,
        **settings.allocation.dynamic.model_dump(exclude={"window_days"}),
    )
    _sizing(rule["sizing"], settings)
    _set(rule["kelly"], **vars(settings.risk.kelly))
    _portfolio(rule["portfolio"], settings)
    _gates(rule["gates"], settings)
    _breakers(rule["breakers"], settings)
    _exits(rule["exits"], settings)
    return rules


def spec_records(
    settings: Settings, instruments: Sequence[Instrument], modules: Sequence[str] = MODULES
) -> Records:
    """One SPEC record for each instrument: its contract, its caps and what may vote on it."""
    specs = records(SPEC, len(instruments))
    plain = np.asarray(specs)
    for i, instrument in enumerate(instruments):
        plain[i] = _contract(instrument)
    plain["modules"], plain["risk_cap"] = _module_mask(settings, None, modules), UNCAPPED
    plain["longs"] = plain["shorts"] = 1
    for spec, instrument in zip(plain, instruments, strict=True) if settings.instruments else ():
        own = settings.instruments.get(instrument.symbol)
        if own is not None:
            spec["modules"] = _module_mask(settings, own.modules, modules)
            spec["longs"], spec["shorts"] = own.directions != "short_only", own.directions != "long_only"
            tier = UNCAPPED if own.tier is None else settings.risk.tiers[own.tier]
            spec["risk_cap"] = min(UNCAPPED if own.risk_cap is None else own.risk_cap, tier)
    return specs


@lru_cache(maxsize=256)
def _contract(instrument: Instrument) -> Any:
    """One SPEC record with what the contract says, and nothing of what is allowed on it."""
    spec = np.asarray(records(SPEC, 1))[0]
    spec.atoms = instrument.atoms_per_tick_lot
    spec.min_lots = instrument.min_lots
    spec.min_notional_atoms = int(instrument.min_notional * ATOMS_PER_UNIT)
    _tiers(spec, instrument)
    return spec


def reads_context(settings: Settings) -> bool:
    """Whether any rule reads what the signals know of the market (HTF ADX, ATR%)."""
    gates, risk = settings.risk.gates, settings.risk
    throttle = gates.throttle
    return (
        gates.htf_adx_min > 0.0
        or reads_volatility(risk)
        or not throttle.low == throttle.middle == throttle.high
    )


def reads_volatility(risk: Risk) -> bool:
    """Whether sizes or distances depend on volatility; otherwise it may be unknown."""
    return risk.volatility.wild_scale < 1.0 or risk.stops.stop_atr > 0.0 or risk.stops.target_atr > 0.0


def session_records(settings: Settings) -> Records:
    """One SESSIONS record, in an array: each hour's session, with overlaps decided."""
    sessions = records(SESSIONS, 1)
    record = np.asarray(sessions).view(SESSIONS)[0]
    taken: list[int | None] = [None] * 24
    for index, name in enumerate(SESSION_NAMES):
        session = getattr(settings.allocation.sessions, name)
        record["risk"][index] = session.risk
        record["floor_hundredths"][index] = round(session.score_floor * 100)
        hours = (session.end - session.start) % 24 or (24 if session.end != session.start else 0)
        for step in range(hours):
            hour = (session.start + step) % 24
            taken[hour] = index if taken[hour] is None else taken[hour]
    if None in taken:
        raise ConfigError(
            f"no session covers {taken.index(None):02d}:00 UTC",
            why="every hour needs a score floor and a risk multiplier",
            where="[allocation.sessions]",
        )
    record["by_hour"] = taken
    return sessions


def _set(record: Any, **values: Any) -> None:
    for name, value in values.items():
        record[name] = value


def _costs(record: Any, settings: Settings) -> None:
    costs, fills = settings.costs, settings.fills
    _set(
        record,
        taker_e8=rate_e8(costs.taker_fee),
        maker_e8=rate_e8(costs.maker_fee),
        liquidation_e8=rate_e8(costs.liquidation_fee),
        slippage_e8=rate_e8(costs.slippage),
        through_ticks=fills.through_ticks,
        path=IntrabarPath[fills.path.upper()],
    )


def _allocation(record: Any, settings: Settings, modules: Sequence[str]) -> None:
    if len(modules) > MAX_MODULES:
        raise ConfigError(f"{len(modules)} forecast columns, but at most {MAX_MODULES} fit")
    allocation = settings.allocation
    record["weights"][: len(modules)] = [_weight(settings, name) for name in modules]
    floor_mask = sum(1 << m for m, name in enumerate(modules) if name in allocation.sessions.floor_applies_to)
    _set(
        record,
        modules=len(modules),
        threshold=allocation.threshold,
        long_multiplier=allocation.long_multiplier,
        confluence_multiplier=allocation.confluence_multiplier,
        alone_multiplier=allocation.alone_multiplier,
        ttl_ms=allocation.ttl_seconds * 1000,
        min_modules=min(allocation.min_modules, len(modules)),
        count_any=allocation.count == "any",
        floor_mask=floor_mask & ~(1 << Module.SMC),
        meanrev_column=list(modules).index("meanrev") if "meanrev" in modules else -1,
    )


def _weight(settings: Settings, name: str) -> float:
    return float(getattr(settings.allocation.weights, name)) if name in MODULES else 1.0


def _module_mask(settings: Settings, own: Sequence[str] | None, modules: Sequence[str]) -> int:
    """Modules that may vote: those of the instrument that weigh anything, of these the first k by weight.

    SIG-MULTI, audit 14: by weight, not by the order in which they were declared.
    """
    weighty = [m for m, name in enumerate(modules) if _weight(settings, name) > 0.0]
    allowed = [m for m in weighty if own is None or modules[m] not in MODULES or modules[m] in own]
    k = settings.allocation.gradual_modules
    if k:
        allowed = sorted(allowed, key=lambda m: -_weight(settings, modules[m]))[:k]
    return sum(1 << m for m in allowed)


def _sizing(record: Any, settings: Settings) -> None:
    risk, budget = settings.risk, settings.allocation.budget
    _set(
        record,
        per_trade=risk.per_trade,
        **vars(budget),
        **vars(risk.volatility),
        **vars(risk.stops),
        reads_volatility=reads_volatility(risk),
    )


def _portfolio(record: Any, settings: Settings) -> None:
    portfolio = settings.risk.portfolio
    _set(
        record,
        max_instrument=portfolio.max_instrument_exposure,
        max_leverage=settings.risk.gates.max_leverage,
        max_correlated=portfolio.max_correlated_exposure,
        hours=portfolio.correlation_hours,
        min_hours=portfolio.min_hours,
        shrink=portfolio.correlation_shrink,
        max_var=portfolio.max_value_at_risk,
        tail=1.0 - portfolio.confidence,
        z=NormalDist().inv_cdf(portfolio.confidence),
        account_leverage=settings.account.leverage,
    )


def _gates(record: Any, settings: Settings) -> None:
    gates = settings.risk.gates
    throttle = gates.throttle
    _set(
        record,
        htf_adx_min=gates.htf_adx_min,
        spares_meanrev=gates.htf_adx_spares_meanrev,
        low_adx=throttle.low_adx,
        high_adx=throttle.high_adx,
        low_entries=throttle.low,
        middle_entries=throttle.middle,
        high_entries=throttle.high,
        min_equity_atoms=atoms(gates.min_equity),
        max_spread=gates.max_spread,
        refuse_unknown_spread=gates.unknown_spread == "refuse",
        max_data_age_ms=round(gates.max_data_age_seconds * 1000),
    )


def _steps(steps: Steps) -> tuple[float, float, float]:
    return steps.half_size, steps.no_entries, steps.flatten


def _breakers(record: Any, settings: Settings) -> None:
    breakers = settings.risk.breakers
    _set(
        record,
        enabled=breakers.enabled,
        day=_steps(breakers.day),
        week=_steps(breakers.week),
        peak=_steps(breakers.peak),
        peak_release=breakers.peak_release,
        losses_half=breakers.losses.half_size,
        losses_stop=breakers.losses.no_entries,
        pause_ms=round(breakers.losses.pause_hours * HOUR_MS),
        ignore_r=breakers.losses.ignore_r,
    )


def _exits(record: Any, settings: Settings) -> None:
    position = settings.position
    _set(
        record,
        breakeven_r=position.breakeven_r,
        partial_r=position.partial_r,
        partial_frac=position.partial_fraction,
        keep_target=position.target_after_partial == "keep",
        trail_from_r=position.trail_from_r,
        trail_lock=position.trail_lock,
        flip=position.flip,
        flip_min_ms=round(position.flip_min_minutes * MINUTE_MS),
        stale_ms=round(position.stale_hours * HOUR_MS),
        stale_band=position.stale_band,
        exit_when_flat=position.exit_when_flat,
    )


def _tiers(spec: Any, instrument: Instrument) -> None:
    """The maintenance ladder, with deductions that make it continuous: each step continues the one below."""
    if len(instrument.tiers) > MAX_TIERS:
        raise ConfigError(
            f"{instrument.symbol}: {len(instrument.tiers)} margin tiers, at most {MAX_TIERS} fit"
        )
    count = len(instrument.tiers)
    spec.tiers = count
    spec.tier_floor[:count], spec.tier_rate_e8[:count], spec.tier_deduction[:count] = margin_ladder(
        instrument.tiers
    )


@lru_cache(maxsize=256)
def margin_ladder(tiers: tuple[MarginTier, ...]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Floors and deductions in atoms, and rates in 1e-8."""
    floors = tuple(int(tier.floor * ATOMS_PER_UNIT) for tier in tiers)
    rates = tuple(int(tier.maintenance_rate * RATE_UNIT) for tier in tiers)
    deductions, deduction, below = [], 0, 0
    for floor, rate in zip(floors, rates, strict=True):
        deduction += floor * (rate - below) // RATE_UNIT
        deductions.append(deduction)
        below = rate
    return floors, rates, tuple(deductions)
