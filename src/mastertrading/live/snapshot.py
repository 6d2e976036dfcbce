"""What the venue told in one cycle: immutable, numbered, and honest about what it did not tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable
from mastertrading.domain.orders import Balance, Fill, Order, Payment, Position
from mastertrading.domain.ports import Gateway

FUTURE_MS = 60_000
"""No clock that may be traded by is wrong by so much."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at an account.

    Attributes
    ----------
    number
        Counts up over the life of a journal.
    asked_ms
        When the first of its reads was asked for: what ended later may be missing in it.
    orders, positions, balance
        None: no clean answer, which is not the same as nothing (law 7).
    troubles
        What did not answer, in words.
    """

    number: int
    asked_ms: int
    orders: tuple[Order, ...] | None
    positions: tuple[Position, ...] | None
    balance: Balance | None
    troubles: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    """Client ids of orders that were not read now: the venue acknowledged them, and said no word of their end."""
    denied: frozenset[str] = frozenset()
    """Client ids of orders that are there though our books say that they never were."""

    @property
    def is_whole(self) -> bool:
        """Whether orders and positions were read: without both, nothing is compared."""
        return self.orders is not None and self.positions is not None

    def with_orders(self, orders: tuple[Order, ...] | None, unread: frozenset[str] = frozenset()) -> Snapshot:
        """The same look with these orders."""
        return replace(self, orders=orders, unread=unread)

    @property
    def written(self) -> tuple[Order, ...]:
        """Orders as the books may take them."""
        return tuple(order for order in self.orders or () if order.client_id not in self.denied)

    def positions_of(self, symbol: str) -> tuple[Position, ...]:
        """Positions of one instrument."""
        return tuple(position for position in self.positions or () if position.symbol == symbol)

    def orders_of(self, symbol: str) -> tuple[Order, ...]:
        """Open orders of one instrument."""
        return tuple(order for order in self.orders or () if order.symbol == symbol)


@dataclass(frozen=True, slots=True)
class News:
    """Executions and payments that the venue told, not all of them new."""

    fills: tuple[Fill, ...] = ()
    payments: tuple[Payment, ...] = ()
    unread: frozenset[str] = field(default_factory=frozenset)
    """Instruments whose executions could not be read."""
    paid: bool = True
    """Whether payments were asked for and told."""


class Reader:
    """Asks the venue, and never takes a failure for an answer."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._number = 0

    async def look(self) -> Snapshot:
        """Orders first, then positions: an order that fills in between shows as a position without its order."""
        self._number += 1
        asked_ms, troubles = self._gateway.now_ms(), []
        orders = positions = balance = None
        try:
            orders = await self._gateway.open_orders()
        except (ExchangeUnavailable, ExchangeRefused) as trouble:
            troubles.append(trouble.what)
        try:
            positions = await self._gateway.positions()
        except (ExchangeUnavailable, ExchangeRefused) as trouble:
            troubles.append(trouble.what)
        try:
            balance = await self._gateway.balance()
        except (ExchangeUnavailable, ExchangeRefused) as trouble:
            troubles.append(trouble.what)
        return Snapshot(self._number, asked_ms, orders, positions, balance, tuple(troubles))

    async def news(
        self, since_ms: Mapping[str, int], symbols: Sequence[str], payments_ms: int | None
    ) -> News:
        """Executions of some instruments, and payments (None: not asked for)."""
        fills: list[Fill] = []
        unread = set()
        for symbol in symbols:
            try:
                told = await self._gateway.fills(symbol, since_ms.get(symbol, 0))
                self._check_times(fill.ts_ms for fill in told)
                fills += told
            except (ExchangeUnavailable, ExchangeRefused):
                unread.add(symbol)
        payments: tuple[Payment, ...] = ()
        if payments_ms is not None:
            try:
                payments = await self._gateway.payments(payments_ms)
                self._check_times(payment.ts_ms for payment in payments)
            except (ExchangeUnavailable, ExchangeRefused):
                unread |= set(symbols)  # a fill may not be booked before the payment that came before it
                return News((), (), frozenset(unread), paid=False)
        return News(tuple(fills), payments, frozenset(unread), paid=payments_ms is not None)

    def _check_times(self, times_ms: Iterable[int]) -> None:
        """What has not happened yet is no clean answer."""
        if max(times_ms, default=0) > self._gateway.now_ms() + FUTURE_MS:
            raise ExchangeUnavailable("the venue tells of what has not happened yet")
