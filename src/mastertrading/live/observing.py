"""The first half of a cycle: what the venue tells, what became of our orders, and what of it is new to the books."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from mastertrading.compiled.interpreted import interpreted
from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable
from mastertrading.domain.facts import Adjustment, Incident, Severity
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.intents import Command, Purpose
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.live.attached import follow, named
from mastertrading.live.chasing import FORCED, Chaser
from mastertrading.live.differences import Differences, margin_agrees
from mastertrading.live.mind import STRANGE, Mind
from mastertrading.live.naming import Namer
from mastertrading.live.protocol import Protocol
from mastertrading.live.recorder import LATE_MS, Booked, Recorder
from mastertrading.live.sending import target_of
from mastertrading.live.snapshot import News, Reader, Snapshot
from mastertrading.live.units import Units, atoms_of
from mastertrading.rules.position import margin

maintenance_bound = interpreted(margin.maintenance_bound)
RESYNC_MS = 2_000.0
"""With a larger error of the clock, the venue's time is asked at once."""


class Seen(NamedTuple):
    """What one look brought.

    Attributes
    ----------
    told
        Lots by the venue's list of positions; None: it did not tell, or not in lots that we know.
    held
        What to go by: None where nothing may be concluded.
    """

    snapshot: Snapshot
    booked: Booked
    adjustments: tuple[Adjustment, ...]
    told: Mapping[str, int | None]
    held: Mapping[str, int | None]


