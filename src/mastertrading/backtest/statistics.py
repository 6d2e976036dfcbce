"""BT-STATS: what a run did, measured once. The summary file, the tables and the report all read this.

Money is in atoms (1e-8 quote), rates are fractions, times UTC milliseconds; ``None`` where a measure does not
exist. Returns are net asset value, so deposits and withdrawals change no statistic.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.backtest import trade_statistics as trades_of
from mastertrading.backtest.checks import check_books
from mastertrading.backtest.fire_rates import FunnelReport, funnel_report
from mastertrading.backtest.measures import (
    Drawdown,
    average,
    cagr,
    covered_ms,
    drawdown,
    net_asset_value,
    ratio,
    sharpe,
    sortino,
)
from mastertrading.backtest.periods import Curve, Period, days_of, months_of, utc
from mastertrading.backtest.result import Result
from mastertrading.backtest.trade_statistics import Group, Ledger, TradeStatistics, ledger_of, measure, total
from mastertrading.domain.instrument import RATE_UNIT
from mastertrading.domain.market import DAY_MS, MINUTE_MS
from mastertrading.domain.reasons import Breaker, EventKind, FillReason, Stage, name_of

if TYPE_CHECKING:
    from mastertrading.settings.schema import Settings

MAKER = (FillReason.PARTIAL, FillReason.TARGET)
"""Fills of resting limit orders; every other fill is a market order."""


@dataclass(frozen=True, slots=True)
class Run:
    """Which run this is. Two runs with the same ids have the same trades.

    Attributes
    ----------
    source
        Whose bars were traded: the venue, or ``synthetic``.
    warm_up_ms
        Length of bars before the modules that are ready first may speak.
    """

    run_id: str
    config_hash: str
    data_id: str
    code_id: str
    seed: int
    source: str
    grade: str
    instruments: tuple[str, ...]
    modules: tuple[str, ...]
    base_ms: int
    from_ms: int
    to_ms: int
    from_utc: str
    to_utc: str
    days: float
    warm_up_ms: int


@dataclass(frozen=True, slots=True)
class Money:
    """The account. ``net_atoms`` = final − initial − transferred."""

    initial_atoms: int
    transferred_atoms: int
    final_atoms: int
    net_atoms: int
    min_equity_atoms: int
    max_equity_atoms: int


@dataclass(frozen=True, slots=True)
class Returns:
    """Returns of the net asset value. ``calmar`` = CAGR / maximum drawdown; ``daily`` counts the UTC days."""

    total: float
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    daily: int
    daily_mean: float | None


@dataclass(frozen=True, slots=True)
class Costs:
    """Where the money went: net = gross − fees − funding.

    Attributes
    ----------
    funding_atoms
        Positive: paid by us.
    volume_atoms
        Notional of all fills.
    slippage_estimate_atoms
        Slippage setting × notional of the market fills. It is inside gross already.
    turnover
        Volume / mean equity, over the whole run.
    """

    gross_atoms: int
    fees_atoms: int
    funding_atoms: int
    net_atoms: int
    volume_atoms: int
    slippage_estimate_atoms: int
    turnover: float | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """Sum of absolute notionals / equity at each bar's close, and the share of time with any position."""

    mean: float | None
    max: float | None
    time_in_market: float | None


@dataclass(frozen=True, slots=True)
class BuyAndHold:
    """What holding would have done: last close / first close − 1 of each instrument, and their mean."""

    instruments: dict[str, float | None]
    equal_weight: float | None


@dataclass(frozen=True, slots=True)
class PathRange:
    """BT-INTRABAR: trades whose bar held a stop and a limit, and the net result under each path."""

    ambiguous_trades: int
    net_atoms: dict[str, int]
    lowest_atoms: int | None
    highest_atoms: int | None


@dataclass(frozen=True, slots=True)
class CostsDoubled:
    """The same run with fees and slippage doubled: what is left if trading costs more than assumed. Atoms."""

    net: int
    final_balance: int


