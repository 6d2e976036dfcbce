"""Whether a signal knows the future: it runs over a market that is cut at many points, and goes on differently.

The function under test runs over the whole market, and again for every cut point in both ways of
``research.causality``; whatever it said at or before the cut must stay what it was, to the bit. Before that it runs
again with the instruments in the other order, and after it once more: a signal must not remember earlier calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mastertrading.backtest.inputs import market_minutes
from mastertrading.domain.errors import MastertradingError
from mastertrading.domain.market import F64, Bool, Market, Records
from mastertrading.research import arrays
from mastertrading.research.bars import InstrumentBars, bars_of
from mastertrading.research.causality import chance, differing, largest_difference, until
from mastertrading.research.own_signal import OwnSignal, evaluate
from mastertrading.research.worlds import another_future, cuts_of, market_of, world_of
from mastertrading.settings.schema import MODULES, Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.panel import Panel

ROUNDING = 1e-9
"""A forecast that differs by no more than this differs in how sums were rounded, not in what it knows."""

FEW_BARS = 5
"""A look-ahead that reaches no further is likely a shift."""

CLEAN, LOOKS_AHEAD, UNSTEADY, ROUNDED, SILENT = "clean", "looks ahead", "unsteady", "rounding", "silent"

Outputs = Mapping[str, Records]
"""By name: records or numbers, shape (bars, instruments)."""
Evaluated = Callable[[Market, bool], Outputs]
"""Takes a market, and whether to take its instruments backwards; row t is what is said at the close of bar t."""
Advance = Callable[[int, int], None]


@dataclass(slots=True)
class Trial:
    """What the cuts found out about one signal.

    Attributes
    ----------
    begins
        The first bar at which it says something (not 0, not NaN).
    says
        Bars and instruments at which it does.
    tried
        Cut points at which it could be compared.
    changed
        Those at which something that was known by then changed.
    from_start
        Those at which everything changed, from the first thing said on.
    first_ms, instrument
        Close of the earliest bar that changed, and whose; None: none did.
    cut_ms, way
        The cut it changed with, and how: ``cut`` or ``randomise``.
    by
        The largest change of all.
    reaches
        How many bars before its cut each change began.
    failed, failure
        Runs in which it raised, and the last reason.
    """

    signal: str
    begins: int = 0
    says: int = 0
    tried: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    from_start: set[int] = field(default_factory=set)
    first_ms: int | None = None
    instrument: str = ""
    cut_ms: int | None = None
    way: str = ""
    by: float = 0.0
    reaches: list[int] = field(default_factory=list)
    failed: int = 0
    failure: str = ""
    steady: bool = True

    @property
    def verdict(self) -> str:
        """The answer in a word."""
        if not self.steady:
            return UNSTEADY
        if self.changed:
            return LOOKS_AHEAD if self.by > ROUNDING else ROUNDED
        return CLEAN if self.says and self.tried else SILENT

    @property
    def biased(self) -> bool:
        """Whether its results are worth nothing."""
        return self.verdict in (LOOKS_AHEAD, UNSTEADY)

    @property
    def guess(self) -> str:
        """What kind of look-ahead it looks like: ``sample``, ``shift`` or ``bar``; empty where there is none."""
        if self.verdict != LOOKS_AHEAD:
            return ""
        if len(self.changed) > 1 and self.from_start == self.changed:
            return "sample"
        return "shift" if np.median(self.reaches) <= FEW_BARS else "bar"

    @property
    def reach(self) -> int:
        """How many bars before its cut a change began, at most."""
        return max(self.reaches, default=0)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "signal": self.signal,
            "verdict": self.verdict,
            "biased": self.biased,
            "cuts": len(self.tried),
            "changed_at": len(self.changed),
            "first_differs_ms": self.first_ms,
            "instrument": self.instrument or None,
            "cut_ms": self.cut_ms,
            "way": self.way or None,
            "by": self.by if np.isfinite(self.by) else None,
            "bars_before_the_cut": self.reach,
            "says": self.says,
            "failed_runs": self.failed,
            "failure": self.failure or None,
        }


# ---------------------------------------------------------------- what can be tried


def of_modules(settings: Settings) -> Evaluated:
    """The four modules, and what allocation and risk read from the views (``context``)."""
    rules = signal_rules(settings)

    def evaluated(market: Market, backwards: bool) -> Outputs:
        minutes = market_minutes(market, settings)
        verdicts, contexts = Panel(market, rules, minutes).evaluate_chunk(0, len(market.ts_ms))
        return {name: verdicts[:, :, m] for m, name in enumerate(MODULES)} | {"context": contexts}

    return evaluated


def of_arrays() -> Evaluated:
    """The indicators that signals are written with, and finished hours."""

    def evaluated(market: Market, backwards: bool) -> Outputs:
        out = {name: np.full(market.valid.shape, np.nan) for name in INDICATORS}
        for n in range(len(market.instruments)):
            bars, valid = bars_of(market, n), market.valid[:, n]
            if len(bars):
                for name, indicator in INDICATORS.items():
                    out[name][valid, n] = indicator(bars)
        return out

    return evaluated


def _hourly(bars: InstrumentBars) -> F64:
    hours = arrays.coarse(bars, "1h")
    return hours.to_base(arrays.ema(hours.close, 5))


INDICATORS: dict[str, Callable[[InstrumentBars], F64]] = {
    "ema": lambda bars: arrays.ema(bars.close, 20),
    "emas": lambda bars: arrays.emas(bars.close, 20, 50)[1],
    "sma": lambda bars: arrays.sma(bars.close, 100),
    "zscore": lambda bars: arrays.zscore(bars.close, 60),
    "bollinger": lambda bars: arrays.bollinger(bars.close)[0],
    "rsi": lambda bars: arrays.rsi(bars.close),
    "atr": lambda bars: arrays.atr(bars.high, bars.low, bars.close),
    "adx": lambda bars: arrays.adx(bars.high, bars.low, bars.close),
    "highest": lambda bars: arrays.highest(bars.high, 55),
    "lowest": lambda bars: arrays.lowest(bars.low, 55),
    "crossed": lambda bars: arrays.crossed(bars.close, arrays.ema(bars.close, 20)),
    "held": lambda bars: arrays.held(arrays.crossed(bars.close, arrays.ema(bars.close, 20))),
    "coarse": _hourly,
}


def of_signal(signal: OwnSignal) -> Evaluated:
    """A user's own signal."""

    def evaluated(market: Market, backwards: bool) -> Outputs:
        return {signal.name: evaluate(signal, market, backwards=backwards)}

    return evaluated


