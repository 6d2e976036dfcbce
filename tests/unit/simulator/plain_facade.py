"""A façade with no exchange behind it: it says what it was asked, and counts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from mastertrading.simulator.wire import Hang, Request, Response, Send

HOST = "fapi.binance.com"


@dataclass
class PlainSession:
    send: Send
    hang: Hang
    heard: list[str] = field(default_factory=list)
    closed: int = 0

    def receive(self, text: str) -> None:
        self.heard.append(text)
        if text == "bye":
            self.hang(4001, "as you wish")
        else:
            self.send(f"heard {text}")

    def close(self) -> None:
        self.closed += 1


@dataclass
class PlainFacade:
    name: str = "plain"
    hosts: tuple[str, ...] = (HOST,)
    requests: list[Request] = field(default_factory=list)
    sessions: list[PlainSession] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        told = {"n": len(self.requests), "path": request.path, "body": request.body.decode("latin-1")}
        return Response(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def connect(self, request: Request, send: Send, hang: Hang) -> PlainSession | Response:
        if request.path == "/no":
            return Response(404, b"no stream", {"Retry-After": "7"})
        session = PlainSession(send, hang)
        self.sessions.append(session)
        return session
