"""The story of one trade: why it was entered, how its stop moved, what was paid, and why it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mastertrading.backtest import explain_words as words
from mastertrading.backtest import texts
from mastertrading.backtest.explain import explain, initial_stop, trade_of
from mastertrading.backtest.explain_chain import Chain
from mastertrading.backtest.explain_run import Recorded, Row, stamp
from mastertrading.backtest.explain_text import WIDTH, deciding, headers, page, run_line, styled, titled
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Table, plain, signed
from mastertrading.domain.errors import DataMissing

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

ORDER = ("entry", "stop", "stop_moved", "partial", "funding", "exit")
"""Of two things at one moment, the earlier here came first; funding falls due before the fills of its bar."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the story. ``kind`` is one of `ORDER`; ``r``: the price in R from the entry."""

    ts_ms: int
    kind: str
    px: str | None
    r: float | None
    qty: str | None
    reason: str | None
    atoms: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """A trade with everything that happened to it."""

    trade: Row
    qty: str
    initial_stop_px: str | None
    stops_recorded: bool
    entry: Chain | None
    happened: tuple[Happened, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def story(run: Recorded, trade_id: int) -> Story:
    """Everything that a run recorded of one trade.

    Raises
    ------
    DataMissing
        If there is no such trade, with the ids that there are.
    """
    trade = trade_of(run, trade_id)
    if trade is None:
        ids = sorted(int(row["trade_id"]) for row in run.rows("trades"))
        raise DataMissing(
            f"the run has no trade {trade_id}",
            why=f"its trades are {ids[0]} to {ids[-1]}" if ids else "it made no trade",
            where=str(run.files.folder),
        )
    name = str(trade["instrument"])
    happened = sorted(_happened(run, trade), key=lambda row: (row.ts_ms, ORDER.index(row.kind)))
    return Story(
        trade=trade,
        qty=f"{run.quantity(name, trade['lots']):f}",
        initial_stop_px=initial_stop(run, trade_id),
        stops_recorded=run.has("stops"),
        entry=_entry(run, trade),
        happened=tuple(happened),
    )


def _entry(run: Recorded, trade: Row) -> Chain | None:
    """The minute that ordered the entry: it closes when the bar of the fill opens."""
    try:
        return explain(run, str(trade["instrument"]), int(trade["opened_ms"]))
    except DataMissing:
        return None


def _happened(run: Recorded, trade: Row) -> Iterator[Happened]:
    name, trade_id = str(trade["instrument"]), trade["trade_id"]
    for fill in run.rows("fills"):
        if fill["trade_id"] == trade_id:
            px, reason = run.price(name, fill["px_ticks"]), str(fill["reason"])
            kind = reason if reason in ("entry", "partial") else "exit"
            qty = f"{run.quantity(name, fill['lots']):f}"
            r = _in_r(run, trade, float(px))
            yield Happened(int(fill["ts_ms"]), kind, f"{px:f}", r, qty, reason, int(fill["fee_atoms"]))
    seen = False
    for stop in run.rows("stops"):
        if stop["trade_id"] == trade_id:
            px_text, r = f"{stop['stop_px']:.10g}", _in_r(run, trade, stop["stop_px"])
            kind = "stop_moved" if seen else "stop"
            yield Happened(int(stop["ts_ms"]), kind, px_text, r, None, str(stop["reason"]), None)
            seen = True
    for payment in run.rows("funding"):
        if payment["trade_id"] == trade_id:
            yield Happened(int(payment["ts_ms"]), "funding", None, None, None, None, int(payment["atoms"]))


def _in_r(run: Recorded, trade: Row, px: float) -> float | None:
    """How far a price lies on our side of the entry, in units of the initial stop's distance."""
    stop = initial_stop(run, trade["trade_id"])
    distance = abs(trade["entry_px"] - float(stop)) if stop is not None else 0.0
    side = 1 if trade["side"] == "long" else -1
    return side * (px - trade["entry_px"]) / distance if distance > 0.0 else None


# ---------------------------------------------------------------- as a person reads it


def render_story(told: Story, run: Recorded, width: int = WIDTH, tr: Translate = as_written) -> Group:
    """The story on a console of ``width`` characters."""
    from rich.text import Text

    trade = told.trade
    first = tr(words.STORIES["first"]).format(
        trade=trade["trade_id"],
        side=tr(words.SIDES[trade["side"]]),
        qty=told.qty,
        instrument=trade["instrument"],
        duration=texts.duration(trade["closed_ms"] - trade["opened_ms"]),
        reason=trade["exit_reason"] or tr(words.STORIES["open"]),
        net=texts.money(trade["net_atoms"]),
        r=texts.number(trade["r"]),
    )
    entry = _entry_lines(told, run, tr)
    parts: list[RenderableType] = [
        styled(first, width, "bold"),
        styled(run_line(run, tr), width, "dim"),
        Text(f"\n{tr(words.TITLES['entry'])}", style="bold"),
        *(styled(f" {line}", width, indent="  ") for line in entry),
        *titled(_story_table(told, tr), width),
        *(styled(line, width) for line in _closing_lines(told, tr)),
    ]
    return page(parts)


def _entry_lines(told: Story, run: Recorded, tr: Translate) -> list[str]:
    chain = told.entry
    if chain is None or chain.order is None:
        return [tr(words.STORIES["no_entry"])]
    votes = [said for said in chain.modules if said.votes == chain.order.side and said.remembered is not None]
    modules = ", ".join(f"{said.module} {said.remembered:+.3f}" for said in votes)
    limit = deciding(chain, chain.sizing, run, tr) if chain.sizing else texts.NONE
    line = tr(words.STORIES["entry"]).format(
        time=texts.moment(chain.ts_ms), net=f"{chain.net:+.3f}", modules=modules, limit=limit
    )
    more = tr(words.STORIES["more"]).format(
        instrument=chain.instrument, time=stamp(chain.ts_ms), source=run.files.option
    )
    return [line, more]


def _story_table(told: Story, tr: Translate) -> Table:
    rows = tuple(_story_row(told, row, moves, tr) for row, moves in _trailed(told.happened))
    columns = headers(("time", "event", "detail", "price", "in_r"), tr)
    return Table(tr(words.TITLES["story"]), columns, rows, text=3)


FEW = 4


def _trailed(happened: Sequence[Happened]) -> Iterator[tuple[Happened, int]]:
    """Moves of a stop in a row for one reason: where they are more than a few, the first and the last, and how many."""
    for (kind, _), group in groupby(happened, key=lambda row: (row.kind, row.reason)):
        rows = list(group)
        if kind == "stop_moved" and len(rows) >= FEW:
            yield rows[0], 0
            yield rows[-1], len(rows) - 1
        else:
            yield from ((row, 0) for row in rows)


def _story_row(told: Story, row: Happened, moves: int, tr: Translate) -> tuple[Cell, ...]:
    side = tr(words.SIDES[told.trade["side"]])
    event = tr(words.EVENTS[row.kind]).format(side=side, qty=row.qty, reason=row.reason)
    return (
        plain(texts.moment(row.ts_ms)[5:]),
        plain(event),
        plain(tr(words.STORIES["moves"]).format(count=moves) if moves else _money(row, tr)),
        plain(row.px or texts.NONE),
        signed(f"{round(row.r, 2) + 0.0:+.2f}", round(row.r, 2)) if row.r is not None else plain(texts.NONE),
    )


def _money(row: Happened, tr: Translate) -> str:
    if row.atoms is None:
        return ""
    amount = texts.money(abs(row.atoms), 4)
    if row.kind != "funding":
        return tr(words.STORIES["fee"]).format(fee=amount)
    return tr(words.STORIES["paid" if row.atoms > 0 else "received"]).format(amount=amount)


def _closing_lines(told: Story, tr: Translate) -> Iterator[str]:
    trade = told.trade
    amounts = {name: texts.money(trade[f"{name}_atoms"]) for name in ("gross", "fees", "funding", "net")}
    yield tr(words.STORIES["money"]).format(**amounts)
    if trade["best_r"] is not None:
        reach = {name: texts.number(trade[f"{name}_r"]) for name in ("best", "worst")}
        yield tr(words.STORIES["reach"]).format(**reach)
    if trade["ambiguous"]:
        yield tr(words.STORIES["ambiguous"])
    if not told.stops_recorded:
        text = tr(words.STORIES["no_stops"])
        initial = told.initial_stop_px
        yield f"{text} {tr(words.STORIES['initial']).format(stop=initial)}" if initial else text
