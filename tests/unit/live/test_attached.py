"""Stops that come with an entry: known by their parent, kept, replaced, and their fills booked as a stop's."""

from __future__ import annotations

from mastertrading.domain.intents import CommandState, Purpose
from unit.live.bench import BTC, STOP, OnTheWire


def test_a_stop_that_came_with_its_entry_is_enough():
    async def story(bench):
        await bench.enter(10)
        await bench.run(5)

    bench = OnTheWire("bybit_linear")
    bench.play(story)
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

    bench = OnTheWire("bybit_linear")
    bench.play(story)
    assert (bench.lots(), bench.book()) == (0, 0)
    assert bench.reasons() == ["entry", "stop"]
    (trade,) = bench.journal.trades()
    assert trade.close_reason == "stop"


def test_it_is_replaced_by_one_of_our_own_when_the_stop_moves():
    async def story(bench):
        await bench.enter(10)
        bench.trader.mind.order_of(BTC).stop_ticks = STOP + 4_000
        await bench.run(40)  # so old may an answer be that does not show it

    bench = OnTheWire("bybit_linear")
    bench.play(story)
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

    bench = OnTheWire("bybit_linear")
    bench.play(story)
    assert [one.state for one in bench.commands(Purpose.STOP)] == [CommandState.ABSENT]
    assert bench.journal.open_commands() == ()


def test_it_survives_a_restart_and_a_lost_reply():
    async def story(bench):
        bench.gateway.lost[Purpose.ENTRY] = 1
        await bench.enter(10)
        await bench.gateway.close()
        await bench.restart()
        await bench.run(5)

    bench = OnTheWire("bybit_linear")
    bench.play(story)
    assert bench.stops() == [(-1, 10, STOP)]
    assert bench.book() == 10
    assert bench.reasons() == ["entry"]
