"""A journal as a source of the tables that questions about single minutes read (``why``).

Decisions are read for the minutes that are asked about only, trades and fills from as far back as module weights need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.app.lived.account import Account
from mastertrading.app.lived.books import Books, atoms
from mastertrading.backtest import frames
from mastertrading.backtest.folder import contract
from mastertrading.domain.facts import DecisionFacts, Verdict
from mastertrading.domain.market import I64, Records
from mastertrading.domain.ports import Journal

if TYPE_CHECKING:
    import polars as pl

VERDICT = tuple(name for name in Verdict.__dataclass_fields__ if name != "module")
DECISION = tuple(
    name
    for name in DecisionFacts.__dataclass_fields__
    if name not in ("symbol", "ts_ms", "missed", "verdicts", "close", "htf_adx", "volatility")
)
REAL = {"forecast", "net", "budget_frac", "risk_frac", "htf_adx", "volatility"} | {
    name for name in DECISION if name.endswith("_lots")
}
ROW = "close", "valid", "htf_adx", "volatility"
TABLES = "trades", "fills", "stops", "funding", "events"


class JournalSource:
    """What `mastertrading.backtest.explain_run.Source` asks for, from a journal.

    Parameters
    ----------
    since_ms
        Trades that ended before are not asked about.
    """

    def __init__(self, account: Account, since_ms: int = 0) -> None:
        self.account = account
        self.books = Books(account, since_ms)
        self._columns = self.books.columns

    @property
    def journal(self) -> Journal:
        """It knows more than the tables."""
        return self.account.journal

    @property
    def folder(self) -> str:
        """The journal's place."""
        return self.account.place

    @property
    def option(self) -> str:
        """How the command line names it."""
        return f"--journal {self.account.place}"

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """Which account, what it trades, and from when to when it decided."""
        first, last = self.account.span
        return {
            "run": {
                "run_id": str(self.account.journal.account),
                "instruments": tuple(one.symbol for one in self.account.instruments),
                "modules": self.account.modules,
                "base_ms": self.account.base_ms,
                "from_ms": first,
                "to_ms": last,
            }
        }

    @property
    def instruments(self) -> Mapping[str, Any]:
        """Contract facts."""
        return {one.symbol: contract(one) for one in self.account.instruments}

    def settings(self) -> Mapping[str, Any]:
        """Those in force."""
        return self.account.plain_settings

    def has(self, name: str) -> bool:
        """Whether there is a table."""
        return name in TABLES

    def scan(self, name: str) -> pl.LazyFrame:
        """A table."""
        return self.table(name).lazy()

    def table(self, name: str) -> pl.DataFrame:
        """One of trades, fills, stops, funding and events."""
        made = {
            "trades": lambda: frames.trades_frame(self._result, open_until_ms=self._later_ms),
            "fills": lambda: frames.fills_frame(self._result),
            "stops": lambda: frames.stops_frame(self._result),
            "funding": lambda: frames.funding_frame(self._result),
            "events": lambda: frames.events_frame(self._result),
        }
        return made[name]()

    @cached_property
    def _result(self) -> Any:
        return self.books.result(curve=False)

    @property
    def _later_ms(self) -> int:
        return self.account.span[1] + self.account.base_ms

    def equity_at(self, ts_ms: int) -> int | None:
        """Equity at the close of a bar, in atoms."""
        points = self.account.journal.equity(ts_ms)
        return atoms(points[0].equity) if points and points[0].ts_ms == ts_ms else None

    def decisions(self, instruments: Sequence[str], from_ms: int, to_ms: int) -> pl.LazyFrame:
        """Decisions of some instruments with closes in [from_ms, to_ms], ascending."""
        import polars as pl

        parts = [self._decisions(name, from_ms, to_ms) for name in instruments]
        whole = pl.concat([part.with_columns(pl.col("instrument").cast(pl.String)) for part in parts])
        return whole.sort("ts_ms", maintain_order=True).lazy()

    def _decisions(self, symbol: str, from_ms: int, to_ms: int) -> pl.DataFrame:
        made = self.account.journal.decisions(symbol, from_ms, to_ms + 1)
        t_ms: I64 = np.array([one.ts_ms for one in made], np.int64)
        decided = _records(DECISION, [[getattr(one, name) for name in DECISION] for one in made])
        modules = self.account.modules
        said = [[_said(one, module) for module in modules] for one in made]
        verdicts = _records(VERDICT, [values for one in said for values in one])
        rows = _records(ROW, [self._row(one) for one in made])
        shape = (len(made), 1)
        return frames.decisions_frame(
            t_ms,
            verdicts.reshape((*shape, len(modules))),
            decided.reshape(shape),
            rows.reshape(shape),
            (symbol,),
            modules,
        )

    def _row(self, decided: DecisionFacts) -> list[Any]:
        """What is on record of the bar."""
        ticks = None if decided.close is None else self.books.ticks(decided.symbol, decided.close)
        known = [np.nan if one is None else one for one in (decided.htf_adx, decided.volatility)]
        return [ticks or 0, int(ticks is not None), *known]


def _said(decided: DecisionFacts, module: str) -> list[Any]:
    """One module's verdict; none where it was not asked."""
    found = next((one for one in decided.verdicts if one.module == module), Verdict(module, 0.0))
    return [getattr(found, name) for name in VERDICT]


def _records(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Records:
    return np.array([tuple(row) for row in rows], [(name, "f8" if name in REAL else "i8") for name in names])
