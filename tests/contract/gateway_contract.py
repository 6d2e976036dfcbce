"""What every gateway has to do, whoever fills its orders. A test module inherits it for each implementation."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway_desk import (
    BUY,
    HISTORY,
    SELL,
    SYMBOL,
    Desk,
    TimeInForce,
    limit,
    market,
    play,
    stop,
)
from mastertrading.domain.commands import Outcome, Refusal
from mastertrading.domain.errors import SafetyBlocked
from mastertrading.domain.feed import AccountNews, Bar, StreamGap
from mastertrading.domain.market import HOUR_MS, MINUTE_MS
from mastertrading.domain.orders import Fill, MarginMode, Order, OrderStatus


class GatewayContract:
    """Of any gateway."""

    venue = ""
    closes_positions = True
    """Whether a conditional order may have the size that its position will have."""

    def play(self, scenario):
        return play(scenario, self.venue)

    # ---------------------------------------------------------------- reads
    def test_an_instrument_has_its_tick_lot_minimum_and_ladder(self):
        async def scenario(desk: Desk):
            return (await desk.gateway.instruments([SYMBOL]))[SYMBOL]

        facts = self.play(scenario)
        assert (facts.tick, facts.lot, facts.min_notional) == (Decimal("0.1"), Decimal("0.001"), Decimal(50))
        assert facts.min_lots == 1
        assert [(t.floor, t.maintenance_rate) for t in facts.tiers] == [
            (Decimal(0), Decimal("0.004")),
            (Decimal(500_000), Decimal("0.005")),
            (Decimal(10_000_000), Decimal("0.01")),
        ]

    def test_bars_are_the_closed_ones_of_the_window_ascending_and_each_once(self):
        async def scenario(desk: Desk):
            now = desk.clock.now_ms()
            await desk.clock.sleep(30)
            every = await desk.gateway.bars(SYMBOL, "1m", now - HISTORY * MINUTE_MS, now + 5 * MINUTE_MS)
            some = await desk.gateway.bars(SYMBOL, "1m", now - 10 * MINUTE_MS, now - 7 * MINUTE_MS)
            return now, every, some

        now, every, some = self.play(scenario)
        assert [bar.ts_ms for bar in every] == [now - k * MINUTE_MS for k in range(HISTORY, 0, -1)]
        assert [bar.ts_ms for bar in some] == [now - k * MINUTE_MS for k in (10, 9, 8)]
        assert all(bar.closed and bar.low <= bar.open <= bar.high for bar in every)
        assert every[-1].close == Decimal(60_000)

    def test_funding_is_the_next_charge_with_its_interval(self):
        async def scenario(desk: Desk):
            return desk.clock.now_ms(), await desk.gateway.funding(SYMBOL)

        now, told = self.play(scenario)
        assert told.rate == Decimal("0.0001")
        assert told.interval_ms == 8 * HOUR_MS
        assert 0 < told.next_ms - now <= 8 * HOUR_MS

    def test_settlements_are_the_charges_that_were_made_ascending_from_a_moment_on(self):
        async def scenario(desk: Desk):
            market, moments = desk.exchange.markets[SYMBOL], []
            for rate_e8 in (10_000, -2_500, 7_500):
                await desk.clock.sleep(60)
                desk.exchange.set_funding(SYMBOL, rate_e8=rate_e8)
                market.next_funding_ms = desk.clock.now_ms()
                moments.append(market.next_funding_ms)
                desk.exchange.charge_due(moments[-1] + 1)
            return moments, await desk.gateway.settlements(SYMBOL, moments[1])

        moments, told = self.play(scenario)
        assert [(one.ts_ms, one.rate) for one in told] == [
            (moments[1], Decimal("-0.000025")),
            (moments[2], Decimal("0.000075")),
        ]

    def test_a_book_has_its_best_levels_first_and_does_not_cross(self):
        async def scenario(desk: Desk):
            return await desk.gateway.book(SYMBOL, 5)

        book = self.play(scenario)
        bids, asks = [px for px, _ in book.bids], [px for px, _ in book.asks]
        assert len(bids) == len(asks) == 5
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]

    def test_a_balance_counts_open_profit_in_equity_and_not_in_the_wallet(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1", qty="0.100"))
            await desk.move(61_000)
            return await desk.gateway.balance()

        told = self.play(scenario)
        fee = Decimal("60006.0") * Decimal("0.1") * Decimal("0.0005")
        assert told.wallet == Decimal(10_000) - fee
        assert told.equity == told.wallet + Decimal("99.4")
        assert told.initial_margin > 0
        assert told.available < told.equity

    def test_positions_are_those_that_are_not_flat_with_the_sign_of_their_side(self):
        async def scenario(desk: Desk):
            before = await desk.gateway.positions()
            await desk.gateway.place(market("a1", SELL))
            return before, await desk.gateway.positions()

        before, (position,) = self.play(scenario)
        assert before == ()
        assert (position.symbol, position.qty, position.leg) == (SYMBOL, Decimal("-0.010"), "net")
        assert position.entry_px == Decimal("59994")
        assert position.mark_px == Decimal(60_000)

    def test_payments_are_funding_and_transfers_with_their_signs(self):
        async def scenario(desk: Desk):
            since = desk.clock.now_ms()
            await desk.gateway.place(market("a1"))
            desk.exchange.transfer(desk.account, 500_000_000)
            await desk.clock.sleep(1)
            desk.exchange.markets[SYMBOL].next_funding_ms = desk.clock.now_ms()
            desk.exchange.charge_due(desk.clock.now_ms() + 1)
            return await desk.gateway.payments(since)

        told = self.play(scenario)
        assert [(p.kind, p.amount) for p in told if p.kind == "transfer"][-1] == ("transfer", Decimal(5))
        (funding,) = (p for p in told if p.kind == "funding")
        assert (funding.symbol, funding.amount) == (SYMBOL, Decimal("0.06"))
        assert len({p.payment_id for p in told}) == len(told)

    # ---------------------------------------------------------------- orders
    def test_a_market_order_is_acknowledged_and_fills_with_its_fee(self):
        async def scenario(desk: Desk):
            since = desk.clock.now_ms()
            reply = await desk.gateway.place(market("a1"))
            return reply, await desk.settled("a1"), await desk.gateway.fills(SYMBOL, since)

        reply, order, (fill,) = self.play(scenario)
        assert reply.outcome is Outcome.ACK
        assert reply.order.order_id == order.order_id
        assert (order.status, order.filled_qty, order.avg_px) == (
            OrderStatus.FILLED,
            Decimal("0.010"),
            Decimal("60006"),
        )
        assert (fill.order_id, fill.qty, fill.px, fill.is_maker, fill.cause) == (
            order.order_id,
            Decimal("0.010"),
            Decimal("60006"),
            False,
            "trade",
        )
        assert fill.fee == Decimal("60006") * Decimal("0.01") * Decimal("0.0005")

    def test_a_limit_order_rests_until_the_price_trades_through_it(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(limit("a1", 59_900))
            resting = await desk.gateway.open_orders(SYMBOL)
            await desk.move(59_890)
            return resting, await desk.gateway.open_orders(SYMBOL), await desk.settled("a1")

        (resting,), after, order = self.play(scenario)
        assert (resting.status, resting.limit_px, resting.client_id) == (
            OrderStatus.WORKING,
            Decimal(59_900),
            "a1",
        )
        assert after == ()
        assert (order.status, order.avg_px) == (OrderStatus.FILLED, Decimal(59_900))

    def test_a_post_only_order_that_would_take_leaves_nothing_behind(self):
        async def scenario(desk: Desk):
            reply = await desk.gateway.place(limit("a1", 60_100, time_in_force=TimeInForce.POST_ONLY))
            return reply, await desk.gateway.open_orders(SYMBOL), desk.lots()

        reply, resting, lots = self.play(scenario)
        assert resting == ()
        assert lots == 0
        assert reply.refusal is Refusal.WOULD_TAKE or reply.order is not None

    def test_an_order_for_immediate_execution_does_not_rest(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(limit("a1", 59_000, time_in_force=TimeInForce.IOC))
            return await desk.gateway.open_orders(SYMBOL), desk.lots()

        assert self.play(scenario) == ((), 0)

    def test_a_partial_fill_is_told_and_the_rest_goes_on_working(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(limit("a1", 59_900, qty="0.100"))
            desk.exchange.markets[SYMBOL].budget_lots = 40
            await desk.move(59_890)
            partial, (resting,) = await desk.settled("a1"), await desk.gateway.open_orders(SYMBOL)
            return partial, resting, await desk.gateway.positions()

        partial, resting, (position,) = self.play(scenario)
        assert (partial.status, partial.filled_qty) == (OrderStatus.PARTIAL, Decimal("0.040"))
        assert resting.order_id == partial.order_id
        assert position.qty == Decimal("0.040")

    def test_a_stop_waits_among_the_open_orders_and_its_trigger_closes_the_position(self):
        async def scenario(desk: Desk):
            since = desk.clock.now_ms()
            await desk.gateway.place(market("a1"))
            reply = await desk.gateway.place(stop("s1", 59_500))
            (waiting,) = await desk.gateway.open_orders(SYMBOL)
            await desk.move(59_400)
            after = await desk.gateway.open_orders(SYMBOL)
            return (
                reply,
                waiting,
                after,
                await desk.settled("s1"),
                await desk.gateway.fills(SYMBOL, since),
                desk.lots(),
            )

        reply, waiting, after, order, fills, lots = self.play(scenario)
        assert reply.outcome is Outcome.ACK
        assert waiting.status is OrderStatus.UNTRIGGERED
        assert (waiting.trigger.px, waiting.trigger.above, waiting.reduce_only) == (
            Decimal(59_500),
            False,
            True,
        )
        assert waiting.conditional
        assert after == ()
        assert lots == 0
        assert order.status is OrderStatus.FILLED
        assert fills[-1].order_id in (order.order_id, order.triggered_id)

    def test_a_stop_above_protects_a_short(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1", SELL))
            await desk.gateway.place(stop("s1", 60_500, BUY))
            await desk.move(60_600)
            return desk.lots()

        assert self.play(scenario) == 0

    def test_a_close_position_stop_closes_whatever_the_position_is_by_then(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            reply = await desk.gateway.place(stop("s1", 59_500, qty=None, close_position=True))
            await desk.gateway.place(market("a2", qty="0.005"))
            await desk.move(59_400)
            return reply.outcome, desk.lots(), len(desk.orders())

        outcome, lots, count = self.play(scenario)
        if self.closes_positions:
            assert (outcome, lots) == (Outcome.ACK, 0)
        else:
            assert (outcome, lots, count) == (Outcome.REFUSED, 15, 2)

    def test_a_target_is_a_reduce_only_limit_that_fills_as_maker(self):
        async def scenario(desk: Desk):
            since = desk.clock.now_ms()
            await desk.gateway.place(market("a1"))
            await desk.gateway.place(limit("t1", 60_500, SELL, reduce_only=True))
            await desk.move(60_600)
            return await desk.gateway.fills(SYMBOL, since), desk.lots()

        fills, lots = self.play(scenario)
        assert (fills[-1].is_maker, fills[-1].px, lots) == (True, Decimal(60_500), 0)

    def test_a_reduce_only_order_never_flips_a_position(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            reply = await desk.gateway.place(market("a2", SELL, qty="0.030", reduce_only=True))
            return reply, desk.lots()

        reply, lots = self.play(scenario)
        assert lots in (0, 10)
        assert (lots == 0) == (reply.outcome is Outcome.ACK)

    # ---------------------------------------------------------------- cancels
    def test_a_cancelled_order_is_gone_and_is_still_found(self):
        async def scenario(desk: Desk):
            reply = await desk.gateway.place(limit("a1", 59_900))
            cancel = await desk.gateway.cancel(reply.order)
            return cancel, await desk.gateway.open_orders(), await desk.settled("a1")

        cancel, resting, order = self.play(scenario)
        assert cancel.outcome is Outcome.ACK
        assert resting == ()
        assert order.status is OrderStatus.CANCELLED

    def test_a_conditional_order_is_cancelled_by_its_own_id(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            await desk.gateway.place(stop("s1", 59_500))
            (waiting,) = await desk.gateway.open_orders(SYMBOL)
            cancel = await desk.gateway.cancel(waiting)
            return cancel, await desk.gateway.open_orders(SYMBOL), await desk.settled("s1")

        cancel, resting, order = self.play(scenario)
        assert cancel.outcome is Outcome.ACK
        assert resting == ()
        assert order.status is OrderStatus.CANCELLED

    def test_a_fill_that_comes_before_a_cancel_wins(self):
        async def scenario(desk: Desk):
            reply = await desk.gateway.place(limit("a1", 59_900))
            await desk.move(59_890)
            return await desk.gateway.cancel(reply.order), await desk.settled("a1"), desk.lots()

        cancel, order, lots = self.play(scenario)
        assert (cancel.outcome, cancel.refusal) == (Outcome.REFUSED, Refusal.NO_SUCH_ORDER)
        assert (order.status, lots) == (OrderStatus.FILLED, 10)

    # ---------------------------------------------------------------- finding
    def test_an_order_that_never_was_is_absent(self):
        async def scenario(desk: Desk):
            return await desk.gateway.find_order(SYMBOL, "nobody")

        assert self.play(scenario) is None

    def test_an_open_id_that_is_used_again_is_a_duplicate_and_the_first_order_is_found(self):
        async def scenario(desk: Desk):
            first = await desk.gateway.place(limit("a1", 59_900))
            second = await desk.gateway.place(limit("a1", 59_800))
            return first, second, await desk.settled("a1"), len(desk.orders())

        first, second, found, count = self.play(scenario)
        assert (second.outcome, second.duplicate) == (Outcome.UNKNOWN, True)
        assert found.order_id == first.order.order_id
        assert count == 1

    # ---------------------------------------------------------------- refusals
    @pytest.mark.parametrize(
        ("request_", "word"),
        [
            (limit("a1", 59_900.05), Refusal.PRECISION),
            (limit("a1", 59_900, qty="0.0105"), Refusal.PRECISION),
            (limit("a1", 59_900, qty="90"), Refusal.INSUFFICIENT_MARGIN),
            (stop("s1", 60_500), Refusal.WOULD_TRIGGER),
            (market("a1", SELL, reduce_only=True), Refusal.REDUCE_ONLY),
            (limit("a1", 59_000, qty="0.0001"), None),
            (limit("a1", 70_000), Refusal.PRICE_BAND),
        ],
    )
    def test_a_refused_order_has_the_right_word_and_leaves_nothing(self, request_, word):
        async def scenario(desk: Desk):
            if request_.trigger is not None:
                await desk.gateway.place(market("p1"))
            before = len(desk.orders())
            return await desk.gateway.place(request_), len(desk.orders()) - before

        reply, count = self.play(scenario)
        assert reply.outcome is Outcome.REFUSED, reply
        assert word is None or reply.refusal is word, reply
        assert reply.order is None
        assert count == 0

    # ---------------------------------------------------------------- settings
    def test_a_setting_that_is_so_already_is_acknowledged(self):
        async def scenario(desk: Desk):
            first = await desk.gateway.set_leverage(SYMBOL, 7)
            again = await desk.gateway.set_leverage(SYMBOL, 7)
            return (
                first.outcome,
                again.outcome,
                (await desk.gateway.set_one_way()).outcome,
                desk.account.leverage,
            )

        first, again, one_way, leverage = self.play(scenario)
        assert (first, again, one_way) == (Outcome.ACK,) * 3
        assert leverage[SYMBOL] == 7

    def test_the_margin_mode_is_set(self):
        async def scenario(desk: Desk):
            reply = await desk.gateway.set_margin_mode(SYMBOL, MarginMode.ISOLATED)
            return reply.outcome, desk.account.is_isolated(SYMBOL)

        assert self.play(scenario) == (Outcome.ACK, True)

    # ---------------------------------------------------------------- set-up
    def test_the_venues_time_is_known_and_how_well(self):
        async def scenario(desk: Desk):
            await desk.gateway.sync_clock()
            return abs(desk.gateway.now_ms() - desk.clock.now_ms()), desk.gateway.clock_error_ms

        apart, error = self.play(scenario)
        assert apart <= error + 1
        assert error < 500

    def test_a_set_up_is_put_right_and_read_back(self):
        async def scenario(desk: Desk):
            desk.exchange.set_position_mode(desk.account, True)
            desk.exchange.set_margin_mode(desk.account, None, MarginMode.ISOLATED)
            found = await desk.gateway.verify_setup([SYMBOL, "ETHUSDT"], 5, MarginMode.CROSS)
            return found, desk.account.hedged, desk.account.is_isolated(SYMBOL), dict(desk.account.leverage)

        found, hedged, isolated, leverage = self.play(scenario)
        assert {(one.leverage, one.margin_mode, one.hedged) for one in found} == {
            (5, MarginMode.CROSS, False)
        }
        assert (hedged, isolated, leverage) == (False, False, {SYMBOL: 5, "ETHUSDT": 5})

    def test_a_set_up_that_cannot_be_put_right_is_blocked(self):
        async def scenario(desk: Desk):
            desk.exchange.set_margin_mode(desk.account, None, MarginMode.ISOLATED)
            await desk.gateway.place(market("a1"))
            with pytest.raises(SafetyBlocked, match="not set up"):
                await desk.gateway.verify_setup([SYMBOL], 5, MarginMode.CROSS)

        self.play(scenario)

    def test_a_set_up_that_is_only_looked_at_is_not_changed(self):
        async def scenario(desk: Desk):
            with pytest.raises(SafetyBlocked):
                await desk.gateway.verify_setup([SYMBOL], 5, MarginMode.CROSS, change=False)
            return desk.account.leverage[SYMBOL]

        assert self.play(scenario) == 20

    # ---------------------------------------------------------------- streams
    def test_a_feed_brings_each_closed_bar_once_and_in_order(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
            start = desk.clock.now_ms()
            await desk.clock.sleep(1)
            await desk.minutes(60_010, 60_020, 60_030)
            await desk.clock.sleep(1)
            return start, [event for event in heard if isinstance(event, Bar) and event.closed]

        start, bars = self.play(scenario)
        assert [bar.ts_ms for bar in bars] == [start, start + MINUTE_MS, start + 2 * MINUTE_MS]
        assert bars[-1].open == bars[-1].close == Decimal(60_020)

    def test_news_of_the_account_tell_of_an_order_its_fill_and_the_position(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.account_events())
            await desk.clock.sleep(2)
            await desk.gateway.place(market("a1"))
            await desk.until(lambda: any(isinstance(event, AccountNews) for event in heard))
            return heard

        heard = self.play(scenario)
        assert isinstance(heard[0], StreamGap)
        orders = [event for event in heard if isinstance(event, Order)]
        (fill,) = (event for event in heard if isinstance(event, Fill))
        assert {order.client_id for order in orders} == {"a1"}
        assert orders[-1].status is OrderStatus.FILLED
        assert (fill.client_id, fill.qty, fill.px) == ("a1", Decimal("0.010"), Decimal("60006"))
        topics = {event.topic for event in heard if isinstance(event, AccountNews)}
        assert {"positions", "balance"} <= topics