# ---------------------------------------------------------------- trying it


def try_cuts(
    evaluated: Evaluated,
    market: Market,
    count: int = 40,
    seed: int = 1,
    on_progress: Advance | None = None,
) -> list[Trial]:
    """Cut a market at about ``count`` points and compare what each signal said.

    Raises
    ------
    MastertradingError
        If it fails on the whole market.
    """
    whole = evaluated(market, False)
    trials = {name: _trial(name, rows) for name, rows in whole.items()}
    _compare_runs(trials, whole, evaluated(market, True))
    world, future = world_of(market), another_future(market)
    cuts = cuts_of(market, seed, count)
    for done, cut_ms in enumerate(cuts):
        rng = chance(seed, cut_ms)
        for way, changed in (("cut", until(world, cut_ms)), ("randomise", future(world, cut_ms, rng))):
            if len(changed["close"].at_ms):
                cut_market = market_of(changed, market)
                other = _run(evaluated, cut_market, trials)
                for name, said in (other or {}).items():
                    _compare(trials[name], whole[name], said, cut_market, (cut_ms, way))
        if on_progress is not None:
            on_progress(done + 1, len(cuts))
    _compare_runs(trials, whole, evaluated(market, False))
    return list(trials.values())


def _trial(name: str, rows: Records) -> Trial:
    spoken = says(rows)
    return Trial(name, begins=int(np.argmax(spoken.any(axis=1))), says=int(spoken.sum()))


def says(rows: Records) -> Bool:
    """Where something is said: not 0, not NaN. Of records their first field; shape (bars, instruments)."""
    values = rows[rows.dtype.names[0]] if rows.dtype.names else rows
    spoken: Bool = (values != 0) & ~np.isnan(values)
    return spoken


def _compare_runs(trials: Mapping[str, Trial], first: Outputs, second: Outputs) -> None:
    """Two runs over the same market must be the same, but for how sums are rounded by several threads."""
    for name, trial in trials.items():
        by = largest_difference(first[name], second[name])
        if by > ROUNDING:
            trial.steady = False
            trial.by = max(trial.by, by)


def _run(evaluated: Evaluated, market: Market, trials: Mapping[str, Trial]) -> Outputs | None:
    """What is said over a cut market; None, and noted, where it fails."""
    try:
        return evaluated(market, False)
    except MastertradingError as error:
        for trial in trials.values():
            trial.failed += 1
            trial.failure = f"{error.what}: {error.why} ({len(market.ts_ms)} bars; {error.where})"
        return None


def _compare(trial: Trial, whole: Records, other: Records, market: Market, cut: tuple[int, str]) -> None:
    """Note whether anything known by the cut is not what it was."""
    cut_ms, way = cut
    closes = market.ts_ms + market.base_ms
    known = int(np.searchsorted(closes, cut_ms, side="right"))
    mine, theirs = whole[:known], other[:known]
    trial.tried.add(cut_ms)
    differs = differing(mine, theirs)
    if not differs.any():
        return
    first = int(np.argmax(differs))
    trial.changed.add(cut_ms)
    if first <= trial.begins:
        trial.from_start.add(cut_ms)
    trial.by = max(trial.by, largest_difference(mine, theirs))
    trial.reaches.append(known - first)
    if trial.first_ms is None or closes[first] < trial.first_ms:
        trial.first_ms, trial.cut_ms, trial.way = int(closes[first]), cut_ms, way
        trial.instrument = market.symbols[int(np.argmax(differing(mine[first], theirs[first])))]
