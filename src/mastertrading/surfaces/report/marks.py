"""Small marks made of plain boxes: bars beside numbers, columns, shaded cells. They print, scale and need no script."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mastertrading.backtest import texts
from mastertrading.surfaces.report.html import Html, el

MINUS = "−"
PER_CENT = "\u00a0%"
NEGATIVE = re.compile(r"(?<![\w.-])-(?=[\d.])")


def minus(text: str) -> str:
    """A text whose numbers have real minus signs and stay beside their per cent sign; dates keep their hyphens."""
    return NEGATIVE.sub(MINUS, text).replace(" %", PER_CENT)


def plus(text: str) -> str:
    """A number with its sign, whichever it is; zero has none."""
    return minus(text) if text.startswith("-") or not text.strip("0.,– %") else f"+{text}"


def tone(value: float | None) -> str:
    """The class of a gain or of a loss."""
    return "" if not value else "gain" if value > 0 else "loss"


def money(atoms: float | None, places: int = 2) -> str:
    """Signed quote currency."""
    return plus(texts.money(atoms, places))


def percent(fraction: float | None, places: int = 2) -> str:
    """Signed per cent."""
    return texts.NONE if fraction is None else f"{plus(texts.percent(fraction, places))}{PER_CENT}"


def share(fraction: float | None, places: int = 1) -> str:
    """Unsigned per cent."""
    return texts.NONE if fraction is None else f"{minus(texts.percent(fraction, places))}{PER_CENT}"


def bar(begin: float, end: float, low: float, high: float, kind: str = "") -> Html:
    """A horizontal bar from ``begin`` to ``end`` on a scale from ``low`` to ``high``, with a line at zero."""
    span = (high - low) or 1.0
    left, right = sorted(((begin - low) / span, (end - low) / span))
    zero = (0.0 - low) / span
    style = f"left:{100 * left:.2f}%;width:{100 * (right - left):.2f}%"
    axis = el("b", style=f"left:{100 * zero:.2f}%") if 0.0 < zero < 1.0 else None
    return el("span", el("i", class_=kind or None, style=style), axis, class_="bar", aria_hidden="true")


def from_zero(value: float, values: Sequence[float]) -> Html:
    """A bar from zero on the common scale of some values."""
    return bar(0.0, value, min(0.0, *values, 0.0), max(0.0, *values, 0.0), tone(value))


def columns(values: Sequence[float], labels: Sequence[str], titles: Sequence[str], about: str) -> Html:
    """Upright bars around a zero line; positive ones stand on it, negative ones hang from it."""
    top, low = max(0.0, *values), min(0.0, *values)
    span = (top - low) or 1.0
    parts = []
    for value, label, title in zip(values, labels, titles, strict=True):
        upper = (top - max(value, 0.0)) / span
        style = f"top:{100 * upper:.2f}%;height:{100 * abs(value) / span:.2f}%"
        stick = el("i", class_=tone(value) or None, style=style)
        parts.append(el("span", el("span", stick, class_="stick"), el("small", label), title=title))
    zero = el("b", style=f"top:{100 * top / span:.2f}%")
    return el("div", el("div", zero, class_="ground"), parts, class_="columns", role="img", aria_label=about)


def shade(value: float, largest: float) -> str:
    """How strongly a cell is tinted, as a style: 0 to 1 of the largest value."""
    return f"--shade:{min(1.0, abs(value) / largest) if largest else 0.0:.2f}"
