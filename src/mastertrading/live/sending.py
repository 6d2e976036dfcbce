"""From steps to intents with their client ids, and from those to what is handed to the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from mastertrading.domain.facts import AccountName
from mastertrading.domain.intents import LETTERS, Command, Intent, Purpose, client_id_of
from mastertrading.domain.orders import OrderKind, OrderRequest, TimeInForce, Trigger
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.live.attached import MARK, is_attached
from mastertrading.live.mind import Mind
from mastertrading.live.protocol import Errand
from mastertrading.live.reconcile import Cancel, Place, Step
from mastertrading.live.units import Units

PURPOSE_OF_LETTER = {letter: purpose for purpose, letter in LETTERS.items()}
TARGET = "target_ticks="

IMPORTANCE = {
    Purpose.STOP: 1,
    Purpose.EMERGENCY: 2,
    Purpose.EXIT: 2,
    Purpose.PARTIAL: 3,
    Purpose.TARGET: 3,
    Purpose.CANCEL: 4,
    Purpose.ENTRY: 5,
}


def importance(step: Step) -> int:
    """Protection, reductions, cancellations, entries; before them what is in the way of closing."""
    if isinstance(step, Cancel):
        return 0 if step.first else IMPORTANCE[Purpose.CANCEL]
    return IMPORTANCE[step.purpose]


class Planned(NamedTuple):
    """A step with the intents that the journal keeps of it; the first is the one that is sent."""

    step: Step
    intents: tuple[Intent, ...]


class Sender:
    """Names and words of what is sent.

    Parameters
    ----------
    attempt
        How often a command of this kind has failed in a row.
    attaches
        The venue places a stop together with an entry.
    """

    def __init__(
        self,
        account: AccountName,
        journal: Journal,
        mind: Mind,
        units: Mapping[str, Units],
        attempt: Callable[[str, Purpose], int],
        attaches: bool,
    ) -> None:
        self._account, self._journal, self._mind, self._units = account, journal, mind, units
        self._attempt, self._attaches = attempt, attaches
        self._legs: dict[tuple[str, Purpose, int], int] = {}

    def new_bar(self) -> None:
        """Another decision: its ids begin anew."""
        self._legs.clear()

    def plan(self, step: Step, bar_ms: int, snapshot: int, reason: FillReason | None) -> Planned:
        """What the journal keeps of a step.

        Parameters
        ----------
        reason
            Why a position is closed, where somebody else than the engine wants it.
        """
        if isinstance(step, Cancel):
            return Planned(step, (self._cancel(step, bar_ms, snapshot),))
        intent = self._place(step, bar_ms, snapshot, reason)
        if step.purpose is not Purpose.ENTRY or not (self._attaches and step.attached_stop_ticks):
            return Planned(step, (intent,))
        return Planned(step, (intent, self._attached(step, intent)))

    def _cancel(self, step: Cancel, bar_ms: int, snapshot: int) -> Intent:
        name, leg = self._name(step.symbol, Purpose.CANCEL, bar_ms, 0)
        order = step.resting.order
        target = order.client_id
        known = self._journal.command(target) if target else None
        if known is None or is_attached(known.intent):
            target = f"#{order.order_id}"  # the venue does not know our name of it
        return Intent(
            name, step.symbol, Purpose.CANCEL, bar_ms, leg, target=target, params=step.why, snapshot=snapshot
        )

    def _place(self, step: Place, bar_ms: int, snapshot: int, reason: FillReason | None) -> Intent:
        units, purpose = self._units[step.symbol], step.purpose
        attempt = self._attempt(step.symbol, purpose)
        name, leg = self._name(step.symbol, purpose, bar_ms, attempt)
        px = units.px(step.px_ticks) if step.px_ticks else None
        is_stop, is_entry = purpose is Purpose.STOP, purpose is Purpose.ENTRY
        stop_px = units.px(step.attached_stop_ticks) if step.attached_stop_ticks else None
        target = int(self._mind.order_of(step.symbol).entry_target_ticks) if is_entry else 0
        return Intent(
            name,
            step.symbol,
            purpose,
            bar_ms,
            leg,
            attempt,
            order_side=step.order_side,
            lots=step.lots,
            qty=units.qty(step.lots),
            limit_px=None if is_stop else px,
            trigger_px=px if is_stop else None,
            attached_stop_px=stop_px,
            reduce_only=not is_entry,
            reason=self._reason(step.symbol, purpose, reason),
            params=f"{TARGET}{target}" if is_entry else "",
            snapshot=snapshot,
        )

    def _attached(self, step: Place, entry: Intent) -> Intent:
        name, leg = self._name(step.symbol, Purpose.STOP, entry.bar_ms, 0)
        return replace(
            entry,
            client_id=name,
            purpose=Purpose.STOP,
            leg=leg,
            order_side=-entry.order_side,
            trigger_px=entry.attached_stop_px,
            attached_stop_px=None,
            reduce_only=True,
            reason=FillReason.STOP.name.lower(),
            target=entry.client_id,
            params=MARK,
        )

    def _name(self, symbol: str, purpose: Purpose, bar_ms: int, attempt: int) -> tuple[str, int]:
        """The first client id, and its leg, that no command of this decision, purpose and attempt has."""
        key, account = (symbol, purpose, attempt), str(self._account)
        leg = self._legs.get(key, 0)
        name = client_id_of(account, symbol, purpose, bar_ms, leg, attempt)
        while self._journal.command(name) is not None:
            leg += 1
            name = client_id_of(account, symbol, purpose, bar_ms, leg, attempt)
        self._legs[key] = leg + 1
        return name, leg

    def _reason(self, symbol: str, purpose: Purpose, reason: FillReason | None) -> str:
        order = self._mind.order_of(symbol)
        if purpose is Purpose.STOP:
            return FillReason(int(order.stop_reason) or int(FillReason.STOP)).name.lower()
        if purpose is Purpose.EXIT:
            return (reason or FillReason(int(order.exit_reason))).name.lower()
        return str(purpose)

    def errand(self, command: Command, step: Step) -> Errand:
        """What is handed to the gateway."""
        if isinstance(step, Cancel):
            return Errand(command, cancels=step.resting.order)
        intent = command.intent
        trigger = None
        if intent.trigger_px is not None:
            trigger = Trigger(intent.trigger_px, above=intent.order_side > 0)
        return Errand(
            command,
            OrderRequest(
                command.client_id,
                intent.symbol,
                intent.order_side,
                OrderKind.MARKET if intent.limit_px is None else OrderKind.LIMIT,
                intent.qty,
                limit_px=intent.limit_px,
                trigger=trigger,
                time_in_force=TimeInForce.GTC,
                reduce_only=intent.reduce_only,
                attached_stop_px=intent.attached_stop_px if self._attaches else None,
            ),
        )


def target_of(intent: Intent) -> int:
    """The target that an entry was decided with, ticks; 0: none."""
    return int(intent.params.removeprefix(TARGET)) if intent.params.startswith(TARGET) else 0
