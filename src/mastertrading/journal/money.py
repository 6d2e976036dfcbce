"""Fills, payments and adjustments against a store: each once, in any order, always with the same books."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import chain, count

from mastertrading.domain.errors import DataError, JournalUnusable
from mastertrading.domain.facts import ZERO, Adjustment, Incident, Severity, Trade
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command
from mastertrading.domain.orders import Fill, Payment
from mastertrading.journal import ledger
from mastertrading.journal.books import FOREIGN, Booking, Movement, fold, movement_key, play
from mastertrading.journal.store import Store
from mastertrading.journal.translate import exact, plain, signed, unit_value

EXTERNAL, UNKNOWN, ADJUSTED = "external", "unknown", "adjustment"
CAUSES = {"liquidation": "liquidation", "adl": "adl", "settlement": EXTERNAL}

Entry = tuple[str, str, int, tuple[ledger.Posting, ...]]
"""Kind, reference, time and lines of a ledger transaction to be."""


def define(store: Store, instrument: Instrument, at_ms: int) -> None:
    """Keep contract facts; facts that did not change are kept once."""
    if store.instrument(instrument.symbol) != instrument:
        store.save_instrument(instrument, at_ms)


def book_fills(store: Store, fills: Iterable[Fill], at_ms: int, epoch: int) -> int:
    """Book executions that are not booked yet; returns how many."""
    booked = 0
    for symbol, group in _by_symbol(fills).items():
        known = store.known_fills(symbol, [one.fill_id for one in group])
        fresh = {one.fill_id: one for one in group if one.fill_id not in known}
        pairs = [(fill, _movement(store, fill)) for fill in fresh.values()]
        for fill, movement in sorted(pairs, key=lambda one: one[1].key):
            store.add_fill(fill, movement, at_ms, epoch)
            _enter(store, movement, fill, epoch)
        booked += len(fresh)
    return booked


def book_payments(store: Store, payments: Iterable[Payment], at_ms: int, epoch: int) -> int:
    """Book payments that are not booked yet; returns how many."""
    told = {(one.kind, one.payment_id): one for one in payments}
    known = store.known_payments(told)
    fresh = [replace(one, amount=exact(one.amount)) for key, one in told.items() if key not in known]
    for payment in sorted(fresh, key=lambda one: (one.ts_ms, one.payment_id)):
        store.add_payment(payment, at_ms, epoch)
        ref = f"payment:{payment.kind}:{payment.payment_id}"
        _append(store, [(payment.kind, ref, payment.ts_ms, ledger.of_payment(payment))], epoch)
        if payment.kind == "funding" and payment.currency == store.account.currency:
            _charge_trade(store, payment)
    return len(fresh)


def adjust(store: Store, adjustments: Iterable[Adjustment], at_ms: int, epoch: int) -> int:
    """Book differences that are not booked yet, with an incident each; returns how many."""
    booked = 0
    for told in adjustments:
        if store.known_adjustment(told.key):
            continue
        one = replace(told, qty=exact(told.qty), px=exact(told.px), amount=exact(told.amount))
        movement = _adjusting(store, one) if one.qty else None
        store.add_adjustment(one, movement, at_ms, epoch)
        if movement is not None:
            _enter(store, movement, None, epoch)
        if one.amount:
            lines = ledger.of_adjusted_money(one)
            _append(store, [("adjustment", f"money:{one.key}", one.ts_ms, lines)], epoch)
        store.add_incidents([_told_of(one, at_ms)])
        booked += 1
    return booked


def verify(store: Store, last: int | None) -> None:
    """Check the chain and the balances. Raises ``JournalUnusable``."""
    end, newest = store.chain_end()
    first = 1 if last is None else max(1, end - last + 1)
    previous, expected = (ledger.GENESIS if first == 1 else None), first
    totals: dict[tuple[str, str], Decimal] = {}
    for one in store.transactions(first):
        digest = ledger.digest_of(one.number, one.kind, one.ref, one.ts_ms, one.postings, one.previous)
        if one.number != expected or digest != one.digest or previous not in (None, one.previous):
            raise _damaged(f"ledger transaction {expected} is not what was written")
        ledger.check_balanced(one.ref, one.postings)
        totals = ledger.added(totals, one.postings)
        previous, expected = one.digest, one.number + 1
    if expected != end + 1 or (previous is not None and end and previous != newest):
        raise _damaged(f"the ledger ends at {expected - 1} and should end at {end}")
    if first == 1:
        _check_balances(store, totals)


def _check_balances(store: Store, totals: dict[tuple[str, str], Decimal]) -> None:
    kept = store.balances()
    for place in totals.keys() | kept.keys():
        if totals.get(place, ZERO) != kept.get(place, ZERO):
            raise _damaged(f"the balance of {place[0]} in {place[1]} is not the sum of its entries")
    for trade in store.trades(None, 0):
        held = totals.get((f"position:{trade.symbol}", trade.symbol), ZERO)
        if trade.is_open and held != trade.qty:
            raise _damaged(f"the open trade of {trade.symbol} holds {trade.qty}, its ledger {held}")


def _damaged(what: str) -> JournalUnusable:
    return JournalUnusable(
        what,
        why="the journal was changed from outside, or is damaged",
        hint="restore a backup: mastertrading journal restore",
    )


def _by_symbol(fills: Iterable[Fill]) -> dict[str, list[Fill]]:
    groups: dict[str, list[Fill]] = {}
    for fill in fills:
        groups.setdefault(fill.symbol, []).append(fill)
    return groups


def _instrument(store: Store, symbol: str) -> Instrument:
    found = store.instrument(symbol)
    if found is None:
        raise DataError(
            f"nothing is known of the contract of {symbol}", hint="define() it before its first fill"
        )
    return found


def _movement(store: Store, fill: Fill) -> Movement:
    command = _command_of(store, fill)
    currency = store.account.currency
    return Movement(
        key=movement_key(fill.ts_ms, command.number if command else FOREIGN, fill.fill_id),
        ref=f"fill:{fill.symbol}:{fill.fill_id}",
        symbol=fill.symbol,
        ts_ms=fill.ts_ms,
        qty=signed(fill.order_side, exact(fill.qty)),
        px=exact(fill.px),
        fee=exact(fill.fee) if fill.fee_currency == currency else ZERO,
        grain=unit_value(_instrument(store, fill.symbol)),
        reason=_reason(fill, command),
        client_id=command.client_id if command else fill.client_id,
    )


def _command_of(store: Store, fill: Fill) -> Command | None:
    found = store.command(fill.client_id) if fill.client_id else None
    return found or store.command_of_order(fill.symbol, fill.order_id)


def _reason(fill: Fill, command: Command | None) -> str:
    """Why a trade that this fill closes was closed (EXEC-CLOSES): from the order, or from what the venue says."""
    if fill.cause in CAUSES:
        return CAUSES[fill.cause]
    if command is not None:
        return command.intent.reason or command.intent.purpose.value
    return EXTERNAL if fill.cause == "trade" else UNKNOWN


def _adjusting(store: Store, adjustment: Adjustment) -> Movement:
    return Movement(
        key=movement_key(adjustment.ts_ms, FOREIGN, adjustment.key),
        ref=f"adjustment:{adjustment.key}",
        symbol=adjustment.symbol,
        ts_ms=adjustment.ts_ms,
        qty=adjustment.qty,
        px=adjustment.px,
        fee=ZERO,
        grain=unit_value(_instrument(store, adjustment.symbol)),
        reason=ADJUSTED,
        is_adjustment=True,
    )


def _told_of(adjustment: Adjustment, at_ms: int) -> Incident:
    figures = {"qty": f"{adjustment.qty:f}", "amount": f"{adjustment.amount:f}", "key": adjustment.key}
    subject = adjustment.symbol or adjustment.currency
    return Incident("adjustment", adjustment.reason, at_ms, Severity.CRITICAL, subject, figures)


# ---------------------------------------------------------------- the ledger and the trades


def _enter(store: Store, movement: Movement, fill: Fill | None, epoch: int) -> None:
    """Carry one new movement, already kept as a fact, into trades and ledger."""
    last = store.last_trade(movement.symbol)
    if last is not None and movement.key < last.last_key:
        _enter_late(store, movement, epoch)
        return
    changed, booking = play(last, movement, store.next_trade())
    store.save_trades([_with_funding(store, one) for one in changed])
    _append(store, [_entry(store, booking, fill)], epoch)


def _enter_late(store: Store, movement: Movement, epoch: int) -> None:
    """A movement from before others that are booked: reverse what it changes, and book that anew in order."""
    redo = _trades_after(store, movement)
    begin = min([movement.key, *(one.first_key for one in redo[:1])])
    since_ms = min([movement.ts_ms, *(one.opened_ms for one in redo[:1])])
    tail = [one for one in store.movements(movement.symbol, since_ms) if one.key >= begin]
    tail.sort(key=lambda one: one.key)
    numbers = chain((one.number for one in redo), count(store.next_trade()))
    trades, bookings = fold((), tail, numbers)
    store.drop_trades([one.number for one in redo])
    store.save_trades([_with_funding(store, one) for one in trades])
    fills = {f"fill:{one.symbol}:{one.fill_id}": one for one in store.fills(movement.symbol, since_ms)}
    entries: list[Entry] = []
    for booking in bookings:
        entry = _entry(store, booking, fills.get(booking.movement.ref))
        _, ref, ts_ms, wanted = entry
        standing = _net(store.postings(ref))
        if standing != _net(wanted):
            entries += [("reversal", ref, ts_ms, ledger.reversed_postings(standing)), entry]
    _append(store, entries, epoch)


def _trades_after(store: Store, movement: Movement) -> list[Trade]:
    """Trades that a late movement may change: those that end after it, the first of them begun at flat."""
    redo = [one for one in store.trades(movement.symbol, movement.ts_ms) if one.last_key > movement.key]
    while redo and redo[0].from_flip:
        every = store.trades(movement.symbol, redo[0].opened_ms)
        before = [one for one in every if one.last_key == redo[0].first_key and one.number != redo[0].number]
        redo = before + redo
    return redo


def _entry(store: Store, booking: Booking, fill: Fill | None) -> Entry:
    movement, currency = booking.movement, store.account.currency
    if fill is None:
        return ("adjustment", movement.ref, movement.ts_ms, ledger.of_adjusted_position(booking, currency))
    lines = ledger.of_fill(booking, currency, exact(fill.fee), fill.fee_currency)
    return ("fill", movement.ref, movement.ts_ms, lines)


def _append(store: Store, entries: Iterable[Entry], epoch: int) -> None:
    """Chain transactions to the ledger and carry their balances on."""
    number, previous = store.chain_end()
    made: list[ledger.Transaction] = []
    for kind, ref, ts_ms, lines in entries:
        if lines:
            number += 1
            made.append(ledger.seal(number, kind, ref, ts_ms, tuple(lines), previous))
            previous = made[-1].digest
    if not made:
        return
    lines = tuple(chain.from_iterable(one.postings for one in made))
    before = store.balances({(one.account, one.currency) for one in lines})
    store.add_transactions(made, epoch)
    store.save_balances(ledger.added(before, lines))


def _net(postings: Iterable[ledger.Posting]) -> tuple[ledger.Posting, ...]:
    """Lines summed by account and currency, without those that cancel."""
    sums = ledger.added({}, postings)
    return tuple(ledger.Posting(*place, amount) for place, amount in sorted(sums.items()) if amount)


def _with_funding(store: Store, trade: Trade) -> Trade:
    """The trade with the funding that was charged while it was open: a charge at its very opening came before it."""
    return replace(trade, funding=plain(store.funding(trade.symbol, trade.opened_ms, trade.closed_ms)))


def _charge_trade(store: Store, payment: Payment) -> None:
    trade = store.trade_at(payment.symbol, payment.ts_ms)
    if trade is not None:
        store.save_trades([_with_funding(store, trade)])
