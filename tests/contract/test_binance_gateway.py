"""The gateway's contract at Binance USDⓈ-M, and what only it has."""

from __future__ import annotations

from decimal import Decimal

from contract.venue_contract import VenueContract
from gateway_desk import SYMBOL, Desk, limit, market, stop
from mastertrading.domain.commands import Outcome, Refusal
from mastertrading.domain.feed import StreamGap
from mastertrading.domain.orders import Order


class TestBinanceGateway(VenueContract):
    venue = "binance_usdm"
    late_codes = (
        b'{"code":-1000,"msg":"An unknown error occured while processing the request."}',
        b'{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}',
        b'{"code":-1006,"msg":"An unexpected response was received from the message bus."}',
        b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}',
        b'{"code":-1008,"msg":"Server is currently overloaded."}',
        b'{"code":-2010,"msg":"NEW_ORDER_REJECTED"}',
        b'{"code":-98765,"msg":"A code of tomorrow."}',
    )

    def test_a_triggered_stop_names_the_order_that_it_became(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            await desk.gateway.place(stop("s1", 59_500))
            await desk.move(59_400)
            found = await desk.settled("s1")
            (fill,) = (f for f in await desk.gateway.fills(SYMBOL, 1_700_000_000_000) if f.order_side < 0)
            return found, fill

        found, fill = self.play(scenario)
        assert fill.order_id in (found.order_id, found.triggered_id)

    def test_an_attached_stop_is_refused_here_and_not_sent(self):
        async def scenario(desk: Desk):
            reply = await desk.gateway.place(market("a1", attached_stop_px=Decimal(59_500)))
            return reply.outcome, reply.refusal, desk.weather.told

        assert self.play(scenario) == (Outcome.REFUSED, Refusal.BAD_REQUEST, [])

    def test_a_listen_key_that_died_is_replaced_and_the_gap_is_told(self):
        async def scenario(desk: Desk):
            heard = desk.listen(desk.gateway.account_events())
            await desk.clock.sleep(2)
            (facade,) = (f for f in desk.line.facades if f.name == self.venue)
            for key in list(facade.desk.listen_keys.values()):
                facade.desk.end_key(key.account)
            await desk.clock.sleep(10)
            gaps = len([event for event in heard if isinstance(event, StreamGap)])
            await desk.gateway.place(market("a1"))
            await desk.until(lambda: any(isinstance(event, Order) for event in heard))
            return gaps

        assert self.play(scenario) >= 3

    def test_conditional_and_plain_orders_are_never_confused_by_their_ids(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("p1"))
            await desk.gateway.place(stop("s1", 59_500))
            await desk.gateway.place(limit("t1", 60_500, side=-1, reduce_only=True))
            told = {order.client_id: order for order in await desk.gateway.open_orders(SYMBOL)}
            await desk.gateway.cancel(told["t1"])
            return told, await desk.gateway.open_orders(SYMBOL)

        told, (left,) = self.play(scenario)
        assert (told["s1"].conditional, told["t1"].conditional) == (True, False)
        assert left.client_id == "s1"
