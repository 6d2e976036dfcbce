"""``/v5/market``: what everybody may read; bars are in ``bars``."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from mastertrading.domain.market import HOUR_MS
from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.bars import UNKNOWN_SYMBOL
from mastertrading.simulator.bybit.codes import parameter
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.holdings import tier_limit
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.numbers import money, plain, rate, share
from mastertrading.simulator.bybit.pages import named_page, page
from mastertrading.simulator.bybit.parameters import LINEAR, Asked
from mastertrading.simulator.bybit.rendering import SIDES
from mastertrading.simulator.events import FundingChanged, TradePrinted
from mastertrading.simulator.ledger import INSURANCE
from mastertrading.simulator.listing import Listing, Trading

Result = dict[str, Any]

LAUNCHED: Final = "1585526400000"


# ---------------------------------------------------------------- time and instruments
def time(asked: Asked, desk: Desk) -> Result:
    """``time``."""
    now = desk.now_ms()
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


def instruments(asked: Asked, desk: Desk) -> Result:
    """``instruments-info``."""
    category = asked.category()
    status = asked.one_of(
        "status", ("PreLaunch", "Trading", "Delivering", "Closed", "Settling"), default="Trading"
    )
    symbol, base = asked.name(), asked.name("baseCoin")
    if category != LINEAR:
        return {"category": category, "list": [], "nextPageCursor": ""}
    if symbol and symbol not in desk.exchange.listings:
        raise parameter("params error: symbol invalid")
    chosen = sorted(
        name
        for name, listing in desk.exchange.listings.items()
        if _status(listing) == status and name == (symbol or name) and listing.base == (base or listing.base)
    )
    names, cursor = named_page(chosen, asked, limit=500, most=1000)
    rows = [instrument_row(desk.exchange.listings[name], desk) for name in names]
    return {"category": category, "list": rows, "nextPageCursor": cursor}


def _status(listing: Listing) -> str:
    return "Closed" if listing.trading is Trading.CLOSED else "Trading"


def instrument_row(listing: Listing, desk: Desk) -> Result:
    """An instrument's rules."""
    grid, market = desk.grid(listing.symbol), desk.market(listing.symbol)
    step = plain(listing.lot)
    most = grid.qty(listing.max_lots)
    return {
        "symbol": listing.symbol,
        "contractType": "LinearPerpetual",
        "status": _status(listing),
        "baseCoin": listing.base,
        "quoteCoin": "USDT",
        "launchTime": LAUNCHED,
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(grid.px_places),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{listing.max_leverage}.00",
            "leverageStep": "1",
        },
        "priceFilter": {
            "minPrice": grid.px(1),
            "maxPrice": grid.px(1_999_998),
            "tickSize": grid.px(listing.tick_step),
        },
        "lotSizeFilter": {
            "maxOrderQty": most,
            "minOrderQty": grid.qty(listing.instrument.min_lots),
            "qtyStep": step,
            "postOnlyMaxOrderQty": most,
            "maxMktOrderQty": grid.qty(listing.max_market_lots),
            "minNotionalValue": plain(listing.instrument.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": market.funding_interval_ms // 60_000,
        "settleCoin": "USDT",
        "copyTrading": "none",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": plain(listing.band), "priceLimitRatioY": plain(listing.band)},
        "displayName": "",
        "symbolType": "",
        "symbolId": list(desk.exchange.listings).index(listing.symbol) + 1,
    }


def risk_limit(asked: Asked, desk: Desk) -> Result:
    """``risk-limit``."""
    category, symbol = asked.category(), asked.name()
    if category != LINEAR:
        return {"category": category, "list": [], "nextPageCursor": ""}
    names = [desk.listing(symbol).symbol] if symbol else sorted(desk.exchange.listings)
    chosen, cursor = named_page(names, asked, limit=15, most=15)
    rows = [row for name in chosen for row in _tiers(desk.exchange.listings[name])]
    return {"category": category, "list": rows, "nextPageCursor": cursor}


def _tiers(listing: Listing) -> Iterable[Result]:
    """The ladder. The venue tells an initial margin for each tier; ours is at least twice the maintenance."""
    tiers = listing.instrument.tiers
    for index, tier in enumerate(tiers):
        initial = max(1 / Decimal(listing.max_leverage), 2 * tier.maintenance_rate)
        yield {
            "id": index + 1,
            "symbol": listing.symbol,
            "riskLimitValue": tier_limit(tiers, index),
            "maintenanceMargin": plain(tier.maintenance_rate),
            "initialMargin": plain(round(initial, 6)),
            "isLowestRisk": int(index == 0),
            "maxLeverage": f"{min(listing.max_leverage, 1 / initial):.2f}",
            "mmDeduction": "",
        }


def price_limit(asked: Asked, desk: Desk) -> Result:
    """``price-limit``: how far from the mark a limit price may be."""
    asked.category(default=LINEAR)
    listing = desk.listing(asked.needed("symbol"))
    grid, mark = desk.grid(listing.symbol), desk.market(listing.symbol).mark_ticks
    away = int(mark * listing.band)
    return {
        "symbol": listing.symbol,
        "buyLmt": grid.px(mark + away),
        "sellLmt": grid.px(max(1, mark - away)),
        "ts": str(desk.now_ms()),
    }


# ---------------------------------------------------------------- now
def orderbook(asked: Asked, desk: Desk) -> Result:
    """``orderbook``."""
    category = asked.category()
    levels = asked.whole("limit", 1, 1000, 25)
    symbol = asked.needed("symbol")
    if category != LINEAR:
        return {"s": symbol, "b": [], "a": [], "ts": desk.now_ms(), "u": 0, "seq": 0, "cts": desk.now_ms()}
    market, grid = desk.market(desk.listing(symbol, UNKNOWN_SYMBOL).symbol), desk.grid(symbol)
    bids, asks = market.book(levels)
    now = desk.now_ms()
    return {
        "s": symbol,
        "b": [[grid.px(px), grid.qty(lots)] for px, lots in bids],
        "a": [[grid.px(px), grid.qty(lots)] for px, lots in asks],
        "ts": now,
        "u": market.book_update_id,
        "seq": market.book_update_id,
        "cts": now,
    }


def quotes(asked: Asked, desk: Desk) -> Result:
    """``tickers``."""
    category, symbol = asked.category(), asked.name()
    if category != LINEAR:
        return {"category": category, "list": []}
    names = [desk.listing(symbol, UNKNOWN_SYMBOL).symbol] if symbol else list(desk.exchange.listings)
    return {"category": category, "list": [quote_row(name, desk) for name in names]}


def quote_row(symbol: str, desk: Desk) -> Result:
    """An instrument's prices and statistics."""
    market, grid = desk.market(symbol), desk.grid(symbol)
    day, now = market.day, desk.now_ms()
    bids, asks = market.book(1)
    held = open_interest_lots(symbol, desk)
    hour = market.bars("1m", now - HOUR_MS, None, 1)
    return {
        "symbol": symbol,
        "lastPrice": grid.px(market.last_ticks),
        "indexPrice": grid.px(market.index_ticks),
        "markPrice": grid.px(market.mark_ticks),
        "prevPrice24h": grid.px(day.open),
        "price24hPcnt": share(market.last_ticks - day.open, day.open, 6),
        "highPrice24h": grid.px(day.high),
        "lowPrice24h": grid.px(day.low),
        "prevPrice1h": grid.px(hour[0].open if hour else market.last_ticks),
        "openInterest": grid.qty(held),
        "openInterestValue": grid.value(held * market.mark_ticks),
        "turnover24h": money(day.quote_volume),
        "volume24h": grid.qty(day.volume_lots),
        "fundingRate": rate(market.funding_rate_e8),
        "nextFundingTime": str(market.next_funding_ms),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "ask1Size": grid.qty(asks[0][1]) if asks else "",
        "bid1Price": grid.px(bids[0][0]) if bids else "",
        "ask1Price": grid.px(asks[0][0]) if asks else "",
        "bid1Size": grid.qty(bids[0][1]) if bids else "",
        "basis": "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
        "fundingIntervalHour": str(market.funding_interval_ms // HOUR_MS),
        "basisRateYear": "",
        "fundingCap": "0.00375",
    }


def open_interest_lots(symbol: str, desk: Desk) -> int:
    """Lots held long by all accounts (the market's own are not told)."""
    legs = (leg for account in desk.exchange.accounts.values() for leg in account.legs.values())
    return sum(leg.lots for leg in legs if leg.symbol == symbol and leg.lots > 0)


def recent_trades(asked: Asked, desk: Desk) -> Result:
    """``recent-trade``, newest first."""
    category, limit = asked.category(), asked.whole("limit", 1, 1000, 500)
    symbol = asked.needed("symbol")
    if category != LINEAR:
        return {"category": category, "list": []}
    trades = list(desk.market(desk.listing(symbol, UNKNOWN_SYMBOL).symbol).recent_trades)[-limit:]
    return {"category": category, "list": [_trade_row(trade, desk) for trade in reversed(trades)]}


def trade_id(trade: TradePrinted) -> str:
    """The id of a public trade."""
    return ids.id_of(Kind.TRADE, trade.number)


def _trade_row(trade: TradePrinted, desk: Desk) -> Result:
    grid = desk.grid(trade.symbol)
    return {
        "execId": trade_id(trade),
        "symbol": trade.symbol,
        "price": grid.px(trade.px_ticks),
        "size": grid.qty(trade.lots),
        "side": SIDES[trade.taker_side],
        "time": str(trade.ts_ms),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(trade.number),
    }


# ---------------------------------------------------------------- history
def funding_history(asked: Asked, desk: Desk) -> Result:
    """``funding/history``, newest first; a start needs an end."""
    category, limit = asked.category(), asked.whole("limit", 1, 200, 200)
    start, end = asked.moment("startTime"), asked.moment("endTime")
    symbol = asked.needed("symbol")
    if start is not None and end is None:
        raise parameter("params error: endTime is empty")
    if category != LINEAR:
        return {"category": category, "list": []}
    known = desk.market(desk.listing(symbol, UNKNOWN_SYMBOL).symbol).settlements
    chosen = [one for one in known if (start or 0) <= one.ts_ms <= (end if end is not None else 10**15)]
    rows = [_funding_row(one) for one in reversed(chosen[-limit:])]
    return {"category": category, "list": rows}


def _funding_row(one: FundingChanged) -> Result:
    return {
        "symbol": one.symbol,
        "fundingRate": rate(one.rate_e8),
        "fundingRateTimestamp": str(one.ts_ms),
    }


def open_interest(asked: Asked, desk: Desk) -> Result:
    """``open-interest``: of now; the exchange keeps no history of it."""
    steps = {"5min": 300, "15min": 900, "30min": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400}
    category = asked.category()
    step = steps[asked.one_of("intervalTime", tuple(steps)) or _missing("intervalTime")] * 1000
    symbol = asked.needed("symbol")
    if category != LINEAR:
        return {"symbol": symbol, "category": category, "list": [], "nextPageCursor": ""}
    grid = desk.grid(desk.listing(symbol, UNKNOWN_SYMBOL).symbol)
    held, now = open_interest_lots(symbol, desk), desk.now_ms()
    rows = [(now - now % step, grid.qty(2 * held), grid.qty(held))]
    chosen, cursor = page(rows, asked, lambda row: row[0], limit=50, most=200)
    told = [
        {"openInterest": both, "singleOpenInterest": one, "timestamp": str(ts)} for ts, both, one in chosen
    ]
    return {"symbol": symbol, "category": category, "list": told, "nextPageCursor": cursor}


def _missing(name: str) -> str:
    raise parameter(f"params error: {name} is empty")


def insurance(asked: Asked, desk: Desk) -> Result:
    """``insurance``: the exchange's one fund."""
    coin = asked.name("coin")
    balance = money(desk.exchange.ledger.balance(INSURANCE))
    rows = [{"coin": "USDT", "symbols": "", "balance": balance, "value": balance}]
    return {"updatedTime": str(desk.now_ms()), "list": rows if coin in ("", "USDT") else []}


def account_ratio(asked: Asked, desk: Desk) -> Result:
    """``account-ratio``: the venue counts its users; here is nobody to count."""
    asked.category()
    asked.needed("symbol")
    return {"list": [], "nextPageCursor": ""}


def deliveries(asked: Asked, desk: Desk) -> Result:
    """``delivery-price``: perpetuals are not delivered."""
    return {"category": asked.category(), "list": [], "nextPageCursor": ""}


def system_status(asked: Asked, desk: Desk) -> Result:
    """``system/status``: no maintenance is announced."""
    return {"list": []}
