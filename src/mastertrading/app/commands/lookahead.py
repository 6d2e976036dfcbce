"""``lookahead``: whether signals know the future, and how long they need to settle."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.app.options import (
    SYNTHETIC_DAYS,
    add_common,
    check_window,
    chosen_instruments,
    natural,
    resolved_settings,
)
from mastertrading.app.own_signal import add_signal, signal_asked
from mastertrading.app.terminal import err, out, progress, table
from mastertrading.domain.errors import UsageError, ValidationFailed

if TYPE_CHECKING:
    from mastertrading.domain.market import Market
    from mastertrading.research.examine import Examined
    from mastertrading.research.lookahead import Evaluated
    from mastertrading.research.own_signal import OwnSignal
    from mastertrading.settings.schema import Settings

SUMMARY = "check whether signals know the future: yours, or the four modules and the indicators"
FEW = 3
"""Instruments that are enough where each is seen by itself."""
FEWEST_CUTS, MOST_CUTS = 4, 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_signal(parser)
    add_common(parser, "data", "venue", "instruments", "window", "config", "seed", "json")
    parser.add_argument(
        "--synthetic", action="store_true", help="make a market from the seed (the default without --data)"
    )
    parser.add_argument(
        "--cuts", type=natural, default=40, metavar="N", help="where to cut the data, about (default 40)"
    )


def run(args: argparse.Namespace) -> int:
    """Do it; exit code 4 if a signal looks ahead, or does not repeat itself."""
    _check(args)
    resolved = resolved_settings(args)
    signal = signal_asked(args)
    from mastertrading.app.commands.warm import compile_if_needed

    remarks = err(quiet=args.json)
    compile_if_needed(quiet=args.json)
    from mastertrading.app.backtest import Wanted, market_of

    chosen = chosen_instruments(args, resolved)
    if args.instruments is None and not (signal is not None and signal.wants_panel):
        chosen = chosen[:FEW]
    wanted = Wanted(chosen, args.data, args.venue, SYNTHETIC_DAYS, args.from_ms, args.to_ms)
    market = market_of(
        wanted,
        resolved.settings,
        lambda sentence: remarks.print(tr(sentence), style="dim", markup=False),
    )
    with progress(tr("cutting"), 1000, quiet=args.json, console=remarks) as advance:
        report = check(
            signal,
            market,
            resolved.settings,
            cuts=args.cuts,
            from_ms=args.from_ms,
            on_progress=lambda done, total: advance(1000 * done // total),
        )
    _show(args, report)
    return ValidationFailed.exit_code if report.biased else 0


def check(
    signal: OwnSignal | None, market: Market, settings: Settings, *, cuts: int = 40, **rest: object
) -> Examined:
    """Examine a user's signal, or without one the modules and the indicators."""
    from mastertrading.research.examine import examine, primed_bars
    from mastertrading.research.lookahead import of_arrays, of_modules, of_signal

    primed = primed_bars(market) if settings.data.prime else 0
    every: list[tuple[Evaluated, int | None]] = [
        (of_modules(settings), primed),
        (of_arrays(), None),
    ]
    if signal is not None:
        every = [(of_signal(signal), 0)]
    return examine(every, market, cuts=cuts, seed=settings.seed, **rest)  # type: ignore[arg-type]


def _check(args: argparse.Namespace) -> None:
    check_window(args)
    if args.synthetic and args.data is not None:
        raise UsageError(tr("choose one of --data and --synthetic"), hint=tr("leave one of them out"))
    if not FEWEST_CUTS <= args.cuts <= MOST_CUTS:
        sentence = tr("--cuts must be between {fewest} and {most}")
        raise UsageError(sentence.format(fewest=FEWEST_CUTS, most=MOST_CUTS))


def _show(args: argparse.Namespace, report: Examined) -> None:
    from mastertrading.app.lookahead_words import sentences

    if args.json:
        print(json.dumps({**report.as_dict(), "sentences": sentences(report)}, indent=2, ensure_ascii=False))
        return
    console = out()
    _show_cuts(report)
    _show_warm_up(report)
    for sentence in sentences(report):
        console.print(sentence, markup=False, style="bold red" if report.biased else None)


def _show_cuts(report: Examined) -> None:
    from mastertrading.app.lookahead_words import VERDICTS, amount, moment

    shown = table(
        tr("Look-ahead"),
        *(tr(name) for name in ("Signal", "Cuts", "Changed", "First bar that differs", "By", "Verdict")),
        numbers=(1, 2, 4),
    )
    for trial in report.trials:
        by = amount(trial.by) if trial.by else ""
        place = f"{trial.instrument} {moment(trial.first_ms)}".strip()
        verdict = tr(VERDICTS[trial.verdict])
        shown.add_row(trial.signal, str(len(trial.tried)), str(len(trial.changed)), place, by, verdict)
    out().print(shown)


def _show_warm_up(report: Examined) -> None:
    from mastertrading.app.lookahead_words import WARM_VERDICTS
    from mastertrading.research.warm_up import TOLERANCES

    names = ("Signal", "Speaks after", "Settles 1e-3", "1e-9", "to the bit", "Bars before", "Verdict")
    shown = table(tr("Warm-up, in bars"), *(tr(name) for name in names), numbers=(1, 2, 3, 4, 5))
    for each in report.warm_ups:
        settled = [each.settled[label] for label in TOLERANCES]
        numbers = (each.speaks, *settled, each.available)
        counts = ["–" if count is None else f"{count:,}" for count in numbers]
        shown.add_row(each.signal, *counts, tr(WARM_VERDICTS[each.verdict]))
    out().print(shown)
