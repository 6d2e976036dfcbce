"""Statistics of a list of trades: of all of them, and of the part that belongs to one group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mastertrading.backtest.measures import average, longest_run, ratio, t_statistic
from mastertrading.backtest.result import Result
from mastertrading.domain.market import F64, Bool, Records
from mastertrading.domain.reasons import FillReason, name_of

SESSIONS = ("overlap", "london", "ny", "dead", "asia")
"""In the order of the settings. Of two that apply in an hour, the earlier here wins (settings/records)."""


@dataclass(frozen=True, slots=True)
class TradeStatistics:
    """What a list of trades did. Money in atoms; a win has net > 0, a loss net < 0, a draw net = 0.

    Attributes
    ----------
    win_rate
        wins / trades.
    payoff
        mean win / mean loss, both as positive money.
    profit_factor
        sum of wins / sum of losses, both as positive money.
    expectancy_atoms, expectancy_r, expectancy_frac
        Mean net result of a trade: in money, in R (its initial risk), as a fraction of its entry notional.
    t_statistic
        Standard errors that the mean net result is away from zero.
    best_frac, worst_frac
        Best and worst net result as a fraction of the entry notional.
    top_two_share
        Share of the net profit that the two best trades made; None without a profit.
    """

    trades: int
    wins: int
    losses: int
    draws: int
    win_rate: float | None
    gross_atoms: int
    fees_atoms: int
    funding_atoms: int
    net_atoms: int
    payoff: float | None
    profit_factor: float | None
    expectancy_atoms: float | None
    expectancy_r: float | None
    expectancy_frac: float | None
    t_statistic: float | None
    mean_duration_ms: float | None
    median_duration_ms: float | None
    mean_win_duration_ms: float | None
    mean_loss_duration_ms: float | None
    longest_wins: int
    longest_losses: int
    best_atoms: int | None
    worst_atoms: int | None
    best_frac: float | None
    worst_frac: float | None
    top_two_share: float | None
    partials: int
    ambiguous: int


@dataclass(frozen=True, slots=True)
class Group:
    """The trades of one group, for example of one instrument."""

    name: str
    statistics: TradeStatistics


@dataclass(frozen=True, slots=True)
class Ledger:
    """The trades of a run in the order of their closing, with what a measure needs of each.

    ``notional`` is the entry notional of the largest size held, in atoms.
    """

    rows: Records
    notional: F64

    def part(self, chosen: Bool) -> Ledger:
        """Only the chosen trades."""
        return Ledger(self.rows[chosen], self.notional[chosen])


def ledger_of(result: Result) -> Ledger:
    """Order a run's trades by closing time, then id."""
    order = np.lexsort((result.trades["trade_id"], result.trades["closed_ms"]))
    rows = result.trades[order]
    atoms = np.array([item.atoms_per_tick_lot for item in result.instruments], np.int64)
    notional = rows["entry_ticks"] * rows["lots"] * atoms[rows["instrument"]]
    return Ledger(rows, notional.astype(np.float64))


def measure(ledger: Ledger) -> TradeStatistics:
    """Measure a list of trades. Every field follows from the rows alone."""
    rows = ledger.rows
    net = [int(value) for value in rows["net_atoms"]]
    won, lost = [value > 0 for value in net], [value < 0 for value in net]
    gains, pains = sum(v for v in net if v > 0), -sum(v for v in net if v < 0)
    wins, losses = sum(won), sum(lost)
    durations = (rows["closed_ms"] - rows["opened_ms"]).astype(np.float64)
    fractions = _quotients(net, ledger.notional)
    return TradeStatistics(
        trades=len(net),
        wins=wins,
        losses=losses,
        draws=len(net) - wins - losses,
        win_rate=ratio(wins, len(net)),
        gross_atoms=total(rows["gross_atoms"]),
        fees_atoms=total(rows["fees_atoms"]),
        funding_atoms=total(rows["funding_atoms"]),
        net_atoms=sum(net),
        payoff=ratio(gains * losses, pains * wins),
        profit_factor=ratio(gains, pains),
        expectancy_atoms=ratio(sum(net), len(net)),
        expectancy_r=average(_quotients(net, rows["risk_atoms"])),
        expectancy_frac=average(fractions),
        t_statistic=t_statistic([float(value) for value in net]),
        mean_duration_ms=average(durations),
        median_duration_ms=float(np.median(durations)) if net else None,
        mean_win_duration_ms=average(durations[won]),
        mean_loss_duration_ms=average(durations[lost]),
        longest_wins=longest_run(won),
        longest_losses=longest_run(lost),
        best_atoms=max(net, default=None),
        worst_atoms=min(net, default=None),
        best_frac=max(fractions, default=None),
        worst_frac=min(fractions, default=None),
        top_two_share=ratio(sum(sorted(net)[-2:]), sum(net)) if sum(net) > 0 else None,
        partials=int(np.count_nonzero(rows["partial"])),
        ambiguous=int(np.count_nonzero(rows["ambiguous"])),
    )


def total(values: Records) -> int:
    """Exact sum of whole numbers."""
    return sum(int(value) for value in values)


def _quotients(above: Sequence[int], below: Records) -> list[float]:
    """Quotients of those pairs whose divisor is positive."""
    return [a / float(b) for a, b in zip(above, below, strict=True) if b > 0]


# ---------------------------------------------------------------- groups


def by_instrument(result: Result, ledger: Ledger) -> tuple[Group, ...]:
    """One group an instrument, those without trades too."""
    codes = ledger.rows["instrument"]
    return tuple(_group(item.symbol, ledger, codes == k) for k, item in enumerate(result.instruments))


def by_direction(ledger: Ledger) -> tuple[Group, ...]:
    """Longs and shorts."""
    side = ledger.rows["side"]
    return (_group("long", ledger, side > 0), _group("short", ledger, side < 0))


def by_reason(ledger: Ledger) -> tuple[Group, ...]:
    """One group a close reason that occurred, in the order of FillReason."""
    return _by_code(ledger, ledger.rows["exit_reason"], lambda code: name_of(FillReason(code)))


def by_session(ledger: Ledger) -> tuple[Group, ...]:
    """One group a UTC session of the entry."""
    return _by_code(ledger, ledger.rows["session"], session_name)


def by_module(result: Result, ledger: Ledger) -> tuple[Group, ...]:
    """One group a module; a trade belongs to every module that voted for its entry."""
    bits = ledger.rows["modules"].astype(np.int64)
    return tuple(_group(name, ledger, (bits >> k) & 1 == 1) for k, name in enumerate(result.modules))


def by_combination(result: Result, ledger: Ledger) -> tuple[Group, ...]:
    """One group a set of modules that voted together for an entry."""
    return _by_code(ledger, ledger.rows["modules"], lambda code: combination(code, result.modules))


def combination(bits: int, modules: Sequence[str]) -> str:
    """Names of the modules in a bit set: ``trend+smc``; ``none`` where no bit is set."""
    return "+".join(name for k, name in enumerate(modules) if bits >> k & 1) or "none"


def session_name(code: int) -> str:
    """Name of a session, from its place in the settings."""
    return SESSIONS[code] if 0 <= code < len(SESSIONS) else f"session_{code}"


def _by_code(ledger: Ledger, codes: Records, name: Callable[[int], str]) -> tuple[Group, ...]:
    present = sorted({int(code) for code in codes})
    return tuple(_group(name(code), ledger, codes == code) for code in present)


def _group(name: str, ledger: Ledger, chosen: Bool) -> Group:
    return Group(name, measure(ledger.part(chosen)))
