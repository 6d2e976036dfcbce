"""Many stories, by several processes, each result kept at once: a campaign can be killed, and goes on where it was."""

from __future__ import annotations

import gc
import json
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from mastertrading.app.campaign.invariants import Violation
from mastertrading.app.campaign.story import Story
from mastertrading.app.campaign.trial import Verdict, tried
from mastertrading.compiled.kernel import code_key
from mastertrading.domain.errors import ConfigError

WARM_UP = 2
"""Trials after which what a process keeps for good is there, and need not be searched for what can go."""


def made_by() -> dict[str, str]:
    """The code that a result depends on: ours, and that of ccxt."""
    return {"code": code_key(), "ccxt": version("ccxt")}


@dataclass(slots=True)
class Sheet:
    """A file of results, a line each; the first line says what they depend on.

    Attributes
    ----------
    folder
        None: results are kept in memory.
    shape
        What they depend on besides the code.
    """

    folder: Path | None
    shape: Mapping[str, Any]
    _kept: list[Verdict] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Of the file."""
        return (self.folder or Path()) / "verdicts.jsonl"

    def begin(self) -> set[str]:
        """Open it, and say which stories it has. A line that was cut off by a death is taken away.

        Raises
        ------
        ConfigError
            If it belongs to another campaign, or to other code.
        """
        if self.folder is None:
            return {one.key for one in self._kept}
        self.folder.mkdir(parents=True, exist_ok=True)
        head = {**self.shape, **made_by()}
        kept = self.path.read_bytes() if self.path.is_file() else b""
        whole = kept[: kept.rfind(b"\n") + 1]
        if not whole:
            self.path.write_text(json.dumps(head) + "\n", encoding="utf-8")
            return set()
        if len(whole) < len(kept):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        self._check(json.loads(whole.partition(b"\n")[0]), head)
        return {told["key"] for told in self._lines()}

    def _check(self, found: Mapping[str, Any], head: Mapping[str, Any]) -> None:
        if found == head:
            return
        mine = {name: found.get(name) for name in self.shape}
        if mine == {name: head[name] for name in self.shape}:
            raise ConfigError(
                f"{self.path} holds results of other code",
                why=f"of {found.get('code')} with ccxt {found.get('ccxt')}; this is {head['code']} "
                f"with ccxt {head['ccxt']}",
                hint="another --out: what one code has passed says nothing of another",
            )
        raise ConfigError(
            f"{self.path} holds another campaign", hint="another --out, or the options it was begun with"
        )

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self.path.open(encoding="utf-8") as file:
            next(file)
            yield from map(json.loads, file)

    def verdicts(self, names: Iterable[str]) -> Iterator[Verdict]:
        """Those of some stories, each once, in the order in which they came; one at a time in memory."""
        wanted = set(names)
        every = self._kept if self.folder is None else map(_verdict, self._lines())
        for one in every:
            if one.key in wanted:
                wanted.discard(one.key)
                yield one

    def write(self, verdict: Verdict) -> None:
        """Add one, durably."""
        if self.folder is None:
            self._kept.append(verdict)
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(verdict.plain()) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _verdict(told: Mapping[str, Any]) -> Verdict:
    return replace(Verdict(**told), violations=[Violation(*one) for one in told["violations"]])


def tried_all(
    stories: Sequence[Story],
    sheet: Sheet,
    workers: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> None:
    """Try every story that the sheet does not have yet."""
    known = sheet.begin()
    left = [story for story in stories if story.name not in known]
    done = len(stories) - len(left)
    advance(done)
    for verdict in _tried(left, workers):
        sheet.write(verdict)
        done += 1
        advance(done)


def _tried(stories: Sequence[Story], workers: int) -> Iterator[Verdict]:
    if workers == 1:
        yield from map(tried, stories)
        return
    with ProcessPoolExecutor(workers, initializer=_work) as pool:
        waiting = iter(stories)
        running: set[Future[Verdict]] = set()
        while True:
            while len(running) < 2 * workers and (story := next(waiting, None)) is not None:
                running.add(pool.submit(_one_of_many, story))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


# -------------------------------------------------------------------- inside a worker
_trials = count(1)


def be_quiet() -> None:
    """What a trader warns of is what is done to it: a campaign would print nothing else."""
    logging.disable(logging.WARNING)


def _work() -> None:
    """A worker ends with the campaign, even if that is killed."""
    be_quiet()
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _one_of_many(story: Story) -> Verdict:
    """Try a story in a process that lives for thousands: rubbish is collected between them, and only the new."""
    gc.disable()
    try:
        return tried(story)
    finally:
        gc.collect()
        if next(_trials) == WARM_UP:
            gc.freeze()
        gc.enable()
