"""Conditional orders, which live on endpoints and under ids of their own until they trigger."""

from __future__ import annotations

from typing import Any, Final

from mastertrading.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy
from mastertrading.simulator.binance import entries
from mastertrading.simulator.binance.codes import VenueError, invalid, of_refusal, unwanted
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.rendering import (
    POSITION_SIDE,
    SIDE,
    TYPE,
    Scale,
    algo_id,
    client_id_of,
    number_of,
    order_id,
    status_of,
    time_in_force_of,
)
from mastertrading.simulator.binance.trade import DONE
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Ended, NewOrder, No, Order, Refused, Watch

TYPES: Final = {
    "STOP": (OrderKind.LIMIT, 1),
    "STOP_MARKET": (OrderKind.MARKET, 1),
    "TAKE_PROFIT": (OrderKind.LIMIT, -1),
    "TAKE_PROFIT_MARKET": (OrderKind.MARKET, -1),
}
"""Kind after the trigger; +1: a buyer's triggers when the price rises."""
WORKING_TYPES: Final = {"CONTRACT_PRICE": TriggerBy.LAST, "MARK_PRICE": TriggerBy.MARK}


# ---------------------------------------------------------------- placing
def place(call: Call) -> dict[str, Any]:
    """Place a conditional order."""
    given, listing = call.parameters, call.symbol()
    if given.required("algoType") != "CONDITIONAL":
        raise invalid("algoType")
    new = _new_order(call, listing, given)
    given.choice("newOrderRespType", ("ACK", "RESULT"), "ACK", -1136)
    if new.close_position:
        _refuse_second(call, new)
    try:
        order = call.exchange.place(call.owner, new)
    except Refused as refused:
        raise entries.refusal(call, listing, new, refused) from None
    return row(call.scale(listing), order)


def _new_order(call: Call, listing: Listing, given: Parameters) -> NewOrder:
    side, name = entries.side(given), given.required("type")
    if name not in TYPES:
        raise VenueError(-1116)
    kind, rises = TYPES[name]
    leg, reduce_only = entries.leg_and_reduce_only(call.owner, given)
    closes = bool(given.flag("closePosition"))
    by = given.choice("workingType", WORKING_TYPES, "CONTRACT_PRICE", -4031)
    echo = {**entries.echo(call, given), "type": name, "workingType": by}
    echo["priceProtect"] = bool(given.flag("priceProtect"))
    limit_ticks, working = 0, TimeInForce.GTC
    if kind is OrderKind.LIMIT:
        limit_ticks = entries.ticks(listing, given.required_decimal("price"))
        if given.has("timeInForce"):
            working = entries.time_in_force(given, echo, call.now_ms)
    else:
        entries.refuse_unwanted(given, ("price",))
    return NewOrder(
        symbol=listing.symbol,
        order_side=side,
        kind=kind,
        lots=_lots(listing, given, kind, closes, reduce_only),
        limit_ticks=limit_ticks,
        watch=Watch(_trigger(listing, given), above=side * rises > 0, by=WORKING_TYPES[by]),
        time_in_force=working,
        reduce_only=reduce_only,
        close_position=closes,
        leg=leg,
        client_id=given.client_id("clientAlgoId") or call.desk.name("algo")[:22],
        conditional=True,
        echo=echo,
    )


def _trigger(listing: Listing, given: Parameters) -> int:
    price = given.required_decimal("triggerPrice")
    if price <= 0:
        raise VenueError(-4006)
    return entries.ticks(listing, price)


def _lots(listing: Listing, given: Parameters, kind: OrderKind, closes: bool, reduce_only: bool) -> int:
    if not closes:
        return entries.lots(listing, given.required_decimal("quantity"), market=kind is OrderKind.MARKET)
    if kind is not OrderKind.MARKET:
        raise VenueError(
            -4136, f"Target strategy invalid for orderType {given.text('type')},closePosition true"
        )
    if given.has("quantity"):
        raise VenueError(-4137)
    if reduce_only or given.has("reduceOnly"):
        raise unwanted("reduceOnly")
    return 0


def _refuse_second(call: Call, new: NewOrder) -> None:
    """Refuse a second close-position order of its type in its direction (-4130), where the venue does."""
    if call.desk.rules.second_close_position != "refuse":
        return
    for other in call.exchange.open_orders(call.owner, new.symbol, conditional=True):
        same = other.new.order_side == new.order_side and other.new.leg is new.leg
        if same and other.new.close_position and other.new.echo.get("type") == new.echo["type"]:
            raise VenueError(-4130)


# ---------------------------------------------------------------- cancelling and asking
def _identity(given: Parameters) -> tuple[int | None, str]:
    identity, client_id = given.whole("algoId"), given.client_id("clientAlgoId")
    if identity is not None:
        return number_of(identity, conditional=True), ""
    if not client_id:
        raise VenueError(-1102, "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!")
    return None, client_id


def _found(call: Call) -> Order | None:
    """The conditional order that the request names; it need not name the instrument."""
    number, client_id = _identity(call.parameters)
    if number == 0:
        return None
    for listing in call.listings():
        order = call.exchange.find(
            call.owner, listing.symbol, number=number, client_id=client_id, conditional=True
        )
        if order is not None:
            return order
    return None


