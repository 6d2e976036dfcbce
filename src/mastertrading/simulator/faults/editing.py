"""Replies and frames as their parts that faults edit: rows, bars, fills, books, times. One table a venue.

Nothing here knows what a fault wants; nothing else in this room knows how a venue writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mastertrading.simulator.wire import Response

Row = dict[str, Any] | list[Any]
MS_DIGITS = re.compile(r"^1[4-9]\d{11}$|^2\d{12}$")
"""Milliseconds since 1970 between 2014 and 2065."""


def edited(response: Response, edit: Callable[[Any], Any]) -> Response:
    """A reply with its JSON changed; one that holds none, as it is."""
    try:
        told = json.loads(response.body)
    except ValueError:
        return response
    return replace(response, body=json.dumps(edit(told), separators=(",", ":")).encode())


def edited_text(text: str, edit: Callable[[Any], Any]) -> str:
    """A frame with its JSON changed."""
    try:
        told = json.loads(text)
    except ValueError:
        return text
    return json.dumps(edit(told), separators=(",", ":"))


# -------------------------------------------------------------------- rows
def rows_of(venue: str, told: Any) -> list[Any]:
    """The rows of a reply that lists things; empty if it does not. Changing the list changes the reply."""
    wrapped = venue == "bybit_linear" and isinstance(told, dict)
    found = (told.get("result") or {}).get("list") if wrapped else told
    return found if isinstance(found, list) else []


def is_done(venue: str, told: Any) -> bool:
    """Whether a reply says that all is well."""
    if venue == "bybit_linear":
        return isinstance(told, dict) and told.get("retCode") == 0
    return not (isinstance(told, dict) and isinstance(told.get("code"), int) and told["code"] < 0)


# -------------------------------------------------------------------- bars
@dataclass(slots=True)
class BarRow:
    """A bar as the venue writes it, by our names of its fields."""

    row: Any
    keys: dict[str, Any]

    def get(self, name: str) -> Any:
        """A field."""
        return self.row[self.keys[name]]

    def set(self, name: str, value: Any) -> None:
        """Change a field that the venue writes."""
        if name in self.keys:
            self.row[self.keys[name]] = value

    def scale(self, name: str, factor: float) -> None:
        """Multiply a number that is written as text; what another fault has made no number stays so."""
        value = self.get(name)
        if value is not None:
            self.set(name, f"{float(value) * factor:g}")


ROW_KEYS: dict[str, dict[str, Any]] = {
    "binance_usdm": {"ts": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "end": 6},
    "bybit_linear": {"ts": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5},
}
FRAME_KEYS: dict[str, dict[str, Any]] = {
    "binance_usdm": {
        "ts": "t",
        "end": "T",
        "open": "o",
        "high": "h",
        "low": "l",
        "close": "c",
        "volume": "v",
        "symbol": "s",
        "closed": "x",
    },
    "bybit_linear": {
        "ts": "start",
        "end": "end",
        "open": "open",
        "high": "high",
        "low": "low",
        "close": "close",
        "volume": "volume",
        "closed": "confirm",
    },
}


def bars_of_rows(venue: str, rows: list[Any]) -> list[BarRow]:
    """The bars of a reply."""
    return [BarRow(row, ROW_KEYS[venue]) for row in rows]


def bars_of_frame(venue: str, told: Any) -> list[BarRow]:
    """The bars of a frame."""
    if venue == "bybit_linear":
        found = told.get("data") if str(told.get("topic", "")).startswith("kline") else None
        return [BarRow(row, FRAME_KEYS[venue]) for row in found or []]
    inner = unwrapped(told).get("k")
    return [BarRow(inner, FRAME_KEYS[venue])] if isinstance(inner, dict) else []


def unwrapped(told: Any) -> dict[str, Any]:
    """Binance's combined streams wrap each event."""
    inner = told.get("data") if isinstance(told, dict) and "stream" in told else told
    return inner if isinstance(inner, dict) else {}


