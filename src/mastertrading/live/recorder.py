"""From what a venue told to what the engine books: each fill and payment once, with the reason of its own order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mastertrading.compiled import records
from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import LETTERS, Command, Purpose, is_ours
from mastertrading.domain.market import Records
from mastertrading.domain.orders import Fill, Order, Payment
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import FILL, PAYMENT, TRANSFER
from mastertrading.live.attached import owner_of
from mastertrading.live.snapshot import News
from mastertrading.live.units import Units, atoms_of

FIXED = {
    Purpose.ENTRY: FillReason.ENTRY,
    Purpose.PARTIAL: FillReason.PARTIAL,
    Purpose.TARGET: FillReason.TARGET,
    Purpose.EMERGENCY: FillReason.EMERGENCY,
}
CAUSES = {"liquidation": FillReason.LIQUIDATION, "adl": FillReason.ADL}
BY_NAME = {reason.name.lower(): reason for reason in FillReason}

LATE_MS = 600_000
"""How far back fills and payments are read again where something does not agree."""
REMEMBERED_MS, MOST = 86_400_000, 5_000
"""What of the past a process knows: the last day before the newest fill, and so many of them; the journal has all."""


@dataclass(frozen=True, slots=True)
class Booked:
    """What is new, as the engine takes it (rows in the order of time) and as the journal keeps it."""

    fills: Records
    payments: Records
    transfers: Records
    told: tuple[Fill, ...]
    paid: tuple[Payment, ...]
    unreadable: tuple[str, ...] = ()
    """Instruments with a fill that is between the ticks or lots that we know."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is new."""
        return not self.told and not self.paid


