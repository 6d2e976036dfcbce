"""A small venue to trade at: one instrument at 0.1 a tick and 0.001 a lot, so a tick of a lot is 10 000 atoms."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument, MarginTier
from mastertrading.domain.market import MINUTE_MS, Market, Settlements
from mastertrading.domain.orders import BUY, SELL, OrderKind, TimeInForce, TriggerBy
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.events import OrderChanged
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Leg, NewOrder, Watch
from mastertrading.simulator.venue_rules import MatchingRules

SYMBOL = "BTCUSDT"
ATOMS = 10_000
START_MS = 1_700_000_040_000
INSTRUMENT = Instrument(
    SYMBOL,
    Decimal("0.1"),
    Decimal("0.001"),
    Decimal(5),
    tiers=(MarginTier(Decimal(0), Decimal("0.01")), MarginTier(Decimal(50_000), Decimal("0.02"))),
)
FREE = {"taker_e8": 0, "maker_e8": 0, "slippage_e8": 0, "liquidation_e8": 0}


class Desk:
    """An exchange, one account on it, and short words for what tests do."""

    def __init__(self, px=100_000, *, rules=None, hedged=False, units=10_000, insurance=None, **listing):
        self.clock = VirtualClock(START_MS)
        words = {} if insurance is None else {"insurance_atoms": insurance}
        self.exchange = Exchange(
            [Listing(INSTRUMENT, **listing)], self.clock, rules=rules or MatchingRules(), **words
        )
        self.me = self.exchange.open_account("me", hedged=hedged, deposit_atoms=units * ATOMS_PER_UNIT)
        self.market, self.listing = self.exchange.markets[SYMBOL], self.exchange.listings[SYMBOL]
        self.events = []
        self.exchange.subscribe(self.events.append)
        if px:
            self.exchange.move(SYMBOL, px)

    def place(self, side, lots, kind=OrderKind.MARKET, account=None, **words):
        return self.exchange.place(account or self.me, NewOrder(SYMBOL, side, kind, lots, **words))

    def market_order(self, side, lots, **words):
        return self.place(side, lots, **words)

    def limit(self, side, lots, px, tif=TimeInForce.GTC, **words):
        return self.place(side, lots, OrderKind.LIMIT, limit_ticks=px, time_in_force=tif, **words)

    def stop(self, side, px, lots=0, by=TriggerBy.LAST, **words):
        """A protective stop-market: it closes the position where no size is said."""
        closes = lots == 0
        watch = Watch(px, above=side > 0, by=by)
        words = {"reduce_only": True} | words
        return self.place(side, lots, watch=watch, close_position=closes, conditional=True, **words)

    def target(self, side, px, lots, **words):
        watch = Watch(px, above=side < 0)
        return self.place(side, lots, watch=watch, reduce_only=True, conditional=True, **words)

    def move(self, *prices, **words):
        for px in prices:
            self.exchange.move(SYMBOL, px, **words)

    def bar(self, begin, high, low, end, *, volume=4_000, low_first=False):
        """One whole bar from its open to its close."""
        self.open(begin, volume=volume)
        ways = ((low, -1), (high, 1)) if low_first else ((high, 1), (low, -1))
        for px, way in ways:
            self.exchange.travel(SYMBOL, px, way)
        self.exchange.travel(SYMBOL, end, liquidates=False)
        self.exchange.set_marks({SYMBOL: (end, end)})
        self.exchange.close_bar(SYMBOL)

    def open(self, px, *, volume=4_000):
        now = self.clock.now_ms()
        self.clock.set_ms((now // MINUTE_MS + 1) * MINUTE_MS)
        self.exchange.open_bar(SYMBOL, px, volume_lots=volume)

    def hold(self):
        """The present bar closes: the market is held."""
        self.exchange.close_bar(SYMBOL)

    @property
    def lots(self):
        return self.exchange.position(self.me, SYMBOL).lots

    @property
    def fills(self):
        return [(e.lots, e.px_ticks) for e in self.me.executions]

    def news(self, order):
        return [e.news for e in self.events if isinstance(e, OrderChanged) and e.order.number == order.number]

    def balanced(self):
        books = self.exchange.books()
        assert books.total == 0
        assert self.me.wallet_atoms == sum(i.atoms for i in self.me.incomes)
        return books


def panel(bars, *, instruments=(INSTRUMENT,), settlements=(), mark=None, valid=None, start_ms=START_MS):
    """A market of given bars (open, high, low, close, volume), the same for every instrument."""
    columns = np.repeat(np.array(bars, dtype=float)[:, None, :], len(instruments), axis=1)
    ts_ms = start_ms + MINUTE_MS * np.arange(len(bars), dtype=np.int64)
    rows = np.array(settlements or np.zeros((0, 3)), dtype=float).reshape(-1, 3)
    paid = Settlements(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2].astype(np.int64))
    return Market(
        instruments=instruments,
        base_ms=MINUTE_MS,
        ts_ms=ts_ms,
        open=columns[..., 0],
        high=columns[..., 1],
        low=columns[..., 2],
        close=columns[..., 3],
        volume=columns[..., 4],
        valid=np.ones(columns.shape[:2], bool) if valid is None else np.array(valid, bool)[:, None],
        settlements=tuple(paid for _ in instruments),
        primer=(),
        data_id="made",
        grade="A",
        mark_close=None if mark is None else np.array(mark, dtype=float)[:, None],
    )


def renamed(symbol):
    """The same contract under another name."""
    return replace(INSTRUMENT, symbol=symbol)


__all__ = ["BUY", "SELL", "Desk", "Leg", "TimeInForce", "TriggerBy", "panel", "renamed"]
