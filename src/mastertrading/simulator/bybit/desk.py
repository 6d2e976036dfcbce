"""What all endpoints and streams of the façade share: the exchange, the rules, and what the exchange does not keep.

The exchange keeps orders and executions; the venue also tells, with an execution, what was left of the order and what
the mark price was. Those are noted here when they happen.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from mastertrading.domain.orders import MarginMode
from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.codes import Wrong, parameter
from mastertrading.simulator.bybit.numbers import Grid
from mastertrading.simulator.bybit.rules import BybitRules
from mastertrading.simulator.events import (
    AccountChanged,
    Event,
    ListingChanged,
    OrderChanged,
    SettingsChanged,
)
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import Execution, Leg, Order

IDX_OF: dict[Leg, int] = {Leg.NET: 0, Leg.LONG: 1, Leg.SHORT: 2}
LEG_OF: dict[int, Leg] = {idx: leg for leg, idx in IDX_OF.items()}


class Note(NamedTuple):
    """What was so at an execution: what was left of its order, and the mark price."""

    left_lots: int
    mark_ticks: int


@dataclass(slots=True)
class Desk:
    """The façade's state.

    Attributes
    ----------
    clock_error_ms
        How wrong the venue's clock is (fault: its timestamps and its judgement of ours).
    modes_changed_ms
        When an account's settings last changed.
    """

    exchange: Exchange
    rules: BybitRules
    clock_error_ms: int = 0
    notes: dict[int, Note] = field(default_factory=dict)
    marks: dict[int, int] = field(default_factory=dict)
    """Mark price at a funding, by the number of its booking."""
    modes_changed_ms: dict[str, int] = field(default_factory=dict)
    sequences: dict[tuple[str, str, Leg], int] = field(default_factory=dict)
    """The latest execution of each leg: a position's ``seq`` is that of its last fill."""
    won: dict[int, int] = field(default_factory=dict)
    """Realised profit of each order that closed something."""
    closed: dict[str, deque[int]] = field(default_factory=dict)
    """The latest closed orders of each account, by number: what the realtime list still tells."""
    grids: dict[str, Grid] = field(default_factory=dict)

    def now_ms(self) -> int:
        """The venue's clock."""
        return self.exchange.clock.now_ms() + self.clock_error_ms

    def grid(self, symbol: str) -> Grid:
        """The instrument's numbers as text."""
        found = self.grids.get(symbol)
        if found is None:
            found = self.grids[symbol] = Grid(self.exchange.listings[symbol])
        return found

    def listing(self, symbol: str, wrong: str = "params error: symbol invalid") -> Listing:
        """An instrument that is listed.

        Raises
        ------
        Wrong
            10001 with the venue's words for one that is not.
        """
        found = self.exchange.listings.get(symbol)
        if found is None:
            raise parameter(wrong)
        return found

    def market(self, symbol: str) -> MarketState:
        """The instrument's market."""
        return self.exchange.markets[symbol]

    def isolated(self, account: Account) -> bool:
        """Whether the account's margin mode, one for all instruments here, is isolated."""
        return MarginMode.ISOLATED in account.margin_modes.values()

    # ------------------------------------------------------------ what happens
    def hear(self, event: Event) -> None:
        """Note what is not kept elsewhere."""
        if isinstance(event, OrderChanged):
            if event.execution is not None:
                self._note(event.execution, event.order)
            if not event.order.status.is_open:
                self._close(event.order)
        elif isinstance(event, AccountChanged):
            for one in event.income:
                if one.symbol:
                    self.marks[one.number] = self.market(one.symbol).mark_ticks
        elif isinstance(event, ListingChanged):
            self.grids.pop(event.symbol, None)
        elif isinstance(event, SettingsChanged):
            self.modes_changed_ms[event.account] = event.ts_ms

    def forget_closed(self) -> None:
        """The venue restarts: the realtime list tells of open orders only."""
        self.closed.clear()

    def _close(self, order: Order) -> None:
        closed = self.closed.setdefault(order.account, deque(maxlen=self.rules.realtime_keeps))
        if not closed or closed[-1] != order.number:
            closed.append(order.number)

    def _note(self, execution: Execution, order: Order) -> None:
        self.notes[execution.number] = Note(order.open_lots, self.market(execution.symbol).mark_ticks)
        self.sequences[(execution.account, execution.symbol, execution.leg)] = execution.number
        if execution.realised_atoms:
            self.won[order.number] = self.won.get(order.number, 0) + execution.realised_atoms


def closed_lots(execution: Execution) -> int:
    """How many lots of the position an execution closed."""
    before = execution.position_lots - execution.lots
    if before == 0 or (before > 0) == (execution.lots > 0):
        return 0
    return min(abs(before), abs(execution.lots))


def uid_of(account: Account) -> int:
    """The venue's number of an account: eight digits, from its name."""
    return 10_000_000 + zlib.crc32(account.name.encode()) % 90_000_000


def leg_of(idx: int, account: Account) -> Leg:
    """The position that an index means.

    Raises
    ------
    Wrong
        10001 where it is none of the account's position mode.
    """
    leg = LEG_OF.get(idx)
    if leg is None or (leg is Leg.NET) == account.hedged:
        raise mismatch()
    return leg


def mismatch() -> Wrong:
    """The venue's error for a position index of the other position mode."""
    return parameter("position idx not match position mode")
