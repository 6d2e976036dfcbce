"""What an account's positions and orders are worth and need: the rule book's margin, on the exchange's state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.instrument import MarginTier
from mastertrading.domain.orders import OrderKind, OrderStatus
from mastertrading.rules.position import margin as rule
from mastertrading.rules.position import transitions
from mastertrading.settings.records import margin_ladder
from mastertrading.simulator.account import Account
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import Leg, Order, Position

_maintenance = interpreted(rule.maintenance)
_liquidation_ticks = interpreted(rule.liquidation_ticks)
_unrealised = interpreted(transitions.unrealised)


@dataclass(frozen=True, slots=True)
class Spec:
    """A contract as the rules of position and margin read it."""

    atoms: int
    tiers: int
    tier_floor: tuple[int, ...]
    tier_rate_e8: tuple[int, ...]
    tier_deduction: tuple[int, ...]


@dataclass(slots=True)
class Held:
    """A position as the rules read it; its basis and size change with what they release."""

    lots: int
    mark_ticks: int
    entry_ticklots: int


@lru_cache(maxsize=256)
def _spec(atoms: int, tiers: tuple[MarginTier, ...]) -> Spec:
    return Spec(atoms, len(tiers), *margin_ladder(tiers))


MOST_RECENT = 256
_RECENT: dict[int, tuple[tuple[MarginTier, ...], Spec]] = {}
"""Records by the identity of their tiers: to hash a ladder of decimals takes longer than any rule that reads it."""


def spec_of(listing: Listing) -> Spec:
    """The record of a listing that the rules take."""
    tiers = listing.instrument.tiers
    known = _RECENT.get(id(tiers))
    if known is None or known[0] is not tiers or known[1].atoms != listing.atoms:
        known = _RECENT[id(tiers)] = tiers, _spec(listing.atoms, tiers)
        if len(_RECENT) > MOST_RECENT:
            _RECENT.clear()
    return known[1]


def held_at(position: Position, mark_ticks: int) -> Held:
    """A position at a mark."""
    return Held(position.lots, mark_ticks, position.cost)


def unrealised(position: Position, listing: Listing, mark_ticks: int) -> int:
    """Open profit at a mark. Atoms."""
    return _unrealised(held_at(position, mark_ticks), spec_of(listing)) if position.lots else 0


def notional(position: Position, listing: Listing, mark_ticks: int) -> int:
    """Absolute value at a mark. Atoms."""
    return mark_ticks * abs(position.lots) * listing.atoms


def maintenance(position: Position, listing: Listing, mark_ticks: int) -> int:
    """Maintenance margin at a mark, by tier. Atoms."""
    return _maintenance(notional(position, listing, mark_ticks), spec_of(listing)) if position.lots else 0


# ---------------------------------------------------------------- whole accounts, at the public mark
def equity(floor: Floor, account: Account) -> int:
    """Wallet and open profit."""
    return account.wallet_atoms + sum(
        unrealised(p, floor.listings[p.symbol], floor.markets[p.symbol].mark_ticks) for p in account.held()
    )


def total_maintenance(floor: Floor, account: Account, symbol: str | None = None) -> int:
    """Maintenance margin of an account's positions."""
    return sum(
        maintenance(p, floor.listings[p.symbol], floor.markets[p.symbol].mark_ticks)
        for p in account.held(symbol)
    )


def initial(floor: Floor, account: Account, symbol: str | None = None) -> int:
    """Initial margin of positions: notional at the mark over the leverage, a started atom counts whole."""
    return sum(_initial_of(floor, account, p) for p in account.held(symbol))


