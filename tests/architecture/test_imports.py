"""Imports run one way, and heavy libraries stay in their rooms."""

from __future__ import annotations

import ast

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from architecture.source import ROOT, kernels, room, trees
from mastertrading.compiled.kernel import KERNEL_ROOMS


def test_every_import_contract_is_kept(capsys):
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_every_room_with_kernels_is_part_of_the_cache_key():
    assert {room(path) for path, _ in kernels()} <= set(KERNEL_ROOMS)


def test_only_one_place_compiles():
    compilers = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc"}
    for path, tree in trees().items():
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        imported = {
            name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
        }
        assert path == "compiled/kernel.py" or not compilers & (names | imported), path
