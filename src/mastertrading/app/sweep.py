"""Composition root of a sweep: the market, the checked space, the plan of memory, the runner, the ranking."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mastertrading.app.backtest import Notice, Wanted, macro_events, market_of
from mastertrading.backtest.run import Ask, refuse_bad_data, window
from mastertrading.compiled.kernel import code_key
from mastertrading.domain.errors import ConfigError, MastertradingError
from mastertrading.domain.market import DAY_MS
from mastertrading.lake.lock import writing
from mastertrading.research.case_store import CaseStore, create, read, refuse_taken, resume
from mastertrading.research.cases import Case, cases_of, checked_space, settings_of
from mastertrading.research.conditions import Value, parse
from mastertrading.research.features import Features
from mastertrading.research.memory import Plan, plan
from mastertrading.research.parameters import text_of
from mastertrading.research.ranking import Ranking, Row, rank
from mastertrading.research.space import Axis, Space, parse_axes
from mastertrading.research.sweep import Shared, preparations, rows_of, sweep, write_results
from mastertrading.settings.schema import Settings

TRIED_FIRST = 20
"""If so many cases contradict the settings there is no sweep."""


@dataclass(frozen=True, slots=True)
class SweepWanted:
    """What a user asked for.

    Attributes
    ----------
    base
        The market and the signal, as for a backtest.
    vary, where
        Texts of axes and conditions.
    given
        Names of the signal's parameters that were fixed.
    sample
        Cases to draw at random; None: all.
    memory
        Bytes that may be used in all; None: half of what is free.
    folder
        Of the sweep.
    cache
        Folder that keeps forecasts for later sweeps; None: none.
    command
        Words of the backtest that all cases vary.
    """

    base: Wanted
    vary: Sequence[str]
    folder: Path
    where: Sequence[str] = ()
    given: Sequence[str] = ()
    sample: int | None = None
    workers: int = 1
    memory: int | None = None
    resume: bool = False
    cache: Path | None = None
    objective: str = "net"
    top: int = 10
    command: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """A sweep as it lies in its folder."""

    folder: Path
    space: Space
    ranking: Ranking
    rows: Sequence[Row]
    command: Sequence[str]
    own: frozenset[str] = frozenset()
    expected: int = 0
    damaged: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)


def run_sweep(
    wanted: SweepWanted,
    settings: Settings,
    *,
    notice: Notice,
    on_plan: Callable[[Plan, int, int], None] = lambda plan, cases, done: None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_leaving: Callable[[int], None] = lambda running: None,
) -> Finished:
    """Do everything: returns when the last case is in the folder.

    Raises
    ------
    MastertradingError
        If names, values, the market or the folder cannot be used, or the memory does not suffice.
    """
    if not wanted.resume:
        refuse_taken(wanted.folder)
    signal = wanted.base.signal
    axes, conditions = parse_axes(wanted.vary), [parse(text) for text in wanted.where]
    space = checked_space(axes, conditions, signal, wanted.given)
    places = space.places(wanted.sample, settings.seed)
    if wanted.sample is not None and len(places) < wanted.sample:
        notice(f"there are only {len(places):,} combinations, fewer than --random asks for")
    _refuse_hopeless(cases_of(space, places[:TRIED_FIRST], signal), settings)
    market = market_of(wanted.base, settings, notice)
    refuse_bad_data(market, settings)
    base = wanted.base
    macro_ms = macro_events(settings, market, base.to_ms, notice)
    shared = Shared(market, settings, base.from_ms, base.to_ms, macro_ms, signal)
    header = header_of(wanted, shared, space)
    kept = wanted.workers + 1
    needs = plan_of(wanted, shared, space, len(places), kept)
    needs.check(wanted.workers)
    cases = cases_of(space, places, signal)
    with writing(wanted.folder):
        store = (resume if wanted.resume else create)(wanted.folder, header)
        done = sum(case.key in store.rows for case in cases)
        on_plan(needs, len(cases), done)
        if store.damaged:
            notice(f"lines of results.jsonl that were torn, computed again: {store.damaged}")
        features = Features(kept, wanted.cache if signal is not None and signal.sha256 else None)
        sweep(
            shared,
            cases,
            store,
            workers=wanted.workers,
            features=features,
            on_progress=on_progress,
            on_leaving=on_leaving,
        )
        write_results(space, rows_of(cases, store), store)
    return finished(store, space, cases, wanted.objective, wanted.top)


def plan_of(wanted: SweepWanted, shared: Shared, space: Space, cases: int, kept: int) -> Plan:
    """The memory that a sweep will need, with ``kept`` forecast arrays."""
    signal = shared.signal
    own = {each.name for each in signal.parameters} if signal is not None else set()
    return plan(
        shared.market,
        cases=cases,
        workers=wanted.workers,
        kept=kept,
        own_signal=signal is not None,
        preparations=preparations(shared.settings, space.axes, own),
        limit=wanted.memory,
    )


def show_sweep(folder: Path, objective: str | None, top: int) -> Finished:
    """Look at a sweep that was made before, finished or not."""
    store = read(folder)
    asked = store.header["space"]
    axes = tuple(Axis(item["name"], tuple(item["values"])) for item in asked["axes"])
    space = Space(axes, tuple(parse(text) for text in asked["where"]))
    cases = cases_of(space, space.places(asked["sample"], asked["seed"]), None)
    return finished(store, space, cases, objective or str(store.header["objective"]), top)


def finished(store: CaseStore, space: Space, cases: Sequence[Case], objective: str, top: int) -> Finished:
    """Rank what the folder holds."""
    rows = rows_of(cases, store)
    errors: dict[str, int] = {}
    for row in rows:
        if row.error:
            errors[row.error] = errors.get(row.error, 0) + 1
    return Finished(
        folder=store.folder,
        space=space,
        ranking=rank(rows, space, objective, top, tried=len(store.rows), days=int(store.header["days"])),
        rows=rows,
        command=tuple(store.header["command"]),
        own=frozenset(store.header["parameters"]),
        expected=len(cases),
        damaged=store.damaged,
        errors=errors,
    )


def header_of(wanted: SweepWanted, shared: Shared, space: Space) -> dict[str, Any]:
    """What ``sweep.json`` says: first what decides the figures, then what decides which cases there are."""
    market, signal = shared.market, shared.signal
    start, stop = window(market, Ask(shared.from_ms, shared.to_ms))
    begin, end = int(market.ts_ms[start]) + market.base_ms, int(market.ts_ms[stop - 1]) + market.base_ms
    return {
        "data": market.data_id,
        "code": code_key(),
        "market": {"source": market.source, "instruments": ", ".join(market.symbols)},
        "window": {"from_ms": begin, "to_ms": end},
        "signal": None if signal is None else {"name": signal.name, "sha256": signal.sha256},
        "parameters": {} if signal is None else dict(signal.params),
        "settings": shared.settings.resolved(),
        "macro": [] if shared.macro_ms is None else [int(moment) for moment in shared.macro_ms],
        "days": (end - 1) // DAY_MS - begin // DAY_MS + 1,
        "space": {
            "axes": [{"name": axis.name, "values": list(axis.values)} for axis in space.axes],
            "where": [condition.text for condition in space.conditions],
            "sample": wanted.sample,
            "seed": shared.settings.seed,
        },
        "objective": wanted.objective,
        "command": list(wanted.command),
    }


def winner_command(done: Finished, values: Mapping[str, Value]) -> list[str]:
    """The words that backtest one case."""
    words = list(done.command)
    for name, value in values.items():
        words += ["--param" if name in done.own else "--set", f"{name}={text_of(value)}"]
    return words


def usable_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _refuse_hopeless(cases: Sequence[Case], settings: Settings) -> None:
    """Say at once what the settings have against every one of the first cases."""
    first: MastertradingError | None = None
    for case in cases:
        try:
            settings_of(settings, case.settings)
            return
        except ConfigError as error:
            first = first or error
    if first is not None:
        raise first
