"""The folder of a run: written beside its final place, and moved there whole or not at all.

::

    with RunFolder(Path("runs/may")) as folder:
        folder.write_decisions(...)      # once a chunk, while the run goes
        folder.write_result(result, statistics(result))
                                         # here the folder appears under its name

After an error or Ctrl-C nothing is left; what a killed process left is removed by the next run into the same place.
The same run gives the same bytes in every file but ``timing.json``.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import tomllib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mastertrading.backtest import frames
from mastertrading.backtest.result import Result
from mastertrading.backtest.statistics import Statistics
from mastertrading.domain.errors import DataMissing, DataUnreadable, InvariantBroken, OutputError
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import I64, Records

if TYPE_CHECKING:
    import polars as pl

FORMAT = "mastertrading-run-1"
SUGGESTED = 3
SUMMARY = "summary.json"
TABLES = ("trades", "fills", "stops", "funding", "equity", "events", "decisions", "funnel")
FILES = frozenset(
    {f"{name}.parquet" for name in TABLES}
    | {SUMMARY, "instruments.json", "config.toml", "timing.json", "report.html"}
)
"""Everything that may stand in a run's folder. A folder with anything else is never replaced."""

ROWS_PER_GROUP = 1 << 17
HINT = "choose another folder with --out"


class RunFolder:
    """Writes the folder of one run.

    Parameters
    ----------
    target
        Where the folder shall stand. It may be absent, empty, or an earlier run's folder, which it replaces.
    is_alive
        Whether a process still runs. Unfinished folders beside the target of processes that don't are removed.

    Raises
    ------
    OutputError
        On entry, if the target cannot be used; later, if a file cannot be written.
    """

    def __init__(self, target: Path, is_alive: Callable[[int], bool] = lambda pid: True) -> None:
        self.target = Path(os.path.realpath(target))
        self._is_alive = is_alive
        self._part = self.target.with_name(f".{self.target.name}.part-{os.getpid()}")
        # a Ctrl-C on the very way out of the block would skip `_remove`
        self._last_resort = weakref.finalize(self, _clear, self._part, self.target)
        self._chunks: list[Path] = []
        self._made: list[Path] = []
        self._complete = False

    def __enter__(self) -> Self:
        """Make the unfinished folder."""
        with self._writing():
            _clear_left(self.target, self._is_alive)
            check_target(self.target)
            try:
                self._made = _make_parents(self.target.parent)
                self._part.mkdir()
            except BaseException:
                self._remove()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Move the finished folder to its place, or remove what there is of it."""
        try:
            if kind is None:
                self._commit()
        finally:
            self._remove()

    def path(self, name: str) -> Path:
        """Place of one file of the unfinished folder, for another writer (``report.html``)."""
        if name not in FILES:
            raise InvariantBroken(
                f"{name} is not a file of a run's folder", where="backtest/folder.py, FILES"
            )
        return self._part / name

    def write_decisions(
        self,
        t_ms: I64,
        verdicts: Records,
        decisions: Records,
        rows: Records,
        instruments: Sequence[str],
        modules: Sequence[str],
    ) -> None:
        """Add the decisions of some minutes, see `frames.decisions_frame`. Later chunks are later minutes."""
        chunk = self._part / f"decisions-{len(self._chunks):06d}.arrow"
        with self._writing():
            frame = frames.decisions_frame(t_ms, verdicts, decisions, rows, instruments, modules)
            frame.write_ipc(chunk, compression="lz4")
        self._chunks.append(chunk)

    def write_result(self, result: Result, statistics: Statistics) -> None:
        """Write everything else, and make one table of the decisions."""
        from mastertrading.settings.load import to_toml  # who only reads needs no schema

        with self._writing():
            self._write_tables(result)
            self._write_json("instruments.json", {item.symbol: contract(item) for item in result.instruments})
            self._write_json("timing.json", dict(result.seconds))
            text = f'# config_hash = "{result.config_hash}"\n{to_toml(result.settings)}'
            self.path("config.toml").write_text(text, encoding="utf-8", newline="\n")
            self._join_decisions()
            self._write_json(SUMMARY, {"format": FORMAT, **statistics.as_dict()})
        self._complete = True

    def _write_tables(self, result: Result) -> None:
        tables = {
            "trades": frames.trades_frame(result),
            "fills": frames.fills_frame(result),
            "stops": frames.stops_frame(result),
            "funding": frames.funding_frame(result),
            "equity": frames.equity_frame(result),
            "events": frames.events_frame(result),
            "funnel": frames.funnel_frame(result),
        }
        for name, frame in tables.items():
            frame.write_parquet(
                self.path(f"{name}.parquet"), compression="zstd", row_group_size=ROWS_PER_GROUP
            )

    def _join_decisions(self) -> None:
        """Stream the chunks into one Parquet file of even row groups, whatever the chunks were."""
        if not self._chunks:
            return
        import polars as pl

        pl.scan_ipc(self._chunks).sink_parquet(
            self.path("decisions.parquet"), compression="zstd", row_group_size=ROWS_PER_GROUP
        )
        for chunk in self._chunks:
            chunk.unlink()
        self._chunks.clear()

    def _write_json(self, name: str, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
        self.path(name).write_text(text + "\n", encoding="utf-8", newline="\n")

    def _commit(self) -> None:
        """Make the files durable, then put the folder in its place with one rename."""
        if not self._complete:
            raise InvariantBroken("a run's folder was left without its result", where="backtest/folder.py")
        with self._writing():
            for file in sorted(self._part.iterdir()):
                _sync(file)
            _sync(self._part)
            check_target(self.target)
            _replace(self._part, self.target)
            _sync(self.target.parent)
        self._made = []

    def _remove(self) -> None:
        """Remove what is unfinished, and the parent folders made for it."""
        _clear(self._part, self.target)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._last_resort.detach()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Tell a failure of the disk as an OutputError."""
        try:
            yield
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        except Exception as error:
            if type(error).__module__.startswith("polars") and "os error" in str(error):
                raise self._refused(str(error)) from error
            raise

    def _refused(self, why: str) -> OutputError:
        what = f"the results cannot be written to {self.target}"
        return OutputError(what, why=why, where=str(self.target), hint=f"{HINT}, or make room on the disk")


