"""A store in a database: ``services`` write, ``selectors`` read, each failure is a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import wraps
from typing import Any

from django.db import connections, transaction

from mastertrading.domain.errors import JournalUnusable
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
from mastertrading.journal import models, retention, selectors, services
from mastertrading.journal.books import Movement
from mastertrading.journal.connecting import Address, disconnect, plainly
from mastertrading.journal.ledger import Posting, Transaction
from mastertrading.journal.remembered import Remembered
from mastertrading.journal.tables import Rows


def _plain(method: Any) -> Any:
    @wraps(method)
    def call(store: Any, *args: Any, **options: Any) -> Any:
        with store.speaking():
            return method(store, *args, **options)

    return call


def speaks_plainly(cls: type) -> type:
    """Wrap every public method, so that no error of a database's own comes out."""
    for name, method in list(vars(cls).items()):
        if callable(method) and not name.startswith("_") and name not in ("transaction", "speaking", "close"):
            setattr(cls, name, _plain(method))
    return cls


@speaks_plainly
class DatabaseStore:
    """``journal.store.Store`` in Django's tables, on one connection of one thread."""

    def __init__(
        self, account: AccountName, address: Address, using: str, account_id: int, schema: str
    ) -> None:
        self.account, self.address, self.using, self.schema = account, address, using, schema
        self.rows = Rows(using, account_id)
        self._remembered = Remembered(self.rows)

    def close(self) -> None:
        disconnect(self.using)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Say failures in our words; a connection that is lost is let go of, so that the next call makes another."""
        try:
            with plainly(str(self.address)):
                yield
        except JournalUnusable:
            connections[self.using].close_if_unusable_or_obsolete()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a commit is durable."""
        try:
            with self.speaking(), transaction.atomic(using=self.using, durable=True):
                yield
        except BaseException:
            self._remembered.forget()
            raise

    # ---------------------------------------------------------------- who writes
    def lease(self, *, lock: bool = False) -> Lease | None:
        order = "account_id FOR UPDATE" if lock and self.rows.vendor != "sqlite" else "account_id"
        found = self.rows.select(models.Lease, order=order, columns="holder, epoch, expires_ms")
        return Lease(*found[0]) if found else None

    def save_lease(self, lease: Lease) -> None:
        services.save_lease(self.rows, lease)
        self._remembered.hold(lease)

    def identity(self) -> str:
        return str(self._account().values_list("identity", flat=True)[0])

    def save_identity(self, identity: str) -> None:
        self._account().update(identity=identity)

    def _account(self) -> Any:
        return models.Account.objects.using(self.using).filter(id=self.rows.account_id)

    def add_run(self, run: RunFacts, epoch: int) -> int:
        return services.add_run(self.rows, run, epoch, self.schema)

    def runs(self) -> list[RunFacts]:
        return selectors.runs(self.rows)

    def end_run(self, number: int, at_ms: int, outcome: str) -> None:
        self.rows.update(models.Run, {"ended_ms": at_ms, "outcome": outcome}, "id = %s", number)

    # ---------------------------------------------------------------- commands
    def command(self, client_id: str) -> Command | None:
        return self._remembered.command(client_id)

    def command_of_order(self, symbol: str, order_id: str) -> Command | None:
        return selectors.command_of_order(self.rows, symbol, order_id)

    def commands(self, symbol: str | None, since_ms: int, until_ms: int) -> tuple[Command, ...]:
        return selectors.commands(self.rows, symbol, since_ms, until_ms)

    def transitions(self, client_ids: Iterable[str]) -> list[Transition]:
        return selectors.transitions(self.rows, client_ids)

    def open_commands(self) -> tuple[Command, ...]:
        return self._remembered.open_commands()

    def next_command(self) -> int:
        return selectors.next_number(self.rows, models.Command)

    def add_commands(self, commands: Iterable[Command], run: int) -> None:
        made = tuple(commands)
        services.add_commands(self.rows, made, run)
        for command in made:
            self._remembered.note(command)

    def save_command(self, command: Command, step: Transition | None, epoch: int) -> None:
        services.save_command(self.rows, command, step, epoch)
        self._remembered.note(command)

    def order(self, symbol: str, order_id: str, conditional: bool) -> Order | None:
        return selectors.order(self.rows, symbol, order_id, conditional)

    def save_order(self, order: Order) -> None:
        services.save_order(self.rows, order)

    def open_orders(self, symbol: str | None) -> tuple[Order, ...]:
        return selectors.open_orders(self.rows, symbol)

    # ---------------------------------------------------------------- money
    def instrument(self, symbol: str) -> Instrument | None:
        return selectors.instrument(self.rows, symbol)

    def save_instrument(self, instrument: Instrument, at_ms: int) -> None:
        services.save_instrument(self.rows, instrument, at_ms)

    def known_fills(self, symbol: str, fill_ids: Iterable[str]) -> set[str]:
        return selectors.known_fills(self.rows, symbol, fill_ids)

    def add_fill(self, fill: Fill, movement: Movement, at_ms: int, epoch: int) -> None:
        services.add_fill(self.rows, fill, movement, at_ms, epoch)

    def known_payments(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return selectors.known_payments(self.rows, keys)

    def add_payment(self, payment: Payment, at_ms: int, epoch: int) -> None:
        services.add_payment(self.rows, payment, at_ms, epoch)

    def known_adjustment(self, key: str) -> bool:
        return self.rows.first(models.Adjustment, '"key" = %s', key) is not None

    def add_adjustment(
        self, adjustment: Adjustment, movement: Movement | None, at_ms: int, epoch: int
    ) -> None:
        services.add_adjustment(self.rows, adjustment, movement, at_ms, epoch)

    def movements(self, symbol: str, since_ms: int) -> list[Movement]:
        return selectors.movements(self.rows, symbol, since_ms, self.account.currency)

    def funding(self, symbol: str, after_ms: int, until_ms: int) -> Decimal:
        return selectors.funding(self.rows, symbol, after_ms, until_ms, self.account.currency)

    def last_trade(self, symbol: str) -> Trade | None:
        return selectors.last_trade(self.rows, symbol)

    def trade(self, number: int) -> Trade | None:
        row = self.rows.first(models.Trade, "number = %s", number)
        return selectors.trade_from(row) if row else None

    def trade_at(self, symbol: str, ts_ms: int) -> Trade | None:
        return selectors.trade_at(self.rows, symbol, ts_ms)

    def trades(self, symbol: str | None, since_ms: int) -> list[Trade]:
        return selectors.trades(self.rows, symbol, since_ms)

    def next_trade(self) -> int:
        return selectors.next_number(self.rows, models.Trade)

    def save_trades(self, trades: Iterable[Trade]) -> None:
        services.save_trades(self.rows, trades)

    def drop_trades(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.rows.delete(models.Trade, "number = %s", number)

    def chain_end(self) -> tuple[int, str]:
        return selectors.chain_end(self.rows)

    def add_transactions(self, transactions: Iterable[Transaction], epoch: int) -> None:
        services.add_transactions(self.rows, transactions, epoch)

    def postings(self, ref: str) -> tuple[Posting, ...]:
        return selectors.postings(self.rows, ref)

    def transactions(self, first: int) -> list[Transaction]:
        return list(selectors.transactions(self.rows, first))

    def balances(self, accounts: Iterable[tuple[str, str]] | None = None) -> dict[tuple[str, str], Decimal]:
        return selectors.balances(self.rows, accounts)

    def save_balances(self, balances: Mapping[tuple[str, str], Decimal]) -> None:
        services.save_balances(self.rows, balances)

    def fills(self, symbol: str | None, since_ms: int) -> list[Fill]:
        return selectors.fills(self.rows, symbol, since_ms)

    def payments(self, since_ms: int) -> list[Payment]:
        return selectors.payments(self.rows, since_ms)

    def fill_cursor(self, symbol: str) -> int:
        return selectors.newest(self.rows, models.Fill, "symbol = %s", symbol)

    def payment_cursor(self) -> int:
        return selectors.newest(self.rows, models.Payment)

    # ---------------------------------------------------------------- cycles
    def add_cycle(self, cycle: CycleFacts, run: int, epoch: int, at_ms: int) -> int:
        number = selectors.next_number(self.rows, models.Cycle)
        services.add_cycle(self.rows, cycle, number, run, epoch, at_ms)
        return number

    def latest_state(self) -> StateFacts | None:
        return selectors.latest_state(self.rows)

    def tidy(self, now_ms: int) -> int:
        removed = retention.thin(self, now_ms, limit=retention.A_LITTLE)
        self.rows.catch_up()
        return removed

    def inputs(self, since_ms: int, until_ms: int) -> list[InputFacts]:
        return selectors.inputs(self.rows, since_ms, until_ms)

    def decisions(self, symbol: str, since_ms: int, until_ms: int) -> list[DecisionFacts]:
        return selectors.decisions(self.rows, symbol, since_ms, until_ms)

    def equity(self, since_ms: int) -> list[EquityFacts]:
        return selectors.equity(self.rows, since_ms)

    # ---------------------------------------------------------------- safety
    def add_incidents(self, incidents: Iterable[Incident]) -> None:
        services.add_incidents(self.rows, incidents)

    def incidents(self, since_ms: int) -> list[Incident]:
        return selectors.incidents(self.rows, since_ms)

    def latches(self) -> dict[str, Latch]:
        return selectors.latches(self.rows)

    def save_latch(self, latch: Latch) -> None:
        services.save_latch(self.rows, latch)

    def open_latch(self, name: str, command_id: str, at_ms: int) -> None:
        services.open_latch(self.rows, name, command_id, at_ms)

    def breakers(self) -> dict[str, BreakerFacts]:
        return selectors.breakers(self.rows)

    def save_breaker(self, breaker: BreakerFacts) -> None:
        services.save_breaker(self.rows, breaker)

    def operator_command(self, command_id: str) -> OperatorCommand | None:
        return selectors.operator_command(self.rows, command_id)

    def save_operator_command(self, command: OperatorCommand) -> None:
        services.save_operator_command(self.rows, command)

    def operator_commands(self, since_ms: int) -> list[OperatorCommand]:
        return selectors.operator_commands(self.rows, since_ms)

    def open_operator_commands(self) -> list[OperatorCommand]:
        return selectors.open_operator_commands(self.rows)

    def stage(self) -> CapitalStage | None:
        return selectors.stage(self.rows)

    def add_stage(self, stage: CapitalStage) -> None:
        services.add_stage(self.rows, stage)
