"""Public questions: instruments, books, trades, prices, funding, open interest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mastertrading.domain.market import HOUR_MS
from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.simulator.binance.codes import VenueError
from mastertrading.simulator.binance.desk import Call
from mastertrading.simulator.binance.rendering import Scale, fixed, plain, rate
from mastertrading.simulator.events import TradePrinted
from mastertrading.simulator.listing import Listing, Trading
from mastertrading.simulator.market import MarketState
from mastertrading.simulator.pricing import BOOK_LEVELS

DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1000)
PERIODS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
DELIVERY_MS: Final = 4_133_404_800_000
"""What the venue writes where a contract has no last day."""
ONBOARD_MS: Final = 1_569_398_400_000
INTEREST: Final = "0.00010000"
FUNDING_CAP: Final = "0.02000000"
STATUS: Final = {
    Trading.OPEN: "TRADING",
    Trading.POST_ONLY: "TRADING",
    Trading.CANCEL_ONLY: "SETTLING",
    Trading.CLOSED: "CLOSE",
}


def ping(call: Call) -> dict[str, Any]:
    """Nothing."""
    return {}


def time(call: Call) -> dict[str, int]:
    """The venue's clock."""
    return {"serverTime": call.now_ms}


# ---------------------------------------------------------------- instruments
def exchange_info(call: Call) -> dict[str, Any]:
    """Limits and every instrument with its filters."""
    rules = call.desk.rules
    return {
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, rules.weight_a_minute),
            _limit("ORDERS", "MINUTE", 1, rules.orders_a_minute),
            _limit("ORDERS", "SECOND", 10, rules.orders_in_ten_seconds),
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_contract(call.scale(one), one) for one in call.exchange.listings.values()],
    }


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def order_limits(call: Call) -> list[dict[str, Any]]:
    """How many orders an account may place."""
    rules = call.desk.rules
    return [
        _limit("ORDERS", "SECOND", 10, rules.orders_in_ten_seconds),
        _limit("ORDERS", "MINUTE", 1, rules.orders_a_minute),
    ]


