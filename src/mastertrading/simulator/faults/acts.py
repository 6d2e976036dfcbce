"""X05, X06, X12, X14 ... X27, X30 ... X32: what happens *at* the exchange, by its own doors.

An act begins when its window opens (or at the n-th request of a kind, just before it is answered) and is taken back
when the window closes, where it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from mastertrading.domain.errors import ConfigError
from mastertrading.domain.instrument import MarginTier
from mastertrading.domain.market import HOUR_MS
from mastertrading.domain.orders import MarginMode, OrderKind
from mastertrading.simulator.account import Account
from mastertrading.simulator.events import OrderNews
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.faults.fault import Call, Fault, Venue
from mastertrading.simulator.listing import Trading
from mastertrading.simulator.orders import Cause, Ended, IncomeKind, Leg, NewOrder, No, Position, Refused

Undo = Callable[[], None]


@dataclass
class Act(Fault):
    """Something done to the exchange.

    Attributes
    ----------
    symbol, account
        Of what; empty: the first.
    """

    symbol: str = ""
    account: str = ""
    again: ClassVar[bool] = False
    """Whether it is done at every occasion, instead of once a venue."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._begun: dict[str, Undo | None] = {}
        self.refused = 0

    # ---------------------------------------------------------------- when
    def passes(self, venue: Venue, now_ms: int) -> None:
        """Begin with the window, end with it."""
        if self._over(now_ms):
            self.lifted(venue)
        elif not self._by_requests and venue.name not in self._begun:
            if not self.due(venue.name, frozenset(), now_ms):
                return
            self._begin(venue)

    def before(self, call: Call, venue: Venue) -> None:
        """Begin with a request."""
        waits = self._by_requests and (self.again or venue.name not in self._begun)
        if waits and self.due_for(call):
            self._begin(venue)

    def lifted(self, venue: Venue) -> None:
        """Take it back."""
        undo = self._begun.get(venue.name)
        if undo is not None:
            self._begun[venue.name] = None
            undo()

    @property
    def _by_requests(self) -> bool:
        return bool(self.when.kinds or self.when.nth or self.kinds)

    def _over(self, now_ms: int) -> bool:
        return bool(self.when.until_ms) and now_ms >= self.when.until_ms

    def _begin(self, venue: Venue) -> None:
        try:
            self._begun[venue.name] = self.act(venue.exchange)
        except Refused:
            self.hits -= 1
            self.refused += 1

    def fits(self, venue: Venue) -> None:
        """The instrument and the account are there."""
        exchange = venue.exchange
        for what, name, there in (
            ("instrument", self.symbol, exchange.listings),
            ("account", self.account, exchange.accounts),
        ):
            if name and name not in there:
                raise ConfigError(
                    f"{self.key} is aimed at no {what} of {venue.name}: {name!r}",
                    why=f"there are {', '.join(there)}",
                )

    # ---------------------------------------------------------------- what
    def act(self, exchange: Exchange) -> Undo | None:
        """Do it; what takes it back, if something can. ``Refused``: tried again at the next occasion."""
        raise NotImplementedError

    def symbol_of(self, exchange: Exchange) -> str:
        """The instrument."""
        return self.symbol or next(iter(exchange.listings))

    def account_of(self, exchange: Exchange) -> Account:
        """The account."""
        return exchange.accounts[self.account or next(iter(exchange.accounts))]


def _changed(exchange: Exchange, symbol: str, **changes: Any) -> Undo:
    """Change a listing; what changes it back."""
    listing = exchange.listings[symbol]
    before = {
        name: getattr(listing if hasattr(listing, name) else listing.instrument, name) for name in changes
    }
    exchange.change_listing(symbol, **changes)
    return lambda: _ignored(exchange.change_listing(symbol, **before))


def _ignored(_: Any) -> None:
    """Forget a result."""


def _choice(value: str, among: dict[str, Any], what: str) -> Any:
    if value not in among:
        raise ConfigError(f"{what} must be one of {', '.join(among)}, not {value!r}")
    return among[value]


