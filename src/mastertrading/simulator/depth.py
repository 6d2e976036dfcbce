"""The book of an instrument: recorded levels, or levels made around the price."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

Levels = list[tuple[int, int]]
"""(ticks, lots), best first."""

_MASK = (1 << 64) - 1


def noise(*parts: int) -> int:
    """A number of 64 bits that looks random and depends on its arguments alone (splitmix64's mixing steps)."""
    value = 0
    for part in parts:
        value = (value + part * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & _MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        value ^= value >> 31
    return value


def synthetic_levels(bid: int, ask: int, levels: int, seed: int, typical_lots: int) -> tuple[Levels, Levels]:
    """Levels one tick apart, thicker further out; the same for the same seed."""
    bids, asks = [], []
    for depth in range(levels):
        bid_lots, ask_lots = _lots_at(depth, seed, typical_lots)
        if bid - depth > 0:
            bids.append((bid - depth, bid_lots))
        asks.append((ask + depth, ask_lots))
    return bids, asks


def best_levels(bid: int, ask: int, seed: int, typical_lots: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first level of each side of the same book."""
    bid_lots, ask_lots = _lots_at(0, seed, typical_lots)
    return (bid, bid_lots), (ask, ask_lots)


def _lots_at(depth: int, seed: int, typical_lots: int) -> tuple[int, int]:
    number = noise(seed, depth)
    thick = typical_lots * (2 + depth) // 2
    return 1 + (number & 0xFFFFFFFF) % thick, 1 + (number >> 32) % thick


class Depth:
    """A recorded book. What is swept from it stays gone until its level is told again."""

    def __init__(self) -> None:
        self._lots: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self._prices: dict[int, list[int]] = {1: [], -1: []}

    def clear(self) -> None:
        """Forget all levels: a snapshot follows."""
        for side in (1, -1):
            self._lots[side].clear()
            self._prices[side].clear()

    def set(self, side: int, px_ticks: int, lots: int) -> None:
        """Set one level; ``side`` +1: a bid. No lots: it is gone."""
        known, prices = self._lots[side], self._prices[side]
        if lots > 0:
            if px_ticks not in known:
                insort(prices, px_ticks)
            known[px_ticks] = lots
        elif known.pop(px_ticks, None) is not None:
            del prices[bisect_left(prices, px_ticks)]

    def update(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        """Set several levels."""
        for px, lots in bids:
            self.set(1, px, lots)
        for px, lots in asks:
            self.set(-1, px, lots)

    def best(self, order_side: int) -> int:
        """The best price that an order of this side meets; 0: none."""
        prices = self._prices[-order_side]
        return 0 if not prices else prices[0] if order_side > 0 else prices[-1]

    def levels(self, count: int) -> tuple[Levels, Levels]:
        """(bids, asks), best first."""
        bids = [(px, self._lots[1][px]) for px in self._prices[1][: -count - 1 : -1]]
        return bids, [(px, self._lots[-1][px]) for px in self._prices[-1][:count]]

    def sweep(self, order_side: int, lots: int, limit_ticks: int) -> Iterator[tuple[int, int]]:
        """Take up to so many lots, level by level, no further than the limit (0: none). Yields (ticks, lots)."""
        while lots > 0:
            px = self.best(order_side)
            if px == 0 or (limit_ticks and order_side * (px - limit_ticks) > 0):
                return
            there = self._lots[-order_side][px]
            taken = min(lots, there)
            self.set(-order_side, px, there - taken)
            lots -= taken
            yield px, taken

    def within(self, order_side: int, limit_ticks: int, wanted: int) -> int:
        """How many lots an order of this side could take, up to ``wanted``."""
        prices, found = self._prices[-order_side], 0
        for px in prices if order_side > 0 else reversed(prices):
            if found >= wanted or (limit_ticks and order_side * (px - limit_ticks) > 0):
                break
            found += self._lots[-order_side][px]
        return min(found, wanted)