# -------------------------------------------------------------------- fills
@dataclass(frozen=True, slots=True)
class FillKeys:
    """How a venue names parts of a fill, in replies and in frames."""

    number: str
    fee: str


FILL_KEYS = {"binance_usdm": FillKeys("id", "commission"), "bybit_linear": FillKeys("execId", "execFee")}
FRAME_FILL_KEYS = {"binance_usdm": FillKeys("t", "n"), "bybit_linear": FillKeys("execId", "execFee")}


def fills_of_frame(venue: str, told: Any) -> list[Any]:
    """Fills that a private frame tells."""
    if venue == "bybit_linear":
        return list(told.get("data") or []) if str(told.get("topic", "")).startswith("execution") else []
    event = unwrapped(told)
    order = event.get("o")
    is_fill = event.get("e") == "ORDER_TRADE_UPDATE" and isinstance(order, dict) and order.get("x") == "TRADE"
    return [order] if is_fill else []


# -------------------------------------------------------------------- books
def books_in(told: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """(bids, asks) of every book in a reply or frame."""
    if isinstance(told, dict):
        for bids, asks in (("bids", "asks"), ("b", "a")):
            if isinstance(told.get(bids), list) and isinstance(told.get(asks), list):
                yield told[bids], told[asks]
        for inner in told.values():
            yield from books_in(inner)


# -------------------------------------------------------------------- times
def with_times(told: Any, change: Callable[[int], int]) -> Any:
    """Every number that looks like milliseconds since 1970, changed; texts stay texts."""
    if isinstance(told, dict):
        return {name: with_times(value, change) for name, value in told.items()}
    if isinstance(told, list):
        return [with_times(value, change) for value in told]
    if isinstance(told, bool) or not isinstance(told, int | str) or not MS_DIGITS.match(str(told)):
        return told
    changed = change(int(told))
    return str(changed) if isinstance(told, str) else changed


# -------------------------------------------------------------------- frames
BINANCE_FRAMES = {
    '"e":"kline"': "bars",
    '"e":"depthUpdate"': "book",
    '"e":"bookTicker"': "book",
    '"e":"aggTrade"': "trades",
    '"e":"trade"': "trades",
    '"e":"24hr': "ticker",
    '"e":"markPriceUpdate"': "funding",
    '"e":"ORDER_TRADE_UPDATE"': "order_news",
    '"e":"ALGO_UPDATE"': "order_news",
    '"e":"TRADE_LITE"': "order_news",
    '"e":"ACCOUNT_UPDATE"': "account_news",
    '"e":"ACCOUNT_CONFIG_UPDATE"': "account_news",
}
BYBIT_FRAMES = {
    '"topic":"kline': "bars",
    '"topic":"orderbook': "book",
    '"topic":"publicTrade': "trades",
    '"topic":"tickers': "ticker",
    '"topic":"order"': "order_news",
    '"topic":"order.': "order_news",
    '"topic":"execution': "order_news",
    '"topic":"position': "account_news",
    '"topic":"wallet': "account_news",
}
FRAMES = {"binance_usdm": BINANCE_FRAMES, "bybit_linear": BYBIT_FRAMES}
PRIVATE_FRAMES = frozenset({"order_news", "account_news"})


def frame_tags(venue: str, text: str) -> frozenset[str]:
    """What a frame tells, with ``data`` and ``private`` or ``public``; ``answer`` for what answers a client.

    ``bars``, ``book``, ``trades``, ``ticker``, ``funding``, ``order_news``, ``account_news`` or ``other``.
    """
    head = text[:400].replace('": ', '":')
    kind = next((name for mark, name in FRAMES.get(venue, {}).items() if mark in head), "")
    if not kind:
        return frozenset({"other", "data", "public"} if '"e":"' in head or '"topic":' in head else {"answer"})
    return frozenset({kind, "data", "private" if kind in PRIVATE_FRAMES else "public"})
