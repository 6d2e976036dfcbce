"""The control port: what is steered and asked besides the venues' protocols. Plain HTTP and JSON on loopback.

======  ==================  ==============================================================================
GET     ``/status``         clock, where each tape is and for whom it waits, connections, failures
GET     ``/held``           waits until time stands still after point ``after`` (or ``seconds`` are over)
POST    ``/join``           time waits for ``client`` from here on
POST    ``/leave``          no more
POST    ``/idle``           ``client`` has done all that it wants after point ``number`` of ``venue``
POST    ``/advance``        play ``points`` more, or up to ``until_ms``, whoever is busy
GET     ``/faults``         the plan, with hits
POST    ``/faults``         one more: ``id``, when and parameters, as a row of a script
DELETE  ``/faults/N``       end the N-th
POST    ``/act``            ``venue``, ``do`` and its words (``simulator.script``)
GET     ``/books``          what everybody has; the total is zero
======  ==================  ==============================================================================

Every request carries the token: ``Authorization: Bearer TOKEN``. A wrong one gets 401, nonsense gets 400 and a reason.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from mastertrading.domain.errors import MastertradingError
from mastertrading.simulator.orders import Refused

LOOPBACK = "127.0.0.1"
MOST_BODY = 64 * 1024
Words = dict[str, Any]
Handler = Callable[[Words], Any] | Callable[[Words], Awaitable[Any]]
Routes = Mapping[tuple[str, str], Handler]


class ControlPort:
    """Serves ``routes`` to who has the token.

    Parameters
    ----------
    routes
        (method, first part of the path) to what answers it. A rest of the path is handed over as ``rest``.
    """

    def __init__(self, routes: Routes, token: str, *, port: int = 0) -> None:
        self.token, self.port = token, port
        self._routes = routes
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen. Raises ``OSError`` if the port is taken."""
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, self.port)
        self._runner = runner
        try:
            await site.start()
        except OSError:
            await self.close()
            raise
        self.port = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return _told(401, {"error": "a token is needed: Authorization: Bearer TOKEN"})
        first, _, rest = request.path.strip("/").partition("/")
        handler = self._routes.get((request.method, first))
        if handler is None:
            there = sorted({f"{method} /{name}" for method, name in self._routes})
            return _told(404, {"error": f"there is no {request.method} /{first}", "there are": there})
        try:
            words: Words = {**dict(request.query), **await _words(request)}
            answer = handler({**words, "rest": rest} if rest else words)
            if isinstance(answer, Awaitable):
                answer = await answer
        except MastertradingError as error:
            return _told(400, {"error": error.what, "why": error.why})
        except Refused as refused:
            return _told(409, {"error": str(refused)})
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            return _told(400, {"error": f"{type(error).__name__}: {error}"})
        return _told(200, answer)


async def _words(request: web.BaseRequest) -> Words:
    if (request.content_length or 0) > MOST_BODY:
        raise ValueError("the body is too large")
    body = await request.content.read(MOST_BODY + 1)
    if len(body) > MOST_BODY:
        raise ValueError("the body is too large")
    told = json.loads(body) if body.strip() else {}
    if not isinstance(told, dict):
        raise TypeError("the body must be a JSON object")
    return told


def _told(status: int, answer: Any) -> web.Response:
    return web.json_response(answer, status=status, dumps=lambda told: json.dumps(told, default=str))
