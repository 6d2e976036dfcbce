"""A paper account as its journal left it: the exchange behind it forgets with its process, the books do not.

Nothing that happens here is news: money, positions and orders are put where they were. The exchange counts from the
present millisecond on, so that no order, fill or booking has a number that was used before.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mastertrading.domain.facts import Trade
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.orders import Order as Told
from mastertrading.simulator import paper_words as words
from mastertrading.simulator.orders import Leg, NewOrder, Watch
from mastertrading.simulator.paper import PaperGateway


def count_from(paper: PaperGateway, now_ms: int) -> None:
    """Give numbers that no earlier exchange of this account gave."""
    floor = paper.exchange.floor
    floor.order_count = floor.execution_count = floor.income_count = now_ms


def set_prices(paper: PaperGateway, closes: dict[str, int]) -> None:
    """The prices (ticks) at which the newest bars closed; market orders wait for the next open."""
    for symbol, ticks in closes.items():
        market = paper.exchange.markets[symbol]
        market.last_ticks = market.mark_ticks = market.index_ticks = ticks
        market.held = True


def put_back(paper: PaperGateway, wallet: Decimal, trades: Iterable[Trade], orders: Iterable[Told]) -> None:
    """Give the account its money, what it holds, and the orders that rested."""
    account = paper.account
    account.wallet_atoms = int(wallet * ATOMS_PER_UNIT)
    account.incomes.clear()
    for trade in trades:
        listing = paper.exchange.listings.get(trade.symbol)
        if listing is None or not trade.is_open:
            continue
        held = account.leg(trade.symbol, Leg.NET)
        held.lots = words.lots_of(listing, trade.qty)
        per_lot = listing.instrument.tick * listing.instrument.lot * listing.instrument.multiplier
        held.cost = int((abs(trade.cost) / per_lot).to_integral_value())
        held.opened_ms = held.updated_ms = trade.opened_ms
    for told in orders:
        if told.symbol in paper.exchange.listings:
            _put_order(paper, told)


def _put_order(paper: PaperGateway, told: Told) -> None:
    floor, listing = paper.exchange.floor, paper.exchange.listings[told.symbol]
    trigger = told.trigger
    watch = None if trigger is None else Watch(words.ticks_of(listing, trigger.px), trigger.above, trigger.by)
    new = NewOrder(
        told.symbol,
        told.order_side,
        told.kind,
        words.lots_of(listing, told.qty),
        words.ticks_of(listing, told.limit_px),
        watch,
        told.time_in_force,
        told.reduce_only and not told.close_position,
        told.close_position,
        client_id=told.client_id,
        conditional=told.conditional,
    )
    order = floor.make(paper.account.name, new)
    order.number, order.status = int(told.order_id), told.status
    order.created_ms, order.updated_ms = told.created_ms, told.updated_ms
    order.filled = words.lots_of(listing, told.filled_qty)
    if told.avg_px is not None:
        order.spent = words.ticks_of(listing, told.avg_px.quantize(listing.instrument.tick)) * order.filled
    floor.enter(order)
