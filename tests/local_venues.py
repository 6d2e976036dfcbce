"""The local exchange as tests use it: a small market, one account, either venue's façade, on sockets or in process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.pro

from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument, MarginTier
from mastertrading.domain.market import MINUTE_MS
from mastertrading.simulator.certificates import certificates
from mastertrading.simulator.clock import VirtualClock, WallClock
from mastertrading.simulator.line import Weather
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange, Served
from mastertrading.simulator.loopback import loopback_session
from mastertrading.simulator.market import MarketState, Row
from mastertrading.simulator.virtual_time import run_virtual, wall_shows
from raw_requests import KEY, SECRET

SYMBOL, UNIFIED = "BTCUSDT", "BTC/USDT:USDT"
PX = 60_000
HISTORY = 300
"""Bars that have closed before a test begins."""
PATIENCE_S = 5.0
VENUES = ("binance_usdm", "bybit_linear")
TRANSPORTS = ("wire", "in_process")
CLIENTS = {"binance_usdm": ccxt.pro.binanceusdm, "bybit_linear": ccxt.pro.bybit}
BEGIN_MS = 1_790_000_040_000
"""Where virtual time begins: the start of a minute."""

LADDER = (
    MarginTier(Decimal(0), Decimal("0.004")),
    MarginTier(Decimal(500_000), Decimal("0.005")),
    MarginTier(Decimal(10_000_000), Decimal("0.01")),
)


def listings() -> list[Listing]:
    """Two perpetuals."""
    bitcoin = Instrument(SYMBOL, Decimal("0.1"), Decimal("0.001"), Decimal(50), tiers=LADDER)
    ether = Instrument("ETHUSDT", Decimal("0.01"), Decimal("0.01"), Decimal(20), tiers=LADDER)
    return [Listing(bitcoin, max_leverage=100), Listing(ether, max_leverage=50)]


def fill_history(market: MarketState, now_ms: int, px_ticks: int) -> None:
    """Bars that closed before now; the last one closes at the price where the market stands."""
    begin = now_ms - now_ms % MINUTE_MS
    for k in range(HISTORY, 0, -1):
        close = px_ticks + (k * 37) % 101 - 50 if k > 1 else px_ticks
        market.closed.append(
            Row(
                begin - k * MINUTE_MS,
                px_ticks,
                max(px_ticks, close) + 20,
                min(px_ticks, close) - 20,
                close,
                5_000 + k,
                40,
            )
        )


def open_venues(clock: Any, weather: Weather | None = None) -> LocalExchange:
    """Both venues with a history, a price and an account."""
    local = LocalExchange(listings(), venues=VENUES, clock=clock, seed=7)
    if weather is not None:
        local.line.weather = weather
    local.open_account(api_key=KEY, secret=SECRET)
    for venue in VENUES:
        exchange = local.exchange(venue)
        for symbol, px in ((SYMBOL, PX), ("ETHUSDT", 3_000)):
            market = exchange.markets[symbol]
            ticks = int(px / exchange.listings[symbol].instrument.tick)
            fill_history(market, clock.now_ms(), ticks)
            exchange.move(symbol, ticks)
            exchange.set_funding(symbol, rate_e8=10_000, interval_ms=market.funding_interval_ms)
    return local


# -------------------------------------------------------------------- ccxt and one venue
class World:
    """One venue and the client that trades there, for a scenario."""

    def __init__(self, venue: str, local: LocalExchange, client: Any) -> None:
        self.venue, self.local, self.client = venue, local, client
        self.exchange, self.account = local.exchange(venue), local.account(venue=venue)

    @property
    def market(self) -> MarketState:
        return self.exchange.markets[SYMBOL]

    async def move(self, px: float) -> None:
        """Let the price go there, through all between, a moment later; streams get time to say so."""
        await asyncio.sleep(0.001)
        self.exchange.move(SYMBOL, self.ticks(px))
        await asyncio.sleep(0.001)

    async def settle_funding(self, rate_e8: int) -> None:
        """Charge funding now."""
        await asyncio.sleep(0.002)
        now = self.exchange.clock.now_ms()
        self.exchange.set_funding(SYMBOL, rate_e8=rate_e8)
        self.market.next_funding_ms = now
        self.exchange.charge_due(now + 1)

    def only_lots(self, lots: int) -> None:
        """No more than so much fills in this bar."""
        self.market.budget_lots = lots

    def lots(self) -> int:
        return self.exchange.position(self.account, SYMBOL).lots

    def equity_atoms(self) -> int:
        return self.exchange.equity_atoms(self.account)

    @staticmethod
    def ticks(px: float) -> int:
        return round(px * 10)

    @staticmethod
    def money(atoms: int) -> float:
        return atoms / ATOMS_PER_UNIT

    # ---------------------------------------------------------------- where the venues differ
    async def order(self, number: str, *, trigger: bool = False) -> dict[str, Any]:
        """An order by the venue's id."""
        params = {"trigger": True} if trigger else {}
        if self.venue == "bybit_linear":
            params = {"acknowledged": True}
        return await self.client.fetch_order(number, UNIFIED, params)

    async def plain_open_orders(self) -> list[dict[str, Any]]:
        """Open orders that wait for no trigger."""
        params = {"orderFilter": "Order"} if self.venue == "bybit_linear" else {}
        return await self.client.fetch_open_orders(UNIFIED, params=params)

    async def number_of_client_id(self, client_id: str, *, trigger: bool = False) -> str:
        """The venue's id of an order by the client's; ccxt's own call where it has one that works."""
        if self.venue == "bybit_linear":
            asked = {"category": "linear", "symbol": SYMBOL, "orderLinkId": client_id}
            found = await self.client.privateGetV5OrderRealtime(asked)
            return found["result"]["list"][0]["orderId"]
        params = {"clientOrderId": client_id, **({"trigger": True} if trigger else {})}
        return (await self.client.fetch_order(None, UNIFIED, params))["id"]


