"""The two doors through which a trader acts, each with numbered steps at which its process can die.

A death is no error: it passes everything that catches errors, and what the dead one had in memory is never used
again. What it had sent is still on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from mastertrading.app.campaign.story import Kill

WRITES = frozenset(
    {
        "acquire", "renew", "release", "bind", "begin_run", "end_run", "prepare", "mark", "observe", "define",
        "book_fill", "book_payment", "adjust", "commit_cycle", "report", "latch", "unlatch", "set_breaker",
        "request", "finish", "enter_stage",
    }
)  # fmt: skip
"""Doors of a journal that leave something behind."""
COMMANDS = frozenset({"place", "cancel", "set_leverage", "set_margin_mode", "set_one_way", "verify_setup"})
READS = frozenset(
    {
        "start", "sync_clock", "instruments", "account_facts", "balance", "positions", "open_orders",
        "find_order", "fills", "payments", "bars", "funding", "settlements", "book",
    }
)  # fmt: skip


class Moment(StrEnum):
    """When in a step. A read changes nothing outside: dying after it is dying before the step that follows."""

    BEFORE = "before"
    """Before the journal's commit, or before the first byte."""
    COMMITTED = "after commit"
    SENT = "after send"
    """The request is on its way, and arrives when the next process may live already."""
    REPLIED = "after reply"


MOMENTS = {
    "write": (Moment.BEFORE, Moment.COMMITTED),
    "command": (Moment.BEFORE, Moment.SENT, Moment.REPLIED),
    "read": (Moment.BEFORE,),
}


class Step(NamedTuple):
    """One numbered step."""

    number: int
    kind: str
    name: str


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Counts the steps of a run over all its processes, and says at which one dies.

    Parameters
    ----------
    on_death
        Told the step and the moment.
    first
        Number of the first step.
    """

    def __init__(
        self, kills: Sequence[Kill], on_death: Callable[[Step, Moment], None], first: int = 0
    ) -> None:
        self._kills = {(kill.step, kill.moment) for kill in kills}
        self._on_death, self._first = on_death, first
        self.steps: list[Step] = []

    def step(self, kind: str, name: str) -> Step:
        """One more step."""
        step = Step(self._first + len(self.steps), kind, name)
        self.steps.append(step)
        return step

    def strikes(self, step: Step, moment: Moment) -> bool:
        """Whether the process dies now."""
        if (step.number, moment.value) not in self._kills:
            return False
        self._on_death(step, moment)
        return True


class Door:
    """Stands before a journal or a gateway; everything it does not know passes."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real, self._fate = real, fate
        self.is_dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _die(self) -> None:
        self.is_dead = True
        raise Killed

    def _begin(self, kind: str, name: str) -> Step:
        if self.is_dead:
            raise Killed
        step = self._fate.step(kind, name)
        if self._fate.strikes(step, Moment.BEFORE):
            self._die()
        return step


class JournalDoor(Door):
    """A journal, in which each write can be the last."""

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name not in WRITES:
            return real

        def write(*args: Any, **options: Any) -> Any:
            step = self._begin("write", _called(name, args))
            answer = real(*args, **options)
            if self._fate.strikes(step, Moment.COMMITTED):
                self._die()
            return answer

        return write


class GatewayDoor(Door):
    """A gateway, in which each call can be the last.

    Parameters
    ----------
    delay
        Called when the next request shall be late: it is on its way when its sender dies.
    """

    def __init__(self, real: Any, fate: Fate, delay: Callable[[], None]) -> None:
        super().__init__(real, fate)
        self._delay = delay
        self.left_behind: list[asyncio.Task[Any]] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name not in COMMANDS | READS:
            return real
        kind = "command" if name in COMMANDS else "read"

        async def call(*args: Any, **options: Any) -> Any:
            step = self._begin(kind, name)
            if kind == "command" and self._fate.strikes(step, Moment.SENT):
                self._delay()
                self.left_behind.append(asyncio.ensure_future(real(*args, **options)))
                await asyncio.sleep(0.001)
                self._die()
            answer = await real(*args, **options)
            if self.is_dead:
                raise Killed
            if kind == "command" and self._fate.strikes(step, Moment.REPLIED):
                self._die()
            return answer

        return call


def _called(name: str, args: Sequence[Any]) -> str:
    """A write with what it says: ``mark sent``."""
    states = [str(one.state) for one in args if hasattr(one, "state") and name == "mark"]
    return " ".join([name, *states])
