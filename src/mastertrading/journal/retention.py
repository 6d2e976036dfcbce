"""Bounded growth: what is thinned with age, and what never is.

Money is kept for ever: fills, payments, ledger, adjustments, trades, commands and their arrows, operators' commands.
What a minute leaves behind is thinned: decisions in which nothing happened, the engine's old records, cycles, points
of the equity curve. Each call removes a bounded number of rows, so that no cycle waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the tables exist once a journal is open
    from mastertrading.journal.database import DatabaseStore

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
A_LITTLE = 500
"""Rows of each kind that go at once where a cycle may be waiting: some ten milliseconds."""
FLAT = 3
"""Gates up to this one (``domain.reasons.Gate``) refuse because there is no wish: nothing happened."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept, in days; afterwards one of each hour or day."""

    decisions_days: float = 14.0
    """Every decision; older ones only where something was wished, ordered or left."""
    cycles_days: float = 14.0
    states_hours: float = 6.0
    """Every record of the engine; older ones one an hour, after ``states_days`` one a day."""
    states_days: float = 3.0
    equity_days: float = 7.0
    """Every minute; older points one an hour."""
    incidents_days: float = 365.0
    """Incidents below critical."""


def thin(store: DatabaseStore, now_ms: int, keep: Retention = Retention(), limit: int = 5000) -> int:
    """Remove what is too old, at most about ``limit`` rows of each kind; returns how many. 0: nothing is left to do."""
    from mastertrading.journal import models

    def before(days: float) -> int:
        return int(now_ms - days * DAY_MS)

    removed = 0
    with store.transaction():
        quiet = f"lots = 0 AND exit_reason = 0 AND refusal <= {FLAT} AND refusal > 0"
        removed += _remove(
            store, models.Decision, f"ts_ms < %s AND {quiet}", before(keep.decisions_days), limit
        )
        rest = "started_ms < %s AND NOT has_state"
        removed += _remove(store, models.Cycle, rest, before(keep.cycles_days), limit)
        calm = "ts_ms < %s AND severity <> 'critical'"
        removed += _remove(store, models.Incident, calm, before(keep.incidents_days), limit)
        hours = before(keep.equity_days)
        removed += _thin_to_one(store, models.EquityPoint, "ts_ms", hours, HOUR_MS, limit)
        removed += _forget_states(store, before(keep.states_hours / 24), HOUR_MS, limit)
        removed += _forget_states(store, before(keep.states_days), DAY_MS, limit)
    return removed


def _remove(store: DatabaseStore, model: object, where: str, before_ms: int, limit: int) -> int:
    ids = store.rows.select(model, where, before_ms, order="id", limit=limit, columns="id")
    return _delete(store, model, [one for (one,) in ids])


def _thin_to_one(
    store: DatabaseStore, model: object, column: str, before_ms: int, step_ms: int, limit: int
) -> int:
    """Of each span of ``step_ms`` before a moment, keep the last row."""
    return _delete(store, model, _doubled(store, model, column, "TRUE", before_ms, step_ms, limit))


def _forget_states(store: DatabaseStore, before_ms: int, step_ms: int, limit: int) -> int:
    """Empty the engine's records but the last of each span."""
    from mastertrading.journal import models

    extra = _doubled(store, models.Cycle, "started_ms", "has_state", before_ms, step_ms, limit)
    values = {"state": None, "has_state": False}
    return sum(store.rows.update(models.Cycle, values, _among(some), *some) for some in _batches(extra))


def _doubled(
    store: DatabaseStore, model: object, column: str, where: str, before_ms: int, step_ms: int, limit: int
) -> list[int]:
    """Ids of rows that are not the last of their span. From the newest back: the old ones were thinned before."""
    condition, listed = f"{column} < %s AND {where}", f"id, {column} / {step_ms}"
    found = store.rows.select(
        model, condition, before_ms, order=f"{column} DESC, id DESC", limit=limit, columns=listed
    )
    return [one for (_, following), (one, span) in pairwise(found) if span == following]


def _batches(ids: list[int]) -> list[list[int]]:
    return [ids[start : start + 500] for start in range(0, len(ids), 500)]


def _among(ids: list[int]) -> str:
    return f"id IN ({', '.join(['%s'] * len(ids))})"


def _delete(store: DatabaseStore, model: object, ids: list[int]) -> int:
    return sum(store.rows.delete(model, _among(some), *some) for some in _batches(ids))
