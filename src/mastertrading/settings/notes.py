"""What the schema says of single settings: the sentence below a field, read from the schema's own source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path as FilePath

from mastertrading.settings import keys, schema
from mastertrading.settings.keys import Path

ROOT = "Settings"


def note_of(path: Path) -> str:
    """The sentence that the schema has for a setting, on one line; empty if it has none."""
    holder = keys.find(path[:-1])
    return notes().get(((holder or {}).get("title", ROOT), path[-1]), "")


@cache
def notes() -> dict[tuple[str, str], str]:
    """Class and field → the sentence below the field."""
    tree = ast.parse(FilePath(schema.__file__).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {(group.name, field): text for group in classes for field, text in _sentences(group)}


def _sentences(group: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(group.body):
        named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            text = str(below.value.value).replace("``", "")
            yield field.target.id, " ".join(text.split())  # type: ignore[attr-defined]
