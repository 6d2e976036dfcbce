"""How much the local exchange bears: ``PYTHONPATH=src:tests python -m scenario.exchange_load [--minutes 10]``.

==========  ====================================================================================
market      5 000 market messages a second to one raw WebSocket client: none lost, memory flat
orders      500 orders a second over TLS, each accepted
lockstep    a day of seven instruments at one minute, a client connected, idle after each close
hour        a simulated hour in process: ccxt polls, watches a stream, and meets a seed's faults
==========  ====================================================================================
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from mastertrading.domain.instrument import Instrument
from mastertrading.lake.synthetic import synthesize
from mastertrading.simulator.binance import BinanceRules
from mastertrading.simulator.clock import VirtualClock, WallClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.faults.plan import drawn
from mastertrading.simulator.in_process import keep_time
from mastertrading.simulator.line import Link
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.loopback import loopback_session
from mastertrading.simulator.tape import BarTape
from mastertrading.simulator.virtual_time import run_virtual, wall_shows
from scenario.exchange_clients import HOST, STREAMS

RATE = 5_000
PX = 650_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT")
Figures = dict[str, Any]


def listing() -> Listing:
    return Listing(Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"), Decimal(5)))


def resident_mib(pid: int | None = None) -> float:
    """Memory that a process holds; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# -------------------------------------------------------------------- 5 000 messages a second
