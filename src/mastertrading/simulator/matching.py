"""How orders meet the price: the backtest's fill rule, order by order.

The price jumps (an open after a held market, a script) or travels (a leg of the path). On a leg the orders are met in
order of price, stops at their level, limits at their own price once it was traded through, and a liquidation where
the margin ends; of two at one price the older order first, a stop before a liquidation. A jump meets stops only, at
the price jumped to: a limit is filled by the leg that goes its way, as ``rules/position/fills`` has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mastertrading.domain.orders import OrderKind, OrderStatus, TimeInForce, TriggerBy
from mastertrading.simulator import booking, force, margin
from mastertrading.simulator.account import Account
from mastertrading.simulator.booking import Terms
from mastertrading.simulator.events import OrderNews
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import (
    Ended,
    Liquidity,
    NewOrder,
    Order,
    Position,
    Watch,
)

AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


class Way(NamedTuple):
    """One leg: where from, where to, which way, and whether the traded price may liquidate on it."""

    begin: int
    end: int
    direction: int
    liquidates: bool


class Meeting(NamedTuple):
    """What a leg meets: how far from its beginning, which of equals first, the price, and who it is."""

    distance: int
    rank: int
    number: int
    px_ticks: int
    order: Order | None = None
    held: tuple[Account, Position] | None = None


# ---------------------------------------------------------------- an order arrives
def arrive(floor: Floor, order: Order) -> None:
    """A new (or newly triggered, or amended) order begins to work."""
    market, at_once = floor.markets[order.symbol], order.new.time_in_force in AT_ONCE
    waits = market.held or not floor.is_matching(order.symbol)
    if order.new.kind is OrderKind.MARKET or at_once or takes(market, order):
        if not waits:
            take(floor, order)
        elif order.new.kind is OrderKind.MARKET or at_once or floor.rules.held_limit == "take":
            market.arrivals[order.number] = order


def takes(market: MarketState, order: Order) -> bool:
    """Whether a limit would fill at once against the best level."""
    best = market.taker_ticks(order.new.order_side)
    return order.new.kind is OrderKind.LIMIT and order.new.order_side * (order.limit_ticks - best) >= 0


def take(floor: Floor, order: Order, px_ticks: int = 0) -> None:
    """Fill an order at once, as far as it goes; what is left rests, or ends.

    ``px_ticks``: the price that it met on its way; 0: the present one.
    """
    market = floor.markets[order.symbol]
    if order.new.kind is OrderKind.LIMIT and not px_ticks and not takes(market, order):
        _rest_or_end(floor, order)
        return
    if order.new.time_in_force is TimeInForce.POST_ONLY:
        floor.end(order, OrderNews.EXPIRED, Ended.POST_ONLY)
        return
    wanted = fillable(floor, order)
    if wanted == 0:
        floor.end(order, OrderNews.EXPIRED, Ended.REDUCE_ONLY)
        return
    if order.new.close_position:
        order.lots = order.filled + wanted
    if order.new.time_in_force is TimeInForce.FOK and room(market, order, wanted) < wanted:
        floor.end(order, OrderNews.EXPIRED, Ended.NO_LIQUIDITY)
        return
    _take_lots(floor, order, wanted, px_ticks)
    if order.status.is_open:
        _rest_or_end(floor, order)
    after_fill(floor, order)


def _take_lots(floor: Floor, order: Order, wanted: int, px_ticks: int) -> None:
    market, terms = floor.markets[order.symbol], taker(floor, order.symbol)
    if market.depth is not None:
        for px, lots in list(market.depth.sweep(order.new.order_side, wanted, order.limit_ticks)):
            booking.execute(floor, order, lots, px, terms)
        return
    lots = min(wanted, room(market, order, wanted))
    px = px_ticks or market.taker_ticks(order.new.order_side)
    if lots > 0:
        _use_up(market, lots)
        booking.execute(floor, order, lots, px, terms)


def _rest_or_end(floor: Floor, order: Order) -> None:
    """What did not fill at once: a plain limit rests; anything else ends."""
    if order.new.kind is OrderKind.LIMIT and order.new.time_in_force not in AT_ONCE:
        if not (margin.is_reducing(order) and fillable(floor, order) == 0 and order.filled):
            return
        floor.end(order, OrderNews.EXPIRED, Ended.REDUCE_ONLY)
        return
    reduced = margin.is_reducing(order) and order.filled > 0 and fillable(floor, order) == 0
    floor.end(order, OrderNews.EXPIRED, Ended.REDUCE_ONLY if reduced else Ended.NO_LIQUIDITY)


def fillable(floor: Floor, order: Order) -> int:
    """How many lots may still fill: of an order that reduces, no more than there is to reduce."""
    if not margin.is_reducing(order):
        return order.open_lots
    position = floor.accounts[order.account].leg(order.symbol, order.new.leg)
    there = max(0, -order.new.order_side * position.lots)
    return there if order.new.close_position else min(order.open_lots, there)


def room(market: MarketState, order: Order, wanted: int) -> int:
    """How many lots the market can take: its share of the bar's volume, or its recorded levels."""
    if market.depth is not None:
        return market.depth.within(order.new.order_side, order.limit_ticks, wanted)
    return wanted if market.budget_lots is None else market.budget_lots


