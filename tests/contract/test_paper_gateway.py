"""The gateway's contract on paper, and that it fills by the backtest's rule."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from contract.gateway_contract import GatewayContract
from gateway_desk import SELL, SYMBOL, Desk, limit, market, stop
from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.feed import Bar, Funding
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.orders import OrderStatus


class TestPaperGateway(GatewayContract):
    venue = "paper"

    def test_what_is_ordered_between_two_bars_fills_at_the_next_open(self):
        async def scenario(desk: Desk):
            gateway, start = desk.gateway, desk.clock.now_ms()
            gateway.play([bar(start, 60_000, 60_000, 60_000, 60_000)])
            reply = await gateway.place(market("a1"))
            gateway.play([bar(start + MINUTE_MS, 60_100, 60_200, 60_050, 60_150)])
            return start, reply, await desk.settled("a1"), await gateway.fills(SYMBOL, 0)

        start, reply, order, (fill,) = self.play(scenario)
        assert reply.order.status is OrderStatus.WORKING
        assert order.status is OrderStatus.FILLED
        assert (fill.ts_ms, fill.px) == (
            start + MINUTE_MS,
            Decimal("60106.1"),
        )  # the open, slipped by 1 bp, rounded up

    def test_a_stop_and_a_target_of_one_bar_meet_the_nearer_extreme_first(self):
        async def scenario(desk: Desk):
            gateway, start = desk.gateway, desk.clock.now_ms()
            await gateway.place(market("a1"))
            await gateway.place(stop("s1", 59_500))
            await gateway.place(limit("t1", 60_600, SELL, reduce_only=True))
            gateway.play([bar(start, 60_000, 60_700, 59_400, 60_000)])
            return (await desk.settled("s1")).status, (await desk.settled("t1")).status, desk.lots()

        assert self.play(scenario) == (OrderStatus.FILLED, OrderStatus.CANCELLED, 0)

    def test_a_bar_between_the_ticks_is_refused(self):
        async def scenario(desk: Desk):
            with pytest.raises(ExchangeUnavailable, match="between the ticks"):
                desk.gateway.play([bar(desk.clock.now_ms(), 60_000.05, 60_001, 59_999, 60_000)])

        self.play(scenario)

    def test_a_round_of_closed_bars_is_played_before_it_is_handed_on(self):
        async def scenario(desk: Desk):
            start = desk.clock.now_ms()
            desk.gateway.data = Recorded(
                [
                    Funding(SYMBOL, Decimal("0.0003"), start + 3_600_000, None, start),
                    bar(start, 60_000, 60_000, 60_000, 60_000),
                    bar(start + MINUTE_MS, 60_100, 60_100, 60_100, 60_100),
                ]
            )
            lots = []
            async for event in desk.gateway.market_events([SYMBOL], "1m"):
                if isinstance(event, Bar):
                    lots.append(desk.lots())
                    await desk.gateway.place(market(f"a{len(lots)}"))
                if len(lots) == 2:
                    break
            desk.gateway.data = None
            return lots, desk.exchange.markets[SYMBOL].funding_rate_e8

        assert self.play(scenario) == ([0, 10], 30_000)


class Recorded:
    """A source of data that tells a few events."""

    def __init__(self, told) -> None:
        self.told = told

    async def market_events(self, symbols, timeframe):
        for event in self.told:
            yield event
        await asyncio.sleep(3_600)


def bar(ts_ms: int, *prices: float) -> Bar:
    opened, high, low, close = (Decimal(str(px)) for px in prices)
    return Bar(SYMBOL, "1m", ts_ms, opened, high, low, close, Decimal(5), True, ts_ms + MINUTE_MS)