# -------------------------------------------------------------------- client ids
@dataclass
class DuplicatesAccepted(Act):
    """X05: a client id may be used again, even while its order is open."""

    id = "X05"
    ruled: ClassVar[str] = "never"

    def act(self, exchange: Exchange) -> Undo | None:
        """Change the rule."""
        before = exchange.rules
        exchange.rules = replace(before, duplicate_id=self.ruled)

        def undo() -> None:
            exchange.rules = replace(exchange.rules, duplicate_id=before.duplicate_id)

        return undo


@dataclass
class DuplicatesRefused(DuplicatesAccepted):
    """X06: a client id may never be used again."""

    id = "X06"
    ruled = "always"


# -------------------------------------------------------------------- liquidity
@dataclass
class NoLiquidity(Act):
    """X12: nothing fills: a stop is triggered, and its market order stays without a fill."""

    id = "X12"
    left_lots: ClassVar[int] = 0

    def act(self, exchange: Exchange) -> Undo | None:
        """Take the volume away."""
        symbol = self.symbol_of(exchange)
        listing, market = exchange.listings[symbol], exchange.markets[symbol]
        share = listing.volume_share
        market.budget_lots, listing.volume_share = self.left_lots, Decimal(0)
        if share == 0:
            return None  # another act has taken it away, and gives it back

        def undo() -> None:
            market.budget_lots, listing.volume_share = None, share

        return undo


@dataclass
class PartialThenCancelled(NoLiquidity):
    """X18: an order fills one step, and the venue cancels what is left of it."""

    id = "X18"
    left_lots = 1

    def passes(self, venue: Venue, now_ms: int) -> None:
        """Cancel what has begun to fill."""
        super().passes(venue, now_ms)
        if self._begun.get(venue.name) is None:
            return
        floor = venue.exchange.floor
        for order in list(self.account_of(venue.exchange).open.values()):
            if 0 < order.filled < order.lots:
                floor.end(order, OrderNews.CANCELLED, Ended.BY_VENUE)


@dataclass
class FillsMeanwhile(Act):
    """X19: while a cancel or an amendment is on its way, the price touches the order's limit, and it fills."""

    id = "X19"
    kinds = frozenset({"cancel", "amend"})
    again = True

    def act(self, exchange: Exchange) -> Undo | None:
        """Go there and back."""
        account = self.account_of(exchange)
        resting = [o for o in account.open.values() if o.new.kind is OrderKind.LIMIT and o.limit_ticks]
        if not resting:
            raise Refused(No.ORDER_NOT_FOUND, "no resting limit order")
        order = resting[-1]
        market = exchange.markets[order.symbol]
        there = order.limit_ticks - order.new.order_side * exchange.listings[order.symbol].through_ticks
        back, mark, index = market.last_ticks, market.mark_ticks, market.index_ticks
        exchange.move(order.symbol, there, mark_ticks=mark, index_ticks=index)
        exchange.move(order.symbol, back, mark_ticks=mark, index_ticks=index)
        return None


# -------------------------------------------------------------------- the instrument
@dataclass
class RulesChanged(Act):
    """X14: tick, lot, smallest size or smallest value are others from now on."""

    id = "X14"
    what: str = "min_notional"
    factor: str = "10"

    def act(self, exchange: Exchange) -> Undo | None:
        """Change it."""
        symbol, factor = self.symbol_of(exchange), Decimal(self.factor)
        instrument = exchange.listings[symbol].instrument
        changes: dict[str, Any] = _choice(
            self.what,
            {
                "tick": {"tick": instrument.tick * factor},
                "lot": {"lot": instrument.lot * factor},
                "min_lots": {"min_lots": int(instrument.min_lots * factor)},
                "min_notional": {"min_notional": instrument.min_notional * factor},
            },
            "what",
        )
        return _changed(exchange, symbol, **changes)


