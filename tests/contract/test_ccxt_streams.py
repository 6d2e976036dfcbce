"""The unmodified ccxt.pro hears both venues: what the account does, what the market does, also after a cut."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt
import pytest

from local_venues import UNIFIED, World, within
from mastertrading.simulator.line import Calm


class Listener:
    """Collects what a ``watch_…`` tells, as ccxt's users do: again and again."""

    def __init__(self, watch: Any, *arguments: Any) -> None:
        self._watch, self._arguments = watch, arguments
        self.heard: list[Any] = []
        self.broken = 0
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                news = await self._watch(*self._arguments)
            except ccxt.NetworkError:
                self.broken += 1
                await asyncio.sleep(0.01)
                continue
            finally:
                self._changed.set()
            self.heard += list(news) if isinstance(news, list) else [news]

    async def until(self, wanted: Any) -> Any:
        """The first thing told that fits."""

        async def wait() -> Any:
            while True:
                self._changed.clear()
                for one in self.heard:
                    if wanted(one):
                        return one
                await self._changed.wait()

        return await within(wait())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Listeners(list[Listener]):
    """Listeners that stop together."""

    def add(self, watch: Any, *arguments: Any) -> Listener:
        self.append(Listener(watch, *arguments))
        return self[-1]

    async def __aenter__(self) -> Listeners:
        return self

    async def __aexit__(self, *_: object) -> None:
        for listener in self:
            await listener.stop()


class Ears(Calm):
    """Counts what clients say: a subscription that was heard is in force."""

    def __init__(self) -> None:
        self.count = 0

    def hears(self, link: Any, text: str) -> bool:
        self.count += 1
        return True


async def subscribed(world: World, *, binance: tuple[int, int], bybit: tuple[int, int]) -> None:
    """Wait until so many connections stand and so many frames of the client have been heard."""
    links, frames = binance if world.venue == "binance_usdm" else bybit
    line = world.local.line

    async def wait() -> None:
        while len(line.links) < links or line.weather.count < frames:
            await asyncio.sleep(0.005)

    await within(wait())


def test_private_streams_tell_of_orders_fills_positions_and_money(play):
    async def scenario(world: World):
        await world.client.load_markets()
        async with Listeners() as listeners:
            orders = listeners.add(world.client.watch_orders, UNIFIED)
            trades = listeners.add(world.client.watch_my_trades, UNIFIED)
            positions = listeners.add(world.client.watch_positions, [UNIFIED])
            balance = listeners.add(world.client.watch_balance)
            await subscribed(world, binance=(1, 0), bybit=(1, 5))
            resting = await world.client.create_order(UNIFIED, "limit", "buy", 0.02, 59_500.0)
            await orders.until(lambda o: (o["id"], o["status"]) == (resting["id"], "open"))
            await world.client.cancel_order(resting["id"], UNIFIED)
            await orders.until(lambda o: (o["id"], o["status"]) == (resting["id"], "canceled"))
            bought = await world.client.create_order(UNIFIED, "market", "buy", 0.05)
            done = await orders.until(lambda o: (o["id"], o["status"]) == (bought["id"], "closed"))
            assert (done["filled"], done["side"]) == (0.05, "buy")
            trade = await trades.until(lambda t: t["order"] == bought["id"])
            assert (trade["amount"], trade["takerOrMaker"]) == (0.05, "taker")
            assert trade["fee"]["cost"] > 0
            held = await positions.until(lambda p: p["contracts"] == 0.05)
            assert (held["side"], held["symbol"]) == ("long", UNIFIED)
            money = await balance.until(
                lambda b: b["USDT"]["total"] is not None and b["USDT"]["total"] < 10_000
            )
            assert money["USDT"]["total"] < 10_000

    play(scenario, Ears())


def test_the_stream_tells_of_a_stop_and_of_its_fill(play):
    async def scenario(world: World):
        await world.client.load_markets()
        async with Listeners() as listeners:
            orders = listeners.add(world.client.watch_orders, UNIFIED)
            trades = listeners.add(world.client.watch_my_trades, UNIFIED)
            await subscribed(world, binance=(1, 0), bybit=(1, 3))
            await world.client.create_order(UNIFIED, "market", "buy", 0.05)
            params = {"reduceOnly": True, "stopLossPrice": 59_000.0}
            stop = await world.client.create_order(UNIFIED, "market", "sell", 0.05, None, params)
            waiting = await orders.until(lambda o: o["id"] == stop["id"])
            assert waiting["triggerPrice"] == 59_000.0
            await world.move(58_900.0)
            fill = await trades.until(lambda t: t["side"] == "sell")
            assert fill["amount"] == 0.05
            assert (fill["order"] == stop["id"]) == (world.venue == "bybit_linear")
            await orders.until(lambda o: (o["id"], o["status"]) == (fill["order"], "closed"))

    play(scenario, Ears())


