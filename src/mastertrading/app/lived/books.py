"""A journal's books as the engine's records, and as a finished run's result.

The engine counts in bars, so a fill carries the open of its own, as it does in the live cycle. What the journal cannot
know (how far a trade went for and against us) is not a number. Money finer than an atom, as some venues tell fees, is
rounded half-even a row; what that leaves, and what adjustments moved, is told as ``unexplained_atoms``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from mastertrading.app.lived.account import Account
from mastertrading.backtest.explain_run import session_at
from mastertrading.backtest.result import Funnel, Result
from mastertrading.backtest.trade_statistics import SESSIONS
from mastertrading.domain.facts import BookedFill, DecisionFacts, Trade
from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument
from mastertrading.domain.intents import Command, Purpose
from mastertrading.domain.market import Records
from mastertrading.domain.orders import Payment
from mastertrading.domain.reasons import Breaker, EventKind, FillReason

FILL = "trade_id", "instrument", "ts_ms", "lots", "px_ticks", "fee_atoms", "reason"
PAYMENT = "trade_id", "instrument", "ts_ms", "atoms"
STOP = "trade_id", "instrument", "ts_ms", "stop_ticks", "reason"
EVENT = "ts_ms", "kind", "subject", "stage", "value"
EQUITY = "t_ms", "equity", "balance", "exposure"
ACCOUNT = "balance", "transferred"
TRADE = (
    *("trade_id", "instrument", "side", "opened_ms", "closed_ms", "entry_ticks", "exit_ticks", "lots"),
    *("gross_atoms", "fees_atoms", "funding_atoms", "net_atoms", "exit_reason", "modules", "partial"),
    *("ambiguous", "entry_net", "session", "risk_atoms", "best_r", "worst_r"),
)
REAL = {"entry_net", "best_r", "worst_r", "value"}
REASONS = {reason.name.lower(): int(reason) for reason in FillReason}
OPENING = "opening"
"""Name of the payment that began the books."""


def table(names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Records:
    """Records of whole numbers, and of real ones where the name says so."""
    return np.array(list(rows), [(name, "f8" if name in REAL else "i8") for name in names])


def atoms(amount: Decimal) -> int:
    """Money as atoms, the nearest; half-even."""
    return round(amount * ATOMS_PER_UNIT)


def count(amount: Decimal, step: Decimal) -> int:
    """How many steps, the nearest."""
    return round(amount / step)


def reason_of(name: str) -> int:
    """A reason by the word that its order carries; what no word of ours says is unknown."""
    return REASONS.get(name, int(FillReason.UNKNOWN))


@dataclass(frozen=True)
class Books:
    """What an account has done from a moment on.

    Parameters
    ----------
    since_ms
        Trades that are open or closed from here on, with all that belongs to them.
    """

    account: Account
    since_ms: int = 0
    _entries: dict[int, DecisionFacts | None] = field(default_factory=dict)

    # ---------------------------------------------------------------- facts
    @cached_property
    def trades(self) -> tuple[Trade, ...]:
        """By number."""
        return self.account.journal.trades(since_ms=self.since_ms)

    @cached_property
    def booked(self) -> tuple[BookedFill, ...]:
        """Their fills."""
        return self.account.journal.booked(self.since_ms)

    @cached_property
    def payments(self) -> tuple[Payment, ...]:
        """Since the oldest of them began."""
        begun = min([self.since_ms, *(one.opened_ms for one in self.trades)])
        return self.account.journal.payments(begun)

    @cached_property
    def _stops(self) -> tuple[Command, ...]:
        begun = min((one.opened_ms for one in self.trades), default=self.since_ms)
        every = self.account.journal.commands(None, begun - self.account.base_ms, 1 << 62)
        placed = (Purpose.STOP, Purpose.ENTRY)
        return tuple(one for one in every if one.intent.purpose in placed and one.state.is_at_venue)

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Place of each instrument."""
        return {one.symbol: n for n, one in enumerate(self.account.instruments)}

    def instrument(self, symbol: str) -> Instrument:
        """Contract facts."""
        return self.account.instruments[self.columns[symbol]]

    def bar_of(self, ts_ms: int) -> int:
        """Open of the bar that a moment lies in."""
        return ts_ms - ts_ms % self.account.base_ms

    def lots(self, symbol: str, qty: Decimal) -> int:
        """Base units as lots."""
        known = self.instrument(symbol)
        return count(qty, known.lot * known.multiplier)

    def ticks(self, symbol: str, px: Decimal) -> int:
        """A price as ticks."""
        return count(px, self.instrument(symbol).tick)

    # ---------------------------------------------------------------- records
    @cached_property
    def fill_rows(self) -> Records:
        """One row a share of a fill."""
        return table(
            FILL,
            (
                (
                    one.trade,
                    self.columns[one.fill.symbol],
                    self.bar_of(one.fill.ts_ms),
                    self.lots(one.fill.symbol, one.qty),
                    self.ticks(one.fill.symbol, one.fill.px),
                    atoms(one.fee),
                    reason_of(one.reason),
                )
                for one in sorted(self.booked, key=lambda one: (one.fill.ts_ms, one.trade))
            ),
        )

    @cached_property
    def funding_rows(self) -> Records:
        """One row a charge of a trade."""
        ends = self._by_symbol
        rows = []
        for paid in self.payments:
            if paid.kind != "funding" or paid.symbol not in self.columns:
                continue
            owner = next((t for t in ends[paid.symbol] if _was_open(t, paid.ts_ms)), None)
            if owner is not None:
                rows.append(
                    (
                        owner.number,
                        self.columns[paid.symbol],
                        self.bar_of(paid.ts_ms),
                        atoms(paid.amount),
                    )
                )
        return table(PAYMENT, rows)

    @cached_property
    def _by_symbol(self) -> Mapping[str, list[Trade]]:
        return {name: [one for one in self.trades if one.symbol == name] for name in self.columns}

    @cached_property
    def stop_rows(self) -> Records:
        """One row a stop that the venue took and that moved the trade's; it rests from its decision on."""
        rows: list[tuple[int, ...]] = []
        for trade in self.trades:
            moved = [one for one in self._of(trade) if self._px(one) is not None]
            ticks = 0
            for one in moved:
                px = self.ticks(trade.symbol, self._px(one) or Decimal(0))
                reason = (
                    FillReason.STOP if one.intent.purpose is Purpose.ENTRY else reason_of(one.intent.reason)
                )
                ts_ms = max(one.intent.bar_ms, self.bar_of(trade.opened_ms))
                if px != ticks:
                    rows.append((trade.number, self.columns[trade.symbol], ts_ms, px, int(reason)))
                ticks = px
        return table(STOP, sorted(rows, key=lambda row: (row[2], row[0])))

    def _of(self, trade: Trade) -> Iterable[Command]:
        """The entry that opened a trade, and the stops of its side until it was over."""
        begun, over = self.bar_of(trade.opened_ms), trade.closed_ms or 1 << 62
        for one in self._stops:
            intent, in_time = one.intent, trade.opened_ms <= one.prepared_ms <= over
            if intent.purpose is Purpose.ENTRY:
                is_own = one.client_id == trade.opened_by
            else:
                is_own = intent.symbol == trade.symbol and intent.order_side == -trade.side
                is_own = is_own and in_time and begun <= intent.bar_ms
            if is_own:
                yield one

    @staticmethod
    def _px(command: Command) -> Decimal | None:
        intent = command.intent
        return intent.attached_stop_px if intent.purpose is Purpose.ENTRY else intent.trigger_px

    @cached_property
    def trade_rows(self) -> Records:
        """One row a trade that is closed, in the order of their ends."""
        closed = sorted(
            (one for one in self.trades if not one.is_open), key=lambda one: (one.closed_ms, one.number)
        )
        return table(TRADE, (self._trade(one) for one in closed))

    @cached_property
    def open_rows(self) -> Records:
        """One row a trade that is open, with what it has realised so far."""
        return table(TRADE, (self._trade(one) for one in self.trades if one.is_open))

    def _trade(self, trade: Trade) -> tuple[Any, ...]:
        known, column = self.instrument(trade.symbol), self.columns[trade.symbol]
        opened_ms, ticks = self.bar_of(trade.opened_ms), self.ticks(trade.symbol, trade.entry_px)
        own = self.fill_rows[self.fill_rows["trade_id"] == trade.number]
        charged = self.funding_rows[self.funding_rows["trade_id"] == trade.number]
        stops = self.stop_rows[self.stop_rows["trade_id"] == trade.number]
        gross, lots = atoms(trade.gross), self.lots(trade.symbol, trade.max_qty)
        fees, funding = int(own["fee_atoms"].sum()), int(charged["atoms"].sum())
        distance = abs(ticks - int(stops["stop_ticks"][0])) if len(stops) else 0
        decided = self._entry(trade, opened_ms)
        votes = (decided.votes_long if trade.side > 0 else decided.votes_short) if decided else 0
        return (
            *(trade.number, column, trade.side, opened_ms),
            self.bar_of(trade.closed_ms),
            *(ticks, self.ticks(trade.symbol, trade.exit_px), lots),
            *(gross, fees, funding, gross - fees - funding),
            reason_of(trade.close_reason),
            votes,
            int(np.any(own["reason"] == int(FillReason.PARTIAL))),
            0,
            decided.net if decided else 0.0,
            SESSIONS.index(session_at(self._sessions, opened_ms) or SESSIONS[0]),
            distance * lots * known.atoms_per_tick_lot,
            *(np.nan, np.nan),
        )

    @property
    def _sessions(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.account.plain_settings["allocation"]["sessions"]
        return found

    def _entry(self, trade: Trade, opened_ms: int) -> DecisionFacts | None:
        """The decision that ordered a trade's entry; those are never thinned away."""
        if trade.number not in self._entries:
            found = self.account.journal.decisions(trade.symbol, opened_ms, opened_ms + 1)
            self._entries[trade.number] = found[0] if found and found[0].lots else None
        return self._entries[trade.number]

    @cached_property
    def event_rows(self) -> Records:
        """Breakers that moved, and transfers after the first deposit."""
        rows: list[tuple[Any, ...]] = [
            (one.ts_ms, int(EventKind.TRANSFER), 0, 0, float(atoms(one.amount)))
            for one in self.payments
            if one.kind == "transfer" and one.payment_id != OPENING
        ]
        kinds = {kind.name.lower(): int(kind) for kind in EventKind}
        breakers = {breaker.name.lower(): int(breaker) for breaker in Breaker}
        for told in self.account.journal.incidents():
            if told.kind in ("breaker_tripped", "breaker_released") and told.subject in breakers:
                stage, value = int(told.figures["stage"]), float(told.figures["value"])
                rows.append((told.ts_ms, kinds[told.kind], breakers[told.subject], stage, value))
        return table(EVENT, sorted(rows, key=lambda row: row[0]))

    # ---------------------------------------------------------------- a finished run
    def result(self, *, curve: bool = True) -> Result:
        """The account's life as a run's result, to be measured like one; without its curve only for its tables."""
        account = self.account
        points = account.journal.equity() if curve else ()
        equity = table(
            EQUITY, ((p.ts_ms, atoms(p.equity), atoms(p.wallet), atoms(p.exposure)) for p in points)
        )
        initial = next((atoms(p.amount) for p in self.payments if p.payment_id == OPENING), 0)
        moved = sum(int(row["value"]) for row in self.event_rows if row["kind"] == EventKind.TRANSFER)
        wallet = atoms(
            account.journal.balances().get(("wallet", account.journal.account.currency), Decimal(0))
        )
        earned = int(self.trade_rows["net_atoms"].sum()) + int(self.open_rows["net_atoms"].sum())
        settings: Any = account.settings if curve else None  # tables need none
        empty = Funnel.empty(len(account.instruments), len(account.modules))
        unknown = np.full(len(account.instruments), np.nan)
        return Result(
            instruments=account.instruments,
            modules=account.modules,
            settings=settings,
            identify=lambda: str(account.journal.account),
            data_id="",
            code_id=account.run.code_id,
            grade="",
            base_ms=account.base_ms,
            from_ms=account.span[0],
            to_ms=account.span[1],
            initial_atoms=initial,
            trades=self.trade_rows,
            fills=self.fill_rows,
            payments=self.funding_rows,
            events=self.event_rows,
            stops=self.stop_rows,
            equity=equity,
            account=table(ACCOUNT, [(wallet, moved)]),
            funnel=empty,
            first_close=unknown,
            last_close=unknown,
            source=account.journal.account.venue,
            still_open=self.open_rows,
            held_lots=np.array([self._held(symbol) for symbol in self.columns], np.int64),
            unexplained_atoms=wallet - initial - moved - earned,
        )

    def _held(self, symbol: str) -> int:
        """Lots that the fills of an instrument leave: what is held, less what adjustments moved and no fill did."""
        of_fills, lots = 0, {one.number: 0 for one in self.trades if one.symbol == symbol}
        for row in self.fill_rows:
            if int(row["trade_id"]) in lots:
                lots[int(row["trade_id"])] += int(row["lots"])
        for one in self._by_symbol[symbol]:
            of_fills += lots[one.number] if one.adjusted else self.lots(symbol, one.qty)
        return of_fills


def _was_open(trade: Trade, ts_ms: int) -> bool:
    """Whether a charge fell on a trade: what was held before its moment pays."""
    return trade.opened_ms < ts_ms and (trade.is_open or ts_ms <= trade.closed_ms)
