"""The paper venue: a gateway whose orders the local exchange fills, by the backtest's own rule, on bars handed to it.

It is the same door that a venue's gateway is. Where it is given a gateway for its data, prices are that venue's and
only the account is ours; without one, what it knows of the market is what was played on its exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mastertrading.domain.commands import Outcome, Refusal, Reply
from mastertrading.domain.errors import ExchangeUnavailable, SafetyBlocked
from mastertrading.domain.feed import (
    AccountEvent,
    AccountNews,
    Bar,
    Book,
    Funding,
    MarketEvent,
    Settlement,
    StreamGap,
)
from mastertrading.domain.instrument import ATOMS_PER_UNIT, RATE_UNIT, Instrument
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.orders import (
    AccountFacts,
    Balance,
    Fill,
    MarginMode,
    OrderRequest,
    Payment,
    Position,
    Setup,
)
from mastertrading.domain.orders import Order as Told
from mastertrading.domain.ports import Clock, Gateway
from mastertrading.simulator import paper_words as words
from mastertrading.simulator.account import Account
from mastertrading.simulator.events import AccountChanged, BarChanged, Event, FundingChanged, OrderChanged
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing, money
from mastertrading.simulator.market import Row
from mastertrading.simulator.orders import (
    Execution,
    IncomeKind,
    Leg,
    NewOrder,
    No,
    Order,
    Refused,
    Watch,
)
from mastertrading.simulator.tape import OPEN, Point, play_bars, points_of
from mastertrading.simulator.venue_rules import MatchingRules

MOST_BARS = 10**9


class PaperClock:
    """A clock that shows the time of a bar while that bar is played, and else the time that it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bar_ms: int | None = None

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self._clock.now_ms() if self._bar_ms is None else self._bar_ms

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep(seconds)

    def pin(self, ts_ms: int | None) -> None:
        """Show this moment; None: the time that it is."""
        self._bar_ms = ts_ms


def open_paper(
    listings: Sequence[Listing],
    clock: Clock,
    deposit: Decimal,
    *,
    data: Gateway | None = None,
    base_ms: int = MINUTE_MS,
    rules: MatchingRules | None = None,
) -> PaperGateway:
    """A paper account on an exchange of its own."""
    exchange = Exchange(listings, PaperClock(clock), rules=rules)
    for market in exchange.markets.values():
        market.base_ms = base_ms
    account = exchange.open_account("paper", deposit_atoms=int(deposit * ATOMS_PER_UNIT))
    return PaperGateway(exchange, account, data)


