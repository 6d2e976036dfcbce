"""What is wrong with a configuration, in words: where, why, what is allowed, and what to try."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mastertrading.domain.errors import ConfigError
from mastertrading.settings import keys
from mastertrading.settings.keys import Node, Path, dotted

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration.

    Attributes
    ----------
    key
        Dotted path of the setting.
    value
        The offending value as it was written; empty if the key itself is wrong.
    where
        ``FILE, line N``, ``environment NAME`` or ``command line``.
    why, allowed, hint
        The cause, what may stand there, and a command to try.
    """

    key: str
    value: str
    where: str
    why: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """A few lines for people."""
        title = f"{self.key} = {self.value}" if self.value else self.key
        parts = (("where", self.where), ("why", self.why), ("allowed", self.allowed), ("try", self.hint))
        return "\n".join([title, *(f"  {name}: {text}" for name, text in parts if text)])


@dataclass(frozen=True, slots=True)
class Given:
    """One value that somebody gave: ``origin`` is its short name, ``where`` the one for a sentence."""

    path: Path
    value: Any
    origin: str
    where: str
    layer: str


def shown(value: Any) -> str:
    """A value as it might have been written, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def verdict(error: dict[str, Any], given: Sequence[Given]) -> Problem:
    """Translate one complaint of the schema into our words."""
    path = tuple(str(part) for part in error["loc"])
    item = next((one for one in reversed(given) if path[: len(one.path)] == one.path), None)
    if error["type"] == "value_error" and item is None:
        values = error["input"] if isinstance(error["input"], dict) else {}
        return _contradiction(path, str(error["ctx"]["error"]), values, given)
    key = item.path if item else path
    node = keys.find(key)
    why = {
        "missing": f"{path[-1]!r} is missing",
        "extra_forbidden": f"{path[-1]!r} is unknown here",
        "finite_number": "it must be a finite number",
        "value_error": str(error.get("ctx", {}).get("error", "")),
    }.get(error["type"], _reason(error, node))
    why = f"{_entry(path[len(key) :])}{why}"
    hint = f"mastertrading config show --defaults {dotted(key[:-1] or key)}"
    written = shown(item.value if item else error.get("input"))
    return Problem(dotted(key), written, item.where if item else DEFAULT, why, keys.allowed(node), hint)


def _entry(below: Path) -> str:
    """Which entry of a list of tables it is about, counted from 1: ``entry 2, amount: ``."""
    return f"entry {int(below[0]) + 1}, {below[-1]}: " if len(below) > 1 and below[0].isdecimal() else ""


def _reason(error: dict[str, Any], node: Node | None) -> str:
    if node is not None and node.get("type") == "array" and not str(error["loc"][-1]).isidentifier():
        return f"{shown(error.get('input'))} may not stand in this list"
    if error["type"].endswith("_type") or error["type"].startswith(("int_", "float_", "string_", "bool_")):
        return "the value is of the wrong kind"
    return "the value is outside what is allowed"


def _contradiction(path: Path, message: str, values: dict[str, Any], given: Sequence[Given]) -> Problem:
    """A rule over several settings: their values, and the places of those that were given."""

    def spoken_of(item: Given) -> bool:
        return item.path[: len(path)] == path and _speaks_of(message, dotted(item.path[len(path) :]))

    items = [item for item in given if spoken_of(item)]
    named = {dotted((*path, name)): value for name, value in values.items() if _speaks_of(message, name)}
    told = named or {dotted(item.path): item.value for item in items}
    written = ", ".join(f"{name} = {shown(value)}" for name, value in told.items())
    places = "; ".join(dict.fromkeys(item.where for item in items)) or DEFAULT
    key = dotted(path)
    hint = f"mastertrading config show --defaults {key}".strip()
    return Problem(written or key or "settings", "", places, message, "", hint)


def _speaks_of(message: str, name: str) -> bool:
    """Whether a sentence holds a name, or all its words: *base, ltf and htf minutes* holds ``base_minutes``."""
    parts = name.split("_") if re.fullmatch(r"\w+", name) else [name]
    return any(
        all(re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", message) for word in words)
        for words in ([name], parts)
    )


def refusal(problems: Sequence[Problem]) -> ConfigError:
    """All problems as one error."""
    first = problems[0]
    if len(problems) == 1:
        title = f"{first.key} = {first.value}" if first.value else first.key
        why = first.why + (f"; allowed: {first.allowed}" if first.allowed else "")
        return ConfigError(f"a setting cannot be used: {title}", why=why, where=first.where, hint=first.hint)
    return ConfigError(
        "\n".join([f"{len(problems)} settings cannot be used", *(str(problem) for problem in problems)])
    )
