"""A whole run as bytes: everything that two runs must agree on, field by field, to the last bit."""

from __future__ import annotations

import hashlib

import numpy as np

from mastertrading.backtest.account import Past, ReplayedAccount
from mastertrading.backtest.forecasts import ModuleForecasts, UserForecasts
from mastertrading.backtest.inputs import (
    Inputs,
    MinuteWriter,
    RowWriter,
    chunks,
    settlement_rows,
    transfer_rows,
)
from mastertrading.backtest.run import Ask, window
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import Logs, open_logs
from mastertrading.settings.records import atoms, reads_context, rules_record, spec_records
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.returns import hourly_returns
from parity.driven import DrivenAccount, Ear

END = int(FillReason.END_OF_DATA)


class Scene:
    """A market, its settings, and what both drivers are given of them."""

    def __init__(self, market, settings, forecasts=None, from_ms=None):
        self.market, self.settings, self.forecasts = market, settings, forecasts
        returns, first_ms = hourly_returns(market)
        self.writer = MinuteWriter(market, settings, None, (first_ms, len(returns)))
        self.minutes = self.writer.write(0, len(market.ts_ms))
        self.start, self.stop = window(market, Ask(from_ms=from_ms))
        self.past = Past(
            returns,
            settlement_rows(market, settings, self.start),
            transfer_rows(market, settings, self.start),
        )
        modules = ModuleForecasts.modules if forecasts is None else UserForecasts.modules
        self.rules = rules_record(settings, modules)
        self.specs = spec_records(settings, market.instruments, modules)
        self.initial = atoms(settings.account.initial_equity)

    @property
    def end_ms(self):
        return int(self.minutes[self.stop - 1].t_ms)

    def source(self):
        if self.forecasts is None:
            return ModuleForecasts(self.market, self.settings, self.minutes)
        told = self.minutes if reads_context(self.settings) else None
        return UserForecasts(self.market, self.settings, told, self.forecasts)


def replayed(scene, chunk_bars=16_384, log_room=None):
    """Every row of a run by the compiled loop. ``log_room``: rows that the logs hold before they are emptied."""
    account = ReplayedAccount(scene.rules, scene.specs, scene.past, scene.initial)
    if log_room is not None:
        account.logs = Logs(*(log[:log_room].copy().view(np.recarray) for log in open_logs(len(scene.specs))))
    parts = []
    decided = scene.start, scene.stop, chunk_bars
    inputs = Inputs(scene.market, scene.source(), scene.writer)
    writer = RowWriter(len(scene.specs))
    for first, chunk in chunks(inputs, decided):
        rows = writer.rows(chunk)
        if first < scene.start:
            account.listen(chunk)
            continue
        record = account.play(chunk)
        parts.append((rows.copy(), chunk.said.verdicts.copy(), record.decisions, record.equity))
    account.finish(scene.end_ms)
    return _rows(parts, account)


def driven(scene):
    """The same, by the verbs called from Python bar by bar."""
    told = scene.forecasts is None or reads_context(scene.settings)
    ear = Ear(scene.market, signal_rules(scene.settings), _dense(scene), told)
    account = DrivenAccount(scene.rules, scene.specs, scene.past, scene.initial)
    parts = []
    for t in range(scene.stop):
        rows, verdicts = ear.hear(t, scene.minutes[t])
        now = slice(t, t + 1)
        if t < scene.start:
            account.listen(scene.minutes[now], verdicts)
        else:
            played = account.play(rows, scene.minutes[now], verdicts)
            parts.append((rows, verdicts, *played))
    account.finish(scene.end_ms, END)
    return _rows(parts, account)


def _dense(scene):
    """Given forecasts on the market's grid, shape (bars, instruments)."""
    if scene.forecasts is None:
        return None
    values = np.zeros(scene.market.close.shape)
    for i, symbol in enumerate(scene.market.symbols):
        ts_ms, said = scene.forecasts.get(symbol, (np.zeros(0, np.int64), np.zeros(0)))
        values[np.searchsorted(scene.market.ts_ms, ts_ms), i] = said
    return values


def _rows(parts, account):
    names = "rows", "verdicts", "decisions", "equity"
    out = {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(names)}
    out |= {name: account.log(name) for name in Logs._fields}
    return out | {name: getattr(account.book, name) for name in ("account", "positions", "orders", "memory")}


def fields(rows, name=""):
    """Every plain column of a structured array, nested ones included: padding is nobody's business."""
    if rows.dtype.names is None:
        yield name, np.ascontiguousarray(rows)
        return
    for part in rows.dtype.names:
        yield from fields(np.asarray(rows)[part], f"{name}.{part}")


def prints(run):
    """A short print of every column of a run; equal prints are equal bytes."""
    return {
        name: hashlib.sha256(str(column.shape).encode() + column.tobytes()).hexdigest()[:16]
        for table, rows in run.items()
        for name, column in fields(rows, table)
    }


def closes(run):
    """Names of the reasons why trades closed."""
    return {FillReason(int(reason)).name for reason in run["trades"]["exit_reason"]}
