"""D: market data as it should never be. Aimed at bars unless said otherwise, in replies and in frames alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mastertrading.domain.market import HOUR_MS
from mastertrading.simulator.faults.editing import (
    BarRow,
    bars_of_frame,
    bars_of_rows,
    books_in,
    edited,
    edited_text,
    rows_of,
    unwrapped,
    with_times,
)
from mastertrading.simulator.faults.fault import Call, Fault
from mastertrading.simulator.line import Frame, Link
from mastertrading.simulator.wire import ON_TIME, Delivery, Response

BARS = frozenset({"bars"})


@dataclass
class OnBars(Fault):
    """What is done to the rows of a reply (oldest first), and to the bars of a frame."""

    kinds = BARS

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Spoil the rows."""
        if response.status != 200 or not self.due_for(call):
            return None

        def edit(told: Any) -> Any:
            rows = rows_of(call.venue, told)
            backwards = call.venue == "bybit_linear"
            ordered = rows[::-1] if backwards else list(rows)
            ordered = self.rows(call.venue, ordered)
            rows[:] = ordered[::-1] if backwards else ordered
            return told

        return edited(response, edit), ON_TIME

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Spoil the bar."""
        if not self.aims_at(link.venue, tags, now_ms):
            return None
        told = json.loads(frame.text)
        found = bars_of_frame(link.venue, told)
        if not found or not self.due(link.venue, tags, now_ms):
            return None
        for bar in found:
            self.bar(bar)
        return self.sent(replace(frame, text=json.dumps(told, separators=(",", ":"))), found)

    # ---------------------------------------------------------------- what a fault says
    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """Change a reply's rows: by default the last one that has closed."""
        at = -2 if len(rows) > 1 else -1
        for bar in bars_of_rows(venue, rows[at : at + 1 or None]):
            self.bar(bar)
        return rows

    def bar(self, bar: BarRow) -> None:
        """Change one bar."""

    def sent(self, frame: Frame, found: list[BarRow]) -> Sequence[Frame]:
        """What is sent in the place of a spoilt frame."""
        return (frame,)


@dataclass
class NotANumber(OnBars):
    """D01: NaN, nothing or infinity where a price should be."""

    id = "D01"
    value: str = "NaN"

    def bar(self, bar: BarRow) -> None:
        """Write it into the close."""
        bar.set("close", None if self.value == "null" else self.value)


