"""Options that commands share, and how they become settings.

A command says ``add_common(parser, "data", "instruments", "window", "config", "out", "json")`` and reads
``args.data``, ``args.instruments``, ``args.from_ms``, ``args.to_ms``, ``args.out``, ``args.json``; then
``resolved_settings(args)``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrading.app.messages import tr
from mastertrading.app.state_folder import JOURNAL, VARIABLE
from mastertrading.domain.errors import ConfigError, UsageError
from mastertrading.domain.instrument import canonical_symbol

if TYPE_CHECKING:
    from mastertrading.settings.load import Resolved

DEFAULT_FILE = "mastertrading.toml"
SYNTHETIC_DAYS = 21.0


def utc_ms(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 text. Without an offset it is UTC.

    Raises
    ------
    argparse.ArgumentTypeError
        If the text is no date.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        sentence = tr("{text!r} is not a date; write 2025-05-25 or 2025-05-25T10:35 (UTC)")
        raise argparse.ArgumentTypeError(sentence.format(text=text)) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def moment_ms(moment: str | int | datetime) -> int:
    """Milliseconds since 1970 of what a program may hand over: ms, an ISO 8601 text, or a datetime (UTC).

    Raises
    ------
    UsageError
        If it is no moment.
    """
    if isinstance(moment, int):
        return moment
    try:
        return utc_ms(str(moment))
    except argparse.ArgumentTypeError as error:
        raise UsageError(str(error)) from None


def symbols(text: str) -> tuple[str, ...]:
    """Canonical symbols of a text such as ``BTC,ETH/USDT``, each once, in the order given."""
    try:
        found = tuple(dict.fromkeys(canonical_symbol(part) for part in text.split(",") if part.strip()))
    except ConfigError as error:
        raise argparse.ArgumentTypeError(error.what) from error
    if not found:
        raise argparse.ArgumentTypeError(tr("name at least one instrument, as in BTC,ETH"))
    return found


def natural(text: str) -> int:
    """A whole number from zero."""
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(tr("{text!r} is not a whole number from 0").format(text=text))
    return int(text)


def number(text: str) -> float:
    """A number, as in 0.5 or 30."""
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a number").format(text=text)) from error


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of market data (a lake, or recorded files)"
    )


def _venue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--venue", metavar="NAME", help="venue folder inside the data, for example binance_usdm"
    )


def _instruments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instruments", type=symbols, metavar="BTC,ETH", help="only these instruments")


def _window(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="from_ms", type=utc_ms, metavar="TIME", help="begin here (ISO 8601, UTC)"
    )
    parser.add_argument(
        "--to", dest="to_ms", type=utc_ms, metavar="TIME", help="end before this (ISO 8601, UTC)"
    )


def _synthetic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--synthetic", action="store_true", help="make a market from the seed instead of reading --data"
    )
    parser.add_argument(
        "--days",
        type=number,
        default=None,
        metavar="N",
        help=tr("length of it from 2024-01-01 on (default {days:g})").format(days=SYNTHETIC_DAYS),
    )


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings (TOML); without it ./mastertrading.toml if there is one",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting, as in --set risk.per_trade=0.002 (may be repeated)",
    )


def _seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=natural, metavar="N", help="seed of everything random (default: the setting seed)"
    )


def _out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the results; a run that is there is replaced"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for machines instead of tables")


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="folder of a run, demo or replay (default: the newest)"
    )


def _journal(parser: argparse.ArgumentParser) -> None:
    where = tr(
        "its folder, file or address; one with a password belongs into {variable} (default: {default})"
    )
    parser.add_argument(
        "--journal", default="", metavar="PLACE", help=where.format(variable=VARIABLE, default=JOURNAL)
    )
    parser.add_argument(
        "--account",
        default="",
        metavar="VENUE:MODE[:NAME]",
        help="whose journal, as in binance_usdm:paper (default: the only one there)",
    )


COMMON: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "data": _data,
    "venue": _venue,
    "instruments": _instruments,
    "window": _window,
    "synthetic": _synthetic,
    "config": _config,
    "seed": _seed,
    "out": _out,
    "json": _json,
    "run": _run,
    "journal": _journal,
}


def add_common(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add common options, in the order named: any of ``COMMON``."""
    for name in names:
        COMMON[name](parser)


def check_window(args: argparse.Namespace) -> None:
    """Refuse a window that ends before it begins.

    Raises
    ------
    UsageError
    """
    if args.from_ms is not None and args.to_ms is not None and args.from_ms >= args.to_ms:
        raise UsageError(tr("the window is empty: --from is not before --to"), hint=tr("swap the two times"))


def check_source(args: argparse.Namespace, example: str) -> None:
    """Refuse what names no market, or two; ``example`` is a command that names one.

    Raises
    ------
    UsageError
    """
    if args.synthetic and args.data is not None:
        raise UsageError(tr("choose one of --data and --synthetic"), hint=tr("leave one of them out"))
    if not args.synthetic and args.data is None:
        raise UsageError(
            tr("say where the market comes from: --data DIR or --synthetic"),
            hint=example,
        )
    if args.days is not None and not args.synthetic:
        raise UsageError(tr("--days is the length of a synthetic market"), hint=tr("use --from and --to"))
    if args.days is not None and not 0.1 <= args.days <= 3660:
        raise UsageError(tr("--days must be between 0.1 and 3660"))


def source_name(args: argparse.Namespace) -> str:
    """A name for a folder of results: when, and of which market."""
    source = "synthetic" if args.synthetic else args.data.resolve().name
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{source}"


def config_file(args: argparse.Namespace, folder: Path | None = None) -> Path | None:
    """The settings file to read: ``--config``, else ``mastertrading.toml`` of the folder, else none."""
    given: Path | None = getattr(args, "config", None)
    usual = (folder or Path()) / DEFAULT_FILE
    return given if given is not None else (usual if usual.is_file() else None)


def resolved_settings(args: argparse.Namespace, environ: Mapping[str, str] | None = None) -> Resolved:
    """Settings from the defaults, the file, the environment and the command line (``--set``, ``--seed``).

    Raises
    ------
    ConfigError
        With every problem found.
    """
    from mastertrading.settings.load import load

    overrides = list(getattr(args, "overrides", []))
    if getattr(args, "seed", None) is not None:
        overrides.append(f"seed={args.seed}")
    return load(config_file(args), environ=os.environ if environ is None else environ, overrides=overrides)


def chosen_instruments(args: argparse.Namespace, resolved: Resolved) -> tuple[str, ...]:
    """The instruments to trade: ``--instruments``, else all that the settings list."""
    given: tuple[str, ...] | None = getattr(args, "instruments", None)
    return given if given is not None else tuple(resolved.settings.instruments)
