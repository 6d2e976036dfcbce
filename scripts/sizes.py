"""Print what deserves a second look: ``python3 scripts/sizes.py``.

The longest functions and files and the widest signatures. Sizes are guidance, so nothing fails here: a function
over 50 lines, a file over 500 or a signature over 7 parameters is worth a thought.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 12


class Size(NamedTuple):
    """Something that has a size, and where it is."""

    count: int
    place: str


def files() -> list[Path]:
    return sorted((ROOT / "src").rglob("*.py"))


def lines_of_files() -> Iterator[Size]:
    for path in files():
        yield Size(len(path.read_text(encoding="utf-8").splitlines()), str(path.relative_to(ROOT)))


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def lines_of(node: ast.FunctionDef) -> int:
    """Lines of a function's body without its docstring."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or node.lineno) - first.lineno + 1


def parameters_of(node: ast.FunctionDef) -> int:
    return len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs)


def show(title: str, limit: int, sizes: list[Size]) -> None:
    over = sum(size.count > limit for size in sizes)
    print(f"\n{title} (a second look above {limit}: {over} of {len(sizes)})")
    for size in sorted(sizes, reverse=True)[:SHOWN]:
        print(f"{size.count:6}  {size.place}")


if __name__ == "__main__":
    show("Lines of a function", 50, [Size(lines_of(node), place) for place, node in functions()])
    show("Lines of a file", 500, list(lines_of_files()))
    show("Parameters", 7, [Size(parameters_of(node), place) for place, node in functions()])
