"""What the parts of the exchange share: time, listings, markets, accounts, books, counters and listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy

from mastertrading.domain.orders import OrderKind, OrderStatus
from mastertrading.domain.ports import Clock
from mastertrading.simulator.account import Account
from mastertrading.simulator.events import Event, ListingChanged, OrderChanged, OrderNews
from mastertrading.simulator.ledger import Ledger
from mastertrading.simulator.listing import Listing, Trading
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import Ended, Execution, NewOrder, Order
from mastertrading.simulator.venue_rules import MatchingRules


class Floor:
    """The trading floor. It holds and announces; ``admission``, ``matching``, ``booking`` and ``force`` act on it."""

    def __init__(
        self,
        listings: Sequence[Listing],
        clock: Clock,
        rules: MatchingRules,
        seed: int,
        insurance_atoms: int,
    ) -> None:
        self.clock, self.rules, self.seed = clock, rules, seed
        self.listings = {listing.symbol: listing for listing in listings}
        self.markets = {listing.symbol: MarketState(listing, seed) for listing in listings}
        self.accounts: dict[str, Account] = {}
        self.ledger = Ledger(insurance_atoms)
        self.listeners: list[Callable[[Event], None]] = []
        self.money_version = 0
        """Moves with every booking and every mark, so that sums over an account need not be made again."""
        self.awaited: list[Order] = []
        """Entries whose attached protection is to come to life."""
        self.news_count = 0
        """Moves with everything that happens to an account or to an order of one, but for its being accepted."""
        self.order_count = 0
        self.execution_count = 0
        self.income_count = 0

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self.clock.now_ms()

    def is_matching(self, symbol: str) -> bool:
        """Whether orders of an instrument fill at all just now."""
        return self.listings[symbol].trading in (Trading.OPEN, Trading.POST_ONLY)

    def publish(self, event: Event) -> None:
        """Tell everybody who listens, in the order in which they came."""
        for listener in self.listeners:
            listener(event)

    def tell(self, order: Order, news: OrderNews, execution: Execution | None = None) -> None:
        """News of an order."""
        self.news_count += news is not OrderNews.ACCEPTED
        if self.listeners:
            self.publish(OrderChanged(self.now(), news, copy(order), execution))

    def probe(self, account: str, new: NewOrder) -> Order:
        """An order as it would be, without a number: for questions only."""
        status = OrderStatus.UNTRIGGERED if new.watch else OrderStatus.WORKING
        now = self.now()
        return Order(0, account, new, status, new.lots, new.limit_ticks, new.watch, now, now)

    def make(self, account: str, new: NewOrder, parent: Order | None = None) -> Order:
        """A new order with the next number; it is in no list yet. Of a parent it has the cause and the limit."""
        self.order_count += 1
        order = self.probe(account, new)
        order.number = self.order_count
        if parent is not None:
            order.cause, order.parent = parent.cause, parent.number
            if new.kind is OrderKind.LIMIT:
                order.limit_ticks = parent.limit_ticks
        return order

    def enter(self, order: Order) -> None:
        """A new order is the account's, and open."""
        self.accounts[order.account].note(order)
        self.markets[order.symbol].resting[order.number] = order

    def leave(self, order: Order) -> None:
        """An order is not open any more."""
        self.accounts[order.account].open.pop(order.number, None)
        market = self.markets[order.symbol]
        market.resting.pop(order.number, None)
        market.arrivals.pop(order.number, None)

    def end(self, order: Order, news: OrderNews, ended: Ended) -> None:
        """End an order that did not fill, or not wholly."""
        order.status = OrderStatus(news.value)
        order.ended, order.updated_ms = ended, self.now()
        self.leave(order)
        self.tell(order, news)

    def listing_changed(self, symbol: str) -> None:
        """Rules of an instrument are others now."""
        self.money_version += 1
        self.publish(ListingChanged(self.now(), symbol))
