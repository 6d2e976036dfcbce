"""Binance USDⓈ-M: where things are asked.

Its conditional orders live in a book of their own (``algoOrder``), with ids of their own; a triggered one becomes an
order with another id. Addresses and weights are those of its documents for USDⓈ-M futures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from mastertrading.domain.errors import ExchangeRefused, ExchangeUnavailable
from mastertrading.domain.feed import (
    AccountEvent,
    AccountNews,
    Bar,
    Book,
    Funding,
    MarketEvent,
    Settlement,
    StreamGap,
)
from mastertrading.domain.market import DAY_MS, HOUR_MS
from mastertrading.domain.orders import (
    BUY,
    AccountFacts,
    Balance,
    Fill,
    MarginMode,
    Order,
    OrderKind,
    OrderRequest,
    Payment,
    Position,
    Setup,
    TimeInForce,
    TriggerBy,
)
from mastertrading.exchange import binance_words as words
from mastertrading.exchange.budget import Limit, Priority
from mastertrading.exchange.connection import Endpoint
from mastertrading.exchange.decode import Row, listed, rows_of
from mastertrading.exchange.feed import Dialect, Start
from mastertrading.exchange.gateway import VenueGateway, plain
from mastertrading.exchange.lookup import look_up
from mastertrading.exchange.modes import Mode

QUOTE = "USDT"
WEEK_MS = 7 * DAY_MS
PAGE = 1000
IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "GTX",
}
WATCHED = {TriggerBy.LAST: "CONTRACT_PRICE", TriggerBy.MARK: "MARK_PRICE"}
BOOK_LEVELS = (5, 10, 20, 50, 100, 500, 1000)
INCOME = {"FUNDING_FEE": "funding", "TRANSFER": "transfer", "INSURANCE_CLEAR": "insurance"}
OF_FILLS = ("REALIZED_PNL", "COMMISSION")
"""Bookings that the fills tell already."""


def _ip(weight: float, name: str, method: str = "GET") -> Endpoint:
    return Endpoint(name, method, {"weight": weight})


def _order(name: str, method: str) -> Endpoint:
    costs = {"orders_10s": 1.0, "orders_1m": 1.0} if method == "POST" else {}
    return Endpoint(name, method, {"weight": 1.0, **costs})


PLACE, PLACE_ALGO = _order("fapiPrivatePostOrder", "POST"), _order("fapiPrivatePostAlgoOrder", "POST")
CANCEL, CANCEL_ALGO = (
    _order("fapiPrivateDeleteOrder", "DELETE"),
    _order("fapiPrivateDeleteAlgoOrder", "DELETE"),
)
ORDER, ALGO_ORDER = _ip(1, "fapiPrivateGetOrder"), _ip(1, "fapiPrivateGetAlgoOrder")
OPEN, OPEN_ALL = _ip(1, "fapiPrivateGetOpenOrders"), _ip(40, "fapiPrivateGetOpenOrders")
OPEN_ALGO, OPEN_ALGO_ALL = _ip(1, "fapiPrivateGetOpenAlgoOrders"), _ip(40, "fapiPrivateGetOpenAlgoOrders")
FORCED = _ip(20, "fapiPrivateGetForceOrders")
FILLS, INCOME_LIST = _ip(5, "fapiPrivateGetUserTrades"), _ip(30, "fapiPrivateGetIncome")
POSITIONS, SETUP = _ip(5, "fapiPrivateV3GetPositionRisk"), _ip(5, "fapiPrivateV2GetPositionRisk")
ACCOUNT, BALANCES = _ip(5, "fapiPrivateV3GetAccount"), _ip(5, "fapiPrivateV3GetBalance")
POSITION_MODE, RIGHTS = _ip(30, "fapiPrivateGetPositionSideDual"), Endpoint("sapiGetAccountApiRestrictions")
SET_MODE = _ip(1, "fapiPrivatePostPositionSideDual", "POST")
SET_LEVERAGE, SET_MARGIN = (
    _ip(1, "fapiPrivatePostLeverage", "POST"),
    _ip(1, "fapiPrivatePostMarginType", "POST"),
)
LADDERS, INTERVALS = _ip(1, "fapiPrivateGetLeverageBracket"), _ip(1, "fapiPublicGetFundingInfo")
BARS, CHARGED, PREMIUM, DEPTH = (
    _ip(5, "fapiPublicGetKlines"),
    _ip(1, "fapiPublicGetFundingRate"),
    _ip(1, "fapiPublicGetPremiumIndex"),
    _ip(5, "fapiPublicGetDepth"),
)


def market_streams(ccxt: Any, names: Sequence[str], timeframe: str) -> Sequence[Start]:
    """Bars, best levels and marks."""
    return (
        lambda: ccxt.watch_ohlcv_for_symbols([[name, timeframe] for name in names]),
        lambda: ccxt.watch_bids_asks(list(names)),
        lambda: ccxt.watch_mark_prices(list(names)),
    )


def account_streams(ccxt: Any) -> Sequence[Start]:
    """One user stream tells everything."""
    return (ccxt.watch_orders,)


def market_events(gateway: VenueGateway, message: Any) -> Iterable[MarketEvent]:
    """What a public frame says."""
    event = message.get("e") if isinstance(message, Mapping) else None
    if event not in ("kline", "bookTicker", "markPriceUpdate"):
        return ()
    row = Row(message, f"a {event} of {gateway.name}")
    if event == "kline":
        return (words.streamed_bar(row, gateway.symbol_of),)
    if event == "bookTicker":
        return (words.streamed_quote(row, gateway.symbol_of),)
    return words.streamed_mark(row, gateway.symbol_of)


def account_events(gateway: VenueGateway, message: Any) -> Iterable[AccountEvent]:
    """What a frame of the user stream says."""
    event = message.get("e") if isinstance(message, Mapping) else None
    row = Row(message, f"a {event} of {gateway.name}") if event else None
    if row is None:
        return ()
    if event == "ORDER_TRADE_UPDATE":
        return tuple(one for one in words.streamed_order(row, gateway.symbol_of) if one is not None)
    if event == "ALGO_UPDATE":
        return (words.streamed_algo(row, gateway.symbol_of),)
    if event == "listenKeyExpired":
        gateway.throw_away_account_stream()
        return (StreamGap("account", "", row.time_ms("E"), row.time_ms("E")),)
    if event == "ACCOUNT_UPDATE":
        return tuple(_account_news(row, gateway.symbol_of))
    if event in ("ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL"):
        return (AccountNews("settings" if "CONFIG" in event else "positions", "", row.time_ms("E")),)
    return ()


def _account_news(row: Row, symbols: words.Symbols) -> Iterable[AccountNews]:
    about, moment = row.row("a"), row.time_ms("E")
    for position in about.rows("P") if about.told.get("P") else ():
        yield AccountNews("positions", symbols(position.text("s")), moment)
    if about.told.get("B"):
        yield AccountNews("balance", "", moment)


def renew(ccxt: Any) -> None:
    """A listen key that died would be used again: forget it."""
    ccxt.options["linear"] = {}


class BinanceGateway(VenueGateway):
    """One account at Binance USDⓈ-M."""

    name = "binance_usdm"
    exchange_id = "binanceusdm"
    codes = words.CODES
    limits = (
        Limit("weight", 2400, 60.0, "x-mbx-used-weight-1m"),
        Limit("orders_10s", 300, 10.0, "x-mbx-order-count-10s"),
        Limit("orders_1m", 1200, 60.0, "x-mbx-order-count-1m"),
    )
    options: ClassVar[Mapping[str, Any]] = {
        "fetchCurrencies": False,
        "recvWindow": 5_000,
        "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
        "watchBalance": {"fetchBalanceSnapshot": False, "awaitBalanceSnapshot": False},
        "watchOrders": {},
    }
    markets_endpoint = _ip(1, "fapiPublicGetExchangeInfo")
    clock_endpoint = _ip(1, "fapiPublicGetTime")
    dialect = Dialect(
        market_streams,
        account_streams,
        market_events,
        account_events,
        lambda address: "/private" in address or "listenKey" in address,
        renew,
    )
    bars_at_once = 1000

    def _read_clock(self, parsed: Any) -> int:
        return Row(parsed, f"the time of {self.name}").time_ms("serverTime")

    def _rows(self, told: Any, what: str) -> list[Row]:
        return list(rows_of(told, f"{what} of {self.name}"))

    # ---------------------------------------------------------------- contracts and account
    async def _ladders(self, symbols: Sequence[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        if not self.signs:
            return {}
        ladders = {}
        for row in self._rows(await self._read(LADDERS), "the margin ladders"):
            steps = row.rows("brackets")
            ladders[self.symbol_of(row.text("symbol"))] = [
                {
                    "minNotional": s.number("notionalFloor"),
                    "maintenanceMarginRate": s.number("maintMarginRatio"),
                }
                for s in steps
            ]
        return ladders

    async def account_facts(self) -> AccountFacts:
        """The alias of the account, and what another host tells of the key; that host serves live keys only."""
        mode = Row(await self._read(POSITION_MODE), "the position mode")
        rows = self._rows(await self._read(BALANCES), "the balances")
        alias = rows[0].text("accountAlias") if rows else ""
        rights = await self._rights()
        if rights is None:
            return AccountFacts(alias, None, None, None, mode.flag("dualSidePosition"))
        return AccountFacts(
            alias,
            rights.flag("enableFutures"),
            rights.flag("enableWithdrawals"),
            rights.flag("ipRestrict"),
            mode.flag("dualSidePosition"),
        )

    async def _rights(self) -> Row | None:
        if self.permit.mode is not Mode.LIVE:
            return None
        try:
            return Row(await self._read(RIGHTS), "the rights of the key")
        except ExchangeRefused:
            return None

    async def balance(self) -> Balance:
        """Money in USDT."""
        account = Row(await self._read(ACCOUNT), f"the account of {self.name}")
        mine = next((row for row in account.rows("assets") if row.text("asset") == QUOTE), None)
        if mine is None:
            raise ExchangeUnavailable(f"{self.name} tells of no {QUOTE}")
        return Balance(
            QUOTE,
            wallet=mine.number("walletBalance"),
            equity=mine.number("marginBalance"),
            available=mine.number("availableBalance"),
            maintenance_margin=mine.number("maintMargin"),
            initial_margin=mine.number("initialMargin"),
            ts_ms=self.now_ms(),
        )

    async def positions(self) -> tuple[Position, ...]:
        """Every position that is not flat."""
        rows = self._rows(await self._read(POSITIONS, priority=Priority.PROTECTION), "the positions")
        return tuple(one for row in rows if (one := words.position_of(row, self.symbol_of)).qty != 0)

    async def setups(self, symbols: Sequence[str]) -> tuple[Setup, ...]:
        """Leverage, margin mode and position mode as they are."""
        mode = Row(await self._read(POSITION_MODE), "the position mode").flag("dualSidePosition")
        rows = self._rows(await self._read(SETUP), "the set-up")
        told = {one.symbol: one for one in (words.position_of(row, self.symbol_of) for row in rows)}
        known = ((symbol, told.get(symbol)) for symbol in symbols)
        return tuple(
            Setup(symbol, one.leverage, one.margin_mode, mode) if one else Setup(symbol, None, None, mode)
            for symbol, one in known
        )

    # ---------------------------------------------------------------- orders
    def _order(self, request: OrderRequest) -> tuple[Endpoint, dict[str, Any]]:
        told: dict[str, Any] = {
            "symbol": self.market_id(request.symbol),
            "side": "BUY" if request.order_side == BUY else "SELL",
            "type": request.kind.value.upper(),
        }
        if request.qty is not None and not request.close_position:
            told["quantity"] = plain(request.qty)
        if request.kind is OrderKind.LIMIT and request.limit_px is not None:
            told |= {"price": plain(request.limit_px), "timeInForce": IN_FORCE[request.time_in_force]}
        if request.close_position:  # excludes reduceOnly, which it implies
            told["closePosition"] = "true"
        elif request.reduce_only:
            told["reduceOnly"] = "true"
        if request.trigger is None:
            return PLACE, {**told, "newClientOrderId": request.client_id, "newOrderRespType": "RESULT"}
        stops = (request.order_side == BUY) == request.trigger.above
        name = "STOP" if stops else "TAKE_PROFIT"
        return PLACE_ALGO, {
            **told,
            "algoType": "CONDITIONAL",
            "type": name if request.kind is OrderKind.LIMIT else f"{name}_MARKET",
            "triggerPrice": plain(request.trigger.px),
            "workingType": WATCHED[request.trigger.by],
            "clientAlgoId": request.client_id,
        }

    def _cannot(self, request: OrderRequest) -> str:
        if request.trigger is not None and request.trigger.by not in WATCHED:
            return f"{self.name} watches no {request.trigger.by.value} price"
        if request.close_position and request.trigger is None:
            return f"{self.name} closes a position of any size only with a trigger"
        return super()._cannot(request)

    def _placed(self, parsed: Any, request: OrderRequest) -> Order:
        row = Row(parsed, f"an order of {self.name}")
        if request.trigger is not None:
            return words.algo_order_of(row, self.symbol_of)
        return words.order_of(row, self.symbol_of)

    def _cancellation(self, order: Order) -> tuple[Endpoint, dict[str, Any]]:
        if order.conditional:
            by = {"algoId": order.order_id} if order.order_id else {"clientAlgoId": order.client_id}
            return CANCEL_ALGO, by
        by = {"orderId": order.order_id} if order.order_id else {"origClientOrderId": order.client_id}
        return CANCEL, {"symbol": self.market_id(order.symbol), **by}

    def _cancelled(self, parsed: Any, order: Order) -> Order:
        row = Row(parsed, f"a cancelled order of {self.name}")
        if not order.conditional:
            return words.order_of(row, self.symbol_of)
        return _same_with(order, row.text("algoId"), row.text("clientAlgoId"))

    async def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Both books."""
        asked = {} if symbol is None else {"symbol": self.market_id(symbol)}
        plain_book, algo_book = (OPEN_ALL, OPEN_ALGO_ALL) if symbol is None else (OPEN, OPEN_ALGO)
        orders = await self._read(plain_book, asked, priority=Priority.PROTECTION)
        algos = await self._read(algo_book, asked, priority=Priority.PROTECTION)
        return (
            *(words.order_of(row, self.symbol_of) for row in self._rows(orders, "the open orders")),
            *(
                words.algo_order_of(row, self.symbol_of)
                for row in self._rows(algos, "the conditional orders")
            ),
        )

    async def find_order(self, symbol: str, client_id: str) -> Order | None:
        """In the plain book, then in that of conditional orders."""
        market_id = self.market_id(symbol)

        async def in_plain() -> Order | None:
            told = await self._find(ORDER, {"symbol": market_id, "origClientOrderId": client_id})
            return (
                None
                if told is None
                else words.order_of(Row(told, f"an order of {self.name}"), self.symbol_of)
            )

        async def in_conditional() -> Order | None:
            told = await self._find(ALGO_ORDER, {"clientAlgoId": client_id})
            row = None if told is None else Row(told, f"a conditional order of {self.name}")
            return None if row is None else words.algo_order_of(row, self.symbol_of)

        return await look_up((in_plain, in_conditional))

    def _leverage(self, symbol: str, leverage: int) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        asked = {"symbol": self.market_id(symbol), "leverage": leverage}
        return SET_LEVERAGE, asked, lambda told: str(told.get("leverage")) == str(leverage)

    def _margin(
        self, symbol: str, mode: MarginMode
    ) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        name = "CROSSED" if mode is MarginMode.CROSS else "ISOLATED"
        return SET_MARGIN, {"symbol": self.market_id(symbol), "marginType": name}, _succeeded

    def _one_way(self) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        return SET_MODE, {"dualSidePosition": "false"}, _succeeded

    # ---------------------------------------------------------------- history
    async def fills(self, symbol: str, since_ms: int) -> tuple[Fill, ...]:
        """Week by week, and on by id where a week has more than a page."""
        found: dict[str, Fill] = {}
        until = self.now_ms() + 1
        for start in range(since_ms, until, WEEK_MS):
            asked = {"symbol": self.market_id(symbol), "limit": PAGE}
            page = await self._fills_page(
                {**asked, "startTime": start, "endTime": min(start + WEEK_MS, until) - 1}
            )
            while page:
                found |= {fill.fill_id: fill for fill in page}
                if len(page) < PAGE:
                    break
                last = max(int(fill.fill_id) for fill in page)
                page = await self._fills_page({**asked, "fromId": last + 1})
        kept = (fill for fill in found.values() if fill.ts_ms >= since_ms)
        return tuple(sorted(kept, key=lambda fill: (fill.ts_ms, int(fill.fill_id))))

    async def explain(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """A fill says nothing of liquidation or deleveraging: the list of forced orders does."""
        causes: dict[tuple[str, str], str] = {}
        for symbol in {fill.symbol for fill in fills}:
            since_ms = min(fill.ts_ms for fill in fills if fill.symbol == symbol) - HOUR_MS
            asked = {"symbol": self.market_id(symbol), "startTime": since_ms, "limit": 100}
            for row in self._rows(await self._read(FORCED, asked), "the forced orders"):
                order_id, name = row.text("orderId"), row.text_or("clientOrderId")
                causes[symbol, order_id] = words.cause_of(name)
        return tuple(
            replace(fill, cause=causes.get((fill.symbol, fill.order_id), fill.cause)) for fill in fills
        )

    async def _fills_page(self, asked: Mapping[str, Any]) -> list[Fill]:
        rows = self._rows(await self._read(FILLS, asked), "the fills")
        return [words.fill_of(row, self.symbol_of) for row in rows]

    async def payments(self, since_ms: int) -> tuple[Payment, ...]:
        """Bookings but those of fills; what comes in one millisecond with a page's end is asked for again."""
        found: dict[str, Payment] = {}
        start, until = since_ms, self.now_ms()
        while start <= until:
            end = min(start + WEEK_MS - 1, until)
            asked = {"startTime": start, "endTime": end, "limit": PAGE}
            rows = self._rows(await self._read(INCOME_LIST, asked), "the bookings")
            found |= {one.payment_id: one for row in rows if (one := self._payment(row)) is not None}
            last = max((row.time_ms("time") for row in rows), default=end)
            if len(rows) >= PAGE and last == start:
                raise ExchangeUnavailable(f"{self.name} has more bookings in a millisecond than a page holds")
            start = last if len(rows) >= PAGE else end + 1
        return tuple(sorted(found.values(), key=lambda one: (one.ts_ms, one.payment_id)))

    def _payment(self, row: Row) -> Payment | None:
        told = row.text("incomeType")
        if told in OF_FILLS:
            return None
        kind, amount = INCOME.get(told, "other"), row.number("income")
        market_id = row.text_or("symbol")
        return Payment(
            f"{told}:{row.text('tranId')}:{market_id}",
            kind,
            self.symbol_of(market_id) if market_id else "",
            -amount if kind == "funding" else amount,
            row.text("asset"),
            row.time_ms("time"),
        )

    # ---------------------------------------------------------------- market
    async def _bars_page(self, symbol: str, timeframe: str, first_ms: int, last_ms: int) -> Sequence[Bar]:
        asked = {
            "symbol": self.market_id(symbol),
            "interval": timeframe,
            "startTime": first_ms,
            "endTime": last_ms - 1,
            "limit": self.bars_at_once,
        }
        told = await self._read(BARS, asked)
        return [words.bar_of(one, symbol, timeframe) for one in told]

    async def funding(self, symbol: str) -> Funding:
        """The next charge; intervals other than eight hours are in a list of their own."""
        market_id = self.market_id(symbol)
        row = Row(await self._read(PREMIUM, {"symbol": market_id}), f"the funding of {symbol}")
        listed_apart = self._rows(await self._read(INTERVALS), "the funding intervals")
        hours = next(
            (one.whole("fundingIntervalHours") for one in listed_apart if one.text("symbol") == market_id), 8
        )
        return Funding(
            symbol,
            row.number("lastFundingRate"),
            row.time_ms("nextFundingTime"),
            hours * HOUR_MS,
            row.time_ms("time"),
        )

    async def settlements(self, symbol: str, since_ms: int) -> tuple[Settlement, ...]:
        """Charges, oldest first; a page tells at most a thousand."""
        found: dict[int, Settlement] = {}
        start, asked = since_ms, {"symbol": self.market_id(symbol), "limit": PAGE}
        while start <= self.now_ms():
            told = await self._read(CHARGED, {**asked, "startTime": start})
            rows = self._rows(told, f"the charges of {symbol}")
            for row in rows:
                at_ms = row.time_ms("fundingTime")
                found[at_ms] = Settlement(symbol, at_ms, row.number("fundingRate"))
            if len(rows) < PAGE:
                break
            start = max(found) + 1
        return tuple(found[at] for at in sorted(found) if at >= since_ms)

    async def book(self, symbol: str, levels: int = 20) -> Book:
        """The best levels."""
        most = next((count for count in BOOK_LEVELS if count >= levels), BOOK_LEVELS[-1])
        row = Row(
            await self._read(DEPTH, {"symbol": self.market_id(symbol), "limit": most}),
            f"the book of {symbol}",
        )
        sides = []
        for name in ("bids", "asks"):
            told = row.told.get(name)
            if not isinstance(told, list):
                raise ExchangeUnavailable(f"the book of {symbol} lacks {name}")
            pairs = (listed(one, ("px", "qty"), f"a level of {symbol}") for one in told[:levels])
            sides.append(tuple((pair.number("px"), pair.number("qty")) for pair in pairs))
        return Book(symbol, sides[0], sides[1], row.time_ms("E"))


def _succeeded(told: Mapping[str, Any]) -> bool:
    return str(told.get("code")) == "200"


def _same_with(order: Order, order_id: str, client_id: str) -> Order:
    return replace(order, order_id=order_id, client_id=client_id)
