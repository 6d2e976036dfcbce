"""Names of timeframes and series, and how a series is called on disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from mastertrading.domain.errors import UsageError
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS

Kind = Literal["bars", "mark", "funding", "open-interest"]
Notice = Callable[[str], None]
"""Where a sentence goes that a person must see: never an error, never silence."""

UNITS = {"w": WEEK_MS, "d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": 1000}
TIMEFRAME = re.compile(r"([1-9]\d{0,3})([smhdw])")
SERIES_FOLDER = re.compile(r"(mark-)?[1-9]\d{0,3}[smhdw]|funding|open-interest")
OPEN_INTEREST = re.compile(r"(.+)-oi-([1-9]\d{0,3}[smhdw])")
VENUE_NAME = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class SeriesId:
    """One series of one instrument.

    Attributes
    ----------
    kind
        ``bars`` of trades, ``mark`` price bars, ``funding``, or ``open-interest``.
    symbol
        Canonical name of the instrument.
    timeframe
        For example ``1m``; empty for funding.
    """

    kind: Kind
    symbol: str
    timeframe: str = ""

    @property
    def folder(self) -> str:
        """Folder below the venue: ``1m``, ``mark-1h``, ``funding``, ``open-interest``."""
        return {"bars": self.timeframe, "mark": f"mark-{self.timeframe}"}.get(self.kind, self.kind)

    @property
    def stem(self) -> str:
        """File name without its ending: ``BTCUSDT-1m``, ``BTCUSDT-oi-4h``."""
        return f"{self.symbol}-{f'oi-{self.timeframe}' if self.kind == 'open-interest' else self.folder}"

    @property
    def label(self) -> str:
        """Name of the series for people, without the instrument: ``1m``, ``open-interest 4h``."""
        return f"{self.folder} {self.timeframe}" if self.kind == "open-interest" else self.folder

    def __str__(self) -> str:
        """Name for people: ``BTCUSDT 1m``."""
        return f"{self.symbol} {self.label}"


def series_of(folder: str, stem: str) -> SeriesId | None:
    """The series that a file of the lake holds, by its folder and its name; None if it is none of ours."""
    if folder == "open-interest":
        named = OPEN_INTEREST.fullmatch(stem)
        return SeriesId("open-interest", named[1], named[2]) if named else None
    symbol = stem.removesuffix(f"-{folder}")
    if not SERIES_FOLDER.fullmatch(folder) or symbol in ("", stem):
        return None
    if folder == "funding":
        return SeriesId("funding", symbol)
    if folder.startswith("mark-"):
        return SeriesId("mark", symbol, folder.removeprefix("mark-"))
    return SeriesId("bars", symbol, folder)


def check_venue_name(name: str) -> None:
    """Refuse a venue that is no plain name, because it becomes a folder of the lake.

    Raises
    ------
    UsageError
        If it holds more than letters, digits, ``_`` and ``-``.
    """
    if not VENUE_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not the name of a venue",
            why="it becomes a folder of the lake: letters, digits, _ and - only",
            where="--venue",
            hint="--venue binance_usdm",
        )


def timeframe_ms(name: str) -> int:
    """Length of a timeframe such as ``1m``, ``4h``, ``1d``, in milliseconds.

    Raises
    ------
    UsageError
        If it is not a timeframe.
    """
    match = TIMEFRAME.fullmatch(name)
    if match is None:
        raise UsageError(f"{name!r} is not a timeframe", hint="use a number and s, m, h, d or w: 1m, 5m, 1h")
    return int(match[1]) * UNITS[match[2]]


def timeframe_name(length_ms: int) -> str:
    """Shortest name of a length: 60 000 → ``1m``, 3 600 000 → ``1h``."""
    unit = next(u for u, ms in UNITS.items() if length_ms % ms == 0 and (u != "w" or length_ms == ms))
    return f"{length_ms // UNITS[unit]}{unit}"


def moment(ts_ms: int) -> str:
    """A time as people read it: ``2025-05-25 10:35`` (UTC)."""
    try:
        time = datetime.fromtimestamp(ts_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return f"{ts_ms} ms"
    return time.strftime("%Y-%m-%d %H:%M" if ts_ms % MINUTE_MS == 0 else "%Y-%m-%d %H:%M:%S")
