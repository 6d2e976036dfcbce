"""Doors that have two real implementations: a venue through ccxt, and the paper venue; wall and virtual clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from mastertrading.domain.commands import Reply
from mastertrading.domain.feed import AccountEvent, Bar, Book, Funding, MarketEvent
from mastertrading.domain.instrument import Instrument
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

    async def payments(self, since_ms: int) -> tuple[Payment, ...]:
        """Funding and transfers from a moment on, ascending, whole."""

    async def bars(self, symbol: str, timeframe: str, since_ms: int, until_ms: int) -> tuple[Bar, ...]:
        """Closed bars that open in [since, until)."""

    async def funding(self, symbol: str) -> Funding:
        """The next charge."""

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
