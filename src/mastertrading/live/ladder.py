"""The engine's breakers, kept in the journal: their stages survive a record that is lost, and only rise by a restart.

The one definition of equity is the engine's: what our books say, marked at the close of a bar, without transfers. No
read of the venue moves it, so a failed one cannot clear a breaker either.
"""

from __future__ import annotations

from decimal import Decimal

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.facts import BreakerFacts
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import Breaker, FillReason, Stage
from mastertrading.live.ideal import IdealOrders
from mastertrading.live.mind import Mind
from mastertrading.live.snapshot import Snapshot
from mastertrading.live.units import money_of
from mastertrading.rules.risk import breakers

breaker_value = interpreted(breakers.breaker_value)
DAY_MS = 86_400_000
AGREES = Decimal("0.02")
"""The venue's equity confirms ours if it is not larger by more than this share."""
BREAKER = int(FillReason.BREAKER)


class Ladder:
    """The four breakers of an account."""

    def __init__(self, mind: Mind, journal: Journal) -> None:
        self._mind, self._journal = mind, journal
        self._written: dict[str, int] = {}
        """Stages that the journal has by now: between two changes it is not asked."""

    def restore(self, bar_ms: int) -> None:
        """At a start: no stage below what the journal keeps, unless its own calendar released it meanwhile."""
        account, kept = self._mind.book.account[0], self._journal.breakers()
        self._written.clear()
        for breaker in Breaker:
            facts = kept.get(breaker.name.lower())
            if facts is not None and facts.ts_ms > bar_ms:
                account.stages[breaker] = max(int(account.stages[breaker]), facts.stage)
        account.stage = max(int(stage) for stage in account.stages)

    def write(self, t_ms: int) -> None:
        """After a decision: write what moved; the journal keeps changes only."""
        account = self._mind.book.account[0]
        for breaker in Breaker:
            name, stage = breaker.name.lower(), int(account.stages[breaker])
            if self._written.get(name) != stage:
                value = float(breaker_value(account, int(breaker)))
                self._journal.set_breaker(BreakerFacts(name, stage, value, t_ms))
                self._written[name] = stage

    def release(self) -> str:
        """A person lets the account trade on: every breaker back to normal, measured from the present equity."""
        account = self._mind.book.account[0]
        before = [f"{b.name.lower()} {Stage(int(account.stages[b])).name.lower()}" for b in Breaker]
        for breaker in Breaker:
            account.stages[breaker] = int(Stage.NORMAL)
        account.stage = account.losses = account.pause_until_ms = 0
        account.peak_nav = account.day_nav = account.week_nav = account.nav
        return f"; released: {', '.join(before)}"

    def confirmed(self, ideal: IdealOrders, snapshot: Snapshot) -> bool:
        """Whether an exit may go out: one that a breaker wants needs the venue's own equity to say so too."""
        if ideal.exit_reason != BREAKER:
            return True
        if snapshot.balance is None:
            return False
        ours = money_of(int(self._mind.book.account[0].equity))
        return snapshot.balance.equity <= ours + AGREES * abs(ours)
