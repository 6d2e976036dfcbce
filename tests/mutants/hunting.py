"""Mutants of the live cycle: each is a patch with a bug that people have paid for, and an invariant must catch it.

::

    python tests/mutants/hunting.py            # all of them; a minute each at most
    python tests/mutants/hunting.py thaw-early

The unchanged code lives through the same stories without a word. An exception is no catch.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIVE = Path("src/mastertrading/live")
PATCHES = ROOT / "tests" / "mutants"
NO_CATCH = frozenset({"L4"})
"""The process ended by an error: a bug that shows itself proves nothing about the invariants."""
SEEDS = (7, 10, 17, 20, 21, 22, 23)
SHORT = {"minutes": 8, "calm_minutes": 3}


def stories() -> Iterator[object]:
    """What every mutant has to live through, quick ones first."""
    from mastertrading.app.campaign.doors import MOMENTS
    from mastertrading.app.campaign.faults import story_of
    from mastertrading.app.campaign.scenarios import scenarios
    from mastertrading.app.campaign.story import Kill, Story
    from mastertrading.app.campaign.trial import Trial

    yield Story(name="calm (paper)", venue="paper", seed=1, **SHORT)
    every = {story.name: story for story in scenarios()}
    yield from (story for name, story in every.items() if name not in HARD)
    for name in ("two at once (paper)", "flip (bybit_linear)"):
        trial = Trial(every[name])
        trial.run()
        changing = [one for one in trial.world.fate.steps[: trial.world.rest_step] if one.kind != "read"]
        placing = [one for one in changing if one.name == "place"]
        for step in (*placing, *changing[::13]):
            for moment in MOMENTS[step.kind]:
                kills = (Kill(step.number, moment.value),)
                yield replace(every[name], name=f"{name}: {step.number} {moment}", kills=kills)
    yield Story(name="an hour (bybit_linear)", venue="bybit_linear", seed=2, minutes=40, calm_minutes=20)
    yield from (story_of(seed) for seed in SEEDS)


HARD = frozenset(
    {
        "deleveraged (binance_usdm)",
        "liquidated in part (binance_usdm)",
        "entry without a reply (binance_usdm)",
        "entry of unknown outcome (binance_usdm)",
        "reads lag (bybit_linear)",
        "no positions seen (binance_usdm)",
        "no positions seen (bybit_linear)",
    }
)
"""Scenarios in which the unchanged code still breaks something: they prove nothing about a mutant."""


def caught_by(only_first: bool = True) -> tuple[str, str, set[str]]:
    """In this process: which invariant speaks first, in which story, and what else was seen."""
    from mastertrading.app.campaign.trial import tried

    seen: set[str] = set()
    for story in stories():
        found = [one.invariant for one in tried(story).violations]
        seen.update(found)
        caught = [one for one in found if one not in NO_CATCH]
        if caught and only_first:
            return caught[0], story.name, set(found)
    return "", "", seen


def patches() -> list[Path]:
    """Every mutant."""
    return sorted(PATCHES.glob("*.patch"))


def expected(patch: Path) -> str:
    """The invariant that is meant to catch it."""
    lines = patch.read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("Caught-by: ") for line in lines if line.startswith("Caught-by: "))


def applied(patch: Path, folder: Path) -> None:
    """Copy the live cycle and change it."""
    shutil.copytree(ROOT / LIVE, folder / LIVE, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        ["git", "apply", "--unsafe-paths", f"--directory={folder}", str(patch)],
        check=True, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


def hunted(patch: Path | None) -> dict[str, object]:
    """Let a mutant (None: the unchanged code) live; what caught it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if patch is not None:
            applied(patch, folder)
        live = (folder if patch is not None else ROOT) / LIVE
        run = subprocess.run(
            [sys.executable, __file__, "--inside"],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "LIVE": str(live)},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
    if run.returncode != 0:
        return {"caught": "", "story": "", "seen": [], "error": run.stderr[-500:]}
    told: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return told


def main(names: list[str]) -> int:
    """Hunt the mutants named, or all of them; 1 if one survives."""
    chosen = [one for one in patches() if not names or one.stem in names]
    survivors = []
    with ThreadPoolExecutor(int(os.environ.get("WORKERS", "1"))) as pool:
        for patch, told in zip(chosen, pool.map(hunted, chosen), strict=True):
            if not told["caught"]:
                survivors.append(patch.stem)
            print(
                f"{patch.stem:<26} meant for {expected(patch):<4} caught by {told['caught'] or '-':<4}"
                f" in {told['story']} {told.get('error', '')}",
                flush=True,
            )
    print(
        f"{len(chosen) - len(survivors)} of {len(chosen)} caught; survivors: {', '.join(survivors) or 'none'}"
    )
    return int(bool(survivors))


if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        import mastertrading.live

        mastertrading.live.__path__[:] = [os.environ["LIVE"]]  # all else stays where it is compiled already
        first, where, others = caught_by()
        print(json.dumps({"caught": first, "story": where, "seen": sorted(others)}))
    elif sys.argv[1:] == ["--unchanged"]:
        print(hunted(None))
    else:
        raise SystemExit(main(sys.argv[1:]))
