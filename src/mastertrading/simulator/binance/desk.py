"""What all handlers of one façade share: the exchange, the rules, limits, listen keys, timers, and one call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from mastertrading.simulator.binance.codes import VenueError
from mastertrading.simulator.binance.limits import Limits
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.rendering import Scale
from mastertrading.simulator.binance.rules import BinanceRules
from mastertrading.simulator.events import OrderNews
from mastertrading.simulator.exchange import Account, Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import Ended, Order, Refused


@dataclass(slots=True)
class ListenKey:
    """A key of a user stream and when it dies."""

    key: str
    account: str
    expires_ms: int


class Desk:
    """State of one façade. ``on_expired`` is told of each listen key that died."""

    def __init__(self, exchange: Exchange, rules: BinanceRules) -> None:
        self.exchange = exchange
        self.rules = rules
        self.limits = Limits(rules)
        self.listen_keys: dict[str, ListenKey] = {}
        self.key_of_account: dict[str, str] = {}
        self.countdowns: dict[tuple[str, str], int] = {}
        self.good_till: dict[int, tuple[str, int]] = {}
        """Account and end of each order that works until a time, by number."""
        self.on_expired: Callable[[ListenKey], None] = lambda expired: None
        self._named = 0
        self._next_ms: int | None = None

    def now_ms(self) -> int:
        """The exchange's clock."""
        return self.exchange.clock.now_ms()

    def name(self, purpose: str) -> str:
        """A name nobody has used, for an order or a key."""
        self._named += 1
        return hashlib.sha256(f"{purpose}{self._named}".encode()).hexdigest()

    def listing(self, symbol: str) -> Listing:
        """The listing of a symbol; -1121 if there is none."""
        found = self.exchange.listings.get(symbol)
        if found is None:
            raise VenueError(-1121)
        return found

    # ---------------------------------------------------------------- what happens at a time
    def start_key(self, account: str) -> ListenKey:
        """The account's listen key, new or with its life begun anew."""
        key = self.key_of_account.get(account)
        found = self.listen_keys.get(key) if key else None
        if found is None:
            found = ListenKey(self.name("listen"), account, 0)
            self.listen_keys[found.key] = found
            self.key_of_account[account] = found.key
        found.expires_ms = self.now_ms() + self.rules.listen_key_ms
        self._due(found.expires_ms)
        return found

    def keep_key(self, account: str) -> ListenKey:
        """Begin the life of the account's listen key anew; -1125 if it has none."""
        if account not in self.key_of_account:
            raise VenueError(-1125)
        return self.start_key(account)

    def end_key(self, account: str) -> None:
        """Forget the account's listen key; its streams are told."""
        key = self.key_of_account.pop(account, None)
        ended = self.listen_keys.pop(key, None) if key else None
        if ended is not None:
            self.on_expired(ended)

    def count_down(self, account: str, symbol: str, length_ms: int) -> None:
        """Cancel the account's orders of an instrument after so long; 0: don't."""
        self.countdowns.pop((account, symbol), None)
        if length_ms:
            self.countdowns[(account, symbol)] = self.now_ms() + length_ms
            self._due(self.now_ms() + length_ms)

    def end_at(self, order: Order, moment_ms: int) -> None:
        """Let an order expire at a time."""
        self.good_till[order.number] = order.account, moment_ms
        self._due(moment_ms)

    def tick(self) -> None:
        """Do what has become due: before each request, after each event."""
        now = self.now_ms()
        if self._next_ms is None or now < self._next_ms:
            return
        self._next_ms = None
        self._expire_keys(now)
        self._run_countdowns(now)
        self._expire_orders(now)
        for moment in (
            *(k.expires_ms for k in self.listen_keys.values()),
            *self.countdowns.values(),
            *(moment for _, moment in self.good_till.values()),
        ):
            self._due(moment)

    def _due(self, moment_ms: int) -> None:
        if self._next_ms is None or moment_ms < self._next_ms:
            self._next_ms = moment_ms

    def _expire_keys(self, now: int) -> None:
        for found in [k for k in self.listen_keys.values() if k.expires_ms <= now]:
            self.end_key(found.account)

    def _expire_orders(self, now: int) -> None:
        for number, (account, moment) in list(self.good_till.items()):
            if moment <= now:
                del self.good_till[number]
                order = self.exchange.accounts[account].open.get(number)
                if order is not None:
                    self.exchange.floor.end(order, OrderNews.EXPIRED, Ended.BY_VENUE)

    def _run_countdowns(self, now: int) -> None:
        for (name, symbol), moment in list(self.countdowns.items()):
            if moment <= now:
                del self.countdowns[(name, symbol)]
                try:
                    self.exchange.cancel_all(self.exchange.accounts[name], symbol, conditional=False)
                except Refused:
                    continue


@dataclass(slots=True)
class Call:
    """One request on its way to its handler."""

    desk: Desk
    parameters: Parameters
    now_ms: int
    client: str = "127.0.0.1"
    account: Account | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def exchange(self) -> Exchange:
        """The exchange behind the desk."""
        return self.desk.exchange

    @property
    def owner(self) -> Account:
        """The account; handlers behind a signature have one."""
        if self.account is None:
            raise VenueError(-2014)
        return self.account

    def symbol(self) -> Listing:
        """The listing that ``symbol`` names."""
        return self.desk.listing(self.parameters.required("symbol"))

    def symbol_or_none(self) -> Listing | None:
        """The listing that ``symbol`` names, if it names one."""
        return self.symbol() if self.parameters.has("symbol") else None

    def listings(self) -> list[Listing]:
        """The named listing, or all."""
        one = self.symbol_or_none()
        return [one] if one else list(self.exchange.listings.values())

    def market(self, listing: Listing) -> MarketState:
        """An instrument's market."""
        return self.exchange.markets[listing.symbol]

    def scale(self, listing: Listing) -> Scale:
        """How an instrument's numbers are written."""
        return Scale.of(listing)