@dataclass(frozen=True, slots=True)
class Event:
    """A breaker that moved, a transfer, a liquidation or a dropped entry."""

    ts_ms: int
    kind: str
    subject: str
    stage: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Groups:
    """The trades taken apart. ``combination``: the modules that voted together (freqtrade's enter tag)."""

    instrument: tuple[Group, ...]
    combination: tuple[Group, ...]
    reason: tuple[Group, ...]
    direction: tuple[Group, ...]
    session: tuple[Group, ...]
    module: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything that is told of a run. Equal results give equal statistics, to the last digit."""

    run: Run
    money: Money
    returns: Returns
    drawdown: Drawdown
    trades: TradeStatistics
    trades_per_day: float | None
    costs: Costs
    exposure: Exposure
    groups: Groups
    days: tuple[Period, ...]
    months: tuple[Period, ...]
    buy_and_hold: BuyAndHold
    path: PathRange
    costs_doubled: CostsDoubled | None
    funnel: FunnelReport
    events: tuple[Event, ...]
    event_counts: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain nested values, ready for JSON: no NumPy types, no NaN, no infinity."""
        return asdict(self)


def statistics(result: Result) -> Statistics:
    """Measure a finished run.

    Raises
    ------
    InvariantBroken
        If the books do not balance: cash identity, a trade's net, or fills that leave a position.
    """
    check_books(result)
    curve, ledger = curve_of(result), ledger_of(result)
    whole, fall = measure(ledger), drawdown(curve.t_ms, curve.nav, curve.equity)
    days = days_of(curve, result, ledger)
    run = _run(result)
    return Statistics(
        run=run,
        money=_money(result, curve),
        returns=_returns(curve, days, run.days, fall.frac),
        drawdown=fall,
        trades=whole,
        trades_per_day=ratio(whole.trades, run.days),
        costs=_costs(result, whole),
        exposure=_exposure(result),
        groups=_groups(result, ledger),
        days=days,
        months=months_of(days),
        buy_and_hold=_buy_and_hold(result),
        path=_path(result, whole.ambiguous),
        costs_doubled=_costs_doubled(result),
        funnel=funnel_report(result),
        events=_events(result),
        event_counts={
            name_of(kind): int(np.count_nonzero(result.events["kind"] == kind)) for kind in EventKind
        },
    )


def curve_of(result: Result) -> Curve:
    """The net asset value at the start and at every row of the equity log."""
    rows, moved = result.equity, _transfers(result)
    nav = net_asset_value(rows["t_ms"], rows["equity"], result.initial_atoms, moved)
    first = np.array([min(result.from_ms, int(rows["t_ms"][0]) if len(rows) else result.from_ms)], np.int64)
    return Curve(
        np.concatenate((first, rows["t_ms"])),
        np.concatenate((np.array([result.initial_atoms], np.int64), rows["equity"])),
        np.concatenate((np.ones(1), nav)),
        moved,
    )


