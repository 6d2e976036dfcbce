"""Clients in the exchange's own process: a stand-in for ``aiohttp.ClientSession``, without sockets.

::

    line = Line([BinanceFacade(exchange)])
    client = ccxt.pro.binanceusdm({"session": InProcessSession(line), "asyncio_loop": loop, ...})
    keep_time(client, clock)                    # ccxt stamps its requests, and throttles them, by the wall otherwise

ccxt's own ``fetch`` and WebSocket client run over it unmodified: signing, parsing and the error classes are the real
ones, since what goes wrong is raised as aiohttp's own exceptions. With ``virtual_time.wall_shows(clock)`` also what
ccxt asks the wall directly (its WebSocket client's missed pongs) follows the clock.

As aiohttp does, GET, HEAD, OPTIONS, PUT and DELETE that lose a *kept* connection before a reply are sent once more.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from http import HTTPStatus
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mastertrading.simulator.line import MOST_UNREAD, PING_EVERY_S, PONG_WITHIN_S, Line, Link
from mastertrading.simulator.wire import ON_TIME, Delivery, Facade, Request, Response

KEPT_S = 15.0
"""How long aiohttp keeps an idle connection for the next request."""
RESENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
CLOSED = aiohttp.WSMessage(WSMsgType.CLOSED, None, None)


class InProcessSession:
    """What ccxt uses of an ``aiohttp.ClientSession``, on a ``Line``.

    Parameters
    ----------
    latency_ms
        One way, of every request, reply and frame; 0: the reply is there at once.
    """

    def __init__(self, line: Line, *, latency_ms: int = 0) -> None:
        self.line, self.latency_ms = line, latency_ms
        self.cookie_jar = SimpleNamespace(update_cookies=lambda *_: None)
        self.headers: dict[str, str] = {}
        self.closed = False
        self._kept: dict[str, deque[float]] = {}
        self._sockets: set[InProcessWebSocket] = set()

    def request(self, method: str, url: str | URL, **options: Any) -> _Pending:
        """Send a request: ``async with`` it, or await it."""
        return _Pending(lambda: self._exchange(method.upper(), _url(url), options))

    def get(self, url: str | URL, **options: Any) -> _Pending:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str | URL, **options: Any) -> _Pending:
        """POST."""
        return self.request("POST", url, **options)

    def put(self, url: str | URL, **options: Any) -> _Pending:
        """PUT."""
        return self.request("PUT", url, **options)

    def delete(self, url: str | URL, **options: Any) -> _Pending:
        """DELETE."""
        return self.request("DELETE", url, **options)

    def patch(self, url: str | URL, **options: Any) -> _Pending:
        """PATCH."""
        return self.request("PATCH", url, **options)

    def ws_connect(self, url: str | URL, **options: Any) -> _Pending:
        """Dial a WebSocket: ``async with`` it, or await it."""
        return _Pending(lambda: self._dial(_url(url), options))

    async def close(self) -> None:
        """Close every connection."""
        self.closed = True
        for socket in tuple(self._sockets):
            await socket.close()

    async def __aenter__(self) -> InProcessSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ---------------------------------------------------------------- requests
    async def _exchange(self, method: str, url: URL, options: Mapping[str, Any]) -> InProcessReply:
        if self.closed:
            raise RuntimeError("Session is closed")
        request = _request(method, url, options)
        async with asyncio.timeout(_total_s(options.get("timeout"))):
            reused = self._reuse(request.host)
            try:
                return await self._once(url, request)
            except aiohttp.ServerDisconnectedError:
                if not reused or method not in RESENT:
                    raise
            return await self._once(url, request)

    async def _once(self, url: URL, request: Request) -> InProcessReply:
        facade = self._facade(url)
        there = self.line.weather.departs(facade.name, request)
        _refuse(there.refuse, url)
        await self._travel()  # at least one turn of the loop, as on any network
        answered = self.line.send(facade, request, there)
        if answered is None:
            if there.replace is None:
                await _for_ever()
            response = there.replace or Response(502, b"")
            back = Delivery()
        else:
            response, back = self.line.weather.returns(facade.name, request, await answered)
        for delivery in (there, back):
            response = await _endure(delivery, response)
        if self.latency_ms:
            await self._travel()
        self._keep(request.host)
        return InProcessReply(response, url, request)

    async def _travel(self) -> None:
        await asyncio.sleep(self.latency_ms / 1000)

    def _facade(self, url: URL) -> Facade:
        facade = self.line.facade_of(url.host or "")
        if facade is None:
            raise aiohttp.ClientConnectorDNSError(_key(url), OSError(-2, "Name or service not known"))
        return facade

    def _reuse(self, host: str) -> bool:
        """Take an idle connection; False: a new one is made."""
        kept, now = self._kept.setdefault(host, deque()), asyncio.get_running_loop().time()
        while kept and kept[0] < now - KEPT_S:
            kept.popleft()
        reused = bool(kept)
        if reused:
            kept.pop()
        return reused

    def _keep(self, host: str) -> None:
        self._kept.setdefault(host, deque()).append(asyncio.get_running_loop().time())

    # ---------------------------------------------------------------- WebSockets
    async def _dial(self, url: URL, options: Mapping[str, Any]) -> InProcessWebSocket:
        if self.closed:
            raise RuntimeError("Session is closed")
        request = _request("GET", url, options)
        facade = self._facade(url)
        there = self.line.weather.dials(facade.name, request)
        _refuse(there.refuse, url)
        await asyncio.sleep((self.latency_ms + there.request_delay_ms) / 1000)
        if there.lose_request and there.replace is None:
            await _for_ever()
        if there.lose_reply == "reset":
            raise aiohttp.ServerDisconnectedError
        socket = InProcessWebSocket(self, facade, request, options)
        refusal = there.replace or socket.link.open(facade)
        if refusal is not None:
            raise aiohttp.WSServerHandshakeError(
                _info(url, request),
                (),
                status=refusal.status,
                message="Invalid response status",
                headers=CIMultiDict(refusal.headers),
            )
        self._sockets.add(socket)
        socket.start()
        return socket

    def forget(self, socket: InProcessWebSocket) -> None:
        """A WebSocket is over."""
        self._sockets.discard(socket)


class _Pending:
    """What aiohttp's methods return: awaitable, and a context."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._got: Any = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._begin().__await__()

    async def __aenter__(self) -> Any:
        self._got = await self._begin()
        return self._got

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._got, InProcessWebSocket):
            await self._got.close()


