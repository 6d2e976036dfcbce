"""Stories in which mutants are hunted. The unchanged code lives through each without a word, or it proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from mastertrading.app.campaign.doors import MOMENTS, Moment
from mastertrading.app.campaign.faults import story_of
from mastertrading.app.campaign.scenarios import BTC, LONG, STILL, scenarios
from mastertrading.app.campaign.story import Kill, Story
from mastertrading.app.campaign.trial import Trial

SEEDS = range(60)
DYING = (
    "two at once (paper)",
    "flip (bybit_linear)",
    "long, stopped (binance_usdm)",
    "stop follows (bybit_linear)",
)
CHANGES = ("write", "command")
WIRED = ("binance_usdm", "bybit_linear")
QUIET = (*STILL, 0.0005, -0.0005, 0.0005, -0.0005, 0.0)
ENTRY = {"kinds": ["place"], "nth": [1]}


def _short(name: str, venue: str, *faults: dict[str, object], **more: object) -> Story:
    told = {
        "said": {BTC: LONG},
        "path": QUIET,
        "minutes": len(more.get("path", QUIET)) - 1,
        "calm_minutes": 1,
        "wild": 0.0003,
    }
    return Story(name=f"{name} ({venue})", venue=venue, faults=faults, **{**told, **more})  # type: ignore[arg-type]


def hand_made() -> Iterator[Story]:
    """What no scenario has: each is about one thing that a bug makes of it."""
    for venue in WIRED:
        yield _short("blind for a moment", venue, {"id": "X08", "after_s": 200, "for_s": 5})
        yield _short("blind, then stopped", venue, {"id": "X08", "after_s": 200, "for_s": 9})
        again = {BTC: {1: 0.9, 2: 0.9, 3: 0.9}}
        lost = {"id": "N05", **ENTRY}
        for key in ("N16", "N04"):
            unfound = {
                "id": key,
                "kinds": ["order", "order_history"],
                "after_s": 115,
                "for_s": 130,
            }
            yield _short(f"an entry that cannot be looked for, {key}", venue, lost, unfound, said=again)
            silent = {"id": "N06", **ENTRY}
            yield _short(
                f"an entry without a reply that cannot be looked for, {key}",
                venue,
                silent,
                unfound,
                said=again,
            )
        parts = {"id": "X18", "after_s": 60, "for_s": 240}
        rising = (*STILL, 0.004, 0.004, 0.004, 0.002, 0.0)
        yield _short("filled in parts", venue, parts)
        yield _short("filled in parts, rising", venue, parts, path=rising)
        yield _short("liquidated in halves", venue, {"id": "X20", "share": 0.5, "after_s": 150, "for_s": 100})
        yield _short(
            "gone by another hand", venue, {"id": "X22", "what": "position", "after_s": 200, "for_s": 60}
        )
        yield _short("gone by deleveraging", venue, {"id": "X21", "after_s": 200, "for_s": 60})
        yield _short(
            "entries refused",
            venue,
            {"id": "X17", "word": "band", "kinds": ["place"], "after_s": 60, "for_s": 300},
        )
        thin = {"volume_share": 1e-6, "volumes": (4e6, 4e6, 4e6, *(3e5,) * 12)}
        yield _short("limits filled in parts", venue, path=(*STILL, 0.004, 0.004, *(0.0005,) * 6), **thin)
        once = {"rules": {"flat_ends_reduce_only": False}, "overrides": {"allocation.ttl_seconds": 60}}
        yield _short("stopped, and orders stay", venue, path=(*STILL, -0.004, -0.004, 0.0, 0.0, 0.0), **once)
        yield _short("across a settlement", venue, path=(0.0,) * 34, minutes=33, said={BTC: {26: 0.9}})


@cache
def by_name() -> dict[str, Callable[[], Story]]:
    """Every story by its name, quick ones first; made when it is asked for."""
    found: dict[str, Callable[[], Story]] = {}
    for venue in ("paper", *WIRED):
        calm = Story(name=f"calm ({venue})", venue=venue, seed=1, minutes=8, calm_minutes=3)
        found[calm.name] = lambda story=calm: story  # type: ignore[misc]
    every = {story.name: story for story in scenarios()}
    for story in (*every.values(), *hand_made()):
        found[story.name] = lambda story=story: story  # type: ignore[misc]
    for name in DYING:
        for what in ("place", "cancel", "commit_cycle", "mark sent", "prepare"):
            for n in (1, 2, 3):
                kind = "command" if what in ("place", "cancel") else "write"
                for moment in MOMENTS[kind]:
                    found[f"{name}, dies {moment} {what} {n}"] = (
                        lambda story=every[name], what=what, n=n, moment=moment: _dying(
                            story, what, n, moment
                        )  # type: ignore[misc]
                    )
    hour = Story(name="an hour (bybit_linear)", venue="bybit_linear", seed=2, minutes=40, calm_minutes=20)
    found[hour.name] = lambda: hour
    for seed in SEEDS:
        found[f"seed {seed}"] = lambda seed=seed: story_of(seed)  # type: ignore[misc]
    return found


def _dying(story: Story, what: str, n: int, moment: Moment) -> Story:
    """The story with a death at the n-th step of a name; without one if there is none."""
    steps = [one for one in _steps(story.name) if one.name == what]
    kills = (Kill(steps[n - 1].number, moment.value),) if len(steps) >= n else ()
    return replace(story, name=f"{story.name}, dies {moment} {what} {n}", kills=kills)


@cache
def _steps(name: str) -> list[object]:
    story = next(one for one in scenarios() if one.name == name)
    trial = Trial(story)
    trial.run()
    return list(trial.world.fate.steps[: trial.world.rest_step])
