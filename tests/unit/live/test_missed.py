"""Bars that closed while nobody was there, and stops that a venue places together with an entry."""

from __future__ import annotations

from mastertrading.app.demo import demo_settings
from mastertrading.app.live_world import Act, World
from mastertrading.domain.intents import Purpose
from mastertrading.simulator.tape import CLOSE
from parity.scenes import made


class Sleepy(World):
    """An account whose process is away from one bar to another."""

    def __init__(self, act, away, back):
        super().__init__(act)
        self.away, self.back = self.bars.start + away, self.bars.start + back

    async def answer(self, progress):
        t = self.first + progress.bar
        if not self.away <= t < self.back:
            await super().answer(progress)
        elif t == self.back - 1 and progress.name == CLOSE:
            await self._end()
            await self._begin(self.back)
            await self.runner.look()


def test_bars_that_were_missed_are_folded_and_never_entered_on():
    scene = made(days=1.0)
    away, back = 200, 500
    last_ms = int(scene.market.ts_ms[scene.start + back + 600])
    life = Sleepy(Act(scene.market, demo_settings(scene.settings), to_ms=last_ms), away, back).run()
    base, start = scene.market.base_ms, int(scene.market.ts_ms[scene.start])
    gap = range(start + away * base, start + back * base)
    decisions = life.journal.decisions(scene.market.symbols[0], gap.start + 1, gap.stop + 1)
    assert len(decisions) == back - away
    assert all(one.missed for one in decisions)
    entries = [
        c.intent for c in life.journal.store.tables["commands"].values() if c.intent.purpose is Purpose.ENTRY
    ]
    assert entries
    assert not [one for one in entries if gap.start < one.bar_ms <= gap.stop]
    later = life.journal.decisions(scene.market.symbols[0], gap.stop + 1, gap.stop + 10 * base)
    assert later
    assert not any(one.missed for one in later)
