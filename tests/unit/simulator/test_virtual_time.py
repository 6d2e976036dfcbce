from __future__ import annotations

import asyncio
import time

import pytest

from mastertrading.domain.errors import UsageError
from mastertrading.simulator.clock import VirtualClock, WallClock
from mastertrading.simulator.virtual_time import NothingWillHappen, VirtualLoop, run_virtual, wall_shows

T0 = 1_700_000_000_000


def test_a_day_of_sleeping_takes_no_time_and_ends_on_the_millisecond():
    clock = VirtualClock(T0)

    async def sleeps() -> int:
        await asyncio.sleep(86_400)
        await clock.sleep(0.001)
        return clock.now_ms()

    began = time.monotonic()
    assert run_virtual(sleeps(), clock) == T0 + 86_400_001
    assert time.monotonic() - began < 1


def test_thousands_of_tenths_add_up_exactly():
    clock = VirtualClock(T0)

    async def ticks() -> list[int]:
        seen = []
        for _ in range(5_000):
            await asyncio.sleep(0.1)
            seen.append(clock.now_ms())
        return seen

    assert run_virtual(ticks(), clock) == [T0 + 100 * (n + 1) for n in range(5_000)]


def test_sleepers_wake_in_the_order_of_their_times_whoever_came_first():
    clock, woke = VirtualClock(T0), []

    async def wakes(seconds: float) -> None:
        await clock.sleep(seconds)
        woke.append((seconds, clock.now_ms() - T0))

    async def all_of_them() -> None:
        await asyncio.gather(*(wakes(seconds) for seconds in (3.0, 0.5, 2.0, 0.25)))

    run_virtual(all_of_them(), clock)
    assert woke == [(0.25, 250), (0.5, 500), (2.0, 2000), (3.0, 3000)]


def test_timers_of_one_moment_come_in_the_order_in_which_they_were_asked_for():
    came = []

    async def asks() -> None:
        loop = asyncio.get_running_loop()
        for count in range(20):
            loop.call_later(1.0, came.append, count)
        await asyncio.sleep(2)

    run_virtual(asks(), VirtualClock(T0))
    assert came == list(range(20))


def test_a_time_limit_strikes_at_its_virtual_moment():
    clock = VirtualClock(T0)

    async def waits() -> int:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().create_future(), 10)
        return clock.now_ms()

    assert run_virtual(waits(), clock) == T0 + 10_000


def test_waiting_for_nothing_is_told_instead_of_hanging():
    async def waits() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingWillHappen):
        run_virtual(waits(), VirtualClock(T0))


def test_the_clock_stands_still_while_a_thread_works():
    clock = VirtualClock(T0)

    async def works() -> tuple[int, str]:
        timer = asyncio.create_task(asyncio.sleep(3600))
        answer = await asyncio.to_thread(lambda: (time.sleep(0.02), "done")[1])
        at = clock.now_ms()
        timer.cancel()
        return at, answer

    assert run_virtual(works(), clock) == (T0, "done")


def test_without_its_own_loop_the_clock_wakes_sleepers_when_it_is_set():
    clock, woke = VirtualClock(T0), []

    async def sleeps(seconds: float) -> None:
        await clock.sleep(seconds)
        woke.append(seconds)

    async def sets() -> None:
        tasks = [asyncio.create_task(sleeps(seconds)) for seconds in (2.0, 1.0)]
        await asyncio.sleep(0)
        clock.set_ms(T0 + 1_500)
        await tasks[1]
        assert woke == [1.0]
        clock.advance(0.5)
        await tasks[0]

    asyncio.run(sets())
    assert woke == [1.0, 2.0]


def test_a_clock_never_goes_back():
    clock = VirtualClock(T0)
    with pytest.raises(UsageError):
        clock.set_ms(T0 - 1)


def test_the_wall_can_show_the_clock_for_a_while():
    clock = VirtualClock(T0)
    with wall_shows(clock):
        clock.advance(5)
        assert time.time() == T0 / 1000 + 5
    assert time.time() > T0 / 1000 + 60


def test_an_accelerated_clock_goes_faster_than_the_wall_from_where_it_was_put():
    clock = WallClock(speed=1_000, start_ms=T0)

    async def waits() -> int:
        await clock.sleep(5)
        return clock.now_ms()

    assert T0 + 5_000 <= asyncio.run(waits()) < T0 + 5_000_000


def test_two_runs_take_the_same_turns():
    def turns() -> list[tuple[int, int]]:
        clock, seen = VirtualClock(T0), []

        async def goes(step: int) -> None:
            for _ in range(50):
                await asyncio.sleep(step / 7)
                seen.append((step, clock.now_us))

        async def race() -> None:
            await asyncio.gather(*map(goes, range(1, 6)))

        run_virtual(race(), clock)
        return seen

    assert turns() == turns()


def test_a_loop_leaves_nothing_open():
    loop = VirtualLoop(VirtualClock(T0))
    loop.run_until_complete(asyncio.sleep(1))
    loop.close()
    assert loop.is_closed()
