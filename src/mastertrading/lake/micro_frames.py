"""Recorded frames of Binance USDⓈ-M: lines ``<receive time in ns> <json>``, read one by one.

What stands in a line is believed only after it was checked; what cannot be used is counted by its reason. Prices and
quantities are whole numbers of 1e-8, exactly as written.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.instrument import canonical_symbol
from mastertrading.domain.market import DAY_MS

DECIMALS = 8
E8 = 10**DECIMALS
LONGEST_LINE = 4 << 20
NUMBER = re.compile(r"(\d{1,10})(?:\.(\d{1,18}))?", re.ASCII)
MAGIC = b"\x1f\x8b"
UNKNOWN_NAMES = 20
FIRST_LINES = 100
REMEMBERED = 1 << 16
"""Texts of numbers whose value is remembered: prices and sizes come again and again."""

Levels = tuple[tuple[int, int], ...]
"""(price, quantity), both in 1e-8."""


@dataclass(frozen=True, slots=True)
class Depth:
    """A change of the book: levels with their new quantities; 0 removes one."""

    event_ms: int
    first: int
    last: int
    previous: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole book (as far down as it was asked for) up to update ``last``."""

    event_ms: int
    last: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask, and how much stands there."""

    event_ms: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int


@dataclass(frozen=True, slots=True)
class Trade:
    """An execution; ``side`` is the aggressor's: 1 bought, -1 sold."""

    event_ms: int
    number: int
    price: int
    qty: int
    side: int
    aggregated: bool


@dataclass(frozen=True, slots=True)
class Interest:
    """Open interest in base units."""

    event_ms: int
    amount: int


Frame = Depth | Snapshot | Quote | Trade | Interest


class _Unusable(Exception):
    """A line that cannot be used, and why."""


def units(text: object) -> int:
    """A decimal text as a whole number of 1e-8.

    Raises
    ------
    _Unusable
        If it is no plain, not negative decimal of at most eight significant decimals.
    """
    number = _parsed(text) if isinstance(text, str) else None
    if number is None:
        raise _Unusable("malformed")
    return number


@lru_cache(maxsize=REMEMBERED)
def _parsed(text: str) -> int | None:
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    whole, part = found[1], found[2] or ""
    if part[DECIMALS:].strip("0"):
        return None
    return int(whole) * E8 + int(part[:DECIMALS].ljust(DECIMALS, "0"))


