"""One bar of the whole account: the only place that says the order of the verbs.

::

    venue      what filled during the bar (a backtest asks the fill rule, live asks the exchange)
      └─ apply_fill    each fill into the book
    mark       value the account at the close, move the breakers
    decide     manage positions, gate and size entries → ideal orders and reasons for the next bar

A driver that gets its fills elsewhere calls ``apply_fill``, ``mark`` and ``decide`` and never ``venue``.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.engine.accounting import log_stop
from mastertrading.engine.deciding import (
    FLAT,
    HOLDING,
    MIN_MODULES,
    VALID_BAR,
    ask,
    ask_entry,
    budget,
    combine,
    hear,
    manage,
    place_entry,
    size_entry,
    stand_aside,
)
from mastertrading.engine.marking import move_breakers, revalue, total_up
from mastertrading.engine.simulated_venue import is_safe, play_bar, play_close, settle, transfer
from mastertrading.rules.position.money import sign


@kernel(inline=True)
def venue(book: Any, logs: Any, rules: Any, specs: Any, watches: Any, rows: Any, t: int, ts_ms: int) -> None:
    """Play bar ``t`` of every instrument against its resting orders (``rows``: ROW, shape (bars, instruments))."""
    account, positions, orders, outcomes = book
    for i in range(positions.shape[0]):
        if rows[t, i].valid and (positions[i].lots != 0 or orders[i].entry_lots != 0):
            if not watches[i].awake and is_safe(account, positions[i], specs[i], rows[t, i]):
                continue
            watches[i].awake = 1
            play_bar((account, positions, orders, outcomes), logs, rules, specs, i, rows[t, i], ts_ms)


@kernel(inline=True)
def charge(account: Any, positions: Any, specs: Any, payments: Any, settlements: Any, until_ms: int) -> None:
    """Charge every settlement that falls due before ``until_ms``, in order, whatever the funding interval."""
    while account.settlement_cursor < settlements.shape[0]:
        due = settlements[account.settlement_cursor]
        if due.ts_ms >= until_ms:
            return
        settle(account, positions[due.instrument], specs[due.instrument], payments, due)
        account.settlement_cursor += 1


@kernel(inline=True)
def receive(account: Any, events: Any, transfers: Any, ts_ms: int) -> None:
    """Book every deposit and withdrawal up to the open of this bar."""
    while account.transfer_cursor < transfers.shape[0]:
        if transfers[account.transfer_cursor].ts_ms > ts_ms:
            return
        transfer(account, events, transfers[account.transfer_cursor])
        account.transfer_cursor += 1


@kernel(inline=True)
def mark(book: Any, logs: Any, rules: Any, specs: Any, rows: Any, t: int, t_ms: int) -> None:
    """Value the account at the close of bar ``t``, which is the moment ``t_ms``; move its breakers."""
    account, positions, _, _ = book
    revalue(account, positions, specs, rows, t)
    if play_close(book, logs, rules, specs, t_ms):
        total_up(account, positions, specs)
    move_breakers(account, logs[2], rules, t_ms)


@kernel(inline=True)
def decide(state: Any, market: Any, rules: Any, specs: Any, inputs: Any, bar: Any, stops: Any) -> None:
    """Write the ideal orders of every instrument that is awake, and the reasons; the others keep theirs.

    Parameters
    ----------
    state
        (account, positions, orders, memory, latest decisions, watches, room to work in).
    market
        For portfolio risk: (hourly returns, shape (hours, instruments); their bounds, shape (hours + 1, 2)).
    inputs
        (rows, minutes, verdicts): ROW (bars, instruments), MINUTE (bars,), VERDICT (bars, instruments, modules).
    bar
        (its place in the inputs, when it closed).
    stops
        STOP_MOVE rows to add to.
    """
    account, positions, orders, memory, latest, watches, room = state
    rows, minutes, verdicts = inputs
    t, t_ms = bar
    minute, urgency = minutes[t], room[0]
    candidates = 0
    for i in range(positions.shape[0]):
        urgency[i] = -1.0
        if not watches[i].awake:
            continue
        decision = latest[i]
        clear(decision)
        hear(memory, verdicts, t, i, t_ms)
        wish = combine(memory, i, account, rules, specs[i], (minute, t_ms), decision)
        protect(account, positions[i], orders[i], rules, specs[i], rows[t, i], t_ms, decision, wish)
        log_stop(account, stops, positions[i], orders[i], i, t_ms)
        if wants_entry(account, positions[i], rules, specs[i], rows[t, i], minute, decision, wish):
            urgency[i] = abs(decision.net)
            candidates += 1
    while candidates > 0:
        i = strongest(urgency)
        urgency[i] = -1.0
        candidates -= 1
        decision, row = latest[i], rows[t, i]
        risk_frac = budget(account, rules, specs[i], row, minute, decision)
        if risk_frac > 0.0:
            sized = (account, positions, orders, specs, room)
            known = (market[0], market[1], minute.hours)
            lots = size_entry(sized, known, rules, i, row, risk_frac, decision)
            if lots > 0:
                decision.lots = lots if decision.net > 0.0 else -lots
                place_entry(orders[i], rules, row, minute, decision)


@kernel
def clear(decision: Any) -> None:
    """Empty a decision row: its room is used again for every chunk of bars."""
    decision.net = 0.0
    decision.lots = 0
    decision.evaluated = 0
    decision.passed = 0
    decision.unknown = 0
    decision.refusal = 0
    decision.agreeing = 0
    decision.votes_long = 0
    decision.votes_short = 0
    decision.budget_frac = 0.0
    decision.risk_frac = 0.0
    decision.risk_lots = 0.0
    decision.instrument_lots = 0.0
    decision.leverage_lots = 0.0
    decision.correlated_lots = 0.0
    decision.value_at_risk_lots = 0.0
    decision.exit_reason = 0
    decision.side = 0


@kernel
def protect(
    account: Any,
    position: Any,
    orders: Any,
    rules: Any,
    spec: Any,
    row: Any,
    t_ms: int,
    decision: Any,
    wish: int,
) -> None:
    """Keep what rests in line with the position, before any entry is thought of."""
    orders.entry_lots = 0
    if position.lots == 0:
        stand_aside(orders)
        return
    has_view = decision.votes_long != 0 or decision.votes_short != 0
    manage(account, position, orders, rules, spec, row, (wish, has_view, t_ms))
    decision.side = sign(position.lots)
    decision.exit_reason = orders.exit_reason


@kernel
def wants_entry(
    account: Any, position: Any, rules: Any, spec: Any, row: Any, minute: Any, decision: Any, wish: int
) -> bool:
    """Whether the instrument is a candidate: an allocator that wants something and gates that allow it."""
    if position.lots != 0 and wish != -sign(position.lots):
        return ask(decision, HOLDING, False)
    ask(decision, HOLDING, True)
    if not ask(decision, VALID_BAR, row.valid != 0):
        return False
    if not ask(decision, FLAT, abs(decision.net) >= rules.allocation.threshold):
        return False
    if not ask(decision, MIN_MODULES, wish != 0):
        return False
    return ask_entry(account, position, rules, spec, row, minute, decision)


@kernel(inline=True)
def strongest(urgency: Any) -> int:
    """The candidate with the largest |net|; of equals the first."""
    best = 0
    for i in range(1, urgency.shape[0]):
        if urgency[i] > urgency[best]:
            best = i
    return best
