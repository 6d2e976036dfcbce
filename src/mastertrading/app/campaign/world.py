"""One run of a story: an exchange, a market that goes on whatever anybody does, and a trader that dies and comes back.

::

    market ──points──► exchange ◄──wire, faults──► gateway ◄─┐
       └──bars──────────────────────────────► trader ────────┤ doors, at which it can die
                                              journal ◄──────┘

Time is virtual: an hour takes as long as it takes to compute.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from mastertrading.app.bar_inputs import Inputs
from mastertrading.app.campaign.doors import Fate, GatewayDoor, JournalDoor, Killed
from mastertrading.app.campaign.market import BEGIN_MS
from mastertrading.app.campaign.stage import FOREVER_MS, NAME, PAPER, RESTART_S, Engine, Stage, ear_of
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.streams import lived
from mastertrading.backtest.forecasts import USER_MODULE
from mastertrading.domain.facts import RunFacts
from mastertrading.domain.market import MINUTE_MS
from mastertrading.exchange.binance import BinanceGateway
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.live.ear import Heard
from mastertrading.live.trader import Trader
from mastertrading.simulator.events import AccountChanged, Event, OrderChanged
from mastertrading.simulator.faults.plan import scripted
from mastertrading.simulator.paper import PaperGateway
from mastertrading.simulator.tape import CLOSE, OPEN
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

GATEWAYS: dict[str, Any] = {"binance_usdm": BinanceGateway, "bybit_linear": BybitGateway}
ROUND_S, CALM_ROUND_S = 5.0, 20.0
"""The trader looks so often without being told to: where something is not as it should be, and where nothing is wrong.

