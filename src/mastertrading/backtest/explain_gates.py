"""What each gate compared in one minute: its value and its limit, as far as a run's folder knows them.

A value that nobody recorded is None, never a guess. ``trial`` is a setting with which this gate would have let this
minute pass, ready for ``--set``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mastertrading.backtest.explain_run import Recorded, Row
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.market import DAY_MS, MINUTE_MS

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One comparison.

    ``trial`` may name more than one setting, joined as the command line wants them.
    ``unit`` is ``frac``, ``usdt``, ``lots``, ``min``, ``s`` or nothing; ``x`` (a multiple) and ``share`` (a fraction)
    say that the limit is one of equity, and the value is in lots.
    """

    value: Value = None
    limit: Value = None
    unit: str = ""
    setting: str = ""
    trial: str = ""


@dataclass(frozen=True, slots=True)
class Minute:
    """What is known of an instrument at one close.

    Attributes
    ----------
    row
        Its row of the decisions.
    trade
        The trade that was open when the minute was decided, if there was one.
    """

    run: Recorded
    instrument: str
    ts_ms: int
    row: Row
    equity_atoms: int | None
    trade: Row | None

    @property
    def htf_adx(self) -> float | None:
        """The HTF ADX that gates compared; None where it was unknown, or the run is of an earlier version."""
        return _number(self.row.get("htf_adx"))

    @property
    def volatility(self) -> float | None:
        """ATR%, as a fraction; None as above."""
        return _number(self.row.get("volatility"))

    @property
    def close_ticks(self) -> int | None:
        """Close of the bar; None also where the bar is missing."""
        ticks = self.row.get("close_ticks")
        return None if ticks is None else int(ticks)

    @property
    def side(self) -> int:
        """Side of the net forecast."""
        return 1 if self.row["net"] > 0.0 else -1

    @property
    def needed_modules(self) -> int:
        """How many modules have to agree: never more than there are."""
        return min(int(self.run.setting("allocation.min_modules") or 1), len(self.run.modules))

    def bit(self, column: str, gate: int) -> bool:
        """Whether a gate's bit is set."""
        return bool((int(self.row[column]) >> (gate - 1)) & 1)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def module_fact(run: Recorded, stage: str, gate: str, ts_ms: int) -> Fact:
    """Limit and setting of a module's own gate, whatever it compared."""
    setting = MODULE_SETTINGS.get(f"{stage}.{gate}", "")
    if f"{stage}.{gate}" == "smc.score":
        setting = f"allocation.sessions.{run.session(ts_ms)}.score_floor"
    limit = run.setting(setting)
    known = isinstance(limit, int | float) and not isinstance(limit, bool)
    unit = "frac" if setting.rsplit(".", 1)[-1] in FRACTIONS else ""
    return Fact(None, float(limit) if known else None, unit, setting)


MODULE_SETTINGS = {
    "trend.warm_up": "signals.warm_up",
    "trend.ltf_adx": "signals.trend.ltf_adx_min",
    "trend.htf_adx": "signals.trend.htf_adx_min",
    "trend.impulse": "signals.trend.impulse_body",
    "trend.bounce": "signals.trend.bounce",
    "meanrev.warm_up": "signals.warm_up",
    "meanrev.stretch": "signals.meanrev.z_entry",
    "meanrev.htf_adx": "signals.meanrev.htf_adx_max",
    "meanrev.impulse": "signals.meanrev.impulse_body",
    "meanrev.bounce": "signals.meanrev.bounce",
    "carry.warm_up": "signals.warm_up",
    "carry.funding_known": "signals.carry.stale_intervals",
    "carry.extreme": "signals.carry.multiple",
    "carry.volatility": "signals.carry.atr_max",
    "smc.data": "signals.warm_up",
    "smc.session": "allocation.sessions",
    "smc.choch": "signals.smc.choch_age",
    "smc.sweep": "signals.smc.sweep_age",
    "smc.adx": "signals.smc.adx_min",
    "smc.impulse": "signals.smc.impulse_body",
    "smc.funding": "signals.smc.funding_max",
    "smc.ema_confluence": "signals.smc.ema_confluence",
}
FRACTIONS = {"bounce", "atr_max", "funding_max"}


def gate_fact(minute: Minute, gate: str) -> Fact:
    """What a gate between the wish and an order compared."""
    return FACTS[gate](minute) if gate in FACTS else Fact()


def _flat(minute: Minute) -> Fact:
    net, key = abs(float(minute.row["net"])), "allocation.threshold"
    lower = math.floor(net * 1000.0) / 1000.0
    return Fact(net, minute.run.setting(key), "", key, f"{key}={lower:g}" if lower > 0.0 else "")


