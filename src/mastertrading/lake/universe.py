"""Contract facts: what is built in, what a lake or the settings say instead, what can only be inferred.

The facts are those of Binance USDⓈ-M perpetuals as the recorded bars show them; margin ladders follow the
venue's published brackets (rounded to the steps that an account of ordinary size can reach).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np

from mastertrading.domain.errors import ConfigError, DataUnreadable
from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument, MarginTier, canonical_symbol
from mastertrading.domain.market import F64, Bars
from mastertrading.lake.names import Notice
from mastertrading.settings.schema import InstrumentSettings

INSTRUMENTS_FILE = "instruments.json"
SAMPLE = 20_000
FACTS = ("tick", "lot", "multiplier", "min_notional")


def _ladder(*steps: tuple[str, str]) -> tuple[MarginTier, ...]:
    return tuple(MarginTier(Decimal(floor), Decimal(rate)) for floor, rate in steps)


_DEEPEST = _ladder(
    ("0", "0.004"),
    ("50000", "0.005"),
    ("600000", "0.0065"),
    ("3000000", "0.01"),
    ("12000000", "0.02"),
    ("70000000", "0.025"),
    ("100000000", "0.05"),
    ("230000000", "0.1"),
    ("480000000", "0.125"),
    ("600000000", "0.15"),
    ("800000000", "0.25"),
    ("1200000000", "0.5"),
)
_DEEP = _ladder(
    ("0", "0.005"),
    ("10000", "0.0065"),
    ("80000", "0.01"),
    ("1000000", "0.02"),
    ("4000000", "0.05"),
    ("8000000", "0.1"),
    ("15000000", "0.125"),
    ("20000000", "0.25"),
    ("40000000", "0.5"),
)
_USUAL = _ladder(
    ("0", "0.005"),
    ("5000", "0.006"),
    ("20000", "0.01"),
    ("50000", "0.02"),
    ("250000", "0.05"),
    ("1000000", "0.1"),
    ("2000000", "0.125"),
    ("5000000", "0.25"),
    ("10000000", "0.5"),
)


def _instrument(
    symbol: str, tick: str, lot: str, min_notional: str, tiers: tuple[MarginTier, ...]
) -> Instrument:
    return Instrument(symbol, Decimal(tick), Decimal(lot), Decimal(min_notional), tiers=tiers)


CATALOGUE: Mapping[str, Instrument] = {
    item.symbol: item
    for item in (
        _instrument("BTCUSDT", "0.1", "0.001", "100", _DEEPEST),
        _instrument("ETHUSDT", "0.01", "0.001", "20", _DEEPEST),
        _instrument("SOLUSDT", "0.001", "0.01", "5", _DEEP),
        _instrument("XRPUSDT", "0.0001", "0.1", "5", _DEEP),
        _instrument("DOGEUSDT", "0.00001", "1", "5", _DEEP),
        _instrument("ADAUSDT", "0.0001", "1", "5", _USUAL),
        _instrument("LINKUSDT", "0.001", "0.01", "5", _USUAL),
    )
}
DEFAULT_SYMBOLS: tuple[str, ...] = tuple(CATALOGUE)


def resolve_instrument(
    symbol: str,
    *,
    bars: Bars | None = None,
    listed: Mapping[str, Instrument] | None = None,
    overrides: InstrumentSettings | None = None,
    notice: Notice | None = None,
) -> Instrument:
    """The facts of an instrument: settings before the lake's list, before the catalogue, before inference.

    Parameters
    ----------
    bars
        Bars from which tick and lot are inferred if nobody states them.
    listed
        What ``instruments.json`` of the lake says.
    overrides
        What the settings say; unset fields are left alone.
    notice
        Told when anything had to be inferred.

    Raises
    ------
    ConfigError
        If an override is not a positive number, or one tick of one lot is not a whole number of atoms.
    """
    known = (listed or {}).get(symbol) or _from_catalogue(symbol, bars)
    if known is None:
        known = _inferred(symbol, bars, overrides, notice)
    for name in FACTS:
        stated = getattr(overrides, name, None)
        if stated is not None:
            fact: dict[str, Any] = {name: _positive(stated, f"instruments.{symbol}.{name}")}
            known = replace(known, **fact)
    if overrides is not None and overrides.min_lots is not None:
        known = replace(known, min_lots=overrides.min_lots)
    _ = known.atoms_per_tick_lot  # refuses a contract that cannot be counted exactly
    return known


def read_instruments(folder: Path) -> dict[str, Instrument]:
    """Read ``instruments.json`` of a lake or venue folder; empty where there is none.

    The file maps a symbol to ``tick, lot, min_notional`` and optionally ``multiplier, min_lots, tiers``
    (pairs of floor and rate), all decimals as strings.

    Raises
    ------
    DataUnreadable
        If the file is not of that form.
    """
    path = folder / INSTRUMENTS_FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            canonical_symbol(name): _parsed(canonical_symbol(name), facts) for name, facts in content.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation, ConfigError) as error:
        raise DataUnreadable(
            f"{path.name} does not describe instruments",
            why=f"{type(error).__name__}: {error}",
            where=str(path),
            hint='write {"BTCUSDT": {"tick": "0.1", "lot": "0.001", "min_notional": "100"}}',
        ) from error


def describe(instrument: Instrument) -> dict[str, Any]:
    """Decimal strings of an instrument, as ``instruments.json`` holds them."""
    return {
        "tick": format(instrument.tick, "f"),
        "lot": format(instrument.lot, "f"),
        "multiplier": format(instrument.multiplier, "f"),
        "min_lots": instrument.min_lots,
        "min_notional": format(instrument.min_notional, "f"),
        "tiers": [[format(t.floor, "f"), format(t.maintenance_rate, "f")] for t in instrument.tiers],
    }


def _from_catalogue(symbol: str, bars: Bars | None) -> Instrument | None:
    """The built-in facts, unless the bars are of another contract: the catalogue is of one venue only."""
    known = CATALOGUE.get(symbol)
    if known is None or bars is None:
        return known
    return known if fits_step(bars.close, known.tick) else None


def fits_step(values: F64, step: Decimal) -> bool:
    """Whether nearly all (99 %) of the newest values are multiples of a step."""
    steps = values[-SAMPLE:] / float(step)
    steps = steps[np.isfinite(steps)]
    exact = np.abs(steps - np.rint(steps)) <= 1e-9 * np.abs(steps) + 1e-6
    return steps.size == 0 or int(exact.sum()) >= 0.99 * steps.size


def _parsed(symbol: str, facts: Mapping[str, Any]) -> Instrument:
    tick, lot = (_positive(facts[name], name) for name in ("tick", "lot"))
    parsed = Instrument(
        symbol,
        tick,
        lot,
        Decimal(str(facts.get("min_notional", "5"))),
        multiplier=_positive(facts.get("multiplier", "1"), "multiplier"),
        min_lots=int(facts.get("min_lots", 1)),
    )
    tiers = facts.get("tiers")
    return replace(parsed, tiers=_ladder(*((str(f), str(r)) for f, r in tiers))) if tiers else parsed


def _positive(text: object, where: str) -> Decimal:
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        value = Decimal(0)
    if not (value.is_finite() and value > 0):
        raise ConfigError(f"{where} must be a positive decimal number", why=f"it is {text!r}", where=where)
    return value


def _inferred(
    symbol: str, bars: Bars | None, overrides: InstrumentSettings | None, notice: Notice | None
) -> Instrument:
    stated = [getattr(overrides, name, None) for name in ("tick", "lot")]
    if bars is None and None in stated:
        raise ConfigError(
            f"tick and lot of {symbol} are not known",
            where=f"[instruments.{symbol}] tick, lot",
            hint=f'set instruments.{symbol}.tick = "0.01" and lot = "0.001"',
        )
    tick = Decimal(1) if bars is None else infer_step(bars.close, bars.high, bars.low)
    lot = Decimal(1) if bars is None else infer_step(bars.volume)
    lot = max(lot, Decimal(1) / (tick * ATOMS_PER_UNIT))
    if None in stated and notice is not None:
        notice(
            f"contract facts of {symbol} are not known: tick {tick:f} and lot {lot:f} are inferred from the bars; "
            f"state them under [instruments.{symbol}] if the venue says otherwise"
        )
    return Instrument(symbol, tick, lot, Decimal(5), tiers=_USUAL)


def infer_step(*values: F64) -> Decimal:
    """Coarsest power of ten (1 … 1e-8) of which every value is a multiple, judged on the newest values."""
    newest = np.concatenate([column[-SAMPLE:] for column in values])
    newest = newest[np.isfinite(newest)]
    for digits in range(9):
        scaled = newest * float(10**digits)
        whole = np.rint(scaled)
        exact = np.abs(scaled - whole) <= 1e-9 * np.abs(scaled) + 1e-6
        if newest.size and bool(np.all(exact & ((whole != 0) | (newest == 0)))):
            return Decimal(1).scaleb(-digits)
    return Decimal(1).scaleb(-8)
