"""ccxt in a process of its own, with no session handed in: async with the authority named, sync by the environment."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

import ccxt
import ccxt.pro
from stage import KEY, SECRET, finish

PAIR = "BTC/USDT:USDT"
KEYS = {"apiKey": KEY, "secret": SECRET}


async def trade() -> None:
    client = ccxt.pro.bybit({**KEYS, "cafile": os.environ["SSL_CERT_FILE"]})
    try:
        await client.load_markets()
        heard = asyncio.ensure_future(client.watch_orders(PAIR))
        while not client.clients or not any(one.subscriptions for one in client.clients.values()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await client.create_order(PAIR, "market", "buy", 0.05)
        await client.create_order(PAIR, "market", "sell", 0.05, None, {"reduceOnly": True})
        assert (await asyncio.wait_for(heard, 8))[-1]["symbol"] == PAIR
    finally:
        with suppress(AttributeError):  # Python 3.11.2 trips over a TLS connection that is closed already
            await client.close()


asyncio.run(trade())
sync = ccxt.bybit({**KEYS, "requests_trust_env": True})  # or its session looks at no variable
assert len(sync.fetch_my_trades(PAIR)) == 2
finish(balance=sync.fetch_balance()["USDT"]["total"])
