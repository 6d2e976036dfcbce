"""A checker, what it looks at, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from mastertrading.app.campaign.witness import Sent, Wire
from mastertrading.domain.intents import LETTERS, Command, Purpose, client_id_of, is_ours
from mastertrading.simulator.account import Account
from mastertrading.simulator.events import Event, OrderChanged, OrderNews
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.orders import Cause, Order

PURPOSES = {letter: purpose for purpose, letter in LETTERS.items() if purpose is not Purpose.CANCEL}
LEGS = 8
"""Commands of one decision and purpose among which an attached stop is looked for."""


class Violation(NamedTuple):
    """An invariant that did not hold."""

    invariant: str
    ts_ms: int
    subject: str
    detail: str


@dataclass
class Scene:
    """What checkers look at.

    Attributes
    ----------
    exchange, account
        X.
    journal
        B: only what is committed.
    wire
        W; for a venue without one its log is empty.
    lots, wallet_atoms
        The engine's own idea of its positions, by symbol (empty while no process lives), and of its money.
    foreign
        When something that is not ours last changed a symbol at the exchange.
    """

    exchange: Exchange
    account: Account
    journal: Any
    wire: Wire
    lots: Mapping[str, int] = field(default_factory=dict)
    wallet_atoms: int | None = None
    foreign: dict[str, int] = field(default_factory=dict)
    is_calm: bool = False
    _stops: dict[str, str] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        """The exchange's clock."""
        return self.exchange.clock.now_ms()

    def held(self, symbol: str) -> int:
        """Lots of a position at the exchange."""
        return sum(leg.lots for leg in self.account.held(symbol))

    def command(self, client_id: str) -> Command | None:
        """What the journal has of an order."""
        found: Command | None = self.journal.command(client_id) if client_id else None
        return found

    def resting(self, symbol: str) -> list[Order]:
        """Open orders of ours at the exchange."""
        return [o for o in self.account.open.values() if o.symbol == symbol and is_ours(self.name_of(o))]

    def name_of(self, order: Order) -> str:
        """The client id of an order, or of the conditional one that it was."""
        attached = False
        while not order.client_id and order.parent is not None:
            attached |= order.new.reduce_only
            order = self.account.orders[order.parent]
        return (
            self._attached_to(order.client_id) if attached and is_ours(order.client_id) else order.client_id
        )

    def _attached_to(self, entry: str) -> str:
        """What we call the stop that came with an entry: the venue knows no name of it."""
        if entry in self._stops or entry[2] != LETTERS[Purpose.ENTRY]:
            return self._stops.get(entry, entry)
        command = self.command(entry)
        for leg in range(LEGS if command is not None else 0):
            intent = command.intent  # type: ignore[union-attr]
            name = client_id_of(str(self.journal.account), intent.symbol, Purpose.STOP, intent.bar_ms, leg)
            found = self.command(name)
            if found is not None and found.intent.target == entry:
                self._stops[entry] = name
                return name
        return entry

    def purpose_of(self, order: Order) -> Purpose | None:
        """What an order at the exchange is for; None: not ours."""
        name = self.name_of(order)
        return PURPOSES.get(name[2]) if is_ours(name) else None


def accepted(event: Event) -> Order | None:
    """The order that the exchange has just taken from a client."""
    if isinstance(event, OrderChanged) and event.news is OrderNews.ACCEPTED:
        order = event.order
        if order.cause is Cause.CLIENT and order.parent is None:
            return order
    return None


class Checker:
    """Base of all checkers: each overrides the moments at which it looks.

    Attributes
    ----------
    id, says
        Its name, and what must hold.
    reads
        Which of X, B, W it compares.
    """

    id: ClassVar[str] = ""
    says: ClassVar[str] = ""
    reads: ClassVar[str] = ""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.found: list[Violation] = []
        self._told: set[str] = set()

    def fail(self, subject: str, detail: str, once: str = "") -> None:
        """It does not hold. The same is told once."""
        key = once or subject
        if key not in self._told:
            self._told.add(key)
            self.found.append(Violation(self.id, self.scene.now_ms, subject, detail))

    def on_event(self, event: Event) -> None:
        """S: something has happened at the exchange."""

    def on_sent(self, sent: Sent) -> None:
        """S: a command left the trader."""

    def on_cycle(self) -> None:
        """S: the trader has gone round once."""

    def on_begin(self) -> None:
        """S: a process has begun."""

    def at_rest(self) -> None:
        """Q: nothing has gone wrong for some rounds, and the market stands still."""

    def at_end(self) -> None:
        """E: it is over."""
