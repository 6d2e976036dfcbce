"""The unmodified ccxt trades on both venues, on sockets and in process: every kind of order and what becomes of it."""

from __future__ import annotations

import asyncio

import ccxt
import pytest

from local_venues import SYMBOL, UNIFIED, World

REDUCE = {"reduceOnly": True}


# -------------------------------------------------------------------- kinds of orders
@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_a_market_order_fills_at_once_and_costs_a_takers_fee(play, side, sign):
    async def scenario(world: World):
        placed = await world.client.create_order(UNIFIED, "market", side, 0.05)
        order = await world.order(placed["id"])
        assert (order["status"], order["filled"], order["remaining"]) == ("closed", 0.05, 0.0)
        (trade,) = await world.client.fetch_my_trades(UNIFIED)
        assert (trade["order"], trade["side"], trade["amount"]) == (order["id"], side, 0.05)
        assert trade["takerOrMaker"] == "taker"
        assert trade["price"] == order["average"]
        assert sign * (trade["price"] - 60_000) >= 0  # never better than the price
        taker = world.exchange.listings[SYMBOL].taker_e8 / 1e8
        assert trade["fee"]["cost"] == pytest.approx(trade["price"] * 0.05 * taker)
        assert world.lots() == sign * 50

    play(scenario)


def test_a_limit_order_rests_and_fills_as_a_maker_once_the_price_went_through(play):
    async def scenario(world: World):
        placed = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 59_500.0)
        order = await world.order(placed["id"])
        assert (order["status"], order["price"], order["type"], order["filled"]) == (
            "open",
            59_500.0,
            "limit",
            0.0,
        )
        await world.move(59_501.0)
        assert (await world.order(placed["id"]))["status"] == "open"
        await world.move(59_400.0)
        order = await world.order(placed["id"])
        assert (order["status"], order["average"]) == ("closed", 59_500.0)
        (trade,) = await world.client.fetch_my_trades(UNIFIED)
        assert (trade["takerOrMaker"], trade["price"]) == ("maker", 59_500.0)

    play(scenario)


def test_a_post_only_order_that_would_take_never_does(play):
    async def scenario(world: World):
        if world.venue == "binance_usdm":
            with pytest.raises(ccxt.OrderNotFillable):
                await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 61_000.0, {"postOnly": True})
        else:
            placed = await world.client.create_order(
                UNIFIED, "limit", "buy", 0.05, 61_000.0, {"postOnly": True}
            )
            assert (await world.order(placed["id"]))["status"] in ("canceled", "rejected")
        resting = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 59_000.0, {"postOnly": True})
        order = await world.order(resting["id"])
        assert (order["status"], order["postOnly"]) == ("open", True)
        assert world.lots() == 0

    play(scenario)


@pytest.mark.parametrize("terms", ["IOC", "FOK"])
def test_an_order_for_now_takes_what_there_is_or_ends(play, terms):
    async def scenario(world: World):
        params = {"timeInForce": terms}
        taken = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 60_500.0, params)
        assert (await world.order(taken["id"]))["status"] == "closed"
        try:
            missed = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 59_500.0, params)
        except ccxt.OrderNotFillable:
            assert (world.venue, terms) == ("binance_usdm", "FOK")
        else:
            assert (await world.order(missed["id"]))["status"] in ("canceled", "expired")
        assert world.lots() == 50

    play(scenario)


@pytest.mark.parametrize(
    ("params", "to"),
    [({"stopLossPrice": 59_000.0}, 58_900.0), ({"takeProfitPrice": 61_000.0}, 61_100.0)],
    ids=["stop", "target"],
)
def test_a_stop_and_a_target_wait_and_fill_when_their_price_is_touched(play, params, to):
    async def scenario(world: World):
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        placed = await world.client.create_order(UNIFIED, "market", "sell", 0.05, None, {**REDUCE, **params})
        (waiting,) = await world.client.fetch_open_orders(UNIFIED, params={"trigger": True})
        assert waiting["id"] == placed["id"]
        assert (waiting["triggerPrice"], waiting["reduceOnly"]) == (next(iter(params.values())), True)
        await world.move(to)
        assert world.lots() == 0
        assert await world.client.fetch_open_orders(UNIFIED, params={"trigger": True}) == []
        exit_ = (await world.client.fetch_my_trades(UNIFIED))[-1]
        assert exit_["side"] == "sell"
        assert (exit_["order"] == placed["id"]) == (world.venue == "bybit_linear")
        if world.venue == "binance_usdm":  # the fill is under another number, which the waiting order tells
            waited = await world.order(placed["id"], trigger=True)
            assert waited["info"]["actualOrderId"] == exit_["order"]
            assert (await world.order(exit_["order"]))["status"] == "closed"
        else:
            assert (await world.order(placed["id"]))["status"] == "closed"

    play(scenario)


