"""A peer on loopback that answers like Binance USDⓈ-M and Bybit V5, and a little like KuCoin and BingX.

It pages like them, limits like them, fails like them.

It speaks HTTP behind an adapter of ``requests`` that leads every connection to it, so that ccxt keeps its URLs (by
which it chooses, for example, Binance's table of errors) and no packet leaves the machine. What it holds is a random
walk; what it was asked is in ``log``.
"""

from __future__ import annotations

import json
import sys
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from requests import Session
from requests.adapters import HTTPAdapter

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_748_736_000_000  # 2025-06-01
LENGTHS = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR, "1d": DAY}
BYBIT = {"1": MINUTE, "5": 5 * MINUTE, "60": HOUR, "D": DAY, "5min": 5 * MINUTE, "1h": HOUR}
CLEAN = (
    "500",
    "503",
    "html",
    "empty-body",
    "truncated",
    "dropped",
    "cut",
    "empty-page",
    "shuffled",
    "doubled",
)
"""Faults after which the very same question is answered well."""


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, now_ms: int) -> None:
        self.start_ms, self.passed = now_ms, 0.0
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        return self.start_ms + int(self.passed * 1000)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.passed += max(seconds, 0.0)


class ToPeer(HTTPAdapter):
    """Leads every connection of a session to one port of this machine."""

    def __init__(self, port: int) -> None:
        super().__init__(pool_maxsize=32)
        self.port = port

    def send(self, request, **options):
        request.headers["Host"] = urlsplit(request.url).netloc
        return super().send(request, **options)

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        return self.poolmanager.connection_from_host("127.0.0.1", self.port, "http")


def session_to(port: int) -> Session:
    """A session that reaches nothing but the peer."""
    session = Session()
    session.trust_env = False
    session.mount("https://", ToPeer(port))
    return session


@dataclass
class Book:
    """What an exchange has of one instrument: everything as the text in which it is sent."""

    listed_ms: int
    bars: dict[int, tuple[str, ...]]
    mark: dict[int, tuple[str, ...]]
    funding: dict[int, str]
    interest: dict[int, tuple[str, str]]
    kept: dict = field(default_factory=dict)

    def longer(self, mark: bool, length: int) -> dict[int, tuple[str, ...]]:
        """Bars of any length, made once."""
        minutes = self.mark if mark else self.bars
        if length == MINUTE:
            return minutes
        if (mark, length) not in self.kept:
            self.kept[mark, length] = coarser(minutes, length)
        return self.kept[mark, length]

    def between(self, rows: dict, first: int, last: int) -> list:
        """Rows of some times, both ends included."""
        times = self.kept.get(id(rows)) or self.kept.setdefault(id(rows), sorted(rows))
        return [(t, rows[t]) for t in times[bisect_left(times, first) : bisect_right(times, last)]]


