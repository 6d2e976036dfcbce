"""The gateway's contract at Bybit V5, and what only it has."""

from __future__ import annotations

from decimal import Decimal

from contract.venue_contract import VenueContract
from gateway_desk import SYMBOL, Desk, market
from mastertrading.domain.commands import Outcome
from mastertrading.domain.orders import OrderStatus
from mastertrading.simulator.wire import Response


class TestBybitGateway(VenueContract):
    venue = "bybit_linear"
    closes_positions = False
    late_codes = (
        b'{"retCode":10000,"retMsg":"Server Timeout","result":{},"time":1790000040000}',
        b'{"retCode":10016,"retMsg":"Server error.","result":{},"time":1790000040000}',
        b'{"retCode":10019,"retMsg":"restarting","result":{},"time":1790000040000}',
        b'{"retCode":10429,"retMsg":"System level frequency protection","result":{},"time":1790000040000}',
        b'{"retCode":110079,"retMsg":"The order is processing","result":{},"time":1790000040000}',
        b'{"retCode":987654,"retMsg":"A code of tomorrow.","result":{},"time":1790000040000}',
    )

    def status_of(self, body: bytes) -> int:
        return 200

    def test_an_entry_brings_its_stop_along(self):
        async def scenario(desk: Desk):
            reply = await desk.gateway.place(market("a1", attached_stop_px=Decimal(59_500)))
            (waiting,) = await desk.gateway.open_orders(SYMBOL)
            await desk.move(59_400)
            return reply.outcome, waiting, desk.lots()

        outcome, waiting, lots = self.play(scenario)
        assert outcome is Outcome.ACK
        assert (waiting.trigger.px, waiting.trigger.above) == (Decimal(59_500), False)
        assert lots == 0

    def test_an_acknowledged_order_has_no_status_until_it_was_read(self):
        async def scenario(desk: Desk):
            return (await desk.gateway.place(market("a1"))).order.status, (await desk.settled("a1")).status

        assert self.play(scenario) == (OrderStatus.UNKNOWN, OrderStatus.FILLED)

    def test_an_order_that_realtime_forgot_is_found_in_the_history(self):
        async def scenario(desk: Desk):
            await desk.gateway.place(market("a1"))
            nothing = b'{"retCode":0,"retMsg":"OK","result":{"list":[],"nextPageCursor":""},"time":1}'
            desk.weather.set(
                lambda request: request.path.endswith("/realtime"),
                spoil=lambda response: Response(200, nothing),
            )
            return await desk.gateway.find_order(SYMBOL, "a1")

        assert self.play(scenario).status is OrderStatus.FILLED