def _transfers(result: Result) -> list[tuple[int, int]]:
    """When each transfer took effect (the first bar that opens at or after it), and its atoms."""
    base = result.base_ms
    return [
        (-(-int(row["ts_ms"]) // base) * base, round(float(row["value"])))
        for row in result.events
        if row["kind"] == EventKind.TRANSFER
    ]


def _run(result: Result) -> Run:
    return Run(
        run_id=result.run_id,
        config_hash=result.config_hash,
        data_id=result.data_id,
        code_id=result.code_id,
        seed=result.settings.seed,
        source=result.source,
        grade=result.grade,
        instruments=tuple(item.symbol for item in result.instruments),
        modules=result.modules,
        base_ms=result.base_ms,
        from_ms=int(result.from_ms),
        to_ms=int(result.to_ms),
        from_utc=utc(result.from_ms),
        to_utc=utc(result.to_ms),
        days=(int(result.to_ms) - int(result.from_ms)) / DAY_MS,
        warm_up_ms=_warm_up_ms(result.settings),
    )


def _warm_up_ms(settings: Settings) -> int:
    """Length of the bars that the LTF and HTF views need; HTF2, which SMC alone reads, may need longer."""
    data, bars = settings.data, settings.signals.warm_up
    return max(bars.ltf * data.ltf_minutes, bars.htf * data.htf_minutes) * MINUTE_MS


def _money(result: Result, curve: Curve) -> Money:
    final, moved = int(result.account["balance"][0]), int(result.account["transferred"][0])
    return Money(
        initial_atoms=int(result.initial_atoms),
        transferred_atoms=moved,
        final_atoms=final,
        net_atoms=final - int(result.initial_atoms) - moved,
        min_equity_atoms=int(curve.equity.min()),
        max_equity_atoms=int(curve.equity.max()),
    )


def _returns(curve: Curve, days: tuple[Period, ...], length: float, deepest: float) -> Returns:
    daily, last = np.array([day.return_frac for day in days]), float(curve.nav[-1])
    yearly = cagr(last, length)
    return Returns(
        total=last - 1.0,
        cagr=yearly,
        sharpe=sharpe(daily),
        sortino=sortino(daily),
        calmar=None if yearly is None else ratio(yearly, deepest),
        daily=len(daily),
        daily_mean=average(daily),
    )


def _costs(result: Result, whole: TradeStatistics) -> Costs:
    fills = result.fills
    atoms = np.array([item.atoms_per_tick_lot for item in result.instruments], np.int64)
    notional = np.abs(fills["lots"]) * fills["px_ticks"] * atoms[fills["instrument"]]
    market = ~np.isin(fills["reason"], [int(reason) for reason in MAKER])
    slippage_e8 = round(result.settings.costs.slippage * RATE_UNIT)
    volume, equity = total(notional), average(result.equity["equity"])
    return Costs(
        gross_atoms=whole.gross_atoms,
        fees_atoms=whole.fees_atoms,
        funding_atoms=whole.funding_atoms,
        net_atoms=whole.net_atoms,
        volume_atoms=volume,
        slippage_estimate_atoms=total(notional[market]) * slippage_e8 // RATE_UNIT,
        turnover=ratio(volume, equity or 0.0),
    )


def _exposure(result: Result) -> Exposure:
    rows, length = result.equity, int(result.to_ms) - int(result.from_ms)
    shares = rows["exposure"] / np.where(rows["equity"] > 0, rows["equity"], np.inf)
    opened, closed = result.trades["opened_ms"], result.trades["closed_ms"]
    if result.still_open is not None:
        opened = np.concatenate((opened, result.still_open["opened_ms"]))
        closed = np.concatenate((closed, np.full(len(result.still_open), result.to_ms)))
    in_market = covered_ms(opened, closed)
    held = ratio(in_market, length)
    return Exposure(
        mean=average(shares),
        max=float(shares.max()) if len(shares) else None,
        time_in_market=None if held is None else min(1.0, held),
    )


def _groups(result: Result, ledger: Ledger) -> Groups:
    return Groups(
        instrument=trades_of.by_instrument(result, ledger),
        combination=trades_of.by_combination(result, ledger),
        reason=trades_of.by_reason(ledger),
        direction=trades_of.by_direction(ledger),
        session=trades_of.by_session(ledger),
        module=trades_of.by_module(result, ledger),
    )


def _buy_and_hold(result: Result) -> BuyAndHold:
    held = {
        item.symbol: _growth(float(first), float(last))
        for item, first, last in zip(result.instruments, result.first_close, result.last_close, strict=True)
    }
    return BuyAndHold(held, average([value for value in held.values() if value is not None]))


def _growth(first: float, last: float) -> float | None:
    quotient = ratio(last, first)
    return None if quotient is None else quotient - 1.0


def _path(result: Result, ambiguous: int) -> PathRange:
    net = {name: int(value) for name, value in result.path_range.items()}
    return PathRange(ambiguous, net, min(net.values(), default=None), max(net.values(), default=None))


def _costs_doubled(result: Result) -> CostsDoubled | None:
    if result.costs_doubled is None:
        return None
    moved = int(result.initial_atoms) + int(result.account["transferred"][0])
    return CostsDoubled(result.costs_doubled, moved + result.costs_doubled)


def _events(result: Result) -> tuple[Event, ...]:
    return tuple(
        Event(
            ts_ms=int(row["ts_ms"]),
            kind=name_of(EventKind(int(row["kind"]))),
            subject=event_subject(int(row["kind"]), int(row["subject"]), result),
            stage=name_of(Stage(int(row["stage"]))),
            value=ratio(float(row["value"]), 1.0),
        )
        for row in result.events
        if row["kind"] != EventKind.ENTRY_DROPPED
    )


def event_subject(kind: int, subject: int, result: Result) -> str:
    """What an event is about: a breaker, an instrument, or the account itself."""
    if kind in (EventKind.BREAKER_TRIPPED, EventKind.BREAKER_RELEASED):
        return name_of(Breaker(subject))
    if kind in (EventKind.LIQUIDATION, EventKind.ENTRY_DROPPED):
        return result.instruments[subject].symbol
    return "account"
