"""Binance USDⓈ-M: its codes, and its words as ours.

Codes and meanings are those of its error-code page for USDⓈ-M futures. Not on the list of refusals, on purpose: -1000,
-1001, -1006, -1007, -1008 and every 5xx (it may have happened), -2010 (serves for too many things), -4117 (the stop is
becoming an order this very moment).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from mastertrading.domain.commands import Refusal
from mastertrading.domain.feed import Bar, Funding, Quote
from mastertrading.domain.orders import (
    BUY,
    SELL,
    Fill,
    MarginMode,
    Order,
    OrderKind,
    OrderStatus,
    Position,
    TimeInForce,
    Trigger,
    TriggerBy,
)
from mastertrading.exchange.decode import Row, listed
from mastertrading.exchange.outcome import Codes

Symbols = Callable[[str], str]
"""The venue's name of an instrument → ours."""

_REFUSALS: Mapping[Refusal, tuple[int, ...]] = {
    Refusal.INSUFFICIENT_MARGIN: (-2018, -2019, -2028, -4051),
    Refusal.REDUCE_ONLY: (-2022, -2024, -4118),
    Refusal.WOULD_TRIGGER: (-2021, -4142),
    Refusal.WOULD_TAKE: (-5022,),
    Refusal.NO_LIQUIDITY: (-5021,),
    Refusal.PRECISION: (-1111, -4014, -4023, -4029, -4030),
    Refusal.MIN_SIZE: (-4003, -4004, -4164),
    Refusal.MAX_SIZE: (-2027, -4005),
    Refusal.PRICE_BAND: (-4001, -4002, -4006, -4007, -4013, -4016, -4024, -4131, -4183, -4184, -4210, -4211),
    Refusal.TOO_MANY_ORDERS: (-2025, -4045, -4130),
    Refusal.NO_SUCH_ORDER: (-2011, -2013),
    Refusal.NO_SUCH_INSTRUMENT: (-1121, -4144),
    Refusal.NOT_TRADING: (-2023, -4108, -4140, -4141),
    Refusal.POSITION_MODE: (-4060, -4061, -4062, -4067, -4068),
    Refusal.NO_CHANGE: (-4046, -4059, -5027),
    Refusal.AUTHENTICATION: (-1002, -1022, -2014, -2015, -2017),
    Refusal.PERMISSION: (
        -1005,
        -1011,
        -1109,
        -4087,
        -4088,
        -4192,
        -4202,
        -4203,
        -4205,
        -4206,
        -4400,
        -4401,
        -4402,
    ),
    Refusal.CLOCK: (-1021, -5028),
    Refusal.RATE_LIMIT: (-1003, -1015),
    Refusal.BAD_REQUEST: (
        *(-1013, -1014, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1110),
        *(-1114, -1115, -1116, -1117, -1118, -1119, -1120, -1125, -1127, -1128, -1130, -1136, -2026),
        *(-4015, -4028, -4031, -4047, -4048, -4120, -4136, -4137, -4165),
    ),
}


def code_of(parsed: Any) -> str:
    """The code of a reply that is an error; empty for anything else (``200`` is Binance's word for success)."""
    if not isinstance(parsed, Mapping) or "code" not in parsed:
        return ""
    code = str(parsed["code"])
    return "" if code in ("0", "200") else code


CODES = Codes(
    refusals={str(code): word for word, codes in _REFUSALS.items() for code in codes},
    duplicates=frozenset({"-4116", "-4111", "-4115"}),
    no_change=frozenset({"-4046", "-4059"}),
    not_found=frozenset({"-2013"}),
    code_of=code_of,
    believed=lambda status: 400 <= status < 500 and status != 408,
)

SIDES = {"BUY": BUY, "SELL": SELL}
STATUSES = {
    "NEW": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}
ALGO_STATUSES = {
    "NEW": OrderStatus.UNTRIGGERED,
    "TRIGGERING": OrderStatus.UNTRIGGERED,
    "TRIGGERED": OrderStatus.WORKING,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}
TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.POST_ONLY,
    "GTD": TimeInForce.GTC,
    "GTE_GTC": TimeInForce.GTC,
}
WATCHED = {"CONTRACT_PRICE": TriggerBy.LAST, "MARK_PRICE": TriggerBy.MARK}
LEGS = {"BOTH": "net", "LONG": "long", "SHORT": "short"}
MARGINS = {
    "cross": MarginMode.CROSS,
    "CROSSED": MarginMode.CROSS,
    "isolated": MarginMode.ISOLATED,
    "ISOLATED": MarginMode.ISOLATED,
}
STOPS = ("STOP", "STOP_MARKET")


