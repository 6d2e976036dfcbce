"""The engine driven from Python, one bar at a time: what a runner on live bars does, on recorded ones.

Nothing here decides, fills or values anything. ``Ear`` turns one bar of the market into what the engine takes in,
``DrivenAccount`` calls the engine's verbs in the order of ``backtest/replay.py``. Each gets one bar and never sees
the next: hourly returns, settlements and transfers are cut to what had happened by then.
"""

from __future__ import annotations

import numpy as np

from mastertrading.backtest.account import Past
from mastertrading.compiled import records
from mastertrading.engine.book import EQUITY, ROW, Logs, open_book, open_logs
from mastertrading.engine.cycle import charge, decide, mark, receive, venue
from mastertrading.engine.deciding import hear
from mastertrading.engine.rows import fill_rows
from mastertrading.engine.simulated_venue import close_all
from mastertrading.rules.risk.exposure import bounds_of
from mastertrading.signals.desk import DESK, VERDICTS, init, prime, settle, step
from mastertrading.signals.panel import chunk_bars, primer_bars
from mastertrading.signals.rows import CONTEXT, VERDICT


class Ear:
    """The desks of a market's instruments, and what the engine is told of one bar.

    Parameters
    ----------
    market
        Read at one bar a time.
    rules
        One SIGNAL_RULES record in an array.
    forecasts
        A user's own, shape (bars, instruments), in place of the modules; None: the modules.
    reads_context
        Whether any rule reads HTF ADX or ATR%; nobody is told what nobody reads.
    """

    def __init__(self, market, rules, forecasts=None, reads_context=True):
        self.market, self.rules, self.forecasts = market, rules, forecasts
        self.reads_context = reads_context
        self.desks = records(DESK, len(market.instruments))
        self._charged = [0] * len(market.instruments)
        self._per_tick = np.array([1.0 / float(instrument.tick) for instrument in market.instruments])
        self._ages = np.full(len(market.instruments), 1 << 40, np.int64)
        for n, desk in enumerate(self.desks):
            init(desk)
            prime(desk, rules[0], primer_bars(market, n))

    def hear(self, t, minute):
        """ROW (1, instruments) and VERDICT (1, instruments, modules) of bar ``t``."""
        said, contexts = records(VERDICTS, (1, len(self.desks))), records(CONTEXT, (1, len(self.desks)))
        bars = chunk_bars(self.market, t, t + 1)
        for n, desk in enumerate(self.desks):
            self._settle(n, desk, int(minute.t_ms))
            step(desk, self.rules[0], bars[0, n], minute, said[0, n], contexts[0, n])
        if not self.reads_context:
            contexts["htf_adx"] = contexts["atr_frac"] = np.nan
        return self._rows(t, contexts), self._verdicts(t, said)

    def _settle(self, n, desk, t_ms):
        """Settlements are known to the first bar that closes at or after them."""
        paid, used = self.market.settlements[n], self._charged[n]
        while used < len(paid.ts_ms) and paid.ts_ms[used] <= t_ms:
            settle(desk, self.rules[0], paid.ts_ms[used], paid.rate[used], paid.interval_ms[used])
            used += 1
        self._charged[n] = used

    def _rows(self, t, contexts):
        market, out, now = self.market, records(ROW, contexts.shape), slice(t, t + 1)
        prices = market.open[now], market.high[now], market.low[now], market.close[now]
        marks = market.close[now]
        if market.mark_close is not None:
            marks = np.where(np.isnan(market.mark_close[now]), marks, market.mark_close[now])
        good, nothing = market.valid[now] & (marks > 0.0), np.zeros((0, len(self.desks)))
        quotes = *prices, marks, good, self._per_tick
        fill_rows(out, quotes, (contexts, nothing, nothing), self._ages, market.base_ms)
        return out

    def _verdicts(self, t, said):
        if self.forecasts is None:
            return said.view(VERDICT).reshape(1, len(self.desks), 4).view(np.recarray)
        verdicts = records(VERDICT, (1, len(self.desks), 1))
        verdicts["forecast"][0, :, 0] = self.forecasts[t]
        return verdicts


class DrivenAccount:
    """An account whose verbs are called from Python, bar by bar.

    Parameters
    ----------
    rules, specs
        One RULES record in an array; SPEC records.
    past
        Hourly returns, settlements and transfers of the whole time; only what has happened is handed on.
    """

    def __init__(self, rules, specs, past: Past, initial_atoms: int):
        self.rules, self.specs, self.past = rules, specs, past
        self.book = open_book(rules, len(specs), initial_atoms)
        self.logs = open_logs(len(specs))
        self.written = {name: [] for name in Logs._fields}

    def listen(self, minutes, verdicts):
        """One bar before the first decision."""
        for i in range(len(self.specs)):
            hear(self.book.memory, verdicts, 0, i, int(minutes[0].t_ms))

    def play(self, rows, minutes, verdicts):
        """One bar: every argument holds one; returns its DECISION rows (1, instruments) and EQUITY row (1,)."""
        book, logs, rules, minute = self.book, self.logs, self.rules[0], minutes[0]
        account, open_ms, close_ms = book.account[0], int(minute.open_ms), int(minute.t_ms)
        told, written = (
            (account, book.positions, book.orders, book.outcomes),
            (logs.fills, logs.trades, logs.events, logs.stops),
        )
        room = book.urgency, book.exposures, book.worst
        thinking = account, book.positions, book.orders, book.memory, book.latest, book.watches, room
        equity = records(EQUITY, 1)
        paid, moved = self._until(self.past.settlements, close_ms), self._until(self.past.transfers, close_ms)
        receive(account, logs.events, moved, open_ms)
        charge(account, book.positions, self.specs, logs.payments, paid, close_ms)
        venue(told, written, rules, self.specs, book.watches, rows, 0, open_ms)
        mark(told, written, rules, self.specs, rows, 0, close_ms)
        returns = self.past.returns[: minute.hours]
        market, inputs = (returns, bounds_of(returns)), (rows, minutes, verdicts)
        decide(thinking, market, rules, self.specs, inputs, (0, close_ms), logs.stops)
        equity[0] = (close_ms, account.equity, account.balance, account.exposure)
        self._empty_logs()
        return book.latest[None].copy(), equity

    def finish(self, t_ms, reason):
        """Close what is still open at the last marks."""
        book, logs = self.book, self.logs
        state = book.account, book.positions, book.orders, book.outcomes
        written = logs.fills, logs.trades, logs.events, logs.stops
        close_all(state, written, self.rules, self.specs, t_ms, reason)
        self._empty_logs()

    def log(self, name):
        """All rows of one log."""
        return np.concatenate([getattr(self.logs, name)[:0], *self.written[name]])

    @staticmethod
    def _until(rows, t_ms):
        return rows[: np.searchsorted(rows["ts_ms"], t_ms)]

    def _empty_logs(self):
        for name in Logs._fields:
            count = int(self.book.account[name][0])
            if count:
                self.written[name].append(getattr(self.logs, name)[:count].copy())
                self.book.account[name] = 0
