"""Frames of market streams, written as text at once: they are the many."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.simulator.binance.market import day_row, levels
from mastertrading.simulator.binance.rendering import SIDE, Scale, rate
from mastertrading.simulator.events import BarChanged, BookChanged, OrderChanged, PriceMoved, TradePrinted
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.market import MarketState

Level = tuple[int, int]
Levels = list[Level]
SYMBOL_TYPE = 1
"""``st`` of newer frames: a perpetual contract on a coin."""


def trade(scale: Scale, one: TradePrinted) -> str:
    """A public trade."""
    return (
        f'{{"e":"trade","E":{one.ts_ms},"T":{one.ts_ms},"s":"{one.symbol}","t":{one.number},'
        f'"p":"{scale.px(one.px_ticks)}","q":"{scale.qty(one.lots)}","X":"MARKET",'
        f'"m":{"true" if one.taker_side < 0 else "false"}}}'
    )


def aggregate(scale: Scale, one: TradePrinted) -> str:
    """A public trade as an aggregate of one."""
    return (
        f'{{"e":"aggTrade","E":{one.ts_ms},"a":{one.number},"s":"{one.symbol}",'
        f'"p":"{scale.px(one.px_ticks)}","q":"{scale.qty(one.lots)}","f":{one.number},"l":{one.number},'
        f'"T":{one.ts_ms},"m":{"true" if one.taker_side < 0 else "false"},"st":{SYMBOL_TYPE}}}'
    )


def bar(scale: Scale, bar: BarChanged, last_ms: int) -> str:
    """A bar, forming or final."""
    return (
        f'{{"e":"kline","E":{bar.event_ms},"s":"{bar.symbol}","k":{{'
        f'"t":{bar.ts_ms},"T":{last_ms},"s":"{bar.symbol}","i":"{bar.timeframe}",{_bar(scale, bar)}}}}}'
    )


def contract_bar(scale: Scale, bar: BarChanged, last_ms: int) -> str:
    """A bar of a pair's perpetual contract."""
    return (
        f'{{"e":"continuous_kline","E":{bar.event_ms},"ps":"{bar.symbol}","ct":"PERPETUAL","k":{{'
        f'"t":{bar.ts_ms},"T":{last_ms},"i":"{bar.timeframe}",{_bar(scale, bar)}}}}}'
    )


def _bar(scale: Scale, bar: BarChanged) -> str:
    px, volume = scale.px, bar.volume_lots
    taken = volume // 2
    return (
        f'"f":-1,"L":-1,"o":"{px(bar.open)}","c":"{px(bar.close)}","h":"{px(bar.high)}","l":"{px(bar.low)}",'
        f'"v":"{scale.qty(volume)}","n":{bar.trades},"x":{"true" if bar.closed else "false"},'
        f'"q":"{scale.quote(volume * bar.close)}","V":"{scale.qty(taken)}",'
        f'"Q":"{scale.quote(taken * bar.close)}","B":"0"'
    )


def last_ms(bar: BarChanged) -> int:
    """A bar's last millisecond."""
    return bar.ts_ms + TIMEFRAMES[bar.timeframe] - 1


def best_levels(scale: Scale, moved: PriceMoved, update_id: int) -> str:
    """Best levels."""
    return (
        f'{{"e":"bookTicker","u":{update_id},"E":{moved.ts_ms},"T":{moved.ts_ms},"s":"{moved.symbol}",'
        f'"b":"{scale.px(moved.bid_ticks)}","B":"{scale.qty(moved.bid_lots)}",'
        f'"a":"{scale.px(moved.ask_ticks)}","A":"{scale.qty(moved.ask_lots)}",'
        f'"st":{SYMBOL_TYPE},"ps":"{moved.symbol}"}}'
    )


def mark_price(scale: Scale, market: MarketState, ts_ms: int) -> str:
    """Mark and index price and the next funding."""
    mark, index = scale.precise(market.mark_ticks), scale.precise(market.index_ticks)
    return (
        f'{{"e":"markPriceUpdate","E":{ts_ms},"s":"{market.symbol}","p":"{mark}","ap":"{mark}","i":"{index}",'
        f'"P":"{index}","r":"{rate(market.funding_rate_e8)}","T":{market.next_funding_ms},"st":{SYMBOL_TYPE}}}'
    )


def changes(before: Levels, now: Levels) -> Levels:
    """Levels that differ between two sides of a book; gone ones have no lots."""
    known, told = dict(before), dict(now)
    gone = [(ticks, 0) for ticks in known if ticks not in told]
    return [*(level for level in now if known.get(level[0]) != level[1]), *gone]


def depth(scale: Scale, changed: BookChanged, bids: Sequence[Level], asks: Sequence[Level]) -> str:
    """Levels of a book."""
    return (
        f'{{"e":"depthUpdate","E":{changed.ts_ms},"T":{changed.ts_ms},"s":"{changed.symbol}",'
        f'"ps":"{changed.symbol}","st":{SYMBOL_TYPE},'
        f'"U":{changed.first_id},"u":{changed.last_id},"pu":{changed.previous_id},'
        f'"b":{levels(scale, bids)},"a":{levels(scale, asks)}}}'
    )


def last_day(scale: Scale, listing: Listing, market: MarketState, ts_ms: int) -> str:
    """Statistics of the last 24 hours."""
    day = day_row(scale, listing, market, ts_ms)
    return json.dumps(
        {
            "e": "24hrTicker",
            "E": ts_ms,
            "s": listing.symbol,
            "p": day["priceChange"],
            "P": day["priceChangePercent"],
            "w": day["weightedAvgPrice"],
            "c": day["lastPrice"],
            "Q": day["lastQty"],
            "o": day["openPrice"],
            "h": day["highPrice"],
            "l": day["lowPrice"],
            "v": day["volume"],
            "q": day["quoteVolume"],
            "O": day["openTime"],
            "C": day["closeTime"],
            "F": day["firstId"],
            "L": day["lastId"],
            "n": day["count"],
            "st": SYMBOL_TYPE,
        },
        separators=(",", ":"),
    )


def short_day(scale: Scale, listing: Listing, market: MarketState, ts_ms: int) -> str:
    """The same in short."""
    day = day_row(scale, listing, market, ts_ms)
    return (
        f'{{"e":"24hrMiniTicker","E":{ts_ms},"s":"{listing.symbol}","c":"{day["lastPrice"]}",'
        f'"o":"{day["openPrice"]}","h":"{day["highPrice"]}","l":"{day["lowPrice"]}",'
        f'"v":"{day["volume"]}","q":"{day["quoteVolume"]}"}}'
    )


def liquidation(scale: Scale, news: OrderChanged) -> str:
    """A forced order, as everybody sees it."""
    order = news.order
    filled = scale.qty(order.filled)
    average = scale.average(order.spent, order.filled, scale.price_places)
    return (
        f'{{"e":"forceOrder","E":{news.ts_ms},"o":{{"s":"{order.symbol}","S":"{SIDE[order.new.order_side]}",'
        f'"o":"LIMIT","f":"IOC","q":"{scale.qty(order.lots)}","p":"{average}","ap":"{average}","X":"FILLED",'
        f'"l":"{filled}","z":"{filled}","T":{news.ts_ms}}}}}'
    )
