"""The floor: the crossing strategy of the workloads as one flat loop, made to be quick and for nothing else.

Averages, fills, trades, account and equity curve stand in one function without calls, in the engine's exact units. It
knows one strategy, one cost and one way to size, and no reasons, gates, breakers, funding or margin: what the engine
takes beyond it is the price of everything else. Its trades and its equity equal the engine's to the bit.

There are two, so that neither is slowed down by what only the other needs: one instrument lives in registers, several
share an account and live in arrays.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mastertrading.compiled import kernel
from mastertrading.domain.market import F64, I64, Market
from mastertrading.domain.reasons import FillReason

UNIT = 100_000_000
STOP, TARGET = int(FillReason.STOP), int(FillReason.TARGET)
FLIP, END = int(FillReason.FLIP), int(FillReason.END_OF_DATA)
FIELDS = (
    "instrument",
    "side",
    "opened_ms",
    "closed_ms",
    "entry_ticks",
    "exit_ticks",
    "lots",
    "net_atoms",
    "exit_reason",
)
"""Columns of the floor's trades: the engine's names for them."""


class Flat(NamedTuple):
    """The numbers of the strategy.

    Attributes
    ----------
    fast, slow
        Periods of the averages, bars; fast < slow.
    stop, target
        Distances as fractions of the price.
    risk
        What one trade may lose at its stop, fraction of equity.
    fee_e8
        Fee of every fill in 1e-8 of its notional.
    initial_atoms
        The deposit.
    """

    fast: int
    slow: int
    stop: float
    target: float
    risk: float
    fee_e8: int
    initial_atoms: int


class Floored(NamedTuple):
    """What the floor made: trades, shape (trades, FIELDS), and the equity at each close in atoms, shape (bars,)."""

    trades: I64
    equity: I64


def floor(market: Market, flat: Flat) -> Floored:
    """Run the flat loop over a market without missing bars."""
    bars, width = market.close.shape
    per_tick = np.array([1.0 / float(instrument.tick) for instrument in market.instruments])
    atoms = np.array([instrument.atoms_per_tick_lot for instrument in market.instruments])
    equity = np.empty(bars, np.int64)
    trades = np.empty((width * (bars + 1), len(FIELDS)), np.int64)  # what is not written takes no memory
    prices = market.open, market.high, market.low, market.close
    end_ms = int(market.ts_ms[-1]) + market.base_ms
    if width == 1:
        prices = prices[0].ravel(), prices[1].ravel(), prices[2].ravel(), prices[3].ravel()
        count = flat_one(prices, market.ts_ms, end_ms, per_tick[0], atoms[0], flat, trades, equity)
    else:
        count = flat_many(prices, market.ts_ms, end_ms, per_tick, atoms, flat, trades, equity)
    return Floored(trades[:count], equity)


@kernel(entry=True)
def flat_one(  # noqa: C901  # flat is its purpose
    prices: Any, ts_ms: I64, end_ms: int, per_tick: float, atoms: int, flat: Flat, trades: I64, equity: I64
) -> int:
    """Trade one instrument; returns the number of trades. ``prices``: (open, high, low, close), shape (bars,)."""
    opens, highs, lows, closes = prices
    quick, lazy, fast, slow, above = 2.0 / (flat.fast + 1.0), 2.0 / (flat.slow + 1.0), 0.0, 0.0, False
    balance, count, waiting, new_stop, new_target, leave = flat.initial_atoms, 0, 0, 0, 0, False
    side, size, entry, stop, target, opened, paid = 0, 0, 0, 0, 0, 0, 0
    last = closes.shape[0] - 1
    for t in range(closes.shape[0]):
        if side != 0 or waiting != 0:
            high, low = int(highs[t] * per_tick + 0.5), int(lows[t] * per_tick + 0.5)
            worst, best = (low, high) if side > 0 else (high, low)
            stirs = side * (worst - stop) <= 0 or side * (best - target) > 0
            if stirs or waiting != 0 or leave or t == last:
                start = int(opens[t] * per_tick + 0.5)
                for moment in range(3 if t == last else 2):  # at the open, on the way, at the end of the data
                    px, reason = 0, 0
                    if side != 0 and moment == 0 and (leave or side * (start - stop) <= 0):
                        px, reason = start, FLIP if leave else STOP
                    elif side != 0 and moment == 1:
                        worst, best = (low, high) if side > 0 else (high, low)
                        hit = side * (best - target) > 0
                        if side * (worst - stop) <= 0 and (
                            not hit or abs(start - worst) <= abs(best - start)
                        ):
                            px, reason = stop, STOP
                        elif hit:
                            px, reason = target, TARGET
                    elif side != 0 and moment == 2:
                        px, reason = int(closes[t] * per_tick + 0.5), END
                    if reason != 0:
                        scaled = px * size * atoms * flat.fee_e8
                        fee, rest = scaled // UNIT, 2 * (scaled % UNIT)
                        fee += 1 if rest > UNIT or (rest == UNIT and fee % 2 != 0) else 0
                        gross = side * (px - entry) * size * atoms
                        balance += gross - fee
                        trades[count, 0], trades[count, 1], trades[count, 2] = 0, side, opened
                        trades[count, 3] = end_ms if moment == 2 else ts_ms[t]
                        trades[count, 4], trades[count, 5], trades[count, 6] = entry, px, size
                        trades[count, 7], trades[count, 8] = gross - paid - fee, reason
                        count, side = count + 1, 0
                    wish = 1 if waiting > 0 else -1
                    if waiting != 0 and wish * (start - new_stop) > 0 and wish * (start - new_target) < 0:
                        side, size, entry, opened = wish, wish * waiting, start, ts_ms[t]
                        stop, target = new_stop, new_target
                        scaled = entry * size * atoms * flat.fee_e8
                        paid, rest = scaled // UNIT, 2 * (scaled % UNIT)
                        paid += 1 if rest > UNIT or (rest == UNIT and paid % 2 != 0) else 0
                        balance -= paid
                    waiting, leave = 0, False
        close, worth = closes[t], balance
        if side != 0:
            worth += side * (int(close * per_tick + 0.5) - entry) * size * atoms
        equity[t] = worth
        if t < flat.slow:  # the mean of the first bars seeds an average
            slow += close
            if t < flat.fast:
                fast += close
                fast = fast / flat.fast if t == flat.fast - 1 else fast
            else:
                fast = fast + quick * (close - fast)
            if t == flat.slow - 1:
                slow = slow / flat.slow
                above = fast > slow
            continue
        fast, slow = fast + quick * (close - fast), slow + lazy * (close - slow)
        if above != (fast > slow):
            above = not above
            wish = 1 if above else -1
            if side != wish:
                ticks = int(close * per_tick + 0.5)
                distance = int(ticks * flat.stop)
                leave, waiting = side != 0, wish * int(flat.risk * worth / float(distance * atoms))
                new_stop, new_target = (
                    ticks - wish * distance,
                    ticks + wish * int(math.ceil(ticks * flat.target)),
                )
    return count


@kernel(entry=True)
def flat_many(  # noqa: C901  # flat is its purpose
    prices: Any, ts_ms: I64, end_ms: int, per_ticks: F64, lot_atoms: I64, flat: Flat, trades: I64, equity: I64
) -> int:
    """Trade several instruments on one account, as ``flat_one`` does one. Prices: shape (bars, instruments)."""
    opens, highs, lows, closes = prices
    bars, width = closes.shape
    quick, lazy = 2.0 / (flat.fast + 1.0), 2.0 / (flat.slow + 1.0)
    fast, slow, above = np.zeros(width), np.zeros(width), np.zeros(width, np.int64)
    turned, leaves, waits = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64)
    new_stops, new_targets = np.zeros(width, np.int64), np.zeros(width, np.int64)
    sides, sizes, entries = np.zeros(width, np.int64), np.zeros(width, np.int64), np.zeros(width, np.int64)
    stops, targets = np.zeros(width, np.int64), np.zeros(width, np.int64)
    opened, paid = np.zeros(width, np.int64), np.zeros(width, np.int64)
    balance, count, last = flat.initial_atoms, 0, bars - 1
    for t in range(bars):
        open_profit, turns = 0, 0
        for i in range(width):
            per_tick, atoms, side, waiting = per_ticks[i], lot_atoms[i], sides[i], waits[i]
            close = closes[t, i]
            if side != 0 or waiting != 0:
                high, low = int(highs[t, i] * per_tick + 0.5), int(lows[t, i] * per_tick + 0.5)
                worst, best = (low, high) if side > 0 else (high, low)
                stirs = side * (worst - stops[i]) <= 0 or side * (best - targets[i]) > 0
                if stirs or waiting != 0 or leaves[i] != 0 or t == last:
                    start = int(opens[t, i] * per_tick + 0.5)
                    for moment in range(3 if t == last else 2):
                        px, reason = 0, 0
                        if side != 0 and moment == 0 and (leaves[i] != 0 or side * (start - stops[i]) <= 0):
                            px, reason = start, FLIP if leaves[i] != 0 else STOP
                        elif side != 0 and moment == 1:
                            worst, best = (low, high) if side > 0 else (high, low)
                            hit = side * (best - targets[i]) > 0
                            first = abs(start - worst) <= abs(best - start)
                            if side * (worst - stops[i]) <= 0 and (not hit or first):
                                px, reason = stops[i], STOP
                            elif hit:
                                px, reason = targets[i], TARGET
                        elif side != 0 and moment == 2:
                            px, reason = int(close * per_tick + 0.5), END
                        if reason != 0:
                            scaled = px * sizes[i] * atoms * flat.fee_e8
                            fee, rest = scaled // UNIT, 2 * (scaled % UNIT)
                            fee += 1 if rest > UNIT or (rest == UNIT and fee % 2 != 0) else 0
                            gross = side * (px - entries[i]) * sizes[i] * atoms
                            balance += gross - fee
                            trades[count, 0], trades[count, 1], trades[count, 2] = i, side, opened[i]
                            trades[count, 3] = end_ms if moment == 2 else ts_ms[t]
                            trades[count, 4], trades[count, 5], trades[count, 6] = entries[i], px, sizes[i]
                            trades[count, 7], trades[count, 8] = gross - paid[i] - fee, reason
                            count, side = count + 1, 0
                        wish = 1 if waiting > 0 else -1
                        gap = wish * (start - new_stops[i]) <= 0 or wish * (start - new_targets[i]) >= 0
                        if waiting != 0 and not gap:
                            side, sizes[i], entries[i], opened[i] = wish, wish * waiting, start, ts_ms[t]
                            stops[i], targets[i] = new_stops[i], new_targets[i]
                            scaled = start * sizes[i] * atoms * flat.fee_e8
                            fee, rest = scaled // UNIT, 2 * (scaled % UNIT)
                            fee += 1 if rest > UNIT or (rest == UNIT and fee % 2 != 0) else 0
                            paid[i] = fee
                            balance -= fee
                        waiting, leaves[i] = 0, 0
                    sides[i], waits[i] = side, waiting
            if side != 0:
                open_profit += side * (int(close * per_tick + 0.5) - entries[i]) * sizes[i] * atoms
            if t < flat.slow:
                slow[i] += close
                if t < flat.fast:
                    fast[i] += close
                    fast[i] = fast[i] / flat.fast if t == flat.fast - 1 else fast[i]
                else:
                    fast[i] = fast[i] + quick * (close - fast[i])
                if t == flat.slow - 1:
                    slow[i] = slow[i] / flat.slow
                    above[i] = 1 if fast[i] > slow[i] else 0
                continue
            fast[i], slow[i] = fast[i] + quick * (close - fast[i]), slow[i] + lazy * (close - slow[i])
            now = 1 if fast[i] > slow[i] else 0
            if above[i] != now:
                above[i] = now
                turned[turns] = i
                turns += 1
        worth = balance + open_profit
        equity[t] = worth
        for k in range(turns):
            i = turned[k]
            wish = 2 * above[i] - 1
            if sides[i] != wish:
                ticks = int(closes[t, i] * per_ticks[i] + 0.5)
                distance = int(ticks * flat.stop)
                lots = int(flat.risk * worth / float(distance * lot_atoms[i]))
                leaves[i], waits[i] = 1 if sides[i] != 0 else 0, wish * lots
                new_stops[i] = ticks - wish * distance
                new_targets[i] = ticks + wish * int(math.ceil(ticks * flat.target))
    return count