def _min_modules(minute: Minute) -> Fact:
    row, key = minute.row, "allocation.min_modules"
    votes = int(row["agreeing"])
    if minute.run.setting("allocation.count") == "any":
        votes = int(row["votes_long"]).bit_count() + int(row["votes_short"]).bit_count()
    return Fact(votes, minute.needed_modules, "", key, f"{key}={votes}" if votes else "")


def _direction(minute: Minute) -> Fact:
    key = f"instruments.{minute.instrument}.directions"
    wanted = "long" if minute.side > 0 else "short"
    return Fact(wanted, minute.run.setting(key) or "both", "", key, f"{key}=both")


def _flip_age(minute: Minute) -> Fact:
    key = "position.flip_min_minutes"
    if not minute.run.setting("position.flip"):
        return Fact("off", None, "", "position.flip", "position.flip=true")
    age = (minute.ts_ms - minute.trade["opened_ms"]) / MINUTE_MS if minute.trade else None
    trial = f"{key}={age:g}" if age is not None else ""
    return Fact(age, minute.run.setting(key), "min", key, trial)


def _stale_data(minute: Minute) -> Fact:
    key = "risk.gates.max_data_age_seconds"  # a usable bar is the newest there is: its age is 0
    return Fact(0.0 if minute.bit("passed", 2) else None, minute.run.setting(key), "s", key)


def _spread(minute: Minute) -> Fact:
    unknown = "risk.gates.unknown_spread"
    if minute.run.setting(unknown) == "refuse" and not minute.bit("passed", 8):
        return Fact(
            "unknown", minute.run.setting("risk.gates.max_spread"), "frac", unknown, f"{unknown}=allow"
        )
    value = "unknown" if minute.bit("unknown", 8) else None
    return Fact(value, minute.run.setting("risk.gates.max_spread"), "frac", "risk.gates.max_spread")


def _session(minute: Minute) -> Fact:
    name = minute.run.session(minute.ts_ms)
    key = f"allocation.sessions.{name}.risk"
    return Fact(f"{name} {minute.run.setting(key)}", "> 0", "", key, f"{key}=0.5")


def _macro(minute: Minute) -> Fact:
    on = bool(minute.run.setting("risk.gates.macro.calendar"))
    limit = minute.run.setting("risk.gates.macro.minutes") if on else None
    return Fact(None if on else "off", limit, "min", "risk.gates.macro.minutes", "risk.gates.macro.minutes=0")


def _htf_adx(minute: Minute) -> Fact:
    key, adx = "risk.gates.htf_adx_min", minute.htf_adx
    limit = minute.run.setting(key)
    if _meanrev_spares(minute):
        return Fact("meanrev votes" if adx is None else f"{adx:.3f}, meanrev votes", limit, "", key)
    lower = 0.0 if adx is None else math.floor(adx * 100.0) / 100.0
    return Fact(adx, limit, "", key, f"{key}={lower:g}")


def _meanrev_spares(minute: Minute) -> bool:
    """Whether mean reversion's vote lets an entry pass, whatever the trend."""
    votes = minute.row["votes_long" if minute.side > 0 else "votes_short"]
    column = minute.run.modules.index("meanrev") if "meanrev" in minute.run.modules else -1
    spared = column >= 0 and (int(votes) >> column) & 1
    return bool(spared and minute.run.setting("risk.gates.htf_adx_spares_meanrev"))


def _daily_entries(minute: Minute) -> Fact:
    day = minute.ts_ms // DAY_MS
    today = sum(
        fill["instrument"] == minute.instrument
        and fill["reason"] == "entry"
        and fill["ts_ms"] // DAY_MS == day
        and fill["ts_ms"] < minute.ts_ms
        for fill in minute.run.rows("fills")
    )
    table = "risk.gates.throttle"
    steps = [minute.run.setting(f"{table}.{name}") for name in THROTTLE]
    which = [key for key in _throttle_keys(minute) if minute.run.setting(key) <= today]
    trial = " --set ".join(f"{key}={today + 1}" for key in which)
    limit = _ruling_step(minute) or " / ".join(str(step) for step in steps)
    return Fact(today, limit, "", (which or _throttle_keys(minute) or [f"{table}.low"])[0], trial)


def _throttle_keys(minute: Minute) -> list[str]:
    return [f"risk.gates.throttle.{name}" for name in _throttle_steps(minute)]


