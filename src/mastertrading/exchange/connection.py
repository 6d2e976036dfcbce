"""One venue's ccxt, held tightly: our clock, our budget, our look at each address, and the reply before any verdict.

ccxt does what it is good at (addresses, signing, JSON, WebSocket subscriptions). It decides nothing: it does not
retry, wait, print, or turn a reply into an exception where we asked.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mastertrading.domain.errors import ConfigError, ExchangeUnavailable, SafetyBlocked
from mastertrading.domain.ports import Clock
from mastertrading.exchange.budget import Budget, Limit, Priority
from mastertrading.exchange.clocks import VenueClock
from mastertrading.exchange.guard import check, open_session
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.lean import streaming_class
from mastertrading.exchange.modes import Site
from mastertrading.exchange.outcome import Answer, retry_after_s

QUIET = logging.getLogger("mastertrading.exchange.ccxt")
"""ccxt's own logger writes each request with its key and signature; its words go here, without the requests."""
QUIET.setLevel(logging.WARNING)
TOO_MANY, BANNED, FORBIDDEN = 429, 418, 403
HOLD_S = {TOO_MANY: 5.0, BANNED: 120.0, FORBIDDEN: 60.0}
"""How long nobody asks after such a status without a ``Retry-After``."""
FEW_KEPT = dict.fromkeys(("OHLCVLimit", "ordersLimit", "tradesLimit", "myTradesLimit"), 10)
"""ccxt keeps a thousand of what each stream tells, of every instrument; we read frames as they come."""
PATIENCE_S = {Priority.PROTECTION: 20.0, Priority.USUAL: 10.0}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a venue.

    Attributes
    ----------
    name
        The method of ccxt that asks it.
    method
        GET, POST, DELETE.
    weights
        What it costs of which limit.
    """

    name: str
    method: str = "GET"
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass
class _Heard:
    """The reply to one question of ours, while it is on its way."""

    begun: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    parsed: Any = None


_hearing: ContextVar[_Heard | None] = ContextVar("hearing", default=None)
"""Set while *we* ask. What ccxt asks for its own sake (a listen key) is judged by ccxt."""


class Connection:
    """ccxt.pro of one venue, for one account.

    Parameters
    ----------
    exchange_id
        The id that ccxt gives the venue.
    site
        The hosts that may be reached.
    keys
        None: only what needs no key can be asked.
    session
        An HTTP session to use (and leave open) instead of our own.
    options
        What ccxt is told about the venue.
    timeout_s
        How long one request may take.
    """

    def __init__(
        self,
        exchange_id: str,
        site: Site,
        keys: Keys | None,
        clock: Clock,
        limits: tuple[Limit, ...],
        *,
        session: Any = None,
        options: Mapping[str, Any] | None = None,
        timeout_s: float = 5.0,
        reserve: float = 0.2,
        proxy: str = "",
    ) -> None:
        self.site, self.clock = site, clock
        self.time = VenueClock(clock)
        self.budget = Budget(limits, clock, reserve=reserve)
        self.on_frame: Callable[[str, Any], None] = lambda address, message: None
        """Told each WebSocket message with its connection's address."""
        self.on_drop: Callable[[str], None] = lambda address: None
        """Told the address of a WebSocket connection that is gone."""
        self.on_connected: Callable[[str], None] = lambda address: None
        """Told the address of a WebSocket connection that was made."""
        self._session = session
        self._own: Any = None
        self.ccxt = _tapped(streaming_class(exchange_id), self)(
            {
                "enableRateLimit": False,
                "timeout": int(timeout_s * 1000),
                "ssl_context": _trusted(),
                "options": {**FEW_KEPT, **(options or {})},
                **_signing(keys),
                **({"httpsProxy": proxy, "wssProxy": proxy} if proxy else {}),
                **({"session": session} if session is not None else {"session": None}),
            }
        )
        if site.network == "demo":
            self.ccxt.enable_demo_trading(True)
        elif site.network == "testnet":
            self.ccxt.set_sandbox_mode(True)
        self.ccxt.has["fetchCurrencies"] = False
        self.ccxt.timeout_on_exit = 0
        self.assert_tame()

    def __repr__(self) -> str:
        return f"Connection({self.site.venue}, {self.site.mode.value})"

    def assert_tame(self) -> None:
        """Make sure that ccxt neither repeats, waits nor prints.

        Raises
        ------
        ConfigError
        """
        again = self.ccxt.options.get("maxRetriesOnFailure", 0)
        if again or self.ccxt.verbose or self.ccxt.enableRateLimit:
            raise ConfigError(
                "ccxt must not retry, print or wait by itself",
                why=f"maxRetriesOnFailure={again}, verbose={self.ccxt.verbose}",
            )

    async def open(self) -> None:
        """Make a session, where none was given."""
        if self._session is None and self._own is None:
            self._own = open_session(self.site)
        self.ccxt.session = self._session or self._own

    async def close(self) -> None:
        """Close streams and our own session. May be called twice."""
        await self.ccxt.close()
        if self._own is not None:
            own, self._own = self._own, None
            await own.close()

    async def ask(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, Any] | None = None,
        *,
        priority: Priority = Priority.USUAL,
        patience_s: float | None = None,
    ) -> Answer:
        """Ask once, and hand back whatever came. Raises only what a safety rule raises.

        Parameters
        ----------
        patience_s
            How long to wait for room in the budget; without room nothing is sent.
        """
        patience = PATIENCE_S[priority] if patience_s is None else patience_s
        if not await self.budget.take(endpoint.weights, priority, patience):
            return Answer(
                endpoint.method, begun=False, sent_ms=self.time.now_ms(), received_ms=self.time.now_ms()
            )
        self.assert_tame()
        heard, error = _Heard(), None
        token = _hearing.set(heard)
        sent_ms = self.time.now_ms()
        try:
            await getattr(self.ccxt, endpoint.name)(dict(parameters or {}))
        except SafetyBlocked:
            raise
        except (
            Exception
        ) as raised:  # whatever ccxt and the network raise; judged by its place, not by its class
            error = raised
        finally:
            _hearing.reset(token)
        answer = Answer(
            endpoint.method,
            heard.status,
            heard.headers,
            heard.body,
            heard.parsed,
            heard.begun,
            error if not heard.status else None,
            sent_ms,
            self.time.now_ms(),
        )
        self._heed(answer)
        return answer

    async def measure_clock(self, endpoint: Endpoint, read: Callable[[Any], int]) -> None:
        """Ask the venue's time, and believe it as far as the round trip allows.

        Raises
        ------
        ExchangeUnavailable
        """
        asked = self.clock.monotonic()
        answer = await self.ask(endpoint, priority=Priority.PROTECTION)
        if answer.status != 200:
            raise ExchangeUnavailable(f"{self.site.venue} did not tell its time", why=f"HTTP {answer.status}")
        self.time.heard(read(answer.parsed), asked)

    async def load_markets(self, parameters: Mapping[str, Any], endpoint: Endpoint) -> None:
        """Load what can be traded, once more if it was loaded.

        Raises
        ------
        ExchangeUnavailable
        """
        if not await self.budget.take(endpoint.weights, Priority.USUAL, PATIENCE_S[Priority.USUAL]):
            raise ExchangeUnavailable(
                f"{self.site.venue} did not list its contracts", why="no request is left"
            )
        try:
            await self.ccxt.load_markets(True, dict(parameters))
        except SafetyBlocked:
            raise
        except Exception as error:
            raise ExchangeUnavailable(
                f"{self.site.venue} did not list its contracts", why=type(error).__name__
            ) from None

    def _heed(self, answer: Answer) -> None:
        self.budget.heard(answer.headers)
        wait_s = retry_after_s(answer)
        if answer.status in HOLD_S or wait_s is not None:
            self.budget.hold(wait_s if wait_s is not None else HOLD_S[answer.status])


