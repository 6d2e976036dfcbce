"""WebSocket streams: who listens to what, and one connection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from mastertrading.domain.timeframes import TIMEFRAMES
from mastertrading.simulator.binance import market_frames as frames
from mastertrading.simulator.binance.bars import INTERVALS
from mastertrading.simulator.binance.desk import Desk, ListenKey
from mastertrading.simulator.binance.private import Frame, UserFrames
from mastertrading.simulator.binance.rendering import Scale
from mastertrading.simulator.events import (
    AccountChanged,
    BarChanged,
    BookChanged,
    Event,
    ListingChanged,
    OrderChanged,
    OrderNews,
    PriceMoved,
    SettingsChanged,
    TradePrinted,
)
from mastertrading.simulator.orders import Cause
from mastertrading.simulator.pricing import BOOK_LEVELS
from mastertrading.simulator.wire import Hang, Request, Send

NAME: Final = re.compile(
    r"^(?:[a-z0-9]{1,30}@(?:aggTrade|trade|miniTicker|ticker|bookTicker|forceOrder|markPrice(?:@[13]s)?"
    rf"|kline_(?:{'|'.join(INTERVALS)})|depth(?:5|10|20)?(?:@(?:0|100|250|500)ms)?)"
    rf"|[a-z0-9]{{1,30}}_perpetual@continuousKline_(?:{'|'.join(INTERVALS)})"
    r"|!(?:ticker|miniTicker|forceOrder)@arr|!markPrice@arr(?:@[13]s)?|!bookTicker|!contractInfo)$"
)
KEY: Final = re.compile(r"^[A-Za-z0-9]{64}$")
MOST_STREAMS: Final = 1024
SPEEDS: Final = ("", "@0ms", "@100ms", "@250ms", "@500ms")
"""Names only: a frame comes with every change, at once."""
SPEEDS_OF: Final = {"markPrice": ("", "@1s", "@3s")}
POLICY, GOING_AWAY = 1008, 1001


class Streams:
    """All connections of the façade. It listens to the exchange; each frame is written once for all its readers."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.users = UserFrames(desk)
        self.sessions: dict[StreamSession, None] = {}
        self.readers: dict[str, dict[StreamSession, None]] = {}
        self.owners: dict[str, dict[StreamSession, str]] = {}
        """By account: its connections, and the listen key by which each came."""
        self._books: dict[str, tuple[frames.Levels, frames.Levels]] = {}
        """Books that are made up, as the readers of their differences know them."""
        self._called: set[str] = set()
        self._cut_ms: int | None = None
        self._small: dict[str, str] = {symbol: symbol.lower() for symbol in desk.exchange.listings}
        self._scales: dict[str, Scale] = {}
        desk.on_expired = self._expire
        self._on: dict[type, Callable[[Any], None]] = {
            TradePrinted: self._traded,
            BarChanged: self._bar,
            PriceMoved: self._moved,
            BookChanged: self._book,
            OrderChanged: self._order,
            AccountChanged: self._account,
            SettingsChanged: self._settings,
            ListingChanged: self._listed,
        }

    def hear(self, event: Event) -> None:
        """An event of the exchange."""
        act = self._on.get(type(event))
        if act is not None and self.sessions:
            act(event)
        self.desk.tick()
        if self._cut_ms is not None and event_ms(event) >= self._cut_ms:
            self.cut_old()

    # ---------------------------------------------------------------- connections
    def connect(self, request: Request, send: Send, hang: Hang) -> StreamSession | None:
        """Begin a session; None where its listen key is refused."""
        session = StreamSession(self, send, hang, combined="/stream" in request.path)
        self.sessions[session] = None
        self._cut_ms = min(self._cut_ms or session.ends_ms, session.ends_ms)
        asked = parse_qs(request.query)
        names = [name for text in asked.get("streams", []) for name in text.split("/") if name]
        keys = list(asked.get("listenKey", []))
        names += [name for name in unquote(request.path).split("/")[2:] if name not in ("ws", "stream", "")]
        for name in names:
            if KEY.match(name):
                keys.append(name)
            elif NAME.match(name):
                self.add(session, name)
        session.events = frozenset(
            name for text in asked.get("events", []) for name in text.split("/") if name
        )
        for key in keys:
            if not self.add_user(session, key) and self.desk.rules.unknown_listen_key == "refuse":
                self.forget(session)
                return None
        return session

    def forget(self, session: StreamSession) -> None:
        """A connection is gone."""
        self.sessions.pop(session, None)
        for name in list(session.names):
            self.remove(session, name)
        for readers in self.owners.values():
            readers.pop(session, None)

    def add(self, session: StreamSession, name: str) -> None:
        """Let a session read a stream; the exchange announces what somebody reads."""
        session.names[name] = None
        self.readers.setdefault(name, {})[session] = None
        symbol, _, channel = name.partition("@")
        market = self.desk.exchange.markets.get(symbol.removesuffix("_perpetual").upper())
        if market is None:
            return
        if channel.startswith("depth"):
            market.watches_book = True
            if market.depth is None and market.symbol not in self._books:
                self._books[market.symbol] = market.book(BOOK_LEVELS)
        timeframe = channel.rpartition("_")[2]
        if "line_" in channel and timeframe in TIMEFRAMES:
            market.watched.add(timeframe)
        if channel.startswith("markPrice") and market.mark_ticks:
            # the venue tells it every second or three; where time stands still the next one would never come
            session.tell(name, frames.mark_price(self._scale(market.symbol), market, self.desk.now_ms()))

    def add_user(self, session: StreamSession, key: str) -> bool:
        """Let a session read an account's news; False if the listen key is not alive."""
        found = self.desk.listen_keys.get(key)
        if found is None:
            return False
        self.owners.setdefault(found.account, {})[session] = key
        session.keys[key] = None
        return True

    def remove(self, session: StreamSession, name: str) -> None:
        """A session reads a stream no more."""
        session.names.pop(name, None)
        readers = self.readers.get(name)
        if readers is not None:
            readers.pop(session, None)
            if not readers:
                del self.readers[name]

    def remove_user(self, session: StreamSession, key: str) -> None:
        """A session reads an account's news no more."""
        session.keys.pop(key, None)
        for readers in self.owners.values():
            if readers.get(session) == key:
                del readers[session]

    def cut_old(self) -> None:
        """Cut the connections that are a day old."""
        now = self.desk.now_ms()
        for session in [one for one in self.sessions if one.ends_ms <= now]:
            session.cut(GOING_AWAY, "the connection is 24 hours old")
        self._cut_ms = min((one.ends_ms for one in self.sessions), default=None)

    def _expire(self, key: ListenKey) -> None:
        readers = self.owners.get(key.account, {})
        frame = self.users.expired(key, self.desk.now_ms())
        for session in [one for one, name in readers.items() if name == key.key]:
            session.tell(key.key, _text(frame))
            self.remove_user(session, key.key)

    # ---------------------------------------------------------------- market
    def _scale(self, symbol: str) -> Scale:
        scale = self._scales.get(symbol)
        if scale is None:
            scale = self._scales[symbol] = Scale.of(self.desk.exchange.listings[symbol])
        return scale

    def _listed(self, event: ListingChanged) -> None:
        self._scales.pop(event.symbol, None)

    def _tell(self, name: str, write: Callable[[], str]) -> None:
        readers = self.readers.get(name)
        if readers:
            text = write()
            for session in list(readers):
                session.tell(name, text)

    def _traded(self, event: TradePrinted) -> None:
        small, scale = self._small[event.symbol], self._scale(event.symbol)
        self._tell(f"{small}@aggTrade", partial(frames.aggregate, scale, event))
        self._tell(f"{small}@trade", partial(frames.trade, scale, event))

    def _bar(self, event: BarChanged) -> None:
        small, scale, last = self._small[event.symbol], self._scale(event.symbol), frames.last_ms(event)
        self._tell(f"{small}@kline_{event.timeframe}", partial(frames.bar, scale, event, last))
        name = f"{small}_perpetual@continuousKline_{event.timeframe}"
        self._tell(name, partial(frames.contract_bar, scale, event, last))

    def _moved(self, event: PriceMoved) -> None:
        symbol, now, small = event.symbol, event.ts_ms, self._small[event.symbol]
        scale, market = self._scale(symbol), self.desk.exchange.markets[symbol]
        listing = self.desk.exchange.listings[symbol]
        best = partial(frames.best_levels, scale, event, market.book_update_id)
        self._tell(f"{small}@bookTicker", best)
        self._tell("!bookTicker", best)
        for channel, write in (
            ("ticker", partial(frames.last_day, scale, listing, market, now)),
            ("miniTicker", partial(frames.short_day, scale, listing, market, now)),
            ("markPrice", partial(frames.mark_price, scale, market, now)),
        ):
            for speed in SPEEDS_OF.get(channel, ("",)):
                self._tell(f"{small}@{channel}{speed}", write)
                self._tell(f"!{channel}@arr{speed}", partial(_in_list, write))
        self._call_margin(now)

    def _book(self, event: BookChanged) -> None:
        small, scale = self._small[event.symbol], self._scale(event.symbol)
        market = self.desk.exchange.markets[event.symbol]
        if not any(f"{small}@depth{speed}" in self.readers for speed in SPEEDS):
            self._books.pop(event.symbol, None)
        else:
            bids, asks = self._differences(event)
            for speed in SPEEDS:
                self._tell(f"{small}@depth{speed}", partial(frames.depth, scale, event, bids, asks))
        for count, speed in product((5, 10, 20), SPEEDS):
            name = f"{small}@depth{count}{speed}"
            if name in self.readers:
                self._tell(name, partial(frames.depth, scale, event, *market.book(count)))

    def _differences(self, event: BookChanged) -> tuple[Sequence[frames.Level], Sequence[frames.Level]]:
        """What of a book's side is news: the exchange tells a book that is made up as a whole."""
        if not event.snapshot:
            return event.bids, event.asks
        before = self._books.get(event.symbol, ([], []))
        now = list(event.bids), list(event.asks)
        self._books[event.symbol] = now
        return frames.changes(before[0], now[0]), frames.changes(before[1], now[1])

    # ---------------------------------------------------------------- accounts
    def _tell_owner(self, account: str, told: list[Frame]) -> None:
        readers = self.owners.get(account)
        if readers:
            for frame in told:
                text = _text(frame)
                for session, key in list(readers.items()):
                    if not session.events or frame["e"] in session.events:
                        session.tell(key, text)

    def _order(self, event: OrderChanged) -> None:
        order = event.order
        if event.news is OrderNews.FILLED and order.cause is Cause.LIQUIDATION:
            name, scale = f"{self._small[order.symbol]}@forceOrder", self._scale(order.symbol)
            self._tell(name, partial(frames.liquidation, scale, event))
            self._tell("!forceOrder@arr", partial(frames.liquidation, scale, event))
        if self.owners.get(order.account):
            self._tell_owner(order.account, self.users.of_order(event))

    def _account(self, event: AccountChanged) -> None:
        if self.owners.get(event.account):
            self._tell_owner(event.account, [self.users.of_account(event)])

    def _settings(self, event: SettingsChanged) -> None:
        self._tell_owner(event.account, self.users.of_settings(event))

    def _call_margin(self, now: int) -> None:
        share, exchange = self.desk.rules.margin_call_percent, self.desk.exchange
        for name, readers in self.owners.items():
            account = exchange.accounts[name]
            if not readers or not share or not any(True for _ in account.held()):
                continue
            near = exchange.maintenance_atoms(account, None) * 100 >= share * exchange.equity_atoms(account)
            if near and name not in self._called:
                self._called.add(name)
                self._tell_owner(name, [self.users.margin_call(name, now)])
            elif not near:
                self._called.discard(name)


