"""One story lived and judged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from mastertrading.app.campaign.invariants import CHECKERS, Checker, Scene, Violation
from mastertrading.app.campaign.invariants.orders import Conforming
from mastertrading.app.campaign.invariants.protection import Unprotected, UnprotectedByOthers
from mastertrading.app.campaign.invariants.recovery import Converges, Rests, StaysUp, differences
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.world import World
from mastertrading.domain.intents import CommandState
from mastertrading.simulator.events import Event, OrderChanged
from mastertrading.simulator.faults.acts import Act
from mastertrading.simulator.faults.network import ReconnectStorm
from mastertrading.simulator.orders import Cause, NewOrder, Refused

NONE = "none"
"""The state where no command is open."""


@dataclass
class Verdict:
    """What came of a story; plain values, so that it can be written down.

    Attributes
    ----------
    hits
        How often each fault acted.
    states
        How often each fault acted while a command was in a state: ``fault state``.
    held_in_fault
        Whether a position was open when a fault acted.
    bare_ms, bare_reachable_ms
        Every time without protection.
    reconverged_ms
        From the last fault on; -1: never.
    starts
        Rounds until a started process agreed with the exchange.
    never
        Processes that lived on and never agreed.
    died
        At which moment of which step.
    """

    key: str
    seed: int
    venue: str
    violations: list[Violation] = field(default_factory=list)
    hits: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    fills: int = 0
    trades: int = 0
    requests: int = 0
    held_in_fault: bool = False
    held_share: float = 0.0
    bare_ms: list[int] = field(default_factory=list)
    bare_reachable_ms: list[int] = field(default_factory=list)
    reconverged_ms: int = -1
    starts: list[int] = field(default_factory=list)
    never: int = 0
    lives: int = 0
    deaths: int = 0
    died: list[str] = field(default_factory=list)
    failures: int = 0
    steps: int = 0
    rest_step: int = 0
    cpu_s: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether every invariant held."""
        return not self.violations

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        told = asdict(self)
        told["violations"] = [list(one) for one in self.violations]
        return told


