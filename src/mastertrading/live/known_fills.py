"""Which executions are booked, told apart by what they say: venues use an id again, or tell one under two."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

from mastertrading.domain.orders import Fill

Moment = tuple[str, int, str, int, Decimal, Decimal]
"""Instrument, time; order, side, size and price. By the last four an id is recognised: times are told wrongly, too."""


class KnownFills:
    """What was booked of one account: of each instrument the newest ``most`` executions."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_id: dict[str, dict[str, Moment]] = defaultdict(dict)
        self._booked: Counter[Moment] = Counter()

    def note(self, fill: Fill) -> None:
        """It is booked."""
        known, moment = self._by_id[fill.symbol], _moment(fill)
        known[fill.fill_id] = moment
        self._booked[moment] += 1
        if len(known) > self._most:
            self._booked -= Counter([known.pop(next(iter(known)))])

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
            is_known = fill.fill_id in self._by_id[fill.symbol]
            if is_known or fill.symbol in spoilt or room[_moment(fill)] <= 0:
                continue
            room[_moment(fill)] -= 1
            fresh.append(fill)
        return tuple(fresh), spoilt

    def _contradicts(self, fill: Fill) -> bool:
        known = self._by_id[fill.symbol].get(fill.fill_id)
        return known is not None and known[2:] != _moment(fill)[2:]


def _moment(fill: Fill) -> Moment:
    return fill.symbol, fill.ts_ms, fill.order_id, fill.order_side, fill.qty, fill.px
