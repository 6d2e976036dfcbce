"""A journal told to the engine again, bar by bar: what came of each, and what the fill rule would have made of it.

From the same book at the same bar two questions have an answer each: does the engine decide what was decided, and does
the fill rule fill what the venue filled? Where both say yes at every bar, the journal *is* the backtest. Where one
says no, the difference belongs to that bar alone: the next bar is judged from the book as it really became.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mastertrading.app.bar_inputs import Inputs, primer_of
from mastertrading.backtest.account import Past, Record, ReplayedAccount
from mastertrading.backtest.chunk import Chunk, Models, Said
from mastertrading.backtest.folder import SUMMARY, RunFolder
from mastertrading.backtest.funnel import count
from mastertrading.backtest.inputs import MinuteWriter, quotes_of, settlement_rows
from mastertrading.backtest.result import Funnel, Result
from mastertrading.backtest.statistics import statistics
from mastertrading.compiled import records
from mastertrading.compiled.kernel import code_key
from mastertrading.domain.errors import DataMissing
from mastertrading.domain.market import Market, Records
from mastertrading.domain.orders import Payment
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import EQUITY, FILL, PAYMENT, TRANSFER, Book, Logs
from mastertrading.engine.simulated_venue import close_all
from mastertrading.lake.lock import is_alive
from mastertrading.live.ear import BarInputs, Ear, Heard
from mastertrading.live.heard import unpacked
from mastertrading.live.mind import WORKROOM, Mind
from mastertrading.live.recorder import Recorder
from mastertrading.live.snapshot import News
from mastertrading.live.units import atoms_of
from mastertrading.settings.schema import MODULES, Settings
from mastertrading.signals.rows import CONTEXT, VERDICT

FOREVER_MS = 1 << 61
OPENING = "opening"
ROWS_AT_ONCE = 1440
OPEN_AT_END = "a position that was open at the end is shown as closed at the last price, as a backtest does"


class Minute(NamedTuple):
    """One bar that was decided on.

    Attributes
    ----------
    t
        Its place in the market.
    decisions
        What the engine decides, DECISION (instruments,).
    fills, payments
        What the venue did in it, FILL and PAYMENT.
    foretold, charged
        What the fill rule and the recorded funding do from the same book.
    equity
        EQUITY (1,) at its close.
    """

    t: int
    close_ms: int
    heard: Heard
    decisions: Records
    fills: Records
    payments: Records
    foretold: Records
    charged: Records
    equity: Records


class Retelling:
    """The life of an account as its journal has it.

    Parameters
    ----------
    market
        The bars of the journal's instruments, from before its first decision on. What the journal says that it was
        told takes their place.

    Raises
    ------
    DataMissing
        If the journal decided nothing, or the market does not reach over what it decided.
    """

    def __init__(self, journal: Journal, market: Market, settings: Settings) -> None:
        self.journal, self.settings = journal, settings
        self.told = {row.bar_ms: unpacked(row.inputs) for row in journal.inputs(0, FOREVER_MS) if row.inputs}
        closes = market.ts_ms + market.base_ms
        span = _span(journal, market.symbols, self.told)
        self.start, self.stop = (int(np.searchsorted(closes, ms)) for ms in (span[0], span[1] + 1))
        if self.stop - self.start != (span[1] - span[0]) // market.base_ms + 1:
            raise DataMissing(
                "the bars do not reach over what the journal decided",
                why=f"it decided from {_utc(span[0])} to {_utc(span[1])}, they close from {_utc(closes[0])} "
                f"to {_utc(closes[-1])}",
                where="--data",
            )
        self.market = as_told(market, self.told)
        self.mind = Mind(settings, market.instruments)
        self.missing = [int(ms) for ms in closes[self.start : self.stop] if int(ms) not in self.told]
        """Closes of bars of which the journal has no inputs: nobody was there, or they came too late."""
        self._venue = _Venue(self.market, settings, self.mind, self.start)
        opening = _opening(journal)
        paid = tuple(one for one in journal.payments() if one.payment_id != OPENING)
        recorder = Recorder(market.instruments, journal, market.base_ms)
        booked = recorder.book(News(tuple(journal.fills()), paid))
        self._fills, self._payments, self._transfers = booked.fills, booked.payments, booked.transfers
        if opening is not None:
            self.mind.begin(atoms_of(opening.amount))
        self.initial = int(self.mind.book.account[0].balance)

    @property
    def from_ms(self) -> int:
        """Close of the first bar that was decided on."""
        return int(self.market.ts_ms[self.start]) + self.market.base_ms

    @property
    def to_ms(self) -> int:
        """Close of the last."""
        return int(self.market.ts_ms[self.stop - 1]) + self.market.base_ms

    def minutes(self, missed: frozenset[int] = frozenset()) -> Iterator[Minute]:
        """Every bar; once.

        Parameters
        ----------
        missed
            Closes of bars on which nothing was entered: they were heard too late.
        """
        market, mind = self.market, self.mind
        ear = Ear(self.settings, market.instruments, primer_of(market), int(market.ts_ms[0]))
        inputs = Inputs(market)
        for t in range(self.stop):
            close_ms = int(market.ts_ms[t]) + market.base_ms
            known = inputs.of(t)
            heard = ear.hear(self.told.get(close_ms, known) if t >= self.start else known)
            if t < self.start:
                mind.listen(heard)
                continue
            foretold, charged = self._venue.play(t)
            mind.take_transfers(self._until("_transfers", close_ms - market.base_ms + 1))
            payments, fills = self._until("_payments", close_ms), self._until("_fills", close_ms)
            mind.take_payments(payments)
            mind.take_fills(fills)
            mind.decide(heard, ear.hours.returns)
            if close_ms in missed:
                mind.book.orders["entry_lots"] = 0
            account, equity = mind.book.account[0], records(EQUITY, 1)
            equity[0] = (close_ms, account.equity, account.balance, account.exposure)
            decided = mind.book.latest.copy().view(np.recarray)
            yield Minute(t, close_ms, heard, decided, fills, payments, foretold, charged, equity)

    def _until(self, name: str, until_ms: int) -> Records:
        """Rows not told yet and before a moment."""
        rows = getattr(self, name)
        end = int(np.searchsorted(rows["ts_ms"], until_ms))
        setattr(self, name, rows[end:])
        part: Records = rows[:end].copy().view(np.recarray)
        return part


class _Venue:
    """The backtest's venue, asked about one bar at a time from a book that is not its own."""

    def __init__(self, market: Market, settings: Settings, mind: Mind, start: int) -> None:
        self.market, self.mind = market, mind
        width = len(market.instruments)
        self._quotes = quotes_of(market)
        self._minutes = MinuteWriter(market, settings, None, (int(market.ts_ms[0]), 0))
        self._settlements = settlement_rows(market, settings, start)
        self._past = Past(np.zeros((0, width)), self._settlements, records(TRANSFER, 0))
        self._said = Said(np.zeros((1, width)), records(VERDICT, (1, width, len(MODULES))))
        nothing = np.zeros((0, width))
        self._models = Models(records(CONTEXT, (1, width)), nothing, nothing)
        self._account = ReplayedAccount(mind.rules, mind.specs, self._past, 0)

    def play(self, t: int) -> tuple[Records, Records]:
        """FILL and PAYMENT rows of bar ``t``."""
        book, open_ms = self.mind.book, int(self.market.ts_ms[t])
        due = int(np.searchsorted(self._settlements["ts_ms"], open_ms))
        busy = book.positions["lots"].any() or book.orders["entry_lots"].any()
        if not busy:
            return records(FILL, 0), records(PAYMENT, 0)
        account = self._account
        account.reopen(self.mind.rules, self.mind.specs, 0)
        for name in Book._fields:
            if name not in WORKROOM:
                getattr(account.book, name)[:] = getattr(book, name)
        account.book.account["settlement_cursor"] = due
        for name in Logs._fields:
            account.book.account[name] = 0
        chunk = Chunk(self._quotes.cut(t, t + 1), self._said, self._models, self._minutes.clock(t, t + 1))
        account.play(chunk, Record.lean(np.empty(1, np.int64), len(self.market.instruments)))
        account._empty_logs()
        return account.log("fills"), account.log("payments")


