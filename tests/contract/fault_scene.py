"""A scene for one fault: a venue in this process on virtual time, and the unmodified ccxt at its production URLs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import ccxt
import ccxt.pro

from mastertrading.domain.instrument import Instrument
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.faults.fault import Fault
from mastertrading.simulator.in_process import keep_time
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.market import Row
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

T0 = 1_748_736_030_000
"""2025-06-01 00:00:30: half a minute into a bar."""
SYMBOL, NAME = "BTC/USDT:USDT", "BTCUSDT"
PX = 650_000
CCXT = {"binance_usdm": "binanceusdm", "bybit_linear": "bybit"}
MINUTES = 30


def listings() -> list[Listing]:
    step = {"tick": Decimal("0.1"), "lot": Decimal("0.001"), "min_notional": Decimal(5)}
    return [Listing(Instrument(NAME, **step)), Listing(Instrument("ETHUSDT", **step))]


def make_client(venue: str, session: Any, keys: dict[str, str], **options: Any) -> Any:
    settings = {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}, **options}
    client = getattr(ccxt.pro, CCXT[venue])({"session": session, **keys, "options": settings})
    client.has["fetchCurrencies"] = False
    client.options.update(
        {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6}
    )
    return client


@dataclass
class Scene:
    """One venue and one client of it. ``add`` begins a fault; what the probe returns is what the client saw."""

    venue: str
    local: LocalExchange
    client: Any = None
    fault: Fault | None = None
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def exchange(self) -> Any:
        return self.local.exchange(self.venue)

    @property
    def account(self) -> Any:
        return self.local.account("me", self.venue)

    def begin(self) -> None:
        """From here on the fault acts; the control run goes on without."""
        if self.fault is not None:
            self.local.plan.add(self.fault)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def move(self, ticks: int) -> None:
        self.exchange.move(NAME, PX + ticks)

    def walks(self, seconds: int = 60, step: int = 1) -> None:
        """The price goes on, each second by so many ticks."""

        async def walk() -> None:
            for count in range(1, seconds + 1):
                await asyncio.sleep(1)
                self.move(count * step)

        self.tasks.append(asyncio.create_task(walk()))

    # ---------------------------------------------------------------- what a client does
    async def place(
        self, side: str = "buy", amount: float = 0.01, price: float | None = None, **more: Any
    ) -> Any:
        kind = "market" if price is None else "limit"
        return await self.client.create_order(SYMBOL, kind, side, amount, price, more)

    async def stop(self, trigger: float = 64_000, amount: float = 0.01, **more: Any) -> Any:
        return await self.place("sell", amount, stopLossPrice=trigger, reduceOnly=True, **more)

    def orders(self) -> int:
        """How many orders of the client the exchange has accepted."""
        return len(self.account.orders)


async def outcome(doing: Awaitable[Any], seconds: float = 120.0) -> str:
    """What comes of it: the error's class with its family, or what the answer says of the order."""
    try:
        answer = await asyncio.wait_for(doing, seconds)
    except TimeoutError:
        return "nothing comes"
    except ccxt.BaseError as error:
        family = "failed" if isinstance(error, ccxt.OperationFailed) else "refused"
        return f"{type(error).__name__} ({family})"
    except Exception as error:  # ccxt lets some of its own mistakes out
        return f"{type(error).__name__} (not ccxt's)"
    if isinstance(answer, dict) and "id" in answer:
        return f"an order, id {'None' if answer['id'] is None else 'given'}"
    return "an answer"


Probe = Callable[[Scene], Awaitable[str]]


@cache
def markets_of(venue: str) -> tuple[Any, Any]:
    """What ccxt makes of the venue's list of instruments, asked once."""

    async def load() -> tuple[Any, Any]:
        local = LocalExchange(listings(), venues=[venue], clock=clock)
        client = make_client(venue, local.session(), {})
        keep_time(client, clock)
        try:
            await client.load_markets()
            return client.markets, client.currencies
        finally:
            await client.close()

    clock = VirtualClock(T0)
    return run_virtual(load(), clock)


def play(venue: str, probe: Probe, fault: Fault | None = None) -> tuple[str, LocalExchange]:
    """Run a probe on a fresh venue; what the client saw."""
    markets, currencies = markets_of(venue)
    clock = VirtualClock(T0)

    async def run() -> tuple[str, LocalExchange]:
        local = LocalExchange(listings(), venues=[venue], clock=clock)
        local.open_account("me", api_key="key" * 12, secret="secret" * 6)
        scene = Scene(venue, local, fault=fault)
        _history(scene)
        client = scene.client = make_client(venue, local.session(), local.keys())
        keep_time(client, clock)
        client.set_markets(list(markets.values()), currencies)
        try:
            return await probe(scene), local
        finally:
            for task in scene.tasks:
                task.cancel()
            await client.close()

    with wall_shows(clock):
        return run_virtual(run(), clock)


def _history(scene: Scene) -> None:
    """Half an hour of bars, and the price where it is."""
    for name, px in ((NAME, PX), ("ETHUSDT", 25_000)):
        market = scene.exchange.markets[name]
        begin = T0 - T0 % 60_000
        for minute in range(MINUTES, 0, -1):
            close = px + minute % 4
            market.closed.append(Row(begin - minute * 60_000, px + 1, px + 9, px - 8, close, 40 + minute, 9))
        scene.exchange.move(name, px)
    scene.exchange.set_funding(NAME, rate_e8=10_000, interval_ms=8 * 3_600_000)
