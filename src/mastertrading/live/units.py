"""Between the venue's decimals and the engine's ticks, lots and atoms: exact, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument


@dataclass(frozen=True, slots=True)
class Units:
    """The grid of one instrument."""

    instrument: Instrument

    @property
    def base_per_lot(self) -> Decimal:
        """Base units in one lot."""
        return self.instrument.lot * self.instrument.multiplier

    def ticks(self, px: Decimal) -> int:
        """A price in ticks.

        Raises
        ------
        ExchangeUnavailable
            If it is not on the grid: the venue's grid is another than we think.
        """
        return self._whole(px, self.instrument.tick, "price")

    def lots(self, qty: Decimal) -> int:
        """A size in lots, signed as it is."""
        return self._whole(qty, self.base_per_lot, "size")

    def px(self, ticks: int) -> Decimal:
        """Ticks as a price."""
        return ticks * self.instrument.tick

    def qty(self, lots: int) -> Decimal:
        """Lots as base units."""
        return lots * self.base_per_lot

    def _whole(self, value: Decimal, step: Decimal, what: str) -> int:
        count = value / step
        if count != count.to_integral_value():
            raise ExchangeUnavailable(
                f"{self.instrument.symbol}: a {what} of {value} is no multiple of {step}",
                why="the venue's steps are others than those that were loaded",
                hint="the contract facts are loaded again",
            )
        return int(count)


def atoms_of(amount: Decimal) -> int:
    """Money in atoms, rounded half-even where a venue books finer."""
    return int((amount * ATOMS_PER_UNIT).to_integral_value(rounding="ROUND_HALF_EVEN"))


def money_of(atoms: int) -> Decimal:
    """Atoms in quote units."""
    return Decimal(atoms) / ATOMS_PER_UNIT