def _use_up(market: MarketState, lots: int) -> None:
    if market.budget_lots is not None:
        market.budget_lots = max(0, market.budget_lots - lots)


def taker(floor: Floor, symbol: str) -> Terms:
    """Terms of who takes."""
    return Terms(Liquidity.TAKER, floor.listings[symbol].taker_e8)


def maker(floor: Floor, symbol: str) -> Terms:
    """Terms of who rested."""
    return Terms(Liquidity.MAKER, floor.listings[symbol].maker_e8)


def after_fill(floor: Floor, order: Order) -> None:
    """What follows from a fill: protection that was attached, and reduce-only orders that are idle now."""
    account = floor.accounts[order.account]
    booking.end_idle_reductions(floor, account, account.leg(order.symbol, order.new.leg))
    while floor.awaited:
        attach(floor, floor.awaited.pop(0))


# ---------------------------------------------------------------- conditional orders
def trigger(floor: Floor, order: Order, px_ticks: int = 0) -> None:
    """A conditional order begins to work. ``px_ticks``: the level that was met on a leg; 0: the present price."""
    if not _has_margin(floor, order):
        floor.end(order, OrderNews.EXPIRED, Ended.INSUFFICIENT_MARGIN)
        return
    market, now = floor.markets[order.symbol], floor.now()
    order.triggered_ms = order.updated_ms = now
    working = order
    if order.new.close_position:
        order.lots = max(order.filled, fillable(floor, order)) or order.lots
    if floor.rules.trigger_makes_new_order:
        working = _child_of(floor, order)
    else:
        order.status = OrderStatus.WORKING
        floor.tell(order, OrderNews.TRIGGERED)
    if working.new.kind is OrderKind.MARKET and px_ticks:
        take(floor, working, market.slipped(px_ticks, order.new.order_side))
    else:
        arrive(floor, working)


def _has_margin(floor: Floor, order: Order) -> bool:
    if margin.is_reducing(order):
        return True
    account, working = floor.accounts[order.account], replace(order, status=OrderStatus.WORKING)
    before, after = margin.order_margin_with(floor, account, working)
    return after <= before or margin.initial(floor, account) + after <= margin.equity(floor, account)


def _child_of(floor: Floor, order: Order) -> Order:
    new = replace(order.new, watch=None, conditional=False, lots=order.open_lots)
    child = floor.make(order.account, new, order)
    order.child, order.status, order.ended = child.number, OrderStatus.EXPIRED, Ended.REPLACED
    floor.leave(order)
    floor.enter(child)
    floor.tell(order, OrderNews.TRIGGERED)
    floor.tell(child, OrderNews.ACCEPTED)
    return child


