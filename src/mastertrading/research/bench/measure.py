"""Timing a workload: warm medians with new data each time, its floor beside it, its memory, its files."""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from mastertrading.backtest.folder import RunFolder
from mastertrading.backtest.run import Ask, run
from mastertrading.backtest.statistics import statistics
from mastertrading.domain.market import Market
from mastertrading.research.bench.crossing import crossings
from mastertrading.research.bench.workloads import Workload
from mastertrading.settings.schema import MODULES

WARM_BARS = 4_320
WARM_ROUNDS = 2
FEW_BARS = 20_000
FILE_RUNS = 3
MIB = 1 << 20
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def markets(workload: Workload, runs: int, seed: int, data: Path | None) -> Iterator[tuple[int, Market]]:
    """A market for each round, numbered from ``-WARM_ROUNDS``; those from 0 on are timed.

    Each has a seed of its own; recorded bars are read once. The one before is let go only when the next is made, so
    that the process keeps its memory: otherwise a third of a run of W1 is the system handing out pages again.
    """
    market = None
    for k in range(-WARM_ROUNDS, runs):
        if market is None or data is None or not workload.reads:
            market = workload.make(workload.bars, seed + WARM_ROUNDS + k, data)
        gc.collect()
        yield k, market


def measure(workload: Workload, runs: int, seed: int, data: Path | None = None) -> dict[str, Any]:
    """Time a workload ``runs`` times, each on new data, in a process that is warm by then.

    Engine and floor take turns in going first. Every pair of results is compared to the bit.

    Returns
    -------
    ``seconds``, ``bars_per_second``, ``ratio_to_floor`` (None without a floor), ``rss_mib``, and more.

    Raises
    ------
    InvariantBroken
        If the engine and the floor differ: no ratio is told then.
    """
    _once(workload, workload.make(WARM_BARS, seed, None), floor_first=False)
    times, floors, first, peak, runs = [], [], 0.0, 0.0, min(runs, workload.most_runs)
    for k, market in markets(workload, runs, seed, data):
        if k == -WARM_ROUNDS:
            reset_peak()
            first = _seconds(workload.play, market)
            peak = peak_mib()
        seconds, below = _once(workload, market, floor_first=k % 2 == 1)
        if k >= 0:
            times.append(seconds)
            floors += [] if below is None else [below]
    bars, instruments = decided_bars(market), len(market.instruments)
    told: dict[str, Any] = {
        "seconds": median(times),
        "bars_per_second": bars * instruments * workload.sets / median(times),
        "ratio_to_floor": median(times) / median(floors) if floors else None,
        "rss_mib": peak,
        "first_seconds": first,
        "fastest": min(times),
        "slowest": max(times),
        "runs": runs,
        "bars": bars,
        "instruments": instruments,
        "sets": workload.sets,
        "market": market.source or "random walk",
        "goal": workload.goal,
        "floor_seconds": median(floors) if floors else None,
        "first_seed": seed + WARM_ROUNDS,
    }
    if workload.files:
        told["with_files_seconds"] = median(_seconds(write_run, workload, market) for _ in range(FILE_RUNS))
    if workload.bars > 10 * FEW_BARS and workload.floor is not None:
        told |= growth(workload, told["seconds"] / bars, runs, seed)
    return told


def decided_bars(market: Market) -> int:
    """Bars on which decisions are taken: from the first that all instruments have."""
    if market.common_from_ms is None:
        return len(market.ts_ms)
    return int((market.ts_ms >= market.common_from_ms).sum())


def growth(workload: Workload, per_bar: float, runs: int, seed: int) -> dict[str, float]:
    """Nanoseconds a bar here and over few bars, and how many times as much it is here."""
    few = [
        _seconds(workload.play, workload.make(FEW_BARS, seed + k, None)) for k in range(WARM_ROUNDS + runs)
    ]
    per_bar_of_few = median(few[WARM_ROUNDS:]) / FEW_BARS
    return {
        "ns_per_bar": per_bar * 1e9,
        "ns_per_bar_of_20k": per_bar_of_few * 1e9,
        "growth": per_bar / per_bar_of_few,
    }


def _once(workload: Workload, market: Market, floor_first: bool) -> tuple[float, float | None]:
    """Seconds of the workload and of its floor on the same arrays."""
    below = _timed(workload.floor, market) if workload.floor and floor_first else None
    seconds, result = _timed(workload.play, market)
    if workload.floor is None:
        return seconds, None
    below = below or _timed(workload.floor, market)
    if workload.check is not None:
        workload.check(market, result, below[1])
    return seconds, below[0]


def _timed(play: Callable[[Market], Any], market: Market) -> tuple[float, Any]:
    started = time.perf_counter()
    result = play(market)
    return time.perf_counter() - started, result


def _seconds(play: Callable[..., Any], *given: Any) -> float:
    started = time.perf_counter()
    play(*given)
    return time.perf_counter() - started


def write_run(workload: Workload, market: Market) -> None:
    """Run and write the run's folder, without its report, as ``backtest`` does."""
    own = workload.floor is not None
    ask = Ask(all_paths=False, forecasts=crossings(market.close) if own else None)
    modules = ("user",) if own else MODULES
    with tempfile.TemporaryDirectory() as place, RunFolder(Path(place) / "run") as folder:
        result = run(
            market,
            workload.settings(),
            ask,
            on_decisions=lambda t_ms, verdicts, decisions, rows: folder.write_decisions(
                t_ms, verdicts, decisions, rows, market.symbols, modules
            ),
        )
        folder.write_result(result, statistics(result))


def reset_peak() -> None:
    """Forget the peak so far where the system can (Linux), so that making the data does not count."""
    try:
        RESET.write_text("5")
    except OSError:
        return


def peak_mib() -> float:
    """Peak resident memory of this process; 0 where the system does not tell."""
    try:
        text = STATUS.read_text(encoding="ascii")
        return int(text.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024
