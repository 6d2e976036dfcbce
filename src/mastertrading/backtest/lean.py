"""Replays that keep trades and equity alone, for sweeps: the same engine, the same numbers, and nothing else written.

``run_lean`` streams a market once. ``prepare`` keeps in memory what all runs of one market share, and ``lean`` then
costs little more than the bars in which something happens. Both give what ``run`` would, to the bit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from mastertrading.backtest.account import Chunk, Past, Record, ReplayedAccount
from mastertrading.backtest.forecasts import ModuleForecasts, UserForecasts, on_grid
from mastertrading.backtest.inputs import (
    Inputs,
    MinuteWriter,
    RowWriter,
    apply_models,
    chunks,
    settlement_rows,
    transfer_rows,
)
from mastertrading.backtest.run import DEFAULT_ASK, Ask, chunk_length, forecasts_of, refuse_bad_data, window
from mastertrading.compiled import records
from mastertrading.domain.errors import ConfigError
from mastertrading.domain.market import F64, I64, Market, Records
from mastertrading.settings.records import atoms, reads_context, rules_record, spec_records
from mastertrading.settings.schema import MODULES, Settings
from mastertrading.signals.returns import hourly_returns
from mastertrading.signals.rows import VERDICT


@dataclass(frozen=True, slots=True)
class LeanResult:
    """What is left of a lean run.

    Attributes
    ----------
    opened_ms, base_ms
        Open of every decided bar, and the length of a bar.
    equity
        Equity at the close of each in atoms; the last is the final balance.
    trades, events
        Records of TRADE and EVENT (engine/book.py).
    initial_atoms, final_atoms, transferred_atoms
        First deposit, balance at the end, and what was paid in and out between.
    """

    opened_ms: I64
    base_ms: int
    equity: I64
    trades: Records
    events: Records
    initial_atoms: int
    final_atoms: int
    transferred_atoms: int

    @property
    def t_ms(self) -> I64:
        """Close of every decided bar."""
        return self.opened_ms + self.base_ms

    @property
    def net_atoms(self) -> int:
        """What trading made."""
        return self.final_atoms - self.initial_atoms - self.transferred_atoms


def run_lean(market: Market, settings: Settings, ask: Ask = DEFAULT_ASK) -> LeanResult:
    """Backtest a portfolio and keep trades and equity; see ``run`` for what it may raise."""
    refuse_bad_data(market, settings)
    start, stop = window(market, ask)
    returns, known = hourly_returns(market)
    minutes = MinuteWriter(market, settings, ask.macro_ms, known)
    source = forecasts_of(market, settings, minutes, ask)
    past = Past(returns, settlement_rows(market, settings, start), transfer_rows(market, settings, start))
    rules = rules_record(settings, source.modules)
    specs = spec_records(settings, market.instruments, source.modules)
    account = ReplayedAccount(rules, specs, past, atoms(settings.account.initial_equity), stops=False)
    inputs = Inputs(market, source, minutes, ask.regime, ask.volatility)
    equity = np.empty(stop - start, np.int64)
    for first, chunk in chunks(inputs, (start, stop, chunk_length(ask, len(specs)))):
        if first < start:
            account.listen(chunk)
        else:
            room = equity[first - start : first - start + len(chunk.minutes)]
            account.play(chunk, Record.lean(room, len(specs)))
    return _finished(account, market, (start, stop), equity)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every lean run of one market shares, to be read only: make it with ``prepare``.

    ``rooms`` are not shared: each run takes one for its verdicts and gives it back.
    """

    market: Market
    settings: Settings
    basis: str
    start: int
    stop: int
    rows: Records
    minutes: Records
    past: Past
    verdicts: Records | None
    rules: Records
    specs: Records
    rooms: list[Records]


def prepare(market: Market, settings: Settings, ask: Ask = DEFAULT_ASK) -> Prepared:
    """Compute what all runs of a market share; with ``ask.forecasts`` None, the verdicts of the four modules too.

    Parameters
    ----------
    ask
        Its forecasts only tell, by not being None, that each run will bring its own.
    """
    refuse_bad_data(market, settings)
    start, stop = window(market, ask)
    returns, known = hourly_returns(market)
    minutes = MinuteWriter(market, settings, ask.macro_ms, known).write(0, len(market.ts_ms))
    own, verdicts, contexts = ask.forecasts is not None, None, None
    if not own or reads_context(settings):
        verdicts, contexts = ModuleForecasts(market, settings, minutes).evaluate_chunk(0, stop)
    rows = RowWriter(market, stop).rows(contexts, 0, stop)
    apply_models(rows, ask.regime, ask.volatility)
    modules = UserForecasts.modules if own else MODULES
    return Prepared(
        market=market,
        settings=settings,
        basis=basis_of(settings),
        start=start,
        stop=stop,
        rows=rows,
        minutes=minutes[:stop],
        past=Past(returns, settlement_rows(market, settings, start), transfer_rows(market, settings, start)),
        verdicts=None if own else verdicts,
        rules=rules_record(settings, modules),
        specs=spec_records(settings, market.instruments, modules),
        rooms=[],
    )


