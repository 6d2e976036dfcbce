"""A trader as a process of its own, on a local exchange that is served on sockets by the process of the test."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from decimal import Decimal

from mastertrading.app.bar_inputs import listings_of
from mastertrading.app.local_place import write_local
from mastertrading.simulator.clock import WallClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.tape import BarTape
from traded import HISTORY, lively, market_of

KEY, SECRET, KEK, PASSWORD = (f"canary{n}{'x' * 20}{n}" for n in range(4))
CANARIES = (KEY, SECRET, KEK, PASSWORD)
SPEED = 30.0


def environ(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MASTERTRADING_")}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "MASTERTRADING_KEYS_MAIN_API_KEY": KEY,
        "MASTERTRADING_KEYS_MAIN_SECRET": SECRET,
        "MASTERTRADING_KEK_PASSPHRASE": KEK,
        **more,
    }


def command(folder, *words):
    return [sys.executable, "-m", "mastertrading", *words, "--state", str(folder / "state")]


def trade(folder, *words):
    told = ("--mode", "testnet", "--instruments", "BTC,ETH,SOL", "--local", str(folder), "--no-wait")
    # the exchange's time goes 30 times as fast: what a busy machine loses must not cost the right to write
    settings = "allocation.min_modules=1", "allocation.threshold=0.1", "live.lease_seconds=600"
    lively_ = [word for one in settings for word in ("--set", one)]
    return command(folder, "trade", *told, *lively_, *words)


def served_in(tmp_path):
    """A local exchange on sockets, in a loop of its own: what runs a scene beside it."""
    settings, market = lively("testnet"), market_of(3.0)

    def play(scene):
        async def whole():
            clock = WallClock(SPEED, int(market.ts_ms[HISTORY]))
            listed = listings_of(market.instruments, settings)
            local = LocalExchange(listed, clock=clock, tape=BarTape(market, HISTORY), pace=Pace.CLOCK)
            local.open_account(deposit=Decimal(10_000), api_key=KEY, secret=SECRET)
            local.account().leverage.update(dict.fromkeys(market.symbols, 125))
            place = await local.serve(tmp_path)
            about = {"port": place.port, "key": KEY, "secret": SECRET, "speed": SPEED}
            write_local(tmp_path, {**about, "now_ms": clock.now_ms(), "at_ms": time.time_ns() // 1_000_000})
            playing = asyncio.ensure_future(local.run())
            try:
                return await scene(local)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
                await place.close()

        return asyncio.run(whole())

    return play


async def until(happened, seconds=60.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.1)
