"""P: no position without a stop."""

from __future__ import annotations

from dataclasses import dataclass

from mastertrading.app.campaign.invariants.base import Checker, Scene, accepted
from mastertrading.app.campaign.witness import Sent
from mastertrading.domain.intents import Purpose
from mastertrading.domain.orders import OrderKind
from mastertrading.simulator.events import Event, OrderChanged, OrderNews
from mastertrading.simulator.orders import Cause, Ended, Order

STOP_WITHIN_MS = 15_000
"""Longest reachable time without a stop."""
ORPHAN_MS = 45_000
"""Two rounds, and what they take."""
CLOSING = (Purpose.EXIT, Purpose.STOP, Purpose.PARTIAL, Purpose.TARGET, Purpose.EMERGENCY)
STOP_TOLERANCE = 0.0002


def is_protecting(order: Order, side: int) -> bool:
    """Whether an order would close a position of this side when it goes wrong (P3): its side, its trigger, its kind."""
    if order.new.order_side != -side or not (order.new.reduce_only or order.new.close_position):
        return False
    watch = order.watch
    return watch is not None and watch.above == (side < 0) and order.new.kind is OrderKind.MARKET


def coverage(scene: Scene, symbol: str, side: int) -> int:
    """Lots that resting stops would close."""
    held = abs(scene.held(symbol))
    stops = [order for order in scene.resting(symbol) if is_protecting(order, side)]
    return held if any(o.new.close_position for o in stops) else sum(o.open_lots for o in stops)


@dataclass(slots=True)
class _Bare:
    since_ms: int = 0
    reachable_ms: int = 0
    last_ms: int = 0
    foreign: bool = False


class Unprotected(Checker):
    """P1, and the time without protection for the report."""

    id, reads = "P1", "XW"
    says = "no position without a live stop for more than 15 s in which it could have been sent"
    foreign = False

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.bare: dict[str, _Bare] = {}
        self.others: dict[str, int] = {}
        """When somebody else changed a symbol last."""
        self.spans_ms: list[int] = []
        """Every time without protection, reachable or not."""
        self.reachable_ms: list[int] = []

    def on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged) and event.order.cause is not Cause.CLIENT:
            self.others[event.order.symbol] = event.ts_ms
        self._look(event.order.symbol if isinstance(event, OrderChanged) else "")

    def on_sent(self, sent: Sent) -> None:
        self._look()

    def on_cycle(self) -> None:
        self._look()

    def at_end(self) -> None:
        self._look()
        for symbol in list(self.bare):
            self._close(symbol)

    def _look(self, changed: str = "") -> None:
        now = self.scene.now_ms
        for symbol, bare in self.bare.items():
            if not self.scene.wire.is_troubled(now):
                bare.reachable_ms += now - bare.last_ms
            bare.last_ms = now
            if bare.reachable_ms > STOP_WITHIN_MS and bare.foreign == self.foreign:
                lots = self.scene.held(symbol)
                self.fail(
                    symbol,
                    f"{lots} lots without a stop for {bare.reachable_ms / 1000:.1f} s reachable",
                    f"{symbol} {bare.since_ms}",
                )
        for symbol in [changed] if changed else list(self.scene.exchange.listings):
            lots = self.scene.held(symbol)
            side = 1 if lots > 0 else -1
            if lots and coverage(self.scene, symbol, side) < abs(lots):
                self.bare.setdefault(symbol, _Bare(now, 0, now, self.others.get(symbol) == now))
            elif symbol in self.bare:
                self._close(symbol)

    def _close(self, symbol: str) -> None:
        bare = self.bare.pop(symbol)
        if bare.foreign == self.foreign:
            self.spans_ms.append(self.scene.now_ms - bare.since_ms)
            self.reachable_ms.append(bare.reachable_ms)


class UnprotectedByOthers(Unprotected):
    """P2."""

    id, foreign = "P2", True
    says = "a stop covers the whole position again within 15 s reachable after anybody else changed it"


class OfStops(Checker):
    """Judges each order that the exchange took and the journal calls a stop."""

    def on_event(self, event: Event) -> None:
        order = accepted(event)
        command = self.scene.command(order.client_id) if order is not None else None
        if order is not None and command is not None and command.intent.purpose is Purpose.STOP:
            self.judge(order)

    def judge(self, order: Order) -> None:
        raise NotImplementedError


class StopsProtect(OfStops):
    """P3."""

    id, reads = "P3", "XB"
    says = "what the journal calls a stop closes: its side, reduce-only, triggered by a loss"

    def judge(self, order: Order) -> None:
        if not is_protecting(order, -order.new.order_side):
            self.fail(order.symbol, f"{order.client_id} protects nothing: {order.new}")


class StopsAreMarket(OfStops):
    """P4."""

    id, reads = "P4", "XB"
    says = "stops close at market"

    def judge(self, order: Order) -> None:
        if order.new.kind is not OrderKind.MARKET:
            self.fail(order.symbol, f"{order.client_id} is a {order.new.kind} order")


