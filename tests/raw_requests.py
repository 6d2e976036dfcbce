"""Requests written by hand: signed as each venue wants it, or not; sent as bytes over TLS."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

KEY, SECRET = "client-key", "client-secret"
PATIENCE_S = 5.0


def signature(payload: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What came back; ``status`` 0: the connection was closed without a word."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> Any:
        """The venue's number."""
        found = self.json()
        return found["code"] if "code" in found else found["retCode"]


@dataclass(frozen=True)
class Binance:
    """Signs in the query."""

    host: str = "fapi.binance.com"
    key: str = KEY
    secret: str = SECRET
    behind_s: float = 0.0

    def stamp(self) -> int:
        return int((time.time() - self.behind_s) * 1000)

    def query(self, **parameters: Any) -> str:
        text = urlencode({**parameters, "timestamp": self.stamp()})
        return f"{text}&signature={signature(text, self.secret)}"

    def signed(self, method: str, path: str, **parameters: Any) -> bytes:
        return request(method, f"{path}?{self.query(**parameters)}", self.host, {"X-MBX-APIKEY": self.key})


@dataclass(frozen=True)
class Bybit:
    """Signs in the headers."""

    host: str = "api.bybit.com"
    key: str = KEY
    secret: str = SECRET
    behind_s: float = 0.0

    def headers(self, payload: str) -> dict[str, str]:
        stamp = str(int((time.time() - self.behind_s) * 1000))
        signed = signature(f"{stamp}{self.key}5000{payload}", self.secret)
        names = ("X-BAPI-API-KEY", "X-BAPI-TIMESTAMP", "X-BAPI-RECV-WINDOW", "X-BAPI-SIGN")
        return dict(zip(names, (self.key, stamp, "5000", signed), strict=True))

    def signed(self, method: str, path: str, **parameters: Any) -> bytes:
        if method == "GET":
            query = urlencode(parameters)
            return request(method, f"{path}?{query}", self.host, self.headers(query))
        return self.body(path, json.dumps(parameters))

    def body(self, path: str, body: str) -> bytes:
        headers = {**self.headers(body), "Content-Type": "application/json"}
        return request("POST", path, self.host, headers, body.encode())


def request(
    method: str, target: str, host: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """The bytes of a request."""
    named = {"Host": host, **(headers or {})}
    if body or method in ("POST", "PUT"):
        named.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def dial(port: int, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def send(port: int, context: ssl.SSLContext, host: str, sent: bytes) -> Reply:
    """Send bytes and read one reply; a reset is a close without a word."""
    with dial(port, context, host) as line:
        with suppress(
            ConnectionError, ssl.SSLError
        ):  # refused before all was said: a reply may be there all the same
            line.sendall(sent)
        return read(line)


def read(line: ssl.SSLSocket) -> Reply:
    """Read one reply."""
    got = b""
    try:
        while b"\r\n\r\n" not in got:
            piece = line.recv(65536)
            if not piece:
                return Reply(0)
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
        while len(body) < int(headers.get("content-length", 0)):
            piece = line.recv(65536)
            if not piece:
                break
            body += piece
    except (ConnectionError, ssl.SSLError):
        return Reply(0)
    return Reply(int(first.split()[1]), headers, body)


# -------------------------------------------------------------------- WebSocket frames
def upgrade(target: str, host: str) -> bytes:
    """A WebSocket handshake."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    return request("GET", target, host, headers)


def frame(
    payload: bytes, opcode: int = 1, *, masked: bool = True, final: bool = True, said: int = -1
) -> bytes:
    """One frame; ``said``: the length it claims to have."""
    length = len(payload) if said < 0 else said
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if final else 0) | opcode])
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 1 << 16:
        head += bytes([mask_bit | 126]) + length.to_bytes(2)
    else:
        head += bytes([mask_bit | 127]) + length.to_bytes(8)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def read_frame(line: ssl.SSLSocket) -> tuple[int, bytes]:
    """One frame of the server: opcode and payload; (8, b"") if it just closes."""
    try:
        head = _exactly(line, 2)
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(_exactly(line, 2))
        elif length == 127:
            length = int.from_bytes(_exactly(line, 8))
        return head[0] & 0x0F, _exactly(line, length)
    except (ConnectionError, ssl.SSLError):
        return 8, b""


def _exactly(line: ssl.SSLSocket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = line.recv(count - len(got))
        if not piece:
            raise ConnectionResetError
        got += piece
    return got
