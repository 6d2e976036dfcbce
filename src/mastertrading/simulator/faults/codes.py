"""X01 ... X04: what venues answer besides the truth, in each venue's own words and envelope."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

from mastertrading.domain.errors import ConfigError
from mastertrading.simulator.faults.fault import Call, Fault
from mastertrading.simulator.wire import ON_TIME, Delivery, Response

JSON = {"Content-Type": "application/json"}


class Word(NamedTuple):
    """One answer: HTTP status, code, sentence."""

    status: int
    code: int
    text: str


WORDS: dict[str, dict[str, Word]] = {
    "binance_usdm": {
        "timeout": Word(
            408,
            -1007,
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        ),
        "unexpected": Word(
            400,
            -1006,
            "An unexpected response was received from the message bus. Execution status unknown.",
        ),
        "unknown": Word(500, -1000, "An unknown error occured while processing the request."),
        "disconnected": Word(500, -1001, "Internal error; unable to process your request. Please try again."),
        "busy": Word(
            503,
            -1008,
            "Server is currently overloaded with other requests. Please try again in a few minutes.",
        ),
        "new": Word(400, -9876, "Something that no document names."),
        "limit": Word(429, -1003, "Too many requests; please use the websocket for live updates."),
        "ban": Word(
            418, -1003, "Way too many requests; IP banned. Please use the websocket for live updates."
        ),
        "maintenance": Word(503, -1016, "This service is no longer available."),
    },
    "bybit_linear": {
        "timeout": Word(200, 10000, "Server Timeout"),
        "unexpected": Word(200, 10019, "ws trade service is restarting"),
        "unknown": Word(200, 10016, "Server error."),
        "disconnected": Word(200, 10429, "System level frequency protection"),
        "busy": Word(200, 10016, "An internal error occurred, or the service is restarting."),
        "new": Word(200, 987654, "Something that no document names."),
        "limit": Word(429, 10006, "Too many visits. Exceeded the API Rate Limit."),
        "ban": Word(403, 10018, "Exceeded the IP Rate Limit."),
        "maintenance": Word(200, 10016, "Service is under maintenance."),
    },
}
NAMES = tuple(WORDS["binance_usdm"])


def said(venue: str, name: str, now_ms: int, retry_after_s: int = 0) -> Response:
    """A venue's answer by our name of it."""
    word = WORDS[venue][name]
    if venue == "binance_usdm":
        told: dict[str, object] = {"code": word.code, "msg": word.text}
    else:
        told = {"retCode": word.code, "retMsg": word.text, "result": {}, "retExtInfo": {}, "time": now_ms}
    headers = {**JSON, "Retry-After": str(retry_after_s)} if retry_after_s else JSON
    return Response(word.status, json.dumps(told).encode(), headers)


@dataclass
class UnknownOutcome(Fault):
    """X01: the command is accepted, and the answer says that nobody knows.

    ``accepted`` false: it was not.
    """

    id = "X01"
    kinds = frozenset({"command"})
    word: str = "timeout"
    accepted: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.word not in NAMES:
            raise ConfigError(f"there is no answer {self.word!r}", why=f"there are {', '.join(NAMES)}")

    def departs(self, call: Call) -> Delivery | None:
        """Answer before the venue sees it."""
        if self.accepted or not self.due_for(call):
            return None
        return Delivery(lose_request=True, replace=said(call.venue, self.word, call.now_ms))

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Answer after the venue has done it."""
        if not self.accepted or not self.due_for(call):
            return None
        return said(call.venue, self.word, call.now_ms), ON_TIME


@dataclass
class NewCode(UnknownOutcome):
    """X02: a code that no document names."""

    id = "X02"
    word: str = "new"


BODIES = {"empty": b"", "null": b"null", "object": b"{}", "html": b"<html></html>", "text": b"ok"}


@dataclass
class HollowReply(Fault):
    """X03: status 200 and nothing in it, though the command was accepted."""

    id = "X03"
    kinds = frozenset({"command"})
    body: str = "empty"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.body not in BODIES:
            raise ConfigError(f"there is no body {self.body!r}", why=f"there are {', '.join(BODIES)}")

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Empty it."""
        if not self.due_for(call):
            return None
        return replace(response, status=200, body=BODIES[self.body]), ON_TIME


@dataclass
class Banned(Fault):
    """X04: too many requests, says the venue, and answers none until the time is over."""

    id = "X04"
    kinds = frozenset({"private", "public"})
    word: str = "limit"
    retry_after_s: int = 30

    def departs(self, call: Call) -> Delivery | None:
        """Refuse it."""
        if not self.due_for(call):
            return None
        refusal = said(call.venue, self.word, call.now_ms, self.retry_after_s)
        return Delivery(lose_request=True, replace=refusal)

    def dials(self, call: Call) -> Delivery | None:
        """Refuse the handshake."""
        return self.departs(call)


@dataclass
class Maintenance(Banned):
    """X16: maintenance that nobody announced: every request is refused."""

    id = "X16"
    word: str = "maintenance"
    retry_after_s: int = 0
