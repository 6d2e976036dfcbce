"""Reading the journal's tables: rows become facts. Only this file and ``services`` know the models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, localcontext
from typing import Any

from django.db.models import Max, Q

from mastertrading.domain.errors import JournalUnusable
from mastertrading.domain.facts import (
    ZERO,
    BreakerFacts,
    CapitalStage,
    CommandPhase,
    DecisionFacts,
    EquityFacts,
    Incident,
    Latch,
    OperatorCommand,
    Severity,
    StateFacts,
    Trade,
    Verdict,
)
from mastertrading.domain.instrument import Instrument, MarginTier
from mastertrading.domain.intents import Command, CommandState, Intent, Purpose
from mastertrading.domain.orders import Fill, Order, OrderKind, OrderStatus, TimeInForce, Trigger, TriggerBy
from mastertrading.journal import models
from mastertrading.journal.books import Movement
from mastertrading.journal.ledger import GENESIS, Posting, Transaction
from mastertrading.journal.translate import EXACT, plain

CHUNK = 2000
DECISION_COLUMNS = tuple(name for name in DecisionFacts.__dataclass_fields__ if name != "verdicts")
TRADE_COLUMNS = tuple(Trade.__dataclass_fields__)
INTENT_COLUMNS = tuple(name for name in Intent.__dataclass_fields__ if name != "purpose")
COMMAND_COLUMNS = tuple(name for name in Command.__dataclass_fields__ if name not in ("intent", "state"))
FILL_COLUMNS = tuple(Fill.__dataclass_fields__)


class Rows:
    """The tables of one account on one connection."""

    def __init__(self, using: str, account_id: int) -> None:
        self.using, self.account_id = using, account_id

    def of(self, model: Any, *conditions: Any, **equals: Any) -> Any:
        """The rows of a table that belong to the account."""
        return model.objects.using(self.using).filter(*conditions, account_id=self.account_id, **equals)


# ---------------------------------------------------------------- commands


def command_from(row: Any) -> Command:
    """A row as a command."""
    intent = Intent(purpose=Purpose(row.purpose), **{name: getattr(row, name) for name in INTENT_COLUMNS})
    values = {name: getattr(row, name) for name in COMMAND_COLUMNS}
    return Command(intent=intent, state=CommandState(row.state), **values)


def command(rows: Rows, client_id: str) -> Command | None:
    """The command of a client id."""
    row = rows.of(models.Command, client_id=client_id).first()
    return command_from(row) if row else None


def command_of_order(rows: Rows, symbol: str, order_id: str) -> Command | None:
    """The command behind a venue's order id."""
    if not order_id:
        return None
    told = rows.of(models.VenueOrder, Q(order_id=order_id) | Q(triggered_id=order_id), symbol=symbol)
    for client_id in told.exclude(client_id="").values_list("client_id", flat=True):
        found = command(rows, client_id)
        if found is not None:
            return found
    row = rows.of(models.Command, symbol=symbol, order_id=order_id).order_by("number").first()
    return command_from(row) if row else None


def open_commands(rows: Rows) -> tuple[Command, ...]:
    """Commands that are not over."""
    return tuple(command_from(row) for row in rows.of(models.Command, is_over=False).order_by("number"))


def next_number(rows: Rows, model: Any) -> int:
    """One more than the greatest number of a table."""
    last = rows.of(model).order_by("-number").values_list("number", flat=True)[:1]
    return (list(last) or [0])[0] + 1


def order_from(row: Any) -> Order:
    """A row as an order."""
    trigger = None
    if row.trigger_px is not None:
        trigger = Trigger(row.trigger_px, bool(row.trigger_above), TriggerBy(row.trigger_by))
    return Order(
        order_id=row.order_id,
        client_id=row.client_id,
        symbol=row.symbol,
        order_side=row.order_side,
        kind=OrderKind(row.kind),
        status=OrderStatus(row.status),
        qty=row.qty,
        filled_qty=row.filled_qty,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        limit_px=row.limit_px,
        avg_px=row.avg_px,
        trigger=trigger,
        time_in_force=TimeInForce(row.time_in_force),
        reduce_only=row.reduce_only,
        close_position=row.close_position,
        conditional=row.conditional,
        triggered_id=row.triggered_id or None,
    )


def order(rows: Rows, symbol: str, order_id: str, conditional: bool) -> Order | None:
    """An order as told last."""
    row = rows.of(models.VenueOrder, symbol=symbol, order_id=order_id, conditional=conditional).first()
    return order_from(row) if row else None


def open_orders(rows: Rows, symbol: str | None) -> tuple[Order, ...]:
    """Orders that were open when they were told last."""
    found = rows.of(models.VenueOrder, is_open=True)
    if symbol is not None:
        found = found.filter(symbol=symbol)
    return tuple(order_from(row) for row in found.order_by("symbol", "order_id", "conditional"))


# ---------------------------------------------------------------- money