def check_target(target: Path) -> None:
    """Refuse a place that holds anything but an earlier run.

    Raises
    ------
    OutputError
        With what is there.
    """
    if not target.exists():
        return
    what = f"{target} cannot take the results"
    if not target.is_dir():
        raise OutputError(what, why="it is a file", where=str(target), hint=HINT)
    if Path.cwd().is_relative_to(target):
        why = "it is the folder you are in, or one above it"
        raise OutputError(what, why=why, where=str(target), hint=HINT)
    names = sorted(entry.name for entry in target.iterdir())
    foreign = [name for name in names if name not in FILES]
    if foreign:
        why = f"it holds {foreign[0]}, which no run has written"
        raise OutputError(what, why=why, where=str(target / foreign[0]), hint=HINT)
    if names and not _is_run(target):
        raise OutputError(what, why=f"it has no {SUMMARY} of a run", where=str(target), hint=HINT)


def _is_run(folder: Path) -> bool:
    try:
        return bool(_read_summary(folder)["format"] == FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read_summary(folder: Path) -> Any:
    return json.loads((folder / SUMMARY).read_text(encoding="utf-8"))


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder with its parents; return those that were missing, outermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _old(part: Path) -> Path:
    """Where an earlier run waits while the new one takes its place."""
    head, mark, pid = part.name.rpartition(".part-")
    return part.with_name(f"{head}.old-{pid}") if mark else part


def _clear(part: Path, target: Path) -> None:
    """Remove what one process left beside a target; an earlier run that it had moved away comes back."""
    old = _old(part)
    if old.is_dir() and not target.exists():
        with contextlib.suppress(OSError):
            os.replace(old, target)
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _clear_left(target: Path, is_alive: Callable[[int], bool]) -> None:
    """Do so for every process that has ended without doing it itself."""
    for mark in (".part-", ".old-"):
        head = f".{target.name}{mark}"
        for left in target.parent.glob(f"{glob.escape(head)}*"):
            pid = left.name.removeprefix(head)
            if pid.isascii() and pid.isdecimal() and not is_alive(int(pid)):
                _clear(target.with_name(f".{target.name}.part-{pid}"), target)


def _replace(part: Path, target: Path) -> None:
    """Put ``part`` in the place of ``target``; an earlier folder there comes back if that fails."""
    old = _old(part)
    try:
        if target.exists():
            os.replace(target, old)
        os.replace(part, target)
    except BaseException:
        if old.exists() and not target.exists():
            os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until the disk has it. Windows cannot open a folder, and needs write access to a file."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def contract(instrument: Instrument) -> dict[str, Any]:
    """What makes ticks, lots and atoms of an instrument readable; decimals as text without an exponent."""
    return {
        "tick": format(instrument.tick, "f"),
        "lot": format(instrument.lot, "f"),
        "multiplier": format(instrument.multiplier, "f"),
        "min_lots": instrument.min_lots,
        "min_notional": format(instrument.min_notional, "f"),
        "atoms_per_tick_lot": instrument.atoms_per_tick_lot,
    }


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class RunFiles:
    """A run's folder, opened for reading."""

    folder: Path
    summary: dict[str, Any]
    instruments: dict[str, Any]

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables: trades, fills, stops, funding, equity, events, funnel or decisions."""
        import polars as pl

        return pl.read_parquet(self._table_path(name))

    def scan(self, name: str) -> pl.LazyFrame:
        """The same table, read only as far as it is used (for the decisions of a long run)."""
        import polars as pl

        return pl.scan_parquet(self._table_path(name))

    @property
    def option(self) -> str:
        """How the command line names it."""
        return f"--run {self.folder}"

    def has(self, name: str) -> bool:
        """Whether the folder holds a table."""
        return (self.folder / f"{name}.parquet").is_file()

    def settings(self) -> dict[str, Any]:
        """The settings of the run, as its file has them.

        Raises
        ------
        DataMissing, DataUnreadable
        """
        path = self.folder / "config.toml"
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataMissing(f"the run has no {path.name}", where=str(path)) from error
        except (ValueError, OSError) as error:
            raise DataUnreadable(f"{path} cannot be read", why=str(error), where=str(path)) from error

    def decisions(self, instruments: Sequence[str], from_ms: int, to_ms: int) -> pl.LazyFrame:
        """Decisions of some instruments with closes in [from_ms, to_ms], ascending."""
        import polars as pl

        chosen = pl.col("ts_ms").is_between(from_ms, to_ms) & pl.col("instrument").is_in(list(instruments))
        return self.scan("decisions").filter(chosen)

    def equity_at(self, ts_ms: int) -> int | None:
        """Equity at the close of a bar, in atoms."""
        import polars as pl

        found = self.scan("equity").filter(pl.col("ts_ms") == ts_ms).select("equity_atoms").collect()
        return int(found.item(0, 0)) if found.height else None

    def _table_path(self, name: str) -> Path:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            hint = f"the tables of a run are {', '.join(TABLES)}"
            raise DataMissing(f"the run in {self.folder} has no table {name!r}", where=str(path), hint=hint)
        return path


def read_run(folder: Path) -> RunFiles:
    """Open a run's folder.

    Raises
    ------
    DataMissing
        If there is no run.
    DataUnreadable
        If its summary is damaged or of another format.
    """
    try:
        summary = _read_summary(folder)
        instruments = json.loads((folder / "instruments.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise _no_run(folder, error) from error
    except ValueError as error:
        raise DataUnreadable(f"the run in {folder} is damaged", why=str(error), where=str(folder)) from error
    if not isinstance(summary, dict) or summary.get("format") != FORMAT:
        raise DataUnreadable(
            f"{folder / SUMMARY} is not the summary of a run this version reads",
            why=f"its format is not {FORMAT}",
            where=str(folder / SUMMARY),
        )
    return RunFiles(folder, summary, instruments)


def _no_run(folder: Path, error: OSError) -> DataMissing:
    """What is missing in a folder that is no run, and the newest runs that lie beside it or in ``runs/``."""
    why = error.strerror or str(error)
    if not folder.is_dir():
        why = "it is a file" if folder.exists() else "there is no such folder"
    elif isinstance(error, FileNotFoundError):
        why = f"it has no {Path(error.filename).name}, as every run has"
    found = {path.parent for beside in (folder.parent, Path("runs")) for path in beside.glob(f"*/{SUMMARY}")}
    newest = sorted(found - {folder}, key=lambda run: (-run.stat().st_mtime, str(run)))[:SUGGESTED]
    hint = ", or ".join(map(str, newest)) or "mastertrading backtest --synthetic --out DIR"
    return DataMissing(f"there is no run in {folder}", why=why, where=str(folder), hint=hint)
