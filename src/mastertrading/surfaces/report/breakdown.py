"""The result taken apart: by month and day, by group, by size of trade, and the funnel of decisions."""

from __future__ import annotations

import statistics as middle
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from mastertrading.backtest import texts
from mastertrading.backtest.fire_rates import ALL, ENTRIES
from mastertrading.backtest.measures import average, ratio
from mastertrading.backtest.verdict import Translate
from mastertrading.domain.market import DAY_MS, HOUR_MS
from mastertrading.surfaces.report import marks, words
from mastertrading.surfaces.report.facts import Facts
from mastertrading.surfaces.report.html import Html, el, join

if TYPE_CHECKING:
    import polars as pl

DAYS_SHOWN = 100
"""A longer run shows months only."""
BIN_R = 0.25
LOWEST_R, HIGHEST_R = -2.0, 5.0
GROUPS = ("instrument", "direction", "reason", "module", "combination", "session")


# ---------------------------------------------------------------- returns


def returns(facts: Facts, tr: Translate) -> Html:
    """A grid of months, and of days where they are few."""
    days = facts.summary.days
    shown = [el("p", tr(words.RETURNS["partial"]), class_="about"), _months(facts, tr)]
    if 1 < len(days) <= DAYS_SHOWN:
        shown.append(_days(days, tr))
    return el("div", shown, class_="grids")


def _months(facts: Facts, tr: Translate) -> Html:
    months = {month.name: month for month in facts.summary.months}
    largest = max((abs(month.return_frac) for month in months.values()), default=0.0)
    names, whole = tr(words.RETURNS["month_names"]).split(), tr(words.RETURNS["year"])
    rows = []
    for year in sorted({name[:4] for name in months}):
        cells = [
            _cell(months.get(f"{year}-{m:02d}"), largest, label) for m, label in enumerate(names, start=1)
        ]
        growth = 1.0
        for name, month in months.items():
            growth *= 1.0 + month.return_frac if name[:4] == year else 1.0
        total = el(
            "td", _short(growth - 1.0), class_=f"number sum {marks.tone(growth - 1.0)}", data_name=whole
        )
        rows.append(el("tr", el("th", year, scope="row"), cells, total))
    head = el(
        "tr",
        el("th"),
        [el("th", name, scope="col") for name in names],
        el("th", whole, scope="col"),
    )
    table = el("table", el("thead", head), el("tbody", rows), class_="grid months")
    return el("figure", el("figcaption", tr(words.RETURNS["months"])), table)


def _days(days: Sequence[Any], tr: Translate) -> Html:
    """Weeks from top to bottom, Monday to Sunday."""
    largest = max(abs(day.return_frac) for day in days)
    known = {date.fromisoformat(day.name).toordinal(): day for day in days}
    monday = min(known) - (min(known) - 1) % 7
    rows = []
    for first in range(monday, max(known) + 1, 7):
        cells = [_cell(known.get(first + k), largest) for k in range(7)]
        week = date.fromordinal(first).strftime("%m-%d")
        rows.append(el("tr", el("th", week, scope="row"), cells))
    names = tr(words.RETURNS["weekdays"]).split()
    head = el("tr", el("th"), [el("th", name, scope="col") for name in names])
    table = el("table", el("thead", head), el("tbody", rows), class_="grid")
    return el("figure", el("figcaption", tr(words.RETURNS["days"])), table)


def _cell(period: Any, largest: float, label: str | None = None) -> Html:
    if period is None:
        return el("td")
    value = period.return_frac
    money = f"{period.name}: {marks.money(period.equity_atoms)} USDT · {texts.count(period.trades)}"
    kind = f"number shaded {marks.tone(value)}".strip()
    style = marks.shade(value, largest)
    return el("td", _short(value), class_=kind, style=style, title=money, data_name=label)


def _short(fraction: float) -> str:
    """Per cent without the sign of it, as short as a cell: ``+1.29``."""
    places = 2 if abs(fraction) < 0.0995 else 1 if abs(fraction) < 0.995 else 0
    return marks.plus(texts.percent(fraction, places))


# ---------------------------------------------------------------- groups


