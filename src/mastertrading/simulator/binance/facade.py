"""The venue's door: requests to handlers, connections to sessions, whatever is wrong to the venue's own errors."""

from __future__ import annotations

import json
import traceback
from typing import Any, Final

from mastertrading.simulator.binance.codes import VenueError
from mastertrading.simulator.binance.desk import Call, Desk
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.routes import ROUTES, Access, Route, amount
from mastertrading.simulator.binance.rules import BinanceRules
from mastertrading.simulator.binance.signing import account_of, check_clock, check_signature, payload_of
from mastertrading.simulator.binance.socket_api import SocketSession
from mastertrading.simulator.binance.streams import Streams
from mastertrading.simulator.exchange import Account, Exchange
from mastertrading.simulator.wire import Hang, Request, Response, Send, Session

HOSTS: Final = (
    "fapi.binance.com",
    "fstream.binance.com",
    "ws-fapi.binance.com",
    "api.binance.com",
    "demo-fapi.binance.com",
    "fstream.binancefuture.com",
    "testnet.binancefuture.com",
)
SOCKET_API: Final = "/ws-fapi/v1"
LONGEST_BODY, LONGEST_QUERY = 1 << 20, 16 << 10
MOST_BUGS: Final = 99
JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}
HTML: Final = {"Content-Type": "text/html"}
STREAM_ROOTS: Final = ("ws", "stream", "public", "market", "private")


class BinanceFacade:
    """Binance USDⓈ-M on the exchange, which follows the venue's matching rules from then on.

    Attributes
    ----------
    bugs
        Tracebacks of our own mistakes, each answered with the venue's -1000; tests demand that there are none.
    """

    name = "binance_usdm"
    hosts = HOSTS

    def __init__(self, exchange: Exchange, *, rules: BinanceRules = BinanceRules()) -> None:  # noqa: B008
        self.exchange, self.rules = exchange, rules
        self.desk = Desk(exchange, rules)
        self.streams = Streams(self.desk)
        self.bugs: list[str] = []
        exchange.rules = rules.within(exchange.rules)
        exchange.subscribe(self.streams.hear)

    @property
    def topics(self) -> frozenset[str]:
        """Public streams that somebody listens to."""
        return frozenset(self.streams.readers)

    # ---------------------------------------------------------------- REST
    def answer(self, request: Request) -> Response:
        """Answer a request; whatever is wrong with it gets the venue's own error."""
        try:
            self.desk.tick()
            large = _too_large(request)
            return large or self._answer(request)
        except VenueError as wrong:
            return _json(wrong.status, _text(wrong.body()), wrong.headers)
        except Exception:
            self.bugs[MOST_BUGS:] = [traceback.format_exc()]
            return _json(400, _text(VenueError(-1000).body()), {})

    def _answer(self, request: Request) -> Response:
        now = self.desk.now_ms()
        route = _route(request)
        body = request.body.decode("utf-8", "replace")
        headers: dict[str, str] = {}
        try:
            parameters = Parameters.of(request.query, body)
            headers |= self.desk.limits.weigh(request.client, amount(route.weight, parameters), now)
            account = self._who(request, route, parameters, body)
            call = Call(self.desk, parameters, now, request.client, account, headers)
            return _json(200, self.serve(route, call), headers)
        except VenueError as wrong:
            wrong.headers = {**headers, **wrong.headers}
            raise

    def serve(self, route: Route, call: Call) -> str:
        """Check rights and limits of orders, and let the handler answer."""
        if call.account is not None:
            check_rights(route, call.account)
            orders = amount(route.orders, call.parameters)
            if orders:
                call.headers |= self.desk.limits.count_orders(call.account.name, orders, call.now_ms)
        found = route.answer(call)
        return found if isinstance(found, str) else _text(found)

    def _who(self, request: Request, route: Route, parameters: Parameters, body: str) -> Account | None:
        if route.access is Access.OPEN:
            return None
        account = account_of(self.exchange, request.headers.get("x-mbx-apikey", ""))
        if route.access.is_signed:
            covered, given = payload_of(request.query, body)
            check_signature(account.secret, covered, given)
            check_clock(parameters, self.desk.now_ms(), self.rules)
        return account

    # ---------------------------------------------------------------- WebSocket
    def connect(self, request: Request, send: Send, hang: Hang) -> Session | Response:
        """Begin a session of streams or of the WebSocket API."""
        self.desk.tick()
        if request.path.rstrip("/") == SOCKET_API:
            return SocketSession(self, send, hang, request.client)
        root = request.path.split("/")[1] if request.path.startswith("/") else ""
        if root not in STREAM_ROOTS:
            return _page(404, "Not Found")
        session = self.streams.connect(request, send, hang)
        return session or _json(400, _text(VenueError(-1125).body()), {})


def check_rights(route: Route, account: Account) -> None:
    """Refuse (-2015) what the key may not do."""
    wanted = {Access.READ: "read", Access.TRADE: "trade"}.get(route.access)
    if wanted and wanted not in account.permissions:
        raise VenueError(-2015)


def _route(request: Request) -> Route:
    methods = ROUTES.get(request.path.rstrip("/"))
    route = methods.get(request.method.upper()) if methods else None
    if route is None:
        sentence = f"Path {request.path[:200]}, Method {request.method[:20]} is invalid"
        raise VenueError(-5000, sentence, status=404 if methods is None else 405)
    return route


def _too_large(request: Request) -> Response | None:
    if len(request.body) > LONGEST_BODY:
        return _page(413, "Request Entity Too Large")
    if len(request.query) > LONGEST_QUERY and not request.body:
        return _page(414, "Request-URI Too Large")
    return None


def _page(status: int, title: str) -> Response:
    text = f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>{status} {title}</body>\r\n</html>\r\n"
    return Response(status, text.encode(), dict(HTML))


def _json(status: int, text: str, headers: dict[str, str]) -> Response:
    return Response(status, text.encode(), {**JSON, **headers})


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _text(value: Any) -> str:
    return _ENCODER.encode(value)
