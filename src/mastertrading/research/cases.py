"""The cases of a sweep: what each varies, of the user's signal and of the settings, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import ValidationError

from mastertrading.domain.errors import UsageError
from mastertrading.research.conditions import Condition, Value
from mastertrading.research.own_signal import OwnSignal
from mastertrading.research.parameters import Parameter, text_of
from mastertrading.research.space import Axis, Space
from mastertrading.settings import keys
from mastertrading.settings.load import canonical_path
from mastertrading.settings.problems import Given, refusal, verdict
from mastertrading.settings.schema import Settings

OF_THE_MARKET = ("seed", "data.base_minutes", "data.prime", "data.worst_grade", "risk.gates.macro.calendar")
CONTRACT_FACTS = ("tick", "lot", "multiplier", "min_notional", "min_lots")
PLACE = "--vary"
KINDS: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "string": (str,),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One combination.

    Attributes
    ----------
    place
        Its place in the space.
    key
        Hash of the values: the same combination has the same key in every space.
    values
        All varied values by name.
    signal, settings
        Those that go to the signal, and to the settings.
    """

    place: int
    key: str
    values: dict[str, Value]
    signal: dict[str, Value]
    settings: dict[str, Value]


def checked_space(
    axes: Sequence[Axis], conditions: Sequence[Condition], signal: OwnSignal | None, given: Iterable[str] = ()
) -> Space:
    """The space with every name known and every value of its parameter's kind.

    Parameters
    ----------
    given
        Names of signal parameters that the user has fixed.

    Raises
    ------
    ConfigError, UsageError
        With what was probably meant.
    """
    checked = tuple(_checked(axis, signal) for axis in axes)
    names = [axis.name for axis in checked]
    twice = next((name for name in names if name in given or names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is given twice", where=f"--param, {PLACE}", hint="leave one out")
    for condition in conditions:
        for name in sorted(condition.names.difference(names)):
            raise UsageError(
                f"the condition {condition.text!r} speaks of {name}, which is not varied",
                why=_meant(name, names) or f"varied are: {', '.join(names) or 'none'}",
                where="--where",
                hint=f"{PLACE} {name}=…",
            )
    return Space(checked, tuple(conditions))


def cases_of(space: Space, places: Iterable[int], signal: OwnSignal | None) -> list[Case]:
    """The cases at these places of a space."""
    own = {each.name for each in signal.parameters} if signal is not None else set()
    return [_case(place, space.at(place), own) for place in places]


def digest(*parts: object) -> str:
    """Short hash of plain values; equal values have equal hashes."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_of(base: Settings, changes: Mapping[str, Value]) -> Settings:
    """The settings with some of them changed.

    Raises
    ------
    ConfigError
        If the schema refuses them.
    """
    if not changes:
        return base
    values, given = base.resolved(), []
    for name, value in changes.items():
        path = _path(name)
        table = values
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = value
        given.append(Given(path, value, "sweep", PLACE, "sweep"))
    try:
        return Settings.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        problems = [verdict(dict(one), given) for one in error.errors(include_url=False)]
        raise refusal(problems) from error


def _case(place: int, values: dict[str, Value], own: set[str]) -> Case:
    signal = {name: value for name, value in values.items() if name in own}
    rest = {name: value for name, value in values.items() if name not in own}
    return Case(place, digest(values), values, signal, rest)


def _path(name: str) -> tuple[str, ...]:
    return canonical_path(tuple(name.split(".")))


def _checked(axis: Axis, signal: OwnSignal | None) -> Axis:
    own = {each.name: each for each in signal.parameters} if signal is not None else {}
    if axis.name in own:
        return _of_signal(axis, own[axis.name])
    path = _path(axis.name)
    node = keys.find(path)
    if node is None:
        raise _unknown(axis, path, signal)
    name = keys.dotted(path)
    if name in OF_THE_MARKET or (path[0] == "instruments" and path[-1] in CONTRACT_FACTS):
        raise UsageError(
            f"{name} cannot be varied",
            why="it changes the market itself, which all cases share",
            where=PLACE,
            hint=f"one sweep for each value: --set {name}={axis.values[0]}",
        )
    kind = node.get("type", "string" if "enum" in node else "")
    if kind not in KINDS:
        why = "it is a table of settings" if kind == "object" else "it is a list"
        raise UsageError(f"{name} cannot be varied", why=why, where=PLACE)
    wrong = next((v for v in axis.values if not _fits(v, KINDS[kind])), None)
    if wrong is not None:
        told = f"{wrong!r} does not fit {name}"
        raise UsageError(told, why=f"allowed: {keys.allowed(node)}", where=f"{PLACE} {axis.name}")
    outside = [v for v in axis.values if "enum" in node and v not in node["enum"]]
    if outside:
        told = f"{outside[0]!r} does not fit {name}"
        raise UsageError(told, why=f"allowed: {keys.allowed(node)}", where=f"{PLACE} {axis.name}")
    return Axis(name, _as_floats(axis.values) if kind == "number" else axis.values)


def _of_signal(axis: Axis, parameter: Parameter) -> Axis:
    texts = parameter.kind is str
    values = (
        parameter.read(text_of(value) if texts else value, f"{PLACE} {axis.name}") for value in axis.values
    )
    return Axis(axis.name, tuple(dict.fromkeys(values)))


def _fits(value: Value, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _as_floats(values: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(float(value) for value in values))


def _unknown(axis: Axis, path: tuple[str, ...], signal: OwnSignal | None) -> UsageError:
    own = [each.name for each in signal.parameters] if signal is not None else []
    if "." in axis.name or not own:
        meant = keys.did_you_mean(path)
        why = f"did you mean {meant}?" if meant else ""
        if "." not in axis.name and signal is None:
            why = why or "a plain name is a parameter of your own signal, and there is no --signal"
        hint = "mastertrading config show --defaults"
        return UsageError(f"there is no setting {axis.name}", why=why, where=PLACE, hint=hint)
    name = signal.name if signal is not None else ""
    return UsageError(
        f"{name} has no parameter {axis.name}",
        why=_meant(axis.name, own) or f"it has: {', '.join(own)}",
        where=PLACE,
        hint="a setting has dots in its name, as in risk.per_trade",
    )


def _meant(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]}?" if found else ""