class PaperGateway:
    """Implements ``domain.ports.Gateway`` on an exchange of our own.

    Parameters
    ----------
    exchange, account
        What fills, and for whom.
    data
        A venue's gateway, for what is public; None: the exchange's own market.
    """

    venue = "paper"
    attaches_stops = False

    def __init__(self, exchange: Exchange, account: Account, data: Gateway | None = None) -> None:
        self.exchange, self.account, self.data = exchange, account, data
        self.plays = True
        """Whether it plays the bars of its data itself; False: whoever drives it does, point by point."""
        self._market_mail: asyncio.Queue[MarketEvent] | None = None
        self._account_mail: asyncio.Queue[AccountEvent] | None = None
        exchange.subscribe(self._hear)

    # ---------------------------------------------------------------- life
    async def start(self) -> None:
        """Start the source of data, where there is one."""
        if self.data is not None:
            await self.data.start()

    async def close(self) -> None:
        """Close the source of data."""
        if self.data is not None:
            await self.data.close()

    def now_ms(self) -> int:
        """The exchange's clock."""
        return self.exchange.clock.now_ms()

    @property
    def clock_error_ms(self) -> float:
        """The exchange's clock is ours."""
        return 0.0

    async def sync_clock(self) -> None:
        """Nothing to ask."""

    def play(self, bars: Sequence[Bar]) -> None:
        """Play closed bars of one open time: what was ordered before fills now, by the rule of the backtest."""
        rows = {bar.symbol: self._row(bar) for bar in bars if bar.symbol in self.exchange.listings}
        if not rows:
            return
        clock = self.exchange.clock
        pin = clock.pin if isinstance(clock, PaperClock) else lambda ts_ms: None
        try:
            play_bars(self.exchange, rows, self.exchange.markets[next(iter(rows))].base_ms, set_clock=pin)
        finally:
            pin(None)

    def open_bar(self, prices: Mapping[str, int], open_ms: int) -> bool:
        """A bar begins at these prices (ticks): what waited for it fills. True: something happened to the account."""
        base_ms = self.exchange.markets[next(iter(prices))].base_ms
        rows = {symbol: Row(open_ms, px, px, px, px, 0, 0) for symbol, px in prices.items()}
        return self._play(points_of(rows, base_ms)[0])

    def rest_of(self, bars: Sequence[Bar], marks: Mapping[str, int]) -> Iterator[bool]:
        """Play closed bars that were opened before; after each point, whether something happened to the account."""
        rows = {bar.symbol: self._row(bar) for bar in bars}
        base_ms = self.exchange.markets[next(iter(rows))].base_ms
        for point in points_of(rows, base_ms, marks=marks):
            if point.name != OPEN:
                yield self._play(point)

    def _play(self, point: Point) -> bool:
        clock, before = self.exchange.clock, self.exchange.floor.news_count
        pin = clock.pin if isinstance(clock, PaperClock) else lambda ts_ms: None
        pin(point.ts_ms)
        try:
            point.play(self.exchange)
        finally:
            pin(None)
        return self.exchange.floor.news_count != before

    def _row(self, bar: Bar) -> Row:
        listing = self.exchange.listings[bar.symbol]
        try:
            opened, high, low, close = (
                words.ticks_of(listing, px) for px in (bar.open, bar.high, bar.low, bar.close)
            )
        except Refused as refused:
            raise ExchangeUnavailable(
                f"a bar of {bar.symbol} has prices between the ticks", why=str(refused)
            ) from None
        size = listing.instrument.lot * listing.instrument.multiplier
        return Row(bar.ts_ms, opened, high, low, close, int(bar.volume / size), 4)

    # ---------------------------------------------------------------- reads
    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Contract facts."""
        return {symbol: self._listing(symbol).instrument for symbol in symbols}

    async def account_facts(self) -> AccountFacts:
        """A paper account is its owner's."""
        return AccountFacts(self.account.name, True, False, True, self.account.hedged)

    async def balance(self) -> Balance:
        """Money in USDT."""
        ask, me = self.exchange, self.account
        return Balance(
            "USDT",
            wallet=money(me.wallet_atoms),
            equity=money(ask.equity_atoms(me)),
            available=money(ask.available_atoms(me)),
            maintenance_margin=money(ask.maintenance_atoms(me)),
            initial_margin=money(ask.initial_margin_atoms(me)),
            ts_ms=self.now_ms(),
        )

    async def positions(self) -> tuple[Position, ...]:
        """Every position that is not flat."""
        return tuple(
            self._position(symbol, leg) for (symbol, leg), one in self.account.legs.items() if one.lots
        )

    def _position(self, symbol: str, leg: Leg) -> Position:
        listing, market = self._listing(symbol), self.exchange.markets[symbol]
        held = self.exchange.position(self.account, symbol, leg)
        liquidation = self.exchange.liquidation_ticks(self.account, symbol, leg)
        return Position(
            symbol,
            words.qty_of(listing, held.lots),
            held.cost * listing.instrument.tick / abs(held.lots) if held.lots else Decimal(0),
            listing.px(market.mark_ticks),
            money(self.exchange.unrealised_atoms(self.account, symbol, leg)),
            Decimal(self.account.leverage[symbol]),
            self.account.margin_modes.get(symbol, MarginMode.CROSS),
            listing.px(liquidation) if liquidation else None,
            held.updated_ms,
            leg.value,
        )

    async def open_orders(self, symbol: str | None = None) -> tuple[Told, ...]:
        """Orders that may still fill."""
        return tuple(self._order(one) for one in self.exchange.open_orders(self.account, symbol))

    async def find_order(self, symbol: str, client_id: str) -> Told | None:
        """An order by our id."""
        found = self.exchange.find(self.account, symbol, client_id=client_id)
        return None if found is None else self._order(found)

    async def fills(self, symbol: str, since_ms: int) -> tuple[Fill, ...]:
        """Executions from a moment on."""
        return tuple(
            self._fill(one) for one in self.exchange.executions(self.account, symbol, since_ms=since_ms)
        )

    async def explain(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """They tell it themselves."""
        return tuple(fills)

    async def payments(self, since_ms: int) -> tuple[Payment, ...]:
        """Funding and transfers from a moment on."""
        told = self.exchange.income(self.account, since_ms=since_ms)
        return tuple(
            Payment(
                str(one.number),
                words.PAYMENTS[one.kind],
                one.symbol,
                money(-one.atoms if one.kind is IncomeKind.FUNDING else one.atoms),
                "USDT",
                one.ts_ms,
            )
            for one in told
            if one.kind in words.PAYMENTS
        )

    async def bars(self, symbol: str, timeframe: str, since_ms: int, until_ms: int) -> tuple[Bar, ...]:
        """Closed bars."""
        if self.data is not None:
            return await self.data.bars(symbol, timeframe, since_ms, until_ms)
        listing, market = self._listing(symbol), self.exchange.markets[symbol]
        told = market.bars(timeframe, since_ms, until_ms - 1, MOST_BARS)
        return tuple(
            words.bar_of(listing, one) for one in told if one.closed and since_ms <= one.ts_ms < until_ms
        )

    async def funding(self, symbol: str) -> Funding:
        """The next charge."""
        if self.data is not None:
            return await self.data.funding(symbol)
        return words.funding_of(self.exchange.markets[symbol].funding(self.now_ms()))

    async def settlements(self, symbol: str, since_ms: int) -> tuple[Settlement, ...]:
        """Funding that was charged."""
        if self.data is not None:
            return await self.data.settlements(symbol, since_ms)
        self._listing(symbol)
        told = self.exchange.markets[symbol].settlements
        return tuple(
            Settlement(symbol, one.next_ms, Decimal(one.rate_e8) / RATE_UNIT)
            for one in told
            if one.next_ms >= since_ms
        )

    async def book(self, symbol: str, levels: int = 20) -> Book:
        """The best levels."""
        if self.data is not None:
            return await self.data.book(symbol, levels)
        listing = self._listing(symbol)
        bids, asks = self.exchange.markets[symbol].book(levels)
        buyers, sellers = (
            tuple((listing.px(px), words.qty_of(listing, lots)) for px, lots in side) for side in (bids, asks)
        )
        return Book(symbol, buyers, sellers, self.now_ms())

    # ---------------------------------------------------------------- commands
    async def place(self, request: OrderRequest) -> Reply:
        """Place one order. What is ordered after a close waits for the next bar's open."""
        try:
            order = self.exchange.place(self.account, self._new(request))
        except Refused as refused:
            return self._refused(refused)
        return self._reply(Outcome.ACK, order=self._order(order))

    async def cancel(self, order: Told) -> Reply:
        """Cancel one order."""
        by: dict[str, Any] = (
            {"number": int(order.order_id)} if order.order_id else {"client_id": order.client_id}
        )
        try:
            gone = self.exchange.cancel(self.account, order.symbol, **by)
        except Refused as refused:
            return self._refused(refused)
        return self._reply(Outcome.ACK, order=self._order(gone))

    async def set_leverage(self, symbol: str, leverage: int) -> Reply:
        """Set the leverage."""
        return self._set(lambda: self.exchange.set_leverage(self.account, symbol, leverage))

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> Reply:
        """Set the margin mode."""
        return self._set(lambda: self.exchange.set_margin_mode(self.account, symbol, mode))

    async def set_one_way(self) -> Reply:
        """One position an instrument."""
        return self._set(lambda: self.exchange.set_position_mode(self.account, False))

    async def verify_setup(
        self, symbols: Sequence[str], leverage: int, mode: MarginMode, *, change: bool = True
    ) -> tuple[Setup, ...]:
        """Make sure of leverage, margin mode and one-way positions."""
        if change:
            await self.set_one_way()
            for symbol in symbols:
                await self.set_margin_mode(symbol, mode)
                await self.set_leverage(symbol, leverage)
        found = tuple(
            Setup(
                symbol,
                Decimal(self.account.leverage[symbol]),
                self.account.margin_modes.get(symbol, MarginMode.CROSS),
                self.account.hedged,
            )
            for symbol in symbols
        )
        wanted = (Decimal(leverage), mode, False)
        wrong = [one.symbol for one in found if (one.leverage, one.margin_mode, one.hedged) != wanted]
        if wrong:
            raise SafetyBlocked(f"the paper account is not set up as it must be for {', '.join(wrong)}")
        return found

    def _set(self, act: Any) -> Reply:
        try:
            act()
        except Refused as refused:
            if refused.reason is not No.NO_CHANGE:
                return self._refused(refused)
            return self._reply(Outcome.ACK, code=refused.reason.value, detail="it was so already")
        return self._reply(Outcome.ACK)

    def _new(self, request: OrderRequest) -> NewOrder:
        listing = self._listing(request.symbol)
        trigger = request.trigger
        return NewOrder(
            request.symbol,
            request.order_side,
            request.kind,
            0 if request.close_position or request.qty is None else words.lots_of(listing, request.qty),
            words.ticks_of(listing, request.limit_px),
            None
            if trigger is None
            else Watch(words.ticks_of(listing, trigger.px), trigger.above, trigger.by),
            request.time_in_force,
            request.reduce_only,
            request.close_position,
            client_id=request.client_id,
            conditional=trigger is not None,
            stop_ticks=words.ticks_of(listing, request.attached_stop_px),
        )

    def _refused(self, refused: Refused) -> Reply:
        if refused.reason is No.DUPLICATE_ID:
            return self._reply(
                Outcome.UNKNOWN, code=refused.reason.value, detail=str(refused), duplicate=True
            )
        word = words.WORDS.get(refused.reason, Refusal.BAD_REQUEST)
        return self._reply(Outcome.REFUSED, refusal=word, code=refused.reason.value, detail=str(refused))

    def _reply(self, outcome: Outcome, **told: Any) -> Reply:
        now = self.now_ms()
        return Reply(outcome, sent_ms=now, received_ms=now, **told)

    # ---------------------------------------------------------------- streams
    async def market_events(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[MarketEvent]:
        """The venue's feed, each round of closed bars played before it is handed on; or the exchange's own."""
        if self.data is None:
            async for event in self._own_events(symbols, timeframe):
                yield event
            return
        waiting: dict[str, Bar] = {}
        async for event in self.data.market_events(symbols, timeframe):
            if isinstance(event, Funding):
                self._hear_funding(event)
            if not self.plays or not isinstance(event, Bar) or not event.closed:
                yield event
                continue
            if waiting and event.ts_ms > next(iter(waiting.values())).ts_ms:
                for bar in self._played(waiting):
                    yield bar
            waiting[event.symbol] = event
            if len(waiting) == len(symbols):
                for bar in self._played(waiting):
                    yield bar

    def _played(self, waiting: dict[str, Bar]) -> tuple[Bar, ...]:
        bars = tuple(waiting.values())
        waiting.clear()
        self.play(bars)
        return bars

    def _hear_funding(self, told: Funding) -> None:
        market = self.exchange.markets.get(told.symbol)
        if market is None:
            return
        rate_e8 = int((told.rate * RATE_UNIT).to_integral_value())
        if (rate_e8, told.next_ms) != (market.funding_rate_e8, market.next_funding_ms):
            self.exchange.set_funding(told.symbol, rate_e8=rate_e8)
            market.next_funding_ms = told.next_ms

    async def _own_events(self, symbols: Sequence[str], timeframe: str) -> AsyncIterator[MarketEvent]:
        mail: asyncio.Queue[MarketEvent] = asyncio.Queue()
        self._market_mail = mail
        for symbol in symbols:
            self.exchange.markets[symbol].watched.add(timeframe)
        try:
            while True:
                event = await mail.get()
                if not isinstance(event, Bar) or event.timeframe == timeframe:
                    yield event
        finally:
            self._market_mail = None

    async def account_events(self) -> AsyncIterator[AccountEvent]:
        """News of the account."""
        mail: asyncio.Queue[AccountEvent] = asyncio.Queue()
        self._account_mail = mail
        mail.put_nowait(StreamGap("account", "", self.now_ms(), self.now_ms()))
        try:
            while True:
                yield await mail.get()
        finally:
            self._account_mail = None

    def _hear(self, event: Event) -> None:
        if self._account_mail is not None:
            for news in self._news(event):
                self._account_mail.put_nowait(news)
        if self._market_mail is not None and isinstance(event, BarChanged):
            self._market_mail.put_nowait(words.bar_of(self._listing(event.symbol), event))
        elif self._market_mail is not None and isinstance(event, FundingChanged) and not event.settled:
            self._market_mail.put_nowait(words.funding_of(event))

    def _news(self, event: Event) -> list[AccountEvent]:
        if isinstance(event, OrderChanged) and event.order.account == self.account.name:
            fill = [self._fill(event.execution)] if event.execution else []
            return [self._order(event.order), *fill]
        if isinstance(event, AccountChanged) and event.account == self.account.name:
            symbols = [one.symbol for one in event.positions]
            positions = [AccountNews("positions", symbol, event.ts_ms) for symbol in symbols]
            return [*positions, AccountNews("balance", "", event.ts_ms)]
        return []

    def _listing(self, symbol: str) -> Listing:
        if symbol not in self.exchange.listings:
            raise ExchangeUnavailable(f"the paper venue lists no {symbol}")
        return self.exchange.listings[symbol]

    def _order(self, order: Order) -> Told:
        return words.order_of(self._listing(order.symbol), order)

    def _fill(self, one: Execution) -> Fill:
        return words.fill_of(self._listing(one.symbol), one)
