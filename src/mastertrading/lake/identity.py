"""The hash that names a market: of its values, not of the files they came from."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import numpy.typing as npt

from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import F64, I64, Bars, Bool, Settlements
from mastertrading.lake.universe import describe


class Identity:
    """A running sha256 over named arrays in one canonical form: little-endian, C order, one NaN, no −0."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256(b"mastertrading market 1\n")

    def text(self, name: str, value: str) -> None:
        """Add a named text."""
        self._digest.update(f"{name}={value}\n".encode())

    def floats(self, name: str, values: F64) -> None:
        """Add named floats; every NaN counts as the same."""
        clean = values + 0.0
        clean[np.isnan(clean)] = np.nan
        self._array(name, clean, "<f8")

    def integers(self, name: str, values: I64) -> None:
        """Add named integers."""
        self._array(name, values, "<i8")

    def booleans(self, name: str, values: Bool) -> None:
        """Add named truths."""
        self._array(name, values, "|u1")

    def bars(self, name: str, bars: Bars) -> None:
        """Add a series of bars."""
        self.integers(name, bars.ts_ms)
        for column in ("open", "high", "low", "close", "volume"):
            self.floats(column, getattr(bars, column))

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        return self._digest.hexdigest()

    def _array(self, name: str, values: npt.NDArray[np.generic], form: str) -> None:
        self.text(name, f"{form}{values.shape}")
        self._digest.update(np.ascontiguousarray(values, dtype=form).data)


def series_hash(bars: Bars) -> str:
    """Hash of one series of bars."""
    identity = Identity()
    identity.bars("bars", bars)
    return identity.hexdigest()


def market_hash(
    instruments: tuple[Instrument, ...],
    base_ms: int,
    ts_ms: I64,
    columns: dict[str, F64],
    valid: Bool,
    settlements: tuple[Settlements, ...],
    primer: tuple[Bars, ...],
) -> str:
    """Hash of everything that a market holds (``data_id``)."""
    identity = Identity()
    facts = [[instrument.symbol, describe(instrument)] for instrument in instruments]
    identity.text("instruments", json.dumps(facts, sort_keys=True))
    identity.text("base_ms", str(base_ms))
    identity.integers("ts_ms", ts_ms)
    for name, values in columns.items():
        identity.floats(name, values)
    identity.booleans("valid", valid)
    for charged, bars in zip(settlements, primer, strict=True):
        identity.integers("settled_ms", charged.ts_ms)
        identity.floats("rate", charged.rate)
        identity.integers("interval_ms", charged.interval_ms)
        identity.bars("primer", bars)
    return identity.hexdigest()
