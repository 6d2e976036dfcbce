"""The crash campaign: every scenario killed at every numbered step and moment, started again, and judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.doors import MOMENTS, Moment
from mastertrading.app.campaign.report import share
from mastertrading.app.campaign.scenarios import scenarios
from mastertrading.app.campaign.sheet import Sheet, tried_all
from mastertrading.app.campaign.story import Kill, Story
from mastertrading.app.campaign.trial import Trial, Verdict
from mastertrading.domain.errors import UsageError

AGAIN = (2, 5, 9)
"""Steps of the second life at which it dies, too."""
NAMED = re.compile(r"(?P<scenario>.+): (?P<step>\d+) [^,]*, (?P<moment>[a-z ]+?)(?:, again (?P<again>\d+))?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scenarios (part of their names), every how many deaths, by how many processes, kept where."""

    named: str = ""
    every: int = 1
    workers: int = 1
    folder: Path | None = None
    twice: bool = False
    journal: str = "memory"

    def scenarios(self) -> list[Story]:
        """Those that are meant."""
        return [replace(one, journal=self.journal) for one in scenarios() if self.named in one.name]

    @property
    def shape(self) -> dict[str, Any]:
        """What a result depends on besides its death."""
        return {
            "campaign": "crash",
            "named": self.named,
            "every": self.every,
            "twice": self.twice,
            "journal": self.journal,
        }


def deaths_of(story: Story, twice: bool = False, trial: Trial | None = None) -> list[Story]:
    """The story with each death that it can have; ``twice``: and again at the n-th step of the second life.

    ``trial``: who lives it once, to count its steps.
    """
    trial = trial or Trial(story)
    trial.run()
    steps = trial.world.steps[: trial.world.rest_step]
    made = []
    for step in steps:
        for moment in MOMENTS[step.kind]:
            name = f"{story.name}: {step.number} {step.name}, {moment}"
            made.append(replace(story, name=name, kills=(Kill(step.number, moment.value),)))
    if not twice:
        return made
    return [_again(one, n) for one in made for n in AGAIN]


def _again(death: Story, n: int) -> Story:
    second = Kill(death.kills[0].step + n, Moment.BEFORE.value)
    return replace(death, name=f"{death.name}, again {n}", kills=(*death.kills, second))


def death_named(name: str, journal: str = "memory") -> Story:
    """One death, by the name that the campaign has told it under.

    Raises
    ------
    UsageError
        If no scenario can die so.
    """
    found = NAMED.fullmatch(name)
    story = next((one for one in scenarios() if found and one.name == found["scenario"]), None)
    if found is None or story is None or found["moment"] not in set(Moment):
        raise UsageError(
            f"no scenario dies of {name!r}",
            why="a death is 'long, stopped (paper): 43 place, after send'",
            hint="mastertrading campaign crash --list",
        )
    death = replace(story, name=name, journal=journal, kills=(Kill(int(found["step"]), found["moment"]),))
    return death if found["again"] is None else replace(_again(death, int(found["again"])), name=name)


def campaign(
    wanted: Wanted, advance: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Story], Iterable[Verdict]]:
    """Every death of every scenario, or a sample of them."""
    every = [death for one in wanted.scenarios() for death in deaths_of(one, wanted.twice)]
    stories = every[:: wanted.every]
    sheet = Sheet(wanted.folder, wanted.shape)
    tried_all(stories, sheet, wanted.workers, lambda done: advance(done, len(stories)))
    return stories, list(sheet.verdicts(story.name for story in stories))


def deaths_in_figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What is reported of deaths: how many of each moment, how quickly the next process agreed, what failed."""
    tried, failed = Counter[str](), Counter[str]()
    for one in verdicts:
        for moment in {died.rpartition(", ")[2] for died in one.died}:
            tried[moment] += 1
            failed[moment] += not one.is_good
    rounds = [n for one in verdicts for n in one.starts]
    return {
        "scenarios": len({one.key.partition(":")[0] for one in verdicts}),
        "moments": {moment: {"deaths": n, "failing": failed[moment]} for moment, n in sorted(tried.items())},
        "rounds": {
            "p50": share(rounds, 0.5),
            "p99": share(rounds, 0.99),
            "max": max(rounds, default=0),
            "starts": len(rounds),
            "never": sum(one.never for one in verdicts),
        },
        "failing": [
            {"death": one.key, "invariant": broken.invariant, "detail": broken.detail}
            for one in verdicts
            for broken in one.violations
        ],
    }
