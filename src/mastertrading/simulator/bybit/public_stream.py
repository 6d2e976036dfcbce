"""``/v5/public/linear``: prices, books, trades, bars and liquidations for everybody.

Each topic is written once, whoever listens. A ticker's delta holds what changed since the topic's last frame; a book's
delta the levels that changed (size 0: gone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.simulator.bybit.bars import INTERVALS, interval_of, turnover
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.market import quote_row, trade_id
from mastertrading.simulator.bybit.numbers import rate, share
from mastertrading.simulator.bybit.rendering import SIDES
from mastertrading.simulator.bybit.sessions import Frame, StreamSession, dumps
from mastertrading.simulator.events import (
    BarChanged,
    BookChanged,
    Event,
    FundingChanged,
    OrderChanged,
    PriceMoved,
    TradePrinted,
)
from mastertrading.simulator.orders import Cause
from mastertrading.simulator.wire import Send

_UNTOLD = ("predictedDeliveryPrice", "basisRate", "deliveryFeeRate", "deliveryTime", "basis", "preQty")
"""Of the REST ticker what the stream of a perpetual does not tell."""


class PublicSession(StreamSession):
    """A connection to the public stream."""

    echoes_empty_id = True

    def __init__(self, hub: PublicHub, send: Send, connection: str, category: str) -> None:
        super().__init__(hub.desk, send, connection, hub.leave)
        self._hub, self._category = hub, category

    def _objection(self, topics: list[str]) -> str:
        if sum(len(topic) for topic in (*self.topics, *topics)) > self.desk.rules.args_characters:
            return "error:args size is over the limit"
        return super()._objection(topics)

    def _serves(self, topic: str) -> bool:
        return self._category == "linear" and self._hub.serves(topic)

    def _begin(self, topics: list[str]) -> None:
        for topic in topics:
            self._hub.join(topic, self)

    def _end(self, topics: list[str]) -> None:
        for topic in topics:
            self._hub.part(topic, self)


class PublicHub:
    """Who listens to which topic, and what each topic told last."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._listeners: dict[str, list[PublicSession]] = {}
        self._tickers: dict[str, Frame] = {}
        self._books: dict[str, _Book] = {}
        self._ticks: dict[str, tuple[int, str]] = {}
        self._hears: dict[type, Callable[[Any], None]] = {
            PriceMoved: self._price_moved,
            BookChanged: self._book_changed,
            TradePrinted: self._traded,
            BarChanged: self._bar_changed,
            FundingChanged: self._funding_changed,
            OrderChanged: self._order_changed,
        }

    # ------------------------------------------------------------ who listens
    @property
    def topics(self) -> frozenset[str]:
        """What somebody listens to."""
        return frozenset(self._listeners)

    def serves(self, topic: str) -> bool:
        """Whether there is such a topic."""
        name, *rest = topic.split(".")
        if not rest or rest[-1] not in self.desk.exchange.listings:
            return False
        match name, rest[:-1]:
            case (("tickers" | "publicTrade" | "allLiquidation" | "liquidation"), []):
                return True
            case "orderbook", [depth]:
                return depth.isdecimal() and depth in map(str, self.desk.rules.depths)
            case "kline", [interval]:
                return interval in INTERVALS and interval not in ("W", "M")
        return False

    def join(self, topic: str, session: PublicSession) -> None:
        """Somebody listens; tickers and books begin with a snapshot."""
        symbol = topic.rsplit(".", 1)[1]
        market = self.desk.market(symbol)
        if topic.startswith("kline."):
            market.watched.add(INTERVALS[topic.split(".")[1]])
        elif topic.startswith("tickers."):
            self._tell_ticker(topic, quote_row(symbol, self.desk))
            session.send(self._ticker_frame(topic, "snapshot", self._tickers[topic]))
        elif topic.startswith("orderbook."):
            market.watches_book = True
            book = self._books.setdefault(topic, _Book(topic, self.desk))
            self._say(topic, book.changes())
            session.send(book.snapshot())
        self._listeners.setdefault(topic, []).append(session)

    def part(self, topic: str, session: PublicSession) -> None:
        """Somebody listens no more."""
        listeners = self._listeners.get(topic, [])
        if session in listeners:
            listeners.remove(session)
        if not listeners:
            self._listeners.pop(topic, None)
            self._tickers.pop(topic, None)
            self._books.pop(topic, None)

    def leave(self, session: PublicSession) -> None:
        """A connection is gone."""
        for topic in session.topics:
            self.part(topic, session)
        session.topics.clear()

    def hear(self, event: Event) -> None:
        """Tell those who listen."""
        if self._listeners:
            told = self._hears.get(type(event))
            if told is not None:
                told(event)

    def _say(self, topic: str, text: str) -> None:
        if text:
            for session in tuple(self._listeners.get(topic, ())):
                session.send(text)

    # ------------------------------------------------------------ tickers
    def _price_moved(self, event: PriceMoved) -> None:
        topic = f"tickers.{event.symbol}"
        row = self._tickers.get(topic)
        if row is not None:
            self._tell_ticker(topic, self._moved(row, event))

    def _moved(self, row: Frame, event: PriceMoved) -> Frame:
        """The ticker after a move, without summing up the day again: bars tell of that."""
        grid, market = self.desk.grid(event.symbol), self.desk.market(event.symbol)
        opened = market.day.open
        return {
            **row,
            "tickDirection": self._direction(event.symbol, event.last_ticks),
            "lastPrice": grid.px(event.last_ticks),
            "price24hPcnt": share(event.last_ticks - opened, opened, 6),
            "markPrice": grid.px(event.mark_ticks),
            "indexPrice": grid.px(event.index_ticks),
            "bid1Price": grid.px(event.bid_ticks),
            "bid1Size": grid.qty(event.bid_lots),
            "ask1Price": grid.px(event.ask_ticks),
            "ask1Size": grid.qty(event.ask_lots),
        }

    def _direction(self, symbol: str, px: int) -> str:
        last, direction = self._ticks.get(symbol, (px, "ZeroPlusTick"))
        if px != last:
            direction = "PlusTick" if px > last else "MinusTick"
        else:
            direction = direction if direction.startswith("Zero") else f"Zero{direction}"
        self._ticks[symbol] = px, direction
        return direction

    def _tell_ticker(self, topic: str, row: Frame) -> None:
        """Tell what differs from what was told, and remember the whole."""
        for name in _UNTOLD:
            row.pop(name, None)
        known = self._tickers.get(topic)
        row.setdefault("tickDirection", known["tickDirection"] if known else "ZeroPlusTick")
        self._tickers[topic] = row
        if known is None:
            return
        changed = {name: value for name, value in row.items() if known.get(name) != value}
        if changed:
            self._say(topic, self._ticker_frame(topic, "delta", {"symbol": row["symbol"], **changed}))

    def _ticker_frame(self, topic: str, kind: str, data: Frame) -> str:
        symbol = data["symbol"]
        sequence = self.desk.market(symbol).book_update_id
        return dumps({"topic": topic, "type": kind, "data": data, "cs": sequence, "ts": self.desk.now_ms()})

    def _funding_changed(self, event: FundingChanged) -> None:
        topic = f"tickers.{event.symbol}"
        row = self._tickers.get(topic)
        if row is not None and not event.settled:
            changed = {
                "fundingRate": rate(event.rate_e8),
                "nextFundingTime": str(event.next_ms),
                "fundingIntervalHour": str(event.interval_ms // 3_600_000),
            }
            self._tell_ticker(topic, {**row, **changed})

    # ------------------------------------------------------------ books
    def _book_changed(self, event: BookChanged) -> None:
        for depth in self.desk.rules.depths:
            book = self._books.get(f"orderbook.{depth}.{event.symbol}")
            if book is not None:
                self._say(book.topic, book.changes())

    # ------------------------------------------------------------ trades and bars
    def _traded(self, event: TradePrinted) -> None:
        topic = f"publicTrade.{event.symbol}"
        if topic not in self._listeners:
            return
        grid = self.desk.grid(event.symbol)
        row = {
            "T": event.ts_ms,
            "s": event.symbol,
            "S": SIDES[event.taker_side],
            "v": grid.qty(event.lots),
            "p": grid.px(event.px_ticks),
            "L": self._direction(f"trade.{event.symbol}", event.px_ticks),
            "i": trade_id(event),
            "BT": False,
            "RPI": False,
            "seq": event.number,
        }
        self._say(topic, self._snapshot(topic, [row]))

    def _bar_changed(self, event: BarChanged) -> None:
        if event.closed and event.timeframe == "1m" and f"tickers.{event.symbol}" in self._tickers:
            self._tell_ticker(f"tickers.{event.symbol}", quote_row(event.symbol, self.desk))
        interval = interval_of(event.timeframe)
        topic = f"kline.{interval}.{event.symbol}"
        if topic not in self._listeners:
            return
        grid = self.desk.grid(event.symbol)
        row = {
            "start": event.ts_ms,
            "end": event.ts_ms + TIMEFRAMES[event.timeframe] - 1,
            "interval": interval,
            "open": grid.px(event.open),
            "close": grid.px(event.close),
            "high": grid.px(event.high),
            "low": grid.px(event.low),
            "volume": grid.qty(event.volume_lots),
            "turnover": turnover(event, self.desk),
            "confirm": event.closed,
            "timestamp": self.desk.now_ms(),
        }
        frame = {"topic": topic, "data": [row], "ts": self.desk.now_ms(), "type": "snapshot"}
        self._say(topic, dumps(frame))

    def _order_changed(self, event: OrderChanged) -> None:
        """A fill of the venue's own liquidation order."""
        execution = event.execution
        if execution is None or execution.cause is not Cause.LIQUIDATION:
            return
        grid, symbol = self.desk.grid(execution.symbol), execution.symbol
        closed_side = SIDES[-execution.order_side]
        size, px = grid.qty(abs(execution.lots)), grid.px(execution.px_ticks)
        every = f"allLiquidation.{symbol}"
        if every in self._listeners:
            row = {"T": execution.ts_ms, "s": symbol, "S": closed_side, "v": size, "p": px}
            self._say(every, self._snapshot(every, [row]))
        old = f"liquidation.{symbol}"
        if old in self._listeners:
            data = {
                "price": px,
                "side": closed_side,
                "size": size,
                "symbol": symbol,
                "updatedTime": execution.ts_ms,
            }
            self._say(old, self._snapshot(old, data))

    def _snapshot(self, topic: str, data: list[Frame] | Frame) -> str:
        return dumps({"topic": topic, "type": "snapshot", "ts": self.desk.now_ms(), "data": data})


class _Book:
    """What a book topic told last. Depth 1 is told whole at every change, and again after three still seconds."""

    def __init__(self, topic: str, desk: Desk) -> None:
        self.topic, self._desk = topic, desk
        _, depth, self._symbol = topic.split(".")
        self._depth = int(depth)
        self._bids, self._asks = self._read()
        self._update = 1
        self._told_ms = desk.now_ms()

    def _read(self) -> tuple[dict[int, int], dict[int, int]]:
        bids, asks = self._desk.market(self._symbol).book(self._depth)
        return dict(bids), dict(asks)

    def snapshot(self) -> str:
        """The whole book."""
        return self._frame("snapshot", self._bids.items(), self._asks.items())

    def changes(self) -> str:
        """What changed since the last frame; empty if nothing did."""
        bids, asks = self._read()
        still = bids == self._bids and asks == self._asks
        now = self._desk.now_ms()
        if still:
            repeats = self._depth == 1 and now - self._told_ms >= self._desk.rules.level_one_repeats_ms
            if not repeats:
                return ""
        else:
            self._update += 1
        before = self._bids, self._asks
        self._bids, self._asks = bids, asks
        self._told_ms = now
        if self._depth == 1:
            return self.snapshot()
        return self._frame("delta", _differences(before[0], bids), _differences(before[1], asks))

    def _frame(self, kind: str, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> str:
        px, qty = self._desk.grid(self._symbol).px, self._desk.grid(self._symbol).qty
        now = self._desk.now_ms()
        data = {
            "s": self._symbol,
            "b": [[px(at), qty(lots) if lots else "0"] for at, lots in bids],
            "a": [[px(at), qty(lots) if lots else "0"] for at, lots in asks],
            "u": self._update,
            "seq": self._desk.market(self._symbol).book_update_id,
        }
        return dumps({"topic": self.topic, "type": kind, "ts": now, "data": data, "cts": now})


def _differences(before: dict[int, int], after: dict[int, int]) -> list[tuple[int, int]]:
    changed = [(px, lots) for px, lots in after.items() if before.get(px) != lots]
    return changed + [(px, 0) for px in before if px not in after]
