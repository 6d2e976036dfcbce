"""Run a client's script so that the venues' names lead to the local exchange, and nothing leads anywhere else.

    python launch.py 41234 script.py

No library is touched: what changes is what the *machine* says. Name look-ups (``socket.getaddrinfo``, which requests,
websocket-client, aiohttp and websockets all use) answer every venue's name, port 443, with this port on loopback, and
an audit hook, which Python itself asks before every connection and which nobody can take off again, ends the process
should it dial anything else. The test certificate comes by the variables that those libraries read anyway
(``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE``), so TLS and host names are checked as always. A proxy would do as well, but
each library takes one in another way, and then the scripts would no longer be what a user writes.
"""

from __future__ import annotations

import os
import runpy
import socket
import sys
from typing import Any

VENUES = (".binance.com", ".bybit.com")
LOOPBACK = "127.0.0.1"


def lead_to(port: int) -> None:
    """Answer for the venues' names; know no others."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, service: Any, *hints: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.endswith(VENUES) and str(service) in ("443", "https", "wss"):
            return real(LOOPBACK, port, *hints, **named)
        if name in (LOOPBACK, "localhost"):
            return real(LOOPBACK, service, *hints, **named)
        raise socket.gaierror(socket.EAI_NONAME, f"{name}:{service} is none of the local exchange's")

    socket.getaddrinfo = getaddrinfo


def allow_only(port: int) -> None:
    """Let no connection go anywhere but there."""

    def watch(event: str, details: tuple[Any, ...]) -> None:
        if event == "socket.connect" and details[0].family != getattr(socket, "AF_UNIX", None):
            if tuple(details[1][:2]) != (LOOPBACK, port):
                sys.stderr.write(f"a connection to {details[1]} was about to be made\n")
                sys.stderr.flush()
                os._exit(77)
        elif event in ("socket.sendto", "socket.sendmsg") and details[0].type == socket.SOCK_DGRAM:
            os._exit(77)

    sys.addaudithook(watch)


if __name__ == "__main__":
    harbour, script = int(sys.argv[1]), sys.argv[2]
    lead_to(harbour)
    allow_only(harbour)
    sys.argv = sys.argv[2:]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    runpy.run_path(script, run_name="__main__")
