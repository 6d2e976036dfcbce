"""What a fill, a funding charge and a transfer do to an account and to the exchange's own books.

The only writer of money. How a basis is released, a rate rounded and a charge made is the rule book's
(``rules/position``); here it is booked twice, once on the account and once against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.orders import OrderStatus
from mastertrading.rules.position import money
from mastertrading.rules.position import transitions as rule
from mastertrading.simulator import ledger as books
from mastertrading.simulator import margin
from mastertrading.simulator.account import Account
from mastertrading.simulator.events import AccountChanged, OrderNews
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.orders import (
    Ended,
    Execution,
    Income,
    IncomeKind,
    Liquidity,
    Order,
    Position,
    Refused,
)
from mastertrading.simulator.orders import No as Because

_rate_of = interpreted(money.rate_of)
_share_of = interpreted(money.share_of)
_take_from_position = interpreted(rule.take_from_position)
_funding_payment = interpreted(rule.funding_payment)

OTHER_BOOK = {
    IncomeKind.REALISED: books.MARKET,
    IncomeKind.FEE: books.FEES,
    IncomeKind.FUNDING: books.FUNDING,
    IncomeKind.TRANSFER: books.EXTERNAL,
    IncomeKind.INSURANCE: books.INSURANCE,
    IncomeKind.ADJUSTMENT: books.ADJUSTMENTS,
}


@dataclass(frozen=True, slots=True)
class _Taken:
    """A fill as the rule of releasing reads it; no reason is ``PARTIAL`` here."""

    lots: int
    px_ticks: int
    reason: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """How a fill is charged: what it is called, and the fee in 1e-8."""

    liquidity: Liquidity
    fee_e8: int


def book_income(
    floor: Floor,
    account: Account,
    kind: IncomeKind,
    symbol: str,
    atoms: int,
    *,
    ts_ms: int | None = None,
    execution: int | None = None,
    rate_e8: int = 0,
    lots: int = 0,
) -> Income:
    """Move money between the account and the book that it belongs to."""
    floor.ledger.post((books.wallet(account.name), atoms), (OTHER_BOOK[kind], -atoms))
    account.wallet_atoms += atoms
    floor.money_version += 1
    floor.news_count += 1
    floor.income_count += 1
    income = Income(
        floor.income_count,
        account.name,
        kind,
        symbol,
        atoms,
        floor.now() if ts_ms is None else ts_ms,
        execution,
        account.wallet_atoms,
        rate_e8,
        lots,
    )
    account.incomes.append(income)
    return income


def execute(floor: Floor, order: Order, lots: int, px_ticks: int, terms: Terms) -> None:
    """Fill so many lots of an order at a price, in as many pieces as the venue makes of it."""
    first = order.filled == 0
    for piece in _pieces(lots, floor.rules.fill_pieces):
        _execute_piece(floor, order, piece, px_ticks, terms)
    if first and order.new.stop_ticks | order.new.target_ticks:
        floor.awaited.append(order)


def _pieces(lots: int, count: int) -> Iterator[int]:
    """Split into nearly equal whole parts, none empty."""
    count = min(count, lots)
    for k in range(count):
        yield lots * (k + 1) // count - lots * k // count


def _execute_piece(floor: Floor, order: Order, lots: int, px_ticks: int, terms: Terms) -> None:
    account, listing = floor.accounts[order.account], floor.listings[order.symbol]
    position, signed = account.leg(order.symbol, order.new.leg), order.new.order_side * lots
    fee = _rate_of(px_ticks * lots * listing.atoms, terms.fee_e8)
    gross = _change_position(floor, account, position, signed, px_ticks)
    floor.ledger.stock(order.symbol, listing.atoms).trade(signed, px_ticks)
    _count(order, lots, px_ticks, fee, floor.now())
    execution = _execution(floor, order, signed, px_ticks, (fee, gross), terms, position)
    account.executions.append(execution)
    income = _book_result(floor, account, execution)
    if order.open_lots == 0:
        floor.leave(order)
    market = floor.markets[order.symbol]
    side = order.new.order_side if terms.liquidity is Liquidity.TAKER else -order.new.order_side
    trade = market.print_trade(execution.ts_ms, px_ticks, lots, side)
    if floor.listeners:
        floor.publish(trade)
    floor.tell(order, OrderNews.FILLED, execution)
    if floor.listeners:
        floor.publish(
            AccountChanged(execution.ts_ms, account.name, "order", (copy(position),), tuple(income))
        )


def _count(order: Order, lots: int, px_ticks: int, fee: int, now_ms: int) -> None:
    order.filled += lots
    order.spent += lots * px_ticks
    order.fees += fee
    order.updated_ms = now_ms
    order.status = OrderStatus.FILLED if order.open_lots == 0 else OrderStatus.PARTIAL


def _execution(
    floor: Floor,
    order: Order,
    signed: int,
    px_ticks: int,
    money_: tuple[int, int],
    terms: Terms,
    position: Position,
) -> Execution:
    floor.execution_count += 1
    fee, gross = money_
    return Execution(
        floor.execution_count,
        order.number,
        order.account,
        order.symbol,
        order.client_id,
        order.new.order_side,
        signed,
        px_ticks,
        fee,
        gross,
        terms.liquidity,
        order.cause,
        position.leg,
        floor.now(),
        position.lots,
    )


def _book_result(floor: Floor, account: Account, execution: Execution) -> list[Income]:
    parts = ((IncomeKind.REALISED, execution.realised_atoms), (IncomeKind.FEE, -execution.fee_atoms))
    return [
        book_income(floor, account, kind, execution.symbol, atoms, execution=execution.number)
        for kind, atoms in parts
        if atoms != 0
    ]


def _change_position(floor: Floor, account: Account, position: Position, signed: int, px_ticks: int) -> int:
    """Close what is on the other side, open the rest; returns the realised gross. Atoms."""
    now, gross = floor.now(), 0
    floor.money_version += 1
    if position.lots * signed < 0:
        closing = min(abs(position.lots), abs(signed))
        gross = _close(floor, account, position, closing, px_ticks)
        signed += closing if signed < 0 else -closing
    if signed != 0:
        _open(floor, account, position, signed, px_ticks)
    position.updated_ms = now
    return gross


def _close(floor: Floor, account: Account, position: Position, lots: int, px_ticks: int) -> int:
    listing, key = floor.listings[position.symbol], (position.symbol, position.leg)
    size, side = abs(position.lots), 1 if position.lots > 0 else -1
    held = margin.held_at(position, px_ticks)
    gross = _take_from_position(held, _Taken(-side * lots, px_ticks), margin.spec_of(listing))
    position.lots, position.cost = held.lots, held.entry_ticklots
    position.realised_atoms += gross
    if key in account.isolated:
        account.isolated[key] -= (
            account.isolated[key] if lots == size else _share_of(account.isolated[key], lots, size)
        )
        if position.lots == 0:
            del account.isolated[key]
    return gross


def _open(floor: Floor, account: Account, position: Position, signed: int, px_ticks: int) -> None:
    listing, key = floor.listings[position.symbol], (position.symbol, position.leg)
    if position.lots == 0:
        position.opened_ms, position.realised_atoms = floor.now(), 0
        account.opened_at[key] = (px_ticks, floor.markets[position.symbol].mark_version)
    position.lots += signed
    position.cost += px_ticks * abs(signed)
    if account.is_isolated(position.symbol):
        needed = -(-px_ticks * abs(signed) * listing.atoms // account.leverage[position.symbol])
        account.isolated[key] = account.isolated.get(key, 0) + needed


def end_idle_reductions(floor: Floor, account: Account, position: Position) -> None:
    """End the reduce-only orders that have nothing left to reduce, where the venue does that."""
    if not floor.rules.flat_ends_reduce_only:
        return
    for order in list(account.open.values()):
        if (
            order.symbol == position.symbol
            and order.new.leg is position.leg
            and margin.is_reducing(order)
            and order.new.order_side * position.lots >= 0
            and order.number not in floor.markets[order.symbol].arrivals
        ):
            floor.end(order, OrderNews.CANCELLED, Ended.REDUCE_ONLY)


def charge_funding(floor: Floor, symbol: str, rate_e8: int, ts_ms: int) -> None:
    """Charge every position what holding it costs, at the last mark; who is short receives it."""
    market, listing = floor.markets[symbol], floor.listings[symbol]
    for account in floor.accounts.values():
        for position in list(account.held(symbol)):
            held = margin.held_at(position, market.mark_ticks)
            atoms = _funding_payment(held, margin.spec_of(listing), rate_e8)
            if atoms == 0:
                continue
            income = book_income(
                floor,
                account,
                IncomeKind.FUNDING,
                symbol,
                -atoms,
                ts_ms=ts_ms,
                rate_e8=rate_e8,
                lots=position.lots,
            )
            if floor.listeners:
                floor.publish(
                    AccountChanged(floor.now(), account.name, "funding", (copy(position),), (income,))
                )


def transfer(floor: Floor, account: Account, atoms: int, kind: IncomeKind) -> Income:
    """Book a deposit (+) or a withdrawal. Raises ``Refused`` where more is withdrawn than is free.

    An adjustment of the venue's own asks nobody.
    """
    asked = kind is IncomeKind.TRANSFER and atoms < 0
    if asked and -atoms > min(account.wallet_atoms, margin.available(floor, account)):
        raise Refused(Because.BALANCE, f"{-atoms} atoms are more than the account can spare")
    income = book_income(floor, account, kind, "", atoms)
    reason = "transfer" if kind is IncomeKind.TRANSFER else "adjustment"
    if floor.listeners:
        floor.publish(AccountChanged(floor.now(), account.name, reason, (), (income,)))
    return income
