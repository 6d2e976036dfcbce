"""Sessions of aiohttp whose every connection ends on this machine, whatever host they name.

::

    session = loopback_session(port, "ca.pem")
    client = ccxt.pro.bybit({"session": session, ...})       # production URLs; close the session yourself

The name is not asked of any resolver, and a socket to any other address is refused before it is made.
"""

from __future__ import annotations

import socket
import ssl
from errno import ENETUNREACH
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from mastertrading.simulator.line import Calm, Weather

LOOPBACK = "127.0.0.1"


class NotLoopback(OSError):
    """Something tried to leave the machine."""


class Loopback(AbstractResolver):
    """Every name is this machine, at one port. Refused names and connections are the weather's."""

    def __init__(self, port: int, weather: Weather | None = None) -> None:
        self._port, self._weather = port, weather or Calm()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer with this machine. Raises ``OSError`` where the weather has no names."""
        how = self._weather.connects(host)
        if how == "dns":
            raise OSError(-2, "Name or service not known")
        at = _shut_port() if how == "connect" else self._port
        return [ResolveResult(hostname=host, host=LOOPBACK, port=at, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


def loopback_session(
    port: int, trusted: ssl.SSLContext | Path | str, weather: Weather | None = None, **options: Any
) -> aiohttp.ClientSession:
    """A session that can reach nothing but this machine. Close it yourself: ccxt closes only its own.

    Parameters
    ----------
    trusted
        The authority's file, or a context that trusts it.
    weather
        Whose refused names and connections are felt.
    options
        Of ``aiohttp.ClientSession``.
    """
    if not isinstance(trusted, ssl.SSLContext):
        trusted = ssl.create_default_context(cafile=str(trusted))
    connector = aiohttp.TCPConnector(
        resolver=Loopback(port, weather),
        ssl=trusted,
        use_dns_cache=False,
        family=socket.AF_INET,
        socket_factory=_only_here,
    )
    return aiohttp.ClientSession(connector=connector, **options)


def _only_here(address: Any) -> socket.socket:
    family, kind, protocol, _, where = address
    if where[0] != LOOPBACK:
        raise NotLoopback(
            ENETUNREACH, f"a connection to {where[0]} was refused: this session stays on this machine"
        )
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setblocking(False)
    return made


def _shut_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as tried:
        tried.bind((LOOPBACK, 0))
        return int(tried.getsockname()[1])
