"""The table of single measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mastertrading.backtest import texts
from mastertrading.backtest.statistics import Statistics
from mastertrading.backtest.trade_statistics import Group
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain, signed

Line = tuple[str, Cell]


def summary_table(
    statistics: Statistics, translate: Translate = as_written, *, without: Sequence[str] = ()
) -> Table:
    """One row a measure, in the order of freqtrade's summary metrics, ``without`` some."""
    lines = (
        *_window(statistics),
        *_results(statistics),
        *_exposure(statistics),
        *_extremes(statistics),
        *_trades(statistics),
        *_drawdown(statistics, translate),
    )
    kept = [(name, cell) for name, cell in lines if name not in without]
    rows = tuple((plain(translate(texts.METRICS[name])), cell) for name, cell in kept)
    return Table(
        translate(texts.TITLES["summary"]),
        (Column(""), Column("")),
        rows,
        note=translate(texts.NOTES["summary"]),
    )


def _window(statistics: Statistics) -> Iterator[Line]:
    run, money = statistics.run, statistics.money
    a_day = texts.number(statistics.trades_per_day, 1)
    yield "from", plain(texts.moment(run.from_ms))
    yield "to", plain(texts.moment(run.to_ms))
    yield "days", plain(texts.number(run.days, 1))
    yield "trades", plain(f"{texts.count(statistics.trades.trades)} / {a_day}")
    yield "start", plain(_usdt(money.initial_atoms))
    if money.transferred_atoms:
        yield "transferred", plain(_usdt(money.transferred_atoms))
    yield "final", plain(_usdt(money.final_atoms))
    yield "absolute", signed(_usdt(money.net_atoms), money.net_atoms)


def _results(statistics: Statistics) -> Iterator[Line]:
    returns, trades = statistics.returns, statistics.trades
    yield "total", signed(_share(returns.total), returns.total)
    yield "cagr", signed(_share(returns.cagr), returns.cagr)
    yield "sortino", signed(texts.number(returns.sortino), returns.sortino)
    yield "sharpe", signed(texts.number(returns.sharpe), returns.sharpe)
    yield "calmar", signed(texts.number(returns.calmar), returns.calmar)
    yield "factor", plain(texts.number(trades.profit_factor))
    yield "payoff", plain(texts.number(trades.payoff))
    yield "win_rate", plain(_share(trades.win_rate))
    expectancy = (
        _usdt(trades.expectancy_atoms),
        f"{texts.number(trades.expectancy_r, 3)} R",
        _share(trades.expectancy_frac, 3),
    )
    yield "expectancy", signed(" · ".join(expectancy), trades.expectancy_atoms)
    yield "t", plain(texts.number(trades.t_statistic))


def _exposure(statistics: Statistics) -> Iterator[Line]:
    exposure = statistics.exposure
    yield "exposure", plain(f"{texts.number(exposure.mean)} / {texts.number(exposure.max)}")
    yield "in_market", plain(_share(exposure.time_in_market, 1))
    yield "turnover", plain(texts.number(statistics.costs.turnover, 1))


def _extremes(statistics: Statistics) -> Iterator[Line]:
    trades, days = statistics.trades, statistics.days
    traded = [group for group in statistics.groups.instrument if group.statistics.trades]
    if traded:
        best = max(traded, key=lambda group: group.statistics.net_atoms)
        worst = min(traded, key=lambda group: group.statistics.net_atoms)
        yield "best_instrument", _named(best)
        yield "worst_instrument", _named(worst)
    yield "best_trade", _trade(trades.best_atoms, trades.best_frac)
    yield "worst_trade", _trade(trades.worst_atoms, trades.worst_frac)
    if days:
        top, low = max(days, key=lambda day: day.return_frac), min(days, key=lambda day: day.return_frac)
        yield "best_day", signed(f"{top.name}  {_share(top.return_frac)}", top.return_frac)
        yield "worst_day", signed(f"{low.name}  {_share(low.return_frac)}", low.return_frac)
    won, lost = sum(day.return_frac > 0 for day in days), sum(day.return_frac < 0 for day in days)
    yield "days_split", plain(f"{won} / {len(days) - won - lost} / {lost}")


def _trades(statistics: Statistics) -> Iterator[Line]:
    trades = statistics.trades
    middle = (texts.duration(trades.mean_duration_ms), texts.duration(trades.median_duration_ms))
    yield "duration_win", plain(texts.duration(trades.mean_win_duration_ms))
    yield "duration_loss", plain(texts.duration(trades.mean_loss_duration_ms))
    yield "duration", plain(" / ".join(middle))
    yield "runs", plain(f"{trades.longest_wins} / {trades.longest_losses}")
    yield "partials", plain(texts.count(trades.partials))
    yield "refusals", plain(texts.count(statistics.funnel.refusals))
    yield "dropped", plain(texts.count(statistics.event_counts["entry_dropped"]))


def _drawdown(statistics: Statistics, tr: Translate) -> Iterator[Line]:
    fall, money, market = statistics.drawdown, statistics.money, statistics.buy_and_hold.equal_weight
    yield "min_equity", plain(_usdt(money.min_equity_atoms))
    yield "max_equity", plain(_usdt(money.max_equity_atoms))
    yield "drawdown", signed(f"{_share(fall.frac)} · {_usdt(fall.atoms)}", -fall.frac)
    if fall.started_ms is not None:
        open_ended = tr(texts.METRICS["not_recovered"])
        end = open_ended if fall.recovered_ms is None else texts.moment(fall.recovered_ms)
        yield "drawdown_start", plain(texts.moment(fall.started_ms))
        yield "drawdown_trough", plain(texts.moment(fall.trough_ms))
        yield "drawdown_end", plain(end)
        yield "drawdown_length", plain(texts.duration(fall.length_ms))
    water = (texts.duration(fall.longest_ms), _share(fall.under_water_frac, 1))
    yield "under_water", plain(" / ".join(water))
    yield "market", signed(_share(market), market)


def _usdt(atoms: float | None) -> str:
    return f"{texts.money(atoms)} USDT"


def _share(fraction: float | None, places: int = 2) -> str:
    return texts.NONE if fraction is None else f"{texts.percent(fraction, places)} %"


def _named(group: Group) -> Cell:
    net = group.statistics.net_atoms
    return signed(f"{group.name}  {_usdt(net)}", net)


def _trade(atoms: int | None, fraction: float | None) -> Cell:
    if atoms is None:
        return plain(texts.NONE)
    return signed(f"{_usdt(atoms)} · {_share(fraction)}", atoms)
