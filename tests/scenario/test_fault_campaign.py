"""Seeds of the fault campaign: no invariant breaks, and those that would are told with what replays them.

In parts, so that they run beside each other. How many there are is what passes today; all of them, and more, are one
command: ``mastertrading campaign faults --seeds 500 --workers 2``.
"""

from __future__ import annotations

import pytest

from mastertrading.app.campaign.faults import story_of
from mastertrading.app.campaign.trial import tried

FIRST, SEEDS, PART = 500, 20, 10
"""The first seed, how many, and how many in one test."""


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PART))
def test_nothing_breaks_whatever_goes_wrong(first):
    broken = {}
    for seed in range(first, first + PART):
        found = sorted({one.invariant for one in tried(story_of(seed)).violations})
        if found:
            broken[f"mastertrading campaign faults --seed {seed}"] = found
    assert not broken
