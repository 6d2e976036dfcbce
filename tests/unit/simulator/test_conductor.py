"""The tape, who plays it, and lockstep."""

from __future__ import annotations

import asyncio

import pytest

from mastertrading.domain.market import HOUR_MS, MINUTE_MS
from mastertrading.domain.orders import BUY, SELL, OrderKind
from mastertrading.domain.reasons import IntrabarPath
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.conductor import Conductor, Pace
from mastertrading.simulator.events import BarChanged, PriceMoved
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import IncomeKind, NewOrder, Watch
from mastertrading.simulator.tape import CLOSE, FIRST, OPEN, SECOND, BarTape
from mastertrading.simulator.virtual_time import run_virtual
from unit.simulator.trading import INSTRUMENT, START_MS, SYMBOL, panel

BARS = [
    (10_000.0, 10_010.0, 9_995.0, 10_005.0, 8.0),
    (10_005.0, 10_006.0, 9_980.0, 9_990.0, 4.0),
    (9_990.0, 10_030.0, 9_985.0, 10_020.0, 6.0),
]


def made(market=None, *, clock=None, first=0, path=IntrabarPath.NEAREST_FIRST, **words):
    market = market or panel(BARS)
    exchange = Exchange([Listing(INSTRUMENT, slippage_e8=0)], clock or VirtualClock(0))
    account = exchange.open_account("me", deposit_atoms=10**13)
    conductor = Conductor(exchange, BarTape(market, first, path=path), **words)
    return exchange, account, conductor


def buy(exchange, account, lots=10, **words):
    return exchange.place(account, NewOrder(SYMBOL, BUY, OrderKind.MARKET, lots, **words))


def test_a_bar_is_four_points_the_nearer_extreme_first():
    exchange, _, conductor = made()
    seen = []
    while not conductor.is_over:
        progress = conductor.step()
        seen.append((progress.name, progress.ts_ms - START_MS, exchange.markets[SYMBOL].last_ticks))
    assert seen[:4] == [
        (OPEN, 0, 100_000),
        (FIRST, 20_000, 99_950),
        (SECOND, 40_000, 100_100),
        (CLOSE, 59_999, 100_050),
    ]
    assert [px for name, _, px in seen if name is FIRST] == [99_950, 100_060, 99_850]
    assert exchange.clock.now_ms() == START_MS + 3 * MINUTE_MS - 1


@pytest.mark.parametrize(
    ("path", "side", "first"),
    [
        (IntrabarPath.WORST, BUY, 99_950),
        (IntrabarPath.BEST, BUY, 100_100),
        (IntrabarPath.WORST, SELL, 100_100),
        (IntrabarPath.BEST, SELL, 99_950),
    ],
)
def test_the_worst_and_the_best_path_are_those_of_who_holds_a_position(path, side, first):
    market = panel([BARS[0], BARS[0]])
    exchange, account, conductor = made(market, path=path)
    conductor.step()
    exchange.place(account, NewOrder(SYMBOL, side, OrderKind.MARKET, 10))
    conductor.step()
    assert exchange.markets[SYMBOL].last_ticks == first


@pytest.mark.parametrize(("side", "first"), [(BUY, 99_900), (SELL, 100_100)])
def test_of_two_extremes_equally_near_the_worse_one_for_who_holds_comes_first(side, first):
    exchange, account, conductor = made(panel([(10_000.0, 10_010.0, 9_990.0, 10_000.0, 1.0)]))
    conductor.step()
    exchange.place(account, NewOrder(SYMBOL, side, OrderKind.MARKET, 10))
    conductor.step()
    assert exchange.markets[SYMBOL].last_ticks == first


def test_what_is_ordered_after_a_close_fills_at_the_next_open_and_carries_its_time():
    exchange, account, conductor = made()
    conductor.play(START_MS + MINUTE_MS)
    buy(exchange, account)
    assert account.executions == []
    conductor.step()
    (fill,) = account.executions
    assert (fill.px_ticks, fill.ts_ms) == (100_050, START_MS + MINUTE_MS)


def test_an_instrument_without_a_bar_has_no_points_and_its_orders_wait():
    exchange, account, conductor = made(panel(BARS, valid=[True, False, True]))
    conductor.play(START_MS + MINUTE_MS)
    buy(exchange, account)
    conductor.play(START_MS + 2 * MINUTE_MS)
    assert account.executions == []
    conductor.step()
    assert account.executions[0].px_ticks == 99_900


