"""An account lived through recorded bars: local exchange, gateway, journal and trader, in lockstep.

=========  ==========================================================================================
paper      the exchange's own account, no protocol between: ``replay``
venues     through ccxt, in this process on virtual time, or on sockets with TLS: ``demo``
journal    in memory, or a database
=========  ==========================================================================================

The exchange plays one point, the trader answers it, and only then time goes on: so a run repeats itself to the last
bit, whatever the machine is busy with.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from mastertrading.app.bar_inputs import Inputs, listings_of, primer_of
from mastertrading.app.parity.prints import DecisionPrint, Filled, Prints, trade_hash
from mastertrading.app.state_folder import run_facts
from mastertrading.backtest.run import Ask, OnDecisions, run, window
from mastertrading.domain.errors import ExchangeUnavailable, UsageError
from mastertrading.domain.facts import AccountName
from mastertrading.domain.market import Market
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.exchange.opening import GATEWAYS
from mastertrading.journal.memory import memory_journal
from mastertrading.lake.names import timeframe_name
from mastertrading.live.collector import Collector
from mastertrading.live.ear import Ear
from mastertrading.live.runner import Pace, Runner
from mastertrading.live.trader import Trader
from mastertrading.live.units import atoms_of
from mastertrading.settings.schema import Settings
from mastertrading.simulator.bybit.desk import uid_of
from mastertrading.simulator.conductor import Pace as Tempo
from mastertrading.simulator.conductor import Progress
from mastertrading.simulator.local import LocalExchange, Served
from mastertrading.simulator.loopback import loopback_session
from mastertrading.simulator.paper import PaperGateway
from mastertrading.simulator.tape import CLOSE, OPEN, BarTape
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

PAPER = "paper"
NAME = "me"
LEAD = 3
"""Bars that are played before the first decision, so that every stream is heard by then."""
DEAF_S = 5.0
"""How long, by the venue's clock, news of a point that was played is waited for: a lost connection is dialled again
by then, and what it did not bring was read."""
UNDER_WAY_S, STEP_S, PAUSE_S = 0.25, 0.1, 0.02
"""On sockets frames are under way for a moment of the wall's. Then time stands still no more: it goes on in steps,
and after each of them the sockets have a pause of the wall's."""
HIGHEST_LEVERAGE = 125
TOPICS = {"binance_usdm": ("@kline", "@markPrice"), "bybit_linear": ("kline.", "tickers.")}
"""Bars and marks, as the venues name their streams."""
APART = ("binance_usdm",)
"""Venues whose marks come on another connection than their bars."""
FOREVER_MS = 10**12
OnBar = Callable[["World"], None]


@dataclass(frozen=True, slots=True)
class Act:
    """What is lived.

    Attributes
    ----------
    venue
        A venue by its protocol, or ``PAPER``.
    from_ms, to_ms
        First and last moment of decision; None: the whole market.
    authority
        Folder of the certificate: the venue is then on sockets. None: in this process, on virtual time.
    """

    market: Market
    settings: Settings
    venue: str = PAPER
    from_ms: int | None = None
    to_ms: int | None = None
    authority: Path | None = None

    @property
    def bars(self) -> range:
        """Bars that are decided on."""
        return range(*window(self.market, Ask(self.from_ms, self.to_ms)))

    @property
    def served(self) -> str:
        """The venue whose protocol the exchange speaks."""
        return "binance_usdm" if self.venue == PAPER else self.venue

    @property
    def mode(self) -> str:
        """What the journal calls it."""
        return "paper" if self.venue == PAPER else "live"

    @property
    def account(self) -> AccountName:
        """Whose journal it is."""
        return AccountName(self.venue, self.mode, NAME)


