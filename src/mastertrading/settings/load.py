"""Reading the configuration: defaults, then one TOML file, then the environment, then the command line.

Each layer refines the one before it, key by key. Nothing is guessed: an unknown key, a value out of range or
of the wrong kind is a problem, and all problems are told at once, each with its place and what is allowed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from mastertrading.domain.errors import ConfigError
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.settings import keys
from mastertrading.settings.keys import Node, Path, dotted
from mastertrading.settings.problems import DEFAULT, Given, Problem, refusal, shown, verdict
from mastertrading.settings.schema import Settings
from mastertrading.settings.toml_text import lines_of, template, to_toml, values_of

PREFIX = "MASTERTRADING__"
LOOKALIKE = "MASTERTRADING_"
NO_SETTINGS = (
    "CACHE",
    "JOURNAL",
    "KEK",
    "KEK_FILE",
    "KEK_PASSPHRASE",
    "LANG",
    "LIVE",
    "SHARED_DATA",
    "UPDATE_GOLDEN",
)
"""What else ``MASTERTRADING_…`` may be called: the cache's folder, the journal's address, what opens its keys, the
language, live trading's second switch, and two of the tests."""
KEYS = LOOKALIKE + "KEYS_"
"""How the names of variables with keys begin. They are no settings, and nothing here shows their values."""
COMMAND_LINE = "command line"
TEXT_HINT = 'text needs "quotes", as in tier = "half"'
CHECK_HINT = "compare with a whole file: mastertrading config init example.toml"