def _ruling_step(minute: Minute) -> str:
    """The step that ruled, with the HTF ADX and its bounds; empty where that is not on record."""
    adx, throttle = minute.htf_adx, minute.run.setting("risk.gates.throttle")
    if adx is None:
        return ""
    low, high = throttle["low_adx"], throttle["high_adx"]
    (name,) = _throttle_steps(minute)
    where = {"low": f"< {low:g}", "middle": f"in {low:g} … {high:g}", "high": f"> {high:g}"}[name]
    return f"{throttle[name]}: ADX {adx:.4g} {where}"


THROTTLE = ("low", "middle", "high")


def _throttle_steps(minute: Minute) -> list[str]:
    """The step of the throttle that ruled; where the HTF ADX is not recorded, those that may have.

    Of an unknown ADX the gates that compared it tell the bounds.
    """
    first, last = (minute.run.setting(f"risk.gates.throttle.{name}_adx") for name in ("low", "high"))
    adx = minute.htf_adx
    if adx is not None:
        return ["low" if adx < first else "middle" if adx <= last else "high"]
    low, high = _adx_bounds(minute)
    may_be = {"low": low < first, "middle": low <= last and high >= first, "high": high > last}
    return [name for name in THROTTLE if may_be[name]]


def _adx_bounds(minute: Minute) -> tuple[float, float]:
    """Between what the HTF ADX lay, by the answers of the gates that compared it."""
    low, high = -math.inf, math.inf
    asked = [("", 11, "risk.gates.htf_adx_min", 1), ("trend_", 5, "signals.trend.htf_adx_min", 1)]
    for prefix, gate, key, side in [*asked, ("meanrev_", 4, "signals.meanrev.htf_adx_max", -1)]:
        limit = minute.run.setting(key)
        if f"{prefix}evaluated" not in minute.row or not minute.bit(f"{prefix}evaluated", gate):
            continue
        if not prefix and _meanrev_spares(minute):
            continue  # meanrev's vote let it pass, not the ADX
        if minute.bit(f"{prefix}passed", gate) == (side > 0):
            low = max(low, limit)
        else:
            high = min(high, limit)
    return low, high


def _min_equity(minute: Minute) -> Fact:
    key, atoms = "risk.gates.min_equity", minute.equity_atoms
    equity = atoms / ATOMS_PER_UNIT if atoms is not None else None
    trial = f"{key}={math.floor(equity)}" if equity is not None and equity >= 1.0 else ""
    return Fact(equity, minute.run.setting(key), "usdt", key, trial)


def _breaker(minute: Minute) -> Fact:
    name, stage = worst_breaker(minute.run, minute.ts_ms)
    shown = f"{name} {stage}" if name else stage
    return Fact(shown, "no_entries", "", f"risk.breakers.{name or 'enabled'}", "risk.breakers.enabled=false")


def _volatility(minute: Minute) -> Fact:
    calm, wild = (minute.run.setting(f"risk.volatility.{name}") for name in ("calm", "wild"))
    ramp = f"{calm * 100.0:g} … {wild * 100.0:g} %"
    return Fact(minute.volatility, ramp, "frac", "risk.volatility.wild_scale")


def _kelly(minute: Minute) -> Fact:
    if not minute.run.setting("risk.kelly.enabled"):
        return Fact("off", None, "", "risk.kelly.enabled")
    limit = minute.run.setting("risk.kelly.cap")
    return Fact(None, limit, "frac", "risk.kelly.fraction", "risk.kelly.enabled=false")


def _stop_distance(minute: Minute) -> Fact:
    """The stop's distance as a fraction of the price, before it is cut to a tick (RISK-STOPS)."""
    stops, volatility = minute.run.setting("risk.stops") or {}, minute.volatility
    parts = [stops.get("stop_base"), stops.get("stop_floor")]
    if stops.get("stop_atr"):
        parts.append(None if volatility is None else stops["stop_atr"] * volatility)
    value = _largest(parts) if minute.close_ticks is not None else None
    return Fact(value, None if value is None else 1.0, "frac", "risk.stops.stop_floor")


def _largest(parts: Sequence[float | None]) -> float | None:
    """The largest of numbers that are all known."""
    known = [part for part in parts if part is not None]
    return max(known) if len(known) == len(parts) else None


def _risk_budget(minute: Minute) -> Fact:
    row, key = minute.row, "risk.per_trade"
    base = minute.run.setting(key)
    trial = f"{key}={min(0.05, base * 2):g}" if base else ""
    value = float(row["risk_lots"]) if row["risk_frac"] > 0.0 else None
    return Fact(value, 1.0, "lots", key, trial)


