"""Tables and verdict on a terminal. Rich is imported where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mastertrading.backtest.statistics import Statistics
from mastertrading.backtest.tables import report_tables
from mastertrading.backtest.verdict import Translate, as_written, verdict
from mastertrading.backtest.writing import Cell, Table, narrowed

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

STYLES = {"": "", "good": "green", "bad": "red"}
WIDTH = 100


def render_report(statistics: Statistics, width: int = WIDTH, translate: Translate = as_written) -> Group:
    """Everything that is printed after a run: the tables, then the verdict.

    Parameters
    ----------
    width
        Characters of a line. Where they are few, the less important columns are left out.
    """
    from rich.console import Group
    from rich.text import Text

    parts = [render_table(table, width) for table in report_tables(statistics, translate)]
    return Group(*parts, Text(""), Text(verdict(statistics, translate), style="bold"))


def render_table(table: Table, width: int = WIDTH) -> RichTable:
    """One table: words to the left, numbers to the right, signs in colour."""
    from rich import box
    from rich.table import Table as RichTable

    shown = narrowed(table, width - 2)
    rich = RichTable(
        title=shown.title,
        title_justify="left",
        title_style="bold",
        caption=f"{shown.note}\n" if shown.note else None,
        caption_justify="left",
        caption_style="",
        box=box.SIMPLE_HEAD,
        show_header=any(column.name for column in shown.columns),
        show_footer=False,
        padding=(0, 1, 0, 0),
        pad_edge=True,
    )
    for k, column in enumerate(shown.columns):
        words = k < shown.text
        rich.add_column(column.name, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in shown.rows:
        rich.add_row(*(_text(cell) for cell in row))
    if shown.total is not None:
        rich.add_section()
        rich.add_row(*(_text(cell) for cell in shown.total), style="bold")
    return rich


def _text(cell: Cell) -> Text:
    from rich.text import Text

    return Text(cell.text, style=STYLES[cell.tone])
