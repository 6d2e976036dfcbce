"""Lists in pages: newest first, with a cursor that names the last row told.

A cursor comes percent-encoded, as the venue writes it. Clients send it back as it came or decoded; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import unquote

from mastertrading.simulator.bybit.codes import parameter
from mastertrading.simulator.bybit.parameters import Asked

Row = TypeVar("Row")
_CURSOR = re.compile(r"([0-9]{1,18}):([0-9]{1,18})", re.ASCII)
_NAMED = re.compile(r"last=([A-Za-z0-9]{1,64})", re.ASCII)


def page(
    rows: Sequence[Row], asked: Asked, key: Callable[[Row], int], *, limit: int, most: int
) -> tuple[list[Row], str]:
    """One page of rows that ascend by ``key``, newest first, and the cursor of the next ('' at the end)."""
    size = asked.whole("limit", 1, most, limit)
    before = _anchor(asked)
    chosen: list[Row] = []
    for row in reversed(rows):
        if before is not None and key(row) >= before:
            continue
        if len(chosen) == size:
            last = key(chosen[-1])
            return chosen, f"{last}%3A{size}"
        chosen.append(row)
    return chosen, ""


def named_page(names: Sequence[str], asked: Asked, *, limit: int, most: int) -> tuple[list[str], str]:
    """One page of ascending names, and the cursor of the next."""
    size = asked.whole("limit", 1, most, limit)
    text = unquote(asked.text("cursor"))
    after = ""
    if text:
        found = _NAMED.fullmatch(text)
        if not found:
            raise parameter("params error: cursor invalid")
        after = found[1]
    rest = [name for name in names if name > after]
    chosen = rest[:size]
    return chosen, f"last%3D{chosen[-1]}" if len(rest) > size else ""


def _anchor(asked: Asked) -> int | None:
    text = unquote(asked.text("cursor"))
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if not found:
        raise parameter("params error: cursor invalid")
    return int(found[1])


def window(asked: Asked, now_ms: int, default_ms: int, most_ms: int) -> tuple[int, int]:
    """The asked span of time [start, end], with the documented defaults where an end is not given.

    Raises
    ------
    Wrong
        10001 where it is empty or longer than ``most_ms``.
    """
    start, end = asked.moment("startTime"), asked.moment("endTime")
    if start is None:
        end = now_ms if end is None else end
        start = max(0, end - default_ms)
    elif end is None:
        end = start + default_ms
    if end < start:
        raise parameter("The start time must be less than the end time")
    if end - start > most_ms:
        raise parameter("The time range between startTime and endTime cannot exceed 7 days.")
    return start, end
