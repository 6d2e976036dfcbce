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
from mastertrading.engine.rows import fill_rows
from mastertrading.rules.allocation.sessions import fill_minutes
from mastertrading.settings.records import atoms, rate_e8, session_records
from mastertrading.settings.schema import Settings
from mastertrading.signals.rows import MINUTE


def market_minutes(market: Market, settings: Settings, macro_ms: I64 | None = None) -> Records:
    """MINUTE records of every bar: sessions, and the blackout around important events."""
    minutes = records(MINUTE, len(market.ts_ms))
    fill_minutes(minutes, session_records(settings), market.ts_ms, market.base_ms)
    reach = settings.risk.gates.macro.minutes * MINUTE_MS
    for event_ms in macro_ms if macro_ms is not None else ():
        near = np.abs(minutes["t_ms"] - event_ms) <= reach
        minutes["blackout"][near] = 1
    return minutes


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
    """Writes the engine's rows of a market, consecutive chunk by chunk."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._tick = np.array([float(instrument.tick) for instrument in market.instruments])
        self._ages = np.full(len(market.instruments), 1 << 40, np.int64)
        mark = market.mark_close
        self._mark = market.close if mark is None else np.where(np.isnan(mark), market.close, mark)

    def rows(self, contexts: Records, start: int) -> Records:
        """ROW records for the bars from ``start`` on that ``contexts`` belongs to."""
        market = self._market
        out = records(ROW, contexts.shape)
        prices = market.open, market.high, market.low, market.close
        fill_rows(
            out, prices, market.valid, self._mark, contexts, self._tick, market.base_ms, self._ages, start
        )
        return out


class Inputs(NamedTuple):
    """Everything that is cut into chunks.

    Attributes
    ----------
    hours_known
        Rows of the hourly returns that had ended by each bar, shape (bars,).
    regime, volatility
        Causal arrays of models, shape (bars, instruments); None where there is no model.
    """

    market: Market
    source: Forecasts
    minutes: Records
    hours_known: I64
    regime: F64 | None = None
    volatility: F64 | None = None


def chunks(inputs: Inputs, decided: tuple[int, int, int]) -> Iterator[tuple[int, Chunk]]:
    """The inputs of all bars up to the last decision, with the first bar of each chunk.

    Nothing is decided in a chunk that begins before ``start``; it feeds the signals and the memory of verdicts.

    Parameters
    ----------
    decided
        First bar, first bar after the last, and bars in a chunk.
    """
    start, stop, step = decided
    writer = RowWriter(inputs.market)
    for first, last in pairwise([*range(0, start, step), *range(start, stop, step), stop]):
        verdicts, contexts = inputs.source.evaluate_chunk(first, last)
        rows = writer.rows(contexts, first)
        cut = slice(first, last)
        _apply_models(rows, inputs, cut)
        yield first, Chunk(rows, inputs.minutes[cut], verdicts, inputs.hours_known[cut])


def _apply_models(rows: Records, inputs: Inputs, cut: slice) -> None:
    """Let the models speak where there are any: the regime only ever tightens, volatility replaces ATR%."""
    if inputs.regime is not None:
        rows["regime"] = np.minimum(inputs.regime[cut], 1.0)
    if inputs.volatility is not None:
        blend = inputs.volatility[cut]
        rows["volatility"] = np.where(np.isnan(blend), rows["volatility"], blend)
