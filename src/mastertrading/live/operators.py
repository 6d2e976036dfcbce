"""What people ask for: read from the journal each cycle, done once however often it is delivered, and audited.

``pause``, ``flatten`` and ``emergency`` are switches: they stay through restarts until ``resume``. ``stop`` ends the
process and is no switch. What each leaves at the exchange is in ``LEAVES``, the words that people are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from mastertrading.domain.facts import CommandPhase, OperatorCommand
from mastertrading.domain.ports import Journal
from mastertrading.live.emergency import ALL, Emergency
from mastertrading.live.injection import INJECT, Injector
from mastertrading.live.permission import FLATTEN, HALT, PAUSE, RECONCILE_FIRST, Permission

LEAVES = {
    "pause": "positions stay, are managed as ever, with their stops and take-profits; nothing new is entered",
    "stop": "positions stay with their stops and take-profits, which nobody moves; entries are cancelled",
    "flatten": "nothing of ours: positions are closed at market, then their stops go; nothing is entered until resume",
    "emergency": "nothing of ours: take-profits and entries go first, then positions at market, then stops; "
    "nothing is entered until resume",
    "resume": "what there is; entries are allowed again",
}
"""What stays at the exchange after each verb."""


class Ladder(Protocol):
    """The breakers, as far as a person may move them."""

    def release(self) -> str:
        """Let the account trade on from its present equity; says what was released."""


@dataclass
class Operators:
    """The desk where commands arrive."""

    journal: Journal
    permission: Permission
    emergency: Emergency
    ladder: Ladder
    injector: Injector | None = None
    """Where signals may be put in by a tester; None: they are refused."""

    def obey(self, held: Mapping[str, int | None], now_ms: int) -> bool:
        """Do what was asked for since the last cycle; whether anything was."""
        waiting = self.journal.requests()
        for command in waiting:
            verb: Callable[[OperatorCommand, Mapping[str, int | None], int], OperatorCommand | None] | None
            verb = getattr(self, f"_{command.verb}", None) if command.verb in LEAVES else None
            if command.verb == INJECT and self.injector is not None:
                verb = self.injector.take
            before = self._state()
            if verb is None:
                done: OperatorCommand | None = replace(
                    command,
                    phase=CommandPhase.REFUSED,
                    outcome=f"{command.verb!r} is none of {', '.join(LEAVES)}",
                )
            else:
                done = verb(command, held, now_ms)
            if done is not None:
                before = command.before or before
                self.journal.finish(replace(done, before=before, after=self._state(), done_ms=now_ms))
        return bool(waiting)

    def _state(self) -> str:
        names = [*self.journal.latches(), *(["stopping"] if self.permission.stopping else [])]
        return ", ".join(names) or "trading"

    def _pause(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> OperatorCommand:
        self.journal.latch(PAUSE, f"{command.by}: {command.command_id}", now_ms)
        return _done(command, LEAVES["pause"])

    def _stop(self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int) -> OperatorCommand:
        self.permission.stopping = True
        return _done(command, LEAVES["stop"])

    def _flatten(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> OperatorCommand | None:
        self.journal.latch(FLATTEN, f"{command.by}: {command.command_id}", now_ms)
        return _done(command, "flat") if _is_flat(held) else None

    def _emergency(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> OperatorCommand | None:
        symbol = command.arguments.get("symbol", ALL)
        self.emergency.declare(symbol, f"{command.by}: {command.command_id}", now_ms)
        open_ = {name: lots for name, lots in held.items() if symbol in (ALL, name)}
        return _done(command, "flat") if _is_flat(open_) else None

    def _resume(
        self, command: OperatorCommand, held: Mapping[str, int | None], now_ms: int
    ) -> OperatorCommand:
        closing = [s for s, lots in held.items() if lots != 0 and self.emergency.covers(s)]
        if closing:
            return replace(
                command,
                phase=CommandPhase.REFUSED,
                outcome=f"the emergency is not over: {', '.join(closing)} is not known to be flat",
            )
        self.emergency.end(command.command_id, now_ms)
        for name in self.journal.latches():
            if name.split(":")[0] in (PAUSE, FLATTEN, HALT, RECONCILE_FIRST):
                self.journal.unlatch(name, command.command_id, now_ms)
        self.permission.stopping = False
        released = self.ladder.release() if command.arguments.get("breakers") == "release" else ""
        return _done(command, f"{LEAVES['resume']}{released}")


def _done(command: OperatorCommand, outcome: str) -> OperatorCommand:
    return replace(command, phase=CommandPhase.DONE, outcome=outcome)


def _is_flat(held: Mapping[str, int | None]) -> bool:
    """Whether every instrument is known to hold nothing."""
    return all(lots == 0 for lots in held.values())
