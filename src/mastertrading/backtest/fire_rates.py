"""How often each module fired and each gate refused: the way from a bar to an entry, in numbers.

A decision is one instrument at one bar's close, however long the bars are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from mastertrading.backtest.measures import ratio
from mastertrading.backtest.result import Result
from mastertrading.domain.market import I64
from mastertrading.domain.reasons import (
    CarryGate,
    Gate,
    MeanReversionGate,
    SmcGate,
    TrendGate,
    name_of,
)

MODULE_GATES: dict[str, type[IntEnum]] = {
    "trend": TrendGate,
    "meanrev": MeanReversionGate,
    "carry": CarryGate,
    "smc": SmcGate,
}
NOT_REFUSALS = (Gate.HOLDING, Gate.FLAT)
"""Decisions in position, and decisions in which the modules wished nothing: nobody was refused anything."""

ENTRIES = "allocation"
ALL = "all"


@dataclass(frozen=True, slots=True)
class FireRate:
    """Decisions with a direction of one module on one instrument (or on all)."""

    module: str
    instrument: str
    decisions: int
    long: int
    short: int
    share: float | None


@dataclass(frozen=True, slots=True)
class GateCount:
    """What one gate said: how often it was asked, passed, and was the first to refuse.

    ``stage`` is the module whose gate it is, or ``allocation`` for the gates between the net and an order.
    """

    stage: str
    instrument: str
    gate: str
    asked: int
    passed: int
    refused_first: int


@dataclass(frozen=True, slots=True)
class FunnelReport:
    """All fire rates and gate counts of a run.

    Attributes
    ----------
    fires
        One row a module and instrument, and one a module over ``all``.
    gates
        Counts over all instruments, gates that were never asked included.
    refusals
        Decisions in which somebody wished an entry and a gate refused it.
    """

    fires: tuple[FireRate, ...]
    gates: tuple[GateCount, ...]
    refusals: int


def funnel_report(result: Result) -> FunnelReport:
    """Count a run's funnel over all instruments."""
    first = result.funnel.gate_first.sum(axis=0)
    refusals = int(first.sum()) - int(first[0]) - sum(int(first[gate]) for gate in NOT_REFUSALS)
    return FunnelReport(fire_rates(result), gate_counts(result), refusals)


def fire_rates(result: Result) -> tuple[FireRate, ...]:
    """Share of the decisions in which each module had a direction."""
    decisions, fires = result.funnel.minutes, result.funnel.module_fires
    rows = []
    for m, module in enumerate(result.modules):
        rows.append(_fire_rate(module, ALL, int(decisions.sum()), fires[:, m].sum(axis=0)))
        for i, instrument in enumerate(result.instruments):
            rows.append(_fire_rate(module, instrument.symbol, int(decisions[i]), fires[i, m]))
    return tuple(rows)


def _fire_rate(module: str, instrument: str, decisions: int, split: I64) -> FireRate:
    long, short = int(split[0]), int(split[1])
    return FireRate(module, instrument, decisions, long, short, ratio(long + short, decisions))


def gate_counts(result: Result) -> tuple[GateCount, ...]:
    """Counts of every gate, summed over the instruments."""
    return _counts(result, ALL, range(len(result.instruments)))


def gate_counts_by_instrument(result: Result) -> tuple[GateCount, ...]:
    """Counts of every gate on every instrument."""
    return tuple(
        row for i, item in enumerate(result.instruments) for row in _counts(result, item.symbol, (i,))
    )


def _counts(result: Result, instrument: str, which: Sequence[int]) -> tuple[GateCount, ...]:
    funnel, chosen = result.funnel, list(which)
    rows = []
    for m, module in enumerate(result.modules):
        asked, passed, first = (
            table[chosen, m].sum(axis=0)
            for table in (funnel.module_asked, funnel.module_passed, funnel.module_refusals)
        )
        rows += [
            GateCount(
                module, instrument, name_of(gate), int(asked[gate]), int(passed[gate]), int(first[gate])
            )
            for gate in MODULE_GATES.get(module, ())
        ]
    asked, passed, first = (
        table[chosen].sum(axis=0) for table in (funnel.gate_asked, funnel.gate_passed, funnel.gate_first)
    )
    rows += [
        GateCount(ENTRIES, instrument, name_of(gate), int(asked[gate]), int(passed[gate]), int(first[gate]))
        for gate in Gate
    ]
    return tuple(rows)
