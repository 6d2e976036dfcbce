"""The command protocol: an intent is durable before its first byte leaves, and an unknown outcome is a state.

::

    prepare (with the decision's own commit) ─► SENT, one commit ─► the wire ─► ACK, REFUSED or UNKNOWN, one commit
    UNKNOWN ─► found by client id: ACK          ─► proved absent, after its deadline: ABSENT
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mastertrading.domain.commands import Outcome, Reply
from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, InvariantBroken
from mastertrading.domain.facts import Incident, Severity
from mastertrading.domain.intents import STATE_OF_OUTCOME, Command, CommandState, Purpose, Transition
from mastertrading.domain.orders import Order, OrderRequest
from mastertrading.domain.ports import Gateway, Journal

CLEAN_LOOKS = 3
LOOKS_APART_MS = 2_000
"""An order is absent only after so many clean answers, so far apart, all after its deadline."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How late an order that was sent may still appear at the venue.

    Attributes
    ----------
    window_ms
        The venue refuses what is older than this (its receive window).
    clock_ms
        Largest error of our idea of its clock.
    lag_ms
        How late its reads may be.
    """

    window_ms: int = 5_000
    clock_ms: int = 1_000
    lag_ms: int = 30_000

    @property
    def in_all_ms(self) -> int:
        """From sending on."""
        return self.window_ms + self.clock_ms + self.lag_ms


class Errand(NamedTuple):
    """A prepared command and what has to be sent for it."""

    command: Command
    request: OrderRequest | None = None
    cancels: Order | None = None


@dataclass
class _Looks:
    clean: int = 0
    last_ms: int = 0


@dataclass
class Protocol:
    """Sends commands once, and finds out what became of those whose answer was lost."""

    gateway: Gateway
    journal: Journal
    bounds: Bounds = field(default_factory=Bounds)
    _looks: dict[str, _Looks] = field(default_factory=dict)

    async def send(self, errands: Sequence[Errand]) -> dict[str, Reply]:
        """Send commands one after the other, in the order of their importance."""
        replies = {}
        for errand in errands:
            replies[errand.command.client_id] = await self._send(errand)
        return replies

    async def _send(self, errand: Errand) -> Reply:
        name, now_ms = errand.command.client_id, self.gateway.now_ms()
        deadline_ms = now_ms + self.bounds.in_all_ms
        self.journal.mark(Transition(name, CommandState.SENT, now_ms, deadline_ms=deadline_ms))
        if errand.request is not None:
            reply = await self.gateway.place(errand.request)
        elif errand.cancels is not None:
            reply = await self.gateway.cancel(errand.cancels)
        else:
            raise InvariantBroken(f"command {name} says nothing to send")
        self._note(errand.command, reply)
        return reply

    def _note(self, command: Command, reply: Reply) -> None:
        order_id = reply.order.order_id if reply.order is not None else ""
        self.journal.mark(
            Transition(
                command.client_id,
                STATE_OF_OUTCOME[reply.outcome],
                self.gateway.now_ms(),
                order_id=order_id,
                refusal=reply.refusal or "",
                code=reply.code,
                detail=reply.detail,
            )
        )
        if reply.outcome is Outcome.ACK and reply.order is not None and not self._is_cancel(command):
            self.journal.observe(reply.order, at_ms=self.gateway.now_ms())

    # ------------------------------------------------------------ after a crash, or a lost answer
    def recover(self) -> None:
        """At a start: what was prepared and never sent is absent; what was sent and never answered is unknown."""
        now_ms = self.gateway.now_ms()
        for command in self.journal.open_commands():
            if command.state is CommandState.PREPARED:
                self.journal.mark(
                    Transition(command.client_id, CommandState.ABSENT, now_ms, detail="never sent")
                )
            elif command.state is CommandState.SENT:
                self.journal.mark(
                    Transition(command.client_id, CommandState.UNKNOWN, now_ms, detail="no answer")
                )

    async def resolve(self, open_orders: Sequence[Order] | None) -> None:
        """Look for every command whose outcome is unknown."""
        for command in self.journal.open_commands():
            if command.state is CommandState.UNKNOWN:
                await self._resolve(command, open_orders)

    async def _resolve(self, command: Command, open_orders: Sequence[Order] | None) -> None:
        intent = command.intent
        wanted = intent.target if self._is_cancel(command) else command.client_id
        try:
            order = await self.gateway.find_order(intent.symbol, wanted)
        except (ExchangeUnavailable, ExchangeRefused):
            return
        now_ms = self.gateway.now_ms()
        if self._is_cancel(command):
            self._resolve_cancel(command, order, now_ms)
        elif order is not None:
            self._looks.pop(command.client_id, None)
            self.journal.observe(order, at_ms=now_ms)
        elif self._is_proved_absent(command, open_orders, now_ms):
            self.journal.mark(Transition(command.client_id, CommandState.ABSENT, now_ms))

    def _resolve_cancel(self, command: Command, order: Order | None, now_ms: int) -> None:
        """A cancel did what it should if its order is gone; if it is still there after the deadline it never came."""
        if order is None or not order.status.is_open:
            self.journal.mark(Transition(command.client_id, CommandState.ACK, now_ms))
        elif now_ms > command.deadline_ms:
            self.journal.mark(Transition(command.client_id, CommandState.ABSENT, now_ms))

    def _is_proved_absent(self, command: Command, open_orders: Sequence[Order] | None, now_ms: int) -> bool:
        """Clean answers from everywhere, several times, after the last moment at which it could have come."""
        if now_ms <= command.deadline_ms or open_orders is None:
            return False
        if any(order.client_id == command.client_id for order in open_orders):
            return False
        looks = self._looks.setdefault(command.client_id, _Looks())
        if now_ms - looks.last_ms < LOOKS_APART_MS:
            return False
        looks.clean, looks.last_ms = looks.clean + 1, now_ms
        return looks.clean >= CLEAN_LOOKS

    def finish_cancels(self) -> None:
        """An answered cancel has nothing more to become."""
        now_ms = self.gateway.now_ms()
        for command in self.journal.open_commands():
            if self._is_cancel(command) and command.state is CommandState.ACK:
                self.journal.mark(Transition(command.client_id, CommandState.CANCELLED, now_ms))

    def alarm(self, detail: str, symbol: str) -> None:
        """Tell people."""
        self.journal.report(
            Incident("protocol", detail, self.gateway.now_ms(), Severity.CRITICAL, subject=symbol)
        )

    @staticmethod
    def _is_cancel(command: Command) -> bool:
        return command.intent.purpose is Purpose.CANCEL
