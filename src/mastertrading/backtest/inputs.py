"""A market as the engine takes it in: minutes, rows, settlements and transfers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mastertrading.backtest.account import NEVER
from mastertrading.backtest.chunk import Chunk, Clock, Models, Quotes
from mastertrading.backtest.forecasts import Forecasts
from mastertrading.compiled import records
from mastertrading.domain.market import F64, I64, MINUTE_MS, Market, Records
from mastertrading.engine.book import ROW, SETTLEMENT, TRANSFER
from mastertrading.engine.rows import fill_rows
from mastertrading.rules.allocation.sessions import fill_minutes
from mastertrading.settings.records import atoms, rate_e8, session_records
from mastertrading.settings.schema import Settings
from mastertrading.signals.rows import MINUTE


class MinuteWriter:
    """Knows what is true of each minute of a market: its session, and the blackout around important events.

    ``hours``: when the first hour of the hourly returns begins, and how many hours there are, for a replay.
    """

    def __init__(
        self, market: Market, settings: Settings, macro_ms: I64 | None = None, hours: tuple[int, int] = (0, 0)
    ) -> None:
        self._market = market
        self._hours = hours
        self._sessions = session_records(settings)
        self._macro_ms = np.zeros(0, np.int64) if macro_ms is None else macro_ms
        self._reach_ms = settings.risk.gates.macro.minutes * MINUTE_MS

    def write(self, start: int, stop: int) -> Records:
        """MINUTE records of the bars [start, stop)."""
        minutes = records(MINUTE, stop - start)
        fill_minutes(
            minutes, self._sessions, self._hours, self._market.ts_ms[start:stop], self._market.base_ms
        )
        if len(self._macro_ms):
            minutes["blackout"] = self._blackout(start, stop)
        return minutes

    def clock(self, start: int, stop: int) -> Clock:
        """The same, for an engine that makes a MINUTE where it looks at one."""
        opened_ms, length_ms = int(self._market.ts_ms[start]), self._market.base_ms
        blackout = self._blackout(start, stop) if len(self._macro_ms) else np.zeros(0, np.uint8)
        return Clock(opened_ms, length_ms, self._sessions, self._hours, blackout)

    def _blackout(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        closes, near = self._market.ts_ms[start:stop] + self._market.base_ms, np.zeros(stop - start, np.uint8)
        for event_ms in self._macro_ms:
            near[np.abs(closes - event_ms) <= self._reach_ms] = 1
        return near


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
    if not parts:
        return records(SETTLEMENT, 0)
    rows = np.concatenate([records(SETTLEMENT, 0), *parts])
    return rows[np.argsort(rows["ts_ms"], kind="stable")].view(np.recarray)


def transfer_rows(market: Market, settings: Settings, start: int) -> Records:
    """TRANSFER records of the configured deposits and withdrawals from the first decided bar on."""
    rows = records(TRANSFER, len(settings.account.transfers))
    if not len(rows):
        return rows
    for row, transfer in zip(rows, settings.account.transfers, strict=True):
        row.ts_ms = transfer.at_ms
        row.atoms = atoms(transfer.amount)
    rows = rows[np.argsort(rows["ts_ms"], kind="stable")]
    return rows[rows["ts_ms"] > market.ts_ms[start] - market.base_ms].view(np.recarray)


def quotes_of(market: Market) -> Quotes:
    """Prices of a whole market. Nothing is copied that kernels can read as it is."""
    close, mark = _plain(market.close), market.mark_close
    marks = close if mark is None else np.where(np.isnan(mark), close, mark)
    whole = market.valid.all() and marks.min() > 0.0
    good = np.zeros((0, close.shape[1]), np.bool_) if whole else market.valid & (marks > 0.0)
    return Quotes(
        _plain(market.open),
        _plain(market.high),
        _plain(market.low),
        close,
        _plain(marks),
        good,
        np.array([1.0 / float(instrument.tick) for instrument in market.instruments]),
    )


def _plain(prices: F64) -> F64:
    """Contiguous and not sealed: anything else would be another type to compile the replay for."""
    return np.require(prices, np.float64, ("C", "W"))


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
    room of a chunk's verdicts is used again for the next: copy what is to be kept.

    Parameters
    ----------
    decided
        First bar, first bar after the last, and bars in a chunk.
    """
    start, stop, step = decided
    quotes = quotes_of(inputs.market)
    for first, last in pairwise([*range(0, start, step), *range(start, stop, step), stop]):
        said, contexts = inputs.source.evaluate_chunk(first, last)
        models = models_of(contexts, inputs.regime, inputs.volatility, first, last)
        yield first, Chunk(quotes.cut(first, last), said, models, inputs.minutes.clock(first, last))


def models_of(contexts: Records, regime: F64 | None, volatility: F64 | None, start: int, stop: int) -> Models:
    """What is known beside prices in the bars [start, stop), which are those of the contexts."""
    nothing = np.zeros((0, contexts.shape[1]))
    return Models(
        contexts,
        nothing if regime is None else _plain(regime[start:stop]),
        nothing if volatility is None else _plain(volatility[start:stop]),
    )


class RowWriter:
    """Writes the rows of consecutive chunks for those who keep them; the engine makes its own as it needs them."""

    def __init__(self, instruments: int) -> None:
        self._ages = np.full(instruments, NEVER, np.int64)
        self._room = records(ROW, (0, instruments))

    def rows(self, chunk: Chunk) -> Records:
        """ROW records of a chunk, shape (bars, instruments), in a room that is used again for the next."""
        if len(self._room) < chunk.bars:
            self._room = records(ROW, (chunk.bars, len(self._ages)))
        out = self._room[: chunk.bars]
        fill_rows(out, tuple(chunk.quotes), tuple(chunk.models), self._ages, chunk.clock.length_ms)
        return out
