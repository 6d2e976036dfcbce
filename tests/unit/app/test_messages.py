"""Sentences and their translations."""

from __future__ import annotations

import ast
import re
import string
from io import StringIO

import pytest
from rich.console import Console

from factories import Deal, make_result
from mastertrading.app import cli, messages
from mastertrading.app.messages import tr
from mastertrading.backtest import difference_words, explain_words, texts, trades_table
from mastertrading.backtest.statistics import statistics
from mastertrading.backtest.terminal import render_report
from mastertrading.research.bench import stages
from mastertrading.surfaces.report import words as report_words

APP = messages.CATALOGUES.parent
LANGUAGES = [path.stem for path in messages.CATALOGUES.glob("*.toml")]


def sentences_in_source():
    """Every text that stands in the command line's room, and every word of the tables."""
    found = set(words_of_the_tables())
    for path in APP.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return found


def words_of_the_tables():
    """Every title, header, measure and verdict."""
    rooms = (texts, trades_table, explain_words, difference_words, report_words, stages)
    found = [item for room in rooms for item in vars(room).items()]
    tables = [words for name, words in found if name.isupper() and isinstance(words, dict)]
    return [sentence for words in tables for sentence in words.values()]


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_every_word_of_the_tables(language):
    same_everywhere = {"USDT"}
    missing = set(words_of_the_tables()) - same_everywhere - set(messages.catalogue(language).sentences)
    assert missing == set()


def test_the_tables_are_spanish_and_fit_into_a_line(monkeypatch):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    console = Console(file=StringIO(), width=100)
    console.print(render_report(statistics(make_result(Deal(gross=32), Deal(gross=-9))), 100, tr))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert {"Resumen", "Motivos de cierre", "Costes", "Embudo de entradas"} <= {t.strip() for t in titles}
    assert sum("Caída máxima" in line for line in lines) == 1


def test_an_error_of_the_command_line_speaks_spanish(monkeypatch, capsys):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    assert cli.main(["confg"]) == 2
    assert "no existe la orden 'confg'" in capsys.readouterr().err
