"""Plans drawn by a seed against a busy client of ccxt: the exchange stays whole, a seed is the same story again."""

from __future__ import annotations

import asyncio

import ccxt
import pytest

from contract.fault_scene import CCXT, SYMBOL, T0, Scene, play
from mastertrading.simulator.faults.plan import drawn

SPAN_MS = 180_000
SEEDS = range(4)


def busy(seed: int):
    """A probe: everything a client does, again and again, while eight faults of a seed come and go."""

    async def story(scene: Scene) -> str:
        told: list[tuple[str, object, int]] = []
        client = scene.client
        client.timeout = 5_000
        for fault in drawn(seed, start_ms=T0, span_ms=SPAN_MS, count=8):
            scene.local.plan.add(fault)

        async def tell(name, doing):
            try:
                await doing
                told.append((name, "done", client.milliseconds()))
            except ccxt.BaseError as error:
                told.append((name, type(error).__name__, client.milliseconds()))
                await asyncio.sleep(1)

        async def watches():
            while True:
                await tell("bars of the stream", client.watch_ohlcv(SYMBOL, "1m"))

        watching = asyncio.create_task(watches())
        scene.walks(SPAN_MS // 1000)
        while client.milliseconds() < T0 + SPAN_MS:
            side = "buy" if len(told) % 2 else "sell"
            await tell("order", scene.place(side))
            await tell("limit", scene.place(price=64_000))
            await tell("stop", scene.stop())
            await tell("positions", client.fetch_positions([SYMBOL]))
            await tell("open orders", client.fetch_open_orders(SYMBOL))
            await tell("fills", client.fetch_my_trades(SYMBOL))
            await tell("cancel", client.cancel_all_orders(SYMBOL))
            await asyncio.sleep(5)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return repr(told)

    return story


@pytest.mark.parametrize("venue", CCXT)
@pytest.mark.parametrize("seed", SEEDS)
def test_under_a_random_plan_the_exchange_stays_whole_and_repeats_itself(venue, seed):
    told, local = play(venue, busy(seed))
    assert local.bugs() == []
    assert local.exchange(venue).books().total == 0
    assert sum(local.plan.hits().values()) > 0
    assert play(venue, busy(seed))[0] == told


def test_after_the_faults_everything_comes_right():
    async def story(scene: Scene) -> str:
        for fault in drawn(7, start_ms=T0, span_ms=60_000, count=12):
            scene.local.plan.add(fault)
        await scene.sleep(30)
        scene.local.plan.clear()
        order = await scene.place()
        found = await scene.client.fetch_my_trades(SYMBOL)
        return f"{bool(order['id'])} {len(found)}"

    for venue in CCXT:
        assert play(venue, story)[0] == "True 1"
