"""The keys of the configuration: which exist, what each may hold, and what was probably meant.

Everything here is read off the schema's own JSON Schema, so a new setting needs no line in this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from mastertrading.settings.schema import Settings

Path = tuple[str, ...]
Node = dict[str, Any]

KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "text in quotes",
    "array": "a list",
    "object": "a table",
}
BOUNDS = (("minimum", "at least"), ("exclusiveMinimum", "more than"))
CEILINGS = (("maximum", "at most"), ("exclusiveMaximum", "less than"))
ALIKE = 0.7


@cache
def _document() -> Node:
    return Settings.model_json_schema()


def resolve(node: Node) -> Node:
    """A schema node with its reference followed and its ``| None`` taken off."""
    if "$ref" in node:
        return resolve(_document()["$defs"][node["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in node:
        return resolve(next(choice for choice in node["anyOf"] if choice.get("type") != "null"))
    return node


def root() -> Node:
    """The node of the whole configuration."""
    return _document()


def is_table(node: Node) -> bool:
    """Whether a key holds further keys."""
    return bool(resolve(node).get("type") == "object")


def optional(path: Path) -> bool:
    """Whether a setting may be left without a value (written ``""``)."""
    holder = find(path[:-1])
    return holder is not None and "anyOf" in holder.get("properties", {}).get(path[-1], {})


def child(table: Node, name: str) -> Node | None:
    """The node of one key of a table; None if there is no such key."""
    named: Node | None = table.get("properties", {}).get(name)
    if named is not None:
        return resolve(named)
    free = table.get("additionalProperties")
    return resolve(free) if isinstance(free, dict) else None


def find(path: Path) -> Node | None:
    """The node at a path; None if the schema has none."""
    node: Node | None = root()
    for name in path:
        node = child(node, name) if node is not None else None
    return node


def leaves(values: dict[str, Any], table: Node | None = None, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every setting of a nested dict of values with its path, in the order of the dict."""
    here = root() if table is None else table
    for name, value in values.items():
        node = child(here, name)
        if node is not None and is_table(node) and isinstance(value, dict):
            yield from leaves(value, node, (*at, name))
        else:
            yield (*at, name), value


def dotted(path: Iterable[str]) -> str:
    """A path as people write it: ``risk.per_trade``."""
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name) for name in path)


def allowed(node: Node | None) -> str:
    """What a setting may hold, in words."""
    if node is None:
        return ""
    node = resolve(node)
    if "enum" in node:
        return "one of " + ", ".join(node["enum"])
    kind = KINDS.get(node.get("type", ""), "a value")
    limits = [f"{word} {node[key]:g}" for pair in (BOUNDS, CEILINGS) for key, word in pair if key in node]
    if node.get("type") == "array":
        return (
            f"a list of {allowed(node['items'])}" if "enum" in resolve(node["items"]) else "a list of tables"
        )
    return f"{kind}, {' and '.join(limits)}" if limits else kind


def did_you_mean(path: Path) -> str:
    """The known key most like an unknown one, dotted; empty if none is alike.

    Where the table is known only the last word can be wrong, or the table; a table above it is never meant.
    """
    given, table, word = dotted(path).lower(), dotted(path[:-1]), path[-1].lower()
    holder = find(path[:-1])
    known = holder is not None and is_table(holder)

    def score(name: str) -> float:
        above, _, last = name.rpartition(".")
        alike = _alike(word, last)
        if known:
            return alike if above == table else 0.8 * alike
        return max(_alike(given, name), 0.95 * alike)

    names = (name for name in _names(path) if not given.startswith(f"{name}.".lower()))
    best = max((score(name), _alike(given, name), name) for name in names)
    return best[2] if best[0] >= ALIKE else ""


def known_table(path: Path) -> str:
    """The innermost table above a path that exists, dotted; empty for the whole configuration."""
    tables = (path[:end] for end in range(len(path) - 1, 0, -1))
    return next((dotted(at) for at in tables if (node := find(at)) is not None and is_table(node)), "")


def from_underscores(text: str) -> Path | None:
    """The setting that a text such as ``risk_per_trade`` spells, its dots and underscores not told apart."""
    plain = text.replace("__", "_")
    settings = (path for path, _ in leaves(Settings().resolved()))
    return next((path for path in settings if "_".join(path).lower() == plain), None)


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other.lower()).ratio()


def _names(path: Path) -> Iterator[str]:
    """Dotted names of every table and setting; a free key (an instrument) is taken from ``path``."""

    def walk(table: Node, at: Path) -> Iterator[str]:
        names = list(table.get("properties", {}))
        if not names and isinstance(table.get("additionalProperties"), dict):
            names = [path[len(at)] if len(path) > len(at) and path[: len(at)] == at else "NAME"]
        for name in names:
            node = child(table, name)
            yield dotted((*at, name))
            if node is not None and is_table(node):
                yield from walk(node, (*at, name))

    return walk(root(), ())
