"""The space of a sweep: which parameters take which values, and which combinations of them are tried.

``fast=5:50:5`` counts from 5 to 50 in steps of 5 (inclusive, in exact decimals), ``z=0.1:10:log:7`` takes seven values
at equal ratios, ``slow=20,50,100`` takes what is listed; pieces may be mixed, as in ``1,5:20:5``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np

from mastertrading.domain.errors import UsageError
from mastertrading.research.conditions import Condition, Value

MOST_VALUES = 100_000
MOST_CASES = 1_000_000
"""A larger space must be sampled (``--random``), not walked through."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_-]+)*")
SIGNIFICANT = 12
"""Digits that are kept of a value of a logarithmic range."""

HOW = "--vary fast=5:50:5, --vary slow=20,50,100, --vary risk.per_trade=0.001:0.01:log:5"


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the values it takes, in the order given, each once."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """The combinations of a few axes that fulfil all conditions.

    A combination is named by its place: the number whose digits are the positions on the axes, the last axis
    counting fastest. Places are what cases are sorted by.
    """

    axes: tuple[Axis, ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def product(self) -> int:
        """Combinations before the conditions."""
        return math.prod(len(axis.values) for axis in self.axes)

    def at(self, place: int) -> dict[str, Value]:
        """The values of a combination."""
        return {axis.name: axis.values[k] for axis, k in zip(self.axes, self.digits(place), strict=True)}

    def digits(self, place: int) -> tuple[int, ...]:
        """The positions of a combination on the axes."""
        found = []
        for axis in reversed(self.axes):
            place, digit = divmod(place, len(axis.values))
            found.append(digit)
        return tuple(reversed(found))

    def place(self, digits: Sequence[int]) -> int:
        """The combination with these positions."""
        number = 0
        for axis, digit in zip(self.axes, digits, strict=True):
            number = number * len(axis.values) + digit
        return number

    def allows(self, place: int) -> bool:
        """Whether a combination fulfils every condition."""
        values = self.at(place)
        return all(condition.holds(values) for condition in self.conditions)

    def places(self, sample: int | None = None, seed: int = 1) -> list[int]:
        """The combinations to try, ascending.

        Parameters
        ----------
        sample
            Draw so many at random, each at most once; None: all of them. A larger sample with the same seed holds
            the smaller one.

        Raises
        ------
        UsageError
            If there are none, or too many.
        """
        found = self._all() if sample is None else sorted(self._drawn(sample, seed))
        if not found:
            told = " and ".join(condition.text for condition in self.conditions)
            raise UsageError(
                "no combination of the parameters is left",
                why=f"none of {self.product} fulfils {told}" if told else "nothing is varied",
                where="--vary, --where",
                hint=HOW,
            )
        return found

    def _all(self) -> list[int]:
        if self.product > MOST_CASES:
            raise UsageError(
                f"{self.product:,} combinations are too many to try all of them",
                why=f"at most {MOST_CASES:,} are walked through",
                where="--vary",
                hint="--random 1000 tries that many of them",
            )
        return [place for place in range(self.product) if self.allows(place)]

    def _drawn(self, count: int, seed: int) -> set[int]:
        """Sample without repetition: a shuffle that is computed only as far as it is needed."""
        drawn: set[int] = set()
        for tried, place in enumerate(_shuffled(self.product, seed)):
            if len(drawn) == count or tried >= MOST_CASES:
                break
            if self.allows(place):
                drawn.add(place)
        return drawn


def _shuffled(count: int, seed: int) -> Iterator[int]:
    """The numbers below ``count`` in an order that the seed gives (Fisher and Yates, swaps kept in a dict)."""
    draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 7))))
    moved: dict[int, int] = {}
    for left in range(count, 0, -1):
        k = min(int(draw.random() * left), left - 1)
        yield moved.get(k, k)
        moved[k] = moved.pop(left - 1, left - 1)


def parse_axis(text: str) -> Axis:
    """Read ``NAME=VALUES``.

    Raises
    ------
    UsageError
        With what is wrong.
    """
    name, equals, body = text.partition("=")
    name = name.strip()
    if not equals or not NAME.fullmatch(name):
        raise _refused(text, "it is not NAME=VALUES")
    pieces = [piece.strip() for piece in body.split(",")]
    if not all(pieces):
        raise _refused(text, "a value is missing")
    values: dict[tuple[type, Value], Value] = {}
    for piece in pieces:
        for value in _piece(piece, text):
            values[(type(value), value)] = value
        if len(values) > MOST_VALUES:
            raise _refused(text, f"it has more than {MOST_VALUES:,} values")
    return Axis(name, _one_kind(tuple(values.values()), text))


def parse_axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """Read several; a name may stand only once."""
    axes = tuple(parse_axis(text) for text in texts)
    names = [axis.name for axis in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            f"{twice} is varied twice",
            where="--vary",
            hint=f"write all its values in one: --vary {twice}=1,2,3",
        )
    return axes


def _piece(piece: str, whole: str) -> Sequence[Value]:
    parts = piece.split(":")
    if len(parts) == 1:
        return (_value(piece),)
    if len(parts) == 4 and parts[2].strip() == "log":
        return _logarithmic(parts[0], parts[1], parts[3], whole)
    if len(parts) != 3:
        raise _refused(whole, f"{piece!r} is neither a value nor FIRST:LAST:STEP nor FIRST:LAST:log:COUNT")
    first, last, step = (_decimal(part, whole) for part in parts)
    if step == 0 or (last - first) * step < 0:
        raise _refused(
            whole, f"{piece!r} never arrives: {last} is not reached from {first} in steps of {step}"
        )
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise _refused(whole, f"it has more than {MOST_VALUES:,} values")
    return [_plain(first + k * step) for k in range(count)]


def _logarithmic(first: str, last: str, count: str, whole: str) -> list[Value]:
    low, high = float(_decimal(first, whole)), float(_decimal(last, whole))
    if not count.strip().isdecimal() or not 2 <= int(count) <= MOST_VALUES:
        raise _refused(whole, f"{count!r} is not a number of values from 2 on")
    if low <= 0.0 or high <= 0.0:
        raise _refused(whole, "a logarithmic range lies above zero")
    steps = int(count) - 1
    inner = [low * (high / low) ** (k / steps) for k in range(1, steps)]
    rounded = [Decimal(f"{value:.{SIGNIFICANT}g}") for value in inner]
    return [_plain(value) for value in (_decimal(first, whole), *rounded, _decimal(last, whole))]


def _decimal(text: str, whole: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _refused(whole, f"{text.strip()!r} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise _refused(whole, f"{text.strip()!r} is not a finite number")
    return number


def _value(text: str) -> Value:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text.strip("\"'")
    return number if math.isfinite(number) else text


def _plain(number: Decimal) -> Value:
    """A whole number as an int, any other as the nearest float."""
    return int(number) if number == number.to_integral_value() and abs(number) < 1 << 53 else float(number)


def _one_kind(values: tuple[Value, ...], whole: str) -> tuple[Value, ...]:
    """All values of one kind; whole numbers among others become floats."""
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        return tuple(dict.fromkeys(float(value) for value in values))
    if len(kinds) > 1:
        told = ", ".join(repr(value) for value in values[:5])
        raise _refused(whole, f"its values are of different kinds: {told}")
    return values


def _refused(text: str, why: str) -> UsageError:
    return UsageError(f"--vary {text[:120]} is not understood", why=why, where="--vary", hint=HOW)
