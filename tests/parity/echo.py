"""A trader that sends what a backtest's book says, and nothing else: at each close, what should rest until the next.

``told`` plays a backtest bar by bar and keeps its book; ``echoed`` plays the same bars on the local exchange in
lockstep and sends, at each close, that bar's ideal orders; after an entry has filled at the open, while time stands
still there, its protection. What the exchange then fills is compared with what the fill rule filled.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from mastertrading.backtest.account import Record, ReplayedAccount
from mastertrading.backtest.chunk import Chunk, Clock
from mastertrading.backtest.inputs import Inputs, chunks
from mastertrading.domain.orders import BUY, SELL, OrderKind
from mastertrading.domain.reasons import EventKind, FillReason
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.conductor import Conductor, Pace
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.orders import Cause, IncomeKind, NewOrder, Watch
from mastertrading.simulator.tape import CLOSE, OPEN, BarTape
from mastertrading.simulator.venue_rules import MatchingRules

ENTRY, PARTIAL, TARGET = FillReason.ENTRY, FillReason.PARTIAL, FillReason.TARGET
END_OF_DATA, LIQUIDATION = FillReason.END_OF_DATA, FillReason.LIQUIDATION
TRANSFER = int(EventKind.TRANSFER)


class Fill(NamedTuple):
    """One fill, in the words that both sides have."""

    bar: int
    instrument: int
    lots: int
    px_ticks: int
    fee_atoms: int
    reason: FillReason


class Told(NamedTuple):
    """What a backtest did and wanted."""

    fills: list[Fill]
    payments: list[tuple[int, int, int]]
    transfers: dict[int, int]
    orders: dict[int, Any]
    positions: dict[int, Any]
    balance: int


def told(scene) -> Told:
    """Play a backtest in chunks of one bar, and keep the book of every close. Bars count from the first decided."""
    account = ReplayedAccount(scene.rules, scene.specs, scene.past, scene.initial)
    orders, positions, bar = {}, {}, 0
    decided = scene.start, scene.stop, 16_384
    inputs = Inputs(scene.market, scene.source(), scene.writer)
    for first, whole in chunks(inputs, decided):
        if first < scene.start:
            account.listen(whole)
            continue
        record = Record.full(1, len(scene.specs))
        for k in range(whole.bars):
            account.play(_bar(whole, k, inputs.minutes.clock(first + k, first + k + 1)), record)
            orders[bar], positions[bar] = account.book.orders.copy(), account.book.positions["lots"].copy()
            bar += 1
    base, balance = int(scene.market.ts_ms[scene.start]), account.balance
    account.finish(scene.end_ms)  # empties the logs; what it closes itself nobody ordered
    fills = [_fill(row, base, scene) for row in account.log("fills") if row["reason"] != END_OF_DATA]
    moved = {int(e["ts_ms"]): int(e["value"]) for e in account.log("events") if e["kind"] == TRANSFER}
    paid = [(int(p["ts_ms"]), int(p["instrument"]), int(p["atoms"])) for p in account.log("payments")]
    return Told(fills, [row for row in paid if row[2]], moved, orders, positions, balance)


def _bar(whole: Chunk, k: int, clock: Clock) -> Chunk:
    """One bar of a chunk."""
    return Chunk(*(part.cut(k, k + 1) for part in (whole.quotes, whole.said, whole.models)), clock)


def _fill(row, base, scene) -> Fill:
    bar = (int(row["ts_ms"]) - base) // scene.market.base_ms
    numbers = (int(row[name]) for name in ("instrument", "lots", "px_ticks", "fee_atoms"))
    return Fill(bar, *numbers, FillReason(int(row["reason"])))


class EchoTrader:
    """Sends a book's ideal orders to the exchange.

    Parameters
    ----------
    attaches
        Whether an entry carries its stop with it; otherwise it is sent once the entry has filled.
    """

    def __init__(self, scene, book: Told, *, attaches: bool, rules: MatchingRules) -> None:
        self.scene, self.book, self.attaches = scene, book, attaches
        costs = scene.rules[0].costs
        listings = [_listing(instrument, costs) for instrument in scene.market.instruments]
        self.symbols = scene.market.symbols
        self.exchange = Exchange(listings, VirtualClock(0), rules=rules)
        self.account = self.exchange.open_account("echo", deposit_atoms=scene.initial)
        for symbol in self.symbols:
            self.account.leverage[symbol] = 1000
        self.conductor = Conductor(
            self.exchange,
            BarTape(scene.market, scene.start, scene.stop, history=1),
            pace=Pace.LOCKSTEP,
        )
        self.reasons: dict[int, FillReason] = {}
        self.filled_entries = {(f.bar, f.instrument) for f in book.fills if f.reason is ENTRY}
        self.base = int(scene.market.ts_ms[scene.start])

    def play(self) -> None:
        """The whole tape."""
        moved = sorted(self.book.transfers.items())
        while not self.conductor.is_over:
            while moved and self._next_bar_opens(moved[0][0]):
                self.exchange.transfer(self.account, moved.pop(0)[1], IncomeKind.ADJUSTMENT)
            progress = self.conductor.step()
            if progress.waits_for:
                if progress.name == CLOSE:
                    self._after_close(progress.bar)
                elif progress.name == OPEN:
                    self._after_open(progress.bar)
                assert self.conductor.idle(number=progress.number)

    def _next_bar_opens(self, ts_ms: int) -> bool:
        due = self.conductor.next_ms
        return due is not None and due >= ts_ms and (due - self.base) % self.scene.market.base_ms == 0

    def _after_close(self, bar: int) -> None:
        held = self.book.positions[bar]
        for n, symbol in enumerate(self.symbols):
            assert self.exchange.position(self.account, symbol).lots == held[n], (bar, symbol)
            self.exchange.cancel_all(self.account, symbol)
            ideal = self.book.orders[bar][n]
            side = int(np.sign(held[n]))
            if side and ideal.exit_reason:
                reason = FillReason(int(ideal.exit_reason))
                self._market(symbol, -side, abs(int(held[n])), reason, reduce_only=True)
            if ideal.entry_lots and (bar + 1, n) in self.filled_entries:
                self._entry(symbol, ideal)
            if side:
                self._protect(symbol, side, ideal, abs(int(held[n])))

    def _after_open(self, bar: int) -> None:
        for n, symbol in enumerate(self.symbols):
            if (bar, n) in self.filled_entries:
                ideal = self.book.orders[bar - 1][n]
                lots = self.exchange.position(self.account, symbol).lots
                side = int(np.sign(lots))
                if not self.attaches:
                    self._stop(symbol, side, int(ideal.entry_stop_ticks), FillReason.STOP)
                if ideal.entry_target_ticks:
                    self._limit(symbol, -side, abs(lots), int(ideal.entry_target_ticks), TARGET)

    def _entry(self, symbol: str, ideal: Any) -> None:
        side, lots = int(np.sign(ideal.entry_lots)), abs(int(ideal.entry_lots))
        stop = int(ideal.entry_stop_ticks) if self.attaches else 0
        self._market(symbol, side, lots, ENTRY, stop_ticks=stop)

    def _protect(self, symbol: str, side: int, ideal: Any, lots: int) -> None:
        self._stop(symbol, side, int(ideal.stop_ticks), FillReason(int(ideal.stop_reason)))
        if ideal.partial_lots:
            self._limit(symbol, -side, int(ideal.partial_lots), int(ideal.partial_ticks), PARTIAL)
        if ideal.target_ticks:
            self._limit(symbol, -side, lots, int(ideal.target_ticks), TARGET)

    def _market(self, symbol: str, side: int, lots: int, reason: FillReason, **words: Any) -> None:
        self._place(NewOrder(symbol, side, OrderKind.MARKET, lots, **words), reason)

    def _limit(self, symbol: str, side: int, lots: int, ticks: int, reason: FillReason) -> None:
        self._place(NewOrder(symbol, side, OrderKind.LIMIT, lots, ticks, reduce_only=True), reason)

    def _stop(self, symbol: str, side: int, ticks: int, reason: FillReason) -> None:
        watch = Watch(ticks, above=side < 0)
        new = NewOrder(symbol, -side, OrderKind.MARKET, 0, watch=watch, close_position=True, conditional=True)
        self._place(new, reason)

    def _place(self, new: NewOrder, reason: FillReason) -> None:
        self.reasons[self.exchange.place(self.account, new).number] = reason

    # ---------------------------------------------------------------- what came of it
    def fills(self) -> list[Fill]:
        """The exchange's fills, in the backtest's words."""
        number = {symbol: n for n, symbol in enumerate(self.symbols)}
        return [
            Fill(
                self._bar(e),
                number[e.symbol],
                e.lots,
                e.px_ticks,
                e.fee_atoms,
                self._reason(e.order),
            )
            for e in self.account.executions
        ]

    def _bar(self, execution) -> int:
        # The backtest stamps a liquidation at a close's marks with the close, which is the next bar's open.
        late = execution.cause is Cause.LIQUIDATION
        return (execution.ts_ms + late - self.base) // self.scene.market.base_ms

    def _reason(self, number: int) -> FillReason:
        order = self.account.orders[number]
        if order.cause is Cause.LIQUIDATION:
            return LIQUIDATION
        if number in self.reasons:
            return self.reasons[number]
        parent = self.account.orders[order.parent]
        # An attached stop is the child of its entry; an order that a trigger made is the child of a stop.
        return (
            FillReason.STOP
            if self.reasons.get(parent.number, ENTRY) is ENTRY
            else self.reasons[parent.number]
        )

    def payments(self) -> list[tuple[int, int, int]]:
        """Funding as (when, instrument, atoms paid)."""
        number = {symbol: n for n, symbol in enumerate(self.symbols)}
        return [
            (i.ts_ms, number[i.symbol], -i.atoms)
            for i in self.account.incomes
            if i.kind is IncomeKind.FUNDING
        ]


def _listing(instrument, costs) -> Listing:
    return Listing(
        replace(instrument),
        band=Decimal(1000),
        taker_e8=int(costs.taker_e8),
        maker_e8=int(costs.maker_e8),
        liquidation_e8=int(costs.liquidation_e8),
        slippage_e8=int(costs.slippage_e8),
        through_ticks=int(costs.through_ticks),
        max_leverage=1000,
    )


def echoed(scene, book: Told, *, attaches: bool = True, rules: MatchingRules | None = None) -> EchoTrader:
    """Play the same bars on the exchange."""
    trader = EchoTrader(scene, book, attaches=attaches, rules=rules or MatchingRules())
    trader.play()
    return trader


__all__ = ["BUY", "SELL", "EchoTrader", "Fill", "Told", "echoed", "told"]
