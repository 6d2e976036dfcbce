"""An instrument as a venue lists it: the contract, and what the venue demands of orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument
from mastertrading.domain.market import HOUR_MS


class Trading(StrEnum):
    """What the venue lets one do with an instrument."""

    OPEN = "open"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    CLOSED = "closed"


@dataclass(slots=True)
class Listing:
    """One instrument at the local exchange. Scripts may change any of it while it trades (faults X14 … X16, X24 … X26).

    Attributes
    ----------
    tick_step, lot_step
        Orders must be on whole multiples of so many of the instrument's ticks and lots. A venue that makes its steps
        coarser, or finer again, changes these; what the exchange counts in stays.
    max_lots, max_market_lots
        Largest limit and market order.
    band
        Largest distance of a limit price from the mark, as a fraction.
    taker_e8, maker_e8, liquidation_e8
        Fees in whole 1e-8; a negative maker fee is a rebate.
    slippage_e8
        What a market order loses against the price, rounded against it to whole ticks (the backtest's rule).
    through_ticks
        How far the price must trade beyond a resting limit to fill it.
    volume_share
        Largest share of a bar's volume that all orders together may fill; None: no bound.
    max_leverage
        Of the first tier.
    funding_interval_ms
        How often funding is charged, on whole multiples since 1970.
    max_orders, max_conditional
        Open orders an account may have.
    """

    instrument: Instrument
    tick_step: int = 1
    lot_step: int = 1
    max_lots: int = 10**9
    max_market_lots: int = 10**9
    band: Decimal = Decimal("0.05")
    taker_e8: int = 50_000
    maker_e8: int = 20_000
    liquidation_e8: int = 1_250_000
    slippage_e8: int = 10_000
    through_ticks: int = 1
    volume_share: Decimal | None = None
    max_leverage: int = 125
    funding_interval_ms: int = 8 * HOUR_MS
    max_orders: int = 200
    max_conditional: int = 10
    trading: Trading = Trading.OPEN
    base: str = field(default="")
    _counted: tuple[Instrument, int] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Name the base currency."""
        self.base = self.base or self.instrument.symbol.removesuffix("USDT")

    @property
    def symbol(self) -> str:
        """Canonical name."""
        return self.instrument.symbol

    @property
    def atoms(self) -> int:
        """Value of one tick of one lot; computed once of each contract, as it is asked for at every price."""
        counted = self._counted
        if counted is None or counted[0] is not self.instrument:
            counted = self._counted = self.instrument, self.instrument.atoms_per_tick_lot
        return counted[1]

    @property
    def tick(self) -> Decimal:
        """Smallest step of a price that the venue takes and shows."""
        return self.instrument.tick * self.tick_step

    @property
    def lot(self) -> Decimal:
        """Smallest step of a quantity that the venue takes and shows."""
        return self.instrument.lot * self.lot_step

    def px(self, ticks: int) -> Decimal:
        """A price in quote units."""
        return ticks * self.instrument.tick

    def qty(self, lots: int) -> Decimal:
        """A size in contracts (base units where the multiplier is 1)."""
        return lots * self.instrument.lot

    def ticks_of(self, px: Decimal) -> int | None:
        """A price in ticks; None if it is none on the grid."""
        return _whole(px, self.instrument.tick)

    def lots_of(self, qty: Decimal) -> int | None:
        """A size in lots; None if it is none on the grid."""
        return _whole(qty, self.instrument.lot)


def money(atoms: int) -> Decimal:
    """Atoms in quote units."""
    return Decimal(atoms) / ATOMS_PER_UNIT


def _whole(value: Decimal, step: Decimal) -> int | None:
    if not value.is_finite():
        return None
    count = value / step
    return int(count) if count == count.to_integral_value() else None
