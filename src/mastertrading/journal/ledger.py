"""Double entry: each event is one transaction whose postings sum to zero in every currency, chained by hashes.

Accounts (amounts + = ours): ``wallet`` what the venue holds for us; ``pnl``, ``fees``, ``funding``, ``transfers``,
``others`` where it came from (so these have the opposite sign); ``suspense`` what nothing explains. Of each
instrument, counted in base units under its own name as the currency: ``position`` against ``venue``; and in the quote
currency ``cost`` of what is held against ``due``.

Nothing is ever changed: a late fill reverses the transactions after it and books them anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.facts import Adjustment
from mastertrading.domain.orders import Payment
from mastertrading.journal.books import Booking
from mastertrading.journal.translate import EXACT, exact, plain

GENESIS = "0" * 64
PAYMENT_ACCOUNTS = {"funding": "funding", "transfer": "transfers"}


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of a transaction."""

    account: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Transaction:
    """A balanced event. ``ref`` names the fact behind it; ``kind`` is ``fill``, ``reversal``, ``funding``, …."""

    number: int
    kind: str
    ref: str
    ts_ms: int
    postings: tuple[Posting, ...]
    previous: str
    digest: str


def both_sides(into: str, out_of: str, currency: str, amount: Decimal) -> tuple[Posting, ...]:
    """Two lines that cancel; none for nothing."""
    if not amount:
        return ()
    kept = exact(amount)
    return (Posting(into, currency, kept), Posting(out_of, currency, kept.copy_negate()))


def of_fill(booking: Booking, currency: str, fee: Decimal, fee_currency: str) -> tuple[Posting, ...]:
    """The lines of a fill: the position, its cost, what was realised, the fee."""
    symbol, qty = booking.movement.symbol, booking.movement.qty
    return (
        *both_sides(f"position:{symbol}", f"venue:{symbol}", symbol, qty),
        *both_sides(f"cost:{symbol}", f"due:{symbol}", currency, booking.cost),
        *both_sides("wallet", "pnl", currency, booking.realised),
        *both_sides("fees", "wallet", fee_currency, fee),
    )


def of_adjusted_position(booking: Booking, currency: str) -> tuple[Posting, ...]:
    """The lines of a difference in position. What it would have realised is no money of ours: it waits in suspense."""
    symbol, qty = booking.movement.symbol, booking.movement.qty
    return (
        *both_sides(f"position:{symbol}", f"suspense:{symbol}", symbol, qty),
        *both_sides(f"cost:{symbol}", f"due:{symbol}", currency, booking.cost),
        *both_sides("suspense", "pnl", currency, booking.realised),
    )


def of_payment(payment: Payment) -> tuple[Posting, ...]:
    """The lines of a payment. Funding is + = paid; everything else + = into the account."""
    if payment.kind == "funding":
        return both_sides("funding", "wallet", payment.currency, payment.amount)
    return both_sides(
        "wallet", PAYMENT_ACCOUNTS.get(payment.kind, "others"), payment.currency, payment.amount
    )


def of_adjusted_money(adjustment: Adjustment) -> tuple[Posting, ...]:
    """The lines of a difference in money."""
    return both_sides("wallet", "suspense", adjustment.currency, adjustment.amount)


def reversed_postings(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The same lines with the opposite sign."""
    return tuple(Posting(one.account, one.currency, one.amount.copy_negate()) for one in postings)


def seal(
    number: int, kind: str, ref: str, ts_ms: int, postings: tuple[Posting, ...], previous: str
) -> Transaction:
    """Make a transaction of balanced lines and chain it to the one before.

    Raises
    ------
    InvariantBroken
        If the lines do not sum to zero in every currency.
    """
    check_balanced(ref, postings)
    digest = digest_of(number, kind, ref, ts_ms, postings, previous)
    return Transaction(number, kind, ref, ts_ms, postings, previous, digest)


def check_balanced(ref: str, postings: Iterable[Posting]) -> None:
    """Refuse lines that do not sum to zero. Raises ``InvariantBroken``."""
    sums: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for one in postings:
            sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    wrong = {currency: str(total) for currency, total in sums.items() if total}
    if wrong:
        raise InvariantBroken(f"the ledger transaction of {ref} does not balance", why=str(wrong))


def digest_of(
    number: int, kind: str, ref: str, ts_ms: int, postings: Iterable[Posting], previous: str
) -> str:
    """SHA-256 over the transaction and the digest before it."""
    lines = "\n".join(f"{one.account} {one.currency} {plain(one.amount):f}" for one in postings)
    return hashlib.sha256(f"{previous}\n{number} {kind} {ref} {ts_ms}\n{lines}".encode()).hexdigest()


def added(
    balances: Mapping[tuple[str, str], Decimal], postings: Iterable[Posting]
) -> dict[tuple[str, str], Decimal]:
    """The balances after some postings."""
    after = dict(balances)
    with localcontext(EXACT):
        for one in postings:
            place = (one.account, one.currency)
            after[place] = plain(after.get(place, Decimal(0)) + one.amount)
    return after