class Recorder:
    """Remembers what was booked, so that what is told again changes nothing.

    Parameters
    ----------
    journal
        Which command is behind a client id, and behind a venue's order id.
    base_ms
        Length of a base bar: the engine counts in bars, so a fill carries the open of its own.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        journal: Journal,
        base_ms: int,
    ) -> None:
        self._units = {instrument.symbol: Units(instrument) for instrument in instruments}
        self._columns = {instrument.symbol: i for i, instrument in enumerate(instruments)}
        self._journal, self._base_ms = journal, base_ms
        self._known: dict[str, dict[str, None]] = {symbol: {} for symbol in self._units}
        self._paid: dict[str, None] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._filled: dict[str, Decimal] = {}
        self.cursors: dict[str, int] = {}
        self.paid_until_ms = 0
        self._began_ms = 0
        self._quote = "USDT"

    def begin(self, began_ms: int) -> None:
        """What the journal has already. What the account did before ``began_ms`` is not ours."""
        self._began_ms = self.paid_until_ms = began_ms
        journal, opened = self._journal, self._journal.open_commands()
        for symbol in self._units:
            newest_ms = journal.fill_cursor(symbol)
            begun = [one.prepared_ms for one in opened if one.intent.symbol == symbol]
            for fill in journal.fills(symbol, min([newest_ms - REMEMBERED_MS, *begun])):
                self._note(fill)
        self._note_payments(journal.payments(journal.payment_cursor() - REMEMBERED_MS))

    def _note_payments(self, payments: Iterable[Payment]) -> None:
        for payment in payments:
            self._paid[payment.payment_id] = None
            self.paid_until_ms = max(self.paid_until_ms, payment.ts_ms)
        _let_go(self._paid)

    def note_order(self, order: Order) -> None:
        """Remember which client id an order's own ids belong to: not every venue says so with its fills."""
        if order.client_id:
            self._names[order.symbol, order.order_id] = order.client_id
            if order.triggered_id:
                self._names[order.symbol, order.triggered_id] = order.client_id
            _let_go(self._names)

    def is_owed(self, command: Command) -> bool:
        """Whether the venue said that more of an order has filled than it told fills of."""
        return command.filled_qty > self._filled.get(command.client_id, Decimal(0))

    def client_id_of(self, fill: Fill) -> str:
        """What we called the order of a fill; empty if it is not known to be ours.

        The journal knows it too, of orders that a process saw which did not live to book their fills.
        """
        name = fill.client_id or self._names.get((fill.symbol, fill.order_id), "")
        command = None if name else self._journal.command_of_order(fill.symbol, fill.order_id)
        return name if command is None else command.client_id

    def since(self, doubted: frozenset[str] = frozenset()) -> Mapping[str, int]:
        """From when on each instrument's executions have to be read; where something is doubted, from long before."""
        return {
            symbol: max(self._began_ms, self.cursors.get(symbol, 0) - LATE_MS * (symbol in doubted))
            for symbol in self._units
        }

    def book(self, news: News) -> Booked:
        """Keep what is new, and say what it is to the engine."""
        fresh = [f for f in news.fills if self._is_new(f)]
        unreadable = {f.symbol for f in fresh if not self._is_on_grid(f)}
        told = [replace(f, client_id=self._owner(f)) for f in fresh if f.symbol not in unreadable]
        told.sort(key=lambda fill: (fill.ts_ms, fill.symbol, _order_of(fill.fill_id)))
        paid = [p for p in news.payments if p.payment_id not in self._paid and p.ts_ms > self._began_ms]
        paid.sort(key=lambda payment: (payment.ts_ms, payment.payment_id))
        for fill in told:
            self._note(fill)
        self._note_payments(paid)
        return Booked(
            self._fill_rows(told),
            self._payment_rows([p for p in paid if p.kind == "funding" and p.symbol in self._columns]),
            self._transfer_rows([p for p in paid if p.kind == "transfer"]),
            tuple(told),
            tuple(paid),
            tuple(sorted(unreadable)),
        )

    def _owner(self, fill: Fill) -> str:
        name = self.client_id_of(fill)
        if name or fill.cause != "trade":
            return name
        attached = owner_of(fill, self._journal.open_commands())
        return attached.client_id if attached is not None else ""

    def _is_on_grid(self, fill: Fill) -> bool:
        units = self._units[fill.symbol]
        try:
            units.lots(fill.qty)
            units.ticks(fill.px)
        except ExchangeUnavailable:
            return False
        return True

    def nameless(self, news: News) -> frozenset[str]:
        """Instruments with new fills that may be ours and say nothing of whose they are."""
        return frozenset(fill.symbol for fill in self.nameless_fills(news))

    def nameless_fills(self, news: News) -> tuple[Fill, ...]:
        """Those fills."""
        fresh = [f for f in news.fills if self._is_new(f) and f.cause == "trade"]
        return tuple(f for f in fresh if not self._owner(f))

    def without_nameless(self, news: News, symbols: frozenset[str]) -> News:
        """The same news without those fills: they are told again."""
        kept = tuple(f for f in news.fills if f.symbol not in symbols or f.cause != "trade" or self._owner(f))
        return replace(news, fills=kept, unread=news.unread | symbols)

    def reason_of(self, fill: Fill) -> FillReason:
        """Why a fill happened: from its own order, never from what it did."""
        if fill.cause in CAUSES:
            return CAUSES[fill.cause]
        name = self.client_id_of(fill)
        command = self._journal.command(name) if name else None
        if command is None and is_ours(name) and name[2] == LETTERS[Purpose.EMERGENCY]:
            return FillReason.EMERGENCY  # sent while the journal was not there
        if command is None:
            return FillReason.EXTERNAL if fill.cause == "trade" else FillReason.UNKNOWN
        purpose = command.intent.purpose
        return FIXED.get(purpose) or BY_NAME.get(command.intent.reason, FillReason.UNKNOWN)

    def _is_new(self, fill: Fill) -> bool:
        return fill.symbol in self._columns and fill.fill_id not in self._known[fill.symbol]

    def _note(self, fill: Fill) -> None:
        self._known[fill.symbol][fill.fill_id] = None
        _let_go(self._known[fill.symbol])
        if fill.client_id:
            self._filled[fill.client_id] = self._filled.get(fill.client_id, Decimal(0)) + fill.qty
            _let_go(self._filled)
        self.cursors[fill.symbol] = max(self.cursors.get(fill.symbol, 0), fill.ts_ms)

    def _fill_rows(self, fills: Sequence[Fill]) -> Records:
        rows = records(FILL, len(fills))
        for row, fill in zip(rows, fills, strict=True):
            units = self._units[fill.symbol]
            row.instrument, row.ts_ms = self._columns[fill.symbol], self._bar_of(fill.ts_ms)
            row.lots, row.px_ticks = fill.order_side * units.lots(fill.qty), units.ticks(fill.px)
            row.fee_atoms = atoms_of(fill.fee) if fill.fee_currency in ("", self._quote) else 0
            row.reason = int(self.reason_of(fill))
        return rows

    def _payment_rows(self, payments: Sequence[Payment]) -> Records:
        rows = records(PAYMENT, len(payments))
        for row, payment in zip(rows, payments, strict=True):
            row.instrument, row.ts_ms = self._columns[payment.symbol], payment.ts_ms
            row.atoms = atoms_of(payment.amount)
        return rows

    def _transfer_rows(self, transfers: Sequence[Payment]) -> Records:
        rows = records(TRANSFER, len(transfers))
        for row, transfer in zip(rows, transfers, strict=True):
            row.ts_ms, row.atoms = transfer.ts_ms, atoms_of(transfer.amount)
        return rows

    def _bar_of(self, ts_ms: int) -> int:
        return ts_ms - ts_ms % self._base_ms


def _let_go(kept: dict[Any, Any]) -> None:
    """Forget the oldest of what was noted."""
    while len(kept) > MOST:
        del kept[next(iter(kept))]


def _order_of(fill_id: str) -> tuple[int, str]:
    """Numbers by value, other ids by text."""
    return (int(fill_id), "") if fill_id.isdecimal() else (0, fill_id)
