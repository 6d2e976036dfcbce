"""What a campaign has to have tried before it may say anything: four goals, and what can never be tried, with why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mastertrading.app.campaign.trial import NONE
from mastertrading.domain.intents import CommandState

FEWEST_FAULTS, FEWEST_HELD, FEWEST_HITS, FEWEST_PAIRS = 3.0, 0.9, 30, 1
"""Faults that fired a seed on average; share of seeds with a position during a fault; hits a fault; hits a pair."""
IN_FLIGHT = tuple(str(state) for state in CommandState if not state.is_over)
NOT_REACHED = {"partial": "volume is without bound in a campaign: orders fill whole, or end"}
"""States that no command of a campaign is ever seen in."""
STATES = tuple(state for state in (NONE, *IN_FLIGHT) if state not in NOT_REACHED)
"""States that a command can be in when a fault acts. One that is over is no command in flight any more."""
NOT_TRIED = {"D13": "no book is read: entries go by first prices, and prices by tickers"}
"""Faults that a trader of this cycle can never meet."""
NEVER: dict[tuple[str, str], str] = {}
"""Pairs of fault and state that cannot be, with why."""


def coverage(
    seeds: int,
    fired: int,
    held: int,
    hits: Mapping[str, int],
    states: Mapping[str, int],
    among: Iterable[str],
) -> dict[str, Any]:
    """How far each goal is met.

    Parameters
    ----------
    fired
        Faults that acted, summed over seeds.
    held
        Seeds with a position open during a fault.
    states
        Hits by ``fault state``.
    among
        Faults that were drawn from.
    """
    keys = [key for key in among if key not in NOT_TRIED]
    pairs = [(key, state) for key in keys for state in STATES if (key, state) not in NEVER]
    missing = [f"{key} {state}" for key, state in pairs if states.get(f"{key} {state}", 0) < FEWEST_PAIRS]
    rare = [key for key in keys if hits.get(key, 0) < FEWEST_HITS]
    count = max(seeds, 1)
    return {
        "faults_a_seed": fired / count,
        "held_in_fault": held / count,
        "hits": {key: hits.get(key, 0) for key in sorted({*among, *hits})},
        "rare": rare,
        "pairs": {"wanted": len(pairs), "met": len(pairs) - len(missing), "missing": missing},
        "states": dict(sorted(states.items())),
        "goals": {
            f"faults a seed >= {FEWEST_FAULTS:g}": fired / count >= FEWEST_FAULTS,
            f"position during a fault >= {FEWEST_HELD:.0%}": held / count >= FEWEST_HELD,
            f"hits a fault >= {FEWEST_HITS}": not rare,
            f"fault x state >= {FEWEST_PAIRS}": not missing,
        },
        "excluded": {
            **NOT_TRIED,
            **NOT_REACHED,
            **{f"{key} {state}": why for (key, state), why in NEVER.items()},
        },
    }


def added(count: Counter[str], told: Mapping[str, int]) -> None:
    """Add without the zeros."""
    for key, hits in told.items():
        if hits:
            count[key] += hits
