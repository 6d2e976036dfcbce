"""What a client asks for, made into an order of the exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from mastertrading.domain.orders import BUY, SELL, OrderKind, TimeInForce, TriggerBy
from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.codes import Code, Wrong, parameter
from mastertrading.simulator.bybit.desk import Desk, leg_of
from mastertrading.simulator.bybit.parameters import Asked, only_linear
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Leg, NewOrder, Watch

SIDES: Final = {"Buy": BUY, "Sell": SELL}
TRIGGERS: Final = {
    "LastPrice": TriggerBy.LAST,
    "MarkPrice": TriggerBy.MARK,
    "IndexPrice": TriggerBy.INDEX,
}
_TIMES: Final = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.POST_ONLY,
}
_FILTERS: Final = ("Order", "StopOrder", "tpslOrder")
_TOO_SMALL: Final = "The number of contracts exceeds minimum limit allowed"
_TOO_LARGE: Final = "The number of contracts exceeds maximum limit allowed: too large"
_SCALE: Final = 10**8
_MARKET_BAND: Final = Decimal("0.01")
"""How far the venue's own limit on a market order is from the last price, in the replies that we have seen."""


def read_order(asked: Asked, account: Account, desk: Desk) -> NewOrder:
    """The order of a create request.

    Raises
    ------
    Wrong
        10001 and the like for a parameter; what depends on money and market is the exchange's to refuse.
    """
    only_linear(asked)
    listing = desk.listing(asked.needed("symbol"))
    side = SIDES[asked.one_of("side", tuple(SIDES)) or _invalid("Side invalid")]
    kind = (
        OrderKind.MARKET
        if (asked.one_of("orderType", ("Market", "Limit")) or _invalid("OrderType invalid")) == "Market"
        else OrderKind.LIMIT
    )
    leg = leg_of(asked.whole("positionIdx", 0, 2, 0), account)
    asked.one_of("orderFilter", _FILTERS)
    reduces = asked.flag("reduceOnly") or asked.flag("closeOnTrigger")
    lots = _lots(asked, listing, kind, _held(account, listing, leg) if reduces else None)
    limit = _limit(asked, listing) if kind is OrderKind.LIMIT else 0
    watch = _watch(asked, listing)
    stop, target = ticks(asked, "stopLoss", listing), ticks(asked, "takeProfit", listing)
    _check_protection(asked, desk, listing, side, limit, stop, target)
    return NewOrder(
        symbol=listing.symbol,
        order_side=side,
        kind=kind,
        lots=lots,
        limit_ticks=limit,
        watch=watch,
        time_in_force=_time_in_force(asked, kind),
        reduce_only=reduces,
        leg=leg,
        client_id=asked.link_id(desk.rules.client_id_length),
        stop_ticks=stop,
        target_ticks=target,
        stop_by=trigger_by(asked, "slTriggerBy"),
        target_by=trigger_by(asked, "tpTriggerBy"),
        echo=_echo(asked, desk, listing, side, kind),
    )


def ticks(asked: Asked, name: str, listing: Listing, wrong: str = "Price invalid") -> int:
    """A price in ticks; 0 where it is not given or nought."""
    value = asked.number(name)
    if not value:
        return 0
    found = listing.ticks_of(value)
    if found is None or found > 10**12:
        raise parameter(wrong)
    return found


def trigger_by(asked: Asked, name: str) -> TriggerBy:
    """Which price a trigger watches; the last one unless told."""
    return TRIGGERS[asked.one_of(name, tuple(TRIGGERS), default="LastPrice")]


def amended_lots(asked: Asked, listing: Listing) -> int | None:
    """A new size; None to leave it."""
    value = asked.number("qty")
    if not value:
        return None
    found = listing.lots_of(value)
    if found is None:
        raise parameter("Qty invalid")
    return found


def _invalid(text: str) -> str:
    raise parameter(text)


def _held(account: Account, listing: Listing, leg: Leg) -> int:
    position = account.legs.get((listing.symbol, leg))
    return abs(position.lots) if position else 0


