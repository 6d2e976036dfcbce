"""What unmodified ccxt can ask of Binance USDⓈ-M besides the contract that all venues share: each call is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro
import pytest

from binance_client import KEY, SECRET, BinanceClient
from mastertrading.simulator.in_process import InProcessSession
from mastertrading.simulator.line import Line
from mastertrading.simulator.virtual_time import run_virtual, wall_shows

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
STOP = {"stopLossPrice": 59_000, "reduceOnly": True}


def play(scenario: Callable[[Any, BinanceClient], Awaitable[None]]) -> None:
    """Run a scenario in process, on virtual time."""
    venue = BinanceClient()

    async def run() -> None:
        session = InProcessSession(Line([venue.facade]))
        config = {"apiKey": KEY, "secret": SECRET, "session": session, "enableRateLimit": False}
        client = ccxt.pro.binanceusdm({**config, "asyncio_loop": asyncio.get_running_loop()})
        try:
            await scenario(client, venue)
        finally:
            await client.close()
            await session.close()

    with wall_shows(venue.clock):
        run_virtual(run(), venue.clock)
    assert venue.facade.bugs == []


QUESTIONS: dict[str, tuple[Any, ...]] = {
    "fetch_currencies": (),
    "fetch_time": (),
    "fetch_status": (),
    "fetch_ticker": (BTC,),
    "fetch_tickers": ([BTC, ETH],),
    "fetch_bids_asks": ([BTC, ETH],),
    "fetch_last_prices": ([BTC],),
    "fetch_mark_price": (BTC,),
    "fetch_mark_prices": ([BTC],),
    "fetch_order_book": (BTC, 20),
    "fetch_trades": (BTC,),
    "fetch_ohlcv": (BTC, "1w"),
    "fetch_mark_ohlcv": (BTC, "1h"),
    "fetch_index_ohlcv": (BTC, "1h"),
    "fetch_premium_index_ohlcv": (BTC, "1h"),
    "fetch_funding_rate": (BTC,),
    "fetch_funding_rates": ([BTC, ETH],),
    "fetch_funding_rate_history": (BTC,),
    "fetch_funding_intervals": ([BTC],),
    "fetch_funding_history": (BTC,),
    "fetch_open_interest": (BTC,),
    "fetch_open_interest_history": (BTC, "5m"),
    "fetch_balance": (),
    "fetch_positions": ([BTC],),
    "fetch_position_mode": (BTC,),
    "fetch_leverages": ([BTC],),
    "fetch_leverage": (BTC,),
    "fetch_margin_modes": ([BTC],),
    "fetch_margin_mode": (BTC,),
    "fetch_leverage_tiers": ([BTC],),
    "fetch_trading_fee": (BTC,),
    "fetch_trading_fees": (),
    "fetch_orders": (BTC,),
    "fetch_open_orders": (BTC,),
    "fetch_closed_orders": (BTC,),
    "fetch_my_trades": (BTC,),
    "fetch_ledger": (),
    "fetch_my_liquidations": (BTC,),
    "fetch_positions_adl_rank": ([BTC],),
    "fetch_adl_rank": (BTC,),
}


@pytest.mark.parametrize("accounts", [{}, {"method": "account"}], ids=["risk", "account"])
def test_every_question_is_answered(accounts):
    async def scenario(client: Any, venue: BinanceClient) -> None:
        await client.load_markets()
        await client.create_order(BTC, "market", "buy", 0.01)
        answers = {name: await getattr(client, name)(*values) for name, values in QUESTIONS.items()}
        assert {name for name, answer in answers.items() if answer is None} == set()
        assert (answers["fetch_leverage"]["longLeverage"], answers["fetch_margin_mode"]["marginMode"]) == (
            20,
            "cross",
        )
        assert answers["fetch_position_mode"]["hedged"] is False
        assert answers["fetch_trading_fee"]["taker"] == 0.0005
        (position,) = await client.fetch_positions([BTC], accounts)
        assert (position["contracts"], position["side"]) == (0.01, "long")

    play(scenario)


def test_several_orders_at_once_are_placed_amended_and_cancelled():
    async def scenario(client: Any, venue: BinanceClient) -> None:
        await client.load_markets()
        wanted = [
            {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": price}
            for price in (59_000, 58_900)
        ]
        placed = await client.create_orders(wanted)
        assert [one["status"] for one in placed] == ["open", "open"]
        edited = await client.edit_orders(
            [{"id": one["id"], **order, "amount": 0.02} for one, order in zip(placed, wanted, strict=True)]
        )
        assert [one["amount"] for one in edited] == [0.02, 0.02]
        ended = await client.cancel_orders([one["id"] for one in placed], BTC)
        assert [one["status"] for one in ended] == ["canceled", "canceled"]
        await client.create_order(BTC, "market", "buy", 0.01)
        await client.create_order(BTC, "market", "sell", 0.01, None, {**STOP, "clientOrderId": "stop"})
        (waiting,) = await client.fetch_open_orders(BTC, params={"trigger": True})
        assert (waiting["clientOrderId"], waiting["triggerPrice"], waiting["reduceOnly"]) == (
            "stop",
            59_000,
            True,
        )
        await client.cancel_all_orders(BTC, {"trigger": True})
        assert await client.fetch_open_orders(BTC, params={"trigger": True}) == []
        assert await client.create_order(BTC, "limit", "buy", 0.01, 59_000, {"test": True})

    play(scenario)


def test_orders_go_over_the_websocket_api_too():
    async def scenario(client: Any, venue: BinanceClient) -> None:
        await client.load_markets()
        placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, 59_000)
        assert (placed["status"], placed["price"]) == ("open", 59_000)
        assert (await client.fetch_order_ws(placed["id"], BTC))["id"] == placed["id"]
        edited = await client.edit_order_ws(placed["id"], BTC, "limit", "buy", 0.02, 59_000)
        assert edited["amount"] == 0.02
        assert (await client.cancel_order_ws(placed["id"], BTC))["status"] == "canceled"
        stop = await client.create_order_ws(BTC, "market", "sell", 0.01, None, {"stopLossPrice": 59_000})
        assert (stop["status"], stop["triggerPrice"]) == ("open", 59_000)
        with pytest.raises(
            ccxt.ExchangeError, match="-2019"
        ):  # its table for this market goes by https:// only
            await client.create_order_ws(BTC, "market", "buy", 100)
        assert (await client.fetch_balance_ws())["USDT"]["total"] == pytest.approx(10_000)
        await client.create_order(BTC, "market", "buy", 0.01)
        (position,) = await client.fetch_positions_ws([BTC])
        assert position["contracts"] == 0.01
        assert (await client.fetch_ticker_ws(BTC, {"method": "ticker.price"}))["last"] == 60_000
        assert (await client.fetch_ticker_ws(BTC))["bid"] < 60_000
        assert (await client.fetch_order_book_ws(BTC))["bids"]

    play(scenario)


WATCHES: dict[str, tuple[Any, ...]] = {
    "watch_tickers": ([BTC],),
    "watch_bids_asks": ([BTC],),
    "watch_mark_price": (BTC,),
    "watch_mark_prices": ([BTC],),
    "watch_trades": (BTC, None, None, {"name": "aggTrade"}),
    "watch_ohlcv_for_symbols": ([[BTC, "1m"], [BTC, "1h"]],),
    "watch_order_book_for_symbols": ([BTC],),
    "watch_balance": (),
    "watch_positions": ([BTC],),
    "watch_my_trades": (BTC,),
    "watch_orders": (BTC,),
}


@pytest.mark.parametrize("name", WATCHES)
def test_every_watch_hears_of_the_market_or_of_an_order(name):
    async def scenario(client: Any, venue: BinanceClient) -> None:
        await client.load_markets()
        await client.create_order(BTC, "market", "buy", 0.02)
        watching = asyncio.ensure_future(getattr(client, name)(*WATCHES[name]))
        for k in range(20):
            await asyncio.sleep(0.5)
            venue.exchange.move("BTCUSDT", 600_000 + k)
            if k == 10:
                await client.create_order(BTC, "market", "buy", 0.01)
            if watching.done():
                break
        assert watching.done(), name
        assert watching.result()

    play(scenario)


def test_everybody_hears_of_a_liquidation():
    async def scenario(client: Any, venue: BinanceClient) -> None:
        await client.load_markets()
        await client.create_order(BTC, "market", "buy", 0.01)
        watching = asyncio.ensure_future(client.watch_liquidations(BTC))
        await asyncio.sleep(1)
        venue.exchange.liquidate(venue.account, "BTCUSDT")
        (told,) = await watching
        assert (told["side"], told["contracts"]) == ("sell", 0.01)

    play(scenario)


def test_demo_trading_is_served_at_its_own_hosts():
    async def scenario(client: Any, venue: BinanceClient) -> None:
        client.enable_demo_trading(True)
        await client.load_markets()
        watching = asyncio.ensure_future(client.watch_orders(BTC))
        await asyncio.sleep(1)
        placed = await client.create_order(BTC, "limit", "buy", 0.01, 59_000)
        (told,) = await watching
        assert told["id"] == placed["id"]
        assert {link.request.host for link in client.session.line.links} == {"fstream.binancefuture.com"}
        assert (await client.create_order_ws(BTC, "limit", "buy", 0.01, 58_000))["status"] == "open"

    play(scenario)