def _signing(keys: Keys | None) -> dict[str, str]:
    if keys is None:
        return {}
    return {"apiKey": keys.api_key, "secret": keys.secret, "password": keys.passphrase}


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that ccxt believes, read once a process; our own session has its own."""
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


_Ccxt: Any = object


class _Tap(_Ccxt):  # type: ignore[misc]
    """Goes before a class of ccxt: our clock, our look at each address, our ear at each reply and frame."""

    logger = QUIET
    tap: Connection

    def __repr__(self) -> str:
        return f"ccxt.pro.{self.id}"

    def milliseconds(self) -> int:
        return self.tap.clock.now_ms()

    def nonce(self) -> int:
        return self.tap.time.now_ms()

    async def throttle(self, cost: float | None = None) -> None:
        """Our budget does that."""

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        check(self.tap.site, method, url, headers)
        heard = _hearing.get()
        if heard is not None:
            heard.begun = True
        return await super().fetch(url, method, headers, body)

    def handle_errors(self, *told: Any) -> Any:
        heard = _hearing.get()
        if heard is None:
            return super().handle_errors(*told)
        heard.status, heard.body, heard.parsed = told[0], told[5] or "", told[6]
        heard.headers = {str(name).lower(): str(value) for name, value in told[4].items()}
        return None

    def handle_http_status_code(self, *told: Any) -> None:
        if _hearing.get() is None:
            super().handle_http_status_code(*told)

    def client(self, url: str) -> Any:
        if "://" in url:  # ccxt parks futures on clients that never dial
            check(self.tap.site, "GET", url)
        return super().client(url)

    def handle_message(self, client: Any, message: Any) -> None:
        self.tap.on_frame(client.url, message)
        try:
            super().handle_message(client, message)
        except Exception as error:  # one strange frame would end ccxt's receiving without a word
            QUIET.warning("%s: a frame that ccxt can't read (%s)", self.id, type(error).__name__)

    def on_connected(self, client: Any, message: Any = None) -> None:
        super().on_connected(client, message)
        self.tap.on_connected(client.url)

    def on_error(self, client: Any, error: Any) -> None:
        super().on_error(client, error)
        self.tap.on_drop(client.url)

    def on_close(self, client: Any, code: Any) -> None:
        super().on_close(client, code)
        self.tap.on_drop(client.url)


def _tapped(base: Any, owner: Connection) -> Any:
    return type(base.__name__, (_Tap, base), {"tap": owner})
