"""One run of a story: an exchange, a market that goes on whatever anybody does, and a trader that dies and comes back.

::

    market ──points──► exchange ◄──wire, faults──► gateway ◄─┐
       └──bars──────────────────────────────► trader ────────┤ doors, at which it can die
                                              journal ◄──────┘

Time is virtual: an hour takes as long as it takes to compute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mastertrading.app.bar_inputs import Inputs
from mastertrading.app.campaign.doors import Fate, GatewayDoor, JournalDoor, Killed, Moment, Step
from mastertrading.app.campaign.market import BEGIN_MS, forecasts_of, market_of
from mastertrading.app.campaign.settings import settings_of
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.streams import lived
from mastertrading.app.campaign.witness import Wire
from mastertrading.app.exchange import listing_of
from mastertrading.backtest.forecasts import USER_MODULE
from mastertrading.compiled import records
from mastertrading.domain.facts import AccountName, RunFacts
from mastertrading.domain.market import MINUTE_MS
from mastertrading.exchange.binance import BinanceGateway
from mastertrading.exchange.bybit import BybitGateway
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.journal.memory import MemoryStore
from mastertrading.journal.stored import StoredJournal
from mastertrading.live.ear import BarInputs, Ear, Heard
from mastertrading.live.trader import Trader
from mastertrading.signals.rows import VERDICT
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.conductor import Pace
from mastertrading.simulator.events import AccountChanged, Event, OrderChanged
from mastertrading.simulator.faults.fault import Fault
from mastertrading.simulator.faults.plan import scripted
from mastertrading.simulator.local import LocalExchange
from mastertrading.simulator.paper import PaperGateway
from mastertrading.simulator.script import Script
from mastertrading.simulator.tape import CLOSE, OPEN, BarTape
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

GATEWAYS = {"binance_usdm": BinanceGateway, "bybit_linear": BybitGateway}
PAPER = "paper"
DEPOSIT = 100_000
ROUND_S, CALM_ROUND_S = 5.0, 20.0
"""The trader looks so often without being told to: where something is not as it should be, and where nothing is wrong.

