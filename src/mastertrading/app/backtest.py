"""Composition root of a backtest: the one place that knows which concrete parts make one.

==============  ===================================================
bars, funding   ``lake.load_market``, or ``lake.synthesize``
forecasts       the modules, the user's function, or the user's file
replay          ``backtest.run``
results         ``backtest.folder``, streamed while the run goes on
report          ``surfaces.report``, from the finished folder
==============  ===================================================
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mastertrading.app.messages import tr
from mastertrading.backtest.folder import SUMMARY, RunFolder
from mastertrading.backtest.result import Result
from mastertrading.backtest.run import Ask, run
from mastertrading.backtest.statistics import Statistics, statistics
from mastertrading.domain.errors import ConfigError, DataMissing
from mastertrading.domain.market import DAY_MS, F64, I64, MINUTE_MS, Market
from mastertrading.domain.reasons import EventKind
from mastertrading.lake.given import read_calendar, read_forecasts
from mastertrading.lake.lock import is_alive
from mastertrading.lake.names import moment, timeframe_name
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import synthesize
from mastertrading.research.own_signal import OwnSignal, evaluate
from mastertrading.settings.schema import Settings
from mastertrading.surfaces.report.page import REPORT, write_report

Notice = Callable[[str], None]
FAR_MS = 1 << 53


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for.

    Attributes
    ----------
    instruments
        Canonical names.
    data
        Folder of market data; None: a synthetic market of ``days`` days.
    signals
        File with forecasts in place of the modules.
    signal
        A function that makes forecasts in place of the modules.
    out
        Folder for the results; None: write none.
    report
        Whether the folder gets a ``report.html``.
    """

    instruments: tuple[str, ...]
    data: Path | None = None
    venue: str | None = None
    days: float = 10.0
    from_ms: int | None = None
    to_ms: int | None = None
    signals: Path | None = None
    signal: OwnSignal | None = None
    out: Path | None = None
    all_paths: bool = True
    report: bool = True


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
    given = None if wanted.signals is None else read_forecasts(wanted.signals, wanted.instruments)
    notes: list[str] = []
    market = market_of(wanted, settings, kept_in(notes, notice))
    on_market(market)
    macro_ms = macro_events(settings, market, wanted.to_ms, notice)
    if given is not None:
        check_forecasts(given, market, wanted, notice)
    own = None if wanted.signal is None else own_forecasts(wanted.signal, market, notice)
    ask = Ask(
        from_ms=wanted.from_ms,
        to_ms=wanted.to_ms,
        forecasts=given if own is None else own,
        macro_ms=macro_ms,
        all_paths=wanted.all_paths,
    )
    loaded = time.perf_counter()
    if wanted.out is None:
        result = run(market, settings, ask, on_progress=on_progress)
        result = named_by_signal(result, wanted.signal)
        tell_unbooked_transfers(settings, result, notice)
        return result, statistics(result)
    with RunFolder(wanted.out, is_alive) as folder:
        modules = (
            ("user",)
            if given is not None or wanted.signal is not None
            else ("trend", "meanrev", "carry", "smc")
        )
        result = run(
            market,
            settings,
            ask,
            on_decisions=lambda t_ms, verdicts, decisions, rows: folder.write_decisions(
                t_ms, verdicts, decisions, rows, market.symbols, modules
            ),
            on_progress=on_progress,
        )
        tell_unbooked_transfers(settings, result, notice)
        result = named_by_signal(result, wanted.signal)
        result = replace(result, seconds={"market": loaded - started, **result.seconds})
        measured = statistics(result)
        folder.write_result(result, measured)
        if wanted.signal is not None:
            record_signal(folder.path(SUMMARY), wanted.signal)
        if wanted.report:
            write_report(folder.path(REPORT).parent, market, notes=notes, translate=tr)
    return result, measured


def own_forecasts(signal: OwnSignal, market: Market, notice: Notice) -> F64:
    """The forecasts of a user's function, and a word where it never says anything."""
    values = evaluate(signal, market)
    silent = [symbol for n, symbol in enumerate(market.symbols) if not values[:, n].any()]
    if silent:
        notice(f"{signal} has no opinion at any bar of {', '.join(silent)}")
    return values


