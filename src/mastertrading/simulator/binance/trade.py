"""Plain orders: placing, amending, cancelling, asking."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from mastertrading.domain.orders import OrderKind, TimeInForce
from mastertrading.simulator.binance import entries
from mastertrading.simulator.binance.codes import VenueError, invalid, missing, of_refusal
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.rendering import (
    amended_row,
    cancelled_row,
    number_of,
    order_id,
    order_row,
    placed_row,
    trade_row,
)
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import NewOrder, No, Order, Refused

PLAIN: Final = ("LIMIT", "MARKET")
CONDITIONAL: Final = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
RESPONSES: Final = ("ACK", "RESULT")
MOST_PLACED, MOST_CANCELLED = 5, 10
DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}


# ---------------------------------------------------------------- commands
def place(call: Call) -> dict[str, Any]:
    """Place a plain order."""
    return _place(call, call.parameters, send=True)


def test(call: Call) -> dict[str, Any]:
    """Check a plain order as far as the venue does without sending it."""
    return _place(call, call.parameters, send=False)


def _place(call: Call, given: Parameters, *, send: bool) -> dict[str, Any]:
    listing = call.desk.listing(given.required("symbol"))
    new = _new_order(call, listing, given)
    given.choice("newOrderRespType", RESPONSES, "ACK", -1136)
    if not send:
        return entries.unsent_row(call.scale(listing), new, call.now_ms)
    try:
        order = call.exchange.place(call.owner, new)
    except Refused as refused:
        raise entries.refusal(call, listing, new, refused) from None
    if "goodTillDate" in new.echo and order.status.is_open:
        call.desk.end_at(order, new.echo["goodTillDate"])
    return placed_row(call.scale(listing), order)


def _new_order(call: Call, listing: Listing, given: Parameters) -> NewOrder:
    side = entries.side(given)
    kind = given.required("type")
    if kind in CONDITIONAL:
        raise VenueError(-4120)
    if kind not in PLAIN:
        raise VenueError(-1116)
    entries.refuse_unwanted(given, ("stopPrice", "activationPrice", "callbackRate"))
    if given.flag("closePosition"):
        raise VenueError(-4136, f"Target strategy invalid for orderType {kind},closePosition true")
    leg, reduce_only = entries.leg_and_reduce_only(call.owner, given)
    lots = entries.lots(listing, given.required_decimal("quantity"), market=kind == "MARKET")
    working, limit_ticks, echo = TimeInForce.GTC, 0, entries.echo(call, given)
    if kind == "LIMIT":
        working = entries.time_in_force(given, echo, call.now_ms)
        limit_ticks = entries.limit_ticks(call, listing, given.required_decimal("price"), side)
    else:
        entries.refuse_unwanted(given, ("price",))
        if given.has("timeInForce"):
            raise VenueError(-1106, "Parameter 'timeInForce' sent when not required.")
    return NewOrder(
        symbol=listing.symbol,
        order_side=side,
        kind=OrderKind.LIMIT if kind == "LIMIT" else OrderKind.MARKET,
        lots=lots,
        limit_ticks=limit_ticks,
        time_in_force=working,
        reduce_only=reduce_only,
        leg=leg,
        client_id=given.client_id("newClientOrderId") or call.desk.name("order")[:22],
        echo=echo,
    )


def amend(call: Call) -> dict[str, Any]:
    """Change price and quantity of a resting limit order."""
    return _amend(call, call.parameters)


def _amend(call: Call, given: Parameters) -> dict[str, Any]:
    listing = call.desk.listing(given.required("symbol"))
    order = _found(call, listing, given)
    if order is None or not order.status.is_open:
        raise VenueError(-2013)
    if entries.side(given) != order.new.order_side:
        raise VenueError(-1117)
    price, quantity = given.required_decimal("price"), given.required_decimal("quantity")
    if order.new.kind is not OrderKind.LIMIT:
        raise VenueError(-5025)
    try:
        changed = call.exchange.amend(
            call.owner,
            listing.symbol,
            number=order.number,
            lots=entries.lots(listing, quantity, market=False),
            limit_ticks=entries.limit_ticks(call, listing, price, order.new.order_side),
        )
    except Refused as refused:
        raise of_refusal(refused, {No.ORDER_NOT_FOUND: -2013, No.NOT_TRADING: -5024}) from None
    return amended_row(call.scale(listing), changed)


def cancel(call: Call) -> dict[str, Any]:
    """Cancel a plain order."""
    return _cancel(call, call.parameters)


def _cancel(call: Call, given: Parameters) -> dict[str, Any]:
    listing = call.desk.listing(given.required("symbol"))
    number, client_id = _identity(given)
    if number == 0:
        raise VenueError(-2011)
    try:
        order = call.exchange.cancel(
            call.owner, listing.symbol, number=number, client_id=client_id, conditional=False
        )
    except Refused as refused:
        raise of_refusal(refused) from None
    return cancelled_row(call.scale(listing), order)


def cancel_all(call: Call) -> dict[str, Any]:
    """Cancel every plain order of an instrument; conditional ones stay."""
    listing = call.symbol()
    try:
        call.exchange.cancel_all(call.owner, listing.symbol, conditional=False)
    except Refused as refused:
        raise of_refusal(refused) from None
    return dict(DONE)


def count_down(call: Call) -> dict[str, Any]:
    """Cancel every plain order of an instrument in a while, unless asked again."""
    listing, length = call.symbol(), call.parameters.required_whole("countdownTime")
    call.desk.count_down(call.owner.name, listing.symbol, length)
    return {"symbol": listing.symbol, "countdownTime": str(length)}


# ---------------------------------------------------------------- several at once
def place_batch(call: Call) -> list[dict[str, Any]]:
    """Place up to five orders; each is accepted or refused by itself."""
    return _each(call, lambda given: _place(call, given, send=True))


def amend_batch(call: Call) -> list[dict[str, Any]]:
    """Amend up to five orders."""
    return _each(call, lambda given: _amend(call, given))


def _each(call: Call, act: Callable[[Parameters], dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = _list(call.parameters.required("batchOrders"), "batchOrders")
    if not 1 <= len(wanted) <= MOST_PLACED:
        raise VenueError(-4082)
    answers = []
    for one in wanted:
        if not isinstance(one, dict):
            raise invalid("batchOrders")
        answers.append(_inline(act, Parameters(texts(one))))
    return answers


def batch_size(given: Parameters) -> int:
    """How many orders a batch counts for; one that can't be read counts once."""
    try:
        return max(len(_list(given.text("batchOrders"), "batchOrders")), 1)
    except VenueError:
        return 1


