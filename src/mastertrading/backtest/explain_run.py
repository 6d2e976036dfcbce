"""A run, asked about single minutes: what was recorded, and what the settings in force were.

Two sources have the same tables: a run's folder (`mastertrading.backtest.folder.RunFiles`), and a trader's journal (the
command line brings that one along). Only what a question needs is read: the decisions by their time, the small tables
whole and once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mastertrading.backtest.folder import RunFiles, read_run
from mastertrading.backtest.texts import moment
from mastertrading.backtest.trade_statistics import SESSIONS
from mastertrading.domain.errors import DataMissing, DataUnreadable
from mastertrading.domain.market import HOUR_MS

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
OPTIONAL = ("stops",)
"""Tables that runs of earlier versions do not have."""


class Source(Protocol):
    """Where a run's tables are, with the columns of `mastertrading.backtest.frames`.

    Attributes
    ----------
    folder
        The place, as it is shown.
    option
        How the command line names it: ``--run DIR``.
    summary
        Its ``run`` says ``run_id``, ``instruments``, ``modules``, ``base_ms``, ``from_ms`` and ``to_ms``.
    instruments
        Contract facts by name, see `mastertrading.backtest.folder.contract`.
    """

    @property
    def folder(self) -> Path | str:
        """The place."""

    @property
    def option(self) -> str:
        """The place on the command line."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Which run."""

    @property
    def instruments(self) -> Mapping[str, Any]:
        """Contract facts."""

    def settings(self) -> Mapping[str, Any]:
        """As the TOML file has them."""

    def has(self, name: str) -> bool:
        """Whether there is a table."""

    def table(self, name: str) -> pl.DataFrame:
        """A small table, whole."""

    def scan(self, name: str) -> pl.LazyFrame:
        """The same, read only as far as it is used."""

    def decisions(self, instruments: Sequence[str], from_ms: int, to_ms: int) -> pl.LazyFrame:
        """Decisions of some instruments with closes in [from_ms, to_ms], ascending."""

    def equity_at(self, ts_ms: int) -> int | None:
        """Equity at the close of a bar, in atoms."""


