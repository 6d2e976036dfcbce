"""What a venue does to an account that did not ask: liquidation, the insurance fund, auto-deleveraging, delivery."""

from __future__ import annotations

from collections.abc import Iterable

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.orders import OrderKind
from mastertrading.rules.position import fills as rule
from mastertrading.rules.position.money import rate_of
from mastertrading.simulator import booking, margin
from mastertrading.simulator import ledger as books
from mastertrading.simulator.account import Account
from mastertrading.simulator.booking import Terms
from mastertrading.simulator.events import OrderNews
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.orders import (
    Cause,
    Ended,
    IncomeKind,
    Leg,
    Liquidity,
    NewOrder,
    Order,
    Position,
)

_is_reached = interpreted(rule.is_reached)
_rate_of = interpreted(rate_of)


def sign_of(position: Position) -> int:
    """-1, 0 or +1."""
    return (position.lots > 0) - (position.lots < 0)


# ---------------------------------------------------------------- where
def level_on_leg(floor: Floor, account: Account, position: Position, end: int, direction: int) -> int:
    """The level of liquidation if a leg of the traded price to ``end`` reaches it, else 0. Ticks."""
    side = sign_of(position)
    if direction == side or floor.rules.liquidation_by != "last":
        return 0
    market, listing = floor.markets[position.symbol], floor.listings[position.symbol]
    at = margin.valued_at(account, position, market)
    loss = side * (at - end) * abs(position.lots) * listing.atoms
    # A loss moves equity by itself and the margin by no more (rates are at most 100 %).
    if 2 * loss < margin.spare_of(floor, account, position):
        return 0
    level = margin.liquidation_level(floor, account, position)
    return level if level and _is_reached(side, level, end) else 0


def liquidate_reached(floor: Floor, stop: Order) -> None:
    """Before a stop that was jumped over: liquidate its position if that level came first."""
    account = floor.accounts[stop.account]
    position = account.leg(stop.symbol, stop.new.leg)
    side, market = sign_of(position), floor.markets[stop.symbol]
    if side == 0 or stop.watch is None or stop.new.order_side == side:
        return
    level = level_on_leg(floor, account, position, market.last_ticks, -side)
    if level and side * (level - stop.watch.ticks) > 0:
        liquidate(floor, account, position, market.last_ticks)


def check_margins(floor: Floor) -> None:
    """After new marks: liquidate, at the marks, every account and isolated position whose margin is gone."""
    for account in floor.accounts.values():
        held = list(account.held())
        cross = [p for p in held if not account.is_isolated(p.symbol)]
        if cross and margin.spare(floor, account) <= 0:
            _liquidate_at_marks(floor, account, cross)
        for position in held:
            alone = position.lots != 0 and account.is_isolated(position.symbol)
            if alone and margin.spare_of(floor, account, position) <= 0:
                _liquidate_at_marks(floor, account, [position])


def _liquidate_at_marks(floor: Floor, account: Account, positions: Iterable[Position]) -> None:
    for position in positions:
        if floor.is_matching(position.symbol):
            liquidate(floor, account, position, floor.markets[position.symbol].mark_ticks)


# ---------------------------------------------------------------- what
def liquidate(floor: Floor, account: Account, position: Position, px_ticks: int) -> None:
    """Close a position, slippage and liquidation fee on the account; the insurance fund takes what is below zero."""
    listing, market = floor.listings[position.symbol], floor.markets[position.symbol]
    side, lots = sign_of(position), position.lots
    own = account.isolated.get((position.symbol, position.leg))
    for order in [o for o in account.open.values() if o.symbol == position.symbol]:
        floor.end(order, OrderNews.CANCELLED, Ended.LIQUIDATED)
    px = max(1, market.slipped(px_ticks, -side))
    before = account.wallet_atoms
    terms = Terms(Liquidity.TAKER, listing.taker_e8 + listing.liquidation_e8)
    close(floor, account, position, Cause.LIQUIDATION, px, terms)
    part = _rate_of(px * abs(lots) * listing.atoms, listing.liquidation_e8)
    floor.ledger.post((books.FEES, -part), (books.INSURANCE, part))
    beyond = before - own - account.wallet_atoms if own is not None else _below_zero(account)
    if beyond > 0:
        cover(floor, account, position, lots, beyond)


