"""From staged pages into the series of the lake, and what is then known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mastertrading.app.download.plan import Task, times
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import F64, I64, Bars
from mastertrading.lake.files import write_json
from mastertrading.lake.lock import writing
from mastertrading.lake.open_interest import OpenInterest
from mastertrading.lake.quality import Charges
from mastertrading.lake.ranges import Range, common, length_ms, runs, without
from mastertrading.lake.store import Added, Venue
from mastertrading.lake.universe import CATALOGUE, INSTRUMENTS_FILE, describe, read_instruments

NOTHING = Added(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a download did to one series.

    Attributes
    ----------
    added
        Rows that are new.
    rows
        Rows that the series now has in the window asked for.
    first_ms, last_ms
        First and last of them; None if there is none.
    none_there
        Ranges after the first row of which the exchange was asked and has nothing.
    not_fetched
        Ranges of the window that were not asked for (yet).
    """

    added: Added
    rows: int
    first_ms: int | None
    last_ms: int | None
    none_there: list[Range]
    not_fetched: list[Range]


def keep(task: Task, venue: Venue, source: str) -> tuple[Added, list[Range]]:
    """Take the staged pages of a series into it, and say what they cover; harmless to repeat after an interruption."""
    pages = list(task.staging.pages())
    if not pages:
        return NOTHING, []
    ts_ms = np.concatenate([page[2] for page in pages])
    values = np.concatenate([page[3] for page in pages])
    added = NOTHING
    if len(ts_ms):
        added = _append(task, venue, ts_ms, values, source)
    if venue.has(task.series):
        venue.note_fetched(task.series, [page[:2] for page in pages])
    task.staging.remove()
    return added, [page[:2] for page in pages]


def _append(task: Task, venue: Venue, ts_ms: I64, values: F64, source: str) -> Added:
    columns = [np.ascontiguousarray(column) for column in values.T]
    if task.kind == "funding":
        rate, stated = columns
        return venue.append_funding(task.series.symbol, Charges(ts_ms, rate, stated.astype(np.int64)), source)
    if task.kind == "open-interest":
        return venue.append_open_interest(task.series, OpenInterest(ts_ms, *columns), source)
    if task.kind == "mark":
        columns[-1] = np.zeros(len(ts_ms))
    return venue.append_bars(task.series, Bars(ts_ms, *columns), source)


def look(task: Task, venue: Venue, added: Added, asked: list[Range]) -> Kept:
    """What the series holds of the window, and why it does not hold the rest."""
    ts_ms = times(venue, task.series)
    fetched = [*venue.fetched(task.series, len(ts_ms)), *asked]
    inside = ts_ms[(ts_ms >= task.window[0]) & (ts_ms < task.window[1])]
    known = runs(inside, task.step_ms) if task.step_ms else []
    holes = without([task.window], known)
    first = int(inside[0]) if len(inside) else None
    last = int(inside[-1]) if len(inside) else None
    later = [(task.window[0] if first is None else first, task.window[1])]
    none_there = common(common(holes, fetched), later) if task.step_ms and first is not None else []
    return Kept(added, len(inside), first, last, none_there, without(holes, fetched))


def bars_in(ranges: list[Range], task: Task) -> int:
    """How many rows would fit into some ranges."""
    return length_ms(ranges) // task.length_ms


def state_contracts(venue: Venue, facts: dict[str, Instrument | None]) -> None:
    """Write contract facts beside the series, where they count more than the built-in ones.

    A margin ladder that the exchange does not publish stays the one that is stated or built in.
    """
    with writing(venue.folder, venue.wait):
        _state_contracts(venue, facts)


def _state_contracts(venue: Venue, facts: dict[str, Instrument | None]) -> None:
    before = read_instruments(venue.folder)
    after = dict(before)
    for symbol, fact in facts.items():
        if fact is None:
            continue
        known = before.get(symbol) or CATALOGUE.get(symbol)
        public = len(fact.tiers) > 1 or known is None
        after[symbol] = fact if public or known is None else _with_ladder(fact, known)
    if after != before:
        write_json(venue.folder / INSTRUMENTS_FILE, {name: describe(after[name]) for name in sorted(after)})


def _with_ladder(fact: Instrument, known: Instrument) -> Instrument:
    return Instrument(
        fact.symbol, fact.tick, fact.lot, fact.min_notional, fact.multiplier, fact.min_lots, known.tiers
    )
