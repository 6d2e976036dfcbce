"""Mutants of the live cycle: each is a patch with a bug that people have paid for, and an invariant must catch it.

::

    python tests/mutants/hunting.py                 # each in the story that its patch names; what the suite does
    python tests/mutants/hunting.py thaw-early
    python tests/mutants/hunting.py --search NAME   # through all stories, until one catches it; --note writes it down

The unchanged code lives through the same stories without a word. An exception is no catch. A mutant lives in a child
of this process, which has everything compiled: only the live cycle, and who imports it, is imported anew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIVE = Path("src/mastertrading/live")
PATCHES = ROOT / "tests" / "mutants"
NO_CATCH = frozenset({"L4"})
"""The process ended by an error: a bug that shows itself proves nothing about the invariants."""
IMPORTED_ANEW = ("mastertrading.live", "mastertrading.app")
CAUGHT_BY, CAUGHT_IN = "Caught-by: ", "Caught-in: "
LONGEST_S = 20.0


# -------------------------------------------------------------------- patches
def patches() -> list[Path]:
    """Every mutant."""
    return sorted(PATCHES.glob("*.patch"))


def _told(patch: Path, word: str) -> str:
    lines = patch.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix(word) for line in lines if line.startswith(word)), "")


def expected(patch: Path) -> str:
    """The invariant that is meant to catch it."""
    return _told(patch, CAUGHT_BY)


def ground(patch: Path) -> str:
    """The story in which it is caught."""
    return _told(patch, CAUGHT_IN)


def note(patch: Path, invariant: str, story: str) -> None:
    """Write down who catches it, and where."""
    lines = patch.read_text(encoding="utf-8").splitlines(keepends=True)
    rest = [line for line in lines if not line.startswith((CAUGHT_BY, CAUGHT_IN))]
    at = next(n for n, line in enumerate(rest) if not line.strip()) + 1
    rest[at:at] = [f"{CAUGHT_BY}{invariant}\n", f"{CAUGHT_IN}{story}\n"]
    patch.write_text("".join(rest), encoding="utf-8")


def applied(patch: Path, folder: Path) -> None:
    """Copy the live cycle and change it."""
    shutil.copytree(ROOT / LIVE, folder / LIVE, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        ["git", "apply", "--unsafe-paths", f"--directory={folder}", str(patch)],
        check=True, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


# -------------------------------------------------------------------- lives
@cache
def unchanged(name: str) -> tuple[str, ...]:
    """What the unchanged code breaks in a story."""
    from mastertrading.app.campaign.trial import tried
    from mutants.grounds import by_name

    return tuple(one.invariant for one in tried(by_name()[name]()).violations)


def hunted(patch: Path, names: Iterable[str]) -> dict[str, Any]:
    """Let a mutant live through stories until one catches it: by what, and where."""
    from mutants.grounds import by_name

    stories = by_name()
    for name in names:
        broken = _broken(patch, stories[name]())
        catches = [one for one in broken if one not in NO_CATCH and " " not in one]
        if catches and not unchanged(name):
            by = expected(patch) if expected(patch) in catches else catches[0]
            return {"mutant": patch.stem, "story": name, "caught": by, "seen": sorted(set(broken))}
    return {"mutant": patch.stem, "story": "", "caught": "", "seen": []}


def _broken(patch: Path, story: Any) -> list[str]:
    """What a mutant breaks in a story, in a child of this process."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as name:
        applied(patch, Path(name))
        child = context.Process(target=_live, args=(there, Path(name) / LIVE, story))
        child.start()
        there.close()
        try:
            found: list[str] = here.recv() if here.poll(LONGEST_S) else [f"nothing in {LONGEST_S:g} s"]
        except EOFError:
            found = []
        child.kill()
        child.join()
        here.close()
    return found


def _live(pipe: Any, live: Path, story: Any) -> None:
    for name in [name for name in sys.modules if name.startswith(IMPORTED_ANEW)]:
        del sys.modules[name]
    import mastertrading.live

    mastertrading.live.__path__[:] = [str(live)]  # all else stays where it is compiled already
    from mastertrading.app.campaign.trial import tried

    pipe.send([one.invariant for one in tried(story).violations])


# -------------------------------------------------------------------- by hand
def main(words: Sequence[str]) -> int:
    """Hunt the mutants named, or all of them; 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--note", action="store_true")
    parser.add_argument("--part", default="0/1")
    args = parser.parse_args(words)
    part, parts = map(int, args.part.split("/"))
    from mastertrading.app.campaign.sheet import be_quiet
    from mutants.grounds import by_name

    be_quiet()
    survivors = 0
    for patch in [one for one in patches() if not args.names or one.stem in args.names][part::parts]:
        known = [ground(patch)] if ground(patch) in by_name() else []
        told = hunted(patch, [*known, *by_name()] if args.search else known)
        survivors += not told["caught"]
        if args.note and told["caught"]:
            note(patch, told["caught"], told["story"])
        print(json.dumps(told), flush=True)
    return int(bool(survivors))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    raise SystemExit(main(sys.argv[1:]))
