"""A market as the engine takes it in: minutes, rows, settlements and transfers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mastertrading.backtest.account import Chunk
from mastertrading.backtest.forecasts import Forecasts
from mastertrading.compiled import records
from mastertrading.domain.market import F64, I64, MINUTE_MS, Market, Records
from mastertrading.engine.book import ROW, SETTLEMENT, TRANSFER
from mastertrading.engine.rows import fill_contexts, fill_prices
from mastertrading.rules.allocation.sessions import fill_minutes
from mastertrading.settings.records import atoms, rate_e8, session_records
from mastertrading.settings.schema import Settings
from mastertrading.signals.rows import CONTEXT, MINUTE


class MinuteWriter:
    """Writes what is true of each minute of a market: its session, and the blackout around important events.

    ``hours``: rows of the hourly returns that had ended by each bar, shape (bars,), for a replay.
    """

    def __init__(
        self, market: Market, settings: Settings, macro_ms: I64 | None = None, hours: I64 | None = None
    ) -> None:
        self._market = market
        self._hours = hours
        self._sessions = session_records(settings)
        self._macro_ms = np.zeros(0, np.int64) if macro_ms is None else macro_ms
        self._reach_ms = settings.risk.gates.macro.minutes * MINUTE_MS

    def write(self, start: int, stop: int, room: Records | None = None) -> Records:
        """MINUTE records of the bars [start, stop), in ``room`` if there is any."""
        minutes = records(MINUTE, stop - start) if room is None else room[: stop - start]
        opens = self._market.ts_ms[start:stop]
        fill_minutes(minutes, self._sessions, opens, self._market.base_ms)
        for event_ms in self._macro_ms:
            near = np.abs(minutes["t_ms"] - event_ms) <= self._reach_ms
            minutes["blackout"][near] = 1
        if self._hours is not None:
            minutes["hours"] = self._hours[start:stop]
        return minutes


def market_minutes(market: Market, settings: Settings, macro_ms: I64 | None = None) -> Records:
    """MINUTE records of every bar."""
    return MinuteWriter(market, settings, macro_ms).write(0, len(market.ts_ms))


def settlement_rows(market: Market, settings: Settings, start: int) -> Records:
    """SETTLEMENT records of all instruments from the first decided bar on, ascending in time."""
    parts = []
    for i, paid in enumerate(market.settlements if settings.costs.funding else ()):
        due = paid.ts_ms >= market.ts_ms[start]
        part = records(SETTLEMENT, int(due.sum()))
        part["ts_ms"], part["instrument"] = paid.ts_ms[due], i
        part["rate_e8"] = [rate_e8(float(rate)) for rate in paid.rate[due]]
        parts.append(part)
    rows = np.concatenate([records(SETTLEMENT, 0), *parts])
    return rows[np.argsort(rows["ts_ms"], kind="stable")].view(np.recarray)


def transfer_rows(market: Market, settings: Settings, start: int) -> Records:
    """TRANSFER records of the configured deposits and withdrawals from the first decided bar on."""
    rows = records(TRANSFER, len(settings.account.transfers))
    for row, transfer in zip(rows, settings.account.transfers, strict=True):
        row.ts_ms = transfer.at_ms
        row.atoms = atoms(transfer.amount)
    rows = rows[np.argsort(rows["ts_ms"], kind="stable")]
    return rows[rows["ts_ms"] > market.ts_ms[start] - market.base_ms].view(np.recarray)


class RowWriter:
    """Writes the engine's rows of a market, consecutive chunk by chunk, into the same room again and again."""

    def __init__(self, market: Market, bars: int) -> None:
        self._market = market
        self._per_tick = np.array([1.0 / float(instrument.tick) for instrument in market.instruments])
        self._ages = np.full(len(market.instruments), 1 << 40, np.int64)
        mark = market.mark_close
        self._mark = market.close if mark is None else np.where(np.isnan(mark), market.close, mark)
        self._room = records(ROW, (bars, len(market.instruments)))
        self._told = False

    def rows(self, contexts: Records | None, start: int, stop: int) -> Records:
        """ROW records of the bars [start, stop). Without contexts, none are known in any chunk."""
        market, out = self._market, self._room[: stop - start]
        prices = market.open, market.high, market.low, market.close
        fill_prices(out, prices, market.valid, self._mark, self._per_tick, market.base_ms, self._ages, start)
        if contexts is not None:
            fill_contexts(out, contexts)
        elif not self._told:  # once is enough: nothing else writes there
            fill_contexts(self._room, unknown_contexts(*self._room.shape))
        self._told = True
        return out


def unknown_contexts(bars: int, instruments: int) -> Records:
    """CONTEXT of which nothing is known."""
    contexts = records(CONTEXT, (bars, instruments))
    contexts["htf_adx"] = contexts["atr_frac"] = np.nan
    return contexts


class Inputs(NamedTuple):
    """Everything that is cut into chunks.

    Attributes
    ----------
    regime, volatility
        Causal arrays of models, shape (bars, instruments); None where there is no model.
    """

    market: Market
    source: Forecasts
    minutes: MinuteWriter
    regime: F64 | None = None
    volatility: F64 | None = None


def chunks(inputs: Inputs, decided: tuple[int, int, int]) -> Iterator[tuple[int, Chunk]]:
    """The inputs of all bars up to the last decision, with the first bar of each chunk.

    Nothing is decided in a chunk that begins before ``start``; it feeds the signals and the memory of verdicts. The
    room of a chunk is used again for the next: copy what is to be kept.

    Parameters
    ----------
    decided
        First bar, first bar after the last, and bars in a chunk.
    """
    start, stop, step = decided
    bars = min(step, stop)
    writer, room = RowWriter(inputs.market, bars), records(MINUTE, bars)
    for first, last in pairwise([*range(0, start, step), *range(start, stop, step), stop]):
        verdicts, contexts = inputs.source.evaluate_chunk(first, last)
        rows = writer.rows(contexts, first, last)
        if contexts is None:
            rows["volatility"] = np.nan  # a model's values of the chunk before may lie there
        apply_models(rows, inputs.regime, inputs.volatility, first)
        yield first, Chunk(rows, inputs.minutes.write(first, last, room), verdicts)


def apply_models(rows: Records, regime: F64 | None, volatility: F64 | None, start: int = 0) -> None:
    """Let the models speak where there are any: the regime only ever tightens, volatility replaces ATR%."""
    cut = slice(start, start + len(rows))
    if regime is not None:
        rows["regime"] = np.minimum(regime[cut], 1.0)
    if volatility is not None:
        blend = volatility[cut]
        rows["volatility"] = np.where(np.isnan(blend), rows["volatility"], blend)