# ---------------------------------------------------------------- a run of it
def write_run(journal: Journal, market: Market, settings: Settings, folder: Path) -> Result:
    """Write the folder of a run, as a backtest does, of what an account lived."""
    retelling = Retelling(journal, market, settings)
    with RunFolder(folder, is_alive) as target:
        kept = _Kept(retelling, target)
        for minute in retelling.minutes():
            kept.take(minute)
        result = kept.result()
        target.write_result(result, statistics(result))
        _say_whose(target.path(SUMMARY), journal)
    return result


def _say_whose(summary: Path, journal: Journal) -> None:
    """Add to a run's summary that an account lived it."""
    told = json.loads(summary.read_text(encoding="utf-8"))
    text = json.dumps({**told, "lived": {"account": str(journal.account)}}, indent=1, ensure_ascii=False)
    summary.write_text(text + "\n", encoding="utf-8", newline="\n")


class _Kept:
    """Collects what a run's folder holds."""

    def __init__(self, retelling: Retelling, target: RunFolder) -> None:
        self.retelling, self.target = retelling, target
        self.funnel = Funnel.empty(len(retelling.market.instruments), len(MODULES))
        self._parts: list[Minute] = []
        self._equity: list[Records] = []
        self._logs: dict[str, list[Records]] = {name: [] for name in Logs._fields}

    def take(self, minute: Minute) -> None:
        self._parts.append(minute)
        self._equity.append(minute.equity)
        self._keep_logs()
        if len(self._parts) == ROWS_AT_ONCE:
            self._write()

    def _keep_logs(self) -> None:
        for name, rows in self.retelling.mind.happened()._asdict().items():
            self._logs[name].append(rows)

    def _write(self) -> None:
        parts, self._parts = self._parts, []
        if not parts:
            return
        closes = np.array([one.close_ms for one in parts], np.int64)
        verdicts, rows = (
            np.concatenate([getattr(one.heard, name) for one in parts]).view(np.recarray)
            for name in ("verdicts", "rows")
        )
        decisions = np.stack([one.decisions for one in parts]).view(np.recarray)
        count(self.funnel.arrays(), verdicts, decisions)
        names = self.retelling.market.symbols, MODULES
        self.target.write_decisions(closes, verdicts, decisions, rows, *names)

    def result(self) -> Result:
        """Everything as a backtest leaves it."""
        self._write()
        told, market = self.retelling, self.retelling.market
        mind, logs = told.mind, told.mind.logs
        state = mind.book.account, mind.book.positions, mind.book.orders, mind.book.outcomes
        written = logs.fills, logs.trades, logs.events, logs.stops
        close_all(state, written, mind.rules, mind.specs, told.to_ms, int(FillReason.END_OF_DATA))
        self._keep_logs()
        equity = np.concatenate(self._equity).view(np.recarray)
        balance = int(mind.book.account[0].balance)
        equity[-1] = (told.to_ms, balance, balance, 0)
        kept: dict[str, Any] = {
            name: np.concatenate(rows).view(np.recarray) for name, rows in self._logs.items()
        }
        identity = hashlib.sha256(f"{told.journal.account} {told.from_ms} {told.to_ms}".encode())
        return Result(
            instruments=market.instruments,
            modules=MODULES,
            settings=told.settings,
            identify=lambda: identity.hexdigest()[:16],
            data_id=market.data_id,
            code_id=code_key(),
            grade=market.grade,
            base_ms=market.base_ms,
            from_ms=told.from_ms,
            to_ms=told.to_ms,
            initial_atoms=told.initial,
            equity=equity,
            account=mind.book.account,
            funnel=self.funnel,
            first_close=market.close[told.start],
            last_close=market.close[told.stop - 1],
            source=market.source,
            **kept,
        )


