"""Where an order of ours can be: every place is asked, and *nowhere* is said only when all of them answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.orders import Order

Place = Callable[[], Awaitable[Order | None]]
"""Asks one place. None only where the venue said in so many words that it has no such order."""


async def look_up(places: Sequence[Place]) -> Order | None:
    """The order, from the first place that has it.

    Raises
    ------
    ExchangeUnavailable
        If no place has it and one of them gave no clean answer: nothing is known then.
    """
    trouble: ExchangeUnavailable | None = None
    for place in places:
        try:
            found = await place()
        except ExchangeUnavailable as error:
            trouble = error
            continue
        if found is not None:
            return found
    if trouble is not None:
        raise trouble
    return None
