from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
import pytest
import yarl
from aiohttp import WSMsgType

from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.in_process import InProcessSession
from mastertrading.simulator.line import MOST_UNREAD, Calm, Line
from mastertrading.simulator.virtual_time import run_virtual
from mastertrading.simulator.wire import ON_TIME, Delivery, Request, Response
from unit.simulator.plain_facade import HOST, PlainFacade

T0 = 1_700_000_000_000
URL = f"https://{HOST}/fapi/v1/order"
FIVE_SECONDS = aiohttp.ClientTimeout(total=5, sock_read=5)


@dataclass
class Spoilt(Calm):
    there: Delivery = ON_TIME
    back: Delivery = ON_TIME
    pings: bool = True

    def departs(self, venue: str, request: Request) -> Delivery:
        return self.there

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        return response, self.back

    def dials(self, venue: str, request: Request) -> Delivery:
        return self.there

    def pongs(self, link: object) -> bool:
        return self.pings


def told(coroutine_of, *, weather: Calm | None = None, latency_ms: int = 0):
    clock, facade = VirtualClock(T0), PlainFacade()
    session = InProcessSession(Line([facade], weather or Calm()), latency_ms=latency_ms)

    async def main():
        async with session:
            return await coroutine_of(session)

    return run_virtual(main(), clock), facade, clock


def test_a_request_arrives_as_it_was_signed_and_the_reply_comes_back():
    async def asks(session):
        url = yarl.URL(f"{URL}?b=2&a=%2F1", encoded=True)  # as ccxt hands it over
        async with session.post(url, data=b"x=1", headers={"X-MBX-APIKEY": "key"}) as reply:
            return reply.status, reply.reason, reply.headers["content-type"], await reply.json()

    answer, facade, _ = told(asks)
    assert answer == (200, "OK", "application/json", {"n": 1, "path": "/fapi/v1/order", "body": "x=1"})
    assert facade.requests[0].query == "b=2&a=%2F1"
    assert facade.requests[0].headers["x-mbx-apikey"] == "key"


@pytest.mark.parametrize(
    ("weather", "error", "accepted"),
    [
        (Spoilt(there=Delivery(refuse="connect")), aiohttp.ClientConnectorError, 0),
        (Spoilt(there=Delivery(refuse="dns")), aiohttp.ClientConnectorDNSError, 0),
        (Spoilt(there=Delivery(refuse="tls")), aiohttp.ClientConnectorCertificateError, 0),
        (Spoilt(there=Delivery(lose_request=True)), asyncio.TimeoutError, 0),
        (Spoilt(back=Delivery(lose_reply="hang")), asyncio.TimeoutError, 1),
        (Spoilt(back=Delivery(lose_reply="reset")), aiohttp.ServerDisconnectedError, 1),
        (Spoilt(back=Delivery(cut_at=3)), aiohttp.ClientPayloadError, 1),
        (Spoilt(back=Delivery(reply_delay_ms=6_000)), asyncio.TimeoutError, 1),
        (Spoilt(back=Delivery(drip_bytes_per_s=1)), asyncio.TimeoutError, 1),
    ],
)
def test_what_goes_wrong_is_raised_as_aiohttp_does(weather, error, accepted):
    async def asks(session):
        with pytest.raises(error):
            await session.post(URL, data=b"x=1", timeout=FIVE_SECONDS)

    _, facade, _ = told(asks, weather=weather)
    assert len(facade.requests) == accepted


def test_a_late_request_arrives_though_its_client_has_gone():
    async def asks(session):
        with pytest.raises(asyncio.TimeoutError):
            await session.post(URL, timeout=FIVE_SECONDS)
        await asyncio.sleep(10)

    _, facade, _ = told(asks, weather=Spoilt(there=Delivery(request_delay_ms=12_000)))
    assert len(facade.requests) == 1


def test_a_proxy_that_answers_itself_lets_nothing_through():
    page = Response(502, b"<html>", {"Content-Type": "text/html"})

    async def asks(session):
        reply = await session.post(URL)
        return reply.status, await reply.text()

    answer, facade, _ = told(asks, weather=Spoilt(there=Delivery(lose_request=True, replace=page)))
    assert answer == (502, "<html>")
    assert facade.requests == []


@pytest.mark.parametrize(("method", "seen"), [("DELETE", 3), ("POST", 2)])
def test_only_what_may_be_repeated_is_sent_again_on_a_kept_connection(method, seen):
    weather = Spoilt()

    async def asks(session):
        await session.get(URL)
        weather.back = Delivery(lose_reply="reset")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.request(method, URL)

    _, facade, _ = told(asks, weather=weather)
    assert len(facade.requests) == seen


def test_a_host_that_nobody_answers_does_not_resolve():
    async def asks(session):
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get("https://example.com/")

    told(asks)


def test_latency_is_the_way_there_and_back():
    async def asks(session):
        await session.get(URL)

    _, _, clock = told(asks, latency_ms=40)
    assert clock.now_ms() == T0 + 80


def test_frames_go_both_ways_and_the_venue_may_hang_up():
    async def talks(session):
        socket = await session.ws_connect(f"wss://{HOST}/ws", autoping=False, autoclose=False)
        await socket.send_str("hello")
        first = await socket.receive()
        await socket.ping(b"x")
        pong = await socket.receive()
        await socket.send_str("bye")
        last = await socket.receive()
        after = await socket.receive()
        return first.data, pong.type, (last.type, last.data, last.extra), after.type, socket.closed

    answer, facade, _ = told(talks)
    assert answer == (
        "heard hello",
        WSMsgType.PONG,
        (WSMsgType.CLOSE, 4001, "as you wish"),
        WSMsgType.CLOSED,
        True,
    )
    assert facade.sessions[0].closed == 1


def test_a_refused_dial_carries_status_and_headers():
    async def dials(session):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"wss://{HOST}/no")
        return caught.value.status, caught.value.headers["Retry-After"]

    assert told(dials)[0] == (404, "7")


def test_a_cut_connection_ends_without_a_closing_frame():
    async def waits(session):
        socket = await session.ws_connect(f"wss://{HOST}/ws")
        session.line.links[0].cut()
        message = await socket.receive()
        with pytest.raises(aiohttp.ClientConnectionResetError):
            await socket.send_str("hello?")
        return message.type, socket.close_code, session.line.links

    assert told(waits)[0] == (WSMsgType.CLOSED, 1006, [])


def test_closing_wakes_who_waits_for_a_message():
    async def waits(session):
        socket = await session.ws_connect(f"wss://{HOST}/ws")
        reading = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        await socket.close()
        return (await reading).type

    answer, facade, _ = told(waits)
    assert answer is WSMsgType.CLOSED
    assert facade.sessions[0].closed == 1


def test_a_slow_reader_is_cut_and_its_frames_are_let_go():
    async def sleeps(session):
        socket = await session.ws_connect(f"wss://{HOST}/ws")
        send = session.line.links[0].send
        for n in range(2 * MOST_UNREAD):
            send(str(n))
        return (await socket.receive()).type, session.line.links

    assert told(sleeps)[0] == (WSMsgType.CLOSED, [])


def test_the_venue_pings_and_cuts_who_never_answers():
    async def ignores(session):
        session.line.facades[0].name = "binance_usdm"
        socket = await session.ws_connect(f"wss://{HOST}/ws", autoping=False)
        first = await socket.receive()
        await asyncio.sleep(1_000)
        return first.type, session.line.links

    assert told(ignores)[0] == (WSMsgType.PING, [])
