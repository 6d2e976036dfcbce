"""What the exchange has in ticks, lots and atoms, as the decimals that a gateway tells, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mastertrading.domain.commands import Refusal
from mastertrading.domain.feed import Bar, Funding
from mastertrading.domain.instrument import RATE_UNIT
from mastertrading.domain.orders import Fill, Trigger
from mastertrading.domain.orders import Order as Told
from mastertrading.simulator.events import BarChanged, FundingChanged
from mastertrading.simulator.listing import Listing, money
from mastertrading.simulator.orders import Cause, Execution, IncomeKind, Liquidity, No, Order, Refused

WORDS: Mapping[No, Refusal] = {
    No.ORDER_NOT_FOUND: Refusal.NO_SUCH_ORDER,
    No.INSTRUMENT: Refusal.NO_SUCH_INSTRUMENT,
    No.NOT_TRADING: Refusal.NOT_TRADING,
    No.CANCEL_ONLY: Refusal.NOT_TRADING,
    No.POST_ONLY_PHASE: Refusal.NOT_TRADING,
    No.TICK: Refusal.PRECISION,
    No.LOT: Refusal.PRECISION,
    No.MIN_QTY: Refusal.MIN_SIZE,
    No.MAX_QTY: Refusal.MAX_SIZE,
    No.MIN_NOTIONAL: Refusal.MIN_SIZE,
    No.PRICE_BAND: Refusal.PRICE_BAND,
    No.MARGIN: Refusal.INSUFFICIENT_MARGIN,
    No.REDUCE_ONLY: Refusal.REDUCE_ONLY,
    No.REDUCE_ONLY_SUM: Refusal.REDUCE_ONLY,
    No.WOULD_TRIGGER: Refusal.WOULD_TRIGGER,
    No.POST_ONLY_CROSSES: Refusal.WOULD_TAKE,
    No.FILL_OR_KILL: Refusal.NO_LIQUIDITY,
    No.TOO_MANY: Refusal.TOO_MANY_ORDERS,
    No.TOO_MANY_CONDITIONAL: Refusal.TOO_MANY_ORDERS,
    No.POSITION_MODE: Refusal.POSITION_MODE,
    No.HAS_ORDERS_OR_POSITION: Refusal.POSITION_MODE,
    No.NO_CHANGE: Refusal.NO_CHANGE,
    No.PERMISSION: Refusal.PERMISSION,
    No.BALANCE: Refusal.INSUFFICIENT_MARGIN,
}
"""Our word for each refusal; what is not here is a bad request."""
PAYMENTS = {
    IncomeKind.FUNDING: "funding",
    IncomeKind.TRANSFER: "transfer",
    IncomeKind.INSURANCE: "insurance",
    IncomeKind.ADJUSTMENT: "other",
}
CAUSES = {Cause.LIQUIDATION: "liquidation", Cause.ADL: "adl"}


def qty_of(listing: Listing, lots: int) -> Decimal:
    """Lots as base units."""
    return lots * listing.instrument.lot * listing.instrument.multiplier


def lots_of(listing: Listing, qty: Decimal) -> int:
    """Base units as lots; raises ``Refused`` where they are none."""
    lots = listing.lots_of(qty / listing.instrument.multiplier)
    if lots is None:
        raise Refused(No.LOT, f"{qty} is no whole number of lots")
    return lots


def ticks_of(listing: Listing, px: Decimal | None) -> int:
    """A price in ticks, 0 for none; raises ``Refused`` where it is between two."""
    ticks = 0 if px is None else listing.ticks_of(px)
    if ticks is None:
        raise Refused(No.TICK, f"{px} is between two ticks")
    return ticks


def order_of(listing: Listing, order: Order) -> Told:
    """An order."""
    new, watch = order.new, order.watch
    trigger = Trigger(listing.px(watch.ticks), watch.above, watch.by) if watch else None
    return Told(
        str(order.number),
        order.client_id,
        order.symbol,
        new.order_side,
        new.kind,
        order.status,
        qty_of(listing, order.lots),
        qty_of(listing, order.filled),
        order.created_ms,
        order.updated_ms,
        limit_px=listing.px(order.limit_ticks) if order.limit_ticks else None,
        avg_px=order.spent * listing.instrument.tick / order.filled if order.filled else None,
        trigger=trigger,
        time_in_force=new.time_in_force,
        reduce_only=new.reduce_only or new.close_position,
        close_position=new.close_position,
        conditional=new.conditional,
        triggered_id=str(order.child) if order.child else None,
    )


def fill_of(listing: Listing, one: Execution) -> Fill:
    """An execution."""
    return Fill(
        str(one.number),
        str(one.order),
        one.client_id,
        one.symbol,
        one.order_side,
        qty_of(listing, abs(one.lots)),
        listing.px(one.px_ticks),
        money(one.fee_atoms),
        "USDT",
        one.liquidity is Liquidity.MAKER,
        one.ts_ms,
        CAUSES.get(one.cause, "trade"),
    )


def bar_of(listing: Listing, one: BarChanged) -> Bar:
    """A bar."""
    return Bar(
        one.symbol,
        one.timeframe,
        one.ts_ms,
        open=listing.px(one.open),
        high=listing.px(one.high),
        low=listing.px(one.low),
        close=listing.px(one.close),
        volume=qty_of(listing, one.volume_lots),
        closed=one.closed,
        event_ms=one.event_ms,
    )


def funding_of(one: FundingChanged) -> Funding:
    """The next charge."""
    return Funding(one.symbol, Decimal(one.rate_e8) / RATE_UNIT, one.next_ms, one.interval_ms, one.ts_ms)
