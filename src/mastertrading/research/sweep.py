"""Many parameter sets over one market: every case is a pure function of what all share and of its own values.

Cases run in threads over shared read-only arrays. Cases with the same forecasts run one after the other, so that a
forecast is computed once; everything finished is on disk within a second, and the final table has the same bytes
however the sweep ran: with one worker or many, interrupted or not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.backtest.forecasts import Given
from mastertrading.backtest.lean import Prepared, basis_of, lean, prepare
from mastertrading.backtest.run import Ask
from mastertrading.domain.errors import ConfigError, InvariantBroken, MastertradingError
from mastertrading.domain.market import F64, I64, Market
from mastertrading.domain.reasons import EventKind
from mastertrading.lake.files import write_frame
from mastertrading.research.case_store import CaseStore
from mastertrading.research.cases import Case, digest, settings_of
from mastertrading.research.features import Features, Kept
from mastertrading.research.figures import NAMES, WHOLE, Account, Figures, figures_of, transfers_of
from mastertrading.research.own_signal import OwnSignal, evaluate
from mastertrading.research.ranking import Row
from mastertrading.research.space import Axis, Space
from mastertrading.settings.schema import Settings

if TYPE_CHECKING:
    import polars as pl

BATCH = 256
BATCH_S = 0.5
"""Finished cases wait at most so long, or until there are so many, before they are written."""
AHEAD = 2
"""Cases handed out per worker: one that runs and one that waits."""

PREPARED = 2
"""Preparations of the market kept at a time: while one group of cases ends, the next begins."""
LOOKED_AT = 50
"""Values of an axis that are looked at to know whether they share a preparation."""

OnProgress = Callable[[int, int], None]
"""Takes cases done (earlier ones included) and cases in all."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all cases of a sweep share.

    Attributes
    ----------
    settings
        The base that the cases change.
    signal
        The user's, with the parameters that are not varied; None: the four modules.
    """

    market: Market
    settings: Settings
    from_ms: int | None = None
    to_ms: int | None = None
    macro_ms: I64 | None = None
    signal: OwnSignal | None = None

    def signal_of(self, case: Case) -> OwnSignal | None:
        """The signal with the parameters of a case."""
        return None if self.signal is None else self.signal.with_params(**case.signal)

    def basis(self, case: Case) -> str:
        """What the preparation of the market for a case depends on; empty where its settings are refused."""
        try:
            return basis_of(settings_of(self.settings, case.settings))
        except ConfigError:
            return ""

    def prepare(self, settings: Settings) -> Prepared:
        """The market as the engine takes it in under these settings."""
        own: Given | None = None if self.signal is None else {}
        return prepare(self.market, settings, Ask(self.from_ms, self.to_ms, own, self.macro_ms))

    def feature_key(self, case: Case) -> str:
        """Hash of what the forecasts of a case are made of; empty for the modules."""
        if self.signal is None:
            return ""
        return digest(
            self.signal.name, self.signal.sha256, self.signal.params, case.signal, self.market.data_id
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """What the cases of a sweep compute once and share: forecasts, and the market as the engine takes it in."""

    features: Features
    prepared: Kept[Prepared]


def evaluate_case(shared: Shared, case: Case, desk: Desk) -> Figures:
    """Run one case: a pure function of what is shared and of the case.

    Raises
    ------
    MastertradingError
        If the settings contradict each other, or the signal refuses its parameters.
    """
    settings = settings_of(shared.settings, case.settings)
    forecasts = _forecasts(shared, case, desk.features)
    prepared = desk.prepared.get(basis_of(settings), lambda: shared.prepare(settings))
    result = lean(prepared, forecasts, settings)
    events, base_ms = result.events, shared.market.base_ms
    return figures_of(
        Account(
            t_ms=result.t_ms,
            equity=result.equity,
            trades=result.trades,
            initial=result.initial_atoms,
            final=result.final_atoms,
            transferred=result.transferred_atoms,
            from_ms=int(result.t_ms[0]),
            to_ms=int(result.t_ms[-1]),
            transfers=transfers_of(events, base_ms),
            liquidations=int(np.count_nonzero(events["kind"] == EventKind.LIQUIDATION)),
        )
    )


def _forecasts(shared: Shared, case: Case, features: Features) -> F64 | None:
    signal, market = shared.signal_of(case), shared.market
    if signal is None:
        return None
    return features.get(shared.feature_key(case), lambda: evaluate(signal, market))


def ordered(shared: Shared, cases: Iterable[Case]) -> list[Case]:
    """The cases in the order in which they run: those with the same preparation, and forecasts, beside each other."""
    groups: dict[str, dict[str, list[Case]]] = {}
    bases: dict[str, str] = {}
    for case in cases:
        rules = digest(case.settings)
        if rules not in bases:
            bases[rules] = shared.basis(case)
        groups.setdefault(bases[rules], {}).setdefault(shared.feature_key(case), []).append(case)
    return [case for group in groups.values() for same in group.values() for case in same]


def preparations(settings: Settings, axes: Iterable[Axis], own: Container[str]) -> int:
    """How many preparations of the market are kept at a time: one, unless a varied setting asks for others.

    Parameters
    ----------
    own
        Names of the signal's parameters, which ask for none.
    """
    usual = basis_of(settings)
    for axis in axes:
        for value in axis.values[:LOOKED_AT] if axis.name not in own else ():
            with suppress(ConfigError):
                if basis_of(settings_of(settings, {axis.name: value})) != usual:
                    return PREPARED
    return 1


def sweep(
    shared: Shared,
    cases: Sequence[Case],
    store: CaseStore,
    *,
    workers: int,
    features: Features,
    on_progress: OnProgress = lambda done, total: None,
    on_leaving: Callable[[int], None] = lambda running: None,
    now: Callable[[], float] = time.perf_counter,
) -> None:
    """Run every case that the store does not hold yet, and keep each in it.

    Interrupted (Ctrl-C), it waits for the cases that run, keeps them, and lets the interruption go on. Interrupted
    again, it waits no longer.

    Parameters
    ----------
    on_leaving
        Told how many cases are waited for on the way out.

    Raises
    ------
    OutputError
        If finished cases cannot be written.
    """
    todo = ordered(shared, (case for case in cases if case.key not in store.rows))
    total, earlier = len(cases), len(cases) - len(todo)
    on_progress(earlier, total)
    with redirect_stdout(sys.stderr):  # once for all threads: what a signal prints never spoils our output
        crew = _Crew(shared, features, workers, iter(todo))
        written_at = now()
        try:
            while crew.busy():
                crew.wait()
                if len(crew.done) >= BATCH or now() - written_at >= BATCH_S:
                    crew.keep(store)
                    written_at = now()
                on_progress(earlier + crew.ended, total)
        finally:
            crew.leave(store, on_leaving)


class _Crew:
    """The threads that run cases, and the cases that are not on disk yet."""

    def __init__(self, shared: Shared, features: Features, workers: int, supply: Iterator[Case]) -> None:
        self._run = partial(_row_of, shared, Desk(features, Kept(PREPARED)))
        self._supply, self._most = supply, AHEAD * workers
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="sweep")
        _start_all(self._pool, workers)
        self._running: set[Future[dict[str, Any]]] = set()
        self.done: set[Future[dict[str, Any]]] = set()
        self.ended = 0

    def busy(self) -> bool:
        """Hand out cases until enough are under way; whether any is."""
        while len(self._running) < self._most and (case := next(self._supply, None)) is not None:
            self._running.add(self._pool.submit(self._run, case))
        return bool(self._running)

    def wait(self) -> None:
        """Wait for the next case to end, not long while others wait to be written; a bug in one ends the sweep."""
        patience = BATCH_S if self.done else None
        done, _ = wait(self._running, timeout=patience, return_when=FIRST_COMPLETED)
        self.done |= done
        self._running -= done
        self.ended += len(done)
        for future in done:
            future.result()

    def keep(self, store: CaseStore) -> None:
        """Write what is done."""
        rows = (future.result() for future in self.done if future.exception() is None)
        store.append([row for row in rows if row["key"] not in store.rows])
        self.done = set()

    def leave(self, store: CaseStore, tell: Callable[[int], None]) -> None:
        """On every way out: start nothing more, let what runs end, and keep all that was finished."""
        try:
            self._pool.shutdown(wait=False, cancel_futures=True)
            if running := sum(future.running() for future in self._running):
                tell(running)
            self._pool.shutdown(wait=True)
        finally:
            self.done |= {future for future in self._running if future.done() and not future.cancelled()}
            self.keep(store)


def _start_all(pool: ThreadPoolExecutor, workers: int) -> None:
    """Start every thread now. A pool starts one only when none is idle, and short cases would share the first."""
    gate = Future[None]()
    started = [pool.submit(gate.result) for _ in range(workers)]
    gate.set_result(None)
    for thread in started:
        thread.result()


def _row_of(shared: Shared, desk: Desk, case: Case) -> dict[str, Any]:
    """A finished case as it is kept: its figures, or why there are none."""
    row: dict[str, Any] = {"key": case.key, "values": case.values}
    try:
        return row | {"figures": evaluate_case(shared, case, desk).as_dict()}
    except InvariantBroken:
        raise
    except MastertradingError as error:
        return row | {"error": ": ".join(part for part in (error.what, error.why) if part)}


# ---------------------------------------------------------------- the finished sweep


def rows_of(cases: Sequence[Case], store: CaseStore) -> list[Row]:
    """The finished cases of a space, by place."""
    kept = ((case, store.rows[case.key]) for case in cases if case.key in store.rows)
    rows = [
        Row(case.place, case.key, case.values, row.get("figures"), str(row.get("error", "")))
        for case, row in kept
    ]
    return sorted(rows, key=lambda row: row.place)


def results_frame(space: Space, rows: Sequence[Row]) -> pl.DataFrame:
    """All cases as a table: key, varied values, figures, error; sorted by place."""
    import polars as pl

    columns = [pl.Series("case", [row.key for row in rows], dtype=pl.String)]
    for axis in space.axes:
        columns.append(pl.Series(axis.name, [row.values[axis.name] for row in rows], dtype=_type(axis)))
    for name in NAMES:
        values = [None if row.figures is None else row.figures[name] for row in rows]
        columns.append(pl.Series(name, values, dtype=pl.Int64 if name in WHOLE else pl.Float64))
    columns.append(pl.Series("error", [row.error or None for row in rows], dtype=pl.String))
    return pl.DataFrame(columns)


def write_results(space: Space, rows: Sequence[Row], store: CaseStore) -> None:
    """Write ``results.parquet``, whole or not at all."""
    write_frame(store.table_path, results_frame(space, rows))


def _type(axis: Axis) -> Any:
    import polars as pl

    kinds = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64, str: pl.String}
    return kinds[type(axis.values[0])]
