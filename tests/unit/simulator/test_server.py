from __future__ import annotations

import asyncio
import socket
import stat
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import WSMsgType

from mastertrading.simulator.certificates import certificates
from mastertrading.simulator.line import Calm, Line
from mastertrading.simulator.loopback import loopback_session
from mastertrading.simulator.server import MOST_BODY, Server
from mastertrading.simulator.wire import ON_TIME, Delivery, Request, Response
from unit.simulator.plain_facade import HOST, PlainFacade

URL = f"https://{HOST}/fapi/v1/order"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("authority"))


@dataclass
class Spoilt(Calm):
    there: Delivery = ON_TIME
    back: Delivery = ON_TIME
    connection: str = ""
    pings: bool = True

    def connects(self, host: str) -> str:
        return self.connection

    def departs(self, venue: str, request: Request) -> Delivery:
        return self.there

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        return response, self.back

    def pongs(self, link: object) -> bool:
        return self.pings


def served(talk, made, weather: Calm | None = None):
    facade = PlainFacade()

    async def main():
        line = Line([facade], weather or Calm())
        server = Server(line, made)
        await server.start()
        try:
            async with loopback_session(server.port, made.client_context(), line.weather) as session:
                return await talk(session, server)
        finally:
            await server.close()

    return asyncio.run(main()), facade


def test_a_client_at_the_production_url_is_answered_over_tls(made):
    async def asks(session, server):
        async with session.post(f"{URL}?a=1", data=b"x=1", headers={"X-MBX-APIKEY": "key"}) as reply:
            return reply.status, await reply.json()

    answer, facade = served(asks, made)
    assert answer == (200, {"n": 1, "path": "/fapi/v1/order", "body": "x=1"})
    got = facade.requests[0]
    assert (got.host, got.query, got.headers["x-mbx-apikey"]) == (HOST, "a=1", "key")


def test_a_client_that_does_not_know_the_authority_refuses_the_server(made):
    import ssl

    async def asks(_, server):
        async with loopback_session(server.port, ssl.create_default_context()) as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(URL)

    served(asks, made)


@pytest.mark.parametrize(
    ("weather", "error", "accepted"),
    [
        (Spoilt(connection="connect"), aiohttp.ClientConnectorError, 0),
        (Spoilt(connection="dns"), aiohttp.ClientConnectorDNSError, 0),
        (Spoilt(connection="tls"), aiohttp.ClientConnectorCertificateError, 0),
        (Spoilt(there=Delivery(lose_request=True)), asyncio.TimeoutError, 0),
        (Spoilt(back=Delivery(lose_reply="hang")), asyncio.TimeoutError, 1),
        (Spoilt(back=Delivery(lose_reply="reset")), aiohttp.ClientConnectionError, 1),
        (Spoilt(back=Delivery(cut_at=3)), aiohttp.ClientPayloadError, 1),
        (Spoilt(back=Delivery(drip_bytes_per_s=20)), asyncio.TimeoutError, 1),
    ],
)
def test_what_goes_wrong_on_the_wire_is_what_goes_wrong_in_process(weather, error, accepted, made):
    async def asks(session, _):
        with pytest.raises(error):
            async with session.post(URL, data=b"x=1", timeout=aiohttp.ClientTimeout(total=0.4)) as reply:
                await reply.read()

    _, facade = served(asks, made, weather)
    assert len(facade.requests) == accepted


def test_a_late_request_arrives_though_its_client_has_gone(made):
    async def asks(session, server):
        with pytest.raises(asyncio.TimeoutError):
            await session.post(URL, timeout=aiohttp.ClientTimeout(total=0.05))
        await asyncio.sleep(0.2)

    _, facade = served(asks, made, Spoilt(there=Delivery(request_delay_ms=150)))
    assert len(facade.requests) == 1


def test_frames_go_both_ways_and_the_venue_may_hang_up(made):
    async def talks(session, _):
        async with session.ws_connect(f"wss://{HOST}/ws", autoping=False, autoclose=False) as stream:
            await stream.send_str("hello")
            first = await stream.receive()
            await stream.ping(b"x")
            pong = await stream.receive()
            await stream.send_str("bye")
            last = await stream.receive()
            return first.data, pong.type, (last.type, last.data, last.extra)

    answer, facade = served(talks, made)
    assert answer == ("heard hello", WSMsgType.PONG, (WSMsgType.CLOSE, 4001, "as you wish"))
    assert facade.sessions[0].closed == 1


def test_a_refused_dial_carries_status_and_headers(made):
    async def dials(session, _):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"wss://{HOST}/no")
        return caught.value.status, caught.value.headers["Retry-After"]

    assert served(dials, made)[0] == (404, "7")


def test_a_cut_connection_ends_without_a_closing_frame(made):
    async def waits(session, server):
        async with session.ws_connect(f"wss://{HOST}/ws") as stream:
            server.line.links[0].cut()
            message = await stream.receive()
            return message.type, stream.close_code

    assert served(waits, made)[0] == (WSMsgType.CLOSED, 1006)


def test_a_slow_reader_is_cut_instead_of_filling_the_memory(made):
    async def sleeps(session, server):
        async with session.ws_connect(f"wss://{HOST}/ws") as stream:
            send, text = server.line.links[0].send, "x" * 100_000
            for _ in range(2_000):
                send(text)
            ended = not server.line.links
            stream._response.close()
            return ended

    assert served(sleeps, made)[0]


def test_a_body_larger_than_any_honest_one_is_refused(made):
    async def asks(session, _):
        async with session.post(URL, data=b"x" * (MOST_BODY + 1)) as reply:
            return reply.status

    answer, facade = served(asks, made)
    assert answer == 413
    assert facade.requests == []


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff\x16garbage\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"]
)
def test_garbage_is_refused_and_the_server_lives_on(garbage):
    async def speaks():
        server = Server(Line([PlainFacade()]), None)
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(garbage)
        told = await reader.read()
        writer.close()
        async with aiohttp.ClientSession() as session:
            headers = {"Host": HOST}
            async with session.get(f"http://127.0.0.1:{server.port}/x", headers=headers) as reply:
                alive = reply.status
        await server.close()
        return told.split(b"\r\n")[0], alive, list(server.failures)

    first, alive, failures = asyncio.run(speaks())
    assert b" 400 " in first
    assert (alive, failures) == (200, [])


def test_a_host_of_no_venue_is_told_so(made):
    async def asks(session, _):
        async with session.get("https://api.bybit.com/v5/market/time") as reply:
            return reply.status

    assert served(asks, made)[0] == 421


def test_no_connection_leaves_the_machine_even_by_an_address(made):
    async def asks(session, _):
        with pytest.raises(aiohttp.ClientConnectorError, match="stays on this machine"):
            await session.get("https://192.0.2.1/")

    served(asks, made)


def test_the_port_of_a_closed_server_is_free(made):
    async def asks(_, server):
        return server.port

    port = served(asks, made)[0]
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_keys_are_the_users_alone_and_are_kept_while_they_are_good(tmp_path):
    first = certificates(tmp_path / "ca")
    kept = first.leaf.read_bytes()
    assert stat.S_IMODE(first.leaf.stat().st_mode) == 0o600
    assert certificates(tmp_path / "ca").leaf.read_bytes() == kept
