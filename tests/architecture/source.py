"""The project's own files as the architecture tests see them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mastertrading"


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the package by its path inside the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths
    }


def room(path: str) -> str:
    """The room of a module: the first part of its path."""
    return path.split("/", maxsplit=1)[0]


def kernels() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function under ``@kernel`` or ``@kernel(entry=True)``, with the path of its module."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(_is_kernel(one) for one in node.decorator_list):
                yield path, node


def _is_kernel(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "kernel"


def modules(*rooms: str) -> list[ModuleType]:
    """Imported modules of the given rooms."""
    paths = [path for path in trees() if room(path) in rooms]
    names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in paths]
    return [import_module(f"mastertrading.{name}") for name in names]


@cache
def text_files() -> dict[str, str]:
    """Every text file that belongs to the project (tracked, or new and not ignored), by its path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):  # not a git checkout: a release as an archive
        tops = ("src", "tests", "scripts", "docs", ".ci")
        listed = [path.relative_to(ROOT).as_posix() for top in tops for path in (ROOT / top).rglob("*")]
        listed += [path.name for path in ROOT.iterdir()]
    found = {}
    for name in listed:
        path = ROOT / name
        if path.is_file() and "__pycache__" not in name:
            try:
                found[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found
