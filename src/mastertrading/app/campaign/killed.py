"""The crash campaign with nothing pretended: a process that trades over sockets, its books in a file, and SIGKILL.

::

    market ──points──► exchange ◄──TLS on loopback──► a process ──► journal.db
       └──────── what has closed, and what time it is ──┘ │
                        what it does, step by step ◄──────┘

Time goes on only when the process has answered, so a run repeats itself; while it works, time stands still. It runs no
faster and no slower for what the machine is busy with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mastertrading.app.campaign.crash import Wanted, deaths_of
from mastertrading.app.campaign.doors import Moment, Step
from mastertrading.app.campaign.life import Birth, Now, live
from mastertrading.app.campaign.nursery import Child, Nursery
from mastertrading.app.campaign.scenarios import scenarios
from mastertrading.app.campaign.shelf import SQLITE
from mastertrading.app.campaign.stage import PAPER, RESTART_S, Engine, Stage
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import Trial, Verdict, tried
from mastertrading.app.campaign.world import (
    FEWEST_ROUNDS,
    REST_S,
    ROUND_S,
    SETTLING_ROUNDS,
)
from mastertrading.domain.errors import UsageError
from mastertrading.simulator.local import Served
from mastertrading.simulator.tape import CLOSE, OPEN

PATIENCE_S = 30.0
"""On the wall's clock: a process that says nothing for so long is taken for lost."""
MOST_LIVES = 6
RESTING_ROUNDS = 5


class Gone(Exception):
    """A process has ended."""


def nursery() -> Nursery:
    """Where the traders of these campaigns come from."""
    return Nursery(prepare, live)


def prepare() -> None:
    """Load all that a trader needs, by trading for three minutes."""
    story = next(one for one in scenarios() if one.venue == "binance_usdm")
    tried(replace(story, minutes=3, journal=SQLITE))


