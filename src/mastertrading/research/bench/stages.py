"""Where the time of a run goes, stage by stage, as the profiler of the standard library sees it."""

from __future__ import annotations

import cProfile
import gc
import pstats
import time
from pathlib import Path
from statistics import median
from typing import Any, cast

from mastertrading.research.bench.measure import WARM_BARS
from mastertrading.research.bench.workloads import Workload

REST = "everything else"
STAGES = {
    ("bench/workloads.py", "rebuilt"): "market",
    ("bench/crossing.py", "crossings"): "forecasts",
    ("signals/panel.py", "__init__"): "panel of the signals",
    ("signals/panel.py", "evaluate_chunk"): "modules",
    ("backtest/forecasts.py", "on_grid"): "forecasts",
    ("backtest/inputs.py", "__init__"): "room for rows and minutes",
    ("backtest/inputs.py", "rows"): "rows",
    ("backtest/inputs.py", "write"): "minutes",
    ("signals/returns.py", "hourly_returns"): "hourly returns",
    ("backtest/account.py", "__init__"): "opening the account",
    ("backtest/account.py", "play"): "replay",
    ("backtest/account.py", "log"): "collecting the logs",
    ("backtest/funnel.py", "count"): "counting the funnel",
    ("backtest/run.py", "run_id"): "identity of the run",
    ("compiled/kernel.py", "records"): "room for records",
    ("", ""): REST,  # no function has this name: what is left of the whole
}
"""File and function, and the stage it is. What is called from within a stage is part of that one."""


def where_time_goes(workload: Workload, runs: int, seed: int, data: Path | None = None) -> dict[str, Any]:
    """Milliseconds of each stage: medians of ``runs`` profiled runs, each on new data.

    The profiler itself costs about a microsecond a call of Python, which is little: the loops are compiled.
    """
    workload.play(workload.make(WARM_BARS, seed, None))
    told: dict[str, list[float]] = {}
    market, runs = None, min(runs, workload.most_runs)
    for k in range(runs):
        if market is None or data is None or not workload.reads:
            market = None
            market = workload.make(workload.bars, seed + 1 + k, data)
        gc.collect()
        profile = cProfile.Profile()
        started = time.perf_counter()
        profile.runcall(workload.play, market)
        whole = time.perf_counter() - started
        for stage, seconds in _stages(profile, whole).items():
            told.setdefault(stage, [0.0] * k).append(seconds)
    return {stage: 1000.0 * median(seconds) for stage, seconds in told.items()}


def _stages(profile: cProfile.Profile, whole: float) -> dict[str, float]:
    stats = cast(Any, pstats.Stats(profile)).stats
    known = {key: _stage_of(key) for key in stats}
    told = dict.fromkeys(STAGES.values(), 0.0)
    for key, (_, _, _, _, callers) in stats.items():
        stage = known[key]
        if stage is not None:
            outside = [times for caller, times in callers.items() if not _inside(caller, known, stats)]
            told[stage] += sum(times[3] for times in outside)
    told = {stage: seconds for stage, seconds in told.items() if seconds > 0.0}
    return {**told, REST: max(0.0, whole - sum(told.values()))}


def _inside(caller: Any, known: dict[Any, str | None], stats: Any, depth: int = 6) -> bool:
    """Whether a caller is a stage, or is only ever called from stages."""
    if known.get(caller) is not None:
        return True
    above = stats[caller][4] if caller in stats else {}
    return bool(above) and depth > 0 and all(_inside(each, known, stats, depth - 1) for each in above)


def _stage_of(key: tuple[str, int, str]) -> str | None:
    file, _, function = key
    path = file.replace("\\", "/")
    return next(
        (stage for (tail, name), stage in STAGES.items() if path.endswith(tail) and name == function), None
    )
