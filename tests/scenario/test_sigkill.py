"""A real process, trading over sockets with its books in a file, is killed by SIGKILL; the next one goes on from there.

Each death is judged by the same invariants as those of the crash campaign.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from mastertrading.app.campaign.crash import deaths_of
from mastertrading.app.campaign.doors import Moment
from mastertrading.app.campaign.killed import nursery, trial_of
from mastertrading.app.campaign.scenarios import scenarios

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

VENUES = ("binance_usdm", "bybit_linear")
DEATHS = (
    ("mark sent", Moment.COMMITTED),
    ("place", Moment.SENT),
    ("place", Moment.REPLIED),
    ("mark ack", Moment.BEFORE),
    ("fills", Moment.BEFORE),
    ("commit_cycle", Moment.COMMITTED),
)
"""Around the entry: after it was written, sent, answered and filled, and before and after it was booked."""


@pytest.fixture(scope="module")
def processes():
    with nursery() as made:
        yield made


def story_of(venue):
    """In at the second minute, stopped out in the third."""
    story = next(one for one in scenarios() if one.name == f"long, stopped ({venue})")
    path = (0.0, -0.005, 0.0)
    return replace(story, minutes=2, calm_minutes=1, said={"BTCUSDT": {0: 0.9}}, path=path)


@pytest.fixture(scope="module", params=VENUES)
def every_death(request, processes):
    story = story_of(request.param)
    trial = trial_of(story, processes)
    made = deaths_of(story, trial=trial)
    assert trial.verdict.is_good, trial.verdict.violations
    assert trial.verdict.lives == 1
    assert trial.verdict.fills >= 2
    return made


@pytest.mark.parametrize("death", DEATHS, ids=lambda one: f"{one[0]}, {one[1]}")
def test_a_killed_process_leaves_nothing_twice_nothing_lost_and_nothing_unprotected(
    death, every_death, processes
):
    name, moment = death
    first_place = next(n for n, one in enumerate(every_death) if ": " in one.name and " place, " in one.name)
    around = every_death[first_place - 3 :]
    story = next(one for one in around if one.name.endswith(f" {name}, {moment}"))
    verdict = trial_of(story, processes).run()
    assert verdict.violations == []
    assert (verdict.lives, verdict.deaths, verdict.failures) == (2, 1, 0)
    assert max(verdict.starts) <= 3
