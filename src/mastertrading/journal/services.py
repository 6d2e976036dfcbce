"""Writing the journal's tables: facts become rows. Only this file and ``selectors`` know the models.

Nothing here decides anything or opens a transaction; see ``stored`` for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.facts import (
    Adjustment,
    BreakerFacts,
    CapitalStage,
    CycleFacts,
    DecisionFacts,
    Incident,
    Latch,
    Lease,
    OperatorCommand,
    RunFacts,
    Trade,
    Verdict,
)
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command, Transition
from mastertrading.domain.orders import Fill, Order, Payment
from mastertrading.journal import models
from mastertrading.journal.books import Movement
from mastertrading.journal.ledger import Posting, Transaction
from mastertrading.journal.selectors import (
    COMMAND_COLUMNS,
    DECISION_COLUMNS,
    EQUITY_COLUMNS,
    EVENT_COLUMNS,
    FILL_COLUMNS,
    INTENT_COLUMNS,
    TRADE_COLUMNS,
)
from mastertrading.journal.tables import Rows

CHANGING = ("changed_ms", "sent_ms", "deadline_ms", "order_id", "refusal", "code", "detail", "filled_qty")
VERDICT_COLUMNS = tuple(Verdict.__dataclass_fields__)
MOVEMENT_COLUMNS = ("key", "grain", "reason")
CONTRACT_COLUMNS = ("symbol", "tick", "lot", "multiplier", "min_lots", "min_notional")
SEAL_COLUMNS = ("number", "kind", "ref", "ts_ms", "previous", "digest")
INCIDENT_COLUMNS = tuple(Incident.__dataclass_fields__)
STAGE_COLUMNS = tuple(CapitalStage.__dataclass_fields__)


def save_lease(rows: Rows, lease: Lease) -> None:
    """Write who may write."""
    values = {"holder": lease.holder, "epoch": lease.epoch, "expires_ms": lease.expires_ms}
    rows.upsert(models.Lease, {}, values)


def add_run(rows: Rows, run: RunFacts, epoch: int, schema: str) -> int:
    """Write a process; its number."""
    values = {name: getattr(run, name) for name in RunFacts.__dataclass_fields__}
    return rows.insert_one(models.Run, {"epoch": epoch, "schema": schema, **values})


def add_commands(rows: Rows, commands: Iterable[Command], run: int) -> None:
    """Write new commands, and that they were prepared."""
    made = list(commands)
    rows.insert(models.Command, *(_command_row(one, run) for one in made))
    prepared = [(one.epoch, Transition(one.client_id, one.state, one.prepared_ms)) for one in made]
    rows.insert(models.CommandEvent, *(_event_row(*one) for one in prepared))


def save_command(rows: Rows, command: Command, step: Transition | None, epoch: int) -> None:
    """Write where a command stands; with ``step`` also the arrow."""
    values = {name: getattr(command, name) for name in CHANGING}
    values |= {"state": command.state.value, "is_over": command.state.is_over}
    if rows.update(models.Command, values, "client_id = %s", command.client_id) != 1:
        raise InvariantBroken(f"command {command.client_id} is not in the journal")
    if step is not None:
        rows.insert(models.CommandEvent, _event_row(epoch, step))


def _command_row(command: Command, run: int) -> dict[str, Any]:
    intent = command.intent
    return {
        **{name: getattr(intent, name) for name in INTENT_COLUMNS},
        **{name: getattr(command, name) for name in COMMAND_COLUMNS},
        "run_id": run or None,
        "purpose": intent.purpose.value,
        "params_hash": intent.params_hash,
        "state": command.state.value,
        "is_over": command.state.is_over,
    }


def _event_row(epoch: int, step: Transition) -> dict[str, Any]:
    values = {name: getattr(step, name) for name in EVENT_COLUMNS}
    return {"epoch": epoch, **values, "state": step.state.value}


def save_order(rows: Rows, order: Order) -> None:
    """Write an order as it was told."""
    trigger = order.trigger
    values = {
        "client_id": order.client_id,
        "is_open": order.status.is_open,
        "status": order.status.value,
        "kind": order.kind.value,
        "order_side": order.order_side,
        "qty": order.qty,
        "filled_qty": order.filled_qty,
        "limit_px": order.limit_px,
        "avg_px": order.avg_px,
        "trigger_px": trigger.px if trigger else None,
        "trigger_above": trigger.above if trigger else None,
        "trigger_by": trigger.by.value if trigger else "",
        "time_in_force": order.time_in_force.value,
        "reduce_only": order.reduce_only,
        "close_position": order.close_position,
        "triggered_id": order.triggered_id or "",
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
    }
    key = {"symbol": order.symbol, "order_id": order.order_id, "conditional": order.conditional}
    rows.upsert(models.VenueOrder, key, values)


# ---------------------------------------------------------------- money


def save_instrument(rows: Rows, instrument: Instrument, at_ms: int) -> None:
    """Write contract facts beside the older ones."""
    tiers = json.dumps([[str(one.floor), str(one.maintenance_rate)] for one in instrument.tiers])
    values = {name: getattr(instrument, name) for name in CONTRACT_COLUMNS}
    rows.insert(models.Instrument, {**values, "tiers": tiers, "since_ms": at_ms})


def add_fill(rows: Rows, fill: Fill, movement: Movement, at_ms: int, epoch: int) -> None:
    """Write an execution."""
    values = {name: getattr(fill, name) for name in FILL_COLUMNS}
    own = {"own_id": movement.client_id, **{name: getattr(movement, name) for name in MOVEMENT_COLUMNS}}
    rows.insert(models.Fill, {**values, **own, "booked_ms": at_ms, "epoch": epoch})


def add_payment(rows: Rows, payment: Payment, at_ms: int, epoch: int) -> None:
    """Write a payment."""
    values = {name: getattr(payment, name) for name in Payment.__dataclass_fields__}
    rows.insert(models.Payment, {**values, "booked_ms": at_ms, "epoch": epoch})


def add_adjustment(
    rows: Rows, adjustment: Adjustment, movement: Movement | None, at_ms: int, epoch: int
) -> None:
    """Write a difference."""
    values = {name: getattr(adjustment, name) for name in Adjustment.__dataclass_fields__}
    own = {"movement_key": movement.key, "grain": movement.grain} if movement else {}
    rows.insert(models.Adjustment, {**values, **own, "booked_ms": at_ms, "epoch": epoch})


def save_trades(rows: Rows, trades: Iterable[Trade]) -> None:
    """Write trades, new or changed."""
    for trade in trades:
        values = {name: getattr(trade, name) for name in TRADE_COLUMNS}
        rows.upsert(models.Trade, {"number": values.pop("number")}, values)


def add_transactions(rows: Rows, transactions: Iterable[Transaction], epoch: int) -> None:
    """Write ledger transactions: the lines first, then the row that seals them."""
    made = list(transactions)
    lines = [
        {"number": one.number, "line": line, "ref": one.ref, **_posting_row(posting)}
        for one in made
        for line, posting in enumerate(one.postings)
    ]
    rows.insert(models.LedgerEntry, *lines)
    seals = [{"epoch": epoch, **{name: getattr(one, name) for name in SEAL_COLUMNS}} for one in made]
    rows.insert(models.LedgerTransaction, *seals)


def _posting_row(posting: Posting) -> dict[str, Any]:
    return {"name": posting.account, "currency": posting.currency, "amount": posting.amount}


def save_balances(rows: Rows, balances: Mapping[tuple[str, str], Decimal]) -> None:
    """Write balances, new or changed, in one statement."""
    made = [_posting_row(Posting(*place, amount)) for place, amount in balances.items()]
    conflict = " ON CONFLICT (account_id, name, currency) DO UPDATE SET amount = EXCLUDED.amount"
    rows.insert(models.LedgerBalance, *made, conflict=conflict)


# ---------------------------------------------------------------- cycles


def add_cycle(rows: Rows, cycle: CycleFacts, number: int, run: int, epoch: int, at_ms: int) -> None:
    """Write a cycle, its decisions and its moment of the equity curve."""
    row = {
        "number": number,
        "run_id": run or None,
        "epoch": epoch,
        "bar_ms": cycle.bar_ms,
        "snapshot": cycle.snapshot,
        "started_ms": cycle.started_ms,
        "committed_ms": at_ms,
        "inputs": cycle.inputs or None,
        "state": cycle.state or None,
        "has_state": bool(cycle.state),
    }
    rows.insert(models.Cycle, row)
    rows.insert(models.Decision, *(_decision_row(one, number, cycle.snapshot) for one in cycle.decisions))
    if cycle.equity is not None:
        values = {name: getattr(cycle.equity, name) for name in EQUITY_COLUMNS}
        rows.upsert(models.EquityPoint, {"ts_ms": values.pop("ts_ms")}, values)


def _decision_row(decision: DecisionFacts, cycle: int, snapshot: int) -> dict[str, Any]:
    verdicts = [[getattr(one, name) for name in VERDICT_COLUMNS] for one in decision.verdicts]
    values = {name: getattr(decision, name) for name in DECISION_COLUMNS}
    return {**values, "cycle": cycle, "snapshot": snapshot, "verdicts": json.dumps(verdicts)}


# ---------------------------------------------------------------- safety


def add_incidents(rows: Rows, incidents: Iterable[Incident]) -> None:
    """Write incidents."""
    made = [{name: getattr(one, name) for name in INCIDENT_COLUMNS} for one in incidents]
    for row in made:
        row |= {"severity": row["severity"].value, "figures": json.dumps(dict(row["figures"]))}
    rows.insert(models.Incident, *made)


def save_latch(rows: Rows, latch: Latch) -> None:
    """Write a switch that was put."""
    rows.insert(models.Latch, {"name": latch.name, "reason": latch.reason, "set_ms": latch.set_ms})


def open_latch(rows: Rows, name: str, command_id: str, at_ms: int) -> None:
    """Write that a switch was opened, by which command."""
    opened = {"is_put": False, "opened_ms": at_ms, "opened_by": command_id}
    rows.update(models.Latch, opened, "name = %s AND is_put", name)


def save_breaker(rows: Rows, breaker: BreakerFacts) -> None:
    """Write where a breaker stands."""
    values = {"stage": breaker.stage, "value": breaker.value, "ts_ms": breaker.ts_ms}
    rows.upsert(models.BreakerState, {"name": breaker.name}, values)


def save_operator_command(rows: Rows, command: OperatorCommand) -> None:
    """Write an operator's command, new or ended."""
    values = {
        "verb": command.verb,
        "by": command.by,
        "arguments": json.dumps(dict(command.arguments), sort_keys=True),
        "phase": command.phase.value,
        "before": command.before,
        "after": command.after,
        "outcome": command.outcome,
        "ts_ms": command.ts_ms,
        "done_ms": command.done_ms,
    }
    rows.upsert(models.OperatorCommand, {"command_id": command.command_id}, values)


def add_stage(rows: Rows, stage: CapitalStage) -> None:
    """Write a capital stage that was entered."""
    values = {name: getattr(stage, name) for name in STAGE_COLUMNS}
    rows.insert(models.CapitalStage, values)
