"""A trader on a paper account whose prices, replies and reads a test decides."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import numpy as np

from mastertrading.domain.commands import Outcome, Reply
from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.facts import AccountName, OperatorCommand, RunFacts
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Purpose
from mastertrading.domain.orders import OrderKind
from mastertrading.exchange.binance import BinanceGateway
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.journal.memory import memory_journal
from mastertrading.live.sending import PURPOSE_OF_LETTER
from mastertrading.live.trader import Trader
from mastertrading.settings.schema import Settings
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.orders import NewOrder, Watch
from mastertrading.simulator.paper import PaperGateway
from mastertrading.simulator.virtual_time import run_virtual

BTC, ETH = "BTCUSDT", "ETHUSDT"
T0 = 1_748_736_030_000
PX = 650_000
STOP, TARGET = PX - 10_000, PX + 20_000
MINUTE_MS = 60_000
STEP = {"tick": Decimal("0.1"), "lot": Decimal("0.001"), "min_notional": Decimal(5)}
INSTRUMENTS = (Instrument(BTC, **STEP), Instrument(ETH, **STEP))


def settings(**live):
    """The defaults with some of [live] changed."""
    return Settings(live=live)


class Spoilt:
    """A gateway between the trader and the paper venue that loses replies, refuses, lies and goes away."""

    def __init__(self, inner):
        self.inner = inner
        self.lost: dict[Purpose, int] = {}
        self.swallowed: dict[Purpose, int] = {}
        self.refused: dict[Purpose, list] = {}
        self.hidden_positions = self.hidden_orders = self.down = False
        self.found_nothing = self.no_fills = self.no_answer = False
        self.clock_error_ms = 0.0
        self.synced = 0
        self.wallet_off = Decimal(0)
        self.sent: list = []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def now_ms(self):
        return self.inner.now_ms()

    async def sync_clock(self):
        self.synced += 1

    def _read(self):
        if self.down:
            raise ExchangeUnavailable("the venue does not answer")

    async def positions(self):
        self._read()
        return () if self.hidden_positions else await self.inner.positions()

    async def open_orders(self, symbol=None):
        self._read()
        return () if self.hidden_orders else await self.inner.open_orders(symbol)

    async def balance(self):
        self._read()
        told = await self.inner.balance()
        return replace(told, wallet=told.wallet + self.wallet_off)

    async def fills(self, symbol, since_ms):
        self._read()
        return () if self.no_fills else await self.inner.fills(symbol, since_ms)

    async def payments(self, since_ms):
        self._read()
        return await self.inner.payments(since_ms)

    async def find_order(self, symbol, client_id):
        self._read()
        if self.no_answer:
            raise ExchangeUnavailable("the venue does not answer")
        return None if self.found_nothing else await self.inner.find_order(symbol, client_id)

    async def place(self, request):
        purpose = PURPOSE_OF_LETTER[request.client_id[2]]
        self.sent.append((purpose, request))
        if self.down:
            return Reply(Outcome.REFUSED, refusal="not_sent")
        if self.refused.get(purpose):
            return Reply(Outcome.REFUSED, refusal=self.refused[purpose].pop(0), code="-1")
        if self.swallowed.get(purpose, 0) > 0:
            self.swallowed[purpose] -= 1
            return Reply(Outcome.UNKNOWN)
        reply = await self.inner.place(request)
        if self.lost.get(purpose, 0) > 0:
            self.lost[purpose] -= 1
            return Reply(Outcome.UNKNOWN)
        return reply

    async def cancel(self, order):
        self.sent.append((Purpose.CANCEL, order))
        if self.down:
            return Reply(Outcome.REFUSED, refusal="not_sent")
        return await self.inner.cancel(order)

    def count(self, purpose):
        """How many orders of a purpose left."""
        return sum(1 for one, _ in self.sent if one is purpose)


class Bench:
    """The account, and what a test does to it."""

    def __init__(self, options=None, folder=None, deposit=100_000, mode="live"):
        self.settings, self.folder = options or settings(), folder
        self.clock = VirtualClock(T0)
        self.exchange = Exchange([Listing(one) for one in INSTRUMENTS], self.clock)
        for symbol in (BTC, ETH):
            self.exchange.move(symbol, PX)
        self.account = self.exchange.open_account("me", deposit_atoms=deposit * 10**8)
        self.account.leverage.update({BTC: 20, ETH: 20})
        self.gateway = Spoilt(PaperGateway(self.exchange, self.account))
        self.name = AccountName("paper", mode, "me")
        self.journal = memory_journal(self.name)
        self.clock.advance(0.001)
        self.journal.acquire("test", self.clock.now_ms(), 10**12)
        self.journal.begin_run(RunFacts("code", "config", self.clock.now_ms()))

    def play(self, story):
        """Begin, and run a story on virtual time."""

        async def whole():
            await self.restart()
            return await story(self)

        return run_virtual(whole(), self.clock)

    async def restart(self):
        """Another process: it knows the journal and the folder alone."""
        ear = SimpleNamespace(base_ms=MINUTE_MS, hours=SimpleNamespace(returns=np.zeros((0, 2))))
        self.trader = Trader(
            self.settings, INSTRUMENTS, self.name, self.gateway, self.journal, ear, folder=self.folder
        )
        await self.trader.begin()
        await self.trader.settle()

    # ------------------------------------------------------------ what the engine wants
    def wish(self, lots, symbol=BTC, stop=STOP, target=0):
        """The decision of a bar that closed now."""
        trader, now_ms = self.trader, self.clock.now_ms()
        order = trader.mind.order_of(symbol)
        order.entry_lots, order.entry_stop_ticks, order.entry_target_ticks = lots, stop, target
        trader.decided.bar_ms, trader.decided.opened = now_ms, {BTC, ETH}
        trader.permission.prices_ms[symbol] = now_ms
        trader.sender.new_bar()

    async def enter(self, lots=10, symbol=BTC, stop=STOP, target=0):
        """Wish and go round."""
        self.wish(lots, symbol, stop, target)
        await self.trader.settle()

    async def run(self, seconds, every=1.0):
        """Time goes by, with a cycle every so often."""
        for _ in range(int(seconds / every)):
            await asyncio.sleep(every)
            await self.trader.settle()

    def ask(self, verb, number=1, **arguments):
        """What a person asks for."""
        self.journal.request(OperatorCommand(f"c{number}", verb, "anna", self.clock.now_ms(), arguments))

    # ------------------------------------------------------------ what somebody else does
    def foreign(self, lots, symbol=BTC):
        """A market order by hand."""
        side = 1 if lots > 0 else -1
        self.exchange.place(self.account, NewOrder(symbol, side, OrderKind.MARKET, abs(lots)))

    def foreign_stop(self, lots, px_ticks, symbol=BTC):
        """A stop by hand; ``lots`` of the position that it protects."""
        side = -1 if lots > 0 else 1
        watch = Watch(px_ticks, side > 0)
        new = NewOrder(
            symbol, side, OrderKind.MARKET, abs(lots), watch=watch, reduce_only=True, conditional=True
        )
        return self.exchange.place(self.account, new)

    # ------------------------------------------------------------ what there is
    def lots(self, symbol=BTC):
        """The position at the venue."""
        return self.exchange.position(self.account, symbol).lots

    def book(self, symbol=BTC):
        """The position in our books."""
        return int(self.trader.mind.position_of(symbol).lots)

    def stops(self, symbol=BTC):
        """Resting triggers: (side, lots, ticks)."""
        orders = self.exchange.open_orders(self.account, symbol)
        return [(one.new.order_side, one.open_lots, one.watch.ticks) for one in orders if one.watch]

    def limits(self, symbol=BTC):
        """Resting limits: (side, lots, ticks)."""
        orders = self.exchange.open_orders(self.account, symbol)
        return [(one.new.order_side, one.open_lots, one.limit_ticks) for one in orders if not one.watch]

    def kinds(self):
        """Kinds of what people were told."""
        return [one.kind for one in self.journal.incidents()]

    def reasons(self):
        """Why each fill happened."""
        return [self.trader.recorder.reason_of(fill).name.lower() for fill in self.journal.fills()]

    def commands(self, purpose, symbol=BTC):
        """Commands of a purpose, oldest first."""
        every = self.journal.store.tables["commands"].values()
        return [one for one in every if one.intent.purpose is purpose and one.intent.symbol == symbol]


class OnTheWire(Bench):
    """The same on a venue's own protocol, through ccxt, where the faults of the catalogue can happen."""

    def __init__(self, venue, options=None, folder=None):
        super().__init__(options, folder)
        self.venue = venue
        self.local = LocalExchange([Listing(one) for one in INSTRUMENTS], venues=(venue,), clock=self.clock)
        self.local.open_account(deposit=100_000)
        self.exchange, self.account = self.local.exchange(), self.local.account()
        for one in INSTRUMENTS:
            self.exchange.move(one.symbol, PX)
        self.account.leverage.update({one.symbol: 20 for one in INSTRUMENTS})
        self.clock.advance(0.001)

    def play(self, story):
        """The same, and the session is closed."""

        async def whole(bench):
            try:
                return await story(bench)
            finally:
                await bench.gateway.close()

        return super().play(whole)

    async def restart(self):
        """Another process, with a connection of its own."""
        keys = self.local.keys()
        own = str(uid_of(self.account)) if self.venue == "bybit_linear" else "me"
        kind = BybitGateway if self.venue == "bybit_linear" else BinanceGateway
        gateway = kind(
            Permit(site_of(self.venue, Mode.LIVE), "me", own, True),
            self.clock,
            keys=Keys(keys["apiKey"], keys["secret"]),
            session=self.local.session(),
        )
        await gateway.start()
        self.gateway = Spoilt(gateway)
        await super().restart()
