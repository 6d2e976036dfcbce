"""The funnel and the stretches of a window, as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mastertrading.backtest import explain_words as words
from mastertrading.backtest import texts
from mastertrading.backtest.explain_chain import Asked
from mastertrading.backtest.explain_counts import Count, Stretch, Summary, joined
from mastertrading.backtest.explain_gates import SETTINGS, Value, module_fact
from mastertrading.backtest.explain_run import Recorded
from mastertrading.backtest.explain_text import (
    WIDTH,
    clock,
    headers,
    need,
    page,
    run_line,
    styled,
    titled,
    where,
)
from mastertrading.backtest.fire_rates import ENTRIES, MODULE_GATES
from mastertrading.backtest.measures import ratio
from mastertrading.backtest.trade_statistics import SESSIONS
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain
from mastertrading.domain.market import DAY_MS

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

A_SCREEN = 40


def bottleneck(summary: Summary, run: Recorded, tr: Translate = as_written) -> str:
    """One sentence: where the way from minutes to orders is narrowest."""
    wished, hardest = summary.wished(), summary.hardest()
    if hardest is not None:
        return tr(words.SUMMARIES["bottleneck"]).format(
            gate=hardest.gate,
            refused=texts.count(hardest.refused_first),
            wished=texts.count(wished),
            share=texts.percent(ratio(hardest.refused_first, wished), 1),
            need=_need(hardest, run, summary.to_ms, tr),
            where=where(_setting(hardest, summary)),
        )
    if wished:
        return tr(words.SUMMARIES["open"]).format(wished=texts.count(wished))
    return _quiet(summary, tr)


def _quiet(summary: Summary, tr: Translate) -> str:
    spoken = [name for name in summary.modules if name in MODULE_GATES]
    flat = summary.gate("flat")
    told = tr(words.SUMMARIES["quiet"]).format(
        flat=texts.count(flat.refused_first),
        free=texts.count(flat.asked),
        share=texts.percent(ratio(flat.refused_first, flat.asked), 1),
    )
    if not spoken:
        return told
    module = min(spoken, key=summary.spoke)
    hardest = summary.hardest_of(module)
    if hardest is None:
        return told
    return f"{told} {tr(words.SUMMARIES['least']).format(module=module, gate=hardest.gate)}"


def _setting(count: Count, summary: Summary) -> str:
    if count.gate == "direction" and len(summary.instruments) == 1:
        return f"instruments.{summary.instruments[0]}.directions"
    return SETTINGS.get(count.gate, "allocation.sessions" if count.gate == "session" else "instruments")


def _need(count: Count, run: Recorded, ts_ms: int, tr: Translate) -> str:
    limit: Value = None
    unit = ""
    if (count.stage, count.gate) == ("smc", "score"):
        limit = _floors(run)
    elif count.stage != ENTRIES:
        fact = module_fact(run, count.stage, count.gate, ts_ms)
        limit, unit = fact.limit, fact.unit
    return need(Asked(count.stage, count.gate, "refused", None, limit, unit, "", ""), tr)


def _floors(run: Recorded) -> str:
    """The score floors of all sessions, from the lowest to the highest."""
    floors = [run.setting(f"allocation.sessions.{name}.score_floor") for name in SESSIONS]
    known = [floor for floor in floors if floor is not None]
    return f"{min(known):g} – {max(known):g}" if known else texts.NONE


def render_summary(summary: Summary, run: Recorded, width: int = WIDTH, tr: Translate = as_written) -> Group:
    """The bottleneck, then the way from decisions to orders, the gates, and the modules."""
    span = tr(words.SUMMARIES["window"]).format(
        start=texts.moment(summary.from_ms), end=texts.moment(summary.to_ms)
    )
    parts: list[RenderableType] = [
        styled(bottleneck(summary, run, tr), width, "bold"),
        styled("", width),
        styled(f"{span} · {run_line(run, tr)}", width, "dim"),
        *titled(_path_table(summary, tr), width),
        *titled(_gates_table(summary, run, tr), width),
    ]
    if any(name in MODULE_GATES for name in summary.modules):
        parts += titled(_modules_table(summary, tr), width)
        parts += titled(_module_gates_table(summary, run, tr), width)
    return page(parts)


def _path_table(summary: Summary, tr: Translate) -> Table:
    names = ("instrument", "hardest", "decisions", "holding", "wished", "agreed", "allowed", "ordered")
    rows = tuple(_path_row(summary, name, name) for name in summary.instruments)
    several = len(summary.instruments) > 1
    total = _path_row(summary, "", tr(texts.HEADERS["total"])) if several else None
    columns = headers(names, tr, {"holding": 2, "allowed": 1})
    return Table(tr(words.TITLES["path"]), columns, rows, total, text=2, note=tr(words.SUMMARIES["path"]))


def _path_row(summary: Summary, instrument: str, label: str) -> tuple[Cell, ...]:
    hardest = summary.hardest(instrument)
    numbers = (
        summary.decisions(instrument),
        summary.gate("holding", instrument).refused_first,
        summary.wished(instrument),
        summary.gate("min_modules", instrument).passed,
        summary.gate("volatility", instrument).asked,
        summary.ordered(instrument),
    )
    return (
        plain(label),
        plain(hardest.gate if hardest else texts.NONE),
        *(plain(texts.count(number)) for number in numbers),
    )


def _gates_table(summary: Summary, run: Recorded, tr: Translate) -> Table:
    found = summary.of(ENTRIES)
    rows = tuple(_gate_row(row, run, summary, tr) for row in found if row.passed < row.asked)
    quiet = [row.gate for row in found if row.asked and row.passed == row.asked]
    note = tr(words.SUMMARIES["never"]).format(gates=", ".join(quiet)) if quiet else ""
    columns = headers(("gate", "need", "asked", "refused", "first", "share"), tr, {"need": 1})
    return Table(tr(words.TITLES["first"]), columns, rows, text=2, note=note)


def _gate_row(row: Count, run: Recorded, summary: Summary, tr: Translate) -> tuple[Cell, ...]:
    return (
        plain(row.gate),
        plain(_need(row, run, summary.to_ms, tr)),
        plain(texts.count(row.asked)),
        plain(texts.count(row.asked - row.passed)),
        plain(texts.count(row.refused_first)),
        plain(texts.percent(ratio(row.refused_first, row.asked), 1)),
    )


def _modules_table(summary: Summary, tr: Translate) -> Table:
    """Per cent of the decisions in which a module had a direction, by instrument."""
    modules = [name for name in summary.modules if name in MODULE_GATES]
    rows = []
    for module in modules:
        shares = [ratio(summary.spoke(module, name), summary.decisions(name)) for name in summary.instruments]
        total = ratio(summary.spoke(module), summary.decisions())
        several = (plain(texts.percent(total, 1)),) if len(shares) > 1 else ()
        rows.append((plain(module), *(plain(texts.percent(share, 1)) for share in shares), *several))
    names = [name.removesuffix("USDT") for name in summary.instruments]
    columns = [Column(tr(words.HEADERS["module"])), *(Column(name) for name in names)]
    if len(names) > 1:
        columns.append(Column(tr(texts.HEADERS["all"])))
    return Table(tr(words.TITLES["spoke"]), tuple(columns), tuple(rows))


def _module_gates_table(summary: Summary, run: Recorded, tr: Translate) -> Table:
    rows = []
    for module in summary.modules:
        for row in summary.of(module):
            if row.passed < row.asked:
                rows.append((plain(module), *_gate_row(row, run, summary, tr)))
    columns = headers(("module", "gate", "need", "asked", "refused", "first", "share"), tr, {"need": 1})
    return Table(tr(words.TITLES["stage"]), columns, tuple(rows), text=3)


# ---------------------------------------------------------------- stretches


def render_stretches(
    found: Sequence[Stretch], instrument: str, run: Recorded, width: int = WIDTH, tr: Translate = as_written
) -> Group:
    """A window of minutes in one screen."""
    lines, minutes = joined(found, A_SCREEN)
    rows = tuple(_stretch_row(stretch, tr) for stretch in lines)
    columns = headers(("from", "to", "what", "detail", "minutes"), tr)
    title = f"{instrument} · {tr(words.TITLES['stretches'])}"
    parts: list[RenderableType] = [
        styled(run_line(run, tr), width, "dim"),
        *titled(Table(title, columns, rows, text=4), width),
    ]
    if minutes:
        parts.append(styled(tr(words.STRETCHES["joined"]).format(minutes=minutes), width, "dim"))
    return page(parts)


def _stretch_row(stretch: Stretch, tr: Translate) -> tuple[Cell, ...]:
    told = tr(words.STRETCHES[stretch.kind]).format(
        gate=stretch.gate,
        side=tr(words.SIDES[stretch.side]) if stretch.side else "",
        trade=stretch.trade_id,
        reason=stretch.exit_reason,
    )
    start, end = texts.moment(stretch.from_ms)[5:], texts.moment(stretch.to_ms)[5:]
    return (
        plain(start),
        plain(clock(stretch.to_ms) if stretch.to_ms - stretch.from_ms < DAY_MS else end),
        Cell(told, "good" if stretch.kind in ("entry", "exit") else ""),
        plain(_detail(stretch, tr)),
        plain(texts.count(stretch.minutes)),
    )


def _detail(stretch: Stretch, tr: Translate) -> str:
    net = f"{stretch.net:+.3f}" if stretch.net else "0"
    if stretch.kind == "entry":
        return tr(words.STRETCHES["lots"]).format(lots=texts.count(abs(stretch.lots)), net=net)
    if stretch.kind == "mixed":
        ranked = sorted(stretch.counts.items(), key=lambda item: -item[1])
        return ", ".join(tr(words.STRETCHES["each"]).format(gate=gate, count=count) for gate, count in ranked)
    if stretch.kind == "refused" and stretch.net:
        return tr(words.STRETCHES["strongest"]).format(net=net)
    return ""
