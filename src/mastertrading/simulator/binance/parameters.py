"""What a client wrote: the parameters of a query and of a form, and how each kind is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from mastertrading.simulator.binance.codes import VenueError, illegal, invalid, missing
from mastertrading.simulator.wire import fields_of

WHOLE = r"^[0-9]{1,20}$"
NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
MOST_PARAMETERS = 100
LONGEST_CLIENT_ID = 36
_WHOLE, _NUMBER, _CLIENT_ID = re.compile(WHOLE), re.compile(NUMBER), re.compile(CLIENT_ID)
_INT64 = 2**63

Choice = TypeVar("Choice", bound=Enum)


class Parameters:
    """Parameters by name, each read once as what it must be."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    @classmethod
    def of(cls, query: str, body: str) -> Parameters:
        """Parameters of a query and a form; where both have a name, the query's.

        Raises
        ------
        VenueError
            -1101 if one of them has a name twice, or too many names.
        """
        return cls({**_once(_pairs(body)), **_once(_pairs(query))})

    def has(self, name: str) -> bool:
        """Whether it was sent, and not empty."""
        return bool(self.values.get(name))

    def text(self, name: str) -> str:
        """Text that may be missing."""
        return self.values.get(name, "")

    def required(self, name: str) -> str:
        """Text that must be there."""
        value = self.values.get(name)
        if not value:
            raise missing(name)
        return value

    def whole(self, name: str) -> int | None:
        """A count, a number of an order or a time."""
        value = self.values.get(name)
        if not value:
            return None
        if not _WHOLE.match(value) or not value.isascii():
            raise illegal(name, WHOLE)
        count = int(value)
        if count >= _INT64:
            raise illegal(name, WHOLE)
        return count

    def required_whole(self, name: str) -> int:
        """A count that must be there."""
        count = self.whole(name)
        if count is None:
            raise missing(name)
        return count

    def limit(self, default: int, most: int) -> int:
        """How many rows are wanted."""
        count = self.whole("limit")
        if count is None:
            return default
        if not 1 <= count <= most:
            raise invalid("limit")
        return count

    def decimal(self, name: str) -> Decimal | None:
        """A price or a quantity."""
        value = self.values.get(name)
        if not value:
            return None
        if not _NUMBER.match(value) or not value.isascii():
            raise illegal(name, NUMBER)
        return Decimal(value)

    def required_decimal(self, name: str) -> Decimal:
        """A price or a quantity that must be there."""
        value = self.decimal(name)
        if value is None:
            raise missing(name)
        return value

    def flag(self, name: str) -> bool | None:
        """``true`` or ``false``."""
        value = self.values.get(name)
        if not value:
            return None
        if value.lower() not in ("true", "false"):
            raise missing(name)
        return value.lower() == "true"

    def client_id(self, name: str) -> str:
        """A client's own name of an order; may be missing."""
        value = self.values.get(name, "")
        if len(value) > LONGEST_CLIENT_ID:
            raise VenueError(-4015, "Client order id length should be less than 36 chars")
        if value and not _CLIENT_ID.match(value):
            raise illegal(name, CLIENT_ID)
        return value

    def span(self, longest_ms: int | None = None) -> tuple[int | None, int | None]:
        """``startTime`` and ``endTime``."""
        start, end = self.whole("startTime"), self.whole("endTime")
        if start is not None and end is not None:
            if start > end:
                raise VenueError(-1023, "Start time is greater than end time.")
            if longest_ms is not None and end - start > longest_ms:
                raise VenueError(-4165)
        return start, end

    def choice(self, name: str, options: Iterable[str], default: str, code: int = -1130) -> str:
        """One word of several."""
        value = self.values.get(name) or default
        if value not in options:
            raise VenueError(code) if code != -1130 else invalid(name)
        return value


def _pairs(text: str) -> list[tuple[str, str]]:
    if not text:
        return []
    try:
        return fields_of(text, MOST_PARAMETERS)
    except ValueError:
        raise VenueError(-1101, "Too many parameters sent for this endpoint.") from None


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise VenueError(-1101)
    return found
