"""What the journal needs of a place that keeps rows: two kinds exist, a database and memory.

A store is dumb: it keeps and finds. What may be written, in which order and what follows from it is said once, in
``commands``, ``money``, ``safety`` and ``stored``, for both kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Protocol

from mastertrading.domain.facts import (
    AccountName,
    Adjustment,
    BreakerFacts,
    CapitalStage,
    CycleFacts,
    DecisionFacts,
    EquityFacts,
    Incident,
    InputFacts,
    Latch,
    Lease,
    OperatorCommand,
    RunFacts,
    StateFacts,
    Trade,
)
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command, Transition
from mastertrading.domain.orders import Fill, Order, Payment
from mastertrading.journal.books import Movement
from mastertrading.journal.ledger import Posting, Transaction


class Store(Protocol):
    """Rows of one account."""

    account: AccountName

    def close(self) -> None: ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable at its end. Not nested."""

    # ---------------------------------------------------------------- who writes
    def lease(self, *, lock: bool = False) -> Lease | None: ...

    def save_lease(self, lease: Lease) -> None: ...

    def identity(self) -> str: ...

    def save_identity(self, identity: str) -> None: ...

    def add_run(self, run: RunFacts, epoch: int) -> int: ...

    def end_run(self, number: int, at_ms: int, outcome: str) -> None: ...

    def runs(self) -> list[RunFacts]:
        """Oldest first."""

    # ---------------------------------------------------------------- commands
    def commands(self, symbol: str | None, since_ms: int, until_ms: int) -> tuple[Command, ...]:
        """Of bars in [since, until), by number."""

    def transitions(self, client_ids: Iterable[str]) -> list[Transition]:
        """As they were written."""

    def command(self, client_id: str) -> Command | None: ...

    def command_of_order(self, symbol: str, order_id: str) -> Command | None:
        """The command whose order has this id at the venue, also after a conditional order became another."""

    def open_commands(self) -> tuple[Command, ...]: ...

    def next_command(self) -> int: ...

    def add_commands(self, commands: Iterable[Command], run: int) -> None: ...

    def save_command(self, command: Command, step: Transition | None, epoch: int) -> None:
        """With ``step``: an arrow, kept as an event of its own."""

    def order(self, symbol: str, order_id: str, conditional: bool) -> Order | None: ...

    def save_order(self, order: Order) -> None: ...

    def open_orders(self, symbol: str | None) -> tuple[Order, ...]: ...

    # ---------------------------------------------------------------- money
    def instrument(self, symbol: str) -> Instrument | None: ...

    def save_instrument(self, instrument: Instrument, at_ms: int) -> None: ...

    def known_fills(self, symbol: str, fill_ids: Iterable[str]) -> set[str]: ...

    def add_fill(self, fill: Fill, movement: Movement, at_ms: int, epoch: int) -> None: ...

    def known_payments(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Of (kind, payment id)."""

    def add_payment(self, payment: Payment, at_ms: int, epoch: int) -> None: ...

    def known_adjustment(self, key: str) -> bool: ...

    def add_adjustment(
        self, adjustment: Adjustment, movement: Movement | None, at_ms: int, epoch: int
    ) -> None: ...

    def movements(self, symbol: str, since_ms: int) -> list[Movement]:
        """Fills and adjustments of an instrument from a moment on, in no order."""

    def funding(self, symbol: str, after_ms: int, until_ms: int) -> Decimal:
        """Sum of funding in (after, until]; ``until_ms`` 0: no end."""

    def last_trade(self, symbol: str) -> Trade | None: ...

    def trade(self, number: int) -> Trade | None: ...

    def trade_at(self, symbol: str, ts_ms: int) -> Trade | None:
        """The trade that was open before a moment and up to it."""

    def trades(self, symbol: str | None, since_ms: int) -> list[Trade]:
        """Open ones, and those that closed from a moment on, by number."""

    def next_trade(self) -> int: ...

    def save_trades(self, trades: Iterable[Trade]) -> None: ...

    def drop_trades(self, numbers: Iterable[int]) -> None: ...

    def chain_end(self) -> tuple[int, str]:
        """Number and digest of the newest ledger transaction."""

    def add_transactions(self, transactions: Iterable[Transaction], epoch: int) -> None: ...

    def postings(self, ref: str) -> tuple[Posting, ...]:
        """All lines that were ever written for a fact, reversals included."""

    def transactions(self, first: int) -> Iterable[Transaction]:
        """From a number on, ascending."""

    def balances(
        self, accounts: Iterable[tuple[str, str]] | None = None
    ) -> dict[tuple[str, str], Decimal]: ...

    def save_balances(self, balances: Mapping[tuple[str, str], Decimal]) -> None: ...

    def fills(self, symbol: str | None, since_ms: int) -> list[Fill]: ...

    def payments(self, since_ms: int) -> list[Payment]: ...

    def fill_cursor(self, symbol: str) -> int: ...

    def payment_cursor(self) -> int: ...

    # ---------------------------------------------------------------- cycles
    def add_cycle(self, cycle: CycleFacts, run: int, epoch: int, at_ms: int) -> int: ...

    def latest_state(self) -> StateFacts | None: ...

    def tidy(self, now_ms: int) -> int: ...

    def inputs(self, since_ms: int, until_ms: int) -> list[InputFacts]: ...

    def decisions(self, symbol: str, since_ms: int, until_ms: int) -> list[DecisionFacts]: ...

    def equity(self, since_ms: int) -> list[EquityFacts]: ...

    # ---------------------------------------------------------------- safety
    def add_incidents(self, incidents: Iterable[Incident]) -> None: ...

    def incidents(self, since_ms: int) -> list[Incident]: ...

    def latches(self) -> dict[str, Latch]: ...

    def save_latch(self, latch: Latch) -> None: ...

    def open_latch(self, name: str, command_id: str, at_ms: int) -> None: ...

    def breakers(self) -> dict[str, BreakerFacts]: ...

    def save_breaker(self, breaker: BreakerFacts) -> None: ...

    def operator_command(self, command_id: str) -> OperatorCommand | None: ...

    def save_operator_command(self, command: OperatorCommand) -> None: ...

    def operator_commands(self, since_ms: int) -> list[OperatorCommand]:
        """Given from a moment on, oldest first."""

    def open_operator_commands(self) -> list[OperatorCommand]: ...

    def stage(self) -> CapitalStage | None: ...

    def add_stage(self, stage: CapitalStage) -> None: ...
