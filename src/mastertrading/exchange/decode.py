"""Reading what a venue says, strictly: what is required and not there, or in another unit, is no answer.

ccxt's own parsers give floats and put None where a field is missing. Money is read here from the venue's own text
instead, and a reply that lacks a field is told apart from one that says zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from mastertrading.domain.errors import ExchangeUnavailable

T = TypeVar("T")

EARLIEST_MS, LATEST_MS = 1_000_000_000_000, 10_000_000_000_000
"""2001 … 2286: what lies outside is in seconds or in microseconds."""


class Row:
    """One object of a reply.

    Parameters
    ----------
    told
        The venue's words; anything but a mapping is no answer.
    what
        What it is, for people: ``an order of binance_usdm``.

    Raises
    ------
    ExchangeUnavailable
        From each method, naming the field.
    """

    __slots__ = ("told", "what")

    def __init__(self, told: Any, what: str) -> None:
        if type(told) is not dict and not isinstance(told, Mapping):
            raise ExchangeUnavailable(f"{what} is no object", why=f"it is {type(told).__name__}")
        self.told, self.what = told, what

    def text(self, name: str) -> str:
        """A text or a number as text, not empty."""
        value = self.told.get(name)
        if type(value) is str and value:
            return value  # as nearly always
        if value is None or isinstance(value, (bool, Mapping, list)) or str(value) == "":
            raise self._lacks(name)
        return str(value)

    def text_or(self, name: str, other: str = "") -> str:
        """The same; ``other`` where it is missing or empty."""
        value = self.told.get(name)
        if type(value) is str:
            return value or other
        return other if value is None or str(value) == "" else str(value)

    def number(self, name: str) -> Decimal:
        """A finite number, exactly as it was written."""
        return self._number(name, self.text(name))

    def number_or_none(self, name: str) -> Decimal | None:
        """The same; None where it is missing or empty."""
        text = self.text_or(name)
        return self._number(name, text) if text else None

    def positive_or_none(self, name: str) -> Decimal | None:
        """The same; None also where it is zero, which venues write for *none*."""
        number = self.number_or_none(name)
        return number if number is not None and number > 0 else None

    def prices(
        self, names: tuple[str, str, str, str, str]
    ) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
        """Open, high, low, close and volume by their names: positive prices that contain each other.

        Raises
        ------
        ExchangeUnavailable
            Also if the high is not the highest or the low not the lowest.
        """
        open_, high, low, close, volume = (self.number(name) for name in names)
        if not 0 < low <= min(open_, close) <= max(open_, close) <= high or volume < 0:
            raise ExchangeUnavailable(
                f"{self.what} is no bar", why=f"{open_} {high} {low} {close}, volume {volume}"
            )
        return open_, high, low, close, volume

    def whole(self, name: str) -> int:
        """A whole number."""
        number = self.number(name)
        if number != number.to_integral_value():
            raise ExchangeUnavailable(f"{self.what}: {name} is no whole number", why=str(number))
        return int(number)

    def time_ms(self, name: str) -> int:
        """A moment in milliseconds; one in seconds or microseconds is refused."""
        return moment_ms(self.whole(name), f"{self.what}: {name}")

    def flag(self, name: str) -> bool:
        """True or false, also in words."""
        value = self.told.get(name)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise self._lacks(name)

    def flag_or(self, name: str, other: bool = False) -> bool:
        """The same; ``other`` where it is missing or empty."""
        return self.flag(name) if self.told.get(name) not in (None, "") else other

    def one_of(self, name: str, words: Mapping[str, T]) -> T:
        """What one of the venue's words means."""
        text = self.text(name)
        if text not in words:
            raise ExchangeUnavailable(
                f"{self.what}: {name} says {text[:40]!r}", why=f"known: {', '.join(words)}"
            )
        return words[text]

    def row(self, name: str) -> Row:
        """An object inside."""
        return Row(self.told.get(name), f"{name} of {self.what}")

    def rows(self, name: str) -> list[Row]:
        """A list of objects inside."""
        return list(rows_of(self.told.get(name), f"{name} of {self.what}"))

    def _number(self, name: str, text: str) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ExchangeUnavailable(f"{self.what}: {name} is no number", why=repr(text[:40])) from None
        if not number.is_finite():
            raise ExchangeUnavailable(f"{self.what}: {name} is not finite", why=text[:40])
        return number

    def _lacks(self, name: str) -> ExchangeUnavailable:
        has = ", ".join(sorted(str(key) for key in self.told)[:40])
        return ExchangeUnavailable(f"{self.what} lacks {name}", why=f"it has {has}" if has else "it is empty")


def rows_of(told: Any, what: str) -> Iterator[Row]:
    """The objects of a list.

    Raises
    ------
    ExchangeUnavailable
        If it is no list.
    """
    if not isinstance(told, list):
        raise ExchangeUnavailable(f"{what} is no list", why=f"it is {type(told).__name__}")
    return (Row(one, what) for one in told)


def listed(told: Any, names: tuple[str, ...], what: str) -> Row:
    """A row that the venue writes as a list, by the names of its places."""
    if not isinstance(told, list) or len(told) < len(names):
        raise ExchangeUnavailable(f"{what} is no list of {len(names)} or more")
    return Row(dict(zip(names, told, strict=False)), what)


def moment_ms(value: int, what: str) -> int:
    """A moment in milliseconds.

    Raises
    ------
    ExchangeUnavailable
        If it is none: seconds and microseconds are told.
    """
    if EARLIEST_MS <= value < LATEST_MS:
        return value
    unit = "seconds" if EARLIEST_MS <= value * 1000 < LATEST_MS else "no milliseconds"
    unit = "microseconds" if EARLIEST_MS <= value // 1000 < LATEST_MS else unit
    raise ExchangeUnavailable(f"{what} is in {unit}", why=str(value))


def add_once(found: dict[str, T], identity: str, one: T) -> None:
    """Keep what an answer tells under an id.

    Raises
    ------
    ExchangeUnavailable
        If it tells something else under the same id: then nothing of it can be believed.
    """
    if found.setdefault(identity, one) != one:
        raise ExchangeUnavailable(f"two things are told under the id {identity[:40]}")
