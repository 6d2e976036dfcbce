"""The compiled replay: the only loop that indexes time."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.engine.cycle import charge, decide, mark, receive, venue
from mastertrading.engine.deciding import hear

ROOM_PER_INSTRUMENT = 8  # log rows that one bar of one instrument can write at most


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
        (account, positions, orders, memory, outcomes, scratch); account as one record in an array.
    logs
        (fills, trades, payments, events).
    rules, specs
        One RULES record in an array; SPEC records, shape (instruments,).
    inputs
        (rows, minutes, verdicts) of these bars.
    market
        (hourly returns, hours known at each bar).
    events
        (settlements, transfers), ascending in time.
    out
        (decisions, equity) to fill.

    Returns
    -------
    The first bar that was not played.
    """
    accounts, positions, orders, memory, outcomes, scratch = state
    fills, trades, payments, history = logs
    rows, minutes, verdicts = inputs
    decisions, equity = out
    account, rule = accounts[0], rules[0]
    book, written = (account, positions, orders, outcomes), (fills, trades, history)
    room = ROOM_PER_INSTRUMENT * positions.shape[0] + 16
    for t in range(start, stop):
        open_ms, close_ms = minutes[t].open_ms, minutes[t].t_ms
        due = rows_until(events[0], account.settlement_cursor, close_ms)
        moved = rows_until(events[1], account.transfer_cursor, close_ms)
        if (
            fills.shape[0] - account.fills < room
            or trades.shape[0] - account.trades < room
            or payments.shape[0] - account.payments < due
            or history.shape[0] - account.events < room + moved
        ):
            return t
        receive(account, history, events[1], open_ms)
        charge(account, positions, specs, payments, events[0], close_ms)
        venue(book, written, rule, specs, rows, t, open_ms)
        mark(book, written, rule, specs, rows, t, close_ms)
        thinking = (account, positions, orders, memory, specs, scratch)
        decide(thinking, market, rule, (rows, minutes, verdicts), t, decisions)
        note(equity[t], account, close_ms)
    return stop


@kernel
def rows_until(rows: Any, cursor: int, until_ms: int) -> int:
    """How many rows from the cursor on fall due before a moment."""
    count = 0
    while cursor + count < rows.shape[0] and rows[cursor + count].ts_ms < until_ms:
        count += 1
    return count


@kernel
def note(row: Any, account: Any, t_ms: int) -> None:
    """Write the account's value at the close of a bar."""
    row.t_ms = t_ms
    row.equity = account.equity
    row.balance = account.balance
    row.exposure = account.exposure
