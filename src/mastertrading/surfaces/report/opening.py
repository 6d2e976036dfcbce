"""The first screen: the verdict as a headline, the key figures, and what the result hangs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mastertrading.backtest import texts
from mastertrading.backtest.measures import ratio
from mastertrading.backtest.verdict import Translate, verdict
from mastertrading.surfaces.report import marks, words
from mastertrading.surfaces.report.facts import Facts
from mastertrading.surfaces.report.html import Html, el, join


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the summary: its name, the path to it and its value there, how it is written, and a remark."""

    name: str
    path: str
    value: float | int | None
    text: str
    note: str
    toned: bool = False


def header(facts: Facts, tr: Translate) -> Html:
    """Which run this is, and the most sobering thing that is true of it."""
    run = facts.summary.run
    values = {
        "source": run.source or texts.NONE,
        "begin": _date(run.from_ms),
        "end": _date(run.to_ms),
        "days": texts.number(run.days, 1).removesuffix(".0"),
        "instruments": str(len(run.instruments)),
        "instrument": run.instruments[0] if run.instruments else texts.NONE,
    }
    lead = tr(words.PAGE["lead" if len(run.instruments) > 1 else "lead_one"]).format(**values)
    own = f" · {facts.signal}" if facts.signal else ""
    return el(
        "header",
        el(
            "p",
            el("span", _kind(facts, tr), class_="kind"),
            " ",
            lead + own,
            class_="lead",
        ),
        el("h1", marks.minus(verdict(facts.statistics, tr)), id="verdict"),
    )


def _kind(facts: Facts, tr: Translate) -> str:
    """A backtest, or the account that lived it."""
    account = facts.summary.get("lived", {}).get("account")
    return tr(words.PAGE["lived"]).format(account=account) if account else tr(words.PAGE["title"])


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d")


def figures(facts: Facts, tr: Translate) -> Html:
    """The key figures, each with the place in ``summary.json`` that it was read from."""
    shown = []
    for item in _figures(facts, tr):
        kind = f"figure {marks.tone(item.value) if item.toned else ''}".strip()
        number = el("dd", item.text, class_=kind, data_figure=item.path, data_value=item.value)
        note = el("dd", item.note, class_="note") if item.note else None
        shown.append(el("div", el("dt", tr(words.FIGURES[item.name])), number, note))
    return el("dl", shown, class_="figures")


def _figures(facts: Facts, tr: Translate) -> list[Figure]:
    s = facts.summary
    trades, returns, costs = s.trades, s.returns, s.costs

    def make(name: str, path: str, text: Callable[[Any], str], **values: str) -> Figure:
        value: Any = s
        for part in path.split("."):
            value = value[part]
        note = tr(words.FIGURES[f"{name}_note"]).format(**values)
        return Figure(name, path, value, text(value), note, text in (marks.money, marks.percent, _r))

    factors = {"payoff": _number(trades.payoff)}
    wins = {"wins": texts.count(trades.wins), "trades": texts.count(trades.trades)}
    funding = {"funding": marks.money(costs.funding_atoms)}
    return [
        make("net", "money.net_atoms", marks.money),
        make("return", "returns.total", marks.percent, market=marks.percent(s.buy_and_hold.equal_weight)),
        make("drawdown", "drawdown.frac", _share, length=texts.duration(s.drawdown.length_ms)),
        make("sharpe", "returns.sharpe", _number, sortino=_number(returns.sortino)),
        make("factor", "trades.profit_factor", _number, **factors),
        make("trades", "trades.trades", texts.count, rate=texts.number(s.trades_per_day, 1)),
        make("win_rate", "trades.win_rate", marks.share, **wins),
        make("expectancy", "trades.expectancy_r", _r, t=_number(trades.t_statistic)),
        make("market_time", "exposure.time_in_market", marks.share, exposure=_number(s.exposure.max)),
        make("fees", "costs.fees_atoms", texts.money, **funding),
    ]


def _number(value: float | None) -> str:
    return marks.minus(texts.number(value))


def _share(value: float | None) -> str:
    return marks.share(value, 2)


