"""Positions without a stop, stops that don't fill, reads that lie, strangers, and what is booked for them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mastertrading.domain.commands import Refusal
from mastertrading.domain.intents import Purpose
from mastertrading.domain.orders import OrderKind
from mastertrading.simulator.orders import IncomeKind, NewOrder
from unit.live.bench import BTC, ETH, PX, STOP, TARGET, Bench, OnTheWire, settings


def adjustments(bench):
    return list(bench.journal.store.tables["adjustments"].values())


# ---------------------------------------------------------------- protection
def test_a_position_without_a_stop_for_too_long_is_closed():
    async def story(bench):
        bench.gateway.refused[Purpose.STOP] = [Refusal.RATE_LIMIT] * 99  # says nothing of the order itself
        await bench.enter(10)
        await bench.run(12)
        held = bench.lots()
        await bench.run(6)
        return held

    bench = Bench()
    assert bench.play(story) == 10
    assert bench.lots() == 0
    assert bench.reasons()[-1] == "emergency"


def test_time_in_which_the_venue_could_not_be_reached_is_not_counted():
    async def story(bench):
        bench.gateway.refused[Purpose.STOP] = [Refusal.RATE_LIMIT] * 3
        await bench.enter(10)
        bench.gateway.down = True
        await bench.run(60)
        bench.gateway.down = False
        await bench.run(10)

    bench = Bench()
    bench.play(story)
    assert bench.lots() == 10
    assert bench.stops() == [(-1, 10, STOP)]


def test_a_stop_that_triggered_and_does_not_fill_is_followed_by_a_market_order():
    async def story(bench):
        await bench.enter(10)
        gateway, whole = bench.gateway, bench.gateway.inner.open_orders

        async def stuck(symbol=None):
            from dataclasses import replace

            from mastertrading.domain.orders import OrderStatus

            return tuple(
                replace(o, status=OrderStatus.WORKING) if o.trigger else o for o in await whole(symbol)
            )

        gateway.inner.open_orders = stuck
        await bench.run(4)
        held = bench.lots()
        await bench.run(4)
        return held

    bench = Bench()
    assert bench.play(story) == 10
    assert bench.lots() == 0
    assert bench.reasons()[-1] == "stop"


def test_the_stop_grows_with_the_position():
    async def story(bench):
        await bench.enter(10)
        bench.foreign(5)
        await bench.run(2)

    bench = Bench()
    bench.play(story)
    assert bench.stops() == [(-1, 15, STOP)]
    assert bench.reasons() == ["entry", "external"]


def test_dust_is_left_alone_and_told_once():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.refused[Purpose.EXIT] = [Refusal.MIN_SIZE] * 99
        bench.trader.mind.order_of(BTC).exit_reason = 7
        await bench.run(5)
        sent = len(bench.gateway.sent)
        bench.wish(10)
        await bench.run(20)
        return len(bench.gateway.sent) - sent

    bench = Bench()
    assert bench.play(story) == 0
    assert bench.kinds().count("dust") == 1
    assert bench.journal.latches() == {}


def test_orders_that_outlive_their_position_are_swept():
    async def story(bench):
        await bench.enter(10, target=TARGET)
        bench.foreign(-10)
        await bench.run(1)

    bench = Bench()
    bench.play(story)
    assert bench.stops() == bench.limits() == []


# ---------------------------------------------------------------- reads that lie
@pytest.mark.parametrize("how", ["hidden_positions", "hidden_orders", "down"])
def test_an_empty_or_failed_read_costs_no_stop_and_sends_no_entry(how):
    async def story(bench):
        await bench.enter(10)
        setattr(bench.gateway, how, True)
        bench.wish(10)
        await bench.run(30)
        stops, entries = bench.stops(), bench.gateway.count(Purpose.ENTRY)
        setattr(bench.gateway, how, False)
        await bench.run(5)
        return stops, entries

    bench = Bench()
    stops, entries = bench.play(story)
    assert (-1, 10, STOP) in stops
    assert entries == 1
    assert bench.stops() == [(-1, 10, STOP)]
    assert (bench.lots(), bench.book(), adjustments(bench)) == (10, 10, [])


def test_a_list_that_stays_empty_for_minutes_costs_no_stop_and_a_stop_still_moves():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.hidden_positions = True
        bench.gateway.wallet_off = Decimal(
            -5
        )  # a fee that nobody told: it must not pass for a closed position
        await bench.run(120, every=5)
        bench.trader.mind.order_of(BTC).stop_ticks = STOP + 4_000
        bench.wish(10)
        await bench.run(30, every=5)

    bench = Bench()
    bench.play(story)
    assert bench.gateway.count(Purpose.ENTRY) == 1
    assert (bench.lots(), bench.book()) == (10, 10)
    assert bench.stops() == [(-1, 10, STOP + 4_000)]
    assert [one for one in adjustments(bench) if one.symbol] == []


def test_a_position_that_is_gone_without_a_fill_is_adjusted_when_its_stop_its_margin_and_its_money_say_so():
    async def story(bench):
        await bench.enter(10)
        bench.gateway.no_fills = True
        bench.exchange.delist(BTC)  # every order ends, and the position is settled
        await bench.run(20)
        early = len(adjustments(bench))
        await bench.run(40)
        return early

    bench = Bench()
    assert bench.play(story) == 0
    position, money = adjustments(bench)
    assert position.qty == Decimal("-0.01")
    assert money.amount < 0  # its fee, and what it lost
    assert bench.book() == 0
    assert bench.journal.position(BTC) == 0
    assert "adjustment" in bench.kinds()


def test_a_snapshot_that_was_asked_for_before_the_last_command_ended_does_not_count():
    async def story(bench):
        await bench.enter(10)
        seen = await bench.trader.observer.record(*(await bench.trader.observer.look()), at_close=False)
        bench.trader.protocol.touched[BTC] = seen.snapshot.number
        older = {**seen.told, BTC: 4}
        return bench.trader._counts(BTC, seen._replace(told=older)), bench.trader._counts(ETH, seen)

    assert Bench().play(story) == (False, True)


def test_money_that_nothing_explains_is_adjusted_after_a_while_and_a_loss_counts_as_one():
    async def story(bench):
        bench.gateway.wallet_off = Decimal(-5)
        await bench.run(4)
        early = len(adjustments(bench))
        await bench.run(8)
        return early

    bench = Bench()
    assert bench.play(story) == 0
    (one,) = adjustments(bench)
    account = bench.trader.mind.book.account[0]
    assert one.amount == -5
    assert int(account.balance) == 99_995 * 10**8
    assert int(account.transferred) == 0


def test_a_deposit_explains_itself():
    async def story(bench):
        await bench.run(1)
        bench.exchange.transfer(bench.account, 50 * 10**8)
        await bench.run(15)

    bench = Bench()
    bench.play(story)
    assert adjustments(bench) == []
    assert int(bench.trader.mind.book.account[0].transferred) == 50 * 10**8


@pytest.mark.parametrize("atoms", [-(5 * 10**8), 5 * 10**8])
def test_a_booking_of_the_venue_explains_itself_and_counts_once(atoms):
    async def story(bench):
        await bench.run(1)
        bench.exchange.transfer(bench.account, atoms, IncomeKind.ADJUSTMENT)
        await bench.run(15)

    bench = OnTheWire("binance_usdm")
    bench.play(story)
    account = bench.trader.mind.book.account[0]
    assert adjustments(bench) == []
    assert int(account.balance) == 100_000 * 10**8 + atoms
    assert int(account.transferred) == max(atoms, 0)  # what is found is no profit


def test_the_books_begin_with_the_money_that_is_there():
    bench = Bench(deposit=777)
    bench.play(lambda bench: bench.run(1))
    assert int(bench.trader.mind.book.account[0].balance) == 777 * 10**8
    assert adjustments(bench) == []


# ---------------------------------------------------------------- strangers
def test_a_strangers_position_is_adopted_with_a_stop():
    async def story(bench):
        bench.foreign(10)
        await bench.run(6)

    bench = Bench()
    bench.play(story)
    ((side, lots, px_ticks),) = bench.stops()
    assert (side, lots, bench.book()) == (-1, 10, 10)
    assert 0.011 < (PX - px_ticks) / PX < 0.013
    assert "adopted" in bench.kinds()


@pytest.mark.parametrize(("share", "accepted"), [(0.7, False), (0.85, True), (1.9, True), (2.2, False)])
def test_a_stop_that_rests_is_accepted_from_80_to_200_percent_of_the_distance(share, accepted):
    async def story(bench):
        bench.foreign(10)
        px_ticks = PX - int(0.012 * share * PX)
        bench.foreign_stop(10, px_ticks)
        await bench.run(6)
        return px_ticks

    bench = Bench()
    px_ticks = bench.play(story)
    assert (bench.gateway.count(Purpose.STOP) == 0) is accepted
    assert (-1, 10, px_ticks) in bench.stops()


def test_a_strangers_position_is_closed_if_the_policy_says_so():
    async def story(bench):
        bench.foreign(10)
        await bench.run(6)

    bench = Bench(settings(unknown_positions="flatten"))
    bench.play(story)
    assert (bench.lots(), bench.book()) == (0, 0)
    assert bench.reasons() == ["external", "manual"]


def test_a_strangers_position_is_left_alone_and_nothing_entered_if_the_policy_is_to_halt():
    async def story(bench):
        bench.foreign(10)
        await bench.run(20)
        await bench.enter(5, ETH)

    bench = Bench(settings(unknown_positions="halt"))
    bench.play(story)
    assert bench.gateway.sent == []
    assert bench.lots() == 10
    assert set(bench.journal.latches()) == {"halt", f"halt:{BTC}"}


@pytest.mark.parametrize(("policy", "left"), [("leave", 1), ("cancel", 0)])
def test_foreign_orders_are_touched_only_if_the_policy_says_so(policy, left):
    async def story(bench):
        bench.exchange.place(bench.account, NewOrder(BTC, 1, OrderKind.LIMIT, 5, limit_ticks=PX - 50_000))
        await bench.enter(10)
        await bench.run(3)

    bench = Bench(settings(unknown_orders=policy))
    bench.play(story)
    assert len(bench.limits()) == left


def test_a_foreign_fill_through_flat_is_an_exit_and_an_entry_without_our_stop():
    async def story(bench):
        await bench.enter(10)
        bench.foreign(-25)
        await bench.run(6)

    bench = Bench()
    bench.play(story)
    assert (bench.lots(), bench.book()) == (-15, -15)
    ((side, lots, px_ticks),) = bench.stops()
    assert (side, lots) == (1, 15)
    assert px_ticks > PX
    closed, opened = bench.journal.trades()
    assert (closed.is_open, opened.qty) == (False, Decimal("-0.015"))


def test_a_position_whose_fill_is_not_told_yet_has_the_stop_of_its_entry():
    async def story(bench):
        bench.gateway.no_fills = True
        await bench.enter(10)
        stops = bench.stops()
        bench.gateway.no_fills = False
        await bench.run(2)
        return stops

    bench = Bench()
    assert bench.play(story) == [(-1, 10, STOP)]
    assert bench.book() == 10
    assert bench.stops() == [(-1, 10, STOP)]


def test_a_late_entry_is_protected_by_its_own_stop_not_by_that_of_a_later_decision():
    async def story(bench):
        bench.gateway.lost[Purpose.ENTRY] = 1
        bench.gateway.no_fills = True
        await bench.enter(10)
        order = bench.trader.mind.order_of(BTC)
        order.entry_stop_ticks = PX + 10_000
        bench.gateway.no_fills = False
        await bench.run(3)

    bench = Bench()
    bench.play(story)
    assert bench.stops() == [(-1, 10, STOP)]


# ---------------------------------------------------------------- alone
def test_one_instruments_trouble_stays_its_own():
    async def story(bench):
        await bench.enter(10)
        units = bench.trader.units[BTC]

        def broken(symbol, *rest):
            raise ArithmeticError("no such grid")

        kept, bench.trader.planner._wanted = bench.trader.planner._wanted, None
        bench.trader.planner._wanted = lambda symbol, decided: (
            broken(symbol) if symbol == BTC else kept(symbol, decided)
        )
        await bench.enter(5, ETH)
        return units

    bench = Bench()
    bench.play(story)
    assert bench.stops(ETH) == [(-1, 5, STOP)]
    assert "instrument" in bench.kinds()


def test_with_nothing_new_nothing_is_sent():
    async def story(bench):
        await bench.enter(10, target=TARGET)
        await bench.run(2)
        sent = len(bench.gateway.sent)
        await bench.run(20)
        return len(bench.gateway.sent) - sent

    assert Bench().play(story) == 0


@pytest.mark.parametrize("lost", [0, 1])
def test_an_entry_that_filled_is_not_flat_though_neither_its_position_nor_its_fills_are_told(lost):
    async def story(bench):
        bench.gateway.hidden_positions = bench.gateway.no_fills = True
        bench.gateway.lost[Purpose.ENTRY] = lost
        await bench.enter(10)
        await bench.run(30)
        bench.wish(10)
        await bench.run(5)
        bench.gateway.hidden_positions = bench.gateway.no_fills = False
        await bench.run(5)

    bench = Bench()
    bench.play(story)
    assert bench.gateway.count(Purpose.ENTRY) == 1
    assert (bench.lots(), bench.book()) == (10, 10)
    assert bench.stops() == [(-1, 10, STOP)]
    assert adjustments(bench) == []
