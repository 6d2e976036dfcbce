"""The tables that people read after a run, in the order they know from freqtrade.

A `Table` is plain data: the terminal renders it with rich, the HTML report in its own way. Every figure comes
from `Statistics`, so the tables, ``summary.json`` and the report cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mastertrading.backtest import texts
from mastertrading.backtest.fire_rates import ALL, ENTRIES
from mastertrading.backtest.measures import ratio
from mastertrading.backtest.periods import Period
from mastertrading.backtest.statistics import Event, Statistics
from mastertrading.backtest.summary_table import summary_table
from mastertrading.backtest.trade_statistics import Group, TradeStatistics
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain, signed
from mastertrading.domain.reasons import Breaker, EventKind, name_of

__all__ = ["Cell", "Column", "Table", "events_table", "identity_table", "report_tables", "summary_table"]

EVENTS_SHOWN = 20
DAYS_SHOWN = 14
OF_RUNS_ONLY = ("refusals", "dropped", "market")
"""Measures that need what only a backtest records: every decision, and a market that was there from the beginning."""
TRANSFERS = [name_of(kind) for kind in (EventKind.TRANSFER, EventKind.TRANSFER_REFUSED)]
BREAKERS = [name_of(kind) for kind in (EventKind.BREAKER_TRIPPED, EventKind.BREAKER_RELEASED)]
LOSSES = name_of(Breaker.LOSSES)

GroupName = Literal["instrument", "combination", "reason", "direction", "session", "module"]
GROUPS: tuple[GroupName, ...] = ("instrument", "combination", "reason", "direction", "session", "module")


def report_tables(statistics: Statistics, translate: Translate = as_written) -> tuple[Table, ...]:
    """Make every table of a run, in reading order.

    Parameters
    ----------
    translate
        Sentence → sentence, for titles, headers and names of measures.
    """
    traded = statistics.trades.trades > 0
    groups = [group_table(statistics, name, translate) for name in _groups_to_show(statistics)]
    months = [_periods_table(statistics.months, "month", translate)] if len(statistics.months) > 1 else []
    money = [_costs_table(statistics, translate), _path_table(statistics, translate)] if traded else []
    module_gates = _module_gates_table(statistics, translate)
    events = [events_table(statistics, translate)] if statistics.events else []
    return (
        *groups,
        *months,
        summary_table(statistics, translate),
        *money,
        _fires_table(statistics, translate),
        *([module_gates] if module_gates.rows else []),
        _funnel_table(statistics, translate),
        *events,
        identity_table(statistics, translate),
    )


def performance_tables(
    statistics: Statistics, translate: Translate = as_written, *, recorded: bool = True
) -> tuple[Table, ...]:
    """What was made and what it cost, without what led to it: the same rows and columns as after a run.

    Parameters
    ----------
    recorded
        Whether every decision was counted and costs were assumed, as in a backtest. Of an account that trades they were
        not: what rests on that is left out.
    """
    groups = [group_table(statistics, name, translate) for name in _groups_to_show(statistics)]
    months = [_periods_table(statistics.months, "month", translate)] if len(statistics.months) > 1 else []
    summary = summary_table(statistics, translate, without=() if recorded else OF_RUNS_ONLY)
    costs = [_costs_table(statistics, translate, assumed=recorded)] if statistics.trades.trades else []
    events = [events_table(statistics, translate)] if statistics.events else []
    days = _periods_table(statistics.days[-DAYS_SHOWN:], "day", translate)
    return (*groups, days, *months, *costs, *events, summary)


def _groups_to_show(statistics: Statistics) -> Sequence[GroupName]:
    """No breakdown of nothing, and none by module where there is only one."""
    if statistics.trades.trades == 0:
        return ()
    alone = len(statistics.run.modules) == 1
    return [name for name in GROUPS if not (alone and name in ("combination", "module"))]


def _header(name: str, tr: Translate, drop: int = 0) -> Column:
    return Column(tr(texts.HEADERS[name]), drop)


# ---------------------------------------------------------------- the trades taken apart


def group_table(statistics: Statistics, name: GroupName, tr: Translate = as_written) -> Table:
    """One row a group, best net first, then the total."""
    groups: Sequence[Group] = getattr(statistics.groups, name)
    start = statistics.money.initial_atoms
    columns = (
        Column("", 0),
        _header("trades", tr),
        _header("mean", tr, 2),
        _header("net", tr),
        _header("net_frac", tr),
        _header("r", tr, 1),
        _header("factor", tr, 4),
        _header("duration", tr, 3),
        _header("wins", tr),
        _header("draws", tr, 5),
        _header("losses", tr),
        _header("win_rate", tr),
    )
    ordered = sorted(groups, key=lambda group: -group.statistics.net_atoms)
    words = texts.HEADERS if name == "direction" else {}
    rows = [
        _group_row(tr(words[group.name]) if group.name in words else group.name, group.statistics, start)
        for group in ordered
    ]
    total = _group_row(tr(texts.HEADERS["total"]), statistics.trades, start)
    return Table(tr(texts.TITLES[name]), columns, tuple(rows), total)


def _group_row(name: str, trades: TradeStatistics, start: int) -> tuple[Cell, ...]:
    return (
        plain(name),
        plain(texts.count(trades.trades)),
        signed(texts.percent(trades.expectancy_frac), trades.expectancy_frac),
        signed(texts.money(trades.net_atoms), trades.net_atoms),
        signed(texts.percent(ratio(trades.net_atoms, start)), trades.net_atoms),
        signed(texts.number(trades.expectancy_r), trades.expectancy_r),
        plain(texts.number(trades.profit_factor)),
        plain(texts.duration(trades.mean_duration_ms)),
        plain(texts.count(trades.wins)),
        plain(texts.count(trades.draws)),
        plain(texts.count(trades.losses)),
        plain(texts.percent(trades.win_rate, 1)),
    )


def _periods_table(periods: Sequence[Period], name: str, tr: Translate) -> Table:
    columns = (Column("", 0), _header("trades", tr), _header("change", tr), _header("return", tr))
    rows = tuple(
        (
            plain(period.name),
            plain(texts.count(period.trades)),
            signed(texts.money(period.equity_atoms), period.equity_atoms),
            signed(texts.percent(period.return_frac), period.return_frac),
        )
        for period in periods
    )
    return Table(tr(texts.TITLES[name]), columns, rows, note=tr(texts.NOTES["month"]))


# ---------------------------------------------------------------- money


def _costs_table(statistics: Statistics, tr: Translate, *, assumed: bool = True) -> Table:
    costs, trades, start = statistics.costs, statistics.trades.trades, statistics.money.initial_atoms
    lines = (
        ("gross", costs.gross_atoms, costs.gross_atoms),
        ("fees", costs.fees_atoms, -costs.fees_atoms),
        ("funding", costs.funding_atoms, -costs.funding_atoms),
        ("net", costs.net_atoms, costs.net_atoms),
        *([("slippage", costs.slippage_estimate_atoms, 0)] if assumed else []),
    )
    rows = tuple(
        (
            plain(tr(texts.COSTS[name])),
            signed(texts.money(atoms), good),
            plain(texts.percent(ratio(atoms, start))),
            plain(texts.money(ratio(atoms, trades), 4)),
        )
        for name, atoms, good in lines
    )
    columns = (Column("", 0), _header("usdt", tr), _header("share_equity", tr), _header("per_trade", tr, 1))
    return Table(tr(texts.TITLES["costs"]), columns, rows)


def _path_table(statistics: Statistics, tr: Translate) -> Table:
    """BT-INTRABAR: how many trades rest on an assumption, and what the assumption is worth."""
    path, start = statistics.path, statistics.money.initial_atoms
    rows = []
    for name, atoms in path.net_atoms.items():
        share = signed(texts.percent(ratio(atoms, start)), atoms)
        rows.append((plain(tr(texts.PATHS.get(name, name))), signed(texts.money(atoms), atoms), share))
    if path.lowest_atoms is None or path.highest_atoms is None:
        rows.append((plain(tr(texts.PATHS["range"])), plain(tr(texts.PATHS["not_run"])), plain("")))
    else:
        spread = path.highest_atoms - path.lowest_atoms
        cells = (plain(texts.money(spread)), plain(texts.percent(ratio(spread, start))))
        rows.append((plain(tr(texts.PATHS["range"])), *cells))
    if statistics.costs_doubled is not None:
        net = statistics.costs_doubled.net
        share = signed(texts.percent(ratio(net, start)), net)
        rows.append((plain(tr(texts.PATHS["costs_doubled"])), signed(texts.money(net), net), share))
    columns = (_header("assumption", tr), _header("net", tr), _header("share_equity", tr))
    note = tr(texts.NOTES["ambiguous" if path.ambiguous_trades else "unambiguous"])
    counts = {"count": texts.count(path.ambiguous_trades), "trades": texts.count(statistics.trades.trades)}
    return Table(tr(texts.TITLES["path"]), columns, tuple(rows), note=note.format(**counts))


# ---------------------------------------------------------------- why there were so many trades


def _fires_table(statistics: Statistics, tr: Translate) -> Table:
    """One row an instrument, one column a module, in per cent of the decisions; long and short over all."""
    rates = {(rate.instrument, rate.module): rate for rate in statistics.funnel.fires}
    modules, rows = statistics.run.modules, []
    for name in (*statistics.run.instruments, ALL):
        row = [rates[name, module] for module in modules]
        decisions = row[0].decisions if row else 0
        shares = (plain(texts.percent(rate.share)) for rate in row)
        shown = tr(texts.HEADERS["all"]) if name == ALL else name
        rows.append((plain(shown), plain(texts.count(decisions)), *shares))
    for side in ("long", "short"):
        parts = [(getattr(rates[ALL, module], side), rates[ALL, module].decisions) for module in modules]
        shares = (plain(texts.percent(ratio(fired, decisions))) for fired, decisions in parts)
        rows.append((plain(f"{tr(texts.HEADERS['all'])}, {tr(texts.HEADERS[side])}"), plain(""), *shares))
    columns = (Column("", 0), _header("decisions", tr), *(Column(f"{module} %", 0) for module in modules))
    return Table(tr(texts.TITLES["fires"]), columns, tuple(rows))


def _funnel_table(statistics: Statistics, tr: Translate) -> Table:
    """The gates between the allocator and an order."""
    return _gates_table(statistics, "funnel", (ENTRIES,), tr)


def _module_gates_table(statistics: Statistics, tr: Translate) -> Table:
    """The gates of every module."""
    return _gates_table(statistics, "module_gates", statistics.run.modules, tr)


def _gates_table(statistics: Statistics, title: str, stages: Sequence[str], tr: Translate) -> Table:
    decisions = next((rate.decisions for rate in statistics.funnel.fires if rate.instrument == ALL), 0)
    named = len(stages) > 1
    rows = []
    for row in statistics.funnel.gates:
        if row.stage not in stages or row.asked + row.refused_first == 0:
            continue
        cells = (
            plain(row.gate),
            plain(texts.count(row.asked)),
            plain(texts.count(row.passed)),
            plain(texts.percent(ratio(row.passed, row.asked), 1)),
            plain(texts.count(row.refused_first)),
            plain(texts.percent(ratio(row.refused_first, decisions))),
        )
        rows.append((plain(row.stage), *cells) if named else cells)
    names = ("gate", "asked", "passed", "pass_rate", "refused", "refused_share")
    columns = tuple(_header(name, tr) for name in names)
    text = _header("stage", tr)
    return Table(tr(texts.TITLES[title]), (text, *columns) if named else columns, tuple(rows), text=1 + named)


def events_table(
    statistics: Statistics, tr: Translate = as_written, shown: int | None = EVENTS_SHOWN
) -> Table:
    """One row an event, the first ``shown`` of them; None: all."""
    names = ("time", "event", "subject", "stage_now", "value")
    rows: list[tuple[Cell, ...]] = [
        (
            plain(texts.moment(event.ts_ms)),
            plain(event.kind),
            plain(event.subject),
            plain(event.stage),
            plain(_event_value(event)),
        )
        for event in statistics.events[:shown]
    ]
    left = len(statistics.events) - len(rows)
    if left > 0:
        rows.append((plain(f"… + {left}"), *(plain("") for _ in names[1:])))
    columns = tuple(_header(name, tr) for name in names)
    return Table(tr(texts.TITLES["events"]), columns, tuple(rows), text=4)


def _event_value(event: Event) -> str:
    """A transfer's amount is money; of a breaker it is losses in a row, or its drawdown in per cent."""
    if event.kind in TRANSFERS:
        return texts.money(event.value)
    if event.kind not in BREAKERS or event.value is None:
        return texts.NONE
    return texts.whole(event.value) if event.subject == LOSSES else f"{texts.percent(event.value)} %"


def identity_table(statistics: Statistics, tr: Translate = as_written) -> Table:
    """Which run this is."""
    run = statistics.run
    lines = (
        ("source", run.source or texts.NONE),
        ("grade", run.grade),
        ("run", run.run_id),
        ("config", run.config_hash[:16]),
        ("data", run.data_id[:16]),
        ("code", run.code_id[:16]),
        ("seed", str(run.seed)),
    )
    rows = tuple((plain(tr(texts.IDENTITY[name])), plain(value)) for name, value in lines)
    return Table(tr(texts.TITLES["identity"]), (Column("", 0), Column("", 0)), rows)
