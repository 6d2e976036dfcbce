"""The trader of ``live_load``, in a process of its own: its memory and its processor time are nobody else's.

What it is told it reads from a pickle (``Told``); what it measured it prints as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp

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
LEASE_MS = 60_000
DEAF_S = 2.0


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
    sample_every: int

    @property
    def next_ms(self) -> int:
        """Open of the first bar that is decided on."""
        return self.first_ms + len(self.past) * self.base_ms

    @property
    def base_ms(self) -> int:
        return self.settings.data.base_minutes * 60_000


@dataclass
class Sheet:
    """What is measured: a row a bar."""

    heard_s: float = 0.0
    decided_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    cycles: int = 0
    requests: int = 0
    samples: list[tuple[int, float]] = field(default_factory=list)

    def note_memory(self) -> None:
        """Resident memory as it is now."""
        self.samples.append((len(self.decided_ms), resident_mib()))


def resident_mib() -> float:
    """Memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def listening(venue: str, sheet: Sheet) -> type[aiohttp.ClientWebSocketResponse]:
    """A WebSocket that notes when the process reads the frame of a closed bar, before anything is made of it."""

    class Listening(aiohttp.ClientWebSocketResponse):
        async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:
            message = await super().receive(timeout)
            if message.type is aiohttp.WSMsgType.TEXT and CLOSED[venue] in message.data:
                sheet.heard_s = time.perf_counter()
            return message

    return Listening


class Desk:
    """A trader on its streams, in lockstep with an exchange elsewhere."""

    def __init__(self, told: Told) -> None:
        self.told, self.sheet = told, Sheet()
        self.clock = VirtualClock(told.began_ms)
        account = AccountName(told.venue, "live", "me")
        self.journal = open_journal(told.url, account=account, create=True, now_ms=told.began_ms)
        self.runner: Runner

    async def live(self) -> None:
        """Trade until the tape is over."""
        told = self.told
        headers = {"Authorization": f"Bearer {told.token}"}
        options = {"ws_response_class": listening(told.venue, self.sheet)}
        async with (
            loopback_session(told.port, told.authority / "ca.pem", **options) as session,
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

    def _gateway(self, session: aiohttp.ClientSession) -> Any:
        told = self.told
        module, name = GATEWAYS[told.venue]
        permit = Permit(site_of(told.venue, Mode.LIVE), "me", told.own_id, True)
        keys = Keys(told.keys["apiKey"], told.keys["secret"])
        return getattr(import_module(module), name)(permit, self.clock, keys=keys, session=session)

    async def _begin(self, gateway: Any) -> None:
        told, journal = self.told, self.journal
        journal.acquire(f"pid {os.getpid()}", told.began_ms, LEASE_MS)
        journal.begin_run(RunFacts("", "", told.began_ms, str(os.getpid())))
        journal.commit_cycle = self._timed(journal.commit_cycle)  # type: ignore[method-assign]
        account = journal.account
        ear = Ear(told.settings, told.instruments, told.primer, told.first_ms)
        trader = Trader(told.settings, told.instruments, account, gateway, journal, ear)
        await trader.begin(told.past)
        trader.cycle = self._counted(trader.cycle)  # type: ignore[method-assign]
        symbols = [one.symbol for one in told.instruments]
        collector = Collector(symbols, told.base_ms, told.next_ms)
        self.runner = Runner(trader, collector, self.clock, pace=Pace(lease_ms=LEASE_MS))
        await self.runner.listen()

    def _timed(self, commit: Callable[..., int]) -> Callable[..., int]:
        def timed(facts: Any, **options: Any) -> int:
            number = commit(facts, **options)
            if facts.decisions:
                self.sheet.decided_ms.append(1000 * (time.perf_counter() - self.sheet.heard_s))
            return number

        return timed

    def _counted(self, cycle: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*given: Any) -> Any:
            self.sheet.cycles += 1
            return await cycle(*given)

        return counted

    # ------------------------------------------------------------ in lockstep
    async def _play(self) -> None:
        number, bars, worked = -1, 0, time.process_time()
        while True:
            progress = await self._next_point(number)
            await self._answer(progress)
            number = progress["number"]
            if len(self.sheet.decided_ms) != bars:
                bars, now = len(self.sheet.decided_ms), time.process_time()
                self.sheet.cpu_ms.append(1000 * (now - worked))
                worked = now
                if bars % self.told.sample_every == 0:
                    self.sheet.note_memory()
            if progress["is_over"]:
                return
            await self._post("idle", number=number)

    async def _next_point(self, after: int) -> dict[str, Any]:
        """The next point; a bar whose frames are all there is decided on before the exchange says that it played it."""
        held = asyncio.ensure_future(self._get("held", after=after))
        collector = self.runner.collector
        await asyncio.wait(
            [held, waiting := asyncio.ensure_future(self.runner.until(collector.is_complete, 30.0))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if waiting.done() and collector.is_complete():
            self._reach(collector.close_ms - 1)
            await self.runner.turn()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return await held

    async def _answer(self, progress: dict[str, Any]) -> None:
        """Do all that is due at a point."""
        self._reach(progress["ts_ms"])
        runner, collector = self.runner, self.runner.collector
        if progress["name"] == "open" and runner.waits_for_prices:
            wanted = set(collector.symbols)
            await runner.until(lambda: collector.first_prices().keys() >= wanted, DEAF_S)
        while await runner.turn():
            pass
        if progress["name"] == "close" and progress["ts_ms"] >= collector.close_ms - 1:
            await runner.until(collector.is_complete, DEAF_S)
            while await runner.turn():
                pass

    def _reach(self, ts_ms: int) -> None:
        if ts_ms > self.clock.now_ms():
            self.clock.set_ms(ts_ms)

    async def _get(self, what: str, **words: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.told.control}/{what}"
        async with self.steering.get(url, params=words) as reply:
            return dict(await reply.json())

    async def _post(self, what: str, **words: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.told.control}/{what}"
        async with self.steering.post(url, json=words) as reply:
            return dict(await reply.json())


def main(path: str) -> None:
    """Live, and print what was measured."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the journal belongs to this thread: nothing waits for it
    desk = Desk(pickle.loads(Path(path).read_bytes()))  # noqa: S301  # written by whoever started us
    asyncio.run(desk.live())
    sheet, runner = desk.sheet, desk.runner
    told = {
        "decided_ms": sheet.decided_ms,
        "cpu_ms": sheet.cpu_ms,
        "cycles": sheet.cycles,
        "samples": sheet.samples,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "missed": runner.missed,
        "troubles": runner.troubles,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
