"""A scene by hand: an exchange, an account and a journal that a test breaks on purpose."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from mastertrading.app.campaign.invariants import Scene
from mastertrading.app.campaign.market import BEGIN_MS, instrument
from mastertrading.app.campaign.witness import Sent, Wire
from mastertrading.domain.facts import AccountName, RunFacts
from mastertrading.domain.intents import CommandState, Intent, Purpose, Transition, client_id_of
from mastertrading.domain.orders import Fill, OrderKind
from mastertrading.journal.memory import memory_journal
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.faults.plan import Plan
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import NewOrder, Watch

SYMBOL = "BTCUSDT"
PX = 650_000
LOTS = 10


class Hand:
    """One checker and everything that it looks at."""

    def __init__(self, checker):
        self.clock = VirtualClock(BEGIN_MS)
        self.exchange = Exchange([Listing(instrument(SYMBOL))], self.clock)
        self.account = self.exchange.open_account("me", deposit_atoms=10**13)
        self.exchange.move(SYMBOL, PX)
        self.journal = memory_journal(AccountName("paper", "live", "me"))
        self.journal.acquire("test", BEGIN_MS, 10**12)
        self.journal.begin_run(RunFacts("code", "config", BEGIN_MS))
        self.journal.define(instrument(SYMBOL), at_ms=BEGIN_MS)
        self.wire = Wire(Plan(), self.clock.now_ms)
        self.scene = Scene(self.exchange, self.account, self.journal, self.wire)
        self.checker = checker(self.scene)
        self.exchange.subscribe(self.checker.on_event)
        self.wire.on_sent.append(self.checker.on_sent)
        self._count = 0

    @property
    def found(self):
        return [one.invariant for one in self.checker.found]

    def pass_s(self, seconds, step=5):
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.checker.on_cycle()

    def name(self, purpose):
        self._count += 1
        return client_id_of("me", SYMBOL, purpose, BEGIN_MS, self._count)

    def written(
        self, purpose, *, lots=LOTS, side=1, bar_ms=None, name="", states=(CommandState.SENT,), **more
    ):
        """An intent in the journal, as far as it has come; its client id."""
        name = name or self.name(purpose)
        intent = Intent(
            name, SYMBOL, purpose, bar_ms or BEGIN_MS + 60_000 * self._count, order_side=side, lots=lots,
            qty=Decimal(lots) / 1000, **more,
        )  # fmt: skip
        self.journal.prepare(intent, at_ms=self.clock.now_ms())
        for state in states:
            self.journal.mark(
                Transition(name, state, self.clock.now_ms(), deadline_ms=self.clock.now_ms() + 36_000)
            )
        return name

    def place(self, name, side=1, lots=LOTS, **more):
        return self.exchange.place(
            self.account, NewOrder(SYMBOL, side, OrderKind.MARKET, lots, client_id=name, **more)
        )

    def enter(self, side=1, lots=LOTS):
        return self.place(self.written(Purpose.ENTRY, side=side, lots=lots), side, lots)

    def stop(self, side=1, lots=LOTS, ticks=PX - 3_000, name=""):
        name = name or self.written(Purpose.STOP, side=-side, lots=lots)
        watch = Watch(ticks, above=side < 0)
        return self.place(name, -side, lots, watch=watch, reduce_only=True, conditional=True)

    def leaves(self, name, *tags):
        self.clock.advance(0.1)
        self.wire._note(Sent(self.clock.now_ms(), frozenset(tags or {"place"}), name, True))

    def book(self):
        """Tell the journal every fill of the exchange."""
        for done in self.account.executions:
            listing = self.exchange.listings[SYMBOL]
            name = self.scene.name_of(self.account.orders[done.order])
            self.journal.book_fill(
                Fill(
                    str(done.number), str(done.order), name, SYMBOL, done.order_side, abs(listing.qty(done.lots)),
                    listing.px(done.px_ticks), Decimal(done.fee_atoms) / 10**8, "USDT", False, done.ts_ms,
                ),
                at_ms=self.clock.now_ms(),
            )  # fmt: skip

    def fill(self, **changes):
        done = self.account.executions[-1]
        listing = self.exchange.listings[SYMBOL]
        fill = Fill(
            str(done.number), str(done.order), "", SYMBOL, done.order_side, abs(listing.qty(done.lots)),
            listing.px(done.px_ticks), Decimal(done.fee_atoms) / 10**8, "USDT", False, done.ts_ms,
        )  # fmt: skip
        self.journal.book_fill(replace(fill, **changes), at_ms=self.clock.now_ms())
