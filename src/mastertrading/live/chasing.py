"""What became of orders that should be open and are not in the list: asked for one by one, and believed with care.

Only a word of the venue ends an order: that it filled, was cancelled or expired. A list that does not show an order
says nothing, nor does a question without an answer. So what was acknowledged counts as resting until the venue says
how it ended, or its position is gone. Of stops, if one is unseen for longer than reads may lag, one more is placed
beside it, which can only reduce; if that one is not shown either, the venue's list is blind, and stops are not placed
again and again into a fog.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable
from mastertrading.domain.facts import Incident, Severity
from mastertrading.domain.intents import Command, CommandState, Purpose
from mastertrading.domain.orders import Order
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.live.attached import is_attached
from mastertrading.live.protocol import Protocol
from mastertrading.live.recorder import Recorder
from mastertrading.live.snapshot import Snapshot

FORCED = ("liquidation", "adl")
RESTING = (Purpose.STOP, Purpose.PARTIAL, Purpose.TARGET)


@dataclass
class Unseen:
    """Stops that were acknowledged and are not shown, and have not ended by any word of the venue."""

    _doubted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _outlived: set[str] = field(default_factory=set)

    def shown(self, symbol: str, client_id: str) -> None:
        """The venue tells of it: there is nothing to believe."""
        self._doubted[symbol].discard(client_id)

    def outlived(self, symbol: str, client_id: str) -> None:
        """Its position is gone, or the venue has cancelled it: it protects nothing any more."""
        self._doubted[symbol].discard(client_id)
        self._outlived.add(client_id)

    def is_believed(self, command: Command, *, for_long: bool) -> bool:
        """Whether one counts as resting: for a while, and for as long as others are not shown either."""
        doubted = self._doubted[command.intent.symbol]
        if command.client_id in self._outlived:
            return False
        if not for_long or doubted - {command.client_id}:
            return True
        doubted.add(command.client_id)
        return False


@dataclass
class Chaser:
    """Follows orders of ours to their end.

    Attributes
    ----------
    lots
        The position of an instrument by our books.
    """

    gateway: Gateway
    journal: Journal
    protocol: Protocol
    lots: Callable[[str], int]
    unseen: Unseen = field(default_factory=Unseen)
    _appeared: set[str] = field(default_factory=set)

    async def chase(self, snapshot: Snapshot, recorder: Recorder) -> tuple[Snapshot, set[str]]:
        """The snapshot with what is open though its list does not show it, and where something ended or is unseen."""
        for order in snapshot.orders or ():
            recorder.note_order(order)
            self._shown(order)
        if snapshot.orders is None:
            return snapshot, set()
        there = {order.client_id for order in snapshot.orders}
        denied = frozenset(self._denied(order) for order in snapshot.orders) - {""}
        gone, late, unread = set(), [], set()
        for command in self.journal.open_commands():
            is_there = not command.state.is_at_venue or command.client_id in there
            if is_there or command.intent.purpose is Purpose.CANCEL:
                continue
            gone.add(command.intent.symbol)
            found, answered = await self._asked(command, snapshot)
            if found is not None:
                recorder.note_order(found)
            elif (found := self._believed(command, snapshot, answered)) is not None:
                unread.add(command.client_id)
            late += [found] if found is not None and found.status.is_open else []
        snapshot = replace(snapshot.with_orders((*snapshot.orders, *late), frozenset(unread)), denied=denied)
        return snapshot, gone

    def remember(self) -> None:
        """At a start: what the venue has closed by force before is in our books."""
        for command in self.journal.open_commands():
            symbol = command.intent.symbol
            if is_attached(command.intent) and any(
                fill.cause in FORCED for fill in self.journal.fills(symbol, command.prepared_ms)
            ):
                self.unseen.outlived(symbol, command.client_id)

    def forced(self, symbol: str) -> None:
        """The venue has closed a position by force, and cancels orders when it does: what it does not show is gone."""
        for command in self.journal.open_commands():
            if command.intent.symbol == symbol and is_attached(command.intent):
                self.unseen.outlived(symbol, command.client_id)

    def _denied(self, order: Order) -> str:
        """The name of an order that our books call refused or absent. The venue has hidden it for very long."""
        command = self.journal.command(order.client_id) if order.client_id else None
        if command is None or command.state not in (CommandState.ABSENT, CommandState.REFUSED):
            return ""
        if order.client_id not in self._appeared:
            self._appeared.add(order.client_id)
            detail = f"{order.symbol}: {order.client_id} is {command.state} in our books, and exists"
            now_ms = self.gateway.now_ms()
            self.journal.report(Incident("appeared", detail, now_ms, Severity.CRITICAL, order.symbol))
        return order.client_id

    def _shown(self, order: Order) -> None:
        self.unseen.shown(order.symbol, order.client_id)
        self.protocol.is_there(order.client_id)

    async def _asked(self, command: Command, snapshot: Snapshot) -> tuple[Order | None, bool]:
        """The order by its own name, and whether the venue answered."""
        symbol = command.intent.symbol
        if is_attached(command.intent):
            return None, True  # the venue does not know our name of it: its list is all that there is
        try:
            found = await self.gateway.find_order(symbol, command.client_id)
        except (ExchangeUnavailable, ExchangeRefused):
            return None, False
        if found is not None:
            self._shown(found)
            if self.journal.observe(found, at_ms=self.gateway.now_ms()):
                self.protocol.touched[symbol] = snapshot.number
        return found, True

    def _believed(self, command: Command, snapshot: Snapshot, answered: bool) -> Order | None:
        """An order of which there is no word, as it was told last; None: it does not count."""
        symbol, name = command.intent.symbol, command.client_id
        for_long = answered and not self._waits(command) and self.protocol.is_gone(command, snapshot)
        known = next((one for one in self.journal.venue_orders(symbol) if one.client_id == name), None)
        if self._closes(command, known):
            is_stop = command.intent.purpose is Purpose.STOP
            believed = not is_stop or self.unseen.is_believed(command, for_long=for_long)
            return known if believed else None
        self.unseen.outlived(symbol, name)
        if for_long:
            self.protocol.forget(command)
        return None

    def _closes(self, command: Command, known: Order | None) -> bool:
        """Whether it rests to close a position that is there, and we did not cancel it."""
        names = {command.client_id, f"#{known.order_id}" if known is not None else ""}
        rests = command.intent.purpose in RESTING and not names & self.protocol.cancelled
        return rests and command.intent.order_side * self.lots(command.intent.symbol) < 0

    def _waits(self, command: Command) -> bool:
        """Whether a stop that comes with an entry was never seen, and its entry is not over."""
        parent = self.journal.command(command.intent.target) if is_attached(command.intent) else None
        return command.state is CommandState.ACK and parent is not None and not parent.state.is_over
