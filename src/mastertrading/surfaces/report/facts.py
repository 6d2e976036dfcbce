"""A run's folder, opened for the report: the summary with dots instead of brackets, and the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mastertrading.backtest.folder import read_run
from mastertrading.backtest.statistics import Statistics
from mastertrading.domain.errors import DataUnreadable
from mastertrading.research.parameters import text_of
from mastertrading.settings.load import load
from mastertrading.settings.schema import Settings

if TYPE_CHECKING:
    import polars as pl

TABLES = ("trades", "fills", "funding", "equity", "events")
STOPS = "stops"


class Dotted(dict[str, Any]):
    """A JSON object whose fields are attributes too, so that it reads like the `Statistics` it was written from."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report is made of.

    Attributes
    ----------
    summary
        ``summary.json``; `statistics` is the same, for functions that take `Statistics`.
    ticks
        Tick of each instrument as decimal text, in the run's order.
    stops
        Where the stop of each trade rested, from when on; None where the run has not recorded it.
    """

    summary: Dotted
    ticks: tuple[str, ...]
    trades: pl.DataFrame
    fills: pl.DataFrame
    funding: pl.DataFrame
    equity: pl.DataFrame
    events: pl.DataFrame
    stops: pl.DataFrame | None
    settings: Settings

    @property
    def statistics(self) -> Statistics:
        """The summary as `Statistics`."""
        return cast(Statistics, self.summary)

    @property
    def signal(self) -> str:
        """The user's own function with its parameters, as in ``ema_cross(fast=9)``; empty if the modules traded."""
        told = self.summary.get("signal")
        if not told:
            return ""
        return f"{told['name']}({', '.join(f'{name}={text_of(value)}' for name, value in told['params'].items())})"


def read_facts(folder: Path) -> Facts:
    """Open a run's folder.

    Raises
    ------
    DataMissing
        If there is no run, or a table is not there.
    DataUnreadable
        If a file is damaged.
    """
    import polars as pl

    run = read_run(folder)
    try:
        summary = json.loads(json.dumps(run.summary), object_hook=Dotted)
        tables = {name: run.table(name) for name in TABLES}
        path = folder / f"{STOPS}.parquet"
        stops = pl.read_parquet(path) if path.is_file() else None
        ticks = tuple(str(run.instruments[name]["tick"]) for name in summary.run.instruments)
        settings = load(folder / "config.toml").settings
    except (AttributeError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise DataUnreadable(f"the run in {folder} is damaged", why=str(error), where=str(folder)) from error
    return Facts(summary=summary, ticks=ticks, stops=stops, settings=settings, **tables)
