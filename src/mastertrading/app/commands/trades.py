"""``trades``: the trades of an account or of a run, and what is open, in the backtest's columns."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mastertrading.app.asked_run import asked_source
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, check_window, natural
from mastertrading.app.terminal import out

if TYPE_CHECKING:
    import polars as pl

    from mastertrading.app.lived.positions import Open
    from mastertrading.backtest.explain_run import Source

SUMMARY = "the trades of an account or of a run, and what is open now, with its stops"
WIDEST = 170
NEWEST = 40


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_common(parser, "run", "journal", "instruments", "window")
    parser.add_argument(
        "--last",
        type=natural,
        default=None,
        metavar="N",
        help=tr("of the table only the newest N (default {count}; 0: all)").format(count=NEWEST),
    )
    parser.add_argument("--csv", action="store_true", help=tr("print CSV, with every column"))
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Show them."""
    check_window(args)
    with asked_source(args, since_ms=args.from_ms or 0) as source:
        found, held = _chosen(source, args), _held(source, args)
        if args.csv:
            sys.stdout.write(found.write_csv())
        elif args.json:
            told = {"trades": found.to_dicts(), "open": [one.as_dict() for one in held]}
            print(json.dumps(told, indent=2, ensure_ascii=False))
        else:
            _show(found, held, args, is_account=hasattr(source, "journal"))
    return 0


def _chosen(source: Source, args: argparse.Namespace) -> pl.DataFrame:
    """Trades of the window: by when they closed; those that are open count as closed now."""
    import polars as pl

    found = source.table("trades")
    if args.from_ms is not None:
        found = found.filter(pl.col("closed_ms") >= args.from_ms)
    if args.to_ms is not None:
        found = found.filter(pl.col("closed_ms") < args.to_ms)
    if args.instruments:
        found = found.filter(pl.col("instrument").cast(pl.String).is_in(list(args.instruments)))
    is_open = pl.col("exit_reason").is_null()
    found = found.with_columns(pl.when(~is_open).then("closed_ms").alias("closed_ms"))
    return found.with_columns(pl.when(~is_open).then("exit_px").alias("exit_px"))


def _held(source: Source, args: argparse.Namespace) -> list[Open]:
    """What is open; a backtest closes everything with its last bar."""
    books = getattr(source, "books", None)
    if books is None:
        return []
    from mastertrading.app.lived.positions import open_positions

    return [
        one for one in open_positions(books) if not args.instruments or one.instrument in args.instruments
    ]


def _show(found: pl.DataFrame, held: list[Open], args: argparse.Namespace, *, is_account: bool) -> None:
    from mastertrading.app.lived.positions import NOTHING, positions_table
    from mastertrading.backtest.terminal import render_table
    from mastertrading.backtest.trades_table import trades_table

    width = min(out().width, WIDEST)
    most = NEWEST if args.last is None else args.last
    rows: list[dict[str, Any]] = found.to_dicts()
    shown = rows[-most:] if most else rows
    if not rows:
        out().print(tr("No trade yet."))
    else:
        out().print(render_table(trades_table(shown, tr), width))
    if len(shown) < len(rows):
        sentence = tr("The newest {shown} of {all}; --last 0 shows all.")
        out().print(sentence.format(shown=len(shown), all=len(rows)), style="dim", markup=False)
    if held:
        out().print(render_table(positions_table(held, tr), width))
    elif is_account:
        out().print(tr(NOTHING))
