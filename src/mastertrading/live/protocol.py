"""The command protocol: an intent is durable before its first byte leaves, and an unknown outcome is a state.

::

    prepare (with the decision's own commit) ─► SENT, one commit ─► the wire ─► ACK, REFUSED or UNKNOWN, one commit
    UNKNOWN ─► found by client id: ACK          ─► proved absent, after its deadline: ABSENT
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mastertrading.domain.commands import Outcome, Refusal, Reply
from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable, InvariantBroken
from mastertrading.domain.intents import STATE_OF_OUTCOME, Command, CommandState, Purpose, Transition
from mastertrading.domain.orders import Order, OrderRequest, OrderStatus
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.live.attached import is_attached
from mastertrading.live.snapshot import Snapshot

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
    last_ms: int = -LOOKS_APART_MS

    def look(self, now_ms: int) -> bool:
        """Count a clean answer; whether there were enough, far enough apart."""
        if now_ms - self.last_ms >= LOOKS_APART_MS:
            self.clean, self.last_ms = self.clean + 1, now_ms
        return self.clean >= CLEAN_LOOKS


@dataclass
class Protocol:
    """Sends commands once, and finds out what became of those whose answer was lost.

    Attributes
    ----------
    may_send
        Asked before each byte: raises ``LeaseLost`` in a process that may not send any more.
    touched
        Instrument to the number of the newest snapshot that was asked for before its last command ended: neither that
        one nor an older one says anything about it.
    cancelled
        Targets of cancels that the venue took.
    """

    gateway: Gateway
    journal: Journal
    bounds: Bounds = field(default_factory=Bounds)
    may_send: Callable[[], None] = lambda: None
    touched: dict[str, int] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    _looks: dict[str, _Looks] = field(default_factory=dict)

    async def send(self, errands: Sequence[Errand], snapshot: int = 0) -> dict[str, Reply]:
        """Send commands one after the other, in the order of their importance."""
        replies = {}
        for errand in errands:
            replies[errand.command.client_id] = await self._send(errand, snapshot)
        return replies

    async def _send(self, errand: Errand, snapshot: int) -> Reply:
        self.may_send()
        name, now_ms = errand.command.client_id, self.gateway.now_ms()
        deadline_ms = now_ms + self.bounds.in_all_ms
        self.journal.mark(Transition(name, CommandState.SENT, now_ms, deadline_ms=deadline_ms))
        self.touched[errand.command.intent.symbol] = snapshot
        if errand.request is not None:
            reply = await self.gateway.place(errand.request)
        elif errand.cancels is not None:
            reply = await self.gateway.cancel(errand.cancels)
        else:
            raise InvariantBroken(f"command {name} says nothing to send")
        self._note(errand, reply)
        return reply

    def _note(self, errand: Errand, reply: Reply) -> None:
        command, now_ms = errand.command, self.gateway.now_ms()
        state = STATE_OF_OUTCOME[reply.outcome]
        gone = self._is_cancel(command) and reply.refusal is Refusal.NO_SUCH_ORDER
        order_id = reply.order.order_id if reply.order is not None else ""
        if self._is_cancel(command) and (gone or reply.outcome is Outcome.ACK):
            self.cancelled.add(command.intent.target)
        self.journal.mark(
            Transition(
                command.client_id,
                state,
                now_ms,
                order_id=order_id,
                refusal=reply.refusal or "",
                code=reply.code,
                detail="it was gone already" if gone else reply.detail,
            )
        )
        if reply.outcome is Outcome.ACK and reply.order is not None and not self._is_cancel(command):
            self.journal.observe(reply.order, at_ms=now_ms)

    # ------------------------------------------------------------ after a crash, or a lost answer
    def recover(self) -> None:
        """What was prepared and never sent is absent; what was sent and never answered is unknown.

        At a start, and at the beginning of every cycle: then nothing is under way.
        """
        now_ms = self.gateway.now_ms()
        for command in self.journal.open_commands():
            if is_attached(command.intent):
                continue  # it goes with its entry
            if command.state is CommandState.PREPARED:
                self._mark(command, CommandState.ABSENT, now_ms, "never sent")
            elif command.state is CommandState.SENT:
                self._mark(command, CommandState.UNKNOWN, now_ms, "no answer")

    def _mark(self, command: Command, state: CommandState, now_ms: int, detail: str = "") -> None:
        self.journal.mark(Transition(command.client_id, state, now_ms, detail=detail))

    async def resolve(self, snapshot: Snapshot, unread: Callable[[str], bool] = lambda symbol: False) -> None:
        """Look for every command whose outcome is unknown.

        Parameters
        ----------
        unread
            Whether an instrument's fills or position don't agree with our books yet: then nothing is absent there.
        """
        for command in self.journal.open_commands():
            if command.state is CommandState.UNKNOWN and not is_attached(command.intent):
                await self._resolve(command, snapshot, unread(command.intent.symbol))

    async def _resolve(self, command: Command, snapshot: Snapshot, unread: bool) -> None:
        intent = command.intent
        if self._is_cancel(command) and snapshot.orders is not None and intent.target.startswith("#"):
            there = [o for o in snapshot.orders if intent.target == f"#{o.order_id}"]
            self._resolve_cancel(command, there[0] if there else None, self.gateway.now_ms())
            return
        wanted = intent.target if self._is_cancel(command) else command.client_id
        try:
            order = await self.gateway.find_order(intent.symbol, wanted)
        except (ExchangeUnavailable, ExchangeRefused):
            return
        now_ms = self.gateway.now_ms()
        if self._is_cancel(command):
            self._resolve_cancel(command, order, now_ms)
            return
        order = order or _by_name(snapshot, command.client_id)
        if order is not None:
            self._looks.pop(command.client_id, None)
            self.journal.observe(order, at_ms=now_ms)
            self.touched[intent.symbol] = snapshot.number
        elif self._is_proved_absent(command, snapshot, unread, now_ms):
            self._mark(command, CommandState.ABSENT, now_ms, "proved by clean reads after its deadline")

    def _resolve_cancel(self, command: Command, order: Order | None, now_ms: int) -> None:
        """A cancel did what it should if its order is gone; if it is still there after the deadline it never came."""
        if order is None or not order.status.is_open:
            self.cancelled.add(command.intent.target)
            self._mark(command, CommandState.ACK, now_ms)
        elif now_ms > command.deadline_ms:
            self._mark(command, CommandState.ABSENT, now_ms)

    def _is_proved_absent(self, command: Command, snapshot: Snapshot, unread: bool, now_ms: int) -> bool:
        """Clean answers from everywhere, several times, after the last moment at which it could have come."""
        if now_ms <= command.deadline_ms or not snapshot.is_whole or unread:
            self._looks.pop(command.client_id, None)
            return False
        return self._looks.setdefault(command.client_id, _Looks()).look(now_ms)

    def is_gone(self, command: Command, snapshot: Snapshot) -> bool:
        """Whether an order that the venue had is in none of its answers any more, several times over.

        Answers that may be older than the order itself say nothing of it.
        """
        if not snapshot.is_whole or snapshot.asked_ms <= command.changed_ms + self.bounds.lag_ms:
            return False
        return self._looks.setdefault(command.client_id, _Looks()).look(self.gateway.now_ms())

    def is_there(self, client_id: str) -> None:
        """The venue tells of an order: it was not gone."""
        self._looks.pop(client_id, None)

    def forget(self, command: Command) -> None:
        """An order of ours ended at the venue, which keeps no word of it: nobody knows how, its fills will tell."""
        self._looks.pop(command.client_id, None)
        state = CommandState.CANCELLED
        self._mark(command, state, self.gateway.now_ms(), "the venue does not know it any more")
        kept = self.journal.venue_orders(command.intent.symbol)
        for order in [one for one in kept if one.client_id == command.client_id]:
            self.journal.observe(replace(order, status=OrderStatus.CANCELLED), at_ms=self.gateway.now_ms())

    def finish_cancels(self) -> None:
        """An answered cancel has nothing more to become."""
        now_ms = self.gateway.now_ms()
        for command in self.journal.open_commands():
            if self._is_cancel(command) and command.state is CommandState.ACK:
                self._mark(command, CommandState.CANCELLED, now_ms)

    @staticmethod
    def _is_cancel(command: Command) -> bool:
        return command.intent.purpose is Purpose.CANCEL


def _by_name(snapshot: Snapshot, client_id: str) -> Order | None:
    return next((order for order in snapshot.orders or () if order.client_id == client_id), None)
