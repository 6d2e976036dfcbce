"""``data synth``: a market from a seed, as a lake."""

from __future__ import annotations

import argparse
import json

from mastertrading.app.commands.data.common import add_lake
from mastertrading.app.commands.data.importing import patience
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common, natural, number, resolved_settings
from mastertrading.domain.errors import UsageError

MOST_DAYS = 3660


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--days", type=number, default=30.0, metavar="N", help=tr("length (default 30)"))
    parser.add_argument(
        "--base",
        dest="base_minutes",
        type=natural,
        default=1,
        metavar="MINUTES",
        help=tr("length of a bar (default 1)"),
    )
    add_lake(parser, "--out", tr("the lake to write (default: lake); series that are there are replaced"))
    add_common(parser, "instruments", "config", "seed", "json")


def _check_size(args: argparse.Namespace) -> None:
    """Refuse what no machine can hold, before anything is computed."""
    if args.base_minutes < 1 or not 0 < args.days <= MOST_DAYS:
        raise UsageError(
            tr("no synthetic market can be made of that"),
            why=tr("{days:g} days of bars of {minutes} minutes").format(
                days=args.days, minutes=args.base_minutes
            ),
            where="--days, --base",
            hint=tr("more than 0 and at most {most} days, bars of at least a minute").format(most=MOST_DAYS),
        )


def run(args: argparse.Namespace) -> int:
    """Make and write it."""
    from mastertrading.lake.source import venues_of
    from mastertrading.lake.synthetic import VENUE, write_synthetic
    from mastertrading.lake.universe import DEFAULT_SYMBOLS

    _check_size(args)
    seed = resolved_settings(args).settings.seed
    folder = args.out
    replaced = folder.is_dir() and VENUE in venues_of(folder)
    market = write_synthetic(
        folder,
        args.instruments or DEFAULT_SYMBOLS,
        args.days,
        seed,
        base_minutes=args.base_minutes,
        wait=patience(),
    )
    facts = {
        "lake": str(folder),
        "venue": VENUE,
        "seed": seed,
        "instruments": list(market.symbols),
        "bars": len(market.ts_ms),
        "first_ms": int(market.ts_ms[0]),
        "last_ms": int(market.ts_ms[-1]),
        "data_id": market.data_id,
        "replaced": replaced,
    }
    if args.json:
        print(json.dumps(facts, indent=2))
    else:
        sentence = tr("{bars:,} bars of {names} from seed {seed} are in {lake}/{venue}")
        print(sentence.format(names=", ".join(market.symbols), **facts))
        if replaced:
            print(tr("series of these instruments that were there are replaced"))
    return 0
