"""The clients of ``exchange_load``, each in a process of its own: plain aiohttp, so that they cost little."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time

import aiohttp

from mastertrading.simulator.loopback import loopback_session

HOST = "fapi.binance.com"
STREAMS = (
    "btcusdt@trade",
    "btcusdt@bookTicker",
    "btcusdt@markPrice@1s",
    "btcusdt@kline_1m",
    "btcusdt@ticker",
)


async def listen(port: int, authority: str) -> None:
    """The client: count frames, and holes in the numbers of trades."""
    received, missing, last = 0, 0, None
    url = f"wss://{HOST}/stream?streams={'/'.join(STREAMS)}"
    async with loopback_session(port, authority) as session, session.ws_connect(url) as stream:
        async for message in stream:
            received += 1
            told = json.loads(message.data).get("data", {})
            if told.get("e") == "trade":
                missing += 0 if last is None else told["t"] - last - 1
                last = told["t"]
    print(json.dumps({"received": received, "missing": missing}))


async def trade(port: int, authority: str, key: str, secret: str, seconds: float, lanes: int = 8) -> None:
    """The client: signed orders, one after the other on each connection."""
    accepted, refused = 0, 0

    async def lane(session: aiohttp.ClientSession, until: float, side: str) -> None:
        nonlocal accepted, refused
        while time.perf_counter() < until:
            query = f"symbol=BTCUSDT&side={side}&type=MARKET&quantity=0.001"
            query += f"&timestamp={time.time_ns() // 1_000_000}"
            sign = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
            url = f"https://{HOST}/fapi/v1/order?{query}&signature={sign}"
            async with session.post(url, headers={"X-MBX-APIKEY": key}) as reply:
                done = "orderId" in await reply.json()
            accepted, refused = accepted + done, refused + (not done)

    async with loopback_session(port, authority) as session:
        began = time.perf_counter()
        until = began + seconds
        await asyncio.gather(*(lane(session, until, ("BUY", "SELL")[n % 2]) for n in range(lanes)))
        passed = time.perf_counter() - began
    print(json.dumps({"orders_per_s": round(accepted / passed), "accepted": accepted, "refused": refused}))


if __name__ == "__main__":
    what, where, *words = sys.argv[1:]
    if what == "listen":
        asyncio.run(listen(int(where), *words))
    else:
        asyncio.run(trade(int(where), *words[:3], float(words[3])))
