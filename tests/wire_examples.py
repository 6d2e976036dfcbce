"""Example messages of venues, and how one of ours differs from one of theirs, field by field.

Three collections lie in the folder of shared data (``wire/``): files of a request and its reply, JSON files of another
trading system, and the examples in the comments of a client library, which are JSON only roughly.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MASTERTRADING_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
WIRE = DATA / "wire"


@dataclass(frozen=True)
class Example:
    """One message of a venue.

    Attributes
    ----------
    source
        Where it is, below ``wire/``.
    method, path
        Of the request; of a stream's frame ``STREAM`` and what was subscribed to; of a request over a WebSocket
        ``SOCKET`` and its method.
    message
        What the venue answered or sent.
    """

    source: str
    method: str
    path: str
    message: Any


# -------------------------------------------------------------------- reading
def request_files(folder: str) -> Iterator[Example]:
    """Files of a method, a path, whether it is signed, and the reply; or of frames (``>``, ``<``, ``=``)."""
    for file in sorted((WIRE / folder).rglob("*.txt")):
        text = file.read_text("utf-8-sig")
        source = str(file.relative_to(WIRE))
        if not text.lstrip().startswith(">"):
            lines = [line.strip() for line in text.splitlines()]
            if len(lines) > 3:  # some are empty
                yield Example(source, lines[0], lines[1], _message("\n".join(lines[3:])))
        elif text.lstrip().startswith("> "):  # others (">1") play several requests against each other
            yield _frames(source, text)


def _message(text: str) -> Any:
    """A reply; None where the file has none that can be read."""
    try:
        return loose_json(text)
    except ValueError:
        return None


def _frames(source: str, text: str) -> Example:
    parts = re.split(r"^([><=])", text.replace("\r", ""), flags=re.MULTILINE)[1:]
    told = [(sign, body) for sign, body in zip(parts[::2], parts[1::2], strict=True) if body.strip()]
    sent = loose_json(_PLACE.sub("1", [body for sign, body in told if sign == ">"][-1]))
    received = next((body for sign, body in told if sign == "="), told[-1][1])
    message = _message(_PLACE.sub("1", received))
    channels = sent.get("params") or sent.get("args")
    if str(sent.get("method") or sent.get("op") or sent.get("type")).lower() == "subscribe":
        name = channels[0] if isinstance(channels, list) else sent.get("topic", "")
        return Example(source, "STREAM", name, message)
    return Example(source, "SOCKET", str(sent.get("method") or sent.get("op")), message)


def json_files(folder: str, pattern: str = "*.json") -> Iterator[Example]:
    """JSON files; what they answer is in their names."""
    for file in sorted((WIRE / folder).rglob(pattern)):
        yield Example(str(file.relative_to(WIRE)), "JSON", file.stem, json.loads(file.read_text("utf-8")))


def commented(name: str) -> list[dict[str, Any]]:
    """Examples in a client library's comments: ``method``, ``call``, and ``json`` or rough ``text``."""
    return json.loads((WIRE / "examples" / f"{name}.json").read_text("utf-8"))


def of_comment(name: str, method: str, call: str | None, at: int = 0, begin: str = "") -> Example:
    """One of them; of rough text, the ``at``-th object or list after the words ``begin``."""
    entry = next(e for e in commented(name) if e["method"] == method and e["call"] == call)
    message = entry["json"]
    if message is None:
        message = list(_values(entry["text"].split(begin, 1)[1] if begin else entry["text"]))[at]
    return Example(f"examples/{name}.json: {method}", "COMMENT", call or method, message)


_PLACE = re.compile(r"\|\w+\|")
_COMMENT = re.compile(r"//[^\n\"]*(?=\n|$)")
_TRAILING = re.compile(r",(\s*[}\]])")
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_][A-Za-z_0-9]*)\s*:")
_FORGOTTEN = re.compile(r"([\"\d\]}el])(\s*\n\s*[\"{])")
_DOTS = re.compile(r",?\s*\.\.\.[^\n]*")


