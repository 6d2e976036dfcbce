"""Stops that come with an entry: known by their parent, kept, replaced, and their fills booked as a stop's."""

from __future__ import annotations

from mastertrading.domain.intents import CommandState, Purpose
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from unit.live.bench import BTC, INSTRUMENTS, PX, STOP, Bench, Spoilt


class Bybit(Bench):
    """The same on Bybit's protocol, through ccxt."""

    def __init__(self, options=None, folder=None):
        super().__init__(options, folder)
        self.local = LocalExchange(
            [Listing(one) for one in INSTRUMENTS], venues=("bybit_linear",), clock=self.clock
        )
        self.local.open_account(deposit=100_000)
        self.exchange, self.account = self.local.exchange(), self.local.account()
        for one in INSTRUMENTS:
            self.exchange.move(one.symbol, PX)
        self.account.leverage.update({one.symbol: 20 for one in INSTRUMENTS})

    def play(self, story):
        async def whole(bench):
            return await story(bench)

        return super().play(whole)

    async def restart(self):
        keys = self.local.keys()
        permit = Permit(site_of("bybit_linear", Mode.LIVE), "me", str(uid_of(self.account)), True)
        gateway = BybitGateway(
            permit, self.clock, keys=Keys(keys["apiKey"], keys["secret"]), session=self.local.session()
        )
        await gateway.start()
        self.gateway = Spoilt(gateway)
        await super().restart()


def closing(story):
    async def whole(bench):
        try:
            return await story(bench)
        finally:
            await bench.gateway.close()

    return whole


def test_a_stop_that_came_with_its_entry_is_enough():
    async def story(bench):
        await bench.enter(10)
        await bench.run(5)

    bench = Bybit()
    bench.play(closing(story))
    assert bench.gateway.count(Purpose.STOP) == 0
    assert bench.stops() == [(-1, 10, STOP)]
    (stop,) = bench.commands(Purpose.STOP)
    assert stop.state is CommandState.WORKING


def test_its_fill_is_a_stops_even_if_it_was_never_seen_resting():
    async def story(bench):
        place = bench.gateway.place

        async def then_falls(request):
            reply = await place(request)
            bench.exchange.move(BTC, STOP - 100)
            return reply

        bench.gateway.place = then_falls
        bench.wish(10)
        await bench.trader.settle()
        await bench.run(10)

    bench = Bybit()
    bench.play(closing(story))
    assert (bench.lots(), bench.book()) == (0, 0)
    assert bench.reasons() == ["entry", "stop"]
    (trade,) = bench.journal.trades()
    assert trade.close_reason == "stop"


def test_it_is_replaced_by_one_of_our_own_when_the_stop_moves():
    async def story(bench):
        await bench.enter(10)
        bench.trader.mind.order_of(BTC).stop_ticks = STOP + 4_000
        await bench.run(5)

    bench = Bybit()
    bench.play(closing(story))
    assert bench.stops() == [(-1, 10, STOP + 4_000)]
    assert [one.state for one in bench.commands(Purpose.STOP)] == [
        CommandState.CANCELLED,
        CommandState.WORKING,
    ]


def test_it_is_absent_together_with_its_entry():
    async def story(bench):
        bench.gateway.swallowed[Purpose.ENTRY] = 1
        await bench.enter(10)
        await bench.run(60)

    bench = Bybit()
    bench.play(closing(story))
    assert [one.state for one in bench.commands(Purpose.STOP)] == [CommandState.ABSENT]
    assert bench.journal.open_commands() == ()


def test_it_survives_a_restart_and_a_lost_reply():
    async def story(bench):
        bench.gateway.lost[Purpose.ENTRY] = 1
        await bench.enter(10)
        await bench.gateway.close()
        await bench.restart()
        await bench.run(5)

    bench = Bybit()
    bench.play(closing(story))
    assert bench.stops() == [(-1, 10, STOP)]
    assert bench.book() == 10
    assert bench.reasons() == ["entry"]
