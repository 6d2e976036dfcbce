"""The trader of ``live_load``, in a process of its own: its memory and its processor time are nobody else's.

What it is told it reads from a pickle (``Told``); what it measured it prints as JSON (``Sheet``).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pickle
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp

from mastertrading.app.footprint import settle
from mastertrading.domain.facts import AccountName, RunFacts
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.exchange.opening import GATEWAYS
from mastertrading.journal.opening import open_journal
from mastertrading.live.collector import Collector
from mastertrading.live.ear import BarInputs, Ear
from mastertrading.live.runner import Pace, Runner
from mastertrading.live.trader import Trader
from mastertrading.settings.schema import Settings
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.loopback import loopback_session

CLOSED = {"binance_usdm": '"x":true', "bybit_linear": '"confirm":true'}
"""What a frame of a closed bar says."""
DEAF_S = 2.0
SAMPLE_EVERY = 10


@dataclass(frozen=True, slots=True)
class Told:
    """What the process is told at its start."""

    venue: str
    own_id: str
    keys: dict[str, str]
    port: int
    control: int
    token: str
    authority: Path
    url: str
    settings: Settings
    instruments: Any
    primer: Any
    past: list[BarInputs]
    first_ms: int
    began_ms: int

    @property
    def base_ms(self) -> int:
        """Length of a bar."""
        return self.settings.data.base_minutes * 60_000

    @property
    def next_ms(self) -> int:
        """Open of the first bar that is decided on."""
        return self.first_ms + len(self.past) * self.base_ms


@dataclass
class Sheet:
    """What is measured.

    Attributes
    ----------
    decided_ms, decided_cpu_ms, commit_ms
        A row a bar: from its last frame being read to the decision's commit, by the wall and by the processor, and
        what of it was the commit.
    cpu_ms
        A row a bar: all that the processor did for it, with every look at the venue and every frame.
    tidy_ms, collected_ms
        Each time that the journal was thinned, and each full collection of garbage.
    memory
        (bar, MiB) every ``SAMPLE_EVERY`` bars.
    """

    decided_ms: list[float] = field(default_factory=list)
    decided_cpu_ms: list[float] = field(default_factory=list)
    commit_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    tidy_ms: list[float] = field(default_factory=list)
    collected_ms: list[float] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)
    cycles: int = 0
    missed: int = 0
    troubles: int = 0
    peak_mib: float = 0.0


def resident_mib() -> float:
    """Memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak_mib() -> float:
    """The most that it has held: not ``ru_maxrss``, which begins with that of whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


class Watch:
    """Notes when the frame of a closed bar is read, and when what follows from it is durable."""

    def __init__(self, venue: str) -> None:
        self.word, self.sheet = CLOSED[venue], Sheet()
        self.read_s = self.read_cpu_s = 0.0
        gc.callbacks.append(self._collected)

    def listening(self) -> type[aiohttp.ClientWebSocketResponse]:
        """A WebSocket that is watched: the frame counts from here, before anything is made of it."""
        watch = self

        class Listening(aiohttp.ClientWebSocketResponse):
            async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:
                message = await super().receive(timeout)
                if message.type is aiohttp.WSMsgType.TEXT and watch.word in message.data:
                    watch.read_s, watch.read_cpu_s = time.perf_counter(), time.process_time()
                return message

        return Listening

    def commit(self, commit: Callable[..., int]) -> Callable[..., int]:
        """A journal's commit, timed where it holds decisions."""

        def timed(facts: Any, **options: Any) -> int:
            began, number = time.perf_counter(), commit(facts, **options)
            if facts.decisions:
                now, sheet = time.perf_counter(), self.sheet
                sheet.decided_ms.append(1000 * (now - self.read_s))
                sheet.decided_cpu_ms.append(1000 * (time.process_time() - self.read_cpu_s))
                sheet.commit_ms.append(1000 * (now - began))
            return number

        return timed

    def tidy(self, tidy: Callable[[int], int]) -> Callable[[int], int]:
        """A journal's tidying, timed."""

        def timed(now_ms: int) -> int:
            began, removed = time.perf_counter(), tidy(now_ms)
            self.sheet.tidy_ms.append(1000 * (time.perf_counter() - began))
            return removed

        return timed

    def cycle(self, cycle: Callable[..., Any]) -> Callable[..., Any]:
        """A trader's cycle, counted."""

        async def counted(*given: Any) -> Any:
            self.sheet.cycles += 1
            return await cycle(*given)

        return counted

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] != 2:
            return
        if phase == "start":
            self._began_s = time.perf_counter()
        else:
            self.sheet.collected_ms.append(1000 * (time.perf_counter() - self._began_s))


