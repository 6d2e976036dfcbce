"""The compiled replay: the only loop that indexes time."""

from __future__ import annotations

from typing import Any

import numpy as np

from mastertrading.compiled import borrow, kernel
from mastertrading.engine.cycle import charge, decide, mark, receive, venue
from mastertrading.engine.marking import revalue
from mastertrading.engine.sleep import set_alarm, stirs, wake_all, watch
from mastertrading.rules.position.exits import note_price
from mastertrading.rules.position.money import sign

ROOM_PER_INSTRUMENT = 8  # log rows that one bar of one instrument can write at most
FOREVER_MS = 1 << 61


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
        (rows, minutes, verdicts) of these bars.
    market
        (hourly returns, their bounds).
    events
        (settlements, transfers), ascending in time.
    out
        (decisions, equity, values) to fill: DECISION (bars, instruments), EQUITY (bars,), equity in atoms (bars,).
        What has no room is not written.

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
    rows, minutes, verdicts = borrow(inputs[0]), borrow(inputs[1]), borrow(inputs[2])
    specs, events = borrow(specs), (borrow(events[0]), borrow(events[1]))
    logs = (borrow(logs[0]), borrow(logs[1]), borrow(logs[2]), borrow(logs[3]), borrow(logs[4]))
    market = (borrow(market[0]), borrow(market[1]))
    out = (borrow(out[0]), borrow(out[1]), borrow(out[2]))
    book = (account, positions, orders, outcomes, memory, latest, watches, room)
    inputs = (rows, minutes, verdicts)
    worth, value = np.empty(stop - start, np.int64), np.empty(stop - start, np.int64)
    for i in range(positions.shape[0]):
        watches[i].stirs_at = -1
    # Bars are evenly spaced, so a time is an addition: reading it of every bar would miss the cache each time.
    length_ms = minutes[start].t_ms - minutes[start].open_ms if start < stop else 1
    t, t_ms = start, minutes[start].t_ms if start < stop else 0
    while t < stop:
        woken = rouse(watches, rows, verdicts, t, stop, t_ms)
        if woken > t:
            due = next_ms(events[0], account.settlement_cursor), next_ms(events[1], account.transfer_cursor)
            set_alarm(alarm, account, watches, rule, due, t_ms - length_ms)
            woken = first_bar_at((t_ms, length_ms), alarm.until_ms, t, woken)
            woken = value_bars(alarm, account, positions, specs, rows, (worth, value), t, woken)
            if woken > t:
                keep_extremes(positions, rows, t, woken)
                write_bars(out, (t_ms, length_ms), (worth, value), account.balance, latest, t, woken)
                revalue(account, positions, specs, rows, woken - 1)
                t, t_ms = woken, t_ms + (woken - t) * length_ms
                continue
        if is_full(logs, account, positions.shape[0], events, t_ms):
            return t
        play(book, logs, rule, specs, inputs, market, events, (t, t_ms - length_ms, t_ms))
        worth[0], value[0] = account.equity, account.exposure
        write_bars(out, (t_ms, length_ms), (worth, value), account.balance, latest, t, t + 1)
        t, t_ms = t + 1, t_ms + length_ms
    return stop