def loose_json(text: str) -> Any:
    """JSON with comments, bare names, single quotes, and commas too many or too few."""
    try:
        return json.loads(text)
    except ValueError:
        clean = _DOTS.sub("", _COMMENT.sub("", text)).replace("'", '"').replace("None", "null")
        clean = _BARE_KEY.sub(r'\1"\2":', clean)
        clean = _FORGOTTEN.sub(r"\1,\2", clean)
        clean = _TRAILING.sub(r"\1", clean)
        return json.loads(clean.replace("True", "true").replace("False", "false"))


def _values(text: str) -> Iterator[Any]:
    """Every whole object or list in a text."""
    depth, begin = 0, 0
    for at, letter in enumerate(text):
        if letter in "{[":
            begin = at if depth == 0 else begin
            depth += 1
        elif letter in "}]" and depth:
            depth -= 1
            if depth == 0:
                try:
                    yield loose_json(text[begin : at + 1])
                except ValueError:
                    continue


# -------------------------------------------------------------------- comparing
_DECIMAL = re.compile(r"\s*-?[0-9]+(\.[0-9]+)?\s*")


def kind(value: Any) -> str:
    """What a JSON value is; text that is a number is told from other text."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "decimal" if _DECIMAL.fullmatch(value) else "text"
    return "list" if isinstance(value, list) else "object"


def shape(value: Any, path: str = "") -> dict[str, set[str]]:
    """Kinds by place; the rows of a list are one place."""
    found: dict[str, set[str]] = {}
    if isinstance(value, dict):
        for name, one in value.items():
            _merge(found, shape(one, f"{path}.{name}" if path else name))
    elif isinstance(value, list):
        rows = isinstance(value[0], dict | list) if value else False
        for at, one in enumerate(value):
            _merge(found, shape(one, f"{path}[]" if rows or not path else f"{path}[{at}]"))
    if path and not (path.endswith("[]") and isinstance(value, dict | list)):
        found.setdefault(path, set()).add(kind(value))
    return found


def _merge(into: dict[str, set[str]], other: dict[str, set[str]]) -> None:
    for path, kinds in other.items():
        into.setdefault(path, set()).update(kinds)


def differences(theirs: Any, ours: Any) -> list[str]:
    """``- place`` they have it and we do not, ``+ place`` the other way round, ``place: theirs, ours`` of kinds.

    An empty list says nothing of its rows, and nothing (null, empty text) may stand for anything.
    """
    expected, given = shape(theirs), shape(ours)
    silent = tuple(f"{path}[" for path, kinds in (*expected.items(), *given.items()) if kinds == {"list"})
    empty = {p for p in silent if not any(q.startswith(p) for q in expected)} | {
        p for p in silent if not any(q.startswith(p) for q in given)
    }

    def told(path: str) -> bool:
        return not any(path.startswith(prefix) for prefix in empty)

    found = [f"- {path}" for path in expected.keys() - given.keys() if told(path)]
    found += [f"+ {path}" for path in given.keys() - expected.keys() if told(path)]
    for path in expected.keys() & given.keys():
        known, mine = expected[path] - {"nothing"}, given[path] - {"nothing"}
        if known and mine and not mine <= known:
            found.append(f"{path}: {'/'.join(sorted(known))}, {'/'.join(sorted(mine))}")
    return sorted(found)


def strange_words(message: Any, words: dict[str, set[str]]) -> list[str]:
    """Values of known enumerations that the venue does not have."""
    found: list[str] = []
    if isinstance(message, dict):
        for name, value in message.items():
            if name in words and isinstance(value, str) and value not in words[name]:
                found.append(f"{name}={value}")
            found += strange_words(value, words)
    elif isinstance(message, list):
        for one in message:
            found += strange_words(one, words)
    return found