def _below_zero(account: Account) -> int:
    others = any(not account.is_isolated(p.symbol) for p in account.held())
    return 0 if others else -account.wallet_atoms


def close(
    floor: Floor,
    account: Account,
    position: Position,
    cause: Cause,
    px_ticks: int,
    terms: Terms,
    lots: int | None = None,
) -> Order:
    """Close (part of) a position by an order of the venue's own, at a price."""
    side = sign_of(position)
    new = NewOrder(
        symbol=position.symbol,
        order_side=-side,
        kind=OrderKind.MARKET,
        lots=min(lots or abs(position.lots), abs(position.lots)),
        reduce_only=True,
        leg=position.leg,
    )
    order = floor.make(account.name, new)
    order.cause = cause
    floor.enter(order)
    floor.tell(order, OrderNews.ACCEPTED)
    booking.execute(floor, order, new.lots, px_ticks, terms)
    booking.end_idle_reductions(floor, account, position)
    return order


def cover(floor: Floor, account: Account, position: Position, lots: int, beyond: int) -> None:
    """Bring the account back to where its loss should have ended; the fund pays, and then who won (ADL)."""
    fund = max(0, floor.ledger.balance(books.INSURANCE))
    short = beyond - min(fund, beyond)
    if short:
        floor.ledger.post((books.INSURANCE, short), (books.MARKET, -short))
        floor.ledger.forgiven += short
    booking.book_income(floor, account, IncomeKind.INSURANCE, position.symbol, beyond)
    if short:
        deleverage_winners(floor, account, position.symbol, lots)


def deleverage_winners(floor: Floor, loser: Account, symbol: str, lots: int) -> None:
    """Close as many lots of the best-placed positions on the other side, at the mark."""
    side, left = (1 if lots > 0 else -1), abs(lots)
    winners = [
        (rank(floor, account, p), account, p)
        for account in floor.accounts.values()
        if account is not loser
        for p in account.held(symbol)
        if sign_of(p) == -side
    ]
    for _, account, position in sorted(winners, key=lambda found: found[0], reverse=True):
        taken = min(left, abs(position.lots))
        if taken:
            deleverage(floor, account, symbol, position.leg, taken)
            left -= taken


def deleverage(
    floor: Floor,
    account: Account,
    symbol: str,
    leg: Leg = Leg.NET,
    lots: int | None = None,
    px_ticks: int | None = None,
) -> Order | None:
    """Auto-deleverage: close (part of) a position at a price, by default the mark, without a fee."""
    position = account.leg(symbol, leg)
    if position.lots == 0:
        return None
    px = floor.markets[symbol].mark_ticks if px_ticks is None else px_ticks
    return close(floor, account, position, Cause.ADL, px, Terms(Liquidity.TAKER, 0), lots)


def rank(floor: Floor, account: Account, position: Position) -> float:
    """Place in the queue for deleveraging: profit over margin, so that leverage and success come first."""
    listing, market = floor.listings[position.symbol], floor.markets[position.symbol]
    value = margin.notional(position, listing, market.mark_ticks)
    if value == 0:
        return 0.0
    profit = margin.unrealised(position, listing, market.mark_ticks)
    return profit * account.leverage[position.symbol] / value


def adl_quantile(floor: Floor, account: Account, symbol: str, leg: Leg) -> int:
    """0 (safe) to 4 (next), among all positions on that side of the instrument."""
    position = account.leg(symbol, leg)
    if position.lots == 0:
        return 0
    mine, side = rank(floor, account, position), sign_of(position)
    all_ = [rank(floor, a, p) for a in floor.accounts.values() for p in a.held(symbol) if sign_of(p) == side]
    if mine <= 0:
        return 0
    return 4 * sum(other <= mine for other in all_) // len(all_)


def deliver(floor: Floor, symbol: str, px_ticks: int) -> None:
    """The end of an instrument: every order ends, every position is settled at a price without slippage."""
    for account in floor.accounts.values():
        for order in [o for o in account.open.values() if o.symbol == symbol]:
            floor.end(order, OrderNews.EXPIRED, Ended.BY_VENUE)
        for position in list(account.held(symbol)):
            close(floor, account, position, Cause.DELIVERY, px_ticks, Terms(Liquidity.TAKER, 0))
