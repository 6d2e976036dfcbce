"""The venue's WebSocket paths: which connection is which, and who hears what happens."""

from __future__ import annotations

from typing import Any, Final

from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.codes import Code, Wrong
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.limits import Limits
from mastertrading.simulator.bybit.order_entry import TradeSession
from mastertrading.simulator.bybit.private_stream import PrivateHub, PrivateSession
from mastertrading.simulator.bybit.public_stream import PublicHub, PublicSession
from mastertrading.simulator.events import Event
from mastertrading.simulator.limits import RollingWindow
from mastertrading.simulator.wire import Hang, Request, Send, Session

_PUBLIC: Final = "/v5/public/"
_CATEGORIES: Final = ("linear", "inverse", "spot", "option")
_FIVE_MINUTES_MS: Final = 300_000


class Streams:
    """Every WebSocket connection of the façade. ``sessions`` are those that stand."""

    def __init__(self, desk: Desk, limits: Limits) -> None:
        self._desk, self._limits = desk, limits
        self.public, self.private = PublicHub(desk), PrivateHub(desk)
        self._connections = 0
        self._dialled = RollingWindow(_FIVE_MINUTES_MS)

    def hear(self, event: Event) -> None:
        """Pass on what happens."""
        self.public.hear(event)
        self.private.hear(event)

    def connect(self, request: Request, send: Send, hang: Hang) -> Session:
        """Begin a session.

        Raises
        ------
        Wrong
            404 for another path, 403 for an address with too many connections.
        """
        self._admit(request.client)
        self._connections += 1
        connection = ids.id_of(Kind.CONNECTION, self._connections)
        path = request.path.rstrip("/")
        if path == "/v5/private":
            return PrivateSession(self.private, send, connection)
        if path == "/v5/trade":
            return TradeSession(self._desk, self._limits, send, connection, _forget)
        if path.startswith(_PUBLIC) and path.removeprefix(_PUBLIC) in _CATEGORIES:
            return PublicSession(self.public, send, connection, path.removeprefix(_PUBLIC))
        raise Wrong(Code.NO_ROUTE, status=404)

    def _admit(self, address: str) -> None:
        if self._limits.scale is None:
            return
        most = self._desk.rules.connections * self._limits.scale
        now = self._desk.exchange.clock.now_ms()
        if self._dialled.add(address, now, most).weight > most:
            raise Wrong(Code.ADDRESS_LIMIT, "access too frequent", status=403)


def _forget(session: Any) -> None:
    """Order entry holds nothing that outlives its connection."""