def cause_of(client_id: str) -> str:
    """Whose order it is, by the ids that the venue gives its own."""
    named = {"adl_autoclose": "adl", "autoclose-": "liquidation", "settlement_autoclose-": "settlement"}
    return next((cause for begin, cause in named.items() if client_id.startswith(begin)), "trade")


def order_of(row: Row, symbols: Symbols) -> Order:
    """A plain order, from a query or the reply to a command."""
    kind = row.text_or("origType") or row.text("type")
    updated = row.time_ms("updateTime")
    return Order(
        order_id=row.text("orderId"),
        client_id=row.text("clientOrderId"),
        symbol=symbols(row.text("symbol")),
        order_side=row.one_of("side", SIDES),
        kind=OrderKind.MARKET if "MARKET" in kind else OrderKind.LIMIT,
        status=STATUSES.get(row.text("status"), OrderStatus.UNKNOWN),
        qty=row.number("origQty"),
        filled_qty=row.number("executedQty"),
        created_ms=row.time_ms("time") if "time" in row.told else updated,
        updated_ms=updated,
        limit_px=row.positive_or_none("price"),
        avg_px=row.positive_or_none("avgPrice"),
        time_in_force=TIMES_IN_FORCE.get(row.text("timeInForce"), TimeInForce.GTC),
        reduce_only=row.flag("reduceOnly"),
        close_position=row.flag_or("closePosition"),
    )


def algo_order_of(row: Row, symbols: Symbols) -> Order:
    """A conditional order of the venue's other book."""
    filled = row.positive_or_none("actualQty") or Decimal(0)
    child = row.text_or("actualOrderId")
    side, kind = row.one_of("side", SIDES), row.text("orderType")
    qty = row.number("quantity")
    return Order(
        order_id=row.text("algoId"),
        client_id=row.text("clientAlgoId"),
        symbol=symbols(row.text("symbol")),
        order_side=side,
        kind=OrderKind.MARKET if kind.endswith("MARKET") else OrderKind.LIMIT,
        status=_algo_status(row.text("algoStatus"), filled, qty),
        qty=qty,
        filled_qty=filled,
        created_ms=row.time_ms("createTime"),
        updated_ms=row.time_ms("updateTime"),
        limit_px=row.positive_or_none("price"),
        avg_px=row.positive_or_none("actualPrice"),
        trigger=_trigger(row, side, kind),
        time_in_force=TIMES_IN_FORCE.get(row.text("timeInForce"), TimeInForce.GTC),
        reduce_only=row.flag("reduceOnly"),
        close_position=row.flag_or("closePosition"),
        conditional=True,
        triggered_id=child if child not in ("", "0") else None,
    )


def _trigger(row: Row, side: int, kind: str, name: str = "triggerPrice", by: str = "workingType") -> Trigger:
    """A stop is bought above and sold below; a take-profit the other way round."""
    above = (side == BUY) == (kind in STOPS)
    return Trigger(row.number(name), above, WATCHED.get(row.text_or(by), TriggerBy.LAST))


def _algo_status(told: str, filled: Decimal, qty: Decimal) -> OrderStatus:
    """``FINISHED`` says that what it became has ended; how much of it filled says how."""
    if told == "TRIGGERED" and filled:
        return OrderStatus.PARTIAL
    if told == "FINISHED":
        return OrderStatus.FILLED if filled and filled >= qty else OrderStatus.CANCELLED
    return ALGO_STATUSES.get(told, OrderStatus.UNKNOWN)


def fill_of(row: Row, symbols: Symbols) -> Fill:
    """One execution. The venue names its order but not our client id."""
    return Fill(
        fill_id=row.text("id"),
        order_id=row.text("orderId"),
        client_id="",
        symbol=symbols(row.text("symbol")),
        order_side=row.one_of("side", SIDES),
        qty=row.number("qty"),
        px=row.number("price"),
        fee=row.number("commission"),
        fee_currency=row.text("commissionAsset"),
        is_maker=row.flag("maker"),
        ts_ms=row.time_ms("time"),
    )


