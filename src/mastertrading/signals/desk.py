"""The desk of one instrument: everything the four modules remember, and the step that takes one base bar in.

Backtest folds ``step`` over arrays (``signals.panel``), live calls it once a minute: the same function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.market import Records
from mastertrading.indicators.oscillators import spread, standardised
from mastertrading.indicators.structure import STRUCTURE, STRUCTURE_RULES, structure_init, structure_step
from mastertrading.indicators.timeframes import forming_step, merge, start
from mastertrading.indicators.windows import HISTORY, MASK, RING, history_peek, history_step
from mastertrading.signals.carry import CARRY_RULES, carry
from mastertrading.signals.funding import FUNDING, FUNDING_RULES, charge, is_known
from mastertrading.signals.mean_reversion import MEANREV_RULES, mean_reversion
from mastertrading.signals.rows import VERDICT
from mastertrading.signals.smart_money import SMC_RULES, smart_money
from mastertrading.signals.trend import TREND_RULES, trend
from mastertrading.signals.view import FRAME, STRETCH_BARS, TIMEFRAME, VIEW, frame_close, frame_read

SIGNAL_RULES = np.dtype(
    [
        ("ltf", TIMEFRAME),
        ("htf", TIMEFRAME),
        ("htf2", TIMEFRAME),
        ("prime", "u1"),  # 1: HTF and HTF2 begin with the stored coarser bars
        ("funding", FUNDING_RULES),
        ("trend", TREND_RULES),
        ("meanrev", MEANREV_RULES),
        ("carry", CARRY_RULES),
        ("structure", STRUCTURE_RULES),
        ("smc", SMC_RULES),
    ],
    align=True,
)
"""All rules of the four modules; filled by ``settings.signal_rules``."""

DESK = np.dtype(
    [
        ("ltf", FRAME),
        ("htf", FRAME),
        ("htf2", FRAME),
        ("history", HISTORY),  # LTF rows
        ("stretch", RING),  # LTF close - EMA20
        ("structure", STRUCTURE),  # of finished LTF rows
        ("funding", FUNDING),
        ("primed_ms", "i8"),  # close of the last primed bar; 0 = none
        ("primed_length_ms", "i8"),
        ("seen", VIEW),  # at the newest minute
    ],
    align=True,
)

VERDICTS = np.dtype(
    [("trend", VERDICT), ("meanrev", VERDICT), ("carry", VERDICT), ("smc", VERDICT)], align=True
)
"""The four verdicts of one instrument and minute: the same bytes as VERDICT[4] in Module order."""


@kernel(entry=True)
def init(desk: Any) -> None:
    """Begin a zeroed desk."""
    structure_init(desk.structure)


@kernel
def forget(frame: Any) -> None:
    """A timeframe as if nothing had been seen."""
    frame.bars = 0
    frame.ema20.bars, frame.ema20.value = 0, 0.0
    frame.ema50.bars, frame.ema50.value = 0, 0.0
    frame.finished.ready = 0
    ranges = frame.ranges
    ranges.bars = 0
    ranges.true_range.values, ranges.true_range.value = 0, 0.0
    ranges.plus.values, ranges.plus.value = 0, 0.0
    ranges.minus.values, ranges.minus.value = 0, 0.0
    ranges.dx.values, ranges.dx.value = 0, 0.0


@kernel
def prime_frame(frame: Any, timeframe: Any, bar: Any) -> None:
    """Take one stored coarser bar in; a longer bar needs all of its parts (DEFINITIONS 10.3)."""
    length = bar.close_ms - bar.open_ms
    if timeframe.length_ms % length != 0:
        return
    whole = frame.forming.bar
    if bar.open_ms % timeframe.length_ms == 0:
        start(whole, bar.open_ms, timeframe.length_ms)
    if bar.open_ms < whole.close_ms:
        merge(whole, bar)
    if bar.close_ms == whole.close_ms and whole.bars * length == timeframe.length_ms:
        frame_close(frame, whole, timeframe.warm_up)


@kernel(entry=True)
def prime(desk: Any, rules: Any, bars: Records) -> None:
    """Begin HTF and HTF2 with stored coarser bars.

    Parameters
    ----------
    bars
        BAR records of one length, unbroken, oldest first, all closed before the base begins. If they do not
        reach to the base's first bar, the first ``step`` forgets them again.
    """
    if rules.prime == 0:
        return
    for k in range(bars.shape[0]):
        prime_frame(desk.htf, rules.htf, bars[k])
        prime_frame(desk.htf2, rules.htf2, bars[k])
        desk.primed_ms = bars[k].close_ms
        desk.primed_length_ms = bars[k].close_ms - bars[k].open_ms
    desk.htf.forming.bar.bars = 0
    desk.htf2.forming.bar.bars = 0


@kernel
def check_primed(desk: Any, bar: Any) -> None:
    """At the first valid base bar: primed bars that do not reach to it are of no use."""
    if desk.ltf.forming.begun == 0 and bar.bars > 0 and desk.primed_ms != 0:
        gap = bar.open_ms - desk.primed_ms
        if gap < 0 or gap >= desk.primed_length_ms:
            forget(desk.htf)
            forget(desk.htf2)
            desk.primed_ms = 0


@kernel(entry=True)
def settle(desk: Any, rules: Any, ts_ms: int, rate: float, interval_ms: int) -> None:
    """Take a funding settlement in, before the ``step`` of the first bar that closes at or after it."""
    charge(desk.funding, rules.funding, ts_ms, rate, interval_ms)


@kernel
def close_ltf(desk: Any, rules: Any) -> None:
    """Commit a finished LTF bar: indicators, history, structure."""
    frame = desk.ltf
    frame_close(frame, frame.forming.bar, rules.ltf.warm_up)
    index = history_step(desk.history, frame.forming.bar)
    desk.stretch.values[index & MASK] = frame.finished.close - frame.finished.ema20
    structure_step(desk.structure, desk.history, frame.finished.atr, rules.structure)


@kernel
def advance(desk: Any, rules: Any, bar: Any) -> None:
    """Take a base bar into the three timeframes; commit those that finish with it."""
    check_primed(desk, bar)
    if forming_step(desk.ltf.forming, bar, rules.ltf.length_ms):
        close_ltf(desk, rules)
    if forming_step(desk.htf.forming, bar, rules.htf.length_ms):
        frame_close(desk.htf, desk.htf.forming.bar, rules.htf.warm_up)
    if forming_step(desk.htf2.forming, bar, rules.htf2.length_ms):
        frame_close(desk.htf2, desk.htf2.forming.bar, rules.htf2.warm_up)


@kernel
def read_ltf(desk: Any, rules: Any, t_ms: int) -> None:
    """The LTF part of the view: newest row, and its stretch in the window of 60."""
    view = desk.seen
    view.newest = desk.history.bars - 1
    if frame_read(desk.ltf, rules.ltf, t_ms, view.ltf):
        view.newest = history_peek(desk.history, desk.ltf.forming.bar)
        desk.stretch.values[view.newest & MASK] = view.ltf.close - view.ltf.ema20
    window = spread(desk.stretch, view.newest, STRETCH_BARS)
    view.z = standardised(desk.stretch.values[view.newest & MASK], window)
    view.z_deviation = window.deviation


@kernel
def read(desk: Any, rules: Any, t_ms: int) -> None:
    """Write the view at t."""
    view = desk.seen
    frame_read(desk.htf, rules.htf, t_ms, view.htf)
    frame_read(desk.htf2, rules.htf2, t_ms, view.htf2)
    finished = desk.htf.finished
    view.atr_frac = finished.atr / finished.close if finished.ready != 0 else np.nan
    view.funding_known = is_known(desk.funding, rules.funding, t_ms)
    view.funding = desk.funding.rate
    view.funding_usual = desk.funding.usual


@kernel
def write_context(context: Any, desk: Any) -> None:
    """What allocation and risk read; NaN until the hour is warm and the base has begun."""
    view = desk.seen
    ready = view.htf.ready != 0 and desk.ltf.forming.begun != 0
    context.htf_adx = view.htf.adx if ready else np.nan
    context.atr_frac = view.atr_frac if ready else np.nan


@kernel(entry=True)
def step(desk: Any, rules: Any, bar: Any, minute: Any, verdicts: Any, context: Any) -> None:
    """Take one base bar in and say what every module thinks at its close.

    Parameters
    ----------
    desk
        DESK record, changed in place.
    rules
        SIGNAL_RULES record.
    bar
        BAR record: every minute of the grid in turn, missing ones with ``bars = 0``.
    minute
        MINUTE record of the same minute.
    verdicts, context
        VERDICTS and CONTEXT records, written.
    """
    advance(desk, rules, bar)
    desk.seen.valid = bar.bars > 0
    read(desk, rules, bar.close_ms)
    if desk.seen.valid != 0:
        read_ltf(desk, rules, bar.close_ms)
    trend(verdicts.trend, desk, rules.trend)
    mean_reversion(verdicts.meanrev, desk, rules.meanrev)
    carry(verdicts.carry, desk, rules.carry)
    smart_money(verdicts.smc, desk, minute, rules.smc)
    write_context(context, desk)
