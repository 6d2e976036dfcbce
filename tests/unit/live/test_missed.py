"""Bars that closed while nobody was there, and stops that a venue places together with an entry."""

from __future__ import annotations

from mastertrading.domain.intents import Purpose
from parity.lived import PAPER, Life, busy
from parity.scenes import made


class Sleepy(Life):
    """A life whose process is away from one bar to another."""

    def __init__(self, scene, away, back):
        super().__init__(scene, PAPER)
        self.away, self.back = scene.start + away, scene.start + back

    async def _answer(self, progress):
        if self.away <= self.decided < self.back:
            self.decided += progress.name == "close"
            if self.decided == self.back:
                await self.gateway.close()
                await self._begin()
                await self.trader.settle()
            return
        await super()._answer(progress)


def test_bars_that_were_missed_are_folded_and_never_entered_on():
    scene = busy(made(days=2.0))
    away, back = 200, 500
    life = Sleepy(scene, away, back).run()
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
