"""The four modules over a market: every desk stepped through every minute.

``Panel`` carries the desks, so that a long market can be evaluated in chunks; ``evaluate`` does it in one go.
Both give the same bytes as calling ``desk.step`` minute by minute, because that is all they do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import kernel, records
from mastertrading.domain.errors import DataError
from mastertrading.domain.market import HOUR_MS, Bars, Market, Records
from mastertrading.domain.reasons import Module
from mastertrading.indicators.timeframes import BAR, pack_bars
from mastertrading.signals.desk import DESK, VERDICTS, init, prime, settle, step
from mastertrading.signals.rows import CONTEXT, VERDICT

CHARGE = np.dtype([("ts_ms", "i8"), ("instrument", "i8"), ("rate", "f8"), ("interval_ms", "i8")], align=True)
"""A funding settlement of one instrument."""


@kernel(entry=True)
def fold(
    desks: Any,
    rules: Any,
    bars: Records,
    minutes: Records,
    charges: Records,
    verdicts: Records,
    contexts: Records,
) -> int:
    """Step every desk through every minute; return how many of ``charges`` were used.

    A settlement is known to the first minute that closes at or after it.
    """
    used = 0
    for t in range(bars.shape[0]):
        while used < charges.shape[0] and charges[used].ts_ms <= minutes[t].t_ms:
            charge = charges[used]
            settle(desks[charge.instrument], rules[0], charge.ts_ms, charge.rate, charge.interval_ms)
            used += 1
        for n in range(bars.shape[1]):
            step(desks[n], rules[0], bars[t, n], minutes[t], verdicts[t, n], contexts[t, n])
    return used


class Panel:
    """The desks of a market's instruments, and how far they have come.

    Parameters
    ----------
    market
        What happened.
    rules
        One SIGNAL_RULES record, shape (1,).
    minutes
        MINUTE records of the market's bars, shape (bars,).

    Raises
    ------
    DataError
        If the minutes are not those of the market, or base bars do not fit into LTF bars.
    """

    def __init__(self, market: Market, rules: Records, minutes: Records) -> None:
        _check(market, rules, minutes)
        self.market, self.rules, self.minutes = market, rules, minutes
        self.desks = records(DESK, len(market.instruments))
        self.done = 0
        self._charges = _charges(market)
        self._used = 0
        for n, desk in enumerate(self.desks):
            init(desk)
            prime(desk, rules[0], primer_bars(market, n))

    def evaluate_chunk(self, start: int, stop: int) -> tuple[Records, Records]:
        """Evaluate the bars [start, stop), which must follow on from the chunk before.

        Returns
        -------
        VERDICT records of shape (stop - start, instruments, modules), modules in the order of
        ``domain.reasons.Module``, and CONTEXT records of shape (stop - start, instruments).
        """
        if start != self.done or not start <= stop <= len(self.market.ts_ms):
            raise DataError(
                f"bars {start} to {stop} cannot be evaluated now",
                why=f"the desks have seen {self.done} of {len(self.market.ts_ms)} bars",
            )
        shape = (stop - start, len(self.market.instruments))
        verdicts, contexts = records(VERDICT, (*shape, len(Module))), records(CONTEXT, shape)
        rows = verdicts.view(VERDICTS).reshape(shape).view(np.recarray)
        bars, minutes = chunk_bars(self.market, start, stop), self.minutes[start:stop]
        charges = self._charges[self._used :]
        self._used += int(fold(self.desks, self.rules, bars, minutes, charges, rows, contexts))
        self.done = stop
        return verdicts, contexts


def evaluate(market: Market, rules: Records, minutes: Records) -> tuple[Records, Records]:
    """Evaluate a whole market: verdicts (bars, instruments, modules) and contexts (bars, instruments)."""
    return Panel(market, rules, minutes).evaluate_chunk(0, len(market.ts_ms))


def chunk_bars(market: Market, start: int, stop: int, only: int | None = None) -> Records:
    """BAR records of the market's bars [start, stop), shape (bars, instruments); ``only`` one of them if given."""
    columns = slice(None) if only is None else slice(only, only + 1)
    panels = market.open, market.high, market.low, market.close, market.volume
    open_, high, low, close, volume = (np.ascontiguousarray(panel[start:stop, columns]) for panel in panels)
    valid = np.ascontiguousarray(market.valid[start:stop, columns])
    out = records(BAR, valid.shape)
    pack_bars(market.ts_ms[start:stop], open_, high, low, close, volume, valid, market.base_ms, out)
    return out


def primer_bars(market: Market, instrument: int) -> Records:
    """BAR records of the primer's unbroken tail that closes at or before the instrument's first valid bar."""
    primer, valid = market.primer[instrument], market.valid[:, instrument]
    if len(primer) == 0:
        return records(BAR, 0)
    begun_ms = market.ts_ms[np.argmax(valid)] if valid.any() else market.ts_ms[-1] + market.base_ms
    length = int(primer.ts_ms[1] - primer.ts_ms[0]) if len(primer) > 1 else HOUR_MS
    stop = int(np.searchsorted(primer.ts_ms, begun_ms - length, side="right"))
    holes = np.flatnonzero(np.diff(primer.ts_ms[:stop]) != length)
    return pack(primer, int(holes[-1]) + 1 if len(holes) else 0, stop, length)


def pack(bars: Bars, start: int, stop: int, length_ms: int) -> Records:
    """BAR records, shape (stop - start,), of bars of one length."""
    out = records(BAR, (stop - start, 1))
    cut = slice(start, stop)
    open_, high, low = bars.open[cut, None], bars.high[cut, None], bars.low[cut, None]
    close, volume = bars.close[cut, None], bars.volume[cut, None]
    valid = np.ones((stop - start, 1), np.bool_)
    pack_bars(bars.ts_ms[cut], open_, high, low, close, volume, valid, length_ms, out)
    return out[:, 0]


def _charges(market: Market) -> Records:
    """Every settlement of every instrument, in the order of time (then of columns)."""
    parts = []
    for n, paid in enumerate(market.settlements):
        part = records(CHARGE, len(paid.ts_ms))
        part["ts_ms"], part["rate"], part["interval_ms"] = paid.ts_ms, paid.rate, paid.interval_ms
        part["instrument"] = n
        parts.append(part)
    joined = np.concatenate([*parts, records(CHARGE, 0)])
    return joined[np.argsort(joined["ts_ms"], kind="stable")].view(np.recarray)


def _check(market: Market, rules: Records, minutes: Records) -> None:
    if not np.array_equal(minutes["t_ms"], market.ts_ms + market.base_ms):
        raise DataError("the minutes are not those of the market")
    ltf_ms = int(rules[0].ltf.length_ms)
    if ltf_ms % market.base_ms:
        raise DataError(
            f"base bars of {market.base_ms // 1000} s do not fit into signal bars of {ltf_ms // 1000} s",
            where="[data] ltf_minutes",
        )
