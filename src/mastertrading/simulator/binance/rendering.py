"""Ticks, lots and atoms as the venue writes them: decimal strings with the trailing zeros of their precision."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from mastertrading.domain.orders import OrderKind, OrderStatus, TimeInForce
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Cause, Ended, Execution, Leg, Liquidity, Order

ORDER_BASE: Final = 10_000_000_000
"""Numbers of plain orders begin here, and those of conditional ones far above: an id fits one book only."""
ALGO_BASE: Final = 1_000_000_000_000_000
MONEY_PLACES: Final = 8
AVERAGE_PLACES: Final = 5

STATUS: Final = {
    OrderStatus.UNTRIGGERED: "NEW",
    OrderStatus.WORKING: "NEW",
    OrderStatus.PARTIAL: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.REJECTED: "REJECTED",
    OrderStatus.UNKNOWN: "NEW",
}
FORCED: Final = (Cause.LIQUIDATION, Cause.ADL, Cause.DELIVERY)
"""Why the venue itself places an order."""
SIDE: Final = {1: "BUY", -1: "SELL"}
EXPIRED_BY_VENUE: Final = (Ended.REDUCE_ONLY, Ended.BY_VENUE)
POSITION_SIDE: Final = {Leg.NET: "BOTH", Leg.LONG: "LONG", Leg.SHORT: "SHORT"}
LEG: Final = {name: leg for leg, name in POSITION_SIDE.items()}
TIME_IN_FORCE: Final = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "GTX",
}
TYPE: Final = {OrderKind.MARKET: "MARKET", OrderKind.LIMIT: "LIMIT"}


def fixed(units: int, places: int) -> str:
    """A whole number of 1/10^places as text: ``fixed(-1050, 2)`` is ``-10.50``."""
    if places <= 0:
        return str(units)
    if units < 0:
        return "-" + fixed(-units, places)
    digits = str(units)
    if len(digits) <= places:
        digits = digits.zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}"


def money(atoms: int) -> str:
    """Atoms in quote units, eight places."""
    return fixed(atoms, MONEY_PLACES)


def plain(value: Decimal) -> str:
    """A decimal without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rate(units_e8: int) -> str:
    """A rate of 1e-8 with eight places."""
    return fixed(units_e8, MONEY_PLACES)


