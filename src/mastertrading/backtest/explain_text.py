"""The chain of one minute as a person reads it: the answer first, then everything it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mastertrading.backtest import explain_words as words
from mastertrading.backtest import texts
from mastertrading.backtest.explain_chain import Asked, Chain, Executed, Said, Sizing
from mastertrading.backtest.explain_gates import Value
from mastertrading.backtest.explain_run import Recorded
from mastertrading.backtest.terminal import render_table
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, narrowed, plain, signed

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

WIDTH = 100
VALUE_UNITS = {"x": "lots", "share": "lots"}
"""Units of what is compared, where the limit has another."""


def answer(chain: Chain, tr: Translate = as_written) -> str:
    """The answer in one paragraph: what happened, and where to change it."""
    return " ".join(answer_lines(chain, tr))


def answer_lines(chain: Chain, tr: Translate = as_written) -> tuple[str, ...]:
    """What happened; then, where a gate refused, where to change it."""
    if chain.order is not None:
        order = chain.order
        told = tr(words.ANSWERS[order.outcome]).format(
            side=tr(words.SIDES[order.side]),
            qty=order.qty,
            instrument=chain.instrument,
            px=order.px,
            trade=order.trade_id,
            detail=order.detail,
        )
        return (told,)
    if chain.position is not None and (chain.position.exit_ordered or chain.first_refusal == "holding"):
        held = chain.position
        told = tr(words.ANSWERS["exit" if held.exit_ordered else "holding"]).format(
            instrument=chain.instrument,
            side=tr(words.SIDES[held.side]),
            trade=held.trade_id,
            reason=held.exit_ordered,
        )
        return (told,)
    refusal = chain.refusal()
    if refusal is None or (refusal.gate == "flat" and not any(said.votes for said in chain.modules)):
        return (tr(words.ANSWERS["silent"]), *_loudest(chain, tr))
    return _refused(refusal, tr)


def _refused(gate: Asked, tr: Translate) -> tuple[str, ...]:
    text = tr(words.ANSWERS["refused"]).format(gate=gate.gate, need=need(gate, tr))
    if gate.value is not None and gate.limit is not None:
        value = shown(gate.value, VALUE_UNITS.get(gate.unit, gate.unit))
        text += tr(words.ANSWERS["measured"]).format(value=value, limit=shown(gate.limit, gate.unit))
    advice = _where(gate, tr)
    if gate.trial:
        advice += (tr(words.ANSWERS["try"]).format(trial=gate.trial),)
    return (f"{text}.", " ".join(advice)) if advice else (f"{text}.",)


def _loudest(chain: Chain, tr: Translate) -> tuple[str, ...]:
    """Where no module spoke: which came furthest."""
    asked = [said for said in chain.modules if said.gates and said.first_refusal and not said.silent]
    if not asked:
        return ()

    def passed(said: Said) -> int:
        return sum(gate.verdict in ("passed", "unknown") for gate in said.gates)

    best = max(asked, key=lambda said: passed(said) / len(said.gates))
    refused = next(gate for gate in best.gates if gate.gate == best.first_refusal)
    told = tr(words.ANSWERS["loudest"]).format(
        module=best.module, passed=passed(best), gates=len(best.gates), gate=refused.gate
    )
    return (" ".join((told, *_where(refused, tr))),)


def _where(gate: Asked, tr: Translate) -> tuple[str, ...]:
    return (tr(words.ANSWERS["where"]).format(where=where(gate.setting)) + ".",) if gate.setting else ()


def need(gate: Asked, tr: Translate = as_written) -> str:
    """What a gate needs, in words, its limit filled in."""
    limit = shown(gate.limit, gate.unit) if gate.limit is not None else texts.NONE
    return tr(words.NEEDS.get(f"{gate.stage}.{gate.gate}", gate.gate)).format(limit=limit)


def where(setting: str) -> str:
    """A dotted setting as a place in a file: ``[risk.gates] htf_adx_min``."""
    table, _, key = setting.rpartition(".")
    return f"[{table}] {key}" if table else f"[{key}]"


def shown(value: Value, unit: str) -> str:
    """A value with its unit."""
    if value is None:
        return texts.NONE
    if isinstance(value, str):
        return value
    if unit in ("frac", "share"):
        return f"{value * 100.0:.4g} %"
    if unit == "usdt":
        return f"{value:,.2f} USDT"
    if unit == "lots":
        return f"{round(value):,d} {'lot' if round(value) == 1 else 'lots'}"
    if unit == "x":
        return f"{value:g} ×"
    number = f"{value:g}" if float(value).is_integer() else f"{value:.3f}".rstrip("0")
    return f"{number} {unit}".strip()


def render_chain(
    chain: Chain, run: Recorded, asked_ms: int, width: int = WIDTH, tr: Translate = as_written
) -> Group:
    """Everything of one minute, for a console of ``width`` characters."""
    parts: list[RenderableType] = [
        *(styled(line, width, "" if k else "bold") for k, line in enumerate(answer_lines(chain, tr))),
        *_minute(chain, run, asked_ms, width, tr),
        *titled(_modules_table(chain, tr), width),
        *_allocation(chain, width, tr),
        *_module_gates(chain, width, tr),
        *_gates(chain, width, tr),
    ]
    if chain.sizing is not None:
        parts += _sizing(chain, chain.sizing, run, width, tr)
    parts += _position(chain, width, tr)
    parts += _afterwards(chain, width, tr)
    return page(parts)


def styled(text: str, width: int, style: str = "", indent: str = "") -> RenderableType:
    """A paragraph that never leaves the width."""
    from rich.text import Text

    lines = textwrap.wrap(text, max(width, 40), subsequent_indent=indent, break_on_hyphens=False) or [""]
    return Text("\n".join(lines), style=style)


def titled(table: Table, width: int) -> list[RenderableType]:
    """A title, a table, its note. A column of words that is left out leaves words to the left, numbers to the right."""
    from rich.text import Text

    fit = narrowed(replace(table, title="", note=""), width - 2)
    fit = replace(fit, text=table.text - sum(1 for c in table.columns[: table.text] if c not in fit.columns))
    parts: list[RenderableType] = [Text(f"\n{table.title}", style="bold")] if table.title else []
    return [*parts, render_table(fit, width), *([styled(table.note, width)] if table.note else [])]


def page(parts: Sequence[RenderableType]) -> Group:
    """Parts below one another. A table ends with an empty line, so a title behind it needs none of its own."""
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    laid: list[RenderableType] = []
    for part in parts:
        behind = bool(laid) and isinstance(laid[-1], RichTable)
        title = isinstance(part, Text) and part.plain.startswith("\n")
        laid.append(part[1:] if behind and title and isinstance(part, Text) else part)
    return Group(*laid)


def heading(name: str, tr: Translate) -> RenderableType:
    """A title above lines that are no table."""
    from rich.text import Text

    return Text(f"\n{tr(words.TITLES[name])}", style="bold")


def _minute(chain: Chain, run: Recorded, asked_ms: int, width: int, tr: Translate) -> list[RenderableType]:
    head = tr(words.LINES["minute"]).format(
        instrument=chain.instrument, open=texts.moment(chain.bar_open_ms), close=clock(chain.ts_ms)
    )
    if chain.close_px is not None:
        head += tr(words.LINES["minute_px"]).format(px=chain.close_px)
    lines = [styled(head, width), styled(run_line(run, tr), width, "dim")]
    if chain.bar_open_ms < asked_ms < chain.ts_ms:
        inside = f"{texts.moment(asked_ms)}:{asked_ms // 1000 % 60:02d}"
        lines.insert(1, styled(tr(words.LINES["rounded"]).format(asked=inside), width, "dim"))
    return [styled("", width), *lines]


def run_line(run: Recorded, tr: Translate) -> str:
    """Which run is spoken of."""
    name = "run" if run.files.option.startswith("--run") else "journal"
    return tr(words.LINES[name]).format(run=run.run["run_id"], folder=run.files.folder)


def clock(ms: int) -> str:
    """The time of day of a moment."""
    return texts.moment(ms)[-5:]


# ---------------------------------------------------------------- modules


def headers(names: Sequence[str], tr: Translate, drops: dict[str, int] | None = None) -> tuple[Column, ...]:
    """Columns of a table."""
    return tuple(Column(tr(words.HEADERS[name]), (drops or {}).get(name, 0)) for name in names)


def _modules_table(chain: Chain, tr: Translate) -> Table:
    rows = tuple(_module_row(chain, said, tr) for said in chain.modules)
    names = ("module", "counts", "votes", "now", "weight", "adds")
    return Table(tr(words.TITLES["modules"]), headers(names, tr), rows, text=3)


def _module_row(chain: Chain, said: Said, tr: Translate) -> tuple[Cell, ...]:
    weight = texts.NONE if said.weight is None else f"{said.weight:.3f}"
    if said.multiplier != 1.0 and said.weight is not None:
        weight += f" × {said.multiplier:g}"
    adds = said.adds if said.votes else None
    return (
        plain(said.module),
        plain(_counts(chain, said, tr)),
        plain(tr(words.SIDES[said.votes]) if said.votes else texts.NONE),
        plain(_forecast(said.now)),
        plain(weight),
        plain(texts.NONE) if adds is None else signed(f"{adds:+.3f}", adds),
    )


def _forecast(value: float) -> str:
    return f"{value:+.3f}" if value else texts.NONE


def _counts(chain: Chain, said: Said, tr: Translate) -> str:
    """What still counts of a module, in words."""
    if said.remembered is None or said.said_ms is None:
        if said.votes:
            return tr(words.LINES["before_run"])
        return tr(words.LINES["expired" if said.expired else "nothing"])
    age = chain.ts_ms - said.said_ms
    name = "remembered" if age else "remembered_now"
    text = tr(words.LINES[name]).format(forecast=f"{said.remembered:+.3f}", age=f"{age / 60_000:g} min")
    return f"{text}; {tr(words.LINES[said.silent])}" if said.silent else text


def _allocation(chain: Chain, width: int, tr: Translate) -> list[RenderableType]:
    votes = [said for said in chain.modules if said.votes]
    if not votes:
        net = tr(words.LINES["net_none"])
    elif not chain.weights_known:
        net = tr(words.LINES["net_short_story"]).format(net=f"{chain.net:+.3f}")
    else:
        parts = " ".join(f"{said.adds:+.3f}" for said in votes)
        longs = chain.net > 0.0 and chain.long_multiplier != 1.0
        form = "net_long" if longs else "net" if len(votes) > 1 else "net_one"
        net = tr(words.LINES[form]).format(
            sum=parts, net=f"{chain.net:+.3f}", long=f"{chain.long_multiplier:g}"
        )
    wish = tr(words.LINES["wish"]).format(
        threshold=texts.NONE if chain.threshold is None else f"{chain.threshold:g}",
        agreeing=chain.agreeing,
        needed=chain.needed_modules,
        wish=tr(words.LINES[f"wish_{chain.wish or 'none'}"]),
    )
    return [styled(f"{net}. {wish}", width)]


# ---------------------------------------------------------------- gates


def _module_gates(chain: Chain, width: int, tr: Translate) -> list[RenderableType]:
    parts: list[RenderableType] = [heading("module_gates", tr)]
    name_width = max(len(said.module) for said in chain.modules) + 2
    for said in chain.modules:
        for k, line in enumerate(_own_gates(said, tr)):
            label = said.module if k == 0 else ""
            parts.append(styled(f" {label:<{name_width}}{line}", width, indent=" " * (name_width + 3)))
    return parts


def _own_gates(said: Said, tr: Translate) -> list[str]:
    """One line a verdict: those that refused with what they need, the others by name."""
    if not said.gates:
        return [tr(words.LINES["no_gate"])]
    lines = []
    for gate in said.gates:
        if gate.verdict == "refused":
            place = f" · {where(gate.setting)}" if gate.setting else ""
            refused = tr(words.LINES["gates_refused"]).format(gate=gate.gate, need=need(gate, tr))
            if gate.value is not None:
                refused += tr(words.LINES["gates_was"]).format(value=shown(gate.value, gate.unit))
            lines.append(f"{refused}{place}")
    if not lines and all(gate.verdict in ("passed", "unknown") for gate in said.gates):
        return [tr(words.LINES["gates_all"]).format(count=len(said.gates))]
    for verdict, label in (("unknown", "unknown"), ("passed", "passed"), ("not_asked", "unasked")):
        names = [gate.gate for gate in said.gates if gate.verdict == verdict]
        if names:
            lines.append(f"{tr(words.LINES[f'gates_{label}'])}: {', '.join(names)}")
    return lines


def _gates(chain: Chain, width: int, tr: Translate) -> list[RenderableType]:
    asked = [gate for gate in chain.gates if gate.verdict != "not_asked"]
    unasked = [gate.gate for gate in chain.gates if gate.verdict == "not_asked" and gate.gate != "flip_age"]
    rows = tuple(_gate_row(gate, tr) for gate in asked)
    columns = headers(("gate", "verdict", "need", "value", "limit"), tr, {"need": 1})
    parts: list[RenderableType] = [
        *titled(Table(tr(words.TITLES["gates"]), columns, rows, text=3), width),
    ]
    if unasked:
        told = tr(words.LINES["unasked"]).format(count=len(unasked), first=unasked[0], last=unasked[-1])
        parts.append(styled(told, width, "dim"))
    if any(gate.verdict == "unknown" for gate in asked):
        parts.append(styled(tr(words.LINES["unknown"]), width, "dim"))
    return parts


def _gate_row(gate: Asked, tr: Translate) -> tuple[Cell, ...]:
    return (
        plain(gate.gate),
        Cell(tr(words.VERDICTS[gate.verdict]), "bad" if gate.verdict == "refused" else ""),
        plain(need(gate, tr)),
        plain(shown(gate.value, VALUE_UNITS.get(gate.unit, gate.unit))),
        plain(shown(gate.limit, gate.unit)),
    )


# ---------------------------------------------------------------- size, position, what happened


def _sizing(chain: Chain, sizing: Sizing, run: Recorded, width: int, tr: Translate) -> list[RenderableType]:
    rows = []
    for step in sizing.steps:
        qty = f"{run.quantity(chain.instrument, step.lots):f}"
        cut = Cell(tr(words.HEADERS["cut"]).lower(), "bad") if step.cut else plain("")
        place = plain(where(step.setting) if step.setting else "")
        rows.append((plain(tr(words.STEPS[step.limit])), place, cut, plain(f"{step.lots:,d}"), plain(qty)))
    columns = (
        Column(tr(words.HEADERS["step"])),
        Column(tr(words.HEADERS["where"]), 1),
        Column(""),
        Column(tr(words.HEADERS["lots"])),
        Column(chain.instrument),
    )
    table = Table("", columns, tuple(rows), text=3)
    return [
        heading("sizing", tr),
        styled(_budget(chain, sizing, run, tr), width, indent="  "),
        *titled(table, width),
        styled(tr(words.LINES["deciding"]).format(limit=deciding(chain, sizing, run, tr)), width),
    ]


def _budget(chain: Chain, sizing: Sizing, run: Recorded, tr: Translate) -> str:
    parts = []
    for name, value in sizing.parts.items():
        text = shown(value, "frac") if name == "per_trade" else f"{value:.3g}"
        part = tr(words.PARTS[name]).format(value=text, name=sizing.session)
        if name == "volatility" and chain.volatility is not None:
            part += tr(words.LINES["atr"]).format(atr=shown(chain.volatility, "frac"))
        parts.append(part)
    budget = tr(words.LINES["budget"]).format(
        parts=" × ".join(parts), budget=f"{sizing.budget_frac * 100:.4f} %"
    )
    if not sizing.cap:
        return budget + "."
    cap = _cap(chain, sizing.cap, run, tr)
    risk = f"{sizing.risk_frac * 100:.4f} %"
    return budget + tr(words.LINES["budget_capped"]).format(risk=risk, cap=cap) + "."


def _cap(chain: Chain, cap: str, run: Recorded, tr: Translate) -> str:
    tier = run.own(chain.instrument, "tier")
    return tr(words.CAPS[cap]).format(instrument=chain.instrument, tier=tier)


def deciding(chain: Chain, sizing: Sizing, run: Recorded, tr: Translate) -> str:
    """The limit that set the size, in words."""
    if sizing.deciding in words.CAPS:
        return _cap(chain, sizing.deciding, run, tr)
    return tr(words.STEPS[sizing.deciding])


def _position(chain: Chain, width: int, tr: Translate) -> list[RenderableType]:
    held = chain.position
    if held is None:
        return []
    text = tr(words.LINES["held"]).format(
        side=tr(words.SIDES[held.side]),
        qty=held.qty,
        opened=texts.moment(held.opened_ms),
        entry=held.entry_px,
        trade=held.trade_id,
        modules=held.modules,
    )
    if held.stop_px is not None:
        name = "held_initial" if held.stop_is_initial else "held_stop"
        text += tr(words.LINES[name]).format(stop=held.stop_px)
    if held.exit_ordered:
        text += tr(words.LINES["held_exit"]).format(reason=held.exit_ordered)
    return [heading("position", tr), styled(f" {text}.", width, indent="  ")]


def _afterwards(chain: Chain, width: int, tr: Translate) -> list[RenderableType]:
    """The order that rested, the fills of the next bar, and how the trade ended."""
    if chain.order is None and chain.position is None:
        return []
    lines = []
    if chain.order is not None:
        order = chain.order
        text = tr(words.LINES["ordered"]).format(
            side=tr(words.SIDES[order.side]),
            qty=order.qty,
            open=texts.moment(chain.ts_ms),
            close=clock(chain.ts_ms + chain.ts_ms - chain.bar_open_ms),
        )
        stop = tr(words.LINES["ordered_stop"]).format(stop=order.stop_px) if order.stop_px else ""
        lines.append(f"{text}{stop}.")
    lines += [_fill(fill, tr) for fill in chain.next_bar] or [tr(words.LINES["next_none"])]
    if chain.closed is not None:
        closed = chain.closed
        lines.append(
            tr(words.LINES["closed"]).format(
                closed=texts.moment(closed.closed_ms),
                px=closed.exit_px,
                reason=closed.reason,
                net=texts.money(closed.net_atoms),
                r=texts.number(closed.r),
            )
        )
    return [heading("next", tr), *(styled(f" {line}", width, indent="  ") for line in lines)]


def _fill(fill: Executed, tr: Translate) -> str:
    return tr(words.LINES["next_fill"]).format(
        side=fill.order_side, qty=fill.qty, px=fill.px, reason=fill.reason, fee=texts.money(fill.fee_atoms)
    )
