"""The compiled replay: the only loop that indexes time."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.engine.cycle import charge, decide, mark, receive, venue

ROOM_PER_INSTRUMENT = 8  # log rows that one bar of one instrument can write at most


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
        full = min(fills.shape[0] - account.fills, trades.shape[0] - account.trades)
        full = min(full, payments.shape[0] - account.payments, history.shape[0] - account.events)
        if full < room:
            return t
        open_ms, close_ms = minutes[t].open_ms, minutes[t].t_ms
        receive(account, history, events[1], open_ms)
        charge(account, positions, specs, payments, events[0], close_ms)
        venue(book, written, rule, specs, rows, t, open_ms)
        mark(book, written, rule, specs, rows, t, close_ms)
        thinking = (account, positions, orders, memory, specs, scratch)
        decide(thinking, market, rule, (rows, minutes, verdicts), t, decisions)
        note(equity[t], account, close_ms)
    return stop


@kernel
def note(row: Any, account: Any, t_ms: int) -> None:
    """Write the account's value at the close of a bar."""
    row.t_ms = t_ms
    row.equity = account.equity
    row.balance = account.balance
    row.exposure = account.exposure