def test_public_streams_tell_of_bars_trades_tickers_and_the_book(play):
    async def scenario(world: World):
        await world.client.load_markets()
        async with Listeners() as listeners:
            bars = listeners.add(world.client.watch_ohlcv, UNIFIED, "1m")
            trades = listeners.add(world.client.watch_trades, UNIFIED)
            ticker = listeners.add(world.client.watch_ticker, UNIFIED)
            book = listeners.add(world.client.watch_order_book, UNIFIED)
            await subscribed(world, binance=(4, 4), bybit=(1, 4))
            for px in (60_010.0, 59_990.0, 60_222.2, 60_222.2):
                await world.move(px)
                await asyncio.sleep(0.15)
            bar = await bars.until(lambda b: b[2] >= 60_222.2 and b[3] <= 59_990.0)
            assert bar[4] == 60_222.2
            await trades.until(lambda t: t["price"] == 60_222.2)
            await ticker.until(lambda t: t["last"] == 60_222.2)
            last = await book.until(lambda b: b["bids"] and b["bids"][0][0] > 60_150.0)
            bids, asks = world.market.book(5)
            assert [row[0] for row in last["bids"][:5]] == [px / 10 for px, _ in bids]
            assert [row[0] for row in last["asks"][:5]] == [px / 10 for px, _ in asks]
            assert book.broken == 0

    play(scenario, Ears())


def test_after_a_cut_the_next_watch_connects_again_and_hears_what_is_new(play):
    async def scenario(world: World):
        await world.client.load_markets()
        async with Listeners() as listeners:
            orders = listeners.add(world.client.watch_orders, UNIFIED)
            bars = listeners.add(world.client.watch_ohlcv, UNIFIED, "1m")
            await subscribed(world, binance=(2, 1), bybit=(2, 3))
            await world.move(60_100.0)
            await bars.until(lambda b: b[4] == 60_100.0)
            for link in tuple(world.local.line.links):
                link.cut()
            await subscribed(world, binance=(2, 2), bybit=(2, 6))
            placed = await world.client.create_order(UNIFIED, "limit", "buy", 0.02, 59_500.0)
            await world.move(60_200.0)
            await orders.until(lambda o: o["id"] == placed["id"])
            await bars.until(lambda b: b[4] == 60_200.0)
            assert orders.broken
            assert bars.broken

    play(scenario, Ears())


def test_the_book_stays_in_step_while_it_changes_a_lot(play):
    async def scenario(world: World):
        await world.client.load_markets()
        async with Listeners() as listeners:
            book = listeners.add(world.client.watch_order_book, UNIFIED)
            await subscribed(world, binance=(1, 1), bybit=(1, 1))
            for k in range(60):
                await world.move(60_000.0 + (k * 7919) % 400 / 10)
                await asyncio.sleep(0.01)
            await world.move(60_300.0)
            await asyncio.sleep(0.3)
            await world.move(60_300.0)
            bids, asks = world.market.book(10)
            last = await book.until(lambda b: b["asks"] and b["asks"][0][0] == asks[0][0] / 10)
            assert [row[0] for row in last["bids"][:10]] == [px / 10 for px, _ in bids]
            assert all(low[0] > high[0] for low, high in zip(last["bids"], last["bids"][1:], strict=False))
            assert book.broken == 0

    play(scenario, Ears())


def test_orders_can_be_sent_over_a_socket_instead_of_rest(play):
    async def scenario(world: World):
        client = world.client
        await client.load_markets()
        placed = await client.create_order_ws(UNIFIED, "limit", "buy", 0.02, 59_500.0)
        assert [o["id"] for o in await world.plain_open_orders()] == [placed["id"]]
        await client.edit_order_ws(placed["id"], UNIFIED, "limit", "buy", 0.03, 59_400.0)
        assert (await world.order(placed["id"]))["price"] == 59_400.0
        await client.cancel_order_ws(placed["id"], UNIFIED)
        assert await world.plain_open_orders() == []
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order_ws(placed["id"], UNIFIED)
        await client.create_order_ws(UNIFIED, "market", "buy", 0.05)
        assert world.lots() == 50
        with pytest.raises(ccxt.ExchangeError, match=r"-2019|110007") as refused:
            await client.create_order_ws(UNIFIED, "limit", "buy", 100, 59_500.0)
        # over Binance's socket ccxt does not use the table of its REST URL: the same code is another class
        assert refused.type is (
            ccxt.ExchangeError if world.venue == "binance_usdm" else ccxt.InsufficientFunds
        )

    play(scenario)
