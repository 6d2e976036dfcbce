"""Settings → the records that the signal kernels read. Every default lives in the schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mastertrading.compiled import records
from mastertrading.domain.market import Records
from mastertrading.settings.schema import Carry, Data, MeanReversion, Settings, SmartMoney, Trend
from mastertrading.signals.desk import SIGNAL_RULES
from mastertrading.signals.guards import AGAINST, LATE

MINUTE_MS = 60_000
READINGS = {"against": AGAINST, "late": LATE}


def signal_rules(settings: Settings) -> Records:
    """The rules of the four modules: one SIGNAL_RULES record, shape (1,)."""
    out = records(SIGNAL_RULES, 1)
    rules, signals = out[0], settings.signals
    _fill_timeframes(rules, settings)
    _fill_funding(rules.funding, signals.carry)
    _fill_guarded(rules.trend, signals.trend)
    _fill_guarded(rules.meanrev, signals.meanrev)
    _copy(rules.carry, signals.carry, rules.carry.dtype.names)
    _fill_structure(rules.structure, signals.smc)
    _fill_smart_money(rules.smc, signals.smc)
    rules.smc.floor_gate = "smc" in settings.allocation.sessions.floor_applies_to
    return out


def _copy(record: Any, group: Any, names: Iterable[str]) -> None:
    """Fields that are called the same on both sides."""
    for name in names:
        record[name] = getattr(group, name)


def _fill_timeframes(rules: Any, settings: Settings) -> None:
    data: Data = settings.data
    for name in ("ltf", "htf", "htf2"):
        timeframe = rules[name]
        timeframe.length_ms = getattr(data, f"{name}_minutes") * MINUTE_MS
        timeframe.forming = getattr(data.views, name) == "forming"
        timeframe.warm_up = getattr(settings.signals.warm_up, name)
    rules.prime = data.prime


def _fill_funding(record: Any, carry: Carry) -> None:
    record.count, record.min_count = carry.base_settlements, carry.base_min_settlements
    record.low, record.high = carry.base_low, carry.base_high
    record.fixed = carry.base_fixed if carry.base_mode == "fixed" else 0.0
    record.stale_intervals = carry.stale_intervals


def _fill_guarded(record: Any, group: Trend | MeanReversion) -> None:
    _copy(record, group, [name for name in record.dtype.names if name != "bounce_reading"])
    record.bounce_reading = READINGS[group.bounce_reading]


def _fill_structure(record: Any, smc: SmartMoney) -> None:
    _copy(record, smc, ("swing_bars", "sweep_atr", "fvg_atr", "fvg_age"))
    record.block_lookback = smc.order_block_lookback
    record.block_atr, record.block_age = smc.order_block_atr, smc.order_block_age


def _fill_smart_money(record: Any, smc: SmartMoney) -> None:
    _copy(record, smc, [name for name in record.dtype.names if name not in ("ema_gate", "floor_gate")])
    record.ema_gate = smc.ema_confluence == "gate"
