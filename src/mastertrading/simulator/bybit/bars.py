"""``/v5/market/kline`` and its kin: bars of the traded price, of mark and index, and of the premium."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mastertrading.simulator.bybit.codes import parameter
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.numbers import money
from mastertrading.simulator.bybit.parameters import LINEAR, Asked
from mastertrading.simulator.events import BarChanged

Result = dict[str, Any]

UNKNOWN_SYMBOL: Final = "Not supported symbols"
INTERVALS: Final = {
    "1": "1m",
    "3": "3m",
    "5": "5m",
    "15": "15m",
    "30": "30m",
    "60": "1h",
    "120": "2h",
    "240": "4h",
    "360": "6h",
    "720": "12h",
    "D": "1d",
    "W": "1d",
    "M": "1d",
}
_NAMES = {timeframe: interval for interval, timeframe in INTERVALS.items() if interval not in "WM"}


def interval_of(timeframe: str) -> str | None:
    """The venue's name of a timeframe of ours; None if it has none."""
    return _NAMES.get(timeframe)


def price_bars(asked: Asked, desk: Desk) -> Result:
    """``kline``."""

    def row(bar: BarChanged) -> list[str]:
        grid = desk.grid(bar.symbol)
        return [*_prices(bar, desk), grid.qty(bar.volume_lots), turnover(bar, desk)]

    return _bars(asked, desk, row, marks=False)


def mark_bars(asked: Asked, desk: Desk) -> Result:
    """``mark-price-kline``, and ``index-price-kline``: the index follows the mark here."""
    return _bars(asked, desk, lambda bar: _prices(bar, desk), marks=True)


def premium_bars(asked: Asked, desk: Desk) -> Result:
    """``premium-index-price-kline``: no premium, for mark and index are one."""
    return _bars(asked, desk, lambda bar: [str(bar.ts_ms), "0", "0", "0", "0"], marks=True)


def turnover(bar: BarChanged, desk: Desk) -> str:
    """A bar's volume in quote units; the exchange keeps no sum of it, the bar's mean price stands in."""
    return money(
        bar.volume_lots * (bar.open + bar.high + bar.low + bar.close) * desk.grid(bar.symbol).atoms // 4
    )


def _prices(bar: BarChanged, desk: Desk) -> list[str]:
    px = desk.grid(bar.symbol).px
    return [str(bar.ts_ms), px(bar.open), px(bar.high), px(bar.low), px(bar.close)]


def _bars(asked: Asked, desk: Desk, row: Callable[[BarChanged], list[str]], *, marks: bool) -> Result:
    """Bars newest first. With a start and no end, the first ``limit`` from there; else the last ones."""
    category = asked.category(default=LINEAR)
    interval = asked.needed("interval")
    if interval not in INTERVALS:
        raise parameter("Invalid period!")
    limit = asked.whole("limit", 1, 1000, 200)
    start, end = asked.moment("start"), asked.moment("end")
    symbol = asked.needed("symbol")
    if category != LINEAR:
        return {"symbol": symbol, "category": category, "list": []}
    market = desk.market(desk.listing(symbol, UNKNOWN_SYMBOL).symbol)
    read = market.mark_bars if marks else market.bars
    asked_bars = limit if interval not in "WM" else 31 * limit
    if end is None:
        found = read(INTERVALS[interval], start, None, asked_bars)
    else:
        found = [
            bar
            for bar in read(INTERVALS[interval], None, end, asked_bars)
            if start is None or bar.ts_ms >= start
        ]
    if interval in ("W", "M"):
        found = _folded(found, interval)[-limit:]
    return {"symbol": symbol, "category": category, "list": [row(bar) for bar in reversed(found)]}


def _folded(days: Sequence[BarChanged], interval: str) -> list[BarChanged]:
    """Weeks (from Monday) or months of days."""
    found: list[BarChanged] = []
    for day in days:
        begins = _begin(day.ts_ms, interval)
        if found and found[-1].ts_ms == begins:
            found[-1] = _joined(found[-1], day)
        else:
            found.append(replace(day, ts_ms=begins, timeframe=interval))
    return found


def _joined(before: BarChanged, day: BarChanged) -> BarChanged:
    return replace(
        before,
        event_ms=day.event_ms,
        high=max(before.high, day.high),
        low=min(before.low, day.low),
        close=day.close,
        volume_lots=before.volume_lots + day.volume_lots,
        trades=before.trades + day.trades,
        closed=day.closed,
    )


def _begin(ts_ms: int, interval: str) -> int:
    day = datetime.fromtimestamp(ts_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = day - timedelta(days=day.weekday()) if interval == "W" else day.replace(day=1)
    return int(begin.timestamp() * 1000)
