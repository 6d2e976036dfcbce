"""What the account hears of one bar: the desks stepped once, and the rows that the engine reads.

The steps are those that a backtest folds over arrays (DESIGN 4.3): state is kept from bar to bar, never recomputed
from a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mastertrading.compiled import records
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import F64, HOUR_MS, MINUTE_MS, Bars, Bool, Records
from mastertrading.domain.reasons import Module
from mastertrading.engine.book import ROW
from mastertrading.engine.rows import fill_rows
from mastertrading.indicators.timeframes import BAR, FORMING, pack_bars, resample_fold
from mastertrading.rules.allocation.sessions import fill_minutes
from mastertrading.settings.records import session_records
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.desk import DESK, VERDICTS, init, prime
from mastertrading.signals.panel import CHARGE, fold, pack
from mastertrading.signals.rows import CONTEXT, MINUTE, VERDICT


@dataclass(frozen=True, slots=True)
class BarInputs:
    """Everything from outside that one decision reads. Recorded, it can be decided again.

    Attributes
    ----------
    open_ms
        Open time of the bar.
    prices
        Open, high, low, close, volume and mark at the close; shape (6, instruments), NaN where there is no bar.
    valid
        Whether each instrument has the bar; shape (instruments,).
    charges
        CHARGE records of settlements that became known since the bar before: for the signals.
    spread
        (ask - bid) / mid at the close; NaN where unknown; shape (instruments,).
    macro_ms
        Times of important calendar events near this bar.
    """

    open_ms: int
    prices: F64
    valid: Bool
    charges: Records
    spread: F64
    macro_ms: tuple[int, ...] = ()


class Heard(NamedTuple):
    """One bar as the engine reads it: ROW (1, n), MINUTE (1,), VERDICT (1, n, modules)."""

    rows: Records
    minutes: Records
    verdicts: Records


class Ear:
    """The desks of an account's instruments, and its hourly returns.

    Parameters
    ----------
    primer
        Per instrument unbroken 1 h bars that close before the first base bar; may be empty.
    first_ms
        Open of the first base bar.
    """

    def __init__(
        self, settings: Settings, instruments: Sequence[Instrument], primer: Sequence[Bars], first_ms: int
    ) -> None:
        count = len(instruments)
        self.rules, self._sessions = signal_rules(settings), session_records(settings)
        self.base_ms = settings.data.base_minutes * MINUTE_MS
        self._reach_ms = settings.risk.gates.macro.minutes * MINUTE_MS
        self._per_tick = np.array([1.0 / float(instrument.tick) for instrument in instruments])
        self._ages = np.full(count, 1 << 40, np.int64)
        self.desks = records(DESK, count)
        packed = [pack(bars, 0, len(bars), HOUR_MS) for bars in primer]
        for desk, bars in zip(self.desks, packed, strict=True):
            init(desk)
            prime(desk, self.rules[0], bars)
        self.hours = Hours(packed, first_ms)

    def hear(self, told: BarInputs) -> Heard:
        """Take one bar in; bars come in order, none is left out (one that is missing is not valid)."""
        bars = self._bars(told)
        self.hours.take(bars)
        minutes = self._minute(told)
        shape = (1, len(self.desks))
        said, contexts = records(VERDICTS, shape), records(CONTEXT, shape)
        fold(self.desks, self.rules, bars, minutes, told.charges, said, contexts)
        return Heard(
            self._rows(told, contexts),
            minutes,
            said.view(VERDICT).reshape(*shape, len(Module)).view(np.recarray),
        )

    def _bars(self, told: BarInputs) -> Records:
        out = records(BAR, (1, len(self.desks)))
        open_, high, low, close, volume = (np.ascontiguousarray(row[None]) for row in told.prices[:5])
        opened, valid = np.array([told.open_ms]), told.valid[None]
        pack_bars(opened, open_, high, low, close, volume, valid, self.base_ms, out)
        return out

    def _minute(self, told: BarInputs) -> Records:
        minutes = records(MINUTE, 1)
        hours = self.hours.first_ms, len(self.hours.returns)
        fill_minutes(minutes, self._sessions, hours, np.array([told.open_ms]), self.base_ms)
        for event_ms in told.macro_ms:
            if abs(int(minutes[0].t_ms) - event_ms) <= self._reach_ms:
                minutes["blackout"] = 1
        return minutes

    def _rows(self, told: BarInputs, contexts: Records) -> Records:
        out, nothing = records(ROW, contexts.shape), np.zeros((0, contexts.shape[1]))
        open_, high, low, close, _, mark = (np.ascontiguousarray(row[None]) for row in told.prices)
        good = (told.valid & (told.prices[5] > 0.0))[None]
        quotes = open_, high, low, close, mark, good, self._per_tick
        fill_rows(out, quotes, (contexts, nothing, nothing), self._ages, self.base_ms)
        out["spread"][0] = told.spread
        return out


class Hours:
    """Hourly log returns, row by row as hours end; the rows of ``signals.returns.hourly_returns``.

    Parameters
    ----------
    primed
        Per instrument BAR records of one hour each, before its own first bar: of one that begins later than the others
        they go on beside the base.
    first_ms
        Open of the first base bar.
    """

    def __init__(self, primed: Sequence[Records], first_ms: int) -> None:
        begin = min([first_ms, *(int(bars["open_ms"][0]) for bars in primed if len(bars))])
        self.first_ms = begin - begin % HOUR_MS
        self._forming = [records(FORMING, 1) for _ in primed]
        ended = max(0, (first_ms - self.first_ms) // HOUR_MS)
        rows = [(bars["open_ms"] - self.first_ms) // HOUR_MS for bars in primed]
        told: F64 = np.full((max([ended, *(int(k[-1]) + 1 for k in rows if len(k))]), len(primed)), np.nan)
        for n, (k, bars) in enumerate(zip(rows, primed, strict=True)):
            told[k, n] = np.log(bars["close"])
        self._logs, self._later = told[:ended], list(told[ended:])
        self.returns: F64 = np.full_like(self._logs, np.nan)
        self.returns[1:] = self._logs[1:] - self._logs[:-1]

    def take(self, bars: Records) -> None:
        """Take one base bar of every instrument in, BAR (1, n)."""
        close_ms = int(bars[0, 0].close_ms)
        out, closes = records(BAR, 1), np.full(bars.shape[1], np.nan)
        for n, forming in enumerate(self._forming):
            if resample_fold(forming, bars[:, n], HOUR_MS, out):
                closes[n] = np.log(out["close"])[0]
        while self.first_ms + (len(self._logs) + 1) * HOUR_MS <= close_ms:
            self._end_hour(closes)

    def _end_hour(self, closes: F64) -> None:
        if self._later:
            closes = np.where(np.isnan(closes), self._later.pop(0), closes)
        before = self._logs[-1] if len(self._logs) else np.full_like(closes, np.nan)
        self._logs = np.vstack([self._logs, closes])
        self.returns = np.vstack([self.returns, closes - before])


def no_charges() -> Records:
    """No settlement became known."""
    return records(CHARGE, 0)
