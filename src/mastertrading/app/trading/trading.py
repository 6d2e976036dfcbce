"""One account traded on the wall clock: the parts put together, begun, run, and ended in order.

=============  =============================================================================
gateway        ``exchange.opening``; in paper mode the paper venue on its public streams
journal        ``journal.open_journal`` by its address
past bars      ``trading.past``, from the recorded anchor on
trader         ``live``: protection first, bars afterwards
=============  =============================================================================
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from mastertrading.app import footprint
from mastertrading.app.backtest import macro_events
from mastertrading.app.processes import has_ended, holder_name
from mastertrading.app.trading.diary import Diary
from mastertrading.app.trading.differences import changed_settings
from mastertrading.app.trading.paper import PaperRunner, paper_on, play_missed
from mastertrading.app.trading.past import OLDEST_ANCHOR_MS, Past, new_anchor, past_of
from mastertrading.app.trading.venue import gateway_of, keys_for, session_of
from mastertrading.app.trading.wish import Wish
from mastertrading.compiled.kernel import code_key
from mastertrading.domain.errors import ExchangeRefused, LeaseLost, MastertradingError, SafetyBlocked
from mastertrading.domain.facts import RunFacts
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import MINUTE_MS, Bars, Market
from mastertrading.domain.orders import MarginMode
from mastertrading.domain.ports import Clock, Gateway
from mastertrading.exchange.modes import Mode
from mastertrading.journal.connecting import parse
from mastertrading.journal.opening import open_journal
from mastertrading.journal.stored import StoredJournal
from mastertrading.lake.names import timeframe_name
from mastertrading.live.collector import Collector, Macro
from mastertrading.live.ear import Ear
from mastertrading.live.runner import Pace, Runner
from mastertrading.live.trader import Trader
from mastertrading.settings.load import config_hash, to_toml
from mastertrading.simulator.clock import WallClock
from mastertrading.simulator.paper import PaperGateway

STANDBY_S = 1.0
"""How often a process that waits asks for the right to trade."""
LOOK_S = 5.0
"""How often the venue is looked at while bars are read."""
WIND_DOWN_S = 10.0
"""How long a trader that ends waits for answers that are under way."""
HEARD_AT_ONCE = 500
OnMinute = Callable[["Trading"], None]
OnPhase = Callable[[str], None]
WAITS, READS, TRADES = "standing by", "reading bars", "trading"
"""How far a process has come."""


class Trading:
    """One process that trades.

    Parameters
    ----------
    environ
        The environment: keys, what opens them, and the second switch.
    diary
        Where is told what happens.
    clock, session
        For tests: the time, and who carries requests.
    on_minute, on_phase
        Told after each bar, and how far the process has come.
    """

    def __init__(
        self,
        wish: Wish,
        environ: Mapping[str, str],
        diary: Diary,
        *,
        clock: Clock | None = None,
        session: Any = None,
        on_minute: OnMinute = lambda trading: None,
        on_phase: OnPhase = lambda phase: None,
    ) -> None:
        self.wish, self.settings, self.diary = wish, wish.settings, diary
        self._environ, self._session = environ, session
        self._on_minute, self._on_phase = on_minute, on_phase
        self.clock: Clock = clock or (wish.local.clock() if wish.local else WallClock())
        self.holder = holder_name()
        self.journal: StoredJournal
        self.gateway: Gateway
        self.venue: Any = None
        self.trader: Trader
        self.runner: Runner | None = None
        self.is_begun = self.holds = False
        self._own_session: Any = None

    @property
    def lease_ms(self) -> int:
        """How long the right to write lasts without being renewed."""
        return int(1000 * self.settings.live.lease_seconds)

    def stop(self) -> None:
        """Let the cycle end that is under way, cancel entries, and leave."""
        if hasattr(self, "trader"):
            self.trader.permission.stopping = True
        if self.runner is not None:
            self.runner.stop()

    # ------------------------------------------------------------ life
    async def live(self) -> None:
        """Trade until ``stop``.

        Raises
        ------
        SafetyBlocked, JournalUnusable, LeaseLost
            Where nothing may be sent (any more). What rests at the venue stays there.
        """
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
            "1"  # the journal belongs to this thread: nothing waits for it
        )
        outcome = "ended"
        try:
            await self._open()
            await self._take_lease()
            await self._begin()
            assert self.runner is not None
            await self.runner.run()
            await self._wind_down()
            outcome = "stopped"
        except asyncio.CancelledError:
            outcome = "ended at once"
            raise
        except MastertradingError as error:
            outcome = error.what
            raise
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
            raise
        finally:
            await self._end(outcome[:200])

    async def _open(self) -> None:
        """Journal, keys, gateway: what is wrong with any of them is told before anything is asked of the other."""
        wish, now_ms = self.wish, self.clock.now_ms()
        path = parse(wish.url).path
        is_new = path is not None and not path.exists()
        if is_new and path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        durable = wish.mode is not Mode.PAPER
        self.journal = open_journal(
            wish.url, account=wish.account, durable=durable, create=is_new, now_ms=now_ms
        )
        keys = keys_for(wish.account, wish.mode, self._environ, self.journal, wish.local)
        if self._session is None and wish.local is not None:
            self._session = self._own_session = session_of(wish.local)
        self.venue = gateway_of(
            self.settings,
            self.clock,
            self._environ,
            keys=keys,
            switch=wish.switch,
            origin=wish.origin,
            session=self._session,
        )
        await self._start_venue()
        self.diary.warn(*self.venue.warnings)

    async def _start_venue(self) -> None:
        try:
            await self.venue.start()
        except ExchangeRefused as refused:
            if not self.venue.signs:
                raise
            raise SafetyBlocked(
                f"{self.wish.account.venue} does not accept these keys",
                why=refused.why,
                where=f"the keys of the account {self.wish.account.name!r}",
                hint="docs/modes.md",
            ) from None

    async def _take_lease(self) -> None:
        """Be the one process that trades this account; wait for it, where that was wished.

        One of this machine that was killed is not waited for: it may have left a position without its stop.
        """
        told = False
        while True:
            try:
                self.journal.acquire(self.holder, self.venue.now_ms(), self.lease_ms, has_ended)
                self.holds = True
                return
            except LeaseLost as held:
                if not self.wish.waits:
                    raise
                if not told:
                    self.diary.waits(held)
                    self._on_phase(WAITS)
                    told = True
            await self.clock.sleep(STANDBY_S)

    # ------------------------------------------------------------ the beginning
    async def _begin(self) -> None:
        wish, settings, journal = self.wish, self.settings, self.journal
        self._on_phase(READS)
        facts = await self.venue.instruments(wish.symbols)
        instruments = tuple(facts[symbol] for symbol in wish.symbols)
        if wish.mode is not Mode.PAPER:
            await self._check_account()
        anchor_ms = self._anchor_ms(instruments)
        run = RunFacts(
            code_key(),
            config_hash(settings),
            self.venue.now_ms(),
            self.holder,
            config=to_toml(settings),
            anchor_ms=anchor_ms,
        )
        journal.begin_run(run)
        paper = (
            paper_on(self.venue, self.clock, settings, instruments, journal)
            if wish.mode is Mode.PAPER
            else None
        )
        self.gateway = paper or self.venue
        ear = Ear(settings, instruments, [_no_bars() for _ in instruments], anchor_ms)
        self.trader = Trader(
            settings, instruments, wish.account, self.gateway, journal, ear, folder=wish.folder.path
        )
        await self.trader.begin()
        past = await self._past(instruments, anchor_ms)
        if paper is not None:
            play_missed(paper, past, self.trader.decided.bar_ms)
        await self._hear(past)
        self.runner = self._runner(past)
        footprint.settle()
        self.is_begun = True
        self._on_phase(TRADES)
        self.diary.begins(self)

    async def _check_account(self) -> None:
        """It is the one that the journal is of, and set up as it must be."""
        facts = await self.venue.account_facts()
        self.journal.bind(facts.account_id)
        exchange = self.settings.exchange
        await self.venue.verify_setup(self.wish.symbols, exchange.leverage, MarginMode(exchange.margin))

    def _anchor_ms(self, instruments: tuple[Instrument, ...]) -> int:
        """Where the bars begin: as before, unless that is long ago or the settings are others now."""
        now_ms, runs = self.venue.now_ms(), self.journal.runs()
        if not runs:
            return new_anchor(self.settings, now_ms)
        before = runs[-1]
        changes = changed_settings(before.config, self.settings)
        if changes.instruments and self.journal.latest_state() is not None:
            raise SafetyBlocked(
                "the instruments are others than those of this journal",
                why=f"{changes.instruments}; what the engine remembers belongs to its instruments",
                where="[instruments], --instruments",
                hint="trade the same instruments in the same order, or give another --state once all is flat",
            )
        if changes.lines:
            self.diary.changed(changes.lines)
        if changes.lines or now_ms - before.anchor_ms > OLDEST_ANCHOR_MS or not before.anchor_ms:
            return new_anchor(self.settings, now_ms)
        return before.anchor_ms

    async def _past(self, instruments: tuple[Instrument, ...], anchor_ms: int) -> Past:
        """Read the past; meanwhile what an earlier process left behind is looked after."""
        until_ms = max(self.venue.now_ms(), self.trader.decided.bar_ms)  # our clock may be a little behind
        self.diary.reads(anchor_ms, until_ms)
        reading = asyncio.ensure_future(
            past_of(self.venue, self.journal, instruments, self.settings, anchor_ms, until_ms)
        )
        try:
            while not reading.done():
                self.journal.renew(self.venue.now_ms(), self.lease_ms)
                if self.trader.decided.bar_ms and not isinstance(self.gateway, PaperGateway):
                    await self.trader.settle()
                await asyncio.wait({reading}, timeout=LOOK_S)
            return reading.result()
        finally:
            reading.cancel()

    async def _hear(self, past: Past) -> None:
        """Bring the signals to the present."""
        self.trader.ear = past.ear(self.settings)
        told = list(past.told())
        for n in range(0, len(told), HEARD_AT_ONCE):
            self.trader.hear_again(told[n : n + HEARD_AT_ONCE])
            self.journal.renew(self.venue.now_ms(), self.lease_ms)
            await asyncio.sleep(0)
        if past.missing:
            self.diary.warn(f"{past.missing} bars of the past are missing: signals may say less for a while")

    def _runner(self, past: Past) -> Runner:
        market = past.market
        made = PaperRunner if self.wish.mode is Mode.PAPER else Runner
        collector = Collector(
            market.symbols, market.base_ms, past.next_ms, macro=macro_of(self.settings, market, self.diary)
        )
        return made(
            self.trader,
            collector,
            self.clock,
            timeframe=timeframe_name(market.base_ms),
            pace=Pace(lease_ms=self.lease_ms),
            on_minute=lambda told, decided: self._minute(),
        )

    def _minute(self) -> None:
        self.diary.minute(self)
        self._on_minute(self)

    # ------------------------------------------------------------ the end
    async def _wind_down(self) -> None:
        """Cancel entries, and wait a little for answers that are under way."""
        self.trader.permission.stopping = True
        until_s = self.clock.monotonic() + WIND_DOWN_S
        while self.clock.monotonic() < until_s:
            await self.trader.settle()
            if self.trader.is_stopping:
                return
            await self.clock.sleep(0.5)

    async def _end(self, outcome: str) -> None:
        """Say what stays, give the right to trade back, and let go of everything."""
        try:
            if self.is_begun:
                self.diary.ends(self, outcome)
            if self.holds:
                with suppress(MastertradingError):
                    self.journal.end_run(self.venue.now_ms(), outcome)
                with suppress(MastertradingError):
                    self.journal.release()
        finally:
            if self.venue is not None:
                await self.venue.close()
            if self._own_session is not None:
                await self._own_session.close()
            if hasattr(self, "journal"):
                self.journal.close()


def macro_of(settings: Any, market: Market, diary: Diary) -> Macro:
    """Important events near a moment, from the configured calendar."""
    events = macro_events(settings, market, None, diary.note)
    if events is None:
        return lambda close_ms: ()
    reach_ms = settings.risk.gates.macro.minutes * MINUTE_MS

    def near(close_ms: int) -> tuple[int, ...]:
        first, last = np.searchsorted(events, [close_ms - reach_ms, close_ms + reach_ms + 1])
        return tuple(int(at) for at in events[first:last])

    return near


def _no_bars() -> Bars:
    none = np.zeros(0)
    return Bars(np.zeros(0, np.int64), none, none, none, none, none)