class NeverLowered(Checker):
    """P5."""

    id, reads = "P5", "XB"
    says = "replacing a stop never lowers what is covered below the position: the new one before the old one"

    def on_event(self, event: Event) -> None:
        if not isinstance(event, OrderChanged) or event.news is not OrderNews.CANCELLED:
            return
        order = event.order
        lots = self.scene.held(order.symbol)
        if (
            order.ended is not Ended.BY_CLIENT
            or lots == 0
            or self.scene.purpose_of(order) is not Purpose.STOP
        ):
            return
        side = 1 if lots > 0 else -1
        after = coverage(self.scene, order.symbol, side)
        before = after + (order.open_lots if is_protecting(order, side) else 0)
        if after < abs(lots) and before > after:
            self.fail(order.symbol, f"{order.client_id} was cancelled: {after} of {lots} lots are covered")


class NoOrphans(Checker):
    """P7."""

    id, reads = "P7", "XW"
    says = "no order that was sent for a position outlives it by more than two rounds"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.flat: dict[str, list[int]] = {}

    def on_event(self, event: Event) -> None:
        self._look()

    def on_cycle(self) -> None:
        self._look()

    def at_rest(self) -> None:
        for symbol in self.scene.exchange.listings:
            orphans = self._orphans(symbol)
            if orphans:
                self.fail(symbol, f"at rest and flat, and {orphans} rest", f"{symbol} rest")

    def _orphans(self, symbol: str) -> list[str]:
        if self.scene.held(symbol):
            return []
        found = self.scene.resting(symbol)
        return [o.client_id for o in found if self.scene.purpose_of(o) is not Purpose.ENTRY]

    def _look(self) -> None:
        now = self.scene.now_ms
        for symbol in self.scene.exchange.listings:
            orphans = self._orphans(symbol)
            if not orphans:
                self.flat.pop(symbol, None)
                continue
            reachable, last = self.flat.get(symbol, [0, now])
            reachable += 0 if self.scene.wire.is_troubled(now) else now - last
            self.flat[symbol] = [reachable, now]
            if reachable > ORPHAN_MS:
                self.fail(
                    symbol, f"flat for {reachable / 1000:.0f} s reachable, and {orphans} rest", orphans[0]
                )


class ClosingCloses(Checker):
    """P8, E3."""

    id, reads = "P8", "XB"
    says = "an order that closes never makes a position larger, and never turns it round"

    def on_event(self, event: Event) -> None:
        if not isinstance(event, OrderChanged) or event.execution is None:
            return
        done = event.execution
        purpose = self.scene.purpose_of(event.order)
        if purpose not in CLOSING:
            return
        after, before = done.position_lots, done.position_lots - done.lots
        if abs(after) >= abs(before) or after * before < 0:
            self.fail(
                done.symbol,
                f"{purpose} {self.scene.name_of(event.order)} took {done.symbol} from {before} to {after} lots",
                str(done.order),
            )


class NeverAway(Checker):
    """P9."""

    id, reads = "P9", "XB"
    says = "a stop only moves towards the price"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.best: dict[str, tuple[int, int]] = {}

    def on_event(self, event: Event) -> None:
        if not isinstance(event, OrderChanged):
            return
        order, symbol = event.order, event.order.symbol
        lots = self.scene.held(symbol)
        side = (lots > 0) - (lots < 0)
        grown = event.execution is not None and abs(event.execution.position_lots) >= abs(
            event.execution.lots
        )
        if side == 0 or (grown and self.scene.purpose_of(order) not in CLOSING):
            self.best.pop(symbol, None)
            return
        command = self.scene.command(order.client_id)
        if event.news is not OrderNews.ACCEPTED or command is None or not is_protecting(order, side):
            return
        if order.watch is None or command.intent.purpose is not Purpose.STOP:
            return
        kept = self.best.get(symbol)
        if kept is not None and kept[0] == side:
            back = side * (kept[1] - order.watch.ticks)
            if back > STOP_TOLERANCE * kept[1]:
                self.fail(
                    symbol,
                    f"the stop went from {kept[1]} to {order.watch.ticks} ticks (side {side})",
                    order.client_id,
                )
            if back > 0:
                return
        self.best[symbol] = side, order.watch.ticks


class OneStopARound(Checker):
    """P10."""

    id, reads = "P10", "WB"
    says = "at most one new stop of an instrument in one round"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.placed: dict[str, str] = {}

    def on_sent(self, sent: Sent) -> None:
        if "place" not in sent.tags or sent.client_id[2:3] != "s":
            return
        command = self.scene.command(sent.client_id)
        if command is None:
            return
        symbol = command.intent.symbol
        if symbol in self.placed:
            self.fail(symbol, f"{self.placed[symbol]} and {sent.client_id} in one round", sent.client_id)
        self.placed[symbol] = sent.client_id

    def on_cycle(self) -> None:
        self.placed.clear()

    def on_begin(self) -> None:
        self.placed.clear()


PROTECTION = (
    Unprotected, UnprotectedByOthers, StopsProtect, StopsAreMarket, NeverLowered, NoOrphans, ClosingCloses, NeverAway,
    OneStopARound,
)  # fmt: skip
