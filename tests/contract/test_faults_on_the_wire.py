"""A sample of faults on sockets: ccxt raises the very classes that it raises in process."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from contract.fault_probes import places
from contract.fault_scene import CCXT, PX, SYMBOL, listings, make_client, markets_of, outcome, play
from mastertrading.simulator.clock import WallClock
from mastertrading.simulator.faults.catalogue import make
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.loopback import loopback_session
from mastertrading.simulator.virtual_time import run_virtual

SAMPLE = [
    ("N01", {}),
    ("N02", {}),
    ("N03", {}),
    ("N04", {}),
    ("N05", {}),
    ("N06", {}),
    ("N07", {"least_ms": 60, "largest_ms": 60}),
    ("N08", {}),
    ("N09", {}),
    ("N15", {}),
    ("N16", {"status": 502}),
    ("N16", {"status": 200, "accepted": True}),
    ("X01", {"word": "timeout"}),
    ("X03", {"body": "object"}),
    ("X04", {"word": "ban"}),
    ("X30", {}),
]
TIMEOUT_MS = 300


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return tmp_path_factory.mktemp("authority")


def on_the_wire(venue, authority, doing, fault=None):
    markets, currencies = markets_of(venue)

    async def run():
        local = LocalExchange(listings(), venues=[venue], clock=WallClock())
        local.open_account()
        local.exchange().move("BTCUSDT", PX)
        served = await local.serve(authority)
        try:
            async with loopback_session(served.port, authority / "ca.pem", local.plan) as session:
                client = make_client(venue, session, local.keys())
                client.enableRateLimit, client.timeout = False, TIMEOUT_MS
                client.set_markets(list(markets.values()), currencies)
                if fault is not None:
                    local.plan.add(fault)
                try:
                    seen = await doing(client, local)
                finally:
                    local.plan.clear()
                    client.timeout_on_exit = 0
                    await client.close()
            return seen, len(local.account().orders), list(served.server.failures) + local.bugs()
        finally:
            await served.close()

    return asyncio.run(run())


@pytest.mark.parametrize("venue", CCXT)
@pytest.mark.parametrize(("key", "given"), SAMPLE, ids=str)
def test_a_fault_on_the_wire_is_what_it_is_in_process(venue, key, given, authority):
    async def places_one(client, local):
        return await outcome(client.create_order(SYMBOL, "limit", "buy", 0.01, 60_000))

    fault = make(key, seed=1, **given)
    seen, accepted, failures = on_the_wire(venue, authority, places_one, fault)
    in_process = play(venue, places, make(key, seed=1, **given))[0] if key != "X30" else None
    assert fault.hits > 0
    assert failures == []
    if in_process is not None:
        assert f"{seen}; {accepted} accepted" == in_process.replace(" after 10 s", "")
    else:
        assert "refused" in seen
        assert accepted == 0


@pytest.mark.parametrize("venue", CCXT)
def test_a_cut_stream_raises_on_the_wire_what_it_raises_in_process(venue, authority):
    async def watches(client, local):
        watching = asyncio.ensure_future(client.watch_trades(SYMBOL))
        while not watching.done():
            local.exchange().move("BTCUSDT", PX)
            await asyncio.sleep(0.01)
        await watching
        waiting = asyncio.ensure_future(client.watch_trades(SYMBOL))
        await asyncio.sleep(0.02)
        local.plan.add(make("N14", dials_fail=0.0, most=1))
        return await outcome(waiting, 5)

    seen, _, failures = on_the_wire(venue, authority, watches)
    assert seen == "NetworkError (failed)"
    assert failures == []


STREAM = "wss://fstream.binance.com/ws/btcusdt@trade"
OF_FRAMES = [
    ("N10", {}, ([], False)),
    ("N11", {}, ([], True)),
    ("N12", {"mode": "duplicate"}, ([1, 2, 3, 4, 1, 2, 3, 4], True)),
    ("N12", {"mode": "late", "delay_ms": 40}, ([1, 2, 3, 4], True)),
    ("N12", {"mode": "reorder", "delay_ms": 40}, ([2, 4, 1, 3], True)),
    ("N13", {}, ([], True)),
    ("N13", {"nth": [2, 3]}, ([1, 4], True)),
]


async def hears(session, local, fault):
    """The trades that came of four, in the order in which they came; and whether a ping was answered."""
    async with session.ws_connect(STREAM, autoping=False) as stream:
        local.exchange().move("BTCUSDT", PX)
        first = json.loads((await stream.receive(5)).data)["t"]
        local.plan.add(fault)
        for ticks in range(1, 5):
            local.exchange().move("BTCUSDT", PX + ticks)
        await stream.ping(b"there?")
        came, answered = [], False
        try:
            while True:
                message = await stream.receive(0.25)
                if message.type is aiohttp.WSMsgType.PONG:
                    answered = True
                elif message.type is aiohttp.WSMsgType.TEXT:
                    came.append(json.loads(message.data)["t"] - first)
        except TimeoutError:
            local.plan.clear()
            return came, answered


@pytest.mark.parametrize(("key", "given", "expected"), OF_FRAMES, ids=str)
def test_frames_fare_on_the_wire_as_in_process(key, given, expected, authority):
    async def on_sockets():
        local = LocalExchange(listings(), clock=WallClock())
        served = await local.serve(authority)
        try:
            async with loopback_session(served.port, authority / "ca.pem", local.plan) as session:
                return await hears(session, local, make(key, **given))
        finally:
            await served.close()

    async def here():
        async with local.session() as session:
            return await hears(session, local, make(key, **given))

    local = LocalExchange(listings())
    assert run_virtual(here(), local.clock) == expected
    assert asyncio.run(on_sockets()) == expected
