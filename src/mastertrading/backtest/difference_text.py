"""Two runs beside each other, as a person reads it: where they part, why, and how far apart they end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mastertrading.backtest import difference_words as words
from mastertrading.backtest import texts
from mastertrading.backtest.difference import ABSENT, Contrast, Difference, Divergence
from mastertrading.backtest.explain_run import stamp
from mastertrading.backtest.explain_text import WIDTH, page, styled, titled
from mastertrading.backtest.explain_words import LINES, VERDICTS
from mastertrading.backtest.verdict import Translate, as_written
from mastertrading.backtest.writing import Cell, Column, Table, plain

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

MOST_SETTINGS = 20
NAMED = 3
LONGEST = 34
SIZES = (
    "budget_frac",
    "risk_frac",
    "risk_lots",
    "instrument_lots",
    "leverage_lots",
    "correlated_lots",
    "value_at_risk_lots",
)


def verdict(found: Difference, tr: Translate = as_written) -> str:
    """The first line: whether they are the same, or when, where and why they part."""
    if found.first is None and not found.first_trade:
        return _same(found, tr)
    return f"{_where(found.first, tr)} {_why(found, tr)}"


def _same(found: Difference, tr: Translate) -> str:
    if found.run_a == found.run_b and found.same:
        return tr(words.FIRST["identical"]).format(run=found.run_a)
    names = [pair.name for pair in (*found.identity, *found.spans) if pair.name != "run_id"]
    names += ["signal"] if found.signal else []
    what = ", ".join(tr(words.WHAT[name]) for name in dict.fromkeys(names))
    return tr(words.FIRST["same" if found.whole else "same_overlap"]).format(what=what)


def _where(first: Divergence | None, tr: Translate) -> str:
    if first is None:
        return tr(words.FIRST["trade"])
    sides = {pair.name: pair for pair in first.sides}
    said = sides.get(first.subject)
    gates = [name for name, pair in sides.items() if "." in name and pair.a != pair.b]
    kind, gate = first.kind, first.subject
    if kind == "module" and said is not None and said.a == said.b:
        kind, gate = (
            "module_gate",
            ", ".join(name for name in gates if name.startswith(first.subject)) or gate,
        )
    return tr(words.FIRST[kind]).format(
        time=texts.moment(first.ts_ms),
        instrument=first.instrument,
        module=first.subject,
        gate=gate,
        a=_forecast(said.a, tr) if said else "",
        b=_forecast(said.b, tr) if said else "",
    )


def _forecast(value: Any, tr: Translate) -> str:
    return f"{value:+.3f}" if isinstance(value, float) and value else tr(LINES["nothing"])


def _why(found: Difference, tr: Translate) -> str:
    causes = [_cause(found, name, tr) for name in found.causes()]
    if not causes:
        return tr(words.CAUSES["unknown"])
    return tr(words.CAUSES["behind"]).format(causes="; ".join(causes))


def _cause(found: Difference, name: str, tr: Translate) -> str:
    pairs, one = {
        "configuration": (found.settings, "setting"),
        "signal": (found.signal, "parameter"),
    }.get(name, ((), ""))
    if name == "data" and found.prices is not None:
        told = tr(words.CAUSES["prices"])
        return told.format(time=texts.moment(found.prices.ts_ms), instrument=found.prices.instrument)
    if not pairs:
        return tr(words.CAUSES[name])
    if len(pairs) == 1:
        pair = pairs[0]
        one = "source" if pair.name == "sha256" else one
        return tr(words.CAUSES[one]).format(name=pair.name, a=_value(pair.a), b=_value(pair.b))
    names = ", ".join(pair.name for pair in pairs[:NAMED])
    more = ", …" if len(pairs) > NAMED else ""
    return tr(words.CAUSES[name]).format(count=len(pairs), names=names + more)


def render_difference(found: Difference, width: int = WIDTH, tr: Translate = as_written) -> Group:
    """Everything that distinguishes two runs, on a console of ``width`` characters."""
    parts: list[RenderableType] = [
        styled(verdict(found, tr), width, "bold"),
        styled("", width),
        styled(tr(words.LINES["a"]).format(run=found.run_a, folder=found.folder_a), width, "dim"),
        styled(tr(words.LINES["b"]).format(run=found.run_b, folder=found.folder_b), width, "dim"),
        styled(_compared(found, tr), width, "dim"),
    ]
    if not found.whole:
        parts.append(styled(tr(words.LINES["only_overlap"]), width, "dim"))
    identity = [pair for pair in (*found.identity, *found.spans) if pair.name != "run_id"]
    parts += _table("identity", identity, width, tr, known=True)
    parts += _settings(found, width, tr)
    parts += _table("signal", found.signal, width, tr)
    if found.first is not None:
        parts += _minute(found, found.first, width, tr)
    parts += _table("trade", found.first_trade, width, tr)
    if not found.same or found.run_a != found.run_b:
        parts += _table("outcomes", found.outcomes, width, tr, known=True)
    return page(parts)


def _compared(found: Difference, tr: Translate) -> str:
    return tr(words.LINES["compared"]).format(
        instruments=", ".join(found.instruments),
        start=texts.moment(found.from_ms),
        end=texts.moment(found.to_ms),
        differing=texts.count(found.decisions_differing),
        rows=texts.count(found.decisions),
    )


def _settings(found: Difference, width: int, tr: Translate) -> list[RenderableType]:
    parts = _table("settings", found.settings[:MOST_SETTINGS], width, tr)
    left = len(found.settings) - MOST_SETTINGS
    if left > 0:
        parts.append(styled(tr(words.LINES["settings_more"]).format(count=left), width, "dim"))
    return parts


def _minute(found: Difference, first: Divergence, width: int, tr: Translate) -> list[RenderableType]:
    sides, left = _telling(first)
    parts = _table("minute", sides, width, tr)
    if left:
        parts.append(styled(tr(words.LINES["gates_behind"]).format(count=left), width))
    if first.decided and first.instrument:
        for folder in (found.folder_a, found.folder_b):
            told = tr(words.LINES["more"]).format(
                instrument=first.instrument, time=stamp(first.ts_ms), folder=folder
            )
            parts.append(styled(told, width, "dim"))
    return parts


def _telling(first: Divergence) -> tuple[list[Contrast], int]:
    """What tells something: sizes only where they part, no gates that one of them never came to (how many)."""
    behind = [side for side in first.sides if "." in side.name and "not_asked" in (side.a, side.b)]
    sizes = () if first.kind == "size" else SIZES
    shown = [side for side in first.sides if side not in behind and side.name not in sizes]
    return shown, len(behind)


def _table(
    title: str, pairs: Sequence[Contrast], width: int, tr: Translate, known: bool = False
) -> list[RenderableType]:
    """What, the one run, the other, and a mark where they differ. No table where there is nothing to show."""
    if not pairs:
        return []
    rows = tuple(_rows(pairs, tr, known))
    columns = (Column(""), Column("A"), Column("B"), Column(""))
    return titled(Table(tr(words.TITLES[title]), columns, rows), width)


def _rows(pairs: Iterable[Contrast], tr: Translate, known: bool) -> Iterable[tuple[Cell, ...]]:
    for pair in pairs:
        name = tr(words.WHAT[pair.name]) if known else _name(pair.name)
        unequal = Cell("≠", "bad") if pair.a != pair.b else plain("")
        yield plain(name), *(plain(_shown(pair, side, tr)) for side in (pair.a, pair.b)), unequal


def _shown(pair: Contrast, side: Any, tr: Translate) -> str:
    """A gate's answer in words, anything else as a value."""
    if "." in pair.name and side in VERDICTS:
        return tr(VERDICTS[side])
    return _value(side, pair.name)


def _name(column: str) -> str:
    """A column without the suffix of a unit that its values no longer have."""
    return column.removesuffix("_atoms").removesuffix("_ms")


def _value(value: Any, name: str = "") -> str:
    """A value in the unit of its name: atoms as money, ms as a moment, fractions of a result in per cent."""
    if value is None:
        return texts.NONE
    if value == ABSENT:
        return texts.NONE if name else str(value)
    if name.endswith("_atoms") or name == "atoms":
        return texts.money(value, 4 if abs(value) < 1e8 else 2)
    if name == "base_ms":
        return f"{value // 60_000} min"
    if name.endswith("_ms"):
        return texts.moment(value)
    if name in ("win_rate", "drawdown"):
        return texts.percent(value)
    if isinstance(value, str) and (name in words.WHAT or name == "sha256"):
        return value[:16]
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        text = ", ".join(str(part) for part in value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return str(value)
