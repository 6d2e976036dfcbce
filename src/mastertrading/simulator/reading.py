"""Reading what a client sent, strictly: a plain decimal, a whole number, a JSON object, or nothing.

A venue's gateway takes ``1``, ``0.5`` and ``-2``; it does not take ``NaN``, ``1e400``, ``Infinity``, ``1_000`` or
digits of another alphabet, all of which Python's own constructors accept. Nothing here raises.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

MAX_BODY: Final = 1 << 20
"""Bytes of a request body or a frame that are looked at; a longer one is refused unread."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,24}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


def decimal_of(text: object) -> Decimal | None:
    """A plain decimal number in text; None if it is anything else."""
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        return None
    return Decimal(text)


def whole_of(value: object) -> int | None:
    """A whole number, as a number or in text, of at most 19 digits; None if it is anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**19 else None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return None


def object_of(body: bytes | str) -> dict[str, Any] | None:
    """The JSON object in a body or a frame; None if it is too long, no JSON or no object.

    Numbers with a fraction or an exponent come as ``Decimal`` and keep their digits.
    """
    if len(body) > MAX_BODY:
        return None
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_constant(name: str) -> Any:
    raise ValueError(name)