def named_by_signal(result: Result, signal: OwnSignal | None) -> Result:
    """The same result under an id that holds the signal's source and parameters as well."""
    if signal is None:
        return result
    told = json.dumps(signal.as_dict(), sort_keys=True)
    return replace(
        result, identify=lambda: hashlib.sha256(f"{result.run_id}\n{told}".encode()).hexdigest()[:16]
    )


def record_signal(summary: Path, signal: OwnSignal) -> None:
    """Add to a run's summary whose forecasts it traded."""
    told = json.loads(summary.read_text(encoding="utf-8"))
    text = json.dumps({**told, "signal": signal.as_dict()}, indent=1, ensure_ascii=False, allow_nan=False)
    summary.write_text(text + "\n", encoding="utf-8", newline="\n")


def tell_unbooked_transfers(settings: Settings, result: Result, notice: Notice) -> None:
    """Say how many configured deposits and withdrawals lie outside the run, and how many were refused."""
    kinds = result.events["kind"]
    refused = int((kinds == EventKind.TRANSFER_REFUSED).sum())
    outside = len(settings.account.transfers) - int((kinds == EventKind.TRANSFER).sum()) - refused
    if outside:
        notice(f"transfers outside the window of the run, not booked: {outside}")
    if refused:
        notice(f"withdrawals of more than the equity, refused: {refused}")


def kept_in(notes: list[str], notice: Notice) -> Notice:
    """Tell a sentence and keep it for the report."""

    def tell(sentence: str) -> None:
        notes.append(sentence)
        notice(sentence)

    return tell


def market_of(wanted: Wanted, settings: Settings, notice: Notice) -> Market:
    """Recorded bars, or a synthetic market from the seed."""
    if wanted.data is None:
        minutes = settings.data.base_minutes
        made = synthesize(wanted.instruments, wanted.days, settings.seed, base_minutes=minutes)
        check_made_window(made, wanted, notice)
        return made
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


def check_made_window(made: Market, wanted: Wanted, notice: Notice) -> None:
    """Refuse a window beside a synthetic market, and say so where one reaches beyond it."""
    first, end = int(made.ts_ms[0]), int(made.ts_ms[-1]) + made.base_ms
    why = f"the synthetic market runs from {moment(first)} to {moment(end)} UTC"
    latest = max(wanted.to_ms or 0, (wanted.from_ms or 0) + 1)
    longer = f"--days {-(-(latest - first) // DAY_MS)}"
    if (wanted.from_ms is not None and wanted.from_ms >= end) or (wanted.to_ms or end) <= first:
        raise DataMissing(
            "there is no bar in the window that was asked for",
            why=why,
            where="--from, --to",
            hint=longer if latest > end else "choose --from and --to inside it",
        )
    if latest > end:
        notice(f"{why}; {longer} makes it long enough")


def check_forecasts(
    given: Mapping[str, tuple[I64, F64]], market: Market, wanted: Wanted, notice: Notice
) -> None:
    """Some of the user's forecasts must lie within the bars of the run; what is not there or not used is told."""
    base = market.base_ms
    first = max(int(market.ts_ms[0]), (wanted.from_ms or 0) - base)
    last = min(int(market.ts_ms[-1]), (wanted.to_ms or FAR_MS) - base)
    times = np.concatenate([ts_ms for ts_ms, _ in given.values()])
    outside = int(((times < first) | (times >= last + base)).sum())
    if outside == len(times):
        span = f"{moment(int(times.min()))} to {moment(int(times.max()))} UTC"
        raise DataMissing(
            f"no forecast of {getattr(wanted.signals, 'name', 'yours')} lies within the bars of this run",
            why=f"they are from {span}, the bars from {moment(first)} to {moment(last)}",
            where=str(wanted.signals),
            hint="a forecast's ts is the open time of the bar it was computed from, in ms since 1970, UTC",
        )
    if outside:
        notice(f"{outside:,} of {len(times):,} forecasts lie outside the bars of this run")
    without = [symbol for symbol in market.symbols if symbol not in given]
    if without:
        notice(f"no forecasts for {len(without)} of {len(market.symbols)} instruments: {', '.join(without)}")


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
