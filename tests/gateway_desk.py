"""A gateway in front of a small local exchange, for a scenario: on virtual time in process, or on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from local_venues import BEGIN_MS, HISTORY, PX, SYMBOL, fill_history, listings, on_the_wire, open_venues
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.orders import (
    BUY,
    SELL,
    Order,
    OrderKind,
    OrderRequest,
    TimeInForce,
    Trigger,
)
from mastertrading.exchange.binance import BinanceGateway
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.simulator.certificates import certificates
from mastertrading.simulator.clock import VirtualClock, WallClock
from mastertrading.simulator.faults.plan import Plan
from mastertrading.simulator.in_process import InProcessSession
from mastertrading.simulator.line import Calm, Line
from mastertrading.simulator.loopback import loopback_session
from mastertrading.simulator.paper import PaperGateway, open_paper
from mastertrading.simulator.virtual_time import run_virtual, wall_shows
from mastertrading.simulator.wire import ON_TIME, Delivery, Request, Response
from raw_requests import KEY, SECRET

GATEWAYS: dict[str, Any] = {"binance_usdm": BinanceGateway, "bybit_linear": BybitGateway}


class Squall(Calm):
    """Spoils the requests that ``strikes`` says, as many as ``left``.

    Attributes
    ----------
    going, coming
        What happens to such a request, and to its reply.
    told
        Every request: method and path.
    """

    def __init__(self) -> None:
        self.strikes: Callable[[Request], bool] = lambda request: False
        self.going, self.coming = ON_TIME, ON_TIME
        self.spoil: Callable[[Response], Response] = lambda response: response
        self.left = 0
        self.told: list[tuple[str, str]] = []
        self._struck: set[int] = set()

    def set(self, strikes, *, going=ON_TIME, coming=ON_TIME, spoil=None, times=1) -> None:
        self.strikes, self.going, self.coming, self.left = strikes, going, coming, times
        self.spoil = spoil or (lambda response: response)

    def departs(self, venue: str, request: Request) -> Delivery:
        self.told.append((request.method, request.path))
        if self.left and self.strikes(request):
            self.left -= 1
            self._struck.add(id(request))
            return self.going
        return ON_TIME

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        if id(request) not in self._struck:
            return response, ON_TIME
        self._struck.discard(id(request))
        return self.spoil(response), self.coming


def is_order(request: Request) -> bool:
    """Whether a request places an order."""
    return request.method == "POST" and request.path.endswith(("/order", "/algoOrder", "/order/create"))


def is_cancel(request: Request) -> bool:
    """Whether a request cancels one."""
    return request.method == "DELETE" or request.path.endswith("/order/cancel")


@dataclass
class Desk:
    """A gateway and what it is in front of."""

    gateway: Any
    exchange: Any
    account: Any
    clock: Any
    line: Line | None = None
    plan: Plan | None = None
    weather: Squall = field(default_factory=Squall)
    heard: list[Any] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def is_paper(self) -> bool:
        return isinstance(self.gateway, PaperGateway)

    # ---------------------------------------------------------------- the market
    async def move(self, px: float) -> None:
        """Let the price go there, through all between."""
        self.exchange.move(SYMBOL, round(px * 10))
        await asyncio.sleep(0)

    async def minutes(self, *prices: float) -> None:
        """Let the clock go to each next minute, where the price is another."""
        for px in prices:
            now = self.clock.now_ms()
            await self.clock.sleep((MINUTE_MS - now % MINUTE_MS) / 1000)
            await self.move(px)

    def lots(self) -> int:
        return self.exchange.position(self.account, SYMBOL).lots

    def orders(self) -> list[Any]:
        """Every order there ever was, as the exchange knows it."""
        return list(self.account.orders.values())

    # ---------------------------------------------------------------- streams
    def listen(self, events: Any) -> list[Any]:
        """Collect what a feed tells."""
        heard: list[Any] = []

        async def read() -> None:
            async for event in events:
                heard.append(event)

        self.tasks.append(asyncio.ensure_future(read()))
        return heard

    async def until(self, happened: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Wait for something, by the desk's clock."""
        for _ in range(round(seconds / 0.05)):
            if found := happened():
                return found
            await self.clock.sleep(0.05)
        raise AssertionError("it did not happen")

    async def hush(self) -> None:
        """Stop listening."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # ---------------------------------------------------------------- orders
    async def settled(self, client_id: str) -> Order:
        """The order as the venue tells it."""
        found = await self.gateway.find_order(SYMBOL, client_id)
        assert found is not None
        return found


Scenario = Callable[[Desk], Awaitable[Any]]


def market(client_id: str, side: int = BUY, qty: str = "0.010", **more: Any) -> OrderRequest:
    return OrderRequest(client_id, SYMBOL, side, OrderKind.MARKET, Decimal(qty), **more)


def limit(client_id: str, px: float, side: int = BUY, qty: str = "0.010", **more: Any) -> OrderRequest:
    return OrderRequest(client_id, SYMBOL, side, OrderKind.LIMIT, Decimal(qty), Decimal(str(px)), **more)


def stop(client_id: str, px: float, side: int = SELL, qty: str | None = "0.010", **more: Any) -> OrderRequest:
    """A protective stop: below a long, above a short."""
    size = None if qty is None else Decimal(qty)
    trigger = Trigger(Decimal(str(px)), side == BUY)
    more.setdefault("reduce_only", size is not None)
    return OrderRequest(client_id, SYMBOL, side, OrderKind.MARKET, size, trigger=trigger, **more)


def permit(venue: str, mode: Mode = Mode.LIVE) -> Permit:
    return Permit(site_of(venue, mode), "main")


async def begin(gateway: Any) -> None:
    """Start it for the account that its key belongs to, as if its name had been written down."""
    await gateway.connection.open()
    gateway.permit = gateway.permit.for_account((await gateway.account_facts()).account_id)
    await gateway.start()


async def _with_venue(scenario: Scenario, venue: str, clock: VirtualClock, planned: bool) -> Any:
    weather = Squall()
    local = open_venues(clock, None if planned else weather)
    session = InProcessSession(local.line)
    gateway = GATEWAYS[venue](permit(venue), clock, keys=Keys(KEY, SECRET), session=session)
    desk = Desk(
        gateway, local.exchange(venue), local.account(venue=venue), clock, local.line, local.plan, weather
    )
    try:
        await begin(gateway)
        weather.told.clear()
        return await scenario(desk)
    finally:
        await desk.hush()
        await gateway.close()
        await session.close()
        assert local.bugs() == []


async def _on_paper(scenario: Scenario, clock: VirtualClock) -> Any:
    gateway = open_paper(listings(), clock, Decimal(10_000))
    for symbol, px in ((SYMBOL, PX), ("ETHUSDT", 3_000)):
        ticks = int(px / gateway.exchange.listings[symbol].instrument.tick)
        fill_history(gateway.exchange.markets[symbol], clock.now_ms(), ticks)
        gateway.exchange.move(symbol, ticks)
        gateway.exchange.set_funding(symbol, rate_e8=10_000, interval_ms=8 * 3_600_000)
    desk = Desk(gateway, gateway.exchange, gateway.account, clock)
    try:
        await gateway.start()
        return await scenario(desk)
    finally:
        await desk.hush()
        await gateway.close()


def play(scenario: Scenario, venue: str, *, planned: bool = False) -> Any:
    """Run a scenario on virtual time, against a fresh exchange; ``planned``: with faults of the catalogue."""
    clock = VirtualClock(BEGIN_MS)
    with wall_shows(clock):
        run = _on_paper(scenario, clock) if venue == "paper" else _with_venue(scenario, venue, clock, planned)
        return run_virtual(run, clock)


async def _on_sockets(scenario: Scenario, venue: str, folder: Path) -> Any:
    clock, weather = WallClock(), Squall()
    local = open_venues(clock, weather)
    async with on_the_wire(local, folder) as served:
        session = loopback_session(served.port, certificates(folder).client_context(), weather)
        gateway = GATEWAYS[venue](permit(venue), clock, keys=Keys(KEY, SECRET), session=session)
        desk = Desk(
            gateway, local.exchange(venue), local.account(venue=venue), clock, local.line, local.plan, weather
        )
        try:
            await begin(gateway)
            async with asyncio.timeout(15.0):
                return await scenario(desk)
        finally:
            await desk.hush()
            await gateway.close()
            await session.close()


def play_on_sockets(scenario: Scenario, venue: str, folder: Path) -> Any:
    """Run a scenario over TLS on loopback, at the wall's time."""
    return asyncio.run(_on_sockets(scenario, venue, folder))


__all__ = [
    "BUY",
    "HISTORY",
    "SELL",
    "SYMBOL",
    "Desk",
    "Squall",
    "TimeInForce",
    "begin",
    "is_cancel",
    "is_order",
    "limit",
    "market",
    "play",
    "play_on_sockets",
    "stop",
]
