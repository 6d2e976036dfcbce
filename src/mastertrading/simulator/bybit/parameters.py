"""Reading the parameters of a request: each one is what the documentation says, or the venue's error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from mastertrading.simulator.bybit.codes import Code, Wrong, parameter
from mastertrading.simulator.reading import decimal_of, whole_of

LINEAR = "linear"
CATEGORIES = ("linear", "inverse", "spot", "option")
_LINK_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NAME_LENGTH = 64


class Asked:
    """What a client asks: the parameters of a query, or a JSON object."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A text; absent, null and empty are the default."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        if not isinstance(value, str) or len(value) > 4096:
            raise parameter(f"params error: {name} invalid")
        return value

    def needed(self, name: str) -> str:
        """A text that must be there."""
        found = self.text(name)
        if not found:
            raise parameter(f"params error: {name} is empty")
        return found

    def one_of(self, name: str, choices: Sequence[str], default: str = "") -> str:
        """One of a few words."""
        found = self.text(name, default)
        if found and found not in choices:
            raise parameter(f"params error: {name} invalid")
        return found

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number within bounds."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        found = whole_of(value)
        if found is None or not low <= found <= high:
            raise parameter(f"params error: {name} invalid")
        return found

    def moment(self, name: str) -> int | None:
        """Milliseconds since 1970, or None."""
        found = self.whole(name, 0, 10**15, -1)
        return None if found < 0 else found

    def number(self, name: str) -> Decimal | None:
        """A decimal that is not negative, in text; None if it is not there."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        found = decimal_of(value)
        if found is None or found < 0:
            raise parameter(f"params error: {name} invalid")
        return found

    def flag(self, name: str) -> bool:
        """A truth value."""
        value = self._values.get(name)
        if value is None or value == "":
            return False
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        raise parameter(f"params error: {name} invalid")

    def objects(self, name: str, at_most: int) -> list[Mapping[str, Any]]:
        """A list of objects, at least one."""
        found = self._values.get(name)
        if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
            raise parameter(f"params error: {name} invalid")
        if len(found) > at_most:
            raise parameter(f"params error: the number of {name} exceeds {at_most}")
        return found

    def category(self, default: str = "") -> str:
        """The kind of product; any but ``linear`` is known, and empty here."""
        found = self.text("category", default)
        if found not in CATEGORIES:
            raise parameter("Illegal category")
        return found

    def link_id(self, longest: int) -> str:
        """The client's own id of an order; empty if it gave none."""
        found = self.text("orderLinkId")
        if found and (len(found) > longest or not _LINK_ID.fullmatch(found)):
            raise parameter("params error: OrderLinkId invalid")
        return found

    def name(self, name: str = "symbol") -> str:
        """An instrument's or coin's name as given (it may not exist); empty if there is none."""
        found = self.text(name)
        if len(found) > _NAME_LENGTH:
            raise parameter(f"params error: {name} invalid")
        return found


def only_linear(asked: Asked) -> None:
    """Commands are taken for linear contracts only."""
    if asked.category() != LINEAR:
        raise Wrong(Code.PARAMETER, "category is not supported here: linear only")