async def market(seconds: float, folder: Path) -> Figures:
    """Send frames at the rate, count them on either side, and look at the memory in between."""
    local = LocalExchange([listing()], clock=WallClock())
    local.exchange().move("BTCUSDT", PX)
    served = await local.serve(folder)
    sent = _counting(local)
    client = await _client("listen", served.port, folder / "ca.pem")
    try:
        while not local.line.links or sent() < len(STREAMS):
            local.exchange().move("BTCUSDT", PX)
            await asyncio.sleep(0.01)
        first, began = sent(), time.perf_counter()
        memory, seen = [], 0.0
        while (passed := time.perf_counter() - began) < seconds:
            while sent() - first < RATE * passed:
                local.exchange().move("BTCUSDT", PX + sent() % 50)
            if passed >= seen:
                memory.append((resident_mib(), resident_mib(client.pid)))
                seen += max(seconds / 20, 0.25)
            await asyncio.sleep(0.002)
        passed = time.perf_counter() - began
        local.line.links[0].hang(1000, "enough")
        told = json.loads((await client.communicate())[0])
    finally:
        if client.returncode is None:
            client.kill()
        await served.close()
    late = memory[len(memory) // 3 :]
    return {
        "messages_per_s": round((sent() - first) / passed),
        "sent": sent(),
        "received": told["received"],
        "trades_missing": told["missing"],
        "server_growth_mib": round(late[-1][0] - late[0][0], 1),
        "client_growth_mib": round(late[-1][1] - late[0][1], 1),
        "server_mib": round(late[-1][0], 1),
    }


def _counting(local: LocalExchange) -> Callable[[], int]:
    """Count what links are given to deliver."""
    count = 0
    frames = local.plan.frames

    def counted(link: Link, text: str) -> Any:
        nonlocal count
        count += 1
        return frames(link, text)

    local.plan.frames = counted
    return lambda: count


async def _client(*arguments: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scenario.exchange_clients",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def ccxt_rate(frames: int = 5_000) -> Figures:
    """How many of these frames ccxt itself can read, on nothing but its own handler."""
    import ccxt.pro

    local = LocalExchange([listing()], clock=VirtualClock(1_748_736_000_000))
    local.exchange().move("BTCUSDT", PX)
    client = ccxt.pro.binanceusdm({"session": local.session(), "options": {"fetchCurrencies": False}})
    keep_time(client, local.clock)
    kept: list[tuple[Any, Any]] = []
    try:
        await client.load_markets()
        watching = [
            asyncio.ensure_future(client.watch_trades("BTC/USDT:USDT")),
            asyncio.ensure_future(client.watch_ohlcv("BTC/USDT:USDT", "1m")),
        ]
        await asyncio.sleep(0.05)
        for link in tuple(local.line.links):
            link.deliver = lambda text, link=link: kept.append((link, text))  # type: ignore[method-assign]
        while len(kept) < frames:
            local.exchange().move("BTCUSDT", PX + len(kept) % 50)
        sockets = {one.connection.link: one for one in client.clients.values()}
        began = time.perf_counter()
        for link, text in kept:
            client.handle_message(sockets[link], json.loads(text))
        taken = time.perf_counter() - began
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    finally:
        await client.close()
    return {"ccxt_messages_per_s": round(len(kept) / taken)}


# -------------------------------------------------------------------- 500 orders a second
async def orders(seconds: float, folder: Path) -> Figures:
    """Market orders to and fro over a few connections, with the venue's limits out of the way."""
    rules = BinanceRules(weight_a_minute=10**9, orders_a_minute=10**9, orders_in_ten_seconds=10**9)
    local = LocalExchange([listing()], clock=WallClock(), rules={"binance_usdm": rules})
    local.open_account(deposit=10**9)
    local.exchange().move("BTCUSDT", PX)
    served = await local.serve(folder)
    keys = local.keys()
    client = await _client("trade", served.port, folder / "ca.pem", keys["apiKey"], keys["secret"], seconds)
    began = time.process_time()
    try:
        told = json.loads((await client.communicate())[0])
        worked_ms = 1000 * (time.process_time() - began)
    finally:
        if client.returncode is None:
            client.kill()
        await served.close()
    return {
        **told,
        "server_cpu_ms_an_order": round(worked_ms / max(told["accepted"], 1), 2),
        "held": len(local.account().orders),
        "books_total": local.exchange().books().total,
    }


# -------------------------------------------------------------------- a day in lockstep
async def lockstep(hours: float, folder: Path) -> Figures:
    """Seven instruments on the wire; a client that hears their bars and says by the control port that it is idle."""
    bars = synthesize(SYMBOLS, max(hours / 24, 0.1) + 0.1, 1)
    stop = round(hours * 60) + 60
    tape = BarTape(bars, 60, stop)
    listings = [Listing(instrument) for instrument in bars.instruments]
    local = LocalExchange(listings, tape=tape, pace=Pace.LOCKSTEP)
    served = await local.serve(folder)
    heard = asyncio.create_task(
        _lockstep_client(served.port, served.control.port, served.control.token, folder)
    )
    try:
        while not local.line.links:
            await asyncio.sleep(0.01)
        began, worked = time.perf_counter(), time.process_time()
        points = await local.run()
        taken, worked = time.perf_counter() - began, time.process_time() - worked
        for link in tuple(local.line.links):
            link.hang(1000, "the day is over")
        closed = await heard
    finally:
        heard.cancel()
        await served.close()
    return {
        "seconds": round(taken, 2),
        "cpu_seconds": round(worked, 2),
        "points": points,
        "bars_heard": closed,
        "bars": (stop - 60) * len(SYMBOLS),
    }


async def _lockstep_client(port: int, control: int, token: str, folder: Path) -> int:
    streams = "/".join(f"{symbol.lower()}@kline_1m" for symbol in SYMBOLS)
    closed, number = 0, -1
    base, headers = f"http://127.0.0.1:{control}", {"Authorization": f"Bearer {token}"}

    async def listens() -> None:
        nonlocal closed
        async for message in stream:
            closed += json.loads(message.data)["data"]["k"]["x"]

    async with (
        loopback_session(port, folder / "ca.pem") as session,
        aiohttp.ClientSession(headers=headers) as steering,
        session.ws_connect(f"wss://{HOST}/stream?streams={streams}") as stream,
    ):
        listening = asyncio.create_task(listens())
        while True:
            async with steering.get(f"{base}/held", params={"after": number}) as reply:
                progress = await reply.json()
            number = progress["number"]
            async with steering.post(f"{base}/idle", json={"number": number}) as reply:
                await reply.read()
            if progress["is_over"]:
                break
        await listening
    return closed


# -------------------------------------------------------------------- an hour in process
def hour(seed: int = 1, markets: tuple[Any, Any] | None = None) -> Figures:
    """A simulated hour of a seed: six faults come and go; ccxt watches bars, reads its account each minute, trades."""
    import ccxt.pro

    bars = synthesize(("BTCUSDT",), 0.2, seed)
    tape = BarTape(bars, 60, 121)
    clock = VirtualClock(int(bars.ts_ms[60]) - 1_000)
    seen = {"updates": 0, "reads": 0, "orders": 0, "troubles": 0}

    async def run() -> None:
        local = LocalExchange(
            [Listing(i) for i in bars.instruments], tape=tape, pace=Pace.CLOCK, clock=clock, seed=seed
        )
        local.open_account()
        client = ccxt.pro.binanceusdm(
            {"session": local.session(), **local.keys(), "options": {"fetchCurrencies": False}}
        )
        keep_time(client, clock)
        if markets is not None:
            client.set_markets(list(markets[0].values()), markets[1])
        else:
            await client.load_markets()
        for fault in drawn(seed, start_ms=int(bars.ts_ms[60]), span_ms=3_600_000):
            local.plan.add(fault)
        tasks = [asyncio.create_task(_watches(client, seen)), asyncio.create_task(_polls(client, seen))]
        try:
            await local.run()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()
        seen["total"] = local.exchange().books().total
        seen["faults_hit"] = sum(local.plan.hits().values())
        seen["markets"] = (client.markets, client.currencies)

    began, worked = time.perf_counter(), time.process_time()
    with wall_shows(clock):
        run_virtual(run(), clock)
    passed, worked = time.perf_counter() - began, time.process_time() - worked
    return {"seconds": round(passed, 3), "cpu_seconds": round(worked, 3), **seen}


async def _watches(client: Any, seen: Figures) -> None:
    while True:
        await _tried(client.watch_ohlcv("BTC/USDT:USDT", "1m"), "updates", seen)


async def _polls(client: Any, seen: Figures) -> None:
    symbol = "BTC/USDT:USDT"
    for minute in count():
        await _tried(client.fetch_positions([symbol]), "reads", seen)
        await _tried(client.fetch_open_orders(symbol), "reads", seen)
        await _tried(client.fetch_balance(), "reads", seen)
        if minute % 15 == 14:
            side = "sell" if minute // 15 % 2 else "buy"
            await _tried(client.create_order(symbol, "market", side, 0.01), "orders", seen)
        await asyncio.sleep(60)


async def _tried(doing: Any, name: str, seen: Figures) -> None:
    """Count what was done, or that a fault was in the way: a spoilt reply trips ccxt's parsers, too."""
    try:
        await doing
        seen[name] += 1
    except Exception:
        seen["troubles"] += 1
        await asyncio.sleep(1)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.5, help="length of the market stream")
    parser.add_argument("--only", default="", help="one of market, orders, lockstep, hour")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        runs: dict[str, Callable[[], Figures]] = {
            "market": lambda: asyncio.run(market(60 * asked.minutes, here)) | asyncio.run(ccxt_rate()),
            "orders": lambda: asyncio.run(orders(10, here)),
            "lockstep": lambda: asyncio.run(lockstep(24, here)),
            "hour": _hours,
        }
        for name, measure in runs.items():
            if asked.only in ("", name):
                print(name, json.dumps(measure()), flush=True)


def _hours() -> Figures:
    first = hour(1)
    markets = first.pop("markets")
    again = [hour(seed, markets)["cpu_seconds"] for seed in range(2, 7)]
    return {**first, "later_seeds_cpu_s": again}


if __name__ == "__main__":
    main()
