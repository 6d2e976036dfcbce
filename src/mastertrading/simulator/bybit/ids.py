"""Ids as Bybit writes them, made of the exchange's own numbers and read back from them."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

_MASK = (1 << 64) - 1
_SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)


class Kind(IntEnum):
    """What an id belongs to: equal numbers of different kinds get different ids."""

    ORDER = 1
    EXECUTION = 2
    TRADE = 3
    INCOME = 4
    MESSAGE = 5
    CONNECTION = 6


@lru_cache(maxsize=65_536)
def id_of(kind: Kind, number: int) -> str:
    """An id in the form of a version 4 UUID; its last twelve digits are the number."""
    mixed = (number * 0x9E3779B97F4A7C15 + kind * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed ^= mixed >> 31
    head = f"{mixed:016x}"
    variant = "89ab"[mixed & 3]
    return f"{head[:8]}-{head[8:12]}-4{head[12:15]}-{variant}{head[13:16]}-{number:012x}"


def number_of(kind: Kind, text: str) -> int | None:
    """The number of an id that ``id_of`` made; None for any other text."""
    if not _SHAPE.fullmatch(text):
        return None
    number = int(text[-12:], 16)
    return number if id_of(kind, number) == text else None
