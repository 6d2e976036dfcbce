"""Imports run one way, and heavy libraries stay in their rooms."""

from __future__ import annotations

import ast

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from architecture.source import ROOT, kernels, trees
from mastertrading.compiled.kernel import PACKAGE, kernel_files


def test_every_import_contract_is_kept(capsys):
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


ALONE = {"research/bench/floor.py"}
"""Files whose kernels call none of another file: the compiler's own key, the file's time, is enough for them.

In the folder's key they would make everyone compile the engine anew whenever a measurement is edited.
"""


def test_every_file_with_kernels_is_part_of_the_cache_key():
    keyed = {path.relative_to(PACKAGE).as_posix() for path in kernel_files()}
    assert {path for path, _ in kernels()} - ALONE <= keyed


KERNEL_ROOMS = ("indicators", "signals", "rules", "engine", "compiled")


def test_every_word_that_kernels_swallow_is_part_of_the_cache_key():
    keyed = {path.relative_to(PACKAGE).as_posix() for path in kernel_files()}
    for path, tree in trees().items():
        if path.split("/")[0] in KERNEL_ROOMS or path in keyed:
            names = [
                node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
            ]
            words = {
                f"domain/{name.split('.')[2]}.py"
                for name in names
                if name.startswith("mastertrading.domain.")
            }
            assert words - {"domain/errors.py"} <= keyed, path


def test_kernels_outside_the_cache_key_call_nothing_of_ours():
    for path, node in kernels():
        if path in ALONE:
            parts = [one for statement in node.body for one in ast.walk(statement)]
            called = {
                one.func.id for one in parts if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
            }
            assert called <= {"range", "int", "float", "abs"}, path


def test_only_one_place_compiles():
    compilers = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc"}
    for path, tree in trees().items():
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        imported = {
            name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
        }
        assert path == "compiled/kernel.py" or not compilers & (names | imported), path
