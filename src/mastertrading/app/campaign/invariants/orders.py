"""O: no order twice, none unwritten, none forgotten."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from decimal import Decimal

from mastertrading.app.campaign.invariants.base import Checker, Scene, accepted
from mastertrading.app.campaign.witness import Sent
from mastertrading.domain.intents import CommandState, Purpose, is_ours
from mastertrading.simulator.events import Event
from mastertrading.simulator.orders import Cause, No, Order

NEVER = (CommandState.REFUSED, CommandState.ABSENT)
HIDING = frozenset({"X10", "X11"})
CHURN = 6
"""Commands of a flat instrument in a minute."""
ID = re.compile(r"[a-z0-9]{1,32}")
CAUSES = {Cause.LIQUIDATION: "liquidation", Cause.ADL: "adl", Cause.DELIVERY: "settlement"}
OWN_RULES = frozenset(
    {No.TICK, No.LOT, No.MIN_QTY, No.MAX_QTY, No.MIN_NOTIONAL, No.PRICE_BAND, No.POSITION_MODE}
)


class OnceEach(Checker):
    """O1."""

    id, reads = "O1", "XB"
    says = "one intent makes at most one order, and one decision at most one entry"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.names: set[str] = set()
        self.entries: dict[tuple[str, int], str] = {}

    def on_event(self, event: Event) -> None:
        order = accepted(event)
        if order is None or not is_ours(order.client_id):
            return
        if order.client_id in self.names:
            self.fail(order.symbol, f"{order.client_id} was accepted twice", order.client_id)
        self.names.add(order.client_id)
        command = self.scene.command(order.client_id)
        if command is None or command.intent.purpose is not Purpose.ENTRY:
            return
        place = order.symbol, command.intent.bar_ms
        if place in self.entries:
            self.fail(
                order.symbol,
                f"{self.entries[place]} and {order.client_id} enter for one decision",
                order.client_id,
            )
        self.entries[place] = order.client_id


class WrittenFirst(Checker):
    """O2."""

    id, reads = "O2", "XB"
    says = "an order that reaches the exchange was committed as sent before"

    def on_event(self, event: Event) -> None:
        order = accepted(event)
        if order is None or not is_ours(order.client_id):
            return
        command = self.scene.command(order.client_id)
        if command is None or command.state is CommandState.PREPARED:
            state = "not in the journal" if command is None else "only prepared"
            self.fail(order.symbol, f"{order.client_id} is at the exchange and {state}", order.client_id)


class NoPhantoms(Checker):
    """O3."""

    id, reads = "O3", "XB"
    says = "what the journal calls refused or absent is never at the exchange"

    def on_event(self, event: Event) -> None:
        order = accepted(event)
        if order is not None:
            self._check(order)

    def at_end(self) -> None:
        for order in self.scene.account.orders.values():
            if order.cause is Cause.CLIENT:
                self._check(order)

    def _check(self, order: Order) -> None:
        command = self.scene.command(order.client_id)
        if command is not None and command.state in NEVER and not self._was_hidden(order):
            self.fail(
                order.symbol,
                f"{order.client_id} is {command.state} in the journal, and exists",
                order.client_id,
            )

    def _was_hidden(self, order: Order) -> bool:
        """Whether the venue has denied an order for minutes that could only reduce: no proof can see through that."""
        return order.new.reduce_only and bool(HIDING & set(self.scene.wire.hits))


class NeverAgain(Checker):
    """O4."""

    id, reads = "O4", "WB"
    says = "no client id leaves twice"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.names: set[str] = set()

    def on_sent(self, sent: Sent) -> None:
        if "place" not in sent.tags or not sent.client_id:
            return
        if sent.client_id in self.names:
            command = self.scene.command(sent.client_id)
            state = "unwritten" if command is None else command.state
            self.fail(sent.client_id, f"{sent.client_id} ({state}) was sent again", sent.client_id)
        self.names.add(sent.client_id)


class Frozen(Checker):
    """O5."""

    id, reads = "O5", "WB"
    says = "nothing that may add exposure leaves while the outcome of another is unknown"

    def on_sent(self, sent: Sent) -> None:
        if "place" not in sent.tags or sent.client_id[2:3] != "e":
            return
        command = self.scene.command(sent.client_id)
        if command is None:
            return
        for other in self.scene.journal.open_commands():
            same = other.intent.symbol == command.intent.symbol and other.client_id != sent.client_id
            if same and other.intent.purpose.adds_exposure and other.state.is_unresolved:
                self.fail(
                    command.intent.symbol,
                    f"{sent.client_id} left while {other.client_id} is {other.state}",
                    sent.client_id,
                )


class EndedThere(Checker):
    """O6, O7."""

    id, reads = "O6", "XB"
    says = "what the journal says of an order's end is what the exchange says, once there is rest"

    def at_rest(self) -> None:
        for order in self.scene.account.orders.values():
            command = self.scene.command(order.client_id)
            if command is None:
                continue
            is_open = order.number in self.scene.account.open
            child = self.scene.account.orders.get(order.child) if order.child is not None else None
            if child is not None and child.number in self.scene.account.open:
                is_open = True
            if command.state.is_over and is_open:
                self.fail(
                    order.symbol,
                    f"{order.client_id} is {command.state} in the journal, and open",
                    order.client_id,
                )
            elif not command.state.is_over and not is_open:
                self.fail(
                    order.symbol,
                    f"{order.client_id} is {order.status} at the exchange, {command.state} in the journal",
                    order.client_id,
                )


class Monotone(Checker):
    """O7."""

    id, reads = "O7", "XB"
    says = "what filled of an order never shrinks, and is never more than its size"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.filled: dict[str, Decimal] = {}

    def on_cycle(self) -> None:
        for command in self.scene.journal.open_commands():
            before = self.filled.get(command.client_id)
            if before is not None and command.filled_qty < before:
                self.fail(command.intent.symbol, f"{command.client_id} shrank to {command.filled_qty}")
            if command.intent.qty is not None and command.filled_qty > command.intent.qty:
                self.fail(command.intent.symbol, f"{command.client_id} filled more than its size")
            self.filled[command.client_id] = command.filled_qty


class Named(Checker):
    """O8."""

    id, reads = "O8", "XB"
    says = "every order of a client carries an id of ours that the journal knows"

    def on_event(self, event: Event) -> None:
        order = accepted(event)
        if order is None:
            return
        name = order.client_id
        if not ID.fullmatch(name) or not is_ours(name) or self.scene.command(name) is None:
            self.fail(order.symbol, f"an order called {name!r}", name)


class Conforming(Checker):
    """O9."""

    id, reads = "O9", "XW"
    says = "no order breaks a rule of the venue that was known: step, size, band, mode"

    CHANGED = frozenset({"X14", "X23", "X31", "X15"})

    def on_refused(self, reason: No, symbol: str, client_id: str, reduces: bool) -> None:
        """The exchange has refused an order."""
        if reason not in OWN_RULES or (reason is No.MIN_NOTIONAL and reduces):
            return
        if self.CHANGED & set(self.scene.wire.hits):
            return
        self.fail(symbol, f"{client_id} was refused: {reason}", f"{symbol} {reason}")


class NoChurn(Checker):
    """O10."""

    id, reads = "O10", "XW"
    says = (
        "at most six commands a minute of an instrument that is flat, and no more than 24 of one that is not"
    )

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.times: dict[tuple[str, bool], deque[int]] = defaultdict(deque)

    def on_sent(self, sent: Sent) -> None:
        command = self.scene.command(sent.client_id)
        if command is None:
            return
        symbol = command.intent.symbol
        flat = self.scene.held(symbol) == 0
        times = self.times[symbol, flat]
        times.append(sent.ts_ms)
        while times and times[0] <= sent.ts_ms - 60_000:
            times.popleft()
        how = "flat" if flat else "held"
        if len(times) > (CHURN if flat else 4 * CHURN):
            self.fail(
                symbol,
                f"{len(times)} commands in a minute ({how}), last {command.intent.purpose}",
                f"{symbol} {flat}",
            )


class RightCause(Checker):
    """O11."""

    id, reads = "O11", "XB"
    says = "a booked fill names the order and the cause that the exchange names"

    def at_end(self) -> None:
        here = Counter(
            (f.symbol, f.ts_ms, f.order_side, f.client_id, f.cause) for f in self.scene.journal.fills()
        )
        there: Counter[tuple[str, int, int, str, str]] = Counter()
        for done in self.scene.account.executions:
            order = self.scene.account.orders.get(done.order)
            name = self.scene.name_of(order) if order is not None and done.cause is Cause.CLIENT else ""
            cause = CAUSES.get(done.cause, "trade")
            there[done.symbol, done.ts_ms, done.order_side, name if is_ours(name) else "", cause] += 1
        for one in there - here:
            near = [other[3:] for other in here - there if other[:3] == one[:3]]
            if near:  # what is missing altogether is J2's
                self.fail(one[0], f"{one} is booked as {near}", str(one))


ORDERS = (
    OnceEach, WrittenFirst, NoPhantoms, NeverAgain, Frozen, EndedThere, Monotone, Named, Conforming, NoChurn,
    RightCause,
)  # fmt: skip
