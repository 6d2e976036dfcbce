"""Where the time of a run goes: a stopwatch around the functions that are its stages."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from mastertrading.research.bench.measure import WARM_BARS, markets
from mastertrading.research.bench.workloads import Workload

REST = "everything else"
STAGES = {
    "mastertrading.research.bench.workloads:rebuilt": "market",
    "mastertrading.research.bench.crossing:crossings": "forecasts",
    "mastertrading.backtest.forecasts:UserForecasts.evaluate_chunk": "verdicts",
    "mastertrading.signals.panel:Panel.__init__": "panel of the signals",
    "mastertrading.signals.panel:Panel.evaluate_chunk": "modules",
    "mastertrading.backtest.inputs:quotes_of": "prices",
    "mastertrading.backtest.inputs:RowWriter.rows": "rows",
    "mastertrading.backtest.inputs:MinuteWriter.write": "minutes",
    "mastertrading.backtest.inputs:MinuteWriter.clock": "clock",
    "mastertrading.signals.returns:hourly_returns": "hourly returns",
    "mastertrading.backtest.account:ReplayedAccount.__init__": "opening the account",
    "mastertrading.backtest.account:ReplayedAccount.play": "replay",
    "mastertrading.backtest.account:ReplayedAccount.log": "collecting the logs",
    "mastertrading.backtest.funnel:count": "counting the funnel",
    "mastertrading.backtest.run:run_id": "identity of the run",
    "": REST,
}
"""Module and function, and the stage it is. What is called from within a stage is part of that one."""

Times = dict[str, float]


class Stopwatch:
    """Seconds of each stage of what runs in one thread."""

    def __init__(self) -> None:
        self.times: Times = {}
        self._is_inside = False

    def around(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """The same function, timed unless a stage is being timed already."""

        @functools.wraps(function)
        def timed(*given: Any, **named: Any) -> Any:
            if self._is_inside:
                return function(*given, **named)
            self._is_inside = True
            started = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self._is_inside = False
                self.times[stage] = self.times.get(stage, 0.0) + time.perf_counter() - started

        return timed


@contextmanager
def watched(watch: Stopwatch) -> Iterator[None]:
    """Put the stopwatch around every stage, wherever its function was imported to, and take it off again."""
    before = []
    for place, stage in STAGES.items():
        if place:
            holders, name, function = holders_of(place)
            before += [(holder, name, function) for holder in holders]
            for holder in holders:
                setattr(holder, name, watch.around(function, stage))
    try:
        yield
    finally:
        for holder, name, function in before:
            setattr(holder, name, function)


def holders_of(place: str) -> tuple[list[Any], str, Callable[..., Any]]:
    """What holds a stage's function under its name: a class, or the modules that define or import it."""
    module_name, _, path = place.partition(":")
    owner, (*parents, name) = import_module(module_name), path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    function = getattr(owner, name)
    if parents:
        return [owner], name, function
    ours = [module for key, module in list(sys.modules.items()) if key.startswith("mastertrading.")]
    return [module for module in ours if vars(module).get(name) is function], name, function


def where_time_goes(workload: Workload, runs: int, seed: int, data: Path | None = None) -> Times:
    """Milliseconds of each stage, medians of ``runs`` runs, each on new data; of one run they add up to the whole."""
    workload.play(workload.make(WARM_BARS, seed, None))
    told: dict[str, list[float]] = {}
    for k, market in markets(workload, min(runs, workload.most_runs), seed, data):
        watch = Stopwatch()
        with watched(watch):
            started = time.perf_counter()
            workload.play(market)
            whole = time.perf_counter() - started
        if k < 0:
            continue
        watch.times[REST] = max(0.0, whole - sum(watch.times.values()))
        for stage, seconds in watch.times.items():
            told.setdefault(stage, [0.0] * k).append(seconds)
    return {stage: 1000.0 * median(each) for stage, each in told.items()}
