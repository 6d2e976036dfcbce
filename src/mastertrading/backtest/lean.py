"""Replays that keep trades and equity alone, for sweeps: the same engine, the same numbers, and nothing else written.

``run_lean`` streams a market once. ``prepare`` keeps in memory what all runs of one market share, and ``lean`` then
costs little more than the bars in which something happens. Both give what ``run`` would, to the bit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from mastertrading.backtest.account import Past, Record, ReplayedAccount
from mastertrading.backtest.chunk import Chunk, Models, Quotes, Said
from mastertrading.backtest.forecasts import ModuleForecasts, UserForecasts, on_grid
from mastertrading.backtest.inputs import (
    Inputs,
    MinuteWriter,
    chunks,
    models_of,
    quotes_of,
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
from mastertrading.signals.rows import CONTEXT, VERDICT

KEPT = ("trades", "events")
"""The logs that a lean run collects."""


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
    returns, first_ms = hourly_returns(market)
    minutes = MinuteWriter(market, settings, ask.macro_ms, (first_ms, len(returns)))
    source = forecasts_of(market, settings, minutes, ask, written=False)
    past = Past(returns, settlement_rows(market, settings, start), transfer_rows(market, settings, start))
    rules = rules_record(settings, source.modules)
    specs = spec_records(settings, market.instruments, source.modules)
    account = ReplayedAccount(rules, specs, past, atoms(settings.account.initial_equity), kept=KEPT)
    inputs = Inputs(market, source, minutes, ask.regime, ask.volatility)
    equity = np.empty(stop - start, np.int64)
    plain = ask.forecasts is not None and not reads_context(settings)  # nothing is made of the bars before
    step = stop if plain and ask.chunk_bars is None else chunk_length(ask, len(specs))
    for first, chunk in chunks(inputs, (start, stop, step)):
        if first < start:
            account.listen(chunk)
        else:
            room = equity[first - start : first - start + chunk.bars]
            account.play(chunk, Record.lean(room, len(specs)))
    return _finished(account, market, (start, stop), equity)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every lean run of one market shares, to be read only: make it with ``prepare``.

    ``said`` is None where each run brings forecasts of its own. ``rooms`` are not shared: each run takes an account
    to trade on and gives it back.
    """

    market: Market
    settings: Settings
    basis: str
    start: int
    stop: int
    quotes: Quotes
    models: Models
    minutes: MinuteWriter
    past: Past
    said: Said | None
    rules: Records
    specs: Records
    rooms: list[ReplayedAccount]


def prepare(market: Market, settings: Settings, ask: Ask = DEFAULT_ASK) -> Prepared:
    """Compute what all runs of a market share; with ``ask.forecasts`` None, the verdicts of the four modules too.

    Parameters
    ----------
    ask
        Its forecasts only tell, by not being None, that each run will bring its own.
    """
    refuse_bad_data(market, settings)
    start, stop = window(market, ask)
    returns, first_ms = hourly_returns(market)
    minutes = MinuteWriter(market, settings, ask.macro_ms, (first_ms, len(returns)))
    own, said, contexts = ask.forecasts is not None, None, records(CONTEXT, (0, len(market.instruments)))
    if not own or reads_context(settings):
        modules = ModuleForecasts(market, settings, minutes.write(0, len(market.ts_ms)))
        said, contexts = modules.evaluate_chunk(0, stop)
    names = UserForecasts.modules if own else MODULES
    return Prepared(
        market=market,
        settings=settings,
        basis=basis_of(settings),
        start=start,
        stop=stop,
        quotes=quotes_of(market),
        models=models_of(contexts, ask.regime, ask.volatility, 0, stop),
        minutes=minutes,
        past=Past(returns, settlement_rows(market, settings, start), transfer_rows(market, settings, start)),
        said=None if own else said,
        rules=rules_record(settings, names),
        specs=spec_records(settings, market.instruments, names),
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
    account = _account_of(prepared, *_rules_of(prepared, settings))
    said = _said_of(prepared, forecasts)
    equity = np.empty(prepared.stop - prepared.start, np.int64)
    if prepared.start:
        account.listen(_cut(prepared, said, 0, prepared.start))
    chunk = _cut(prepared, said, prepared.start, prepared.stop)
    account.play(chunk, Record.lean(equity, len(account.specs)))
    result = _finished(account, prepared.market, (prepared.start, prepared.stop), equity)
    prepared.rooms.append(account)
    return result


def _account_of(prepared: Prepared, rules: Records, specs: Records, initial: int) -> ReplayedAccount:
    """An account that no other run has, in rooms that were used before where there are any."""
    try:
        account = prepared.rooms.pop()  # one step: looking first would let another thread take the last one
    except IndexError:
        return ReplayedAccount(rules, specs, prepared.past, initial, kept=KEPT)
    account.reopen(rules, specs, initial)
    return account


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
    modules = MODULES if prepared.said is not None else UserForecasts.modules
    specs = spec_records(chosen, prepared.market.instruments, modules)
    return rules_record(chosen, modules), specs, initial


def _said_of(prepared: Prepared, forecasts: F64 | None) -> Said:
    if forecasts is None and prepared.said is not None:
        return prepared.said
    if forecasts is None or prepared.said is not None:
        raise ConfigError(
            "forecasts are missing" if forecasts is None else "forecasts beside the modules' own",
            why="the market was prepared for "
            + ("a user's own" if forecasts is None else "the four modules"),
            hint="prepare says by ask.forecasts which of them it will be",
        )
    return Said(on_grid(prepared.market, forecasts), records(VERDICT, (0, len(prepared.specs), 1)))


def _cut(prepared: Prepared, said: Said, start: int, stop: int) -> Chunk:
    quotes, clock = prepared.quotes.cut(start, stop), prepared.minutes.clock(start, stop)
    return Chunk(quotes, said.cut(start, stop), prepared.models.cut(start, stop), clock)


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
        transferred_atoms=account.transferred,
    )
