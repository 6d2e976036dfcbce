"""TOML as text: on which line a key stands, and how resolved settings are written so that they load back."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from mastertrading.settings.keys import Node, Path, allowed, dotted, find, leaves
from mastertrading.settings.notes import note_of
from mastertrading.settings.schema import Settings

NOTES_AT = 44


def lines_of(text: str) -> dict[Path, int]:
    """The line (from 1) on which each key of a valid TOML text appears first.

    The text is parsed table by table, each time one line longer: a key stands on the line where it is
    first seen. A piece that ends inside a value does not parse, and its key is seen when the value ends.
    """
    lines = text.splitlines()
    seen: dict[Path, int] = {}
    table = begun = 0
    for end in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[table:end]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        for path in _paths(values, ()):
            seen.setdefault(path, begun + 1)
        begun = end
        if end < len(lines) and lines[end].lstrip().startswith("["):
            table = end
    return seen


def _paths(values: Mapping[str, Any], at: Path) -> Iterable[Path]:
    for name, value in values.items():
        yield (*at, name)
        if isinstance(value, dict):
            yield from _paths(value, (*at, name))


def toml_value(value: Any) -> str:
    """A plain value as TOML; None is the empty text, which the loader reads back as *no value*."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{dotted((name,))} = {toml_value(item)}" for name, item in value.items()) + "}"
        )
    return "[" + ", ".join(toml_value(item) for item in value) + "]"


def values_of(settings: Settings) -> list[tuple[Path, Any]]:
    """Every setting with its value, in the order of the schema; what is *none* by default is left out."""
    stated = dict(leaves(Settings().resolved()))
    return [
        (path, value)
        for path, value in leaves(settings.model_dump(mode="json"))
        if value is not None or stated.get(path) is not None
    ]


def to_toml(settings: Settings, origins: Mapping[str, str] | None = None) -> str:
    """Write resolved settings as TOML, each with its origin as a comment.

    Loading the text gives settings equal to these, provided these came from the loader: it refines the
    default instruments and tiers and has no way to forget one.
    """
    known = origins or {}
    return _document(settings, lambda path, line: _noted(line, known.get(dotted(path), "")))


def template() -> str:
    """Every setting at its default, commented out, with its note and what it may hold (``config init``)."""
    head = "## Every setting of mastertrading at its default. Take the # off a line to change it.\n"

    def write(path: Path, line: str) -> str:
        note = note_of(path)
        return (f"## {note}\n" if note else "") + _noted("# " + line, allowed(find(path)))

    return head + "\n" + _document(Settings(), write)


def _document(settings: Settings, write: Any) -> str:
    tables: dict[Path, list[str]] = {}
    for path, value in values_of(settings):
        tables.setdefault(path[:-1], []).append(write(path, f"{dotted(path[-1:])} = {toml_value(value)}"))
    blocks, told = [], ""
    for table, lines in sorted(tables.items(), key=lambda item: bool(item[0])):
        about = _about(table) or (note_of(table) if table else "")
        comment = f"## {about}\n" if about not in ("", told) else ""
        header = f"{comment}[{dotted(table)}]\n" if table else ""
        blocks.append(header + "\n".join(lines) + "\n")
        told = about
    return "\n".join(blocks)


def _about(table: Path) -> str:
    """The first paragraph of what the schema says of a table; empty for a table of free keys."""
    node: Node = find(table) or {}
    free = isinstance(node.get("additionalProperties"), dict)
    return "" if free else re.split(r"\n\s*\n", node.get("description", ""))[0].replace("\n", " ")


def _noted(line: str, note: str) -> str:
    plain = re.sub(r"[\x00-\x1f\x7f]", "?", note)  # a file's name may hold anything
    return f"{line:<{NOTES_AT}}  # {plain}" if plain else line
