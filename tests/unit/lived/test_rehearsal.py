"""What a trader would send now is told by its own plan, on a copy of its journal: nothing is sent, nothing written."""

from __future__ import annotations

import asyncio

import pytest

from mastertrading.app.rehearsal import OnlyReads, rehearse
from mastertrading.domain.errors import DataMissing, ExchangeUnavailable, InvariantBroken
from mastertrading.domain.intents import Purpose
from mastertrading.journal.memory import memory_journal
from unit.live.bench import BTC, INSTRUMENTS, STOP, TARGET, Bench, OnTheWire

VENUES = ("binance_usdm", "bybit_linear")


def told_of(bench, meanwhile=None, **options):
    """Enter, do something by hand, and rehearse; the bench is asked not to have sent anything meanwhile."""

    async def story(one):
        await one.enter(10, target=TARGET)
        await one.run(2)
        if meanwhile is not None:
            await meanwhile(one)
        sent, before = len(one.gateway.sent), tables(one.journal)
        found = await rehearse(one.settings, INSTRUMENTS, one.journal, one.gateway, apart_s=0.5, **options)
        assert len(one.gateway.sent) == sent
        assert tables(one.journal) == before
        return found

    return bench.play(story)


def tables(journal):
    """Everything that a journal in memory holds."""
    return {name: dict(rows) for name, rows in journal.store.tables.items()}


@pytest.mark.parametrize("venue", VENUES)
def test_where_all_is_well_nothing_would_be_sent(venue):
    found = told_of(OnTheWire(venue))
    assert found.would_send == ()
    assert not found.differs
    held = {one.instrument: one for one in found.held}
    assert held[BTC].venue_qty == held[BTC].books_qty == "0.01"
    assert {(one.purpose, one.px, one.wanted_px) for one in found.rests} == {
        ("stop", "64000", "64000"),
        ("target", "67000", "67000"),
    }
    assert found.wallet_difference == "0"


@pytest.mark.parametrize("venue", VENUES)
def test_a_stop_that_somebody_took_away_would_be_placed_again(venue):
    async def take_away(bench):
        for order in bench.exchange.open_orders(bench.account, BTC):
            if order.watch:
                bench.exchange.cancel(bench.account, BTC, number=order.number)

    found = told_of(OnTheWire(venue), take_away)
    assert found.differs
    (step,) = found.would_send
    assert (step.what, step.purpose, step.side, step.px) == ("place", "stop", "sell", "64000")


def test_a_position_that_somebody_changed_is_told_by_venue_and_books():
    async def add(bench):
        bench.foreign(5)

    found = told_of(Bench(), add, looks=1)
    held = next(one for one in found.held if one.instrument == BTC)
    assert found.differs
    assert held.venue_qty == "0.015"
    assert held.books_qty == "0.015"  # its fill was found, as the trader would
    assert {(one.what, one.instrument) for one in found.would_send} <= {("place", BTC), ("cancel", BTC)}
    assert found.would_send


def test_an_order_whose_answer_was_lost_is_told_as_unresolved():
    async def lose(bench):
        bench.gateway.found_nothing = True
        bench.gateway.swallowed[Purpose.ENTRY] = 1
        await bench.enter(5, symbol="ETHUSDT", stop=STOP)

    found = told_of(Bench(), lose, looks=1)
    assert found.differs
    assert len(found.unresolved) == 1


def test_what_a_trader_changes_meanwhile_is_no_difference():
    async def story(bench):
        await bench.enter(10)
        for order in bench.exchange.open_orders(bench.account, BTC):
            bench.exchange.cancel(bench.account, BTC, number=order.number)

        trader = asyncio.ensure_future(_later(bench))
        found = await rehearse(bench.settings, INSTRUMENTS, bench.journal, bench.gateway, apart_s=2.0)
        await trader
        return found

    async def _later(bench):
        await bench.run(1)

    assert not Bench().play(story).differs


def test_a_venue_that_does_not_answer_is_no_answer():
    async def away(bench):
        bench.gateway.down = True

    with pytest.raises(ExchangeUnavailable):
        told_of(Bench(), away)


def test_an_account_that_was_never_traded_has_nothing_to_compare():
    bench = Bench()

    async def story(one):
        empty = memory_journal(one.name)
        with pytest.raises(DataMissing, match="never traded"):
            await rehearse(one.settings, INSTRUMENTS, empty, one.gateway)

    bench.play(story)


def test_a_command_through_a_gateway_that_only_reads_is_a_bug():
    bench = Bench()

    async def story(one):
        with pytest.raises(InvariantBroken):
            await OnlyReads(one.gateway).place(None)
        assert await OnlyReads(one.gateway).positions() == ()

    bench.play(story)
