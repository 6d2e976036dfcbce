"""A market from bars that are in memory: data frames or arrays, held to the same rules as bars from files.

A table has a time (``ts``, ``ts_ms``, ``timestamp``, ``time`` or ``open_time``: open times, ms since 1970 UTC or
datetimes), ``open``, ``high``, ``low``, ``close`` and ``volume``; polars and pandas frames and dicts of arrays will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mastertrading.domain.errors import DataMissing, DataUnreadable
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import F64, HOUR_MS, I64, Bars, Market, Settlements
from mastertrading.lake.given import in_milliseconds, strange_time
from mastertrading.lake.identity import market_hash
from mastertrading.lake.names import Notice, moment
from mastertrading.lake.quality import check_bars, clean, grade_of, settlement_intervals, take, worst
from mastertrading.lake.universe import resolve_instrument
from mastertrading.research.bars import COLUMNS
from mastertrading.settings.schema import Settings

TIMES = ("ts", "ts_ms", "timestamp", "time", "open_time")
NAMES = ("instrument", "symbol")
SOURCE = "memory"
Table = Any
"""A frame or a dict: columns by name."""


def market_from_tables(
    tables: Table,
    instruments: Sequence[str] = (),
    *,
    base_ms: int | None = None,
    funding: Mapping[str, Table] | None = None,
    hours: Mapping[str, Table] | None = None,
    settings: Settings | None = None,
    notice: Notice = lambda sentence: None,
) -> Market:
    """Make a market.

    Parameters
    ----------
    tables
        One table a symbol; or one table with a column ``instrument``; or one table, and its symbol in
        ``instruments``.
    instruments
        Which of them, in this order; empty: all.
    base_ms
        Length of a bar; None: the smallest distance of two bars.
    funding
        By symbol a table of ``ts`` and ``rate``; none: nothing is paid for holding.
    hours
        By symbol 1 h bars from before the first bar: without them volatility is known, and entries begin, only
        after 100 finished hours.
    settings
        Contract facts under ``instruments``.

    Raises
    ------
    DataMissing
        If there are no bars, or none in common.
    DataUnreadable
        If a column is missing or is not numbers.
    """
    raw = {symbol: _bars(symbol, table) for symbol, table in _split(tables, instruments)}
    step_ms = base_ms or _base_ms(raw.values())
    cleaned = {symbol: clean(bars, step_ms) for symbol, bars in raw.items()}
    ts_ms, common_ms = _grid({symbol: each.bars for symbol, each in cleaned.items()}, step_ms)
    columns = _columns([each.bars for each in cleaned.values()], ts_ms, step_ms)
    grades, facts = {}, []
    for symbol, each in cleaned.items():
        overrides = settings.instruments.get(symbol) if settings else None
        facts.append(resolve_instrument(symbol, bars=each.bars, overrides=overrides, notice=notice))
        findings = [*each.findings, *check_bars(each.bars, step_ms, tick=float(facts[-1].tick))]
        grades[symbol] = grade_of(findings)
        for finding in findings:
            if finding.caps > "A":
                notice(f"{symbol}: {finding.detail} ({finding.kind}; grade {finding.caps})")
    paid = {canonical_symbol(name): table for name, table in (funding or {}).items()}
    end_ms = int(ts_ms[-1]) + step_ms
    settlements = tuple(_settlements(symbol, paid.get(symbol), end_ms) for symbol in cleaned)
    older = {canonical_symbol(name): table for name, table in (hours or {}).items()}
    primer = tuple(
        _primer(symbol, older.get(symbol), int(each.bars.ts_ms[0])) for symbol, each in cleaned.items()
    )
    for what, given in (("funding", paid), ("hours", older)):
        if unused := sorted(given.keys() - cleaned.keys()):
            notice(f"not in this market, so its {what} is not used: {', '.join(unused)}")
    valid = ~np.isnan(columns["close"])
    return Market(
        instruments=tuple(facts),
        base_ms=step_ms,
        ts_ms=ts_ms,
        open=columns["open"],
        high=columns["high"],
        low=columns["low"],
        close=columns["close"],
        volume=columns["volume"],
        valid=valid,
        settlements=settlements,
        primer=primer,
        data_id=market_hash(tuple(facts), step_ms, ts_ms, columns, valid, settlements, primer),
        grade=worst(list(grades.values())),
        grades=grades,
        common_from_ms=common_ms,
        source=SOURCE,
    )


def _split(tables: Table, instruments: Sequence[str]) -> Iterable[tuple[str, Table]]:
    """Symbols and their tables, in the order of the columns to be."""
    wanted = [canonical_symbol(name) for name in instruments]
    names = list(tables.columns) if hasattr(tables, "columns") else list(tables)
    if "close" in names:
        found = _by_instrument(tables, names, wanted)
    else:
        found = {canonical_symbol(str(name)): tables[name] for name in names}
    absent = [symbol for symbol in wanted if symbol not in found]
    if absent or not found:
        there = ", ".join(found) or "nothing"
        raise DataMissing(
            f"there are no bars of {', '.join(absent) or 'any instrument'}", why=f"there is {there}"
        )
    return [(symbol, found[symbol]) for symbol in wanted or found]


def _by_instrument(table: Table, names: list[str], wanted: list[str]) -> dict[str, Table]:
    """The tables in one table."""
    column = next((name for name in NAMES if name in names), None)
    if column is None:
        if len(wanted) != 1:
            raise DataMissing(
                "a table of bars without an instrument",
                why="it has no column instrument, and not one name was given for it",
                hint='mt.panel(frame, instruments=["BTC"])',
            )
        return {wanted[0]: table}
    whose = np.asarray(table[column]).astype(str)
    rest = [name for name in names if name != column]
    whole = {name: np.asarray(table[name]) for name in rest}
    return {
        canonical_symbol(str(name)): {key: values[whose == name] for key, values in whole.items()}
        for name in dict.fromkeys(whose.tolist())
    }


def _bars(symbol: str, table: Table) -> Bars:
    names = list(table.columns) if hasattr(table, "columns") else list(table)
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        why = f"it has {', '.join(map(str, names[:12]))}"
        raise DataUnreadable(f"the table of {symbol} has no column {', '.join(absent)}", why=why)
    columns = [_numbers(symbol, name, table[name]) for name in COLUMNS]
    times = _times(symbol, table, names)
    if len({len(times), *map(len, columns)}) > 1:
        raise DataUnreadable(f"the columns of {symbol} are not of one length")
    return Bars(times, *columns)


def _numbers(symbol: str, name: str, column: object) -> F64:
    try:
        return np.array(column, np.float64)
    except (TypeError, ValueError) as error:
        raise DataUnreadable(f"column {name} of {symbol} is not numbers", why=str(error)[:200]) from None


def _times(symbol: str, table: Table, names: list[str]) -> I64:
    name = next((name for name in TIMES if name in names), None)
    if name is None:
        raise DataUnreadable(f"the table of {symbol} has no time", why=f"it has none of {', '.join(TIMES)}")
    values = np.asarray(table[name])
    if values.dtype.kind == "M":
        return values.astype("datetime64[ms]").astype(np.int64)
    if values.dtype.kind not in "iu":
        why = f"{name} is {values.dtype}"
        raise DataUnreadable(f"the times of {symbol} are neither whole milliseconds nor datetimes", why=why)
    ts_ms = values.astype(np.int64)
    if len(ts_ms) and not in_milliseconds(ts_ms).any():
        why = f"{name} {strange_time(int(ts_ms[0]))}"
        raise DataUnreadable(f"the times of {symbol} are not those of bars", why=why)
    return ts_ms


def _base_ms(every: Iterable[Bars]) -> int:
    steps = [np.diff(np.sort(bars.ts_ms, kind="stable")) for bars in every]
    smallest = [int(step[step > 0].min()) for step in steps if (step > 0).any()]
    if not smallest:
        raise DataMissing("there are not two bars, so the length of a bar is unknown", hint="say base=")
    return min(smallest)


def _grid(every: Mapping[str, Bars], step_ms: int) -> tuple[I64, int]:
    """Open times from the earliest first bar to the earliest last one, and the first that all have."""
    empty = [symbol for symbol, bars in every.items() if len(bars) == 0]
    if empty:
        raise DataMissing(f"no bar of {', '.join(empty)} can be used")
    first = max(int(bars.ts_ms[0]) for bars in every.values())
    last = min(int(bars.ts_ms[-1]) for bars in every.values())
    if last < first:
        spans = [f"{s} {moment(int(b.ts_ms[0]))} … {moment(int(b.ts_ms[-1]))}" for s, b in every.items()]
        raise DataMissing("the instruments have no bars in common", why="; ".join(spans))
    earliest = min(int(bars.ts_ms[0]) for bars in every.values())
    return np.arange(earliest, last + step_ms, step_ms, dtype=np.int64), first


def _columns(every: Sequence[Bars], ts_ms: I64, step_ms: int) -> dict[str, F64]:
    """The bars on the grid by column, shape (bars, instruments); NaN where there is none."""
    columns = {name: np.full((len(ts_ms), len(every)), np.nan) for name in COLUMNS}
    for n, bars in enumerate(every):
        rows = (bars.ts_ms - ts_ms[0]) // step_ms
        inside = rows < len(ts_ms)
        for name, column in columns.items():
            column[rows[inside], n] = getattr(bars, name)[inside]
    return columns


def _settlements(symbol: str, table: Table | None, end_ms: int) -> Settlements:
    if table is None:
        return Settlements(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    names = list(table.columns) if hasattr(table, "columns") else list(table)
    what = f"the funding of {symbol}"
    if "rate" not in names:
        raise DataUnreadable(f"{what} has no column rate", why=f"it has {', '.join(map(str, names[:12]))}")
    ts_ms, rate = _times(what, table, names), _numbers(what, "rate", table["rate"])
    if len(ts_ms) != len(rate):
        raise DataUnreadable(f"the columns of {what} are not of one length")
    usable = np.isfinite(rate) & (ts_ms <= end_ms)
    order = np.argsort(ts_ms[usable], kind="stable")
    ts_ms, rate = ts_ms[usable][order], rate[usable][order]
    return Settlements(ts_ms, rate, settlement_intervals(ts_ms))


def _primer(symbol: str, table: Table | None, begin_ms: int) -> Bars:
    """The unbroken run of 1 h bars that ends with the last whole hour before the first base bar."""
    if table is None:
        return _none()
    bars = clean(_bars(symbol, table), HOUR_MS).bars
    last_ms = begin_ms // HOUR_MS * HOUR_MS - HOUR_MS
    stop = int(np.searchsorted(bars.ts_ms, last_ms, side="right"))
    if stop == 0 or bars.ts_ms[stop - 1] != last_ms:
        return _none()
    breaks = np.flatnonzero(np.diff(bars.ts_ms[:stop]) != HOUR_MS)
    return take(bars, slice(int(breaks[-1]) + 1 if breaks.size else 0, stop))


def _none() -> Bars:
    none = np.zeros(0)
    times: I64 = np.zeros(0, np.int64)
    return Bars(times, none, none, none, none, none)
