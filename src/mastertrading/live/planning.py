"""The second half of a cycle: for each instrument what is wanted, what is there, and the steps between the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.facts import Incident, Latch, Severity
from mastertrading.domain.intents import Command, CommandState, Purpose, client_id_of, is_ours
from mastertrading.domain.orders import Order
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.live.attached import is_attached
from mastertrading.live.emergency import Emergency
from mastertrading.live.guard import CLOSING, Guard, overridden
from mastertrading.live.ideal import Actual, IdealOrders, Resting
from mastertrading.live.ladder import Ladder
from mastertrading.live.mind import Mind
from mastertrading.live.observing import Seen
from mastertrading.live.permission import FLATTEN, Permission
from mastertrading.live.reconcile import LIMITS, Cancel, Place, Step, reconcile, reconcile_emergency
from mastertrading.live.sending import PURPOSE_OF_LETTER, importance
from mastertrading.live.snapshot import Snapshot
from mastertrading.live.strangers import Strangers
from mastertrading.live.units import Units

CANCEL_PATIENCE_MS = 2_000
"""An unanswered cancel is waited for so long, then its order counts as resting again."""


@dataclass
class Decided:
    """The last decision, and what was already sent for it."""

    bar_ms: int = 0
    ideals: dict[str, IdealOrders] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    """Instruments of which the first price of the next bar was seen: an entry waits for it."""


class Proposal(NamedTuple):
    """A step, and why a position is closed where somebody else than the engine wants it."""

    step: Step
    reason: FillReason | None = None


@dataclass
class Planner:
    """The rules of one account that stand between the engine's wishes and the wire."""

    account: str
    journal: Journal
    mind: Mind
    guard: Guard
    strangers: Strangers
    permission: Permission
    emergency: Emergency
    ladder: Ladder
    units: Mapping[str, Units]
    counts: Callable[[str, Seen], bool]
    entries: dict[str, Command] = field(default_factory=dict)
    """The newest entry of each instrument: what protects a position whose fills are not told yet."""
    adopted: bool = False
    _told: set[tuple[str, int]] = field(default_factory=set)
    _put: Mapping[str, Latch] = field(default_factory=dict)
    """Switches as they were when this plan began."""

    def plan(self, seen: Seen, decided: Decided, now_ms: int) -> list[Proposal]:
        """Every instrument's steps, most important kind first. One instrument's trouble stays its own."""
        if not seen.snapshot.is_whole:
            return []
        commands, self._put = self.journal.open_commands(), self.journal.latches()
        steps: list[Proposal] = []
        for symbol in self.units:
            mine = [one for one in commands if one.intent.symbol == symbol]
            try:
                steps += self._plan_one(symbol, seen, decided, mine, now_ms)
            except (ExchangeUnavailable, ArithmeticError) as trouble:
                self._tell("instrument", symbol, str(trouble), now_ms)
        steps.sort(key=lambda one: importance(one.step))
        return steps

    def _plan_one(
        self, symbol: str, seen: Seen, decided: Decided, mine: list[Command], now_ms: int
    ) -> list[Proposal]:
        held = seen.held[symbol]
        if held is None or not self.counts(symbol, seen):
            return []
        ideal = self._wanted(symbol, decided)
        actual = self._actual(symbol, held, ideal, seen.snapshot, decided, mine, now_ms)
        protected = self._protected(ideal, actual, seen, decided, mine, now_ms)
        if protected is not ideal:
            ideal = protected
            actual = self._actual(symbol, held, ideal, seen.snapshot, decided, mine, now_ms)
        self.guard.look(actual, self.units[symbol].instrument.min_lots, now_ms)
        actual = replace(
            actual, dust=self.guard.is_dust(symbol), freeing=self.guard.is_freeing(symbol, now_ms)
        )
        if self.emergency.covers(symbol):
            is_flat = seen.told[symbol] == 0 == int(self.mind.position_of(symbol).lots)
            steps: tuple[Step, ...] = reconcile_emergency(actual, is_flat=is_flat)
            reason = None
        else:
            reason = self._closing(symbol, ideal)
            ideal = overridden(self._confirmed(ideal, seen), reason)
            actual, ideal = self._permitted(actual, ideal, seen, decided, mine, now_ms)
            steps = () if held and self.strangers.is_left_alone(symbol) else reconcile(ideal, actual)
        steps = (*steps, *(Cancel(symbol, one, "foreign") for one in self.strangers.unwanted(actual)))
        return [Proposal(step, reason) for step in steps if self._may_send(step, now_ms)]

    # ------------------------------------------------------------ what is wanted
    def _wanted(self, symbol: str, decided: Decided) -> IdealOrders:
        ideal = decided.ideals.get(symbol, IdealOrders(symbol, decided.bar_ms))
        return ideal if symbol in decided.opened else replace(ideal, entry_lots=0)

    def _protected(
        self,
        ideal: IdealOrders,
        actual: Actual,
        seen: Seen,
        decided: Decided,
        mine: list[Command],
        now_ms: int,
    ) -> IdealOrders:
        """The stop of a position that the engine has none for: its entry's, or what the policy gives it."""
        symbol = actual.symbol
        if actual.lots == 0 or ideal.stop_ticks:
            self.strangers.known(symbol)
            return ideal
        entry = next((c for c in mine if c.intent.purpose is Purpose.ENTRY), self.entries.get(symbol))
        ours = int(self.mind.position_of(symbol).lots)
        if ours != actual.lots:
            fits = entry is not None and entry.intent.order_side * actual.lots > 0
            px = entry.intent.attached_stop_px if entry is not None and fits else None
            return ideal if px is None else replace(ideal, stop_ticks=self.units[symbol].ticks(px))
        told = seen.snapshot.positions_of(symbol)
        entry_ticks = int(self.mind.position_of(symbol).entry_ticks)
        mark_ticks = int(told[0].mark_px / self.units[symbol].instrument.tick) if told else 0
        stop_ticks = self.strangers.stop_for(actual, entry_ticks, mark_ticks, now_ms)
        if not stop_ticks:
            return ideal
        self.mind.adopt(self.mind.column(symbol), stop_ticks)
        self.adopted = True
        adopted = decided.ideals[symbol] = replace(ideal, stop_ticks=stop_ticks)
        return adopted

    def _closing(self, symbol: str, ideal: IdealOrders) -> FillReason | None:
        if FLATTEN in self._put:
            return FillReason.MANUAL
        return self.guard.of(symbol).closing

    def _confirmed(self, ideal: IdealOrders, seen: Seen) -> IdealOrders:
        return ideal if self.ladder.confirmed(ideal, seen.snapshot) else replace(ideal, exit_reason=0)

    def _permitted(
        self,
        actual: Actual,
        ideal: IdealOrders,
        seen: Seen,
        decided: Decided,
        mine: list[Command],
        now_ms: int,
    ) -> tuple[Actual, IdealOrders]:
        """The entry as far as it is allowed."""
        if ideal.entry_lots == 0 or Purpose.ENTRY in actual.sent:
            return actual, ideal
        symbol = ideal.symbol
        unresolved = [c.client_id for c in mine if c.state.is_unresolved and not is_attached(c.intent)]
        differs = seen.told[symbol] != int(self.mind.position_of(symbol).lots)
        why = [*self.permission.refusals(symbol, decided.bar_ms, now_ms), *(["differs"] if differs else [])]
        if why or unresolved:
            words = ", ".join([*why, *(f"unresolved {name}" for name in unresolved)])
            self._tell("entry_refused", symbol, words, now_ms, decided.bar_ms)
            return replace(actual, frozen=True), ideal
        lots = {name: value or 0 for name, value in seen.held.items()}
        return actual, self.permission.capped(ideal, self.units[symbol].instrument, lots, now_ms)

    # ------------------------------------------------------------ what is there
    def _actual(
        self,
        symbol: str,
        held: int,
        ideal: IdealOrders,
        snapshot: Snapshot,
        decided: Decided,
        mine: list[Command],
        now_ms: int,
    ) -> Actual:
        waiting = {c.intent.target for c in mine if _is_awaited(c, now_ms)}
        resting = []
        for order in snapshot.orders_of(symbol):
            if order.client_id in waiting or f"#{order.order_id}" in waiting:
                continue
            one = self._resting(order)
            purpose = self.strangers.purpose_of(one, ideal.stop_ticks, held)
            resting.append(one if purpose is one.purpose else replace(one, purpose=purpose))
        there = {order.client_id for order in snapshot.orders_of(symbol)}
        unseen = {c.intent.purpose for c in mine if c.intent.purpose in LIMITS and c.client_id not in there}
        sent = self._sent(symbol, decided.bar_ms, mine) | unseen
        return Actual(symbol, held, tuple(resting), sent=sent)

    def _resting(self, order: Order) -> Resting:
        units = self.units[order.symbol]
        px = order.trigger.px if order.trigger is not None else order.limit_px
        return Resting(
            order,
            self._purpose(order.client_id),
            order.order_side,
            units.lots(order.qty - order.filled_qty),
            0 if px is None else units.ticks(px),
            order.reduce_only or order.close_position,
            order.close_position,
        )

    def _purpose(self, client_id: str) -> Purpose | None:
        """What we sent an order for; one with a name of ours that the journal does not know says it by its letter."""
        command = self.journal.command(client_id) if client_id else None
        if command is not None:
            return command.intent.purpose
        return PURPOSE_OF_LETTER[client_id[2]] if is_ours(client_id) else None

    def _sent(self, symbol: str, bar_ms: int, mine: list[Command]) -> frozenset[Purpose]:
        """Market orders that are under way, and an entry that this decision has used up, whatever became of it."""
        on_its_way = {
            c.intent.purpose
            for c in mine
            if c.intent.purpose in CLOSING and c.state is not CommandState.UNKNOWN
        }
        name = client_id_of(self.account, symbol, Purpose.ENTRY, bar_ms)
        entered = {Purpose.ENTRY} if self.journal.command(name) is not None else set()
        return frozenset(on_its_way | entered)

    def _may_send(self, step: Step, now_ms: int) -> bool:
        if isinstance(step, Place):
            return self.guard.may_send(step.symbol, step.purpose, "", now_ms)
        order = step.resting.order
        name = order.client_id
        return self.guard.may_send(step.symbol, Purpose.CANCEL, name or f"#{order.order_id}", now_ms)

    def _tell(self, kind: str, symbol: str, detail: str, now_ms: int, bar_ms: int = 0) -> None:
        """Once a decision and instrument."""
        key = (f"{kind}:{symbol}", bar_ms or now_ms // 60_000)
        if key not in self._told:
            self._told = {one for one in self._told if one[1] == key[1]} | {key}
            self.journal.report(Incident(kind, f"{symbol}: {detail}", now_ms, Severity.WARNING, symbol))


def _is_awaited(command: Command, now_ms: int) -> bool:
    """Whether a cancel may still be about to take effect."""
    is_cancel = command.intent.purpose is Purpose.CANCEL
    return is_cancel and (not command.state.is_unresolved or now_ms - command.changed_ms < CANCEL_PATIENCE_MS)