def groups(facts: Facts, tr: Translate) -> Html:
    """One small table a way of taking the trades apart."""
    s, alone = facts.summary, len(facts.summary.run.modules) == 1
    tables = []
    for name in GROUPS:
        if alone and name in ("module", "combination"):
            continue
        lines = [(_name(name, group.name, tr), group.statistics) for group in s.groups[name]]
        lines.sort(key=lambda line: -line[1].net_atoms)
        note = tr(words.GROUPS["module_note"]) if name == "module" else ""
        tables.append(_table(tr(words.GROUPS[name]), lines, tr, note))
    tables.append(_table(tr(words.GROUPS["weekday"]), _by_weekday(facts.trades, tr), tr))
    return el("div", tables, _hours(facts.trades, tr), class_="groups")


def _name(kind: str, name: str, tr: Translate) -> str:
    return tr(texts.HEADERS[name]) if kind == "direction" else name.replace("+", " + ")


def _table(title: str, lines: Sequence[tuple[str, Any]], tr: Translate, note: str = "") -> Html:
    nets = [float(trades.net_atoms) for _, trades in lines]
    rows = [
        el(
            "tr",
            el("th", name, scope="row"),
            el("td", marks.from_zero(float(trades.net_atoms), nets), class_="mark"),
            el("td", marks.money(trades.net_atoms), class_=f"number {marks.tone(trades.net_atoms)}".strip()),
            el("td", texts.count(trades.trades), class_="number"),
            el("td", marks.minus(texts.percent(trades.win_rate, 0)), class_="number"),
            el("td", marks.plus(texts.number(trades.expectancy_r)), class_="number"),
        )
        for name, trades in lines
    ]
    names = (texts.HEADERS["net"], texts.HEADERS["trades"], words.GROUPS["win"], texts.HEADERS["r"])
    head = el("tr", el("td"), el("td"), [el("th", tr(name), scope="col", class_="number") for name in names])
    caption = el("caption", title, el("small", f" {note}") if note else None)
    return el("table", caption, el("thead", head), el("tbody", rows), class_="bars group")


class _Part:
    """The few figures of a group that the summary does not hold."""

    def __init__(self, trades: pl.DataFrame) -> None:
        self.trades, self.net_atoms = len(trades), int(trades["net_atoms"].sum())
        self.win_rate = ratio(int((trades["net_atoms"] > 0).sum()), len(trades))
        self.expectancy_r = average(trades["r"].drop_nulls().to_list())