In the second case it would find what it found before, and the time to compute that is spent on more seeds.
"""
RESTART_S = 1.0
TRAVEL_MS = 1_500
"""A request whose sender dies arrives so late: after the next process has begun."""
FEWEST_ROUNDS, SETTLING_ROUNDS, RESTING_ROUNDS = 3, 14, 20
"""When the market stands still: first what was unknown is found out, then nothing may be sent any more."""
REST_S = 5.0
MOST_STARTS = 8
"""Tries to start, or to come to rest, when the market is over."""
FOREVER_MS = 10**14


class SaidEar(Ear):
    """Hears bars as ever, and forecasts of the story in place of the modules'."""

    forecasts: np.ndarray
    begin_ms: int

    def hear(self, told: BarInputs) -> Heard:
        """One bar, with what the story says of it."""
        rows, minutes, _ = super().hear(told)
        said = records(VERDICT, (1, len(self.desks), 1))
        said["forecast"][0, :, 0] = self.forecasts[(told.open_ms - self.begin_ms) // self.base_ms]
        return Heard(rows, minutes, said)


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


class World:
    """Runs a story once.

    Attributes
    ----------
    on_event, on_cycle, on_begin, on_calm
        Who is told of the exchange's events, of each cycle that ended, of each process that began, and that no
        fault acts any more.
    failures
        What ended a process without being a death: (when, what).
    """

    def __init__(self, story: Story, open_books: Callable[[int], StoredJournal] | None = None) -> None:
        self.story, self.settings, self.market = story, settings_of(story), market_of(story)
        self.forecasts = forecasts_of(story)
        served = "binance_usdm" if story.venue == PAPER else story.venue
        self.clock = VirtualClock(BEGIN_MS)
        self.local = self._local(served)
        self.local.open_account(deposit=DEPOSIT)
        self.exchange, self.account = self.local.exchange(), self.local.account()
        self.account.leverage.update(dict.fromkeys(story.symbols, 125))
        self.wire = Wire(self.local.plan, self.clock.now_ms)
        self.local.line.weather = self.wire
        self.name = AccountName(story.venue, "live", "me")
        memory = MemoryStore(self.name)
        self._open_books = open_books or (lambda life: StoredJournal(memory))
        self.journal = self._open_books(0)
        """The books as they are committed, for those who only read."""
        self.fate = Fate(story.kills, self._died)
        self.process: Process | None = None
        self.lives = 0
        self.deaths: list[tuple[int, Step, Moment]] = []
        self.failures: list[tuple[int, str]] = []
        self.on_event: list[Callable[[Event], None]] = []
        self.on_cycle: list[Callable[[], None]] = []
        self.on_begin: list[Callable[[], None]] = []
        self.on_calm: list[Callable[[], None]] = []
        self.on_failure: list[Callable[[str], None]] = []
        self.on_rest: list[Callable[[], None]] = []
        self.is_urgent: Callable[[], bool] = lambda: False
        """Whether a position stands without a stop."""
        self.is_calm = self.is_at_rest = self.is_over = False
        self.rest_step = 0
        self.faults: list[Fault] = []
        self._closed, self._opened, self._tries = 0, -1, 0
        self._news: asyncio.Event | None = None
        self._buried: list[GatewayDoor] = []
        self.exchange.subscribe(self._hear)

    def _local(self, served: str) -> LocalExchange:
        listings = [
            replace(listing_of(one, self.settings), funding_interval_ms=60 * MINUTE_MS, max_conditional=200)
            for one in self.market.instruments
        ]
        rows = [_at(dict(act), BEGIN_MS) for act in self.story.acts]
        return LocalExchange(
            listings,
            venues=(served,),
            clock=self.clock,
            tape=BarTape(self.market, 0, self.story.bars),
            pace=Pace.CLOCK,
            script=_script(rows),
        )

    # ---------------------------------------------------------------- what it holds
    @property
    def now_ms(self) -> int:
        """The exchange's clock."""
        return self.clock.now_ms()

    def run(self) -> World:
        """Live it; returns itself."""
        with (
            wall_shows(self.clock) if self.story.streams else nullcontext()
        ):  # ccxt counts its pongs by the wall
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

    def calm_down(self) -> None:
        """From here on nothing goes wrong."""
        self.local.plan.clear()
        self.is_calm = True
        for listener in self.on_calm:
            listener()

    def _hear(self, event: Event) -> None:
        for listener in self.on_event:
            listener(event)
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
            what = f"{type(error).__name__}: {error}"
            self.failures.append((self.now_ms, what))
            for listener in self.on_failure:
                listener(what)
        if self._is_done():
            self._tries += 1
            if self._tries >= MOST_STARTS:
                self._come_to_rest()
                self.is_over = True

    def _died(self, step: Step, moment: Moment) -> None:
        self.deaths.append((self.now_ms, step, moment))

    def _mourn(self) -> None:
        """A supervisor knows that its child is gone, and its lease with it."""
        if self.process is not None:
            self.process.journal.is_dead = self.process.gateway.is_dead = True
            self.journal.release()
            self._buried.append(self.process.gateway)
            self.process = None

    async def _begin(self) -> None:
        self.journal = self._open_books(self.lives + 1)
        door = JournalDoor(self.journal, self.fate)
        gateway = GatewayDoor(self._gateway(), self.fate, self._make_late)
        ear = self._ear()
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
        for listener in self.on_begin:
            listener()
        if not self.story.streams:
            await trader.on_open(self._prices())

    def _count_cycles(self, process: Process) -> None:
        inner = process.trader.cycle

        async def cycle(heard: Heard | None = None) -> bool:
            self._heed()
            answer = await inner(heard)
            process.cycles += 1
            for listener in self.on_cycle:
                listener()
            return answer

        process.trader.cycle = cycle  # type: ignore[method-assign]

    def _make_late(self) -> None:
        self.wire.late_ms = TRAVEL_MS

    def _gateway(self) -> Any:
        if self.story.venue == PAPER:
            return self.wire.tap(PaperGateway(self.exchange, self.account))
        own = str(uid_of(self.account)) if self.story.venue == "bybit_linear" else "me"
        permit = Permit(site_of(self.story.venue, Mode.LIVE), "me", own, True)
        keys = self.local.keys()
        return GATEWAYS[self.story.venue](
            permit,
            self.clock,
            keys=Keys(keys["apiKey"], keys["secret"]),
            session=self.local.session(),
        )

    def _ear(self) -> SaidEar:
        ear = SaidEar(self.settings, self.market.instruments, self.market.primer, BEGIN_MS)
        ear.forecasts, ear.begin_ms = self.forecasts, BEGIN_MS
        return ear

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
            await process.trader.on_open(self._prices())
        return True

    async def _open(self, process: Process) -> bool:
        if process.opened >= self._opened:
            return False
        process.opened = self._opened
        await process.trader.on_open(self._prices())
        return True

    def _prices(self) -> dict[str, int]:
        return {symbol: state.last_ticks for symbol, state in self.exchange.markets.items()}

    def _pause_s(self) -> float:
        """By what the exchange knows, which the trader does not."""
        if self.wire.is_troubled(self.now_ms) or self.is_urgent():
            return ROUND_S
        unresolved = any(one.state.is_unresolved for one in self.journal.open_commands())
        return ROUND_S if unresolved else CALM_ROUND_S

    def _is_done(self) -> bool:
        return self.local.conductor().is_over and self._opened + 1 == self._closed

    async def _end(self, process: Process) -> None:
        """The market stands still: come to rest."""
        for count in range(SETTLING_ROUNDS):
            await asyncio.sleep(REST_S)
            await process.trader.settle()
            if count >= FEWEST_ROUNDS and not any(
                c.state.is_unresolved for c in self.journal.open_commands()
            ):
                break
        self._come_to_rest()
        for _ in range(RESTING_ROUNDS):
            await asyncio.sleep(REST_S)
            await process.trader.cycle()
        self.is_over = True

    def _come_to_rest(self) -> None:
        if not self.is_at_rest:
            self.is_at_rest = True
            self.rest_step = len(self.fate.steps)
            for listener in self.on_rest:
                listener()


def _at(act: dict[str, Any], begin_ms: int) -> dict[str, Any]:
    if "at_s" in act:
        act["at_ms"] = begin_ms + round(1000 * float(act.pop("at_s")))
    return act


def _script(rows: list[dict[str, Any]]) -> Script | None:
    from mastertrading.simulator.script import Act, When

    made = []
    for row in rows:
        when = row.pop("when", None)
        do, at_ms, after_s = row.pop("do"), row.pop("at_ms", None), row.pop("after_s", 0)
        made.append(Act(do, row, at_ms, When(**when) if when else None, round(1000 * after_s)))
    return Script(made) if made else None
