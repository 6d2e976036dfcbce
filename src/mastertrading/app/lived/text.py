"""What happened around a minute's decision, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mastertrading.app.lived.moment import Around, Sent
from mastertrading.backtest import texts
from mastertrading.backtest.explain_text import page, styled, titled
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain
from mastertrading.domain.facts import Severity
from mastertrading.domain.intents import CommandState, Purpose

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

LINES = {
    "sent": "Sent to the venue",
    "nothing": "Nothing was sent to the venue for this decision.",
    "incidents": "Incidents",
    "asked": "What people asked for",
    "latched": "A switch was put: {name} ({why}).",
    "missed": "The minute passed while nobody was there: it was folded in later.",
    "whole": "the whole position",
    "at_market": "at the market",
    "stop_at": "stop {px}",
    "limit_at": "limit {px}",
    "attached": "with stop {px}",
    "cancels": "cancels {target}",
    "inside": "(went out inside the entry)",
}
HEADERS = {
    "time": "Time",
    "what": "What",
    "order": "Order",
    "state": "How it went",
    "answer": "Answer",
    "kind": "Kind",
    "subject": "About",
    "detail": "Detail",
    "by": "By",
}
BAD = (CommandState.REFUSED, CommandState.UNKNOWN, CommandState.REJECTED, CommandState.ABSENT)


def render_around(found: Around, width: int, tr: Translate = as_written) -> Group:
    """Commands, incidents and people's commands, on a console of ``width`` characters."""
    parts: list[RenderableType] = []
    if found.missed:
        parts.append(styled(tr(LINES["missed"]), width))
    parts += [
        styled(tr(LINES["latched"]).format(name=name, why=why), width, "red") for name, why in found.latches
    ]
    if found.sent:
        parts += titled(_sent_table(found, tr), width)
    else:
        parts.append(styled(tr(LINES["nothing"]), width))
    if found.incidents:
        parts += titled(_incidents_table(found, tr), width)
    if found.asked:
        parts += titled(_asked_table(found, tr), width)
    return page(parts)


def _columns(tr: Translate, *names: str, drop: str = "") -> tuple[Column, ...]:
    return tuple(Column(tr(HEADERS[name]), 1 if name == drop else 0) for name in names)


def _sent_table(found: Around, tr: Translate) -> Table:
    rows = tuple(_sent_row(one, tr) for one in found.sent)
    columns = _columns(tr, "time", "what", "order", "state", "answer", drop="answer")
    return Table(tr(LINES["sent"]), columns, rows, text=5)


def _sent_row(sent: Sent, tr: Translate) -> tuple[Cell, ...]:
    intent, state = sent.command.intent, sent.command.state
    begun = sent.steps[0].at_ms if sent.steps else sent.command.prepared_ms
    what = intent.purpose.value
    if intent.reason and intent.reason != what:
        what = f"{what} ({intent.reason})"
    went = " → ".join(step.state.value for step in sent.steps) or state.value
    return (
        plain(exact_time(begun)),
        plain(what),
        plain(" ".join(_order(sent, tr))),
        Cell(went, "bad" if state in BAD else ""),
        plain(sent.answer or texts.NONE),
    )


def _order(sent: Sent, tr: Translate) -> Iterator[str]:
    """An order in words."""
    intent = sent.command.intent
    if intent.purpose is Purpose.CANCEL:
        yield tr(LINES["cancels"]).format(target=intent.target[:8])
        return
    yield {1: "buy", -1: "sell"}.get(intent.order_side, "")
    yield tr(LINES["whole"]) if intent.qty is None else f"{intent.qty:f}"
    if intent.trigger_px is not None:
        yield tr(LINES["stop_at"]).format(px=f"{intent.trigger_px:f}")
    elif intent.limit_px is not None:
        yield tr(LINES["limit_at"]).format(px=f"{intent.limit_px:f}")
    else:
        yield tr(LINES["at_market"])
    if intent.target:
        yield tr(LINES["inside"])
    if intent.attached_stop_px is not None:
        yield tr(LINES["attached"]).format(px=f"{intent.attached_stop_px:f}")


def _incidents_table(found: Around, tr: Translate) -> Table:
    rows = tuple(
        (
            plain(exact_time(one.ts_ms)),
            Cell(one.kind, "bad" if one.severity is Severity.CRITICAL else ""),
            plain(one.subject),
            plain(one.detail.removeprefix(f"{one.subject}: ")),
        )
        for one in found.incidents
    )
    return Table(tr(LINES["incidents"]), _columns(tr, "time", "kind", "subject", "detail"), rows, text=4)


def _asked_table(found: Around, tr: Translate) -> Table:
    rows = tuple(
        (
            plain(exact_time(one.ts_ms)),
            plain(one.verb),
            plain(one.by),
            plain(f"{one.phase} {one.outcome}".strip()),
        )
        for one in found.asked
    )
    return Table(tr(LINES["asked"]), _columns(tr, "time", "what", "by", "state"), rows, text=4)


def exact_time(ms: int) -> str:
    """The time of day of a moment, to the millisecond."""
    return f"{texts.moment(ms)[-5:]}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
