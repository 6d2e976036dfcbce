"""A whole local exchange, its control port, and the launcher of foreign bots."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from decimal import Decimal

import aiohttp
import pytest

from mastertrading.domain.errors import UsageError
from mastertrading.domain.instrument import Instrument
from mastertrading.lake.synthetic import synthesize
from mastertrading.simulator import lead
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.tape import BarTape

T0 = 1_748_736_000_000
TOKEN = "let me in"


@pytest.fixture(scope="module")
def market():
    return synthesize(("BTCUSDT",), 0.1, 1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return tmp_path_factory.mktemp("authority")


def listing() -> Listing:
    return Listing(Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"), Decimal(5)))


def steered(talk, **options):
    """Talk to the control port of an exchange; what came of it, and the exchange."""
    local = LocalExchange([listing()], clock=options.pop("clock", None), **options)
    local.open_account()

    async def main():
        served = await local.serve(None, token=TOKEN)
        base = f"http://127.0.0.1:{served.control.port}"

        async def ask(method, path, told=None, token=TOKEN):
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(headers=headers) as session:
                data = told if isinstance(told, bytes | None) else json.dumps(told).encode()
                async with session.request(method, base + path, data=data) as reply:
                    return reply.status, await reply.json()

        try:
            return await talk(ask, local)
        finally:
            await served.close()

    return asyncio.run(main()), local


def test_every_venue_has_its_own_exchange_on_one_clock():
    local = LocalExchange([listing()], venues=["binance_usdm", "bybit_linear"])
    local.open_account(deposit=5_000)
    local.exchange("binance_usdm").move("BTCUSDT", 650_000)
    assert local.exchange("bybit_linear").markets["BTCUSDT"].last_ticks == 0
    assert local.exchange("bybit_linear").clock is local.exchange("binance_usdm").clock
    assert {account.api_key for account in (local.account(venue=v) for v in local.places)} == {
        local.keys()["apiKey"]
    }


def test_a_venue_without_a_facade_is_refused():
    with pytest.raises(UsageError, match="no façade"):
        LocalExchange([listing()], venues=["nyse"])


def test_two_venues_play_one_tape_in_the_order_of_time(market):
    tape = BarTape(market, 5, 8)
    local = LocalExchange(
        [Listing(one) for one in market.instruments], venues=["binance_usdm", "bybit_linear"], tape=tape
    )
    assert asyncio.run(local.run()) == 2 * 3 * 4
    last = {place.exchange.markets["BTCUSDT"].last_ticks for place in local.places.values()}
    assert len(last) == 1
    assert 0 not in last


def test_without_the_token_nothing_is_answered():
    async def talk(ask, local):
        return [(await ask("GET", "/books", token=token))[0] for token in ("", "wrong", TOKEN)]

    assert steered(talk)[0] == [401, 401, 200]


@pytest.mark.parametrize(
    ("method", "path", "told", "status"),
    [
        ("POST", "/faults", {"id": "N99"}, 400),
        ("POST", "/faults", {"id": "N05", "colour": 1}, 400),
        ("POST", "/faults", b"not json", 400),
        ("POST", "/faults", b"[1]", 400),
        ("POST", "/faults", b"x" * 100_000, 400),
        ("DELETE", "/faults/7", None, 400),
        ("DELETE", "/faults/x", None, 400),
        ("POST", "/faults", {"id": "X14", "symbol": "NOPE"}, 400),
        ("POST", "/act", {"do": "dance"}, 400),
        ("POST", "/act", {"do": "transfer", "account": "nobody", "amount": 1}, 400),
        ("POST", "/act", {"do": "transfer", "account": "me", "amount": -(10**9)}, 409),
        ("POST", "/idle", {}, 400),
        ("GET", "/nowhere", None, 404),
    ],
)
def test_nonsense_at_the_control_port_is_told_why(method, path, told, status):
    async def talk(ask, local):
        return await ask(method, path, told)

    (got, answer), _ = steered(talk)
    assert got == status
    assert answer["error"]


def test_faults_come_and_go_by_the_control_port():
    async def talk(ask, local):
        local.exchange().move("BTCUSDT", 650_000)
        added = (await ask("POST", "/faults", {"id": "X27", "what": "permission"}))[1]
        during = local.account().permissions
        listed = (await ask("GET", "/faults"))[1]
        await ask("DELETE", f"/faults/{added['number']}")
        return during, [(one["id"], one["hits"]) for one in listed], local.account().permissions

    during, listed, after = steered(talk, clock=VirtualClock(T0))[0]
    assert (during, after) == ({"read"}, {"read", "trade"})
    assert listed == [("X27", 1)]


def test_an_act_is_done_at_once_and_the_books_say_so():
    async def talk(ask, local):
        await ask("POST", "/act", {"do": "transfer", "account": "me", "amount": "250"})
        return (await ask("GET", "/books"))[1]["binance_usdm"]

    books, _ = steered(talk)
    assert books["equity"] == 10_250 * 10**8
    assert books["total"] == 0


def test_time_stands_still_until_the_client_is_idle(market):
    async def talk(ask, local):
        playing = asyncio.create_task(local.run())
        seen = []
        while len(seen) < 3:
            held = (await ask("GET", f"/held?after={seen[-1][0] if seen else -1}"))[1]
            now = local.clock.now_ms()
            await asyncio.sleep(0.03)
            assert local.clock.now_ms() == now
            late = (await ask("POST", "/idle", {"number": held["number"] - 1}))[1]["counted"]
            counted = (await ask("POST", "/idle", {"number": held["number"]}))[1]["counted"]
            seen.append((held["number"], held["name"], late, counted))
        await asyncio.wait_for(playing, 5)
        return seen, (await ask("GET", "/status"))[1]["venues"]["binance_usdm"]["is_over"]

    tape = BarTape(market, 5, 8)
    seen, is_over = steered(talk, tape=tape, pace=Pace.LOCKSTEP)[0]
    assert seen == [(4, "close", False, True), (8, "close", False, True), (12, "close", False, True)]
    assert is_over


def test_time_waits_for_everybody_who_has_joined(market):
    async def talk(ask, local):
        for client in ("a", "b"):
            await ask("POST", "/join", {"client": client})
        playing = asyncio.create_task(local.run())
        held = (await ask("GET", "/held"))[1]
        after_a = (await ask("POST", "/idle", {"client": "a", "number": held["number"]}))[1]["waits_for"]
        after_b = (await ask("POST", "/idle", {"client": "b", "number": held["number"]}))[1]["waits_for"]
        await asyncio.wait_for(playing, 5)
        return held["waits_for"], after_a, after_b

    told, _ = steered(talk, tape=BarTape(market, 5, 6), pace=Pace.LOCKSTEP)
    assert told == (["a", "b"], ["b"], [])


def test_the_launcher_leads_a_script_here_and_stops_one_that_leaves(authority):
    script = authority / "bot.py"
    script.write_text(
        "import sys, urllib.request, socket\n"
        "told = urllib.request.urlopen('https://fapi.binance.com/fapi/v1/time').read()\n"
        "print(told.decode(), sys.argv[1:])\n"
        "try:\n    socket.create_connection(('example.com', 443))\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
        "socket.socket().connect(('192.0.2.1', 443))\n",
        encoding="utf-8",
    )
    launcher = authority / "lead.py"
    shutil.copyfile(lead.__file__, launcher)

    async def main():
        local = LocalExchange([listing()], clock=VirtualClock(T0))
        served = await local.serve(authority)
        command = [sys.executable, str(launcher), str(served.port), str(script), "--mine"]
        try:
            return await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, timeout=30
            )
        finally:
            await served.close()

    ran = asyncio.run(main())
    assert ran.stdout.splitlines() == [f"{{\"serverTime\":{T0}}} ['--mine']", "gaierror"]
    assert "a connection to 192.0.2.1 was about to be made" in ran.stderr
    assert ran.returncode == lead.LEFT
