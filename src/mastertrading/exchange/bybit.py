"""Bybit V5 linear: where things are asked.

One endpoint takes plain and conditional orders. A good reply says only that a request was taken. Orders are looked
for in *realtime*, which forgets when the venue restarts, and then in the history; by ccxt's own ``fetch_order`` they
would be asked for with the id ``None``. Addresses and limits are those of its V5 documents.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from mastertrading.domain.errors import ExchangeUnavailable
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
from mastertrading.domain.market import DAY_MS, HOUR_MS, MINUTE_MS
from mastertrading.domain.orders import (
    BUY,
    AccountFacts,
    Balance,
    Fill,
    MarginMode,
    Order,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Payment,
    Position,
    Setup,
    TimeInForce,
    TriggerBy,
)
from mastertrading.exchange import bybit_words as words
from mastertrading.exchange.budget import Limit, Priority
from mastertrading.exchange.connection import Endpoint
from mastertrading.exchange.decode import Row, add_once, listed
from mastertrading.exchange.feed import Dialect, Start
from mastertrading.exchange.gateway import VenueGateway, plain
from mastertrading.exchange.lookup import Place, look_up
from mastertrading.exchange.series import length_ms

QUOTE = "USDT"
WEEK_MS = 7 * DAY_MS
LINEAR = {"category": "linear"}
IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
WATCHED = {by: name for name, by in words.WATCHED.items()}
BOOK_MOST = 500
CHARGES_AT_ONCE = 200
"""Newest first: a window that may hold more is cut; no venue charges more often than hourly."""


def _ask(name: str, group: str = "", method: str = "GET") -> Endpoint:
    return Endpoint(name, method, {"address": 1.0, **({group: 1.0} if group else {})})


PLACE, CANCEL = (
    _ask("privatePostV5OrderCreate", "create", "POST"),
    _ask("privatePostV5OrderCancel", "cancel", "POST"),
)
REALTIME, HISTORY = _ask("privateGetV5OrderRealtime", "reads"), _ask("privateGetV5OrderHistory", "reads")
FILLS, POSITIONS = _ask("privateGetV5ExecutionList", "reads"), _ask("privateGetV5PositionList", "reads")
WALLET, ACCOUNT = _ask("privateGetV5AccountWalletBalance", "reads"), _ask("privateGetV5AccountInfo", "reads")
RIGHTS, BOOKINGS = _ask("privateGetV5UserQueryApi"), _ask("privateGetV5AccountTransactionLog", "log")
SET_LEVERAGE = _ask("privatePostV5PositionSetLeverage", "settings", "POST")
SET_MARGIN = _ask("privatePostV5AccountSetMarginMode", "settings", "POST")
SET_MODE = _ask("privatePostV5PositionSwitchMode", "settings", "POST")
LADDERS, BARS = _ask("publicGetV5MarketRiskLimit"), _ask("publicGetV5MarketKline")
TICKERS, DEPTH = _ask("publicGetV5MarketTickers"), _ask("publicGetV5MarketOrderbook")
CHARGED = _ask("publicGetV5MarketFundingHistory")
TOPICS = ("order", "execution", "position", "wallet")


def market_streams(ccxt: Any, names: Sequence[str], timeframe: str) -> Sequence[Start]:
    """Bars, and prices with marks and funding."""
    return (
        lambda: ccxt.watch_ohlcv_for_symbols([[name, timeframe] for name in names]),
        lambda: ccxt.watch_tickers(list(names)),
    )


def account_streams(ccxt: Any) -> Sequence[Start]:
    """Orders, executions, positions and money, each a topic of its own."""
    return (ccxt.watch_orders, ccxt.watch_my_trades, ccxt.watch_positions, ccxt.watch_balance)


def market_events(gateway: VenueGateway, message: Any) -> Iterable[MarketEvent]:
    """What a public frame says."""
    topic = message.get("topic", "") if isinstance(message, Mapping) else ""
    kind, _, rest = str(topic).partition(".")
    if kind == "kline":
        row = Row(message, f"bars of {gateway.name}")
        market_id = rest.partition(".")[2]
        return [words.streamed_bar(bar, market_id, gateway.symbol_of) for bar in row.rows("data")]
    if kind == "tickers":
        row = Row(message, f"prices of {gateway.name}")
        return words.streamed_prices(
            row.row("data"), row.time_ms("ts"), gateway.symbol_of, gateway.funding_told
        )
    return ()


def account_events(gateway: VenueGateway, message: Any) -> Iterable[AccountEvent]:
    """What a frame of the private connection says."""
    if not isinstance(message, Mapping):
        return ()
    topic = str(message.get("topic", "")).partition(".")[0]
    if topic not in TOPICS:
        subscribed = message.get("op") == "subscribe" and message.get("success") is not False
        return (StreamGap("account", "", gateway.now_ms(), gateway.now_ms()),) if subscribed else ()
    row = Row(message, f"news of {gateway.name}")
    moment = row.time_ms("creationTime")
    rows = [one for one in row.rows("data") if one.text_or("category", "linear") == "linear"]
    if topic == "order":
        return [words.order_of(one, gateway.symbol_of) for one in rows]
    if topic == "execution":
        fills = (words.fill_of(one, gateway.symbol_of) for one in rows)
        return [fill for fill in fills if fill is not None]
    if topic == "position":
        return [AccountNews("positions", gateway.symbol_of(one.text("symbol")), moment) for one in rows]
    return (AccountNews("balance", "", moment),)


MARGIN_FRESH_S = 60.0
"""A list of positions says so long what the account's margin mode was; before an entry it is always asked for."""