class Observer:
    """Reads, follows and books for one account."""

    def __init__(
        self, gateway: Gateway, journal: Journal, mind: Mind, recorder: Recorder, protocol: Protocol
    ) -> None:
        self.gateway, self.journal, self.mind = gateway, journal, mind
        self.recorder, self.protocol = recorder, protocol
        self.reader = Reader(gateway)
        self.chaser = Chaser(gateway, journal, protocol, self._ours)
        self.namer = Namer(gateway, journal, protocol.bounds.lag_ms)
        self.units = {one.symbol: Units(one) for one in mind.instruments}
        self.differences = Differences({one.symbol: one for one in mind.instruments})
        self._money_is_off = False
        self._off_grid: set[str] = set()
        self._followed: set[str] = set()

    # ------------------------------------------------------------ the venue
    async def look(self) -> tuple[Snapshot, set[str]]:
        """A snapshot, and the instruments where an order of ours ended since the last one."""
        await self._keep_time()
        self.protocol.recover()
        self.follow(*self.journal.open_commands())
        follow(self.journal, self.gateway.now_ms())
        snapshot = await self.reader.look()
        snapshot = snapshot.with_orders(named(snapshot.orders, self.journal))
        await self.protocol.resolve(snapshot, self.differences.doubts.__contains__)
        follow(self.journal, self.gateway.now_ms())
        return await self.chaser.chase(snapshot, self.recorder)

    async def _keep_time(self) -> None:
        if self.gateway.clock_error_ms <= RESYNC_MS:
            return
        try:
            await self.gateway.sync_clock()
        except (ExchangeUnavailable, ExchangeRefused):
            return  # the error stays as it is, and forbids entries

    # ------------------------------------------------------------ the books
    async def record(self, snapshot: Snapshot, ended: set[str], *, at_close: bool) -> Seen:
        """Read what may have happened, book it in the order of time, and explain what still differs."""
        told = {symbol: self._told(symbol, snapshot) for symbol in self.units}
        money_is_off = self._wallet_less_ours(snapshot) != 0
        uncertain = self._uncertain()
        doubted = frozenset(s for s, lots in told.items() if lots != self._ours(s)) | uncertain
        symbols = [
            s for s in self.units if s in ended or s in doubted or (money_is_off and self._money_is_off)
        ]
        payments_ms = None
        if at_close or symbols or money_is_off:
            payments_ms = self.recorder.paid_until_ms - LATE_MS * self._money_is_off
        known = frozenset(self.differences.doubts)
        news = await self.reader.news(self.recorder.since(known), symbols, payments_ms)
        news = await self.namer.named(self.recorder.sifted(news), self.recorder)
        booked = self._book(news)
        self.differences.settle({symbol for symbol, lots in told.items() if lots == self._ours(symbol)})
        adjustments = self._explain(snapshot, told, news)
        uncertain = self._uncertain() | news.unread
        held = {s: self.differences.lots(s, told[s], self._ours(s)) for s in told}
        held |= {s: None for s in uncertain if told.get(s) == 0}
        return Seen(snapshot, booked, adjustments, told, held)

    def follow(self, *commands: Command) -> None:
        """Watch orders until as much of them is booked as the venue says has filled."""
        self._followed |= {one.client_id for one in commands if one.intent.purpose is not Purpose.CANCEL}

    def _uncertain(self) -> frozenset[str]:
        """Instruments on which an entry may have filled, or an order filled whose fills are not told: not flat."""
        commands = {one.client_id: one for one in self.journal.open_commands()}
        found = set()
        for name in tuple(self._followed):
            command = commands.get(name) or self.journal.command(name)
            if command is not None and (self.recorder.is_owed(command) or _may_fill(command)):
                found.add(command.intent.symbol)
            elif command is None or command.state.is_over:
                self._followed.discard(name)
        return frozenset(found)

    def _book(self, news: News) -> Booked:
        booked = self.recorder.book(news)
        self.mind.take_transfers(booked.transfers)
        self.mind.take_payments(booked.payments)
        if booked.other_atoms:
            self.mind.correct_money(booked.other_atoms, self.gateway.now_ms())
        for k, fill in enumerate(booked.told):
            command = self.journal.command(fill.client_id) if fill.client_id else None
            column = self.mind.column(fill.symbol)
            is_new = int(self.mind.book.positions[column].lots) == 0
            if is_new and command is not None and command.intent.attached_stop_px is not None:
                stop = self.units[fill.symbol].ticks(command.intent.attached_stop_px)
                self.mind.expect(column, stop, target_of(command.intent))
            self.mind.take_fills(booked.fills[k : k + 1])
            if int(self.mind.book.positions[column].lots) == 0:
                self.mind.book.orders[
                    column
                ].exit_reason = 0  # done: what a flip enters next is not to be closed
        self._tell_strange(booked)
        return booked

    def _tell_strange(self, booked: Booked) -> None:
        for row, fill in zip(booked.fills, booked.told, strict=True):
            if fill.cause in FORCED:
                self.chaser.forced(fill.symbol)
            if int(row.reason) in STRANGE:
                reason = FillReason(int(row.reason)).name.lower()
                self._report(
                    reason,
                    fill.symbol,
                    f"{fill.order_side * fill.qty} at {fill.px}, and not by an order of ours",
                )
        for symbol in booked.unreadable:
            self._report("off_grid", symbol, "a fill is between the ticks or lots that we know")

    def _explain(
        self, snapshot: Snapshot, told: Mapping[str, int | None], news: News
    ) -> tuple[Adjustment, ...]:
        """Adjustments for what stays different although everything was read, often enough."""
        if not snapshot.is_whole:
            return ()
        unresolved = {c.intent.symbol for c in self.journal.open_commands() if c.state.is_unresolved}
        unresolved |= self._uncertain()
        clean = [s for s in told if s not in news.unread and s not in unresolved]
        made = [one for symbol in clean if (one := self._explain_position(symbol, told[symbol], snapshot))]
        if news.paid and not news.unread and not unresolved and not made and not self.differences.doubts:
            made += self._explain_money(snapshot)
        return tuple(made)

    def _explain_position(self, symbol: str, told: int | None, snapshot: Snapshot) -> Adjustment | None:
        ours, now_ms = self._ours(symbol), self.gateway.now_ms()
        if not self.differences.doubt(symbol, told, ours, now_ms) or told is None:
            return None
        position, units = self.mind.position_of(symbol), self.units[symbol]
        mark = int(position.mark_ticks)
        shown = [
            units.ticks(_on_grid(one.entry_px, units)) for one in snapshot.positions_of(symbol) if one.qty
        ]
        px_ticks = (shown[0] if shown and ours == 0 else mark) or mark or 1
        if told == 0 and not self._is_gone(symbol, snapshot):
            return None
        made = self.differences.adjustment(symbol, told, ours, px_ticks, now_ms)
        self.mind.correct(self.mind.column(symbol), told - ours, px_ticks, now_ms)
        return made

    def _is_gone(self, symbol: str, snapshot: Snapshot) -> bool:
        """Whether more than the list says that a position is gone: its margin, its money, and its orders."""
        position, units = self.mind.position_of(symbol), self.units[symbol]
        px, qty = units.px(int(position.mark_ticks)), units.qty(int(position.lots))
        waits = any(one.order_side * qty < 0 for one in snapshot.orders_of(symbol))
        moved = self._wallet_less_ours(snapshot) != 0
        return moved and not waits and margin_agrees(snapshot, symbol, px, qty, self._maintenance)

    def _explain_money(self, snapshot: Snapshot) -> list[Adjustment]:
        atoms, now_ms = self._wallet_less_ours(snapshot), self.gateway.now_ms()
        self._money_is_off = atoms != 0
        if not self.differences.doubt_money(atoms, now_ms) or snapshot.balance is None:
            return []
        self._money_is_off = False
        self.mind.correct_money(atoms, now_ms)
        return [self.differences.money_adjustment(atoms, snapshot.balance.currency, now_ms)]

    def _maintenance(self, symbol: str, notional: Decimal) -> Decimal:
        if symbol not in self.units:
            return Decimal(0)
        spec = self.mind.specs[self.mind.column(symbol)]
        return Decimal(int(maintenance_bound(atoms_of(notional), spec))) / ATOMS_PER_UNIT

    def _told(self, symbol: str, snapshot: Snapshot) -> int | None:
        if snapshot.positions is None:
            return None
        try:
            return sum(self.units[symbol].lots(one.qty) for one in snapshot.positions_of(symbol))
        except ExchangeUnavailable as trouble:
            if symbol not in self._off_grid:
                self._off_grid.add(symbol)
                self._report("off_grid", symbol, trouble.what)
            return None

    def _ours(self, symbol: str) -> int:
        return int(self.mind.position_of(symbol).lots)

    def _wallet_less_ours(self, snapshot: Snapshot) -> int:
        if snapshot.balance is None:
            return 0
        return atoms_of(snapshot.balance.wallet) - int(self.mind.book.account[0].balance)

    def _report(self, kind: str, symbol: str, detail: str) -> None:
        now_ms = self.gateway.now_ms()
        self.journal.report(Incident(kind, f"{symbol}: {detail}", now_ms, Severity.CRITICAL, symbol))


def _may_fill(command: Command) -> bool:
    """Whether an entry is on its way."""
    return command.intent.purpose is Purpose.ENTRY and not command.state.is_over


def _on_grid(px: Decimal, units: Units) -> Decimal:
    """An average price on the nearest tick."""
    tick = units.instrument.tick
    return (px / tick).to_integral_value() * tick
