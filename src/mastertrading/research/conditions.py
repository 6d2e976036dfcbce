"""Conditions over named values, as in ``fast < slow and not (risk.per_trade > 0.01)``.

A condition is parsed into a small tree and evaluated over a mapping: there are names, numbers, texts, ``true`` and
``false``, ``+ - * /``, comparisons (also chained, ``1 < a <= b``), ``and``, ``or``, ``not`` and parentheses.
Nothing else can be said, so nothing else can happen.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

from mastertrading.domain.errors import UsageError

Value = int | float | bool | str
Evaluate = Callable[[Mapping[str, Value]], Any]

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]*[A-Za-z0-9_])*)
    |(?P<text>'[^']*'|"[^"]*")
    |(?P<sign><=|>=|==|!=|[-<>=+*/()]))""",
    re.VERBOSE,
)
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
}
SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub}
PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {"*": operator.mul, "/": operator.truediv}
DEEPEST = 50
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition: its text, the names it speaks of, and how it is evaluated."""

    text: str
    names: frozenset[str]
    evaluate: Evaluate

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it is true of these values.

        Raises
        ------
        UsageError
            If the values cannot be compared or divided.
        """
        try:
            return bool(self.evaluate(values))
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            told = ", ".join(f"{name} = {values[name]!r}" for name in sorted(self.names))
            raise UsageError(
                f"the condition {self.text!r} cannot be answered", why=f"{error} ({told})", where="--where"
            ) from error


def parse(text: str) -> Condition:
    """Parse a condition.

    Raises
    ------
    UsageError
        With the place where it stops making sense.
    """
    parser = _Parser(text)
    evaluate = parser.either(0)
    parser.end()
    return Condition(text, frozenset(parser.names), evaluate)


class _Parser:
    """Recursive descent: either → both → negation → comparison → sum → product → atom."""

    def __init__(self, text: str) -> None:
        self.text, self.names, self.at = text, set[str](), 0
        self.tokens: list[tuple[str, str, int]] = []
        place, end = 0, len(text.rstrip())
        if end > LONGEST:
            self.refuse(f"it is longer than {LONGEST} characters")
        while place < end:
            found = TOKEN.match(text, place)
            if found is None:
                self.refuse(f"{text[place:].strip()[:20]!r} cannot stand in a condition")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind], found.start(kind)))
            place = found.end()

    def refuse(self, why: str) -> NoReturn:
        hint = 'for example --where "fast < slow" or --where "a * 2 <= b and mode == \'x\'"'
        raise UsageError(
            f"the condition {self.text[:80]!r} is not understood", why=why, where="--where", hint=hint
        )

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "")

    def take(self, *words: str) -> str:
        """The next token if it is one of these words or signs; else nothing."""
        kind, word = self.peek()
        if kind in ("name", "sign") and word in words:
            self.at += 1
            return word
        return ""

    def end(self) -> None:
        if self.at < len(self.tokens):
            _, word, place = self.tokens[self.at]
            self.refuse(f"{word!r} at character {place + 1} does not belong there")

    def either(self, depth: int) -> Evaluate:
        """Parse ``a or b``."""
        if depth > DEEPEST:
            self.refuse("it is nested too deeply")
        parts = [self.both(depth)]
        while self.take("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else lambda v: any(part(v) for part in parts)

    def both(self, depth: int) -> Evaluate:
        """Parse ``a and b``."""
        parts = [self.negation(depth)]
        while self.take("and"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else lambda v: all(part(v) for part in parts)

    def negation(self, depth: int) -> Evaluate:
        """Parse ``not a``."""
        odd = False
        while self.take("not"):
            odd = not odd
        inner = self.comparison(depth)
        return (lambda v: not inner(v)) if odd else inner

    def comparison(self, depth: int) -> Evaluate:
        """Parse ``a < b <= c``."""
        parts, compare = [self.sum(depth)], []
        while sign := self.take(*COMPARISONS):
            compare.append(COMPARISONS[sign])
            parts.append(self.sum(depth))
        if not compare:
            return parts[0]

        def answer(v: Mapping[str, Value]) -> bool:
            values = [part(v) for part in parts]
            return all(one(*pair) for one, pair in zip(compare, pairwise(values), strict=True))

        return answer

    def sum(self, depth: int) -> Evaluate:
        """Parse ``a + b - c``."""
        return self._chain(SUMS, self.product, depth)

    def product(self, depth: int) -> Evaluate:
        """Parse ``a * b / c``."""
        return self._chain(PRODUCTS, self.atom, depth)

    def _chain(
        self, signs: dict[str, Callable[[Any, Any], Any]], below: Callable[[int], Evaluate], depth: int
    ) -> Evaluate:
        first, rest = below(depth), list[tuple[Callable[[Any, Any], Any], Evaluate]]()
        while sign := self.take(*signs):
            rest.append((signs[sign], below(depth)))

        def value(v: Mapping[str, Value]) -> Any:
            total = first(v)
            for one, part in rest:
                total = one(_number(total), _number(part(v)))
            return total

        return value if rest else first

    def atom(self, depth: int) -> Evaluate:
        """Parse a number, a name, a text, or something in parentheses."""
        if self.take("-"):
            if depth > DEEPEST:
                self.refuse("it is nested too deeply")
            inner = self.atom(depth + 1)
            return lambda v: -_number(inner(v))
        if self.take("("):
            inside = self.either(depth + 1)
            if not self.take(")"):
                self.refuse("a ')' is missing")
            return inside
        kind, word = self.peek()
        self.at += 1
        if kind == "number":
            return _constant(float(word) if re.search(r"[.eE]", word) else int(word))
        if kind == "text":
            return _constant(word[1:-1])
        if kind == "name" and word in ("true", "false"):
            return _constant(word == "true")
        if kind != "name" or word in ("and", "or", "not"):
            self.refuse(
                f"{word!r} stands where a name or a number should" if word else "something is missing"
            )
        self.names.add(word)
        return lambda v: v[word]


def _constant(value: Value) -> Evaluate:
    return lambda v: value


def _number(value: Any) -> int | float:
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"{value!r} is not a number")
