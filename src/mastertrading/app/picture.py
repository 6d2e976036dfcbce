"""Small pictures for notebooks: SVG text, without a library for drawing."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mastertrading.domain.errors import OutputError
from mastertrading.domain.market import F64, I64, Market

if TYPE_CHECKING:
    import polars as pl

WIDTH, LEFT, RIGHT = 900.0, 72.0, 12.0
POINTS = 700
"""Buckets of a line; each draws its lowest and highest value, so that no spike is lost."""
BLUE, RED, GREEN = "#3b82c4", "#c8503c", "#2e9e6b"


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG that a notebook shows, and that can be saved (``.svg``, or ``.html``)."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write it to a file; return its path.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        target = Path(path)
        whole = f'<!doctype html><meta charset="utf-8"><title>mastertrading</title>{self.svg}\n'
        try:
            target.write_text(whole if target.suffix == ".html" else self.svg, encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"the picture cannot be written to {target}", why=error.strerror or str(error)
            ) from error
        return target


@dataclass(frozen=True, slots=True)
class Pane:
    """A part of a picture with a scale of its own."""

    top: float
    height: float
    lowest: float
    highest: float
    first_ms: int
    last_ms: int

    def x(self, at_ms: I64) -> F64:
        """Pixels of moments."""
        span = max(self.last_ms - self.first_ms, 1)
        return LEFT + (WIDTH - LEFT - RIGHT) * (at_ms - self.first_ms) / span

    def y(self, values: F64) -> F64:
        """Pixels of values."""
        span = (self.highest - self.lowest) or 1.0
        return self.top + self.height * (self.highest - values) / span


def equity_picture(equity: pl.DataFrame, title: str) -> Picture:
    """Equity above, drawdown below."""
    at_ms = equity["ts_ms"].to_numpy()
    money = equity["equity_atoms"].to_numpy() / 1e8
    fall = 0.0 - 100.0 * equity["drawdown"].to_numpy()  # 0.0 - x: no "-0.00 %"
    above = _pane(28.0, 190.0, at_ms, money)
    below = _pane(240.0, 70.0, at_ms, np.append(fall, 0.0))
    parts = [
        _text(LEFT, 16.0, title, "start", bold=True),
        _line(above, at_ms, money, BLUE),
        _line(below, at_ms, fall, RED),
        *_scale(above, "{:,.0f}"),
        *_scale(below, "{:.2f} %"),
        *_moments(below),
    ]
    return _picture(parts, 340.0)


def price_picture(market: Market, instrument: int, trades: pl.DataFrame) -> Picture:
    """Closes of an instrument, where it was entered (▲ long, ▼ short) and left (•)."""
    import polars as pl

    symbol = market.symbols[instrument]
    valid = market.valid[:, instrument]
    at_ms, close = market.ts_ms[valid] + market.base_ms, market.close[valid, instrument]
    mine = trades.filter(pl.col("instrument").cast(pl.String) == symbol)
    pane = _pane(28.0, 260.0, at_ms, close)
    parts = [
        _text(LEFT, 16.0, f"{symbol} · {len(mine)} trades", "start", bold=True),
        _line(pane, at_ms, close, BLUE),
    ]
    for side, opened, entry, closed, left, net in mine.select(
        "side", "opened_ms", "entry_px", "closed_ms", "exit_px", "net_atoms"
    ).iter_rows():
        parts += _trade(pane, side == "long", (opened, entry), (closed, left), net)
    return _picture([*parts, *_scale(pane, "{:,.6g}"), *_moments(pane)], 320.0)


def _trade(
    pane: Pane, long: bool, entry: tuple[int, float], left: tuple[int, float], net_atoms: int
) -> list[str]:
    colour = GREEN if net_atoms > 0 else RED
    (x1, x2), (y1, y2) = pane.x(np.array([entry[0], left[0]])), pane.y(np.array([entry[1], left[1]]))
    tip = 7.0 if long else -7.0
    arrow = f"M{x1:.1f} {y1:.1f} l-4 {tip:.0f} h8 z"
    return [
        f'<path d="{arrow}" fill="{colour}"/>',
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-dasharray="3 2"/>',
        f'<circle cx="{x2:.1f}" cy="{y2:.1f}" r="2.5" fill="{colour}"/>',
    ]


def _pane(top: float, height: float, at_ms: I64, values: F64) -> Pane:
    known = values[np.isfinite(values)]
    lowest, highest = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    first, last = (int(at_ms[0]), int(at_ms[-1])) if len(at_ms) else (0, 1)
    return Pane(top, height, lowest, highest, first, last)


def _line(pane: Pane, at_ms: I64, values: F64, colour: str) -> str:
    rows = _drawn(values)
    points = " ".join(
        f"{x:.1f},{y:.1f}" for x, y in zip(pane.x(at_ms[rows]), pane.y(values[rows]), strict=True)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.4"/>'


def _drawn(values: F64) -> I64:
    """Rows to draw: all, or first, last, lowest and highest of each bucket."""
    if len(values) <= 4 * POINTS:
        return np.arange(len(values))
    rows: set[int] = set()
    for bucket in np.array_split(np.arange(len(values)), POINTS):
        part = values[bucket]
        inside = (0, len(bucket) - 1, int(np.argmin(part)), int(np.argmax(part)))
        rows |= {int(bucket[k]) for k in inside}
    return np.array(sorted(rows))


def _scale(pane: Pane, form: str) -> list[str]:
    levels = (pane.lowest, pane.highest)
    heights = pane.y(np.array(levels))
    out = []
    for level, y in zip(levels, heights, strict=True):
        out.append(_text(LEFT - 6.0, float(y) + 4.0, form.format(level), "end"))
        out.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="currentColor" stroke-opacity="0.2"/>'
        )
    return out


def _moments(pane: Pane) -> list[str]:
    y = pane.top + pane.height + 18.0
    first, last = (
        f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}" for ms in (pane.first_ms, pane.last_ms)
    )
    return [_text(LEFT, y, first, "start"), _text(WIDTH - RIGHT, y, f"{last} UTC", "end")]


def _text(x: float, y: float, text: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{html.escape(text)}</text>'


def _picture(parts: list[str], height: float) -> Picture:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
    )
    return Picture("\n".join([head, *parts, "</svg>"]))
