"""A bare client of the Binance façade: signs, asks, listens; no socket and no library between."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument, MarginTier
from mastertrading.simulator.binance import BinanceFacade, BinanceRules
from mastertrading.simulator.clock import VirtualClock
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.wire import Request, Response

BEGIN_MS = 1_790_000_040_000
KEY, SECRET = "client-key", "client-secret"
TIERS = (MarginTier(Decimal(0), Decimal("0.004")), MarginTier(Decimal(500_000), Decimal("0.005")))
PX = 600_000
"""Ticks of BTCUSDT at the beginning: 60 000.00."""


def listings() -> list[Listing]:
    bitcoin = Instrument("BTCUSDT", Decimal("0.10"), Decimal("0.001"), Decimal(50), tiers=TIERS)
    ether = Instrument("ETHUSDT", Decimal("0.01"), Decimal("0.001"), Decimal(20))
    return [Listing(bitcoin), Listing(ether)]


class Listener:
    """One WebSocket connection, and what came."""

    def __init__(self, client: BinanceClient, host: str, path: str, query: str) -> None:
        self.texts: list[str] = []
        self.hung: tuple[int, str] | None = None
        request = Request("GET", host, path, query)
        self.session = client.facade.connect(request, self.texts.append, self._hang)

    def _hang(self, code: int, reason: str) -> None:
        self.hung = code, reason

    def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self.session.receive(text)

    def frames(self, kind: str = "") -> list[Any]:
        """Frames that came, unwrapped; of one kind of event if it is named."""
        found = [json.loads(text) for text in self.texts]
        plain = [f.get("data", f) if isinstance(f, dict) else f for f in found]
        return [f for f in plain if not kind or (isinstance(f, dict) and f.get("e") == kind)]

    def kinds(self) -> list[str]:
        return [f["e"] for f in self.frames() if isinstance(f, dict) and "e" in f]


class BinanceClient:
    """A façade with one funded account, and its owner."""

    def __init__(self, rules: BinanceRules | None = None, **account: Any) -> None:
        self.clock = VirtualClock(BEGIN_MS)
        self.exchange = Exchange(listings(), self.clock, seed=3)
        self.facade = BinanceFacade(self.exchange, rules=rules or BinanceRules())
        settings = {"deposit_atoms": 10_000 * ATOMS_PER_UNIT, **account}
        self.account = self.exchange.open_account("owner", api_key=KEY, secret=SECRET, **settings)
        self.exchange.move("BTCUSDT", PX)
        self.exchange.move("ETHUSDT", 300_000)
        self.headers: dict[str, str] = {}

    # ---------------------------------------------------------------- REST
    def send(self, method: str, path: str, query: str = "", body: bytes = b"", key: str = KEY) -> Response:
        headers = {"x-mbx-apikey": key} if key else {}
        response = self.facade.answer(Request(method, "fapi.binance.com", path, query, headers, body))
        self.headers = dict(response.headers)
        assert self.facade.bugs == []
        return response

    def ask(self, method: str, path: str, **values: Any) -> Any:
        """Ask without a signature; the answer, or the error's code."""
        return self._read(self.send(method, path, urlencode(values)))

    def sign(self, **values: Any) -> str:
        query = urlencode({"timestamp": self.clock.now_ms(), **values})
        return f"{query}&signature={signature(query)}"

    def signed(self, method: str, path: str, **values: Any) -> Any:
        """Ask with a signature; the answer, or the error's code."""
        return self._read(self.send(method, path, self.sign(**values)))

    def order(self, **values: Any) -> Any:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010", **values}
        return self.signed("POST", "/fapi/v1/order", **{k: v for k, v in order.items() if v is not None})

    def limit(self, price: str, **values: Any) -> Any:
        return self.order(**{"type": "LIMIT", "price": price, "timeInForce": "GTC", **values})

    def algo(self, trigger: str, **values: Any) -> Any:
        order = {
            "algoType": "CONDITIONAL",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
            "quantity": "0.010",
            "triggerPrice": trigger,
            **values,
        }
        return self.signed("POST", "/fapi/v1/algoOrder", **{k: v for k, v in order.items() if v is not None})

    @staticmethod
    def _read(response: Response) -> Any:
        answer = json.loads(response.body)
        if response.status != 200:
            return answer["code"]
        return answer

    # ---------------------------------------------------------------- WebSocket
    def listen(self, *names: str, path: str = "/stream") -> Listener:
        return Listener(self, "fstream.binance.com", path, f"streams={'/'.join(names)}" if names else "")

    def listen_own(self) -> Listener:
        key = self.ask("POST", "/fapi/v1/listenKey")["listenKey"]
        return Listener(self, "fstream.binance.com", "/private/ws", f"listenKey={key}")

    def call(self, method: str, **values: Any) -> Any:
        """One request of the WebSocket API, signed; the whole reply."""
        socket = Listener(self, "ws-fapi.binance.com", "/ws-fapi/v1", "")
        params = {"apiKey": KEY, "timestamp": self.clock.now_ms(), **values}
        text = "&".join(f"{k}={params[k]}" for k in sorted(params))
        socket.say({"id": "1", "method": method, "params": {**params, "signature": signature(text)}})
        return json.loads(socket.texts[0])

    # ---------------------------------------------------------------- the market
    def move(self, px_ticks: int, symbol: str = "BTCUSDT", ms: int = 1_000) -> None:
        """Time passes and the price goes there."""
        self.wait(ms)
        self.exchange.move(symbol, px_ticks)

    def wait(self, ms: int) -> None:
        self.clock.set_ms(self.clock.now_ms() + ms)


def signature(payload: str) -> str:
    return hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
