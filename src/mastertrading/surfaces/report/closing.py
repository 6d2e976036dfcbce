"""The end of the page: what the account went through, which run this is, its settings, and where to go from here."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from mastertrading.backtest import texts
from mastertrading.backtest.tables import events_table, identity_table, summary_table
from mastertrading.backtest.verdict import Translate
from mastertrading.backtest.writing import Table
from mastertrading.settings.keys import dotted
from mastertrading.settings.schema import Settings
from mastertrading.settings.toml_text import toml_value, values_of
from mastertrading.surfaces.report import marks, words
from mastertrading.surfaces.report.facts import Facts
from mastertrading.surfaces.report.html import Html, el, join

COMMAND = "mastertrading"
EVENTS = 24
"""So many events are in sight; the others open on a click."""


def plain_table(table: Table, name: str) -> Html:
    """A table of the terminal as markup."""
    head = el("tr", [_heading(k, column.name, table.text) for k, column in enumerate(table.columns)])
    rows = [
        el(
            "tr",
            [
                el("td", marks.minus(cell.text), class_=_kind(k, table.text, cell.tone))
                for k, cell in enumerate(row)
            ],
        )
        for row in table.lines()
    ]
    body = el("tbody", rows)
    named = any(column.name for column in table.columns)
    return el("table", el("thead", head) if named else None, body, class_=f"plain {name}")


def _heading(k: int, name: str, text: int) -> Html:
    return el("th", name, scope="col", class_=_kind(k, text)) if name else el("td")


def _kind(k: int, text: int, tone: str = "") -> str | None:
    word = {"good": "gain", "bad": "loss"}.get(tone, "")
    return f"{'' if k < text else 'number'} {word}".strip() or None


def breakers(facts: Facts, tr: Translate) -> Html:
    """Everything that happened to the account and was neither a fill nor funding."""
    if not facts.summary.events:
        return el("p", tr(words.BREAKERS["none"]), class_="about")
    table = events_table(facts.statistics, tr, shown=None)
    first, rest = replace(table, rows=table.rows[:EVENTS]), replace(table, rows=table.rows[EVENTS:])
    more = el("summary", tr(words.BREAKERS["more"]).format(count=len(rest.rows)))
    hidden = el("details", more, plain_table(rest, "events")) if rest.rows else None
    return el("div", plain_table(first, "events"), hidden, class_="scroll")


def run(
    facts: Facts, notes: Sequence[str], levels: Sequence[dict[str, object]] | None, tr: Translate
) -> Html:
    """Identity, measures, and what is known about the data."""
    identity = plain_table(identity_table(facts.statistics, tr), "identity")
    summary = plain_table(summary_table(facts.statistics, tr), "summary")
    told = [el("li", tr(note)) for note in notes] or [el("li", tr(words.RUN["clean"]))]
    if levels is None:
        command = f"{COMMAND} report RUN --data DIR"
        before, _, after = tr(words.RUN["no_market"]).partition("`{command}`")
        told = [el("li", before, el("code", command), after)]
    else:
        told.append(el("li", _kept(levels, tr)))
    quality = join(el("h3", tr(words.RUN["quality"])), el("ul", told, class_="notes"))
    return el("div", el("div", identity, _signal(facts, tr), quality), summary, class_="halves")


def _signal(facts: Facts, tr: Translate) -> Html | None:
    """The user's own function, if the run traded one."""
    if not facts.signal:
        return None
    return el("p", f"{tr(words.RUN['signal'])}: ", el("code", facts.signal))


def _kept(levels: Sequence[dict[str, object]], tr: Translate) -> str:
    """Which bars the page holds."""
    whole = [int(str(level["ms"])) for level in levels if level["whole"]]
    finest = min((int(str(level["ms"])) for level in levels), default=0)
    if whole and min(whole) == finest:
        return tr(words.RUN["candles_whole"]).format(finest=length(finest))
    return tr(words.RUN["candles_part"]).format(
        whole=length(min(whole)) if whole else texts.NONE, finest=length(finest)
    )


def length(ms: int) -> str:
    """Length of a bar: ``5m``, ``4h``, ``1d``."""
    minutes = ms // 60_000
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def config(settings: Settings, tr: Translate) -> Html:
    """Every setting, with a mark at what is not at its default."""
    usual = dict(values_of(Settings()))
    rows, changed = [], 0
    for path, value in values_of(settings):
        differs = path not in usual or usual[path] != value
        changed += differs
        default = toml_value(usual[path]) if path in usual else texts.NONE
        note = el("small", tr(words.CONFIG["default"]).format(value=default)) if differs else None
        mark = el("span", "● ", class_="changed", aria_hidden="true") if differs else None
        cells = (el("th", mark, dotted(path), scope="row"), el("td", toml_value(value), " ", note))
        rows.append(el("tr", *cells, class_="differs" if differs else None))
    key = "unchanged" if changed == 0 else "changed_one" if changed == 1 else "changed"
    told = tr(words.CONFIG[key]).format(count=changed)
    ahead = [row for row in rows if ' class="differs"' in row]
    shown = el("table", el("tbody", ahead), class_="settings") if ahead else None
    table = el("table", el("tbody", rows), class_="settings")
    return join(
        el("p", told, class_="about"), shown, el("details", el("summary", tr(words.CONFIG["show"])), table)
    )


def onward(facts: Facts, tr: Translate) -> Html:
    """Commands that answer the next question, with this run's own first trade in them."""
    names = facts.summary.run.instruments
    symbol, when, trade = (names[0] if names else "BTCUSDT"), facts.summary.run.to_ms, 1
    if len(facts.trades):
        first = facts.trades.row(0, named=True)
        symbol, when, trade = str(first["instrument"]), int(first["opened_ms"]), int(first["trade_id"])
    moment = texts.moment(when).replace(" ", "T")
    lines = (
        ("why", f"{COMMAND} why {shlex.quote(symbol)} --at {moment} --run RUN"),
        ("trade", f"{COMMAND} why --trade {trade} --run RUN"),
        ("summary", f"{COMMAND} why --summary --run RUN"),
        ("diff", f"{COMMAND} diff RUN OTHER_RUN"),
        ("report", f"{COMMAND} report RUN --data DIR"),
    )
    rows = [el("div", el("dt", el("code", line)), el("dd", tr(words.NEXT[name]))) for name, line in lines]
    return join(el("dl", rows, class_="commands"), el("p", tr(words.NEXT["where"]), class_="about"))
