"""Gateways under the catalogue of faults: they never say more than is so, and afterwards all comes right."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway_desk import SYMBOL, Desk, market, play, stop
from local_venues import VENUES
from mastertrading.domain.commands import Outcome, Refusal
from mastertrading.domain.errors import MastertradingError
from mastertrading.domain.feed import Bar, BarRevised, StreamGap
from mastertrading.domain.market import MINUTE_MS
from mastertrading.simulator.faults.catalogue import CATALOGUE, REPLY, REQUEST, make

OF_LISTS = ("X09", "X25/coin", "X28", "X29")
"""Faults of what is read in lists; commands never meet them."""
ORDER_FAULTS = [
    key for key, entry in CATALOGUE.items() if entry.where in (REQUEST, REPLY) and key not in OF_LISTS
]
QUIET = ("N18",)
"""Faults that need not strike an order: endpoints stop in turn."""


def variants(key: str) -> list[dict[str, object]]:
    """A fault with each value of each of its choices."""
    choices = CATALOGUE[key].choices
    return [{name: value} for name, values in choices.items() for value in values] or [{}]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("key", ORDER_FAULTS)
def test_a_reply_under_a_fault_never_says_more_than_is_so(key, venue):
    for variant in variants(key):

        async def scenario(desk: Desk, variant=variant):
            told = []
            await desk.gateway.place(market("p1"))
            fault = make(key, **variant)
            desk.plan.add(fault)
            for k in range(3):
                for request in (market(f"e{k}"), stop(f"s{k}", 59_000 - k)):
                    reply = await desk.gateway.place(request)
                    told.append((request.client_id, reply))
            await desk.clock.sleep(60)
            hits = fault.hits
            desk.plan.clear()
            await desk.clock.sleep(180)
            found = {name: await desk.gateway.find_order(SYMBOL, name) for name, _ in told}
            return told, found, {order.client_id for order in desk.orders()}, hits

        told, found, there, hits = play(scenario, venue, planned=True)
        assert hits or key in QUIET, (key, variant)
        for name, reply in told:
            if reply.outcome is Outcome.ACK:
                assert name in there, (key, variant, reply)
            if reply.outcome is Outcome.REFUSED:
                assert name not in there, (key, variant, reply)
            assert (found[name] is not None) == (name in there), (key, variant, reply)


STREAMED = ["N10", "N11", "N12", "N13", "N14", "N17", "D02", "D03", "D04", "D09", "D10", "D11", "D14", "X29"]
SPOILT = ["D01", "D06", "D07", "D12"]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("key", STREAMED + SPOILT)
def test_a_feed_under_a_fault_repeats_nothing_and_comes_right_afterwards(key, venue):
    for variant in variants(key):

        async def scenario(desk: Desk, variant=variant):
            heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
            start = desk.clock.now_ms()
            await desk.clock.sleep(1)
            await desk.minutes(60_010, 60_020)
            fault = make(key, **variant)
            desk.plan.add(fault)
            await desk.minutes(60_030, 60_040, 60_050, 60_060)
            hits = fault.hits
            desk.plan.clear()
            await desk.minutes(60_070, 60_080)
            await desk.clock.sleep(50)
            await desk.minutes(60_090)
            await desk.clock.sleep(5)
            for task in desk.tasks:
                assert not task.done() or task.exception() is None, task
            return start, desk.clock.now_ms(), heard, desk.exchange.markets[SYMBOL], hits

        start, end, heard, truth, hits = play(scenario, venue, planned=True)
        assert hits or key in QUIET, (key, variant)
        closed = [event for event in heard if isinstance(event, Bar) and event.closed]
        times = [bar.ts_ms for bar in closed]
        assert times == sorted(set(times)), (key, variant)
        assert times[0] == start
        assert times[-1] == end // MINUTE_MS * MINUTE_MS - MINUTE_MS, (key, variant)
        holes = [event for event in heard if isinstance(event, StreamGap) and event.stream == "bars"]
        assert len(times) == (end - start) // MINUTE_MS or holes, (key, variant)
        if key in STREAMED and key != "D11":
            known = {row.ts_ms: row for row in map(truth.closed.row, range(len(truth.closed)))}
            revised = {event.was.ts_ms for event in heard if isinstance(event, BarRevised)}
            for bar in closed:
                if bar.ts_ms not in revised and key != "D10":
                    assert bar.close == Decimal(known[bar.ts_ms].close) / 10, (key, variant, bar)


@pytest.mark.parametrize("venue", VENUES)
def test_a_revised_bar_is_told_and_hands_on_nothing_twice(venue):
    async def scenario(desk: Desk):
        heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
        await desk.clock.sleep(1)
        await desk.minutes(60_010)
        desk.plan.add(make("D10"))
        await desk.minutes(60_020, 60_030, 60_040)
        await desk.clock.sleep(30)
        return heard, desk.plan.hits()

    heard, hits = play(scenario, venue, planned=True)
    assert hits["D10"] > 0
    closed = [event.ts_ms for event in heard if isinstance(event, Bar) and event.closed]
    assert closed == sorted(set(closed))
    assert any(isinstance(event, BarRevised) for event in heard)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("what", ["s", "us"])
def test_times_in_another_unit_are_no_answer(venue, what):
    async def scenario(desk: Desk):
        await desk.gateway.place(market("a1"))
        desk.plan.add(make("X29", what=what))
        with pytest.raises(MastertradingError, match="seconds"):
            await desk.gateway.fills(SYMBOL, desk.clock.now_ms() - MINUTE_MS)
        return desk.plan.hits()

    assert play(scenario, venue, planned=True)["X29"] > 0


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(
    ("what", "words"), [("revoked", Refusal.AUTHENTICATION), ("permission", Refusal.PERMISSION)]
)
def test_a_lost_key_is_a_refusal_of_its_own(venue, what, words):
    async def scenario(desk: Desk):
        desk.plan.add(make("X27", what=what))
        return await desk.gateway.place(market("a1"))

    reply = play(scenario, venue, planned=True)
    assert reply.outcome is Outcome.REFUSED
    assert reply.refusal in (words, Refusal.AUTHENTICATION)
