"""A portfolio backtest from a market and settings to a result: one page that shows the mode's parts.

==============  =======================================================
bars, funding   recorded (``Market``)
clock           bar time
forecasts       the modules' steps, folded over the bars
rules, engine   the same as paper and live
fills           the fill rule, inside the compiled loop
journal         in memory, then the run folder
==============  =======================================================
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from mastertrading.backtest.account import Past, Record, ReplayedAccount
from mastertrading.backtest.forecasts import Forecasts, Given, ModuleForecasts, UserForecasts
from mastertrading.backtest.funnel import count
from mastertrading.backtest.inputs import (
    Inputs,
    MinuteWriter,
    RowWriter,
    chunks,
    settlement_rows,
    transfer_rows,
)
from mastertrading.backtest.result import Funnel, Result
from mastertrading.compiled import records
from mastertrading.compiled.kernel import code_key
from mastertrading.domain.errors import DataError, DataMissing
from mastertrading.domain.market import F64, I64, Market, Records
from mastertrading.domain.reasons import IntrabarPath
from mastertrading.engine.book import DECISION, EQUITY, Logs
from mastertrading.settings.load import config_hash
from mastertrading.settings.records import atoms, reads_context, rules_record, spec_records
from mastertrading.settings.schema import Settings
from mastertrading.signals.returns import hourly_returns

CHUNK_CELLS = 1 << 15
"""Bars × instruments in a chunk: enough to forget what a chunk costs, little enough for the processor's cache."""
COSTS_DOUBLED = "costs_doubled"

OnDecisions = Callable[[I64, Records, Records, Records], None]
"""Takes close times (bars,), VERDICT (bars, instruments, modules), DECISION and ROW (bars, instruments) of a chunk.

The room of all but the times is used again for later chunks: copy what is to be kept.
"""
OnProgress = Callable[[int, int], None]
"""Takes bars done and bars in all."""


