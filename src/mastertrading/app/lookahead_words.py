"""The look-ahead check in plain words: a sentence a signal, and short texts for the tables."""

from __future__ import annotations

from datetime import UTC, datetime

from mastertrading.app.messages import tr
from mastertrading.research.examine import Examined
from mastertrading.research.lookahead import CLEAN, LOOKS_AHEAD, ROUNDED, SILENT, UNSTEADY, Trial
from mastertrading.research.warm_up import WarmUp

VERDICTS = {
    CLEAN: "clean",
    LOOKS_AHEAD: "LOOKS AHEAD",
    UNSTEADY: "UNSTEADY",
    ROUNDED: "clean but for rounding",
    SILENT: "silent",
}
WARM_VERDICTS = {
    "settled": "in time",
    "early": "speaks too early",
    "never": "does not settle",
    "silent": "silent",
    "": "",
}
GUESSES = {
    "shift": "It reads a bar that is still to come: look for a shift by a negative number, or [1:].",
    "bar": (
        "What changes begins up to {bars} bars before the cut: look for a longer bar that is used before it is "
        "finished, or a window that is centred."
    ),
    "sample": (
        "Every value changes, from the first on: look for a mean, a deviation, a maximum or a rank over the whole "
        "sample."
    ),
}


def sentences(report: Examined) -> list[str]:
    """What the check says, most serious first."""
    told = [_of_trial(trial) for trial in sorted(report.trials, key=lambda one: not one.biased)]
    told = [sentence for sentence in told if sentence]
    told += [_failed(trial) for trial in report.trials[:1] if trial.failed]
    told += [
        _of_warm_up(each, report.base_ms) for each in report.warm_ups if each.verdict in ("early", "never")
    ]
    if not report.biased:
        clean = [trial for trial in report.trials if trial.verdict in (CLEAN, ROUNDED)]
        if clean:
            most = max(len(trial.tried) for trial in clean)
            sentence = tr(
                "No look-ahead found: at {cuts} cuts nothing that was said before changed with what came after."
            )
            told.insert(0, sentence.format(cuts=most))
    return told


def _of_trial(trial: Trial) -> str:
    if trial.verdict == UNSTEADY:
        sentence = tr(
            "{signal} does not repeat itself: the same bars gave other values (by up to {by}). It draws random "
            "numbers, or remembers earlier calls."
        )
        return sentence.format(signal=trial.signal, by=amount(trial.by))
    if trial.verdict == LOOKS_AHEAD:
        sentence = tr(
            "{signal} looks ahead: what it said of {instrument} at {at} changed when only what came after {cut} was "
            "other, by up to {by}, at {changed} of {cuts} cuts. A backtest of it is worth nothing."
        )
        told = sentence.format(
            signal=trial.signal,
            instrument=trial.instrument,
            at=moment(trial.first_ms),
            cut=moment(trial.cut_ms),
            by=amount(trial.by),
            changed=len(trial.changed),
            cuts=len(trial.tried),
        )
        return f"{told} {tr(GUESSES[trial.guess]).format(bars=trial.reach)}"
    if trial.verdict == SILENT:
        sentence = tr("{signal} says nothing in these bars, so nothing is proved: give it more of them.")
        return sentence.format(signal=trial.signal)
    if trial.verdict == ROUNDED:
        sentence = tr(
            "{signal} differs in the last digits (by up to {by}): its sums depend on how much follows."
        )
        return sentence.format(signal=trial.signal, by=amount(trial.by))
    return ""


def _failed(trial: Trial) -> str:
    sentence = tr("{signal} failed in {runs} runs over cut markets, the last time so: {failure}")
    return sentence.format(signal=trial.signal, runs=trial.failed, failure=trial.failure)


def _of_warm_up(each: WarmUp, base_ms: int) -> str:
    needed = each.settled["1e-3"]
    if needed is None:
        sentence = tr(
            "{signal} does not settle within {bars} bars: what it says depends on where its data begin, so two runs "
            "that begin apart will disagree."
        )
        return sentence.format(signal=each.signal, bars=each.bars)
    sentence = tr(
        "{signal} speaks after {speaks} bars but agrees with a longer past only after {needed} ({length}), and "
        "{available} bars lie before the first decision: begin the run later (--from) or let it stay silent longer."
    )
    return sentence.format(
        signal=each.signal,
        speaks=each.speaks,
        needed=needed,
        length=duration(needed * base_ms),
        available=each.available,
    )


def moment(at_ms: int | None) -> str:
    """A time to the minute (to the millisecond where it has any), UTC; nothing where there is none."""
    if at_ms is None:
        return ""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M}" if at_ms % 60_000 == 0 else f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3]


def amount(by: float) -> str:
    """A difference; against no value at all it has no size."""
    return f"{by:.2g}" if by < float("inf") else tr("a value where there was none")


def duration(length_ms: int) -> str:
    """A length such as ``1 d 4 h`` or ``1 h 33 min``."""
    minutes = length_ms // 60_000
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
