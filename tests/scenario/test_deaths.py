"""A sample of the crash campaign: every scenario, whole and with one of its deaths, another from one to the next."""

from __future__ import annotations

from zlib import crc32

import pytest

from mastertrading.app.campaign.crash import deaths_of
from mastertrading.app.campaign.invariants.recovery import CONVERGED_WITHIN
from mastertrading.app.campaign.scenarios import scenarios
from mastertrading.app.campaign.trial import Trial, tried


@pytest.mark.parametrize("story", scenarios(), ids=lambda story: story.name)
def test_killed_at_any_step_a_scenario_comes_right_within_three_rounds(story):
    whole = Trial(story)
    every = deaths_of(story, trial=whole)
    assert whole.verdict.violations == []
    death = every[crc32(story.name.encode()) % len(every)]
    verdict = tried(death)
    assert verdict.violations == [], death.name
    assert (verdict.deaths, verdict.lives, verdict.never) == (1, 2, 0), death.name
    assert max(verdict.starts, default=0) <= CONVERGED_WITHIN, death.name
