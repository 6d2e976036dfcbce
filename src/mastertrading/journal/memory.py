"""A store in memory: for replays and campaigns that need no disk, under the same contract as the database.

Rows are immutable facts in dicts. A transaction keeps what it replaced, and puts it back when it fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.facts import (
    ZERO,
    AccountName,
    Adjustment,
    BreakerFacts,
    CapitalStage,
    CommandPhase,
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
from mastertrading.domain.intents import Command, Purpose, Transition
from mastertrading.domain.orders import Fill, Order, Payment
from mastertrading.journal.books import Movement
from mastertrading.journal.ledger import GENESIS, Posting, Transaction
from mastertrading.journal.stored import StoredJournal
from mastertrading.journal.translate import EXACT

TABLES = (
    "single",
    "runs",
    "commands",
    "open_commands",
    "events",
    "orders",
    "open_orders",
    "order_names",
    "instruments",
    "fills",
    "payments",
    "adjustments",
    "movements",
    "trades",
    "last_trades",
    "fill_cursors",
    "transactions",
    "balances",
    "inputs",
    "decisions",
    "equity",
    "incidents",
    "latches",
    "breakers",
    "operator_commands",
    "stages",
)
ABSENT = object()


def memory_journal(account: AccountName) -> StoredJournal:
    """An empty journal in memory."""
    return StoredJournal(MemoryStore(account))


class MemoryStore:
    """``journal.store.Store`` in dicts, each a table from key to row."""

    def __init__(self, account: AccountName) -> None:
        self.account = account
        self.tables: dict[str, dict[Any, Any]] = {name: {} for name in TABLES}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] | None = None

    def close(self) -> None:
        """Nothing to let go of."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        if self._undo is not None:
            raise InvariantBroken("a transaction inside a transaction")
        self._undo = []
        try:
            yield
        except BaseException:
            for table, key, before in reversed(self._undo):
                if before is ABSENT:
                    del table[key]
                else:
                    table[key] = before
            raise
        finally:
            self._undo = None

    def _put(self, name: str, key: Any, row: Any) -> None:
        table = self.tables[name]
        if self._undo is None:
            raise InvariantBroken("a write outside a transaction")
        self._undo.append((table, key, table.get(key, ABSENT)))
        table[key] = row

    def _drop(self, name: str, key: Any) -> None:
        table = self.tables[name]
        if key in table and self._undo is not None:
            self._undo.append((table, key, table[key]))
            del table[key]

    def _add(self, name: str, row: Any) -> int:
        number = len(self.tables[name]) + 1
        self._put(name, number, row)
        return number

    # ---------------------------------------------------------------- who writes
    def lease(self, *, lock: bool = False) -> Lease | None:
        return self.tables["single"].get("lease")

    def save_lease(self, lease: Lease) -> None:
        self._put("single", "lease", lease)

    def identity(self) -> str:
        return str(self.tables["single"].get("identity", ""))

    def save_identity(self, identity: str) -> None:
        self._put("single", "identity", identity)

    def add_run(self, run: RunFacts, epoch: int) -> int:
        return self._add("runs", (run, epoch))

    def end_run(self, number: int, at_ms: int, outcome: str) -> None:
        run, epoch = self.tables["runs"][number]
        self._put("runs", number, (replace(run, ended_ms=at_ms, outcome=outcome), epoch))

    def runs(self) -> list[RunFacts]:
        return [run for run, _ in self.tables["runs"].values()]

    # ---------------------------------------------------------------- commands
    def command(self, client_id: str) -> Command | None:
        return self.tables["commands"].get(client_id)

    def command_of_order(self, symbol: str, order_id: str) -> Command | None:
        return self.command(self.tables["order_names"].get((symbol, order_id), ""))

    def _name(self, symbol: str, order_id: str | None, client_id: str) -> None:
        if order_id and client_id in self.tables["commands"]:
            self._put("order_names", (symbol, order_id), client_id)

    def commands(self, symbol: str | None, since_ms: int, until_ms: int) -> tuple[Command, ...]:
        every = (one for one in self.tables["commands"].values() if since_ms <= one.intent.bar_ms < until_ms)
        found = (one for one in every if symbol in (None, one.intent.symbol))
        return tuple(sorted(found, key=lambda one: one.number))

    def transitions(self, client_ids: Iterable[str]) -> list[Transition]:
        wanted = set(client_ids)
        return [step for step, _ in self.tables["events"].values() if step.client_id in wanted]

    def open_commands(self) -> tuple[Command, ...]:
        return tuple(sorted(self.tables["open_commands"].values(), key=lambda one: one.number))

    def next_command(self) -> int:
        return len(self.tables["commands"]) + 1

    def add_commands(self, commands: Iterable[Command], run: int) -> None:
        for command in commands:
            self.save_command(command, None, command.epoch)
            prepared = Transition(command.client_id, command.state, command.prepared_ms)
            self._add("events", (prepared, command.epoch))

    def save_command(self, command: Command, step: Transition | None, epoch: int) -> None:
        self._put("commands", command.client_id, command)
        is_first = (command.intent.symbol, command.order_id) not in self.tables["order_names"]
        if is_first and command.intent.purpose is not Purpose.CANCEL:
            self._name(command.intent.symbol, command.order_id, command.client_id)
        if command.state.is_over:
            self._drop("open_commands", command.client_id)
        else:
            self._put("open_commands", command.client_id, command)
        if step is not None:
            self._add("events", (step, epoch))

    def order(self, symbol: str, order_id: str, conditional: bool) -> Order | None:
        return self.tables["orders"].get((symbol, order_id, conditional))

    def save_order(self, order: Order) -> None:
        key = (order.symbol, order.order_id, order.conditional)
        self._put("orders", key, order)
        self._name(order.symbol, order.order_id, order.client_id)
        self._name(order.symbol, order.triggered_id, order.client_id)
        if order.status.is_open:
            self._put("open_orders", key, order)
        else:
            self._drop("open_orders", key)

    def open_orders(self, symbol: str | None) -> tuple[Order, ...]:
        every = sorted(self.tables["open_orders"].items())
        return tuple(one for _, one in every if symbol in (None, one.symbol))

    # ---------------------------------------------------------------- money
    def instrument(self, symbol: str) -> Instrument | None:
        return self.tables["instruments"].get(symbol)

    def save_instrument(self, instrument: Instrument, at_ms: int) -> None:
        self._put("instruments", instrument.symbol, instrument)

    def known_fills(self, symbol: str, fill_ids: Iterable[str]) -> set[str]:
        return {one for one in fill_ids if (symbol, one) in self.tables["fills"]}

    def add_fill(self, fill: Fill, movement: Movement, at_ms: int, epoch: int) -> None:
        self._put("fills", (fill.symbol, fill.fill_id), fill)
        self._put("movements", movement.ref, movement)
        newest = max(fill.ts_ms, self.fill_cursor(fill.symbol))
        self._put("fill_cursors", fill.symbol, newest)

    def known_payments(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return {one for one in keys if one in self.tables["payments"]}

    def add_payment(self, payment: Payment, at_ms: int, epoch: int) -> None:
        self._put("payments", (payment.kind, payment.payment_id), payment)

    def known_adjustment(self, key: str) -> bool:
        return key in self.tables["adjustments"]

    def add_adjustment(
        self, adjustment: Adjustment, movement: Movement | None, at_ms: int, epoch: int
    ) -> None:
        self._put("adjustments", adjustment.key, adjustment)
        if movement is not None:
            self._put("movements", movement.ref, movement)

    def movements(self, symbol: str, since_ms: int) -> list[Movement]:
        every = self.tables["movements"].values()
        return [one for one in every if one.symbol == symbol and one.ts_ms >= since_ms]

    def funding(self, symbol: str, after_ms: int, until_ms: int) -> Decimal:
        with localcontext(EXACT):
            return sum(
                (
                    one.amount
                    for one in self.tables["payments"].values()
                    if one.kind == "funding"
                    and one.symbol == symbol
                    and one.currency == self.account.currency
                    and one.ts_ms > after_ms
                    and (not until_ms or one.ts_ms <= until_ms)
                ),
                ZERO,
            )

    def last_trade(self, symbol: str) -> Trade | None:
        number = self.tables["last_trades"].get(symbol)
        return self.tables["trades"][number] if number else None

    def trade(self, number: int) -> Trade | None:
        return self.tables["trades"].get(number)

    def trade_at(self, symbol: str, ts_ms: int) -> Trade | None:
        every = (
            one for one in self.tables["trades"].values() if one.symbol == symbol and one.opened_ms < ts_ms
        )
        newest = max(every, key=lambda one: (one.opened_ms, one.number), default=None)
        return newest if newest is not None and (newest.is_open or newest.closed_ms >= ts_ms) else None

    def trades(self, symbol: str | None, since_ms: int) -> list[Trade]:
        every = sorted(self.tables["trades"].values(), key=lambda one: one.number)
        return [
            one
            for one in every
            if symbol in (None, one.symbol) and (one.is_open or one.closed_ms >= since_ms)
        ]

    def next_trade(self) -> int:
        return int(self.tables["single"].get("trades", 0)) + 1

    def save_trades(self, trades: Iterable[Trade]) -> None:
        for trade in trades:
            self._put("trades", trade.number, trade)
            self._put("single", "trades", max(trade.number, self.next_trade() - 1))
            last = self.last_trade(trade.symbol)
            if last is None or (trade.first_key, trade.number) >= (last.first_key, last.number):
                self._put("last_trades", trade.symbol, trade.number)

    def drop_trades(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            symbol = self.tables["trades"][number].symbol
            self._drop("trades", number)
            self._drop("last_trades", symbol)
            rest = [one for one in self.tables["trades"].values() if one.symbol == symbol]
            if rest:
                newest = max(rest, key=lambda one: (one.first_key, one.number))
                self._put("last_trades", symbol, newest.number)

    def chain_end(self) -> tuple[int, str]:
        number = len(self.tables["transactions"])
        return number, self.tables["transactions"][number].digest if number else GENESIS

    def add_transactions(self, transactions: Iterable[Transaction], epoch: int) -> None:
        for one in transactions:
            self._put("transactions", one.number, one)

    def postings(self, ref: str) -> tuple[Posting, ...]:
        every = self.tables["transactions"].values()
        return tuple(line for one in every if one.ref == ref for line in one.postings)

    def transactions(self, first: int) -> Iterator[Transaction]:
        for number in range(first, len(self.tables["transactions"]) + 1):
            yield self.tables["transactions"][number]

    def balances(self, accounts: Iterable[tuple[str, str]] | None = None) -> dict[tuple[str, str], Decimal]:
        every = self.tables["balances"]
        return dict(every) if accounts is None else {key: every[key] for key in accounts if key in every}

    def save_balances(self, balances: Mapping[tuple[str, str], Decimal]) -> None:
        for place, amount in balances.items():
            self._put("balances", place, amount)

    def fills(self, symbol: str | None, since_ms: int) -> list[Fill]:
        every = self.tables["fills"].values()
        found = [one for one in every if symbol in (None, one.symbol) and one.ts_ms >= since_ms]
        keys = self.tables["movements"]
        return sorted(found, key=lambda one: (keys[f"fill:{one.symbol}:{one.fill_id}"].key, one.symbol))

    def payments(self, since_ms: int) -> list[Payment]:
        every = [one for one in self.tables["payments"].values() if one.ts_ms >= since_ms]
        return sorted(every, key=lambda one: (one.ts_ms, one.kind, one.payment_id))

    def fill_cursor(self, symbol: str) -> int:
        return int(self.tables["fill_cursors"].get(symbol, 0))

    def payment_cursor(self) -> int:
        return max((one.ts_ms for one in self.tables["payments"].values()), default=0)

    # ---------------------------------------------------------------- cycles
    def add_cycle(self, cycle: CycleFacts, run: int, epoch: int, at_ms: int) -> int:
        number = self.tables["single"].get("cycles", 0) + 1
        self._put("single", "cycles", number)
        if cycle.state:
            self._put("single", "state", StateFacts(number, cycle.bar_ms, cycle.started_ms, cycle.state))
        if cycle.inputs and cycle.bar_ms:
            self._put("inputs", number, InputFacts(number, cycle.bar_ms, cycle.snapshot, cycle.inputs))
        for one in cycle.decisions:
            if (one.symbol, one.ts_ms) in self.tables["decisions"]:
                raise InvariantBroken(f"{one.symbol} was decided twice for the minute {one.ts_ms}")
            self._put("decisions", (one.symbol, one.ts_ms), one)
        if cycle.equity is not None:
            self._put("equity", cycle.equity.ts_ms, cycle.equity)
        return number

    def latest_state(self) -> StateFacts | None:
        return self.tables["single"].get("state")

    def tidy(self, now_ms: int) -> int:
        return 0  # it lives no longer than its process

    def inputs(self, since_ms: int, until_ms: int) -> list[InputFacts]:
        return [one for one in self.tables["inputs"].values() if since_ms <= one.bar_ms < until_ms]

    def decisions(self, symbol: str, since_ms: int, until_ms: int) -> list[DecisionFacts]:
        every = self.tables["decisions"].values()
        found = [one for one in every if one.symbol == symbol and since_ms <= one.ts_ms < until_ms]
        return sorted(found, key=lambda one: one.ts_ms)

    def equity(self, since_ms: int) -> list[EquityFacts]:
        every = [one for one in self.tables["equity"].values() if one.ts_ms >= since_ms]
        return sorted(every, key=lambda one: one.ts_ms)

    # ---------------------------------------------------------------- safety
    def add_incidents(self, incidents: Iterable[Incident]) -> None:
        for one in incidents:
            self._add("incidents", one)

    def incidents(self, since_ms: int) -> list[Incident]:
        return [one for one in self.tables["incidents"].values() if one.ts_ms >= since_ms]

    def latches(self) -> dict[str, Latch]:
        return dict(self.tables["latches"])

    def save_latch(self, latch: Latch) -> None:
        self._put("latches", latch.name, latch)

    def open_latch(self, name: str, command_id: str, at_ms: int) -> None:
        self._drop("latches", name)

    def breakers(self) -> dict[str, BreakerFacts]:
        return dict(self.tables["breakers"])

    def save_breaker(self, breaker: BreakerFacts) -> None:
        self._put("breakers", breaker.name, breaker)

    def operator_command(self, command_id: str) -> OperatorCommand | None:
        return self.tables["operator_commands"].get(command_id)

    def save_operator_command(self, command: OperatorCommand) -> None:
        self._put("operator_commands", command.command_id, command)

    def operator_commands(self, since_ms: int) -> list[OperatorCommand]:
        return [one for one in self.tables["operator_commands"].values() if one.ts_ms >= since_ms]

    def open_operator_commands(self) -> list[OperatorCommand]:
        every = self.tables["operator_commands"].values()
        return [one for one in every if one.phase is CommandPhase.ACCEPTED]

    def stage(self) -> CapitalStage | None:
        stages = self.tables["stages"]
        return stages[len(stages)] if stages else None

    def add_stage(self, stage: CapitalStage) -> None:
        self._add("stages", stage)
