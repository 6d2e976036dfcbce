"""Reading the journal's tables: rows become facts. Only this file and ``services`` know the models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, localcontext
from typing import Any

from mastertrading.domain.errors import JournalUnusable
from mastertrading.domain.facts import (
    ZERO,
    BreakerFacts,
    CapitalStage,
    CommandPhase,
    DecisionFacts,
    EquityFacts,
    Incident,
    InputFacts,
    Latch,
    OperatorCommand,
    RunFacts,
    Severity,
    StateFacts,
    Trade,
    Verdict,
)
from mastertrading.domain.instrument import Instrument, MarginTier
from mastertrading.domain.intents import Command, CommandState, Intent, Purpose, Transition
from mastertrading.domain.orders import (
    Fill,
    Order,
    OrderKind,
    OrderStatus,
    Payment,
    TimeInForce,
    Trigger,
    TriggerBy,
)
from mastertrading.journal import models
from mastertrading.journal.books import Movement
from mastertrading.journal.ledger import GENESIS, Posting, Transaction
from mastertrading.journal.tables import Rows, marks
from mastertrading.journal.translate import EXACT, plain, signed

CHUNK = 2000
DECISION_COLUMNS = tuple(name for name in DecisionFacts.__dataclass_fields__ if name != "verdicts")
TRADE_COLUMNS = tuple(Trade.__dataclass_fields__)
INTENT_COLUMNS = tuple(name for name in Intent.__dataclass_fields__ if name != "purpose")
COMMAND_COLUMNS = tuple(name for name in Command.__dataclass_fields__ if name not in ("intent", "state"))
FILL_COLUMNS = tuple(Fill.__dataclass_fields__)
PAYMENT_COLUMNS = tuple(Payment.__dataclass_fields__)
EQUITY_COLUMNS = tuple(EquityFacts.__dataclass_fields__)
RUN_COLUMNS = tuple(RunFacts.__dataclass_fields__)
EVENT_COLUMNS = ("client_id", "at_ms", "order_id", "refusal", "code", "detail")


# ---------------------------------------------------------------- processes


def runs(rows: Rows) -> list[RunFacts]:
    """Processes, oldest first."""
    found = rows.select(models.Run, order="id")
    return [RunFacts(**{name: getattr(row, name) for name in RUN_COLUMNS}) for row in found]


# ---------------------------------------------------------------- commands


def command_from(row: Any) -> Command:
    """A row as a command."""
    intent = Intent(purpose=Purpose(row.purpose), **{name: getattr(row, name) for name in INTENT_COLUMNS})
    values = {name: getattr(row, name) for name in COMMAND_COLUMNS}
    return Command(intent=intent, state=CommandState(row.state), **values)


def command(rows: Rows, client_id: str) -> Command | None:
    """The command of a client id."""
    row = rows.first(models.Command, "client_id = %s", client_id)
    return command_from(row) if row else None


def commands(rows: Rows, symbol: str | None, since_ms: int, until_ms: int) -> tuple[Command, ...]:
    """Commands of decisions of a window."""
    where, params = "bar_ms >= %s AND bar_ms < %s", [since_ms, until_ms]
    found = rows.select(models.Command, where, *params, order="number")
    return tuple(command_from(row) for row in found if symbol in (None, row.symbol))


def transitions(rows: Rows, client_ids: Iterable[str]) -> list[Transition]:
    """Arrows of some commands, as they were written."""
    found: list[Any] = []
    for some in _chunks(client_ids):
        found += rows.select(models.CommandEvent, f"client_id IN {marks(some)}", *some)
    return [transition_from(row) for row in sorted(found, key=lambda row: row.id)]


def transition_from(row: Any) -> Transition:
    """A row as an arrow."""
    values = {name: getattr(row, name) for name in EVENT_COLUMNS}
    return Transition(state=CommandState(row.state), **values)


def command_of_order(rows: Rows, symbol: str, order_id: str) -> Command | None:
    """The command behind a venue's order id."""
    if not order_id:
        return None
    known = rows.select(
        models.VenueOrder,
        "symbol = %s AND (order_id = %s OR triggered_id = %s) AND client_id <> ''",
        *(symbol, order_id, order_id),
        columns="client_id",
    )
    for (client_id,) in known:
        found = command(rows, client_id)
        if found is not None:
            return found
    named = "symbol = %s AND order_id = %s AND purpose <> %s"
    row = rows.first(models.Command, named, symbol, order_id, Purpose.CANCEL.value, order="number")
    return command_from(row) if row else None