def _contract(scale: Scale, listing: Listing) -> dict[str, Any]:
    first_rate = listing.instrument.tiers[0].maintenance_rate
    return {
        "symbol": listing.symbol,
        "pair": listing.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": STATUS[listing.trading],
        "maintMarginPercent": f"{first_rate * 100:.4f}",
        "requiredMarginPercent": f"{first_rate * 200:.4f}",
        "baseAsset": listing.base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": scale.price_places,
        "quantityPrecision": scale.qty_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": f"{listing.band:.4f}",
        "liquidationFee": fixed(listing.liquidation_e8 // 100, 6),
        "marketTakeBound": f"{listing.band:.2f}",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(scale, listing),
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def _filters(scale: Scale, listing: Listing) -> list[dict[str, Any]]:
    step, least = scale.qty(listing.lot_step), scale.qty(listing.instrument.min_lots)
    lots = {"stepSize": step, "minQty": least}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": scale.px(1),
            "maxPrice": scale.px(10**9),
            "tickSize": scale.px(listing.tick_step),
        },
        {"filterType": "LOT_SIZE", **lots, "maxQty": scale.qty(listing.max_lots)},
        {"filterType": "MARKET_LOT_SIZE", **lots, "maxQty": scale.qty(listing.max_market_lots)},
        {"filterType": "MAX_NUM_ORDERS", "limit": listing.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": listing.max_conditional},
        {"filterType": "MIN_NOTIONAL", "notional": plain(listing.instrument.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{1 + listing.band:.4f}",
            "multiplierDown": f"{1 - listing.band:.4f}",
            "multiplierDecimal": "4",
        },
    ]


# ---------------------------------------------------------------- book and trades
def depth(call: Call) -> str:
    """The book's best levels."""
    listing = call.symbol()
    limit = call.parameters.whole("limit")
    if limit is not None and limit not in DEPTHS:
        raise VenueError(-4021, f"{limit} is not valid depth limit.")
    scale, market = call.scale(listing), call.market(listing)
    bids, asks = market.book(book_levels(market, limit or 500))
    return (
        f'{{"lastUpdateId":{market.book_update_id},"E":{call.now_ms},"T":{call.now_ms},'
        f'"bids":{levels(scale, bids)},"asks":{levels(scale, asks)}}}'
    )


def book_levels(market: MarketState, wanted: int) -> int:
    """How many levels there are to tell: of a book that is made up, those that the diff stream keeps up to date."""
    return wanted if market.depth is not None else min(wanted, BOOK_LEVELS)


def levels(scale: Scale, sides: Any) -> str:
    """Levels of a book as JSON."""
    px, qty = scale.px, scale.qty
    return "[" + ",".join(f'["{px(ticks)}","{qty(lots)}"]' for ticks, lots in sides) + "]"


def trades(call: Call) -> list[dict[str, Any]]:
    """The last public trades."""
    listing = call.symbol()
    limit, from_id = call.parameters.limit(500, 1000), call.parameters.whole("fromId")
    scale, printed = call.scale(listing), list(call.market(listing).recent_trades)
    wanted = (
        [one for one in printed if one.number >= from_id][:limit] if from_id is not None else printed[-limit:]
    )
    return [_trade(scale, one) for one in wanted]


def _trade(scale: Scale, one: TradePrinted) -> dict[str, Any]:
    return {
        "id": one.number,
        "price": scale.px(one.px_ticks),
        "qty": scale.qty(one.lots),
        "quoteQty": scale.quote(one.px_ticks * one.lots),
        "time": one.ts_ms,
        "isBuyerMaker": one.taker_side < 0,
    }


def aggregate_trades(call: Call) -> list[dict[str, Any]]:
    """Public trades; each is its own aggregate."""
    listing = call.symbol()
    limit, from_id = call.parameters.limit(500, 1000), call.parameters.whole("fromId")
    start, end = call.parameters.span()
    scale, printed = call.scale(listing), list(call.market(listing).recent_trades)
    wanted = [
        one
        for one in printed
        if (from_id is None or one.number >= from_id)
        and (start is None or one.ts_ms >= start)
        and (end is None or one.ts_ms <= end)
    ]
    chosen = wanted[-limit:] if from_id is None and start is None else wanted[:limit]
    return [
        {
            "a": one.number,
            "p": scale.px(one.px_ticks),
            "q": scale.qty(one.lots),
            "f": one.number,
            "l": one.number,
            "T": one.ts_ms,
            "m": one.taker_side < 0,
        }
        for one in chosen
    ]


# ---------------------------------------------------------------- prices
def _each(call: Call, row: Callable[[Call, Listing], dict[str, Any]]) -> Any:
    """One row where a symbol is named, else all of them."""
    one = call.symbol_or_none()
    return row(call, one) if one else [row(call, each) for each in call.exchange.listings.values()]


def premium_index(call: Call) -> Any:
    """Mark and index price, and the next funding."""
    return _each(call, _premium)


def _premium(call: Call, listing: Listing) -> dict[str, Any]:
    scale, market = call.scale(listing), call.market(listing)
    return {
        "symbol": listing.symbol,
        "markPrice": scale.precise(market.mark_ticks),
        "indexPrice": scale.precise(market.index_ticks),
        "estimatedSettlePrice": scale.precise(market.index_ticks),
        "lastFundingRate": rate(market.funding_rate_e8),
        "interestRate": INTEREST,
        "nextFundingTime": market.next_funding_ms,
        "time": call.now_ms,
    }


def last_prices(call: Call) -> Any:
    """Last prices."""
    return _each(call, _last)


def _last(call: Call, listing: Listing) -> dict[str, Any]:
    scale, market = call.scale(listing), call.market(listing)
    return {"symbol": listing.symbol, "price": scale.px(market.last_ticks), "time": call.now_ms}


def best_levels(call: Call) -> Any:
    """Best levels."""
    return _each(call, _best)


def _best(call: Call, listing: Listing) -> dict[str, Any]:
    scale, market = call.scale(listing), call.market(listing)
    bids, asks = market.book(1)
    bid, ask = (bids[0] if bids else (0, 0)), (asks[0] if asks else (0, 0))
    return {
        "symbol": listing.symbol,
        "bidPrice": scale.px(bid[0]),
        "bidQty": scale.qty(bid[1]),
        "askPrice": scale.px(ask[0]),
        "askQty": scale.qty(ask[1]),
        "time": call.now_ms,
        "lastUpdateId": market.book_update_id,
    }


def last_day(call: Call) -> Any:
    """Statistics of the last 24 hours."""
    return _each(call, lambda asked, one: day_row(asked.scale(one), one, asked.market(one), asked.now_ms))


def day_row(scale: Scale, listing: Listing, market: MarketState, now_ms: int) -> dict[str, Any]:
    """The last 24 hours of an instrument."""
    day = market.day
    change = market.last_ticks - day.open
    last = market.recent_trades[-1] if market.recent_trades else None
    first_id = last.number - day.trades + 1 if last else 0
    return {
        "symbol": listing.symbol,
        "priceChange": scale.px(change),
        "priceChangePercent": fixed(change * 100_000 // day.open if day.open else 0, 3),
        "weightedAvgPrice": scale.average(
            day.quote_volume // listing.atoms, day.volume_lots, scale.price_places
        ),
        "lastPrice": scale.px(market.last_ticks),
        "lastQty": scale.qty(last.lots if last else 0),
        "openPrice": scale.px(day.open),
        "highPrice": scale.px(day.high),
        "lowPrice": scale.px(day.low),
        "volume": scale.qty(day.volume_lots),
        "quoteVolume": scale.quote(day.quote_volume // listing.atoms),
        "openTime": now_ms - 24 * HOUR_MS,
        "closeTime": now_ms,
        "firstId": max(first_id, 0),
        "lastId": last.number if last else -1,
        "count": day.trades,
    }


# ---------------------------------------------------------------- funding and open interest
def funding_rates(call: Call) -> list[dict[str, Any]]:
    """Fundings that were charged, ascending."""
    limit = call.parameters.limit(100, 1000)
    start, end = call.parameters.span()
    rows = [
        {
            "symbol": listing.symbol,
            "fundingTime": charged.ts_ms,
            "fundingRate": rate(charged.rate_e8),
            "markPrice": "",
        }
        for listing in call.listings()
        for charged in call.market(listing).settlements
        if (start is None or charged.ts_ms >= start) and (end is None or charged.ts_ms <= end)
    ]
    rows.sort(key=lambda row: int(str(row["fundingTime"])))
    return rows[:limit] if start is not None else rows[-limit:]


def funding_info(call: Call) -> list[dict[str, Any]]:
    """Interval and bounds of each instrument's funding."""
    return [
        {
            "symbol": listing.symbol,
            "adjustedFundingRateCap": FUNDING_CAP,
            "adjustedFundingRateFloor": f"-{FUNDING_CAP}",
            "fundingIntervalHours": max(call.market(listing).funding_interval_ms // HOUR_MS, 1),
            "disclaimer": False,
        }
        for listing in call.exchange.listings.values()
    ]


def _open_lots(call: Call, symbol: str) -> int:
    held = (
        p.lots
        for a in call.exchange.accounts.values()
        for p in call.exchange.positions(a)
        if p.symbol == symbol
    )
    return sum(abs(lots) for lots in held)


def open_interest(call: Call) -> dict[str, Any]:
    """What all accounts hold: the market is the other side of each."""
    listing = call.symbol()
    held = call.scale(listing).qty(_open_lots(call, listing.symbol))
    return {"symbol": listing.symbol, "openInterest": held, "time": call.now_ms}


def open_interest_history(call: Call) -> list[dict[str, Any]]:
    """Today's open interest at each past moment: the exchange keeps no history of it."""
    listing = call.symbol()
    period = call.parameters.choice("period", PERIODS, "")
    limit, (start, end) = call.parameters.limit(30, 500), call.parameters.span()
    length, scale, market = TIMEFRAMES[period], call.scale(listing), call.market(listing)
    lots = _open_lots(call, listing.symbol)
    last = min(end if end is not None else call.now_ms, call.now_ms) // length
    first = max(last - limit + 1, -(-(start or 0) // length))
    return [
        {
            "symbol": listing.symbol,
            "sumOpenInterest": fixed(lots * scale.lot * 10 ** (8 - scale.qty_places), 8),
            "sumOpenInterestValue": scale.notional(market.mark_ticks, lots),
            "timestamp": moment * length,
        }
        for moment in range(first, last + 1)
    ]


def adl_risk(call: Call) -> Any:
    """How near instruments are to auto-deleveraging: the exchange has no queue of it until one begins."""
    return _each(
        call, lambda asked, one: {"symbol": one.symbol, "adlRisk": "LOW", "updateTime": asked.now_ms}
    )
