"""What a download wants, what of that the lake has, and what is left to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mastertrading.domain.errors import UsageError
from mastertrading.domain.market import DAY_MS, HOUR_MS, I64
from mastertrading.exchange.pages import windows
from mastertrading.exchange.venues import COLUMNS, SHORTEST_FUNDING_MS, Kind, Offer
from mastertrading.lake.names import Kind as SeriesKind
from mastertrading.lake.names import SeriesId, timeframe_ms
from mastertrading.lake.ranges import Range, common, runs, united, without
from mastertrading.lake.staging import Staging
from mastertrading.lake.store import Venue

SERIES: dict[Kind, SeriesKind] = {
    "candles": "bars",
    "mark": "mark",
    "funding": "funding",
    "open-interest": "open-interest",
}
SETTLED_MS = 5_000
"""A bar counts as closed so long after its end: exchanges book the last trades of a bar a moment late."""
FRESH_MS = HOUR_MS
"""What is missing in the newest hour may still come; it is asked for again next time."""
BYTES = {"candles": 18.0, "mark": 25.0, "funding": 10.0, "open-interest": 35.0}
"""Bytes of a row at rest, measured on recorded series."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for.

    Attributes
    ----------
    exchange
        Id of ccxt.
    symbols
        Canonical names.
    timeframes
        Of candles, mark prices and (at least so long) open interest.
    from_ms, to_ms
        Window, ms UTC; ``to_ms`` None: until now.
    lake, venue
        Where to, and the name of the folder there.
    jobs
        Questions at once.
    """

    exchange: str
    symbols: tuple[str, ...]
    kinds: tuple[Kind, ...]
    timeframes: tuple[str, ...]
    from_ms: int
    to_ms: int | None
    lake: Path
    venue: str
    jobs: int = 4
    seed: int = 0

    @property
    def source(self) -> str:
        """How the manifest calls where the rows come from."""
        return f"ccxt {self.exchange}"


@dataclass
class Task:
    """One series of a download.

    Attributes
    ----------
    window
        What is wanted and can exist by now.
    needs
        What of it is neither in the series nor staged.
    remarks
        Sentences for people: where the wish was cut, and why.
    """

    kind: Kind
    series: SeriesId
    step_ms: int
    window: Range
    staging: Staging
    needs: list[Range]
    remarks: list[str] = field(default_factory=list)
    market: Any = None
    left: int = 0
    failed: str = ""

    @property
    def length_ms(self) -> int:
        """Distance of rows, of which funding has none that is known before."""
        return self.step_ms or SHORTEST_FUNDING_MS


def wanted(wish: Wish, offer: Offer) -> list[tuple[Kind, SeriesId]]:
    """The series of a wish, by instrument.

    Raises
    ------
    UsageError
        If a timeframe does not divide a day.
    """
    for timeframe in wish.timeframes:
        if DAY_MS % timeframe_ms(timeframe):
            raise UsageError(
                f"candles of {timeframe} are not kept",
                why="the lake's grid begins anew each day (UTC)",
                where="--timeframe",
                hint="--timeframe 1m,1h",
            )
    found: dict[SeriesId, Kind] = {}
    for symbol in wish.symbols:
        for kind in wish.kinds:
            for timeframe in _timeframes(kind, wish.timeframes, offer):
                found[SeriesId(SERIES[kind], symbol, timeframe)] = kind
    return [(kind, series) for series, kind in found.items()]


def _timeframes(kind: Kind, asked: Sequence[str], offer: Offer) -> list[str]:
    if kind == "funding":
        return [""]
    if kind != "open-interest":
        return list(asked)
    longest = offer.open_interest[-1]
    return [
        next((t for t in offer.open_interest if timeframe_ms(t) >= timeframe_ms(one)), longest)
        for one in asked
    ]


def task_of(kind: Kind, series: SeriesId, wish: Wish, venue: Venue, offer: Offer, now_ms: int) -> Task:
    """One series: its window, cut to what can exist, and what is missing in it."""
    step_ms = timeframe_ms(series.timeframe) if series.timeframe else 0
    grid = step_ms or 1
    end_ms = min(now_ms - SETTLED_MS, now_ms if wish.to_ms is None else wish.to_ms) // grid * grid
    start_ms = -(-wish.from_ms // grid) * grid
    remarks = []
    horizon_ms = offer.horizon_ms.get(kind)
    if horizon_ms is not None and start_ms < now_ms - horizon_ms:
        start_ms = -(-(now_ms - horizon_ms) // grid) * grid
        remarks.append(
            f"{wish.exchange} publishes {series.label} of the last {horizon_ms / DAY_MS:.0f} days only"
        )
    window = (start_ms, max(end_ms, start_ms))
    staging = Staging(venue.folder, series, len(COLUMNS[kind]))
    needs = without([window], [*stored(venue, series, step_ms), *staging.ranges])
    return Task(kind, series, step_ms, window, staging, needs, remarks)


def stored(venue: Venue, series: SeriesId, step_ms: int) -> list[Range]:
    """Times that need no question any more: asked for before, or full of rows."""
    if not venue.has(series):
        return []
    ts_ms = times(venue, series)
    return united([*venue.fetched(series, len(ts_ms)), *(runs(ts_ms, step_ms) if step_ms else ())])


def times(venue: Venue, series: SeriesId) -> I64:
    """Times of the rows of a series; none where it is not there."""
    if not venue.has(series):
        return np.zeros(0, np.int64)
    if series.kind == "funding":
        return venue.read_funding(series.symbol).ts_ms
    if series.kind == "open-interest":
        return venue.read_open_interest(series).ts_ms
    return venue.read_bars(series).ts_ms


def pages_of(task: Task, rows: int) -> list[Range]:
    """The questions that a task needs: windows of at most so many rows."""
    return [page for a, b in task.needs for page in windows(a, b, rows * task.length_ms)]


def skip_before(task: Task, listed_ms: int | None) -> None:
    """Leave out what lies before an instrument was listed, and remember that there is nothing."""
    until = task.window[1] if listed_ms is None else min(max(listed_ms, task.window[0]), task.window[1])
    nothing = common(task.needs, [(task.window[0], until)])
    empty = np.zeros(0, np.int64), np.zeros((0, task.staging.columns))
    for start, end in nothing:
        task.staging.add(start, end, *empty)
    task.needs = without(task.needs, nothing)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a download will cost, at most.

    Attributes
    ----------
    seconds
        At the pace that the exchange allows.
    """

    series: SeriesId
    rows: int
    requests: int
    seconds: float
    bytes: int


def forecast(task: Task, offer: Offer, unit_ms: float) -> Forecast:
    """Predict a task without asking anybody."""
    pages = pages_of(task, offer.rows[task.kind])
    rows = sum((b - a) // (task.step_ms or 8 * HOUR_MS) for a, b in task.needs)
    weight = offer.weights.get(task.kind, 1.0)
    seconds = len(pages) * weight * unit_ms / 1000
    return Forecast(task.series, rows, len(pages), seconds, round(rows * BYTES[task.kind]))