@dataclass
class Delisted(Act):
    """X15: the instrument is closed (``phase = closed``), or settled at a price (0: the mark)."""

    id = "X15"
    phase: str = "settled"
    px_ticks: int = 0

    def act(self, exchange: Exchange) -> Undo | None:
        """End it."""
        symbol = self.symbol_of(exchange)
        if self.phase == "closed":
            exchange.halt(symbol, Trading.CLOSED)
            return lambda: exchange.halt(symbol, Trading.OPEN)
        exchange.delist(symbol, self.px_ticks or None)
        return None


@dataclass
class Phase(Act):
    """X16: cancel-only, post-only or closed for a while, on every instrument unless one is named."""

    id = "X16"
    phase: str = "cancel_only"

    def act(self, exchange: Exchange) -> Undo | None:
        """Halt."""
        symbols = [self.symbol] if self.symbol else list(exchange.listings)
        for symbol in symbols:
            exchange.halt(symbol, Trading(self.phase))

        def undo() -> None:
            for symbol in symbols:
                exchange.halt(symbol, Trading.OPEN)

        return undo


# -------------------------------------------------------------------- what befalls the account
@dataclass
class Liquidated(Act):
    """X20: the position is liquidated, all of it or a share, whatever its margin."""

    id = "X20"
    share: float = 1.0

    def act(self, exchange: Exchange) -> Undo | None:
        """Close it."""
        account, held, lots = _part_held(self, exchange, self.share)
        exchange.liquidate(account, held.symbol, held.leg, lots=lots)
        return None


@dataclass
class Deleveraged(Act):
    """X21: a part of the position is closed by auto-deleveraging."""

    id = "X21"
    share: float = 0.5

    def act(self, exchange: Exchange) -> Undo | None:
        """Close it."""
        account, held, lots = _part_held(self, exchange, self.share)
        exchange.deleverage(account, held.symbol, held.leg, lots=lots)
        return None


def _part_held(act: Act, exchange: Exchange, share: float) -> tuple[Account, Position, int]:
    """Account, position, and how many lots of it; refused while there is none."""
    account = act.account_of(exchange)
    held = next(account.held(act.symbol or None), None)
    if held is None:
        raise Refused(No.ORDER_NOT_FOUND, "no position")
    return account, held, max(int(share * abs(held.lots)), 1)


@dataclass
class Foreign(Act):
    """X22: the account's owner does something by hand: an ``order``, a ``position``, or a ``transfer``."""

    id = "X22"
    what: str = "position"
    lots: int = 10
    side: int = 1
    atoms: int = 10_000_000_000

    def act(self, exchange: Exchange) -> Undo | None:
        """Do it."""
        account, symbol = self.account_of(exchange), self.symbol_of(exchange)
        if self.what == "transfer":
            exchange.transfer(account, self.atoms)
            return None
        kind = OrderKind.MARKET if self.what == "position" else OrderKind.LIMIT
        away = exchange.markets[symbol].last_ticks * self.side // 50
        leg = Leg.NET if not account.hedged else (Leg.LONG if self.side > 0 else Leg.SHORT)
        limit = 0 if kind is OrderKind.MARKET else exchange.markets[symbol].last_ticks - away
        new = NewOrder(symbol, self.side, kind, self.lots, limit, leg=leg, client_id="")
        exchange.place(account, new, Cause.FOREIGN)
        return None


@dataclass
class ModeSwitched(Act):
    """X23: leverage, margin mode or position mode are others, by the owner's hand."""

    id = "X23"
    what: str = "leverage"
    leverage: int = 3

    def act(self, exchange: Exchange) -> Undo | None:
        """Switch it."""
        account, symbol = self.account_of(exchange), self.symbol_of(exchange)
        if self.what == "leverage":
            exchange.set_leverage(account, symbol, self.leverage)
        elif self.what == "margin":
            exchange.set_margin_mode(account, None, MarginMode.ISOLATED)
        else:
            exchange.set_position_mode(account, not account.hedged)
        return None


