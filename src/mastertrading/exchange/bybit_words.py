"""Bybit V5 linear: its codes, and its words as ours.

Codes and meanings are those of its error-code page. Not on the list of refusals, on purpose: 10000, 10016, 10019,
10429, 110079 and every 5xx (it may have happened), 10014 and 110072 (the order exists).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from mastertrading.domain.commands import Refusal
from mastertrading.domain.errors import UsageError
from mastertrading.domain.feed import Bar, Funding, Quote
from mastertrading.domain.orders import (
    BUY,
    SELL,
    Fill,
    MarginMode,
    Order,
    OrderKind,
    OrderStatus,
    Payment,
    Position,
    TimeInForce,
    Trigger,
    TriggerBy,
)
from mastertrading.exchange.decode import Row, listed
from mastertrading.exchange.outcome import Codes

Symbols = Callable[[str], str]

_REFUSALS: Mapping[Refusal, tuple[int, ...]] = {
    Refusal.INSUFFICIENT_MARGIN: (
        *(110004, 110006, 110007, 110011, 110012, 110014, 110040, 110044, 110045, 110046, 110047),
        *(110051, 110052, 110053),
    ),
    Refusal.REDUCE_ONLY: (110017, 110034),
    Refusal.WOULD_TRIGGER: (110092, 110093),
    Refusal.MIN_SIZE: (110094,),
    Refusal.MAX_SIZE: (110016, 110021),
    Refusal.PRICE_BAND: (110003,),
    Refusal.TOO_MANY_ORDERS: (110009, 110020),
    Refusal.NO_SUCH_ORDER: (110001, 110008, 110010, 110019),
    Refusal.NO_SUCH_INSTRUMENT: (10029,),
    Refusal.NOT_TRADING: (110023, 110042, 110063, 110066, 110074, 110103),
    Refusal.POSITION_MODE: (110024, 110028, 110029),
    Refusal.NO_CHANGE: (110025, 110026, 110027, 110043),
    Refusal.AUTHENTICATION: (10003, 10004, 10007, 10009, 33004),
    Refusal.PERMISSION: (10005, 10008, 10010, 10020, 10024, 10027, 10028, 100028, 110067, 110068, 110069),
    Refusal.CLOCK: (10002,),
    Refusal.RATE_LIMIT: (10006, 10018),
    Refusal.BAD_REQUEST: (10001, 10017, 110013, 110018, 110032, 110036, 110057, 110073, 3400045),
}
_PHRASES = {
    "10001": (
        ("symbol invalid", Refusal.NO_SUCH_INSTRUMENT),
        ("not supported symbols", Refusal.NO_SUCH_INSTRUMENT),
        ("qty invalid", Refusal.PRECISION),
        ("price invalid", Refusal.PRECISION),
        ("exceeds minimum limit", Refusal.MIN_SIZE),
        ("exceeds maximum limit", Refusal.MAX_SIZE),
        ("position idx not match", Refusal.POSITION_MODE),
        ("should lower than", Refusal.WOULD_TRIGGER),
        ("should higher than", Refusal.WOULD_TRIGGER),
    )
}


def code_of(parsed: Any) -> str:
    """``retCode`` of an error; a reply without one is read as an error nobody knows."""
    if not isinstance(parsed, Mapping):
        return ""
    code = str(parsed.get("retCode", "none"))
    return "" if code == "0" else code


CODES = Codes(
    refusals={str(code): word for word, codes in _REFUSALS.items() for code in codes},
    duplicates=frozenset({"110072", "110030", "10014"}),
    no_change=frozenset({"110025", "110026", "110027", "110043"}),
    not_found=frozenset({"110001"}),
    code_of=code_of,
    believed=lambda status: status == 200 or (400 <= status < 500 and status != 408),
    phrases=_PHRASES,
)

SIDES = {"Buy": BUY, "Sell": SELL}
STATUSES = {
    "New": OrderStatus.WORKING,
    "Triggered": OrderStatus.WORKING,
    "PartiallyFilled": OrderStatus.PARTIAL,
    "Untriggered": OrderStatus.UNTRIGGERED,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "PartiallyFilledCanceled": OrderStatus.CANCELLED,
    "Deactivated": OrderStatus.CANCELLED,
    "Rejected": OrderStatus.REJECTED,
}
TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.POST_ONLY,
}
WATCHED = {"LastPrice": TriggerBy.LAST, "MarkPrice": TriggerBy.MARK, "IndexPrice": TriggerBy.INDEX}
LEGS = {"0": "net", "1": "long", "2": "short"}
MARGINS = {"REGULAR_MARGIN": MarginMode.CROSS, "ISOLATED_MARGIN": MarginMode.ISOLATED}
CAUSES = {"Trade": "trade", "AdlTrade": "adl", "BustTrade": "liquidation", "Delivery": "settlement"}
NO_FILLS = ("Funding",)
FUNDING = ("fundingRate", "nextFundingTime", "fundingIntervalHour")
INTERVALS = {
    "1m": "1",
    "3m": "3",
    "5m": "5",
    "15m": "15",
    "30m": "30",
    "1h": "60",
    "2h": "120",
    "4h": "240",
    "6h": "360",
    "12h": "720",
    "1d": "D",
}
TIMEFRAMES = {interval: timeframe for timeframe, interval in INTERVALS.items()}


def interval_of(timeframe: str) -> str:
    """The venue's word for a length of bars. Raises ``UsageError`` where it has none."""
    if timeframe not in INTERVALS:
        raise UsageError(f"Bybit has no bars of {timeframe}", why=f"it has {', '.join(INTERVALS)}")
    return INTERVALS[timeframe]


