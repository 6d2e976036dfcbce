"""``performance``: what an account or a run made, by the backtest's own statistics."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from mastertrading.app.asked_run import asked_source
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import out

if TYPE_CHECKING:
    from mastertrading.app.lived.positions import Open
    from mastertrading.backtest.explain_run import Source
    from mastertrading.backtest.result import Result
    from mastertrading.backtest.statistics import Statistics

SUMMARY = "what an account or a run made: the backtest's own statistics, by group, day and cost"
WIDEST = 120
UNITS = 100_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "run", "journal", "json")


def run(args: argparse.Namespace) -> int:
    """Measure and show it."""
    with asked_source(args) as source:
        books = getattr(source, "books", None)
        if books is None:
            _tell_run(source, args)
        else:
            _tell_account(source, args)
    return 0


def _tell_run(source: Source, args: argparse.Namespace) -> None:
    from mastertrading.backtest.reading import statistics_of

    if args.json:
        print(json.dumps(dict(source.summary), indent=2, ensure_ascii=False))
        return
    _show(statistics_of(source.summary), recorded=True)


def _tell_account(source: Any, args: argparse.Namespace) -> None:
    from mastertrading.app.lived.positions import open_positions
    from mastertrading.backtest.statistics import statistics

    result: Result = source.books.result()
    measured, held = statistics(result), open_positions(source.books)
    if args.json:
        told = {
            **measured.as_dict(),
            "account": str(source.journal.account),
            "open": [one.as_dict() for one in held],
            "unexplained_atoms": result.unexplained_atoms,
        }
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    _show(measured, recorded=False)
    _show_rest(source, result, held)


def _show(measured: Statistics, *, recorded: bool) -> None:
    from mastertrading.backtest.tables import performance_tables
    from mastertrading.backtest.terminal import render_table

    width = min(out().width, WIDEST)
    for table in performance_tables(measured, tr, recorded=recorded):
        out().print(render_table(table, width))


def _show_rest(source: Any, result: Result, held: list[Open]) -> None:
    """What a finished run has none of: open positions, money that nothing explains, and whose it is."""
    from mastertrading.app.lived.positions import NOTHING, positions_table
    from mastertrading.backtest.terminal import render_table

    console = out()
    if held:
        console.print(render_table(positions_table(held, tr), min(console.width, WIDEST)))
    else:
        console.print(tr(NOTHING))
    if result.unexplained_atoms:
        told = tr(
            "{amount} USDT came or went without a trade, a charge or a transfer: see `why` and the incidents."
        )
        console.print(
            told.format(amount=f"{result.unexplained_atoms / UNITS:,.8f}"), style="red", markup=False
        )
    place = tr("account {account}, journal {place}").format(
        account=source.journal.account, place=source.folder
    )
    console.print(place, style="dim", markup=False)