def _initial_of(floor: Floor, account: Account, position: Position) -> int:
    listing, market = floor.listings[position.symbol], floor.markets[position.symbol]
    return -(-notional(position, listing, market.mark_ticks) // account.leverage[position.symbol])


def order_margin(floor: Floor, account: Account, symbol: str | None = None) -> int:
    """What open orders need beyond the positions' own margin.

    Only the dearer of the two sides counts: a leg with position P, buying orders B and selling orders S may become
    P + B or P - S. Orders that only reduce, and conditional orders that wait, need nothing.
    """
    sums = _sides(floor, (o for o in account.open.values() if symbol is None or o.symbol == symbol))
    return sum(_beyond(floor, account, key, side) for key, side in sums.items())


def order_margin_with(floor: Floor, account: Account, extra: Order) -> tuple[int, int]:
    """The same without and with one more order."""
    sums = _sides(floor, account.open.values())
    key = extra.symbol, extra.new.leg
    sides = sums.pop(key, [0, 0])
    others = sum(_beyond(floor, account, other, side) for other, side in sums.items())
    before = others + _beyond(floor, account, key, sides)
    sides[extra.new.order_side < 0] += _order_notional(floor, extra)
    return before, others + _beyond(floor, account, key, sides)


def _sides(floor: Floor, orders: Iterable[Order]) -> dict[tuple[str, Leg], list[int]]:
    """Value of the buying and of the selling orders of each leg that may grow a position."""
    sums: dict[tuple[str, Leg], list[int]] = {}
    for order in orders:
        if needs_margin(order):
            side = sums.setdefault((order.symbol, order.new.leg), [0, 0])
            side[order.new.order_side < 0] += _order_notional(floor, order)
    return sums


def _beyond(floor: Floor, account: Account, key: tuple[str, Leg], sides: list[int]) -> int:
    (symbol, leg), (buys, sells) = key, sides
    position, market, leverage = account.legs.get(key), floor.markets[symbol], account.leverage[symbol]
    held = 0 if position is None else position.lots * market.mark_ticks * floor.listings[symbol].atoms
    worst = max(abs(held + buys), abs(held - sells)) if leg is Leg.NET else abs(held) + buys + sells
    return max(0, -(-worst // leverage) - -(-abs(held) // leverage))


def needs_margin(order: Order) -> bool:
    """Whether an order may grow a position now."""
    return not is_reducing(order) and not is_waiting(order)


def is_waiting(order: Order) -> bool:
    """Whether it is a conditional order that has not been triggered."""
    return order.status is OrderStatus.UNTRIGGERED


def is_reducing(order: Order) -> bool:
    """Whether an order may only shrink its leg."""
    new = order.new
    closes_leg = (new.leg is Leg.LONG and new.order_side < 0) or (new.leg is Leg.SHORT and new.order_side > 0)
    return new.reduce_only or new.close_position or closes_leg


def _order_notional(floor: Floor, order: Order) -> int:
    market = floor.markets[order.symbol]
    px = order.limit_ticks
    if order.new.kind is OrderKind.MARKET:
        px = market.ask_ticks if order.new.order_side > 0 else market.bid_ticks
    return px * order.open_lots * floor.listings[order.symbol].atoms


def available(floor: Floor, account: Account) -> int:
    """What may back new orders: equity that no position or order needs, not negative."""
    return max(0, equity(floor, account) - initial(floor, account) - order_margin(floor, account))


# ---------------------------------------------------------------- liquidation, as the backtest values it
def valued_at(account: Account, position: Position, market: MarketState) -> int:
    """The mark that a position is valued at for liquidation: its first fill's price until a new mark comes."""
    px, version = account.opened_at.get((position.symbol, position.leg), (0, -1))
    return px if version == market.mark_version else market.mark_ticks


def spare(floor: Floor, account: Account) -> int:
    """Cross equity minus the maintenance margin of all cross positions, at the last marks. Atoms."""
    if account.spare_version == floor.money_version:
        return account.spare_atoms
    total = account.wallet_atoms
    if account.isolated:
        total -= sum(account.isolated.values())
    for position in account.held():
        if not account.is_isolated(position.symbol):
            listing, market = floor.listings[position.symbol], floor.markets[position.symbol]
            at = valued_at(account, position, market)
            total += unrealised(position, listing, at) - maintenance(position, listing, at)
    account.spare_version, account.spare_atoms = floor.money_version, total
    return total


def spare_of(floor: Floor, account: Account, position: Position) -> int:
    """What may be lost before this position is liquidated: the account's, or its own where it is isolated."""
    if not account.is_isolated(position.symbol):
        return spare(floor, account)
    listing, market = floor.listings[position.symbol], floor.markets[position.symbol]
    at = valued_at(account, position, market)
    own = account.isolated.get((position.symbol, position.leg), 0)
    return own + unrealised(position, listing, at) - maintenance(position, listing, at)


def liquidation_level(floor: Floor, account: Account, position: Position) -> int:
    """The price at which equity meets maintenance margin, all other marks unchanged; 0: none. Ticks."""
    if position.lots == 0:
        return 0
    listing, market = floor.listings[position.symbol], floor.markets[position.symbol]
    held = held_at(position, valued_at(account, position, market))
    return _liquidation_ticks(held, spec_of(listing), spare_of(floor, account, position))