class World:
    """One account living through an ``Act``.

    Parameters
    ----------
    journal
        None: one in memory.
    deaths
        Numbers of points after which the process is gone and another begins, from the journal alone.
    on_bar
        Told after each bar that was decided on.
    """

    def __init__(
        self,
        act: Act,
        journal: Journal | None = None,
        *,
        deaths: Sequence[int] = (),
        on_bar: OnBar = lambda world: None,
    ) -> None:
        self.act, self.market, self.settings = act, act.market, act.settings
        self.bars, self.deaths, self.on_bar = act.bars, frozenset(deaths), on_bar
        self.first = max(0, self.bars.start - LEAD)
        self.local = self._exchange()
        self.journal = journal or memory_journal(act.account)
        self.restarts = self.points = self.deaf = 0
        self.decisions = DecisionPrint()
        self.milliseconds: list[float] = []
        """Of each bar: from its close being there to everything that follows being sent."""
        self._served: Served | None = None
        self._session: Any = None
        self.trader: Trader
        self.runner: Runner
        self.gateway: Gateway

    def _exchange(self) -> LocalExchange:
        tape = BarTape(self.market, self.first, self.bars.stop)
        made = LocalExchange(
            listings_of(self.market.instruments, self.settings),
            venues=(self.act.served,),
            tape=tape,
            pace=Tempo.LOCKSTEP,
        )
        made.open_account(NAME, deposit=Decimal(repr(self.settings.account.initial_equity)))
        made.account(NAME).leverage.update(dict.fromkeys(self.market.symbols, HIGHEST_LEVERAGE))
        return made

    # ------------------------------------------------------------ life
    def run(self) -> World:
        """Live it to the end; returns itself.

        Raises
        ------
        ExchangeUnavailable
            If a façade of ours made a mistake.
        """
        if self.act.authority is None:
            with wall_shows(self.local.clock):  # type: ignore[arg-type]  # ccxt counts its pongs by the wall
                run_virtual(self.live(), self.local.clock)  # type: ignore[arg-type]
        else:
            asyncio.run(self.live())
        if bugs := self.local.bugs():
            raise ExchangeUnavailable("the local exchange made a mistake", why=bugs[0])
        return self

    async def live(self) -> None:
        """The same, inside a loop."""
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
            "1"  # the journal belongs to this thread: nothing waits for it
        )
        clock = self.local.clock
        clock.advance(0.001)  # type: ignore[union-attr]  # the deposit was before us
        self.journal.acquire(f"pid {os.getpid()}", clock.now_ms(), FOREVER_MS)
        self.journal.begin_run(run_facts(self.settings, clock.now_ms()))
        if self.act.authority is not None:
            self._served = await self.local.serve(self.act.authority)
        try:
            await self._begin(self.bars.start)
            await self._play()
            self.journal.end_run(clock.now_ms(), "over")
        finally:
            await self._end()
            if self._served is not None:
                await self._served.close()

    async def _play(self) -> None:
        conductor = self.local.conductor()
        while (progress := conductor.step()) is not None:
            await self.answer(progress)
            self.points = progress.number
            if progress.number in self.deaths:
                await self._end()
                done_ms = self.runner.collector.next_ms - int(self.market.ts_ms[0])
                await self._begin(done_ms // self.market.base_ms)
                self.restarts += 1
                await self.runner.look()
            conductor.idle()

    # ------------------------------------------------------------ one point
    async def answer(self, progress: Progress) -> None:
        """Do what follows from a point."""
        t = self.first + progress.bar
        runner, collector = self.runner, self.runner.collector
        there = [s for s, valid in zip(self.market.symbols, self.market.valid[t], strict=True) if valid]
        if t < self.bars.start:
            await self._until_heard(there, progress)
            return
        if progress.name == CLOSE:
            await self._until(lambda: collector.knows(there, progress.ts_ms, marks=self.act.venue in APART))
            began = time.perf_counter()
            await runner.pass_minute(self.gateway.now_ms())
            self.milliseconds.append(1000 * (time.perf_counter() - began))
            self.decisions.add([progress.ts_ms + 1], self.trader.mind.book.latest[None, :])
            self.on_bar(self)
            return
        if progress.name == OPEN and runner.waits_for_prices:
            await self._until(lambda: collector.first_prices().keys() >= set(there))
            await runner.open_bar(runner.fresh_prices())
        elif progress.name != OPEN:
            await self._until_heard(there, progress)
        if progress.waits_for:
            await runner.look()

    async def _until_heard(self, there: Sequence[str], progress: Progress) -> None:
        """Let the streams tell of a point: a connection that brings nothing for half a bar is thrown away."""
        if there and self.act.venue != PAPER:
            await self._until(lambda: self.runner.collector.newest_ms >= progress.ts_ms)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait for frames that are under way; what does not come is missing, as it would be anywhere."""
        if self._served is None:
            heard = await self.runner.until(is_so, DEAF_S)
        else:
            heard = await self.runner.until(is_so, UNDER_WAY_S) or await self._let_time_pass(is_so)
        self.deaf += not heard

    async def _let_time_pass(self, is_so: Callable[[], bool]) -> bool:
        """A connection was lost: dialling again and asking for what it did not bring take time, so there is some."""
        for _ in range(round(DEAF_S / STEP_S)):
            self.local.clock.advance(STEP_S)  # type: ignore[union-attr]
            if await self.runner.until(is_so, PAUSE_S):
                return True
        return False

    # ------------------------------------------------------------ a process
    async def _begin(self, decided: int) -> None:
        """A process starts: it knows the journal, the venue, and the bars that have closed."""
        market = self.market
        self.gateway = self._gateway()
        await self.gateway.start()
        told = Inputs(market)
        ear = Ear(self.settings, market.instruments, primer_of(market), int(market.ts_ms[0]))
        self.trader = Trader(
            self.settings, market.instruments, self.act.account, self.gateway, self.journal, ear
        )
        await self.trader.begin(told.until(decided))
        collector = Collector(market.symbols, market.base_ms, int(market.ts_ms[0]) + decided * market.base_ms)
        self.runner = Runner(
            self.trader,
            collector,
            self.local.clock,
            timeframe=timeframe_name(market.base_ms),
            pace=Pace(lease_ms=FOREVER_MS),
        )
        await self.runner.listen()
        await self._until_served()

    async def _until_served(self) -> None:
        """Wait until the venue streams to us: what it told before would be lost."""
        for _ in range(3):
            await asyncio.sleep(0)  # the readers' tasks take their places
        deadline, count = time.monotonic() + DEAF_S, len(self.market.symbols)
        while self.act.venue != PAPER and time.monotonic() < deadline:
            topics = self.local.topics()
            if all(sum(word in topic for topic in topics) >= count for word in TOPICS[self.act.venue]):
                return
            await asyncio.sleep(0.005)

    async def _end(self) -> None:
        """It is gone."""
        if hasattr(self, "runner"):
            await self.runner.close()
            await self.gateway.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _gateway(self) -> Gateway:
        exchange, account = self.local.exchange(), self.local.account(NAME)
        if self.act.venue == PAPER:
            return PaperGateway(exchange, account)
        own = str(uid_of(account)) if self.act.venue == "bybit_linear" else NAME
        permit = Permit(site_of(self.act.venue, Mode.LIVE), NAME, own, True)
        keys = self.local.keys()
        if self._served is not None and self.act.authority is not None:
            self._session = loopback_session(self._served.port, self.act.authority / "ca.pem")
        module, name = GATEWAYS[self.act.venue]
        made: Gateway = getattr(import_module(module), name)(
            permit,
            self.local.clock,
            keys=Keys(keys["apiKey"], keys["secret"]),
            session=self._session or self.local.session(),
        )
        return made


# ---------------------------------------------------------------- what came of it
def booked(world: World) -> list[Filled]:
    """What the journal has of an account's fills, in the engine's words."""
    columns = {symbol: n for n, symbol in enumerate(world.market.symbols)}
    units, base, reason_of = world.trader.units, world.market.base_ms, world.trader.recorder.reason_of
    return sorted(
        (
            columns[fill.symbol],
            fill.ts_ms - fill.ts_ms % base,
            fill.order_side * units[fill.symbol].lots(fill.qty),
            units[fill.symbol].ticks(fill.px),
            atoms_of(fill.fee),
            int(reason_of(fill)),
        )
        for fill in world.journal.fills()
    )


def lived(world: World) -> Prints:
    """The prints of what was lived."""
    fills = booked(world)
    return Prints(trade_hash(fills), world.decisions.text, len(fills), world.decisions.bars)


def backtested(act: Act, on_decisions: OnDecisions | None = None) -> list[Filled]:
    """What a backtest fills; that it closes what is open at its end is its own doing."""
    ask = Ask(act.from_ms, act.to_ms, all_paths=False)
    result = run(act.market, act.settings, ask, on_decisions=on_decisions)
    names = "instrument", "ts_ms", "lots", "px_ticks", "fee_atoms", "reason"
    return sorted(
        tuple(int(fill[name]) for name in names)  # type: ignore[misc]
        for fill in result.fills
        if fill.reason != FillReason.END_OF_DATA
    )


def predicted(act: Act) -> Prints:
    """The prints of a backtest."""
    decisions = DecisionPrint()
    fills = backtested(act, lambda closes, said, made, rows: decisions.add(closes, made))
    return Prints(trade_hash(fills), decisions.text, len(fills), decisions.bars)


# ---------------------------------------------------------------- parts
def check_venue(venue: str) -> str:
    """A venue that can be lived. Raises ``UsageError``."""
    if venue != PAPER and venue not in GATEWAYS:
        raise UsageError(
            f"there is no venue {venue!r} here",
            why=f"there are {PAPER}, {', '.join(GATEWAYS)}",
            where="--venue",
        )
    return venue
