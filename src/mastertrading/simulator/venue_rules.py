"""What a venue is said to do, rule by rule: documented, observed or assumed.

An assumed rule is a switch. Its other positions exist so that what we build can be tested at the worst of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any


class Evidence(StrEnum):
    """How we know."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


def rule(default: Any, evidence: Evidence, says: str, *, worst: Any = None, source: str = "") -> Any:
    """A rule with its default, how we know it, and (if assumed) the worst of its positions."""
    known = {"evidence": evidence, "says": says, "worst": worst, "source": source}
    return field(default=default, metadata=known)


def assumed(rules: Any) -> dict[str, Any]:
    """Every assumed rule of a set, with its worst position."""
    found = (one for one in fields(rules) if one.metadata.get("evidence") is Evidence.ASSUMED)
    return {one.name: one.metadata["worst"] for one in found}


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """What the matching and account engine asks of a venue. Each façade hands in its own."""

    duplicate_id: str = rule(
        "open",
        Evidence.ASSUMED,
        "a client id is refused while: 'open' an open order has it, 'always' any order ever had it, 'never'",
        worst="never",
    )
    reduce_only_excess: str = rule(
        "trim",
        Evidence.ASSUMED,
        "a reduce-only order larger than the position: 'trim' it fills what there is, 'refuse'",
        worst="refuse",
    )
    reduce_only_sum: bool = rule(
        False, Evidence.ASSUMED, "resting reduce-only orders count against a new one", worst=True
    )
    flat_ends_reduce_only: bool = rule(
        True, Evidence.ASSUMED, "reduce-only orders end when their position is gone", worst=False
    )
    trigger_makes_new_order: bool = rule(
        False, Evidence.ASSUMED, "a triggered conditional becomes an order with a new id", worst=True
    )
    post_only_crossing: str = rule(
        "expire",
        Evidence.ASSUMED,
        "a post-only order that would take: 'expire' accepted and ended at once, 'refuse'",
        worst="expire",
    )
    immediate_trigger: str = rule(
        "refuse",
        Evidence.ASSUMED,
        "a conditional order whose price is already reached: 'refuse', 'trigger' at once",
        worst="refuse",
    )
    fill_pieces: int = rule(
        1, Evidence.ASSUMED, "into how many executions the exchange splits a fill", worst=3
    )
    liquidation_by: str = rule(
        "last",
        Evidence.ASSUMED,
        "what meets the level of liquidation: 'last' the traded price on its path (the backtest's rule, no later than "
        "a venue would) and the mark when it moves, 'mark' only the mark",
        worst="last",
    )
    reduce_only_needs_position: bool = rule(
        True, Evidence.ASSUMED, "a plain reduce-only order without a position is refused", worst=True
    )
    conditional_needs_position: bool = rule(
        False, Evidence.ASSUMED, "so is a conditional reduce-only or close-position order", worst=True
    )
    amends_conditional: bool = rule(
        True, Evidence.ASSUMED, "a conditional order that waits can be amended", worst=False
    )
    held_limit: str = rule(
        "rest",
        Evidence.ASSUMED,
        "a limit that would take and arrives between a bar's close and the next open: 'rest' the path meets it at its "
        "own price (the backtest's rule), 'take' it takes at the open",
        worst="rest",
    )
