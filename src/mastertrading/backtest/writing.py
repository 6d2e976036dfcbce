"""What a printed table is made of, before anybody decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and whether it is good or bad news."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A header. ``drop`` > 0: may be left out where the place is narrow, the highest first."""

    name: str
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A title, headers, rows, perhaps a total; the first ``text`` columns are words, the others numbers.

    ``note`` is a sentence that stands under the rows.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    text: int = 1
    note: str = ""

    def lines(self) -> tuple[tuple[Cell, ...], ...]:
        """All rows, the total last."""
        return self.rows if self.total is None else (*self.rows, self.total)


def plain(text: str) -> Cell:
    """Make a cell without a tone."""
    return Cell(text)


def signed(text: str, value: float | None) -> Cell:
    """Make a cell that is good news above zero and bad news below."""
    return Cell(text, "" if not value else "good" if value > 0 else "bad")


def narrowed(table: Table, width: int, gap: int = 2) -> Table:
    """Leave out droppable columns until the table fits into ``width`` characters.

    Parameters
    ----------
    gap
        Characters between two columns.
    """
    while _natural_width(table, gap) > width:
        ranks = [column.drop for column in table.columns]
        worst = max(ranks, default=0)
        if worst == 0:
            return table
        table = _without(table, ranks.index(worst))
    return table


def _natural_width(table: Table, gap: int) -> int:
    """Characters that a table needs so that nothing is cut."""
    widths = [
        max([len(column.name), *(len(row[k].text) for row in table.lines())])
        for k, column in enumerate(table.columns)
    ]
    return sum(widths) + gap * len(widths)


def _without(table: Table, k: int) -> Table:
    def cut(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        return row[:k] + row[k + 1 :]

    return Table(
        table.title,
        table.columns[:k] + table.columns[k + 1 :],
        tuple(cut(row) for row in table.rows),
        None if table.total is None else cut(table.total),
        table.text,
        table.note,
    )
