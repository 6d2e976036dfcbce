"""Lost replies: nothing is added while one is unknown, protection goes on, and absence is proved."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mastertrading.domain.commands import Refusal
from mastertrading.domain.intents import CommandState, Purpose
from unit.live.bench import BTC, ETH, PX, STOP, TARGET, Bench


def test_an_entry_whose_reply_was_lost_is_found_booked_and_protected_and_not_sent_again():
    async def story(bench):
        bench.gateway.lost[Purpose.ENTRY] = 1
        await bench.enter(10)
        await bench.run(5)

    bench = Bench()
    bench.play(story)
    assert bench.gateway.count(Purpose.ENTRY) == 1
    assert (bench.lots(), bench.book()) == (10, 10)
    assert bench.stops() == [(-1, 10, STOP)]


def test_an_entry_that_never_came_is_absent_only_after_its_deadline_and_is_not_sent_again():
    async def story(bench):
        bench.gateway.swallowed[Purpose.ENTRY] = 1
        await bench.enter(10)
        await bench.run(30)
        before = bench.commands(Purpose.ENTRY)[0].state
        await bench.run(15)
        return before

    bench = Bench()
    assert bench.play(story) is CommandState.UNKNOWN
    (entry,) = bench.commands(Purpose.ENTRY)
    assert entry.state is CommandState.ABSENT
    assert bench.gateway.count(Purpose.ENTRY) == 1


def test_nothing_is_entered_on_an_instrument_whose_command_is_unknown_and_others_go_on():
    async def story(bench):
        bench.gateway.swallowed[Purpose.ENTRY] = 1
        await bench.enter(10)
        await bench.run(3)
        await bench.enter(7)
        await bench.enter(5, ETH)
        await bench.run(3)

    bench = Bench()
    bench.play(story)
    assert bench.gateway.count(Purpose.ENTRY) == 2
    assert (bench.lots(BTC), bench.lots(ETH)) == (0, 5)


def test_absence_is_not_proved_by_failed_reads():
    async def story(bench):
        bench.gateway.swallowed[Purpose.ENTRY] = 1
        await bench.enter(10)
        bench.gateway.down = True
        await bench.run(120, every=5)

    bench = Bench()
    bench.play(story)
    assert bench.commands(Purpose.ENTRY)[0].state is CommandState.UNKNOWN


def test_the_risk_of_an_unknown_entry_is_reserved():
    async def story(bench):
        bench.gateway.swallowed[Purpose.ENTRY] = 1
        await bench.enter(-10)
        return bench.trader._reserved()

    assert Bench().play(story) == {0: -10}


@pytest.mark.parametrize("how", ["swallowed", "lost"])
def test_a_stop_whose_reply_is_lost_rests_within_a_few_seconds_and_once(how):
    async def story(bench):
        getattr(bench.gateway, how)[Purpose.STOP] = 1
        await bench.enter(10)
        await bench.run(6)

    bench = Bench()
    bench.play(story)
    assert bench.stops() == [(-1, 10, STOP)]
    attempts = [one.intent.attempt for one in bench.commands(Purpose.STOP)]
    assert attempts == ([0, 1] if how == "swallowed" else [0])


def test_a_stop_that_cannot_be_placed_closes_the_position():
    async def story(bench):
        bench.gateway.refused[Purpose.STOP] = [Refusal.PRICE_BAND] * 50
        await bench.enter(10)
        await bench.run(20)

    bench = Bench()
    bench.play(story)
    assert (bench.lots(), bench.book()) == (0, 0)
    assert 4 <= bench.gateway.count(Purpose.STOP) <= 6
    assert bench.reasons() == ["entry", "emergency"]


def test_tries_of_a_stop_are_one_two_and_four_seconds_apart():
    async def story(bench):
        bench.gateway.refused[Purpose.STOP] = [Refusal.PRICE_BAND] * 50
        await bench.enter(10)
        await bench.run(20, every=0.25)

    bench = Bench()
    bench.play(story)
    sent = [one.sent_ms for one in bench.commands(Purpose.STOP)]
    assert [round((b - a) / 1000) for a, b in pairwise(sent)][:3] == [1, 2, 4]


def test_a_stop_that_would_trigger_closes_the_position_at_market():
    async def story(bench):
        bench.gateway.refused[Purpose.STOP] = [Refusal.WOULD_TRIGGER]
        await bench.enter(10)
        await bench.run(2)

    bench = Bench()
    bench.play(story)
    assert bench.lots() == 0
    assert bench.reasons() == ["entry", "stop"]
    (_, request) = next(one for one in bench.gateway.sent if one[0] is Purpose.EXIT)
    assert request.reduce_only


def test_take_profits_that_are_in_the_way_of_the_stop_go_first():
    async def story(bench):
        await bench.enter(10, target=TARGET)
        assert bench.limits() == [(-1, 10, TARGET)]
        order = bench.trader.mind.order_of(BTC)
        order.stop_ticks = STOP + 3_000
        bench.gateway.refused[Purpose.STOP] = [Refusal.REDUCE_ONLY]
        await bench.trader.settle()
        await bench.run(3)

    bench = Bench()
    bench.play(story)
    kinds = [one for one, _ in bench.gateway.sent]
    first = [i for i, one in enumerate(kinds) if one is Purpose.STOP][1]
    assert kinds[first + 1 : first + 3] == [Purpose.CANCEL, Purpose.STOP]
    assert bench.stops() == [(-1, 10, STOP + 3_000)]
    assert bench.limits() == [(-1, 10, TARGET)]


def test_an_exit_that_fails_again_and_again_is_an_emergency_of_that_instrument():
    async def story(bench):
        await bench.enter(10)
        await bench.enter(5, ETH)
        bench.gateway.refused[Purpose.EXIT] = [Refusal.PRICE_BAND] * 50
        bench.trader.mind.order_of(BTC).exit_reason = 7
        await bench.run(12)

    bench = Bench()
    bench.play(story)
    assert (bench.lots(BTC), bench.lots(ETH)) == (0, 5)
    assert bench.reasons()[-1] == "emergency"
    assert set(bench.journal.latches()) == {f"emergency:{BTC}"}


def test_an_outage_is_no_failure_of_the_stop():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.down = True
        bench.trader.mind.order_of(BTC).stop_ticks = PX - 5_000
        await bench.run(60)
        bench.gateway.down = False
        await bench.run(3)

    bench = Bench()
    bench.play(story)
    assert bench.lots() == 10
    assert bench.stops() == [(-1, 10, PX - 5_000)]


def test_a_target_that_old_answers_do_not_show_is_neither_given_up_nor_sent_again():
    async def story(bench):
        shown = bench.gateway.open_orders

        async def without_limits(symbol=None):
            return tuple(order for order in await shown(symbol) if order.limit_px is None)

        bench.gateway.open_orders, bench.gateway.found_nothing = without_limits, True
        await bench.enter(10, target=TARGET)
        await bench.run(15)  # as old as reads have been seen
        bench.gateway.open_orders, bench.gateway.found_nothing = shown, False
        await bench.run(5)

    bench = Bench()
    bench.play(story)
    (target,) = bench.commands(Purpose.TARGET)
    assert target.state is CommandState.WORKING