def attach(floor: Floor, entry: Order) -> None:
    """Bring an entry's protection to life; it takes the place of any attached protection of that leg."""
    side, new = entry.new.order_side, entry.new
    for ticks, by, above in (
        (new.stop_ticks, new.stop_by, side < 0),
        (new.target_ticks, new.target_by, side > 0),
    ):
        if ticks:
            _replace_attached(floor, entry, above)
            _attach_one(floor, entry, Watch(ticks, above, by))


def _attach_one(floor: Floor, entry: Order, watch: Watch) -> None:
    new = NewOrder(
        symbol=entry.symbol,
        order_side=-entry.new.order_side,
        kind=OrderKind.MARKET,
        lots=entry.lots,
        watch=watch,
        reduce_only=True,
        close_position=True,
        leg=entry.new.leg,
        conditional=True,
        echo={"attached_to": entry.number},
    )
    order = floor.make(entry.account, new, entry)
    floor.enter(order)
    floor.tell(order, OrderNews.ACCEPTED)
    market = floor.markets[order.symbol]
    if not market.held and is_reached(market, watch):
        trigger(floor, order)


def _replace_attached(floor: Floor, entry: Order, above: bool) -> None:
    for order in list(floor.accounts[entry.account].open.values()):
        attached = order.parent is not None and order.new.close_position and order.watch is not None
        same = order.symbol == entry.symbol and order.new.leg is entry.new.leg
        if attached and same and order.watch is not None and order.watch.above == above:
            floor.end(order, OrderNews.CANCELLED, Ended.REPLACED)


def watched_ticks(market: MarketState, by: TriggerBy) -> int:
    """The price that a conditional order watches."""
    if by is TriggerBy.MARK:
        return market.mark_ticks
    return market.index_ticks if by is TriggerBy.INDEX else market.last_ticks


def is_reached(market: MarketState, watch: Watch) -> bool:
    """Whether the watched price is at or beyond the level."""
    px = watched_ticks(market, watch.by)
    return px >= watch.ticks if watch.above else px <= watch.ticks


def trigger_reached(floor: Floor, symbol: str, *kinds: TriggerBy) -> None:
    """Trigger every waiting order whose price has been reached, oldest first, at the present price."""
    market = floor.markets[symbol]
    for order in sorted(market.resting.values(), key=lambda o: o.number):
        if (
            order.number in market.resting
            and margin.is_waiting(order)
            and order.watch is not None
            and order.watch.by in kinds
            and is_reached(market, order.watch)
        ):
            force.liquidate_reached(floor, order)
            if order.number in market.resting:
                trigger(floor, order)


# ---------------------------------------------------------------- the price moves
def jump(floor: Floor, symbol: str, px_ticks: int) -> None:
    """The price is elsewhere, without having been in between: what waited for the open, then the stops it passed."""
    market = floor.markets[symbol]
    market.last_ticks, market.held = px_ticks, False
    if not floor.is_matching(symbol):
        return
    for order in list(market.arrivals.values()):
        if market.arrivals.pop(order.number, None) is not None:
            take(floor, order)
    trigger_reached(floor, symbol, TriggerBy.LAST)


def travel(floor: Floor, symbol: str, px_ticks: int, direction: int, *, liquidates: bool = True) -> None:
    """The price goes to ``px_ticks``; ``direction`` says which way, also where it is there already."""
    market = floor.markets[symbol]
    if floor.is_matching(symbol):
        way = Way(market.last_ticks, px_ticks, direction, liquidates)
        while (met := _next(floor, market, way)) is not None:
            market.last_ticks = met.px_ticks
            if met.order is not None:
                _meet(floor, met.order, met.px_ticks)
            elif met.held is not None:
                force.liquidate(floor, *met.held, met.px_ticks)
    market.last_ticks = px_ticks


def _next(floor: Floor, market: MarketState, way: Way) -> Meeting | None:
    """What the leg meets first from here."""
    found = [*_orders_met(market, way)]
    if way.liquidates:
        found.extend(_liquidations(floor, market, way))
    return min(found, key=lambda met: met[:3], default=None)