class Desk:
    """A trader on its streams, in lockstep with an exchange elsewhere."""

    def __init__(self, told: Told) -> None:
        self.told, self.watch = told, Watch(told.venue)
        self.clock = VirtualClock(told.began_ms)
        account = AccountName(told.venue, "live", "me")
        self.journal = open_journal(told.url, account=account, create=True, now_ms=told.began_ms)
        self.runner: Runner

    async def live(self) -> Sheet:
        """Trade until the tape is over."""
        told = self.told
        headers = {"Authorization": f"Bearer {told.token}"}
        watched = self.watch.listening()
        async with (
            loopback_session(told.port, told.authority / "ca.pem", ws_response_class=watched) as session,
            aiohttp.ClientSession(headers=headers) as self.steering,
        ):
            gateway = self._gateway(session)
            await gateway.start()
            await self._begin(gateway)
            await self._play()
            await self.runner.close()
            await gateway.close()
        self.journal.release()
        self.journal.close()
        return self._sheet()

    def _sheet(self) -> Sheet:
        sheet, runner = self.watch.sheet, self.runner
        sheet.missed, sheet.troubles = runner.missed, runner.troubles
        sheet.peak_mib = peak_mib()
        return sheet

    def _gateway(self, session: aiohttp.ClientSession) -> Any:
        told = self.told
        module, name = GATEWAYS[told.venue]
        permit = Permit(site_of(told.venue, Mode.LIVE), "me", told.own_id, True)
        keys = Keys(told.keys["apiKey"], told.keys["secret"])
        return getattr(import_module(module), name)(permit, self.clock, keys=keys, session=session)

    async def _begin(self, gateway: Any) -> None:
        told, journal, watch = self.told, self.journal, self.watch
        pace = Pace(lease_ms=int(1000 * told.settings.live.lease_seconds))
        journal.acquire(f"pid {os.getpid()}", told.began_ms, pace.lease_ms)
        journal.begin_run(RunFacts("", "", told.began_ms, str(os.getpid())))
        journal.commit_cycle = watch.commit(journal.commit_cycle)  # type: ignore[method-assign]
        journal.tidy = watch.tidy(journal.tidy)  # type: ignore[method-assign]
        ear = Ear(told.settings, told.instruments, told.primer, told.first_ms)
        trader = Trader(told.settings, told.instruments, journal.account, gateway, journal, ear)
        trader.cycle = watch.cycle(trader.cycle)  # type: ignore[method-assign]
        await trader.begin(told.past)
        symbols = [one.symbol for one in told.instruments]
        collector = Collector(symbols, told.base_ms, told.next_ms)
        self.runner = Runner(trader, collector, self.clock, pace=pace)
        await self.runner.listen()
        settle()

    # ------------------------------------------------------------ in lockstep
    async def _play(self) -> None:
        number, sheet = -1, self.watch.sheet
        while True:
            worked, bars = time.process_time(), len(sheet.decided_ms)
            while len(sheet.decided_ms) == bars:
                progress = await self._next_point(number)
                await self._answer(progress)
                number = progress["number"]
                if progress["is_over"]:
                    return
                await self._post("idle", number=number)
            sheet.cpu_ms.append(1000 * (time.process_time() - worked))
            if bars % SAMPLE_EVERY == 0:
                sheet.memory.append((bars, resident_mib()))

    async def _next_point(self, after: int) -> dict[str, Any]:
        """The next point. A bar whose frames are all there is decided on before the exchange says that it played it."""
        held = asyncio.ensure_future(self._get("held", after=after))
        collector = self.runner.collector
        told = asyncio.ensure_future(self.runner.until(collector.is_complete, 30.0))
        await asyncio.wait([held, told], return_when=asyncio.FIRST_COMPLETED)
        if collector.is_complete():
            self._reach(collector.close_ms - 1)
            await self.runner.turn()
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)
        return await held

    async def _answer(self, progress: dict[str, Any]) -> None:
        """Do all that is due at a point."""
        self._reach(progress["ts_ms"])
        runner, collector = self.runner, self.runner.collector
        if progress["name"] == "open" and runner.waits_for_prices:
            wanted = set(collector.symbols)
            await runner.until(lambda: collector.first_prices().keys() >= wanted, DEAF_S)
        if progress["name"] == "close" and progress["ts_ms"] >= collector.close_ms - 1:
            await runner.until(collector.is_complete, DEAF_S)
        while await runner.turn():
            pass

    def _reach(self, ts_ms: int) -> None:
        if ts_ms > self.clock.now_ms():
            self.clock.set_ms(ts_ms)

    async def _get(self, what: str, **words: Any) -> dict[str, Any]:
        async with self.steering.get(self._url(what), params=words) as reply:
            return dict(await reply.json())

    async def _post(self, what: str, **words: Any) -> None:
        async with self.steering.post(self._url(what), json=words) as reply:
            await reply.read()

    def _url(self, what: str) -> str:
        return f"http://127.0.0.1:{self.told.control}/{what}"


def main(path: str) -> None:
    """Live, and print what was measured."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the journal belongs to this thread: nothing waits for it
    desk = Desk(pickle.loads(Path(path).read_bytes()))
    print(json.dumps(asdict(asyncio.run(desk.live()))))


if __name__ == "__main__":
    main(sys.argv[1])