class BybitGateway(VenueGateway):
    """One unified account at Bybit V5, its linear perpetuals."""

    name = "bybit_linear"
    exchange_id = "bybit"
    codes = words.CODES
    limits = (
        Limit("address", 600, 5.0),
        Limit("create", 10, 1.0),
        Limit("cancel", 10, 1.0),
        Limit("reads", 50, 1.0),
        Limit("log", 25, 1.0),
        Limit("settings", 5, 1.0),
    )
    options: ClassVar[Mapping[str, Any]] = {
        "fetchMarkets": {"types": ["linear"]},
        "recvWindow": 5_000,
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "unifiedMarginStatus": 6,
        "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
    }
    markets_endpoint = Endpoint("publicGetV5MarketInstrumentsInfo", "GET", {"address": 2.0})
    clock_endpoint = _ask("publicGetV5MarketTime")
    dialect = Dialect(
        market_streams,
        account_streams,
        market_events,
        account_events,
        lambda address: "/private" in address,
        lambda ccxt: None,
    )
    bars_at_once = 1000
    _margin_told: tuple[float, MarginMode | None] | None = None

    def _read_clock(self, parsed: Any) -> int:
        return Row(parsed, f"the time of {self.name}").time_ms("time")

    async def _result(
        self, endpoint: Endpoint, asked: Mapping[str, Any], *, priority: Priority = Priority.USUAL
    ) -> Row:
        told = await self._read(endpoint, asked, priority=priority)
        return Row(told, f"the reply of {self.name}").row("result")

    async def _pages(
        self, endpoint: Endpoint, asked: Mapping[str, Any], *, priority: Priority = Priority.USUAL
    ) -> AsyncIterator[Row]:
        """Every row of every page."""
        cursor, seen = "", set[str]()
        while True:
            page = await self._result(
                endpoint, {**asked, **({"cursor": cursor} if cursor else {})}, priority=priority
            )
            rows = page.rows("list")
            for row in rows:
                yield row
            cursor = page.text_or("nextPageCursor")
            if not cursor or not rows:
                return
            if cursor in seen:
                raise ExchangeUnavailable(f"{self.name} gives the same page again and again")
            seen.add(cursor)

    # ---------------------------------------------------------------- contracts and account
    async def _ladders(self, symbols: Sequence[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        ladders = {}
        for symbol in symbols:
            result = await self._result(LADDERS, {**LINEAR, "symbol": self.market_id(symbol)})
            tiers = sorted(result.rows("list"), key=lambda row: row.number("riskLimitValue"))
            floors = ["0", *(row.text("riskLimitValue") for row in tiers)]
            ladders[symbol] = [
                {"minNotional": floor, "maintenanceMarginRate": row.text("maintenanceMargin")}
                for floor, row in zip(floors, tiers, strict=False)
            ]
        return ladders

    async def account_facts(self) -> AccountFacts:
        """The UID, and the rights of the key. Position modes are the instruments', see ``verify_setup``."""
        key = await self._result(RIGHTS, {})
        rights = key.row("permissions")
        wallet, trading = (rights.told.get(name) for name in ("Wallet", "ContractTrade"))
        addresses = key.told.get("ips")
        known = isinstance(wallet, list) and isinstance(trading, list)
        return AccountFacts(
            key.text("userID"),
            bool(trading) and key.text_or("readOnly", "0") == "0" if known else None,
            "Withdraw" in (wallet or ()) if known else None,
            "*" not in addresses if isinstance(addresses, list) and addresses else None,
            None,
        )

    async def balance(self) -> Balance:
        """Money in USDT; margins are the unified account's, which counts them in USD."""
        told = Row(
            await self._read(WALLET, {"accountType": "UNIFIED", "coin": QUOTE}), f"the wallet of {self.name}"
        )
        accounts = told.row("result").rows("list")
        if not accounts:
            raise ExchangeUnavailable(f"{self.name} tells of no account")
        mine = next((row for row in accounts[0].rows("coin") if row.text("coin") == QUOTE), None)
        if mine is None:
            raise ExchangeUnavailable(f"{self.name} tells of no {QUOTE}")
        return Balance(
            QUOTE,
            wallet=mine.number("walletBalance"),
            equity=mine.number("equity"),
            available=accounts[0].number("totalAvailableBalance"),
            maintenance_margin=accounts[0].number("totalMaintenanceMargin"),
            initial_margin=accounts[0].number("totalInitialMargin"),
            ts_ms=told.time_ms("time"),
        )

    async def _margin_mode(
        self, priority: Priority = Priority.USUAL, *, kept_s: float = 0.0
    ) -> MarginMode | None:
        """The account's; one that was told within the last ``kept_s`` seconds is not asked for again."""
        kept, now = self._margin_told, self.clock.monotonic()
        if kept is not None and now - kept[0] < kept_s:
            return kept[1]
        mode = words.MARGINS.get((await self._result(ACCOUNT, {}, priority=priority)).text("marginMode"))
        self._margin_told = now, mode
        return mode

    async def positions(self) -> tuple[Position, ...]:
        """Every position that is not flat."""
        margin = await self._margin_mode(Priority.PROTECTION, kept_s=MARGIN_FRESH_S)
        asked = {**LINEAR, "settleCoin": QUOTE, "limit": 200}
        rows = self._pages(POSITIONS, asked, priority=Priority.PROTECTION)
        told = [words.position_of(row, self.symbol_of, margin) async for row in rows]
        return tuple(one for one in told if one.qty != 0)

    async def setups(self, symbols: Sequence[str]) -> tuple[Setup, ...]:
        """Leverage, margin mode and position mode as they are."""
        margin = await self._margin_mode()
        return tuple([await self._setup(symbol, margin) for symbol in symbols])

    async def _setup(self, symbol: str, margin: MarginMode | None) -> Setup:
        asked = {**LINEAR, "symbol": self.market_id(symbol)}
        rows = [row async for row in self._pages(POSITIONS, asked)]
        if not rows:
            return Setup(symbol, None, None, None)
        told = words.position_of(rows[0], self.symbol_of, margin)
        return Setup(symbol, told.leverage, told.margin_mode, told.leg != "net")

    # ---------------------------------------------------------------- orders
    def _order(self, request: OrderRequest) -> tuple[Endpoint, dict[str, Any]]:
        told: dict[str, Any] = {
            **LINEAR,
            "symbol": self.market_id(request.symbol),
            "side": "Buy" if request.order_side == BUY else "Sell",
            "orderType": request.kind.value.capitalize(),
            "qty": plain(request.qty or Decimal(0)),
            "orderLinkId": request.client_id,
            "positionIdx": 0,
        }
        if request.kind is OrderKind.LIMIT and request.limit_px is not None:
            told |= {"price": plain(request.limit_px), "timeInForce": IN_FORCE[request.time_in_force]}
        if request.reduce_only:
            told["reduceOnly"] = True
        if request.trigger is not None:
            told |= {
                "triggerPrice": plain(request.trigger.px),
                "triggerDirection": 1 if request.trigger.above else 2,
                "triggerBy": WATCHED[request.trigger.by],
            }
        if request.attached_stop_px is not None:
            told |= {"stopLoss": plain(request.attached_stop_px), "slTriggerBy": WATCHED[TriggerBy.LAST]}
            told |= {"tpslMode": "Full", "slOrderType": "Market"}
        return PLACE, told

    def _placed(self, parsed: Any, request: OrderRequest) -> Order:
        """The reply holds two ids and nothing of the order's life: its status is not known yet."""
        reply = Row(parsed, f"the reply of {self.name}")
        ids, moment = reply.row("result"), reply.time_ms("time")
        return Order(
            ids.text("orderId"),
            ids.text("orderLinkId"),
            request.symbol,
            request.order_side,
            request.kind,
            OrderStatus.UNKNOWN,
            request.qty or Decimal(0),
            Decimal(0),
            moment,
            moment,
            limit_px=request.limit_px,
            trigger=request.trigger,
            time_in_force=request.time_in_force,
            reduce_only=request.reduce_only,
            conditional=request.trigger is not None,
        )

    def _cancellation(self, order: Order) -> tuple[Endpoint, dict[str, Any]]:
        by = {"orderId": order.order_id} if order.order_id else {"orderLinkId": order.client_id}
        return CANCEL, {**LINEAR, "symbol": self.market_id(order.symbol), **by}

    def _cancelled(self, parsed: Any, order: Order) -> Order:
        ids = Row(parsed, f"the reply of {self.name}").row("result")
        return replace(
            order, order_id=ids.text("orderId"), client_id=ids.text_or("orderLinkId", order.client_id)
        )

    async def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Plain and conditional ones; the venue lists the last closed ones too, which are left out."""
        by = {"settleCoin": QUOTE} if symbol is None else {"symbol": self.market_id(symbol)}
        rows = self._pages(
            REALTIME, {**LINEAR, **by, "openOnly": 0, "limit": 50}, priority=Priority.PROTECTION
        )
        told = [words.order_of(row, self.symbol_of) async for row in rows]
        return tuple(order for order in told if order.status.is_open)

    async def find_order(self, symbol: str, client_id: str) -> Order | None:
        """In realtime, then in the history: the former is emptied when the venue restarts."""
        asked = {**LINEAR, "symbol": self.market_id(symbol), "orderLinkId": client_id}

        def within(endpoint: Endpoint) -> Place:
            async def place() -> Order | None:
                told = await self._find(endpoint, asked)
                rows = (
                    [] if told is None else Row(told, f"the reply of {self.name}").row("result").rows("list")
                )
                orders = [words.order_of(row, self.symbol_of) for row in rows]
                ours = [order for order in orders if order.client_id == client_id]
                return max(ours, key=lambda order: order.created_ms, default=None)

            return place

        return await look_up((within(REALTIME), within(HISTORY)))

    def _leverage(self, symbol: str, leverage: int) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        both = {"buyLeverage": str(leverage), "sellLeverage": str(leverage)}
        return SET_LEVERAGE, {**LINEAR, "symbol": self.market_id(symbol), **both}, _succeeded

    def _margin(
        self, symbol: str, mode: MarginMode
    ) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        name = next(name for name, meant in words.MARGINS.items() if meant is mode)
        return SET_MARGIN, {"setMarginMode": name}, _succeeded

    def _one_way(self) -> tuple[Endpoint, dict[str, Any], Callable[[Any], bool]]:
        return SET_MODE, {**LINEAR, "coin": QUOTE, "mode": 0}, _succeeded

    # ---------------------------------------------------------------- history
    async def fills(self, symbol: str, since_ms: int) -> tuple[Fill, ...]:
        """Week by week, page by page; the venue gives the newest first."""
        found: dict[str, Fill] = {}
        until = self.now_ms() + 1
        for start in range(since_ms, until, WEEK_MS):
            window = {"startTime": start, "endTime": min(start + WEEK_MS, until) - 1, "limit": 100}
            async for row in self._pages(FILLS, {**LINEAR, "symbol": self.market_id(symbol), **window}):
                fill = words.fill_of(row, self.symbol_of)
                if fill is not None and fill.ts_ms >= since_ms:
                    add_once(found, fill.fill_id, fill)
        newest_first = list(found.values())
        return tuple(sorted(reversed(newest_first), key=lambda fill: fill.ts_ms))

    async def payments(self, since_ms: int) -> tuple[Payment, ...]:
        """Bookings of the wallet but those of fills."""
        found: dict[str, Payment] = {}
        until = self.now_ms() + 1
        for start in range(since_ms, until, WEEK_MS):
            window = {"startTime": start, "endTime": min(start + WEEK_MS, until) - 1, "limit": 50}
            async for row in self._pages(BOOKINGS, {"accountType": "UNIFIED", "currency": QUOTE, **window}):
                payment = words.payment_of(row, self.symbol_of)
                if payment is not None:
                    found[payment.payment_id] = payment
        return tuple(sorted(found.values(), key=lambda one: (one.ts_ms, one.payment_id)))

    # ---------------------------------------------------------------- market
    async def _bars_page(self, symbol: str, timeframe: str, first_ms: int, last_ms: int) -> Sequence[Bar]:
        window = {"start": first_ms, "end": last_ms - 1, "limit": self.bars_at_once}
        asked = {
            **LINEAR,
            "symbol": self.market_id(symbol),
            "interval": words.interval_of(timeframe),
            **window,
        }
        told = (await self._result(BARS, asked)).told.get("list")
        if not isinstance(told, list):
            raise ExchangeUnavailable(f"{self.name} gave no list of bars")
        return [words.bar_of(one, symbol, timeframe, length_ms(timeframe)) for one in told]

    async def funding(self, symbol: str) -> Funding:
        """The next charge; its interval is said there or with the contract."""
        told = Row(
            await self._read(TICKERS, {**LINEAR, "symbol": self.market_id(symbol)}), f"prices of {self.name}"
        )
        rows = told.row("result").rows("list")
        if not rows:
            raise ExchangeUnavailable(f"{self.name} tells no funding of {symbol}")
        hours, minutes = rows[0].number_or_none("fundingIntervalHour"), self._market(symbol)["info"]
        interval = int(hours * HOUR_MS) if hours else int(minutes.get("fundingInterval") or 0) * MINUTE_MS
        return Funding(
            symbol,
            rows[0].number("fundingRate"),
            rows[0].time_ms("nextFundingTime"),
            interval or None,
            told.time_ms("time"),
        )

    async def settlements(self, symbol: str, since_ms: int) -> tuple[Settlement, ...]:
        """Charges; a window tells its newest two hundred."""
        found: dict[int, Settlement] = {}
        until, asked = self.now_ms() + 1, {**LINEAR, "symbol": self.market_id(symbol)}
        step_ms = (CHARGES_AT_ONCE - 1) * HOUR_MS
        for start in range(since_ms, until, step_ms):
            window = {"startTime": start, "endTime": min(start + step_ms, until), "limit": CHARGES_AT_ONCE}
            for row in (await self._result(CHARGED, {**asked, **window})).rows("list"):
                at_ms = row.time_ms("fundingRateTimestamp")
                found[at_ms] = Settlement(symbol, at_ms, row.number("fundingRate"))
        return tuple(found[at] for at in sorted(found) if at >= since_ms)

    async def book(self, symbol: str, levels: int = 20) -> Book:
        """The best levels."""
        asked = {**LINEAR, "symbol": self.market_id(symbol), "limit": min(levels, BOOK_MOST)}
        row = await self._result(DEPTH, asked)
        sides = []
        for name in ("b", "a"):
            told = row.told.get(name)
            if not isinstance(told, list):
                raise ExchangeUnavailable(f"the book of {symbol} lacks {name}")
            pairs = (listed(one, ("px", "qty"), f"a level of {symbol}") for one in told)
            sides.append(tuple((pair.number("px"), pair.number("qty")) for pair in pairs))
        return Book(symbol, sides[0], sides[1], row.time_ms("ts"))


def _succeeded(told: Mapping[str, Any]) -> bool:
    return str(told.get("retCode")) == "0"
