"""Where the venue's word and our books differ: read again, explained, or booked as an ADJUSTMENT. Never a made-up fill.

Repetition proves nothing: a list that stays empty says the same lie again and again. A position that it does not show
is gone only if other surfaces say so too: the margin that it does not need any more, the money that its end has moved,
and no order that still waits to close it. Until then our books hold it, with everything that protects it; orders for
it can only reduce. A position that a read *does* show is protected at once, whoever opened it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from mastertrading.domain.facts import Adjustment
from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument
from mastertrading.domain.orders import Balance
from mastertrading.live.snapshot import Snapshot
from mastertrading.live.units import Units

LOOKS = 4
LOOKS_APART_MS = 2_000
"""A difference is no accident of one read after so many clean looks that show the same, so far apart."""
LAG_MS = 30_000
"""A position is corrected only after so long: a venue's reads may be so far behind."""


@dataclass
class Doubt:
    """One difference, as it was seen so far."""

    value: int
    since_ms: int
    looks: int = 0
    last_ms: int = -LOOKS_APART_MS

    @property
    def is_no_accident(self) -> bool:
        """Whether it was seen often enough."""
        return self.looks >= LOOKS


@dataclass
class Differences:
    """What is doubted now.

    Parameters
    ----------
    instruments
        By name.
    """

    instruments: dict[str, Instrument]
    doubts: dict[str, Doubt] = field(default_factory=dict)
    money: Doubt | None = None

    # ------------------------------------------------------------ positions
    def lots(self, symbol: str, told: int | None, ours: int) -> int | None:
        """What to go by: None where nothing may be concluded.

        Our books hold what fills have told. A list without it is waited for, and then not believed.
        """
        if told == 0 and ours != 0:
            doubt = self.doubts.get(symbol)
            return ours if doubt is not None and doubt.is_no_accident else None
        return told

    def settle(self, symbols: Iterable[str]) -> None:
        """Nothing differs there any more."""
        for symbol in symbols:
            self.doubts.pop(symbol, None)

    def doubt(self, symbol: str, told: int | None, ours: int, now_ms: int) -> bool:
        """Note what a clean look showed; whether the difference was seen often and for long enough."""
        if told is None:
            return False
        if told == ours:
            self.doubts.pop(symbol, None)
            return False
        known = self.doubts.get(symbol)
        if known is None or known.value != told - ours:
            known = self.doubts[symbol] = Doubt(told - ours, now_ms)
        return _seen(known, now_ms) and now_ms - known.since_ms >= LAG_MS

    def adjustment(self, symbol: str, told: int, ours: int, mark_ticks: int, now_ms: int) -> Adjustment:
        """The difference of a position as a booking of its own."""
        units = Units(self.instruments[symbol])
        self.doubts.pop(symbol, None)
        return Adjustment(
            f"position:{symbol}:{now_ms}",
            f"the venue holds {told} lots of {symbol}, our books {ours}, and no fill explains it",
            now_ms,
            symbol=symbol,
            qty=units.qty(told - ours),
            px=units.px(mark_ticks),
        )

    # ------------------------------------------------------------ money
    def doubt_money(self, atoms: int, now_ms: int) -> bool:
        """Note how much more money the venue has than our books; whether that was seen often enough."""
        if atoms == 0:
            self.money = None
            return False
        if self.money is None or self.money.value != atoms:
            self.money = Doubt(atoms, now_ms)
        return _seen(self.money, now_ms)

    def money_adjustment(self, atoms: int, currency: str, now_ms: int) -> Adjustment:
        """A difference of money as a booking of its own."""
        self.money = None
        amount = Decimal(atoms) / ATOMS_PER_UNIT
        return Adjustment(
            f"money:{now_ms}",
            f"the venue's wallet has {amount} more than our books, and no fill or payment explains it",
            now_ms,
            amount=amount,
            currency=currency,
        )


def _seen(doubt: Doubt, now_ms: int) -> bool:
    if now_ms - doubt.last_ms >= LOOKS_APART_MS:
        doubt.looks, doubt.last_ms = doubt.looks + 1, now_ms
    return doubt.is_no_accident


def margin_agrees(
    snapshot: Snapshot,
    symbol: str,
    mark_px: Decimal,
    ours_qty: Decimal,
    maintenance: Callable[[str, Decimal], Decimal],
) -> bool:
    """Whether the account's maintenance margin says what its list of positions says of one instrument.

    The second surface: were the position still there, the margin would hold its share too.

    Parameters
    ----------
    mark_px, ours_qty
        Price and size of the position that the list does not show.
    maintenance
        Of an instrument and a notional, in quote units.
    """
    balance: Balance | None = snapshot.balance
    if balance is None or snapshot.positions is None:
        return False
    listed = sum(
        (maintenance(one.symbol, abs(one.qty) * one.mark_px) for one in snapshot.positions), start=Decimal(0)
    )
    missing = maintenance(symbol, abs(ours_qty) * mark_px)
    return balance.maintenance_margin - listed < missing / 2
