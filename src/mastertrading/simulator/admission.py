"""Whether the exchange takes an order at all: mode, grid, bounds, price band, reductions, triggers, margin."""

from __future__ import annotations

from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.orders import OrderKind, TimeInForce, TriggerBy
from mastertrading.simulator import margin, matching
from mastertrading.simulator.account import Account
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.listing import Listing, Trading
from mastertrading.simulator.orders import Leg, NewOrder, No, Order, Refused


def admit(floor: Floor, account: Account, new: NewOrder) -> None:
    """Raise ``Refused`` unless the order may be placed; the first thing wrong is the reason."""
    listing = floor.listings.get(new.symbol)
    if listing is None:
        raise Refused(No.INSTRUMENT, new.symbol)
    _check_phase(floor, listing, new)
    _check_mode(account, new)
    check_size(floor, listing, new, new.lots)
    check_price(floor, listing, new, new.limit_ticks)
    _check_identity(floor, account, new)
    _check_counts(listing, account, new)
    _check_reduction(floor, account, new)
    _check_trigger(floor, new)
    _check_post_only(floor, new)


def admit_margin(floor: Floor, account: Account, order: Order) -> None:
    """Raise ``Refused`` where the account cannot back a new order that would grow a position."""
    if not margin.needs_margin(order):
        return
    before, after = margin.order_margin_with(floor, account, order)
    if after > before and margin.initial(floor, account) + after > margin.equity(floor, account):
        raise Refused(No.MARGIN, "positions and orders need more margin than there is")


def admit_margin_kept(floor: Floor, account: Account, order: Order, lots: int, limit_ticks: int) -> None:
    """The same for an order that was amended, whose size and limit were ``lots`` and ``limit_ticks``."""
    if not margin.needs_margin(order):
        return
    after = margin.order_margin(floor, account)
    now, (order.lots, order.limit_ticks) = (order.lots, order.limit_ticks), (lots, limit_ticks)
    before = margin.order_margin(floor, account)
    order.lots, order.limit_ticks = now
    if after > before and margin.initial(floor, account) + after > margin.equity(floor, account):
        raise Refused(No.MARGIN, "the amended order needs more margin than there is")


def _check_phase(floor: Floor, listing: Listing, new: NewOrder) -> None:
    if listing.trading is Trading.CLOSED or floor.markets[listing.symbol].last_ticks == 0:
        raise Refused(No.NOT_TRADING, listing.symbol)
    if listing.trading is Trading.CANCEL_ONLY:
        raise Refused(No.CANCEL_ONLY, listing.symbol)
    if listing.trading is Trading.POST_ONLY and new.time_in_force is not TimeInForce.POST_ONLY:
        raise Refused(No.POST_ONLY_PHASE, listing.symbol)


def _check_mode(account: Account, new: NewOrder) -> None:
    if account.hedged != (new.leg is not Leg.NET):
        raise Refused(No.POSITION_MODE, f"leg {new.leg} with hedged={account.hedged}")


def check_size(floor: Floor, listing: Listing, new: NewOrder, lots: int) -> None:
    """Smallest and largest size, and the smallest value, which orders that only reduce need not have."""
    if new.close_position:
        return
    if lots <= 0 or lots % listing.lot_step:
        raise Refused(No.LOT, f"{lots} lots, in steps of {listing.lot_step}")
    most = listing.max_market_lots if new.kind is OrderKind.MARKET else listing.max_lots
    if lots > most:
        raise Refused(No.MAX_QTY, f"{lots} lots, at most {most}")
    if lots < listing.instrument.min_lots:
        raise Refused(No.MIN_QTY, f"{lots} lots, at least {listing.instrument.min_lots}")
    market = floor.markets[listing.symbol]
    px = new.limit_ticks or (new.watch.ticks if new.watch else 0) or market.mark_ticks or market.last_ticks
    least = int(listing.instrument.min_notional * ATOMS_PER_UNIT)
    if not new.reduce_only and px * lots * listing.atoms < least:
        raise Refused(No.MIN_NOTIONAL, f"{px * lots * listing.atoms} atoms, at least {least}")


