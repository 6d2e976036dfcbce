"""The journal is thinned while a trader runs, and no decision ever waits for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from mastertrading.domain.errors import JournalUnusable
from mastertrading.live.collector import Collector
from mastertrading.live.runner import Runner
from mastertrading.simulator.clock import VirtualClock

MINUTE_MS = 60_000
OPEN_MS = 1_000 * MINUTE_MS


class Quiet:
    """A runner at rest: whom it asks, and a journal that notes when it was tidied."""

    def __init__(self, at_ms):
        self.clock, self.tidied, self.looks, self.breaks = VirtualClock(at_ms), [], 0, False
        journal = SimpleNamespace(renew=lambda *_: None, report=lambda *_: None, tidy=self.tidy)
        gateway = SimpleNamespace(now_ms=self.clock.now_ms, venue="a venue")
        trader = SimpleNamespace(gateway=gateway, journal=journal, settle=self.settle, units={})
        self.collector = Collector(["BTCUSDT"], MINUTE_MS, OPEN_MS)
        self.runner = Runner(trader, self.collector, self.clock)

    def tidy(self, now_ms):
        if self.breaks:
            raise JournalUnusable("the journal is locked by another process")
        self.tidied.append(now_ms)
        return 0

    async def settle(self):
        self.looks += 1

    def turn(self, at_ms=None):
        if at_ms is not None:
            self.clock.set_ms(at_ms)
        return asyncio.run(self.runner.turn())


def test_a_turn_that_has_something_to_do_leaves_the_journal_as_it_is():
    quiet = Quiet(OPEN_MS)
    assert quiet.turn()
    assert (quiet.looks, quiet.tidied) == (1, [])


def test_an_idle_turn_tidies_once_a_minute():
    quiet = Quiet(OPEN_MS)
    quiet.turn()
    for at_ms in (OPEN_MS + 1_000, OPEN_MS + 2_000, OPEN_MS + 4_999):
        assert not quiet.turn(at_ms)
    assert quiet.tidied == [OPEN_MS + 1_000]


@pytest.mark.parametrize(("before_ms", "is_tidied"), [(10_000, True), (9_999, False), (1, False)])
def test_nothing_is_tidied_when_a_bar_is_about_to_close(before_ms, is_tidied):
    quiet = Quiet(OPEN_MS + MINUTE_MS - before_ms)
    quiet.turn()
    quiet.turn()
    assert bool(quiet.tidied) is is_tidied


def test_nothing_is_tidied_while_a_bar_that_closed_is_waited_for():
    quiet = Quiet(OPEN_MS + MINUTE_MS + 2_000)
    quiet.turn()
    assert not quiet.turn()
    assert quiet.tidied == []


def test_a_journal_that_cannot_be_tidied_now_is_tidied_a_minute_later_and_the_trader_goes_on():
    quiet = Quiet(OPEN_MS)
    quiet.turn()
    quiet.breaks = True
    assert not quiet.turn(OPEN_MS + 1_000)
    quiet.breaks = False
    quiet.collector.next_ms += MINUTE_MS
    quiet.turn(OPEN_MS + MINUTE_MS + 1_000)
    quiet.turn()
    assert quiet.tidied == [OPEN_MS + MINUTE_MS + 1_000]
