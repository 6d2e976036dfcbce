"""One sentence in plain language about a run, the most sobering that is true."""

from __future__ import annotations

from collections.abc import Callable

from mastertrading.backtest import texts
from mastertrading.backtest.fire_rates import ENTRIES, NOT_REFUSALS
from mastertrading.backtest.statistics import Statistics
from mastertrading.domain.reasons import SmcGate, TrendGate, name_of

ENOUGH_TRADES = 30
FRAGILE_SHARE = 0.5
STANDARD_ERRORS = 2.0

Translate = Callable[[str], str]


def as_written(sentence: str) -> str:
    """Leave a sentence in English: the translator of whoever has none."""
    return sentence


def verdict(statistics: Statistics, translate: Translate = as_written) -> str:
    """Say in one sentence what the run shows, and what it does not."""
    key, values = _finding(statistics)
    return translate(texts.VERDICTS[key]).format(**values)


def _finding(statistics: Statistics) -> tuple[str, dict[str, str]]:
    trades, counts = statistics.trades, statistics.event_counts
    if trades.trades == 0:
        return _why_no_trade(statistics)
    if counts["liquidation"]:
        return "liquidated", {"count": str(counts["liquidation"])}
    if trades.trades < ENOUGH_TRADES:
        return "too_few", {"trades": str(trades.trades), "needed": str(ENOUGH_TRADES)}
    if trades.net_atoms > 0:
        return _doubt(statistics)
    values = {
        "gross": texts.money(trades.gross_atoms),
        "costs": texts.money(trades.fees_atoms + trades.funding_atoms),
        "net": texts.money(trades.net_atoms),
    }
    if trades.net_atoms == 0:
        return "flat", values
    return ("costs" if trades.gross_atoms > 0 else "loses"), values


def _doubt(statistics: Statistics) -> tuple[str, dict[str, str]]:
    """The first reason to doubt a profit."""
    trades, lowest = statistics.trades, statistics.path.lowest_atoms
    net = texts.money(trades.net_atoms)
    if lowest is not None and lowest <= 0:
        return "path", {"worst": texts.money(lowest)}
    if trades.top_two_share is not None and trades.top_two_share > FRAGILE_SHARE:
        return "fragile", {"share": f"{texts.percent(trades.top_two_share, 0)} %", "net": net}
    if trades.t_statistic is not None and trades.t_statistic < STANDARD_ERRORS:
        return "noise", {"net": net, "t": texts.number(trades.t_statistic, 1)}
    return "wins", {"net": net}


def _why_no_trade(statistics: Statistics) -> tuple[str, dict[str, str]]:
    quiet = {name_of(gate) for gate in NOT_REFUSALS}
    gates = [row for row in statistics.funnel.gates if row.stage == ENTRIES and row.gate not in quiet]
    worst = max(gates, key=lambda row: row.refused_first)
    if worst.refused_first == 0:
        if _never_warm(statistics):
            return "warming_up", {"length": texts.duration(statistics.run.warm_up_ms)}
        return "no_signal", {}
    return "no_trade", {"gate": worst.gate, "count": texts.count(worst.refused_first)}


def _never_warm(statistics: Statistics) -> bool:
    """Whether every module was asked and none was ever past its warm-up."""
    warm_up = {name_of(TrendGate.WARM_UP), name_of(SmcGate.DATA)}
    gates = [row for row in statistics.funnel.gates if row.stage != ENTRIES and row.gate in warm_up]
    return any(row.asked for row in gates) and not any(row.passed for row in gates)
