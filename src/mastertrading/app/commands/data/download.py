"""``data download``: candles, mark prices, funding and open interest of an exchange into a lake."""

from __future__ import annotations

import argparse
import json
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from mastertrading.app.commands.data.common import add_lake
from mastertrading.app.commands.data.importing import patience
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, check_window, natural
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mastertrading.app.download.keep import Kept
    from mastertrading.app.download.plan import Forecast, Task, Wish
    from mastertrading.app.download.work import Outcome

DAYS = 30
MINUTE_MS, DAY_MS = 60_000, 86_400_000
USUAL_KINDS = "candles,funding"
MOST_JOBS = 32


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--exchange",
        required=True,
        metavar="NAME",
        help=tr("binanceusdm, bybit, kucoinfutures, bingx, or any id of ccxt"),
    )
    add_common(parser, "instruments", "window")
    parser.add_argument(
        "--timeframe", default="1m", metavar="1m,1h", help=tr("timeframes of bars (default 1m)")
    )
    parser.add_argument(
        "--kind",
        default=USUAL_KINDS,
        metavar="KINDS",
        help=tr("of candles,mark,funding,open-interest (default candles,funding)"),
    )
    add_lake(parser, "--out", tr("the lake to extend (default: lake)"))
    parser.add_argument("--venue", metavar="NAME", help=tr("folder in the lake (default: by exchange)"))
    parser.add_argument(
        "--jobs", type=natural, default=4, metavar="N", help=tr("questions at once (default 4)")
    )
    parser.add_argument("--dry-run", action="store_true", help=tr("only predict requests, time and size"))
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Predict, or download and tell what is there now."""
    from mastertrading.app.download.clock import WallClock
    from mastertrading.app.download.work import download, predict

    clock = WallClock()
    wish = wish_of(args, clock.now_ms())
    if args.dry_run:
        return _tell_forecasts(predict(wish, clock.now_ms()), wish, args.json)
    return tell(download(wish, _desk(clock, args.json)), wish, args.json)


def wish_of(args: argparse.Namespace, now_ms: int) -> Wish:
    """What the options ask for.

    Raises
    ------
    UsageError
    """
    from mastertrading.app.download.plan import Wish
    from mastertrading.exchange.lean import exchange_class
    from mastertrading.exchange.venues import KINDS, ccxt_id, offer_of
    from mastertrading.lake.names import check_venue_name, timeframe_ms
    from mastertrading.lake.universe import DEFAULT_SYMBOLS

    exchange = ccxt_id(args.exchange)
    exchange_class(exchange)
    venue = args.venue or offer_of(exchange).venue
    check_venue_name(venue)
    kinds = _parts(args.kind)
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(
                tr("{kind!r} can't be downloaded").format(kind=kind),
                where="--kind",
                hint=f"--kind {','.join(KINDS)}",
            )
    timeframes = _parts(args.timeframe)
    for timeframe in timeframes:
        timeframe_ms(timeframe)
    if not 1 <= args.jobs <= MOST_JOBS:
        raise UsageError(tr("--jobs must be from 1 to {most}").format(most=MOST_JOBS), where="--jobs")
    end_ms = now_ms if args.to_ms is None else args.to_ms
    if args.from_ms is None:
        args.from_ms = max(min(end_ms, now_ms) - DAYS * DAY_MS, 0) // MINUTE_MS * MINUTE_MS
    check_window(args)
    if args.from_ms >= now_ms or args.from_ms < 0:
        raise UsageError(
            tr("nothing is known of that time"), why=tr("--from lies in the future, or before 1970")
        )
    symbols = args.instruments or DEFAULT_SYMBOLS
    chosen = tuple(kind for kind in KINDS if kind in kinds)
    window = (args.from_ms, args.to_ms)
    return Wish(exchange, symbols, chosen, timeframes, *window, args.out, venue, args.jobs)


def _parts(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if not found:
        raise UsageError(tr("an option is empty"), where="--kind, --timeframe")
    return found


def _desk(clock: Any, quiet: bool) -> Any:
    from mastertrading.app.download.work import Desk
    from mastertrading.app.terminal import err, progress

    console = err(quiet)

    def bar(label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        return progress(label, total, quiet=quiet, console=console, eta=True)

    return Desk(clock, clock.stop, lambda text: console.print(text, markup=False), bar, patience=patience)


# ---------------------------------------------------------------- what is printed


def tell(outcome: Outcome, wish: Wish, as_json: bool) -> int:
    """Print what is there now; 1 if the exchange refused a series."""
    refused = any(task.failed for task, _ in outcome.kept)
    if as_json:
        rows = [_row(task, kept) for task, kept in outcome.kept]
        content = {"lake": str(wish.lake), "venue": wish.venue, "requests": outcome.requests, "series": rows}
        print(json.dumps(content, indent=2))
    else:
        _print_outcome(outcome, wish)
    return 1 if refused else 0


def _row(task: Task, kept: Kept) -> dict[str, Any]:
    return {
        "symbol": task.series.symbol,
        "series": task.series.label,
        "rows": kept.rows,
        "rows_added": kept.added.rows,
        "conflicts": kept.added.conflicts,
        "quarantined": kept.added.quarantined,
        "first_ms": kept.first_ms,
        "last_ms": kept.last_ms,
        "exchange_has_none": [list(hole) for hole in kept.none_there],
        "not_fetched": [list(hole) for hole in kept.not_fetched],
        "remarks": task.remarks,
        "refused": task.failed,
    }


def _print_outcome(outcome: Outcome, wish: Wish) -> None:
    from mastertrading.app.terminal import out, table

    names = ("instrument", "series", "added", "rows", "from", "to")
    shown = table(f"{wish.exchange} → {wish.lake / wish.venue}", *map(tr, names), numbers=(2, 3))
    for task, kept in outcome.kept:
        counts = (f"{kept.added.rows:,}", f"{kept.rows:,}")
        window = (_day(kept.first_ms), _day(kept.last_ms))
        shown.add_row(task.series.symbol, task.series.label, *counts, *window)
    console = out()
    console.print(shown)
    for task, kept in outcome.kept:
        for sentence in _remarks(task, kept):
            console.print(f"{task.series}: {sentence}", markup=False)


def _day(ts_ms: int | None) -> str:
    from mastertrading.lake.names import moment

    return "" if ts_ms is None else moment(ts_ms)[:10]


def _remarks(task: Task, kept: Kept) -> list[str]:
    """What a table can't say: why rows are missing, and which were put aside."""
    from mastertrading.app.download.keep import bars_in
    from mastertrading.lake.names import moment

    said = list(task.remarks)
    if kept.none_there:
        start, end = kept.none_there[0]
        sentence = tr("the exchange itself has no rows for {count:,} bars, first from {start} to {end}")
        count = bars_in(kept.none_there, task)
        said.append(sentence.format(count=count, start=moment(start), end=moment(end)))
    if task.failed:
        said.append(tr("the exchange refused it: {why}").format(why=task.failed))
    elif left := bars_in(kept.not_fetched, task):
        sentence = tr("{count:,} rows of the window are not there yet; the same command asks again")
        said.append(sentence.format(count=left))
    if kept.added.conflicts or kept.added.quarantined:
        sentence = tr("{conflicts:,} rows differ from those that are there, {bad:,} can't be used")
        said.append(sentence.format(conflicts=kept.added.conflicts, bad=kept.added.quarantined))
    return said


