"""``mark``: value the account at the close of a bar and move its breakers."""

from __future__ import annotations

from typing import Any

from mastertrading.compiled import kernel
from mastertrading.engine.accounting import log_stages
from mastertrading.rules.position.exits import note_extremes
from mastertrading.rules.position.margin import maintenance_bound
from mastertrading.rules.position.transitions import notional, unrealised
from mastertrading.rules.risk.breakers import update_breakers


@kernel
def mark_position(position: Any, row: Any, spec: Any) -> None:
    """Value one position at this bar's mark; a bar that is missing leaves the last mark."""
    if row.valid:
        position.mark_ticks = row.mark
        if position.lots != 0:
            note_extremes(position, row)
            position.unrealised = unrealised(position, spec)


@kernel(inline=True)
def total_up(account: Any, positions: Any, specs: Any) -> None:
    """Equity, exposure and an upper bound of the maintenance margin, from the marks."""
    equity, exposure, bound = account.balance, 0, 0
    for i in range(positions.shape[0]):
        if positions[i].lots != 0:
            equity += positions[i].unrealised
            value = notional(positions[i], specs[i])
            exposure += value
            bound += maintenance_bound(value, specs[i])
    account.equity = equity
    account.exposure = exposure
    account.maintenance_bound = bound
    if account.units > 0.0:  # an emptied account keeps its last value, for the next deposit to buy at
        account.nav = equity / account.units


@kernel(inline=True)
def revalue(account: Any, positions: Any, specs: Any, rows: Any, t: int) -> None:
    """Mark every position at the close of bar ``t`` and total up."""
    for i in range(positions.shape[0]):
        mark_position(positions[i], rows[t, i], specs[i])
    total_up(account, positions, specs)


@kernel
def move_breakers(account: Any, events: Any, rules: Any, t_ms: int) -> None:
    """Update the ladder and write down every change of a stage."""
    stages = account.stages
    before = (stages[0], stages[1], stages[2], stages[3])
    update_breakers(account, t_ms, rules.breakers)
    log_stages(account, before, events, t_ms)
