"""The local exchange on sockets: TLS on loopback, the façade chosen by the Host header.

What a client sends is trusted in nothing: bodies and frames are bounded, garbage is refused by the parser of HTTP,
a reader that is too slow is cut off, and whatever a façade can't answer is the façade's own error.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from mastertrading.simulator.certificates import Certificates
from mastertrading.simulator.line import MOST_UNREAD, PING_EVERY_S, PONG_WITHIN_S, Line, Link
from mastertrading.simulator.wire import Delivery, Facade, Request, Response

LOOPBACK = "127.0.0.1"
MOST_BODY = 256 * 1024
MOST_FRAME = 256 * 1024
MOST_UNREAD_BYTES = 32 * 1024 * 1024
PATIENCE_S = 5.0
"""How long closing waits for connections to end by themselves."""
NO_VENUE = "no venue answers this host: keep the venue's own URL, and lead its name here\n"
OURS = frozenset({"content-length", "transfer-encoding", "connection", "date", "server"})
log = logging.getLogger(__name__)


class Server:
    """Serves a ``Line`` until it is closed.

    Parameters
    ----------
    certificates
        None: plain HTTP (for load figures, and clients that can't be told to trust an authority).
    port
        0: one that is free; ``port`` tells which.
    """

    def __init__(
        self, line: Line, certificates: Certificates | None, *, port: int = 0, host: str = LOOPBACK
    ) -> None:
        self.line, self.host, self.port = line, host, port
        self.requests = 0
        self.failures: deque[str] = deque(maxlen=100)
        self._certificates = certificates
        self._runner: web.ServerRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises ``OSError`` if the port is taken."""
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=PATIENCE_S)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port, ssl_context=self._context())
        self._runner = runner
        try:
            await site.start()
        except OSError:
            await self.close()
            raise
        self.port = runner.addresses[0][1]

    async def close(self) -> None:
        """Close every connection and stop listening."""
        for link in tuple(self.line.links):
            link.hang(1001, "going away")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE_S)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _context(self) -> ssl.SSLContext | None:
        if self._certificates is None:
            return None
        context = self._certificates.server_context()
        expired = self._certificates.server_context(expired=True)

        def choose(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
            if self.line.weather.connects(name or "") == "tls":
                connection.context = expired

        context.sni_callback = choose
        return context

    # ---------------------------------------------------------------- requests
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        facade = self.line.facade_of(request.host)
        if facade is None:
            return web.Response(status=421, text=NO_VENUE)
        body = await _body(request)
        if body is None:
            return web.Response(status=413, text="request entity too large")
        arrived = _request(request, body)
        try:
            if request.headers.get("upgrade", "").lower() == "websocket":
                return await self._talk(request, facade, arrived)
            return await self._answer(request, facade, arrived)
        except (
            ConnectionError,
            asyncio.CancelledError,
            web.HTTPException,
        ):  # the last: no handshake of a WebSocket
            raise
        except Exception as error:
            log.exception("%s could not answer %s %s", facade.name, arrived.method, arrived.path)
            self.failures.append(f"{arrived.method} {arrived.path}: {type(error).__name__}: {error}")
            return web.Response(status=503, text="")

    async def _answer(self, request: web.BaseRequest, facade: Facade, arrived: Request) -> web.StreamResponse:
        there = self.line.weather.departs(facade.name, arrived)
        if there.refuse:
            return _cut(request)
        answered = self.line.send(facade, arrived, there)
        if answered is None and there.replace is None:
            return await _hang(request)
        if answered is None:
            return await _deliver(request, there.replace or Response(502, b""), there)
        reply, back = self.line.weather.returns(facade.name, arrived, await answered)
        return await _deliver(request, reply, there, back)

    # ---------------------------------------------------------------- WebSockets
    async def _talk(self, request: web.BaseRequest, facade: Facade, arrived: Request) -> web.StreamResponse:
        there = self.line.weather.dials(facade.name, arrived)
        await asyncio.sleep(there.request_delay_ms / 1000)
        if there.refuse or there.lose_reply == "reset":
            return _cut(request)
        if there.lose_request and there.replace is None:
            return await _hang(request)
        link = _WireLink(self.line, facade.name, arrived, request)
        refusal = there.replace or link.open(facade)
        if refusal is not None:
            return _plain(refusal)
        try:
            return await link.talk(self._tasks)
        finally:
            link.over()


class _WireLink(Link):
    """The venue's end of a WebSocket connection: a bounded queue, and a task that writes from it."""

    def __init__(self, line: Line, venue: str, request: Request, http: web.BaseRequest) -> None:
        super().__init__(line, venue, request)
        self._http = http
        self._socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MOST_FRAME)
        self._queue: deque[str] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._ending: tuple[int, str] | None = None
        self._last_pong_s = asyncio.get_running_loop().time()

    def deliver(self, text: str) -> None:
        if len(self._queue) >= MOST_UNREAD or self._queued_bytes > MOST_UNREAD_BYTES:
            self.cut()
            return
        self._queue.append(text)
        self._queued_bytes += len(text)
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        self._ending = code, reason
        self._wake.set()

    def drop(self) -> None:
        self._queue.clear()
        self._ending = 1006, ""
        self._wake.set()
        if self._http.transport is not None:
            self._http.transport.abort()

    async def talk(self, tasks: set[asyncio.Task[None]]) -> web.WebSocketResponse:
        """Read until the end; what there is to say is written meanwhile."""
        await self._socket.prepare(self._http)
        helpers = [asyncio.create_task(self._write()), asyncio.create_task(self._ping())]
        tasks.update(helpers)
        try:
            async for message in self._socket:
                await self._take(message)
        finally:
            self.over()
            self._wake.set()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            tasks.difference_update(helpers)
        return self._socket

    async def _take(self, message: WSMessage) -> None:
        if message.type is WSMsgType.TEXT:
            self.heard(message.data)
        elif message.type is WSMsgType.PING and self.line.weather.pongs(self):
            await self._socket.pong(message.data)
        elif message.type is WSMsgType.PONG:
            self._last_pong_s = asyncio.get_running_loop().time()
        elif message.type is WSMsgType.BINARY:
            self.hang(1003, "binary frames are not spoken here")

    async def _write(self) -> None:
        try:
            while not self._socket.closed:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    text = self._queue.popleft()
                    self._queued_bytes -= len(text)
                    await self._socket.send_str(text)
                if self._ending is not None:
                    await self._socket.close(code=self._ending[0], message=self._ending[1].encode())
        except ConnectionError:
            self.cut()

    async def _ping(self) -> None:
        every_s, loop = PING_EVERY_S.get(self.venue, 0.0), asyncio.get_running_loop()
        while every_s and self.alive:
            await asyncio.sleep(every_s)
            if loop.time() - self._last_pong_s > PONG_WITHIN_S:
                self.cut()
            elif self.line.weather.pongs(self):
                await self._socket.ping()


