"""The fault campaign: seeds, each a random subset of faults over simulated minutes, then none, and everything right.

A run of seeds is kept line by line in one file: it can be stopped at any time, and goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures import FIRST_COMPLETED
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import Verdict, tried
from mastertrading.domain.errors import ConfigError
from mastertrading.app.campaign.invariants import Violation
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


def story_of(seed: int, minutes: int = 40, calm_minutes: int = 20, among: Sequence[str] = AMONG) -> Story:
    """The story of a seed: its venue, its prices, its faults with their parameters, rates and windows."""
    dice = Dice(f"campaign/{seed}")
    faults = []
    for key in dice.some_of(among, dice.whole(FEWEST, MOST)):
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
    minutes: int = 40
    calm_minutes: int = 20
    workers: int = 1
    folder: Path | None = None
    only: tuple[str, ...] = ()

    def story(self, seed: int) -> Story:
        """Of one seed."""
        return story_of(seed, self.minutes, self.calm_minutes, self.only or AMONG)

    @property
    def shape(self) -> dict[str, Any]:
        """What a result depends on besides its seed."""
        return {"minutes": self.minutes, "calm": self.calm_minutes, "only": list(self.only)}


def campaign(wanted: Wanted, advance: Callable[[int], None] = lambda done: None) -> list[Verdict]:
    """Try every seed; those that a folder has already are not tried again.

    Raises
    ------
    ConfigError
        If the folder holds another campaign.
    """
    verdicts = {one.seed: one for one in kept(wanted)}
    seeds = range(wanted.first, wanted.first + wanted.count)
    left = [seed for seed in seeds if seed not in verdicts]
    advance(wanted.count - len(left))
    for verdict in _tried(wanted, left):
        verdicts[verdict.seed] = verdict
        keep(wanted, verdict)
        advance(sum(seed in verdicts for seed in seeds))
    return [verdicts[seed] for seed in seeds]


def _tried(wanted: Wanted, seeds: Sequence[int]) -> Iterator[Verdict]:
    if wanted.workers == 1:
        yield from (tried(wanted.story(seed)) for seed in seeds)
        return
    with ProcessPoolExecutor(wanted.workers) as pool:
        waiting = iter(seeds)
        running = {pool.submit(_one, wanted, seed) for seed, _ in zip(waiting, range(2 * wanted.workers))}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_one, wanted, seed) for seed, _ in zip(waiting, done)}
            for future in done:
                yield future.result()


def _one(wanted: Wanted, seed: int) -> Verdict:
    return tried(wanted.story(seed))


# -------------------------------------------------------------------- what is kept
def _file(wanted: Wanted) -> Path | None:
    return None if wanted.folder is None else wanted.folder / "verdicts.jsonl"


def kept(wanted: Wanted) -> list[Verdict]:
    """What an earlier run of the same campaign has left."""
    path = _file(wanted)
    if path is None or not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or json.loads(lines[0]) != wanted.shape:
        raise ConfigError(f"{path} holds another campaign", hint="another --out, or the options it was begun with")
    return [verdict for line in lines[1:] if (verdict := _read(line)) is not None]


def keep(wanted: Wanted, verdict: Verdict) -> None:
    """Write one down, at once."""
    path = _file(wanted)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    begins = not path.is_file()
    with path.open("a", encoding="utf-8") as file:
        if begins:
            file.write(json.dumps(wanted.shape) + "\n")
        file.write(json.dumps(verdict.plain()) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _read(line: str) -> Verdict | None:
    """A line; None: the last one was cut off."""
    try:
        told: Mapping[str, Any] = json.loads(line)
    except ValueError:
        return None
    return replace(Verdict(**told), violations=[Violation(*one) for one in told["violations"]])


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
