"""What drives the exchange: opens, legs, closes, marks, funding, changes of listings, and what a venue forces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from mastertrading.domain.errors import ConfigError
from mastertrading.domain.orders import TriggerBy
from mastertrading.simulator import booking, force, matching
from mastertrading.simulator.account import Account
from mastertrading.simulator.depth import Depth
from mastertrading.simulator.events import BookChanged, FundingChanged
from mastertrading.simulator.floor import Floor
from mastertrading.simulator.listing import Listing, Trading
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.orders import Leg, Order

BOOK_LEVELS = 20


class Pricing:
    """The side of the exchange that a conductor or a script holds."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor

    # ---------------------------------------------------------------- bars
    def open_bar(self, symbol: str, px_ticks: int, *, volume_lots: int = 0) -> None:
        """The next bar opens: what waited fills, and stops that were jumped over.

        ``volume_lots``: volume of the whole bar. A quarter of it is traded publicly at the open; and it bounds what
        orders may fill of the bar, where the listing has a ``volume_share``.
        """
        market, share = self.floor.markets[symbol], self.floor.listings[symbol].volume_share
        market.budget_lots = None if share is None else int(volume_lots * share)
        now = self.floor.now()
        market.begin_bar(now - now % market.base_ms, px_ticks)
        self._first_marks(market, px_ticks)
        matching.jump(self.floor, symbol, px_ticks)
        self._announce(market, volume_lots // 4)

    def travel(
        self,
        symbol: str,
        px_ticks: int,
        direction: int = 0,
        *,
        volume_lots: int = 0,
        liquidates: bool = True,
    ) -> None:
        """The price goes to another one through all between.

        Parameters
        ----------
        direction
            Which way, where it may be there already; 0: whichever it takes.
        volume_lots
            What is traded publicly on the way.
        liquidates
            Whether the traded price may liquidate. On the leg to a close it may not: the marks that follow decide.
        """
        market = self.floor.markets[symbol]
        way = direction or (1 if px_ticks >= market.last_ticks else -1)
        matching.travel(self.floor, symbol, px_ticks, way, liquidates=liquidates)
        self._announce(market, volume_lots)

    def close_bar(self, symbol: str) -> None:
        """The bar is final; until the next open, market orders wait."""
        market = self.floor.markets[symbol]
        row = market.finish_bar()
        market.held = True
        if row is not None and self.floor.listeners:
            self.floor.publish(market.point(self.floor.now()))  # with the mark of the close, which came last
            self._announce_bars(market, closing=True)

    def set_marks(self, marks: Mapping[str, tuple[int, int]]) -> None:
        """New mark and index prices, (ticks, ticks) by instrument, all at once; then margins are looked at."""
        for symbol, (mark, index) in marks.items():
            market = self.floor.markets[symbol]
            market.mark_ticks, market.index_ticks = mark, index
            market.mark_version += 1
        self.floor.money_version += 1
        for symbol in marks:
            if self.floor.is_matching(symbol) and self.floor.markets[symbol].last_ticks:
                matching.trigger_reached(self.floor, symbol, TriggerBy.MARK, TriggerBy.INDEX)
        force.check_margins(self.floor)

    def move(
        self, symbol: str, px_ticks: int, *, mark_ticks: int | None = None, index_ticks: int | None = None
    ) -> None:
        """The price goes to ``px_ticks``, mark and index with it: for tests and demonstrations without bars."""
        market = self.floor.markets[symbol]
        self._keep_bars(market, px_ticks)
        mark = px_ticks if mark_ticks is None else mark_ticks
        index = px_ticks if index_ticks is None else index_ticks
        if market.last_ticks == 0 or market.held:
            self._first_marks(market, mark)
            matching.jump(self.floor, symbol, px_ticks)
        else:
            way = 1 if px_ticks >= market.last_ticks else -1
            matching.travel(self.floor, symbol, px_ticks, way)
        self.set_marks({symbol: (mark, index)})
        self._announce(market, 1)

    def _keep_bars(self, market: MarketState, px_ticks: int) -> None:
        """Close the bar whose time is over and open that of the present, for a price that comes without bars."""
        begin = self.floor.now() - self.floor.now() % market.base_ms
        if market.forming is not None and market.forming.ts_ms < begin:
            market.finish_bar()
            if self.floor.listeners:
                self._announce_bars(market, closing=True)
        if market.forming is None:
            market.begin_bar(begin, px_ticks)

    def _first_marks(self, market: MarketState, px_ticks: int) -> None:
        if market.mark_ticks == 0:
            market.mark_ticks = market.index_ticks = px_ticks
            market.last_ticks = market.last_ticks or px_ticks

    def _announce(self, market: MarketState, volume_lots: int) -> None:
        now = self.floor.now()
        market.extend_bar(market.last_ticks, volume_lots)
        market.book_update_id += 1
        trade = None
        if volume_lots > 0:
            side = 1 if market.book_update_id % 2 else -1
            trade = market.print_trade(now, market.last_ticks, volume_lots, side)
        if not self.floor.listeners:
            return
        if trade is not None:
            self.floor.publish(trade)
        self.floor.publish(market.point(now))
        if market.watches_book:
            self._announce_book(market, now)
        if market.forming is not None:
            self._announce_bars(market, closing=False)

    def _announce_book(self, market: MarketState, now: int) -> None:
        bids, asks = market.book(BOOK_LEVELS)
        last = market.book_update_id
        self.floor.publish(
            BookChanged(now, market.symbol, last, last, last - 1, tuple(bids), tuple(asks), snapshot=True)
        )

    def _announce_bars(self, market: MarketState, *, closing: bool) -> None:
        now = self.floor.now()
        for timeframe in sorted(market.watched):
            bar = market.newest(timeframe, now, closing=closing)
            if bar is not None:
                self.floor.publish(bar)

    # ---------------------------------------------------------------- a recorded book
    def set_book(
        self,
        symbol: str,
        bids: Iterable[tuple[int, int]],
        asks: Iterable[tuple[int, int]],
        *,
        snapshot: bool = False,
    ) -> None:
        """Levels (ticks, lots) of a recorded book changed, or are all there are; limits that they cross fill."""
        market = self.floor.markets[symbol]
        changed = tuple(bids), tuple(asks)
        market.depth = market.depth or Depth()
        if snapshot:
            market.depth.clear()
        market.depth.update(*changed)
        market.book_update_id += 1
        bid, ask = market.depth.best(-1), market.depth.best(1)
        if market.last_ticks == 0 and bid and ask:
            market.last_ticks = bid
            self._keep_bars(market, bid)
            self.set_marks({symbol: ((bid + ask) // 2, (bid + ask) // 2)})
        matching.meet_book(self.floor, symbol)
        now, last = self.floor.now(), market.book_update_id
        if self.floor.listeners:
            self.floor.publish(BookChanged(now, symbol, last, last, last - 1, *changed, snapshot=snapshot))

    def print_trade(self, symbol: str, px_ticks: int, lots: int, taker_side: int) -> None:
        """A recorded public trade: the last price is its price, the mark the middle of the book."""
        market, now = self.floor.markets[symbol], self.floor.now()
        self._keep_bars(market, px_ticks)
        market.last_ticks = px_ticks
        market.extend_bar(px_ticks, lots)
        trade = market.print_trade(now, px_ticks, lots, taker_side)
        if self.floor.is_matching(symbol):
            matching.meet_trade(self.floor, symbol, px_ticks, lots)
            matching.trigger_reached(self.floor, symbol, TriggerBy.LAST)
        if market.depth is not None:
            mark = (market.depth.best(-1) + market.depth.best(1)) // 2 or px_ticks
            self.set_marks({symbol: (mark, mark)})
        if self.floor.listeners:
            self.floor.publish(trade)
            self.floor.publish(market.point(now))
            self._announce_bars(market, closing=False)

    # ---------------------------------------------------------------- funding
    def plan_funding(
        self, symbol: str, settlements: Sequence[tuple[int, int, int]], *, from_ms: int | None = None
    ) -> None:
        """Charge these (when, rate in 1e-8, interval) in time, ascending; those before ``from_ms`` are past.

        After the last of them nothing is charged until somebody sets a rate.
        """
        market = self.floor.markets[symbol]
        market.planned.clear()
        market.planned.extend(settlements)
        self._next_funding(market, self.floor.now() if from_ms is None else from_ms)

    def set_funding(self, symbol: str, *, rate_e8: int | None = None, interval_ms: int | None = None) -> None:
        """The venue changes the rate of the next charge, or how often it charges (which ends a recorded plan)."""
        market, now = self.floor.markets[symbol], self.floor.now()
        if interval_ms is not None:
            market.planned.clear()
            market.is_planned = False
            market.funding_interval_ms = interval_ms
            market.next_funding_ms = (now // interval_ms + 1) * interval_ms
        if rate_e8 is not None:
            market.funding_rate_e8 = rate_e8
        self.floor.publish(market.funding(now))

    def charge_due(self, until_ms: int) -> None:
        """Charge every settlement that falls due before a moment, in order of time."""
        while True:
            due = [m for m in self.floor.markets.values() if 0 < m.next_funding_ms < until_ms]
            if not due:
                return
            for market in due:
                self._skip_charges_of_nothing(market, until_ms)
            self._charge(min(due, key=lambda market: market.next_funding_ms))

    @staticmethod
    def _skip_charges_of_nothing(market: MarketState, until_ms: int) -> None:
        # A clock may leap over years before anybody sets a rate.
        if market.funding_rate_e8 == 0 and not market.is_planned:
            interval = market.funding_interval_ms
            market.next_funding_ms = max(market.next_funding_ms, (until_ms - 1) // interval * interval)

    def _charge(self, market: MarketState) -> None:
        when, rate = market.next_funding_ms, market.funding_rate_e8
        if self.floor.listings[market.symbol].trading is not Trading.CLOSED:
            booking.charge_funding(self.floor, market.symbol, rate, when)
        settled = FundingChanged(
            self.floor.now(), market.symbol, rate, when, market.funding_interval_ms, settled=True
        )
        market.settlements.append(settled)
        self.floor.publish(settled)
        self._next_funding(market, when + 1)
        self.floor.publish(market.funding(self.floor.now()))

    def _next_funding(self, market: MarketState, from_ms: int) -> None:
        was_planned = bool(market.planned) or market.is_planned
        while market.planned and market.planned[0][0] < from_ms:
            market.planned.popleft()
        market.is_planned = bool(market.planned)
        if market.planned:
            when, rate, interval = market.planned.popleft()
            market.next_funding_ms, market.funding_rate_e8 = when, rate
            market.funding_interval_ms = interval
        else:
            if was_planned:
                market.funding_rate_e8 = 0
            interval = market.funding_interval_ms
            market.next_funding_ms = -(-from_ms // interval) * interval

    # ---------------------------------------------------------------- the venue's own acts
    def change_listing(self, symbol: str, **changes: Any) -> Listing:
        """Change fields of a listing, or of its instrument (``min_lots``, ``tiers``, …), while it trades.

        A new ``tick`` or ``lot`` is a step in which orders are taken from now on; what rests and is held stays.

        Raises
        ------
        ConfigError
            If a new step is no whole multiple of what the exchange counts in: list the instrument with a finer one.
        """
        listing = self.floor.listings[symbol]
        for name in ("tick", "lot"):
            if name in changes:
                changes[f"{name}_step"] = _step(listing, name, changes.pop(name))
        own = {one.name for one in fields(listing)} - {"instrument"}
        contract = {name: value for name, value in changes.items() if name not in own}
        if contract:
            listing.instrument = replace(listing.instrument, **contract)
        for name in own & changes.keys():
            setattr(listing, name, changes[name])
        if "funding_interval_ms" in changes:
            self.set_funding(symbol, interval_ms=changes["funding_interval_ms"])
        self.floor.listing_changed(symbol)
        return listing

    def halt(self, symbol: str, trading: Trading) -> None:
        """Set what the venue lets one do; orders keep resting. Opening again matches what waited."""
        before = self.floor.listings[symbol].trading
        self.change_listing(symbol, trading=trading)
        market = self.floor.markets[symbol]
        if trading is Trading.OPEN and before is not Trading.OPEN and not market.held and market.last_ticks:
            matching.jump(self.floor, symbol, market.last_ticks)

    def delist(self, symbol: str, px_ticks: int | None = None) -> None:
        """Settle every position at a price (by default the mark), end every order, and close the instrument."""
        market = self.floor.markets[symbol]
        force.deliver(self.floor, symbol, market.mark_ticks if px_ticks is None else px_ticks)
        self.change_listing(symbol, trading=Trading.CLOSED)

    def deleverage(
        self,
        account: Account,
        symbol: str,
        leg: Leg = Leg.NET,
        *,
        lots: int | None = None,
        px_ticks: int | None = None,
    ) -> Order | None:
        """Auto-deleverage a leg: close (part of) it at a price, by default the mark, without a fee."""
        return force.deleverage(self.floor, account, symbol, leg, lots, px_ticks)

    def liquidate(
        self, account: Account, symbol: str, leg: Leg = Leg.NET, *, lots: int | None = None
    ) -> None:
        """Liquidate (part of) a leg at the mark, whatever its margin."""
        position = account.leg(symbol, leg)
        if position.lots:
            force.liquidate(self.floor, account, position, self.floor.markets[symbol].mark_ticks, lots)


def _step(listing: Listing, name: str, value: Decimal) -> int:
    unit: Decimal = getattr(listing.instrument, name)
    step = value / unit
    if step < 1 or step != step.to_integral_value():
        raise ConfigError(
            f"{listing.symbol}: the {name} can't become {value}",
            why=f"the exchange counts in {unit}",
            hint=f"list the instrument with a finer {name}, and {name}_step above 1",
        )
    return int(step)
