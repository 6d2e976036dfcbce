"""The engine's side of the live cycle: the book, what happened to it, and what it wants next.

Between two bars everything that matters is in the book's records: they are written to the journal with each
decision, and a restart reads them back (DESIGN section 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import Records
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import FILL, PAYMENT, TRANSFER, Book, Logs, open_book, open_logs
from mastertrading.engine.steps import close_bar, listen, take_fills, take_payments, take_transfers
from mastertrading.live.ear import Heard
from mastertrading.live.ideal import IdealOrders
from mastertrading.rules.risk.exposure import bounds_of
from mastertrading.settings.records import atoms, rules_record, spec_records
from mastertrading.settings.schema import MODULES, Settings

ROWS_A_CALL = 256
"""Fills handed to the engine at once: the logs have room for more."""
STRANGE: tuple[int, ...] = (FillReason.LIQUIDATION, FillReason.ADL, FillReason.EXTERNAL, FillReason.UNKNOWN)
"""Reasons of fills that no order of ours made."""
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

        self._columns = {instrument.symbol: i for i, instrument in enumerate(self.instruments)}

    def column(self, symbol: str) -> int:
        """The column of an instrument."""
        return self._columns[symbol]

    def order_of(self, symbol: str) -> Any:
        """The engine's orders of an instrument (ORDERS)."""
        return self.book.orders[self._columns[symbol]]

    def position_of(self, symbol: str) -> Any:
        """The position of an instrument as the books have it (POSITION)."""
        return self.book.positions[self._columns[symbol]]

    # ------------------------------------------------------------ what happened
    def take_fills(self, fills: Records) -> None:
        """Apply FILL records in the order of time.

        One that goes through flat (somebody else's) is an exit and then an entry; one that opens without an order of
        ours opens without a stop, never with that of an old decision.
        """
        waiting = list(range(len(fills)))
        while waiting:
            part: list[int] = []
            while waiting and len(part) < ROWS_A_CALL and _is_plain(fills[waiting[0]]):
                part.append(waiting.pop(0))
            if part:
                self._apply(fills[part])
            else:
                self._apply_strange(fills[waiting.pop(0)])

    def _apply(self, part: Records) -> None:
        take_fills(tuple(self.book), tuple(self.logs), self.rules, self.specs, part)

    def _apply_strange(self, fill: Any) -> None:
        i, lots = int(fill.instrument), int(fill.lots)
        held = int(self.book.positions[i].lots)
        parts = [lots] if held * lots >= 0 or abs(lots) <= abs(held) else [-held, lots + held]
        fee_left = int(fill.fee_atoms)
        for n, part in enumerate(parts):
            row = fill_rows(1)
            row[0] = fill
            fee = fee_left if n == len(parts) - 1 else int(fill.fee_atoms) * abs(part) // abs(lots)
            fee_left -= fee
            row["lots"], row["fee_atoms"] = part, fee
            if int(self.book.positions[i].lots) == 0:
                self.expect(i, 0, 0)
            self._apply(row)

    def expect(self, i: int, stop_ticks: int, target_ticks: int) -> None:
        """Say what protects a position of this instrument that the next fill opens."""
        order = self.book.orders[i]
        order.entry_stop_ticks, order.entry_target_ticks = stop_ticks, target_ticks
        order.stop_ticks, order.target_ticks, order.partial_lots = 0, 0, 0

    def adopt(self, i: int, stop_ticks: int) -> None:
        """Give a position that somebody else opened its stop: from here on the engine manages it."""
        position, order = self.book.positions[i], self.book.orders[i]
        position.stop_ticks, position.stop_reason = stop_ticks, int(FillReason.STOP)
        position.r_ticks = abs(int(position.entry_ticks) - stop_ticks)
        order.stop_ticks, order.stop_reason = stop_ticks, int(FillReason.STOP)

    def correct(self, i: int, lots: int, px_ticks: int, t_ms: int) -> None:
        """Take over a difference in position that was booked as an adjustment; it costs no fee."""
        row = fill_rows(1)
        row["instrument"], row["ts_ms"], row["lots"] = i, t_ms, lots
        row["px_ticks"], row["reason"] = px_ticks, int(FillReason.UNKNOWN)
        self._apply_strange(row[0])

    def correct_money(self, atoms: int, t_ms: int) -> None:
        """Take over a difference in money: what is missing is a loss, what is found is none of our profit."""
        account = self.book.account[0]
        if atoms > 0:
            rows = transfer_rows(1)
            rows["ts_ms"], rows["atoms"] = t_ms, atoms
            self.take_transfers(rows)
            return
        account.balance += atoms
        account.equity += atoms

    def begin(self, atoms: int) -> None:
        """Begin with this much money, before anything happened."""
        self.book = open_book(self.rules, len(self.instruments), atoms)

    def take_payments(self, payments: Records) -> None:
        """Book PAYMENT records."""
        if len(payments) == 0:
            return
        take_payments(tuple(self.book), tuple(self.logs), payments)

    def take_transfers(self, transfers: Records) -> None:
        """Book TRANSFER records."""
        if len(transfers) == 0:
            return
        take_transfers(tuple(self.book), tuple(self.logs), transfers)

    # ------------------------------------------------------------ what next
    def listen(self, heard: Heard) -> None:
        """Hear a bar before the first decision."""
        listen(self.book.memory, heard.minutes, heard.verdicts)

    def decide(
        self, heard: Heard, returns: Records, reserved: Mapping[int, int] | None = None
    ) -> tuple[IdealOrders, ...]:
        """Value the account at the close of a bar and say what should rest of each instrument.

        Parameters
        ----------
        reserved
            Column to lots of an entry that may fill or may have filled: the others are sized as if it had.
        """
        known = returns[: int(heard.minutes[0].hours)]
        t_ms = int(heard.minutes[0].t_ms)
        market = known, bounds_of(known)
        flat = {i: lots for i, lots in (reserved or {}).items() if self.book.positions[i].lots == 0}
        before = {i: self._reserve(i, lots, heard) for i, lots in flat.items()}
        close_bar(tuple(self.book), tuple(self.logs), self.rules, self.specs, tuple(heard), market, t_ms)
        for i, kept in before.items():
            self._release(i, kept)
        return self.wanted(t_ms)

    def _reserve(self, i: int, lots: int, heard: Heard) -> tuple[Records, Records]:
        """Put an entry into the book at this bar's mark, where it is worth nothing and only takes room."""
        position, row = self.book.positions[i], heard.rows[0, i]
        kept = self.book.positions[i : i + 1].copy(), self.book.orders[i : i + 1].copy()
        if row.valid:
            position.mark_ticks = row.mark
        position.lots, position.entry_ticklots = lots, int(position.mark_ticks) * abs(lots)
        return kept

    def _release(self, i: int, kept: tuple[Records, Records]) -> None:
        """Take it out again."""
        position = self.book.positions[i]
        worth = int(position.mark_ticks) * abs(int(position.lots)) * int(self.specs[i].atoms)
        self.book.account[0].exposure -= worth
        self.book.positions[i : i + 1], self.book.orders[i : i + 1] = kept

    def wanted(self, decided_ms: int) -> tuple[IdealOrders, ...]:
        """The ideal orders as they stand in the book."""
        return tuple(
            IdealOrders(
                symbol=instrument.symbol,
                decided_ms=decided_ms,
                exit_reason=int(order["exit_reason"]),
                entry_lots=int(order["entry_lots"]),
                entry_stop_ticks=int(order["entry_stop_ticks"]),
                entry_target_ticks=int(order["entry_target_ticks"]),
                stop_ticks=int(order["stop_ticks"]),
                partial_ticks=int(order["partial_ticks"]),
                partial_lots=int(order["partial_lots"]),
                target_ticks=int(order["target_ticks"]),
            )
            for instrument, order in zip(self.instruments, _plain(self.book.orders), strict=True)
        )

    def happened(self) -> Happened:
        """The rows written since the last call."""
        account, rows = self.book.account, []
        for name in Logs._fields:
            count = int(account[name][0])
            rows.append(getattr(self.logs, name)[:count].copy().view(np.recarray))
            account[name] = 0
        return Happened(*rows)

    def forget(self) -> None:
        """Make room for the next rows, where nobody wants those that were written."""
        account = _plain(self.book.account)[0]
        for name in Logs._fields:
            account[name] = 0

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


def _plain(rows: Records) -> Any:
    """The same memory without attributes: a field by its name is read ten times as fast, and every cycle reads."""
    return rows.view(_unadorned(rows.dtype), np.ndarray)


@cache
def _unadorned(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype((np.void, dtype))


def _is_plain(fill: Any) -> bool:
    """Whether a fill needs no look at the position: those of our own orders never go through flat."""
    return int(fill.reason) not in STRANGE


def fill_rows(count: int) -> Records:
    """Empty FILL records."""
    return records(FILL, count)


def payment_rows(count: int) -> Records:
    """Empty PAYMENT records."""
    return records(PAYMENT, count)


def transfer_rows(count: int) -> Records:
    """Empty TRANSFER records."""
    return records(TRANSFER, count)
