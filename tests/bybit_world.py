"""A small Bybit at the local exchange: two perpetuals, one account, requests signed as the venue wants them."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument, MarginTier
from mastertrading.simulator.bybit import BybitFacade, BybitRules
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.wire import Request, Response

BEGIN_MS = 1_700_000_000_000
KEY, SECRET = "bybit-key", "bybit-secret"
BTC, ETH = "BTCUSDT", "ETHUSDT"
PX = 50_000
TIERS = (MarginTier(Decimal(0), Decimal("0.005")), MarginTier(Decimal(1_000_000), Decimal("0.01")))


def signature(payload: str | bytes, secret: str = SECRET) -> str:
    sent = payload.encode() if isinstance(payload, str) else payload
    return hmac.new(secret.encode(), sent, hashlib.sha256).hexdigest()


def signed_headers(
    stamp: int | str, payload: str | bytes, *, window: str = "5000", key: str = KEY
) -> dict[str, str]:
    """The authentication headers of a request."""
    sent = payload.encode() if isinstance(payload, str) else payload
    return {
        "x-bapi-api-key": key,
        "x-bapi-timestamp": str(stamp),
        "x-bapi-recv-window": window,
        "x-bapi-sign": signature(f"{stamp}{key}{window}".encode() + sent),
    }


@dataclass
class Stream:
    """A WebSocket connection and what it was told."""

    session: Any
    texts: list[str]

    def say(self, **frame: Any) -> dict[str, Any]:
        """Send a frame; the newest answer."""
        return self.say_text(json.dumps(frame))

    def say_text(self, text: str) -> dict[str, Any]:
        count = len(self.texts)
        self.session.receive(text)
        return json.loads(self.texts[count]) if len(self.texts) > count else {}

    def frames(self, topic: str = "") -> list[dict[str, Any]]:
        """What was told of a topic."""
        told = [json.loads(text) for text in self.texts]
        return [frame for frame in told if not topic or frame.get("topic") == topic]


@dataclass
class Bybit:
    """The façade, its exchange and one account with 10 000 USDT."""

    rules: BybitRules = field(default_factory=BybitRules)
    limits: int | None = None
    permissions: frozenset[str] = frozenset({"read", "trade"})

    def __post_init__(self) -> None:
        self.clock = VirtualClock(BEGIN_MS)
        bitcoin = Instrument(BTC, Decimal("0.10"), Decimal("0.001"), Decimal(5), tiers=TIERS)
        ether = Instrument(ETH, Decimal("0.01"), Decimal("0.01"), Decimal(5), tiers=TIERS)
        self.exchange = Exchange(
            [Listing(bitcoin, max_leverage=100, max_lots=100_000, max_market_lots=50_000), Listing(ether)],
            self.clock,
        )
        self.facade = BybitFacade(self.exchange, rules=self.rules, limits=self.limits)
        self.account = self.exchange.open_account(
            "me",
            api_key=KEY,
            secret=SECRET,
            deposit_atoms=10_000 * ATOMS_PER_UNIT,
            permissions=self.permissions,
        )
        self.exchange.move(BTC, PX * 10)
        self.exchange.move(ETH, 300_000)

    # ------------------------------------------------------------ REST
    def answer(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> Response:
        """An unsigned request as it stands."""
        return self.facade.answer(Request(method, "api.bybit.com", path, query, headers, body))

    def signed(self, method: str, path: str, query: str = "", body: bytes = b"", **options: Any) -> Response:
        """A signed request as it stands."""
        stamp = options.pop("stamp", self.clock.now_ms())
        headers = signed_headers(stamp, query if method == "GET" else body, **options)
        return self.facade.answer(Request(method, "api.bybit.com", path, query, headers, body))

    def get(self, path: str, **asked: Any) -> dict[str, Any]:
        """The whole reply of a signed GET."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return json.loads(self.signed("GET", path, query).body)

    def post(self, path: str, **asked: Any) -> dict[str, Any]:
        """The whole reply of a signed POST about a linear contract."""
        return json.loads(
            self.signed("POST", path, body=json.dumps({"category": "linear", **asked}).encode()).body
        )

    def order(self, **asked: Any) -> dict[str, Any]:
        """Create an order: a market buy of 0.01 BTC unless told otherwise."""
        usual = {"symbol": BTC, "side": "Buy", "orderType": "Market", "qty": "0.010"}
        return self.post("/v5/order/create", **{**usual, **asked})

    def limit(self, price: str, side: str = "Buy", **asked: Any) -> dict[str, Any]:
        """Create a limit order."""
        return self.order(orderType="Limit", price=price, side=side, **asked)

    def rows(self, path: str, **asked: Any) -> list[dict[str, Any]]:
        """The list of a GET."""
        return self.get(path, category="linear", **asked)["result"]["list"]

    def open_rows(self, **asked: Any) -> list[dict[str, Any]]:
        return self.rows("/v5/order/realtime", symbol=BTC, **asked)

    def position(self, symbol: str = BTC) -> dict[str, Any]:
        return self.rows("/v5/position/list", symbol=symbol)[0]

    def move(self, px: float, symbol: str = BTC) -> None:
        """The price goes somewhere, a second later."""
        self.clock.advance(1.0)
        tick = self.exchange.listings[symbol].instrument.tick
        self.exchange.move(symbol, int(Decimal(str(px)) / tick))

    # ------------------------------------------------------------ streams
    def dial(self, path: str) -> Stream:
        """A WebSocket connection."""
        texts: list[str] = []
        session = self.facade.connect(
            Request("GET", "stream.bybit.com", path), texts.append, lambda code, reason: None
        )
        return Stream(session, texts)

    def public(self, *topics: str) -> Stream:
        """A public connection with topics."""
        stream = self.dial("/v5/public/linear")
        if topics:
            stream.say(op="subscribe", args=list(topics), req_id="1")
        return stream

    def auth(self, key: str = KEY) -> list[Any]:
        """The arguments of an ``auth`` frame."""
        expires = self.clock.now_ms() + 10_000
        return [key, expires, signature(f"GET/realtime{expires}")]

    def private(self, *topics: str) -> Stream:
        """An authenticated private connection with topics."""
        stream = self.dial("/v5/private")
        stream.say(op="auth", args=self.auth())
        if topics:
            stream.say(op="subscribe", args=list(topics))
        return stream

    def trading(self) -> Stream:
        """An authenticated connection for order entry."""
        stream = self.dial("/v5/trade")
        stream.say(op="auth", args=self.auth())
        return stream
