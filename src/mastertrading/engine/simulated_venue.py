"""What a venue would have done during one bar: the only caller of the fill rule. Backtest, replay and paper.

Funding at the open, on the position before any fill and at the last mark; then market orders at the open; then
the path to one extreme, to the other, and to the close, against what rests (DESIGN 4.2).
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import EventKind, FillReason
from mastertrading.engine.accounting import apply_fill, attach, log_event
from mastertrading.engine.marking import total_up
from mastertrading.rules.position import fills as rule
from mastertrading.rules.position.margin import liquidation_ticks, maintenance
from mastertrading.rules.position.money import rate_of, sign
from mastertrading.rules.position.transitions import (
    book_payment,
    book_transfer,
    funding_payment,
    notional,
    unrealised,
)

ENTRY, PARTIAL = int(FillReason.ENTRY), int(FillReason.PARTIAL)
TARGET, LIQUIDATION = int(FillReason.TARGET), int(FillReason.LIQUIDATION)
DROPPED, LIQUIDATED = int(EventKind.ENTRY_DROPPED), int(EventKind.LIQUIDATION)
TRANSFER, REFUSED = int(EventKind.TRANSFER), int(EventKind.TRANSFER_REFUSED)


@kernel(inline=True)
def execute(book: Any, logs: Any, rules: Any, spec: Any, i: int, ts_ms: int, order: Any) -> None:
    """Write one fill and apply it. ``order``: (signed lots, price in ticks, FillReason, fee rate in 1e-8)."""
    account, fill = book[0], logs[0][book[0].fills]
    fill.instrument, fill.ts_ms, fill.lots, fill.px_ticks, fill.reason = (
        i,
        ts_ms,
        order[0],
        order[1],
        order[2],
    )
    fill.fee_atoms = rate_of(order[1] * abs(order[0]) * spec.atoms, order[3])
    mine = (account, book[1][i], book[2][i], book[3])
    apply_fill(mine, (fill, logs[1][account.trades]), rules, spec)


@kernel
def settle(account: Any, position: Any, spec: Any, payments: Any, settlement: Any) -> None:
    """Charge one settlement to the position that was held when it fell due."""
    if position.lots == 0:
        return
    row = payments[account.payments]
    row.trade_id, row.instrument = position.trade_id, settlement.instrument
    row.ts_ms = settlement.ts_ms
    row.atoms = funding_payment(position, spec, settlement.rate_e8)
    book_payment(account, position, row.atoms)
    account.payments += 1


@kernel
def transfer(account: Any, events: Any, transfer_row: Any) -> None:
    """Book a deposit or withdrawal and write it down; a withdrawal of more than there is, is refused."""
    if transfer_row.atoms + account.equity < 0:
        log_event(account, events, transfer_row.ts_ms, REFUSED, 0, 0, float(transfer_row.atoms))
        return
    book_transfer(account, transfer_row.atoms)
    log_event(account, events, transfer_row.ts_ms, TRANSFER, 0, 0, float(transfer_row.atoms))


@kernel
def spare_margin(account: Any, positions: Any, specs: Any) -> int:
    """Equity minus maintenance margin of the whole account, at the last marks. Atoms."""
    spare = account.balance
    for i in range(positions.shape[0]):
        if positions[i].lots != 0:
            spare += unrealised(positions[i], specs[i]) - maintenance(
                notional(positions[i], specs[i]), specs[i]
            )
    return spare


@kernel
def may_liquidate(account: Any, position: Any, spec: Any, worst_ticks: int) -> bool:
    """A cheap necessary condition, so that ordinary bars skip the arithmetic of the margin ladder.

    The loss down to the bar's worst price moves equity and, with a rate of at most 100 %, the margin by no more
    than itself. Equity and the bound of the margin are kept up with every fill.
    """
    loss = sign(position.lots) * (position.mark_ticks - worst_ticks) * abs(position.lots) * spec.atoms
    return 2 * loss >= account.equity - account.maintenance_bound


@kernel
def is_safe(account: Any, position: Any, spec: Any, bar: Any) -> bool:
    """Whether a bar that touches no resting order cannot liquidate either."""
    return position.lots == 0 or not may_liquidate(
        account, position, spec, rule.adverse_extreme(sign(position.lots), bar)
    )


@kernel(inline=True)
def play_open(book: Any, logs: Any, rules: Any, specs: Any, i: int, bar: Any, ts_ms: int) -> None:
    """Market orders at the open: the exit, a stop that was jumped, then the entry with its attached protection."""
    account, positions, all_orders = book[0], book[1], book[2]
    position, orders, costs, spec = positions[i], all_orders[i], rules.costs, specs[i]
    if position.lots != 0 and orders.exit_reason != 0:
        px = rule.slipped(bar.open, -sign(position.lots), costs.slippage_e8)
        execute(book, logs, rules, spec, i, ts_ms, (-position.lots, px, orders.exit_reason, costs.taker_e8))
    elif position.lots != 0 and rule.is_reached(sign(position.lots), orders.stop_ticks, bar.open):
        if liquidation_first(book, specs, i, bar.open) != 0:
            liquidate(book, logs, rules, spec, i, ts_ms, bar.open)
        else:
            px = rule.slipped(bar.open, -sign(position.lots), costs.slippage_e8)
            order = (-position.lots, px, orders.stop_reason, costs.taker_e8)
            execute(book, logs, rules, spec, i, ts_ms, order)
    if orders.entry_lots != 0 and position.lots == 0:
        px = rule.entry_px(orders, bar, costs)
        if px == 0:
            log_event(account, logs[2], ts_ms, DROPPED, i, 0, 0.0)
        else:
            execute(book, logs, rules, spec, i, ts_ms, (orders.entry_lots, px, ENTRY, costs.taker_e8))
            attach(account, logs[3], position, orders, i, ts_ms)
    orders.entry_lots = 0
    orders.exit_reason = 0


@kernel(inline=True)
def play_adverse(book: Any, logs: Any, rules: Any, specs: Any, i: int, bar: Any, ts_ms: int) -> None:
    """The path toward the worse extreme: the stop, or the liquidation where that comes first."""
    position, orders, costs, spec = book[1][i], book[2][i], rules.costs, specs[i]
    side, worst = sign(position.lots), rule.adverse_extreme(sign(position.lots), bar)
    level = liquidation_first(book, specs, i, worst)
    if level != 0:
        liquidate(book, logs, rules, spec, i, ts_ms, level if side * (bar.open - level) > 0 else bar.open)
    elif rule.is_reached(side, orders.stop_ticks, worst):
        px = rule.protective_px(side, orders.stop_ticks, bar, costs)
        execute(book, logs, rules, spec, i, ts_ms, (-position.lots, px, orders.stop_reason, costs.taker_e8))


@kernel(inline=True)
def liquidation_first(book: Any, specs: Any, i: int, px_ticks: int) -> int:
    """The price of liquidation if a move to ``px_ticks`` reaches it, and before the stop; else 0. Ticks."""
    level = 0
    if may_liquidate(book[0], book[1][i], specs[i], px_ticks):
        level = liquidation_before_stop(book[0], book[1], book[2][i], specs, i, px_ticks)
    return level


@kernel
def liquidation_before_stop(
    account: Any, positions: Any, orders: Any, specs: Any, i: int, px_ticks: int
) -> int:
    """The same, by the margin ladder of the whole account."""
    position, spec, side = positions[i], specs[i], sign(positions[i].lots)
    level = liquidation_ticks(position, spec, spare_margin(account, positions, specs))
    if level == 0 or not rule.is_reached(side, level, px_ticks):
        return 0
    return level if side * (level - orders.stop_ticks) > 0 else 0


@kernel
def liquidate(book: Any, logs: Any, rules: Any, spec: Any, i: int, ts_ms: int, px_ticks: int) -> None:
    """The venue closes the position, slippage and its liquidation fee on us."""
    account, position, costs = book[0], book[1][i], rules.costs
    px = rule.slipped(px_ticks, -sign(position.lots), costs.slippage_e8)
    log_event(account, logs[2], ts_ms, LIQUIDATED, i, 0, float(px))
    fee = costs.taker_e8 + costs.liquidation_e8
    execute(book, logs, rules, spec, i, ts_ms, (-position.lots, px, LIQUIDATION, fee))


@kernel(inline=True)
def play_favourable(book: Any, logs: Any, rules: Any, spec: Any, i: int, bar: Any, ts_ms: int) -> None:
    """The path toward the better extreme: the partial close, then the target of what is left.

    A target nearer than the partial comes first on that path and leaves it nothing.
    """
    position, orders, costs = book[1][i], book[2][i], rules.costs
    side = sign(position.lots)
    best, through = rule.favourable_extreme(side, bar), costs.through_ticks
    partial_first = orders.target_ticks == 0 or side * (orders.target_ticks - orders.partial_ticks) >= 0
    partial_first = partial_first and orders.partial_lots != 0
    if partial_first and rule.trades_through(side, orders.partial_ticks, best, through):
        lots = min(orders.partial_lots, abs(position.lots))
        order = (-side * lots, orders.partial_ticks, PARTIAL, costs.maker_e8)
        execute(book, logs, rules, spec, i, ts_ms, order)
        orders.partial_lots = 0
    if position.lots != 0 and rule.trades_through(side, orders.target_ticks, best, through):
        order = (-position.lots, orders.target_ticks, TARGET, costs.maker_e8)
        execute(book, logs, rules, spec, i, ts_ms, order)


@kernel(inline=True)
def play_bar(book: Any, logs: Any, rules: Any, specs: Any, i: int, bar: Any, ts_ms: int) -> None:
    """One bar of one instrument against the orders that rest since the last close.

    Parameters
    ----------
    book
        (account record, positions, orders, outcomes).
    logs
        (fills, trades, events, stops).
    ts_ms
        Open time of the bar; every fill in it carries this time.
    """
    position, orders = book[1][i], book[2][i]
    play_open(book, logs, rules, specs, i, bar, ts_ms)
    if position.lots == 0:
        return
    side = sign(position.lots)
    if rule.is_ambiguous(side, orders, bar, rules.costs):
        position.ambiguous = 1
    if rule.adverse_first(side, bar, rules.costs.path):
        play_adverse(book, logs, rules, specs, i, bar, ts_ms)
        if position.lots != 0:
            play_favourable(book, logs, rules, specs[i], i, bar, ts_ms)
    else:
        play_favourable(book, logs, rules, specs[i], i, bar, ts_ms)
        if position.lots != 0:
            play_adverse(book, logs, rules, specs, i, bar, ts_ms)


@kernel(inline=True)
def play_close(book: Any, logs: Any, rules: Any, specs: Any, ts_ms: int) -> bool:
    """After the account was marked: liquidate everything at the marks if its margin is gone; whether it was.

    Each position alone may have survived its own worst price while all of them together did not.
    """
    near = book[0].exposure != 0 and book[0].equity <= book[0].maintenance_bound
    return near and liquidate_all(book, logs, rules, specs, ts_ms)


@kernel
def liquidate_all(book: Any, logs: Any, rules: Any, specs: Any, ts_ms: int) -> bool:
    """Liquidate every position at its mark, if the account's margin is gone; whether it was."""
    account, positions = book[0], book[1]
    if spare_margin(account, positions, specs) > 0:
        return False
    for i in range(positions.shape[0]):
        if positions[i].lots != 0:
            liquidate(book, logs, rules, specs[i], i, ts_ms, positions[i].mark_ticks)
    return True


@kernel(entry=True)
def close_all(state: Any, logs: Any, rules: Any, specs: Any, ts_ms: int, reason: int) -> None:
    """Close every position at its mark, slippage on us: the end of the data.

    Parameters
    ----------
    state
        (account as one record in an array, positions, orders, outcomes).
    logs
        (fills, trades, events, stops).
    """
    accounts, positions, orders, outcomes = state
    book, rule_set = (accounts[0], positions, orders, outcomes), rules[0]
    for i in range(positions.shape[0]):
        lots = positions[i].lots
        if lots != 0:
            px = rule.slipped(positions[i].mark_ticks, -sign(lots), rule_set.costs.slippage_e8)
            order = (-lots, px, reason, rule_set.costs.taker_e8)
            execute(book, logs, rule_set, specs[i], i, ts_ms, order)
    total_up(accounts[0], positions, specs)