# ---------------------------------------------------------------- parts
def as_told(market: Market, told: dict[int, BarInputs]) -> Market:
    """The market with the bars that a journal was told in the place of its own."""
    marks = market.close
    if market.mark_close is not None:
        marks = np.where(np.isnan(market.mark_close), market.close, market.mark_close)
    prices = [
        each.copy() for each in (market.open, market.high, market.low, market.close, market.volume, marks)
    ]
    valid = market.valid.copy()
    for close_ms, bar in told.items():
        t = (close_ms - market.base_ms - int(market.ts_ms[0])) // market.base_ms
        if 0 <= t < len(market.ts_ms):
            for n, ours in enumerate(prices):
                ours[t] = bar.prices[n]
            valid[t] = bar.valid
    open_, high, low, close, volume, mark = prices
    is_close = np.array_equal(mark, close, equal_nan=True)
    return replace(
        market,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        valid=valid,
        mark_close=None if is_close else mark,
    )


def _span(journal: Journal, symbols: Sequence[str], told: dict[int, Any]) -> tuple[int, int]:
    """Closes of the first and the last bar that was decided on."""
    closes = [row.ts_ms for row in journal.decisions(symbols[0], 0, FOREVER_MS)] or list(told)
    if not closes:
        raise DataMissing("the journal has no decision", why="nothing was traded with it yet")
    return min(closes), max(closes)


def _opening(journal: Journal) -> Payment | None:
    return next((one for one in journal.payments() if one.payment_id == OPENING), None)


def _utc(ms: int) -> str:
    return str(np.datetime64(int(ms), "ms"))[:16]
