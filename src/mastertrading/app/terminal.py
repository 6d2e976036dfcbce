"""What commands print: tables on stdout, progress on stderr.

A pipe or a file gets plain lines without colour or boxes that move; ``--json`` gets silence on stderr.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from mastertrading.app.messages import tr

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 120
PLAIN_STEPS = 4
LONG_WORK, MORE_STEPS = 1000, 20
"""Work of so many pieces tells of itself more often."""

Advance = Callable[[int], None]
"""Call it with how much is done so far, from 0 to the total."""


def out() -> Console:
    """The console of results: stdout."""
    return _console(sys.stdout, quiet=False)


def err(quiet: bool = False) -> Console:
    """The console of progress and remarks: stderr."""
    return _console(sys.stderr, quiet)


def _console(stream: TextIO, quiet: bool) -> Console:
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would leave with exit code 1; the command line has its own way

    terminal = stream.isatty()
    width = None if terminal else PIPE_WIDTH
    return Plain(file=stream, width=width, highlight=False, soft_wrap=not terminal, quiet=quiet)


def table(title: str, *columns: str, numbers: tuple[int, ...] = ()) -> Table:
    """An empty table in the house's style; the columns whose index is in ``numbers`` are right-aligned."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title or None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        collapse_padding=True,
    )
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index in numbers else "left", overflow="fold")
    return made


@contextmanager
def progress(
    label: str, total: int, *, quiet: bool = False, console: Console | None = None, eta: bool = False
) -> Iterator[Advance]:
    """Show how far a piece of work is: a bar on a terminal, four plain lines elsewhere, nothing when quiet.

    Parameters
    ----------
    total
        The amount of work, in any unit; 0 if it is not known.
    console
        Where remarks are printed meanwhile, so that they stand above the bar; default: one of its own.
    eta
        Also tell how long it may still take.
    """
    if quiet:
        yield lambda done: None
    elif sys.stderr.isatty():
        with _bar(label, total, console or err(), eta) as advance:
            yield advance
    else:
        yield _plain(label, total, eta)
        print(f"{label}: {tr('done')}", file=sys.stderr, flush=True)


@contextmanager
def _bar(label: str, total: int, console: Console, eta: bool) -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    left: tuple[ProgressColumn, ...] = (TimeRemainingColumn(),) if eta else ()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        *left,
    )
    with Progress(*columns, console=console, transient=False) as bars:
        task = bars.add_task(label, total=total or None)
        yield lambda done: bars.update(task, completed=done)
        bars.update(task, total=max(total, 1), completed=max(total, 1))


def _plain(label: str, total: int, eta: bool) -> Advance:
    print(f"{label} …", file=sys.stderr, flush=True)
    told, started = 0, time.monotonic()
    steps = MORE_STEPS if eta and total >= LONG_WORK else PLAIN_STEPS
    first: int | None = None

    def advance(done: int) -> None:
        nonlocal told, first
        first = done if first is None else first  # what was there before was not done in this time
        step = done * steps // total if total > 0 else 0
        if told < step < steps:
            told = step
            left = (time.monotonic() - started) * (total - done) / max(done - first, 1)
            tail = tr(", about {seconds} s left").format(seconds=round(left)) if eta and done > first else ""
            print(f"{label}: {100 * step // steps} %{tail}", file=sys.stderr, flush=True)

    return advance