def _room(column: str, key: str, unit: str = "x") -> Callable[[Minute], Fact]:
    """A limit that cuts a size to fit: what it left, of what it was given."""

    def fact(minute: Minute) -> Fact:
        limit = minute.run.setting(key)
        trial = f"{key}={limit * 2:g}" if limit else ""
        sized = minute.row["risk_lots"] > 0.0
        return Fact(float(minute.row[column]) if sized else None, limit, unit, key, trial)

    return fact


def _min_size(minute: Minute) -> Fact:
    facts = minute.run.files.instruments[minute.instrument]
    base = minute.run.setting("risk.per_trade")
    trial = f"risk.per_trade={min(0.05, base * 2):g}" if base else ""
    return Fact(float(minute.row["value_at_risk_lots"]), facts["min_lots"], "lots", "risk.per_trade", trial)


def _min_notional(minute: Minute) -> Fact:
    facts = minute.run.files.instruments[minute.instrument]
    base = minute.run.setting("risk.per_trade")
    trial = f"risk.per_trade={min(0.05, base * 2):g}" if base else ""
    value, ticks = None, minute.close_ticks
    if ticks is not None:
        lots = round(minute.row["value_at_risk_lots"])
        value = lots * ticks * facts["atoms_per_tick_lot"] / ATOMS_PER_UNIT
    return Fact(value, float(facts["min_notional"]), "usdt", "risk.per_trade", trial)


FACTS: dict[str, Callable[[Minute], Fact]] = {
    "holding": lambda minute: Fact({1: "long", -1: "short"}.get(int(minute.row["side"]), "flat")),
    "valid_bar": lambda minute: Fact(),
    "flat": _flat,
    "min_modules": _min_modules,
    "direction": _direction,
    "flip_age": _flip_age,
    "stale_data": _stale_data,
    "spread": _spread,
    "session": _session,
    "macro": _macro,
    "htf_adx": _htf_adx,
    "daily_entries": _daily_entries,
    "min_equity": _min_equity,
    "breaker": _breaker,
    "volatility": _volatility,
    "kelly": _kelly,
    "stop_distance": _stop_distance,
    "risk_budget": _risk_budget,
    "instrument_exposure": _room("instrument_lots", "risk.portfolio.max_instrument_exposure"),
    "leverage": _room("leverage_lots", "risk.gates.max_leverage"),
    "margin": _room("leverage_lots", "account.leverage"),
    "correlated_exposure": _room("correlated_lots", "risk.portfolio.max_correlated_exposure"),
    "value_at_risk": _room("value_at_risk_lots", "risk.portfolio.max_value_at_risk", "share"),
    "min_size": _min_size,
    "min_notional": _min_notional,
}

SETTINGS = {
    "flat": "allocation.threshold",
    "min_modules": "allocation.min_modules",
    "flip_age": "position.flip_min_minutes",
    "stale_data": "risk.gates.max_data_age_seconds",
    "spread": "risk.gates.max_spread",
    "macro": "risk.gates.macro.minutes",
    "htf_adx": "risk.gates.htf_adx_min",
    "daily_entries": "risk.gates.throttle.low",
    "min_equity": "risk.gates.min_equity",
    "breaker": "risk.breakers.enabled",
    "volatility": "risk.volatility.wild_scale",
    "kelly": "risk.kelly.fraction",
    "stop_distance": "risk.stops.stop_floor",
    "risk_budget": "risk.per_trade",
    "instrument_exposure": "risk.portfolio.max_instrument_exposure",
    "leverage": "risk.gates.max_leverage",
    "margin": "account.leverage",
    "correlated_exposure": "risk.portfolio.max_correlated_exposure",
    "value_at_risk": "risk.portfolio.max_value_at_risk",
    "min_size": "risk.per_trade",
    "min_notional": "risk.per_trade",
}
"""Where a gate is changed, whatever the minute."""

STAGES = ("normal", "half_size", "no_entries", "flatten")


def worst_breaker(run: Recorded, ts_ms: int) -> tuple[str, str]:
    """The breaker that ruled when a minute was decided, and its stage; the name is empty where none has tripped."""
    stages: dict[str, str] = {}
    for event in run.rows("events"):
        if event["kind"] not in ("breaker_tripped", "breaker_released") or event["ts_ms"] > ts_ms:
            continue
        stages[str(event["subject"])] = str(event["stage"])
    name, stage = max(stages.items(), key=lambda item: STAGES.index(item[1]), default=("", "normal"))
    return (name if stage != "normal" else ""), stage
