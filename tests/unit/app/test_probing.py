"""A probe tries every capability of a venue by reading; an order only where it was asked for."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from gateway_desk import SYMBOL, limit, play
from mastertrading.app.findings import State, worst
from mastertrading.app.probing import Probe, far_order
from mastertrading.domain.instrument import Instrument
from mastertrading.settings.schema import Settings

VENUES = ("binance_usdm", "bybit_linear")


def probed(venue, before=None, **options):
    """Findings by name, and what the venue was asked to do."""

    async def scenario(desk):
        async def prices():
            for step in range(400):
                await desk.clock.sleep(0.1)
                await desk.move(60_000 + step % 7)

        if before is not None:
            await before(desk)
        market = asyncio.ensure_future(prices())
        probe = Probe(desk.gateway, Settings(), [SYMBOL], reads=3, stream_s=8.0)
        found = await probe.run(**options)
        market.cancel()
        await asyncio.gather(market, return_exceptions=True)
        posts = [one for one in desk.weather.told if one[0] != "GET"]
        return {one.name: one for one in found}, posts, desk.orders(), probe.figures

    return play(scenario, venue)


@pytest.mark.parametrize("venue", VENUES)
def test_every_capability_is_tried_and_no_order_is_placed(venue):
    found, posts, orders, figures = probed(venue)
    wanted = {"clock", "contracts", "key trades", "key withdraws", "hedge mode", "wallet", "positions"}
    wanted |= {"open orders", "history", "set-up", "reading book", "reading positions", "price stream"}
    wanted |= {"account stream", "budget", "the venue has"}
    assert wanted <= set(found)
    assert [one.name for one in found.values() if one.state is State.FAIL] == []
    assert orders == []
    assert not [path for _, path in posts if "order" in path.lower()]
    assert figures["book_ms"]["p99"] >= figures["book_ms"]["p50"] > 0


@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_was_asked_for_rests_far_away_and_is_gone_again(venue):
    found, _, orders, _ = probed(venue, with_order=True)
    assert found["order"].state is State.OK, found["order"]
    (order,) = orders
    assert order.limit_ticks < 500_000
    assert order.filled == 0


def test_a_right_that_a_key_should_not_have_fails():
    async def give(desk):
        object.__setattr__(desk.account, "permissions", frozenset({"read", "trade", "withdraw"}))

    found, *_ = probed("bybit_linear", give)
    assert found["key withdraws"].state is State.FAIL
    assert worst(list(found.values())) is State.FAIL


def test_one_answer_that_fails_leaves_the_others():
    async def spoil(desk):
        desk.weather.set(lambda request: "income" in request.path, spoil=lambda response: None, times=99)
        desk.weather.spoil = lambda response: type(response)(502, b"bad gateway", {})

    found, *_ = probed("binance_usdm", spoil)
    assert found["history"].state is State.FAIL
    assert found["wallet"].state is State.OK


def test_orders_that_rest_are_counted():
    async def rest(desk):
        await desk.gateway.place(limit("a1", 50_000))

    found, *_ = probed("binance_usdm", rest)
    assert found["open orders"].found.startswith("1 rest")


@pytest.mark.parametrize("px", ["60000", "0.9", "1.2345"])
def test_a_far_order_is_on_the_grid_above_the_smallest_and_below_the_price(px):
    contract = Instrument("XUSDT", Decimal("0.0001"), Decimal("0.1"), Decimal(5))
    order = far_order(contract, Decimal(px), "a1")
    assert order.limit_px < Decimal(px) * Decimal("0.81")
    assert order.limit_px % contract.tick == 0
    assert order.qty % contract.lot == 0
    assert order.qty * order.limit_px >= contract.min_notional
