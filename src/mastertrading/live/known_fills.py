"""Which executions are booked, told apart by what they say: venues use an id again, or tell one under two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from mastertrading.domain.orders import Fill

Content = tuple[str, int, Decimal, Decimal]
"""Order, side, size and price. The time is no part of it: venues have told it wrongly."""


class KnownFills:
    """What was booked of one account."""

    def __init__(self) -> None:
        self._by_id: dict[tuple[str, str], Content] = {}
        self._booked: Counter[tuple[str, int, Content]] = Counter()

    def note(self, fill: Fill) -> None:
        """It is booked."""
        self._by_id[fill.symbol, fill.fill_id] = _content(fill)
        self._booked[_moment(fill)] += 1

    def sifted(self, fills: Sequence[Fill]) -> tuple[tuple[Fill, ...], frozenset[str]]:
        """Those that are new, and instruments whose fills contradict what is booked: nothing of those is believed.

        Of equal executions (one order, moment, size and price) so many are new as more are told than are booked,
        whatever their ids.
        """
        spoilt = frozenset(fill.symbol for fill in fills if self._contradicts(fill))
        room = Counter(map(_moment, fills))
        room.subtract({one: self._booked[one] for one in room})
        fresh = []
        for fill in fills:
            is_known = (fill.symbol, fill.fill_id) in self._by_id
            if is_known or fill.symbol in spoilt or room[_moment(fill)] <= 0:
                continue
            room[_moment(fill)] -= 1
            fresh.append(fill)
        return tuple(fresh), spoilt

    def _contradicts(self, fill: Fill) -> bool:
        known = self._by_id.get((fill.symbol, fill.fill_id))
        return known is not None and known != _content(fill)


def _content(fill: Fill) -> Content:
    return fill.order_id, fill.order_side, fill.qty, fill.px


def _moment(fill: Fill) -> tuple[str, int, Content]:
    return fill.symbol, fill.ts_ms, _content(fill)
