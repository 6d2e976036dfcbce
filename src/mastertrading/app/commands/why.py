"""``why``: the whole chain of one minute of a run, the funnel of all of them, a trade's story, a day in a screen.

A run is a folder of a backtest, or an account's journal: the same tables either way, and of a journal also what was
sent, how it was answered and what stood in the way.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from mastertrading.app.asked_run import asked_source
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, check_window, natural, utc_ms
from mastertrading.app.terminal import out
from mastertrading.domain.errors import ConfigError, UsageError
from mastertrading.domain.instrument import canonical_symbol

if TYPE_CHECKING:
    from mastertrading.app.lived.moment import Around
    from mastertrading.backtest.explain_chain import Chain
    from mastertrading.backtest.explain_run import Recorded

SUMMARY = "why a run did or did not trade: one minute, a trade, a window, or all of it"
WIDEST = 120
MS_DIGITS = range(11, 15)
"""How many digits a number of ms since 1970 has, from the year 1970 to 5138."""


def moment_ms(text: str) -> int:
    """A moment: ISO 8601 (UTC), or ms since 1970.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither.
    """
    digits = text.strip()
    if digits.isascii() and digits.isdecimal() and len(digits) in MS_DIGITS:
        return int(digits)
    return utc_ms(text)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "symbol", nargs="?", default="", metavar="SYMBOL", help=tr("instrument, in any spelling")
    )
    parser.add_argument(
        "--at", dest="at_ms", type=moment_ms, metavar="TIME", help=tr("the minute (ISO 8601 UTC, or ms)")
    )
    parser.add_argument("--trade", type=natural, metavar="ID", help=tr("the story of a trade"))
    parser.add_argument(
        "--summary", action="store_true", help=tr("how often each gate refused, over all minutes")
    )
    add_common(parser, "run", "journal", "instruments", "window", "json")


def run(args: argparse.Namespace) -> int:
    """Answer the question."""
    question = _question(args)
    from mastertrading.app.lived import WEEK_MS
    from mastertrading.backtest.explain_run import Recorded

    since_ms = 0 if args.at_ms is None else args.at_ms - WEEK_MS
    with asked_source(args, since_ms=since_ms, at_ms=args.at_ms) as source:
        question(Recorded(source), args)
    return 0


def _question(args: argparse.Namespace) -> Any:
    check_window(args)
    window = args.from_ms is not None or args.to_ms is not None
    asked = [name for name, given in (("--at", args.at_ms), ("--trade", args.trade)) if given is not None]
    asked += ["--summary"] if args.summary else []
    asked += ["--from"] if window and not args.summary else []
    if len(asked) > 1:
        raise UsageError(
            tr("{one} and {other} are two questions").format(one=asked[0], other=asked[1]),
            hint=tr("leave one of them out"),
        )
    if args.summary:
        return _summary
    if args.trade is not None:
        return _trade
    if args.at_ms is None and not window:
        raise UsageError(
            tr("say which minute, trade or window: --at TIME, --trade ID, --from and --to, or --summary"),
            hint="mastertrading why BTC --at 2025-05-26T12:00",
        )
    if not args.symbol:
        raise UsageError(
            tr("say which instrument, as in: why BTC --at TIME"), hint="mastertrading why --help"
        )
    return _minute if args.at_ms is not None else _stretches


def _symbol(args: argparse.Namespace, recorded: Recorded) -> str:
    try:
        symbol = canonical_symbol(args.symbol)
    except ConfigError as error:
        raise UsageError(error.what, hint=error.hint) from error
    recorded.check_instrument(symbol)
    return symbol


def _width() -> int:
    return min(out().width, WIDEST)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _minute(recorded: Recorded, args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from mastertrading.backtest.explain import explain
    from mastertrading.backtest.explain_text import answer, render_chain

    chain = explain(recorded, _symbol(args, recorded), args.at_ms)
    found = _around(recorded, chain)
    if found is not None:
        from mastertrading.app.lived.moment import lived_chain

        chain = lived_chain(chain, found)
    if args.json:
        told = {"answer": answer(chain), **asdict(chain)}
        _print_json(told if found is None else {**told, "around": found.as_dict()})
        return
    out().print(render_chain(chain, recorded, args.at_ms, _width(), tr))
    if found is not None:
        from mastertrading.app.lived.text import render_around

        out().print()
        out().print(render_around(found, _width(), tr))


def _around(recorded: Recorded, chain: Chain) -> Around | None:
    """What only a journal knows of a minute; None of a backtest."""
    journal = getattr(recorded.files, "journal", None)
    if journal is None:
        return None
    from mastertrading.app.lived.moment import around

    others = [name for name in recorded.instruments if name != chain.instrument]
    return around(journal, chain.instrument, others, chain.ts_ms, recorded.base_ms)


def _summary(recorded: Recorded, args: argparse.Namespace) -> None:
    from mastertrading.backtest.explain_counts import summarise
    from mastertrading.backtest.explain_tables import render_summary

    chosen = args.instruments or ((_symbol(args, recorded),) if args.symbol else tuple(recorded.instruments))
    for name in chosen:
        recorded.check_instrument(name)
    counts = summarise(recorded, chosen, args.from_ms, args.to_ms)
    if args.json:
        _print_json(counts.as_dict())
        return
    out().print(render_summary(counts, recorded, _width(), tr))


def _stretches(recorded: Recorded, args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from mastertrading.backtest.explain_counts import stretches
    from mastertrading.backtest.explain_tables import render_stretches

    symbol = _symbol(args, recorded)
    found = stretches(recorded, symbol, args.from_ms, args.to_ms)
    if args.json:
        _print_json({"instrument": symbol, "stretches": [asdict(stretch) for stretch in found]})
        return
    out().print(render_stretches(found, symbol, recorded, _width(), tr))


def _trade(recorded: Recorded, args: argparse.Namespace) -> None:
    from mastertrading.backtest.explain_trade import render_story, story

    told = story(recorded, args.trade)
    if args.json:
        _print_json(told.as_dict())
        return
    out().print(render_story(told, recorded, _width(), tr))
