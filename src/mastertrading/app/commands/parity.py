"""``parity``: whether an account traded as the backtest does, and where not, why; the certificate of a window."""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.commands.replay import asked_act
from mastertrading.app.commands.warm import compile_if_needed
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, chosen_instruments, number, resolved_settings
from mastertrading.app.terminal import out, progress, table
from mastertrading.domain.errors import DataMissing, UsageError

if TYPE_CHECKING:
    from mastertrading.app.live_world import World
    from mastertrading.app.parity.certificate import Certificate, Life
    from mastertrading.app.parity.explaining import Parity
    from mastertrading.domain.market import Market
    from mastertrading.settings.schema import Settings

SUMMARY = "whether an account traded as the backtest does, and where not, why; a certificate of a window"
DIFFERS = 4
CERTIFICATES = Path("certificates")
MOST_SHOWN = 40
WIDEST = 160


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "place",
        nargs="?",
        default="",
        metavar="JOURNAL",
        help=tr("a folder with a journal, its file, or its address"),
    )
    parser.add_argument(
        "--account", default="", metavar="NAME", help=tr("whose journal, where it holds several")
    )
    parser.add_argument(
        "--certificate",
        action="store_true",
        help=tr("live a window on the backtest, on paper and at each venue, and print their prints"),
    )
    parser.add_argument(
        "--venues",
        default="binance_usdm,bybit_linear",
        metavar="A,B",
        help=tr("venues of the certificate; empty: paper alone"),
    )
    parser.add_argument("--sockets", action="store_true", help=tr("each venue over sockets with TLS as well"))
    parser.add_argument(
        "--deaths",
        type=int,
        default=0,
        metavar="N",
        help=tr("each once more, killed N times at random points"),
    )
    parser.add_argument(
        "--hours", type=number, default=None, metavar="N", help=tr("the last N hours of the bars alone")
    )
    add_common(parser, "data", "venue", "instruments", "window", "config", "seed", "out", "json", "synthetic")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    if args.certificate == bool(args.place):
        raise UsageError(
            tr("say which journal, or ask for a certificate"),
            hint="mastertrading parity demos/…   or   mastertrading parity --certificate --synthetic",
        )
    compile_if_needed(quiet=args.json)
    return _certify(args) if args.certificate else _explain(args)


# ---------------------------------------------------------------- a journal
def _explain(args: argparse.Namespace) -> int:
    from mastertrading.app.asked_journal import shown_place, whose
    from mastertrading.app.lived.account import Account
    from mastertrading.app.parity.explaining import explain
    from mastertrading.app.state_folder import folder_of, journal_url
    from mastertrading.journal.opening import open_journal

    args.journal = args.place
    url = journal_url(args)
    journal = open_journal(url, account=whose(args), read_only=True)
    try:
        account = Account(journal, shown_place(args))
        settings = resolved_settings(args).settings if args.config is not None else account.settings
        parity = explain(journal, _bars(args, folder_of(url), settings), settings)
    finally:
        journal.close()
    if args.json:
        print(json.dumps(parity.as_dict(), indent=2, ensure_ascii=False))
    else:
        _show(parity)
    return 0 if parity.is_explained else DIFFERS


def _bars(args: argparse.Namespace, folder: Path, settings: Settings) -> Market:
    """The bars that are named by the options, or beside the journal."""
    from mastertrading.app.parity.bars import NamedBars

    named = NamedBars.read(folder)
    if args.data is not None:
        asked = chosen_instruments(args, resolved_settings(args)) if args.instruments else ()
        symbols = asked or (named.instruments if named is not None else tuple(settings.instruments))
        named = NamedBars(symbols, str(args.data), args.venue or "")
    if named is None:
        raise DataMissing(
            tr("nothing says which bars came before the journal's first"),
            why=tr(
                "signals fold from the first bar that a trader heard, and a journal keeps those of its decisions"
            ),
            where=str(folder),
            hint=tr("--data DIR names a folder with them"),
        )
    return named.market(settings)


