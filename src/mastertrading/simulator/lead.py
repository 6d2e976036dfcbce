"""Run a Python script so that the venues' names lead to the local exchange, and nothing leads anywhere else.

    python lead.py 41234 bot.py --its-own options

It needs nothing but Python, so that it runs in the bot's own environment: ``mastertrading exchange serve`` puts a copy
of it beside the certificate. No library is touched: name look-ups answer the venues' names with this machine, and a
hook that Python asks before every connection ends the process should it dial anything else. ``ca.pem`` beside it is
what TLS trusts, by the variables that Python, requests and websocket-client read anyway. A library that carries its
own list of authorities has to be told, as ccxt: ``{"cafile": ".../ca.pem"}``.
"""

from __future__ import annotations

import os
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

VENUES = (".binance.com", ".binancefuture.com", ".bybit.com", ".bytick.com", ".kucoin.com", ".bingx.com")
HERE = "127.0.0.1"
LEFT = 77
"""Exit code of a script that tried to leave the machine."""


def trust(authority: Path) -> None:
    """Let TLS trust this authority, and no other."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"):
        os.environ[name] = str(authority)


def lead_to(port: int) -> None:
    """Answer the venues' names with this machine and this port; know no others."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, service: Any, *hints: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.endswith(VENUES) and str(service) in ("443", "https", "wss"):
            return real(HERE, port, *hints, **named)
        if name in (HERE, "localhost"):
            return real(HERE, service, *hints, **named)
        raise socket.gaierror(socket.EAI_NONAME, f"{name} is none of the local exchange's names")

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]


def stay_here() -> None:
    """End the process before it connects to, or sends anything to, another machine."""

    def watch(event: str, details: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        to = details[1]
        if isinstance(to, tuple) and not str(to[0]).startswith(("127.", "::1")):
            sys.stdout.flush()
            sys.stderr.write(f"stopped: a connection to {to[0]} was about to be made\n")
            sys.stderr.flush()
            os._exit(LEFT)

    sys.addaudithook(watch)


def main(arguments: list[str]) -> None:
    """Run the script."""
    if len(arguments) < 2 or not arguments[0].isdecimal():
        sys.exit("usage: python lead.py PORT SCRIPT [OPTIONS]")
    trust(Path(__file__).resolve().with_name("ca.pem"))
    lead_to(int(arguments[0]))
    stay_here()
    sys.argv = arguments[1:]
    sys.path.insert(0, str(Path(arguments[1]).resolve().parent))
    runpy.run_path(arguments[1], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