class Recorded:
    """One run, opened for questions.

    Parameters
    ----------
    files
        Its folder, see `mastertrading.backtest.folder.read_run`; or another source.

    Raises
    ------
    DataMissing, DataUnreadable
        If there is no run, or no decisions in it.
    """

    def __init__(self, files: Source) -> None:
        self.files = files
        self.run: Mapping[str, Any] = files.summary["run"]
        self.instruments: Sequence[str] = self.run["instruments"]
        self.modules: Sequence[str] = self.run["modules"]
        self.base_ms = int(self.run["base_ms"])
        self.first_ms, self.last_ms = int(self.run["from_ms"]), int(self.run["to_ms"])
        self.settings = files.settings()
        self._tables: dict[str, list[Row]] = {}

    def setting(self, key: str) -> Any:
        """Value of a dotted setting as the run had it; None where it has none."""
        found: Any = self.settings
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def own(self, instrument: str, name: str) -> Any:
        """A setting of one instrument."""
        return self.settings.get("instruments", {}).get(instrument, {}).get(name)

    def rows(self, name: str) -> list[Row]:
        """A small table as rows: trades, fills, funding, events, funnel; none of `stops` in a run that has none.

        Raises
        ------
        DataMissing, DataUnreadable
        """
        if name not in self._tables:
            absent = name in OPTIONAL and not self.has(name)
            self._tables[name] = [] if absent else self._read(name)
        return self._tables[name]

    def _read(self, name: str) -> list[Row]:
        with readable(Path(self.files.folder) / f"{name}.parquet"):
            return self.files.table(name).to_dicts()

    def has(self, name: str) -> bool:
        """Whether there is a table."""
        return self.files.has(name)

    def decisions(
        self, instruments: Sequence[str], from_ms: int, to_ms: int, columns: Sequence[str] = ()
    ) -> pl.DataFrame:
        """Decisions of some instruments with closes in [from_ms, to_ms], ascending."""
        with readable(Path(self.files.folder) / "decisions.parquet"):
            found = self.files.decisions(instruments, from_ms, to_ms)
            return (found.select(columns) if columns else found).collect()

    def equity_at(self, ts_ms: int) -> int | None:
        """Equity at the close of a bar, in atoms."""
        with readable(Path(self.files.folder) / "equity.parquet"):
            return self.files.equity_at(ts_ms)

    def minute_of(self, at_ms: int) -> int:
        """Close of the bar that contains a moment, or ends with it.

        Raises
        ------
        DataMissing
            Outside the run, with its span and the nearest minute.
        """
        first, step = self.first_ms, self.base_ms
        close = first + -(-(at_ms - first) // step) * step
        if first <= close <= self.last_ms:
            return close
        nearest = min(max(close, first), self.last_ms)
        raise DataMissing(
            f"the run decided nothing at {moment(close)} UTC",
            why=f"it decides from {moment(first)} to {moment(self.last_ms)} UTC",
            where=str(self.files.folder),
            hint=f"--at {stamp(nearest)}, the nearest",
        )

    def check_instrument(self, instrument: str) -> None:
        """Refuse an instrument that the run did not trade.

        Raises
        ------
        DataMissing
        """
        if instrument not in self.instruments:
            raise DataMissing(
                f"the run has no {instrument}",
                why=f"it traded {', '.join(self.instruments)}",
                where=str(self.files.folder),
                hint="name one of them, or another run with --run DIR",
            )

    def session(self, t_ms: int) -> str:
        """UTC session of a moment; empty where the settings name none."""
        return session_at(self.setting("allocation.sessions") or {}, t_ms)

    def price(self, instrument: str, ticks: int) -> Decimal:
        """A price from its ticks."""
        return Decimal(self.files.instruments[instrument]["tick"]) * ticks

    def quantity(self, instrument: str, lots: int) -> Decimal:
        """A quantity in units of the base, without a sign."""
        facts = self.files.instruments[instrument]
        return Decimal(facts["lot"]) * Decimal(facts["multiplier"]) * abs(lots)


def session_at(sessions: Mapping[str, Any], t_ms: int) -> str:
    """UTC session of a moment, by the settings of `allocation.sessions`; empty where they name none."""
    hour = (t_ms // HOUR_MS) % 24
    for name in SESSIONS:
        start, end = ((sessions.get(name) or {}).get(side) for side in ("start", "end"))
        if start is None or end is None:
            continue
        hours = (end - start) % 24 or (24 if end != start else 0)
        if (hour - start) % 24 < hours:
            return name
    return ""


def open_run(folder: Path) -> Recorded:
    """Open a run's folder for questions, see `checked_run`."""
    return Recorded(checked_run(folder))


def checked_run(folder: Path) -> RunFiles:
    """A run's folder that says what was run.

    Raises
    ------
    DataMissing, DataUnreadable
        If there is no run, or one without what `why` needs.
    """
    files = read_run(folder)
    if "run" not in files.summary:
        raise DataUnreadable(
            f"the run in {folder} is damaged", why="its summary does not say what was run", where=str(folder)
        )
    return files


def newest_run(runs: Path) -> Path:
    """The run that was written last in a folder of runs.

    Raises
    ------
    DataMissing
    """
    found = [path.parent for path in runs.glob("*/summary.json")] if runs.is_dir() else []
    if not found:
        raise DataMissing(
            f"there is no run in {runs}",
            where=str(runs),
            hint="mastertrading backtest --synthetic, or name a run with --run DIR",
        )
    return max(found, key=lambda path: ((path / "summary.json").stat().st_mtime_ns, path.name))


def stamp(ms: int) -> str:
    """A moment as the command line takes it: ``2025-05-26T12:00``."""
    return moment(ms).replace(" ", "T")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell a table that is damaged, or of another form than this version's, in our words.

    Raises
    ------
    DataUnreadable
    """
    from polars.exceptions import PolarsError

    try:
        yield
    except PolarsError as error:
        why = str(error).splitlines()[0]
        hint = "run it again, or read it with the version that wrote it"
        raise DataUnreadable(f"{path.name} cannot be read", why=why, where=str(path), hint=hint) from error
