"""Writing the journal's tables: facts become rows. Only this file and ``selectors`` know the models.

Nothing here decides anything or opens a transaction; see ``stored`` for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import chain

from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.facts import (
    Adjustment,
    BreakerFacts,
    CapitalStage,
    CycleFacts,
    DecisionFacts,
    EquityFacts,
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
from mastertrading.journal.ledger import Transaction
from mastertrading.journal.selectors import (
    COMMAND_COLUMNS,
    DECISION_COLUMNS,
    FILL_COLUMNS,
    INTENT_COLUMNS,
    TRADE_COLUMNS,
    Rows,
)

CHANGING = ("changed_ms", "sent_ms", "deadline_ms", "order_id", "refusal", "code", "detail", "filled_qty")
VERDICT_COLUMNS = tuple(Verdict.__dataclass_fields__)
EQUITY_COLUMNS = tuple(EquityFacts.__dataclass_fields__)
STAGE_COLUMNS = tuple(CapitalStage.__dataclass_fields__)


def save_lease(rows: Rows, lease: Lease) -> None:
    """Write who may write."""
    values = {"holder": lease.holder, "epoch": lease.epoch, "expires_ms": lease.expires_ms}
    models.Lease.objects.using(rows.using).update_or_create(account_id=rows.account_id, defaults=values)


def add_run(rows: Rows, run: RunFacts, epoch: int, schema: str) -> int:
    """Write a process; its number."""
    row = models.Run(
        account_id=rows.account_id,
        epoch=epoch,
        process=run.process,
        code_id=run.code_id,
        config_hash=run.config_hash,
        schema=schema,
        started_ms=run.started_ms,
    )
    row.save(using=rows.using, force_insert=True)
    return int(row.pk)


def add_commands(rows: Rows, commands: Iterable[Command], run: int) -> None:
    """Write new commands, and that they were prepared."""
    made = list(commands)
    models.Command.objects.using(rows.using).bulk_create([_command_row(rows, one, run) for one in made])
    _add_events(rows, [(one, Transition(one.client_id, one.state, one.prepared_ms)) for one in made])


def save_command(rows: Rows, command: Command, step: Transition | None, epoch: int) -> None:
    """Write where a command stands; with ``step`` also the arrow."""
    values = {name: getattr(command, name) for name in CHANGING}
    changed = rows.of(models.Command, client_id=command.client_id).update(
        state=command.state.value, is_over=command.state.is_over, **values
    )
    if changed != 1:
        raise InvariantBroken(f"command {command.client_id} is not in the journal")
    if step is not None:
        _add_events(rows, [(command, step)], epoch)


def _command_row(rows: Rows, command: Command, run: int) -> models.Command:
    intent = command.intent
    values = {name: getattr(intent, name) for name in INTENT_COLUMNS}
    values |= {name: getattr(command, name) for name in COMMAND_COLUMNS}
    return models.Command(
        account_id=rows.account_id,
        run_id=run or None,
        purpose=intent.purpose.value,
        params_hash=intent.params_hash,
        state=command.state.value,
        is_over=command.state.is_over,
        **values,
    )


def _add_events(rows: Rows, steps: Iterable[tuple[Command, Transition]], epoch: int | None = None) -> None:
    models.CommandEvent.objects.using(rows.using).bulk_create(
        models.CommandEvent(
            account_id=rows.account_id,
            client_id=command.client_id,
            epoch=command.epoch if epoch is None else epoch,
            state=step.state.value,
            at_ms=step.at_ms,
            order_id=step.order_id,
            refusal=step.refusal,
            code=step.code,
            detail=step.detail,
        )
        for command, step in steps
    )


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
    if not rows.of(models.VenueOrder, **key).update(**values):
        row = models.VenueOrder(account_id=rows.account_id, **key, **values)
        row.save(using=rows.using, force_insert=True)


# ---------------------------------------------------------------- money


def save_instrument(rows: Rows, instrument: Instrument, at_ms: int) -> None:
    """Write contract facts beside the older ones."""
    tiers = json.dumps([[str(one.floor), str(one.maintenance_rate)] for one in instrument.tiers])
    models.Instrument.objects.using(rows.using).create(
        account_id=rows.account_id,
        symbol=instrument.symbol,
        since_ms=at_ms,
        tick=instrument.tick,
        lot=instrument.lot,
        multiplier=instrument.multiplier,
        min_lots=instrument.min_lots,
        min_notional=instrument.min_notional,
        tiers=tiers,
    )


def add_fill(rows: Rows, fill: Fill, movement: Movement, at_ms: int, epoch: int) -> None:
    """Write an execution."""
    row = models.Fill(
        account_id=rows.account_id,
        own_id=movement.client_id,
        reason=movement.reason,
        key=movement.key,
        grain=movement.grain,
        booked_ms=at_ms,
        epoch=epoch,
        **{name: getattr(fill, name) for name in FILL_COLUMNS},
    )
    row.save(using=rows.using, force_insert=True)


def add_payment(rows: Rows, payment: Payment, at_ms: int, epoch: int) -> None:
    """Write a payment."""
    row = models.Payment(
        account_id=rows.account_id,
        booked_ms=at_ms,
        epoch=epoch,
        **{name: getattr(payment, name) for name in Payment.__dataclass_fields__},
    )
    row.save(using=rows.using, force_insert=True)


def add_adjustment(
    rows: Rows, adjustment: Adjustment, movement: Movement | None, at_ms: int, epoch: int
) -> None:
    """Write a difference."""
    row = models.Adjustment(
        account_id=rows.account_id,
        movement_key=movement.key if movement else "",
        grain=movement.grain if movement else None,
        booked_ms=at_ms,
        epoch=epoch,
        **{name: getattr(adjustment, name) for name in Adjustment.__dataclass_fields__},
    )
    row.save(using=rows.using, force_insert=True)


def save_trades(rows: Rows, trades: Iterable[Trade]) -> None:
    """Write trades, new or changed."""
    for trade in trades:
        values = {name: getattr(trade, name) for name in TRADE_COLUMNS}
        if not rows.of(models.Trade, number=trade.number).update(**values):
            row = models.Trade(account_id=rows.account_id, **values)
            row.save(using=rows.using, force_insert=True)


def add_transactions(rows: Rows, transactions: Iterable[Transaction], epoch: int) -> None:
    """Write ledger transactions: the lines first, then the row that seals them."""
    made = list(transactions)
    models.LedgerEntry.objects.using(rows.using).bulk_create(
        chain.from_iterable(_entry_rows(rows, one) for one in made)
    )
    models.LedgerTransaction.objects.using(rows.using).bulk_create(
        models.LedgerTransaction(
            account_id=rows.account_id,
            number=one.number,
            kind=one.kind,
            ref=one.ref,
            ts_ms=one.ts_ms,
            epoch=epoch,
            previous=one.previous,
            digest=one.digest,
        )
        for one in made
    )


def _entry_rows(rows: Rows, transaction: Transaction) -> list[models.LedgerEntry]:
    return [
        models.LedgerEntry(
            account_id=rows.account_id,
            number=transaction.number,
            line=line,
            ref=transaction.ref,
            name=one.account,
            currency=one.currency,
            amount=one.amount,
        )
        for line, one in enumerate(transaction.postings)
    ]


def save_balances(rows: Rows, balances: Mapping[tuple[str, str], Decimal]) -> None:
    """Write balances, new or changed, in one statement."""
    made = [
        models.LedgerBalance(account_id=rows.account_id, name=name, currency=currency, amount=amount)
        for (name, currency), amount in balances.items()
    ]
    models.LedgerBalance.objects.using(rows.using).bulk_create(
        made,
        update_conflicts=True,
        unique_fields=("account", "name", "currency"),
        update_fields=("amount",),
    )


# ---------------------------------------------------------------- cycles


def add_cycle(rows: Rows, cycle: CycleFacts, number: int, run: int, epoch: int, at_ms: int) -> None:
    """Write a cycle, its decisions and its moment of the equity curve."""
    row = models.Cycle(
        account_id=rows.account_id,
        number=number,
        run_id=run or None,
        epoch=epoch,
        bar_ms=cycle.bar_ms,
        snapshot=cycle.snapshot,
        started_ms=cycle.started_ms,
        committed_ms=at_ms,
        inputs=cycle.inputs or None,
        state=cycle.state or None,
        has_state=bool(cycle.state),
    )
    row.save(using=rows.using, force_insert=True)
    models.Decision.objects.using(rows.using).bulk_create(
        _decision_row(rows, one, number, cycle.snapshot) for one in cycle.decisions
    )
    if cycle.equity is not None:
        values = {name: getattr(cycle.equity, name) for name in EQUITY_COLUMNS}
        moment = values.pop("ts_ms")
        if not rows.of(models.EquityPoint, ts_ms=moment).update(**values):
            point = models.EquityPoint(account_id=rows.account_id, ts_ms=moment, **values)
            point.save(using=rows.using, force_insert=True)


def _decision_row(rows: Rows, decision: DecisionFacts, cycle: int, snapshot: int) -> models.Decision:
    verdicts = [[getattr(one, name) for name in VERDICT_COLUMNS] for one in decision.verdicts]
    return models.Decision(
        account_id=rows.account_id,
        cycle=cycle,
        snapshot=snapshot,
        verdicts=json.dumps(verdicts),
        **{name: getattr(decision, name) for name in DECISION_COLUMNS},
    )


# ---------------------------------------------------------------- safety


def add_incidents(rows: Rows, incidents: Iterable[Incident]) -> None:
    """Write incidents."""
    models.Incident.objects.using(rows.using).bulk_create(
        models.Incident(
            account_id=rows.account_id,
            kind=one.kind,
            severity=one.severity.value,
            subject=one.subject,
            detail=one.detail,
            figures=json.dumps(dict(one.figures)),
            ts_ms=one.ts_ms,
        )
        for one in incidents
    )


def save_latch(rows: Rows, latch: Latch) -> None:
    """Write a switch that was put."""
    models.Latch.objects.using(rows.using).create(
        account_id=rows.account_id, name=latch.name, reason=latch.reason, set_ms=latch.set_ms
    )


def open_latch(rows: Rows, name: str, command_id: str, at_ms: int) -> None:
    """Write that a switch was opened, by which command."""
    found = rows.of(models.Latch, name=name, is_put=True)
    found.update(is_put=False, opened_ms=at_ms, opened_by=command_id)


def save_breaker(rows: Rows, breaker: BreakerFacts) -> None:
    """Write where a breaker stands."""
    values = {"stage": breaker.stage, "value": breaker.value, "ts_ms": breaker.ts_ms}
    models.BreakerState.objects.using(rows.using).update_or_create(
        account_id=rows.account_id, name=breaker.name, defaults=values
    )


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
    models.OperatorCommand.objects.using(rows.using).update_or_create(
        account_id=rows.account_id, command_id=command.command_id, defaults=values
    )


def add_stage(rows: Rows, stage: CapitalStage) -> None:
    """Write a capital stage that was entered."""
    values = {name: getattr(stage, name) for name in STAGE_COLUMNS}
    models.CapitalStage.objects.using(rows.using).create(account_id=rows.account_id, **values)
