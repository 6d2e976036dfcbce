"""One account replayed through chunks of bars: a book, its logs, and the rules it plays by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mastertrading.backtest.chunk import Chunk
from mastertrading.backtest.replay import listen, replay
from mastertrading.compiled import records
from mastertrading.domain.market import F64, I64, Bool, Records
from mastertrading.domain.reasons import FillReason
from mastertrading.engine.book import DECISION, EQUITY, ROW, Logs, open_again, open_book, open_logs
from mastertrading.engine.simulated_venue import close_all
from mastertrading.rules.risk.exposure import bounds_of
from mastertrading.signals.rows import MINUTE, VERDICT

NEVER = 1 << 40
"""Age in bars of what was never seen."""


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

    DECISION (bars, instruments), EQUITY (bars,), equity and exposure in atoms (bars,). Equity in atoms always has room,
    and exposure where EQUITY has.
    """

    decisions: Records
    equity: Records
    worth: I64
    exposure: I64

    @classmethod
    def full(cls, bars: int, instruments: int) -> Record:
        """Decisions and equity of every bar."""
        return cls.of(records(DECISION, (bars, instruments)), records(EQUITY, bars))

    @classmethod
    def of(cls, decisions: Records, equity: Records) -> Record:
        """The same, in rooms that there are."""
        return cls(decisions, equity, np.empty(len(equity), np.int64), np.empty(len(equity), np.int64))

    @classmethod
    def lean(cls, worth: I64, instruments: int) -> Record:
        """Equity in atoms alone."""
        return cls(records(DECISION, (0, instruments)), records(EQUITY, 0), worth, np.empty(0, np.int64))


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
    kept
        Names of the logs that will be asked for; stops are not even written where they are not kept.
    """

    def __init__(
        self,
        rules: Records,
        specs: Records,
        past: Past,
        initial_atoms: int,
        *,
        kept: tuple[str, ...] = Logs._fields,
    ) -> None:
        self.rules, self.specs, self.past = rules, specs, past
        self.initial_atoms = initial_atoms
        self.book = open_book(rules, len(specs), initial_atoms)
        self.logs = open_logs(len(specs), stops="stops" in kept)
        self._kept = kept
        shape = self.book.memory.shape
        self._ages = np.full(len(specs), NEVER, np.int64)
        self._window = (
            records(ROW, (1, len(specs))),
            records(MINUTE, 1),
            records(VERDICT, (1, *shape)),
            self._ages,
        )
        self._written: list[list[npt.NDArray[np.void]]] = [[] for _ in Logs._fields]

    def play(self, chunk: Chunk, record: Record | None = None) -> Record:
        """Play a chunk of bars and write what there is room for; None: everything."""
        bars = chunk.bars
        record = Record.full(bars, len(self.specs)) if record is None else record
        market, events = (self.past.returns, self.past.bounds), (self.past.settlements, self.past.transfers)
        inputs = (*chunk.plain(), self._window)
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
        clock = chunk.clock
        listen(self.book.memory, tuple(chunk.said), self._window, clock.opened_ms, clock.length_ms)
        self._ages[:] = bars_since(chunk.quotes.good, self._ages) if len(chunk.quotes.good) else 0

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
        return int(np.asarray(self.book.account)["balance"][0])

    @property
    def result(self) -> int:
        """What trading made of the deposits so far, without open profit. Atoms."""
        return self.balance - self.initial_atoms - self.transferred

    @property
    def transferred(self) -> int:
        """What was paid in and out so far. Atoms."""
        return int(np.asarray(self.book.account)["transferred"][0])

    def log(self, name: str) -> Records:
        """All rows of one log, at the end: ``fills``, ``trades``, ``payments``, ``events`` or ``stops``."""
        at = Logs._fields.index(name)
        room, parts = getattr(self.logs, name), self._written[at]
        if not parts:
            return room[:0].copy()
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return joined.view(room.dtype).view(np.recarray)

    def reopen(self, rules: Records, specs: Records, initial_atoms: int) -> None:
        """Begin anew, as another account in the same rooms."""
        self.rules, self.specs, self.initial_atoms = rules, specs, initial_atoms
        self.book = open_again(self.book, rules, initial_atoms)
        self._ages[:] = NEVER
        self._written = [[] for _ in Logs._fields]

    def _rows_written(self) -> bool:
        account = np.asarray(self.book.account)
        return any(account[name][0] for name in Logs._fields)

    def _empty_logs(self) -> None:
        account = np.asarray(
            self.book.account
        )  # fields of plain arrays are found faster than those of records
        for at, name in enumerate(Logs._fields):
            count = int(account[name][0])
            if count and name in self._kept:
                self._written[at].append(_raw(getattr(self.logs, name)[:count]).copy())
            account[name] = 0


def bars_since(good: Bool, ages: I64) -> I64:
    """Bars since the newest good one of each instrument, at the end of these; ``ages``: at their beginning."""
    newest = len(good) - np.argmax(good[::-1], axis=0) - 1
    return np.where(good.any(axis=0), len(good) - 1 - newest, ages + len(good))


def _raw(rows: Records) -> npt.NDArray[np.void]:
    """The same rows without fields: NumPy copies those at once, and records field by field."""
    return np.asarray(rows).view(np.dtype((np.void, rows.dtype.itemsize)))
