"""How a fill, a funding payment and a transfer change positions and the account. The only writers of money."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import FillReason
from mastertrading.rules.position.money import rate_of, share_of, sign

PARTIAL, STOP = int(FillReason.PARTIAL), int(FillReason.STOP)
DAY_MS = 86_400_000


@kernel
def unrealised(position: Any, spec: Any) -> int:
    """Open profit at the mark. Atoms."""
    size = abs(position.lots)
    return sign(position.lots) * (position.mark_ticks * size - position.entry_ticklots) * spec.atoms


@kernel
def notional(position: Any, spec: Any) -> int:
    """Absolute value of the position at the mark. Atoms."""
    return position.mark_ticks * abs(position.lots) * spec.atoms


@kernel
def open_position(position: Any, orders: Any, fill: Any) -> None:
    """Begin a trade: R, stop and target come from the order that was decided, the entry from its fill."""
    position.trade_id = fill.trade_id
    position.opened_ms = fill.ts_ms
    position.entry_ticks = fill.px_ticks
    position.entry_ticklots = 0
    position.entry_lots = 0
    position.stop_ticks = orders.entry_stop_ticks
    position.stop_reason = STOP
    position.logged_stop = 0
    position.target_ticks = orders.entry_target_ticks
    position.r_ticks = abs(fill.px_ticks - orders.entry_stop_ticks)
    position.extreme_ticks = fill.px_ticks
    position.adverse_ticks = fill.px_ticks
    position.mark_ticks = fill.px_ticks
    position.partial_done = 0
    position.reached_1r = 0
    position.ambiguous = 0
    position.gross = 0
    position.fees = 0
    position.funding = 0
    position.unrealised = 0
    position.modules = orders.entry_modules
    position.entry_net = orders.entry_net
    position.session = orders.entry_session
    day = fill.ts_ms // DAY_MS
    position.entries_today = position.entries_today + 1 if day == position.day else 1
    position.day = day


@kernel
def add_to_position(position: Any, fill: Any) -> None:
    """Grow the position by a fill on its own side."""
    position.lots += fill.lots
    position.entry_ticklots += fill.px_ticks * abs(fill.lots)
    position.entry_lots = max(position.entry_lots, abs(position.lots))


@kernel
def take_from_position(position: Any, fill: Any, spec: Any) -> int:
    """Shrink the position by a fill on the other side, never through flat; returns the realised gross. Atoms.

    The cost basis is released in proportion, rounded half-even in tick-lots, so that it is exactly used up when
    the last lot goes.
    """
    side, size = sign(position.lots), abs(position.lots)
    lots = min(size, abs(fill.lots))
    released = position.entry_ticklots if lots == size else share_of(position.entry_ticklots, lots, size)
    position.entry_ticklots -= released
    position.lots -= side * lots
    if fill.reason == PARTIAL:
        position.partial_done = 1
    return side * (fill.px_ticks * lots - released) * spec.atoms


@kernel
def book_fill(account: Any, position: Any, orders: Any, spec: Any, fill: Any) -> bool:
    """Apply one fill; returns whether it closed the trade.

    An entry opens or adds; anything else only reduces. The fee and the realised gross move the balance at once.
    """
    if position.lots == 0:
        open_position(position, orders, fill)
        account.next_trade_id = max(account.next_trade_id, fill.trade_id + 1)
    if position.lots == 0 or sign(position.lots) == sign(fill.lots):
        add_to_position(position, fill)
        gross = 0
    else:
        gross = take_from_position(position, fill, spec)
    position.gross += gross
    position.fees += fill.fee_atoms
    account.balance += gross - fill.fee_atoms
    before, position.unrealised = position.unrealised, unrealised(position, spec)
    account.equity += gross - fill.fee_atoms + position.unrealised - before
    return position.lots == 0


@kernel
def funding_payment(position: Any, spec: Any, rate_e8: int) -> int:
    """What holding the position costs at a settlement: rate x signed notional at the mark. Atoms, + = paid."""
    return rate_of(sign(position.lots) * notional(position, spec), rate_e8)


@kernel
def book_payment(account: Any, position: Any, payment_atoms: int) -> None:
    """Charge (or credit) a funding payment."""
    position.funding += payment_atoms
    account.balance -= payment_atoms
    account.equity -= payment_atoms


@kernel
def book_transfer(account: Any, atoms: int) -> None:
    """Book a deposit or withdrawal: units of the account are bought or sold at its net asset value."""
    if account.nav > 0.0:
        account.units = max(0.0, account.units + atoms / account.nav)
    account.balance += atoms
    account.equity += atoms
    account.transferred += atoms


@kernel
def result_r(position: Any, spec: Any) -> float:
    """Net result of a closed trade in R: money over what the full size risked at the initial stop."""
    risk = risk_atoms(position, spec)
    net = position.gross - position.fees - position.funding
    return net / risk if risk > 0 else 0.0


@kernel
def risk_atoms(position: Any, spec: Any) -> int:
    """R of the full size in money. Atoms."""
    return position.r_ticks * position.entry_lots * spec.atoms