class StreamSession:
    """One connection: the streams it reads, and what its client asks."""

    def __init__(self, streams: Streams, send: Send, hang: Hang, *, combined: bool) -> None:
        self.streams, self._send, self._hang, self.combined = streams, send, hang, combined
        self.names: dict[str, None] = {}
        self.keys: dict[str, None] = {}
        self.events: frozenset[str] = frozenset()
        self.open = True
        self.ends_ms = streams.desk.now_ms() + streams.desk.rules.stream_ms
        self._second, self._asked = -1, 0

    def tell(self, name: str, text: str) -> None:
        """Send a frame of a stream."""
        self._send(f'{{"stream":"{name}","data":{text}}}' if self.combined else text)

    def cut(self, code: int, reason: str) -> None:
        """End the connection."""
        if self.open:
            self.close()
            self._hang(code, reason)

    def close(self) -> None:
        """The connection is gone."""
        self.open = False
        self.streams.forget(self)

    def receive(self, text: str) -> None:
        """A frame of the client."""
        second = self.streams.desk.now_ms() // 1_000
        self._asked = self._asked + 1 if second == self._second else 1
        self._second = second
        if self._asked > self.streams.desk.rules.messages_a_second:
            self.cut(POLICY, "Too many requests")
            return
        self._send(_text(self._answer(text)))

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            return _wrong(3, "Invalid JSON: expected value", None)
        if not isinstance(asked, dict):
            return _wrong(2, "Invalid request: request must be an object", None)
        identity, method = asked.get("id"), asked.get("method")
        if isinstance(identity, bool) or not isinstance(identity, int | str | None):
            return _wrong(2, "Invalid request: request ID must be an unsigned integer or a string", None)
        act = _METHODS.get(method) if isinstance(method, str) else None
        if act is None:
            return _wrong(2, f"Invalid request: unknown variant {json.dumps(method)}", identity)
        return act(self, asked.get("params"), identity)

    def _subscribe(self, names: Any, identity: Any) -> dict[str, Any]:
        wrong = self._unreadable(names)
        if wrong:
            return _wrong(2, wrong, identity)
        if len(self.names.keys() | set(names)) > MOST_STREAMS:
            return _wrong(2, f"Invalid request: a connection has at most {MOST_STREAMS} streams", identity)
        for name in names:
            if KEY.match(name):
                self.streams.add_user(self, name)
            else:
                self.streams.add(self, name)
        return {"result": None, "id": identity}

    def _unsubscribe(self, names: Any, identity: Any) -> dict[str, Any]:
        wrong = self._unreadable(names)
        if wrong:
            return _wrong(2, wrong, identity)
        for name in names:
            self.streams.remove(self, name)
            self.streams.remove_user(self, name)
        return {"result": None, "id": identity}

    def _unreadable(self, names: Any) -> str:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return "Invalid request: params must be a list of stream names"
        if not all(NAME.match(name) or KEY.match(name) for name in names):
            return "Invalid request: invalid stream"
        return ""

    def _list(self, names: Any, identity: Any) -> dict[str, Any]:
        return {"result": [*self.names, *self.keys], "id": identity}

    def _set(self, values: Any, identity: Any) -> dict[str, Any]:
        if not isinstance(values, list) or len(values) != 2 or values[0] != "combined":
            return _wrong(0, "Unknown property", identity)
        if not isinstance(values[1], bool):
            return _wrong(1, "Invalid value type: expected Boolean", identity)
        self.combined = values[1]
        return {"result": None, "id": identity}

    def _get(self, values: Any, identity: Any) -> dict[str, Any]:
        if values != ["combined"]:
            return _wrong(0, "Unknown property", identity)
        return {"result": self.combined, "id": identity}


_METHODS: Final[dict[str, Callable[[StreamSession, Any, Any], dict[str, Any]]]] = {
    "SUBSCRIBE": StreamSession._subscribe,
    "UNSUBSCRIBE": StreamSession._unsubscribe,
    "LIST_SUBSCRIPTIONS": StreamSession._list,
    "SET_PROPERTY": StreamSession._set,
    "GET_PROPERTY": StreamSession._get,
}


def event_ms(event: Event) -> int:
    """When an event happened."""
    return event.event_ms if isinstance(event, BarChanged) else event.ts_ms


def _in_list(write: Callable[[], str]) -> str:
    return f"[{write()}]"


def _wrong(code: int, sentence: str, identity: Any) -> dict[str, Any]:
    return {"error": {"code": code, "msg": sentence}, "id": identity}


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