def order_of(row: Row, symbols: Symbols) -> Order:
    """An order, plain or conditional, of a query or of the stream."""
    trigger_px, direction = row.positive_or_none("triggerPrice"), row.text_or("triggerDirection", "0")
    trigger = None
    if trigger_px is not None:
        by = WATCHED.get(row.text_or("triggerBy"), TriggerBy.LAST)
        trigger = Trigger(trigger_px, direction == "1", by)
    return Order(
        order_id=row.text("orderId"),
        client_id=row.text_or("orderLinkId"),
        symbol=symbols(row.text("symbol")),
        order_side=row.one_of("side", SIDES),
        kind=OrderKind.MARKET if row.text("orderType") == "Market" else OrderKind.LIMIT,
        status=STATUSES.get(row.text("orderStatus"), OrderStatus.UNKNOWN),
        qty=row.number("qty"),
        filled_qty=row.number("cumExecQty"),
        created_ms=row.time_ms("createdTime"),
        updated_ms=row.time_ms("updatedTime"),
        limit_px=row.positive_or_none("price") if row.text("orderType") == "Limit" else None,
        avg_px=row.positive_or_none("avgPrice"),
        trigger=trigger,
        time_in_force=TIMES_IN_FORCE.get(row.text_or("timeInForce", "GTC"), TimeInForce.GTC),
        reduce_only=row.flag("reduceOnly"),
        close_position=row.flag_or("closeOnTrigger"),
        conditional=trigger is not None,
        parent_client_id=row.text_or("parentOrderLinkId"),
    )


def fill_of(row: Row, symbols: Symbols) -> Fill | None:
    """One execution; None for what is a payment."""
    told = row.text("execType")
    if told in NO_FILLS:
        return None
    return Fill(
        fill_id=row.text("execId"),
        order_id=row.text("orderId"),
        client_id=row.text_or("orderLinkId"),
        symbol=symbols(row.text("symbol")),
        order_side=row.one_of("side", SIDES),
        qty=row.number("execQty"),
        px=row.number("execPrice"),
        fee=row.number("execFee"),
        fee_currency=row.text_or("feeCurrency", "USDT"),
        is_maker=row.flag("isMaker"),
        ts_ms=row.time_ms("execTime"),
        cause=CAUSES.get(told, "unknown"),
    )