class InProcessReply:
    """What ccxt uses of an ``aiohttp.ClientResponse``; the body is there already."""

    def __init__(self, response: Response, url: URL, request: Request) -> None:
        self._body = response.body
        self.status, self.url, self.method = response.status, url, request.method
        self.reason = _reason(response.status)
        self.headers = CIMultiDictProxy(CIMultiDict(response.headers))
        self.request_info = _info(url, request)
        self.content = SimpleNamespace(read=self.read)

    @property
    def ok(self) -> bool:
        """A status below 400."""
        return self.status < 400

    async def read(self) -> bytes:
        """The body."""
        return self._body

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """The body as text."""
        return self._body.decode(encoding or "utf-8", errors)

    async def json(self, **_: Any) -> Any:
        """The body's JSON."""
        return json.loads(self._body)

    def raise_for_status(self) -> None:
        """Raise for 400 and above."""
        if not self.ok:
            raise aiohttp.ClientResponseError(
                self.request_info, (), status=self.status, message=self.reason, headers=self.headers
            )

    def release(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


class _InProcessLink(Link):
    """The venue's end of an ``InProcessWebSocket``."""

    def __init__(self, socket: InProcessWebSocket, line: Line, venue: str, request: Request) -> None:
        super().__init__(line, venue, request)
        self._socket = socket

    def deliver(self, text: str) -> None:
        self._socket.push(aiohttp.WSMessage(WSMsgType.TEXT, text, None), len(text))

    def end(self, code: int, reason: str) -> None:
        self._socket.push(aiohttp.WSMessage(WSMsgType.CLOSE, code, reason), 0)

    def drop(self) -> None:
        self._socket.push(CLOSED, 0)


class InProcessWebSocket:
    """The client's end: what ccxt uses of an ``aiohttp.ClientWebSocketResponse``, its inner buffer included."""

    def __init__(
        self, session: InProcessSession, facade: Facade, request: Request, options: Mapping[str, Any]
    ) -> None:
        self.link = _InProcessLink(self, session.line, facade.name, request)
        self.closed = False
        self.close_code: int | None = None
        self._session = session
        self._autoping: bool = options.get("autoping", True)
        self._autoclose: bool = options.get("autoclose", True)
        self._loop = asyncio.get_running_loop()
        self._unread: deque[tuple[aiohttp.WSMessage, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closing = False
        self._error: BaseException | None = None
        self._ping_every_s = PING_EVERY_S.get(facade.name, 0.0)
        self._last_pong_s = self._loop.time()
        self._pinger: asyncio.TimerHandle | None = None
        self._conn = SimpleNamespace(  # ccxt drains the buffer by this way
            protocol=SimpleNamespace(_payload=SimpleNamespace(_buffer=self._unread))
        )

    def start(self) -> None:
        """Let the venue's pings begin."""
        if self._ping_every_s:
            self._pinger = self._loop.call_later(self._ping_every_s, self._venue_pings)

    def push(self, message: aiohttp.WSMessage, length: int) -> None:
        """Something arrives. Who leaves too much unread is cut off, as venues do."""
        if len(self._unread) >= MOST_UNREAD and self.link.alive:
            self._unread.clear()
            self.link.cut()
            return
        self._unread.append((message, length))
        self._wake()

    def exception(self) -> BaseException | None:
        """What broke the connection, if something did."""
        return self._error

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:  # aiohttp's own word
        """The next message; ``CLOSED`` after the end."""
        async with asyncio.timeout(timeout):
            while True:
                if self.closed or (self._closing and not self._unread):
                    return await self._end(CLOSED)
                while not self._unread:
                    await self._arrival()
                message = self._unread.popleft()[0]
                if message.type is WSMsgType.PING and self._autoping:
                    await self.pong()
                elif message.type is WSMsgType.CLOSED:
                    self.close_code = aiohttp.WSCloseCode.ABNORMAL_CLOSURE
                    return await self._end(message)
                elif message.type is WSMsgType.CLOSE:
                    return await self._venue_closes(message)
                elif not (message.type is WSMsgType.PONG and self._autoping):
                    return message

    async def _arrival(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _venue_closes(self, message: aiohttp.WSMessage) -> aiohttp.WSMessage:
        self._closing, self.close_code = True, message.data
        if self._autoclose:
            await self.close()
        return message

    async def _end(self, message: aiohttp.WSMessage) -> aiohttp.WSMessage:
        await self.close()
        return message

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Send a text frame."""
        self._writable()
        await self._travel(lambda: self.link.heard(data))

    async def send_json(self, data: Any, **_: Any) -> None:
        """Send JSON."""
        await self.send_str(json.dumps(data))

    async def send_bytes(self, data: bytes, compress: int | None = None) -> None:
        """Send a binary frame: venues here take none, and close."""
        self._writable()
        self.link.hang(1003, "binary frames are not spoken here")

    async def ping(self, message: bytes = b"") -> None:
        """Ping the venue; its pong arrives as a message."""
        self._writable()
        if self.link.alive and self.link.line.weather.pongs(self.link):
            self.push(aiohttp.WSMessage(WSMsgType.PONG, message, None), 0)

    async def pong(self, message: bytes = b"") -> None:
        """Answer the venue's ping."""
        self._writable()
        self._last_pong_s = self._loop.time()

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool:
        """Close this end; False if it was closed."""
        if self.closed:
            return False
        self.closed = True
        self.close_code = code if self.close_code is None else self.close_code
        if self._pinger is not None:
            self._pinger.cancel()
        self.link.over()
        self._unread.append((CLOSED, 0))
        self._wake()
        self._session.forget(self)
        return True

    def __aiter__(self) -> AsyncIterator[aiohttp.WSMessage]:
        return self

    async def __anext__(self) -> aiohttp.WSMessage:
        message = await self.receive()
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
            raise StopAsyncIteration
        return message

    def _writable(self) -> None:
        if self.closed:
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    async def _travel(self, arrive: Callable[[], None]) -> None:
        if self._session.latency_ms:
            self._loop.call_later(self._session.latency_ms / 1000, arrive)
        else:
            arrive()

    def _venue_pings(self) -> None:
        if not self.link.alive:
            return
        if self._loop.time() - self._last_pong_s > PONG_WITHIN_S:
            self.link.cut()
            return
        if self.link.line.weather.pongs(self.link):
            self.push(aiohttp.WSMessage(WSMsgType.PING, b"", None), 0)
        self.start()


# -------------------------------------------------------------------- what goes wrong, in aiohttp's own words
def _refuse(how: str, url: URL) -> None:
    if how == "connect":
        raise aiohttp.ClientConnectorError(_key(url), ConnectionRefusedError(111, "Connection refused"))
    if how == "dns":
        raise aiohttp.ClientConnectorDNSError(_key(url), OSError(-2, "Name or service not known"))
    if how == "tls":
        expired = ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")
        raise aiohttp.ClientConnectorCertificateError(_key(url), expired)


async def _endure(delivery: Delivery, response: Response) -> Response:
    """What a client sees of a reply."""
    if delivery is ON_TIME:
        return response
    response = delivery.replace or response
    if delivery.reply_delay_ms:
        await asyncio.sleep(delivery.reply_delay_ms / 1000)
    if delivery.lose_reply == "hang":
        await _for_ever()
    if delivery.lose_reply:
        raise aiohttp.ServerDisconnectedError
    if delivery.drip_bytes_per_s:
        arrives = len(response.body) if delivery.cut_at is None else delivery.cut_at
        await asyncio.sleep(arrives / delivery.drip_bytes_per_s)
    if delivery.cut_at is not None and delivery.cut_at < len(response.body):
        raise aiohttp.ClientPayloadError("Response payload is not completed")
    return response


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def _total_s(timeout: Any) -> float | None:
    if isinstance(timeout, aiohttp.ClientTimeout):
        limits = [limit for limit in (timeout.total, timeout.sock_read) if limit]
        return min(limits) if limits else None
    return 300.0 if timeout is None else float(timeout)


def _url(url: str | URL) -> URL:
    return url if isinstance(url, URL) else URL(url)


def _request(method: str, url: URL, options: Mapping[str, Any]) -> Request:
    if options.get("params"):
        url = url.update_query(options["params"])
    headers = {name.lower(): value for name, value in (options.get("headers") or {}).items()}
    body = options.get("data") or b""
    if options.get("json") is not None:
        body = json.dumps(options["json"]).encode()
        headers.setdefault("content-type", "application/json")
    host = url.host or ""
    headers.setdefault("host", host)
    return Request(
        method=method,
        host=host,
        path=url.raw_path,
        query=url.raw_query_string,
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def _key(url: URL) -> ConnectionKey:
    return ConnectionKey(url.host or "", url.port, url.scheme in ("https", "wss"), True, None, None, None)


def _info(url: URL, request: Request) -> RequestInfo:
    return RequestInfo(url, request.method, CIMultiDictProxy(CIMultiDict(request.headers)), url)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def keep_time(client: Any, clock: Any) -> None:
    """Let a client of ccxt stamp its requests by the exchange's clock, and not wait by the wall's.

    It also needs no certificates where there are no sockets; reading them costs it 40 ms.
    """
    client.ssl_context = False
    client.milliseconds = clock.now_ms
    client.seconds = lambda: clock.now_ms() // 1000
    client.microseconds = lambda: clock.now_ms() * 1000
    client.enableRateLimit = False
