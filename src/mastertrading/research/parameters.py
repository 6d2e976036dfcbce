"""The parameters of a user's signal: what its signature says, and what a user gives for them.

A parameter has a default, and the default says what may be given: a whole number, a number, true or false, or a
text. A sweep varies these and nothing else.
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mastertrading.domain.errors import SignalError, UsageError

Scalar = bool | int | float | str
KINDS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
TRUTHS = {"true": True, "false": False}
EXAMPLE = "def ema_cross(bars, fast: int = 20, slow: int = 50):"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One keyword parameter of a signal.

    Attributes
    ----------
    kind
        ``bool``, ``int``, ``float`` or ``str``.
    """

    name: str
    kind: type
    default: Scalar

    def read(self, value: object, where: str) -> Scalar:
        """The value as this parameter's kind; a text is read as from the command line.

        Raises
        ------
        SignalError
            If it is of another kind.
        """
        read = _from_text(self.kind, value) if isinstance(value, str) else _from_value(self.kind, value)
        if read is None:
            raise SignalError(
                f"parameter {self.name} cannot be {value!r}",
                why=f"its default {self.default!r} makes it {KINDS[self.kind]}",
                where=where,
                hint=f"--param {self.name}={text_of(self.default)}",
            )
        return read


def parameters_of(function: Callable[..., Any], where: str) -> tuple[str, tuple[Parameter, ...]]:
    """Name of the first parameter of a signal, and its keyword parameters.

    Raises
    ------
    SignalError
        If it is not the signature of a signal.
    """
    name = getattr(function, "__name__", "signal")
    try:
        wanted = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise _not_a_signal(name, str(error), where) from None
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise _not_a_signal(name, "it is async, or yields: it has to return an array", where)
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not wanted or wanted[0].kind not in plain:
        raise _not_a_signal(name, "it takes no bars: they are its first parameter", where)
    return wanted[0].name, tuple(_parameter(name, each, where) for each in wanted[1:])


def _parameter(signal: str, given: inspect.Parameter, where: str) -> Parameter:
    default = given.default
    if given.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        why = f"it takes {given}: every parameter needs a name, so that a sweep can vary it"
        raise _not_a_signal(signal, why, where)
    if given.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise _not_a_signal(signal, f"parameter {given.name} cannot be given by its name", where)
    if default is inspect.Parameter.empty:
        raise _not_a_signal(signal, f"parameter {given.name} has no default", where)
    if type(default) not in KINDS:
        why = (
            f"the default of {given.name} is {default!r}: only numbers, true or false, and texts can be given"
        )
        raise _not_a_signal(signal, why, where)
    if type(default) is int and given.annotation in (float, "float"):
        return Parameter(given.name, float, float(default))
    return Parameter(given.name, type(default), default)


def _not_a_signal(name: str, why: str, where: str) -> SignalError:
    return SignalError(f"{name} has not the signature of a signal", why=why, where=where, hint=EXAMPLE)


def read_values(
    signal: str, parameters: Iterable[Parameter], given: Mapping[str, object], where: str
) -> dict[str, Scalar]:
    """The value of every parameter: given, else its default.

    Raises
    ------
    SignalError
        If a name is unknown, or a value of the wrong kind.
    """
    known = {each.name: each for each in parameters}
    for name in given:
        if name not in known:
            raise _unknown(signal, name, known, where)
    return {
        name: each.read(given[name], where) if name in given else each.default for name, each in known.items()
    }


def _unknown(signal: str, name: str, known: Mapping[str, Parameter], where: str) -> SignalError:
    meant = get_close_matches(name, known, n=1)
    there = ", ".join(f"{each.name}={text_of(each.default)}" for each in known.values())
    return SignalError(
        f"{signal} has no parameter {name}" + (f"; did you mean {meant[0]}?" if meant else ""),
        why=f"it has {there}" if there else "it has no parameters",
        where=where,
    )


def read_options(texts: Iterable[str]) -> dict[str, str]:
    """Texts ``fast=20`` by name; the last of two wins.

    Raises
    ------
    UsageError
        If one is not of that form.
    """
    given = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or not name.strip().isidentifier():
            raise UsageError(f"--param takes NAME=VALUE, not {text!r}", hint="--param fast=20")
        given[name.strip()] = value.strip()
    return given


def text_of(value: Scalar) -> str:
    """The value as one writes it on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_text(kind: type, text: str) -> Scalar | None:
    try:
        if kind is bool:
            return TRUTHS.get(text.lower())
        if kind is int:
            return int(text)
        number = float(text) if kind is float else 0.0
    except ValueError:
        return None
    if kind is str:
        return text
    return number if math.isfinite(number) else None


def _from_value(kind: type, value: object) -> Scalar | None:
    if kind is str:
        return None
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return bool(value) if kind is bool else None
    if kind is int and isinstance(value, numbers.Integral):
        return int(value)
    if kind is float and isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    return None