@kernel(inline=True)
def play(
    book: Any, logs: Any, rules: Any, specs: Any, inputs: Any, market: Any, events: Any, bar: Any
) -> None:
    """One bar by the engine's verbs; then each instrument that was looked at may lie down to sleep.

    ``bar``: (its place, open, close).
    """
    account, positions, orders, outcomes, memory, latest, watches, room = book
    fills, trades, payments, history, stops = logs
    rows, stage = inputs[0], account.stage
    t, open_ms, t_ms = bar
    held, written = (account, positions, orders, outcomes), (fills, trades, history, stops)
    receive(account, history, events[1], open_ms)
    charge(account, positions, specs, payments, events[0], t_ms)
    venue(held, written, rules, specs, watches, rows, t, open_ms)
    mark(held, written, rules, specs, rows, t, t_ms)
    if account.stage != stage:
        wake_all(watches)
    thinking = (account, positions, orders, memory, latest, watches, room)
    decide(thinking, market, rules, specs, inputs, (t, t_ms), stops)
    for i in range(positions.shape[0]):
        if watches[i].awake:
            watch(watches[i], positions[i], orders[i], memory, i, rules, specs[i], (rows[t, i], t_ms))


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
def rouse(watches: Any, rows: Any, verdicts: Any, t: int, stop: int, t_ms: int) -> int:
    """Wake the instruments that must be looked at in bar ``t``; returns the first bar in which any must be."""
    first = stop
    for i in range(watches.shape[0]):
        if watches[i].stirs_at < t:
            watches[i].stirs_at = first_stir(watches[i], rows, verdicts, i, t, stop)
        watches[i].awake = t_ms >= watches[i].until_ms or watches[i].stirs_at == t
        first = t if watches[i].awake else min(first, watches[i].stirs_at)
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


@kernel
def first_stir(watch: Any, rows: Any, verdicts: Any, i: int, start: int, stop: int) -> int:
    """The first bar of [start, stop) in which an instrument must be looked at, or ``stop``."""
    row, said = rows[start:stop, i], verdicts[start:stop, i]
    for k in range(row.shape[0]):
        spoken = False
        for m in range(said.shape[1]):
            spoken = spoken or said[k, m].forecast != 0.0
        if spoken or stirs(watch, row[k]):
            return start + k
    return stop


@kernel
def value_bars(
    alarm: Any, account: Any, positions: Any, specs: Any, rows: Any, room: Any, start: int, stop: int
) -> int:
    """Equity and exposure at the close of each bar of [start, stop); the first at which the account must wake.

    ``room``: (equity, exposure), whose first place is that of ``start``.
    """
    worth, value = room[0][: max(0, stop - start)], room[1][: max(0, stop - start)]
    for k in range(worth.shape[0]):
        worth[k], value[k] = account.balance, 0
    for i in range(positions.shape[0]):
        lots = positions[i].lots
        if lots != 0:
            row, side, per_tick = rows[start:stop, i], sign(lots), abs(lots) * specs[i].atoms
            basis = positions[i].entry_ticklots * specs[i].atoms
            for k in range(row.shape[0]):
                notional = row[k].mark * per_tick
                worth[k] += side * (notional - basis)
                value[k] += notional
    low, high = alarm.low, alarm.high
    for k in range(worth.shape[0]):
        if not low < worth[k] <= high:
            return start + k
    return stop


@kernel
def keep_extremes(positions: Any, rows: Any, start: int, stop: int) -> None:
    """Remember the best and worst prices of the trades that were open through bars."""
    for i in range(positions.shape[0]):
        if positions[i].lots != 0:
            row = rows[start:stop, i]
            high, low = row[0].high, row[0].low
            for k in range(row.shape[0]):
                high, low = max(high, row[k].high), min(low, row[k].low)
            side = sign(positions[i].lots)
            note_price(positions[i], side, high)
            note_price(positions[i], side, low)


@kernel
def write_bars(out: Any, time: Any, room: Any, balance: int, latest: Any, start: int, stop: int) -> None:
    """Write the account's value at the close of bars, and the decisions in force, where there is room for them.

    ``time``: (close of bar ``start``, length of a bar).
    """
    decisions, equity, values = out
    worth, value = room
    t_ms, length_ms = time
    if values.shape[0] > 0:
        for t in range(start, stop):
            values[t] = worth[t - start]
    if equity.shape[0] > 0:
        for t in range(start, stop):
            row = equity[t]
            row.t_ms, row.balance = t_ms + (t - start) * length_ms, balance
            row.equity, row.exposure = worth[t - start], value[t - start]
    if decisions.shape[0] > 0:
        for t in range(start, stop):
            for i in range(latest.shape[0]):
                decisions[t, i] = latest[i]
