"""What plain and conditional orders have in common: reading a new order's fields against its instrument's filters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from mastertrading.domain.orders import TimeInForce
from mastertrading.simulator.binance.codes import VenueError, of_refusal, unwanted
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.rendering import (
    LEG,
    POSITION_SIDE,
    SIDE,
    TIME_IN_FORCE,
    TYPE,
    Scale,
    plain,
)
from mastertrading.simulator.exchange import Account
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Leg, NewOrder, No, Order, Refused

SIDES: Final = {"BUY": 1, "SELL": -1}
WORKING: Final = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.POST_ONLY,
    "GTD": TimeInForce.GTC,
}
SELF_TRADE: Final = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "NONE")
SOONEST_GTD_MS: Final = 600_000
LATEST_GTD_MS: Final = 253_402_300_799_000
HIGHEST_TICKS: Final = 10**9


def side(given: Parameters) -> int:
    """+1 to buy, -1 to sell."""
    found = SIDES.get(given.required("side"))
    if found is None:
        raise VenueError(-1117)
    return found


def refuse_unwanted(given: Parameters, names: tuple[str, ...]) -> None:
    """Refuse parameters that this type of order doesn't have (-1106)."""
    for name in names:
        if given.has(name):
            raise unwanted(name)


def leg_and_reduce_only(account: Account, given: Parameters) -> tuple[Leg, bool]:
    """Which position an order is for, and whether it may only reduce it.

    In hedge mode the position side must be named (-4061), and reduceOnly must not be sent (-1106): the order's side
    says it.
    """
    name = given.text("positionSide") or "BOTH"
    if name not in LEG:
        raise VenueError(-4060)
    leg, reduce_only = LEG[name], bool(given.flag("reduceOnly"))
    if (leg is Leg.NET) is account.hedged:
        raise VenueError(-4061)
    if account.hedged and given.has("reduceOnly"):
        raise unwanted("reduceOnly")
    return leg, reduce_only


def _places(value: Decimal) -> int:
    return max(-int(value.normalize().as_tuple().exponent), 0)


def lots(listing: Listing, quantity: Decimal, *, market: bool) -> int:
    """A quantity in lots, within LOT_SIZE or MARKET_LOT_SIZE."""
    if quantity <= 0:
        raise VenueError(-4003)
    step = listing.instrument.lot * listing.instrument.multiplier
    most = listing.max_market_lots if market else listing.max_lots
    if quantity > most * step:
        raise VenueError(-4005)
    if _places(quantity) > _places(step):
        raise VenueError(-1111)
    count = listing.lots_of(quantity / listing.instrument.multiplier)
    if count is None:
        raise VenueError(-4023)
    if count < listing.instrument.min_lots:
        raise VenueError(-4004)
    return count


def ticks(listing: Listing, price: Decimal) -> int:
    """A price in ticks, within PRICE_FILTER."""
    tick = listing.instrument.tick
    if price <= 0:
        raise VenueError(-4001)
    if price > HIGHEST_TICKS * tick:
        raise VenueError(-4002)
    if _places(price) > max(-int(tick.as_tuple().exponent), 0):
        raise VenueError(-1111)
    count = listing.ticks_of(price)
    if count is None:
        raise VenueError(-4014)
    return count


def limit_ticks(call: Call, listing: Listing, price: Decimal, order_side: int) -> int:
    """A limit price in ticks, within PERCENT_PRICE of the mark: buyers have a cap, sellers a floor."""
    count, mark = ticks(listing, price), listing.px(call.market(listing).mark_ticks)
    cap, floor = mark * (1 + listing.band), mark * (1 - listing.band)
    if mark and order_side > 0 and price > cap:
        raise VenueError(-4016, f"Limit price can't be higher than {_bound(call, listing, cap)}.")
    if mark and order_side < 0 and price < floor:
        raise VenueError(-4024, f"Limit price can't be lower than {_bound(call, listing, floor)}.")
    return count


def _bound(call: Call, listing: Listing, price: Decimal) -> str:
    return call.scale(listing).px(int(price / listing.instrument.tick))


def time_in_force(given: Parameters, echo: dict[str, Any], now_ms: int) -> TimeInForce:
    """How long a limit order works; ``echo`` keeps the venue's word."""
    name = given.required("timeInForce")
    if name not in WORKING:
        raise VenueError(-1115)
    echo["timeInForce"] = name
    if name == "GTD":
        until = given.required_whole("goodTillDate")
        if not now_ms + SOONEST_GTD_MS < until < LATEST_GTD_MS:
            raise VenueError(-5040)
        echo["goodTillDate"] = until - until % 1_000
    return WORKING[name]


def echo(call: Call, given: Parameters) -> dict[str, Any]:
    """The client's words that the exchange has no use for."""
    given.choice("priceMatch", ("NONE",), "NONE", -5037)
    return {
        "selfTradePreventionMode": given.choice("selfTradePreventionMode", SELF_TRADE, "EXPIRE_MAKER", -5039)
    }


def refusal(call: Call, listing: Listing, new: NewOrder, refused: Refused) -> VenueError:
    """The venue's words where the exchange refused a new order."""
    if refused.reason is No.MIN_NOTIONAL:
        least = plain(listing.instrument.min_notional)
        return VenueError(
            -4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only)."
        )
    if refused.reason is No.PRICE_BAND and new.conditional:
        return VenueError(-4183 if new.order_side > 0 else -4184)
    if refused.reason is No.PRICE_BAND:
        return VenueError(-4131 if not new.limit_ticks else -4016 if new.order_side > 0 else -4024)
    if refused.reason is No.DUPLICATE_ID and new.conditional:
        code = call.desk.rules.algo_duplicate_code
        return VenueError(code, "ClientAlgoId is duplicated.")
    return of_refusal(refused)


def is_told(call: Call, order: Order) -> bool:
    """Whether a query finds the order: not before the read lag, and not after the venue has forgotten it."""
    rules, age = call.desk.rules, call.now_ms - order.created_ms
    if age < rules.read_lag_ms:
        return False
    if order.status.is_open:
        return True
    return age <= (rules.orders_kept_ms if order.filled else rules.unfilled_kept_ms)


def window(call: Call, start: int | None, end: int | None) -> tuple[int, int]:
    """The time that a query of history means: seven days up to now, or from a start on."""
    longest = call.desk.rules.longest_query_ms
    if start is None:
        until = call.now_ms if end is None else end
        return until - longest, until
    return start, (start + longest if end is None else end)


def unsent_row(scale: Scale, new: NewOrder, now_ms: int) -> dict[str, Any]:
    """The answer to a test order."""
    return {
        "orderId": 0,
        "symbol": new.symbol,
        "status": "NEW",
        "clientOrderId": new.client_id,
        "price": scale.px(new.limit_ticks),
        "avgPrice": scale.average(0, 0),
        "origQty": scale.qty(new.lots),
        "executedQty": scale.qty(0),
        "cumQty": scale.qty(0),
        "cumQuote": scale.quote(0),
        "timeInForce": new.echo.get("timeInForce") or TIME_IN_FORCE[new.time_in_force],
        "type": TYPE[new.kind],
        "reduceOnly": new.reduce_only,
        "closePosition": False,
        "side": SIDE[new.order_side],
        "positionSide": POSITION_SIDE[new.leg],
        "stopPrice": scale.px(0),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": TYPE[new.kind],
        "priceMatch": "NONE",
        "selfTradePreventionMode": new.echo["selfTradePreventionMode"],
        "goodTillDate": new.echo.get("goodTillDate", 0),
        "updateTime": now_ms,
    }
