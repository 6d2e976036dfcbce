"""Doors that have two real implementations.

A venue through ccxt and the paper venue; wall and virtual clocks; a journal in a database and one in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from mastertrading.domain.commands import Reply
from mastertrading.domain.facts import (
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
from mastertrading.domain.feed import AccountEvent, Bar, Book, Funding, MarketEvent, Settlement
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command, Intent, Transition
from mastertrading.domain.orders import (
    AccountFacts,
    Balance,
    Fill,
    MarginMode,
    Order,
    OrderRequest,
    Payment,
    Position,
    Setup,
)


class Clock(Protocol):
    """Time as a driver needs it."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Gateway(Protocol):
    """One account at one venue.

    Reads raise ``ExchangeUnavailable`` (no clean answer: nothing is known) or ``ExchangeRefused``; what they return
    is a whole, clean answer. Commands never raise for what a venue or a network does: they return a ``Reply``.
    """

    @property
    def venue(self) -> str:
        """Our name of the venue, for example ``binance_usdm``."""

    @property
    def attaches_stops(self) -> bool:
        """Whether the venue places a stop together with an entry."""

    async def start(self) -> None:
        """Load the contracts and set the clock. Raises as reads do, or ``SafetyBlocked``."""

    async def close(self) -> None:
        """Let go of sessions and streams. May be called twice."""

    def now_ms(self) -> int:
        """The venue's clock, as well as we know it."""

    @property
    def clock_error_ms(self) -> float:
        """How far ``now_ms`` may be from the truth; infinite before the venue told its time."""

    async def sync_clock(self) -> None:
        """Ask the venue's time. Raises as reads do."""

    # ---------------------------------------------------------------- reads
    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Contract facts, margin ladder included."""

    async def account_facts(self) -> AccountFacts:
        """Identity, rights of the key, position mode."""

    async def balance(self) -> Balance:
        """Money in the quote currency."""

    async def positions(self) -> tuple[Position, ...]:
        """Every position that is not flat."""

    async def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Plain and conditional orders that may still fill."""

    async def find_order(self, symbol: str, client_id: str) -> Order | None:
        """Look everywhere an order of ours can be. None: every place answered cleanly and none has it."""

    async def fills(self, symbol: str, since_ms: int) -> tuple[Fill, ...]:
        """Executions from a moment on, ascending, whole (all pages)."""

    async def explain(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """The same fills with their causes, asked for where the venue does not tell them with a fill."""

    async def payments(self, since_ms: int) -> tuple[Payment, ...]:
        """Funding and transfers from a moment on, ascending, whole."""

    async def bars(self, symbol: str, timeframe: str, since_ms: int, until_ms: int) -> tuple[Bar, ...]:
        """Closed bars that open in [since, until)."""

    async def funding(self, symbol: str) -> Funding:
        """The next charge."""

    async def settlements(self, symbol: str, since_ms: int) -> tuple[Settlement, ...]:
        """Funding that was charged from a moment on, ascending, whole."""

    async def book(self, symbol: str, levels: int = 20) -> Book:
        """The best levels."""

    # ---------------------------------------------------------------- commands
    async def place(self, request: OrderRequest) -> Reply:
        """Send one order, once."""

    async def cancel(self, order: Order) -> Reply:
        """Cancel one order, once. ACK: the venue accepted the request, not that the order is gone."""

    async def set_leverage(self, symbol: str, leverage: int) -> Reply:
        """Set the leverage; *no change* is an ACK."""

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> Reply:
        """Set the margin mode; *no change* is an ACK."""

    async def set_one_way(self) -> Reply:
        """One position an instrument; *no change* is an ACK."""

    async def verify_setup(
        self, symbols: Sequence[str], leverage: int, mode: MarginMode, *, change: bool = True
    ) -> tuple[Setup, ...]:
        """Make sure of leverage, margin mode and one-way positions, by reading them back.

        Raises ``SafetyBlocked`` if something is different and stays so; with ``change`` off it only looks.
        """

    # ---------------------------------------------------------------- streams
    def market_events(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[MarketEvent]:
        """Bars, quotes, funding and gaps, reconnecting for ever; each closed bar once, in order, gaps filled by REST.

        Bars that close from the call on; what was before is ``bars``'s. One reader at a time.
        """

    def account_events(self) -> AsyncIterator[AccountEvent]:
        """News of one's own orders, fills, positions and money, reconnecting for ever; they only say *look now*.

        A ``StreamGap`` comes first, and after each reconnect. One reader at a time.
        """


class Journal(Protocol):
    """The durable memory of one account: facts, each once, each change one commit.

    A write that returns is durable, and one that raises left nothing behind; only where a server went away during a
    commit nobody knows, and the caller reads again. Writers need the lease; whoever lost
    it gets ``LeaseLost``. Where the journal cannot be written or trusted, ``JournalUnusable``: then nothing may be
    sent. Operators' requests need no lease, so that they reach a trader from another process. Times come in as
    arguments.
    """

    @property
    def account(self) -> AccountName:
        """Whose journal it is."""

    def close(self) -> None:
        """Let go of the database. May be called twice."""

    # ---------------------------------------------------------------- who may write
    def acquire(
        self, holder: str, now_ms: int, ttl_ms: int, has_ended: Callable[[str], bool] = lambda holder: False
    ) -> Lease:
        """Take the lease, with the next epoch. Raises ``LeaseLost`` while someone else holds it.

        ``has_ended`` says of a holder whether it is known to be over: then its lease is.
        """

    def renew(self, now_ms: int, ttl_ms: int) -> Lease:
        """Hold it longer. Raises ``LeaseLost``."""

    def release(self) -> None:
        """Give it back."""

    def lease(self) -> Lease | None:
        """Who holds it, also when that is someone else; expired or not."""

    def bind(self, identity: str) -> None:
        """Tie the journal to the venue's own name of the account, once. Raises ``JournalUnusable`` for another."""

    def begin_run(self, run: RunFacts) -> int:
        """Write that a process begins to trade; its number goes with everything it writes."""

    def end_run(self, at_ms: int, outcome: str) -> None:
        """Write that it ended, and how."""

    # ---------------------------------------------------------------- commands
    def prepare(self, *intents: Intent, at_ms: int) -> tuple[Command, ...]:
        """Write intents, before anything is sent. Raises ``InvariantBroken`` for a client id that was used."""

    def mark(self, *steps: Transition) -> tuple[Command, ...]:
        """Write arrows of the protocol. Raises ``InvariantBroken`` for one that is not legal."""

    def observe(self, *orders: Order, at_ms: int) -> tuple[Command, ...]:
        """Write what the venue tells of orders, and move their commands. Old news moves nothing.

        Returns the commands that moved.
        """

    def command(self, client_id: str) -> Command | None:
        """One command."""

    def command_of_order(self, symbol: str, order_id: str) -> Command | None:
        """The command behind a venue's order id, also after a conditional order has become another."""

    def open_commands(self) -> tuple[Command, ...]:
        """Commands after which something can still follow, in the order in which they were prepared."""

    def venue_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Open orders as the venue told them last."""

    # ---------------------------------------------------------------- money
    def define(self, *instruments: Instrument, at_ms: int) -> None:
        """Write contract facts; needed before an instrument's first fill. A change is kept beside the old facts."""

    def book_fill(self, *fills: Fill, at_ms: int) -> int:
        """Book executions, each once however often it is told, in any order; returns how many were new."""

    def book_payment(self, *payments: Payment, at_ms: int) -> int:
        """Book funding, transfers and others, each once; returns how many were new.

        Funding is + = paid; everything else + = into the account.
        """

    def adjust(self, *adjustments: Adjustment, at_ms: int) -> int:
        """Book differences that nothing explains, with an incident each; returns how many were new."""

    def position(self, symbol: str) -> Decimal:
        """Signed base units, by our books."""

    def balances(self) -> Mapping[tuple[str, str], Decimal]:
        """The ledger: (account, currency) to amount."""

    def fill_cursor(self, symbol: str) -> int:
        """Time of the newest fill that is booked; 0 if there is none."""

    def payment_cursor(self) -> int:
        """Time of the newest payment that is booked; 0 if there is none."""

    def tidy(self, now_ms: int) -> int:
        """Remove a bounded part of what need not be kept any longer; returns how many rows, 0: nothing is left to do.

        For moments in which nobody waits for the journal. Needs no lease: no fact of money or orders goes.
        """

    def verify(self, last: int | None = None) -> None:
        """Check that the ledger balances and its chain holds. Raises ``JournalUnusable``."""

    # ---------------------------------------------------------------- cycles
    def commit_cycle(self, cycle: CycleFacts, at_ms: int) -> int:
        """Write all that a cycle leaves behind in one transaction; returns its number."""

    def latest_state(self) -> StateFacts | None:
        """The engine's record that was written last."""

    # ---------------------------------------------------------------- safety
    def report(self, *incidents: Incident) -> None:
        """Write incidents."""

    def latch(self, name: str, reason: str, at_ms: int) -> bool:
        """Put a switch; False if it was put already (the first reason stays)."""

    def unlatch(self, name: str, command_id: str, at_ms: int) -> bool:
        """Open a switch by an operator's command; False if it was open."""

    def latches(self) -> Mapping[str, Latch]:
        """Switches that are put. ``reconcile_first``: the journal was restored, the venue may be ahead of it."""

    def set_breaker(self, breaker: BreakerFacts) -> bool:
        """Write where a breaker stands; False if it stood there. A change is an incident too."""

    def breakers(self) -> Mapping[str, BreakerFacts]:
        """Where each breaker stands."""

    def request(self, command: OperatorCommand) -> bool:
        """Accept an operator's command; False if that id is known. Raises ``UsageError`` if it said something else."""

    def requests(self) -> tuple[OperatorCommand, ...]:
        """Operators' commands that are accepted and not finished, oldest first."""

    def finish(self, command: OperatorCommand) -> None:
        """Write how a command ended: its phase, before, after, outcome and time."""

    def enter_stage(self, stage: CapitalStage) -> None:
        """Go to another capital stage. Upward one at a time, by command and after a gate; downward freely."""

    def stage(self) -> CapitalStage | None:
        """The stage that holds now."""

    # ---------------------------------------------------------------- questions
    def runs(self) -> tuple[RunFacts, ...]:
        """Processes that traded, oldest first."""

    def instrument(self, symbol: str) -> Instrument | None:
        """Contract facts as they were defined last."""

    def commands(self, symbol: str | None, since_ms: int, until_ms: int) -> tuple[Command, ...]:
        """Commands of decisions of bars that closed in [since, until), as they were prepared."""

    def transitions(self, *client_ids: str) -> tuple[Transition, ...]:
        """Every arrow of some commands, in the order in which they were written."""

    def asked(self, since_ms: int = 0) -> tuple[OperatorCommand, ...]:
        """Operators' commands given from a moment on, finished or not, oldest first."""

    def booked(self, since_ms: int = 0) -> tuple[BookedFill, ...]:
        """The fills of trades that are open or closed in [since, ...), each with its trade, by trade and time."""

    def decisions(self, symbol: str, since_ms: int, until_ms: int) -> tuple[DecisionFacts, ...]:
        """Decisions of minutes that closed in [since, until)."""

    def fills(self, symbol: str | None = None, since_ms: int = 0) -> tuple[Fill, ...]:
        """Booked executions, in the order of the books: by time, then as their commands were prepared."""

    def payments(self, since_ms: int = 0) -> tuple[Payment, ...]:
        """Booked payments, ascending."""

    def trades(self, symbol: str | None = None, since_ms: int = 0) -> tuple[Trade, ...]:
        """Trades that are open or closed in [since, ...), by number."""

    def operation(self, number: int) -> Operation | None:
        """The report of one trade."""

    def inputs(self, since_ms: int, until_ms: int) -> tuple[InputFacts, ...]:
        """What the cycles of bars that closed in [since, until) were told."""

    def equity(self, since_ms: int = 0) -> tuple[EquityFacts, ...]:
        """The equity curve that is kept."""

    def incidents(self, since_ms: int = 0) -> tuple[Incident, ...]:
        """Incidents, oldest first."""

    def performance(self, since_ms: int = 0) -> Performance:
        """What trades closed in [since, ...) made."""
