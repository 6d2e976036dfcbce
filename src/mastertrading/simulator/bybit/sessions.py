"""What all stream connections share: ids, answers to ``ping`` and ``subscribe``, and frames that make no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mastertrading.simulator.bybit.codes import Wrong
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.reading import object_of
from mastertrading.simulator.wire import Send

Frame = dict[str, Any]
REFUSED = "error:handler not found,topic:{}"


def dumps(frame: Frame) -> str:
    """A frame as text."""
    return json.dumps(frame, separators=(",", ":"))


class StreamSession:
    """One connection with topics. ``closed`` is called once it is gone."""

    echoes_empty_id = False
    """Whether answers carry an empty ``req_id`` where the client gave none."""

    def __init__(self, desk: Desk, send: Send, connection: str, closed: Callable[[Any], None]) -> None:
        self.desk, self.send, self.connection = desk, send, connection
        self.topics: list[str] = []
        self._closed = closed

    def receive(self, text: str) -> None:
        """Answer a frame of the client."""
        frame = object_of(text)
        op = frame.get("op") if frame is not None else None
        if frame is None or not isinstance(op, str):
            self._answer({}, False, "error:invalid op", "")
            return
        try:
            self._do(op, frame)
        except Wrong as wrong:
            self._answer(frame, False, wrong.text, op)

    def close(self) -> None:
        """The connection is gone."""
        self._closed(self)

    def _do(self, op: str, frame: Frame) -> None:
        if op == "ping":
            self._pong(frame)
        elif op == "subscribe":
            self._subscribe(frame)
        elif op == "unsubscribe":
            self._unsubscribe(frame)
        else:
            self._answer(frame, False, "error:invalid op", op)

    # ------------------------------------------------------------ topics
    def _subscribe(self, frame: Frame) -> None:
        asked = topics_of(frame)
        if asked is None:
            self._answer(frame, False, "error:invalid args", "subscribe")
            return
        wrong = self._objection(asked)
        if wrong:
            self._answer(frame, False, wrong, "subscribe")
            return
        self.topics.extend(asked)
        self._answer(frame, True, self._welcome(), "subscribe")
        self._begin(asked)

    def _unsubscribe(self, frame: Frame) -> None:
        asked = topics_of(frame) or []
        for topic in asked:
            if topic in self.topics:
                self.topics.remove(topic)
        self._end(asked)
        self._answer(frame, True, "", "unsubscribe")

    def _objection(self, topics: list[str]) -> str:
        """Why a subscription is refused; empty: it is not."""
        for topic in topics:
            if not self._serves(topic):
                return REFUSED.format(topic)
            if topic in self.topics or topics.count(topic) > 1:
                return f"error:already subscribed,topic:{topic}"
        return ""

    def _serves(self, topic: str) -> bool:
        raise NotImplementedError

    def _begin(self, topics: list[str]) -> None:
        """Topics were subscribed."""

    def _end(self, topics: list[str]) -> None:
        """Topics were given up."""

    def _welcome(self) -> str:
        return ""

    # ------------------------------------------------------------ answers
    def _answer(self, frame: Frame, success: bool, message: str, op: str) -> None:
        answer: Frame = {"success": success, "ret_msg": message, "conn_id": self.connection}
        given = request_id(frame)
        if given is not None or self.echoes_empty_id:
            answer["req_id"] = given or ""
        answer["op"] = op
        self.send(dumps(answer))

    def _pong(self, frame: Frame) -> None:
        self._answer(frame, True, "pong", "ping")


def request_id(frame: Frame) -> str | None:
    """The id that a client gave its frame, as text; None if it gave none."""
    given = frame.get("req_id")
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    return str(given)[:256]


def topics_of(frame: Frame) -> list[str] | None:
    """The topics of a frame; None if they are no list of texts."""
    args = frame.get("args")
    if not isinstance(args, list) or not args or not all(isinstance(one, str) for one in args):
        return None
    return [one[:256] for one in args]