def instrument(rows: Rows, symbol: str) -> Instrument | None:
    """The newest contract facts."""
    row = rows.of(models.Instrument, symbol=symbol).order_by("-id").first()
    if row is None:
        return None
    tiers = tuple(MarginTier(Decimal(floor), Decimal(rate)) for floor, rate in json.loads(row.tiers))
    return Instrument(symbol, row.tick, row.lot, row.min_notional, row.multiplier, row.min_lots, tiers)


def known_fills(rows: Rows, symbol: str, fill_ids: Iterable[str]) -> set[str]:
    """Those ids that are booked."""
    ids = list(fill_ids)
    found: set[str] = set()
    for start in range(0, len(ids), CHUNK // 4):
        some = rows.of(models.Fill, symbol=symbol, fill_id__in=ids[start : start + CHUNK // 4])
        found |= set(some.values_list("fill_id", flat=True))
    return found


def known_payments(rows: Rows, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those (kind, id) that are booked."""
    wanted = set(keys)
    ids = [payment_id for _, payment_id in wanted]
    found: set[tuple[str, str]] = set()
    for start in range(0, len(ids), CHUNK // 4):
        some = rows.of(models.Payment, payment_id__in=ids[start : start + CHUNK // 4])
        found |= set(some.values_list("kind", "payment_id"))
    return found & wanted


def fills(rows: Rows, symbol: str | None, since_ms: int) -> list[Fill]:
    """Booked executions, ascending."""
    found = rows.of(models.Fill, ts_ms__gte=since_ms)
    if symbol is not None:
        found = found.filter(symbol=symbol)
    every = [Fill(**values) for values in found.values(*FILL_COLUMNS)]
    return sorted(every, key=lambda one: (one.ts_ms, one.symbol, one.fill_id))


def movements(rows: Rows, symbol: str, since_ms: int, currency: str) -> list[Movement]:
    """Fills and adjustments of an instrument from a moment on."""
    moved = [
        Movement(
            key=row.key,
            ref=f"fill:{symbol}:{row.fill_id}",
            symbol=symbol,
            ts_ms=row.ts_ms,
            qty=plain(row.order_side * row.qty),
            px=row.px,
            fee=row.fee if row.fee_currency == currency else ZERO,
            grain=row.grain,
            reason=row.reason,
            client_id=row.own_id,
        )
        for row in rows.of(models.Fill, symbol=symbol, ts_ms__gte=since_ms)
    ]
    adjusted = rows.of(models.Adjustment, symbol=symbol, ts_ms__gte=since_ms).exclude(movement_key="")
    moved += [
        Movement(
            key=row.movement_key,
            ref=f"adjustment:{row.key}",
            symbol=symbol,
            ts_ms=row.ts_ms,
            qty=row.qty,
            px=row.px,
            fee=ZERO,
            grain=row.grain,
            reason="adjustment",
            is_adjustment=True,
        )
        for row in adjusted
    ]
    return moved


def funding(rows: Rows, symbol: str, after_ms: int, until_ms: int, currency: str) -> Decimal:
    """Funding in (after, until]."""
    found = rows.of(models.Payment, kind="funding", symbol=symbol, currency=currency, ts_ms__gt=after_ms)
    if until_ms:
        found = found.filter(ts_ms__lte=until_ms)
    with localcontext(EXACT):
        return sum(found.values_list("amount", flat=True), ZERO)


def trade_from(row: Any) -> Trade:
    """A row as a trade."""
    return Trade(**{name: getattr(row, name) for name in TRADE_COLUMNS})


def last_trade(rows: Rows, symbol: str) -> Trade | None:
    """The newest trade of an instrument, by its movements."""
    newest = list(rows.of(models.Trade, symbol=symbol).order_by("-opened_ms", "-number")[:8])
    if not newest:
        return None
    return max((trade_from(row) for row in newest), key=lambda one: (one.first_key, one.number))


def trades(rows: Rows, symbol: str | None, since_ms: int) -> list[Trade]:
    """Open ones, and those closed from a moment on."""
    found = rows.of(models.Trade, Q(closed_ms=0) | Q(closed_ms__gte=since_ms))
    if symbol is not None:
        found = found.filter(symbol=symbol)
    return [trade_from(row) for row in found.order_by("number")]


def chain_end(rows: Rows) -> tuple[int, str]:
    """The end of the ledger's chain."""
    last = rows.of(models.LedgerTransaction).order_by("-number").values_list("number", "digest")[:1]
    return (list(last) or [(0, GENESIS)])[0]


def postings(rows: Rows, ref: str) -> tuple[Posting, ...]:
    """All lines of a fact."""
    found = rows.of(models.LedgerEntry, ref=ref).order_by("number", "line")
    return tuple(Posting(*values) for values in found.values_list("name", "currency", "amount"))


def transactions(rows: Rows, first: int) -> Iterator[Transaction]:
    """Ledger transactions from a number on, with their lines. Raises ``JournalUnusable`` for lines without one."""
    number = first
    while True:
        window = {"number__gte": number, "number__lt": number + CHUNK}
        lines: dict[int, list[Posting]] = {}
        found = rows.of(models.LedgerEntry, **window).order_by("number", "line")
        for at, *values in found.values_list("number", "name", "currency", "amount"):
            lines.setdefault(at, []).append(Posting(*values))
        count = 0
        for row in rows.of(models.LedgerTransaction, **window).order_by("number"):
            count += 1
            own = tuple(lines.pop(row.number, ()))
            yield Transaction(row.number, row.kind, row.ref, row.ts_ms, own, row.previous, row.digest)
        if lines:
            raise JournalUnusable(f"ledger entries of transaction {min(lines)} belong to none")
        if not count:
            return
        number += CHUNK


def balances(rows: Rows, accounts: Iterable[tuple[str, str]] | None) -> dict[tuple[str, str], Decimal]:
    """Balances, all or some."""
    found = rows.of(models.LedgerBalance)
    wanted = None if accounts is None else set(accounts)
    if wanted is not None:
        found = found.filter(name__in={name for name, _ in wanted})
    every = {(name, currency): amount for name, currency, amount in found.values_list("name", "currency", "amount")}
    return every if wanted is None else {place: every[place] for place in wanted if place in every}


def newest(rows: Rows, model: Any, **equals: Any) -> int:
    """The newest time of a table."""
    return rows.of(model, **equals).aggregate(value=Max("ts_ms"))["value"] or 0


# ---------------------------------------------------------------- cycles


def latest_state(rows: Rows) -> StateFacts | None:
    """The engine's record written last."""
    row = rows.of(models.Cycle, has_state=True).order_by("-number").first()
    return StateFacts(row.number, row.bar_ms, row.started_ms, bytes(row.state)) if row else None


def decisions(rows: Rows, symbol: str, since_ms: int, until_ms: int) -> list[DecisionFacts]:
    """Decisions of a window."""
    found = rows.of(models.Decision, symbol=symbol, ts_ms__gte=since_ms, ts_ms__lt=until_ms).order_by("ts_ms")
    return [
        DecisionFacts(**values, verdicts=tuple(Verdict(*one) for one in json.loads(verdicts)))
        for values, verdicts in _split(found.values(*DECISION_COLUMNS, "verdicts"))
    ]


def _split(every: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for values in every:
        verdicts = values.pop("verdicts")
        yield values, verdicts


def equity(rows: Rows, since_ms: int) -> list[EquityFacts]:
    """The equity curve."""
    names = tuple(EquityFacts.__dataclass_fields__)
    found = rows.of(models.EquityPoint, ts_ms__gte=since_ms).order_by("ts_ms")
    return [EquityFacts(**values) for values in found.values(*names)]


# ---------------------------------------------------------------- safety


def incidents(rows: Rows, since_ms: int) -> list[Incident]:
    """Incidents, oldest first."""
    return [
        Incident(row.kind, row.detail, row.ts_ms, Severity(row.severity), row.subject, json.loads(row.figures))
        for row in rows.of(models.Incident, ts_ms__gte=since_ms).order_by("id")
    ]


def latches(rows: Rows) -> dict[str, Latch]:
    """Switches that are put."""
    found = rows.of(models.Latch, is_put=True).order_by("id")
    return {row.name: Latch(row.name, row.reason, row.set_ms) for row in found}


def breakers(rows: Rows) -> dict[str, BreakerFacts]:
    """Where each breaker stands."""
    found = rows.of(models.BreakerState)
    return {row.name: BreakerFacts(row.name, row.stage, row.value, row.ts_ms) for row in found}


def operator_from(row: Any) -> OperatorCommand:
    """A row as an operator's command."""
    return OperatorCommand(
        command_id=row.command_id,
        verb=row.verb,
        by=row.by,
        ts_ms=row.ts_ms,
        arguments=json.loads(row.arguments),
        phase=CommandPhase(row.phase),
        before=row.before,
        after=row.after,
        outcome=row.outcome,
        done_ms=row.done_ms,
    )


def operator_command(rows: Rows, command_id: str) -> OperatorCommand | None:
    """One operator's command."""
    row = rows.of(models.OperatorCommand, command_id=command_id).first()
    return operator_from(row) if row else None


def open_operator_commands(rows: Rows) -> list[OperatorCommand]:
    """Those that wait."""
    found = rows.of(models.OperatorCommand, phase=CommandPhase.ACCEPTED.value).order_by("id")
    return [operator_from(row) for row in found]


def stage(rows: Rows) -> CapitalStage | None:
    """The stage that holds."""
    row = rows.of(models.CapitalStage).order_by("-id").first()
    names = tuple(CapitalStage.__dataclass_fields__)
    return CapitalStage(**{name: getattr(row, name) for name in names}) if row else None
