"""J, R, D: the journal's books are the exchange's."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from mastertrading.app.campaign.invariants.base import Checker, accepted
from mastertrading.domain.errors import JournalUnusable
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.intents import Purpose
from mastertrading.simulator.events import Event, OrderChanged
from mastertrading.simulator.listing import money
from mastertrading.simulator.orders import Cause, IncomeKind

LARGEST_LEVERAGE = Decimal(46)
"""Of the campaign's settings, and a little for prices that move."""
FRESH_MS = 25_000
OPENING = "opening"
"""The payment with which a journal begins: what was in the wallet before it."""


SPOILS_FEES = frozenset({"X28", "X25/coin"})
"""The venue itself tells another fee than it charges."""


def without_fees(count: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """The same fills, whatever they cost."""
    plain: Counter[tuple[Any, ...]] = Counter()
    for one, times in count.items():
        plain[one[:-1]] += times
    return plain


def booked(scene: Any) -> Counter[tuple[Any, ...]]:
    """Fills of the journal as (symbol, time, price, signed size, fee)."""
    return Counter(
        (f.symbol, f.ts_ms, f.px.normalize(), (f.order_side * f.qty).normalize(), f.fee.normalize())
        for f in scene.journal.fills()
    )


def happened(scene: Any) -> Counter[tuple[Any, ...]]:
    """Fills of the exchange, in the same words."""
    count: Counter[tuple[Any, ...]] = Counter()
    for one in scene.account.executions:
        listing = scene.exchange.listings[one.symbol]
        size = listing.qty(one.lots).normalize()
        count[
            one.symbol,
            one.ts_ms,
            listing.px(one.px_ticks).normalize(),
            size,
            money(one.fee_atoms).normalize(),
        ] += 1
    return count


class SamePositions(Checker):
    """J1."""

    id, reads = "J1", "XB"
    says = "journal, engine and exchange hold the same, once there is rest"

    def at_rest(self) -> None:
        for symbol, listing in self.scene.exchange.listings.items():
            there = self.scene.held(symbol)
            here = self.scene.journal.position(symbol)
            if here != listing.qty(there):
                self.fail(symbol, f"the journal holds {here}, the exchange {listing.qty(there)}")
            if self.scene.lots and self.scene.lots.get(symbol) != there:
                self.fail(
                    symbol,
                    f"the engine holds {self.scene.lots.get(symbol)} lots, the exchange {there}",
                    f"{symbol} engine",
                )


class SameFills(Checker):
    """J2, J3."""

    id, reads = "J2", "XB"
    says = "every fill of the exchange is in the journal exactly once, and no other"

    def at_rest(self) -> None:
        here, there = booked(self.scene), happened(self.scene)
        if SPOILS_FEES & set(self.scene.wire.hits):
            here, there = without_fees(here), without_fees(there)
        for one, count in (there - here).items():
            self.fail(one[0], f"lost: {count} x {one}", f"{one[0]} lost")
        told_twice = (
            "X28" in self.scene.wire.hits
        )  # under other ids: what that does to the books is J1's and J5's
        for one, count in () if told_twice else (here - there).items():
            self.fail(one[0], f"invented: {count} x {one}", f"{one[0]} invented")


class LedgerHolds(Checker):
    """J4."""

    id, reads = "J4", "XB"
    says = "the ledger balances and its chain holds; so do the exchange's books"

    def at_end(self) -> None:
        try:
            self.scene.journal.verify()
        except JournalUnusable as error:
            self.fail("", str(error))
        total = self.scene.exchange.books().total
        if total != 0:
            self.fail("", f"the exchange's books are off by {total}", "books")


class SameMoney(Checker):
    """J5."""

    id, reads = "J5", "XB"
    says = "the wallet of the journal moved as the wallet at the exchange, exactly"

    def at_rest(self) -> None:
        if SPOILS_FEES & set(self.scene.wire.hits):
            return
        opened = any(one.payment_id == OPENING for one in self.scene.journal.payments())
        begin = 0 if opened else sum(i.atoms for i in self.scene.account.incomes[:1])
        there = Decimal(self.scene.account.wallet_atoms - begin) / ATOMS_PER_UNIT
        ledger = self.scene.journal.balances()
        here = ledger.get(("wallet", "USDT"), Decimal(0))
        if here != there:
            self.fail("", f"the journal's wallet moved by {here}, the exchange's by {there}")
        if self.scene.wallet_atoms not in (None, self.scene.account.wallet_atoms):
            ours, theirs = self.scene.wallet_atoms, self.scene.account.wallet_atoms
            self.fail("", f"the engine's wallet is {ours} atoms, the exchange's {theirs}", "engine")


class SameAccounts(Checker):
    """J9."""

    id, reads = "J9", "XB"
    says = "profit, fees and funding of the ledger are those of the exchange, and the sums of the trades"

    def at_rest(self) -> None:
        ledger, done = self.scene.journal.balances(), self.scene.account.executions
        adjusted = any(account == "suspense" for account, _ in ledger)
        if adjusted or SPOILS_FEES & set(self.scene.wire.hits):
            return
        funding = [i.atoms for i in self.scene.account.incomes if i.kind is IncomeKind.FUNDING]
        there = (sum(one.realised_atoms for one in done), sum(one.fee_atoms for one in done), -sum(funding))
        trades = self.scene.journal.trades()
        sums = [sum(getattr(one, name) for one in trades) for name in ("gross", "fees", "funding")]
        accounts = [ledger.get((name, "USDT"), Decimal(0)) for name in ("pnl", "fees", "funding")]
        here = (-accounts[0], accounts[1], accounts[2])
        for name, x, booked_there, summed in zip(
            ("profit", "fees", "funding"), there, here, sums, strict=True
        ):
            if not money(x) == booked_there == summed:
                self.fail(
                    name,
                    f"{name}: {money(x)} at the exchange, {booked_there} in the ledger, {summed} in trades",
                )


class NothingInvented(Checker):
    """J6."""

    id, reads = "J6", "XB"
    says = "no difference is adjusted away where nobody else has touched the account"

    def at_end(self) -> None:
        adjustments = [k for k in self.scene.journal.balances() if k[0] == "suspense"]
        moved = [k for k in adjustments if self.scene.journal.balances()[k] != 0]
        others = [o for o in self.scene.account.orders.values() if o.cause is not Cause.CLIENT]
        foreign = [
            i
            for i in self.scene.account.incomes[1:]
            if i.kind in (IncomeKind.ADJUSTMENT, IncomeKind.TRANSFER)
        ]
        if moved and not others and not foreign and not SPOILS_FEES & set(self.scene.wire.hits):
            self.fail("", f"suspense holds {[self.scene.journal.balances()[k] for k in moved]}")


class SameFunding(Checker):
    """J8."""

    id, reads = "J8", "XB"
    says = "every funding payment is booked once, with the exchange's amount and time"

    def at_rest(self) -> None:
        there = Counter(
            (i.symbol, i.ts_ms, -money(i.atoms).normalize())
            for i in self.scene.account.incomes
            if i.kind is IncomeKind.FUNDING and i.atoms
        )
        here = Counter(
            (p.symbol, p.ts_ms, p.amount.normalize())
            for p in self.scene.journal.payments()
            if p.kind == "funding" and p.amount
        )
        if here != there:
            self.fail("", f"only there {dict(there - here)}, only here {dict(here - there)}")


class WithinCaps(Checker):
    """R2."""

    id, reads = "R2", "XB"
    says = "no entry takes more than its decision said, nor the account beyond its leverage"

    def on_event(self, event: Event) -> None:
        if not isinstance(event, OrderChanged) or event.execution is None:
            return
        if self.scene.purpose_of(event.order) is not Purpose.ENTRY:
            return
        done = event.execution
        command = self.scene.command(self.scene.name_of(event.order))
        others = self.scene.foreign.get(done.symbol, 0)
        if (
            command is not None
            and abs(done.position_lots) > command.intent.lots
            and done.ts_ms - others > FRESH_MS
        ):
            self.fail(
                done.symbol,
                f"{done.position_lots} lots by {command.client_id}, which wanted {command.intent.lots}",
                command.client_id,
            )
        self._leverage(done.symbol)

    def _leverage(self, symbol: str) -> None:
        gross = Decimal(0)
        for leg in self.scene.account.held():
            listing, state = self.scene.exchange.listings[leg.symbol], self.scene.exchange.markets[leg.symbol]
            gross += abs(listing.qty(leg.lots)) * listing.px(state.mark_ticks)
        equity = money(self.scene.exchange.equity_atoms(self.scene.account))
        if equity > 0 and gross > LARGEST_LEVERAGE * equity and not self.scene.foreign:
            self.fail(symbol, f"{gross:.0f} held on {equity:.0f}")


class NotTakenForFlat(Checker):
    """D3."""

    id, reads = "D3", "XB"
    says = "no entry reaches the exchange while a position is there that was there before its round"

    def on_event(self, event: Event) -> None:
        order = accepted(event)
        if order is None or self.scene.purpose_of(order) is not Purpose.ENTRY:
            return
        lots, now = self.scene.held(order.symbol), self.scene.now_ms
        since = max((leg.updated_ms for leg in self.scene.account.held(order.symbol)), default=now)
        if lots and now - since > FRESH_MS:
            self.fail(order.symbol, f"{order.client_id} enters while {lots} lots are held", order.client_id)


BOOKS = (
    SamePositions, SameFills, LedgerHolds, SameMoney, SameAccounts, NothingInvented, SameFunding, WithinCaps,
    NotTakenForFlat,
)  # fmt: skip
