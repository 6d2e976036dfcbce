"""Stops that a venue places together with an entry: the venue names them, so we have to call them something.

The journal keeps a command of its own for each, prepared together with the entry's. Its client id never goes out: it
is the name under which the stop that came with the entry is recognised, and which its fills carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mastertrading.domain.intents import Command, CommandState, Intent, Purpose, Transition
from mastertrading.domain.orders import Fill, Order
from mastertrading.domain.ports import Journal

MARK = "attached"


def is_attached(intent: Intent) -> bool:
    """Whether an intent is a stop that goes out inside its entry."""
    return intent.purpose is Purpose.STOP and intent.params == MARK


def named(orders: Sequence[Order] | None, journal: Journal) -> tuple[Order, ...] | None:
    """Orders as a venue tells them, with our name on each stop that came with an entry of ours."""
    if orders is None or not any(order.parent_client_id for order in orders):
        return None if orders is None else tuple(orders)
    ours = {one.intent.target: one for one in journal.open_commands() if is_attached(one.intent)}
    told = []
    for order in orders:
        command = ours.get(order.parent_client_id) if not order.client_id else None
        name = command.client_id if command is not None else order.client_id
        is_told = name == order.client_id and not order.parent_client_id
        told.append(order if is_told else replace(order, client_id=name, parent_client_id=""))
    return tuple(told)


def follow(journal: Journal, at_ms: int) -> None:
    """Move the commands of attached stops along with those of their entries."""
    commands = journal.open_commands()
    for one in commands:
        if is_attached(one.intent) and one.state in (
            CommandState.SENT,
            CommandState.UNKNOWN,
            CommandState.PREPARED,
        ):
            parent = journal.command(one.intent.target)
            if parent is not None:
                _follow(journal, one, parent.state, at_ms)


def _follow(journal: Journal, one: Command, parent: CommandState, at_ms: int) -> None:
    steps: tuple[CommandState, ...] = ()
    if one.state is CommandState.PREPARED and parent is not CommandState.PREPARED:
        steps = (CommandState.ABSENT,) if parent is CommandState.ABSENT else (CommandState.SENT,)
        one = replace(one, state=steps[-1])
    if one.state in (CommandState.SENT, CommandState.UNKNOWN):
        if parent.is_at_venue:
            steps = (*steps, CommandState.ACK)
        elif parent in (CommandState.REFUSED, CommandState.ABSENT):
            known = (CommandState.UNKNOWN,) if one.state is CommandState.SENT else ()
            steps = (*steps, *known, CommandState.ABSENT)
    journal.mark(*(Transition(one.client_id, state, at_ms) for state in steps))


def owner_of(fill: Fill, commands: Iterable[Command]) -> Command | None:
    """The attached stop that must have filled: it was never seen resting, and nobody else's order is on that side."""
    found = [
        one
        for one in commands
        if is_attached(one.intent)
        and one.state is CommandState.ACK
        and (one.intent.symbol, one.intent.order_side) == (fill.symbol, fill.order_side)
    ]
    return found[0] if len(found) == 1 else None
