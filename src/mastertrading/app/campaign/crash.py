"""The crash campaign: every scenario killed at every numbered step and moment, started again, and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.doors import MOMENTS
from mastertrading.app.campaign.scenarios import scenarios
from mastertrading.app.campaign.sheet import Sheet, tried_all
from mastertrading.app.campaign.story import Kill, Story
from mastertrading.app.campaign.trial import Trial, Verdict


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which scenarios (part of their names), every how many deaths, by how many processes, kept where."""

    named: str = ""
    every: int = 1
    workers: int = 1
    folder: Path | None = None
    twice: bool = False


def deaths_of(story: Story, twice: bool = False) -> list[Story]:
    """The story with each death that it can have; ``twice``: and again at the n-th step of the second life."""
    trial = Trial(story)
    trial.run()
    steps = trial.world.fate.steps[: trial.world.rest_step]
    made = []
    for step in steps:
        for moment in MOMENTS[step.kind]:
            name = f"{story.name}: {step.number} {step.name}, {moment}"
            made.append(replace(story, name=name, kills=(Kill(step.number, moment.value),)))
    if not twice:
        return made
    return [
        replace(one, name=f"{one.name}, again {n}", kills=(*one.kills, Kill(one.kills[0].step + n, "before")))
        for one in made
        for n in (2, 5, 9)
    ]


def campaign(
    wanted: Wanted, advance: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Story], list[Verdict]]:
    """Every death of every scenario, or a sample of them."""
    chosen: Sequence[Story] = [one for one in scenarios() if wanted.named in one.name]
    every = [death for one in chosen for death in deaths_of(one, wanted.twice)]
    stories = every[:: wanted.every]
    shape: dict[str, Any] = {
        "campaign": "crash",
        "named": wanted.named,
        "every": wanted.every,
        "twice": wanted.twice,
    }
    sheet = Sheet(wanted.folder, shape)
    tried_all(stories, sheet, wanted.workers, lambda done: advance(done, len(stories)))
    return stories, list(sheet.verdicts(story.name for story in stories))