def walk(seed: int, listed_ms: int, end_ms: int, holes: tuple[tuple[int, int], ...] = ()) -> Book:
    """Minutes of a random walk, without those in holes; marks, 8-hourly funding, open interest every 5 minutes."""
    draw = np.random.default_rng(seed)
    times = [t for t in range(listed_ms, end_ms, MINUTE) if not any(a <= t < b for a, b in holes)]
    tick = 500_000 + np.cumsum(draw.integers(-30, 31, len(times)))
    bars, mark = {}, {}
    for t, close, size in zip(
        times, tick.tolist(), draw.integers(0, 99_999, len(times)).tolist(), strict=True
    ):
        prices = (close - 7, close + 11, close - 13, close)
        bars[t] = (*(f"{p / 10:.2f}" for p in prices), f"{size / 1000:.3f}")
        mark[t] = tuple(f"{p / 10 + 0.12345678:.8f}" for p in prices)
    rates = draw.integers(-9000, 9000, (end_ms - listed_ms) // (8 * HOUR) + 2).tolist()
    first = -(-listed_ms // (8 * HOUR)) * 8 * HOUR
    stamps = range(first, end_ms, 8 * HOUR)
    funding = {t + 7: f"{r / 1e8:.8f}" for t, r in zip(stamps, rates, strict=False)}
    grid = range(-(-listed_ms // (5 * MINUTE)) * 5 * MINUTE, end_ms, 5 * MINUTE)
    interest = {t: (f"{80_000 + t % 977}.125", f"{4_000_000_000 + t % 9973}.50") for t in grid}
    return Book(listed_ms, bars, mark, funding, interest)


def coarser(rows: dict[int, tuple[str, ...]], length: int) -> dict[int, tuple[str, ...]]:
    """Bars of a longer timeframe."""
    made: dict[int, list] = {}
    for t, row in sorted(rows.items()):
        made.setdefault(t // length * length, []).append(row)
    return {
        t: (
            part[0][0],
            max((r[1] for r in part), key=float),
            min((r[2] for r in part), key=float),
            part[-1][3],
            *(["9.000"] if len(part[0]) > 4 else []),
        )
        for t, part in made.items()
    }


@dataclass
class Asked:
    """One request."""

    at_ms: int
    host: str
    path: str
    query: dict[str, str]
    weight: int
    fault: str


@dataclass
class Peer:
    """The exchange.

    Attributes
    ----------
    fault
        Names the fault of a request, by its path, its query and how often that question was asked before.
    most
        Rows of an answer at most, whatever is documented.
    weight_limit
        Weight of a minute above which there is only HTTP 429.
    """

    clock: FakeClock
    books: dict[str, Book]
    fault: object = None
    most: int = 10_000
    weight_limit: int = 2400
    slow: threading.Event = field(default_factory=threading.Event)
    log: list[Asked] = field(default_factory=list)
    seen: Counter = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Peer:
        peer = self

        class Handler(_Handler):
            exchange = peer

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def session(self) -> Session:
        return session_to(self.port)

    def pages(self) -> list[Asked]:
        """Requests for rows."""
        return [asked for asked in self.log if "symbol" in asked.query]

    def used(self, at_ms: int) -> int:
        """Weight of the minute so far."""
        return sum(a.weight for a in self.log if a.at_ms // MINUTE == at_ms // MINUTE)


def some_faults(seed: int, share: float = 0.3, kinds: tuple[str, ...] = CLEAN):
    """Faults at random, each question at most twice, an empty page at most once."""
    chance = Random(seed)

    def fault(path: str, query: dict[str, str], before: int) -> str:
        if before >= 2 or chance.random() > share:
            return ""
        kind = chance.choice(kinds)
        return "" if kind == "empty-page" and before else kind

    return fault


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address) -> None:
        """Say nothing of clients that were killed; anything else is a fault of this file."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    exchange: Peer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        peer = self.exchange
        parts = urlsplit(self.path)
        query, host = dict(parse_qsl(parts.query)), self.headers["Host"]
        weight = _weight(parts.path, query)
        with peer.lock:
            now = peer.clock.now_ms()
            before = peer.seen[self.path]
            peer.seen[self.path] += 1
            fault = peer.fault(parts.path, query, before) if peer.fault else ""
            if not fault and peer.used(now) + weight > peer.weight_limit:
                fault = "429"
            peer.log.append(Asked(now, host, parts.path, query, weight, fault))
            used = peer.used(now)
        if fault == "slow":
            peer.slow.wait(5)
        status, headers, content = self._failure(fault, now) or (200, {}, None)
        if content is None:
            answer = next((wire for name, wire in WIRES.items() if name in host), _binance)
            status, made = answer(peer, parts.path, query, now, fault)
            content = json.dumps(made).encode()
        if fault == "truncated":
            content = content[: len(content) // 2]
        self._send(status, headers | {"X-MBX-USED-WEIGHT-1M": str(used)}, content, cut=fault == "cut")

    def _failure(self, fault: str, now: int):
        if fault == "429":
            wait = 60 - now // 1000 % 60
            text = (
                b'{"code":-1003,"msg":"Too many requests; current limit of IP is 2400 requests per minute."}'
            )
            return 429, {"Retry-After": str(wait)}, text
        if fault.startswith("418"):
            text = b'{"code":-1003,"msg":"Way too many requests; IP banned until 1748736000000."}'
            return 418, {"Retry-After": fault.partition(" ")[2] or "120"}, text
        if fault == "10006":
            text = {
                "retCode": 10006,
                "retMsg": "Too many visits!",
                "result": {},
                "retExtInfo": {},
                "time": now,
            }
            return 200, {"X-Bapi-Limit-Reset-Timestamp": str(now + 7000)}, json.dumps(text).encode()
        page = b"<html><head><title>Error</title></head><body>nginx</body></html>"
        if fault == "500":
            return 500, {}, b'{"code":-1001,"msg":"Internal error; unable to process your request."}'
        if fault == "dropped":
            self.close_connection = True
            return 0, {}, b""
        return {"503": (503, {}, page), "html": (200, {}, page), "empty-body": (200, {}, b"")}.get(fault)

    def _send(self, status: int, headers: dict[str, str], content: bytes, cut: bool) -> None:
        if status == 0:
            return
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.wfile.flush()
                self.close_connection = True
        except OSError:  # who asked has gone
            self.close_connection = True


def _weight(path: str, query: dict[str, str]) -> int:
    if path.endswith(("/klines", "/markPriceKlines")):
        limit = int(query.get("limit", 500))
        return next(weight for most, weight in ((99, 1), (499, 2), (1000, 5), (1500, 10)) if limit <= most)
    return 1


def _cut(peer: Peer, rows: list, fault: str, limit: int, newest: bool) -> list:
    """An answer as long as the exchange allows, spoilt if it is to be."""
    limit = min(limit, peer.most)
    rows = rows[-limit:][::-1] if newest else rows[:limit]
    if fault == "empty-page":
        return []
    if fault == "doubled":
        return rows + rows[: len(rows) // 3]
    if fault == "shuffled":
        return Random(len(rows)).sample(rows, len(rows))
    return rows


def _series(
    rows: dict, query: dict[str, str], names: tuple[str, str], book: Book, now: int, fault: str
) -> list:
    first, last = int(query.get(names[0], 0)), int(query.get(names[1], now))
    if fault == "stuck":
        first, last = 0, min(rows) + 50 * MINUTE
    return book.between(rows, max(first, book.listed_ms // DAY * DAY), min(last, now))


def _forming(rows: list, now: int, length: int) -> list:
    """The bar that is still forming is sent too, with what it has so far."""
    return [
        (t, row if t + length <= now else ("1.00", "1.00", "1.00", "1.00", "0.001")[: len(row)])
        for t, row in rows
    ]


def _bars(
    peer: Peer, book: Book, mark: bool, length: int, query: dict, names: tuple[str, str], now: int, fault: str
):
    return _forming(_series(book.longer(mark, length), query, names, book, now, fault), now, length)


# ---------------------------------------------------------------- Binance USDⓈ-M


def _binance(peer: Peer, path: str, query: dict[str, str], now: int, fault: str):
    if path == "/fapi/v1/time":
        return 200, {"serverTime": now}
    if path == "/fapi/v1/exchangeInfo":
        return 200, {
            "timezone": "UTC",
            "serverTime": now,
            "symbols": [_listed(s, b) for s, b in peer.books.items()],
        }
    book = peer.books.get(query.get("symbol", ""))
    if book is None:
        return 400, {"code": -1121, "msg": "Invalid symbol."}
    names = ("startTime", "endTime")
    if path in ("/fapi/v1/klines", "/fapi/v1/markPriceKlines"):
        mark, length = "mark" in path, LENGTHS[query["interval"]]
        rows = _bars(peer, book, mark, length, query, names, now, fault)
        sent = _cut(peer, rows, fault, min(int(query.get("limit", 500)), 1500), newest=False)
        return 200, [
            [t, *row[:4], "0" if mark else row[4], t + length - 1, "0", 60, "0", "0", "0"] for t, row in sent
        ]
    if path == "/fapi/v1/fundingRate":
        rows = _series(book.funding, query, names, book, now, fault)
        sent = _cut(peer, rows, fault, min(int(query.get("limit", 100)), 1000), newest=False)
        return 200, [
            {"symbol": query["symbol"], "fundingTime": t, "fundingRate": rate, "markPrice": "34287.54619963"}
            for t, rate in sent
        ]
    if path == "/futures/data/openInterestHist":
        if int(query["startTime"]) < now - 30 * DAY:
            return 400, {"code": -1130, "msg": "parameter 'startTime' is invalid."}
        rows = _series(book.interest, query, names, book, now, fault)
        sent = _cut(peer, rows, fault, min(int(query.get("limit", 30)), 500), newest=True)
        return 200, [
            {"symbol": query["symbol"], "sumOpenInterest": a, "sumOpenInterestValue": v, "timestamp": t}
            for t, (a, v) in sent[::-1]
        ]
    return 404, {"code": -5000, "msg": f"Path {path} is invalid"}


def _listed(symbol: str, book: Book) -> dict:
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": book.listed_ms,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": symbol[:-4],
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.20", "maxPrice": "4529764", "tickSize": "0.20"},
            {"filterType": "LOT_SIZE", "stepSize": "0.002", "maxQty": "1000", "minQty": "0.004"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.002", "maxQty": "120", "minQty": "0.004"},
            {"filterType": "MIN_NOTIONAL", "notional": "75"},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


# ---------------------------------------------------------------- Bybit V5


def _bybit(peer: Peer, path: str, query: dict[str, str], now: int, fault: str):
    def said(result: dict) -> tuple[int, dict]:
        return 200, {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now}

    if path == "/v5/market/time":
        return said({"timeSecond": str(now // 1000), "timeNano": f"{now}000000"})
    if path == "/v5/market/instruments-info":
        listed = [] if query.get("status") == "PreLaunch" else [_linear(s, b) for s, b in peer.books.items()]
        return said({"category": "linear", "list": listed, "nextPageCursor": ""})
    if path == "/v5/market/risk-limit":
        return said({"category": "linear", "list": _risk(query["symbol"]), "nextPageCursor": ""})
    book = peer.books.get(query.get("symbol", ""))
    if book is None:
        return 200, {
            "retCode": 10001,
            "retMsg": "Symbol Is Invalid",
            "result": {},
            "retExtInfo": {},
            "time": now,
        }
    about = {"category": "linear", "symbol": query["symbol"]}
    if path in ("/v5/market/kline", "/v5/market/mark-price-kline"):
        mark, length = "mark-price" in path, BYBIT[query["interval"]]
        rows = _bars(peer, book, mark, length, query, ("start", "end"), now, fault)
        sent = _cut(peer, rows, fault, min(int(query.get("limit", 200)), 1000), newest=True)
        turnover = [] if mark else ["3452.1"]
        return said(about | {"list": [[str(t), *row, *turnover] for t, row in sent]})
    limit = min(int(query.get("limit", 50)), 200)
    if path == "/v5/market/funding/history":
        rows = _series(book.funding, query, ("startTime", "endTime"), book, now, fault)
        sent = _cut(peer, rows, fault, limit, newest=True)
        return said(
            {
                "category": "linear",
                "list": [
                    {"symbol": query["symbol"], "fundingRate": rate, "fundingRateTimestamp": str(t)}
                    for t, rate in sent
                ],
            }
        )
    if path == "/v5/market/open-interest":
        rows = _series(book.interest, query, ("startTime", "endTime"), book, now, fault)
        sent = _cut(peer, rows, fault, limit, newest=True)
        listed = [{"openInterest": amount, "timestamp": str(t)} for t, (amount, _) in sent]
        return said(about | {"list": listed, "nextPageCursor": ""})
    return 404, {}


def _linear(symbol: str, book: Book) -> dict:
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol[:-4],
        "quoteCoin": "USDT",
        "launchTime": str(book.listed_ms),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": "0.001",
            "qtyStep": "0.001",
            "postOnlyMaxOrderQty": "1190.000",
            "maxMktOrderQty": "119.000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": "USDT",
        "copyTrading": "both",
    }


def _risk(symbol: str) -> list[dict]:
    steps = (
        ("1", "2000000", "0.005", "100"),
        ("2", "2600000", "0.0065", "90"),
        ("3", "3200000", "0.01", "83"),
    )
    return [
        {
            "id": number,
            "symbol": symbol,
            "riskLimitValue": value,
            "maintenanceMargin": maintenance,
            "initialMargin": "0.01",
            "isLowestRisk": int(number == "1"),
            "maxLeverage": leverage,
        }
        for number, value, maintenance, leverage in steps
    ]


# ---------------------------------------------------------------- KuCoin Futures and BingX, as far as they are tried


def _kucoin(peer: Peer, path: str, query: dict[str, str], now: int, fault: str):
    def said(data: object) -> tuple[int, dict]:
        return 200, {"code": "200000", "data": data}

    if path == "/api/v1/timestamp":
        return said(now)
    if path == "/api/v1/contracts/active":
        return said([_contract(s, b) for s, b in peer.books.items()])
    if path.startswith("/api/v1/contracts/risk-limit/"):
        return said([{"symbol": "XBTUSDTM", "level": 1, "maxRiskLimit": 25000, "minRiskLimit": 0,
                      "maxLeverage": 125, "initialMargin": 0.008, "maintainMargin": 0.004},
                     {"symbol": "XBTUSDTM", "level": 2, "maxRiskLimit": 250000, "minRiskLimit": 25000,
                      "maxLeverage": 50, "initialMargin": 0.02, "maintainMargin": 0.01}])  # fmt: skip
    book = peer.books[query["symbol"].replace("XBT", "BTC").removesuffix("M")]
    if path == "/api/v1/kline/query":
        length = int(query["granularity"]) * MINUTE
        rows = _bars(peer, book, False, length, query, ("from", "to"), now, fault)
        return said([[t, *map(float, row)] for t, row in _cut(peer, rows, fault, 500, newest=False)])
    rows = _series(book.funding, query, ("from", "to"), book, now, fault)[::-1]
    return said([{"symbol": query["symbol"], "fundingRate": float(r), "timepoint": t} for t, r in rows[:100]])


def _contract(symbol: str, book: Book) -> dict:
    return {
        "symbol": symbol.replace("BTC", "XBT") + "M",
        "type": "FFWCSX",
        "firstOpenDate": book.listed_ms,
        "expireDate": None,
        "baseCurrency": symbol[:-4].replace("BTC", "XBT"),
        "quoteCurrency": "USDT",
        "settleCurrency": "USDT",
        "maxOrderQty": 1000000,
        "maxPrice": 1000000.0,
        "lotSize": 1,
        "tickSize": 0.1,
        "multiplier": 0.001,
        "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0006,
        "isInverse": False,
        "status": "Open",
        "nextFundingRateTime": 25481884,
        "maxLeverage": 125,
    }


def _bingx(peer: Peer, path: str, query: dict[str, str], now: int, fault: str):
    def said(data: object) -> tuple[int, dict]:
        return 200, {"code": 0, "msg": "", "data": data}

    if path.endswith("/server/time"):
        return said({"serverTime": now})
    if path.endswith("/quote/contracts"):
        return said([_perpetual(symbol) for symbol in peer.books])
    if path.endswith("/common/symbols"):
        return said({"symbols": []})
    if path.endswith("/market/contracts"):
        return said([])
    book, names = peer.books[query["symbol"].replace("-", "")], ("startTime", "endTime")
    if path.endswith(("/quote/klines", "/markPriceKlines")):
        length = LENGTHS[query["interval"]]
        rows = _bars(peer, book, "mark" in path, length, query, names, now, fault)
        sent = _cut(peer, rows, fault, min(int(query.get("limit", 500)), 1440), newest=True)
        fields = ("open", "high", "low", "close", "volume")
        return said([dict(zip(fields, (*row, "0"), strict=False), time=t) for t, row in sent])
    rows = _series(book.funding, query, names, book, now, fault)[: int(query.get("limit", 100))]
    return said([{"symbol": query["symbol"], "fundingRate": r, "fundingTime": t} for t, r in rows])


def _perpetual(symbol: str) -> dict:
    return {
        "contractId": "100",
        "symbol": f"{symbol[:-4]}-USDT",
        "size": "0.0001",
        "quantityPrecision": 4,
        "pricePrecision": 1,
        "tradeMinQuantity": 0.0001,
        "tradeMinUSDT": 2,
        "currency": "USDT",
        "asset": symbol[:-4],
        "status": 1,
        "apiStateOpen": "true",
        "apiStateClose": "true",
    }


WIRES = {"bybit": _bybit, "kucoin": _kucoin, "bingx": _bingx}
