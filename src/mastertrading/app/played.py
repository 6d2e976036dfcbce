"""A finished backtest as a notebook holds it: tables, summary, pictures and questions, each made when asked for."""

from __future__ import annotations

import html
import json
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.backtest import named_by_signal, record_signal
from mastertrading.app.options import moment_ms
from mastertrading.app.picture import Picture, equity_picture, price_picture
from mastertrading.backtest import frames
from mastertrading.backtest.folder import SUMMARY, RunFolder
from mastertrading.backtest.result import Result
from mastertrading.backtest.run import Ask, OnDecisions, run
from mastertrading.backtest.statistics import Statistics, statistics
from mastertrading.domain.errors import DataMissing
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import Market
from mastertrading.lake.lock import is_alive
from mastertrading.research.own_signal import OwnSignal
from mastertrading.settings.schema import Settings

if TYPE_CHECKING:
    import polars as pl

WIDTH = 110
FACTS = ("run", "money", "returns", "trades")


class Played:
    """One run.

    Attributes
    ----------
    result
        The records of the engine.
    signal
        The user's signal that was traded; None: the modules, or an array.
    notes
        What there is to know about it, in plain sentences.
    """

    def __init__(
        self, market: Market, settings: Settings, ask: Ask, signal: OwnSignal | None, notes: Sequence[str]
    ) -> None:
        self.market, self.settings, self.signal, self.notes = market, settings, signal, list(notes)
        self._ask = ask
        self.result: Result = self._play()

    def _play(self, on_decisions: OnDecisions | None = None) -> Result:
        return named_by_signal(
            run(self.market, self.settings, self._ask, on_decisions=on_decisions), self.signal
        )

    # ---------------------------------------------------------------- tables

    @cached_property
    def trades(self) -> pl.DataFrame:
        """One row a trade."""
        return frames.trades_frame(self.result)

    @cached_property
    def fills(self) -> pl.DataFrame:
        """One row a fill."""
        return frames.fills_frame(self.result)

    @cached_property
    def funding(self) -> pl.DataFrame:
        """One row a funding payment; positive: paid."""
        return frames.funding_frame(self.result)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """One row a bar's close."""
        return frames.equity_frame(self.result)

    @cached_property
    def events(self) -> pl.DataFrame:
        """One row an event of the account."""
        return frames.events_frame(self.result)

    @cached_property
    def funnel(self) -> pl.DataFrame:
        """How often each gate was asked, passed, and refused first."""
        return frames.funnel_frame(self.result)

    @cached_property
    def decisions(self) -> pl.DataFrame:
        """One row a bar and instrument: why it did or did not trade. Replays the run to get them."""
        import polars as pl

        chunks: list[pl.DataFrame] = []
        names = self.market.symbols, self.result.modules
        self._play(
            lambda t_ms, said, made, rows: chunks.append(
                frames.decisions_frame(t_ms, said, made, rows, *names)
            )
        )
        return pl.concat(chunks)

    @cached_property
    def statistics(self) -> Statistics:
        """Every statistic that the command line prints."""
        return statistics(self.result)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The statistics as plain values, and the signal's name, file hash and parameters."""
        own = {} if self.signal is None else {"signal": self.signal.as_dict()}
        return {**self.statistics.as_dict(), **own}

    # ---------------------------------------------------------------- questions

    def why(self, instrument: str, at: str | int | datetime) -> Answer:
        """Everything that was decided of an instrument in one minute (ISO 8601 UTC, ms, or a datetime).

        Raises
        ------
        DataMissing
            If the run did not decide it then.
        UsageError
            If ``at`` is no moment.
        """
        from mastertrading.backtest.explain import explain
        from mastertrading.backtest.explain_run import open_run

        recorded = open_run(self._folder)
        symbol = canonical_symbol(instrument)
        recorded.check_instrument(symbol)
        at_ms = moment_ms(at)
        return Answer(explain(recorded, symbol, at_ms), recorded, at_ms)

    def plot(self, instrument: str | None = None) -> Picture:
        """Equity and drawdown; or the price of an instrument with its entries and exits.

        Raises
        ------
        DataMissing
            If the instrument was not traded.
        """
        if instrument is None:
            return equity_picture(self.equity, f"{self._title()} · net {self._net():,.2f} USDT")
        symbol = canonical_symbol(instrument)
        if symbol not in self.market.symbols:
            raise DataMissing(f"{symbol} is not in this run", why=f"it has {', '.join(self.market.symbols)}")
        return price_picture(self.market, self.market.symbols.index(symbol), self.trades)

    def report(self, path: str | Path = "report.html") -> Path:
        """Write the report, one self-contained HTML file; return its path."""
        from mastertrading.surfaces.report.page import write_report

        return write_report(self._folder, self.market, notes=self.notes, out=Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write the run's folder, as the command line does; return its path.

        Raises
        ------
        OutputError
            If it cannot be written, or holds anything but an earlier run.
        """
        with RunFolder(Path(folder), is_alive) as target:
            names = self.market.symbols, self.result.modules
            result = self._play(
                lambda t_ms, said, made, rows: target.write_decisions(t_ms, said, made, rows, *names)
            )
            target.write_result(result, self.statistics)
            if self.signal is not None:
                record_signal(target.path(SUMMARY), self.signal)
        return Path(folder)

    @cached_property
    def _folder(self) -> Path:
        """The run's folder in a temporary place that lives as long as this object."""
        place = tempfile.mkdtemp(prefix="mastertrading-")
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        return self.save(Path(place) / "run")

    # ---------------------------------------------------------------- how it looks

    def _title(self) -> str:
        return str(self.signal) if self.signal is not None else " + ".join(self.result.modules)

    def _net(self) -> float:
        return sum(self.result.trades["net_atoms"].tolist()) / 1e8

    def __repr__(self) -> str:
        """One line."""
        trades, drawdown = len(self.result.trades), self.summary["drawdown"]["frac"]
        return (
            f"Run {self.result.run_id}: {self._title()}, {len(self.market.symbols)} instruments, {trades} trades, "
            f"net {self._net():,.2f} USDT, deepest fall {drawdown or 0.0:.2%}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.plot().svg}"


class Answer:
    """Why an instrument did or did not trade in one minute; its text is the whole chain."""

    def __init__(self, chain: Any, recorded: Any, at_ms: int) -> None:
        self.chain, self._recorded, self._at_ms = chain, recorded, at_ms

    def __repr__(self) -> str:
        """What ``why`` prints."""
        from io import StringIO

        from rich.console import Console

        from mastertrading.backtest.explain_text import render_chain

        console = Console(file=StringIO(), width=WIDTH, color_system=None)
        console.print(render_chain(self.chain, self._recorded, self._at_ms, WIDTH))
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        from dataclasses import asdict

        plain: dict[str, Any] = json.loads(json.dumps(asdict(self.chain), default=str))
        return plain
