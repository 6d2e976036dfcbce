"""Orders that are not shown, lists that are blind or late, and executions that are told wrongly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from mastertrading.domain.intents import CommandState, Purpose
from mastertrading.domain.orders import Fill
from mastertrading.live.known_fills import KnownFills
from mastertrading.simulator.faults.catalogue import make
from unit.live.bench import BTC, PX, STOP, TARGET, Bench, OnTheWire

ONE = Fill("17", "o1", "", BTC, 1, Decimal("0.01"), Decimal(65000), Decimal("0.3"), "USDT", False, 1_000)


@pytest.mark.parametrize("venue", ["binance_usdm", "bybit_linear"])
def test_where_conditional_orders_are_hidden_one_more_stop_goes_out_and_no_storm(venue):
    async def story(bench):
        now_ms = bench.clock.now_ms()
        bench.local.plan.add(make("X11", seed=1, from_ms=now_ms, until_ms=now_ms + 240_000))
        await bench.enter(10, target=TARGET)
        await bench.run(240, every=5)
        hidden = bench.gateway.count(Purpose.STOP)
        await bench.run(60, every=5)
        return hidden

    bench = OnTheWire(venue)
    assert bench.play(story) <= 3
    assert bench.stops() == [(-1, 10, STOP)]
    assert bench.lots() == bench.book() == 10


def test_a_question_without_an_answer_ends_no_stop():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.hidden_orders = bench.gateway.no_answer = True
        await bench.run(60, every=5)

    bench = Bench()
    bench.play(story)
    assert bench.gateway.count(Purpose.STOP) == 1


def test_what_was_wanted_of_a_position_is_not_wanted_of_one_on_the_other_side():
    async def story(bench):
        await bench.enter(10, target=TARGET)
        bench.gateway.no_fills = True
        bench.foreign(-20)  # short now, and our books are still long
        await bench.run(4)
        return list(bench.gateway.sent)

    bench = Bench()
    sent = [request for purpose, request in bench.play(story) if purpose in (Purpose.TARGET, Purpose.STOP)]
    assert [one.order_side for one in sent] == [-1, -1]


def test_an_order_that_our_books_call_absent_and_that_exists_ends_no_process_and_is_replaced():
    async def story(bench):
        await bench.enter(10)
        (stop,) = bench.commands(Purpose.STOP)
        table = bench.journal.store.tables["commands"]
        table[stop.client_id] = replace(table[stop.client_id], state=CommandState.ABSENT)
        bench.journal.store.tables["open_commands"].pop(stop.client_id)
        await bench.run(5)
        return stop.client_id

    bench = Bench()
    name = bench.play(story)
    assert "appeared" in bench.kinds()
    assert bench.stops() == [(-1, 10, STOP)]
    assert name not in [one.client_id for one in bench.exchange.open_orders(bench.account, BTC)]


def test_a_stop_that_cannot_move_is_tried_seldom_while_the_old_one_protects():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.refused[Purpose.STOP] = ["not_trading"] * 99
        bench.trader.mind.order_of(BTC).stop_ticks = STOP + 4_000
        await bench.run(60)

    bench = Bench()
    bench.play(story)
    assert bench.gateway.count(Purpose.STOP) <= 7
    assert (bench.lots(), bench.stops()) == (10, [(-1, 10, STOP)])


def test_a_settled_instrument_is_told_as_one():
    async def story(bench):
        await bench.enter(10)
        bench.exchange.delist(BTC, PX + 100)
        await bench.run(15)

    for venue in ("binance_usdm", "bybit_linear"):
        bench = OnTheWire(venue)
        bench.play(story)
        assert [one.cause for one in bench.journal.fills()] == ["trade", "settlement"]
        assert bench.reasons() == ["entry", "external"]
        assert bench.book() == bench.lots() == 0


def test_a_strangers_fill_waits_for_an_unknown_outcome_only_until_its_deadline():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.swallowed[Purpose.STOP] = 1
        bench.trader.mind.order_of(BTC).stop_ticks = STOP + 4_000
        await bench.run(1)
        bench.local.plan.add(make("X21", from_ms=bench.clock.now_ms(), most=1, share=0.5))
        await bench.run(90, every=5)

    bench = OnTheWire("binance_usdm")
    bench.play(story)
    assert "adl" in bench.reasons()
    assert bench.lots() == bench.book() == 5
    assert not [one for one in bench.journal.open_commands() if one.state.is_unresolved]


# ---------------------------------------------------------------- executions
@pytest.fixture
def known():
    known = KnownFills(1000)
    known.note(ONE)
    return known


def test_one_execution_under_two_ids_is_one(known):
    assert known.sifted([replace(ONE, fill_id="1")]) == ((), frozenset())


def test_an_id_that_is_used_for_another_execution_spoils_the_answer(known):
    other = replace(ONE, fill_id="18", ts_ms=2_000)
    told = [replace(ONE, order_id="o2", ts_ms=2_000), other]
    assert known.sifted(told) == ((), frozenset({BTC}))
    assert known.sifted([ONE, other]) == ((other,), frozenset())


def test_of_equal_executions_as_many_are_new_as_are_not_booked(known):
    twin = replace(ONE, fill_id="18")
    assert known.sifted([ONE, twin]) == ((twin,), frozenset())


def test_what_has_not_happened_yet_is_no_answer():
    async def story(bench):
        await bench.enter(10)
        inner = bench.gateway.inner.fills

        async def later(symbol, since_ms):
            return tuple(replace(one, ts_ms=one.ts_ms + 3_600_000) for one in await inner(symbol, since_ms))

        bench.gateway.inner.fills = later
        bench.foreign(-10)
        await bench.run(10)
        wrong = bench.book()
        bench.gateway.inner.fills = inner
        await bench.run(10)
        return wrong

    bench = Bench()
    assert bench.play(story) == 10
    assert bench.book() == 0
    assert max(one.ts_ms for one in bench.journal.fills()) <= bench.clock.now_ms()