# -------------------------------------------------------------------- what the network does to a reply
async def _deliver(request: web.BaseRequest, reply: Response, *deliveries: Delivery) -> web.StreamResponse:
    for delivery in deliveries:
        reply = delivery.replace or reply
        await asyncio.sleep(delivery.reply_delay_ms / 1000)
        if delivery.lose_reply == "hang":
            return await _hang(request)
        if delivery.lose_reply:
            return _cut(request)
    cut_at = next((one.cut_at for one in deliveries if one.cut_at is not None), None)
    drip = next((one.drip_bytes_per_s for one in deliveries if one.drip_bytes_per_s), 0)
    if cut_at is None and not drip:
        return _plain(reply)
    return await _in_part(request, reply, len(reply.body) if cut_at is None else cut_at, drip)


async def _in_part(request: web.BaseRequest, reply: Response, count: int, drip: int) -> web.StreamResponse:
    """Promise the whole body; send only so many bytes, at once or drop by drop."""
    response = web.StreamResponse(status=reply.status, headers=_headers(reply))
    response.content_length = len(reply.body)
    await response.prepare(request)
    step = max(drip // 10, 1) if drip else max(count, 1)
    for begin in range(0, count, step):
        await response.write(reply.body[begin : min(begin + step, count)])
        if drip:
            await asyncio.sleep(step / drip)
    if count < len(reply.body) and request.transport is not None:
        request.transport.close()
    return response


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _hang(request: web.BaseRequest) -> web.StreamResponse:
    """Say nothing until the client goes away."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.05)
    return web.Response()


def _plain(reply: Response) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=_headers(reply))


def _headers(reply: Response) -> dict[str, str]:
    named = {name: value for name, value in reply.headers.items() if name.lower() not in OURS}
    return {"Server": "local-exchange", **named}


def _request(request: web.BaseRequest, body: bytes) -> Request:
    path, _, query = request.raw_path.partition("?")
    return Request(
        method=request.method,
        host=request.host.partition(":")[0].lower(),
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        client=request.remote or LOOPBACK,
    )


async def _body(request: web.BaseRequest) -> bytes | None:
    """The body; None if it is larger than any honest one."""
    if (request.content_length or 0) > MOST_BODY:
        return None
    chunks, size = [], 0
    async for chunk in request.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > MOST_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