def _show(parity: Parity) -> None:
    console = out()
    span = " … ".join(_utc(ms) for ms in (parity.from_ms, parity.to_ms))
    console.print(f"{parity.account}  {span}  {', '.join(parity.instruments)}", highlight=False)
    prints = table("", tr("who"), tr("trades"), tr("decisions"), tr("fills"), tr("bars"), numbers=(3, 4))
    for name, told in ((tr("backtest"), parity.backtest), (tr("journal"), parity.lived)):
        prints.add_row(name, told.trades, told.decisions, str(told.fills), str(told.bars))
    console.print(prints)
    if parity.findings:
        _show_findings(parity)
    if parity.is_same:
        console.print(tr("the same: every decision, lot, tick, atom, reason and bar"))
    elif parity.is_explained:
        console.print(
            tr("not the same, and every difference has its cause; what else differs follows from them")
        )
    else:
        console.print(tr("NOT the same, and nothing explains some of it"), style="bold")


def _show_findings(parity: Parity) -> None:
    from mastertrading.app.parity.causes import Cause, by_cause

    counts = ", ".join(f"{count} {tr(cause)}" for cause, count in by_cause(parity.findings).items())
    out().print(tr("differences: {counts}").format(counts=counts))
    told = table(
        "", tr("bar"), tr("instrument"), tr("what"), tr("was"), tr("backtest"), tr("cause"), tr("why")
    )
    worst_first = sorted(parity.findings, key=lambda one: (one.cause is not Cause.UNEXPLAINED, one.ts_ms))
    for one in worst_first[:MOST_SHOWN]:
        told.add_row(
            _utc(one.ts_ms), one.instrument, one.what, one.was, one.would, tr(one.cause.value), one.why
        )
    out().print(told)
    if len(parity.findings) > MOST_SHOWN:
        more = tr("and {count} more; --json has all").format(count=len(parity.findings) - MOST_SHOWN)
        out().print(more, style="dim")


# ---------------------------------------------------------------- the certificate
def _certify(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from mastertrading.app.live_world import check_venue
    from mastertrading.app.options import check_source, check_window
    from mastertrading.app.parity.certificate import CERTIFICATE, certify, lives
    from mastertrading.domain.market import HOUR_MS

    check_window(args)
    check_source(args, "mastertrading parity --certificate --synthetic --days 2")
    venues = [check_venue(name) for name in args.venues.split(",") if name]
    act, _ = asked_act(args)
    if args.hours is not None:
        end_ms = int(act.market.ts_ms[act.bars.stop - 1]) + act.market.base_ms
        act = replace(act, from_ms=end_ms - round(args.hours * HOUR_MS) + act.market.base_ms)
    folder = args.out or CERTIFICATES / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    wanted = list(lives(venues, sockets=args.sockets, deaths=args.deaths))
    with tempfile.TemporaryDirectory(prefix="mastertrading-") as authority:
        done = -len(act.bars)

        def on_bar(life: Life, world: World) -> None:
            advance(max(0, done) + len(world.milliseconds))

        with progress(tr("living"), len(act.bars) * (len(wanted) - 1), quiet=args.json) as advance:

            def on_line(count: int) -> None:
                nonlocal done
                done = (count - 1) * len(act.bars)

            made = certify(
                act, wanted, folder, Path(authority), seed=act.settings.seed, on_bar=on_bar, on_line=on_line
            )
    if args.json:
        print(json.dumps(made.as_dict(), indent=2))
    else:
        _show_certificate(made)
        out().print(tr("certificate: {path}").format(path=folder / CERTIFICATE))
    return 0 if made.is_same else DIFFERS


def _show_certificate(made: Certificate) -> None:
    window = made.window
    span = " … ".join(_utc(window[name]) for name in ("from_ms", "to_ms"))
    out().print(f"{span}  {window['bars']} bars  {', '.join(window['instruments'])}", highlight=False)
    told = table(
        "",
        tr("life"),
        tr("trades"),
        tr("decisions"),
        tr("fills"),
        tr("bars"),
        tr("seconds"),
        numbers=(3, 4, 5),
    )
    for line in made.lines:
        told.add_row(
            line.life, line.trades, line.decisions, str(line.fills), str(line.bars), f"{line.seconds:.0f}"
        )
    out().print(told)
    out().print(
        tr("one print: every life made the same decisions and the same trades")
        if made.is_same
        else tr("the prints DIFFER"),
        style="" if made.is_same else "bold",
    )


def _utc(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}"