def cancel(call: Call) -> dict[str, Any]:
    """Cancel a conditional order."""
    order = _found(call)
    if order is None:
        raise VenueError(-2011)
    try:
        call.exchange.cancel(call.owner, order.symbol, number=order.number, conditional=True)
    except Refused as refused:
        raise of_refusal(refused, {No.ORDER_NOT_FOUND: -2011}) from None
    return {
        "algoId": algo_id(order.number),
        "clientAlgoId": client_id_of(order),
        "code": "200",
        "msg": "success",
    }


def cancel_all(call: Call) -> dict[str, Any]:
    """Cancel every conditional order of an instrument."""
    listing = call.symbol()
    try:
        call.exchange.cancel_all(call.owner, listing.symbol, conditional=True)
    except Refused as refused:
        raise of_refusal(refused) from None
    return dict(DONE)


def query(call: Call) -> dict[str, Any]:
    """One conditional order, whatever became of it."""
    order = _found(call)
    if order is None or not entries.is_told(call, order):
        raise VenueError(-2013)
    return _told(call, order)


def open_orders(call: Call) -> list[dict[str, Any]]:
    """Conditional orders that wait."""
    listing = call.symbol_or_none()
    if call.parameters.has("algoType"):
        call.parameters.choice("algoType", ("CONDITIONAL",), "")
    found = call.exchange.open_orders(call.owner, listing.symbol if listing else None, conditional=True)
    wanted = call.parameters.whole("algoId")
    return [
        _told(call, one)
        for one in found
        if entries.is_told(call, one) and (wanted is None or algo_id(one.number) == wanted)
    ]


def all_orders(call: Call) -> list[dict[str, Any]]:
    """Conditional orders of a time, or from an id on."""
    listing = call.symbol()
    limit, first = call.parameters.limit(500, 1000), call.parameters.whole("algoId")
    start, end = call.parameters.span(call.desk.rules.longest_query_ms)
    page = call.parameters.whole("page") or 0
    history = [o for o in call.exchange.order_history(call.owner, listing.symbol) if o.new.conditional]
    if first is not None:
        wanted = [one for one in history if algo_id(one.number) >= first]
    else:
        since, until = entries.window(call, start, end)
        wanted = [one for one in history if since <= one.created_ms <= until]
    chosen = wanted[page * limit : (page + 1) * limit]
    return [_told(call, one) for one in chosen if entries.is_told(call, one)]


def _told(call: Call, order: Order) -> dict[str, Any]:
    scale = call.scale(call.desk.listing(order.symbol))
    child = child_of(call.exchange, order)
    return {**row(scale, order), **actual(scale, child), "algoStatus": status(order, child)}


# ---------------------------------------------------------------- rendering
def child_of(exchange: Exchange, order: Order) -> Order | None:
    """What a triggered order became."""
    if order.child is None:
        return None
    return exchange.accounts[order.account].orders.get(order.child)


def status(order: Order, child: Order | None) -> str:
    """The venue's word for where a conditional order is: what it became decides once it has triggered."""
    if child is not None:
        return "TRIGGERED" if child.status.is_open else "FINISHED"
    if order.status is OrderStatus.UNTRIGGERED:
        return "NEW"
    if order.status is OrderStatus.CANCELLED:
        return status_of(order)
    if order.status is OrderStatus.REJECTED or order.ended is Ended.INSUFFICIENT_MARGIN:
        return "REJECTED"
    return "EXPIRED" if order.status is OrderStatus.EXPIRED else "FINISHED"


def row(scale: Scale, order: Order) -> dict[str, Any]:
    """A conditional order as the answer to a command tells it."""
    new, watch = order.new, order.watch or order.new.watch
    return {
        "algoId": algo_id(order.number),
        "clientAlgoId": client_id_of(order),
        "algoType": "CONDITIONAL",
        "orderType": type_of(order),
        "symbol": order.symbol,
        "side": SIDE[new.order_side],
        "positionSide": POSITION_SIDE[new.leg],
        "timeInForce": time_in_force_of(order),
        "quantity": scale.qty(order.lots if not new.close_position else 0),
        "algoStatus": status(order, None),
        "triggerPrice": scale.px(watch.ticks if watch else 0),
        "price": scale.px(order.limit_ticks),
        "icebergQuantity": None,
        "selfTradePreventionMode": new.echo.get("selfTradePreventionMode", "EXPIRE_MAKER"),
        "workingType": new.echo.get("workingType", "CONTRACT_PRICE"),
        "priceMatch": "NONE",
        "closePosition": new.close_position,
        "priceProtect": new.echo.get("priceProtect", False),
        "reduceOnly": new.reduce_only or new.close_position,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": new.echo.get("goodTillDate", 0),
    }


def actual(scale: Scale, child: Order | None) -> dict[str, Any]:
    """What queries add: the order that it became."""
    filled = child.filled if child else 0
    return {
        "actualOrderId": str(order_id(child.number)) if child else "",
        "actualPrice": scale.average(child.spent if child else 0, filled),
        "actualQty": scale.qty(filled),
        "actualType": TYPE[child.new.kind] if child else "",
        "tpTriggerPrice": scale.px(0),
        "tpPrice": scale.px(0),
        "slTriggerPrice": scale.px(0),
        "slPrice": scale.px(0),
        "tpOrderType": "",
    }


def type_of(order: Order) -> str:
    """As it was placed; scripts of the exchange place them without the venue's word."""
    name = order.new.echo.get("type")
    if name:
        return str(name)
    watch = order.new.watch
    rises = watch is None or watch.above
    stop = "STOP" if rises == (order.new.order_side > 0) else "TAKE_PROFIT"
    return stop if order.new.kind is OrderKind.LIMIT else f"{stop}_MARKET"