def position_of(row: Row, symbols: Symbols) -> Position:
    """A position; this endpoint tells neither leverage nor margin mode in its third version."""
    margin = row.text_or("marginType")
    return Position(
        symbol=symbols(row.text("symbol")),
        qty=row.number("positionAmt"),
        entry_px=row.number("entryPrice"),
        mark_px=row.number("markPrice"),
        unrealised=row.number("unRealizedProfit"),
        leverage=row.number_or_none("leverage"),
        margin_mode=MARGINS.get(margin),
        liquidation_px=row.positive_or_none("liquidationPrice"),
        updated_ms=row.whole("updateTime"),
        leg=row.one_of("positionSide", LEGS),
    )


BAR_PLACES = ("open_ms", "open", "high", "low", "close", "volume", "close_ms")


def bar_of(told: Any, symbol: str, timeframe: str) -> Bar:
    """A bar of a REST page. Whether it is final has to be known by its time."""
    row = listed(told, BAR_PLACES, f"a bar of {symbol}")
    opened, closed = row.time_ms("open_ms"), row.time_ms("close_ms")
    prices = row.prices(("open", "high", "low", "close", "volume"))
    return Bar(symbol, timeframe, opened, *prices, closed=True, event_ms=closed)


def streamed_bar(message: Row, symbols: Symbols) -> Bar:
    """``kline``: the forming bar, or the final one."""
    bar = message.row("k")
    return Bar(
        symbols(message.text("s")),
        bar.text("i"),
        bar.time_ms("t"),
        *bar.prices(("o", "h", "l", "c", "v")),
        closed=bar.flag("x"),
        event_ms=message.time_ms("E"),
    )


def streamed_quote(message: Row, symbols: Symbols) -> Quote:
    """``bookTicker``: the best levels."""
    return Quote(
        symbols(message.text("s")), message.number("b"), message.number("a"), None, None, message.time_ms("E")
    )


def streamed_mark(message: Row, symbols: Symbols) -> tuple[Quote, Funding]:
    """``markPriceUpdate``: mark price, and the charge that comes next."""
    symbol, moment = symbols(message.text("s")), message.time_ms("E")
    funding = Funding(symbol, message.number("r"), message.time_ms("T"), None, moment)
    return Quote(symbol, None, None, None, message.number("p"), moment), funding


def streamed_order(message: Row, symbols: Symbols) -> tuple[Order, Fill | None]:
    """``ORDER_TRADE_UPDATE``: an order, and the execution that changed it."""
    row = message.row("o")
    order_id, client_id, symbol = row.text("i"), row.text("c"), symbols(row.text("s"))
    side, moment = row.one_of("S", SIDES), row.time_ms("T")
    order = Order(
        order_id,
        client_id,
        symbol,
        side,
        OrderKind.MARKET if "MARKET" in row.text("o") else OrderKind.LIMIT,
        STATUSES.get(row.text("X"), OrderStatus.UNKNOWN),
        row.number("q"),
        row.number("z"),
        moment,
        moment,
        limit_px=row.positive_or_none("p"),
        avg_px=row.positive_or_none("ap"),
        time_in_force=TIMES_IN_FORCE.get(row.text("f"), TimeInForce.GTC),
        reduce_only=row.flag("R"),
        close_position=row.flag_or("cp"),
    )
    if row.text("x") not in ("TRADE", "CALCULATED") or row.number("l") == 0:
        return order, None
    fill = Fill(
        row.text("t"),
        order_id,
        client_id,
        symbol,
        side,
        row.number("l"),
        row.number("L"),
        row.number_or_none("n") or Decimal(0),
        row.text_or("N", "USDT"),
        row.flag("m"),
        moment,
        cause_of(client_id),
    )
    return order, fill


def streamed_algo(message: Row, symbols: Symbols) -> Order:
    """``ALGO_UPDATE``: a conditional order."""
    row, moment = message.row("o"), message.time_ms("T")
    side, kind, qty = row.one_of("S", SIDES), row.text("o"), row.number("q")
    filled, child = row.number_or_none("aq") or Decimal(0), row.text_or("ai")
    return Order(
        row.text("aid"),
        row.text("caid"),
        symbols(row.text("s")),
        side,
        OrderKind.MARKET if kind.endswith("MARKET") else OrderKind.LIMIT,
        _algo_status(row.text("X"), filled, qty),
        qty,
        filled,
        moment,
        moment,
        limit_px=row.positive_or_none("p"),
        avg_px=row.positive_or_none("ap"),
        trigger=_trigger(row, side, kind, "tp", "wt"),
        reduce_only=row.flag("R"),
        close_position=row.flag_or("cp"),
        conditional=True,
        triggered_id=child if child not in ("", "0") else None,
    )