class KilledWorld(Stage):
    """Runs a story once, with a real process for each life."""

    def __init__(self, story: Story, nursery: Nursery) -> None:
        if not is_for_real(story):
            raise UsageError("real processes are killed at a venue, without faults", why=story.name)
        super().__init__(replace(story, journal=SQLITE))
        self._nursery = nursery
        self._child: Child | None = None
        self._served: Served
        self._doomed = False
        self._closed, self._opened, self._first = 0, -1, 0
        self.wire.on_sent.append(lambda sent: self._kill_if_doomed())

    def run(self) -> KilledWorld:
        """Live it; returns itself."""
        asyncio.run(self._live())
        return self

    async def _live(self) -> None:
        self.clock.advance(0.001)  # the deposit was before us
        self._served = await self.local.serve(self._nursery.folder / "authority")
        try:
            await self._play()
            self.calm_down()
            await self._settle()
        finally:
            await self._end()
            await self._served.close()

    # ---------------------------------------------------------------- time
    async def _play(self) -> None:
        conductor = self.local.conductor()
        while (progress := conductor.step()) is not None:
            if progress.name == OPEN:
                self._opened = progress.bar
            elif progress.name == CLOSE:
                self._closed = progress.bar + 1
            await self._tell("look")
            next_ms = conductor.next_ms or 0
            while (self.is_urgent() or self.is_unresolved) and next_ms - self.now_ms > 1000 * ROUND_S:
                self.clock.advance(ROUND_S)
                await self._tell("look")

    async def _settle(self) -> None:
        """The market stands still: come to rest."""
        for count in range(SETTLING_ROUNDS):
            self.clock.advance(REST_S)
            await self._tell("look")
            if count >= FEWEST_ROUNDS and not self.is_unresolved:
                break
        self._come_to_rest()
        for _ in range(RESTING_ROUNDS):
            self.clock.advance(REST_S)
            await self._tell("rest")

    # ---------------------------------------------------------------- the process
    async def _tell(self, word: str) -> None:
        """Tell what has happened, to who is there or to the next, until somebody has answered it."""
        while self.lives < MOST_LIVES:
            try:
                if self._child is None:
                    await self._begin()
                else:
                    self._child.line.send(self._now(word))
                    await self._converse()
                return
            except (Gone, BrokenPipeError):
                self._mourn()
        raise UsageError(f"{MOST_LIVES} processes have died", why=str(self.failures[-1:]))

    def _now(self, word: str) -> Now:
        return Now(word, self.now_ms, self._closed, self._opened, self.prices())

    async def _begin(self) -> None:
        self.lives += 1
        self._first = len(self.steps)
        keys = self.local.keys()
        birth = Birth(
            self.story,
            self.shelf.url,
            self._served.port,
            self._nursery.folder / "authority" / "ca.pem",
            keys["apiKey"],
            keys["secret"],
            self.own,
            self.lives,
            self._first,
            self._now("look"),
        )
        self._child = self._nursery.birth(birth)
        await self._converse()

    async def _converse(self) -> None:
        """Hear what the process does until it has done what it was told."""
        assert self._child is not None
        while True:
            word, *told = await self._heard(self._child)
            if word == "done":
                self.steps[self._first :] = told[0]
                return
            if word == "failed":
                self._fail(told[0])
                continue
            if word == "begun":
                self._begun()
            elif word == "cycle":
                self._cycled(Engine(*told[0]))
            else:
                self._dies(*told)
            self._child.line.send("on")

    async def _heard(self, child: Child) -> Any:
        """What it says next. Raises ``Gone``."""
        loop, line = asyncio.get_running_loop(), child.line
        if not line.poll():
            there = asyncio.Event()
            loop.add_reader(line.fileno(), there.set)
            try:
                await asyncio.wait_for(there.wait(), PATIENCE_S)
            except TimeoutError:
                self._fail(f"process {self.lives} said nothing for {PATIENCE_S:g} s")
                child.kill()
            finally:
                loop.remove_reader(line.fileno())
        try:
            return line.recv()
        except (EOFError, ConnectionResetError):
            raise Gone from None

    def _dies(self, step: Step, moment: Moment) -> None:
        self._died(step, moment)
        self.steps += [step] * (step.number + 1 - len(self.steps))
        self._doomed = moment is Moment.SENT

    def _kill_if_doomed(self) -> None:
        """Its order has arrived."""
        if self._doomed and self._child is not None:
            self._doomed = False
            self._child.kill()

    async def _end(self) -> None:
        """The last process hangs up and goes."""
        if self._child is not None:
            with suppress(Gone, BrokenPipeError):
                self._child.line.send(self._now("end"))
                while True:
                    await self._heard(self._child)
            self._child.line.close()

    def _mourn(self) -> None:
        if self._child is not None:
            with suppress(OSError):
                self._child.line.close()
            self._child, self._doomed = None, False
            self.clock.advance(RESTART_S)
            self.shelf.take_back()


def trial_of(story: Story, nursery: Nursery) -> Trial:
    """A story with real processes, to be judged as any other."""
    return Trial(story, make_world=lambda one: KilledWorld(one, nursery))


def campaign(
    wanted: Wanted, advance: Callable[[int, int], None] = lambda done, total: None
) -> Sequence[Verdict]:
    """Every death of every scenario that real processes can live, or a sample of them."""
    verdicts = []
    with nursery() as made:
        stories = [one for one in wanted.scenarios() if is_for_real(one)]
        every = [death for one in stories for death in deaths_of(one, wanted.twice, trial_of(one, made))]
        chosen = every[:: wanted.every]
        for count, story in enumerate(chosen):
            verdicts.append(trial_of(story, made).run())
            advance(count + 1, len(chosen))
    return verdicts


def is_for_real(story: Story) -> bool:
    """Whether real processes can live it: at a venue, and nothing goes wrong but they."""
    return not (story.faults or story.acts or story.venue == PAPER)