def test_settlements_are_charged_at_the_open_of_their_bar_on_what_was_held_before():
    rate = 0.0001
    market = panel(BARS, settlements=[(START_MS + MINUTE_MS + 7, rate, 8 * HOUR_MS)])
    exchange, account, conductor = made(market)
    conductor.step()
    buy(exchange, account)
    conductor.play()
    (paid,) = [i for i in account.incomes if i.kind is IncomeKind.FUNDING]
    assert paid.ts_ms == START_MS + MINUTE_MS + 7
    assert paid.atoms == -(100_050 * 10 * 10_000 // 10_000)  # at the close before it


def test_a_recorded_mark_values_what_is_held_and_the_close_does_where_there_is_none():
    exchange, _, conductor = made(panel(BARS, mark=[10_004.0, float("nan"), 10_000.0]))
    marks = []
    while not conductor.is_over:
        if conductor.step().name == CLOSE:
            marks.append(exchange.markets[SYMBOL].mark_ticks)
    assert marks == [100_040, 99_900, 100_000]


def test_bars_before_the_first_are_history_that_can_be_asked_for():
    exchange, _, conductor = made(first=2)
    bars = exchange.markets[SYMBOL].bars("1m")
    assert [(b.open, b.close, b.closed) for b in bars] == [(100_000, 100_050, True), (100_050, 99_900, True)]
    conductor.step()
    assert exchange.markets[SYMBOL].bars("1m")[-1].closed is False


def test_the_same_tape_twice_gives_the_same_events():
    def told():
        exchange, account, conductor = made()
        heard = []
        exchange.subscribe(heard.append)
        conductor.step()
        buy(exchange, account, stop_ticks=99_900)
        conductor.play()
        return [repr(event) for event in heard]

    assert told() == told()


def test_every_point_and_every_mark_is_announced_and_every_bar_closes_once():
    exchange, _, conductor = made()
    heard = []
    exchange.subscribe(heard.append)
    conductor.play()
    assert len([e for e in heard if isinstance(e, PriceMoved)]) == 3 * (
        4 + 1
    )  # the mark of a close is told with it
    closed = [e for e in heard if isinstance(e, BarChanged) and e.closed]
    assert [(e.open, e.high, e.low, e.close) for e in closed] == [
        tuple(round(px * 10) for px in bar[:4]) for bar in BARS
    ]
    assert [e.volume_lots for e in closed] == [8_000, 4_000, 6_000]


# ---------------------------------------------------------------- lockstep
def test_in_lockstep_time_stands_still_after_a_close_until_the_client_is_idle_for_that_point():
    exchange, _, conductor = made(pace=Pace.LOCKSTEP)
    held = []
    conductor.on_hold.append(held.append)
    names = [conductor.step().name for _ in range(4)]
    assert names == [OPEN, FIRST, SECOND, CLOSE]
    assert [h.name for h in held] == [CLOSE]
    assert conductor.is_held
    assert not conductor.idle(number=3)  # late: for a point that is over
    assert conductor.idle(number=4)
    assert not conductor.is_held
    assert exchange.clock.now_ms() == START_MS + MINUTE_MS - 1


def test_in_lockstep_time_also_stands_still_where_an_order_filled():
    exchange, account, conductor = made(pace=Pace.LOCKSTEP)
    exchange.move(SYMBOL, 100_000)
    exchange.markets[SYMBOL].held = True
    buy(exchange, account)
    assert conductor.step().waits_for == ("",)
    watch = Watch(99_960, above=False)
    stop = NewOrder(SYMBOL, SELL, OrderKind.MARKET, 0, watch=watch, close_position=True, conditional=True)
    exchange.place(account, stop)  # time pauses at the open until protection rests
    conductor.idle()
    assert (conductor.step().waits_for, account.executions[-1].px_ticks) == (("",), 99_960)


def test_time_waits_for_every_client_that_joined_and_for_one_that_is_away():
    _, _, conductor = made(pace=Pace.LOCKSTEP)
    conductor.join("a")
    conductor.join("b")
    for _ in range(4):
        conductor.step()
    assert conductor.progress.waits_for == ("a", "b")
    assert conductor.idle("a")
    assert not conductor.idle("a")
    assert conductor.is_held
    conductor.leave("b")
    assert not conductor.is_held


def trader(exchange, account, conductor, sleeps):
    """Buys after the first close, taking a while over it."""
    woken = asyncio.Event()
    conductor.on_hold.append(lambda progress: woken.set())

    async def trade():
        while True:
            await woken.wait()
            woken.clear()
            await sleeps()
            if conductor.progress.bar == 0 and not account.orders:
                buy(exchange, account)
            conductor.idle()

    return trade()


async def _played(exchange, account, conductor, sleeps):
    task = asyncio.create_task(trader(exchange, account, conductor, sleeps))
    count = await conductor.run()
    task.cancel()
    return count, [(e.px_ticks, e.ts_ms - START_MS) for e in account.executions]


def test_a_slow_client_in_lockstep_still_fills_at_the_next_open_on_a_real_loop():
    exchange, account, conductor = made(pace=Pace.LOCKSTEP)

    async def sleeps():
        for _ in range(5):
            await asyncio.sleep(0)

    played = asyncio.run(_played(exchange, account, conductor, sleeps))
    assert played == (12, [(100_050, MINUTE_MS)])


def test_a_client_that_sleeps_on_virtual_time_is_waited_for_and_fills_at_the_open_that_then_comes():
    clock = VirtualClock(START_MS - 1)
    exchange, account, conductor = made(clock=clock, pace=Pace.LOCKSTEP)

    async def sleeps():
        await asyncio.sleep(0.25)

    played = run_virtual(_played(exchange, account, conductor, sleeps), clock)
    assert played == (12, [(100_050, MINUTE_MS + 249)])  # the open came as late as the client was


def test_without_lockstep_a_virtual_loop_plays_point_by_point_at_their_times():
    clock = VirtualClock(START_MS - 1)
    exchange, _, conductor = made(clock=clock, pace=Pace.CLOCK)
    seen = []

    async def watch():
        while not conductor.is_over:
            seen.append(exchange.clock.now_ms() - START_MS)
            await asyncio.sleep(30)

    async def main():
        task = asyncio.create_task(watch())
        count = await conductor.run(START_MS + 2 * MINUTE_MS)
        task.cancel()
        return count

    assert run_virtual(main(), clock) == 8
    assert seen[:4] == [-1, 29_999, 59_999, 89_999]