class Trial:
    """A world with every checker at its side."""

    def __init__(
        self,
        story: Story,
        checkers: tuple[type[Checker], ...] = CHECKERS,
        make_world: Callable[[Story], Any] = World,
    ) -> None:
        self.story, self.world = story, make_world(story)
        world = self.world
        self.scene = Scene(world.exchange, world.account, world.journal, world.wire)
        self.checkers = [checker(self.scene) for checker in checkers]
        self.verdict = Verdict(story.name, story.seed, story.venue)
        self._states: Counter[str] = Counter()
        self._unknown: set[str] = set()
        self._acted: dict[int, int] = {}
        self._calm_ms, self._looks, self._held = 0, 0, 0
        world.on_event.append(self._event)
        world.on_cycle.append(self._cycle)
        world.on_begin.append(self._begin)
        world.on_calm.append(self._calm)
        world.on_rest.append(self._rest)
        world.on_failure.append(self._failure)
        world.wire.on_sent.append(self._sent)
        world.wire.on_hit.append(self._hit)
        self._watch_refusals()
        bare = [checker for checker in self.checkers if isinstance(checker, Unprotected)]
        world.is_urgent = lambda: any(checker.bare for checker in bare)

    def run(self) -> Verdict:
        """Live it, and say what came of it."""
        began = time.process_time()
        try:
            self.world.run()
            for checker in self.checkers:
                checker.at_end()
            return self._told(time.process_time() - began)
        finally:
            self.world.shelf.close()

    # ---------------------------------------------------------------- what is told
    def _event(self, event: Event) -> None:
        self._acts()
        if isinstance(event, OrderChanged):
            if event.execution is not None and self.scene.purpose_of(event.order) is None:
                self.scene.foreign[event.order.symbol] = event.ts_ms
            for checker in self.checkers:
                checker.on_event(event)

    def _acts(self) -> None:
        """Faults that act at the exchange by the clock, and not on a request."""
        for fault in self.world.faults:
            before = self._acted.get(id(fault), 0)
            if isinstance(fault, Act | ReconnectStorm) and fault.hits != before:
                self._acted[id(fault)] = fault.hits
                self._hit((fault.key,))

    def _sent(self, sent: Any) -> None:
        for checker in self.checkers:
            checker.on_sent(sent)

    def _cycle(self) -> None:
        engine = self.world.engine
        if engine is not None:
            self.scene.lots, self.scene.wallet_atoms = engine
        for checker in self.checkers:
            checker.on_cycle()
        for command in self.scene.journal.open_commands():
            if command.state is CommandState.UNKNOWN:
                self._unknown.add(command.client_id)
        self._looks += 1
        self._held += any(self.scene.account.held())
        if self._calm_ms and self.verdict.reconverged_ms < 0 and not differences(self.scene):
            self.verdict.reconverged_ms = self.world.now_ms - self._calm_ms

    def _begin(self) -> None:
        self.scene.journal = self.world.journal
        for checker in self.checkers:
            checker.on_begin()

    def _calm(self) -> None:
        self.scene.is_calm, self._calm_ms = True, self.world.now_ms

    def _rest(self) -> None:
        for checker in self.checkers:
            checker.at_rest()
            if isinstance(checker, Rests):
                checker.begin_rest()

    def _failure(self, what: str) -> None:
        for checker in self.checkers:
            if isinstance(checker, StaysUp):
                checker.on_failure(what)

    def _hit(self, keys: tuple[str, ...]) -> None:
        states = {str(command.state) for command in self.scene.journal.open_commands()} or {NONE}
        for key in keys:
            self._states.update(f"{key} {state}" for state in states)
        self.verdict.held_in_fault |= any(self.scene.account.held())

    def _watch_refusals(self) -> None:
        place = self.world.exchange.place

        def watched(account: Any, new: NewOrder, cause: Cause = Cause.CLIENT) -> Any:
            try:
                return place(account, new, cause)
            except Refused as refused:
                for checker in self.checkers:
                    if isinstance(checker, Conforming) and cause is Cause.CLIENT:
                        checker.on_refused(refused.reason, new.symbol, new.client_id, new.reduce_only)
                raise

        self.world.exchange.place = watched

    # ---------------------------------------------------------------- what came of it
    def _told(self, cpu_s: float) -> Verdict:
        verdict, world = self.verdict, self.world
        for checker in self.checkers:
            verdict.violations += checker.found
            if type(checker) in (Unprotected, UnprotectedByOthers):
                verdict.bare_ms += checker.spans_ms  # type: ignore[attr-defined]
                verdict.bare_reachable_ms += checker.reachable_ms  # type: ignore[attr-defined]
            if isinstance(checker, Converges):
                verdict.starts = [rounds for rounds, _ in checker.took]
                verdict.never = checker.never
        verdict.violations.sort(key=lambda one: (one.ts_ms, one.invariant))
        hits: Counter[str] = Counter()
        for fault in world.faults:
            hits[fault.key] += fault.hits
        verdict.hits = dict(hits)
        verdict.states = dict(self._states)
        verdict.commands = self._commands()
        verdict.fills, verdict.trades = len(world.account.executions), len(world.journal.trades())
        verdict.requests, verdict.steps = world.wire.requests, len(world.steps)
        verdict.held_share = self._held / max(self._looks, 1)
        verdict.rest_step = world.rest_step
        verdict.lives, verdict.deaths, verdict.failures = world.lives, len(world.deaths), len(world.failures)
        verdict.died = [f"{step.name}, {moment}" for _, step, moment in world.deaths]
        verdict.cpu_s = cpu_s
        return verdict

    def _commands(self) -> dict[str, int]:
        """How the orders ended by the journal, and how many were unknown for a while."""
        names = {sent.client_id for sent in self.world.wire.sent if "place" in sent.tags}
        found = [one for name in names if (one := self.world.journal.command(name)) is not None]
        count = Counter(str(one.state) for one in found)
        count["were unknown"] = len(self._unknown)
        return dict(count)


def tried(story: Story) -> Verdict:
    """Live a story and judge it."""
    return Trial(story).run()
