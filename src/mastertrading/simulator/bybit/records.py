"""``/v5/order`` and ``/v5/execution``: what one may read about orders and their fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.codes import parameter
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.pages import page, window
from mastertrading.simulator.bybit.parameters import LINEAR, Asked
from mastertrading.simulator.bybit.rendering import (
    Row,
    execution_row,
    execution_type,
    funding_row,
    order_row,
    state_of,
)
from mastertrading.simulator.bybit.trade import find
from mastertrading.simulator.orders import Execution, Income, IncomeKind, Order

Result = dict[str, Any]
_FILTERS: Final = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
_EXECUTION_TYPES: Final = (
    "Trade",
    "AdlTrade",
    "Funding",
    "BustTrade",
    "Delivery",
    "Settle",
    "BlockTrade",
    "MovePosition",
    "FutureSpread",
    "CorporateAction",
)


def _empty(category: str) -> Result:
    return {"list": [], "nextPageCursor": "", "category": category}


def _is_asked(order: Order, asked: Asked, desk: Desk) -> bool:
    chosen = asked.one_of("orderFilter", _FILTERS)
    symbol, base = asked.name(), asked.name("baseCoin")
    if symbol:
        if order.symbol != symbol:
            return False
    elif base and desk.exchange.listings[order.symbol].base != base:
        return False
    waiting = order.watch is not None and order.triggered_ms == 0
    return not chosen or (waiting if chosen == "StopOrder" else chosen == "Order" and not waiting)


# ---------------------------------------------------------------- orders
def realtime(asked: Asked, desk: Desk, account: Account) -> Result:
    """``realtime``: open orders, or the latest closed ones; by an id, either."""
    category = asked.category()
    if category != LINEAR:
        return _empty(category)
    only_closed = asked.whole("openOnly", 0, 2, 0) != 0
    given, link_id = asked.text("orderId"), asked.text("orderLinkId")
    if not (given or link_id or asked.name() or asked.name("baseCoin") or asked.name("settleCoin")):
        raise parameter("params error: symbol, baseCoin and settleCoin are all empty")
    if asked.name():
        desk.listing(asked.name())
    if given or link_id:
        order = find(given, link_id, asked.name(), desk, account)
        rows = [order] if order is not None and _in_realtime(order, desk, account) else []
    else:
        source = _closed(desk, account) if only_closed else iter(desk.exchange.open_orders(account, None))
        rows = [order for order in source if _is_asked(order, asked, desk) and _told(order, desk)]
    rows.sort(key=lambda order: order.number)
    chosen, cursor = page(rows, asked, lambda order: order.number, limit=20, most=50)
    return {
        "list": [order_row(order, desk) for order in chosen],
        "nextPageCursor": cursor,
        "category": category,
    }


def _closed(desk: Desk, account: Account) -> Iterator[Order]:
    return (account.orders[number] for number in desk.closed.get(account.name, ()))


def _told(order: Order, desk: Desk) -> bool:
    return order.created_ms <= desk.exchange.clock.now_ms() - desk.rules.realtime_lag_ms


def _in_realtime(order: Order, desk: Desk, account: Account) -> bool:
    known = order.status.is_open or order.number in desk.closed.get(account.name, ())
    return known and _told(order, desk)


def history(asked: Asked, desk: Desk, account: Account) -> Result:
    """``history``: orders that ended. Without a fill they are kept for a day."""
    category = asked.category()
    rules, now = desk.rules, desk.exchange.clock.now_ms()
    start, end = window(asked, desk.now_ms(), rules.query_span_ms, rules.query_span_ms)
    status = asked.text("orderStatus")
    if category != LINEAR:
        return _empty(category)
    if asked.name():
        desk.listing(asked.name())
    given, link_id = asked.text("orderId"), asked.text("orderLinkId")
    if given or link_id:
        found = find(given, link_id, asked.name(), desk, account)
        candidates = [found] if found is not None else []
    else:
        candidates = [
            order
            for order in desk.exchange.order_history(account, asked.name() or None)
            if start <= order.created_ms <= end and _is_asked(order, asked, desk)
        ]
    rows = [
        order
        for order in candidates
        if not order.status.is_open
        and order.updated_ms <= now - rules.history_lag_ms
        and (order.filled or order.updated_ms > now - rules.unfilled_kept_ms)
        and (not status or state_of(order) == status)
    ]
    chosen, cursor = page(rows, asked, lambda order: order.number, limit=20, most=50)
    return {
        "list": [order_row(order, desk) for order in chosen],
        "nextPageCursor": cursor,
        "category": category,
    }


# ---------------------------------------------------------------- executions
def executions(asked: Asked, desk: Desk, account: Account) -> Result:
    """``execution/list``: fills and funding payments, newest first."""
    category = asked.category()
    kind = asked.one_of("execType", _EXECUTION_TYPES)
    span = desk.rules.query_span_ms
    start, end = window(asked, desk.now_ms(), span, span)
    if category != LINEAR:
        return _empty(category)
    if asked.name():
        desk.listing(asked.name())
    happened = _sequenced(_happened(asked, desk, account, start, end))
    told = [(key, one) for key, one in happened if not kind or execution_type(one) == kind]
    chosen, cursor = page(told, asked, lambda pair: pair[0], limit=50, most=100)
    rows = [_row(one, desk, account) for _, one in chosen]
    return {"nextPageCursor": cursor, "category": category, "list": rows}


def _happened(asked: Asked, desk: Desk, account: Account, start: int, end: int) -> list[Execution | Income]:
    """Fills and funding payments of what was asked for, ascending. An order's id outweighs everything else."""
    exchange = desk.exchange
    newest = min(end, exchange.clock.now_ms() - desk.rules.execution_lag_ms)
    symbol, base = asked.name(), asked.name("baseCoin")
    given, link_id = asked.text("orderId"), asked.text("orderLinkId")
    fills = exchange.executions(account, None if given or link_id else symbol or None, since_ms=start)
    fills = [fill for fill in fills if fill.ts_ms <= newest]
    if given or link_id:
        order = find(given, link_id, "", desk, account)
        return [fill for fill in fills if order is not None and fill.order == order.number]
    paid = exchange.income(account, symbol=symbol or None, kind=IncomeKind.FUNDING, since_ms=start)
    both: list[Execution | Income] = [*fills, *(one for one in paid if one.ts_ms <= newest)]
    if base and not symbol:
        both = [one for one in both if exchange.listings[one.symbol].base == base]
    both.sort(key=lambda one: (one.ts_ms, isinstance(one, Income), one.number))
    return both


def _sequenced(happened: list[Execution | Income]) -> list[tuple[int, Execution | Income]]:
    """Each with a key that ascends: its time and its place among those of the same millisecond."""
    keyed: list[tuple[int, Execution | Income]] = []
    last, place = -1, 0
    for one in happened:
        place = place + 1 if one.ts_ms == last else 0
        last = one.ts_ms
        keyed.append((one.ts_ms * 100_000 + place, one))
    return keyed


def _row(one: Execution | Income, desk: Desk, account: Account) -> Row:
    if isinstance(one, Income):
        return funding_row(one, desk)
    return execution_row(one, account.orders.get(one.order), desk)
