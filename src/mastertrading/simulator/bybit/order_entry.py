"""``/v5/trade``: orders over a WebSocket. The same commands as by REST, the same limits, another envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit import ids, trade
from mastertrading.simulator.bybit.codes import Code, Wrong, parameter
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.limits import Limits
from mastertrading.simulator.bybit.parameters import LINEAR, Asked
from mastertrading.simulator.bybit.sessions import Frame, dumps
from mastertrading.simulator.bybit.signing import check_clock, stream_sender
from mastertrading.simulator.reading import object_of
from mastertrading.simulator.wire import Send

_LONGEST_ID: Final = 36
_COMMANDS: Final = {
    "order.create": ("/v5/order/create", trade.create),
    "order.amend": ("/v5/order/amend", trade.amend),
    "order.cancel": ("/v5/order/cancel", trade.cancel),
}
_BATCHES: Final = {
    "order.create-batch": trade.create_batch,
    "order.amend-batch": trade.amend_batch,
    "order.cancel-batch": trade.cancel_batch,
}


class TradeSession:
    """A connection for order entry."""

    def __init__(
        self, desk: Desk, limits: Limits, send: Send, connection: str, closed: Callable[[Any], None]
    ) -> None:
        self._desk, self._limits, self._send, self._connection = desk, limits, send, connection
        self._closed = closed
        self._account: Account | None = None
        self._seen: set[str] = set()
        self._traces = 0

    def receive(self, text: str) -> None:
        """Answer a frame of the client."""
        frame = object_of(text) or {}
        op = frame.get("op")
        op = op if isinstance(op, str) else ""
        try:
            self._do(op, frame)
        except Wrong as wrong:
            headers = getattr(wrong, "headers", {})
            self._answer(frame, op, code=int(wrong.code), message=wrong.text, headers=headers)

    def close(self) -> None:
        """The connection is gone."""
        self._closed(self)

    def _do(self, op: str, frame: Frame) -> None:
        if op == "ping":
            self._send(dumps(self._plain(frame, "pong") | {"data": [str(self._desk.now_ms())]}))
        elif op == "auth":
            self._authenticate(frame)
        elif op in _COMMANDS or op in _BATCHES:
            self._command(op, frame)
        else:
            raise Wrong(Code.UNKNOWN_OP)

    def _authenticate(self, frame: Frame) -> None:
        if self._account is not None:
            raise Wrong(Code.REPEATED_AUTH)
        self._account = stream_sender(
            frame.get("args"), self._desk.exchange.account_of_key, self._desk.now_ms(), self._desk.rules
        )
        self._send(dumps(self._plain(frame, "auth")))

    # ------------------------------------------------------------ commands
    def _command(self, op: str, frame: Frame) -> None:
        account = self._account
        if account is None:
            raise Wrong(Code.KEY, "Request not authorized")
        self._check_id(frame)
        header = frame.get("header")
        header = header if isinstance(header, dict) else {}
        check_clock(
            header.get("X-BAPI-TIMESTAMP"),
            header.get("X-BAPI-RECV-WINDOW"),
            self._desk.now_ms(),
            self._desk.rules,
        )
        if "trade" not in account.permissions:
            raise Wrong(Code.PERMISSION)
        asked = Asked(_only_argument(frame))
        if asked.text("category") != LINEAR:
            raise Wrong(Code.UNKNOWN_OP, "category is not correct/supported")
        if op in _BATCHES:
            data, extra, headers = _BATCHES[op](asked, self._desk, account, self._limits)
            self._answer(frame, op, data=data, extra=extra, headers=headers)
            return
        path, command = _COMMANDS[op]
        headers = self._limits.take(account.name, path, self._desk.exchange.clock.now_ms())
        try:
            data = command(asked, self._desk, account)
        except Wrong as wrong:
            self._answer(frame, op, code=int(wrong.code), message=wrong.text, headers=headers)
            return
        self._answer(frame, op, data=data, headers=headers)

    def _check_id(self, frame: Frame) -> None:
        given = frame.get("reqId")
        if given is None:
            return
        if not isinstance(given, str) or len(given) > _LONGEST_ID:
            raise parameter("params error: reqId invalid")
        if given in self._seen:
            raise Wrong(Code.REPEATED_REQUEST_ID)
        self._seen.add(given)

    # ------------------------------------------------------------ answers
    def _plain(self, frame: Frame, op: str, code: int = 0, message: str = "OK") -> Frame:
        answer: Frame = {}
        given = frame.get("reqId")
        if isinstance(given, str):
            answer["reqId"] = given[:256]
        return answer | {"retCode": code, "retMsg": message, "op": op, "connId": self._connection}

    def _answer(
        self,
        frame: Frame,
        op: str,
        *,
        code: int = 0,
        message: str = "OK",
        data: Frame | None = None,
        extra: Frame | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if op in ("auth", "ping"):
            self._send(dumps(self._plain(frame, op, code, message)))
            return
        now = str(self._desk.now_ms())
        self._traces += 1
        answer = self._plain(frame, op, code, message)
        answer["data"] = data or {}
        answer["retExtInfo"] = extra or {}
        answer["header"] = {
            "X-Bapi-Limit": "0",
            "X-Bapi-Limit-Status": "0",
            "X-Bapi-Limit-Reset-Timestamp": now,
            **(headers or {}),
            "Traceid": ids.id_of(Kind.MESSAGE, self._traces).replace("-", ""),
            "Timenow": now,
        }
        self._send(dumps(answer))


def _only_argument(frame: Frame) -> Frame:
    args = frame.get("args")
    if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
        raise parameter("params error: args invalid")
    return args[0]
