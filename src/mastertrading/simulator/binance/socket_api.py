"""The WebSocket API: the same requests as over REST, by name, each signed for itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mastertrading.simulator.binance.codes import VenueError
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.routes import ROUTES, SOCKET, Access, Route, amount
from mastertrading.simulator.binance.signing import (
    account_of,
    check_clock,
    check_signature,
    payload_of_mapping,
)
from mastertrading.simulator.binance.trade import texts
from mastertrading.simulator.exchange import Account
from mastertrading.simulator.wire import Hang, Send

if TYPE_CHECKING:
    from mastertrading.simulator.binance.facade import BinanceFacade

LOGON: Final = ("session.logon", "session.logout", "session.status")
LONGEST_FRAME: Final = 1 << 20


class SocketSession:
    """One connection of the WebSocket API."""

    def __init__(self, facade: BinanceFacade, send: Send, hang: Hang, client: str) -> None:
        self.facade, self._send, self._hang, self.client = facade, send, hang, client

    def close(self) -> None:
        """The connection is gone."""

    def receive(self, text: str) -> None:
        """A request of the client."""
        self.facade.desk.tick()
        identity, result, status, error = self._answer(text)
        limits = self._limits()
        told = f'"result":{result}' if error is None else f'"error":{error}'
        self._send(f'{{"id":{json.dumps(identity)},"status":{status},{told},"rateLimits":{limits}}}')

    def _limits(self) -> str:
        desk = self.facade.desk
        used = desk.limits.used_weight(self.client, desk.now_ms())
        return (
            '[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,'
            f'"limit":{desk.rules.weight_a_minute},"count":{used}}}]'
        )

    def _answer(self, text: str) -> tuple[Any, str, int, str | None]:
        """(id, result, status, error or None)."""
        identity: Any = None
        try:
            asked = _object(text)
            identity = asked.get("id")
            if isinstance(identity, bool) or not isinstance(identity, int | str | None):
                identity = None
                raise VenueError(-1135, "Invalid request: 'id' must be a number, a string or null.")
            return identity, self._serve(asked), 200, None
        except VenueError as wrong:
            return identity, "", wrong.status, json.dumps(wrong.body(), separators=(",", ":"))

    def _serve(self, asked: dict[str, Any]) -> str:
        method, params = asked.get("method"), asked.get("params", {})
        if not isinstance(method, str) or not isinstance(params, dict):
            raise VenueError(-1135, "Invalid request: 'method' and 'params' are needed.")
        if method in LOGON:
            raise VenueError(-4056)
        if method not in SOCKET:
            raise VenueError(-1000, f"Unknown method '{method[:50]}'")
        verb, path = SOCKET[method]
        route, values = ROUTES[path][verb], texts(params)
        now, desk = self.facade.desk.now_ms(), self.facade.desk
        parameters = Parameters(values)
        desk.limits.weigh(self.client, amount(route.weight, parameters), now)
        account = self._who(route, values, parameters)
        return self.facade.serve(route, Call(desk, parameters, now, self.client, account))

    def _who(self, route: Route, values: dict[str, str], parameters: Parameters) -> Account | None:
        if route.access is Access.OPEN:
            return None
        account = account_of(self.facade.exchange, values.get("apiKey", ""))
        if route.access.is_signed:
            given = values.get("signature", "")
            check_signature(account.secret, payload_of_mapping(values, account.secret, given), given)
            check_clock(parameters, self.facade.desk.now_ms(), self.facade.rules)
        return account


def _object(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_FRAME:
        raise VenueError(-1135, "Invalid request: the frame is too long.")
    try:
        asked = json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise VenueError(-1135, "Invalid JSON.") from None
    if not isinstance(asked, dict):
        raise VenueError(-1135, "Invalid request: an object is needed.")
    return asked
