"""Many stories, by several processes, each result kept at once: a campaign can be stopped, and goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.invariants import Violation
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import Verdict, tried
from mastertrading.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file of results, a line each; the first line says what they depend on. ``folder``: None keeps nothing."""

    folder: Path | None
    shape: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """Of the file."""
        return (self.folder or Path()) / "verdicts.jsonl"

    def read(self) -> dict[str, Verdict]:
        """What is there, by the names of stories.

        Raises
        ------
        ConfigError
            If it belongs to another campaign.
        """
        if self.folder is None or not self.path.is_file():
            return {}
        lines = self.path.read_text(encoding="utf-8").splitlines()
        if not lines or _parsed(lines[0]) != self.shape:
            raise ConfigError(
                f"{self.path} holds another campaign", hint="another --out, or the options it was begun with"
            )
        found = [_verdict(told) for line in lines[1:] if (told := _parsed(line)) is not None]
        return {one.key: one for one in found}

    def write(self, verdict: Verdict) -> None:
        """Add one, durably."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        begins = not self.path.is_file()
        with self.path.open("a", encoding="utf-8") as file:
            if begins:
                file.write(json.dumps(self.shape) + "\n")
            file.write(json.dumps(verdict.plain()) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _parsed(line: str) -> dict[str, Any] | None:
    """A line; None: it was cut off."""
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return told


def _verdict(told: Mapping[str, Any]) -> Verdict:
    return replace(Verdict(**told), violations=[Violation(*one) for one in told["violations"]])


def tried_all(
    stories: Sequence[Story],
    sheet: Sheet,
    workers: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Verdict]:
    """Try every story that the sheet does not have yet; the verdicts in the stories' order."""
    verdicts = sheet.read()
    left = [story for story in stories if story.name not in verdicts]
    done = len(stories) - len(left)
    advance(done)
    for verdict in _tried(left, workers):
        verdicts[verdict.key] = verdict
        sheet.write(verdict)
        done += 1
        advance(done)
    return [verdicts[story.name] for story in stories]


def _tried(stories: Sequence[Story], workers: int) -> Iterator[Verdict]:
    if workers == 1:
        yield from map(tried, stories)
        return
    with ProcessPoolExecutor(workers) as pool:
        waiting = iter(stories)
        running: set[Future[Verdict]] = set()
        while True:
            while len(running) < 2 * workers and (story := next(waiting, None)) is not None:
                running.add(pool.submit(tried, story))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
