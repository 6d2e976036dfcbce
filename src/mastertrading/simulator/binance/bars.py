"""Bars over REST: rows of the exchange's bars, also of the three timeframes that it does not keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from mastertrading.domain.market import DAY_MS
from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.rendering import Scale
from mastertrading.simulator.events import BarChanged
from mastertrading.simulator.listing import Listing

MONDAY_MS: Final = 4 * DAY_MS
"""The first Monday since 1970."""
_WHOLE_WEEK: Final = 7 * DAY_MS


def _three_days(ts_ms: int) -> int:
    return ts_ms - ts_ms % (3 * DAY_MS)


def _week(ts_ms: int) -> int:
    return ts_ms - (ts_ms - MONDAY_MS) % _WHOLE_WEEK


def _month(ts_ms: int) -> int:
    first = datetime.fromtimestamp(ts_ms // 1000, UTC).replace(day=1, hour=0, minute=0, second=0)
    return int(first.timestamp()) * 1000


GATHERED: Final[dict[str, tuple[Callable[[int], int], int]]] = {
    "3d": (_three_days, 3),
    "1w": (_week, 7),
    "1M": (_month, 31),
}
INTERVALS: Final = (*TIMEFRAMES, *GATHERED)


def last_bars(call: Call, symbol_name: str = "symbol") -> str:
    """Bars of the last price."""
    listing = call.desk.listing(call.parameters.required(symbol_name))
    scale = call.scale(listing)
    rows = (_row(scale, bar, end) for bar, end in _bars(call, listing, call.market(listing).bars))
    return f"[{','.join(rows)}]"


def contract_bars(call: Call) -> str:
    """Bars of a pair's perpetual contract, the only one there is."""
    call.parameters.choice("contractType", ("PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER"), "")
    return last_bars(call, "pair")


def mark_bars(call: Call) -> str:
    """Bars of the mark price."""
    listing = call.symbol()
    return _priced(call, listing, call.scale(listing))


def index_bars(call: Call) -> str:
    """Bars of the index price, which here is the mark's."""
    listing = call.desk.listing(call.parameters.required("pair"))
    return _priced(call, listing, call.scale(listing))


def premium_bars(call: Call) -> str:
    """Bars of the premium index, which here is nothing: mark and index are one."""
    listing = call.symbol()
    zero = "0.00000000"
    rows = (
        f'[{bar.ts_ms},"{zero}","{zero}","{zero}","{zero}","0",{end},"0",{bar.trades},"0","0","0"]'
        for bar, end in _bars(call, listing, call.market(listing).mark_bars)
    )
    return f"[{','.join(rows)}]"


def _priced(call: Call, listing: Listing, scale: Scale) -> str:
    px = scale.precise
    rows = (
        f'[{bar.ts_ms},"{px(bar.open)}","{px(bar.high)}","{px(bar.low)}","{px(bar.close)}",'
        f'"0",{end},"0",{bar.trades},"0","0","0"]'
        for bar, end in _bars(call, listing, call.market(listing).mark_bars)
    )
    return f"[{','.join(rows)}]"


def _row(scale: Scale, bar: BarChanged, end: int) -> str:
    px, volume = scale.px, bar.volume_lots
    taken = volume // 2
    return (
        f'[{bar.ts_ms},"{px(bar.open)}","{px(bar.high)}","{px(bar.low)}","{px(bar.close)}",'
        f'"{scale.qty(volume)}",{end},"{scale.quote(volume * bar.close)}",{bar.trades},'
        f'"{scale.qty(taken)}","{scale.quote(taken * bar.close)}","0"]'
    )


Source = Callable[[str, int | None, int | None, int], Iterable[BarChanged]]


def _bars(call: Call, listing: Listing, source: Source) -> Iterator[tuple[BarChanged, int]]:
    """The bars asked for, ascending, each with its last millisecond."""
    interval = call.parameters.choice("interval", INTERVALS, "", -1120)
    limit = call.parameters.limit(500, 1500)
    start, end = call.parameters.span()
    if interval in TIMEFRAMES:
        length = TIMEFRAMES[interval]
        return ((bar, bar.ts_ms + length - 1) for bar in source(interval, start, end, limit))
    opens, days = GATHERED[interval]
    first = opens(start + days * DAY_MS - 1) if start is not None else None
    days_wanted = source("1d", first, end, limit * days)
    gathered = [
        _gather(list(group), interval) for _, group in groupby(days_wanted, lambda bar: opens(bar.ts_ms))
    ]
    wanted = gathered[:limit] if start is not None else gathered[-limit:]
    return ((bar, opens(bar.ts_ms + days * DAY_MS) - 1) for bar in wanted)


def _gather(days: list[BarChanged], interval: str) -> BarChanged:
    first, last = days[0], days[-1]
    return BarChanged(
        event_ms=last.event_ms,
        symbol=first.symbol,
        timeframe=interval,
        ts_ms=GATHERED[interval][0](first.ts_ms),
        open=first.open,
        high=max(day.high for day in days),
        low=min(day.low for day in days),
        close=last.close,
        volume_lots=sum(day.volume_lots for day in days),
        trades=sum(day.trades for day in days),
        closed=False,
    )
