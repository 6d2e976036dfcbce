"""Paper on a venue's live prices: the account is ours, and each bar is filled as the backtest fills it.

A bar opens at its first price: what the decision wants fills there, and its stop rests before the price goes on. When
the bar has closed its way is gone, extreme by extreme; after each in which something filled the trader looks, as it
would at a venue.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mastertrading.app.bar_inputs import listings_of
from mastertrading.app.trading.past import Past
from mastertrading.domain.feed import Bar
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.ports import Clock, Gateway, Journal
from mastertrading.live.runner import Runner
from mastertrading.live.units import Units
from mastertrading.settings.schema import Settings
from mastertrading.simulator.paper import PaperGateway, open_paper
from mastertrading.simulator.paper_account import count_from, put_back, set_prices

MONEY = "wallet"


class VenueTime:
    """The venue's time as a clock."""

    def __init__(self, clock: Clock, venue: Gateway) -> None:
        self._clock, self._venue = clock, venue

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC, by the venue."""
        return self._venue.now_ms()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep(seconds)


def paper_on(
    venue: Gateway, clock: Clock, settings: Settings, instruments: tuple[Instrument, ...], journal: Journal
) -> PaperGateway:
    """A paper account on a venue's prices, as the journal left it."""
    wallet = journal.balances().get((MONEY, journal.account.currency))
    money = Decimal(repr(settings.account.initial_equity)) if wallet is None else wallet
    base_ms = settings.data.base_minutes * 60_000
    time_ = VenueTime(clock, venue)
    paper = open_paper(listings_of(instruments, settings), time_, money, data=venue, base_ms=base_ms)
    paper.plays = False
    count_from(paper, venue.now_ms())
    for symbol, listing in paper.exchange.listings.items():
        paper.account.leverage[symbol] = min(settings.exchange.leverage, listing.max_leverage)
    if wallet is not None:
        put_back(paper, wallet, journal.trades(), journal.venue_orders())
    return paper


def play_missed(paper: PaperGateway, past: Past, decided_ms: int) -> None:
    """What happened to the account while nobody was there: orders that rested meet the bars that closed since."""
    market = past.market
    units = {one.symbol: Units(one) for one in market.instruments}
    for t in range(len(market.ts_ms)):
        open_ms = int(market.ts_ms[t])
        there = [n for n in range(len(market.instruments)) if market.valid[t, n]]
        bars = [_bar(past, t, n) for n in there]
        if not bars:
            continue
        if 0 < decided_ms <= open_ms:
            paper.play(bars)
        elif t + 1 == len(market.ts_ms) or open_ms + market.base_ms == decided_ms:
            set_prices(paper, {bar.symbol: units[bar.symbol].ticks(bar.close) for bar in bars})


def _bar(past: Past, t: int, n: int) -> Bar:
    market = past.market
    tick = market.instruments[n].tick
    opened, high, low, close = (
        Decimal(repr(float(column[t, n]))).quantize(tick)
        for column in (market.open, market.high, market.low, market.close)
    )
    symbol, open_ms = market.instruments[n].symbol, int(market.ts_ms[t])
    volume = Decimal(repr(float(market.volume[t, n])))
    return Bar(symbol, "", open_ms, opened, high, low, close, volume, True, open_ms + market.base_ms)


class PaperRunner(Runner):
    """A runner that plays each bar on its paper exchange, point by point, before it decides on it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if not isinstance(self.gateway, PaperGateway):
            raise TypeError("a paper runner needs a paper gateway")
        self.paper: PaperGateway = self.gateway
        self._begun: set[str] = set()

    async def open_bar(self, prices: dict[str, int]) -> None:
        """The bar begins at the paper exchange, too; an entry that goes out now fills at its open."""
        happened = self._begin_bar(prices)
        await super().open_bar(prices)
        if happened:
            await self.look()

    def _begin_bar(self, prices: dict[str, int]) -> bool:
        new = {symbol: px for symbol, px in prices.items() if symbol not in self._begun}
        self._begun |= new.keys()
        return bool(new) and self.paper.open_bar(new, self.collector.next_ms)

    async def pass_minute(self, now_ms: int) -> None:
        """The rest of the bar is played; then it is decided on."""
        bars = self.collector.closed()
        if bars:
            units = self.trader.units
            opens = {symbol: units[symbol].ticks(bar.open) for symbol, bar in bars.items()}
            if self._begin_bar(opens):
                await self.look()
            marks = {s: round(px / units[s].instrument.tick) for s, px in self.collector.marks().items()}
            for happened in self.paper.rest_of(list(bars.values()), marks):
                if happened:
                    await self.look()
        self._begun = set()
        await super().pass_minute(now_ms)
