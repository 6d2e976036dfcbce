"""The compiled replay: the only loop that indexes time."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import borrow, kernel
from mastertrading.engine.cycle import charge, decide, mark, receive, venue
from mastertrading.engine.deciding import hear
from mastertrading.engine.marking import revalue
from mastertrading.engine.sleep import doze, rouse, set_alarm, wake_all, watch

ROOM_PER_INSTRUMENT = 8  # log rows that one bar of one instrument can write at most
FOREVER_MS = 1 << 61


@kernel(entry=True)
def listen(memory: Any, minutes: Any, verdicts: Any) -> None:
    """Remember the verdicts of bars before the first decision, so that it hears what a longer run would (SIG-TTL)."""
    for t in range(minutes.shape[0]):
        for i in range(memory.shape[0]):
            hear(memory, verdicts, t, i, minutes[t].t_ms)


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
        (hourly returns, their bounds, hours known at each bar).
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
    positions, orders, memory, outcomes = borrow(state[1]), borrow(state[2]), borrow(state[3]), borrow(state[4])
    latest, watches = borrow(state[5]), borrow(state[6])
    room = (borrow(state[8]), borrow(state[9]), borrow(state[10]))
    rows, minutes, verdicts = borrow(inputs[0]), borrow(inputs[1]), borrow(inputs[2])
    specs, events = borrow(specs), (borrow(events[0]), borrow(events[1]))
    logs = (borrow(logs[0]), borrow(logs[1]), borrow(logs[2]), borrow(logs[3]), borrow(logs[4]))
    market = (borrow(market[0]), borrow(market[1]), borrow(market[2]))
    out = (borrow(out[0]), borrow(out[1]), borrow(out[2]))
    sleepers = (account, positions, watches)
    is_set, dozing = False, False
    for t in range(start, stop):
        t_ms = minutes[t].t_ms
        if not rouse(watches, rows, verdicts, t, t_ms):
            if not is_set:
                is_set = True
                due = next_ms(events[0], account.settlement_cursor), next_ms(events[1], account.transfer_cursor)
                set_alarm(alarm, sleepers, rule, specs, due, minutes[t].open_ms)
            if t_ms < alarm.until_ms:
                quiet, equity, exposure = doze(alarm, account, positions, specs, rows, t)
                if quiet:
                    dozing = True
                    note(out, t, t_ms, (equity, account.balance, exposure), latest)
                    continue
        if dozing:
            revalue(account, positions, specs, rows, t - 1)
        is_set, dozing = False, False
        if is_full(logs, account, positions.shape[0], events, t_ms):
            return t
        book = (account, positions, orders, outcomes, memory, latest, watches, room)
        play(book, logs, rule, specs, (rows, minutes, verdicts), market, events, t)
        note(out, t, t_ms, (account.equity, account.balance, account.exposure), latest)
    if dozing:
        revalue(account, positions, specs, rows, stop - 1)
    return stop


@kernel(inline=True)
def play(
    book: Any, logs: Any, rules: Any, specs: Any, inputs: Any, market: Any, events: Any, t: int
) -> None:
    """Bar ``t`` by the engine's verbs; then each instrument that was looked at may lie down to sleep."""
    account, positions, orders, outcomes, memory, latest, watches, room = book
    fills, trades, payments, history, stops = logs
    rows, minutes, _ = inputs
    open_ms, t_ms, stage = minutes[t].open_ms, minutes[t].t_ms, account.stage
    held, written = (account, positions, orders, outcomes), (fills, trades, history, stops)
    receive(account, history, events[1], open_ms)
    charge(account, positions, specs, payments, events[0], t_ms)
    venue(held, written, rules, specs, watches, rows, t, open_ms)
    mark(held, written, rules, specs, rows, t, t_ms)
    if account.stage != stage:
        wake_all(watches)
    thinking = (account, positions, orders, memory, latest, watches, room)
    decide(thinking, market, rules, specs, inputs, t, stops)
    for i in range(positions.shape[0]):
        if watches[i].awake:
            watch(watches[i], positions[i], orders[i], memory, i, rules, rows[t, i], t_ms)


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
def note(out: Any, t: int, t_ms: int, money: Any, latest: Any) -> None:
    """Write the account's value at the close of a bar, (equity, balance, exposure), and the decisions in force."""
    decisions, equity, values = out
    if values.shape[0] > 0:
        values[t] = money[0]
    if equity.shape[0] > 0:
        row = equity[t]
        row.t_ms, row.equity, row.balance, row.exposure = t_ms, money[0], money[1], money[2]
    if decisions.shape[0] > 0:
        for i in range(latest.shape[0]):
            decisions[t, i] = latest[i]
