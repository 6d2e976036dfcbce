"""Composition root of a report made anew: the run's folder, and the bars it was traded on, found again and proved.

A report without bars lacks candles and the market's curve. They come from ``--data``, or, for a synthetic run, from its
seed; either way their content hash must be the run's, so that a page never shows bars that were not traded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastertrading.app.messages import tr
from mastertrading.backtest.folder import read_run
from mastertrading.domain.errors import DataError, DataMissing
from mastertrading.domain.market import DAY_MS, MINUTE_MS, Market
from mastertrading.lake.names import timeframe_name
from mastertrading.lake.panel import load_market
from mastertrading.lake.source import venues_of
from mastertrading.lake.synthetic import START_MS, VENUE, synthesize
from mastertrading.settings.load import load
from mastertrading.settings.schema import Settings
from mastertrading.surfaces.report.page import write_report

Notice = Callable[[str], None]
WITHOUT = (
    "the report has no candles and no market beside the equity: --data DIR says where the run's bars are"
)
WITHOUT_MADE = "the report has no candles: --days N says how long the synthetic market was"


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was written, and whether it has the bars."""

    path: Path
    with_bars: bool


def report(
    folder: Path,
    *,
    data: Sequence[Path] = (),
    days: float | None = None,
    out: Path | None = None,
    notice: Notice,
) -> Report:
    """Write a run's report anew.

    Parameters
    ----------
    data
        Folders of market data; the first that holds the run's bars is used.
    days
        Length of the synthetic market that was traded; None: up to the last decision.

    Raises
    ------
    DataMissing, DataUnreadable
        If there is no run, or no such data.
    DataError
        If none of the data are those of the run.
    """
    run = read_run(folder).summary["run"]
    settings = load(folder / "config.toml").settings
    notes: list[str] = []
    market: Market | None
    if data:
        market = _recorded(run, settings, data, notes.append)
    else:
        market = _made(run, settings, days) if run["source"] == VENUE else None
        if market is None:
            notice(WITHOUT_MADE if run["source"] == VENUE else WITHOUT)
    path = write_report(folder, market, notes=notes, translate=tr, out=out)
    return Report(path, market is not None)


def _recorded(run: dict[str, Any], settings: Settings, data: Sequence[Path], note: Notice) -> Market:
    """The run's bars, from the first folder that has them."""
    found = []
    for root in data:
        told: list[str] = []
        market = load_market(
            root,
            tuple(run["instruments"]),
            venue=run["source"] if run["source"] in venues_of(root) else None,
            base=timeframe_name(settings.data.base_minutes * MINUTE_MS),
            end=int(run["to_ms"]),
            settings=settings,
            notice=told.append,
        )
        if market.data_id == run["data_id"]:
            for sentence in told:
                note(sentence)
            return market
        found.append(f"{root}: {market.data_id[:16]}")
    raise DataError(
        "these are not the bars of the run",
        why=f"the run traded data {run['data_id'][:16]}, and this is {'; '.join(found)}",
        where=f"--data {data[0]}",
        hint="leave --data out for a report without candles",
    )


def _made(run: dict[str, Any], settings: Settings, days: float | None) -> Market | None:
    """The synthetic market of a run, if its seed and length give the run's bars."""
    length = days if days is not None else (int(run["to_ms"]) - START_MS) / DAY_MS
    if length <= 0:
        return None
    minutes = settings.data.base_minutes
    market = synthesize(tuple(run["instruments"]), length, settings.seed, base_minutes=minutes)
    if market.data_id == run["data_id"]:
        return market
    if days is None:
        return None
    raise DataMissing(
        "a synthetic market of this length is not what the run traded",
        why=f"the run traded data {run['data_id'][:16]}, and this is {market.data_id[:16]}",
        where="--days",
        hint="give the --days of the run",
    )