@dataclass(frozen=True, slots=True)
class Scale:
    """How one instrument's prices, quantities and their products are written."""

    tick: int
    price_places: int
    lot: int
    qty_places: int
    atoms: int

    @classmethod
    def of(cls, listing: Listing) -> Scale:
        """The listing's scale as it is now."""
        tick, price_places = _step(listing.instrument.tick)
        lot, qty_places = _step(listing.instrument.lot * listing.instrument.multiplier)
        return cls(tick, price_places, lot, qty_places, listing.atoms)

    def px(self, ticks: int) -> str:
        """A price."""
        return fixed(ticks * self.tick, self.price_places)

    def qty(self, lots: int) -> str:
        """A quantity."""
        return fixed(lots * self.lot, self.qty_places)

    def quote(self, tick_lots: int) -> str:
        """Price times quantity, with the places of both."""
        return fixed(tick_lots * self.tick * self.lot, self.price_places + self.qty_places)

    def average(self, tick_lots: int, lots: int, least: int = AVERAGE_PLACES) -> str:
        """An average price, rounded half up."""
        places = max(self.price_places, least)
        if not lots:
            return fixed(0, places)
        units = tick_lots * self.tick * 10 ** (places - self.price_places)
        return fixed((2 * units + lots) // (2 * lots), places)

    def precise(self, ticks: int) -> str:
        """A mark or index price, eight places."""
        return fixed(ticks * self.tick * 10 ** (MONEY_PLACES - self.price_places), MONEY_PLACES)

    def notional(self, ticks: int, lots: int) -> str:
        """The value of so many lots, signed, eight places."""
        return money(ticks * lots * self.atoms)


def _step(step: Decimal) -> tuple[int, int]:
    places = max(-int(step.as_tuple().exponent), 0)
    return int(step.scaleb(places)), places


def status_of(order: Order) -> str:
    """The venue's word for where an order is; what the venue itself ended has expired."""
    if order.status is OrderStatus.CANCELLED and order.ended in EXPIRED_BY_VENUE:
        return "EXPIRED"
    return STATUS[order.status]


def client_id_of(order: Order) -> str:
    """The order's client id; the venue's own orders are named by what they are."""
    if order.client_id:
        return order.client_id
    if order.cause is Cause.LIQUIDATION:
        return f"autoclose-{order.created_ms}{order.number}"
    if order.cause is Cause.ADL:
        return "adl_autoclose"
    if order.cause is Cause.DELIVERY:
        return f"settlement_autoclose-{order.created_ms}"
    return f"web_{order.number:016x}"


def order_id(number: int) -> int:
    """The venue's id of a plain order."""
    return ORDER_BASE + number


def algo_id(number: int) -> int:
    """The venue's id of a conditional order."""
    return ALGO_BASE + number


def number_of(identity: int, conditional: bool) -> int:
    """The exchange's number behind an id; 0 (no order's) if it is of the other book."""
    number = identity - (ALGO_BASE if conditional else ORDER_BASE)
    return number if 0 < number < ALGO_BASE - ORDER_BASE else 0


def time_in_force_of(order: Order) -> str:
    """As the client wrote it, else as the exchange has it; the venue's own orders take what there is at once."""
    if order.cause in FORCED:
        return "IOC"
    return str(order.new.echo.get("timeInForce") or TIME_IN_FORCE[order.new.time_in_force])


def type_of(order: Order) -> str:
    """Type of a plain order; the venue's own are limits."""
    return "LIMIT" if order.cause in FORCED else TYPE[order.new.kind]


def price_of(scale: Scale, order: Order) -> str:
    """An order's limit; of the venue's own orders, what they filled at."""
    if order.cause in FORCED:
        return scale.average(order.spent, order.filled, scale.price_places)
    return scale.px(order.limit_ticks)


def order_row(scale: Scale, order: Order) -> dict[str, Any]:
    """A plain order as queries tell it; ``placed_row`` is what commands answer."""
    new, echo = order.new, order.new.echo
    kind = type_of(order)
    filled = scale.qty(order.filled)
    return {
        "orderId": order_id(order.number),
        "symbol": order.symbol,
        "status": status_of(order),
        "clientOrderId": client_id_of(order),
        "price": price_of(scale, order),
        "avgPrice": scale.average(order.spent, order.filled),
        "origQty": scale.qty(order.lots),
        "executedQty": filled,
        "cumQuote": scale.quote(order.spent),
        "timeInForce": time_in_force_of(order),
        "type": kind,
        "reduceOnly": new.reduce_only or new.close_position,
        "closePosition": new.close_position,
        "side": SIDE[new.order_side],
        "positionSide": POSITION_SIDE[new.leg],
        "stopPrice": scale.px(0),
        "workingType": echo.get("workingType", "CONTRACT_PRICE"),
        "priceProtect": echo.get("priceProtect", False),
        "origType": kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": echo.get("selfTradePreventionMode", "EXPIRE_MAKER"),
        "goodTillDate": echo.get("goodTillDate", 0),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def placed_row(scale: Scale, order: Order) -> dict[str, Any]:
    """A plain order as the answer to a command tells it."""
    row = order_row(scale, order)
    del row["time"]
    row["cumQty"] = row["executedQty"]
    return row


def cancelled_row(scale: Scale, order: Order) -> dict[str, Any]:
    """A plain order as the answer to its cancellation tells it."""
    row = placed_row(scale, order)
    del row["avgPrice"]
    return row


def amended_row(scale: Scale, order: Order) -> dict[str, Any]:
    """A plain order as the answer to an amendment tells it."""
    row = placed_row(scale, order)
    row["pair"] = order.symbol
    row["cumBase"] = row["cumQty"]
    return row


def trade_row(scale: Scale, execution: Execution) -> dict[str, Any]:
    """One fill of an account."""
    lots = abs(execution.lots)
    return {
        "symbol": execution.symbol,
        "id": execution.number,
        "orderId": order_id(execution.order),
        "side": SIDE[execution.order_side],
        "price": scale.px(execution.px_ticks),
        "qty": scale.qty(lots),
        "realizedPnl": money(execution.realised_atoms),
        "quoteQty": scale.quote(execution.px_ticks * lots),
        "commission": money(execution.fee_atoms),
        "commissionAsset": "USDT",
        "time": execution.ts_ms,
        "positionSide": POSITION_SIDE[execution.leg],
        "maker": execution.liquidity is Liquidity.MAKER,
        "buyer": execution.order_side > 0,
    }