def _r(value: float | None) -> str:
    return texts.NONE if value is None else f"{marks.plus(texts.number(value, 3))} R"


# ---------------------------------------------------------------- what the result hangs on


def doubt(facts: Facts, tr: Translate) -> Html:
    """The net result as run, and under other assumptions, as bars on one scale."""
    lines = _assumptions(facts, tr)
    values = [float(atoms) for _, atoms in lines]
    rows = [
        el(
            "tr",
            el("th", name, scope="row"),
            el("td", marks.from_zero(float(atoms), values), class_="mark"),
            el("td", marks.money(atoms), class_=f"number {marks.tone(atoms)}".strip()),
        )
        for name, atoms in lines
    ]
    path, trades = facts.summary.path, facts.summary.trades.trades
    told = texts.NOTES["ambiguous" if path.ambiguous_trades else "unambiguous"]
    note = tr(told).format(count=texts.count(path.ambiguous_trades), trades=texts.count(trades))
    if not path.net_atoms:
        note = f"{tr(texts.TITLES['path'])}: {tr(texts.PATHS['not_run']).lower()}."
    return join(
        el("p", tr(words.DOUBT["about"]), " ", note, class_="about"),
        el("table", el("tbody", rows), class_="bars"),
    )


def _assumptions(facts: Facts, tr: Translate) -> list[tuple[str, int]]:
    s = facts.summary
    net = int(s.trades.net_atoms)
    lines = [(tr(words.DOUBT["as_run"]), net)]
    chosen = facts.settings.fills.path
    lines += [
        (tr(words.DOUBT.get(name, name)), int(v)) for name, v in s.path.net_atoms.items() if name != chosen
    ]
    doubled = s.get("costs_doubled")
    if doubled and doubled.get("net") is not None:
        lines.append((tr(words.DOUBT["costs_doubled"]), int(doubled["net"])))
    if s.trades.trades > 2:
        best = facts.trades["net_atoms"].sort(descending=True)[:2].sum()
        lines.append((tr(words.DOUBT["without_two"]), net - int(best)))
    if s.buy_and_hold.equal_weight is not None:
        atoms = round(s.buy_and_hold.equal_weight * s.money.initial_atoms)
        lines.append((tr(words.DOUBT["market"]), atoms))
    return lines


def costs(facts: Facts, tr: Translate) -> Html:
    """A waterfall: where gross went on its way to net."""
    c = facts.summary.costs
    slip = int(c.slippage_estimate_atoms)
    steps = [
        (tr(words.COSTS["before"]), 0, c.gross_atoms + slip, ""),
        (tr(words.COSTS["slippage"]), c.gross_atoms + slip, c.gross_atoms, "minus"),
        (tr(texts.COSTS["gross"]), 0, c.gross_atoms, ""),
        (tr(texts.COSTS["fees"]), c.gross_atoms, c.gross_atoms - c.fees_atoms, "minus"),
        (tr(texts.COSTS["funding"]), c.gross_atoms - c.fees_atoms, c.net_atoms, "minus"),
        (tr(texts.COSTS["net"]), 0, c.net_atoms, "total"),
    ]
    low, high = _range([float(v) for _, begin, end, _ in steps for v in (begin, end)])
    rows = [
        el(
            "tr",
            el("th", name, scope="row"),
            el("td", marks.bar(begin, end, low, high, marks.tone(end - begin)), class_="mark"),
            el("td", marks.money(end - begin), class_="number"),
            class_=kind or None,
        )
        for name, begin, end, kind in steps
    ]
    trades = facts.summary.trades.trades
    spent = c.fees_atoms + c.funding_atoms
    line = tr(words.COSTS["per_trade"]).format(
        amount=marks.minus(texts.money(ratio(spent, trades))),
        share=marks.share(ratio(spent, c.volume_atoms), 3),
    )
    return join(
        el("p", tr(words.COSTS["estimate"]), " ", line, class_="about"),
        el("table", el("tbody", rows), class_="bars"),
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(0.0, *values), max(0.0, *values)
