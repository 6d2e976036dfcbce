"""Fills that do not say whose they are: their orders are asked, and an answer that may be too old decides nothing."""

from __future__ import annotations

from mastertrading.domain.intents import Purpose
from unit.live.bench import BTC, STOP, OnTheWire


def with_old_answers(bench):
    """The gateway tells of orders as they are now, for as long as the returned function is not called."""
    ask, known = bench.gateway.find_order, {}

    async def remember():
        for one in bench.commands(Purpose.STOP):
            known[one.client_id] = await ask(BTC, one.client_id)

    async def old(symbol, client_id):
        return known.get(client_id) or await ask(symbol, client_id)

    bench.gateway.find_order = old
    return remember, known.clear


def test_a_stop_that_old_answers_show_untouched_gives_its_fill_its_name_when_they_are_new():
    async def story(bench):
        remember, forget = with_old_answers(bench)
        await bench.enter(10)
        await remember()
        bench.exchange.move(BTC, STOP - 100)
        await bench.run(15, every=5)
        early = bench.reasons()
        forget()
        await bench.run(10, every=5)
        return early

    bench = OnTheWire("binance_usdm")
    assert bench.play(story) == ["entry"]
    assert bench.reasons() == ["entry", "stop"]
    assert (bench.lots(), bench.book()) == (0, 0)


def test_a_close_by_hand_far_from_the_stop_is_booked_at_once():
    async def story(bench):
        remember, _ = with_old_answers(bench)
        await bench.enter(10)
        await remember()
        bench.foreign(-10)
        await bench.run(3)

    bench = OnTheWire("binance_usdm")
    bench.play(story)
    assert bench.reasons() == ["entry", "external"]


def test_a_fill_at_the_stop_that_is_nobodys_is_booked_when_no_answer_can_be_so_old():
    async def story(bench):
        remember, _ = with_old_answers(bench)
        await bench.enter(10)
        await remember()
        bench.exchange.move(BTC, STOP + 100)
        bench.foreign(-10)
        await bench.run(20, every=5)
        early = bench.reasons()
        await bench.run(20, every=5)
        return early

    bench = OnTheWire("binance_usdm")
    assert bench.play(story) == ["entry"]
    assert bench.reasons() == ["entry", "external"]
