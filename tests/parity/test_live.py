"""Equalities 3, 4 and 5: paper is the backtest, live is paper, and who was stopped and started never was."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from mastertrading.app.demo import demo_settings
from mastertrading.app.live_world import PAPER, Act, World, booked, lived, predicted
from mastertrading.exchange.opening import GATEWAYS
from mastertrading.journal.opening import open_journal
from parity.scenes import recorded

POINTS = 4


@pytest.fixture(scope="module")
def days():
    """Two days of decisions on three recorded instruments under settings that trade often."""
    scene = recorded(("BTCUSDT", "ETHUSDT", "SOLUSDT"), hours=56)
    return Act(scene.market, demo_settings(scene.settings))


@pytest.fixture(scope="module")
def wanted(days):
    told = predicted(days)
    assert told.fills > 40
    return told


@pytest.mark.parametrize("venue", [PAPER, *GATEWAYS])
def test_what_is_decided_and_what_fills_is_what_the_backtest_says(days, wanted, venue):
    world = World(replace(days, venue=venue)).run()
    assert lived(world) == wanted
    assert (world.deaf, world.runner.missed, world.runner.troubles) == (0, 0, 0)
    assert world.trader.mind.book.account[0].balance == world.local.account("me").wallet_atoms


@pytest.mark.parametrize("venue", [PAPER, *GATEWAYS])
def test_dying_at_any_point_changes_nothing(days, venue):
    act = replace(days, venue=venue, to_ms=int(days.market.ts_ms[1440]))
    deaths = random.Random(5).sample(range(1, POINTS * len(act.bars)), 12)
    world = World(act, deaths=deaths).run()
    assert world.restarts == len(deaths)
    assert lived(world) == predicted(act)


def test_dying_with_a_journal_in_a_file_changes_nothing(days, tmp_path):
    end_ms = int(days.market.ts_ms[720])
    act = replace(days, venue="binance_usdm", to_ms=end_ms)
    wanted = predicted(act)
    deaths = random.Random(6).sample(range(1, POINTS * len(act.bars)), 12)
    journal = open_journal(
        f"sqlite:///{tmp_path / 'journal.db'}",
        account=act.account,
        create=True,
        now_ms=int(act.market.ts_ms[0]),
    )
    try:
        world = World(act, journal, deaths=deaths).run()
        assert world.restarts == len(deaths)
        assert (lived(world), len(booked(world))) == (wanted, wanted.fills)
        journal.verify()
    finally:
        journal.close()
