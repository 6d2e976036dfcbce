"""Sentences and their translations."""

from __future__ import annotations

import ast
import re
import string

import pytest

from mastertrading.app import cli, messages
from mastertrading.app.messages import tr

APP = messages.CATALOGUES.parent
LANGUAGES = [path.stem for path in messages.CATALOGUES.glob("*.toml")]


def sentences_in_source():
    """Every text handed to ``tr`` and every summary of a command."""
    found = {summary for _, summary in cli.COMMANDS.values()}
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                found |= {part.value for part in node.args if isinstance(part, ast.Constant)}
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and "sentence" in ast.dump(node)
            ):
                found.add(node.value.value)
    return found


def test_a_sentence_is_english_unless_asked_otherwise(monkeypatch):
    monkeypatch.delenv("MASTERTRADING_LANG", raising=False)
    assert tr("try: ") == "try: "
    monkeypatch.setenv("MASTERTRADING_LANG", "es_MX.UTF-8")
    assert tr("try: ") == "pruebe: "


@pytest.mark.parametrize("language", ["", "xx", "..", "C"])
def test_an_unknown_language_is_english(monkeypatch, language):
    monkeypatch.setenv("MASTERTRADING_LANG", language)
    assert tr("try: ") == "try: "


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_translates_only_sentences_that_exist_and_keeps_their_fields(language):
    def fields(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    sentences = messages.catalogue(language).sentences
    assert sentences
    assert set(sentences) <= sentences_in_source()
    for sentence, translated in sentences.items():
        assert fields(sentence) == fields(translated)
        assert re.search(r"\s$", sentence) is None or translated.endswith(" ")


def test_an_error_of_the_command_line_speaks_spanish(monkeypatch, capsys):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    assert cli.main(["confg"]) == 2
    assert "no existe la orden 'confg'" in capsys.readouterr().err
