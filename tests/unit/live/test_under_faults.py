"""Faults of the catalogue against the whole cycle on both venues: afterwards books and venue agree."""

from __future__ import annotations

import pytest

from mastertrading.domain.intents import CommandState, Purpose
from mastertrading.simulator.faults.catalogue import make
from unit.live.bench import BTC, TARGET, OnTheWire

VENUES = ("binance_usdm", "bybit_linear")
FAULTS = [
    ("N05", {}),
    ("N06", {}),
    ("N07", {}),
    ("N08", {}),
    ("N09", {}),
    ("X01", {"word": "timeout", "accepted": True}),
    ("X01", {"word": "busy", "accepted": False}),
    ("X02", {"accepted": True}),
    ("X03", {}),
    ("X04", {"word": "limit"}),
    ("X07", {}),
    ("X08", {}),
    ("X09", {}),
    ("X10", {"hides": "open"}),
    ("X11", {}),
    ("X13", {"word": "reduce_only_sum"}),
    ("X17", {"word": "trigger"}),
    ("X17", {"word": "band"}),
    ("X22", {"what": "position"}),
]
RARE = ("N08", "X13")
"""What these aim at happens once or twice: they strike every time."""
STALE = 7


def is_protected(bench):
    lots = bench.lots()
    side = -1 if lots > 0 else 1
    return lots == 0 or any(one[0] == side and one[1] >= abs(lots) for one in bench.stops())


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("number", "options"), FAULTS)
def test_after_a_fault_books_and_venue_agree_and_all_is_protected(venue, number, options):
    async def story(bench):
        now_ms = bench.clock.now_ms()
        when = {"from_ms": now_ms, "until_ms": now_ms + 25_000, "chance": 1.0 if number in RARE else 0.7}
        bench.local.plan.add(make(number, seed=1, **when, **options))
        await bench.enter(10, target=TARGET)
        await bench.run(15, every=3)
        bench.trader.mind.order_of(BTC).exit_reason = STALE
        await bench.run(15, every=3)
        bench.wish(10)
        await bench.run(75, every=5)

    bench = OnTheWire(venue)
    bench.play(story)
    assert bench.local.bugs() == []
    assert sum(bench.local.plan.hits().values()) > 0
    assert bench.lots() == bench.book()
    assert bench.trader.units[BTC].lots(bench.journal.position(BTC)) == bench.lots()
    assert is_protected(bench)
    assert not [one for one in bench.journal.open_commands() if one.state.is_unresolved]
    entries = [one for one in bench.commands(Purpose.ENTRY) if one.state is CommandState.FILLED]
    assert len(entries) <= 2
    assert abs(bench.lots()) <= 10 or number == "X22"
    bench.journal.verify()


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("number", "reason"), [("X20", "liquidation"), ("X21", "adl")])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_forced_closes_are_booked_with_their_reasons_and_the_rest_is_protected(venue, number, reason, share):
    async def story(bench):
        await bench.enter(10, target=TARGET)
        await bench.run(1)
        bench.local.plan.add(make(number, from_ms=bench.clock.now_ms(), most=1, share=share))
        await bench.run(40, every=2)

    bench = OnTheWire(venue)
    bench.play(story)
    assert reason in bench.reasons()
    assert bench.lots() == bench.book()
    assert is_protected(bench)
    assert reason in bench.kinds()
