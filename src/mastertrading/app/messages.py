"""Sentences for people, and their translations.

``tr("stopped")`` gives the sentence in the language of ``MASTERTRADING_LANG`` (``es``), else as written. A
catalogue is a TOML file ``locale/LANGUAGE.toml`` of lines ``"English" = "translated"``; a sentence that is
not in it stays English, so a catalogue may grow bit by bit. Values are filled in afterwards:
``tr("no {name}").format(name=name)``.
"""

from __future__ import annotations

import gettext
import os
import tomllib
from functools import cache
from pathlib import Path

CATALOGUES = Path(__file__).with_name("locale")


class Catalogue(gettext.NullTranslations):
    """Translations from a dict."""

    def __init__(self, sentences: dict[str, str]) -> None:
        super().__init__()
        self.sentences = sentences

    def gettext(self, message: str) -> str:
        """The translated sentence, or the sentence itself."""
        return self.sentences.get(message, message)


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language such as ``es`` or ``es_MX.UTF-8``; an empty one if there is none."""
    path = CATALOGUES / f"{language[:2].lower()}.toml"
    return Catalogue(tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})


def tr(sentence: str) -> str:
    """Translate a sentence for the person at the command line."""
    return catalogue(os.environ.get("MASTERTRADING_LANG", "en")).gettext(sentence)
