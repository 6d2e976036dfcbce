"""The fault campaign: seeds, each a random subset of faults over simulated minutes, then none, and everything right.

A run of seeds is kept line by line in one file: it can be stopped at any time, and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.sheet import Sheet, tried_all
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import Verdict, tried
from mastertrading.simulator.faults.catalogue import CATALOGUE
from mastertrading.simulator.faults.dice import Dice

MEANT_FOR_STREAMS = frozenset({"N10", "N11", "N12", "N13", "N14", "X33"})
"""They act on streams, which a trader of the campaign does not read: it looks on its own."""
MEANT_FOR_BARS = frozenset(key for key in CATALOGUE if key.startswith("D"))
"""They act on market data, which a trader of the campaign is given."""
AMONG = tuple(key for key in CATALOGUE if key not in MEANT_FOR_STREAMS | MEANT_FOR_BARS)
FEWEST, MOST = 4, 9
LONGEST_SHARE = 0.35
"""Of the minutes with faults: how long one may act."""
VENUES = ("binance_usdm", "bybit_linear")


def story_of(seed: int, minutes: int = 15, calm_minutes: int = 5, among: Sequence[str] = AMONG) -> Story:
    """The story of a seed: its venue, its prices, its faults with their parameters, rates and windows."""
    dice = Dice(f"campaign/{seed}")
    faults = []
    for key in dice.some_of(among, dice.whole(min(FEWEST, len(among)), min(MOST, len(among)))):
        row: dict[str, Any] = {name: dice.one_of(options) for name, options in CATALOGUE[key].choices.items()}
        row["id"], row["seed"] = key, dice.whole(0, 1 << 31)
        row["after_s"] = dice.whole(60, 60 * minutes - 60)
        row["for_s"] = dice.whole(30, max(60, round(60 * minutes * LONGEST_SHARE)))
        row["for_s"] = min(row["for_s"], 60 * minutes - row["after_s"])
        if CATALOGUE[key].where != "exchange":
            row["chance"] = round(dice.between(0.05, 0.6), 3)
        faults.append(row)
    return Story(
        name=f"seed {seed}",
        venue=dice.one_of(VENUES),
        seed=seed,
        minutes=minutes,
        calm_minutes=calm_minutes,
        faults=tuple(faults),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which seeds, how long each, and by how many processes. ``folder``: where results are kept; None: nowhere."""

    first: int = 0
    count: int = 100
    minutes: int = 15
    calm_minutes: int = 5
    workers: int = 1
    folder: Path | None = None
    only: tuple[str, ...] = ()

    def story(self, seed: int) -> Story:
        """Of one seed."""
        return story_of(seed, self.minutes, self.calm_minutes, self.only or AMONG)

    @property
    def shape(self) -> dict[str, Any]:
        """What a result depends on besides its seed."""
        return {
            "campaign": "faults",
            "minutes": self.minutes,
            "calm": self.calm_minutes,
            "only": list(self.only),
        }


def campaign(wanted: Wanted, advance: Callable[[int], None] = lambda done: None) -> list[Verdict]:
    """Try every seed; those that a folder has already are not tried again.

    Raises
    ------
    ConfigError
        If the folder holds another campaign.
    """
    stories = [wanted.story(seed) for seed in range(wanted.first, wanted.first + wanted.count)]
    return tried_all(stories, Sheet(wanted.folder, wanted.shape), wanted.workers, advance)


# -------------------------------------------------------------------- made small
def shrunk(story: Story, invariant: str, tell: Callable[[str], None] = lambda text: None) -> Story:
    """The smallest story found in which the same invariant breaks: fewer faults, then fewer minutes."""

    def breaks(one: Story) -> bool:
        return any(violation.invariant == invariant for violation in tried(one).violations)

    n = 0
    while n < len(story.faults):
        less = story.without_fault(n)
        if breaks(less):
            story = less
            tell(f"{len(story.faults)} faults")
        else:
            n += 1
    for minutes in (5, 10, 15, 20, 30):
        if minutes >= story.minutes:
            break
        shorter = replace(story, minutes=minutes, calm_minutes=min(story.calm_minutes, 5))
        if breaks(shorter):
            return replace(shorter, name=f"{story.name}, {invariant}")
    return replace(story, name=f"{story.name}, {invariant}")
