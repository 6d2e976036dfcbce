"""The journal over a store: every write is one transaction, fenced by the lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal, localcontext

from mastertrading.domain.errors import LeaseLost
from mastertrading.domain.facts import (
    ZERO,
    AccountName,
    Adjustment,
    BookedFill,
    BreakerFacts,
    CapitalStage,
    CycleFacts,
    DecisionFacts,
    EquityFacts,
    Incident,
    InputFacts,
    Latch,
    Lease,
    Operation,
    OperatorCommand,
    Performance,
    RunFacts,
    StateFacts,
    Trade,
)
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command, CommandState, Intent, Transition
from mastertrading.domain.orders import Fill, Order, Payment
from mastertrading.journal import commands, money, safety
from mastertrading.journal.shares import shares_of_fills
from mastertrading.journal.store import Store
from mastertrading.journal.translate import EXACT, plain


class StoredJournal:
    """``domain.ports.Journal`` over any store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._epoch = 0
        self._run = 0

    @property
    def account(self) -> AccountName:
        """Whose journal it is."""
        return self.store.account

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    @contextmanager
    def _writing(self) -> Iterator[Lease]:
        """One transaction of whoever holds the lease."""
        with self.store.transaction():
            yield safety.check_lease(self.store, self._epoch)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """One transaction of anyone, after those of others: what a person asks for needs no lease."""
        with self.store.transaction():
            self.store.lease(lock=True)
            yield

    # ---------------------------------------------------------------- who may write
    def acquire(
        self, holder: str, now_ms: int, ttl_ms: int, has_ended: Callable[[str], bool] = lambda holder: False
    ) -> Lease:
        """Take the lease, with the next epoch."""
        with self.store.transaction():
            lease = safety.acquire(self.store, holder, now_ms, ttl_ms, has_ended)
        self._epoch = lease.epoch
        return lease

    def renew(self, now_ms: int, ttl_ms: int) -> Lease:
        """Hold it longer."""
        with self._writing() as held:
            lease = replace(held, expires_ms=max(held.expires_ms, now_ms + ttl_ms))
            self.store.save_lease(lease)
        return lease

    def release(self) -> None:
        """Give it back; nothing happens if it was lost."""
        with self.store.transaction():
            held = self.store.lease(lock=True)
            if held is not None and held.epoch == self._epoch:
                self.store.save_lease(Lease("", held.epoch, held.expires_ms))
        self._epoch = 0

    def lease(self) -> Lease | None:
        """Who holds it; None: nobody."""
        held = self.store.lease()
        return held if held is not None and held.holder else None

    def bind(self, identity: str) -> None:
        """Tie the journal to the venue's own name of the account."""
        with self._writing():
            safety.bind(self.store, identity)

    def begin_run(self, run: RunFacts) -> int:
        """Write that a process begins to trade."""
        with self._writing():
            self._run = self.store.add_run(run, self._epoch)
        return self._run

    def end_run(self, at_ms: int, outcome: str) -> None:
        """Write that it ended."""
        with self._writing():
            self.store.end_run(self._run, at_ms, outcome)

    # ---------------------------------------------------------------- commands
    def prepare(self, *intents: Intent, at_ms: int) -> tuple[Command, ...]:
        """Write intents."""
        with self._writing():
            return commands.prepare(self.store, intents, at_ms, self._epoch, self._run)

    def mark(self, *steps: Transition) -> tuple[Command, ...]:
        """Write arrows; SENT only while the lease runs."""
        with self._writing() as held:
            for step in steps:
                if step.state is CommandState.SENT and step.at_ms >= held.expires_ms:
                    raise LeaseLost(
                        f"{step.client_id} is not sent: the lease of {held.holder} has run out",
                        why=f"at {held.expires_ms}, and it is {step.at_ms}",
                    )
            return commands.mark(self.store, steps, self._epoch)

    def observe(self, *orders: Order, at_ms: int) -> tuple[Command, ...]:
        """Write what the venue tells of orders."""
        with self._writing():
            return commands.observe(self.store, orders, at_ms, self._epoch)

    def command(self, client_id: str) -> Command | None:
        """One command."""
        return self.store.command(client_id)

    def command_of_order(self, symbol: str, order_id: str) -> Command | None:
        """The command behind a venue's order id."""
        return self.store.command_of_order(symbol, order_id)

    def open_commands(self) -> tuple[Command, ...]:
        """Commands after which something can follow."""
        return self.store.open_commands()

    def venue_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Open orders as told last."""
        return self.store.open_orders(symbol)

    # ---------------------------------------------------------------- money
    def define(self, *instruments: Instrument, at_ms: int) -> None:
        """Write contract facts."""
        with self._writing():
            for instrument in instruments:
                money.define(self.store, instrument, at_ms)

    def book_fill(self, *fills: Fill, at_ms: int) -> int:
        """Book executions, each once."""
        with self._writing():
            return money.book_fills(self.store, fills, at_ms, self._epoch)

    def book_payment(self, *payments: Payment, at_ms: int) -> int:
        """Book payments, each once."""
        with self._writing():
            return money.book_payments(self.store, payments, at_ms, self._epoch)

    def adjust(self, *adjustments: Adjustment, at_ms: int) -> int:
        """Book differences that nothing explains."""
        with self._writing():
            return money.adjust(self.store, adjustments, at_ms, self._epoch)

    def position(self, symbol: str) -> Decimal:
        """Signed base units."""
        last = self.store.last_trade(symbol)
        return last.qty if last is not None and last.is_open else ZERO

    def balances(self) -> Mapping[tuple[str, str], Decimal]:
        """The ledger's balances."""
        return self.store.balances()

    def fill_cursor(self, symbol: str) -> int:
        """Time of the newest fill."""
        return self.store.fill_cursor(symbol)

    def payment_cursor(self) -> int:
        """Time of the newest payment."""
        return self.store.payment_cursor()

    def verify(self, last: int | None = None) -> None:
        """Check chain and balances."""
        money.verify(self.store, last)

    def tidy(self, now_ms: int) -> int:
        """Remove some of what is too old to be kept."""
        return self.store.tidy(now_ms)

    # ---------------------------------------------------------------- cycles
    def commit_cycle(self, cycle: CycleFacts, at_ms: int) -> int:
        """Write all that a cycle leaves behind."""
        with self._writing():
            commands.observe(self.store, cycle.orders, at_ms, self._epoch)
            money.book_fills(self.store, cycle.fills, at_ms, self._epoch)
            money.book_payments(self.store, cycle.payments, at_ms, self._epoch)
            money.adjust(self.store, cycle.adjustments, at_ms, self._epoch)
            if cycle.intents:
                commands.prepare(self.store, cycle.intents, at_ms, self._epoch, self._run)
            return self.store.add_cycle(cycle, self._run, self._epoch, at_ms)

    def latest_state(self) -> StateFacts | None:
        """The engine's record."""
        return self.store.latest_state()

    # ---------------------------------------------------------------- safety
    def report(self, *incidents: Incident) -> None:
        """Write incidents."""
        with self._writing():
            self.store.add_incidents(incidents)

    def latch(self, name: str, reason: str, at_ms: int) -> bool:
        """Put a switch. Needs no lease: stopping is always allowed."""
        with self._asking():
            return safety.latch(self.store, name, reason, at_ms)

    def unlatch(self, name: str, command_id: str, at_ms: int) -> bool:
        """Open a switch."""
        with self._writing():
            return safety.unlatch(self.store, name, command_id, at_ms)

    def latches(self) -> Mapping[str, Latch]:
        """Switches that are put."""
        return self.store.latches()

    def set_breaker(self, breaker: BreakerFacts) -> bool:
        """Write where a breaker stands."""
        with self._writing():
            return safety.set_breaker(self.store, breaker)

    def breakers(self) -> Mapping[str, BreakerFacts]:
        """Where each breaker stands."""
        return self.store.breakers()

    def request(self, command: OperatorCommand) -> bool:
        """Accept an operator's command. Needs no lease."""
        with self._asking():
            return safety.request(self.store, command)

    def requests(self) -> tuple[OperatorCommand, ...]:
        """Operators' commands that wait."""
        return tuple(self.store.open_operator_commands())

    def finish(self, command: OperatorCommand) -> None:
        """Write how an operator's command ended."""
        with self._writing():
            safety.finish(self.store, command)

    def enter_stage(self, stage: CapitalStage) -> None:
        """Go to another capital stage."""
        with self._writing():
            safety.enter_stage(self.store, stage)

    def stage(self) -> CapitalStage | None:
        """The stage that holds."""
        return self.store.stage()

    # ---------------------------------------------------------------- questions
    def runs(self) -> tuple[RunFacts, ...]:
        """Processes that traded."""
        return tuple(self.store.runs())

    def instrument(self, symbol: str) -> Instrument | None:
        """The newest contract facts."""
        return self.store.instrument(symbol)

    def commands(self, symbol: str | None, since_ms: int, until_ms: int) -> tuple[Command, ...]:
        """Commands of decisions of a window."""
        return self.store.commands(symbol, since_ms, until_ms)

    def transitions(self, *client_ids: str) -> tuple[Transition, ...]:
        """Arrows of some commands."""
        return tuple(self.store.transitions(client_ids))

    def asked(self, since_ms: int = 0) -> tuple[OperatorCommand, ...]:
        """Operators' commands."""
        return tuple(self.store.operator_commands(since_ms))

    def booked(self, since_ms: int = 0) -> tuple[BookedFill, ...]:
        """Fills with their trades."""
        return shares_of_fills(self.store, since_ms)

    def decisions(self, symbol: str, since_ms: int, until_ms: int) -> tuple[DecisionFacts, ...]:
        """Decisions of a window."""
        return tuple(self.store.decisions(symbol, since_ms, until_ms))

    def fills(self, symbol: str | None = None, since_ms: int = 0) -> tuple[Fill, ...]:
        """Booked executions."""
        return tuple(self.store.fills(symbol, since_ms))

    def payments(self, since_ms: int = 0) -> tuple[Payment, ...]:
        """Booked payments."""
        return tuple(self.store.payments(since_ms))

    def trades(self, symbol: str | None = None, since_ms: int = 0) -> tuple[Trade, ...]:
        """Trades by number."""
        return tuple(self.store.trades(symbol, since_ms))

    def operation(self, number: int) -> Operation | None:
        """The report of one trade, from the movements between its first and its last."""
        trade = self.store.trade(number)
        if trade is None:
            return None
        symbol, since_ms = trade.symbol, trade.opened_ms
        every = self.store.movements(symbol, since_ms)
        own = {one.ref: one for one in every if trade.first_key <= one.key <= trade.last_key}
        fills = [one for one in self.store.fills(symbol, since_ms) if f"fill:{symbol}:{one.fill_id}" in own]
        names = dict.fromkeys(one.client_id for one in sorted(own.values(), key=lambda one: one.key))
        found = (self.store.command(name) for name in names if name)
        paid = [
            one for one in self.store.payments(since_ms + 1) if (one.kind, one.symbol) == ("funding", symbol)
        ]
        until_ms = trade.closed_ms or self.store.payment_cursor()
        return Operation(
            trade,
            tuple(fills),
            tuple(one for one in found if one is not None),
            tuple(one for one in paid if one.ts_ms <= until_ms),
        )

    def inputs(self, since_ms: int, until_ms: int) -> tuple[InputFacts, ...]:
        """What cycles were told."""
        return tuple(self.store.inputs(since_ms, until_ms))

    def equity(self, since_ms: int = 0) -> tuple[EquityFacts, ...]:
        """The equity curve."""
        return tuple(self.store.equity(since_ms))

    def incidents(self, since_ms: int = 0) -> tuple[Incident, ...]:
        """Incidents."""
        return tuple(self.store.incidents(since_ms))

    def performance(self, since_ms: int = 0) -> Performance:
        """What closed trades made."""
        closed = [one for one in self.store.trades(None, since_ms) if not one.is_open]
        reasons: dict[str, int] = {}
        gross = fees = funding = ZERO
        with localcontext(EXACT):
            for one in closed:
                reasons[one.close_reason] = reasons.get(one.close_reason, 0) + 1
                gross, fees, funding = gross + one.gross, fees + one.fees, funding + one.funding
            net = gross - fees - funding
            wins = sum(one.gross - one.fees - one.funding > 0 for one in closed)
            return Performance(
                len(closed), wins, plain(gross), plain(fees), plain(funding), plain(net), reasons
            )
