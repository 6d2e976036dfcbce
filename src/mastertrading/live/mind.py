"""The engine's side of the live cycle: the book, what happened to it, and what it wants next.

Between two bars everything that matters is in the book's records: they are written to the journal with each
decision, and a restart reads them back (DESIGN section 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import Records
from mastertrading.engine.book import FILL, PAYMENT, TRANSFER, Book, Logs, open_book, open_logs
from mastertrading.engine.steps import close_bar, listen, take_fills, take_payments, take_transfers
from mastertrading.live.ear import Heard
from mastertrading.live.ideal import IdealOrders
from mastertrading.rules.risk.exposure import bounds_of
from mastertrading.settings.records import atoms, rules_record, spec_records
from mastertrading.settings.schema import MODULES, Settings

ROWS_A_CALL = 256
"""Fills handed to the engine at once: the logs have room for more."""
WORKROOM = ("watches", "alarm", "urgency", "exposures", "worst")
"""Fields of the book that mean nothing from one bar to the next."""


class Happened(NamedTuple):
    """What the engine wrote down since it was last asked: rows of its logs."""

    fills: Records
    trades: Records
    payments: Records
    events: Records
    stops: Records


class Mind:
    """The book of one account, moved by what a venue says and by bars.

    Parameters
    ----------
    instruments
        In the order of the columns.
    """

    def __init__(
        self, settings: Settings, instruments: Sequence[Instrument], modules: Sequence[str] = MODULES
    ) -> None:
        self.instruments = tuple(instruments)
        self.rules = rules_record(settings, modules)
        self.specs = spec_records(settings, instruments, modules)
        self.book = open_book(self.rules, len(self.instruments), atoms(settings.account.initial_equity))
        self.logs = open_logs(len(self.instruments))

    # ------------------------------------------------------------ what happened
    def take_fills(self, fills: Records) -> None:
        """Apply FILL records in the order of time."""
        for start in range(0, len(fills), ROWS_A_CALL):
            part = fills[start : start + ROWS_A_CALL]
            take_fills(tuple(self.book), tuple(self.logs), self.rules, self.specs, part)

    def take_payments(self, payments: Records) -> None:
        """Book PAYMENT records."""
        take_payments(tuple(self.book), tuple(self.logs), payments)

    def take_transfers(self, transfers: Records) -> None:
        """Book TRANSFER records."""
        take_transfers(tuple(self.book), tuple(self.logs), transfers)

    # ------------------------------------------------------------ what next
    def listen(self, heard: Heard) -> None:
        """Hear a bar before the first decision."""
        listen(self.book.memory, heard.minutes, heard.verdicts)

    def decide(self, heard: Heard, returns: Records) -> tuple[IdealOrders, ...]:
        """Value the account at the close of a bar and say what should rest of each instrument."""
        known = returns[: int(heard.minutes[0].hours)]
        t_ms = int(heard.minutes[0].t_ms)
        market = known, bounds_of(known)
        close_bar(tuple(self.book), tuple(self.logs), self.rules, self.specs, tuple(heard), market, t_ms)
        return self.wanted(t_ms)

    def wanted(self, decided_ms: int) -> tuple[IdealOrders, ...]:
        """The ideal orders as they stand in the book."""
        return tuple(
            IdealOrders(
                symbol=instrument.symbol,
                decided_ms=decided_ms,
                exit_reason=int(order.exit_reason),
                entry_lots=int(order.entry_lots),
                entry_stop_ticks=int(order.entry_stop_ticks),
                entry_target_ticks=int(order.entry_target_ticks),
                stop_ticks=int(order.stop_ticks),
                partial_ticks=int(order.partial_ticks),
                partial_lots=int(order.partial_lots),
                target_ticks=int(order.target_ticks),
            )
            for instrument, order in zip(self.instruments, self.book.orders, strict=True)
        )

    def happened(self) -> Happened:
        """The rows written since the last call."""
        account, rows = self.book.account, []
        for name in Logs._fields:
            count = int(account[name][0])
            rows.append(getattr(self.logs, name)[:count].copy().view(np.recarray))
            account[name] = 0
        return Happened(*rows)

    # ------------------------------------------------------------ across restarts
    def state(self) -> bytes:
        """The book as bytes."""
        kept = [getattr(self.book, name) for name in Book._fields if name not in WORKROOM]
        return b"".join(np.ascontiguousarray(part).tobytes() for part in kept)

    def restore(self, state: bytes) -> None:
        """Take the book of an earlier process over.

        Raises
        ------
        DataUnreadable
            If it is not a book of this code and these instruments.
        """
        parts = [getattr(self.book, name) for name in Book._fields if name not in WORKROOM]
        if len(state) != sum(part.nbytes for part in parts):
            raise DataUnreadable(
                "the saved state of the engine is of another version or of other instruments",
                why=f"it has {len(state)} bytes, this version writes {sum(part.nbytes for part in parts)}",
            )
        at = 0
        for part in parts:
            part.view(np.uint8).reshape(-1)[:] = np.frombuffer(state, np.uint8, part.nbytes, at)
            at += part.nbytes


def fill_rows(count: int) -> Records:
    """Empty FILL records."""
    return records(FILL, count)


def payment_rows(count: int) -> Records:
    """Empty PAYMENT records."""
    return records(PAYMENT, count)


def transfer_rows(count: int) -> Records:
    """Empty TRANSFER records."""
    return records(TRANSFER, count)