def _by_weekday(trades: pl.DataFrame, tr: Translate) -> list[tuple[str, _Part]]:
    names = tr(words.RETURNS["weekdays"]).split()
    days = (trades["opened_ms"].to_numpy() // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday
    return [(name, _Part(trades.filter(days == k))) for k, name in enumerate(names)]


def _hours(trades: pl.DataFrame, tr: Translate) -> Html:
    hours = trades["opened_ms"].to_numpy() % DAY_MS // HOUR_MS
    parts = [_Part(trades.filter(hours == k)) for k in range(24)]
    titles = [
        f"{k:02d}:00 · {marks.money(part.net_atoms)} USDT · {texts.count(part.trades)}"
        for k, part in enumerate(parts)
    ]
    labels = [f"{k:02d}" if k % 3 == 0 else "" for k in range(24)]
    about = f"{tr(words.GROUPS['hour'])}: " + "; ".join(titles)
    drawn = marks.columns([float(part.net_atoms) for part in parts], labels, titles, about)
    return el("figure", el("figcaption", f"{tr(words.GROUPS['hour'])}, USDT"), drawn)


# ---------------------------------------------------------------- the shape of a trade


def shape(facts: Facts, tr: Translate) -> Html:
    """How large wins and losses are, and how far a trade went both ways before it ended."""
    results = facts.trades["r"].drop_nulls().to_list()
    if not results:
        return el("p", tr(words.PAGE["nothing"]), class_="about")
    about = tr(words.SHAPE["results_note"]).format(
        median=_r(middle.median(results)), best=_r(max(results)), worst=_r(min(results))
    )
    return el(
        "div",
        el(
            "figure",
            el("figcaption", tr(words.SHAPE["results"]), el("small", about)),
            _histogram(results, about),
        ),
        [
            el(
                "figure",
                el("figcaption", tr(words.SHAPE[name]), el("small", tr(words.SHAPE[f"{name}_note"]))),
                el(
                    "canvas",
                    id=f"chart-{name}",
                    class_="scatter",
                    role="img",
                    aria_label=tr(words.SHAPE[f"{name}_note"]),
                ),
            )
            for name in ("against", "with")
        ],
        class_="shapes",
    )


def _r(value: float) -> str:
    return marks.plus(texts.number(value))


def _histogram(results: Sequence[float], about: str) -> Html:
    low, high = max(LOWEST_R, min(results)), min(HIGHEST_R, max(results))
    first, last = int(np.floor(low / BIN_R)), int(np.floor(high / BIN_R))
    bins = np.clip(np.floor(np.array(results) / BIN_R).astype(np.int64), first, last)
    counts = np.bincount(bins - first, minlength=last - first + 1)
    columns = []
    for k, count in zip(range(first, last + 1), counts.tolist(), strict=True):
        edge = k * BIN_R
        height = 100.0 * count / int(counts.max())
        stick = el(
            "i",
            class_="loss" if edge < 0 else "gain",
            style=f"top:{100.0 - height:.2f}%;height:{height:.2f}%",
        )
        beyond = k == last and max(results) >= edge + BIN_R
        label = marks.plus(f"{edge:.0f}") + ("…" if beyond else "") if edge == round(edge) else ""
        told = el("em", str(count), style=f"top:{100.0 - height:.2f}%") if count else None
        title = f"≥ {_r(edge)} R: {count}" if beyond else f"{_r(edge)} … {_r(edge + BIN_R)} R: {count}"
        columns.append(el("span", el("span", stick, told, class_="stick"), el("small", label), title=title))
    ground = el("div", el("b", style="top:100%"), class_="ground")
    return el("div", ground, columns, class_="columns edges", role="img", aria_label=about)


# ---------------------------------------------------------------- the funnel


def funnel(facts: Facts, tr: Translate) -> Html:
    """Where decisions end: the gates to an order, then the gates inside each module."""
    report = facts.summary.funnel
    decisions = next((rate.decisions for rate in report.fires if rate.instrument == ALL), 0)
    gates = [row for row in report.gates if row.stage == ENTRIES]
    about = tr(words.FUNNEL["about"]).format(decisions=texts.count(decisions))
    modules = [_module(facts, rate, tr) for rate in report.fires if rate.instrument == ALL]
    return join(
        el("p", about, class_="about"),
        _gates(gates, decisions, tr, whole=True),
        el("h3", tr(words.FUNNEL["modules"])),
        el("div", modules, class_="groups"),
    )


def _module(facts: Facts, rate: Any, tr: Translate) -> Html:
    told = tr(words.FUNNEL["fires"]).format(
        share=marks.share(rate.share, 2), long=texts.count(rate.long), short=texts.count(rate.short)
    )
    gates = [row for row in facts.summary.funnel.gates if row.stage == rate.module]
    return el(
        "div",
        el("p", el("strong", rate.module), " ", told),
        _gates(gates, rate.decisions, tr),
        class_="module",
    )


def _gates(gates: Sequence[Any], decisions: int, tr: Translate, whole: bool = False) -> Html:
    """One bar a gate that refused something: what was left after it, and what it took away."""
    left, rows = decisions, []
    for row in gates:
        if row.refused_first == 0:
            continue
        after = left - row.refused_first
        told = tr(words.FUNNEL[row.gate]) if whole and row.gate in ("holding", "flat") else ""
        taken = marks.bar(after, left, 0.0, decisions, "taken")
        kept = el("i", style=f"left:0;width:{100 * after / max(decisions, 1):.2f}%", class_="kept")
        cut = Html(taken.replace("</i>", f"</i>{kept}", 1))
        rows.append(
            el(
                "tr",
                el("th", row.gate, el("small", f" {told}") if told else None, scope="row"),
                el("td", cut, class_="mark"),
                el("td", f"{marks.MINUS}{texts.count(row.refused_first)}", class_="number"),
                el("td", marks.share(ratio(row.refused_first, left)), class_="number"),
                el("td", texts.count(after), class_="number"),
            )
        )
        left = after
    silent = ", ".join(row.gate for row in gates if row.refused_first == 0 and row.asked)
    note = el("p", tr(words.FUNNEL["silent"]).format(gates=silent), class_="about") if silent else None
    names = (words.FUNNEL["refused"], words.FUNNEL["share"], words.FUNNEL["left"])
    head = el("tr", el("td"), el("td"), [el("th", tr(name), scope="col", class_="number") for name in names])
    table = el("table", el("thead", head), el("tbody", rows), class_="bars cut") if rows else None
    return join(table, note)
