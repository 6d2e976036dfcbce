"""What only a live account has: what was sent for a minute's decision, how it was answered, what stood in the way.

A minute's decision is taken at its close and acted upon until the next one is taken: that is the span that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mastertrading.backtest.explain_chain import Chain
from mastertrading.domain.facts import Incident, OperatorCommand
from mastertrading.domain.intents import Command, CommandState, Purpose, Transition
from mastertrading.domain.ports import Journal

WITHHELD = "entry_refused"
"""The incident that says why an entry that was ordered was not sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One command, and every arrow of it."""

    command: Command
    steps: tuple[Transition, ...]

    @property
    def answer(self) -> str:
        """What the venue said, where it said no."""
        said = [self.command.refusal, self.command.code, self.command.detail]
        return " ".join(part for part in said if part)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        intent, one = self.command.intent, self.command
        return {
            "client_id": one.client_id,
            "purpose": intent.purpose.value,
            "reason": intent.reason,
            "side": intent.order_side,
            "qty": None if intent.qty is None else f"{intent.qty:f}",
            "limit_px": None if intent.limit_px is None else f"{intent.limit_px:f}",
            "trigger_px": None if intent.trigger_px is None else f"{intent.trigger_px:f}",
            "attached_stop_px": None if intent.attached_stop_px is None else f"{intent.attached_stop_px:f}",
            "target": intent.target,
            "state": one.state.value,
            "filled_qty": f"{one.filled_qty:f}",
            "order_id": one.order_id,
            "answer": self.answer,
            "steps": [{"state": step.state.value, "at_ms": step.at_ms} for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Around:
    """What happened from a decision to the next one.

    Attributes
    ----------
    missed
        The minute passed while nobody was there: it was folded in later, and nothing could be entered on it.
    latches
        Switches that were put when it began, with the reason of each.
    """

    symbol: str
    from_ms: int
    until_ms: int
    missed: bool
    sent: tuple[Sent, ...]
    incidents: tuple[Incident, ...]
    asked: tuple[OperatorCommand, ...]
    latches: tuple[tuple[str, str], ...]

    @property
    def withheld(self) -> str:
        """Why an entry was not sent; empty where nothing stood in its way."""
        told = [one.detail for one in self.incidents if one.kind == WITHHELD and one.subject == self.symbol]
        return ", ".join(dict.fromkeys(text.removeprefix(f"{self.symbol}: ") for text in told))

    def of(self, purpose: Purpose) -> tuple[Sent, ...]:
        """Commands of one purpose."""
        return tuple(one for one in self.sent if one.command.intent.purpose is purpose)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "from_ms": self.from_ms,
            "until_ms": self.until_ms,
            "missed": self.missed,
            "withheld": self.withheld,
            "sent": [one.as_dict() for one in self.sent],
            "incidents": [asdict(one) for one in self.incidents],
            "asked": [asdict(one) for one in self.asked],
            "latches": dict(self.latches),
        }


def around(journal: Journal, symbol: str, others: Sequence[str], ts_ms: int, base_ms: int) -> Around:
    """Everything between the decision of a close and the next one; what is about other instruments is left out."""
    until_ms = ts_ms + base_ms
    decided = journal.decisions(symbol, ts_ms, ts_ms + 1)
    commands = journal.commands(symbol, ts_ms, ts_ms + 1)
    steps = journal.transitions(*(one.client_id for one in commands))
    every = journal.incidents()
    return Around(
        symbol,
        ts_ms,
        until_ms,
        bool(decided and decided[0].missed),
        tuple(Sent(one, tuple(s for s in steps if s.client_id == one.client_id)) for one in commands),
        tuple(one for one in every if ts_ms <= one.ts_ms < until_ms and one.subject not in others),
        tuple(one for one in journal.asked(ts_ms) if one.ts_ms < until_ms),
        _latched(every, symbol, ts_ms),
    )


def _latched(incidents: Sequence[Incident], symbol: str, at_ms: int) -> tuple[tuple[str, str], ...]:
    """Switches that stood at a moment, from what was told of them."""
    put: dict[str, str] = {}
    for one in incidents:
        if one.ts_ms > at_ms:
            break
        if one.kind == "latched":
            put[one.subject] = one.detail
        elif one.kind == "unlatched":
            put.pop(one.subject, None)
    return tuple((name, why) for name, why in put.items() if name.partition(":")[2] in ("", symbol))


def lived_chain(chain: Chain, found: Around) -> Chain:
    """The chain with what became of the order at the venue: a journal knows more than whether it filled."""
    if chain.order is None or chain.order.outcome == "filled":
        return chain
    if found.missed:
        return replace(chain, order=replace(chain.order, outcome="missed"))
    entries = found.of(Purpose.ENTRY)
    if not entries:
        outcome = "withheld" if found.withheld else chain.order.outcome
        return replace(chain, order=replace(chain.order, outcome=outcome, detail=found.withheld))
    last = entries[-1]
    words = {
        CommandState.REFUSED: "venue_refused",
        CommandState.UNKNOWN: "unresolved",
        CommandState.SENT: "unresolved",
        CommandState.ABSENT: "absent",
    }
    outcome = words.get(last.command.state, chain.order.outcome)
    return replace(chain, order=replace(chain.order, outcome=outcome, detail=last.answer or "-"))