Scenario = Callable[[World], Awaitable[Any]]


async def within(awaited: Awaitable[Any], seconds: float = PATIENCE_S) -> Any:
    """Wait, but not for ever."""
    async with asyncio.timeout(seconds):
        return await awaited


def new_client(venue: str, session: Any, **options: Any) -> Any:
    """ccxt.pro as a user makes it, but for the session. (Its throttle and its farewell only make tests slow.)"""
    config = {"apiKey": KEY, "secret": SECRET, "session": session, "enableRateLimit": False, **options}
    client = CLIENTS[venue](config)
    client.timeout_on_exit = 0
    return client


@asynccontextmanager
async def on_the_wire(local: LocalExchange, authority: Path) -> AsyncIterator[Served]:
    """Serve both venues over TLS on loopback; afterwards nothing may have been an error of ours."""
    served = await local.serve(authority)
    try:
        yield served
    finally:
        await served.close()
    no_bugs(served.local, served.server.failures)


def no_bugs(local: LocalExchange, failures: Iterable[str] = ()) -> None:
    """Nothing went wrong by our own fault."""
    found = [*failures, *local.bugs()]
    assert not found, "\n".join(found)


async def _play_on_the_wire(scenario: Scenario, venue: str, authority: Path, weather: Weather | None) -> Any:
    local = open_venues(WallClock(), weather)
    async with on_the_wire(local, authority) as served:
        context = certificates(authority).client_context()
        session = loopback_session(served.port, context, local.line.weather)
        client = new_client(venue, session)
        try:
            return await within(scenario(World(venue, local, client)), 20.0)
        finally:
            await client.close()
            await session.close()


async def _play_in_process(
    scenario: Scenario, venue: str, clock: VirtualClock, weather: Weather | None
) -> Any:
    local = open_venues(clock, weather)
    session = local.session()
    client = new_client(venue, session, asyncio_loop=asyncio.get_running_loop())
    client.milliseconds = clock.now_ms
    try:
        return await scenario(World(venue, local, client))
    finally:
        await client.close()
        await session.close()
        no_bugs(local)


def play(
    scenario: Scenario, venue: str, transport: str, authority: Path, weather: Weather | None = None
) -> Any:
    """Run a scenario against a fresh exchange."""
    if transport == "wire":
        return asyncio.run(_play_on_the_wire(scenario, venue, authority, weather))
    clock = VirtualClock(BEGIN_MS)
    with wall_shows(clock):
        return run_virtual(_play_in_process(scenario, venue, clock, weather), clock)


# -------------------------------------------------------------------- a server beside the test
class Harbour:
    """Both venues on sockets, in a thread of their own: for clients that wait, and for raw bytes."""

    def __init__(self, authority: Path) -> None:
        self._authority = authority
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="harbour")
        self.context = certificates(authority).client_context()

    def __enter__(self) -> Harbour:
        self._thread.start()
        self.served: Served = self.call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self.served.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> Served:
        return await open_venues(WallClock()).serve(self._authority)

    def call(self, awaited: Any) -> Any:
        """Run something on the server's loop."""
        return asyncio.run_coroutine_threadsafe(awaited, self._loop).result(10.0)

    @property
    def port(self) -> int:
        return self.served.port

    def orders(self) -> int:
        """Orders there ever were."""
        return sum(len(self.served.local.account(venue=venue).orders) for venue in VENUES)
