"""L: it comes right again, and then it rests."""

from __future__ import annotations

from mastertrading.app.campaign.invariants.base import Checker, Scene
from mastertrading.app.campaign.invariants.protection import coverage
from mastertrading.domain.intents import Command, Purpose

CONVERGED_WITHIN = 3
"""Rounds after a start."""
PROOF_MS = 10_000
"""The three clean looks, a round of 5 s apart, that prove an absence. A process has to take them all itself."""
ABSENT_MS = 60_000
"""After its deadline: the looks that prove an absence, and two rounds."""


def differences(scene: Scene, began_ms: int = 0) -> list[str]:
    """What is not as it should be between journal, engine and exchange; empty: it has converged.

    An outcome may be unknown until its deadline, or the begin of the process, and the looks after it.
    """
    found = []
    for symbol, listing in scene.exchange.listings.items():
        there = scene.held(symbol)
        if scene.journal.position(symbol) != listing.qty(there):
            found.append(f"{symbol}: journal {scene.journal.position(symbol)}, exchange {listing.qty(there)}")
        if scene.lots and scene.lots.get(symbol) != there:
            found.append(f"{symbol}: engine {scene.lots.get(symbol)}, exchange {there}")
        if there and coverage(scene, symbol, 1 if there > 0 else -1) < abs(there):
            found.append(f"{symbol}: {there} lots are not covered")
    now = scene.now_ms
    for command in scene.journal.open_commands():
        window_ms = max(_deadline_ms(scene, command), began_ms) + PROOF_MS
        if command.state.is_unresolved and now > window_ms:
            found.append(f"{command.client_id} is {command.state}")
    return found


def _deadline_ms(scene: Scene, command: Command) -> int:
    """Until when an outcome may be unknown; a stop that went with an entry waits for that."""
    entry = scene.command(command.intent.target) if command.intent.purpose is Purpose.STOP else None
    return max(command.deadline_ms, entry.deadline_ms if entry is not None else 0)


class Converges(Checker):
    """L1."""

    id, reads = "L1", "XB"
    says = "after a start everything agrees within 3 rounds"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.rounds = -1
        self.began_ms = 0
        self.took: list[tuple[int, int]] = []
        """Rounds and milliseconds of each start."""
        self.never = 0

    def on_begin(self) -> None:
        self.rounds, self.began_ms = 0, self.scene.now_ms

    def on_cycle(self) -> None:
        if self.rounds < 0:
            return
        if self.scene.wire.is_troubled(self.scene.now_ms):
            return
        self.rounds += 1
        wrong = differences(self.scene, self.began_ms)
        if not wrong:
            self.took.append((self.rounds, self.scene.now_ms - self.began_ms))
            self.rounds = -1
        elif self.rounds >= CONVERGED_WITHIN:
            self._failed(f"{self.rounds} rounds after a start: {'; '.join(wrong)}")

    def _failed(self, what: str) -> None:
        self.fail("", what, str(self.began_ms))
        self.never += 1
        self.rounds = -1

    def at_end(self) -> None:
        if self.rounds >= 0:
            self._failed("it ended before everything agreed")


class Resolves(Checker):
    """L2."""

    id, reads = "L2", "XB"
    says = "an unknown outcome is found out soon after its deadline, or somebody is told"

    def at_rest(self) -> None:
        told = {incident.subject for incident in self.scene.journal.incidents()}
        for command in self.scene.journal.open_commands():
            late = self.scene.now_ms > _deadline_ms(self.scene, command) + ABSENT_MS
            if command.state.is_unresolved and late and command.intent.symbol not in told:
                self.fail(
                    command.intent.symbol, f"{command.client_id} is still {command.state}", command.client_id
                )


class StaysUp(Checker):
    """L4."""

    id, reads = "L4", "WB"
    says = "nothing that a venue or a network does ends the process"

    def on_failure(self, what: str) -> None:
        """A process ended by an error."""
        self.fail("", what, what.partition(":")[0])


class Rests(Checker):
    """L6."""

    id, reads = "L6", "XW"
    says = "with no faults and no news nothing is sent any more"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.resting = False
        self.count = 0

    def begin_rest(self) -> None:
        """From here on there is no news."""
        self.resting = True

    def on_cycle(self) -> None:
        if not self.resting:
            return
        new = len(self.scene.wire.sent) - self.count if self.count else 0
        self.count = len(self.scene.wire.sent) or 0
        if new > 0:
            last = self.scene.wire.sent[-1]
            self.fail("", f"{new} commands at rest, last {last.client_id} ({sorted(last.tags)})")


RECOVERY = (Converges, Resolves, StaysUp, Rests)