@dataclass
class FundingChanges(Act):
    """X24: the rate of the next charge jumps, turns its sign, or the venue charges more often."""

    id = "X24"
    rate_e8: int = 750_000
    interval_ms: int = HOUR_MS

    def act(self, exchange: Exchange) -> Undo | None:
        """Change it."""
        symbol = self.symbol_of(exchange)
        exchange.set_funding(symbol, rate_e8=self.rate_e8, interval_ms=self.interval_ms or None)
        return None


@dataclass
class FeesChanged(Act):
    """X25: another fee tier; a negative maker fee is a rebate."""

    id = "X25"
    taker_e8: int = 100_000
    maker_e8: int = -5_000

    def act(self, exchange: Exchange) -> Undo | None:
        """Change them."""
        return _changed(exchange, self.symbol_of(exchange), taker_e8=self.taker_e8, maker_e8=self.maker_e8)


@dataclass
class MarginChanged(Act):
    """X26: a steeper ladder of maintenance margin (``what = tiers``), or the money is gone (``money``)."""

    id = "X26"
    what: str = "tiers"
    factor: str = "2"

    def act(self, exchange: Exchange) -> Undo | None:
        """Change it."""
        account, symbol = self.account_of(exchange), self.symbol_of(exchange)
        if self.what == "money":
            spare = min(exchange.available_atoms(account), account.wallet_atoms)
            exchange.transfer(account, -spare)
            return lambda: _ignored(exchange.transfer(account, spare))
        tiers = exchange.listings[symbol].instrument.tiers
        steeper = tuple(
            MarginTier(one.floor, min(one.maintenance_rate * Decimal(self.factor), Decimal("0.9")))
            for one in tiers
        )
        return _changed(exchange, symbol, tiers=steeper)


@dataclass
class KeyLost(Act):
    """X27: the key is revoked (``what = revoked``), or may only read (``permission``)."""

    id = "X27"
    what: str = "revoked"

    def act(self, exchange: Exchange) -> Undo | None:
        """Take it away."""
        account = self.account_of(exchange)
        key, permissions = account.api_key, account.permissions
        if self.what == "revoked":
            account.api_key = ""
        else:
            account.permissions = frozenset({"read"})

        def undo() -> None:
            account.api_key, account.permissions = key, permissions

        return undo


@dataclass
class OrderLimit(Act):
    """X30: the account has reached the number of open orders that it may have."""

    id = "X30"
    orders: int = 0
    conditional: int = 0

    def act(self, exchange: Exchange) -> Undo | None:
        """Lower the limits."""
        symbol = self.symbol_of(exchange)
        return _changed(exchange, symbol, max_orders=self.orders, max_conditional=self.conditional)


@dataclass
class Wick(Act):
    """X31: the last price jumps and comes back while the mark stays (``what = last``), or the mark does alone."""

    id = "X31"
    what: str = "last"
    share: float = 0.02

    def act(self, exchange: Exchange) -> Undo | None:
        """Jump."""
        symbol = self.symbol_of(exchange)
        market = exchange.markets[symbol]
        last, mark, index = market.last_ticks, market.mark_ticks, market.index_ticks
        if self.what == "last":
            exchange.move(symbol, int(last * (1 + self.share)), mark_ticks=mark, index_ticks=index)
            exchange.move(symbol, last, mark_ticks=mark, index_ticks=index)
            return None
        exchange.set_marks({symbol: (int(mark * (1 + self.share)), index)})
        return lambda: exchange.set_marks({symbol: (mark, index)})


@dataclass
class WalletDrift(Act):
    """X32: the wallet changes by a booking that no trade explains."""

    id = "X32"
    atoms: int = -123_456_789

    def act(self, exchange: Exchange) -> Undo | None:
        """Book it."""
        exchange.transfer(self.account_of(exchange), self.atoms, IncomeKind.ADJUSTMENT)
        return None
