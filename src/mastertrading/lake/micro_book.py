"""An order book rebuilt from a snapshot and the changes after it, by Binance's sequence rule.

A snapshot up to update L is joined by the change with ``U <= L <= u``; from then on each change's ``pu`` must be the
``u`` of the one before. Where one is missing, nothing that the book says is true any more until the next snapshot.
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/How-to-manage-a-local-order-book-correctly
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque

from mastertrading.lake.micro_frames import Depth, Levels, Snapshot

WAITING = 5_000
"""Changes that are remembered for a snapshot that comes after them."""


class Side:
    """The levels of one side, prices ascending."""

    __slots__ = ("prices", "qty")

    def __init__(self, levels: Levels = ()) -> None:
        self.qty: dict[int, int] = {price: qty for price, qty in levels if qty}
        self.prices: list[int] = sorted(self.qty)

    def change(self, levels: Levels) -> None:
        """Set quantities; 0 removes a level."""
        qty, prices = self.qty, self.prices
        for price, amount in levels:
            if amount:
                if price not in qty:
                    insort(prices, price)
                qty[price] = amount
            elif qty.pop(price, 0):
                del prices[bisect_left(prices, price)]


class Book:
    """The book of one instrument.

    Attributes
    ----------
    valid
        Whether it is known to be true now.
    counts
        ``gaps``: a change is missing; ``crossed``: a bid at or above an ask; ``stale_changes``: before the snapshot;
        ``unjoined_snapshots``: no remembered change joins it; ``spare_snapshots``: the book was valid already.
    """

    def __init__(self) -> None:
        self.valid = False
        self.bids, self.asks = Side(), Side()
        self.counts: Counter[str] = Counter()
        self._last = 0
        self._joined = False
        self._waiting: deque[Depth] = deque(maxlen=WAITING)
        self._spare: Snapshot | None = None

    def change(self, frame: Depth) -> None:
        """Take a change in."""
        if not self.valid:
            self._waiting.append(frame)
            return
        if not self._joined and frame.last < self._last:
            self.counts["stale_changes"] += 1
            return
        follows = frame.previous == self._last if self._joined else frame.first <= self._last <= frame.last
        if not follows and not self._joined and frame.previous == self._last:
            follows = True  # the snapshot ended exactly where this change begins
        if follows:
            self._apply(frame)
        else:
            self._gap(frame)

    def snapshot(self, frame: Snapshot) -> None:
        """Take a snapshot in: it makes the book true, unless the changes that came before it do not join it."""
        if self.valid:
            self.counts["spare_snapshots"] += 1
            self._spare = frame if frame.last > self._last else self._spare
            return
        newer = [change for change in self._waiting if change.last >= frame.last]
        self._waiting.clear()
        if newer and not (newer[0].first <= frame.last or newer[0].previous == frame.last):
            self.counts["unjoined_snapshots"] += 1
            self._waiting.extend(newer)
            return
        self.bids, self.asks = Side(frame.bids), Side(frame.asks)
        self._last, self._joined, self.valid = frame.last, False, True
        self._check()
        for change in newer:
            self.change(change)

    def top(self, levels: int) -> tuple[int, int]:
        """Quantity of the best levels of each side: (bids, asks)."""
        bids, asks = self.bids, self.asks
        return (
            sum(bids.qty[price] for price in bids.prices[-levels:]),
            sum(asks.qty[price] for price in asks.prices[:levels]),
        )

    def _gap(self, frame: Depth) -> None:
        """Go on from a snapshot that came while the book was still true, if it joins this change."""
        self._lose("gaps")
        self._waiting.append(frame)
        spare, self._spare = self._spare, None
        if spare is not None and frame.last >= spare.last:
            self.snapshot(spare)

    def _apply(self, frame: Depth) -> None:
        self.bids.change(frame.bids)
        self.asks.change(frame.asks)
        self._last, self._joined = frame.last, True
        self._check()

    def _check(self) -> None:
        bids, asks = self.bids.prices, self.asks.prices
        if not bids or not asks:
            self._lose("emptied")
        elif bids[-1] >= asks[0]:
            self._lose("crossed")

    def _lose(self, why: str) -> None:
        self.counts[why] += 1
        self.valid = False
        self.bids, self.asks = Side(), Side()
