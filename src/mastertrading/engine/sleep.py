"""When nothing can happen, nothing is computed: instruments and the account sleep through quiet bars.

Most minutes change nothing but a mark: no verdict is fresh, no order is due, and the bar stays inside the prices at
which the first rule would act. After each bar that was looked at, ``watch`` writes those prices and the moment until
which they hold; ``first_stir`` finds the next bar that leaves them. Each limit comes from the counterpart that stands
beside its rule (``quiet_gain``, ``quiet_nav``, ...) and errs on the side of waking up: looking at a bar that need not
be looked at costs time and nothing else. A driver that never sleeps gets the same bytes, which the parity tests hold.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.rules.allocation.combine import is_fresh
from mastertrading.rules.position.exits import FOREVER_MS, quiet_gain, quiet_until_ms
from mastertrading.rules.position.margin import tier_of
from mastertrading.rules.position.money import RATE_UNIT, sign
from mastertrading.rules.risk import breakers as ladder

ALWAYS = 1 << 62
TINY = 1e-9  # of the equity: far more than what rounding can make of a bound
FAR = 1e300  # a price that none reaches
REACH = 0.1  # a sleeper wakes at the latest when the price has moved by this


@kernel(inline=True)
def wake_all(watches: Any) -> None:
    """Look at every instrument."""
    for i in range(watches.shape[0]):
        watches[i].awake = 1


@kernel(inline=True)
def first_stir(watch: Any, quotes: Any, loudest: Any, i: int, start: int, stop: int) -> int:
    """The first bar of [start, stop) in which an instrument must be looked at, or ``stop``.

    It must where a module speaks, where the bar is missing, and where trades or the mark leave the watched prices.

    Parameters
    ----------
    quotes, loudest
        As in ``backtest.replay``.

    Notes
    -----
    The watched prices are ticks, those of the market floats. A price in ticks is the whole part of px x per_tick + 0.5
    and never negative; so it is at most ``low`` exactly where that sum is below low + 1, and at least ``high`` exactly
    where the sum is. Nothing needs to be made whole, and nothing is rounded that ``ticks`` would not round. The sum
    grows with the price, so that it is the lower of a bar's low and mark that leaves first, and the higher of the two
    others. The questions are joined by ``|``: a branch for each takes longer than all the answers.

    The extremes of the bars that are left behind are written into ``watch``, for who will ask for them.
    """
    _, highs, lows, _, marks, good, per_tick = quotes
    count, k, scale, whole = max(0, stop - start), 0, per_tick[i], good.shape[0] == 0
    said, top, bottom = loudest[start:stop, i], 0.0, FAR
    if watch.low_ticks == -ALWAYS and watch.high_ticks == ALWAYS:
        while k < count and said[k] == 0.0 and (whole or good[start + k, i]):
            k += 1
    else:
        below, above = float(watch.low_ticks + 1), float(watch.high_ticks)
        low, high, mark = lows[start:stop, i], highs[start:stop, i], marks[start:stop, i]
        while k < count and (whole or good[start + k, i]):
            lowest, highest, px = low[k], high[k], mark[k]
            worst, best = lowest if lowest < px else px, highest if highest > px else px
            if (worst * scale + 0.5 < below) | (best * scale + 0.5 >= above) | (said[k] != 0.0):
                break
            top, bottom = highest if highest > top else top, lowest if lowest < bottom else bottom
            k += 1
    watch.scanned_from, watch.highest, watch.lowest = start, top, bottom
    return start + k


@kernel(inline=True)
def watch(
    sentry: Any, position: Any, orders: Any, memory: Any, i: int, rules: Any, spec: Any, bar: Any
) -> None:
    """Write within which prices and until when an instrument may sleep. ``bar``: (its row, when it ended)."""
    row, t_ms = bar
    sentry.low_ticks, sentry.high_ticks, sentry.until_ms = ALWAYS, -ALWAYS, 0
    sentry.stirs_at, sentry.reach = -1, 0.0
    if not row.valid or orders.entry_lots != 0 or orders.exit_reason != 0:
        return
    for m in range(memory.shape[1]):
        if is_fresh(memory[i, m], t_ms, rules.allocation.ttl_ms):
            return
    if position.lots == 0:
        sentry.low_ticks, sentry.high_ticks, sentry.until_ms = -ALWAYS, ALWAYS, FOREVER_MS
        return
    side, reach = sign(position.lots), max(1, int(REACH * position.mark_ticks))
    better = min(
        side * position.mark_ticks + reach, side * position.entry_ticks + quiet_gain(position, rules.exits)
    )
    better = min(better, nearest_limit(orders, side) + rules.costs.through_ticks)
    worse = max(side * position.mark_ticks - reach, side * orders.stop_ticks)
    sentry.low_ticks = worse if side > 0 else -better
    sentry.high_ticks = better if side > 0 else -worse
    sentry.until_ms = quiet_until_ms(position, rules.exits)
    sentry.reach = margin_reach(position, spec, sentry)


@kernel
def nearest_limit(orders: Any, side: int) -> int:
    """The first resting limit on the way to profit, times the side; far away where there is none. Ticks."""
    nearest = ALWAYS // 2
    if orders.target_ticks != 0:
        nearest = side * orders.target_ticks
    if orders.partial_lots != 0:
        nearest = min(nearest, side * orders.partial_ticks)
    return nearest


@kernel(inline=True)
def set_alarm(alarm: Any, account: Any, watches: Any, rules: Any, due: Any, t_ms: int) -> None:
    """Write what wakes the account when every instrument sleeps.

    Parameters
    ----------
    due
        Times of the next settlement and the next transfer.
    t_ms
        Close of the last bar that was looked at.
    """
    alarm.until_ms = min(ladder.quiet_until_ms(account, t_ms), due[0] + 1, due[1] + 1)
    floor = ladder.quiet_nav(account, rules.breakers) * account.units
    margin = 0.0
    for i in range(watches.shape[0]):
        alarm.until_ms = min(alarm.until_ms, watches[i].until_ms)
        margin += watches[i].reach
    alarm.low = int(max(floor + TINY * abs(floor), margin)) + 1
    peak = account.peak_nav * account.units
    alarm.high = max(account.equity, int(peak - TINY * peak))  # what it is now made no new peak
    if account.equity <= alarm.low or account.day < 0 or account.units <= 0.0:
        alarm.until_ms = 0


@kernel
def margin_reach(position: Any, spec: Any, sentry: Any) -> float:
    """Equity beyond which no move inside the watched prices brings a liquidation near. Atoms.

    The maintenance margin at the highest of them, and twice what crossing all of them would cost (``may_liquidate``).
    """
    value = float(abs(position.lots)) * spec.atoms
    high = float(max(sentry.high_ticks, position.mark_ticks)) * value
    rate = spec.tier_rate_e8[tier_of(int(high), spec)] / RATE_UNIT
    return high * rate + 2.0 * value * float(sentry.high_ticks - sentry.low_ticks) + 2.0
