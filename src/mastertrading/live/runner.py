"""Feeds a trader: bars, first prices and news from a gateway's streams, one thing at a time, on a clock.

Streams only say *look now*; what is done then is the trader's cycle, which reads the venue. So a message that is
lost costs time and nothing else: the heartbeat looks anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from mastertrading.domain.errors import (
    ExchangeRefused,
    ExchangeUnavailable,
    JournalUnusable,
    MastertradingError,
)
from mastertrading.domain.facts import Incident, Severity
from mastertrading.domain.ports import Clock
from mastertrading.live.collector import Collector
from mastertrading.live.ear import BarInputs
from mastertrading.live.trader import Trader

LOG = logging.getLogger("mastertrading.live")
OnMinute = Callable[[BarInputs, bool], None]
"""Told of each minute that has passed, and whether it was decided on."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a runner is.

    Attributes
    ----------
    heartbeat_s
        The longest time without a look at the venue.
    lease_ms
        How long the lease of the journal lasts; it is renewed at a third of it.
    stale_ms
        A bar that closed longer ago is heard and not traded on, and an entry that could not go out so long after
        its bar began is dropped.
    tidy_ms, calm_ms
        How often the journal is tidied, and how long before a close nothing is begun that can wait.
    journal_s
        How long a journal that cannot be written is waited for. Nothing is sent meanwhile.
    """

    heartbeat_s: float = 5.0
    lease_ms: int = 30_000
    stale_ms: int = 15_000
    tidy_ms: int = 60_000
    calm_ms: int = 10_000
    journal_s: float = 60.0


USUAL = Pace()


class Runner:
    """One trader on its streams.

    Parameters
    ----------
    trader
        It has begun: the bars before the collector's first were heard.
    collector
        Its next bar is the first that the trader has not heard.
    timeframe
        Of the base bars, as the gateway names it.
    """

    def __init__(
        self,
        trader: Trader,
        collector: Collector,
        clock: Clock,
        *,
        timeframe: str = "1m",
        pace: Pace = USUAL,
        on_minute: OnMinute = lambda told, decided: None,
    ) -> None:
        self.trader, self.collector, self.clock = trader, collector, clock
        self.gateway, self.journal = trader.gateway, trader.journal
        self.timeframe, self.pace, self.on_minute = timeframe, pace, on_minute
        self.decided = self.missed = self.troubles = 0
        """Bars decided on, bars only heard, and turns that failed and are tried again."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stir, self._stopping = asyncio.Event(), False
        self._news = True
        """Whether the account has to be looked at."""
        self._looked_s = self._renewed_ms = self._tidied_ms = 0.0
        self._opened: set[str] = set()
        self._dark_since_ms = 0
        self._without_journal_s: float | None = None

    # ------------------------------------------------------------ life
    async def run(self) -> None:
        """Trade until ``stop``. What rests at the venue stays there.

        Raises
        ------
        LeaseLost, JournalUnusable, SafetyBlocked
            Where nothing may be sent any more.
        """
        await self.listen()
        try:
            await self.catch_up()
            while not (self._stopping or self.trader.is_stopping):
                if not await self.turn():
                    await self.wait()
        finally:
            await self.close()

    def stop(self) -> None:
        """Finish what is being done, and end."""
        self._stopping = True
        self._stir.set()

    async def listen(self) -> None:
        """Open the streams, and ask what they tell only when it changes."""
        for symbol in self.collector.symbols:
            try:
                self.collector.take(await self.gateway.funding(symbol))
            except (ExchangeUnavailable, ExchangeRefused) as trouble:
                LOG.warning("%s", trouble.what)
        self._spawn(self._hear_market())
        self._spawn(self._hear_account())
        self._looked_s = self.clock.monotonic()

    async def catch_up(self) -> None:
        """Read the bars that closed after the past was read and before the streams began."""
        base_ms, since_ms = self.collector.base_ms, self.collector.next_ms
        until_ms = self.gateway.now_ms() // base_ms * base_ms
        for symbol in self.collector.symbols if until_ms > since_ms else ():
            try:
                for bar in await self.gateway.bars(symbol, self.timeframe, since_ms, until_ms):
                    self.collector.take(bar)
            except (ExchangeUnavailable, ExchangeRefused) as trouble:
                self._tell(symbol, trouble)

    async def close(self) -> None:
        """Let go of the streams."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------ streams
    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.ensure_future(work))

    async def _hear_market(self) -> None:
        async for event in self.gateway.market_events(self.collector.symbols, self.timeframe):
            self.collector.take(event)
            self._stir.set()

    async def _hear_account(self) -> None:
        async for _ in self.gateway.account_events():
            self._news = True
            self._stir.set()

    async def until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait, at most so long by the loop's time, until what the streams told makes something true."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._stir.clear()  # before the question: what is told in between wakes us
                    if is_so():
                        return True
                    await self._stir.wait()
        except TimeoutError:
            return False

    async def wait(self) -> None:
        """Until a stream says something, or time alone makes something due."""
        if self._stir.is_set():
            self._stir.clear()
            return
        now_ms = self.gateway.now_ms()
        beat_s = self._looked_s + self.pace.heartbeat_s - self.clock.monotonic()
        left_s = max(0.001, min(beat_s, self.collector.due_in_ms(now_ms) / 1000))
        waits = [asyncio.ensure_future(self._stir.wait()), asyncio.ensure_future(self.clock.sleep(left_s))]
        await asyncio.wait([*waits, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        self._stir.clear()

    # ------------------------------------------------------------ one thing at a time
    async def turn(self) -> bool:
        """Do the one thing that is most due; False: there was nothing."""
        for task in self._tasks:
            if task.done():
                task.result()  # a bug of ours, or a safety rule
                raise ExchangeUnavailable("a stream of the venue has ended", where=self.gateway.venue)
        try:
            self._renew()
            done = await self._turn()
        except (ExchangeUnavailable, ExchangeRefused) as trouble:
            self._tell("turn", trouble)
            self._looked_s = self.clock.monotonic()
            return False
        except JournalUnusable as trouble:
            self._without_journal(trouble)
            return False
        self._without_journal_s = None
        return done

    def _without_journal(self, trouble: JournalUnusable) -> None:
        """Wait for it a while: someone may only hold its lock. Raises what it is told when that was long enough."""
        now_s = self.clock.monotonic()
        if self._without_journal_s is None:
            self._without_journal_s = now_s
        LOG.error("%s (%s); nothing is sent", trouble.what, trouble.why)
        if now_s - self._without_journal_s >= self.pace.journal_s:
            raise trouble
        self._looked_s = now_s
        self.troubles += 1

    async def _turn(self) -> bool:
        now_ms = self.gateway.now_ms()
        if self.collector.is_due(now_ms):
            await self.pass_minute(now_ms)
            return True
        if fresh := self.fresh_prices():
            await self.open_bar(fresh)
            return True
        if self._news or self.clock.monotonic() - self._looked_s >= self.pace.heartbeat_s:
            await self.look()
            return True
        self._tidy(now_ms)
        return False

    async def look(self) -> None:
        """Compare what should be with what is."""
        self._news, self._looked_s = False, self.clock.monotonic()
        await self.trader.settle()

    async def pass_minute(self, now_ms: int) -> None:
        """Decide on the next bar, or only hear it where it closed too long ago."""
        late = now_ms > self.collector.close_ms + self.pace.stale_ms
        told = self.collector.pass_minute()
        self._opened, self._looked_s = set(), self.clock.monotonic()
        if late:
            self.missed += 1
            self._dark_since_ms = self._dark_since_ms or told.open_ms
            self.trader.on_late_bar(told)
        else:
            self._tell_dark(told.open_ms)
            self.decided += 1
            await self.trader.on_bar(told)
        self.on_minute(told, not late)

    async def open_bar(self, prices: dict[str, int]) -> None:
        """The bar that forms has first prices (ticks) of these instruments: their entries go out."""
        self._opened |= prices.keys()
        if self.gateway.now_ms() <= self.collector.next_ms + self.pace.stale_ms:
            await self.trader.on_open(prices)

    @property
    def waits_for_prices(self) -> bool:
        """Whether something of the last decision waits for the first price of the next bar."""
        return any(ideal.entry_lots or ideal.exit_reason for ideal in self.trader.decided.ideals.values())

    def fresh_prices(self) -> dict[str, int]:
        """Those that are new, in ticks. An instrument with a strange price waits; the others go on."""
        fresh = {}
        for symbol, px in self.collector.first_prices().items():
            if symbol in self._opened:
                continue
            try:
                fresh[symbol] = self.trader.units[symbol].ticks(px)
            except ExchangeUnavailable as trouble:
                self._opened.add(symbol)
                self._tell(symbol, trouble)
        return fresh

    # ------------------------------------------------------------ duties
    def _renew(self) -> None:
        """Hold the lease of the journal longer. Raises ``LeaseLost``."""
        now_ms = self.gateway.now_ms()
        if now_ms - self._renewed_ms >= self.pace.lease_ms / 3:
            self.journal.renew(now_ms, self.pace.lease_ms)
            self._renewed_ms = now_ms

    def _tidy(self, now_ms: int) -> None:
        """Thin the journal, when nothing is due and no close is near: no decision waits for it."""
        is_calm = self.collector.close_ms - now_ms >= self.pace.calm_ms
        if not is_calm or now_ms - self._tidied_ms < self.pace.tidy_ms:
            return
        self._tidied_ms = now_ms
        try:
            self.journal.tidy(now_ms)
        except JournalUnusable as trouble:
            LOG.warning("the journal was not tidied: %s", trouble.what)  # what matters will say so itself

    def _tell(self, subject: str, trouble: MastertradingError) -> None:
        self.troubles += 1
        LOG.warning("%s: %s", subject, trouble.what)
        self._report("trouble", trouble.what, Severity.WARNING, subject)

    def _tell_dark(self, until_ms: int) -> None:
        """Mark a stretch of bars that passed without decisions, once it is over."""
        since_ms, self._dark_since_ms = self._dark_since_ms, 0
        if since_ms:
            bars = (until_ms - since_ms) // self.collector.base_ms
            self._report("missed_bars", f"{bars} bars were heard too late to be traded on", Severity.WARNING)

    def _report(self, kind: str, detail: str, severity: Severity, subject: str = "") -> None:
        try:
            self.journal.report(Incident(kind, detail, self.gateway.now_ms(), severity, subject=subject))
        except JournalUnusable as trouble:
            LOG.error("%s: %s", trouble.what, detail)