In the second case it would find what it found before, and the time to compute that is spent on more seeds.
"""
TRAVEL_MS = 1_500
"""A request whose sender dies arrives so late: after the next process has begun."""
FEWEST_ROUNDS, SETTLING_ROUNDS, RESTING_ROUNDS = 3, 14, 20
"""When the market stands still: first what was unknown is found out, then nothing may be sent any more."""
REST_S = 5.0
MOST_STARTS = 8
"""Tries to start, or to come to rest, when the market is over."""


@dataclass
class Process:
    """One life of the trader."""

    number: int
    journal: JournalDoor
    gateway: GatewayDoor
    trader: Trader
    inputs: Inputs
    heard: int = 0
    opened: int = -1
    cycles: int = 0


class World(Stage):
    """Runs a story once, on virtual time, in this process. Its steps are counted by ``fate``."""

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self.fate = Fate(story.kills, self._died)
        self.steps = self.fate.steps
        self.process: Process | None = None
        self.is_over = False
        self._closed, self._opened, self._tries = 0, -1, 0
        self._news: asyncio.Event | None = None
        self._buried: list[GatewayDoor] = []

    def run(self) -> World:
        """Live it; returns itself."""
        on_the_wall = wall_shows(self.clock) if self.story.streams else nullcontext()
        with on_the_wall:  # ccxt counts its pongs by it
            run_virtual(self._live(), self.clock)
        return self

    # ---------------------------------------------------------------- time
    async def _live(self) -> None:
        self._news = asyncio.Event()
        self.clock.advance(0.001)  # the deposit was before us
        self.faults = scripted(
            [dict(row) for row in self.story.faults], now_ms=BEGIN_MS, seed=self.story.seed
        )
        for fault in self.faults:
            self.local.plan.add(fault)
        playing = asyncio.ensure_future(self._play())
        try:
            while not self.is_over:
                await self._one_life()
                if playing.done():
                    playing.result()  # a mistake of ours: without a market there is nothing to judge
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            await self._bury()

    async def _play(self) -> None:
        """The market: it waits for nobody."""
        conductor, calm_ms = self.local.conductor(), BEGIN_MS + self.story.minutes * MINUTE_MS
        while (next_ms := conductor.next_ms) is not None:
            if next_ms >= calm_ms and not self.is_calm:
                self.calm_down()
            while (left := next_ms - self.now_ms) > 0:
                await asyncio.sleep(left / 1000)
            progress = conductor.step()
            if progress is not None and progress.name == OPEN:
                self._opened = progress.bar
                self._wake()
            elif progress is not None and progress.name == CLOSE:
                self._closed = progress.bar + 1
                self._wake()
        if not self.is_calm:
            self.calm_down()
        self._wake()

    def _hear(self, event: Event) -> None:
        super()._hear(event)
        if isinstance(event, OrderChanged | AccountChanged):
            self._wake()

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()

    def _heed(self) -> None:
        """A look begins: it shows all that was news until now, and what comes from here on needs another."""
        if self._news is not None:
            self._news.clear()

    async def _rest(self, seconds: float | None) -> None:
        """Until there is news that nobody has looked at, or so long."""
        assert self._news is not None
        if self._news.is_set():
            return
        handle = None
        if seconds is not None:
            handle = asyncio.get_running_loop().call_later(seconds, self._news.set)
        await self._news.wait()
        if handle is not None:
            handle.cancel()

    # ---------------------------------------------------------------- lives
    async def _one_life(self) -> None:
        try:
            await self._begin()
            await self._trade()
        except Killed:
            await asyncio.sleep(RESTART_S)
        except Exception as error:  # whatever ends a process; judged by the invariants
            self._failed(error)
            await asyncio.sleep(REST_S)
        finally:
            self._mourn()

    def _failed(self, error: Exception) -> None:
        """A process that cannot start while faults act is no failure: it is started again."""
        began = self.process is not None and self.process.cycles > 0
        if began or self.is_calm:
            self._fail(f"{type(error).__name__}: {error}")
        if self._is_done():
            self._tries += 1
            if self._tries >= MOST_STARTS:
                self._come_to_rest()
                self.is_over = True

    def _mourn(self) -> None:
        """A supervisor knows that its child is gone, and its lease with it."""
        if self.process is not None:
            self.process.journal.is_dead = self.process.gateway.is_dead = True
            self.shelf.take_back()
            self._buried.append(self.process.gateway)
            self.process = None

    async def _begin(self) -> None:
        self.journal = self.shelf.open(self.lives + 1)
        door = JournalDoor(self.journal, self.fate)
        gateway = GatewayDoor(self._gateway(), self.fate, self._make_late)
        ear = ear_of(self)
        trader = Trader(
            self.settings, self.market.instruments, self.name, gateway, door, ear, modules=(USER_MODULE,)
        )
        self.lives += 1
        process = self.process = Process(self.lives, door, gateway, trader, Inputs(self.market))
        door.acquire(f"process {self.lives}", self.now_ms, FOREVER_MS)
        door.begin_run(RunFacts("code", "config", self.now_ms))
        await gateway.start()
        past = list(process.inputs.until(self._closed))
        process.heard, process.opened = self._closed, self._opened
        await trader.begin(past)
        self._count_cycles(process)
        self._begun()
        if not self.story.streams:
            await trader.on_open(self.prices())

    def _count_cycles(self, process: Process) -> None:
        inner = process.trader.cycle

        async def cycle(heard: Heard | None = None) -> bool:
            self._heed()
            answer = await inner(heard)
            process.cycles += 1
            self._cycled(Engine.of(process.trader))
            return answer

        process.trader.cycle = cycle  # type: ignore[method-assign]

    def _make_late(self) -> None:
        self.wire.late_ms = TRAVEL_MS

    def _gateway(self) -> Any:
        if self.story.venue == PAPER:
            return self.wire.tap(PaperGateway(self.exchange, self.account))
        permit = Permit(site_of(self.story.venue, Mode.LIVE), NAME, self.own, True)
        keys = self.local.keys()
        return GATEWAYS[self.story.venue](
            permit,
            self.clock,
            keys=Keys(keys["apiKey"], keys["secret"]),
            session=self.local.session(),
        )

    async def _bury(self) -> None:
        for gateway in self._buried:
            for task in gateway.left_behind:
                task.cancel()
            await asyncio.gather(*gateway.left_behind, return_exceptions=True)
            await gateway._real.close()

    # ---------------------------------------------------------------- trading
    async def _trade(self) -> None:
        """As whoever drives a trader does: bars as they close, news as it comes, and a look now and then."""
        process = self.process
        assert process is not None
        if self.story.streams:
            next_ms, ends_ms = (BEGIN_MS + bars * MINUTE_MS for bars in (process.heard, self.story.bars))
            await lived(process.trader, self.clock, next_ms, ends_ms, self._is_done, self._pause_s)
            await self._end(process)
            return
        while True:
            if not await self._bars(process) and not await self._open(process):
                await process.trader.settle()
            if self._is_done():
                break
            if process.heard < self._closed or process.opened < self._opened:
                continue
            await self._rest(self._pause_s())
        await self._end(process)

    async def _bars(self, process: Process) -> bool:
        """Hear what has closed; decide on the newest bar only."""
        if process.heard >= self._closed:
            return False
        while process.heard < self._closed - 1:
            process.trader.ear.hear(process.inputs.of(process.heard))
            process.heard += 1
        told = process.inputs.of(process.heard)
        process.heard += 1
        await process.trader.on_bar(told)
        if self._opened >= process.heard:  # it took so long that the next bar has begun
            process.opened = self._opened
            await process.trader.on_open(self.prices())
        return True

    async def _open(self, process: Process) -> bool:
        if process.opened >= self._opened:
            return False
        process.opened = self._opened
        await process.trader.on_open(self.prices())
        return True

    def _pause_s(self) -> float:
        """By what the exchange knows, which the trader does not."""
        if self.wire.is_troubled(self.now_ms) or self.is_urgent():
            return ROUND_S
        return ROUND_S if self.is_unresolved else CALM_ROUND_S

    def _is_done(self) -> bool:
        return self.local.conductor().is_over and self._opened + 1 == self._closed

    async def _end(self, process: Process) -> None:
        """The market stands still: come to rest."""
        for count in range(SETTLING_ROUNDS):
            await asyncio.sleep(REST_S)
            await process.trader.settle()
            if count >= FEWEST_ROUNDS and not self.is_unresolved:
                break
        self._come_to_rest()
        for _ in range(RESTING_ROUNDS):
            await asyncio.sleep(REST_S)
            await process.trader.cycle()
        self.is_over = True
