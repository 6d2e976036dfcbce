"""Apply fills to the book and remember what a closed trade teaches. Backtest, paper and live call ``apply_fill``."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import EventKind
from mastertrading.rules.allocation.weights import count_outcome, reweigh
from mastertrading.rules.position.exits import note_price
from mastertrading.rules.position.margin import maintenance_bound
from mastertrading.rules.position.money import sign
from mastertrading.rules.position.transitions import book_fill, notional, result_r, risk_atoms
from mastertrading.rules.risk.breakers import breaker_value, count_loss

TRIPPED, RELEASED = int(EventKind.BREAKER_TRIPPED), int(EventKind.BREAKER_RELEASED)


@kernel
def log_event(
    account: Any, events: Any, ts_ms: int, kind: int, subject: int, stage: int, value: float
) -> None:
    """Write one row of the account's history."""
    row = events[account.events]
    row.ts_ms, row.kind, row.subject, row.stage, row.value = ts_ms, kind, subject, stage, value
    account.events += 1


@kernel
def log_stages(account: Any, before: Any, events: Any, t_ms: int) -> None:
    """Write a row for each breaker whose stage differs from ``before``, with what that breaker watches."""
    for k in range(account.stages.shape[0]):
        was, now = before[k], account.stages[k]
        if now != was:
            kind = TRIPPED if now > was else RELEASED
            log_event(account, events, t_ms, kind, k, now, breaker_value(account, k))


@kernel
def log_stop(account: Any, stops: Any, position: Any, orders: Any, i: int, ts_ms: int) -> None:
    """Write the stop that rests from now on, if it is another one than before; nothing where no log is kept."""
    if position.lots == 0 or orders.stop_ticks == position.logged_stop or stops.shape[0] == 0:
        return
    position.logged_stop = orders.stop_ticks
    row = stops[account.stops]
    row.trade_id, row.instrument, row.ts_ms = position.trade_id, i, ts_ms
    row.stop_ticks, row.reason = orders.stop_ticks, orders.stop_reason
    account.stops += 1


@kernel
def attach(account: Any, stops: Any, position: Any, orders: Any, i: int, ts_ms: int) -> None:
    """Let the protection of a position that has just been entered rest."""
    orders.stop_ticks, orders.stop_reason = position.stop_ticks, position.stop_reason
    orders.target_ticks, orders.partial_lots = position.target_ticks, 0
    log_stop(account, stops, position, orders, i, ts_ms)


@kernel
def log_trade(trade: Any, position: Any, spec: Any, fill: Any, side: int) -> None:
    """Write the row of a trade that has just closed."""
    trade.trade_id = position.trade_id
    trade.instrument = fill.instrument
    trade.side = side
    trade.opened_ms = position.opened_ms
    trade.closed_ms = fill.ts_ms
    trade.entry_ticks = position.entry_ticks
    trade.exit_ticks = fill.px_ticks
    trade.lots = position.entry_lots
    trade.gross_atoms = position.gross
    trade.fees_atoms = position.fees
    trade.funding_atoms = position.funding
    trade.net_atoms = position.gross - position.fees - position.funding
    trade.exit_reason = fill.reason
    trade.modules = position.modules
    trade.partial = position.partial_done
    trade.ambiguous = position.ambiguous
    trade.entry_net = position.entry_net
    trade.session = position.session
    trade.risk_atoms = risk_atoms(position, spec)
    r = float(max(1, position.r_ticks))
    trade.best_r = max(0.0, side * (position.extreme_ticks - position.entry_ticks) / r)
    trade.worst_r = min(0.0, side * (position.adverse_ticks - position.entry_ticks) / r)


@kernel
def note_result(account: Any, outcome_r: float) -> None:
    """Keep a result; those of one bar ascend, so that it does not matter which was told first."""
    room, seen = account.results.shape[0], account.results_seen
    k = 0
    while k < account.bar_results and account.results[(seen - k - 1) % room] > outcome_r:
        account.results[(seen - k) % room] = account.results[(seen - k - 1) % room]
        k += 1
    account.results[(seen - k) % room] = outcome_r
    account.results_seen += 1
    account.bar_results += 1


@kernel(inline=True)
def learn(account: Any, outcomes: Any, rules: Any, trade: Any, outcome_r: float) -> None:
    """Feed a closed trade to the module weights, Kelly and the losing streak.

    Trades that closed longer ago than the window are forgotten now: weights change at closes only.
    """
    modules, room = rules.allocation.modules, outcomes.shape[0]
    row = outcomes[account.outcome_tail % room]
    row.closed_ms, row.modules, row.win = trade.closed_ms, trade.modules, 1 if trade.net_atoms > 0 else 0
    count_outcome(account, row, 1, modules)
    account.outcome_tail += 1
    while outcomes[account.outcome_head % room].closed_ms < trade.closed_ms - rules.dynamic.window_ms:
        count_outcome(account, outcomes[account.outcome_head % room], -1, modules)
        account.outcome_head += 1
    reweigh(account, rules.allocation, rules.dynamic)
    if trade.closed_ms != account.learnt_ms:
        account.learnt_ms, account.bar_results, account.bar_losses = trade.closed_ms, 0, 0
    note_result(account, outcome_r)
    count_loss(account, trade.net_atoms, outcome_r, rules.breakers)


@kernel
def apply_fill(book: Any, rows: Any, rules: Any, spec: Any) -> None:
    """Apply a fill to the book of its instrument.

    Parameters
    ----------
    book
        (account, position, orders, outcomes): the records of one instrument, and the closed trades remembered.
    rows
        (fill, trade): the next free row of the log of fills, written but for its trade; and that of the log of trades,
        for one that closes.
    """
    account, position, orders, outcomes = book
    fill, trade = rows
    side = sign(position.lots)
    fill.trade_id = position.trade_id if side != 0 else account.next_trade_id
    account.fills += 1
    if side != 0:
        note_price(position, side, fill.px_ticks)
    closed = book_fill(account, position, orders, spec, fill)
    if side == 0:
        account.maintenance_bound += maintenance_bound(notional(position, spec), spec)
    if closed:
        log_trade(trade, position, spec, fill, side)
        account.trades += 1
        learn(account, outcomes, rules, trade, result_r(position, spec))