class FrameReader:
    """Frames of one instrument from one file, and what was not usable.

    Parameters
    ----------
    symbol
        Canonical name; None: of the first frame that has one.

    Attributes
    ----------
    counts
        Lines by what became of them: ``lines``, each kind of frame, ``malformed``, ``too_long``, ``other_symbol``,
        ``implausible_time``, ``no_execution``, ``truncated_file``.
    unknown
        Types of events that are none of ours, by name.
    """

    def __init__(self, path: Path, symbol: str | None = None) -> None:
        self.path, self.symbol = path, symbol
        self.counts: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Frame]:
        """Every usable frame in the order of the file."""
        for line in self._lines():
            if not line.strip():
                continue
            self.counts["lines"] += 1
            try:
                frame = self._frame(line)
            except _Unusable as reason:
                self.counts[str(reason)] += 1
                continue
            if frame is not None:
                self.counts[type(frame).__name__.lower()] += 1
                yield frame

    def begins(self) -> int:
        """Receive time of the first line that has one, in ns; 0 if none has."""
        for number, line in enumerate(self._lines()):
            received = line.partition(b" ")[0]
            if received.isdigit() and len(received) <= 20:
                return int(received)
            if number >= FIRST_LINES:
                break
        return 0

    def _lines(self) -> Iterator[bytes]:
        """Lines of the file, plain or gzip; what follows a damaged place is given up, what was before it stays."""
        try:
            with self.path.open("rb") as raw:
                packed = raw.read(2) == MAGIC
                raw.seek(0)
                stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
                yield from self._split(stream)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.counts["truncated_file"] += 1
        except OSError as error:
            raise DataUnreadable(
                f"{self.path.name} cannot be read", why=error.strerror or str(error), where=str(self.path)
            ) from error

    def _split(self, stream: BinaryIO) -> Iterator[bytes]:
        while line := stream.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                self.counts["too_long"] += 1
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
                continue
            yield line

    def _frame(self, line: bytes) -> Frame | None:
        received, _, text = line.partition(b" ")
        if not received.isdigit() or len(received) > 20:
            raise _Unusable("malformed")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise _Unusable("malformed") from None
        data = content.get("data", content) if isinstance(content, dict) else None
        if not isinstance(data, dict):
            raise _Unusable("malformed")
        return self._read(data, int(received) // 1_000_000)

    def _read(self, data: dict[str, Any], received_ms: int) -> Frame | None:
        if "lastUpdateId" in data:
            kind = "snapshot"
        elif "openInterest" in data:
            kind = "openInterest"
        else:
            kind = str(data["e"]) if isinstance(data.get("e"), str) else ""
        reader = READERS.get(kind)
        if reader is None:
            if not kind:
                raise _Unusable("malformed")
            if kind in self.unknown or len(self.unknown) < UNKNOWN_NAMES:
                self.unknown[kind[:40]] += 1
            raise _Unusable("unknown_type")
        self._check_symbol(data.get("s", data.get("symbol")))
        try:
            frame = reader(data)
        except (KeyError, TypeError, ValueError):
            raise _Unusable("malformed") from None
        if abs(frame.event_ms - received_ms) > DAY_MS:
            raise _Unusable("implausible_time")
        return frame

    def _check_symbol(self, name: object) -> None:
        """Let only one instrument pass; a snapshot has no name, and is taken to be of it."""
        if name is None:
            return
        if not isinstance(name, str):
            raise _Unusable("malformed")
        if self.symbol is None:
            try:
                self.symbol = canonical_symbol(name)
            except Exception:
                raise _Unusable("malformed") from None
        if name != self.symbol and _canonical(name) != self.symbol:
            raise _Unusable("other_symbol")


def _canonical(name: str) -> str:
    try:
        return canonical_symbol(name)
    except Exception:
        return ""


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise _Unusable("malformed")
    return value


def _levels(rows: object) -> Levels:
    if not isinstance(rows, list):
        raise _Unusable("malformed")
    levels = tuple((units(price), units(qty)) for price, qty in rows)
    if any(price == 0 for price, _ in levels):
        raise _Unusable("malformed")
    return levels


def _depth(data: dict[str, Any]) -> Depth:
    first, last, previous = (_whole(data[name]) for name in ("U", "u", "pu"))
    if first > last:
        raise _Unusable("malformed")
    return Depth(_whole(data["E"]), first, last, previous, _levels(data["b"]), _levels(data["a"]))


def _snapshot(data: dict[str, Any]) -> Snapshot:
    return Snapshot(
        _whole(data["E"]), _whole(data["lastUpdateId"]), _levels(data["bids"]), _levels(data["asks"])
    )


def _quote(data: dict[str, Any]) -> Quote:
    quote = Quote(_whole(data["E"]), *(units(data[name]) for name in ("b", "B", "a", "A")))
    if not 0 < quote.bid < quote.ask:
        raise _Unusable("crossed_quote")
    return quote


def _trade(data: dict[str, Any]) -> Trade:
    aggregated = data["e"] == "aggTrade"
    if type(data["m"]) is not bool:
        raise _Unusable("malformed")
    number = _whole(data["a" if aggregated else "t"])
    side = -1 if data["m"] else 1  # the buyer was the maker: somebody sold into it
    trade = Trade(_whole(data["E"]), number, units(data["p"]), units(data["q"]), side, aggregated)
    if trade.price == 0 or trade.qty == 0 or data.get("X", "MARKET") != "MARKET":
        raise _Unusable("no_execution")  # insurance fund and ADL entries, and Binance's empty placeholders
    return trade


def _interest(data: dict[str, Any]) -> Interest:
    return Interest(_whole(data["time"]), units(data["openInterest"]))


READERS: dict[str, Callable[[dict[str, Any]], Frame]] = {
    "depthUpdate": _depth,
    "snapshot": _snapshot,
    "bookTicker": _quote,
    "trade": _trade,
    "aggTrade": _trade,
    "openInterest": _interest,
}