def _orders_met(market: MarketState, way: Way) -> Iterator[Meeting]:
    here, through = market.last_ticks, market.listing.through_ticks
    for order in market.resting.values():
        px = _met_at(order, way.direction, through)
        if px and way.direction * (way.end - px) >= 0:
            if market.budget_lots == 0 and not margin.is_waiting(order):
                continue
            at = px if way.direction * (px - here) > 0 else here
            yield Meeting(way.direction * (at - way.begin), 0, order.number, at, order)


def _met_at(order: Order, direction: int, through: int) -> int:
    """The price at which a leg of this direction meets the order; 0: never."""
    watch = order.watch
    if watch is not None and margin.is_waiting(order):
        return watch.ticks if watch.by is TriggerBy.LAST and watch.above == (direction > 0) else 0
    if order.new.kind is OrderKind.LIMIT and order.new.order_side == -direction:
        return order.limit_ticks + direction * through
    return 0


def _liquidations(floor: Floor, market: MarketState, way: Way) -> Iterator[Meeting]:
    here = market.last_ticks
    for account in floor.accounts.values():
        for position in account.held(market.symbol):
            level = force.level_on_leg(floor, account, position, way.end, way.direction)
            if level:
                at = level if way.direction * (level - here) > 0 else here
                yield Meeting(way.direction * (at - way.begin), 1, 0, at, held=(account, position))


def _meet(floor: Floor, order: Order, px_ticks: int) -> None:
    if margin.is_waiting(order):
        trigger(floor, order, px_ticks)
        return
    market, wanted = floor.markets[order.symbol], fillable(floor, order)
    lots = min(wanted, room(market, order, wanted))
    _use_up(market, lots)
    _fill_resting(floor, order, lots)


def _fill_resting(floor: Floor, order: Order, lots: int) -> None:
    """A limit that was there first fills at its own price; one with nothing to reduce ends."""
    if lots > 0:
        booking.execute(floor, order, lots, order.limit_ticks, maker(floor, order.symbol))
    if order.status.is_open and margin.is_reducing(order) and fillable(floor, order) == 0:
        floor.end(order, OrderNews.EXPIRED, Ended.REDUCE_ONLY)
    after_fill(floor, order)


# ---------------------------------------------------------------- a recorded book
def meet_book(floor: Floor, symbol: str) -> None:
    """After the levels changed: what waited takes, and limits that the other side crosses fill at their own price."""
    market = floor.markets[symbol]
    if market.depth is None or not market.resting or not floor.is_matching(symbol):
        return
    for order in list(market.arrivals.values()):
        if market.arrivals.pop(order.number, None) is not None:
            take(floor, order)
    for order in _by_price(market):
        if order.number in market.resting and _is_crossed(market, order):
            _meet_levels(floor, order)


def meet_trade(floor: Floor, symbol: str, px_ticks: int, lots: int) -> None:
    """A public trade went through resting limits: they were there first, and share what was traded."""
    market = floor.markets[symbol]
    if not market.resting or not floor.is_matching(symbol):
        return
    for order in _by_price(market):
        direction = -order.new.order_side
        level = 0 if margin.is_waiting(order) else _met_at(order, direction, market.listing.through_ticks)
        if lots > 0 and level and direction * (px_ticks - level) >= 0 and order.number in market.resting:
            wanted = min(fillable(floor, order), lots)
            lots -= wanted
            _fill_resting(floor, order, wanted)


def _by_price(market: MarketState) -> list[Order]:
    return sorted(market.resting.values(), key=lambda o: (-o.new.order_side * o.limit_ticks, o.number))


def _is_crossed(market: MarketState, order: Order) -> bool:
    if order.new.kind is not OrderKind.LIMIT or margin.is_waiting(order) or market.depth is None:
        return False
    best = market.depth.best(order.new.order_side)
    return best > 0 and order.new.order_side * (order.limit_ticks - best) >= 0


def _meet_levels(floor: Floor, order: Order) -> None:
    market, wanted = floor.markets[order.symbol], fillable(floor, order)
    taken = market.depth.sweep(order.new.order_side, wanted, order.limit_ticks) if market.depth else ()
    _fill_resting(floor, order, sum(lots for _, lots in taken))
