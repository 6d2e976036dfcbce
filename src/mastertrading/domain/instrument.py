"""An instrument: its name, and the exact units in which its prices, sizes and money are counted.

Inside the engine a price is whole *ticks*, a quantity whole *lots* and money whole *atoms* (1e-8 of the quote
currency). One tick of one lot is therefore a whole number of atoms, or the instrument is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from mastertrading.domain.errors import ConfigError

ATOMS_PER_UNIT = 100_000_000
RATE_UNIT = 100_000_000
"""A rate (fee, funding, margin) is a whole number of 1e-8."""

QUOTES = ("USDT", "USDC", "USD")
ALIASES = {"XBT": "BTC"}


@dataclass(frozen=True, slots=True)
class MarginTier:
    """One step of a venue's maintenance-margin ladder: from ``floor`` quote units of notional upward."""

    floor: Decimal
    maintenance_rate: Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """A linear perpetual future.

    Attributes
    ----------
    symbol
        Canonical name, for example ``BTCUSDT``.
    tick, lot
        Smallest steps of price (quote units) and of quantity (contracts).
    multiplier
        Base units in one contract.
    min_lots, min_notional
        The venue's smallest order, in lots and in quote units.
    tiers
        Maintenance-margin ladder, ascending from a floor of zero.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal
    multiplier: Decimal = Decimal(1)
    min_lots: int = 1
    tiers: tuple[MarginTier, ...] = (MarginTier(Decimal(0), Decimal("0.01")),)

    @property
    def atoms_per_tick_lot(self) -> int:
        """Value of one tick of one lot, in atoms.

        Raises
        ------
        ConfigError
            If it is not a whole, positive number of atoms.
        """
        atoms = self.tick * self.lot * self.multiplier * ATOMS_PER_UNIT
        if atoms < 1 or atoms != atoms.to_integral_value():
            raise ConfigError(
                f"{self.symbol}: one tick of one lot is {atoms} atoms, which is not a whole number",
                why="money is counted exactly, in units of 1e-8 of the quote currency",
                where=f"[instruments.{self.symbol}] tick, lot, multiplier",
            )
        return int(atoms)


def canonical_symbol(name: str) -> str:
    """The one name of an instrument, from any of the names that venues and tools give it.

    ``BTCUSDT``, ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC-USDT-PERP``, ``XBTUSDTM``, ``btc`` → ``BTCUSDT``.
    """
    text = name.strip().upper().split(":")[0]
    text = re.sub(r"[-_/ ]?(PERP|SWAP)$", "", text)
    text = re.sub(r"[-_/ ]", "", text)
    if text.endswith("USDTM") or text.endswith("USDCM"):
        text = text[:-1]
    quote = next((q for q in QUOTES if text.endswith(q) and len(text) > len(q)), "USDT")
    coin = text[: -len(quote)] if text.endswith(quote) and len(text) > len(quote) else text
    coin = ALIASES.get(coin, coin)
    if not re.fullmatch(r"[A-Z0-9]{1,20}", coin):
        raise ConfigError(
            f"{name!r} is not the name of an instrument", hint="use names like BTCUSDT or BTC/USDT"
        )
    return coin + quote
