"""One account replayed through chunks of bars: a book, its logs, and the rules it plays by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mastertrading.backtest.replay import replay
from mastertrading.compiled import records
from mastertrading.domain.market import F64, I64, Records
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import DECISION, EQUITY, Logs, open_book, open_logs
from mastertrading.engine.simulated_venue import close_all
from mastertrading.engine.steps import listen
from mastertrading.rules.risk.exposure import bounds_of


class Chunk(NamedTuple):
    """Inputs of consecutive bars: ROW (bars, instruments), MINUTE (bars,), VERDICT (bars, instruments, modules)."""

    rows: Records
    minutes: Records
    verdicts: Records


@dataclass(frozen=True, slots=True)
class Past:
    """What is the same for all chunks: hourly returns, settlements and transfers, ascending in time."""

    returns: F64
    settlements: Records
    transfers: Records
    bounds: F64 = field(init=False)

    def __post_init__(self) -> None:
        """Derive the bounds of portfolio risk from the returns."""
        object.__setattr__(self, "bounds", bounds_of(self.returns))


class Record(NamedTuple):
    """Room for what a replay writes of each bar; what has no room is not written, and costs nothing.

    DECISION (bars, instruments), EQUITY (bars,), equity alone in atoms (bars,).
    """

    decisions: Records
    equity: Records
    values: I64

    @classmethod
    def full(cls, bars: int, instruments: int) -> Record:
        """Decisions and equity of every bar."""
        return cls(records(DECISION, (bars, instruments)), records(EQUITY, bars), np.empty(0, np.int64))

    @classmethod
    def lean(cls, values: I64, instruments: int) -> Record:
        """Equity alone."""
        return cls(records(DECISION, (0, instruments)), records(EQUITY, 0), values)


class ReplayedAccount:
    """An account that trades recorded bars.

    Parameters
    ----------
    rules
        One RULES record in an array.
    specs
        SPEC records, one an instrument.
    past
        Everything that is not cut into chunks.
    initial_atoms
        The first deposit.
    stops
        Whether to keep a log of every stop that was placed or moved.
    """

    def __init__(
        self, rules: Records, specs: Records, past: Past, initial_atoms: int, *, stops: bool = True
    ) -> None:
        self.rules, self.specs, self.past = rules, specs, past
        self.initial_atoms = initial_atoms
        self.book = open_book(rules, len(specs), initial_atoms)
        self.logs = open_logs(len(specs), stops=stops)
        self._written: list[list[npt.NDArray[np.void]]] = [[] for _ in Logs._fields]

    def play(self, chunk: Chunk, record: Record | None = None) -> Record:
        """Play a chunk of bars and write what there is room for; None: everything."""
        bars = len(chunk.minutes)
        record = Record.full(*chunk.rows.shape) if record is None else record
        market = self.past.returns, self.past.bounds
        inputs, events = (
            (chunk.rows, chunk.minutes, chunk.verdicts),
            (self.past.settlements, self.past.transfers),
        )
        done = 0
        while True:
            was_empty, before = not self._rows_written(), done
            state, logs = tuple(self.book), tuple(self.logs)
            out = tuple(record)
            done = int(replay(state, logs, self.rules, self.specs, inputs, market, events, out, done, bars))
            if done == bars:
                return record
            self._empty_logs()
            if done == before and was_empty:
                longest, stops = max(len(log) for log in self.logs), len(self.logs.stops) > 0
                self.logs = open_logs(len(self.specs), 2 * longest, stops)

    def listen(self, chunk: Chunk) -> None:
        """Hear the verdicts of bars before the first decision."""
        listen(self.book.memory, chunk.minutes, chunk.verdicts)

    def finish(self, t_ms: int) -> None:
        """Close what is still open at the last marks."""
        book, logs = self.book, self.logs
        state = book.account, book.positions, book.orders, book.outcomes
        written = logs.fills, logs.trades, logs.events, logs.stops
        close_all(state, written, self.rules, self.specs, t_ms, int(FillReason.END_OF_DATA))
        self._empty_logs()

    @property
    def balance(self) -> int:
        """Money in the account, without open profit. Atoms."""
        return int(self.book.account[0].balance)

    @property
    def result(self) -> int:
        """What trading made of the deposits so far, without open profit. Atoms."""
        return self.balance - self.initial_atoms - int(self.book.account[0].transferred)

    def log(self, name: str) -> Records:
        """All rows of one log, at the end: ``fills``, ``trades``, ``payments``, ``events`` or ``stops``."""
        at = Logs._fields.index(name)
        room, parts = getattr(self.logs, name), self._written[at]
        return np.concatenate([_raw(room[:0]), *parts]).view(room.dtype).view(np.recarray)

    def _rows_written(self) -> bool:
        return any(int(self.book.account[name][0]) for name in Logs._fields)

    def _empty_logs(self) -> None:
        for at, name in enumerate(Logs._fields):
            count = int(self.book.account[name][0])
            if count:
                self._written[at].append(_raw(getattr(self.logs, name)[:count]).copy())
                self.book.account[name] = 0


def _raw(rows: Records) -> npt.NDArray[np.void]:
    """The same rows without fields: NumPy copies those at once, and records field by field."""
    return np.asarray(rows).view(np.dtype((np.void, rows.dtype.itemsize)))