def position_of(row: Row, symbols: Symbols, margin: MarginMode | None) -> Position:
    """A position; the side of a flat one is empty."""
    side = {"Buy": 1, "Sell": -1, "": 0, "None": 0}.get(row.text_or("side"), 0)
    size = row.number("size")
    return Position(
        symbol=symbols(row.text("symbol")),
        qty=side * size,
        entry_px=row.number_or_none("avgPrice") or Decimal(0),
        mark_px=row.number_or_none("markPrice") or Decimal(0),
        unrealised=row.number_or_none("unrealisedPnl") or Decimal(0),
        leverage=row.number_or_none("leverage"),
        margin_mode=margin,
        liquidation_px=row.positive_or_none("liqPrice"),
        updated_ms=int(row.number_or_none("updatedTime") or 0),
        leg=row.one_of("positionIdx", LEGS),
    )


OF_FILLS = ("TRADE", "LIQUIDATION", "ADL", "DELIVERY")
"""Bookings that executions tell too: a second time they would count twice."""


def payment_of(row: Row, symbols: Symbols) -> Payment | None:
    """A booking that is no fill. ``change`` is what the wallet really moved by, whatever the other fields' signs."""
    told, change = row.text("type"), row.number("change")
    if told in OF_FILLS:
        return None
    kinds = {"SETTLEMENT": "funding", "TRANSFER_IN": "transfer", "TRANSFER_OUT": "transfer"}
    kind, market_id = kinds.get(told, "other"), row.text_or("symbol")
    return Payment(
        f"{told}:{row.text('id')}:{row.text('transactionTime')}",
        kind,
        symbols(market_id) if market_id else "",
        -change if kind == "funding" else change,
        row.text("currency"),
        row.time_ms("transactionTime"),
    )


BAR_PLACES = ("open_ms", "open", "high", "low", "close", "volume")


def bar_of(told: Any, symbol: str, timeframe: str, step_ms: int) -> Bar:
    """A bar of a REST page. Whether it is final has to be known by its time."""
    row = listed(told, BAR_PLACES, f"a bar of {symbol}")
    opened = row.time_ms("open_ms")
    prices = row.prices(("open", "high", "low", "close", "volume"))
    return Bar(symbol, timeframe, opened, *prices, closed=True, event_ms=opened + step_ms)


def streamed_bar(row: Row, market_id: str, symbols: Symbols) -> Bar:
    """``kline``: the forming bar, or the confirmed one."""
    return Bar(
        symbols(market_id),
        TIMEFRAMES.get(row.text("interval"), row.text("interval")),
        row.time_ms("start"),
        *row.prices(("open", "high", "low", "close", "volume")),
        closed=row.flag("confirm"),
        event_ms=row.time_ms("timestamp"),
    )


def streamed_prices(
    row: Row, moment_ms: int, symbols: Symbols, funding: dict[str, dict[str, str]]
) -> tuple[Quote | Funding, ...]:
    """``tickers``: a snapshot, or only what changed.

    Parameters
    ----------
    funding
        What was told of each instrument's next charge so far; what is new is added. After a charge at an unchanged
        rate a frame has the new time alone.
    """
    symbol = symbols(row.text("symbol"))
    px = {name: row.number_or_none(name) for name in ("bid1Price", "ask1Price", "lastPrice", "markPrice")}
    quote = Quote(symbol, px["bid1Price"], px["ask1Price"], px["lastPrice"], px["markPrice"], moment_ms)
    known, new = funding.setdefault(symbol, {}), {name: row.text_or(name) for name in FUNDING}
    known.update({name: text for name, text in new.items() if text})
    if not any(new.values()) or not {"fundingRate", "nextFundingTime"} <= known.keys():
        return (quote,)
    told = Row(known, "the funding of a stream")
    hours = told.number_or_none("fundingIntervalHour")
    interval = None if hours is None else int(hours * 3_600_000)
    return quote, Funding(
        symbol, told.number("fundingRate"), told.time_ms("nextFundingTime"), interval, moment_ms
    )
