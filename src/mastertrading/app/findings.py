"""What was looked at and found: a line each, with what to do where something is wrong (``doctor``, ``probe``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from mastertrading.app.messages import tr
from mastertrading.app.terminal import out
from mastertrading.domain.errors import MastertradingError

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
FAILED = 1


class State(StrEnum):
    """How something is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes
    ----------
    name
        What was looked at.
    found
        What there is.
    todo
        What to do about it; empty where nothing has to be done.
    """

    name: str
    state: State
    found: str
    todo: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, found)


def warn(name: str, found: str, todo: str = "") -> Finding:
    """It works, and should be looked at."""
    return Finding(name, State.WARN, found, todo)


def fail(name: str, found: str, todo: str = "") -> Finding:
    """It does not work like this."""
    return Finding(name, State.FAIL, found, todo)


def from_error(name: str, error: MastertradingError, state: State = State.FAIL) -> Finding:
    """What an error of ours says."""
    return Finding(name, state, f"{error.what}: {error.why}" if error.why else error.what, error.hint)


def worst(findings: Sequence[Finding]) -> State:
    """The worst state of all."""
    return max((one.state for one in findings), key=list(State).index, default=State.OK)


def show(findings: Sequence[Finding], *, as_json: bool, more: dict[str, Any] | None = None) -> int:
    """Print them; the exit code: 1 where something fails, else 0."""
    state = worst(findings)
    if as_json:
        told = {"state": state.value, "findings": [asdict(one) for one in findings], **(more or {})}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(findings)
    return FAILED if state is State.FAIL else 0


def _print(findings: Sequence[Finding]) -> None:
    from rich.table import Table

    console = out()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        from rich.text import Text

        words = Text(one.found)
        if one.todo:
            words.append(f"\n→ {one.todo}", style="dim")
        table.add_row(Text(one.state.value, style=STYLES[one.state.value]), tr(one.name), words)
    console.print(table)
    counts = {state: sum(one.state is state for one in findings) for state in State}
    sentence = tr("{ok} ok, {warn} to look at, {fail} failed")
    told = sentence.format(ok=counts[State.OK], warn=counts[State.WARN], fail=counts[State.FAIL])
    console.print(f"\n{told}", markup=False)
