"""Equalities 3, 4 and 5: paper is the backtest, live is paper, and who was stopped and started never was."""

from __future__ import annotations

import random

import pytest

from parity.lived import GATEWAYS, PAPER, Life, busy, wanted
from parity.scenes import recorded
from parity.whole import replayed


@pytest.fixture(scope="module")
def days():
    """Two days of decisions on three recorded instruments, and what a backtest made of them."""
    scene = busy(recorded(("BTCUSDT", "ETHUSDT", "SOLUSDT"), hours=56))
    run = replayed(scene)
    assert len(wanted(run)) > 40
    return scene, run


@pytest.mark.parametrize("venue", [PAPER, *GATEWAYS])
def test_what_fills_is_what_the_backtest_filled(days, venue):
    scene, run = days
    life = Life(scene, venue).run()
    assert life.fills() == wanted(run)
    assert life.trader.mind.book.account[0].balance == life.account.wallet_atoms


@pytest.mark.parametrize("venue", [PAPER, *GATEWAYS])
def test_dying_at_any_bar_changes_nothing(days, venue):
    scene, run = days
    points = 4 * (scene.stop - scene.start)
    deaths = random.Random(5).sample(range(points), 12)
    life = Life(scene, venue, deaths).run()
    assert life.restarts == len(deaths)
    assert life.fills() == wanted(run)
