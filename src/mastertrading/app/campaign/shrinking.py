"""A failing story made small: what is not needed for the same invariant to break is taken away, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import tried

MINUTES = (3, 5, 8, 12)
SHORTEST_CALM = 1
MOST_TRIALS = 120
"""Of one story; what is small by then is small enough."""


def breaks(story: Story, invariant: str) -> bool:
    """Whether the invariant breaks in a story."""
    return any(violation.invariant == invariant for violation in tried(story).violations)


def shrunk(story: Story, invariant: str, tell: Callable[[str], None] = lambda text: None) -> Story:
    """The smallest story found in which the same invariant breaks; the story itself if it breaks nothing.

    Fewer faults first, halves before single ones; then fewer instruments and minutes, bars from the tape in place of
    streams, and shorter faults; and all of that again until nothing is left to take away.
    """
    left = MOST_TRIALS

    def is_as_bad(one: Story) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and breaks(one, invariant)

    if not is_as_bad(story):
        return story
    found = True
    while found and left > 0:
        found = False
        for smaller in _smaller(story):
            if is_as_bad(smaller):
                story, found = smaller, True
                tell(f"{len(story.faults)} faults, {story.minutes} min, {len(story.symbols)} instruments")
                break
    return replace(story, name=f"{story.name}, {invariant}")


def _smaller(story: Story) -> Iterator[Story]:
    """Everything that has one thing less, large things first."""
    count = len(story.faults)
    if count >= 4:
        yield replace(story, faults=story.faults[: count // 2])
        yield replace(story, faults=story.faults[count // 2 :])
    yield from (story.without_fault(n) for n in range(count))
    yield from (replace(story, kills=story.kills[:n] + story.kills[n + 1 :]) for n in range(len(story.kills)))
    yield from _shorter(story)
    if len(story.symbols) > 1:
        yield from (replace(story, symbols=(symbol,)) for symbol in story.symbols)
    if story.streams:
        yield replace(story, streams=False)
    for n, row in enumerate(story.faults):
        if float(row.get("for_s", 0)) > 60:
            shorter = {**row, "for_s": round(float(row["for_s"]) / 2)}
            yield replace(story, faults=(*story.faults[:n], shorter, *story.faults[n + 1 :]))


def _shorter(story: Story) -> Iterator[Story]:
    ends_s = max((float(row.get("after_s", 0)) for row in story.faults), default=0.0)
    for minutes in MINUTES:
        if ends_s < 60 * minutes < 60 * story.minutes:
            yield replace(story, minutes=minutes, faults=_within(story, minutes))
    if story.calm_minutes > SHORTEST_CALM:
        yield replace(story, calm_minutes=SHORTEST_CALM)


def _within(story: Story, minutes: int) -> tuple[dict[str, object], ...]:
    """The faults, none of which ends after the minutes in which they may act."""
    rows = []
    for row in story.faults:
        made = dict(row)
        if "for_s" in made:
            made["for_s"] = min(made["for_s"], 60 * minutes - made.get("after_s", 0))
        rows.append(made)
    return tuple(rows)