def test_a_stop_limit_becomes_a_limit_order_that_rests(play):
    async def scenario(world: World):
        params = {"triggerPrice": 61_000.0, "triggerDirection": "ascending"}
        placed = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 60_900.0, params)
        assert await world.client.fetch_open_orders(UNIFIED, params={"trigger": True})
        await world.move(61_050.0)
        assert world.lots() == 0
        resting = await world.plain_open_orders()
        assert [(o["price"], o["amount"]) for o in resting] == [(60_900.0, 0.05)]
        assert (resting[0]["id"] == placed["id"]) == (world.venue == "bybit_linear")
        await world.move(60_800.0)
        assert world.lots() == 50

    play(scenario)


def test_a_stop_that_would_trigger_at_once_is_refused(play):
    async def scenario(world: World):
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        expected = ccxt.OrderImmediatelyFillable if world.venue == "binance_usdm" else ccxt.InvalidOrder
        with pytest.raises(expected):
            await world.client.create_order(
                UNIFIED, "market", "sell", 0.05, None, {**REDUCE, "stopLossPrice": 60_500.0}
            )

    play(scenario)


def test_reduce_only_never_turns_a_position_around(play):
    async def scenario(world: World):
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        await world.client.create_order(UNIFIED, "market", "sell", 0.08, None, REDUCE)
        assert world.lots() == 0
        with pytest.raises(ccxt.ExchangeError):
            await world.client.create_order(UNIFIED, "market", "sell", 0.08, None, REDUCE)

    play(scenario)


def test_close_position_closes_whatever_there_is_by_then(play):
    async def scenario(world: World):
        if world.venue != "binance_usdm":
            return  # the other venue's word for it is an attached stop
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        params = {"stopLossPrice": 59_000.0, "closePosition": True}
        await world.client.create_order(UNIFIED, "market", "sell", 0, None, params)
        await world.client.create_order(UNIFIED, "market", "buy", 0.03)
        await world.move(58_900.0)
        assert world.lots() == 0

    play(scenario)


def test_attached_protection_lives_and_dies_with_the_position(play):
    async def scenario(world: World):
        if world.venue != "bybit_linear":
            return
        params = {"stopLoss": {"triggerPrice": 59_000.0}, "takeProfit": {"triggerPrice": 61_000.0}}
        await world.client.create_order(UNIFIED, "market", "buy", 0.05, None, params)
        (position,) = await world.client.fetch_positions([UNIFIED])
        assert (position["stopLossPrice"], position["takeProfitPrice"]) == (59_000.0, 61_000.0)
        assert len(await world.client.fetch_open_orders(UNIFIED, params={"trigger": True})) == 2
        await world.move(61_100.0)
        assert world.lots() == 0
        assert await world.client.fetch_open_orders(UNIFIED, params={"trigger": True}) == []

    play(scenario)


def test_an_order_can_be_amended(play):
    async def scenario(world: World):
        placed = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 59_000.0)
        await world.client.edit_order(placed["id"], UNIFIED, "limit", "buy", 0.06, 59_100.0)
        order = await world.order(placed["id"])
        assert (order["amount"], order["price"], order["status"]) == (0.06, 59_100.0, "open")

    play(scenario)


# -------------------------------------------------------------------- fills and cancels
def test_an_order_larger_than_its_share_of_the_volume_fills_in_parts(play):
    async def scenario(world: World):
        world.only_lots(30)
        placed = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 60_500.0)
        order = await world.order(placed["id"])
        assert (order["status"], order["filled"], order["remaining"]) == ("open", 0.03, 0.02)
        cancelled = await world.client.cancel_order(placed["id"], UNIFIED)
        assert cancelled["id"] == placed["id"]
        order = await world.order(placed["id"])
        assert (order["status"], order["filled"]) == ("canceled", 0.03)
        assert world.lots() == 30

    play(scenario)


def test_a_cancel_after_the_fill_or_after_a_cancel_finds_no_order(play):
    async def scenario(world: World):
        gone = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 59_500.0)
        await world.client.cancel_order(gone["id"], UNIFIED)
        await world.move(59_400.0)  # the cancel was first: nothing fills
        assert world.lots() == 0
        filled = await world.client.create_order(UNIFIED, "limit", "buy", 0.05, 59_300.0)
        await world.move(59_200.0)  # the fill was first
        for order in (gone, filled, filled):
            with pytest.raises(ccxt.OrderNotFound):
                await world.client.cancel_order(order["id"], UNIFIED)
        assert world.lots() == 50

    play(scenario)


def test_a_cancel_and_a_fill_at_the_same_time_agree_on_who_was_first(play):
    async def scenario(world: World):
        for k in range(4):
            placed = await world.client.create_order(UNIFIED, "limit", "buy", 0.01, 59_500.0)
            cancel = asyncio.ensure_future(world.client.cancel_order(placed["id"], UNIFIED))
            for _ in range(k):
                await asyncio.sleep(0)
            world.exchange.move(SYMBOL, world.ticks(59_400.0))
            outcome = (await asyncio.gather(cancel, return_exceptions=True))[0]
            order = await world.order(placed["id"])
            was_filled = isinstance(outcome, ccxt.OrderNotFound)
            assert was_filled or not isinstance(outcome, Exception)
            assert order["status"] == ("closed" if was_filled else "canceled")
            assert order["filled"] == (0.01 if was_filled else 0.0)
            await world.move(60_000.0)

    play(scenario)


