"""The command protocol against a store: intents, arrows, and what the venue tells of orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.intents import (
    Command,
    CommandState,
    Intent,
    Transition,
    check_transition,
    is_ours,
    moved,
    path_to,
)
from mastertrading.domain.orders import Order, OrderStatus
from mastertrading.journal.store import Store


def prepare(store: Store, intents: Iterable[Intent], at_ms: int, epoch: int, run: int) -> tuple[Command, ...]:
    """Write intents as PREPARED commands. A client id is used once, ever."""
    number = store.next_command()
    commands: list[Command] = []
    for place, intent in enumerate(intents):
        if not is_ours(intent.client_id):
            raise InvariantBroken(f"{intent.client_id!r} is no client id of ours", where="domain/intents.py")
        if any(one.client_id == intent.client_id for one in commands) or store.command(intent.client_id):
            raise InvariantBroken(
                f"the client id {intent.client_id} was used before",
                why=f"{intent.symbol} {intent.purpose} of bar {intent.bar_ms}, attempt {intent.attempt}",
                hint="look at what became of it: mastertrading why " + intent.symbol,
            )
        prepared = Command(intent, number + place, CommandState.PREPARED, epoch, at_ms, at_ms)
        commands.append(prepared)
    store.add_commands(commands, run)
    return tuple(commands)


def mark(store: Store, steps: Iterable[Transition], epoch: int) -> tuple[Command, ...]:
    """Write arrows."""
    return tuple(_move(store, _known(store, step.client_id), step, epoch) for step in steps)


def observe(store: Store, orders: Iterable[Order], at_ms: int, epoch: int) -> tuple[Command, ...]:
    """Write what the venue tells; returns the commands that moved."""
    changed = []
    for order in orders:
        kept = _newer(store.order(order.symbol, order.order_id, order.conditional), order)
        if kept is None:
            continue
        store.save_order(kept)
        command = _command_of(store, kept)
        after = command and _follow(store, command, kept, at_ms, epoch)
        if command is not None and after is not None and after.state is not command.state:
            changed.append(after)
    return tuple(changed)


def _move(store: Store, command: Command, step: Transition, epoch: int) -> Command:
    after = moved(command, step)
    store.save_command(after, step, epoch)
    return after


def _known(store: Store, client_id: str) -> Command:
    command = store.command(client_id)
    if command is None:
        raise InvariantBroken(f"no command {client_id} was ever prepared")
    return command


def _command_of(store: Store, order: Order) -> Command | None:
    found = store.command(order.client_id) if order.client_id else None
    return found or store.command_of_order(order.symbol, order.order_id)


def _newer(known: Order | None, told: Order) -> Order | None:
    """What to keep of an order that is told (again): never less filled, never open after it was over.

    A read may be older than what we know; then nothing is kept. The reply to a command may say no more than that the
    order is taken, by the clock of that moment: whatever is told of the order itself is newer.
    """
    if known is None or (known.status is OrderStatus.UNKNOWN and known.filled_qty <= told.filled_qty):
        return told
    older = (
        told.updated_ms < known.updated_ms and told.status.is_open
    )  # an end is the last word, whatever its time
    stale = older or told.filled_qty < known.filled_qty
    reopened = told.status.is_open and not known.status.is_open
    if stale or reopened or told == known or told.status is OrderStatus.UNKNOWN:
        return None
    return replace(told, triggered_id=told.triggered_id or known.triggered_id)


def _follow(store: Store, command: Command, order: Order, at_ms: int, epoch: int) -> Command:
    """Move a command along what its order tells."""
    if command.state in (CommandState.PREPARED, CommandState.ABSENT, CommandState.REFUSED):
        check_transition(command, CommandState.ACK)  # raises: such an order cannot be
    for state in path_to(command.state, order.status):
        step = Transition(command.client_id, state, at_ms, order_id=order.order_id)
        command = _move(store, command, step, epoch)
    if order.filled_qty > command.filled_qty:
        command = replace(command, filled_qty=order.filled_qty)
        store.save_command(command, None, epoch)
    return command