def open_commands(rows: Rows) -> tuple[Command, ...]:
    """Commands that are not over."""
    return tuple(command_from(row) for row in rows.select(models.Command, "NOT is_over", order="number"))


def next_number(rows: Rows, model: Any) -> int:
    """One more than the greatest number of a table."""
    return int(rows.select(model, columns="COALESCE(MAX(number), 0)")[0][0]) + 1


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
    where = "symbol = %s AND order_id = %s AND conditional = %s"
    row = rows.first(models.VenueOrder, where, symbol, order_id, conditional)
    return order_from(row) if row else None


def open_orders(rows: Rows, symbol: str | None) -> tuple[Order, ...]:
    """Orders that were open when they were told last."""
    where, params = ("is_open", ()) if symbol is None else ("is_open AND symbol = %s", (symbol,))
    found = rows.select(models.VenueOrder, where, *params, order="symbol, order_id, conditional")
    return tuple(order_from(row) for row in found)


# ---------------------------------------------------------------- money


def instrument(rows: Rows, symbol: str) -> Instrument | None:
    """The newest contract facts."""
    row = rows.first(models.Instrument, "symbol = %s", symbol, order="id DESC")
    if row is None:
        return None
    tiers = tuple(MarginTier(Decimal(floor), Decimal(rate)) for floor, rate in json.loads(row.tiers))
    return Instrument(symbol, row.tick, row.lot, row.min_notional, row.multiplier, row.min_lots, tiers)


def known_fills(rows: Rows, symbol: str, fill_ids: Iterable[str]) -> set[str]:
    """Those ids that are booked."""
    found: set[str] = set()
    for some in _chunks(fill_ids):
        where = f"symbol = %s AND fill_id IN {marks(some)}"
        found |= {one for (one,) in rows.select(models.Fill, where, symbol, *some, columns="fill_id")}
    return found


