"""Nothing leaves for a host outside the mode's list: looked at after signing, and again where sockets are opened.

The first look is at what ccxt hands to its session, whoever's session it is. The second is in the connector of our
own session, below redirects and proxies, where aiohttp asks for a connection for each hop.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from mastertrading.domain.errors import SafetyBlocked
from mastertrading.exchange.modes import Site

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver

KEY_HEADERS = frozenset(
    (
        "x-mbx-apikey",
        "x-bapi-api-key",
        "x-bapi-sign",
        "kc-api-key",
        "kc-api-sign",
        "x-bx-apikey",
        "authorization",
    )
)
KEY_FIELDS = frozenset(("signature", "listenkey", "sign", "token", "apikey", "api_key"))
PRIVATE_PATHS = ("/private", "/v5/trade", "/ws-fapi", "listenkey", "userdatastream")


def check(site: Site, method: str, url: str, headers: Mapping[str, str] | None = None) -> None:
    """Refuse a request that the mode does not allow.

    Raises
    ------
    SafetyBlocked
        With the host and nothing else of the address.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "wss") or parts.username:
        raise _blocked(site, host, "only https and wss are spoken, without a user in the address")
    if host in site.trading:
        return
    if host not in site.public:
        raise _blocked(site, host, "it is not on the list of this mode")
    if method.upper() != "GET":
        raise _blocked(site, host, f"this mode only reads there, and this is a {method.upper()}")
    fields = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    names = {name.lower() for name in headers or {}}
    if (
        fields & KEY_FIELDS
        or names & KEY_HEADERS
        or any(word in parts.path.lower() for word in PRIVATE_PATHS)
    ):
        raise _blocked(site, host, "this mode only reads what needs no key")


def _blocked(site: Site, host: str, why: str) -> SafetyBlocked:
    return SafetyBlocked(
        f"a request to {host or 'nowhere'} was stopped: {site.venue} is in mode {site.mode.value}", why=why
    )


def open_session(site: Site, *, resolver: AbstractResolver | None = None, ssl: Any = True) -> ClientSession:
    """A session that can't reach another host, not even through a proxy, and follows no redirect.

    No venue redirects what it is asked; an order that was sent on somewhere else would be sent twice.

    Parameters
    ----------
    resolver, ssl
        For tests: who turns names into addresses, and which certificates are believed.
    """
    from aiohttp import ClientSession, DummyCookieJar, TraceConfig

    trace = TraceConfig()
    trace.on_request_redirect.append(_stay)
    connector = _guarded()(site, resolver=resolver, ssl=ssl, enable_cleanup_closed=False, ttl_dns_cache=60)
    return ClientSession(
        connector=connector, trust_env=False, cookie_jar=DummyCookieJar(), trace_configs=[trace]
    )


async def _stay(*_: Any) -> None:
    from aiohttp import ClientError

    raise ClientError("redirects are not followed")


@cache
def _guarded() -> Any:
    from aiohttp import TCPConnector

    class Guarded(TCPConnector):
        """Looks at each hop before a socket is looked for."""

        def __init__(self, site: Site, **options: Any) -> None:
            super().__init__(**options)
            self._site = site

        async def connect(self, req: Any, *rest: Any, **named: Any) -> Any:
            check(self._site, req.method, str(req.url), req.headers)
            return await super().connect(req, *rest, **named)

    return Guarded