@dataclass
class MissingBars(OnBars):
    """D02: bars are missing in the middle, and in the stream."""

    id = "D02"
    count: int = 3

    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """Leave some out."""
        middle = max(len(rows) // 2 - self.count // 2, 1)
        return rows[:middle] + rows[middle + self.count :]

    def sent(self, frame: Frame, found: list[BarRow]) -> Sequence[Frame]:
        """Nothing."""
        return ()


@dataclass
class RepeatedBar(OnBars):
    """D03: a bar comes twice."""

    id = "D03"

    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """Repeat the last but one."""
        return rows[:-1] + rows[-2:] if len(rows) > 1 else rows

    def sent(self, frame: Frame, found: list[BarRow]) -> Sequence[Frame]:
        """Twice."""
        return (frame, frame)


@dataclass
class BarsOutOfOrder(OnBars):
    """D04: bars are not in their order."""

    id = "D04"
    delay_ms: int = 90_000

    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """Exchange the last two."""
        return [*rows[:-2], *rows[:-3:-1]] if len(rows) > 1 else rows

    def sent(self, frame: Frame, found: list[BarRow]) -> Sequence[Frame]:
        """Late: after its successor."""
        return (replace(frame, delay_ms=self.delay_ms),)


@dataclass
class Outlier(OnBars):
    """D05: a price ten times, or a tenth."""

    id = "D05"
    factor: float = 10.0

    def bar(self, bar: BarRow) -> None:
        """Scale all four prices."""
        for name in ("open", "high", "low", "close"):
            bar.scale(name, self.factor)


@dataclass
class ImpossiblePrice(OnBars):
    """D06: a price of zero or below."""

    id = "D06"
    price: str = "0"

    def bar(self, bar: BarRow) -> None:
        """Write it into low and close."""
        bar.set("low", self.price)
        bar.set("close", self.price)


@dataclass
class HighBelowLow(OnBars):
    """D07: high and low exchanged."""

    id = "D07"

    def bar(self, bar: BarRow) -> None:
        """Exchange them, apart by more than nothing."""
        high, low = bar.get("high"), bar.get("low")
        if low is not None and high is not None:
            bar.set("high", low if low != high else f"{float(low) * 0.99:g}")
        bar.set("low", high)


@dataclass
class NoVolume(OnBars):
    """D08: nothing was traded."""

    id = "D08"

    def bar(self, bar: BarRow) -> None:
        """Write zero."""
        bar.set("volume", "0")


@dataclass
class StuckTime(OnBars):
    """D09: the bars' time stands still."""

    id = "D09"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stuck: dict[int, Any] = {}

    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """All later rows have the time of the third last."""
        later = bars_of_rows(venue, rows[-3:])
        for bar in later[1:]:
            bar.set("ts", later[0].get("ts"))
        return rows

    def bar(self, bar: BarRow) -> None:
        """The first time it saw."""
        bar.set("ts", self._stuck.setdefault(0, bar.get("ts")))


@dataclass
class RevisedBar(OnBars):
    """D10: a bar that had closed is told again, with another close."""

    id = "D10"
    factor: float = 1.001

    def bar(self, bar: BarRow) -> None:
        """Another close and high."""
        bar.scale("close", self.factor)
        bar.scale("high", self.factor)

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """After a bar that closed, its revision."""
        if not self.aims_at(link.venue, tags, now_ms):
            return None
        bars = bars_of_frame(link.venue, json.loads(frame.text))
        if not bars or not bars[0].get("closed"):
            return None
        revised = super().frames(link, tags, frame, now_ms)
        return None if revised is None else (frame, *(replace(one, delay_ms=500) for one in revised))


@dataclass
class OtherSymbol(Fault):
    """D11: data of another instrument comes under this one's name, or the other way round."""

    id = "D11"
    kinds = BARS
    symbol: str = "DOGEUSDT"
    factor: float = 0.001

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Name the other in the reply, where the venue names one, with prices as of another instrument."""
        if response.status != 200 or not self.due_for(call):
            return None
        return edited(response, lambda told: self._other(call.venue, told)), ON_TIME

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """The same of a frame."""
        if not self.due(link.venue, tags, now_ms):
            return None
        return (replace(frame, text=edited_text(frame.text, lambda told: self._in_frame(link.venue, told))),)

    def _other(self, venue: str, told: Any) -> Any:
        for bar in bars_of_rows(venue, rows_of(venue, told)):
            self._scale(bar)
        if venue == "bybit_linear" and isinstance(told.get("result"), dict):
            told["result"]["symbol"] = self.symbol
        return told

    def _in_frame(self, venue: str, told: Any) -> Any:
        for bar in bars_of_frame(venue, told):
            self._scale(bar)
            bar.set("symbol", self.symbol)
        if venue == "binance_usdm":
            unwrapped(told)["s"] = self.symbol
        return told

    def _scale(self, bar: BarRow) -> None:
        for name in ("open", "high", "low", "close"):
            bar.scale(name, self.factor)


@dataclass
class WrongUnit(OnBars):
    """D12: times in another zone, or volumes in another unit."""

    id = "D12"
    what: str = "zone"
    hours: int = 8
    factor: float = 1000.0

    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """All of them."""
        for bar in bars_of_rows(venue, rows):
            self.bar(bar)
        return rows

    def bar(self, bar: BarRow) -> None:
        """Shift its time, or scale its volume."""
        if self.what == "volume":
            bar.scale("volume", self.factor)
            return
        for name in ("ts", "end"):
            if name in bar.keys:
                value = bar.get(name)
                shifted = int(value) + self.hours * HOUR_MS
                bar.set(name, str(shifted) if isinstance(value, str) else shifted)


@dataclass
class BadBook(Fault):
    """D13: the book is crossed, or it is always the same old one."""

    id = "D13"
    kinds = frozenset({"book"})
    mode: str = "crossed"
    _old: dict[str, Response] = field(default_factory=dict, init=False)

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Cross it, or tell the first one again."""
        if response.status != 200 or not self.due_for(call):
            return None
        if self.mode == "stale":
            return self._old.setdefault(
                call.venue + call.request.query.partition("&limit")[0], response
            ), ON_TIME
        return edited(response, _crossed), ON_TIME

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Cross it, or tell nothing new."""
        if not self.due(link.venue, tags, now_ms):
            return None
        if self.mode == "stale":
            return ()
        return (replace(frame, text=edited_text(frame.text, _crossed)),)


def _crossed(told: Any) -> Any:
    for bids, _ in books_in(told):
        for level in bids:
            level[0] = f"{float(level[0]) * 1.01:g}"
    return told


@dataclass
class LateBar(OnBars):
    """D14: the closed bar comes after the grace period; the REST list lacks it until then."""

    id = "D14"
    delay_ms: int = 8_000

    def rows(self, venue: str, rows: list[Any]) -> list[Any]:
        """Without the last two: the forming one, and the one that closed."""
        return rows[:-2]

    def sent(self, frame: Frame, found: list[BarRow]) -> Sequence[Frame]:
        """Late."""
        return (replace(frame, delay_ms=self.delay_ms),)


@dataclass
class WrongTimes(Fault):
    """X29: times in seconds or microseconds, or a server whose clock jumps (``what = jump``) in what it tells."""

    id = "X29"
    kinds = frozenset({"read", "public"})
    what: str = "us"
    jump_ms: int = 3_600_000

    def returns(self, call: Call, response: Response) -> tuple[Response, Delivery] | None:
        """Change every time in it."""
        if not self.due_for(call):
            return None
        return edited(response, lambda told: with_times(told, self._change())), ON_TIME

    def frames(self, link: Link, tags: frozenset[str], frame: Frame, now_ms: int) -> Sequence[Frame] | None:
        """Change every time in it."""
        if "data" not in tags or not self.due(link.venue, tags | {"read"}, now_ms):
            return None
        return (replace(frame, text=edited_text(frame.text, lambda told: with_times(told, self._change()))),)

    def _change(self) -> Callable[[int], int]:
        changes: dict[str, Callable[[int], int]] = {
            "us": lambda ms: ms * 1000,
            "s": lambda ms: ms // 1000,
            "jump": lambda ms: ms + self.jump_ms,
        }
        return changes[self.what]
