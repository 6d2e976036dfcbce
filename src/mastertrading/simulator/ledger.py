"""The exchange's own books: double entry in atoms, and what they must come to.

Every booking takes from one book what it gives to others, so all books together are zero at every moment. The market
is the counterparty of every fill: what the accounts win of it, it loses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from mastertrading.domain.errors import InvariantBroken

FEES = "fees"
FUNDING = "funding"
INSURANCE = "insurance"
MARKET = "market"
"""Realised profit of the counterparty of all fills."""
EXTERNAL = "external"
"""Where deposits come from and withdrawals go."""
ADJUSTMENTS = "adjustments"

ADDRESS = "wallet:"


def wallet(account: str) -> str:
    """The book of an account's wallet."""
    return ADDRESS + account


class Statement(NamedTuple):
    """What everybody has, in atoms; ``total`` is zero or the exchange has a bug.

    Attributes
    ----------
    equity
        Of all accounts: wallets and what their positions would win at the marks.
    market
        Of the counterparty, from its own cash and stock, so that a wrong cost basis shows.
    """

    equity: int
    fees: int
    funding: int
    insurance: int
    external: int
    adjustments: int
    market: int

    @property
    def total(self) -> int:
        """The sum of all."""
        return sum(self)


@dataclass(slots=True)
class Stock:
    """What the counterparty holds of one instrument: signed lots, and cash in tick-lots from buying and selling."""

    lots: int = 0
    cash: int = 0

    def trade(self, lots: int, px_ticks: int) -> None:
        """Be the other side of a fill of ``lots`` (signed as the account's)."""
        self.lots -= lots
        self.cash += lots * px_ticks

    def worth(self, mark_ticks: int) -> int:
        """Value at a price, in tick-lots."""
        return self.cash + self.lots * mark_ticks


@dataclass(slots=True)
class Ledger:
    """Balances of all books. ``insurance_atoms``: what the insurance fund begins with."""

    insurance_atoms: int = 0
    balances: dict[str, int] = field(default_factory=dict)
    stocks: dict[tuple[str, int], Stock] = field(default_factory=dict)
    """By instrument and the value of its tick-lot, which a change of the listing may change."""
    entries: int = 0
    forgiven: int = 0
    """Losses beyond all money that nobody pays: the counterparty bears them."""

    def __post_init__(self) -> None:
        """Fund the insurance."""
        if self.insurance_atoms:
            self.post((INSURANCE, self.insurance_atoms), (EXTERNAL, -self.insurance_atoms))

    def post(self, *lines: tuple[str, int]) -> None:
        """Book one transaction. Raises ``InvariantBroken`` if it does not sum to zero."""
        if sum(atoms for _, atoms in lines) != 0:
            raise InvariantBroken(f"a booking does not sum to zero: {lines}")
        for book, atoms in lines:
            self.balances[book] = self.balances.get(book, 0) + atoms
        self.entries += 1

    def balance(self, book: str) -> int:
        """Atoms in a book."""
        return self.balances.get(book, 0)

    def stock(self, symbol: str, atoms: int) -> Stock:
        """The counterparty's stock of an instrument."""
        return self.stocks.setdefault((symbol, atoms), Stock())