def basis_of(settings: Settings) -> str:
    """Hash of the settings that a preparation depends on: runs that differ elsewhere may share it."""
    parts = (
        settings.data,
        settings.signals,
        settings.allocation.sessions,
        settings.risk.gates.macro,
        settings.account,
    )
    digest = hashlib.sha256(repr((reads_context(settings), settings.costs.funding)).encode())
    for part in parts:
        digest.update(part.model_dump_json().encode())
    return digest.hexdigest()[:16]


def lean(prepared: Prepared, forecasts: F64 | None = None, settings: Settings | None = None) -> LeanResult:
    """Run once on what was prepared. May be called from several threads at a time.

    Parameters
    ----------
    forecasts
        A user's own, shape (bars, instruments) of the whole market; None: the modules' that were prepared.
    settings
        Others than it was prepared with, if they differ only in what ``basis_of`` leaves out.

    Raises
    ------
    ConfigError
        If the settings need another preparation, or forecasts are missing.
    DataError
        If forecasts have not the market's shape, or are not within [-1, 1].
    """
    rules, specs, initial = _rules_of(prepared, settings)
    account = ReplayedAccount(rules, specs, prepared.past, initial, stops=False)
    verdicts = _verdicts_of(prepared, forecasts)
    equity = np.empty(prepared.stop - prepared.start, np.int64)
    if prepared.start:
        account.listen(_cut(prepared, verdicts, 0, prepared.start))
    chunk = _cut(prepared, verdicts, prepared.start, prepared.stop)
    account.play(chunk, Record.lean(equity, len(specs)))
    if verdicts is not prepared.verdicts:
        prepared.rooms.append(verdicts)
    return _finished(account, prepared.market, (prepared.start, prepared.stop), equity)


def _rules_of(prepared: Prepared, settings: Settings | None) -> tuple[Records, Records, int]:
    chosen = prepared.settings if settings is None else settings
    initial = atoms(chosen.account.initial_equity)
    if chosen is prepared.settings:
        return prepared.rules, prepared.specs, initial
    if basis_of(chosen) != prepared.basis:
        raise ConfigError(
            "these settings need another preparation",
            why="data, signals, sessions, macro, account or what the rules read differ from what was prepared",
            hint="call prepare again with them",
        )
    modules = MODULES if prepared.verdicts is not None else UserForecasts.modules
    specs = spec_records(chosen, prepared.market.instruments, modules)
    return rules_record(chosen, modules), specs, initial


def _verdicts_of(prepared: Prepared, forecasts: F64 | None) -> Records:
    if forecasts is None and prepared.verdicts is not None:
        return prepared.verdicts
    if forecasts is None or prepared.verdicts is not None:
        raise ConfigError(
            "forecasts are missing" if forecasts is None else "forecasts beside the modules' own",
            why="the market was prepared for "
            + ("a user's own" if forecasts is None else "the four modules"),
            hint="prepare says by ask.forecasts which of them it will be",
        )
    values = on_grid(prepared.market, forecasts)[: prepared.stop]
    verdicts = _room_of(prepared)
    verdicts["forecast"][:, :, 0] = values
    return verdicts


def _room_of(prepared: Prepared) -> Records:
    """A room for verdicts that no other run has."""
    try:
        return prepared.rooms.pop()  # one step: looking first would let another thread take the last one
    except IndexError:
        return records(VERDICT, (prepared.stop, len(prepared.specs), 1))


def _cut(prepared: Prepared, verdicts: Records, start: int, stop: int) -> Chunk:
    cut = slice(start, stop)
    return Chunk(prepared.rows[cut], prepared.minutes[cut], verdicts[cut])


def _finished(account: ReplayedAccount, market: Market, decided: tuple[int, int], equity: I64) -> LeanResult:
    opened_ms = market.ts_ms[slice(*decided)]
    account.finish(int(opened_ms[-1]) + market.base_ms)
    equity[-1] = account.balance
    return LeanResult(
        opened_ms=opened_ms,
        base_ms=market.base_ms,
        equity=equity,
        trades=account.log("trades"),
        events=account.log("events"),
        initial_atoms=account.initial_atoms,
        final_atoms=account.balance,
        transferred_atoms=int(account.book.account[0].transferred),
    )