__all__ = [
    "Problem",
    "Resolved",
    "canonical_path",
    "config_hash",
    "examine",
    "load",
    "template",
    "to_toml",
]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings in force, and where each value came from.

    Attributes
    ----------
    origins
        Dotted path → ``default``, ``FILE:LINE``, ``env NAME`` or ``command line``.
    """

    settings: Settings
    origins: Mapping[str, str]

    @property
    def hash(self) -> str:
        """Hash of the settings, see `config_hash`."""
        return config_hash(self.settings)

    def to_toml(self) -> str:
        """The settings as TOML, each with its origin."""
        return to_toml(self.settings, self.origins)


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and which layer is being read."""

    layer: str = "file"
    given: list[Given] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def load(
    config: FilePath | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Resolved:
    """Resolve the settings.

    Parameters
    ----------
    config
        The TOML file; None: defaults, environment and overrides only.
    environ
        The environment. Handed in, since rooms below the command line never look around by themselves.
    overrides
        Texts ``key=value``, strongest last.

    Raises
    ------
    ConfigError
        With every problem found.
    """
    resolved, problems = examine(config, environ=environ, overrides=overrides)
    if resolved is None or problems:
        raise refusal(problems)
    return resolved


def examine(
    config: FilePath | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> tuple[Resolved | None, list[Problem]]:
    """Resolve the settings like `load`, and hand back the problems instead of raising them."""
    reading = _Reading()
    if config is not None:
        _read_file(config, reading)
    _read_environment(environ or {}, reading)
    _read_overrides(overrides, reading)
    settings, wrong = _validate(reading.given)
    problems = sorted(reading.problems + wrong, key=_line)
    if settings is None or problems:
        return None, problems
    named = {dotted(item.path): item.origin for item in reading.given}
    origins = {dotted(path): named.get(dotted(path), DEFAULT) for path, _ in values_of(settings)}
    return Resolved(settings, MappingProxyType(origins)), []


def _line(problem: Problem) -> float:
    """Where a problem stands in the file; those of other places come after."""
    found = re.search(r", line (\d+)$", problem.where)
    return int(found[1]) if found else math.inf


def config_hash(settings: Settings) -> str:
    """SHA-256 of the canonical JSON of the resolved settings (keys sorted, no spaces)."""
    text = json.dumps(settings.resolved(), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- the three layers


def _read_file(config: FilePath, reading: _Reading) -> None:
    try:
        text = config.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reading.problems.append(_not_toml(config, text, error))
        return
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"the configuration file {config} cannot be read",
            why=why,
            where=str(config),
            hint=f"mastertrading config init {config}",
        ) from error
    lines = lines_of(text)

    def place(path: Path) -> tuple[str, str]:
        line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)
        return f"{config}:{line}", f"{config}, line {line}"

    for path, value in _flatten(values, keys.root(), ()):
        _give(path, value, *place(path), reading)


def _not_toml(config: FilePath, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    found = re.search(r"line (\d+)", str(error))
    line = int(found.group(1)) if found else max(1, len(text.splitlines()))
    written = text.splitlines()[line - 1].strip() if text.splitlines() else ""
    why = f"this is not valid TOML: {error}"
    hints = {"Cannot": "a key and a table may stand only once", "Invalid value": TEXT_HINT}
    hint = next((hint for start, hint in hints.items() if str(error).startswith(start)), CHECK_HINT)
    return Problem(written or str(config), "", f"{config}, line {line}", why, "", hint)


def _read_environment(environ: Mapping[str, str], reading: _Reading) -> None:
    reading.layer = "environment"
    for name in sorted(environ):
        place = (f"env {name}", f"environment {name}")
        if name.startswith(PREFIX):
            path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
            _give_text(path, environ[name], *place, reading)
        elif name.startswith(KEYS) or name.removeprefix(LOOKALIKE) in NO_SETTINGS:
            continue
        elif name.startswith(LOOKALIKE):
            reading.problems.append(_lookalike(name, environ[name], place[1]))


def _lookalike(name: str, value: str, where: str) -> Problem:
    """A variable that is named nearly like a setting: it would change nothing, and silently."""
    rest = name.removeprefix(LOOKALIKE).strip("_")
    meant = keys.from_underscores(rest.lower())
    if meant is None and "__" in rest:
        meant = tuple(rest.split("__"))
    if meant is None:
        known = ", ".join(LOOKALIKE + each for each in NO_SETTINGS)
        why = f"names of settings begin with {PREFIX}, and the only others are {known}"
        return Problem(name, "", where, why, "", f"unset {name}")
    variable = PREFIX + "__".join(meant).upper()
    why = f"names of settings begin with {PREFIX}; did you mean {variable}?"
    return Problem(name, "", where, why, "", f"{variable}={value}")


def _read_overrides(overrides: Sequence[str], reading: _Reading) -> None:
    reading.layer = COMMAND_LINE
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            why = "an override is a key, an equals sign and a value"
            reading.problems.append(Problem(text, "", COMMAND_LINE, why, "", "--set risk.per_trade=0.002"))
        else:
            _give_text(tuple(name.strip().split(".")), value, COMMAND_LINE, COMMAND_LINE, reading)


# ---------------------------------------------------------------- from one value to a known path


def _flatten(values: Mapping[str, Any], table: Node, at: Path) -> Iterable[tuple[Path, Any]]:
    """Leaves of a nested mapping. An unknown table is a leaf, and told later."""
    for name, value in values.items():
        node = keys.child(table, name)
        if node is not None and keys.is_table(node) and isinstance(value, Mapping):
            yield from _flatten(value, node, (*at, name))
        else:
            yield (*at, name), value


def _give_text(path: Path, text: str, origin: str, where: str, reading: _Reading) -> None:
    """Take a value that came as text: typed by the schema, JSON for lists and tables."""
    node = keys.find(path)
    value = _typed(node, text.strip()) if node is not None else text
    if node is not None and keys.is_table(node) and isinstance(value, dict):
        for below, item in _flatten(value, node, path):
            _give(below, item, origin, where, reading)
    else:
        _give(path, value, origin, where, reading)


def _typed(node: Node, text: str) -> Any:
    kind = node.get("type")
    if kind == "string":
        return text
    try:
        return json.loads(text.lower() if kind == "boolean" else text)
    except ValueError:
        pass
    try:
        return float(text) if kind == "number" else text
    except ValueError:
        return text


def _give(path: Path, value: Any, origin: str, where: str, reading: _Reading) -> None:
    """Record one value under its canonical path, or say what is wrong with the path."""
    try:
        path = canonical_path(path)
    except ConfigError as error:
        reading.problems.append(Problem(dotted(path), "", where, error.what, "", error.hint))
        return
    node = keys.find(path)
    if node is None:
        reading.problems.append(_unknown(path, value, where))
    elif keys.is_table(node) and not isinstance(value, Mapping):
        why = "this is a table, not a value"
        hint = f"mastertrading config show --defaults {dotted(path)}"
        reading.problems.append(Problem(dotted(path), shown(value), where, why, "a table of settings", hint))
    elif reading.layer != COMMAND_LINE and any(
        (item.path, item.layer) == (path, reading.layer) for item in reading.given
    ):
        why = "the same setting is given twice, under two names"
        reading.problems.append(Problem(dotted(path), shown(value), where, why))
        reading.given.append(Given(path, _plain(value), origin, where, reading.layer))
    else:
        value = None if value == "" and keys.optional(path) else _plain(value)
        reading.given.append(Given(path, value, origin, where, reading.layer))


def canonical_path(path: Path) -> Path:
    """The path with an instrument under its one name."""
    if len(path) > 1 and path[0] == "instruments":
        return ("instruments", canonical_symbol(path[1]), *path[2:])
    return path


def _unknown(path: Path, value: Any, where: str) -> Problem:
    meant = keys.did_you_mean(path)
    table = keys.known_table(tuple(meant.split("."))) if meant else keys.known_table(path)
    name = dotted(path)
    if where.startswith("environment "):
        name = PREFIX + "__".join(path).upper()
        meant = PREFIX + "__".join(meant.split(".")).upper() if meant else ""
    why = "there is no such setting" + (f"; did you mean {meant}?" if meant else "")
    written = "" if isinstance(value, Mapping) else shown(value)
    hint = f"mastertrading config show --defaults {table}".strip()
    return Problem(name, written, where, why, "", hint)


def _plain(value: Any) -> Any:
    """A TOML value as JSON has it: dates and times become ISO 8601 text."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


# ---------------------------------------------------------------- the schema's verdict


def _validate(given: Sequence[Given]) -> tuple[Settings | None, list[Problem]]:
    values = Settings().resolved()
    for item in given:
        table = values
        for name in item.path[:-1]:
            table = table.setdefault(name, {})
        table[item.path[-1]] = item.value
    try:
        return Settings.model_validate_json(json.dumps(values), strict=True), []
    except ValidationError as error:
        return None, [verdict(dict(one), given) for one in error.errors(include_url=False)]
