"""The verbs one at a time, for drivers that get their fills elsewhere: paper and live (DESIGN law 2).

::

    hear          verdicts before the first decision
    take_*        what the venue says happened: fills, funding payments, transfers, in the order of time
    close_bar     mark ─► decide ─► ideal orders

The venue never speaks here: it fills, charges and liquidates by itself.
"""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.domain.reasons import EventKind, FillReason
from mastertrading.engine.accounting import apply_fill, attach, log_event
from mastertrading.engine.cycle import decide
from mastertrading.engine.deciding import hear
from mastertrading.engine.marking import move_breakers, revalue
from mastertrading.rules.position.money import sign
from mastertrading.rules.position.transitions import book_payment, book_transfer

PARTIAL, LIQUIDATION = int(FillReason.PARTIAL), int(FillReason.LIQUIDATION)
TRANSFER, LIQUIDATED = int(EventKind.TRANSFER), int(EventKind.LIQUIDATION)


@kernel(entry=True)
def listen(memory: Any, minutes: Any, verdicts: Any) -> None:
    """Remember the verdicts of bars before the first decision, so that it hears what a longer run would (SIG-TTL)."""
    for t in range(minutes.shape[0]):
        for i in range(memory.shape[0]):
            hear(memory, verdicts, t, i, minutes[t].t_ms)


@kernel(entry=True)
def take_fills(state: Any, logs: Any, rules: Any, specs: Any, fills: Any) -> None:
    """Apply fills of the venue, in order.

    Parameters
    ----------
    state
        The fields of a ``Book``.
    logs
        (fills, trades, payments, events, stops), with room for two rows a fill.
    fills
        FILL records; ``trade_id`` is filled in.
    """
    account, positions, orders, outcomes = state[0][0], state[1], state[2], state[4]
    for k in range(fills.shape[0]):
        i = fills[k].instrument
        if fills[k].reason == LIQUIDATION:
            log_event(account, logs[3], fills[k].ts_ms, LIQUIDATED, i, 0, float(fills[k].px_ticks))
        position, side = positions[i], sign(positions[i].lots)
        row = logs[0][account.fills]
        row.instrument, row.ts_ms, row.lots = i, fills[k].ts_ms, fills[k].lots
        row.px_ticks, row.fee_atoms, row.reason = fills[k].px_ticks, fills[k].fee_atoms, fills[k].reason
        mine = (account, position, orders[i], outcomes)
        apply_fill(mine, (row, logs[1][account.trades]), rules[0], specs[i])
        fills[k].trade_id = row.trade_id
        if side == 0:
            attach(account, logs[4], position, orders[i], i, row.ts_ms)
        elif row.reason == PARTIAL:
            orders[i].partial_lots = 0


@kernel(entry=True)
def take_payments(state: Any, logs: Any, payments: Any) -> None:
    """Book funding that the venue charged (PAYMENT records, + = paid), on the trade that was open."""
    account, positions = state[0][0], state[1]
    for k in range(payments.shape[0]):
        position = positions[payments[k].instrument]
        row = logs[2][account.payments]
        row.trade_id, row.instrument = position.trade_id, payments[k].instrument
        row.ts_ms, row.atoms = payments[k].ts_ms, payments[k].atoms
        book_payment(account, position, row.atoms)
        account.payments += 1


@kernel(entry=True)
def take_transfers(state: Any, logs: Any, transfers: Any) -> None:
    """Book deposits and withdrawals that the venue made (TRANSFER records)."""
    account = state[0][0]
    for k in range(transfers.shape[0]):
        atoms = transfers[k].atoms
        book_transfer(account, atoms)
        log_event(account, logs[3], transfers[k].ts_ms, TRANSFER, 0, 0, float(atoms))


@kernel(entry=True)
def close_bar(state: Any, logs: Any, rules: Any, specs: Any, inputs: Any, market: Any, t_ms: int) -> None:
    """Value the account at the close of one bar, then decide what should rest.

    Parameters
    ----------
    inputs
        (rows, minutes, verdicts) of this one bar.
    market
        (hourly returns, their bounds) as far as they had ended.
    """
    account, positions, orders, memory = state[0][0], state[1], state[2], state[3]
    latest, watches, room = state[5], state[6], (state[8], state[9], state[10])
    for i in range(positions.shape[0]):
        orders[i].entry_lots, orders[i].exit_reason = 0, 0  # market orders live for one bar
        watches[i].awake = 1
    revalue(account, positions, specs, inputs[0], 0)
    move_breakers(account, logs[3], rules[0], t_ms)
    thinking = (account, positions, orders, memory, latest, watches, room)
    decide(thinking, market, rules[0], specs, inputs, (0, t_ms), logs[4])