class Ask(NamedTuple):
    """What a run may be asked beyond its market and settings.

    Attributes
    ----------
    from_ms, to_ms
        First and last moment of decision; None: the whole market. Signals always fold from its first bar.
    forecasts
        A user's own forecasts in place of the modules: by symbol (times, values), or (bars, instruments). They are
        not copied, and the run's id is hashed from them when it is asked for: do not change them.
    macro_ms
        Times of important calendar events.
    regime
        Risk multiplier of the regime at each bar, shape (bars, instruments), causal, at most 1; NaN is unknown and
        refuses entries; None: neutral.
    volatility
        Volatility that replaces ATR% in sizing and stops, same shape, causal; where NaN, or None: plain ATR%.
    all_paths
        Also replay under the best and the worst path inside a bar (BT-INTRABAR), and with doubled costs.
    chunk_bars
        Bars computed at a time, None: ``CHUNK_CELLS`` of all instruments; it changes memory and nothing else.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    forecasts: Given | None = None
    macro_ms: I64 | None = None
    regime: F64 | None = None
    volatility: F64 | None = None
    all_paths: bool = True
    chunk_bars: int | None = None


DEFAULT_ASK = Ask()


def run(
    market: Market,
    settings: Settings,
    ask: Ask = DEFAULT_ASK,
    *,
    on_decisions: OnDecisions | None = None,
    on_progress: OnProgress | None = None,
) -> Result:
    """Backtest a portfolio on one account.

    Raises
    ------
    DataError
        If the data is graded worse than ``data.worst_grade``, the window is empty, or forecasts are not of the
        market's shape or not in [-1, 1].
    ConfigError
        If a transfer's time cannot be read, or settings contradict each other.
    """
    started = time.perf_counter()
    refuse_bad_data(market, settings)
    start, stop = window(market, ask)
    returns, first_ms = hourly_returns(market)
    minutes = MinuteWriter(market, settings, ask.macro_ms, (first_ms, len(returns)))
    source = forecasts_of(market, settings, minutes, ask)
    past = Past(returns, settlement_rows(market, settings, start), transfer_rows(market, settings, start))
    accounts = open_accounts(market, settings, source, past, ask.all_paths)
    account = accounts[settings.fills.path]
    width = len(market.instruments)
    step = chunk_length(ask, width)
    funnel = Funnel.empty(width, len(source.modules))
    equity, decisions = (
        records(EQUITY, stop - start),
        records(DECISION, (min(step, stop - start), width)),
    )
    inputs = Inputs(market, source, minutes, ask.regime, ask.volatility)
    writer = RowWriter(width)
    for first, chunk in chunks(inputs, (start, stop, step)):
        rows = None if on_decisions is None else writer.rows(chunk)
        if first < start:
            for each in accounts.values():
                each.listen(chunk)
            continue
        done = first - start + chunk.bars
        decided = decisions[: chunk.bars]
        record = account.play(chunk, Record.of(decided, equity[first - start : done]))
        count(funnel.arrays(), chunk.said.verdicts, decided)
        for twin in accounts.values():
            if twin is not account:
                twin.play(chunk, Record.lean(record.worth, width))
        if on_decisions is not None and rows is not None:
            closes = market.ts_ms[first : first + chunk.bars] + market.base_ms
            on_decisions(closes, chunk.said.verdicts, decided, rows)
        if on_progress is not None:
            on_progress(done, stop - start)
    end_ms = int(market.ts_ms[stop - 1]) + market.base_ms
    for each in accounts.values():
        each.finish(end_ms)
    equity[-1] = (end_ms, account.balance, account.balance, 0)
    seconds = {"replay": time.perf_counter() - started}
    return _result(market, settings, ask, source.modules, (start, stop), accounts, funnel, equity, seconds)


def chunk_length(ask: Ask, instruments: int) -> int:
    """Bars of a chunk."""
    return max(1, CHUNK_CELLS // instruments) if ask.chunk_bars is None else ask.chunk_bars


def refuse_bad_data(market: Market, settings: Settings) -> None:
    """Say no to a market that is graded worse than the settings allow."""
    if market.grade > settings.data.worst_grade:
        worst = ", ".join(f"{s} {g}" for s, g in market.grades.items() if g > settings.data.worst_grade)
        raise DataError(
            f"the data is graded {market.grade}, and {settings.data.worst_grade} is the worst that is allowed",
            why=worst or "see the quality report",
            where="[data] worst_grade",
            hint="mastertrading data check",
        )


def window(market: Market, ask: Ask) -> tuple[int, int]:
    """Bars [start, stop) in which decisions are taken: never before every instrument exists."""
    opens, base_ms = market.ts_ms, market.base_ms
    common = opens[0] if market.common_from_ms is None else market.common_from_ms
    begin = max(int(common), (ask.from_ms or 0) - base_ms)
    start = int(np.searchsorted(opens, begin))
    stop = len(opens) if ask.to_ms is None else int(np.searchsorted(opens, ask.to_ms - base_ms, side="right"))
    if start >= stop:
        span = [str(np.datetime64(int(ms) + base_ms, "ms")) for ms in (opens[0], opens[-1])]
        raise DataMissing(
            "there is no bar in the window that was asked for",
            why=f"the market has bars that close from {span[0]} to {span[1]}",
            where="--from, --to",
            hint="mastertrading data list",
        )
    return start, stop


def forecasts_of(
    market: Market, settings: Settings, minutes: MinuteWriter, ask: Ask, written: bool = True
) -> Forecasts:
    """The modules, or what the user gave in their place; ``written``: with VERDICT records of that, too."""
    bars = len(market.ts_ms)
    if ask.forecasts is None:
        return ModuleForecasts(market, settings, minutes.write(0, bars))
    told = minutes.write(0, bars) if reads_context(settings) else None
    return UserForecasts(market, settings, told, ask.forecasts, written)


def open_accounts(
    market: Market, settings: Settings, source: Forecasts, past: Past, all_paths: bool
) -> dict[str, ReplayedAccount]:
    """The account of the run, and its twins: the best and the worst path inside a bar, and doubled costs."""
    specs = spec_records(settings, market.instruments, source.modules)
    initial = atoms(settings.account.initial_equity)
    chosen = settings.fills.path
    paths = [chosen, *(p.name.lower() for p in IntrabarPath if all_paths and p.name.lower() != chosen)]
    accounts: dict[str, ReplayedAccount] = {}
    for path in paths:
        rules = rules_record(settings, source.modules)
        rules[0].costs.path = IntrabarPath[path.upper()]
        kept = Logs._fields if path == chosen else ()
        accounts[path] = ReplayedAccount(rules, specs, past, initial, kept=kept)
    if all_paths:
        rules = rules_record(settings, source.modules)
        for cost in ("taker_e8", "maker_e8", "slippage_e8"):
            rules[0].costs[cost] *= 2
        accounts[COSTS_DOUBLED] = ReplayedAccount(rules, specs, past, initial, kept=())
    return accounts


def run_id(market: Market, settings: Settings, ask: Ask) -> str:
    """Identity of a run: the same code, configuration, data, window and forecasts give the same bytes."""
    digest = hashlib.sha256()
    for part in (code_key(), config_hash(settings), market.data_id, ask.from_ms, ask.to_ms):
        digest.update(f"{part}\n".encode())
    if isinstance(ask.forecasts, np.ndarray):
        digest.update(np.ascontiguousarray(ask.forecasts).data)
    else:
        for symbol, (ts_ms, values) in sorted((ask.forecasts or {}).items()):
            digest.update(symbol.encode() + ts_ms.tobytes() + values.tobytes())
    for array in (ask.macro_ms, ask.regime, ask.volatility):
        digest.update(b"-" if array is None else array.tobytes())
    return digest.hexdigest()[:16]


def _result(
    market: Market,
    settings: Settings,
    ask: Ask,
    modules: tuple[str, ...],
    decided: tuple[int, int],
    accounts: dict[str, ReplayedAccount],
    funnel: Funnel,
    equity: Records,
    seconds: dict[str, float],
) -> Result:
    account = accounts[settings.fills.path]
    start, stop = decided
    return Result(
        instruments=market.instruments,
        modules=modules,
        settings=settings,
        identify=partial(run_id, market, settings, ask),
        data_id=market.data_id,
        code_id=code_key(),
        grade=market.grade,
        base_ms=market.base_ms,
        from_ms=int(market.ts_ms[start]) + market.base_ms,
        to_ms=int(market.ts_ms[stop - 1]) + market.base_ms,
        initial_atoms=atoms(settings.account.initial_equity),
        trades=account.log("trades"),
        fills=account.log("fills"),
        payments=account.log("payments"),
        events=account.log("events"),
        stops=account.log("stops"),
        equity=equity,
        account=account.book.account,
        funnel=funnel,
        first_close=_valid_close(market, range(start, stop)),
        last_close=_valid_close(market, range(stop - 1, start - 1, -1)),
        path_range={path: each.result for path, each in accounts.items() if path != COSTS_DOUBLED}
        if ask.all_paths
        else {},
        costs_doubled=accounts[COSTS_DOUBLED].result if ask.all_paths else None,
        seconds=seconds,
        source=market.source,
    )


def _valid_close(market: Market, bars: range) -> F64:
    """The first recorded close of each instrument, going through ``bars``; NaN where there is none."""
    found = np.full(len(market.instruments), np.nan)
    for t in bars:
        waiting = np.isnan(found)
        if not waiting.any():
            break
        found[waiting] = market.close[t, waiting]
    return found
