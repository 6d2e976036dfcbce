"""The workloads: what is made, what is timed, and what the same work costs in a flat loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any

from mastertrading.backtest.lean import LeanResult, lean, prepare, run_lean
from mastertrading.backtest.result import Result
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.errors import InvariantBroken
from mastertrading.domain.market import Market
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import synthesize
from mastertrading.lake.universe import DEFAULT_SYMBOLS
from mastertrading.research.arrays import emas
from mastertrading.research.bench.crossing import (
    check_same,
    crossing_settings,
    crossings,
    flat_rules,
    market_of,
    turns,
    walk,
)
from mastertrading.research.bench.floor import floor
from mastertrading.settings.schema import Settings

FAST_PERIODS = (5, 8, 10, 12, 15, 18, 20, 25, 30, 35)
SLOW_PERIODS = (40, 50, 60, 75, 90, 100, 120, 150, 175, 200)
SETS = tuple(product(FAST_PERIODS, SLOW_PERIODS))
THREADS = 2
WINDOW_BARS = 14_400
VENUE = "binance_usdm"
LONG_RUNS = 5
"""Runs of a workload that takes seconds, at most."""

Kept = tuple[int, int]
"""What is kept of one set: final balance in atoms, and trades."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing to time.

    Attributes
    ----------
    bars, instruments, sets
        Its size: bars x instruments x parameter sets are counted as bars.
    goal
        Seconds that it should take at most.
    make
        A market of a given number of bars from a seed (or read from a folder).
    play
        What is timed.
    floor
        The same work in a flat loop; None: there is none.
    check
        Refuses results of the two that differ.
    files
        Whether writing the folder of a run is timed as well.
    reads
        Whether it reads a folder of recorded bars where one is given.
    """

    name: str
    bars: int
    instruments: int
    goal: float
    make: Callable[[int, int, Path | None], Market]
    play: Callable[[Market], Any]
    floor: Callable[[Market], Any] | None = None
    check: Callable[[Market, Any, Any], None] | None = None
    settings: Callable[[], Settings] = Settings
    sets: int = 1
    most_runs: int = 1_000_000
    files: bool = False
    reads: bool = False


# ---------------------------------------------------------------- markets


def _walk(instruments: int, bars: int, seed: int, data: Path | None) -> Market:
    return walk(bars, instruments, seed)


def _made(bars: int, seed: int, data: Path | None) -> Market:
    return synthesize(DEFAULT_SYMBOLS, bars / 1440, seed)


def _recorded_or_made(bars: int, seed: int, data: Path | None) -> Market:
    """The newest recorded bars, or those of the seed."""
    if data is None:
        return _made(bars, seed, data)
    venue = VENUE if (data / VENUE).is_dir() else None
    return load_market(data, DEFAULT_SYMBOLS, venue=venue, notice=lambda sentence: None)


def rebuilt(market: Market) -> Market:
    """The same market built anew from its arrays: what a user does who comes with arrays."""
    return market_of(market.symbols, [market.open, market.high, market.low, market.close], market.data_id)


# ---------------------------------------------------------------- what is timed


def play_crossing(market: Market) -> Result:
    """Panel, forecasts and a run with every gate and decision row."""
    fresh = rebuilt(market)
    return run(fresh, crossing_settings(), Ask(all_paths=False, forecasts=crossings(fresh.close)))


def play_crossing_lean(market: Market) -> LeanResult:
    """Panel, forecasts and a run that keeps trades and equity."""
    fresh = rebuilt(market)
    return run_lean(fresh, crossing_settings(), Ask(forecasts=crossings(fresh.close)))


def play_sets(market: Market) -> list[Kept]:
    """Panel, averages, signals and lean runs of every set, by two threads."""
    fresh = rebuilt(market)
    prepared = prepare(fresh, crossing_settings(), Ask(forecasts=fresh.close))
    with ThreadPoolExecutor(THREADS) as pool:
        every = FAST_PERIODS + SLOW_PERIODS
        halves = pool.map(lambda periods: emas(fresh.close, *periods), (every[::2], every[1::2]))
        averages = dict(zip(every[::2] + every[1::2], chain.from_iterable(halves), strict=True))

        def one(periods: tuple[int, int]) -> Kept:
            result = lean(prepared, turns(averages[periods[0]] > averages[periods[1]], periods[1]))
            return result.final_atoms, len(result.trades)

        return list(pool.map(one, SETS))


def play_pipeline(market: Market) -> Result:
    """The four modules, the allocator, every gate with its reason, and the account."""
    return run(market, Settings(), Ask(all_paths=False))


# ---------------------------------------------------------------- floors


def floor_sets(market: Market) -> list[Kept]:
    """The flat loop of every set, by two threads."""

    def one(periods: tuple[int, int]) -> Kept:
        flat = floor(market, flat_rules(*periods))
        return int(flat.equity[-1]), len(flat.trades)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, SETS))


def _check_one(market: Market, engine: Any, flat: Any) -> None:
    check_same(engine, flat)


def check_sets(market: Market, engine: list[Kept], flat: list[Kept]) -> None:
    """Each set's balance and trades; and of each set, run once more, every trade and the equity of every bar."""
    if engine != flat:
        raise InvariantBroken(
            "the engine and the flat loop differ in one of the sets", where="research/bench/floor.py"
        )
    prepared = prepare(market, crossing_settings(), Ask(forecasts=market.close))
    for fast, slow in SETS:
        check_same(lean(prepared, crossings(market.close, fast, slow)), floor(market, flat_rules(fast, slow)))


def _floor_one(market: Market) -> Any:
    return floor(market, flat_rules())


def _crossing(
    name: str, size: tuple[int, int], goal: float, play: Callable[[Market], Any], files: bool
) -> Workload:
    bars, instruments = size
    make = partial(_walk, instruments)
    return Workload(
        name, bars, instruments, goal, make, play, _floor_one, _check_one, crossing_settings, files=files
    )


WORKLOADS = {
    each.name: each
    for each in (
        _crossing("W1", (500_000, 1), 0.030, play_crossing, True),
        _crossing("W2", (WINDOW_BARS, 7), 0.008, play_crossing, True),
        _crossing("W1_lean", (500_000, 1), 0.012, play_crossing_lean, False),
        _crossing("W2_lean", (WINDOW_BARS, 7), 0.004, play_crossing_lean, False),
        Workload(
            "W3", 100_000, 1, 0.100, partial(_walk, 1), play_sets, floor_sets, check_sets, sets=len(SETS)
        ),
        Workload("W4", WINDOW_BARS, 7, 0.150, _recorded_or_made, play_pipeline, files=True, reads=True),
        Workload("W5", 525_600, 7, 6.0, _made, play_pipeline, most_runs=LONG_RUNS),
    )
}
"""In the order in which they are told."""