def cancel_batch(call: Call) -> list[dict[str, Any]]:
    """Cancel up to ten orders by their ids or by their client ids."""
    symbol = call.parameters.required("symbol")
    lower = {name.lower(): value for name, value in call.parameters.values.items()}
    for name, one in (("orderidlist", "orderId"), ("origclientorderidlist", "origClientOrderId")):
        if lower.get(name):
            wanted = _list(lower[name], name)
            if not 1 <= len(wanted) <= MOST_CANCELLED:
                raise VenueError(-4083, "Invalid number of batch cancel orders.")
            each = (Parameters({"symbol": symbol, one: str(value)}) for value in wanted)
            return [_inline(lambda given: _cancel(call, given), given) for given in each]
    raise missing("orderIdList")


def _inline(act: Callable[[Parameters], dict[str, Any]], given: Parameters) -> dict[str, Any]:
    try:
        return act(given)
    except VenueError as wrong:
        return wrong.body()


def _list(text: str, name: str) -> list[Any]:
    try:
        found = json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise invalid(name) from None
    if not isinstance(found, list):
        raise invalid(name)
    return found


def texts(values: dict[str, Any]) -> dict[str, str]:
    """Values of JSON as a form would have them."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }


# ---------------------------------------------------------------- questions
def _identity(given: Parameters, client: str = "origClientOrderId") -> tuple[int | None, str]:
    """(number or None, client id); number 0 where the id is none of this book."""
    identity, client_id = given.whole("orderId"), given.client_id(client)
    if identity is not None:
        return number_of(identity, conditional=False), ""
    if not client_id:
        raise VenueError(
            -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        )
    return None, client_id


def _found(call: Call, listing: Listing, given: Parameters) -> Order | None:
    number, client_id = _identity(given)
    if number == 0:
        return None
    return call.exchange.find(
        call.owner, listing.symbol, number=number, client_id=client_id, conditional=False
    )


def query(call: Call) -> dict[str, Any]:
    """One plain order, whatever became of it."""
    listing = call.symbol()
    order = _found(call, listing, call.parameters)
    if order is None or not entries.is_told(call, order):
        raise VenueError(-2013)
    return order_row(call.scale(listing), order)


def query_open(call: Call) -> dict[str, Any]:
    """One plain order that may still fill."""
    listing = call.symbol()
    order = _found(call, listing, call.parameters)
    if order is None or not order.status.is_open or not entries.is_told(call, order):
        raise VenueError(-2013)
    return order_row(call.scale(listing), order)


def _rows(call: Call, orders: Iterable[Order]) -> list[dict[str, Any]]:
    scales = {symbol: call.scale(listing) for symbol, listing in call.exchange.listings.items()}
    return [order_row(scales[one.symbol], one) for one in orders if entries.is_told(call, one)]


def open_orders(call: Call) -> list[dict[str, Any]]:
    """Plain orders that may still fill."""
    listing = call.symbol_or_none()
    symbol = listing.symbol if listing else None
    return _rows(call, call.exchange.open_orders(call.owner, symbol, conditional=False))


def all_orders(call: Call) -> list[dict[str, Any]]:
    """Plain orders of a time, or from an id on."""
    listing = call.symbol()
    limit, first = call.parameters.limit(500, 1000), call.parameters.whole("orderId")
    start, end = call.parameters.span(call.desk.rules.longest_query_ms)
    history = (o for o in call.exchange.order_history(call.owner, listing.symbol) if not o.new.conditional)
    if first is not None:
        wanted = [one for one in history if order_id(one.number) >= first][:limit]
    else:
        since, until = entries.window(call, start, end)
        told = [one for one in history if since <= one.created_ms <= until]
        wanted = told[-limit:] if start is None else told[:limit]
    return _rows(call, wanted)


def user_trades(call: Call) -> list[dict[str, Any]]:
    """Fills of an instrument."""
    listing = call.symbol()
    limit, first = call.parameters.limit(500, 1000), call.parameters.whole("fromId")
    start, end = call.parameters.span(call.desk.rules.longest_query_ms)
    order = call.parameters.whole("orderId")
    if first is not None and (start is not None or end is not None):
        raise VenueError(-1128)
    told_ms = call.now_ms - call.desk.rules.fills_lag_ms
    found = call.exchange.executions(call.owner, listing.symbol, until_ms=told_ms)
    if order is not None:
        number = number_of(order, conditional=False)
        found = [one for one in found if one.order == number]
    if first is not None:
        wanted = [one for one in found if one.number >= first][:limit]
    else:
        since, until = entries.window(call, start, end)
        told = [one for one in found if since <= one.ts_ms <= until]
        wanted = told[-limit:] if start is None else told[:limit]
    scale = call.scale(listing)
    return [trade_row(scale, one) for one in wanted]


def force_orders(call: Call) -> list[dict[str, Any]]:
    """The account's liquidations and deleveragings."""
    listing = call.symbol_or_none()
    limit, (start, end) = call.parameters.limit(50, 100), call.parameters.span()
    kinds = call.parameters.choice("autoCloseType", ("LIQUIDATION", "ADL", ""), "")
    causes = {"LIQUIDATION": ("liquidation",), "ADL": ("adl",), "": ("liquidation", "adl")}[kinds]
    history = call.exchange.order_history(call.owner, listing.symbol if listing else None)
    since, until = entries.window(call, start, end)
    forced = [o for o in history if o.cause.value in causes and since <= o.created_ms <= until]
    return _rows(call, forced[-limit:])
