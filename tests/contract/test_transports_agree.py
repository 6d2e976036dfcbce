"""The same story on sockets and in process: what ccxt tells differs in nothing but times and numbers of orders."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt

from local_venues import UNIFIED, World, play

OF_THE_MOMENT = {"info", "timestamp", "datetime", "lastTradeTimestamp", "lastUpdateTimestamp"}


async def story(world: World) -> list[Any]:
    """An entry, a target, a stop, a fall, refusals; and how the account looks afterwards."""
    client = world.client
    told: list[Any] = [await client.create_order(UNIFIED, "market", "buy", 0.05)]
    reduce = {"reduceOnly": True}
    await asyncio.sleep(0.002)  # no two orders at the same millisecond: lists are sorted by it
    told.append(await client.create_order(UNIFIED, "limit", "sell", 0.02, 60_500.0, reduce))
    told.append(
        await client.create_order(
            UNIFIED, "market", "sell", 0.05, None, {**reduce, "stopLossPrice": 59_000.0}
        )
    )
    await world.move(60_600.0)
    told.append(await client.fetch_positions([UNIFIED]))
    await world.move(58_900.0)
    for amount in (0.001, 900):
        await asyncio.sleep(0.002)
        try:
            told.append(await client.create_order(UNIFIED, "limit", "buy", amount, 30_000.0))
        except ccxt.BaseError as error:
            told.append(type(error).__name__)
    told += [
        await client.fetch_my_trades(UNIFIED),
        await client.fetch_balance(),
        await client.fetch_positions([UNIFIED]),
        await client.fetch_closed_orders(UNIFIED),
    ]
    return told


def timeless(told: Any, names: dict[str, int]) -> Any:
    """Without times; every id is the place at which it was first seen."""
    if isinstance(told, dict):
        return {
            key: names.setdefault(str(value), len(names))
            if key in ("id", "order", "clientOrderId") and value
            else timeless(value, names)
            for key, value in told.items()
            if key not in OF_THE_MOMENT
        }
    return [timeless(one, names) for one in told] if isinstance(told, list) else told


def test_both_transports_tell_the_same_story(venue, authority):
    told = [timeless(play(story, venue, transport, authority), {}) for transport in ("wire", "in_process")]
    assert told[0] == told[1]
    assert len(told[0]) == 10
