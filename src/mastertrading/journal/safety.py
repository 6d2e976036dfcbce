"""Leases, latches, breakers, operators' commands and capital stages against a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mastertrading.domain.errors import JournalUnusable, LeaseLost, SafetyBlocked, UsageError
from mastertrading.domain.facts import (
    BreakerFacts,
    CapitalStage,
    CommandPhase,
    Incident,
    Latch,
    Lease,
    OperatorCommand,
    Severity,
)
from mastertrading.journal.store import Store

RECONCILE_FIRST = "reconcile_first"
"""The latch of a restored journal: the venue may be ahead of it, so nothing is traded before a reconciliation."""


def acquire(store: Store, holder: str, now_ms: int, ttl_ms: int, has_ended: Callable[[str], bool]) -> Lease:
    """Take the lease when it is free, has run out, or was of one that is over; the epoch grows always."""
    held = store.lease(lock=True)
    if held is not None and held.holder and held.expires_ms > now_ms and not has_ended(held.holder):
        raise LeaseLost(
            f"{store.account} is being traded by {held.holder}",
            why=f"its lease runs for another {(held.expires_ms - now_ms) / 1000:.0f} s (epoch {held.epoch})",
            hint="mastertrading status",
        )
    lease = Lease(holder, held.epoch + 1 if held else 1, now_ms + ttl_ms)
    store.save_lease(lease)
    return lease


def check_lease(store: Store, epoch: int) -> Lease:
    """Refuse a writer whose epoch is not the newest. Raises ``LeaseLost``."""
    held = store.lease(lock=True)
    if held is None or held.epoch != epoch or not held.holder:
        now = (
            "nobody holds it" if held is None or not held.holder else f"{held.holder} has epoch {held.epoch}"
        )
        raise LeaseLost(
            f"this process may not write the journal of {store.account}",
            why=f"its lease (epoch {epoch}) is over: {now}" if epoch else "it never took the lease",
        )
    return held


def bind(store: Store, identity: str) -> None:
    """Tie the journal to the venue's account, once."""
    known = store.identity()
    if known and known != identity:
        raise JournalUnusable(
            f"the journal of {store.account} belongs to another account of {store.account.venue}",
            why=f"it was kept for account {known}, and these keys are of account {identity}",
            where="the API keys, or the journal's address",
        )
    if not known:
        store.save_identity(identity)


def latch(store: Store, name: str, reason: str, at_ms: int) -> bool:
    """Put a switch."""
    if name in store.latches():
        return False
    store.save_latch(Latch(name, reason, at_ms))
    store.add_incidents([Incident("latched", reason, at_ms, Severity.CRITICAL, name)])
    return True


def unlatch(store: Store, name: str, command_id: str, at_ms: int) -> bool:
    """Open a switch, by command."""
    if name not in store.latches():
        return False
    store.open_latch(name, command_id, at_ms)
    store.add_incidents([Incident("unlatched", f"by {command_id}", at_ms, Severity.WARNING, name)])
    return True


def set_breaker(store: Store, breaker: BreakerFacts) -> bool:
    """Write where a breaker stands."""
    known = store.breakers().get(breaker.name)
    if known is not None and known.stage == breaker.stage:
        return False
    before = known.stage if known else 0
    store.save_breaker(breaker)
    if before != breaker.stage:
        kind = "breaker_tripped" if breaker.stage > before else "breaker_released"
        figures = {"stage": str(breaker.stage), "before": str(before), "value": repr(breaker.value)}
        detail = f"{breaker.name}: stage {before} to {breaker.stage}"
        store.add_incidents([Incident(kind, detail, breaker.ts_ms, Severity.CRITICAL, breaker.name, figures)])
    return True


def request(store: Store, command: OperatorCommand) -> bool:
    """Accept an operator's command once."""
    known = store.operator_command(command.command_id)
    if known is None:
        store.save_operator_command(replace(command, phase=CommandPhase.ACCEPTED))
        return True
    if (known.verb, dict(known.arguments)) != (command.verb, dict(command.arguments)):
        raise UsageError(
            f"the command id {command.command_id} was used for something else",
            why=f"then it said {known.verb}, now {command.verb}",
            hint="give each command an id of its own",
        )
    return False


def finish(store: Store, command: OperatorCommand) -> None:
    """Write how an operator's command ended."""
    known = store.operator_command(command.command_id)
    if known is None or known.phase is not CommandPhase.ACCEPTED:
        raise SafetyBlocked(
            f"the command {command.command_id} cannot be finished",
            why="it was never accepted" if known is None else f"it is {known.phase} already",
        )
    store.save_operator_command(command)


def enter_stage(store: Store, stage: CapitalStage) -> None:
    """Go to a capital stage: up one at a time, by an operator's command and after a gate; down freely."""
    now = store.stage()
    at = now.number if now else 0
    up = stage.number > at
    if up and (stage.number != at + 1 or not stage.gate or not stage.command_id):
        missing = [
            text
            for text, wrong in (
                (f"stage {at + 1} comes first", stage.number != at + 1),
                ("no gate was passed", not stage.gate),
                ("no operator asked for it", not stage.command_id),
            )
            if wrong
        ]
        raise SafetyBlocked(
            f"stage {stage.number} ({stage.name}) cannot be entered from stage {at}", why=", ".join(missing)
        )
    store.add_stage(stage)
    detail = f"{stage.name}: {stage.gate or 'stepped down'}"
    store.add_incidents([Incident("stage", detail, stage.entered_ms, Severity.INFO, str(stage.number))])
