"""The fault campaign: seeds, each a random subset of faults over simulated minutes, then none, and everything right.

A run of seeds is kept line by line in one file: it can be stopped at any time, and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.coverage import NOT_TRIED
from mastertrading.app.campaign.sheet import Sheet, tried_all
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import Verdict
from mastertrading.simulator.faults.catalogue import CATALOGUE
from mastertrading.simulator.faults.dice import Dice

ON_STREAMS = ("N10", "N11", "N12", "N13", "N14", "X33", *(key for key in CATALOGUE if key.startswith("D")))
"""They act on streams and on market data: on those who live by them."""
AMONG = tuple(key for key in CATALOGUE if key not in ON_STREAMS)
EVERYWHERE = tuple(key for key in (*AMONG, *ON_STREAMS) if key not in NOT_TRIED)
"""All that a campaign draws from."""
STREAMED = 5
"""Every so many seeds, one lives by its streams; the others are told bars and news, and spend no time on frames."""
WHOLE_LINKS = frozenset({"N10", "N11"})
"""They befall a connection or not, once: where they are drawn, they do."""
LONG = (50, 14)
"""Of the seeds that live by their streams a few last until funding is charged: every so many-th, counted from."""
LONGER_MINUTES = 20
FEWEST, MOST = 4, 9
FEWEST_STREAMED, MOST_STREAMED = 2, 5
LONGEST_SHARE = 0.35
"""Of the minutes with faults: how long one may act."""
VENUES = ("binance_usdm", "bybit_linear")


def story_of(seed: int, minutes: int = 15, calm_minutes: int = 5, among: Sequence[str] = EVERYWHERE) -> Story:
    """The story of a seed: its venue, its prices, its faults with their parameters, rates and windows."""
    dice = Dice(f"campaign/{seed}")
    felt = set(among) - set(ON_STREAMS)
    if seed % LONG[0] == LONG[1]:
        minutes += LONGER_MINUTES
    streams = seed % STREAMED == STREAMED - 1 or not felt
    faults = []
    for key in _chosen(dice, among, streams):
        row: dict[str, Any] = {name: dice.one_of(options) for name, options in CATALOGUE[key].choices.items()}
        row["id"], row["seed"] = key, dice.whole(0, 1 << 31)
        row["after_s"] = dice.whole(60, 60 * minutes - 60)
        row["for_s"] = dice.whole(30, max(60, round(60 * minutes * LONGEST_SHARE)))
        row["for_s"] = min(row["for_s"], 60 * minutes - row["after_s"])
        if CATALOGUE[key].where != "exchange" and key not in WHOLE_LINKS:
            row["chance"] = round(dice.between(0.05, 0.6), 3)
        faults.append(row)
    return Story(
        name=f"seed {seed}",
        venue=dice.one_of(VENUES),
        seed=seed,
        minutes=minutes,
        calm_minutes=calm_minutes,
        faults=tuple(faults),
        streams=streams,
    )


def _chosen(dice: Dice, among: Sequence[str], streams: bool) -> list[str]:
    """The faults of a seed: some, and some more of those that only streams feel."""
    felt = [key for key in among if key not in ON_STREAMS]
    chosen = dice.some_of(felt, dice.whole(min(FEWEST, len(felt)), min(MOST, len(felt))))
    if streams:
        more = [key for key in among if key in ON_STREAMS]
        fewest, most = (min(bound, len(more)) for bound in (FEWEST_STREAMED, MOST_STREAMED))
        chosen = [*chosen, *dice.some_of(more, dice.whole(fewest, most))]
    return list(chosen)


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
        return story_of(seed, self.minutes, self.calm_minutes, self.only or EVERYWHERE)

    @property
    def shape(self) -> dict[str, Any]:
        """What a result depends on besides its seed."""
        return {
            "campaign": "faults",
            "minutes": self.minutes,
            "calm": self.calm_minutes,
            "only": list(self.only),
        }


def campaign(wanted: Wanted, advance: Callable[[int], None] = lambda done: None) -> Iterable[Verdict]:
    """Try every seed; those that a folder has already are not tried again. The verdicts are read once, one by one.

    Raises
    ------
    ConfigError
        If the folder holds another campaign, or results of other code.
    """
    stories = [wanted.story(seed) for seed in range(wanted.first, wanted.first + wanted.count)]
    sheet = Sheet(wanted.folder, wanted.shape)
    tried_all(stories, sheet, wanted.workers, advance)
    return sheet.verdicts(story.name for story in stories)
