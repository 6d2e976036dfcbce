"""One life of a trader in a process of its own: it is told what time it is and what has closed, and it can die.

Its venue is on sockets, its books are in a file, and its death is SIGKILL: it kills itself at a numbered step, or is
killed when its order has arrived. Its clock stands wherever it was told last.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mastertrading.app.bar_inputs import Inputs
from mastertrading.app.campaign.doors import Fate, GatewayDoor, JournalDoor, Moment, Step
from mastertrading.app.campaign.market import forecasts_of, market_of
from mastertrading.app.campaign.settings import settings_of
from mastertrading.app.campaign.shelf import opened
from mastertrading.app.campaign.stage import FOREVER_MS, NAME, Engine, ear_of
from mastertrading.app.campaign.story import Kill, Story
from mastertrading.app.campaign.world import GATEWAYS
from mastertrading.backtest.forecasts import USER_MODULE
from mastertrading.domain.facts import AccountName, RunFacts
from mastertrading.domain.market import Market
from mastertrading.exchange.keys import Keys
from mastertrading.exchange.modes import Mode, Permit, site_of
from mastertrading.live.ear import Heard
from mastertrading.live.trader import Trader
from mastertrading.settings.schema import Settings
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.loopback import loopback_session


@dataclass(frozen=True, slots=True)
class Now:
    """What a process is told. ``word``: ``look`` and do what follows, ``rest`` (look once), or ``end``."""

    word: str
    now_ms: int
    closed: int
    opened: int
    prices: dict[str, int]


@dataclass(frozen=True)
class Birth:
    """What a process knows besides its journal.

    Attributes
    ----------
    first_step
        Number of its first step.
    """

    story: Story
    url: str
    port: int
    trusted: Path
    api_key: str
    secret: str
    own: str
    number: int
    first_step: int
    now: Now

    @cached_property
    def settings(self) -> Settings:
        """Of the story."""
        return settings_of(self.story)

    @cached_property
    def market(self) -> Market:
        """Of the story."""
        return market_of(self.story)

    @cached_property
    def forecasts(self) -> np.ndarray:
        """Of the story."""
        return forecasts_of(self.story)


class MortalFate(Fate):
    """Death is SIGKILL. In the middle of a request it comes from outside, when that has arrived."""

    def __init__(self, kills: Sequence[Kill], first: int, line: Connection) -> None:
        super().__init__(kills, lambda step, moment: None, first)
        self._line, self._doomed = line, -1

    def strikes(self, step: Step, moment: Moment) -> bool:
        """Never true: who should die here does."""
        if step.number == self._doomed and moment is Moment.REPLIED:
            os.kill(os.getpid(), signal.SIGKILL)  # what it sent was nothing that anybody waits for
        if not super().strikes(step, moment):
            return False
        self._line.send(("dies", step, moment))
        self._line.recv()
        if moment is not Moment.SENT:
            os.kill(os.getpid(), signal.SIGKILL)
        self._doomed = step.number
        return False


def live(line: Connection, birth: Birth) -> None:
    """Trade until somebody ends it."""
    asyncio.run(_live(line, birth))


async def _live(line: Connection, birth: Birth) -> None:
    await Living(line, birth).go()


class Living:
    """A trader with what it needs, and the line to who tells it what happens."""

    def __init__(self, line: Connection, birth: Birth) -> None:
        self.line, self.birth = line, birth
        self.clock = VirtualClock(birth.now.now_ms)
        self.fate = MortalFate(birth.story.kills, birth.first_step, line)
        self.inputs = Inputs(birth.market)
        self.heard, self.opened = birth.now.closed, birth.now.opened
        self.session = loopback_session(birth.port, birth.trusted)
        self.gateway = self._gateway()
        self.trader: Trader

    async def go(self) -> None:
        """Begin, and do what is told."""
        try:
            await self._begin()
            while True:
                self._done()
                now: Now = self.line.recv()
                if now.word == "end":
                    return
                self.clock.set_ms(max(now.now_ms, self.clock.now_ms()))
                await self._answer(now)
        except EOFError:
            return
        except Exception as error:  # told to who judges it
            self.line.send(("failed", f"{type(error).__name__}: {error}"))
            raise
        finally:
            await self.gateway.close()
            await self.session.close()

    def _done(self) -> None:
        self.line.send(("done", self.fate.steps[:]))

    async def _begin(self) -> None:
        birth = self.birth
        name = AccountName(birth.story.venue, "live", NAME)
        journal = JournalDoor(opened(birth.url, name), self.fate)
        gateway = GatewayDoor(self.gateway, self.fate, lambda: None)
        self.trader = Trader(
            birth.settings,
            birth.market.instruments,
            name,
            gateway,
            journal,
            ear_of(birth),
            modules=(USER_MODULE,),
        )
        journal.acquire(f"process {birth.number}", birth.now.now_ms, FOREVER_MS)
        journal.begin_run(RunFacts("code", "config", birth.now.now_ms))
        await gateway.start()
        await self.trader.begin(list(self.inputs.until(self.heard)))
        self._count_cycles()
        self._say("begun")
        await self.trader.on_open(birth.now.prices)

    def _gateway(self) -> Any:
        birth = self.birth
        permit = Permit(site_of(birth.story.venue, Mode.LIVE), NAME, birth.own, True)
        return GATEWAYS[birth.story.venue](
            permit,
            self.clock,
            keys=Keys(birth.api_key, birth.secret),
            session=self.session,
        )

    def _count_cycles(self) -> None:
        inner = self.trader.cycle

        async def cycle(heard: Heard | None = None) -> bool:
            answer = await inner(heard)
            self._say("cycle", Engine.of(self.trader))
            return answer

        self.trader.cycle = cycle  # type: ignore[method-assign]

    def _say(self, *told: Any) -> None:
        """Tell, and go on when that was heard: nothing happens in between."""
        self.line.send(told)
        self.line.recv()

    async def _answer(self, now: Now) -> None:
        if now.word == "rest":
            await self.trader.cycle()
            return
        acted = False
        while self.heard < now.closed:
            told = self.inputs.of(self.heard)
            self.heard += 1
            if self.heard < now.closed:
                self.trader.ear.hear(told)
            else:
                await self.trader.on_bar(told)
                acted = True
        if self.opened < now.opened:
            self.opened, acted = now.opened, True
            await self.trader.on_open(now.prices)
        if not acted:
            await self.trader.settle()
