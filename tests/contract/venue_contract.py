"""What a gateway to a venue has to do besides, whose requests can be lost and whose streams can be cut."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contract.gateway_contract import GatewayContract
from gateway_desk import (
    BUY,
    SELL,
    SYMBOL,
    Desk,
    is_cancel,
    is_order,
    limit,
    market,
    stop,
)
from mastertrading.domain.commands import Outcome, Refusal
from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.feed import Bar, Funding, Quote, StreamGap
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.orders import MarginMode, Order, OrderKind, OrderRequest, OrderStatus
from mastertrading.exchange.budget import Priority
from mastertrading.simulator.line import Frame
from mastertrading.simulator.orders import Cause, NewOrder
from mastertrading.simulator.wire import Delivery, Response

LOST = {
    "never answered": {"coming": Delivery(lose_reply="hang")},
    "reset": {"coming": Delivery(lose_reply="reset")},
    "cut short": {"coming": Delivery(cut_at=20)},
    "empty": {"spoil": lambda response: Response(200, b"", response.headers)},
    "html": {"spoil": lambda response: Response(200, b"<html>welcome</html>", {"Content-Type": "text/html"})},
    "null": {"spoil": lambda response: Response(200, b"null", response.headers)},
    "an empty object": {"spoil": lambda response: Response(200, b"{}", response.headers)},
    "500": {"spoil": lambda response: Response(500, b"oh", {})},
    "502": {"spoil": lambda response: Response(502, b"<html>", {"Content-Type": "text/html"})},
    "503": {"spoil": lambda response: Response(503, b"", {})},
    "504": {"spoil": lambda response: Response(504, b"", {})},
    "403": {"spoil": lambda response: Response(403, b"<html>", {"Content-Type": "text/html"})},
}


class VenueContract(GatewayContract):
    """Of a gateway with a venue behind a network."""

    late_codes: tuple[bytes, ...] = ()
    """Bodies by which the venue says that it does not know either, or that nobody has read of."""

    # ---------------------------------------------------------------- the set-up before an order
    def test_the_first_entry_finds_its_set_up_put_right_and_the_next_one_asks_no_more(self):
        async def scenario(desk: Desk):
            desk.gateway.require_setup(5, MarginMode.CROSS)
            first = await desk.gateway.place(market("a1"))
            leverage, asked = desk.account.leverage[SYMBOL], len(desk.weather.told)
            second = await desk.gateway.place(market("a2"))
            return first.outcome, second.outcome, leverage, len(desk.weather.told) - asked

        assert self.play(scenario) == (Outcome.ACK, Outcome.ACK, 5, 1)

    def test_no_entry_goes_out_under_another_set_up_and_what_reduces_does(self):
        async def scenario(desk: Desk):
            desk.exchange.set_margin_mode(desk.account, None, MarginMode.ISOLATED)
            await desk.gateway.place(market("a1"))
            desk.gateway.require_setup(5, MarginMode.CROSS)
            entry = await desk.gateway.place(market("a2"))
            close = await desk.gateway.place(market("a3", SELL, reduce_only=True))
            return (
                entry.outcome,
                entry.refusal,
                "not set up" in entry.detail,
                close.outcome,
                len(desk.orders()),
            )

        told = self.play(scenario)
        assert told == (Outcome.REFUSED, Refusal.POSITION_MODE, True, Outcome.ACK, 2)

    def test_a_set_up_that_was_changed_by_hand_is_noticed_within_the_hour(self):
        async def scenario(desk: Desk):
            desk.gateway.require_setup(5, MarginMode.CROSS)
            await desk.gateway.place(market("a1"))
            desk.exchange.set_leverage(desk.account, SYMBOL, 20)
            await desk.clock.sleep(3_601)
            await desk.gateway.place(market("a2"))
            return desk.account.leverage[SYMBOL]

        assert self.play(scenario) == 5

    @pytest.mark.parametrize("how", LOST)
    def test_an_order_whose_reply_is_spoilt_is_unknown_and_is_found_afterwards(self, how):
        async def scenario(desk: Desk):
            desk.weather.set(is_order, **LOST[how])
            reply = await desk.gateway.place(market("a1"))
            desk.gateway.connection.budget.hold(0)
            desk.gateway.connection.budget._held_until = 0.0
            return reply, await desk.gateway.find_order(SYMBOL, "a1"), len(desk.orders())

        reply, found, count = self.play(scenario)
        assert (reply.outcome, reply.order, reply.refusal) == (Outcome.UNKNOWN, None, None)
        assert found.status is OrderStatus.FILLED
        assert count == 1

    @pytest.mark.parametrize("how", LOST)
    def test_a_stop_whose_reply_is_spoilt_is_found_among_the_conditional_ones(self, how):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            desk.weather.set(is_order, **LOST[how])
            reply = await desk.gateway.place(stop("s1", 59_500))
            desk.gateway.connection.budget._held_until = 0.0
            return reply.outcome, await desk.gateway.find_order(SYMBOL, "s1")

        outcome, found = self.play(scenario)
        assert outcome is Outcome.UNKNOWN
        assert (found.status, found.conditional) == (OrderStatus.UNTRIGGERED, True)

    def test_a_reply_that_names_another_order_is_no_ack(self):
        async def scenario(desk: Desk):
            desk.weather.set(
                is_order,
                spoil=lambda response: Response(
                    200, response.body.replace(b'"a1"', b'"b2"'), response.headers
                ),
            )
            return await desk.gateway.place(market("a1"))

        reply = self.play(scenario)
        assert (reply.outcome, reply.order) == (Outcome.UNKNOWN, None)

    def test_a_venue_that_does_not_know_leaves_an_order_unknown(self):
        for body in self.late_codes:

            async def scenario(desk: Desk, body=body):
                answer = Response(self.status_of(body), body, {"Content-Type": "application/json"})
                desk.weather.set(is_order, spoil=lambda response: answer)
                reply = await desk.gateway.place(market("a1"))
                return reply, await desk.gateway.find_order(SYMBOL, "a1")

            reply, found = self.play(scenario)
            assert reply.outcome is Outcome.UNKNOWN, body
            assert reply.code, body
            assert found is not None

    def status_of(self, body: bytes) -> int:
        return 400

    def test_a_request_that_is_lost_on_its_way_leaves_an_order_unknown_and_absent(self):
        async def scenario(desk: Desk):
            desk.weather.set(is_order, going=Delivery(lose_request=True))
            reply = await desk.gateway.place(market("a1"))
            return reply, await desk.gateway.find_order(SYMBOL, "a1")

        reply, found = self.play(scenario)
        assert reply.outcome is Outcome.UNKNOWN
        assert reply.received_ms - reply.sent_ms == 5_000
        assert found is None

    @pytest.mark.parametrize("refuse", ["connect", "dns", "tls"])
    def test_an_order_that_found_no_connection_was_not_sent(self, refuse):
        async def scenario(desk: Desk):
            desk.weather.set(is_order, going=Delivery(refuse=refuse))
            return await desk.gateway.place(market("a1")), len(desk.orders())

        reply, count = self.play(scenario)
        assert (reply.outcome, reply.refusal, count) == (Outcome.REFUSED, Refusal.NOT_SENT, 0)

    def test_each_command_is_one_request(self):
        async def scenario(desk: Desk):
            desk.weather.set(is_order, spoil=lambda response: Response(503, b"", {}))
            await desk.gateway.place(market("a1"))
            return desk.weather.told

        assert len(self.play(scenario)) == 1

    def test_a_late_order_is_refused_by_the_venue_after_its_window(self):
        async def scenario(desk: Desk):
            desk.weather.set(is_order, going=Delivery(request_delay_ms=6_000))
            reply = await desk.gateway.place(market("a1"))
            await desk.clock.sleep(5)
            return reply.outcome, len(desk.orders())

        assert self.play(scenario) == (Outcome.UNKNOWN, 0)

    def test_a_late_order_that_arrives_within_its_window_is_found_only_then(self):
        async def scenario(desk: Desk):
            gateway = desk.gateway
            gateway.connection.ccxt.timeout = 2_000
            desk.weather.set(is_order, going=Delivery(request_delay_ms=4_000))
            reply = await gateway.place(market("a1"))
            before = await gateway.find_order(SYMBOL, "a1")
            await desk.clock.sleep(3)
            return reply.outcome, before, await gateway.find_order(SYMBOL, "a1")

        outcome, before, after = self.play(scenario)
        assert (outcome, before) == (Outcome.UNKNOWN, None)
        assert after.status is OrderStatus.FILLED

    def test_a_cancel_whose_connection_failed_is_unknown_where_it_may_have_been_repeated(self):
        async def scenario(desk: Desk):
            order = (await desk.gateway.place(limit("a1", 59_900))).order
            desk.weather.set(is_cancel, coming=Delivery(lose_reply="reset"), times=2)
            cancel = await desk.gateway.cancel(order)
            return cancel.outcome, await desk.settled("a1")

        outcome, order = self.play(scenario)
        assert outcome is Outcome.UNKNOWN
        assert order.status is OrderStatus.CANCELLED

    # ---------------------------------------------------------------- reads under faults
    @pytest.mark.parametrize("how", LOST)
    def test_a_spoilt_answer_about_positions_is_no_statement(self, how):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            desk.weather.set(lambda request: "osition" in request.path, times=9, **LOST[how])
            with pytest.raises(ExchangeUnavailable):
                await desk.gateway.positions()

        self.play(scenario)

    def test_a_lookup_that_gets_no_answer_does_not_say_absent(self):
        async def scenario(desk: Desk):
            desk.weather.set(
                lambda request: request.method == "GET",
                spoil=lambda response: Response(500, b"", {}),
                times=1,
            )
            with pytest.raises(ExchangeUnavailable):
                await desk.gateway.find_order(SYMBOL, "nobody")

        self.play(scenario)

    # ---------------------------------------------------------------- limits
    def test_retry_after_holds_everybody(self):
        async def scenario(desk: Desk):
            answer = Response(429, b'{"code":-1003,"msg":"Too many requests"}', {"Retry-After": "7"})
            desk.weather.set(lambda request: True, spoil=lambda response: answer)
            with pytest.raises(ExchangeUnavailable):
                await desk.gateway.funding(SYMBOL)
            before = desk.clock.now_ms()
            await desk.gateway.book(SYMBOL, 5)
            return desk.clock.now_ms() - before

        assert 7_000 <= self.play(scenario) <= 7_200

    def test_protection_goes_where_entries_have_spent_their_share_of_the_budget(self):
        async def scenario(desk: Desk):
            gateway = desk.gateway
            order = (await gateway.place(limit("a1", 59_900))).order
            await gateway.place(market("a2"))
            slow = [one for one in gateway.connection.budget.limits.values() if one.window_s >= 5]
            usual = {one.name: 0.8 * one.most for one in slow}
            assert await gateway.connection.budget.take(usual, Priority.USUAL, 70)
            began = desk.clock.now_ms()
            protects = [
                await gateway.place(stop("s1", 59_000)),
                await gateway.cancel(order),
                await gateway.place(market("x1", SELL, reduce_only=True)),
            ]
            found = await gateway.find_order(SYMBOL, "s1")
            held = await gateway.positions()
            passed = desk.clock.now_ms() - began
            return protects, found, held, passed, await gateway.place(market("a3")), len(desk.orders())

        protects, found, held, passed, entry, count = self.play(scenario)
        assert {reply.outcome for reply in protects} == {Outcome.ACK}
        assert found is not None, passed
        assert (held, passed) == ((), 0)
        assert (entry.outcome, entry.refusal, count) == (Outcome.REFUSED, Refusal.NOT_SENT, 4)

    def test_a_refused_clock_is_asked_again_before_the_next_request(self):
        async def scenario(desk: Desk):
            desk.gateway.connection.time._samples.clear()
            desk.gateway.connection.time.heard(desk.clock.now_ms() - 60_000, desk.clock.monotonic())
            first = await desk.gateway.place(market("a1"))
            return first, (await desk.gateway.place(market("a2"))).outcome

        first, second = self.play(scenario)
        assert (first.outcome, first.refusal) == (Outcome.REFUSED, Refusal.CLOCK)
        assert second is Outcome.ACK

    def test_changed_contract_facts_are_loaded_after_a_refusal_for_precision(self):
        async def scenario(desk: Desk):
            before = (await desk.gateway.instruments([SYMBOL]))[SYMBOL].lot
            desk.exchange.change_listing(SYMBOL, lot=Decimal("0.010"))
            reply = await desk.gateway.place(limit("a1", 59_900, qty="0.015"))
            return before, reply.refusal, (await desk.gateway.instruments([SYMBOL]))[SYMBOL].lot

        assert self.play(scenario) == (Decimal("0.001"), Refusal.PRECISION, Decimal("0.010"))

    # ---------------------------------------------------------------- foreign orders, streams
    def test_a_foreign_order_is_seen_with_the_id_that_the_venue_gives_it(self):
        async def scenario(desk: Desk):
            new = NewOrder(SYMBOL, BUY, OrderKind.LIMIT, 10, 599_000)
            desk.exchange.place(desk.account, new, Cause.FOREIGN)
            return await desk.gateway.open_orders()

        (order,) = self.play(scenario)
        assert (order.qty, order.limit_px) == (Decimal("0.010"), Decimal(59_900))

    def test_a_feed_that_was_cut_fills_its_gap_and_repeats_nothing(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
            start = desk.clock.now_ms()
            await desk.clock.sleep(1)
            await desk.minutes(60_010)
            for link in tuple(desk.line.links):
                link.cut()
            desk.weather.dials = lambda venue, request: Delivery(refuse="connect")
            await desk.minutes(60_020, 60_030, 60_040)
            del desk.weather.dials
            await desk.clock.sleep(40)
            await desk.minutes(60_050, 60_060)
            await desk.clock.sleep(5)
            return start, heard

        start, heard = self.play(scenario)
        closed = [event for event in heard if isinstance(event, Bar) and event.closed]
        assert [bar.ts_ms for bar in closed] == [start + k * MINUTE_MS for k in range(6)]
        assert [float(bar.open) for bar in closed] == [60_000, 60_010, 60_020, 60_030, 60_040, 60_050]
        assert any(isinstance(event, StreamGap) for event in heard)

    def test_a_feed_that_is_silent_though_it_answers_pings_is_dialled_again(self):
        async def scenario(desk: Desk):
            desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
            await desk.clock.sleep(1)
            dialled = desk.line.dialled
            desk.weather.frames = lambda link, text: (Frame(text),) if "pong" in text else ()
            await desk.clock.sleep(90)
            return dialled, desk.line.dialled, desk.gateway.staleness_ms

        before, after, ages = self.play(scenario)
        assert after > before
        assert max(ages.values(), default=90_000) >= 30_000

    def test_quotes_and_funding_come_with_the_feed(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
            for k in range(8):
                await desk.clock.sleep(1)
                await desk.move(60_000 + k)
            await desk.clock.sleep(1)
            return heard

        heard = self.play(scenario)
        assert any(isinstance(event, Quote) and event.bid_px for event in heard)
        assert any(isinstance(event, Quote) and event.mark_px for event in heard)
        assert any(isinstance(event, Funding) and event.rate == Decimal("0.0001") for event in heard)

    def test_after_a_charge_the_next_one_is_told_though_its_rate_is_the_same(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.market_events([SYMBOL], "1m"))
            await desk.clock.sleep(1)
            await desk.move(60_000)
            due = (await desk.gateway.funding(SYMBOL)).next_ms
            desk.exchange.charge_due(due + 1)
            for k in range(3):
                await desk.move(60_010 + k)
                await desk.clock.sleep(3)
            return due, [event for event in heard if isinstance(event, Funding)]

        due, heard = self.play(scenario)
        assert {event.rate for event in heard} == {Decimal("0.0001")}
        assert max(event.next_ms for event in heard) > due

    def test_news_that_were_missed_are_told_as_a_gap(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.account_events())
            await desk.clock.sleep(2)
            for link in tuple(desk.line.links):
                link.cut()
            await desk.gateway.place(market("a1"))
            await desk.clock.sleep(5)
            missed = [event for event in heard if isinstance(event, Order)]
            gaps = [event for event in heard if isinstance(event, StreamGap)]
            await desk.gateway.place(market("a2"))
            await desk.until(
                lambda: any(isinstance(event, Order) and event.client_id == "a2" for event in heard)
            )
            return missed, gaps

        missed, gaps = self.play(scenario)
        assert missed == []
        assert len(gaps) >= 3

    def test_ccxt_forgets_what_it_kept_of_streams_and_no_bar_is_lost_by_that(self, monkeypatch):
        monkeypatch.setattr("mastertrading.exchange.connection.FORGET_EVERY", 20)

        async def scenario(desk: Desk):
            kept = desk.gateway.connection.ccxt.ohlcvs
            kept["OLD/USDT:USDT"] = {"1m": []}
            heard = desk.listen(desk.gateway.market_events((SYMBOL,), "1m"))
            await desk.clock.sleep(1)
            await desk.minutes(*(60_000 + 10 * n for n in range(30)))
            await desk.clock.sleep(1)
            return [one.ts_ms for one in heard if isinstance(one, Bar) and one.closed], dict(kept)

        closed, kept = self.play(scenario)
        assert closed == [closed[0] + n * MINUTE_MS for n in range(30)]
        assert "OLD/USDT:USDT" not in kept


__all__ = ["GatewayContract", "OrderRequest", "VenueContract"]
