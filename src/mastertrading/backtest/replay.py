"""The compiled replay: the only loop that indexes time."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import borrow, fetch, kernel
from mastertrading.engine.cycle import charge, decide, mark, receive, venue
from mastertrading.engine.deciding import hear
from mastertrading.engine.marking import total_up
from mastertrading.engine.rows import ticks, write_row
from mastertrading.engine.sleep import first_stir, set_alarm, wake_all, watch
from mastertrading.rules.allocation.sessions import write_minute
from mastertrading.rules.position.exits import note_price
from mastertrading.rules.position.money import sign
from mastertrading.rules.position.transitions import unrealised

ROOM_PER_INSTRUMENT = 8  # log rows that one bar of one instrument can write at most
FOREVER_MS = 1 << 61


@kernel(entry=True)
def listen(memory: Any, said: Any, window: Any, opened_ms: int, length_ms: int) -> None:
    """Remember the verdicts of bars before the first decision, so that it hears what a longer run would (SIG-TTL).

    ``said``, ``window``: as in ``replay``; ``opened_ms``: open of the first bar.
    """
    loudest, verdicts = said
    for t in range(loudest.shape[0]):
        for i in range(memory.shape[0]):
            if loudest[t, i] != 0.0:
                write_verdicts(window[2], loudest, verdicts, t, i)
                hear(memory, window[2], 0, i, opened_ms + (t + 1) * length_ms)


@kernel(entry=True)
def replay(
    state: Any,
    logs: Any,
    rules: Any,
    specs: Any,
    inputs: Any,
    market: Any,
    events: Any,
    out: Any,
    start: int,
    stop: int,
) -> int:
    """Play bars [start, stop) on the book; stops early where a log is nearly full.

    Parameters
    ----------
    state
        The fields of a ``Book``; account as one record in an array.
    logs
        (fills, trades, payments, events, stops).
    rules, specs
        One RULES record in an array; SPEC records, shape (instruments,).
    inputs
        The fields of a ``Chunk``, as tuples: quotes, what was said, models, the clock, and a window for the one bar
        that is looked at. Rows, minutes and verdicts are made there, of such bars only.
    market
        (hourly returns, their bounds).
    events
        (settlements, transfers), ascending in time.
    out
        (decisions, equity, worth, value) to fill: DECISION (bars, instruments), EQUITY (bars,), and equity and exposure
        in atoms (bars,). What has no room is not written, but equity in atoms always has.

    Returns
    -------
    The first bar that was not played.
    """
    account, rule, alarm = state[0][0], rules[0], state[7][0]
    positions, orders, memory, outcomes = (
        borrow(state[1]),
        borrow(state[2]),
        borrow(state[3]),
        borrow(state[4]),
    )
    latest, watches = borrow(state[5]), borrow(state[6])
    room = (borrow(state[8]), borrow(state[9]), borrow(state[10]))
    quotes, said, models, clock, window = inputs
    quotes = (
        borrow(quotes[0]),
        borrow(quotes[1]),
        borrow(quotes[2]),
        borrow(quotes[3]),
        borrow(quotes[4]),
        borrow(quotes[5]),
        borrow(quotes[6]),
    )
    loudest, verdicts = borrow(said[0]), borrow(said[1])
    models = (borrow(models[0]), borrow(models[1]), borrow(models[2]))
    first_ms, length_ms, sessions, hours, blackout = (
        clock[0],
        clock[1],
        clock[2][0],
        clock[3],
        borrow(clock[4]),
    )
    rows, minutes, heard, ages = borrow(window[0]), borrow(window[1]), borrow(window[2]), borrow(window[3])
    specs, events = borrow(specs), (borrow(events[0]), borrow(events[1]))
    logs = (borrow(logs[0]), borrow(logs[1]), borrow(logs[2]), borrow(logs[3]), borrow(logs[4]))
    market = (borrow(market[0]), borrow(market[1]))
    out = (borrow(out[0]), borrow(out[1]), borrow(out[2]), borrow(out[3]))
    book = (account, positions, orders, outcomes, memory, latest, watches, room)
    worth, value = out[2], out[3]
    column = borrow(quotes[4].reshape(-1))
    for i in range(positions.shape[0]):
        watches[i].stirs_at = -1
    t, t_ms = start, first_ms + (start + 1) * length_ms
    while t < stop:
        woken = rouse(watches, quotes, loudest, t, stop, t_ms)
        if woken > t:
            due = next_ms(events[0], account.settlement_cursor), next_ms(events[1], account.transfer_cursor)
            set_alarm(alarm, account, watches, rule, due, t_ms - length_ms)
            woken = first_bar_at((t_ms, length_ms), alarm.until_ms, t, woken)
            woken = value_bars(alarm, account, positions, specs, (quotes, column), (worth, value), t, woken)
            if woken > t:
                keep_extremes(positions, watches, quotes, t, woken)
                write_bars(out, (t_ms, length_ms), account.balance, latest, t, woken)
                mark_again(account, positions, specs, quotes, woken - 1)
                t, t_ms = woken, t_ms + (woken - t) * length_ms
                continue
        if is_full(logs, account, positions.shape[0], events, t_ms):
            return t
        write_minute(minutes[0], sessions, hours, t_ms - length_ms, t_ms)
        if blackout.shape[0] > 0:
            minutes[0].blackout = blackout[t]
        for i in range(positions.shape[0]):
            write_row(rows[0, i], quotes, models, ages, t, i, length_ms)
            write_verdicts(heard, loudest, verdicts, t, i)
        play(book, logs, rule, specs, (rows, minutes, heard), market, events, (t_ms - length_ms, t_ms))
        worth[t] = account.equity
        if value.shape[0] > 0:
            value[t] = account.exposure
        write_bars(out, (t_ms, length_ms), account.balance, latest, t, t + 1)
        t, t_ms = t + 1, t_ms + length_ms
    return stop


@kernel(inline=True)
def write_verdicts(heard: Any, loudest: Any, verdicts: Any, t: int, i: int) -> None:
    """Write what the modules say of an instrument in bar ``t``; without verdicts, one module says what is loudest."""
    if verdicts.shape[0] == 0:
        heard[0, i, 0].forecast = loudest[t, i]
    else:
        for m in range(heard.shape[2]):
            heard[0, i, m].forecast = verdicts[t, i, m].forecast
            heard[0, i, m].confluence = verdicts[t, i, m].confluence


@kernel(inline=True)
def play(
    book: Any, logs: Any, rules: Any, specs: Any, inputs: Any, market: Any, events: Any, times: Any
) -> None:
    """One bar by the engine's verbs; then each instrument that was looked at may lie down to sleep.

    ``inputs``: (rows, minutes, verdicts) of this bar alone; ``times``: its open and close.
    """
    account, positions, orders, outcomes, memory, latest, watches, room = book
    fills, trades, payments, history, stops = logs
    rows, stage = inputs[0], account.stage
    open_ms, t_ms = times
    held, written = (account, positions, orders, outcomes), (fills, trades, history, stops)
    receive(account, history, events[1], open_ms)
    charge(account, positions, specs, payments, events[0], t_ms)
    venue(held, written, rules, specs, watches, rows, 0, open_ms)
    mark(held, written, rules, specs, rows, 0, t_ms)
    if account.stage != stage:
        wake_all(watches)
    thinking = (account, positions, orders, memory, latest, watches, room)
    decide(thinking, market, rules, specs, inputs, (0, t_ms), stops)
    for i in range(positions.shape[0]):
        if watches[i].awake:
            watch(watches[i], positions[i], orders[i], memory, i, rules, specs[i], (rows[0, i], t_ms))


@kernel(inline=True)
def is_full(logs: Any, account: Any, instruments: int, events: Any, close_ms: int) -> bool:
    """Whether a log might have no room for one more bar."""
    fills, trades, payments, history, stops = logs
    room = ROOM_PER_INSTRUMENT * instruments + 16
    due = rows_until(events[0], account.settlement_cursor, close_ms)
    moved = rows_until(events[1], account.transfer_cursor, close_ms)
    return (
        fills.shape[0] - account.fills < room
        or trades.shape[0] - account.trades < room
        or payments.shape[0] - account.payments < due
        or history.shape[0] - account.events < room + moved
        or (stops.shape[0] > 0 and stops.shape[0] - account.stops < room)
    )


@kernel(inline=True)
def rows_until(rows: Any, cursor: int, until_ms: int) -> int:
    """How many rows from the cursor on fall due before a moment."""
    count = 0
    while cursor + count < rows.shape[0] and rows[cursor + count].ts_ms < until_ms:
        count += 1
    return count


@kernel(inline=True)
def next_ms(rows: Any, cursor: int) -> int:
    """When the next row falls due."""
    return rows[cursor].ts_ms if cursor < rows.shape[0] else FOREVER_MS


@kernel(inline=True)
def rouse(watches: Any, quotes: Any, loudest: Any, t: int, stop: int, t_ms: int) -> int:
    """Wake the instruments that must be looked at in bar ``t``; returns the first bar in which any must be."""
    first = stop
    for i in range(watches.shape[0]):
        sentry = watches[i]
        if t_ms >= sentry.until_ms:
            sentry.awake, first = 1, t
            continue
        if sentry.stirs_at < t:
            sentry.stirs_at = first_stir(sentry, quotes, loudest, i, t, stop)
            fetch(quotes[0], min(sentry.stirs_at, stop - 1), i)  # fills will ask for that bar's open
        sentry.awake = 1 if sentry.stirs_at == t else 0
        first = min(first, sentry.stirs_at)
    return first


@kernel
def first_bar_at(time: Any, until_ms: int, t: int, stop: int) -> int:
    """The first bar from ``t`` on that does not close before a moment, or ``stop``.

    ``time``: (close of bar ``t``, length of a bar).
    """
    t_ms, length_ms = time
    if until_ms - t_ms >= (stop - t) * length_ms:
        return stop
    return t + max(0, until_ms - t_ms + length_ms - 1) // length_ms


@kernel(inline=True)
def value_bars(
    alarm: Any, account: Any, positions: Any, specs: Any, prices: Any, room: Any, start: int, stop: int
) -> int:
    """Equity and exposure at the close of each bar of [start, stop); the first at which the account must wake.

    Parameters
    ----------
    prices
        (quotes, their marks as one column: of a lone instrument they follow on one another, which is quicker).
    room
        (equity, exposure) of all bars; the second may have no room.
    """
    worth, value = room[0][start : max(start, stop)], room[1][start : max(start, stop)]
    marks, per_tick = prices[0][4], prices[0][6]
    fixed = account.balance
    for i in range(positions.shape[0]):
        fixed -= sign(positions[i].lots) * positions[i].entry_ticklots * specs[i].atoms
    for k in range(worth.shape[0]):
        worth[k] = fixed
    for k in range(value.shape[0]):
        value[k] = 0
    for i in range(positions.shape[0]):
        a_tick = positions[i].lots * specs[i].atoms
        if a_tick != 0 and positions.shape[0] == 1:
            add_value(worth, value, prices[1][start : max(start, stop)], per_tick[i], a_tick)
        elif a_tick != 0:
            add_value(worth, value, marks[start : max(start, stop), i], per_tick[i], a_tick)
    return start + first_outside(worth, alarm.low, alarm.high)


@kernel(inline=True)
def add_value(worth: Any, value: Any, px: Any, per_tick: float, a_tick: int) -> None:
    """Add what a position is worth at each price, and its exposure where there is room. ``a_tick``: in atoms."""
    for k in range(worth.shape[0]):
        worth[k] += ticks(px[k], per_tick) * a_tick
    for k in range(value.shape[0]):
        value[k] += ticks(px[k], per_tick) * abs(a_tick)


@kernel(inline=True)
def first_outside(worth: Any, low: int, high: int) -> int:
    """The first that is not above ``low`` and at most ``high``, or their number. As a rule none is."""
    k, lowest, highest = 0, high, high
    for j in range(worth.shape[0]):
        lowest, highest = min(lowest, worth[j]), max(highest, worth[j])
    if low < lowest and highest <= high:
        return worth.shape[0]
    while k < worth.shape[0] and low < worth[k] <= high:
        k += 1
    return k


@kernel(inline=True)
def keep_extremes(positions: Any, watches: Any, quotes: Any, start: int, stop: int) -> None:
    """Remember the best and worst prices of the trades that were open through bars."""
    _, highs, lows, _, _, _, per_tick = quotes
    for i in range(positions.shape[0]):
        if positions[i].lots != 0:
            sentry, side = watches[i], sign(positions[i].lots)
            high, low = sentry.highest, sentry.lowest
            if sentry.scanned_from != start or sentry.stirs_at != stop:  # other bars than those
                above, below = highs[start:stop, i], lows[start:stop, i]
                high, low = above[0], below[0]
                for k in range(above.shape[0]):
                    high = above[k] if above[k] > high else high
                    low = below[k] if below[k] < low else low
            note_price(positions[i], side, ticks(high, per_tick[i]))
            note_price(positions[i], side, ticks(low, per_tick[i]))


@kernel(inline=True)
def mark_again(account: Any, positions: Any, specs: Any, quotes: Any, t: int) -> None:
    """Value every position at the close of a bar that was slept through, whose extremes are known already."""
    for i in range(positions.shape[0]):
        positions[i].mark_ticks = ticks(quotes[4][t, i], quotes[6][i])
        if positions[i].lots != 0:
            positions[i].unrealised = unrealised(positions[i], specs[i])
    total_up(account, positions, specs)


@kernel(inline=True)
def write_bars(out: Any, time: Any, balance: int, latest: Any, start: int, stop: int) -> None:
    """Write the account's value at the close of bars, and the decisions in force, where there is room for them.

    ``time``: (close of bar ``start``, length of a bar). Equity alone stands in its room already.
    """
    decisions, equity, worth, value = out
    t_ms, length_ms = time
    if equity.shape[0] > 0:
        rows, worths, values = equity[start:stop], worth[start:stop], value[start:stop]
        for k in range(rows.shape[0]):
            rows[k].t_ms, rows[k].balance = t_ms + k * length_ms, balance
            rows[k].equity, rows[k].exposure = worths[k], values[k]
    if decisions.shape[0] > 0:
        for i in range(latest.shape[0]):
            column, newest = decisions[start:stop, i], latest[i]
            for k in range(column.shape[0]):
                column[k] = newest
