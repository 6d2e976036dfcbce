"""The unmodified ccxt reads both venues: markets, bars, funding, book, prices, and the account's state."""

from __future__ import annotations

import ccxt
import pytest

from local_venues import SYMBOL, UNIFIED, World


def test_markets_have_the_exchanges_own_steps_and_smallest_orders(play):
    async def scenario(world: World):
        await world.client.load_markets()
        market, listing = world.client.market(UNIFIED), world.exchange.listings[SYMBOL]
        assert (market["id"], market["swap"], market["linear"], market["settle"]) == (
            SYMBOL,
            True,
            True,
            "USDT",
        )
        assert market["contractSize"] == float(listing.instrument.multiplier)
        assert market["precision"] == {
            **market["precision"],
            "price": float(listing.instrument.tick),
            "amount": float(listing.instrument.lot),
        }
        assert market["limits"]["amount"]["min"] == float(listing.qty(listing.instrument.min_lots))
        assert market["limits"]["cost"]["min"] == float(listing.instrument.min_notional)
        assert market["active"]
        assert {m["id"] for m in world.client.markets.values() if m["swap"]} == set(world.exchange.listings)

    play(scenario)


def test_the_venues_clock_is_the_exchanges(play):
    async def scenario(world: World):
        before = world.exchange.clock.now_ms()
        told = await world.client.fetch_time()
        assert before <= told <= world.exchange.clock.now_ms()
        assert abs(await world.client.load_time_difference()) < 1_000

    play(scenario)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h"])
def test_bars_are_the_exchanges_bars(play, timeframe):
    async def scenario(world: World):
        told = await world.client.fetch_ohlcv(UNIFIED, timeframe, limit=30)
        listing = world.exchange.listings[SYMBOL]
        bars = world.market.bars(timeframe, limit=30)
        assert told == [
            [
                bar.ts_ms,
                *(float(listing.px(px)) for px in (bar.open, bar.high, bar.low, bar.close)),
                volume(listing, bar),
            ]
            for bar in bars
        ]
        assert len(told) > 3

    def volume(listing, bar):
        return float(listing.qty(bar.volume_lots))

    play(scenario)


def test_bars_are_paged_from_a_moment_on_without_gap_or_repeat(play):
    async def scenario(world: World):
        bars = world.market.bars("1m", limit=100)
        since, seen = bars[0].ts_ms, []
        while len(seen) < 90:
            page = await world.client.fetch_ohlcv(UNIFIED, "1m", since=since, limit=25)
            seen += [row[0] for row in page]
            since = page[-1][0] + 60_000
        assert seen[:90] == [bar.ts_ms for bar in bars[:90]]

    play(scenario)


def test_the_book_does_not_cross_and_has_the_exchanges_levels(play):
    async def scenario(world: World):
        book = await world.client.fetch_order_book(UNIFIED, 20)
        listing = world.exchange.listings[SYMBOL]
        bids, asks = world.market.book(20)
        assert book["bids"] == [[float(listing.px(px)), float(listing.qty(lots))] for px, lots in bids]
        assert book["asks"] == [[float(listing.px(px)), float(listing.qty(lots))] for px, lots in asks]
        assert book["bids"][0][0] < book["asks"][0][0]

    play(scenario)


def test_tickers_and_trades_tell_the_last_price(play):
    async def scenario(world: World):
        await world.move(60_123.4)
        ticker = await world.client.fetch_ticker(UNIFIED)
        assert ticker["last"] == 60_123.4
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        assert (await world.client.fetch_tickers([UNIFIED]))[UNIFIED]["last"] == 60_123.4
        trades = await world.client.fetch_trades(UNIFIED, limit=5)
        assert trades[-1]["price"] == 60_123.4
        assert [t["timestamp"] for t in trades] == sorted(t["timestamp"] for t in trades)

    play(scenario)


def test_funding_is_told_as_it_will_be_and_as_it_was(play):
    async def scenario(world: World):
        await world.settle_funding(rate_e8=12_500)
        await world.settle_funding(rate_e8=-5_000)
        rate = await world.client.fetch_funding_rate(UNIFIED)
        assert rate["markPrice"] > 0
        assert rate["fundingTimestamp"] == world.market.next_funding_ms
        history = await world.client.fetch_funding_rate_history(UNIFIED, limit=10)
        assert [row["fundingRate"] for row in history][-2:] == [0.000125, -0.00005]

    play(scenario)