def _lots(asked: Asked, listing: Listing, kind: OrderKind, held: int | None) -> int:
    """Size in lots. Nought with reduceOnly and closeOnTrigger means the whole position, up to the largest order."""
    value = asked.number("qty")
    if value is None:
        raise parameter("Qty invalid")
    largest = listing.max_market_lots if kind is OrderKind.MARKET else listing.max_lots
    if value == 0:
        if held is None or not (asked.flag("reduceOnly") and asked.flag("closeOnTrigger")):
            raise parameter(_TOO_SMALL)
        if not held:
            raise Wrong(Code.REDUCE_ONLY)
        return min(held, largest)
    lots = listing.lots_of(value)
    if lots is None:
        raise parameter("Qty invalid")
    if lots < listing.instrument.min_lots:
        raise parameter(_TOO_SMALL)
    if lots > largest and held is None:
        most = int(listing.qty(largest) * _SCALE)
        raise parameter(f"{_TOO_LARGE}, order_qty:{int(value * _SCALE)} > max_qty:{most}")
    return min(lots, largest) if held is not None else lots


def _limit(asked: Asked, listing: Listing) -> int:
    found = ticks(asked, "price", listing)
    if not found:
        raise parameter("Price invalid")
    return found


def _watch(asked: Asked, listing: Listing) -> Watch | None:
    trigger = ticks(asked, "triggerPrice", listing, "TriggerPrice invalid")
    if not trigger:
        return None
    direction = asked.whole("triggerDirection", 0, 2, 0)
    if not direction:
        raise parameter("TriggerDirection invalid")
    return Watch(trigger, direction == 1, trigger_by(asked, "triggerBy"))


def _time_in_force(asked: Asked, kind: OrderKind) -> TimeInForce:
    """Market orders are always IOC, whatever was asked for."""
    found = asked.text("timeInForce", "GTC")
    if kind is OrderKind.MARKET:
        return TimeInForce.IOC
    if found not in _TIMES:
        raise parameter("params error: timeInForce invalid")
    return _TIMES[found]


def _check_protection(
    asked: Asked, desk: Desk, listing: Listing, side: int, limit: int, stop: int, target: int
) -> None:
    """A stop must lie on the losing side of the entry, a target on the winning one."""
    mode = asked.one_of("tpslMode", ("Full", "Partial"))
    kinds = [
        asked.one_of(name, ("Market", "Limit"), default="Market") for name in ("tpOrderType", "slOrderType")
    ]
    if not stop and not target:
        return
    if asked.flag("reduceOnly"):
        raise parameter("TP/SL cannot be set together with reduceOnly")
    if "Limit" in kinds:
        raise parameter(
            "tpslMode=Full only supports Market" if mode != "Partial" else "limit TP/SL is not served here"
        )
    base = limit or desk.market(listing.symbol).last_ticks
    check_sides(listing, side, base, stop, target)


def check_sides(listing: Listing, side: int, base: int, stop: int, target: int) -> None:
    """Refuse a stop or a target on the wrong side of a price, in the venue's words."""
    name, lower, higher = ("Buy", "lower", "higher") if side > 0 else ("Sell", "higher", "lower")
    if stop and side * (base - stop) <= 0:
        raise parameter(
            f"StopLoss:{_scaled(listing, stop)} set for {name} position should be {lower} than "
            f"base_price:{_scaled(listing, base)}??LastPrice"
        )
    if target and side * (target - base) <= 0:
        raise parameter(
            f"TakeProfit:{_scaled(listing, target)} set for {name} position should be {higher} than "
            f"base_price:{_scaled(listing, base)}??LastPrice"
        )


def _scaled(listing: Listing, px: int) -> int:
    return int(listing.px(px) * 10_000)


def _echo(asked: Asked, desk: Desk, listing: Listing, side: int, kind: OrderKind) -> dict[str, Any]:
    grid, last = desk.grid(listing.symbol), desk.market(listing.symbol).last_ticks
    echo: dict[str, Any] = {
        "lastPriceOnCreated": grid.some_px(last),
        "closeOnTrigger": asked.flag("closeOnTrigger"),
    }
    mode = asked.text("tpslMode")
    if mode:
        echo["tpslMode"] = mode
    if kind is OrderKind.MARKET and last and "triggerPrice" not in asked:
        echo["protectedPrice"] = grid.px(last + side * int(last * _MARKET_BAND))
    return echo