def _tell_forecasts(forecasts: list[Forecast], wish: Wish, as_json: bool) -> int:
    requests = sum(f.requests for f in forecasts)
    seconds, size = sum(f.seconds for f in forecasts), sum(f.bytes for f in forecasts)
    if as_json:
        rows = [
            {"symbol": f.series.symbol, "series": f.series.label, "rows": f.rows, "requests": f.requests}
            for f in forecasts
        ]
        content = {"requests": requests, "seconds": round(seconds, 1), "bytes": size, "series": rows}
        print(json.dumps(content, indent=2))
        return 0
    _print_forecasts(forecasts, wish)
    sentence = tr(
        "at most {requests:,} requests in {minutes:.1f} minutes and {size:.1f} MB; nothing was asked yet"
    )
    print(sentence.format(requests=requests, minutes=seconds / 60, size=size / 1e6))
    return 0


def _print_forecasts(forecasts: list[Forecast], wish: Wish) -> None:
    from mastertrading.app.terminal import out, table

    names = ("instrument", "series", "rows", "requests")
    shown = table(f"{wish.exchange} → {wish.lake / wish.venue}", *map(tr, names), numbers=(2, 3))
    for one in forecasts:
        shown.add_row(one.series.symbol, one.series.label, f"{one.rows:,}", f"{one.requests:,}")
    out().print(shown)