def test_the_balance_and_the_positions_are_the_accounts(play):
    async def scenario(world: World):
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        await world.move(60_600.0)
        balance = await world.client.fetch_balance()
        money = world.equity_atoms() if world.venue == "binance_usdm" else world.account.wallet_atoms
        assert balance["USDT"]["total"] == pytest.approx(
            world.money(money)
        )  # ccxt reads another field of each
        assert 0 < balance["USDT"]["free"] < balance["USDT"]["total"]
        (position,) = await world.client.fetch_positions([UNIFIED])
        assert (position["side"], position["contracts"]) == ("long", 0.05)
        assert position["entryPrice"] == pytest.approx(60_000, abs=20)
        assert position["markPrice"] == 60_600.0
        assert position["unrealizedPnl"] == pytest.approx((60_600 - position["entryPrice"]) * 0.05)
        assert position["leverage"] == (20 if world.venue == "bybit_linear" else None)  # v3 does not tell
        assert position["marginMode"] == (
            "cross" if world.venue == "binance_usdm" else None
        )  # it is the account's

    play(scenario)


def test_leverage_tiers_are_the_instruments_ladder(play):
    async def scenario(world: World):
        tiers = (await world.client.fetch_leverage_tiers([UNIFIED]))[UNIFIED]
        ladder = world.exchange.listings[SYMBOL].instrument.tiers
        assert [(t["minNotional"], t["maintenanceMarginRate"]) for t in tiers] == [
            (float(tier.floor), float(tier.maintenance_rate)) for tier in ladder
        ]
        assert tiers[0]["maxLeverage"] == world.exchange.listings[SYMBOL].max_leverage

    play(scenario)


BOTH = {
    "fetch_currencies": [],
    "fetch_funding_rates": [[UNIFIED]],
    "fetch_index_ohlcv": [UNIFIED],
    "fetch_ledger": [],
    "fetch_margin_mode": [UNIFIED],
    "fetch_mark_ohlcv": [UNIFIED],
    "fetch_open_interest": [UNIFIED],
    "fetch_open_interest_history": [UNIFIED],
    "fetch_premium_index_ohlcv": [UNIFIED],
    "fetch_status": [],
    "fetch_trading_fee": [UNIFIED],
}
ELSE = {
    "binance_usdm": {
        "fetch_balance_ws": [],
        "fetch_bids_asks": [[UNIFIED]],
        "fetch_leverages": [[UNIFIED]],
        "fetch_mark_prices": [[UNIFIED]],
        "fetch_order_book_ws": [UNIFIED],
        "fetch_orders": [UNIFIED],
        "fetch_position_mode": [UNIFIED],
        "fetch_positions_ws": [[UNIFIED]],
        "fetch_ticker_ws": [UNIFIED],
        "fetch_trading_fees": [],
    },
    "bybit_linear": {
        "fetch_canceled_and_closed_orders": [UNIFIED],
        "fetch_leverage": [UNIFIED],
        "fetch_market_leverage_tiers": [UNIFIED],
        "fetch_position": [UNIFIED],
    },
}


def test_what_else_ccxt_may_ask_is_answered(play, venue):
    async def scenario(world: World):
        await world.client.load_markets()
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        await world.settle_funding(rate_e8=10_000)
        for name, asked in {**BOTH, **ELSE[venue]}.items():
            assert await getattr(world.client, name)(*asked), name

    play(scenario)


def test_a_symbol_that_does_not_exist_is_a_bad_symbol(play):
    async def scenario(world: World):
        await world.client.load_markets()
        market = {**world.client.market(UNIFIED), "id": "NOSUCHUSDT"}
        world.client.markets[UNIFIED] = market
        with pytest.raises(ccxt.BadSymbol if world.venue == "binance_usdm" else ccxt.BadRequest):
            await world.client.fetch_order_book(UNIFIED)

    play(scenario)
