"""Contracts, fills, payments, the double-entry ledger, and the trades that follow from them."""

from __future__ import annotations

from django.db import models

from mastertrading.journal.fields import ExactDecimalField
from mastertrading.journal.models.base import Row, ms, unique, whole, word


class Instrument(Row):
    """Contract facts from a moment on; older facts stay."""

    symbol = word()
    since_ms = ms()
    tick = ExactDecimalField()
    lot = ExactDecimalField()
    multiplier = ExactDecimalField()
    min_lots = whole()
    min_notional = ExactDecimalField()
    tiers = models.TextField(default="[]")

    class Meta:
        indexes = (models.Index(fields=("account", "symbol"), name="journal_instrument_symbol"),)

    def __str__(self) -> str:
        return str(self.symbol)


class Fill(Row):
    """One execution, once. ``key`` sorts it among the movements of its instrument; ``reason`` is its order's."""

    symbol = word()
    fill_id = word(80)
    order_id = word(80)
    client_id = word(64)
    own_id = word(64)
    """Client id of our command, also where the venue does not tell it."""
    order_side = whole()
    qty = ExactDecimalField()
    px = ExactDecimalField()
    fee = ExactDecimalField()
    fee_currency = word(16)
    is_maker = models.BooleanField(default=False)
    cause = word(16)
    reason = word()
    key = word(140)
    grain = ExactDecimalField()
    ts_ms = ms()
    booked_ms = ms()
    epoch = whole()

    class Meta:
        constraints = (unique("fill_once", "symbol", "fill_id"),)
        indexes = (models.Index(fields=("account", "symbol", "ts_ms"), name="journal_fill_time"),)

    def __str__(self) -> str:
        return f"{self.symbol} {self.fill_id}"


class Payment(Row):
    """Funding (+ = paid), a transfer or another booking of the venue (+ = into the account), once."""

    kind = word(16)
    payment_id = word(120)
    symbol = word()
    amount = ExactDecimalField()
    currency = word(16)
    ts_ms = ms()
    booked_ms = ms()
    epoch = whole()

    class Meta:
        constraints = (unique("payment_once", "kind", "payment_id"),)
        indexes = (models.Index(fields=("account", "symbol", "ts_ms"), name="journal_payment_time"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.payment_id}"


class Adjustment(Row):
    """A difference that nothing explains. Never an invented fill."""

    key = word(120)
    reason = models.TextField()
    symbol = word()
    qty = ExactDecimalField()
    px = ExactDecimalField()
    amount = ExactDecimalField()
    currency = word(16)
    movement_key = word(140)
    grain = ExactDecimalField(null=True)
    ts_ms = ms()
    booked_ms = ms()
    epoch = whole()

    class Meta:
        constraints = (unique("adjustment_once", "key"),)

    def __str__(self) -> str:
        return str(self.key)


class LedgerTransaction(Row):
    """A balanced event. Its entries are written first; this row seals them (a trigger checks the sums)."""

    number = whole()
    kind = word(16)
    ref = word(160)
    ts_ms = ms()
    epoch = whole()
    previous = word(64)
    digest = word(64)

    class Meta:
        constraints = (unique("transaction_number", "number"),)

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"


class LedgerEntry(Row):
    """One line of a transaction."""

    number = whole()
    line = whole()
    ref = word(160)
    name = word(80)
    currency = word()
    amount = ExactDecimalField()

    class Meta:
        constraints = (unique("entry_line", "number", "line"),)
        indexes = (models.Index(fields=("account", "ref"), name="journal_entry_ref"),)

    def __str__(self) -> str:
        return f"{self.name} {self.amount} {self.currency}"


class LedgerBalance(Row):
    """The sum of an account's entries: follows from them, and is checked against them."""

    name = word(80)
    currency = word()
    amount = ExactDecimalField()

    class Meta:
        constraints = (unique("balance_place", "name", "currency"),)

    def __str__(self) -> str:
        return f"{self.name} {self.amount} {self.currency}"


class Trade(Row):
    """A position from flat to flat. It follows from the fills: a late one writes it anew."""

    number = whole()
    symbol = word()
    side = whole()
    opened_ms = ms()
    closed_ms = ms()
    qty = ExactDecimalField()
    cost = ExactDecimalField()
    max_qty = ExactDecimalField()
    entry_px = ExactDecimalField()
    exit_px = ExactDecimalField()
    gross = ExactDecimalField()
    fees = ExactDecimalField()
    funding = ExactDecimalField()
    close_reason = word()
    opened_by = word(64)
    closed_by = word(64)
    first_key = word(140)
    last_key = word(140)
    movements = whole()
    from_flip = models.BooleanField(default=False)
    adjusted = models.BooleanField(default=False)

    class Meta:
        constraints = (unique("trade_number", "number"),)
        indexes = (
            models.Index(fields=("account", "symbol", "opened_ms"), name="journal_trade_opened"),
            models.Index(fields=("account", "symbol", "closed_ms"), name="journal_trade_closed"),
        )

    def __str__(self) -> str:
        return f"{self.symbol} trade {self.number}"