def check_price(floor: Floor, listing: Listing, new: NewOrder, limit_ticks: int) -> None:
    """A limit has a price, no worse for its owner than the band around the mark allows."""
    for ticks in (limit_ticks, new.stop_ticks, new.target_ticks):
        if ticks < 0 or ticks % listing.tick_step:
            raise Refused(No.TICK, f"{ticks} ticks, in steps of {listing.tick_step}")
    if new.kind is OrderKind.MARKET:
        return
    if limit_ticks == 0:
        raise Refused(No.TICK, "a limit order without a limit")
    market = floor.markets[listing.symbol]
    mark = new.watch.ticks if new.watch else market.mark_ticks or market.last_ticks
    if new.order_side * (limit_ticks - mark) > int(mark * listing.band):
        raise Refused(No.PRICE_BAND, f"limit {limit_ticks}, mark {mark}")


def _check_identity(floor: Floor, account: Account, new: NewOrder) -> None:
    policy = floor.rules.duplicate_id
    if not new.client_id or policy == "never":
        return
    for order in account.named(new.symbol, new.client_id):
        if order.new.conditional == new.conditional and (policy == "always" or order.status.is_open):
            raise Refused(No.DUPLICATE_ID, new.client_id)


def _check_counts(listing: Listing, account: Account, new: NewOrder) -> None:
    same = sum(
        o.symbol == new.symbol and margin.is_waiting(o) == (new.watch is not None)
        for o in account.open.values()
    )
    if new.watch is None and same >= listing.max_orders:
        raise Refused(No.TOO_MANY, f"{same} open orders")
    if new.watch is not None and same >= listing.max_conditional:
        raise Refused(No.TOO_MANY_CONDITIONAL, f"{same} conditional orders")


def _check_reduction(floor: Floor, account: Account, new: NewOrder) -> None:
    """What may only reduce needs something to reduce, as strictly as the venue's rules say."""
    probe = floor.probe(account.name, new)
    if not margin.is_reducing(probe):
        return
    rules, position = floor.rules, account.leg(new.symbol, new.leg)
    there = max(0, -new.order_side * position.lots)
    needs = rules.conditional_needs_position if new.watch else rules.reduce_only_needs_position
    if there == 0 and needs:
        raise Refused(No.REDUCE_ONLY, "no position to reduce")
    if new.close_position or (new.watch is not None and there == 0):
        return
    if new.lots > there and (rules.reduce_only_excess == "refuse" or not new.reduce_only):
        raise Refused(No.REDUCE_ONLY, f"{new.lots} lots, the position has {there}")
    if rules.reduce_only_sum:
        _check_sum(account, new, there)


def _check_sum(account: Account, new: NewOrder, there: int) -> None:
    resting = sum(
        o.open_lots
        for o in account.open.values()
        if o.symbol == new.symbol
        and o.new.leg is new.leg
        and o.new.order_side == new.order_side
        and margin.is_reducing(o)
        and not margin.is_waiting(o)
    )
    if new.watch is None and resting + new.lots > there:
        raise Refused(No.REDUCE_ONLY_SUM, f"{resting} lots of {there} are covered by resting orders")


def _check_trigger(floor: Floor, new: NewOrder) -> None:
    market, watch = floor.markets[new.symbol], new.watch
    if watch is None:
        return
    check_trigger_price(floor.listings[new.symbol], watch.ticks)
    if floor.rules.immediate_trigger == "refuse" and matching.is_reached(market, watch):
        at = matching.watched_ticks(market, TriggerBy(watch.by))
        raise Refused(No.WOULD_TRIGGER, f"trigger {watch.ticks}, {watch.by} is {at}")


def check_trigger_price(listing: Listing, ticks: int) -> None:
    """A trigger is a positive price on the grid."""
    if ticks <= 0 or ticks % listing.tick_step:
        raise Refused(No.TICK, f"trigger {ticks}, in steps of {listing.tick_step}")


def _check_post_only(floor: Floor, new: NewOrder) -> None:
    if new.time_in_force is not TimeInForce.POST_ONLY or floor.rules.post_only_crossing != "refuse":
        return
    probe = floor.probe("", new)
    if new.watch is None and matching.takes(floor.markets[new.symbol], probe):
        raise Refused(No.POST_ONLY_CROSSES, f"limit {new.limit_ticks}")