def known_payments(rows: Rows, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those (kind, id) that are booked."""
    wanted, found = set(keys), set()
    for some in _chunks(payment_id for _, payment_id in wanted):
        where = f"payment_id IN {marks(some)}"
        found |= {
            (kind, one) for kind, one in rows.select(models.Payment, where, *some, columns="kind, payment_id")
        }
    return found & wanted


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(values)
    for start in range(0, len(every), CHUNK // 4):
        yield every[start : start + CHUNK // 4]


def fills(rows: Rows, symbol: str | None, since_ms: int) -> list[Fill]:
    """Booked executions, in the order of the books."""
    found = sorted(_since(rows, models.Fill, symbol, since_ms), key=lambda row: (row.key, row.symbol))
    return [Fill(**{name: getattr(row, name) for name in FILL_COLUMNS}) for row in found]


def payments(rows: Rows, since_ms: int) -> list[Payment]:
    """Booked payments, ascending."""
    found = rows.select(models.Payment, "ts_ms >= %s", since_ms, order="ts_ms, kind, payment_id")
    return [Payment(**{name: getattr(row, name) for name in PAYMENT_COLUMNS}) for row in found]


def _since(rows: Rows, model: Any, symbol: str | None, since_ms: int) -> list[Any]:
    if symbol is None:
        return rows.select(model, "ts_ms >= %s", since_ms)
    return rows.select(model, "symbol = %s AND ts_ms >= %s", symbol, since_ms)


def movements(rows: Rows, symbol: str, since_ms: int, currency: str) -> list[Movement]:
    """Fills and adjustments of an instrument from a moment on."""
    moved = [
        Movement(
            key=row.key,
            ref=f"fill:{symbol}:{row.fill_id}",
            symbol=symbol,
            ts_ms=row.ts_ms,
            qty=signed(row.order_side, row.qty),
            px=row.px,
            fee=row.fee if row.fee_currency == currency else ZERO,
            grain=row.grain,
            reason=row.reason,
            client_id=row.own_id,
        )
        for row in _since(rows, models.Fill, symbol, since_ms)
    ]
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
        for row in _since(rows, models.Adjustment, symbol, since_ms)
        if row.movement_key
    ]
    return moved


def funding(rows: Rows, symbol: str, after_ms: int, until_ms: int, currency: str) -> Decimal:
    """Funding in (after, until]."""
    where = "kind = 'funding' AND symbol = %s AND currency = %s AND ts_ms > %s"
    where += " AND ts_ms <= %s" if until_ms else ""
    params = (symbol, currency, after_ms, until_ms)[: 4 if until_ms else 3]
    found = rows.select(models.Payment, where, *params, columns="amount")
    with localcontext(EXACT):
        return sum((plain(Decimal(amount)) for (amount,) in found), ZERO)


def trade_from(row: Any) -> Trade:
    """A row as a trade."""
    return Trade(**{name: getattr(row, name) for name in TRADE_COLUMNS})


def last_trade(rows: Rows, symbol: str) -> Trade | None:
    """The newest trade of an instrument, by its movements."""
    found = rows.select(models.Trade, "symbol = %s", symbol, order="opened_ms DESC, number DESC", limit=4)
    newest = (trade_from(row) for row in found)
    return max(newest, key=lambda one: (one.first_key, one.number), default=None)


def trade_at(rows: Rows, symbol: str, ts_ms: int) -> Trade | None:
    """The trade that was open before a moment and up to it. From the newest back, so that no history is read."""
    where = "symbol = %s AND opened_ms < %s"
    found = rows.select(models.Trade, where, symbol, ts_ms, order="opened_ms DESC, number DESC", limit=1)
    trade = trade_from(found[0]) if found else None
    return trade if trade is not None and (trade.is_open or trade.closed_ms >= ts_ms) else None


def trades(rows: Rows, symbol: str | None, since_ms: int) -> list[Trade]:
    """Open ones, and those closed from a moment on."""
    where, params = "(closed_ms = 0 OR closed_ms >= %s)", list[int | str]([since_ms])
    if symbol is not None:
        where, params = where + " AND symbol = %s", [since_ms, symbol]
    return [trade_from(row) for row in rows.select(models.Trade, where, *params, order="number")]


def chain_end(rows: Rows) -> tuple[int, str]:
    """The end of the ledger's chain."""
    last = rows.select(models.LedgerTransaction, order="number DESC", limit=1, columns="number, digest")
    return last[0] if last else (0, GENESIS)


def postings(rows: Rows, ref: str) -> tuple[Posting, ...]:
    """All lines of a fact."""
    found = rows.select(models.LedgerEntry, "ref = %s", ref, order="number, line")
    return tuple(Posting(row.name, row.currency, row.amount) for row in found)


def transactions(rows: Rows, first: int) -> Iterator[Transaction]:
    """Ledger transactions from a number on, with their lines. Raises ``JournalUnusable`` for lines without one."""
    number = first
    while True:
        window = ("number >= %s AND number < %s", number, number + CHUNK)
        lines: dict[int, list[Posting]] = {}
        for row in rows.select(models.LedgerEntry, *window, order="number, line"):
            lines.setdefault(row.number, []).append(Posting(row.name, row.currency, row.amount))
        count = 0
        for row in rows.select(models.LedgerTransaction, *window, order="number"):
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
    wanted = None if accounts is None else set(accounts)
    names = [] if wanted is None else sorted({name for name, _ in wanted})
    found = rows.select(models.LedgerBalance, f"name IN {marks(names)}" if names else "", *names)
    every = {(row.name, row.currency): row.amount for row in found}
    return every if wanted is None else {place: every[place] for place in wanted if place in every}


def newest(rows: Rows, model: Any, where: str = "", *params: Any) -> int:
    """The newest time of a table."""
    return int(rows.select(model, where, *params, columns="COALESCE(MAX(ts_ms), 0)")[0][0])


# ---------------------------------------------------------------- cycles


def latest_state(rows: Rows) -> StateFacts | None:
    """The engine's record written last."""
    row = rows.first(models.Cycle, "has_state", order="number DESC")
    return StateFacts(row.number, row.bar_ms, row.started_ms, bytes(row.state)) if row else None


def inputs(rows: Rows, since_ms: int, until_ms: int) -> list[InputFacts]:
    """What cycles of a window were told."""
    where = "bar_ms >= %s AND bar_ms < %s AND bar_ms > 0 AND inputs IS NOT NULL"
    found = rows.select(models.Cycle, where, since_ms, until_ms, order="number")
    return [InputFacts(row.number, row.bar_ms, row.snapshot, row.inputs) for row in found]


def decisions(rows: Rows, symbol: str, since_ms: int, until_ms: int) -> list[DecisionFacts]:
    """Decisions of a window."""
    where = "symbol = %s AND ts_ms >= %s AND ts_ms < %s"
    return [
        DecisionFacts(
            **{name: getattr(row, name) for name in DECISION_COLUMNS},
            verdicts=tuple(Verdict(*one) for one in json.loads(row.verdicts)),
        )
        for row in rows.select(models.Decision, where, symbol, since_ms, until_ms, order="ts_ms")
    ]


def equity(rows: Rows, since_ms: int) -> list[EquityFacts]:
    """The equity curve."""
    found = rows.select(models.EquityPoint, "ts_ms >= %s", since_ms, order="ts_ms")
    return [EquityFacts(**{name: getattr(row, name) for name in EQUITY_COLUMNS}) for row in found]


# ---------------------------------------------------------------- safety


def incidents(rows: Rows, since_ms: int) -> list[Incident]:
    """Incidents, oldest first."""
    return [
        Incident(
            row.kind, row.detail, row.ts_ms, Severity(row.severity), row.subject, json.loads(row.figures)
        )
        for row in rows.select(models.Incident, "ts_ms >= %s", since_ms, order="id")
    ]


def latches(rows: Rows) -> dict[str, Latch]:
    """Switches that are put."""
    found = rows.select(models.Latch, "is_put", order="id")
    return {row.name: Latch(row.name, row.reason, row.set_ms) for row in found}


def breakers(rows: Rows) -> dict[str, BreakerFacts]:
    """Where each breaker stands."""
    found = rows.select(models.BreakerState)
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
    row = rows.first(models.OperatorCommand, "command_id = %s", command_id)
    return operator_from(row) if row else None


def operator_commands(rows: Rows, since_ms: int) -> list[OperatorCommand]:
    """Those given from a moment on."""
    return [
        operator_from(row) for row in rows.select(models.OperatorCommand, "ts_ms >= %s", since_ms, order="id")
    ]


def open_operator_commands(rows: Rows) -> list[OperatorCommand]:
    """Those that wait."""
    found = rows.select(models.OperatorCommand, "phase = %s", CommandPhase.ACCEPTED.value, order="id")
    return [operator_from(row) for row in found]


def stage(rows: Rows) -> CapitalStage | None:
    """The stage that holds."""
    row = rows.first(models.CapitalStage, order="id DESC")
    names = tuple(CapitalStage.__dataclass_fields__)
    return CapitalStage(**{name: getattr(row, name) for name in names}) if row else None