def test_cancel_all_ends_each_book_by_itself(play):
    async def scenario(world: World):
        for price in (59_000.0, 58_000.0):
            await world.client.create_order(UNIFIED, "limit", "buy", 0.05, price)
        params = {"triggerPrice": 62_000.0, "triggerDirection": "ascending"}
        await world.client.create_order(UNIFIED, "market", "buy", 0.05, None, params)
        await world.client.cancel_all_orders(UNIFIED, {"trigger": True})
        assert await world.client.fetch_open_orders(UNIFIED, params={"trigger": True}) == []
        assert len(await world.plain_open_orders()) == 2
        await world.client.cancel_all_orders(UNIFIED)
        assert await world.plain_open_orders() == []

    play(scenario)


# -------------------------------------------------------------------- finding orders again
def test_orders_are_found_by_the_clients_own_id(play):
    async def scenario(world: World):
        placed = await world.client.create_order(
            UNIFIED, "limit", "buy", 0.05, 59_000.0, {"clientOrderId": "mine-1"}
        )
        stop = {"triggerPrice": 62_000.0, "triggerDirection": "ascending", "clientOrderId": "mine-2"}
        waiting = await world.client.create_order(UNIFIED, "market", "buy", 0.05, None, stop)
        assert await world.number_of_client_id("mine-1") == placed["id"]
        assert await world.number_of_client_id("mine-2", trigger=True) == waiting["id"]
        with pytest.raises(ccxt.InvalidOrder):
            await world.client.create_order(
                UNIFIED, "limit", "buy", 0.05, 59_000.0, {"clientOrderId": "mine-1"}
            )
        assert len(await world.plain_open_orders()) == 1

    play(scenario)


def test_open_and_closed_orders_and_trades_tell_one_story(play):
    async def scenario(world: World):
        bought = await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        resting = await world.client.create_order(UNIFIED, "limit", "sell", 0.05, 61_000.0)
        dropped = await world.client.create_order(UNIFIED, "limit", "sell", 0.05, 62_000.0)
        await world.client.cancel_order(dropped["id"], UNIFIED)
        assert [o["id"] for o in await world.plain_open_orders()] == [resting["id"]]
        closed = await world.client.fetch_closed_orders(UNIFIED)
        assert bought["id"] in [o["id"] for o in closed]
        assert resting["id"] not in [o["id"] for o in closed]
        assert {t["order"] for t in await world.client.fetch_my_trades(UNIFIED)} == {bought["id"]}

    play(scenario)


def test_funding_paid_is_in_the_accounts_history(play):
    async def scenario(world: World):
        await world.client.create_order(UNIFIED, "market", "buy", 0.05)
        await world.settle_funding(rate_e8=10_000)
        (paid,) = await world.client.fetch_funding_history(UNIFIED)
        sign = -1 if world.venue == "binance_usdm" else 1  # Bybit tells it as a fee, and ccxt hands that on
        assert paid["amount"] == pytest.approx(sign * 0.05 * 60_000 * 0.0001, rel=1e-3)
        assert world.account.incomes[-1].atoms < 0
        assert paid["symbol"] == UNIFIED

    play(scenario)


# -------------------------------------------------------------------- leverage and modes
def test_leverage_is_set_and_too_much_is_refused(play):
    async def scenario(world: World):
        await world.client.set_leverage(7, UNIFIED)
        assert world.account.leverage[SYMBOL] == 7
        assert (await world.client.fetch_leverage(UNIFIED))["longLeverage"] == 7
        with pytest.raises(ccxt.BaseError):
            await world.client.set_leverage(10_000, UNIFIED)
        if world.venue == "bybit_linear":
            with pytest.raises(ccxt.BadRequest, match="not modified"):
                await world.client.set_leverage(7, UNIFIED)
        assert world.account.leverage[SYMBOL] == 7

    play(scenario)


def test_the_margin_mode_is_set_and_setting_it_again_is_no_change(play):
    async def scenario(world: World):
        await world.client.set_margin_mode("isolated", UNIFIED)
        assert world.account.is_isolated(SYMBOL)
        if world.venue == "binance_usdm":
            with pytest.raises(ccxt.MarginModeAlreadySet):
                await world.client.set_margin_mode("isolated", UNIFIED)
        await world.client.set_margin_mode("cross", UNIFIED)
        assert not world.account.is_isolated(SYMBOL)

    play(scenario)


def test_the_position_mode_is_set_and_two_legs_are_held(play):
    async def scenario(world: World):
        await world.client.load_markets()
        with pytest.raises(ccxt.OperationRejected if world.venue == "binance_usdm" else ccxt.NoChange):
            await world.client.set_position_mode(False, UNIFIED)
        await world.client.set_position_mode(True, UNIFIED)
        assert world.account.hedged
        await world.client.create_order(UNIFIED, "market", "buy", 0.05, None, {"hedged": True})
        await world.client.create_order(UNIFIED, "market", "sell", 0.02, None, {"hedged": True})
        held = await world.client.fetch_positions([UNIFIED])
        assert {(p["side"], p["contracts"]) for p in held} == {("long", 0.05), ("short", 0.02)}

    play(scenario)
