"""Composition root of a backtest: the one place that knows which concrete parts make one.

==============  ===================================================
bars, funding   ``lake.load_market``, or ``lake.synthesize``
forecasts       the modules, or the user's file
replay          ``backtest.run``
results         ``backtest.folder``, streamed while the run goes on
==============  ===================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mastertrading.backtest.folder import RunFolder
from mastertrading.backtest.result import Result
from mastertrading.backtest.run import Ask, run
from mastertrading.backtest.statistics import Statistics, statistics
from mastertrading.domain.errors import ConfigError, DataMissing
from mastertrading.domain.market import F64, I64, MINUTE_MS, Market
from mastertrading.lake.given import read_calendar, read_forecasts
from mastertrading.lake.lock import is_alive
from mastertrading.lake.names import moment, timeframe_name
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import synthesize
from mastertrading.settings.schema import Settings

Notice = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for.

    Attributes
    ----------
    data
        Folder of market data; None: a synthetic market of ``days`` days.
    signals
        File with forecasts in place of the modules.
    out
        Folder for the results; None: write none.
    """

    instruments: tuple[str, ...]
    data: Path | None = None
    venue: str | None = None
    days: float = 10.0
    from_ms: int | None = None
    to_ms: int | None = None
    signals: Path | None = None
    out: Path | None = None
    all_paths: bool = True


def backtest(
    wanted: Wanted,
    settings: Settings,
    *,
    notice: Notice,
    on_market: Callable[[Market], None] = lambda market: None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Result, Statistics]:
    """Get the market, replay it, measure the result, and write its folder if one was asked for."""
    started = time.perf_counter()
    market = market_of(wanted, settings, notice)
    on_market(market)
    macro_ms = macro_events(settings, market, wanted.to_ms, notice)
    given = None if wanted.signals is None else own_forecasts(wanted.signals, market)
    ask = Ask(
        from_ms=wanted.from_ms,
        to_ms=wanted.to_ms,
        forecasts=given,
        macro_ms=macro_ms,
        all_paths=wanted.all_paths,
    )
    loaded = time.perf_counter()
    if wanted.out is None:
        result = run(market, settings, ask, on_progress=on_progress)
        return result, statistics(result)
    with RunFolder(wanted.out, is_alive) as folder:
        modules = ("user",) if given is not None else ("trend", "meanrev", "carry", "smc")
        result = run(
            market,
            settings,
            ask,
            on_decisions=lambda t_ms, verdicts, decisions: folder.write_decisions(
                t_ms, verdicts, decisions, market.symbols, modules
            ),
            on_progress=on_progress,
        )
        result = replace(result, seconds={"market": loaded - started, **result.seconds})
        measured = statistics(result)
        folder.write_result(result, measured)
    return result, measured


def market_of(wanted: Wanted, settings: Settings, notice: Notice) -> Market:
    """Recorded bars, or a synthetic market from the seed."""
    if wanted.data is None:
        minutes = settings.data.base_minutes
        return synthesize(wanted.instruments, wanted.days, settings.seed, base_minutes=minutes)
    return load_market(
        wanted.data,
        wanted.instruments,
        venue=wanted.venue,
        base=timeframe_name(settings.data.base_minutes * MINUTE_MS),
        start=wanted.from_ms,
        end=wanted.to_ms,
        settings=settings,
        notice=notice,
    )


def own_forecasts(path: Path, market: Market) -> dict[str, tuple[I64, F64]]:
    """The user's forecasts, some of which must lie within the bars of the market."""
    given = read_forecasts(path, market.symbols)
    first, last = int(market.ts_ms[0]), int(market.ts_ms[-1])
    earliest = min(int(ts_ms[0]) for ts_ms, _ in given.values())
    latest = max(int(ts_ms[-1]) for ts_ms, _ in given.values())
    if latest < first or earliest > last:
        raise DataMissing(
            f"no forecast of {path.name} lies within the bars of this run",
            why=f"they are from {moment(earliest)} to {moment(latest)} UTC, the bars from {moment(first)} to "
            f"{moment(last)}",
            where=str(path),
            hint="a forecast's ts is the open time of the bar it was computed from, in ms since 1970, UTC",
        )
    return given


def macro_events(settings: Settings, market: Market, to_ms: int | None, notice: Notice) -> I64 | None:
    """Important events of the configured calendar; says so where there is none, or where it has run out."""
    macro = settings.risk.gates.macro
    if not macro.calendar:
        notice("no macro calendar is configured: the macro gate is off ([risk.gates.macro] calendar)")
        return None
    events = read_calendar(Path(macro.calendar))
    end_ms = to_ms or int(market.ts_ms[-1]) + market.base_ms
    if len(events) == 0 or events[-1] < end_ms:
        why = f"the last important event of {macro.calendar} is before the end of this run"
        if macro.past_calendar == "refuse":
            raise ConfigError(
                "the macro calendar has run out", why=why, where="[risk.gates.macro] past_calendar"
            )
        notice(f"{why}: later entries are not held back")
    return events
