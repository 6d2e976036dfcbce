"""One word, one meaning: names that the glossary replaces do not come back (DESIGN section 11)."""

from __future__ import annotations

import ast
import re

import pytest

from architecture.source import trees

INSTEAD = {"candle": "bar", "candles": "bars", "kline": "bar", "pair": "instrument", "pairs": "instruments"}
INSTEAD |= {"coin": "instrument", "coins": "instruments", "ticker": "instrument"}

KEPT = {
    "CANDLE": "gate 10 of SIG-SMC: the shape of one finished bar",
    "candle": "the score term of the same name",
    "weight_candle": "the weight of that term",
}


def public_names(tree):
    """Names that others can see: of modules, classes, functions and their parameters."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = node.args
            yield from (one.arg for one in arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
        if isinstance(node, (ast.Module, ast.ClassDef)):
            yield from _assigned(node.body)


def _assigned(body):
    for statement in body:
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def words(name):
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


@pytest.mark.parametrize("path", trees())
def test_a_module_uses_the_words_of_the_glossary(path):
    names = {name for name in public_names(trees()[path]) if not name.startswith("_")} - set(KEPT)
    wrong = {name: INSTEAD[word] for name in names for word in words(name) & set(INSTEAD)}
    assert wrong == {}, "say the word on the right instead"
